"""S1 to S12 on one pipeline. What must happen was worked out by hand from the text of the language."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from mlcc.plan import EdgeKind, Plan
from mlcc.semantics import End, Event, Outcome, run, select
from tests.plans import plan_of
from tests.semantics.flights import ALL, FLIGHTS


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(FLIGHTS)


def test_s1_edges(plan: Plan) -> None:
    d, g, o, v = EdgeKind.DATA, EdgeKind.GUARD, EdgeKind.ORDER, EdgeKind.VERDICT
    assert {(e.source, e.target, e.kind) for e in plan.edges} == {
        ("featurize", "features-contract", d),
        ("featurize", "train", d),
        ("features-contract", "train", g),
        ("train", "good-enough", d),
        ("train", "package", d),
        ("good-enough", "package", g),
        ("lint", "package", o),
        ("raw-drift", "retrain", v),
        ("retrain", "shadow", d),
        ("featurize", "profile", d),
        ("features-contract", "profile", g),
        ("profile", "publish-stats", d),
        ("train", "teardown", o),
        ("package", "teardown", o),
        ("good-enough", "alert", o),
        ("lint", "alert", o),
    }


def test_the_order_is_as_written_where_edges_allow(plan: Plan) -> None:
    """Jobs in the order of the spec, each as soon as what it waits for is there."""
    assert list(plan.nodes) == [
        "featurize", "lint", "nightly", "features-contract", "train", "profile", "publish-stats",
        "raw-drift", "retrain", "shadow", "good-enough", "package", "teardown", "alert",
    ]  # fmt: skip


# --- S3, S10: what is selected --------------------------------------------------------------------

PUSH = Event("push", branch="main")
PULL = Event("pull_request", branch="main")
BY_DEPLOY = {"package", "train", "good-enough", "featurize", "features-contract", "teardown", "alert"}
BY_RAW = ALL - {"lint", "nightly"}
FROM_FORK = {
    "featurize", "features-contract", "lint", "raw-drift", "retrain", "shadow", "profile", "publish-stats", "alert",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "selected"),
    [
        pytest.param({"src/a.py"}, ALL - {"nightly"}, id="code"),
        pytest.param({"deploy/serve.yml"}, BY_DEPLOY, id="deploy: pulls writers and guards, not `needs`"),
        pytest.param({"data/raw.csv"}, BY_RAW, id="raw: lint isn't pulled in"),
        pytest.param({"baselines/b.json"}, {"raw-drift", "retrain", "shadow"}, id="through the verdict edge"),
        pytest.param({"README.md"}, set(), id="nothing"),
        pytest.param(set(), set(), id="no change at all"),
        pytest.param({"mlcc.yaml"}, ALL - {"nightly"}, id="the spec"),
        pytest.param({".mlcc/plan.json"}, ALL - {"nightly"}, id="an emitted file"),
        pytest.param({".github/workflows/p.yml"}, ALL - {"nightly"}, id="a compiled file"),
        pytest.param({".github/workflows/other.yml"}, set(), id="another workflow"),
        pytest.param({"srcs/a.py", "src.py", "SRC/a.py"}, set(), id="near misses"),
    ],
)
@pytest.mark.parametrize("event", [PUSH, PULL], ids=["push", "pull request"])
def test_s3_diffs(plan: Plan, event: Event, changed: set[str], selected: set[str]) -> None:
    event = Event(event.kind, branch=event.branch, changed=frozenset(changed))
    assert select(plan, event).selected == selected


@pytest.mark.parametrize(
    ("event", "selected"),
    [
        pytest.param(PUSH, ALL - {"nightly"}, id="unknown base"),
        pytest.param(PULL, ALL - {"nightly"}, id="unknown base of a pull request"),
        pytest.param(Event("schedule", branch="main", trigger="night"), ALL, id="schedule"),
        pytest.param(Event("manual", branch="main", trigger="go"), ALL - {"nightly"}, id="manual"),
        pytest.param(Event("tag", tag="v1"), ALL - {"nightly"}, id="tag"),
        pytest.param(
            Event("pull_request", branch="main", fork=True, changed=frozenset({"src/a.py"})),
            FROM_FORK,
            id="fork",
        ),
        pytest.param(Event("pull_request", branch="main", fork=True), FROM_FORK, id="fork, unknown base"),
    ],
)
def test_s3_other_events(plan: Plan, event: Event, selected: set[str]) -> None:
    assert select(plan, event).selected == selected


def test_s10_says_why(plan: Plan) -> None:
    reasons = select(plan, Event("pull_request", branch="main", fork=True)).reasons
    assert reasons["train"] == "it uses secrets, and the pull request comes from a fork"
    assert reasons["package"] == f"it can't run without 'train': {reasons['train']}"


# --- S4 to S6, S8, S9, S12: how runs end ----------------------------------------------------------


class Case(NamedTuple):
    """Outcomes, and the nodes that don't pass because of them. Everything else that is selected passes."""

    name: str
    outcomes: dict[str, Outcome]
    failed: set[str]
    skipped: set[str]
    green: bool


F, E, N, T = Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.TIMEOUT
CALM = {"retrain", "shadow"}  # no drift: what it would trigger is skipped
AFTER_FEATURES = {"train", "good-enough", "package", "profile", "publish-stats"}

CASES = [
    Case("all pass", {}, set(), CALM | {"alert"}, True),
    Case("drift retrains", {"raw-drift": F}, {"raw-drift"}, {"alert"}, True),
    Case("a drift gate that errs doesn't retrain", {"raw-drift": E}, {"raw-drift"}, CALM | {"alert"}, True),
    Case("nor one that times out", {"raw-drift": T}, {"raw-drift"}, CALM | {"alert"}, True),
    Case("nor an inconclusive one", {"raw-drift": N}, {"raw-drift"}, CALM | {"alert"}, True),
    Case("first node", {"featurize": F}, {"featurize"}, CALM | AFTER_FEATURES | {"features-contract"}, False),
    Case("a gate", {"features-contract": F}, {"features-contract"}, CALM | AFTER_FEATURES, False),
    Case("an inconclusive gate is closed", {"features-contract": N}, {"features-contract"}, CALM | AFTER_FEATURES, False),
    Case("so is one that errs", {"features-contract": E}, {"features-contract"}, CALM | AFTER_FEATURES, False),
    Case("so is one that times out", {"features-contract": T}, {"features-contract"}, CALM | AFTER_FEATURES, False),
    Case("training times out", {"train": T}, {"train"}, CALM | {"good-enough", "package"}, False),
    Case("the model isn't good enough", {"good-enough": F}, {"good-enough"}, CALM | {"package"}, False),
    Case("lint: order edges count", {"lint": F}, {"lint"}, CALM | {"package"}, False),
    Case("a non-blocking writer", {"profile": F}, {"profile"}, CALM | {"publish-stats", "alert"}, True),
    Case("teardown", {"teardown": F}, {"teardown"}, CALM | {"alert"}, False),
    Case("package is no ancestor of alert", {"package": F}, {"package"}, CALM | {"alert"}, False),
    Case("retraining fails", {"raw-drift": F, "retrain": F}, {"raw-drift", "retrain"}, {"shadow", "alert"}, False),
    Case("alert itself fails", {"lint": F, "alert": F}, {"lint", "alert"}, CALM | {"package"}, False),
    Case(
        "two independent failures", {"lint": F, "featurize": T},
        {"lint", "featurize"}, CALM | AFTER_FEATURES | {"features-contract"}, False,
    ),
    Case("outcomes of what is skipped don't count", {"featurize": F, "train": F, "retrain": F}, {"featurize"},
         CALM | AFTER_FEATURES | {"features-contract"}, False),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_runs_of_a_code_change(plan: Plan, case: Case) -> None:
    selection = select(plan, Event("push", branch="main", changed=frozenset({"src/a.py"})))
    result = run(plan, selection, case.outcomes)
    expected = dict.fromkeys(ALL, End.PASSED) | {"nightly": End.UNSELECTED}
    expected |= dict.fromkeys(case.failed, End.FAILED) | dict.fromkeys(case.skipped, End.SKIPPED)
    assert dict(result.ends) == expected
    assert result.green is case.green


def test_an_unselected_predecessor_is_ignored(plan: Plan) -> None:
    selection = select(plan, Event("push", branch="main", changed=frozenset({"deploy/x"})))
    result = run(plan, selection, {"lint": F})
    assert result.ends["lint"] is End.UNSELECTED
    assert result.ends["package"] is End.PASSED
    assert result.green


def test_nothing_selected_is_green(plan: Plan) -> None:
    result = run(plan, select(plan, Event("push", branch="main", changed=frozenset())), {"train": F})
    assert set(result.ends.values()) == {End.UNSELECTED}
    assert result.green


def test_a_scheduled_run(plan: Plan) -> None:
    selection = select(plan, Event("schedule", branch="main", trigger="night"))
    result = run(plan, selection, {"nightly": F})
    assert result.ends["nightly"] is End.FAILED
    assert result.ends["package"] is End.PASSED
    assert not result.green


def test_a_fork_has_no_model(plan: Plan) -> None:
    selection = select(plan, Event("pull_request", branch="main", fork=True, changed=frozenset({"src/a.py"})))
    result = run(plan, selection, {"lint": F})
    assert {id for id, end in result.ends.items() if end is End.UNSELECTED} == ALL - FROM_FORK
    assert result.ends["alert"] is End.PASSED
    assert not result.green
