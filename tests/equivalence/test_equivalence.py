"""Readings of one plan agree on random pipelines, events and outcomes: the reference interpreter, the emitted runtime
over real state files, and models of GitHub and GitLab that evaluate the compiled conditions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mlcc.backends.github.lower import lower
from mlcc.backends.github.notify import NOTIFY
from mlcc.backends.github.overlay import Overlay
from mlcc.backends.github.render import render
from mlcc.plan import Plan, Release
from mlcc.plan.document import to_runtime
from mlcc.planning.topology import ancestors
from mlcc.runtime import select as runtime_select
from mlcc.semantics import End, Outcome, Result, run, select
from mlcc.told import told
from tests.equivalence.github_simulation import GithubSimulation
from tests.equivalence.gitlab_simulation import GitlabSimulation
from tests.equivalence.pipelines import events, outcomes, plans
from tests.equivalence.simulation import Faults, Run, Simulation, event_json, simulate, without_commands

Count = Callable[[], None]
RAN = (End.PASSED, End.FAILED)
Model = type[Simulation]
on_both = pytest.mark.parametrize("model", [GithubSimulation, GitlabSimulation], ids=["github", "gitlab"])


def cases(number: int) -> settings:
    return settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def patch() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        without_commands(monkeypatch.setattr)
        yield monkeypatch.setattr


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Count:
    """Return a function that counts a case; the sum stands at the end of the suite's report."""
    properties = request.node.user_properties
    properties.append(("cases", 0))

    def one_more() -> None:
        properties[-1] = ("cases", properties[-1][1] + 1)

    return one_more


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in memory where there is one: a case writes some fifty small files."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="mlcc-", dir=memory) as name:
        yield Path(name)
        os.chdir(here)  # a run works in the folder, which is about to go


def ends_of(got: Run, plan: Plan) -> dict[str, str]:
    return {id: got.endings[id].end if id in got.endings else "unselected" for id in plan.nodes}


def values(result: Result) -> dict[str, str]:
    return {id: end.value for id, end in result.ends.items()}


def test_selection(count: Count) -> None:
    @cases(2500)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        wanted = select(plan, event)
        got = runtime_select.select(to_runtime(plan), event_json(event))
        assert got["selected"] == [id for id in plan.nodes if id in wanted.selected]
        assert got["by_verdict"] == {id: list(verdicts) for id, verdicts in wanted.by_verdict.items()}
        for id in plan.nodes:
            assert got["reasons"][id] == wanted.reasons[id] or id in wanted.selected
        count()

    check()


@pytest.mark.parametrize("eager", [True, False], ids=["every job starts", "compiled conditions"])
@pytest.mark.parametrize("part", range(2))
@on_both
def test_ends_and_colour(
    model: Model, part: int, eager: bool, count: Count, patch: Any, folder: Path
) -> None:
    @cases(350 if eager else 900)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        turns_out = data.draw(outcomes(plan))
        selection = select(plan, event)
        wanted = run(plan, selection, turns_out)
        faults = Faults(eager=eager, order=data.draw(st.integers(0, 9)))
        got = simulate(model, plan, event, turns_out, folder / "run", patch, faults)
        assert ends_of(got, plan) == values(wanted)
        assert got.executed == {id for id, end in wanted.ends.items() if end in RAN}
        assert eager or got.started <= selection.selected
        assert got.green is wanted.green
        assert got.told == set(told(plan, event, wanted, turns_out))
        count()

    check()


def fault(data: st.DataObject, plan: Plan) -> frozenset[str]:
    return frozenset(data.draw(st.lists(st.sampled_from(["select", *plan.nodes]), unique=True, min_size=1)))


def test_outputs_that_do_not_arrive_never_turn_a_run_green(count: Count, patch: Any, folder: Path) -> None:
    """Lost deny lists only start runners; without the list of unselected nodes one may fail to start, and is lost."""

    @cases(500)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        turns_out, masked = data.draw(outcomes(plan)), fault(data, plan)
        selection = select(plan, event)
        wanted = run(plan, selection, turns_out)
        faults = Faults(masked=masked)
        got = simulate(GithubSimulation, plan, event, turns_out, folder / "run", patch, faults)
        assert got.executed <= {id for id, end in wanted.ends.items() if end in RAN}
        assert not got.green or wanted.green
        if got.green or "select" not in masked:
            assert ends_of(got, plan) == values(wanted)
        count()

    check()


@on_both
def test_a_lost_runner_is_red_and_stops_what_a_failure_stops(
    model: Model, count: Count, patch: Any, folder: Path
) -> None:
    @cases(500)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        turns_out, lost = data.draw(outcomes(plan)), fault(data, plan)
        selection = select(plan, event)
        faults = Faults(lost=lost, order=data.draw(st.integers(0, 9)))
        got = simulate(model, plan, event, turns_out, folder / "run", patch, faults)
        hit = lost & got.started
        wanted = run(plan, selection, {**turns_out, **dict.fromkeys(hit, Outcome.FAIL)})
        # GitLab starts jobs that then decide to be skipped: losing such a one changes nothing, or shows as a failure.
        assert not any(wanted.ends[id] in RAN for id in hit) or not got.green
        assert hit or got.green is wanted.green
        ran = {id for id, end in wanted.ends.items() if end in RAN} - hit
        assert got.executed <= ran
        if all(plan.nodes[id].blocking for id in hit):
            assert got.executed == ran
        count()

    check()


@on_both
def test_a_cancelled_run_is_not_green(model: Model, count: Count, patch: Any, folder: Path) -> None:
    @cases(400)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        turns_out = data.draw(outcomes(plan))
        at = data.draw(st.sampled_from([*plan.nodes, "final"]))
        selection = select(plan, event)
        wanted = run(plan, selection, turns_out)
        faults = Faults(cancel_at=at, order=data.draw(st.integers(0, 9)))
        got = simulate(model, plan, event, turns_out, folder / "run", patch, faults)
        ran = {id for id, end in wanted.ends.items() if end in RAN}
        assert not got.green or (wanted.green and got.executed == ran)
        if model is GithubSimulation:
            # At least one job shows that the run was cancelled, unless none but `always` nodes were left.
            left = [id for id in plan.nodes if got.results[id] == "cancelled"]
            assert not got.green or not left
        else:
            assert not got.green or "canceled" not in got.results.values()
            assert not got.green or at not in selection.selected
        count()

    check()


def test_a_release_that_is_cancelled_while_it_waits_is_rolled_back(
    count: Count, patch: Any, folder: Path
) -> None:
    @cases(200)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        turns_out = dict.fromkeys(plan.nodes, Outcome.PASS)
        ends = run(plan, select(plan, event), turns_out).ends
        waiting = [id for id, node in plan.nodes.items() if node.pause is not None and node.pause.seconds]
        reached = [id for id in waiting if ends[id] in RAN]
        assume(reached)
        at = data.draw(st.sampled_from(reached))
        faults = Faults(cancel_at=f"{at}--wait")
        got = simulate(GithubSimulation, plan, event, turns_out, folder / "run", patch, faults)
        work = plan.nodes[at].work
        assert isinstance(work, Release)
        assert work.rollback in got.executed
        assert at not in got.executed
        assert not got.green
        count()

    check()


def test_a_release_that_nobody_approves_is_red_and_leaves_nothing_to_undo(
    count: Count, patch: Any, folder: Path
) -> None:
    @cases(200)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        plan, event = data.draw(plans()), data.draw(events())
        first = {id for id, node in plan.nodes.items() if node.pause is not None and node.pause.approval}
        turns_out = data.draw(outcomes(plan))
        selection = select(plan, event)
        ends = run(plan, selection, turns_out).ends
        asked = {id for id in first if ends[id] in RAN}
        faults = Faults(refused=frozenset(first))
        got = simulate(GithubSimulation, plan, event, turns_out, folder / "run", patch, faults)
        assert not got.executed & first
        after = {id for id in plan.nodes if asked.intersection(ancestors(id, plan.incoming))}
        assert not [id for id in got.executed & after if plan.nodes[id].releases]
        assert not (asked and got.green)
        count()

    check()


def test_the_workflow_says_what_the_model_evaluates(count: Count) -> None:
    @cases(60)
    @given(plans())
    def check(plan: Plan) -> None:
        workflow = lower(plan)
        jobs = yaml.load(render(workflow, Overlay()), yaml.CSafeLoader)["jobs"]
        assert list(jobs) == [job.id for job in workflow.jobs]
        for job in workflow.jobs:
            assert jobs[job.id].get("if") == (job.if_.interpolation() if job.if_ else None)
            assert tuple(jobs[job.id].get("needs", ())) == job.needs
            receive = next((step for step in jobs[job.id]["steps"] if step["id"] == "receive"), None)
            assert (receive is None) is (job.id == "select" or ("--" in job.id and job.id != NOTIFY))
        count()

    check()
