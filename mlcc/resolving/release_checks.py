"""RESOLVE, continued: what makes no sense for a release, before it becomes nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mlcc.planning.triggers import UNDONE_BY
from mlcc.problems import Loc, Problems
from mlcc.release.adapters import ADAPTERS, AdapterParamsError, kind_of
from mlcc.resolving.references import as_list
from mlcc.resolving.release_looks import LONGEST, shares
from mlcc.resolving.release_steps import LEASE, UNDOING
from mlcc.spec.scalars import seconds, stretched

if TYPE_CHECKING:
    from mlcc.spec.models import Spec
    from mlcc.spec.releases import Release

_OF_AN_ARTIFACT = re.compile(r"\$\{?((?:ARTIFACT|DIGEST)_[A-Z0-9_]+)")


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
    _check_started(spec, release, loc, problems)
    _check_adapter(id, release, loc, problems)
    _check_verify(release, loc, problems)
    _check_canary(release, loc, problems)
    _check_times(release, loc, problems)


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
    asked = release.canary.liveness
    if asked is not None and asked.url.startswith("/") and not kind.tells_address:
        problems.add(
            "bad-canary", f"`{kind.name}` doesn't tell at which address the candidate is, so {asked.url} can't be asked",
            (*loc, "canary", "liveness", "url"), help=f"write the whole address; the adapters that tell it are {_telling()}",
        )  # fmt: skip
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


def _check_started(spec: Spec, release: Release, loc: Loc, problems: Problems) -> None:
    """Note what a node asks of the run that only a trigger of its own starts, and a person who is a schedule."""
    looks, hand = (as_list(getattr(release.rollback, key, None)) for key in UNDONE_BY)
    for id in hand:
        if id in spec.triggers.schedule or id in looks:
            problems.add(
                "bad-rollback", f"'{id}' comes by itself, and a person decides to undo what is live",
                (*loc, "rollback", "manual"),
                help="name a form of `triggers.manual`, or a dispatch, that does nothing else",
            )  # fmt: skip
    key = next((key for key in UNDONE_BY if getattr(release.rollback, key, None) is not None), None)
    if key is None:
        return
    who = "what reconciles" if key == "reconcile" else "a rollback by hand"
    for name, value in release.env.items():
        if getattr(value, "output", None) is not None:
            problems.add(
                "bad-rollback", f"{name} comes from a job of the run, and {who} runs without it", (*loc, "env", name),
                help=f"give it as a text, a variable or a secret, or leave `{key}` out",
            )  # fmt: skip


def _check_verify(release: Release, loc: Loc, problems: Problems) -> None:
    """Note golden queries to a server whose address nobody tells."""
    asked = release.verify.answers if release.verify is not None else None
    where: Loc = (*loc, "verify", "answers")
    if asked is None:
        return
    if asked.url is not None:
        if release.adapter is not None and kind_of(release.adapter)[0].tells_address:
            name = kind_of(release.adapter)[0].name
            problems.add(
                "bad-verify", f"`{name}` tells the candidate's address, and what is at this one may be what is live",
                (*where, "url"), help="leave `url` out",
            )  # fmt: skip
    elif release.adapter is None:
        problems.add(
            "bad-verify", "a command doesn't tell where the server is that it deployed to", where, key=True,
            help="add its `url`: https://staging.example.com",
        )  # fmt: skip
    elif not kind_of(release.adapter)[0].tells_address:
        problems.add(
            "bad-verify", f"`{kind_of(release.adapter)[0].name}` doesn't tell at which address the candidate is", where,
            key=True, help="add the `url` of the candidate alone, not that of what is live; or ask it by `command`",
        )  # fmt: skip


def _telling() -> str:
    return ", ".join(f"`{other.name}`" for other in ADAPTERS.values() if other.tells_address)


def _check_canary(release: Release, loc: Loc, problems: Problems) -> None:
    if release.canary is None:
        if release.after_promote is not None:
            problems.add(
                "bad-canary", "what is live is watched by the limits of a canary, and there is none", (*loc, "after_promote"),
                key=True, help="add a `canary`, or leave `after_promote` out",
            )  # fmt: skip
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
    if release.after_promote is not None and seconds(release.after_promote.watch) > LONGEST:
        problems.add(
            "bad-canary", "what is live is watched for 7d at most", (*loc, "after_promote", "watch"),
            help="let it be 7d or less: alerts of your own watch for longer",
        )  # fmt: skip
    if release.canary.observations.file is not None or release.canary.observations.file_from is not None:
        problems.add(
            "bad-canary", "what was recorded tells nothing of this candidate", (*loc, "canary", "observations"), key=True,
            help="observe by `command` or `prometheus`",
        )  # fmt: skip
    if release.canary.on_inconclusive == "hold" and getattr(release.rollback, "reconcile", None) is None:
        problems.add(
            "bad-canary", "a candidate that is held stays beyond its lease: nothing looks for it",
            (*loc, "canary", "on_inconclusive"),
            help="name a schedule under `rollback.reconcile`: {schedule: {hourly: '17 * * * *'}}",
        )  # fmt: skip


def _check_times(release: Release, loc: Loc, problems: Problems) -> None:
    """Note a lease that ends while a step goes on: what reconciles would take a sound candidate away; and a drain too long.

    Each step gives a new lease, but for a verification. A step's second node gives one after the wait: until then the
    first one's must hold.
    """
    if release.adapter is None:
        return
    own = release.rollback if release.rollback not in (None, "none") else None
    lease, drain, undoing = (getattr(own, key, None) for key in ("lease", "drain", "timeout"))
    within = seconds(release.timeout or UNDOING)
    most = within * (1 if release.verify is None else 2)
    if release.canary is not None:
        watched = (stretched(bake, release.canary.max_extend) for _, bake in shares(release))
        most = max(most, within + max(watched))
    if seconds(lease or LEASE) < most:
        where: Loc = (
            (*loc, "rollback", "lease") if lease else (*loc, "canary") if release.canary is not None else loc
        )
        problems.add(
            "bad-rollback", f"the lease ({lease or LEASE}) ends before a step may have: it takes up to {most} s", where,
            key=True, help=f"let `rollback.lease` be {-(-most // 3600)}h or more, or the steps shorter",
        )  # fmt: skip
    if drain is not None and 2 * seconds(drain) >= seconds(undoing or UNDOING):
        problems.add(
            "bad-rollback", f"the rollback would be ended after {undoing or UNDOING}, while it drains ({drain}, twice at most)",
            (*loc, "rollback", "drain"), help="let `rollback.timeout` be more than twice as long, or `drain` shorter",
        )  # fmt: skip
