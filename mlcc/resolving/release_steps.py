"""RESOLVE, continued: a release as nodes that follow one another, and the node that makes sure it is undone (S11)."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace as Keys
from typing import TYPE_CHECKING, Any, cast

from mlcc.gates.canary.compile import ALONE
from mlcc.plan import NodeKind
from mlcc.planning.triggers import UNDONE_BY
from mlcc.problems import Loc
from mlcc.release.adapters import AdapterParamsError, kind_of
from mlcc.resolving.profiles import filled
from mlcc.resolving.references import as_list
from mlcc.resolving.release_looks import Look, looks, looks_of
from mlcc.spec.scalars import seconds

if TYPE_CHECKING:
    from mlcc.spec.models import Spec
    from mlcc.spec.releases import Preview, Release

ROLLBACK_SUFFIX = "-rollback"
DEPLOY_SUFFIX = "-deploy"
RECONCILE_SUFFIX = "-reconcile"
RESTORE_SUFFIX = "-restore"
VERIFY_SUFFIX = "-verify"
LIVE_SUFFIX = "-live"
PREVIEW_SUFFIX = "-preview"
VERIFYING = ("answers", "command")  # the kinds of gates that can
UNDONE = ["UNDONE", "REACHED", "LIVE"]  # what the driver tells of what it took away; see mlcc.release.main
NAMED = "release"  # the input of a form that names what to bring back
SCRIPT = "python3 -I .mlcc/release.py"
DRAIN, LEASE, UNDOING = "5s", "2h", "10m"
_VALUE: dict[str, Any] = {
    "secret": None, "var": None, "input": None, "matrix": None, "output": None, "context": None, "as_": "value", "default": None,
}  # fmt: skip
_NOTHING: dict[str, Any] = {
    "deploys": [], "reads": [], "when": None, "retry": 0, "finally_": None, "reports": {}, "path": [], "judge": None,
    "asks": False, "wait": 0,
}  # fmt: skip
_ONCE: dict[str, Any] = {"finally_": None, "reports": {}}  # of all steps one is the release's own


def nodes_of(spec: Spec, id: str, release: Release) -> Iterator[tuple[str, NodeKind, Keys]]:
    """Yield the nodes of a release, in order, each with its keys: its steps, what makes sure it is undone, what looks later."""
    environment = release.environment or (id if id in spec.environments else None)
    release = cast("Release", Keys(**filled(vars(release), spec.profiles.get(release.profile or ""))))
    keys = {
        **vars(release),
        "path": [*release.path, *_asked_by(release)],
        "environment": environment,
        "judge": None,
        "holds": (),
        "drive": None,
        "part": (id, "step"),
        "undone_by": id + ROLLBACK_SUFFIX,
        "asks": False,
        "wait": 0,
        "live": False,
        "tags": (),
    }
    steps = list(_steps(spec, id, release, keys))
    for name, own in steps:
        yield name, NodeKind.RELEASE, own
    if release.preview is not None:
        yield id + PREVIEW_SUFFIX, NodeKind.PREVIEW, _preview(release.preview, keys)
    undone = steps[-1][1].rollback
    if undone not in (None, "none"):
        last = {
            **vars(steps[-1][1]),
            **_NOTHING,
            "needs": [name for name, _ in steps],
            "run": undone.run,
            "timeout": undone.timeout,
            "part": (id, "rollback"),
            "tags": tuple(release.deploys),
            "outputs": UNDONE if release.adapter is not None else [],
        }
        yield id + ROLLBACK_SUFFIX, NodeKind.ROLLBACK, Keys(**last)
        yield from _started(spec, id, release, last)


def _started(
    spec: Spec, id: str, release: Release, rollback: dict[str, Any]
) -> Iterator[tuple[str, NodeKind, Keys]]:
    """Yield the nodes that only triggers of their own start: what looks for lost candidates, and what a person starts."""
    own = {
        **rollback,
        "needs": [],
        "part": (id, "undo"),
    }
    looks, hand = (getattr(release.rollback, key, None) for key in UNDONE_BY)
    if release.adapter is not None and looks is not None:
        when = _condition(("rollback", "reconcile"), trigger=looks)
        # Of a candidate that was never live no tag has moved.
        reconcile = {"run": f"{SCRIPT} {id} reconcile", "when": when, "tags": ()}
        yield id + RECONCILE_SUFFIX, NodeKind.RECONCILE, Keys(**{**own, **reconcile})
    if hand is not None:
        restore = {
            "run": rollback["run"] if release.adapter is None else f"{SCRIPT} {id} restore",
            "when": _condition(("rollback", "manual"), trigger=hand),
            "env": {**rollback["env"], **_named(spec, hand)},
        }
        yield id + RESTORE_SUFFIX, NodeKind.RESTORE, Keys(**{**own, **restore})


def _named(spec: Spec, triggers: object) -> dict[str, Keys]:
    """Return the variable with which a form names what to bring back; none where no form has that input."""
    forms = (spec.triggers.manual.get(trigger) for trigger in as_list(triggers))
    named = any(form is not None and NAMED in form.inputs for form in forms)
    return {"MLCC_RESTORE": _value(input=NAMED, default="")} if named else {}


def _preview(shown: Preview, keys: dict[str, Any]) -> Keys:
    """Return what shows on a pull request what the release would do: with nothing that is the environment's."""
    report = None if shown.report is None else Keys(path=shown.report, format="markdown")
    own: dict[str, Any] = {
        "run": shown.run, "env": shown.env, "environment": None, "auth": [], "needs": [], "retry": 0, "finally_": None,
        "services": {}, "runner": None, "profile": None,
        "reports": {} if report is None else {"preview": report}, "part": None,
        "when": _condition(("preview",), event="pull_request"),
    }  # fmt: skip
    return Keys(**{**keys, **own})


def _condition(loc: Loc, **stated: object) -> Keys:
    """Return the condition that a key implies; `loc` is the key."""
    keys = ("event", "branch", "tag", "trigger", "input", "gate", "verdict", "status")
    return Keys(**{**dict.fromkeys(keys), **stated}, loc=loc)


def _steps(spec: Spec, id: str, release: Release, keys: dict[str, Any]) -> Iterator[tuple[str, Keys]]:
    """Yield the nodes that release, each after the one before; the first asks a person where the environment says so."""
    if release.adapter is not None:
        yield from _driven(spec, id, release, keys)
        return
    # One node deploys and asks what it deployed: another release that came between would be asked instead.
    judge = None if release.verify is None else _verification(release, "compile", asked=True)
    yield id, Keys(**{**keys, **_made_live(id, release), "judge": judge, "asks": True})


def _made_live(id: str, release: Release) -> dict[str, Any]:
    """Return what differs in the node after which the release is live."""
    return {"live": True, "part": (id, "promote"), "tags": tuple(release.deploys)}


def _driven(spec: Spec, id: str, release: Release, keys: dict[str, Any]) -> Iterator[tuple[str, Keys]]:
    """Yield the nodes that drive an adapter: one deploys, one asks the candidate, one or two for each share of the requests,
    one promotes, one or two watch what is live then."""
    stated = release.rollback if release.rollback not in (None, "none") else None
    # Who drives the adapter runs in the project's folder, and the adapter in the node's.
    keys = {
        **keys,
        "rollback": Keys(run=f"{SCRIPT} {id} rollback", timeout=getattr(stated, "timeout", UNDOING)),
        "env": {**release.env, "MLCC_RUN": _value(context="run_id")},
        "working_directory": "",
    }
    steps, after = looks(id, release), _looks_after(id, release)
    drive = {
        "release": id,
        "adapter": _compiled(id, release),
        "folder": release.working_directory or spec.defaults.working_directory or "",
        "within": seconds(release.timeout or UNDOING),
        "lease": seconds(getattr(stated, "lease", None) or LEASE),
        "drain": seconds(getattr(stated, "drain", None) or DRAIN),
        "steps": [{"weight": look.weight, "gate": look.id} for look in steps],
        "watch": [look.id for look in after],
    }
    if release.verify is not None:
        drive["verify"] = {"kind": verified_by(release.verify), "gate": id + VERIFY_SUFFIX}
    before = id + DEPLOY_SUFFIX
    yield (
        before,
        Keys(**{**keys, **_ONCE, "run": f"{SCRIPT} {id} deploy", "asks": True, "part": (id, "deploy")}),
    )
    for name, own in _judgements(id, release, steps):
        yield name, Keys(**{**keys, **own, "needs": [before]})
        before = name
    promoting = {"run": f"{SCRIPT} {id} promote", "drive": drive, **_made_live(id, release)}
    yield id, Keys(**{**keys, **promoting, "needs": [before]})
    before = id
    for number, look in enumerate(after):
        # Whoever has all requests isn't taken away because nobody can tell how it does.
        own = _look(release, look, f"{SCRIPT} {id} watch {number}", ("inconclusive", "error"))
        yield look.id, Keys(**{**keys, **own, "needs": [before], "part": (id, "watch")})
        before = look.id


def _looks_after(id: str, release: Release) -> list[Look]:
    """Return the nodes that watch what is live; none where the spec doesn't ask for them."""
    if release.after_promote is None or release.canary is None:
        return []
    return looks_of(id + LIVE_SUFFIX, ALONE, seconds(release.after_promote.watch), release.canary)


def _judgements(id: str, release: Release, steps: list[Look]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what differs in each node that asks a gate about the candidate."""
    if release.verify is not None:
        judge = _verification(release, "compile_for_candidate")
        asked = _judged(judge, f"{SCRIPT} {id} verify", release.timeout)
        yield id + VERIFY_SUFFIX, {**asked, "part": (id, "verify")}
    for number, look in enumerate(steps):
        holds = ("inconclusive",) if getattr(release.canary, "on_inconclusive", None) == "hold" else ()
        yield look.id, _look(release, look, f"{SCRIPT} {id} step {number}", holds)


def _look(release: Release, look: Look, run: str, holds: tuple[str, ...]) -> dict[str, Any]:
    """Return what differs in a node that looks at live requests."""
    timeout = f"{look.longest + seconds(release.timeout or UNDOING)}s"
    return {**_judged(_canary(release, look), run, timeout), "holds": holds, "wait": look.pause}


def _judged(judge: Keys, run: str, timeout: str | None) -> dict[str, Any]:
    # As of any gate, a second try would turn chance into a pass.
    return {**_ONCE, "judge": judge, "run": run, "timeout": timeout, "retry": 0}


def _canary(release: Release, look: Look) -> Keys:
    """Return the gate that judges live requests. What a first look can't show, the second one can."""
    own = {"weight": look.weight, "bake": f"{look.bake}s", "from_zero": False}
    hurried: dict[str, object] = {"traffic": None} if look.first else {}
    if look.first or look.weight == ALONE:
        hurried["max_extend"] = "1x"
    params = Keys(**{**vars(release.canary), **own, **hurried})
    return Keys(kind="canary", params=params, loc=("canary",), entry="compile", part=look.part, asked=False)


def _verification(release: Release, entry: str, *, asked: bool = False) -> Keys:
    """Return the gate that asks what was deployed. `entry` is the function of its kind that compiles it, where it has that.

    `asked`: by the runtime, after the node's command.
    """
    kind = verified_by(release.verify)
    params = getattr(release.verify, kind)
    return Keys(kind=kind, params=params, loc=("verify", kind), entry=entry, part={}, asked=asked)


def _asked_by(release: Release) -> list[str]:
    """Return the committed files that a verification reads: all steps depend on them, since none runs without the others."""
    golden = getattr(getattr(release.verify, "answers", None), "golden", None)
    return [] if golden is None else [golden]


def verified_by(verify: object) -> str:
    """Return the kind of gate that verifies a release."""
    return next(kind for kind in VERIFYING if getattr(verify, kind) is not None)


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
