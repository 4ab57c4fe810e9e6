"""Broken specs about versions of registered models."""

from __future__ import annotations

from tests.planning.case import Case

ENTRY = "registry: {mlflow: https://mlflow.example, model: credit}"
WRITER = "jobs: {fit: {run: make, writes: [model]}}\n"
READER = "jobs: {use: {run: make, reads: [model]}}\n"
REGISTRIES = (
    Case(
        "a registered artifact that no job writes", "artifacts: {model: {kind: model, path: m/, ◆" + ENTRY + "}}\n" + READER,
        "bad-registry", "no job writes 'model', so that nothing registers it",
        help="add 'model' to the `writes` of a job; or fetch a version: "
        "`from: {registry: {mlflow: …, model: …, alias: champion}}`",
    ),
    Case(
        "a registered artifact that is fetched",
        "artifacts: {model: {kind: model, path: m/, ◆" + ENTRY + ", from: {command: make}}}\n" + READER,
        "bad-registry", "no job writes 'model', so that nothing registers it",
        help="add 'model' to the `writes` of a job; or fetch a version: "
        "`from: {registry: {mlflow: …, model: …, alias: champion}}`",
    ),
    Case(
        "a registered artifact in a warehouse",
        "artifacts: {model: {kind: data, ①table: postgres://s.t, ◆" + ENTRY + "}}\n" + READER,
        "bad-registry", "'model' lies at its `table` and stays there, so that it is no version of a model", ("where it lies",),
        help="say under `path` where a job writes it",
    ),
    Case(
        "a registered artifact in a store",
        "store: {uri: stored/}\nartifacts: {model: {kind: model, path: m/, ①" + ENTRY + ", ◆store: true}}\n" + WRITER,
        "bad-registry", "the registry keeps the bytes of 'model', and the store can't keep them, too", ("the registry",),
        help="take out `store`",
    ),
    Case(
        "a registered artifact that may be absent",
        "store: {uri: stored/}\nartifacts: {old: {kind: model, path: o/, from: {release: live}, first: none}, "
        "good: {kind: model, path: g/}, model: {kind: model, path: m/, ①" + ENTRY + ", ◆first: none}}\n"
        "jobs: {train: {run: x, reads: [old], writes: [model]}, make: {run: x, writes: [good]}}\n"
        "environments: {live: {}}\nreleases: {live: {deploys: [good], run: x, rollback: none}}\n",
        "bad-registry", "'model' may be absent, and a version of a model has files", ("the registry",),
        help="take out one of them",
    ),
    Case(
        "registered data", "artifacts: {model: {kind: ◆data, path: m/, " + ENTRY + "}}\n" + WRITER,
        "bad-registry", "a registry holds models, and 'model' is of kind data",
    ),
    Case(
        "a registered model of many legs",
        "artifacts: {model: {kind: model, path: m/, ◆" + ENTRY + "}}\n"
        "jobs: {①fit: {run: make, writes: [model], matrix: {axes: {a: [1, 2]}}}}\n",
        "matrix-registers", "'fit' runs once per leg, and 'model' is one version of credit", ("the matrix",),
        help="let one job read what the legs wrote and write the model that is registered",
    ),
    Case(
        "a registered model with a server of its own beside it",
        "artifacts: {model: {kind: model, path: m/, registry: {①mlflow: https://a.example, model: credit}, "
        "env: {MLFLOW_TRACKING_URI: ◆https://b.example}}}\n" + WRITER,
        "bad-registry", "MLFLOW_TRACKING_URI is what `mlflow` says, and comes with 'model'", ("the server",), help="take it out",
    ),
    Case(
        "a node that says another server",
        "artifacts: {①model: {kind: model, path: m/, " + ENTRY + "}}\n"
        "jobs: {◆fit: {run: make, writes: [model], env: {MLFLOW_TRACKING_URI: https://b.example}}}\n",
        "two-registries", "'model' is known to another server than MLFLOW_TRACKING_URI of 'fit' names", ("the model",),
        help="take MLFLOW_TRACKING_URI out of `env` (of `defaults`, too): it comes with the model; or name that server there",
    ),
    Case(
        "a version that is named twice",
        "artifacts: {model: {kind: model, path: m/, from: {registry: {mlflow: https://a.example, model: credit, "
        "①alias: champion, ◆version: 7}}}}\n" + READER,
        "one-of", "`alias` and `version` exclude each other", ("the other",), help="keep one of them",
    ),
    Case(
        "an alias of a version that MLflow keeps for itself",
        "artifacts: {model: {kind: model, path: m/, from: {registry: {mlflow: https://a.example, model: credit, "
        "alias: ◆latest}}}}\n" + READER,
        "bad-value", "an alias has letters, digits, '_' and '-'; `latest` and those such as v1 are MLflow's own (a number is "
        "`version`)",
    ),
    Case(
        "a tracking server with a password in its address",
        "artifacts: {model: {kind: model, path: m/, registry: {mlflow: ◆https://me:x@a.example, model: credit}}}\n" + WRITER,
        "bad-value",
        "a tracking server is https://HOST or http://HOST, with a port and a path if need be; who asks is told by `env`",
    ),
)  # fmt: skip
