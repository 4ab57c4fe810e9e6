"""What an event runs and why, told from the reference interpreter."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlcc.diagnostics import SpecError, error, suggest
from mlcc.plan import Gate, Plan
from mlcc.plan.document import to_runtime
from mlcc.record import record
from mlcc.render_diagnostics import escaped
from mlcc.runtime.patterns import name_matches
from mlcc.runtime.platform import Facts
from mlcc.runtime.records import RunError
from mlcc.runtime.select import check_inputs
from mlcc.semantics import DIFF_EVENTS, End, Event, Outcome, Result, Selection, is_source, run, select
from mlcc.today import today
from mlcc.told import told

if TYPE_CHECKING:
    from mlcc.compiler import Analysis

_WORDS = {End.PASSED: "runs", End.FAILED: "fails", End.SKIPPED: "skipped", End.UNSELECTED: "not selected"}


@record
class Answer:
    """What would happen, as text or JSON, and what the question overlooks: a sentence each."""

    text: str
    hints: tuple[str, ...]


@record
class _Case:
    """A question about one spec, with its answer."""

    plan: Plan
    event: Event
    outcomes: Mapping[str, Outcome]
    selection: Selection
    result: Result
    told: Mapping[str, tuple[str, ...]]


def answer(specs: Mapping[str, Analysis], question: Mapping[str, Any], format: str) -> Answer:
    """Return what would happen in specs, by their paths. Raises SpecError on a question about what isn't there.

    JSON is one object: the answer, or with several specs each one's answer by its path.
    """
    cases = {path: _case(analysis.plan, question) for path, analysis in specs.items()}
    if format == "json":
        plain = {escaped(path): _plain(case) for path, case in cases.items()}
        text = json.dumps(plain if len(plain) > 1 else next(iter(plain.values())), indent=2) + "\n"
    else:
        titles = [f"{escaped(path)}: " if len(cases) > 1 else "" for path in cases]
        text = "".join(title + _text(case) for title, case in zip(titles, cases.values(), strict=True))
    return Answer(text, (*_unknown_paths(specs, question["changed"]), *_idle_outcomes(cases)))


def _case(plan: Plan, question: Mapping[str, Any]) -> _Case:
    event = event_of(plan, question)
    outcomes = outcomes_of(plan, question)
    selection = select(plan, event)
    result = run(plan, selection, outcomes, today())
    return _Case(plan, event, outcomes, selection, result, told(plan, event, result, outcomes))


def _plain(case: _Case) -> dict[str, object]:
    result = case.result
    nodes = {id: {"end": end.value, "why": result.reasons[id]} for id, end in result.ends.items()}
    found = {"selected": sorted(case.selection.selected), "nodes": nodes, "green": result.green}
    return {**found, "told": {id: list(why) for id, why in case.told.items()}} if case.plan.notices else found


def _unknown_paths(specs: Mapping[str, Analysis], changed: tuple[str, ...]) -> Iterator[str]:
    """Yield a hint for each path that is neither there nor below a pattern of a spec: mistyped, or deleted."""
    for path in changed:
        missing = all(not os.path.lexists(one.root / path) for one in specs.values())
        if missing and not any(is_source(one.plan, path) for one in specs.values()):
            yield f"there is no {escaped(path)} in the repository, and no node depends on it"


def _idle_outcomes(cases: Mapping[str, _Case]) -> Iterator[str]:
    """Yield a hint for each node that the question has turn out in some way, and that doesn't run."""
    for path, case in cases.items():
        where = f" in {escaped(path)}" if len(cases) > 1 else ""
        for id in case.outcomes:
            end = case.result.ends[id]
            if end in (End.UNSELECTED, End.SKIPPED):
                reason = escaped(case.result.reasons[id])
                yield f"'{id}' is {_WORDS[end]}{where} ({reason}), so how it turns out changes nothing"


def event_of(plan: Plan, question: Mapping[str, Any]) -> Event:
    """Return the event that is asked about. Raises SpecError when it starts no run of this spec."""
    kind = question["event"]
    _check_fit(kind, question)
    names = _names(plan, kind)
    trigger = branch = tag = None
    if kind in DIFF_EVENTS:
        branch = _named(kind, "branch", question["branch"], names)
    elif kind == "tag":
        tag = _named(kind, "tag", question["tag"], names)
    else:
        branch = question["branch"] or "main"
        trigger = question["trigger"] or names[0]
        if trigger not in names:
            raise _unknown(f"{kind} trigger", trigger, names)
    changed = frozenset(question["changed"]) if question["changed"] or question["nothing_changed"] else None
    inputs = _inputs(plan, trigger, question["inputs"]) if kind == "manual" and trigger else {}
    return Event(
        kind, branch=branch, tag=tag, trigger=trigger, inputs=inputs, fork=question["fork"], changed=changed
    )


_FOR = {
    "branch": ("push", "pull_request", "schedule", "manual", "dispatch"),
    "tag": ("tag",),
    "trigger": ("schedule", "manual", "dispatch"),
    "inputs": ("manual",),
    "fork": ("pull_request",),
    "changed": DIFF_EVENTS,
    "nothing_changed": DIFF_EVENTS,
}
_OPTIONS = {"inputs": "--input", "nothing_changed": "--nothing-changed"}


def _check_fit(kind: str, question: Mapping[str, Any]) -> None:
    """Refuse what the event hasn't got: an answer that leaves it out would be one to another question."""
    for name, kinds in _FOR.items():
        if question[name] and kind not in kinds:
            option = _OPTIONS.get(name, f"--{name}")
            raise _wrong(f"{option} has no meaning for the event {kind}", f"it is for {', '.join(kinds)}")
    if question["changed"] and question["nothing_changed"]:
        raise _wrong("--changed and --nothing-changed exclude each other", "keep one of them")


def _names(plan: Plan, kind: str) -> tuple[str, ...]:
    """Return the patterns or ids that a kind of event has in a spec, at least one."""
    triggers = plan.triggers
    known = {
        "push": triggers.push or (),
        "pull_request": triggers.pull_request or (),
        "tag": triggers.tag or (),
        "schedule": tuple(id for id, _ in triggers.schedules),
        "manual": tuple(form.id for form in triggers.forms),
        "dispatch": triggers.dispatches,
    }
    if not known[kind]:
        there = ", ".join(name for name, value in known.items() if value)
        raise _wrong(f"no trigger of this spec is a {kind}", f"it has {there}")
    return known[kind]


def _named(kind: str, what: str, given: str | None, patterns: tuple[str, ...]) -> str:
    """Return the branch or tag that is asked about, by default one that the first pattern matches."""
    name = given or patterns[0].replace("**", "x").replace("*", "x").replace("?", "x")
    if not any(name_matches(pattern, name) for pattern in patterns):
        raise _wrong(f"the {what} '{name}' starts no run by {kind}", f"the spec has {', '.join(patterns)}")
    return name


def _inputs(plan: Plan, form: str, pairs: tuple[str, ...]) -> dict[str, str]:
    """Return the inputs that a form passes on, by the check that the pipeline itself makes of them."""
    given: dict[str, str] = {}
    fields = next(tuple(field.name for field in one.inputs) for one in plan.triggers.forms if one.id == form)
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise _wrong(f"'{pair}' isn't an input", "write --input NAME=VALUE")
        if name not in fields:
            raise _unknown(f"input of '{form}'", name, fields)
        given[name] = value
    try:
        return check_inputs(to_runtime(plan), Facts(event="manual", commit="", inputs=given), form)
    except RunError as problem:
        raise _wrong(str(problem), "the pipeline would refuse it too") from None


def outcomes_of(plan: Plan, question: Mapping[str, Any]) -> dict[str, Outcome]:
    """Return how the nodes that the question names turn out. Raises SpecError on an unknown one."""
    found: dict[str, Outcome] = {}
    for id in question["failures"]:
        if id not in plan.nodes:
            raise _unknown("node", id, tuple(plan.nodes))
        found[id] = Outcome.FAIL
    for pair in question["verdicts"]:
        id, _, verdict = pair.partition("=")
        gates = tuple(node.id for node in plan.nodes.values() if isinstance(node.work, Gate))
        if id not in gates:
            raise _unknown("gate", id, gates)
        if verdict not in [outcome.value for outcome in Outcome]:
            raise _wrong(f"'{verdict}' is no verdict", "pass, fail, inconclusive or error")
        found[id] = Outcome(verdict)
    return found


def _wrong(message: str, help: str) -> SpecError:
    return SpecError([error("bad-question", message, None, help=help)])


def _unknown(what: str, name: str, known: tuple[str, ...]) -> SpecError:
    close = suggest(name, known)
    there = ", ".join(known) or "none"
    help = f"did you mean '{close}'?" if close else f"there are {there}"
    return _wrong(f"there is no {what} '{name}'", help)


def _text(case: _Case) -> str:
    plan, event, result = case.plan, case.event, case.result
    width = max(len(id) for id in plan.nodes)
    changed = "everything" if event.changed is None else ", ".join(sorted(event.changed)) or "nothing"
    where = event.tag or event.branch or ""
    lines = [escaped(f"{event.kind} {event.trigger or where}, changed: {changed}")]
    for id, end in result.ends.items():
        word = _WORDS[end]
        verdict = case.outcomes.get(id)
        if verdict is not None and end in (End.PASSED, End.FAILED):
            word = f"{word} ({verdict.value})"
        lines.append(f"  {id:<{width}}  {word:<14}  {escaped(result.reasons[id])}")
    lines.append(
        f"{len(case.selection.selected)} of {len(plan.nodes)} nodes selected; "
        f"the run is {'green' if result.green else 'red'}"
    )
    lines += [escaped(f"'{id}' is told: {'; '.join(why)}") for id, why in case.told.items()]
    return "\n".join(lines) + "\n"
