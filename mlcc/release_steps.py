"""RESOLVE, continued: a release as nodes that follow one another, and the node that makes sure it is undone (S11)."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace as Keys
from typing import TYPE_CHECKING, Any

from mlcc.plan import NodeKind
from mlcc.references import as_list
from mlcc.release.adapters import AdapterParamsError, kind_of
from mlcc.spec.scalars import seconds, stretched

if TYPE_CHECKING:
    from mlcc.spec.models import Spec
    from mlcc.spec.releases import Release

ROLLBACK_SUFFIX = "-rollback"
DEPLOY_SUFFIX = "-deploy"
RECONCILE_SUFFIX = "-reconcile"
RESTORE_SUFFIX = "-restore"
NAMED = "release"  # the input of a form that names what to bring back
SCRIPT = "python3 -I .mlcc/release.py"
DRAIN, LEASE, UNDOING = "5s", "2h", "10m"
_VALUE: dict[str, Any] = {
    "secret": None, "var": None, "input": None, "matrix": None, "output": None, "context": None, "as_": "value", "default": None,
}  # fmt: skip
_NOTHING: dict[str, Any] = {
    "deploys": [], "reads": [], "when": None, "retry": 0, "finally_": None, "reports": {}, "path": [],
}  # fmt: skip


def nodes_of(spec: Spec, id: str, release: Release) -> Iterator[tuple[str, NodeKind, Keys]]:
    """Yield the nodes of a release, in order, each with its keys: its steps, what makes sure it is undone, what looks later."""
    environment = release.environment or (id if id in spec.environments else None)
    keys = {
        **vars(release),
        "environment": environment,
        "judge": None,
        "holds": (),
        "drive": None,
        "part": (id, "step"),
        "undone_by": id + ROLLBACK_SUFFIX,
    }
    steps = list(_steps(id, release, keys))
    for name, own in steps:
        yield name, NodeKind.RELEASE, own
    undone = steps[-1][1].rollback
    if undone not in (None, "none"):
        last = {
            **vars(steps[-1][1]),
            **_NOTHING,
            "needs": [name for name, _ in steps],
            "run": undone.run,
            "timeout": undone.timeout,
            "part": (id, "rollback"),
        }
        yield id + ROLLBACK_SUFFIX, NodeKind.ROLLBACK, Keys(**last)
        yield from _started(spec, id, release, last)


def _started(
    spec: Spec, id: str, release: Release, rollback: dict[str, Any]
) -> Iterator[tuple[str, NodeKind, Keys]]:
    """Yield the nodes that only triggers of their own start: what looks for lost candidates, and what a person starts."""
    own = {**rollback, "needs": [], "part": None}
    looks, hand = (getattr(release.rollback, key, None) for key in ("reconcile", "manual"))
    if release.adapter is not None and looks is not None:
        yield (
            id + RECONCILE_SUFFIX,
            NodeKind.RECONCILE,
            Keys(**{**own, "run": f"{SCRIPT} {id} reconcile", "when": _by("reconcile", looks)}),
        )
    if hand is not None:
        forms = (spec.triggers.manual.get(trigger) for trigger in as_list(hand))
        named = any(form is not None and NAMED in form.inputs for form in forms)
        env = {**rollback["env"], **({"MLCC_RESTORE": _value(input=NAMED, default="")} if named else {})}
        run = rollback["run"] if release.adapter is None else f"{SCRIPT} {id} restore"
        yield (
            id + RESTORE_SUFFIX,
            NodeKind.RESTORE,
            Keys(**{**own, "run": run, "when": _by("manual", hand), "env": env}),
        )


def _by(key: str, triggers: object) -> Keys:
    """Return the condition that one of the triggers of a key of `rollback` started the run."""
    keys = ("event", "branch", "tag", "input", "gate", "verdict", "status")
    return Keys(**dict.fromkeys(keys), trigger=triggers, loc=("rollback", key))


def _steps(id: str, release: Release, keys: dict[str, Any]) -> Iterator[tuple[str, Keys]]:
    """Yield one node for a command; for an adapter one that deploys, one for each share of the requests, one that promotes."""
    if release.adapter is None:
        yield id, Keys(**{**keys, "part": (id, "promote")})
        return
    stated = release.rollback if release.rollback not in (None, "none") else None
    undone = Keys(run=f"{SCRIPT} {id} rollback", timeout=getattr(stated, "timeout", UNDOING))
    # Who drives the adapter runs in the project's folder, and the adapter in the node's.
    keys = {
        **keys,
        "rollback": undone,
        "env": {**release.env, "MLCC_RUN": _value(context="run_id")},
        "working_directory": None,
    }
    once: dict[str, Any] = {"finally_": None, "reports": {}}
    first = {"run": f"{SCRIPT} {id} deploy", "part": (id, "deploy")}
    yield id + DEPLOY_SUFFIX, Keys(**{**keys, **once, **first})
    before = id + DEPLOY_SUFFIX
    steps = shares(release)
    for number, (weight, bake) in enumerate(steps):
        judge = Keys(**{**vars(release.canary), "weight": weight, "bake": bake, "from_zero": False})
        within = longest(release, bake)
        own = {
            "run": f"{SCRIPT} {id} step {number}",
            "needs": [before],
            "judge": judge,
            "holds": ("inconclusive",) if judge.on_inconclusive == "hold" else (),
            "retry": 0,  # as of any gate: a second try would turn chance into a pass
            "timeout": f"{within}s",
        }
        before = step_id(id, weight)
        yield before, Keys(**{**keys, **once, **own})
    drive = {
        "release": id,
        "adapter": _compiled(id, release),
        "folder": release.working_directory or "",
        "within": seconds(release.timeout or UNDOING),
        "lease": seconds(getattr(stated, "lease", None) or LEASE),
        "drain": seconds(getattr(stated, "drain", None) or DRAIN),
        "steps": [{"weight": weight, "gate": step_id(id, weight)} for weight, _ in steps],
    }
    last = {"run": f"{SCRIPT} {id} promote", "needs": [before], "drive": drive, "part": (id, "promote")}
    yield id, Keys(**{**keys, **last})


def _value(**stated: str) -> Keys:
    """Return a typed value, as the spec would state it."""
    return Keys(**{**_VALUE, **stated})


def _compiled(id: str, release: Release) -> dict[str, object]:
    """Return what the driver reads of the adapter; nothing where its parameters make no sense."""
    kind, params = kind_of(release.adapter)
    try:
        return {kind.name: kind.compiler().compile(params, id)}
    except AdapterParamsError:  # `check_release` has noted it
        return {}


def shares(release: Release) -> list[tuple[float, str]]:
    """Return the steps of a canary: percent, and how long they are watched."""
    if release.canary is None:
        return []
    bake = release.canary.bake
    return [
        (step, bake) if isinstance(step, int | float) else (step.weight, step.bake or bake)
        for step in release.canary.steps
    ]


def longest(release: Release, bake: str) -> int:
    """Return how many seconds a step may take: what it is watched at most, and the rest."""
    extend = release.canary.max_extend if release.canary is not None else "1x"
    return stretched(bake, extend) + seconds(release.timeout or UNDOING)


def step_id(id: str, weight: float) -> str:
    """Return the id of a step's node: of 2.5 percent, ID-2-5."""
    return f"{id}-{weight:g}".replace(".", "-")
