"""How strings get into each place of a release that holds free text, and where the driver must read them, unchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

from mlcc.plan.document import lines
from mlcc.release.adapters import ADAPTERS, AdapterParamsError
from mlcc.spec.tabulate import shapes_by_model
from tests.injection.fields import Field, Tree, command, each, releases

_PUBLISH = {"publish": "./publish.sh"}
# Adapter -> parameters that make sense.
SENSIBLE: dict[str, Tree] = {
    "nginx": {
        "name": "shop", "folder": "/srv/shop", "ports": [8001, 8002, 8003], "status": 8009,
        "start": "a", "stop": "b", "reload": "c",
    },
    "kserve": {"service": "shop", "storage_uri": "s3://m/{release}", **_PUBLISH},
    "argo_rollouts": {"rollout": "shop", "container": "c", "image": "r/x:{release}", **_PUBLISH},
    "sagemaker": {"endpoint": "shop", **_PUBLISH},
    "vertex": {"endpoint": "1", "region": "r", "project": "p", "model": "x-{release}", "machine_type": "n1", **_PUBLISH},
    "mlflow_alias": {"url": "https://mlflow.example", "model": "shop", **_PUBLISH},
}  # fmt: skip
# Adapter -> what the driver calls a parameter, where that has another name.
NAMES = {
    "kserve": {"service": "name", "storage_uri": "what"},
    "argo_rollouts": {"rollout": "name", "image": "what"},
}
COMMANDS = ("start", "stop", "reload", "publish")
SLASHED = ("folder", "url")


def refused(adapter: str, key: str) -> Callable[[str], str | None]:
    """Return what tells the code by which the adapter refuses a text."""
    kind = ADAPTERS[adapter]
    (shape,) = [shape for model, shape in shapes_by_model(kind.params()).items() if model is kind.params()]
    defaults = {name: one.default for name, one in shape.keys.items()}

    def code(text: str) -> str | None:
        try:
            kind.compiler().compile(SimpleNamespace(**{**defaults, **SENSIBLE[adapter], key: text}), "n0")
        except AdapterParamsError:
            return "bad-adapter"
        return None

    return code


def field(adapter: str, key: str) -> Field:
    """Return the place of an adapter's parameter."""
    model = ADAPTERS[adapter].params().__name__
    name = NAMES.get(adapter, {}).get(key, key)
    return Field(
        f"{model}.{key}",
        lambda t: releases(t, lambda x: {"adapter": {adapter: {**SENSIBLE[adapter], key: x}}}),
        lambda t: [
            (f"release n{i}", ("adapter", adapter, name), x.rstrip("/") if key in SLASHED else x)
            for i, x in enumerate(t)
        ],
        most=60,
        form=command if key in COMMANDS else str,
        refuses=refused(adapter, key),
    )


def _previews(texts: Sequence[str], make: Callable[[str], Tree]) -> Tree:
    """Return a spec with a release for each string, which pull requests preview."""
    made = releases(texts, lambda x: {"run": "true", "rollback": "none", "preview": make(x)})
    made["triggers"]["pull_request"] = {"branches": ["main"]}
    return made


PLACES = {
    "nginx": ("folder", "start", "stop", "liveness", "reload"),
    "kserve": ("service", "namespace", "storage_uri", "publish"),
    "argo_rollouts": ("rollout", "namespace", "container", "image", "publish"),
    "sagemaker": ("endpoint", "publish"),
    "vertex": ("endpoint", "region", "project", "model", "machine_type", "publish"),
    "mlflow_alias": ("url", "model", "alias", "publish"),
}
RELEASES = (
    Field(
        "Release.run", lambda t: releases(t, lambda x: {"run": x, "rollback": "none"}), each("run", value=lines), most=100,
        form=command,
    ),
    Field(
        "Rollback.run", lambda t: releases(t, lambda x: {"run": "true", "rollback": {"run": x}}),
        lambda t: [("plan", ("nodes", f"n{i}-rollback", "run"), lines(x)) for i, x in enumerate(t)], most=100, form=command,
    ),
    Field(
        "Adapter.command", lambda t: releases(t, lambda x: {"adapter": {"command": x}}),
        lambda t: [(f"release n{i}", ("adapter", "command"), x) for i, x in enumerate(t)], most=60, form=command,
    ),
    Field(
        "Preview.run", lambda t: _previews(t, lambda x: {"run": x}),
        lambda t: [("plan", ("nodes", f"n{i}-preview", "run"), lines(x)) for i, x in enumerate(t)], most=100, form=command,
    ),
    Field(
        "Preview.report", lambda t: _previews(t, lambda x: {"run": "true", "report": x}),
        lambda t: [("plan", ("nodes", f"n{i}-preview", "reports", "preview", "path"), x) for i, x in enumerate(t)], most=100,
    ),
    Field(
        "Preview.env{}=", lambda t: _previews(t, lambda x: {"run": "true", "env": {"A": x}}),
        lambda t: [("plan", ("nodes", f"n{i}-preview", "env", "A", "text"), x) for i, x in enumerate(t)], most=100,
    ),
    *(field(adapter, key) for adapter, keys in PLACES.items() for key in keys),
)  # fmt: skip
