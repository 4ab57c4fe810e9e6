"""A pipeline in several called workflows means what it means in one: the properties of `test_equivalence` once more.

Some hundred cases each, with so few nodes in a part that every kind of edge crosses from one to another.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from mlcc.backends.github.overlay import Overlay
from mlcc.backends.github.partition import partition
from mlcc.backends.github.render import render
from mlcc.plan import Plan, Status
from mlcc.semantics import Outcome, run, select
from mlcc.told import told
from tests.equivalence.github_simulation import GithubSimulation, in_parts, workflows
from tests.equivalence.pipelines import events, outcomes, plans
from tests.equivalence.simulation import Faults, simulate, without_commands
from tests.equivalence.test_equivalence import (
    RAN,
    Count,
    cases,
    count,
    ends_of,
    fault,
    folder,
    values,
)

__all__ = ["count", "folder"]  # fixtures
SIZES = st.integers(1, 3)


@pytest.fixture(scope="module")
def patch() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        without_commands(monkeypatch.setattr)
        yield monkeypatch.setattr


@pytest.mark.parametrize("eager", [True, False], ids=["every job starts", "compiled conditions"])
def test_ends_and_colour(eager: bool, count: Count, patch: Any, folder: Path) -> None:
    @cases(150 if eager else 500)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event, most = data.draw(plans()), data.draw(events()), data.draw(SIZES)
        turns_out = data.draw(outcomes(plan))
        selection = select(plan, event)
        wanted = run(plan, selection, turns_out)
        got = simulate(in_parts(most), plan, event, turns_out, folder / "run", patch, Faults(eager=eager))
        assert ends_of(got, plan) == values(wanted)
        assert got.executed == {id for id, end in wanted.ends.items() if end in RAN}
        assert eager or got.started <= selection.selected
        assert got.green is wanted.green
        assert got.told == set(told(plan, event, wanted, turns_out))
        count()

    check()


def test_a_part_starts_no_less_than_the_whole(count: Count, patch: Any, folder: Path) -> None:
    """Conditions over nodes of other parts are dropped, so that a runner may start too many, and none too few.

    A job that is only started to find that its node is skipped is no part of that: a gate that was started in vain, since
    what failed is in another part, denies such a job where one that never started can't.
    """

    @cases(200)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        turns_out = data.draw(outcomes(plan))
        whole = simulate(GithubSimulation, plan, event, turns_out, folder / "run", patch)
        got = simulate(in_parts(data.draw(SIZES)), plan, event, turns_out, folder / "run", patch)
        assert got.started >= whole.executed
        count()

    check()


def test_outputs_that_do_not_arrive_never_turn_a_run_green(count: Count, patch: Any, folder: Path) -> None:
    @cases(250)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event, most = data.draw(plans()), data.draw(events()), data.draw(SIZES)
        turns_out, masked = data.draw(outcomes(plan)), fault(data, plan)
        selection = select(plan, event)
        wanted = run(plan, selection, turns_out)
        got = simulate(in_parts(most), plan, event, turns_out, folder / "run", patch, Faults(masked=masked))
        assert got.executed <= {id for id, end in wanted.ends.items() if end in RAN}
        assert not got.green or wanted.green
        if got.green or "select" not in masked:
            assert ends_of(got, plan) == values(wanted)
        count()

    check()


def test_a_lost_runner_is_red_and_stops_what_a_failure_stops(count: Count, patch: Any, folder: Path) -> None:
    @cases(250)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event, most = data.draw(plans()), data.draw(events()), data.draw(SIZES)
        turns_out, lost = data.draw(outcomes(plan)), fault(data, plan)
        selection = select(plan, event)
        got = simulate(in_parts(most), plan, event, turns_out, folder / "run", patch, Faults(lost=lost))
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


def test_a_cancelled_run_is_not_green(count: Count, patch: Any, folder: Path) -> None:
    @cases(250)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event, most = data.draw(plans()), data.draw(events()), data.draw(SIZES)
        turns_out = data.draw(outcomes(plan))
        at = data.draw(st.sampled_from([*plan.nodes, "final"]))
        wanted = run(plan, select(plan, event), turns_out)
        got = simulate(in_parts(most), plan, event, turns_out, folder / "run", patch, Faults(cancel_at=at))
        ran = {id for id, end in wanted.ends.items() if end in RAN}
        assert not got.green or (wanted.green and got.executed == ran)
        assert not (got.green and at != "final" and plan.nodes[at].status is not Status.ALWAYS)
        count()

    check()


def test_a_node_that_always_runs_does_so_after_a_cancel(count: Count, patch: Any, folder: Path) -> None:
    @cases(250)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event, most = data.draw(plans()), data.draw(events()), data.draw(SIZES)
        turns_out = dict.fromkeys(plan.nodes, Outcome.PASS)
        at = data.draw(st.sampled_from([*plan.nodes]))
        whole = simulate(
            GithubSimulation, plan, event, turns_out, folder / "run", patch, Faults(cancel_at=at)
        )
        always = {id for id, node in plan.nodes.items() if node.status is Status.ALWAYS}
        assume(always & whole.executed)
        got = simulate(in_parts(most), plan, event, turns_out, folder / "run", patch, Faults(cancel_at=at))
        selected = select(plan, event).selected
        assert got.started >= always & selected
        count()

    check()


@given(plans(), SIZES)
@cases(200)
def test_the_files_say_what_the_model_evaluates(plan: Plan, most: int) -> None:
    main, *called = workflows(plan, most)
    jobs = yaml.load(render(main, Overlay()), yaml.CSafeLoader)["jobs"]
    assert list(jobs) == [
        "select",
        *(call.id for call in main.calls),
        "final",
        *(["final--notify"] if plan.notices else []),
    ]
    assert len(main.calls) == len(called)
    for call in main.calls:
        assert jobs[call.id]["if"] == call.if_.interpolation()
        assert tuple(jobs[call.id]["needs"]) == call.needs
        assert jobs[call.id]["with"] == {name: value.interpolation() for name, value in call.inputs.items()}
    for workflow in called:
        content = yaml.load(render(workflow, Overlay()), yaml.CSafeLoader)["jobs"]
        assert list(content) == [job.id for job in workflow.jobs]
        for job in workflow.jobs:
            assert content[job.id]["if"] == (job.if_.interpolation() if job.if_ else None)
            assert tuple(content[job.id].get("needs", ())) == job.needs
            assert set(job.needs) <= {other.id for other in workflow.jobs}


@given(plans(), SIZES)
@cases(300)
def test_every_part_waits_for_what_its_nodes_come_after(plan: Plan, most: int) -> None:
    parts = partition(plan, dict.fromkeys(plan.nodes, 1), most)
    where = {id: number for number, part in enumerate(parts) for id in part.nodes}
    assert sorted(where) == sorted(plan.nodes)
    assert sum(len(part.nodes) for part in parts) == len(plan.nodes)
    for number, part in enumerate(parts):
        assert 1 <= len(part.nodes) <= most
        assert list(part.nodes) == [id for id in plan.nodes if id in part.nodes]
        assert all(other < number for other in part.after)
        assert {further for other in part.after for further in parts[other].after} <= set(part.after)
        needed = {where[edge.source] for id in part.nodes for edge in plan.incoming[id]} - {number}
        assert needed <= set(part.after)
