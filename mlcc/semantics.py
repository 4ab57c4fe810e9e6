"""The reference interpreter: what a plan means (S1 to S12), independent of every CI system.

It is the oracle that the emitted runtime and the compiled pipelines are tested against, and what
`mlcc explain` prints. A release undoes itself where it fails; what its rollback's node does then is to make sure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum

from mlcc.plan import Condition, EdgeKind, Gate, Node, NodeKind, Plan, Status
from mlcc.planning.topology import ancestors
from mlcc.record import field, record, replace
from mlcc.runtime.patterns import from_root_of, name_matches, path_matches

DIFF_EVENTS = ("push", "pull_request")


@record
class Event:
    """What started a run.

    `branch` of a pull request is the branch that it goes to. `changed`: paths relative to the repository
    root, against the base of S3; None: the base is unknown, or the event has none.
    """

    kind: str
    branch: str | None = None
    tag: str | None = None
    trigger: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    fork: bool = False
    changed: frozenset[str] | None = None


class Outcome(str, Enum):
    """How a node that runs turns out by itself. A job passes, fails or times out; a gate has a verdict."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    TIMEOUT = "timeout"


class End(str, Enum):
    """How a node ends in a run."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNSELECTED = "unselected"


@record
class Selection:
    """The selected nodes; why each node is selected or not.

    `by_verdict` has the nodes that only a gate's verdict lets run, each with the verdicts that do.
    """

    selected: frozenset[str]
    reasons: Mapping[str, str]
    by_verdict: Mapping[str, tuple[str, ...]]


@record
class Result:
    """The end of every node, why, and the colour of the run."""

    ends: Mapping[str, End]
    reasons: Mapping[str, str]
    green: bool


# --- S3, S10: selection ---------------------------------------------------------------------------


def select(plan: Plan, event: Event) -> Selection:
    """Return what an event selects (S3, S10)."""
    by_verdict = _by_verdict(plan, event)
    pulled = {id: _pulls(plan, node, by_verdict) for id, node in plan.nodes.items()}
    refused = _refused(plan, event, pulled)
    reasons: dict[str, str] = dict(refused)
    selected: set[str] = set()
    roots = _roots(plan, event)
    for id, reason in roots.items():
        if id not in refused:
            _pull(id, reason, pulled, selected, reasons)
    for node in plan.nodes.values():  # topological order: a status node may follow another
        if node.status and node.id not in refused:
            first = next((e.source for e in plan.incoming[node.id] if e.source in selected), None)
            if first is not None:
                selected.add(node.id)
                reasons[node.id] = f"it follows '{first}', which is selected"
            else:
                reasons[node.id] = "none of what it follows is selected"
    rest = "nothing that it depends on has changed"
    if event.trigger in plan.triggers.reserved:
        rest = f"the trigger '{event.trigger}' starts only what names it"
    for id in plan.nodes:
        reasons.setdefault(id, rest)
    return Selection(frozenset(selected), reasons, by_verdict)


def candidates(plan: Plan, event: Event) -> frozenset[str]:
    """Return the nodes that an event may select, whatever has changed, where it knows its base if it has one."""
    refused = refusals(plan, event)
    return frozenset(id for id in plan.nodes if id not in refused)


def refusals(plan: Plan, event: Event) -> dict[str, str]:
    """Return the nodes that are no candidates although the base is known, each with the cause."""
    if event.trigger in plan.triggers.reserved:
        chosen = select(plan, event)
        return {id: chosen.reasons[id] for id in plan.nodes if id not in chosen.selected}
    if event.kind in DIFF_EVENTS and event.changed is None:
        event = replace(event, changed=frozenset())
    by_verdict = _by_verdict(plan, event)
    return _refused(plan, event, {id: _pulls(plan, node, by_verdict) for id, node in plan.nodes.items()})


def _by_verdict(plan: Plan, event: Event) -> dict[str, tuple[str, ...]]:
    """Return the nodes that only a verdict lets run, and the verdicts that the event's alternatives name."""
    found: dict[str, tuple[str, ...]] = {}
    for node in plan.nodes.values():
        holding = [c for c in node.when if condition_problem(c, event) is None]
        if holding and not node.status and all(c.gate is not None for c in holding):
            found[node.id] = tuple(sorted({verdict for c in holding for verdict in c.verdicts}))
    return found


def _pulls(plan: Plan, node: Node, by_verdict: Collection[str]) -> dict[str, str]:
    """Return the nodes that `node` can't do without, each with the reason (S3)."""
    if node.status:
        return {}
    pulled: dict[str, str] = {}
    for edge in plan.incoming[node.id]:
        if edge.kind is EdgeKind.DATA:
            pulled[edge.source] = f"'{node.id}' takes what it writes"
        elif edge.kind is EdgeKind.GUARD:
            pulled[edge.source] = f"it guards '{edge.artifact}', which '{node.id}' reads"
        elif edge.kind is EdgeKind.VERDICT and node.id in by_verdict:
            pulled[edge.source] = f"'{node.id}' waits for its verdict"
    return pulled


def _refused(plan: Plan, event: Event, pulled: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the nodes that are no candidates, each with the cause."""
    refused: dict[str, str] = {}
    for node in plan.nodes.values():  # topological order: what a node pulls in is judged before it
        cause = _own_refusal(plan, node, event)
        if cause is None:
            missing = next((id for id in pulled[node.id] if id in refused), None)
            cause = None if missing is None else f"it can't run without '{missing}': {refused[missing]}"
        if cause is not None:
            refused[node.id] = cause
    return refused


def _own_refusal(plan: Plan, node: Node, event: Event) -> str | None:
    if event.kind == "pull_request":
        if node.releases:
            return "releases never run for pull requests"
        if event.fork and node.kind is NodeKind.PREVIEW:
            return "what a release would do isn't shown to forks"
        if event.fork and node.trusted:
            builds = node.kind is NodeKind.BUILD
            uses = (
                "moves what the store keeps"
                if node.stores
                else "reaches a registry of models"
                if node.registers
                else "pushes an image"
                if builds
                else "uses secrets"
            )
            return f"it {uses}, and the pull request comes from a fork"
    if node.branches and (event.kind == "pull_request" or not _any_matches(node.branches, event.branch)):
        return f"its environment is for runs of {' or '.join(node.branches)}"
    problems = [condition_problem(condition, event) for condition in node.when]
    if problems and None not in problems:
        return "its `when` doesn't allow it: " + "; ".join(str(p) for p in problems)
    if event.kind not in DIFF_EVENTS or event.changed is None:
        for artifact in base_versions(plan, node):
            return f"there is no base version of '{artifact}' in this run"
    return None


def base_versions(plan: Plan, node: Node) -> list[str]:
    """Return the artifacts that a node takes as they are at the base (S3): a run without a base hasn't any."""
    return [take.artifact for take in node.takes if plan.artifacts[take.artifact].at_base]


def condition_problem(condition: Condition, event: Event) -> str | None:
    """Say why an alternative of `when` doesn't hold for an event, leaving its verdict aside; None: it holds."""
    if condition.events and event.kind not in condition.events:
        return f"the event is {event.kind}"
    if condition.branches and not _any_matches(condition.branches, event.branch):
        return f"the branch is {event.branch or 'none'}"
    if condition.tags and not _any_matches(condition.tags, event.tag):
        return f"the tag is {event.tag or 'none'}"
    if condition.triggers and event.trigger not in condition.triggers:
        return f"the trigger is {event.trigger or 'none of them'}"
    for name, value in condition.inputs:
        if event.inputs.get(name) != value:
            return f"the input {name} isn't {value}"
    return None


def _any_matches(patterns: Iterable[str], name: str | None) -> bool:
    return bool(name) and any(name_matches(pattern, str(name)) for pattern in patterns)


def _roots(plan: Plan, event: Event) -> dict[str, str]:
    """Return the nodes that the event itself asks for, each with the reason; refusals come later."""
    ordinary = [node for node in plan.nodes.values() if not node.status]
    if event.trigger in plan.triggers.reserved:
        reason = f"its `when` names the trigger '{event.trigger}'"
        return {node.id: reason for node in ordinary if any(event.trigger in c.triggers for c in node.when)}
    if event.kind not in DIFF_EVENTS:
        return {node.id: f"a run by {event.kind} selects every candidate" for node in ordinary}
    if event.changed is None:
        return {node.id: "the base is unknown, so everything counts as changed" for node in ordinary}
    always = next((path for path in sorted(event.changed) if belongs_to_all(plan, path)), None)
    if always is not None:
        return {node.id: f"{always} changed, which every node depends on" for node in ordinary}
    changed = sorted(event.changed)
    touched = {node.id: _touched(plan, node, changed) for node in ordinary}
    return {id: reason for id, reason in touched.items() if reason is not None}


def belongs_to_all(plan: Plan, path: str) -> bool:
    """Tell whether a path belongs to the sources of every node: the spec, emitted and compiled files."""
    emitted = plan.in_home(".mlcc/")
    compiled = any(path_matches(pattern, path) for pattern in plan.compiled_files)
    return compiled or path in plan.spec_files or path.startswith(emitted)


def is_source(plan: Plan, path: str) -> bool:
    """Tell whether a path is among the sources of any node."""
    prefix = plan.in_home("")
    patterns = (from_root_of(prefix, pattern) for node in plan.nodes.values() for pattern in node.sources)
    return belongs_to_all(plan, path) or any(path_matches(pattern, path) for pattern in patterns)


def _touched(plan: Plan, node: Node, changed: list[str]) -> str | None:
    family = [node.id, *sorted(ancestors(node.id, plan.incoming))]
    prefix = plan.in_home("")
    patterns = [from_root_of(prefix, pattern) for id in family for pattern in plan.nodes[id].sources]
    if not patterns:
        return "neither it nor anything before it has sources, so it always runs"
    hit = next((path for path in changed if any(path_matches(p, path) for p in patterns)), None)
    return None if hit is None else f"{hit} changed"


def _pull(
    id: str, reason: str, pulled: Mapping[str, Mapping[str, str]], selected: set[str], reasons: dict[str, str]
) -> None:
    todo = [(id, reason)]
    while todo:
        current, why = todo.pop()
        if current in selected:
            continue
        selected.add(current)
        reasons[current] = why
        todo.extend(pulled[current].items())


# --- S4 to S6, S11, S12: running -----------------------------------------------------------------------


def run(plan: Plan, selection: Selection, outcomes: Mapping[str, Outcome], day: str | None = None) -> Result:
    """Return how a run ends when each node that runs turns out as `outcomes` says (default: pass).

    `day` (UTC, YYYY-MM-DD) is what waivers are held against; None: none holds.
    """
    ends: dict[str, End] = {}
    reasons: dict[str, str] = {}
    for id, node in plan.nodes.items():
        if id not in selection.selected:
            ends[id], reasons[id] = End.UNSELECTED, selection.reasons[id]
            continue
        skip = skip_reason(plan, node, ends, outcomes, selection)
        if skip is not None:
            ends[id], reasons[id] = End.SKIPPED, skip
            continue
        outcome = outcomes.get(id, Outcome.PASS)
        waived = waived_until(node, outcome, day)
        ends[id] = End.PASSED if waived or opens(node, outcome) else End.FAILED
        reasons[id] = selection.reasons[id] + (f"; waived until {waived}" if waived else "")
    green = not any(ends[id] is End.FAILED and node.blocking for id, node in plan.nodes.items())
    return Result(ends, reasons, green)


def opens(node: Node, outcome: Outcome) -> bool:
    """Tell whether an outcome counts as passed: pass, and inconclusive where the gate says so (S5)."""
    if outcome is Outcome.INCONCLUSIVE:
        return isinstance(node.work, Gate) and node.work.on_inconclusive == "warn"
    return outcome is Outcome.PASS


def waived_until(node: Node, outcome: Outcome, day: str | None) -> str | None:
    """Return the last day of the waiver that opens a gate on `day` although it turned out so; None: none does (S5).

    A waiver opens for what was found, fail or inconclusive, not for a gate that errs or times out.
    """
    if day is None or not isinstance(node.work, Gate) or opens(node, outcome):
        return None
    until = dict(node.work.waiver).get("until", "")
    return until if outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE) and day <= until else None


def skip_reason(
    plan: Plan, node: Node, ends: Mapping[str, End], outcomes: Mapping[str, Outcome], selection: Selection
) -> str | None:
    """Say why a selected node is skipped (S4, S12); None: it runs."""
    if node.status is Status.ALWAYS:
        return None
    if node.status is Status.FAILURE:
        before = ancestors(node.id, plan.incoming)
        failed = any(ends.get(id) is End.FAILED and plan.nodes[id].blocking for id in before)
        return None if failed else "nothing before it failed"
    if node.status is Status.ROLLBACK:
        return _kept(ends[id] for id in node.needs)
    for edge in plan.incoming[node.id]:
        end = ends[edge.source]
        if end is End.UNSELECTED:
            continue
        if edge.kind is EdgeKind.VERDICT:
            if node.id in selection.by_verdict:
                reason = _verdict_problem(selection.by_verdict[node.id], edge.source, end, outcomes)
                if reason is not None:
                    return reason
        elif end is End.SKIPPED:
            return f"'{edge.source}' was skipped"
        elif end is End.FAILED and (edge.kind is EdgeKind.DATA or plan.nodes[edge.source].blocking):
            return f"'{edge.source}' failed"
    return None


def _kept(steps: Iterable[End]) -> str | None:
    """Say why what was released stays, by how the steps of the release ended; None: it is rolled back (S11)."""
    ends = set(steps) - {End.UNSELECTED}
    if not ends & {End.PASSED, End.FAILED}:
        return "nothing was released"
    return "the release passed" if ends == {End.PASSED} else None


def verdict_of(outcome: Outcome) -> str:
    """Return the verdict of a gate that turned out so: one that times out hasn't judged, so it errs (S5)."""
    return Outcome.ERROR.value if outcome is Outcome.TIMEOUT else outcome.value


def _verdict_problem(
    wanted: tuple[str, ...], gate: str, end: End, outcomes: Mapping[str, Outcome]
) -> str | None:
    if end is End.SKIPPED:
        return f"'{gate}' was skipped"
    verdict = verdict_of(outcomes.get(gate, Outcome.PASS))
    return None if verdict in wanted else f"the verdict of '{gate}' is {verdict}, not {' or '.join(wanted)}"
