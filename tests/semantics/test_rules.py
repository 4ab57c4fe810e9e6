"""Single clauses of S1 to S12, each on the smallest pipeline that shows it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.globs import common_name
from mlcc.plan import EdgeKind
from mlcc.runtime.patterns import name_matches
from mlcc.semantics import End, Event, Outcome, candidates, run, select
from tests.plans import HEAD, diagnose, plan_of

F, E, N, T = Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.TIMEOUT
ARTIFACTS = """artifacts:
  code: {kind: code, path: src/}
  docs: {kind: file, path: docs/}
  data: {kind: data, path: build/data.csv}
  model: {kind: model, path: build/model.bin}
  scored: {kind: data, path: build/scored.json}
"""
EVENTS = """version: 1
name: p
triggers:
  push: {branches: [main, "release/*"]}
  pull_request: {branches: [main]}
  tag: {patterns: ["v*"]}
  schedule: {weekly: "17 3 * * 1", monitor: "41 4 * * *"}
  manual: {retrain: {inputs: {mode: {type: choice, options: [fast, full], default: fast}}}}
  dispatch: [new-data]
"""


def _push(*changed: str) -> Event:
    return Event("push", branch="main", changed=frozenset(changed))


# --- S1, S2 ---------------------------------------------------------------------------------------

EVALUATED = (
    HEAD
    + ARTIFACTS
    + """jobs:
  train: {run: t, reads: [code], writes: [model]}
  score: {run: t, evaluates: [model], writes: [scored]}
  ship: {run: t, reads: [model]}
gates:
  floor: {guards: model, evaluate: {metrics_from: scored, metrics: {auc: {min: 0.7}}}}
  small: {guards: model, command: {run: check}}
  odd: {guards: model, blocking: false, command: {run: check}}
"""
)


def test_s1_a_gate_waits_for_no_other_gate_on_its_artifact() -> None:
    plan = plan_of(EVALUATED)
    assert {(e.source, e.kind.value) for e in plan.incoming["small"]} == {("train", "data")}
    assert {(e.source, e.kind.value) for e in plan.incoming["floor"]} == {
        ("train", "data"),
        ("score", "data"),
    }


def test_s2_who_evaluates_waits_for_no_gate_and_who_reads_for_the_blocking_ones() -> None:
    plan = plan_of(EVALUATED)
    assert {e.source for e in plan.incoming["score"]} == {"train"}
    assert {(e.source, e.kind.value) for e in plan.incoming["ship"]} == {
        ("train", "data"), ("floor", "guard"), ("small", "guard"),
    }  # fmt: skip


def test_s2_a_gate_on_what_a_gate_reads_comes_before_it() -> None:
    plan = plan_of(EVALUATED + "  readable: {guards: scored, command: {run: check}}\n")
    assert ("readable", EdgeKind.GUARD) in {(e.source, e.kind) for e in plan.incoming["floor"]}
    ends = run(plan, select(plan, _push("src/a.py")), {"readable": F}).ends
    assert [ends[id] for id in ("floor", "small", "ship")] == [End.SKIPPED, End.PASSED, End.SKIPPED]


def test_s4_a_non_blocking_gate_keeps_nobody() -> None:
    plan = plan_of(EVALUATED)
    result = run(plan, select(plan, _push("src/a.py")), {"odd": F})
    assert result.ends["odd"] is End.FAILED
    assert result.ends["ship"] is End.PASSED
    assert result.green


def test_s1_outputs_are_data_edges() -> None:
    plan = plan_of(
        HEAD + "jobs:\n  a: {run: t, outputs: [N]}\n  b: {run: t, env: {N: {output: a.N}}, path: [src/]}\n"
    )
    assert [(e.source, e.kind) for e in plan.incoming["b"]] == [("a", EdgeKind.DATA)]
    selection = select(plan, _push("src/x"))
    assert selection.selected == {"a", "b"}
    assert run(plan, selection, {"a": F}).ends["b"] is End.SKIPPED


# --- S3 -------------------------------------------------------------------------------------------


def test_s3_a_node_without_sources_is_always_selected() -> None:
    plan = plan_of(
        HEAD
        + ARTIFACTS
        + "jobs:\n  tick: {run: t}\n  tock: {run: t, needs: [tick]}\n  lint: {run: t, reads: [code]}\n"
    )
    assert select(plan, _push("README.md")).selected == {"tick", "tock"}


def test_s3_sources_are_inherited_along_order_edges() -> None:
    plan = plan_of(
        HEAD + ARTIFACTS + "jobs:\n  lint: {run: t, reads: [code]}\n  after: {run: t, needs: [lint]}\n"
    )
    assert select(plan, _push("README.md")).selected == frozenset()
    assert select(plan, _push("src/a.py")).selected == {"lint", "after"}


def test_s3_a_gate_is_selected_by_the_path_it_lists_and_by_what_it_guards() -> None:
    plan = plan_of(HEAD + ARTIFACTS + "gates:\n  unit: {guards: code, path: [tests/], command: {run: t}}\n")
    for path in ("tests/test_a.py", "src/a.py"):
        assert select(plan, _push(path)).selected == {"unit"}
    assert select(plan, _push("tests.py")).selected == frozenset()


def test_s3_a_fetch_depends_on_its_dvc_file() -> None:
    plan = plan_of(
        HEAD + "artifacts:\n  raw: {kind: data, path: data/raw.csv, from: {dvc: data/raw.csv.dvc}}\n"
        "jobs:\n  train: {run: t, reads: [raw]}\n"
    )
    assert select(plan, _push("data/raw.csv.dvc")).selected == {"fetch-raw", "train"}
    assert select(plan, _push("data/raw.csv")).selected == frozenset()


def test_s3_paths_are_relative_to_the_project() -> None:
    plan = plan_of(
        HEAD + ARTIFACTS + "jobs:\n  lint: {run: t, reads: [code]}\n",
        home="models/a", spec_files=("models/a/mlcc.yaml", "platform/base.yaml"),
    )  # fmt: skip
    for path in ("models/a/src/x.py", "models/a/mlcc.yaml", "platform/base.yaml", "models/a/.mlcc/run.py"):
        assert select(plan, _push(path)).selected == {"lint"}, path
    for path in ("src/x.py", "models/b/src/x.py", "mlcc.yaml", ".mlcc/run.py"):
        assert select(plan, _push(path)).selected == frozenset(), path


NARROW_GATE = (
    EVENTS
    + ARTIFACTS
    + """jobs:
  train: {run: t, reads: [code], writes: [model]}
  ship: {run: t, reads: [model, docs]}
  tell: {run: t, needs: [floor], path: [docs/]}
gates:
  floor: {guards: model, command: {run: check}, when: {event: push}}
"""
)


def test_s3_where_a_gate_cannot_run_its_readers_cannot_either() -> None:
    plan = plan_of(NARROW_GATE)
    selection = select(plan, Event("pull_request", branch="main"))
    assert selection.selected == {"train", "tell"}
    assert selection.reasons["floor"] == "its `when` doesn't allow it: the event is pull_request"
    assert selection.reasons["ship"] == f"it can't run without 'floor': {selection.reasons['floor']}"
    assert select(plan, Event("push", branch="main")).selected == {"train", "tell", "ship", "floor"}


def test_s3_when_is_an_upper_bound_that_pulling_in_does_not_lift() -> None:
    plan = plan_of(
        EVENTS
        + ARTIFACTS
        + "jobs:\n  train: {run: t, reads: [code], writes: [model], when: {event: schedule}}\n"
        "  ship: {run: t, reads: [model, docs]}\n"
    )
    assert select(plan, _push("docs/a")).selected == frozenset()
    assert select(plan, Event("schedule", branch="main", trigger="weekly")).selected == {"train", "ship"}


AT_BASE = (
    EVENTS
    + ARTIFACTS
    + """  old: {kind: data, path: data/, at: base}
jobs:
  train: {run: t, reads: [code], writes: [model]}
gates:
  same: {guards: code, command: {run: check}}
"""
)


@pytest.mark.parametrize(
    "event",
    [
        Event("push", branch="main"),
        Event("pull_request", branch="main"),
        Event("tag", tag="v1"),
        Event("schedule", branch="main", trigger="weekly"),
        Event("manual", branch="main", trigger="retrain"),
        Event("dispatch", branch="main", trigger="new-data"),
    ],
    ids=lambda event: event.kind,
)
def test_s3_without_a_base_nothing_takes_a_version_of_it(event: Event) -> None:
    plan = plan_of(
        AT_BASE.replace("writes: [model]", "writes: [model]}\n  diff: {run: t, reads: [old, model]")
    )
    selection = select(plan, event)
    assert selection.selected == {"train", "same"}
    assert selection.reasons["diff"] == "there is no base version of 'old' in this run"


def test_s3_with_a_base_there_is_a_version_of_it_and_the_plan_can_run() -> None:
    plan = plan_of(
        AT_BASE.replace("writes: [model]", "writes: [model]}\n  diff: {run: t, reads: [old, model]")
    )
    assert select(plan, _push("data/a")).selected == {"diff", "train", "same"}
    assert select(plan, _push("README.md")).selected == frozenset()
    assert "diff" in candidates(plan, Event("pull_request", branch="main"))
    assert "diff" not in candidates(plan, Event("tag", tag="v1"))


def test_s3_what_needs_a_base_and_never_has_one_never_runs() -> None:
    found = _diagnosed(
        "{schedule: {s: '1 1 * * *'}}",
        "jobs:\n  a: {run: t, reads: [old]}\n",
        "  old: {kind: data, path: data/, at: base}\n",
    )
    assert found == {"a": "there is no base version of 'old' in this run"}


@pytest.mark.parametrize(
    ("when", "event", "holds"),
    [
        ("{event: [push, tag]}", Event("push", branch="main"), True),
        ("{event: [push, tag]}", Event("manual", branch="main", trigger="retrain"), False),
        ("{branch: main}", Event("pull_request", branch="main"), True),
        ("{branch: 'release/*'}", Event("push", branch="release/1"), True),
        ("{branch: 'release/*'}", Event("push", branch="release/1/x"), False),
        ("{branch: 'release/*'}", Event("push", branch="main"), False),
        ("{branch: '**'}", Event("tag", tag="v1"), False),
        ("{tag: 'v1.*'}", Event("tag", tag="v1.2"), True),
        ("{tag: 'v1.*'}", Event("tag", tag="v12"), False),
        ("{tag: '**'}", Event("push", branch="main"), False),
        ("{trigger: [weekly, new-data]}", Event("dispatch", branch="main", trigger="new-data"), True),
        ("{trigger: weekly}", Event("schedule", branch="main", trigger="monitor"), False),
        ("{trigger: weekly}", Event("push", branch="main"), False),
        ("{input: {mode: full}}", Event("manual", branch="main", trigger="retrain", inputs={"mode": "full"}), True),
        ("{input: {mode: full}}", Event("manual", branch="main", trigger="retrain", inputs={"mode": "fast"}), False),
        ("{input: {mode: fast}}", Event("schedule", branch="main", trigger="weekly"), False),
        ("{event: push, branch: main}", Event("push", branch="release/1"), False),
        ("[{event: schedule}, {event: push, branch: main}]", Event("push", branch="main"), True),
        ("[{event: schedule}, {event: push, branch: main}]", Event("push", branch="release/1"), False),
    ],
)  # fmt: skip
def test_s3_conditions(when: str, event: Event, holds: bool) -> None:
    plan = plan_of(EVENTS + ARTIFACTS + f"jobs:\n  train: {{run: t, reads: [code], when: {when}}}\n")
    assert (select(plan, event).selected == {"train"}) is holds


# --- S4 -------------------------------------------------------------------------------------------


def test_s4_a_non_blocking_failure_lets_order_edges_through_and_no_data_edge() -> None:
    plan = plan_of(
        HEAD + ARTIFACTS + "jobs:\n  profile: {run: t, reads: [code], writes: [data], blocking: false}\n"
        "  after: {run: t, needs: [profile]}\n  use: {run: t, reads: [data]}\n  more: {run: t, needs: [use]}\n"
    )
    for outcome in (F, T):
        result = run(plan, select(plan, _push("src/a")), {"profile": outcome})
        assert dict(result.ends) == {
            "profile": End.FAILED, "after": End.PASSED, "use": End.SKIPPED, "more": End.SKIPPED,
        }  # fmt: skip
        assert result.green


def test_s4_status_nodes_follow_one_another() -> None:
    plan = plan_of(
        HEAD + ARTIFACTS + "jobs:\n  lint: {run: t, reads: [code]}\n"
        "  mop: {run: t, needs: [lint], when: {status: always}}\n"
        "  lamp: {run: t, needs: [mop], when: {status: failure}}\n"
        "  log: {run: t, needs: [lamp], when: {status: always}}\n"
    )
    selection = select(plan, _push("src/a"))
    assert selection.selected == {"lint", "mop", "lamp", "log"}
    ends = run(plan, selection, {}).ends
    assert [ends[id] for id in ("mop", "lamp", "log")] == [End.PASSED, End.SKIPPED, End.PASSED]
    ends = run(plan, selection, {"mop": F}).ends
    assert [ends[id] for id in ("mop", "lamp", "log")] == [End.FAILED, End.PASSED, End.PASSED]
    assert select(plan, _push("README.md")).selected == frozenset()


def test_s4_failure_asks_for_a_blocking_ancestor_however_far() -> None:
    plan = plan_of(
        HEAD
        + ARTIFACTS
        + "jobs:\n  a: {run: t, reads: [code], writes: [data]}\n  b: {run: t, reads: [data]}\n"
        "  soft: {run: t, reads: [code], blocking: false}\n"
        "  lamp: {run: t, needs: [b, soft], when: {status: failure}}\n"
    )
    selection = select(plan, _push("src/a"))
    assert run(plan, selection, {"soft": F}).ends["lamp"] is End.SKIPPED
    assert run(plan, selection, {"a": T}).ends["lamp"] is End.PASSED


def test_s4_a_status_node_is_selected_by_any_predecessor_also_one_whose_output_it_shows() -> None:
    plan = plan_of(
        HEAD + ARTIFACTS + "jobs:\n  a: {run: t, reads: [code], outputs: [N]}\n  b: {run: t, reads: [docs]}\n"
        "  tell: {run: t, needs: [b], env: {N: {output: a.N}}, when: {status: always}}\n"
    )
    assert select(plan, _push("src/a")).selected == {"a", "tell"}
    unselected = select(plan, _push("README.md"))
    assert unselected.selected == frozenset()
    assert unselected.reasons["tell"] == "none of what it follows is selected"
    assert unselected.reasons["a"] == "nothing that it depends on has changed"


def test_s4_status_and_event_together() -> None:
    plan = plan_of(
        EVENTS + ARTIFACTS + "jobs:\n  lint: {run: t, reads: [code]}\n"
        "  lamp: {run: t, needs: [lint], when: {status: failure, event: schedule}}\n"
    )
    assert select(plan, _push("src/a")).selected == {"lint"}
    assert select(plan, Event("schedule", branch="main", trigger="weekly")).selected == {"lint", "lamp"}


# --- S5 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "end"), [("fail", End.SKIPPED), ("warn", End.PASSED)])
def test_s5_inconclusive_opens_only_where_the_spec_says_so(answer: str, end: End) -> None:
    plan = plan_of(
        HEAD + ARTIFACTS + "jobs:\n  train: {run: t, reads: [code]}\n"
        f"gates:\n  unit: {{guards: code, on_inconclusive: {answer}, command: {{run: t}}}}\n"
    )
    selection = select(plan, _push("src/a"))
    assert run(plan, selection, {"unit": N}).ends["train"] is end
    for outcome in (F, E, T):
        assert run(plan, selection, {"unit": outcome}).ends["train"] is End.SKIPPED


@pytest.mark.parametrize(
    ("day", "outcome", "end"),
    [
        ("2027-01-30", F, End.PASSED),
        ("2027-01-31", F, End.PASSED),
        ("2027-01-31", N, End.PASSED),
        ("2027-02-01", F, End.FAILED),
        ("2027-01-31", E, End.FAILED),
        ("2027-01-31", T, End.FAILED),
        (None, F, End.FAILED),
    ],
)
def test_s5_a_waiver_opens_a_gate_up_to_its_last_day(day: str | None, outcome: Outcome, end: End) -> None:
    waive = '{reason: flaky on Mondays, until: "2027-01-31", issue: "https://example.org/1"}'
    plan = plan_of(
        HEAD + ARTIFACTS + "jobs:\n  train: {run: t, reads: [code]}\n"
        f"gates:\n  unit: {{guards: code, waive: {waive}, command: {{run: t}}}}\n"
    )
    result = run(plan, select(plan, _push("src/a")), {"unit": outcome}, day)
    assert result.ends["unit"] is end
    assert result.ends["train"] is (End.PASSED if end is End.PASSED else End.SKIPPED)
    assert result.green is (end is End.PASSED)
    assert result.reasons["unit"] == "src/a changed" + (
        "; waived until 2027-01-31" if end is End.PASSED else ""
    )


def test_s12_a_waiver_changes_no_verdict() -> None:
    gate = 'blocking: false, waive: {reason: flaky on Mondays, until: "2027-01-31", issue: "https://example.org/1"},'
    plan = plan_of(_on_verdict("{gate: drift, verdict: fail}").replace("blocking: false,", gate))
    result = run(plan, select(plan, Event("push", branch="main")), {"drift": F}, "2027-01-31")
    assert (result.ends["drift"], result.ends["retrain"]) == (End.PASSED, End.PASSED)


# --- S12 ------------------------------------------------------------------------------------------


def _on_verdict(when: str) -> str:
    return (
        EVENTS
        + ARTIFACTS
        + f"jobs:\n  retrain: {{run: t, reads: [docs], when: {when}}}\n  after: {{run: t, needs: [retrain]}}\n"
        + "gates:\n  drift: {guards: code, blocking: false, command: {run: t}}\n"
    )


@pytest.mark.parametrize(
    ("verdict", "outcome", "runs"),
    [
        ("fail", F, True), ("fail", E, False), ("fail", N, False), ("fail", T, False), ("fail", Outcome.PASS, False),
        ("pass", Outcome.PASS, True), ("pass", F, False),
        ("inconclusive", N, True), ("inconclusive", E, False),
        ("error", E, True), ("error", T, True), ("error", F, False),
        ("[fail, error]", T, True), ("[fail, error]", F, True), ("[fail, error]", N, False),
    ],
)  # fmt: skip
def test_s12_exactly_the_named_verdict_and_a_gate_that_times_out_errs(
    verdict: str, outcome: Outcome, runs: bool
) -> None:
    plan = plan_of(_on_verdict(f"{{gate: drift, verdict: {verdict}}}"))
    result = run(plan, select(plan, Event("push", branch="main")), {"drift": outcome})
    end = End.PASSED if runs else End.SKIPPED
    assert [result.ends[id] for id in ("retrain", "after")] == [end, end]
    assert result.green


def test_s12_another_alternative_makes_the_verdict_needless() -> None:
    plan = plan_of(_on_verdict("[{event: push}, {gate: drift, verdict: fail}]"))
    on_push = select(plan, _push("docs/a"))
    assert on_push.selected == {"retrain", "after"}  # the gate isn't pulled in
    both = select(plan, _push("docs/a", "src/a"))
    assert both.selected == {"retrain", "after", "drift"}
    for outcome in Outcome:
        assert run(plan, both, {"drift": outcome}).ends["retrain"] is End.PASSED
    on_pull = select(plan, Event("pull_request", branch="main", changed=frozenset({"docs/a"})))
    assert on_pull.selected == {"retrain", "after", "drift"}  # here only the verdict lets it run
    assert run(plan, on_pull, {}).ends["retrain"] is End.SKIPPED


def test_s12_a_gate_that_another_alternative_makes_needless_may_be_skipped() -> None:
    plan = plan_of(
        EVENTS + ARTIFACTS + "jobs:\n  make: {run: t, reads: [code], writes: [data]}\n"
        "  retrain: {run: t, reads: [docs], when: [{event: push}, {gate: drift, verdict: fail}]}\n"
        "gates:\n  drift: {guards: data, blocking: false, command: {run: t}}\n"
    )
    result = run(plan, select(plan, Event("push", branch="main")), {"make": F})
    assert result.ends == {"make": End.FAILED, "drift": End.SKIPPED, "retrain": End.PASSED}


def test_s12_only_the_alternatives_that_the_event_allows_name_verdicts() -> None:
    when = "[{event: push, gate: drift, verdict: fail}, {gate: drift, verdict: error}]"
    plan = plan_of(_on_verdict(when))
    on_push = select(plan, Event("push", branch="main"))
    on_schedule = select(plan, Event("schedule", branch="main", trigger="weekly"))
    assert run(plan, on_push, {"drift": F}).ends["retrain"] is End.PASSED
    assert run(plan, on_push, {"drift": E}).ends["retrain"] is End.PASSED
    assert run(plan, on_schedule, {"drift": F}).ends["retrain"] is End.SKIPPED
    assert run(plan, on_schedule, {"drift": E}).ends["retrain"] is End.PASSED


def test_s12_a_gate_that_cannot_run_gives_no_verdict() -> None:
    plan = plan_of(
        _on_verdict("{gate: drift, verdict: fail}").replace(
            "blocking: false,", "blocking: false, when: {trigger: monitor},"
        )
    )
    assert select(plan, Event("push", branch="main")).selected == {"after"}  # `needs` pulls nothing in
    monitor = select(plan, Event("schedule", branch="main", trigger="monitor"))
    assert monitor.selected == {"drift", "retrain", "after"}


# --- what can run at all --------------------------------------------------------------------------


def _diagnosed(triggers: str, rest: str, artifacts: str = "") -> dict[str, str | None]:
    found = diagnose(f"version: 1\nname: p\ntriggers: {triggers}\n{ARTIFACTS}{artifacts}{rest}")
    assert {d.code for d in found} <= {"never-runs"}
    return {d.message.split("'")[1]: d.help for d in found}


def test_s3_what_no_trigger_can_run_is_named_with_its_cause() -> None:
    assert _diagnosed(
        "{push: {branches: [main]}}",
        "jobs:\n  a: {run: t, reads: [code], writes: [data], when: {event: schedule}}\n  b: {run: t, reads: [data]}\n"
        "  c: {run: t, needs: [a]}\n",
    ) == {
        "a": "its `when` doesn't allow it: the event is push",
        "b": "it can't run without 'a': its `when` doesn't allow it: the event is push",
    }


@pytest.mark.parametrize(
    ("triggers", "a", "b"),
    [
        ("{push: {branches: [main]}}", "{branch: dev}", "{event: push}"),
        ("{push: {branches: ['**']}}", "{branch: main}", "{branch: dev}"),
        ("{push: {branches: ['release/*']}}", "{branch: 'v*'}", "{event: push}"),
        ("{tag: {patterns: ['v*']}}", "{tag: 'w*'}", "{event: tag}"),
        ("{tag: {patterns: ['v*']}}", "{branch: '**'}", "{event: tag}"),
        ("{schedule: {s: '1 1 * * *', t: '2 2 * * *'}}", "{trigger: s}", "{trigger: t}"),
        ("{manual: {go: {inputs: {m: {type: string}}}}}", "{input: {m: x}}", "{input: {m: z}}"),
        (
            "{manual: {go: {inputs: {m: {type: string}}}, on: {inputs: {k: {type: string}}}}}",
            "{input: {m: x}}",
            "{input: {k: z}}",
        ),
    ],
)
def test_s3_conditions_that_exclude_each_other(triggers: str, a: str, b: str) -> None:
    """`b` reads what `a` writes, so both must be allowed at once."""
    found = _diagnosed(
        triggers.replace("on:", "other:"),
        f"jobs:\n  a: {{run: t, reads: [code], writes: [data], when: {a}}}\n  b: {{run: t, reads: [data], when: {b}}}\n",
    )
    assert "b" in found


@pytest.mark.parametrize(
    ("triggers", "a", "b"),
    [
        ("{push: {branches: ['feature/**']}}", "{branch: '*/hot'}", "{event: push}"),
        ("{push: {branches: ['**']}}", "{branch: 'release/*'}", "{branch: '*/9'}"),
        ("{push: {branches: ['**']}}", "{branch: 'release/*'}", "{branch: '*/9?'}"),
        ("{push: {branches: [main, 'release/**']}}", "{branch: ['x', 'release/*/z']}", "{event: push}"),
        ("{tag: {patterns: ['v*']}}", "{tag: '*-rc?'}", "{tag: 'v1*'}"),
        ("{schedule: {s: '1 1 * * *'}}", "{branch: trunk}", "{trigger: s}"),
        (
            "{manual: {go: {inputs: {m: {type: string}, k: {type: string}}}}}",
            "{input: {m: x}}",
            "{input: {k: z}}",
        ),
        (
            "{manual: {go: {inputs: {m: {type: string, default: x}, k: {type: string}}}}}",
            "{input: {m: x}}",
            "{input: {k: z}}",
        ),
    ],
)
def test_s3_conditions_that_one_event_satisfies(triggers: str, a: str, b: str) -> None:
    found = _diagnosed(
        triggers,
        f"jobs:\n  a: {{run: t, reads: [code], writes: [data], when: {a}}}\n  b: {{run: t, reads: [data], when: {b}}}\n",
    )
    assert found == {}


def test_s3_an_environment_s_branches_are_conditions_too() -> None:
    rest = "environments: {prod: {branches: ['ship/*']}}\njobs:\n  a: {run: t, reads: [code], environment: prod}\n"
    assert _diagnosed("{push: {branches: ['**']}}", rest) == {}
    assert _diagnosed("{schedule: {s: '1 1 * * *'}}", rest) == {}
    assert set(_diagnosed("{push: {branches: [main]}}", rest)) == {"a"}
    assert set(_diagnosed("{pull_request: {branches: ['**']}}", rest)) == {"a"}


@given(st.lists(st.text("ab/*?", min_size=1, max_size=5), min_size=1, max_size=3))
def test_a_common_name_is_common(patterns: list[str]) -> None:
    """And where none is found, none of the short names is one."""
    found = common_name(patterns)
    if found is not None:
        assert all(name_matches(pattern, found) for pattern in patterns)
    else:
        short = ("".join(letters) for n in range(1, 5) for letters in product("abx/", repeat=n))
        short = (name for name in short if not name.startswith("/"))
        assert not any(all(name_matches(pattern, name) for pattern in patterns) for name in short)
