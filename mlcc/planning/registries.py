"""Artifacts that are versions of registered models: what the plan has of them, and what makes no sense there.

A job registers what it writes, and the number of the version travels; or a node of its own fetches a version, once a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import relpath
from typing import Any

from mlcc.plan import Artifact, Command, Registry, Take, Text, Variable
from mlcc.planning.values import values_of
from mlcc.problems import Loc, Problems
from mlcc.resolving.resolved import ResolvedNode

TRACKING = "MLFLOW_TRACKING_URI"
"""What MLflow's own programs take for the server's address: https://mlflow.org/docs/latest/api_reference/python_api/mlflow.environment_variables.html"""


def registry_of(id: str, raw: Any, writer: ResolvedNode | None, problems: Problems) -> Registry | None:
    """Return the registry of an artifact of the spec, None without one; what can't be registered or fetched is reported."""
    fetched = None if raw.from_ is None else raw.from_.registry
    stated = raw.registry or fetched
    if stated is None:
        return None
    loc: Loc = (
        ("artifacts", id, "registry") if raw.registry is not None else ("artifacts", id, "from", "registry")
    )
    if raw.registry is not None and not _can_register(id, raw, writer, problems):
        return None
    if raw.kind != "model":
        problems.add(
            "bad-registry",
            f"a registry holds models, and '{id}' is of kind {raw.kind}",
            ("artifacts", id, "kind"),
        )
    if writer is not None and len(writer.legs) > 1:
        problems.add(
            "matrix-registers", f"'{writer.id}' runs once per leg, and '{id}' is one version of {stated.model}", loc, key=True,
            others=((writer.loc, "the matrix"),),
            help="let one job read what the legs wrote and write the model that is registered",
        )  # fmt: skip
    which = "" if fetched is None else f"@{fetched.alias}" if fetched.alias else str(fetched.version)
    server = Text(stated.mlflow) if isinstance(stated.mlflow, str) else Variable(stated.mlflow.var)
    return Registry(stated.model, server, which)


def _can_register(id: str, raw: Any, writer: ResolvedNode | None, problems: Problems) -> bool:
    """Report what keeps an artifact from being registered; false: nothing else about it is worth saying."""
    loc: Loc = ("artifacts", id)
    elsewhere = next((key for key in ("uri", "table") if getattr(raw, key) is not None), None)
    if elsewhere is not None:
        problems.add(
            "bad-registry", f"'{id}' lies at its `{elsewhere}` and stays there, so that it is no version of a model",
            (*loc, "registry"), key=True, others=(((*loc, elsewhere), "where it lies"),),
            help="say under `path` where a job writes it",
        )  # fmt: skip
        return False
    if raw.from_ is not None or writer is None:
        problems.add(
            "bad-registry", f"no job writes '{id}', so that nothing registers it", (*loc, "registry"), key=True,
            help=f"add '{id}' to the `writes` of a job; or fetch a version: "
            "`from: {registry: {mlflow: …, model: …, alias: champion}}`",
        )  # fmt: skip
    if raw.store:
        problems.add(
            "bad-registry", f"the registry keeps the bytes of '{id}', and the store can't keep them, too", (*loc, "store"),
            key=True, others=(((*loc, "registry"), "the registry"),), help="take out `store`",
        )  # fmt: skip
    if raw.first is not None:
        problems.add(
            "bad-registry", f"'{id}' may be absent, and a version of a model has files", (*loc, "first"), key=True,
            others=(((*loc, "registry"), "the registry"),), help="take out one of them",
        )  # fmt: skip
    if TRACKING in raw.env:
        problems.add(
            "bad-registry", f"{TRACKING} is what `mlflow` says, and comes with '{id}'", (*loc, "env", TRACKING),
            others=(((*loc, "registry", "mlflow"), "the server"),), help="take it out",
        )  # fmt: skip
    return True


def registries_of(
    takes: tuple[Take, ...], writes: tuple[str, ...], artifacts: Mapping[str, Artifact]
) -> dict[str, Registry]:
    """Return artifact -> registry of what a node registers or fetches.

    Of what a node of its own fetches, others get the bytes from it.
    """
    found = {id: artifacts[id].registry for id in writes if id in artifacts}
    taken = {take.artifact: artifacts[take.artifact].registry for take in takes}
    found.update(
        {id: registry for id, registry in taken.items() if registry is not None and not registry.which}
    )
    return {id: registry for id, registry in found.items() if registry is not None}


def fetch_command(artifact: Artifact, node: ResolvedNode) -> Command:
    """Return what fetches a version. What installs things for other commands isn't run for it, unless it says so itself."""
    registry = artifact.registry
    assert registry is not None
    folder = node.working_directory or "."
    path = relpath(artifact.paths[0], folder) + ("/" if artifact.paths[0].endswith("/") else "")
    words = ("take", registry.model, registry.which, path, version_name(artifact.id))
    quoted = " ".join("'" + word.replace("'", "'\"'\"'") + "'" for word in words)
    script = "'" + relpath(".mlcc/registry.py", folder).replace("'", "'\"'\"'") + "'"
    return Command(() if node.spec.setup is None else node.setup, f"python3 -I {script} {quoted}")


def version_name(id: str) -> str:
    """Return the variable that has the number of an artifact's version: see mlcc/runtime/registered.py."""
    return f"VERSION_{id.upper().replace('-', '_')}"


def check_server(node: ResolvedNode, used: Mapping[str, Registry], problems: Problems) -> None:
    """Report a node that says another server than a model that it registers or fetches. `used` is by artifact."""
    own = dict(values_of(node.env)).get(TRACKING)
    for id, registry in used.items():
        if own is not None and own != registry.server:
            problems.add(
                "two-registries", f"'{id}' is known to another server than {TRACKING} of '{node.id}' names", node.loc, key=True,
                others=((("artifacts", id), "the model"),),
                help=f"take {TRACKING} out of `env` (of `defaults`, too): it comes with the model; or name that server there",
            )  # fmt: skip
