"""RESOLVE, continued: a release as nodes that follow one another, and the node that makes sure it is undone (S11)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace as Keys
from typing import TYPE_CHECKING, Any

from mlcc.plan import NodeKind
from mlcc.problems import Loc, Problems
from mlcc.references import as_list
from mlcc.release.adapters import AdapterParamsError, kind_of
from mlcc.release_looks import LONGEST, Look, looks, shares
from mlcc.spec.scalars import seconds

if TYPE_CHECKING:
    from mlcc.spec.models import Spec
    from mlcc.spec.releases import Release

ROLLBACK_SUFFIX = "-rollback"
DEPLOY_SUFFIX = "-deploy"
RECONCILE_SUFFIX = "-reconcile"
_OF_AN_ARTIFACT = re.compile(r"\$\{?((?:ARTIFACT|DIGEST)_[A-Z0-9_]+)")
SCRIPT = "python3 -I .mlcc/release.py"
DRAIN, LEASE, UNDOING = "5s", "2h", "10m"
_RUN = Keys(
    secret=None, var=None, input=None, matrix=None, output=None, context="run_id", as_="value", default=None
)
_NOTHING: dict[str, Any] = {
    "deploys": [], "reads": [], "when": None, "retry": 0, "finally_": None, "reports": {}, "path": [], "asks": False,
}  # fmt: skip


def nodes_of(spec: Spec, id: str, release: Release) -> Iterator[tuple[str, NodeKind, Keys]]:
    """Yield the nodes of a release, in order, each with its keys: its steps, what makes sure it is undone, what looks later."""
    environment = release.environment or (id if id in spec.environments else None)
    keys = {
        **vars(release),
        "environment": environment,
        "judge": None,
        "drive": None,
        "undone_by": id + ROLLBACK_SUFFIX,
        "asks": False,
        "wait": 0,
        "live": False,
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
        }
        yield id + ROLLBACK_SUFFIX, NodeKind.ROLLBACK, Keys(**last)
    looks = getattr(release.rollback, "reconcile", None)
    if release.adapter is not None and looks is not None:
        later: dict[str, Any] = {
            "needs": [],
            "run": f"{SCRIPT} {id} reconcile",
            "when": _by(looks),
            "timeout": undone.timeout,
        }
        yield id + RECONCILE_SUFFIX, NodeKind.RECONCILE, Keys(**{**vars(steps[-1][1]), **_NOTHING, **later})


def _by(triggers: object) -> Keys:
    """Return the condition that one of some triggers started the run."""
    keys = ("event", "branch", "tag", "input", "gate", "verdict", "status")
    return Keys(**dict.fromkeys(keys), trigger=triggers)


def _steps(id: str, release: Release, keys: dict[str, Any]) -> Iterator[tuple[str, Keys]]:
    """Yield one node for a command; for an adapter one that deploys, one for each share of the requests, one that promotes."""
    if release.adapter is None:
        yield id, Keys(**{**keys, "asks": True, "live": True})
        return
    stated = release.rollback if release.rollback not in (None, "none") else None
    undone = Keys(run=f"{SCRIPT} {id} rollback", timeout=getattr(stated, "timeout", UNDOING))
    # Who drives the adapter runs in the project's folder, and the adapter in the node's.
    keys = {**keys, "rollback": undone, "env": {**release.env, "MLCC_RUN": _RUN}, "working_directory": None}
    once: dict[str, Any] = {"finally_": None, "reports": {}}
    yield id + DEPLOY_SUFFIX, Keys(**{**keys, **once, "run": f"{SCRIPT} {id} deploy", "asks": True})
    before = id + DEPLOY_SUFFIX
    steps = looks(id, release)
    for number, look in enumerate(steps):
        own = {
            "run": f"{SCRIPT} {id} step {number}",
            "needs": [before],
            "judge": _judge(release, look),
            "retry": 0,  # as of any gate: a second try would turn chance into a pass
            "timeout": f"{look.longest + seconds(release.timeout or UNDOING)}s",
            "wait": look.pause,
        }
        before = look.id
        yield before, Keys(**{**keys, **once, **own})
    drive = {
        "release": id,
        "adapter": _compiled(id, release),
        "folder": release.working_directory or "",
        "within": seconds(release.timeout or UNDOING),
        "lease": seconds(getattr(stated, "lease", None) or LEASE),
        "drain": seconds(getattr(stated, "drain", None) or DRAIN),
        "steps": [{"weight": look.weight, "gate": look.id} for look in steps],
    }
    promoted = {"run": f"{SCRIPT} {id} promote", "needs": [before], "drive": drive, "live": True}
    yield id, Keys(**{**keys, **promoted})


def _judge(release: Release, look: Look) -> Keys:
    """Return the parameters of the gate that a step asks. What a first look can't show, the step's second one can."""
    own = {"weight": look.weight, "bake": f"{look.bake}s", "from_zero": False, "part": look.part}
    return Keys(**{**vars(release.canary), **own, **({"traffic": None} if look.first else {})})


def _compiled(id: str, release: Release) -> dict[str, object]:
    """Return what the driver reads of the adapter; nothing where its parameters make no sense."""
    kind, params = kind_of(release.adapter)
    try:
        return {kind.name: kind.compiler().compile(params, id)}
    except AdapterParamsError:  # `check_release` has noted it
        return {}


def check_release(spec: Spec, id: str, release: Release, problems: Problems) -> None:
    """Note what makes no sense for a release."""
    loc: Loc = ("releases", id)
    if release.environment is None and id not in spec.environments:
        problems.add(
            "no-environment", f"the release '{id}' goes into the environment of its id, and there is none", loc, key=True,
            help=f"add `environments: {{{id}: {{}}}}`, or name another under `environment`",
        )  # fmt: skip
    if release.matrix is not None:
        problems.add(
            "release-matrix", "a release is one whole: with legs, one could be undone while another stays", (*loc, "matrix"),
            key=True, help="write a release for each, or loop in its command",
        )  # fmt: skip
    if release.cache:
        problems.add(
            "release-cache", "what is deployed mustn't depend on what another run left behind", (*loc, "cache"), key=True,
            help="let a job with the cache write an artifact, and name that under `deploys`",
        )  # fmt: skip
    if any(condition.status is not None for condition in as_list(release.when)):
        problems.add(
            "release-status", "a release follows what passed, not how others ended", (*loc, "when"), key=True,
            help="name what must end first under `needs`",
        )  # fmt: skip
    _check_rollback(release, loc, problems)
    _check_reconcile(release, loc, problems)
    _check_adapter(id, release, loc, problems)
    _check_canary(release, loc, problems)


def _check_adapter(id: str, release: Release, loc: Loc, problems: Problems) -> None:
    """Note parameters that make no sense, and shares of the requests that the adapter can't set."""
    if release.adapter is None:
        return
    kind, params = kind_of(release.adapter)
    where: Loc = (*loc, "adapter", kind.name)
    try:
        kind.compiler().compile(params, id)
    except AdapterParamsError as problem:
        problems.add("bad-adapter", problem.message, (*where, *problem.loc), help=problem.help)
    if release.canary is None:
        return
    for number, (step, (weight, _)) in enumerate(zip(release.canary.steps, shares(release), strict=True)):
        refusal = kind.refusal(weight)
        if refusal is not None and kind.digits is None:
            problems.add(
                "bad-canary", refusal, (*loc, "canary"), key=True,
                help="leave `canary` out: a gate judges what is released before, and `rollback` brings back what was live",
            )  # fmt: skip
            return
        if refusal is not None:
            inside: Loc = () if isinstance(step, int | float) else ("weight",)
            problems.add("bad-canary", refusal, (*loc, "canary", "steps", number, *inside))


def _check_rollback(release: Release, loc: Loc, problems: Problems) -> None:
    own = release.rollback
    if release.adapter is None:
        if own is None or (own != "none" and own.run is None):
            problems.add(
                "no-rollback", "it isn't said what undoes this release", loc, key=True,
                help="`rollback: {run: …}`, or `rollback: none` where nothing can",
            )  # fmt: skip
        for key in ("drain", "lease", "reconcile"):
            if own not in (None, "none") and getattr(own, key) is not None:
                problems.add(
                    "bad-rollback",
                    f"`{key}` is for releases with an `adapter`",
                    (*loc, "rollback", key),
                    key=True,
                )
        named = _OF_AN_ARTIFACT.search(getattr(own, "run", None) or "")
        if named is not None:
            problems.add(
                "rollback-artifact", f"a rollback takes no artifact: {named.group(1)} is unset there", (*loc, "rollback", "run"),
                help="let it bring back what ran before, which isn't what was deployed",
            )  # fmt: skip
    elif own == "none" or (own is not None and own.run is not None):
        problems.add("bad-rollback", "an adapter's own verb undoes the release", (*loc, "rollback"), key=True)


def _check_reconcile(release: Release, loc: Loc, problems: Problems) -> None:
    if getattr(release.rollback, "reconcile", None) is None:
        return
    for name, value in release.env.items():
        if getattr(value, "output", None) is not None:
            problems.add(
                "bad-rollback", f"{name} comes from a job of the run, and what reconciles runs without it", (*loc, "env", name),
                help="give it as a text, a variable or a secret, or leave `reconcile` out",
            )  # fmt: skip


def _check_canary(release: Release, loc: Loc, problems: Problems) -> None:
    if release.canary is None:
        return
    if release.adapter is None:
        problems.add(
            "bad-canary", "a command can't give a candidate a share of the requests", (*loc, "canary"), key=True,
            help="release through an `adapter`",
        )  # fmt: skip
    weights = [weight for weight, _ in shares(release)]
    if weights != sorted(set(weights)) or not all(0.01 <= weight <= 99.99 for weight in weights):
        problems.add(
            "bad-canary", "each step's share is larger than the one before, from 0.01 to 99.99 percent", (*loc, "canary", "steps")
        )  # fmt: skip
    if any(seconds(bake) > LONGEST for _, bake in shares(release)):
        problems.add(
            "bad-canary", "a step is watched for 7d at most", (*loc, "canary"), key=True,
            help="let `bake` be 7d or less",
        )  # fmt: skip
    _check_lease(release, loc, problems)


def _check_lease(release: Release, loc: Loc, problems: Problems) -> None:
    """Note a lease that ends while a step is still watched: what reconciles would take a sound candidate away.

    A step's second node gives a new lease, after the wait: until then the first one's must hold.
    """
    stated = getattr(release.rollback, "lease", None)
    longest = max(seconds(bake) for _, bake in shares(release)) + seconds(release.timeout or UNDOING)
    if seconds(stated or LEASE) < longest:
        where: Loc = (*loc, "rollback", "lease") if stated else (*loc, "canary")
        problems.add(
            "bad-rollback", f"the lease ({stated or LEASE}) ends before a step may have: it takes up to {longest} s", where,
            key=True, help=f"let `rollback.lease` be {-(-longest // 3600)}h or more, or the steps shorter",
        )  # fmt: skip
