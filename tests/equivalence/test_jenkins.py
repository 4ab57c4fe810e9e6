"""The compiled Jenkinsfile's walk, with the emitted runtime over real state files, against the reference interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlcc.plan import Plan, Release
from mlcc.semantics import Outcome, run, select
from mlcc.told import told
from tests.equivalence.jenkins_simulation import simulate_jenkins
from tests.equivalence.pipelines import events, outcomes, plans
from tests.equivalence.simulation import Faults
from tests.equivalence.test_equivalence import RAN, Count, cases, count, ends_of, folder, patch, values

__all__ = ["count", "folder", "patch"]  # fixtures
orders = st.integers(0, 9)


def test_ends_and_colour(count: Count, patch: Any, folder: Path) -> None:
    @cases(1200)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        turns_out, order = data.draw(outcomes(plan)), data.draw(orders)
        selection = select(plan, event)
        wanted = run(plan, selection, turns_out)
        got = simulate_jenkins(plan, event, turns_out, folder / "run", patch, order=order)
        assert ends_of(got, plan) == values(wanted)
        assert got.executed == {id for id, end in wanted.ends.items() if end in RAN}
        assert got.started <= selection.selected
        assert got.green is wanted.green
        assert got.told == set(told(plan, event, wanted, turns_out))
        count()

    check()


def test_lost_hints_only_start_agents(count: Count, patch: Any, folder: Path) -> None:
    """Without the lists of unselected and denied nodes more start; what they do, and the colour, stay the same."""

    @cases(400)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        turns_out, order = data.draw(outcomes(plan)), data.draw(orders)
        faults = Faults(masked=frozenset(plan.nodes), eager=data.draw(st.booleans()))
        wanted = run(plan, select(plan, event), turns_out)
        got = simulate_jenkins(plan, event, turns_out, folder / "run", patch, faults, order)
        assert got.executed <= {id for id, end in wanted.ends.items() if end in RAN}
        assert not got.green or wanted.green
        if not faults.eager:
            assert ends_of(got, plan) == values(wanted)
            assert got.green is wanted.green
        count()

    check()


def test_a_lost_agent_is_red_and_stops_what_a_failure_stops(count: Count, patch: Any, folder: Path) -> None:
    @cases(400)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event, order = data.draw(plans()), data.draw(events()), data.draw(orders)
        turns_out, lost = data.draw(outcomes(plan)), _some(data, plan)
        selection = select(plan, event)
        got = simulate_jenkins(plan, event, turns_out, folder / "run", patch, Faults(lost=lost), order)
        if "select" in lost:
            assert not got.executed
            assert not got.green
            return
        hit = lost & got.started
        wanted = run(plan, selection, {**turns_out, **dict.fromkeys(hit, Outcome.FAIL)})
        assert not hit or not got.green
        assert hit or got.green is wanted.green
        ran = {id for id, end in wanted.ends.items() if end in RAN} - hit
        assert got.executed <= ran
        if all(plan.nodes[id].blocking for id in hit):
            assert got.executed == ran
        count()

    check()


def waiting(plan: Plan) -> set[str]:
    return {id for id, node in plan.nodes.items() if node.pause is not None and node.pause.seconds}


def _some(data: st.DataObject, plan: Plan) -> frozenset[str]:
    return frozenset(data.draw(st.lists(st.sampled_from(["select", *plan.nodes]), unique=True, min_size=1)))


def test_an_aborted_build_is_not_green(count: Count, patch: Any, folder: Path) -> None:
    @cases(300)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event, order = data.draw(plans()), data.draw(events()), data.draw(orders)
        turns_out = data.draw(outcomes(plan))
        at = data.draw(st.sampled_from([*plan.nodes, "final"]))
        wanted = run(plan, select(plan, event), turns_out)
        got = simulate_jenkins(plan, event, turns_out, folder / "run", patch, Faults(cancel_at=at), order)
        ran = {id for id, end in wanted.ends.items() if end in RAN}
        assert not got.green or (wanted.green and got.executed == ran and at not in ran)
        # A release that is aborted while it waits is undone at once: nothing else runs any more.
        work = plan.nodes[at].work if at in ran and at in waiting(plan) else None
        undone = {work.rollback} if isinstance(work, Release) else set()
        assert undone <= got.executed <= ran | undone
        count()

    check()
