"""Which notices a run gives: the reference for what the emitted runtime tells (S5, S6, S10, S12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlcc.plan import Condition, Gate, NodeKind, Plan, RunCondition
from mlcc.semantics import End, Event, Outcome, Result, condition_problem, verdict_of


def told(
    plan: Plan, event: Event, result: Result, outcomes: Mapping[str, Outcome]
) -> dict[str, tuple[str, ...]]:
    """Return who is told how a run ended: id of a notice -> why, a sentence for each alternative that holds.

    Nobody is told of a pull request from a fork: what tells has secrets.
    """
    if event.fork:
        return {}
    found = {
        notice.id: tuple(
            why for condition in notice.when for why in _why(plan, condition, event, result, outcomes)
        )
        for notice in plan.notices
    }
    return {id: reasons for id, reasons in found.items() if reasons}


def _why(
    plan: Plan, condition: RunCondition, event: Event, result: Result, outcomes: Mapping[str, Outcome]
) -> Iterator[str]:
    """Yield why an alternative holds; nothing: it doesn't."""
    runs = Condition(condition.events, condition.branches, condition.tags, condition.triggers)
    if condition_problem(runs, event) is not None:
        return
    statuses = _statuses(plan, condition.job, result)
    if condition.statuses and not statuses & set(condition.statuses):
        return
    verdict = None if condition.gate is None else _verdict(plan, condition.gate, result, outcomes)
    if condition.gate is not None and verdict not in condition.verdicts:
        return
    what = f"'{condition.job}'" if condition.job is not None else "the run"
    shown = [f"the status of {what} is {status}" for status in condition.statuses if status in statuses]
    if condition.gate is not None:
        shown.append(f"the verdict of '{condition.gate}' is {verdict}")
    yield " and ".join(shown)


def _verdict(plan: Plan, gate: str, result: Result, outcomes: Mapping[str, Outcome]) -> str | None:
    """Return the verdict of a gate; None: it didn't run."""
    judged = isinstance(plan.nodes[gate].work, Gate) and result.ends[gate] in (End.PASSED, End.FAILED)
    return verdict_of(outcomes.get(gate, Outcome.PASS)) if judged else None


def _statuses(plan: Plan, job: str | None, result: Result) -> set[str]:
    """Return the statuses of a job that ran, or of the run."""
    if job is not None:
        return {End.PASSED: {"success"}, End.FAILED: {"failure"}}.get(result.ends[job], set())
    found = {"success" if result.green else "failure"}
    rollbacks = [id for id, node in plan.nodes.items() if node.kind is NodeKind.ROLLBACK]
    return found | ({"rollback"} if any(result.ends[id] is End.PASSED for id in rollbacks) else set())
