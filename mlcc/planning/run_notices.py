"""RESOLVE and PLAN, continued: who is told how a run ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlcc.plan import Secret, Variable
from mlcc.plan.notices import Filed, Mailed, Posted, RunCondition, RunNotice
from mlcc.problems import Loc, Problems
from mlcc.resolving.references import as_list

if TYPE_CHECKING:
    from mlcc.spec.models import Spec

EVENTS = ("push", "pull_request", "tag", "schedule", "manual", "dispatch")
UNASKED = ("pull_request",)  # told only where a condition names it: it has a page of its own, and readers
STARTTLS_PORT, TLS_PORT = 587, 465  # https://www.rfc-editor.org/rfc/rfc8314
MOST_LABEL = 50  # characters, on GitHub; GitLab parts labels at commas
GOOD = ("success", "pass")  # what nobody opens an issue for


def run_notices(spec: Spec, problems: Problems) -> tuple[RunNotice, ...]:
    """Return who is told how runs of a checked spec end."""
    return tuple(
        RunNotice(
            id,
            tuple(_condition(one) for one in as_list(stated.when)),
            _way(stated),
            problems.span(("notify", id), key=True),
        )
        for id, stated in spec.notify.items()
        if stated.when is not None
    )


def _condition(stated: Any) -> RunCondition:
    return RunCondition(
        events=tuple(as_list(stated.event)) or tuple(event for event in EVENTS if event not in UNASKED),
        branches=tuple(as_list(stated.branch)),
        tags=tuple(as_list(stated.tag)),
        triggers=tuple(as_list(stated.trigger)),
        statuses=tuple(as_list(stated.status)),
        job=stated.job,
        gate=stated.gate,
        verdicts=tuple(as_list(stated.verdict)),
    )


def _way(stated: Any) -> Posted | Mailed | Filed:
    if stated.email is not None:
        return _mail(stated.email)
    if stated.issue is not None:
        return Filed(tuple(stated.issue.labels), _secret(stated.issue.token))
    kind, place = ("webhook", stated.webhook) if stated.webhook is not None else ("slack", stated.slack)
    return Posted(kind, kept(place))


def _mail(stated: Any) -> Mailed:
    host, _, port = stated.server.partition(":")
    number = int(port or STARTTLS_PORT)
    implicit = stated.tls == "implicit" if stated.tls is not None else number == TLS_PORT
    to = tuple(as_list(stated.to))
    return Mailed(to, stated.from_, host, number, implicit, stated.user, _secret(stated.password))


def _secret(token: Any) -> Secret | None:
    return None if token is None else Secret(token.secret)


def kept(place: Any) -> Secret | Variable:
    """Return what the CI system keeps a webhook's address as."""
    return Secret(place.secret) if place.secret is not None else Variable(place.var)


# --- checks -------------------------------------------------------------------------------------------


def check_run_notice(spec: Spec, id: str, stated: Any, problems: Problems) -> None:
    """Note what makes no sense of somebody who is told of runs, or of whom it isn't clear what they are told of."""
    loc: Loc = ("notify", id)
    if stated.when is None:
        for key in ("email", "issue"):
            if getattr(stated, key) is not None:
                problems.add(
                    "no-when", f"`{key}` tells how runs ended, and '{id}' doesn't say of which", (*loc, key), key=True,
                    help="add `when: {status: failure, branch: main}`; releases are told of by a webhook",
                )  # fmt: skip
        return
    for key in ("events", "releases"):
        if getattr(stated, key) is not None:
            problems.add(
                "two-subjects", f"`{key}` is of releases, and '{id}' is told of runs", (*loc, key), key=True,
                others=(((*loc, "when"), "what it is told of runs"),),
                help="leave out `when`, or give the releases a notice of their own",
            )  # fmt: skip
    if stated.email is not None and (stated.email.user is None) != (stated.email.password is None):
        problems.add(
            "half-login", "`user` and `password` stand together", (*loc, "email"), key=True,
            help="{user: ci, password: {secret: MAIL_PASSWORD}}",
        )  # fmt: skip
    for index, label in enumerate(stated.issue.labels if stated.issue is not None else ()):
        if "," in label or len(label) > MOST_LABEL:
            problems.add(
                "bad-label", f"a label has no comma, and at most {MOST_LABEL} characters", (*loc, "issue", "labels", index)
            )  # fmt: skip
    for place, condition in _places(loc, stated.when):
        _check_condition(spec, condition, place, problems)
        if stated.issue is not None:
            _check_issue(condition, place, problems)


def _places(loc: Loc, when: Any) -> Iterator[tuple[Loc, Any]]:
    """Yield each alternative with its place."""
    for index, condition in enumerate(as_list(when)):
        yield (*loc, "when", index) if isinstance(when, list) else (*loc, "when"), condition


def _check_condition(spec: Spec, condition: Any, loc: Loc, problems: Problems) -> None:
    triggers = spec.triggers
    known = {
        "trigger": [*triggers.schedule, *triggers.manual, *triggers.dispatch],
        "job": list(spec.jobs),
        "gate": list(spec.gates),
    }
    for key, names in known.items():
        for name in as_list(getattr(condition, key)):
            if name not in names:
                problems.unknown(key, name, names, (*loc, key))
    if (condition.gate is None) != (condition.verdict is None):
        problems.add(
            "half-condition", "`gate` and `verdict` stand together", loc, help="{gate: live-drift, verdict: [fail, error]}"
        )  # fmt: skip
    elif condition.status is None and condition.gate is None:
        problems.add(
            "no-outcome", "nothing says which outcome is told", loc, help="add `status: failure`, or a `gate` and its `verdict`"
        )  # fmt: skip
    if condition.job is not None and (condition.status is None or "rollback" in as_list(condition.status)):
        problems.add(
            "job-status", f"of the job '{condition.job}' failure or success is told", (*loc, "job"),
            help="add `status: failure`; a rollback is the run's",
        )  # fmt: skip
    if "rollback" in as_list(condition.status) and not spec.releases:
        problems.add("no-release", "no release of this spec can be rolled back", (*loc, "status"))
    for key in ("status", "event", "verdict", "trigger"):
        names = as_list(getattr(condition, key))
        for index, name in enumerate(names):
            if names.index(name) != index:
                problems.add("duplicate-item", f"'{name}' stands twice in `{key}`", (*loc, key, index))


def _check_issue(condition: Any, loc: Loc, problems: Problems) -> None:
    """Note what an issue is no place for: what is well, and what isn't of a branch yet."""
    wrong = [
        (key, name)
        for key, names in (("status", GOOD), ("verdict", GOOD), ("event", UNASKED))
        for name in as_list(getattr(condition, key))
        if name in names
    ]
    for key, name in wrong:
        why = "has readers of its own" if key == "event" else "closes an issue, and opens none"
        problems.add("issue-subject", f"`{key}: {name}` {why}", (*loc, key), help="leave it out")
