"""What the benchmarks rest on: the synthetic specs and the tables. No time is asserted anywhere."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import calibration, judge, scores
from benchmarks.drift import gate_rates, rates
from benchmarks.many import write as write_instances
from benchmarks.measure import Command, FailedError, Goal, Sample, compare, interleave, run, table
from benchmarks.scale import slope
from benchmarks.specs import write_spec
from benchmarks.wear import figures
from mlcc.compiler import analyse, analyses, compile_files
from mlcc.gates.drift.measures import MEASURES


@pytest.mark.parametrize("nodes", [1, 5, 10, 13, 100, 1_000, 5_000])
def test_a_synthetic_spec_is_valid_and_of_the_asked_size(tmp_path: Path, nodes: int) -> None:
    spec = write_spec(tmp_path, nodes)
    assert len(analyse(spec, tmp_path, assume_committed=True).plan.nodes) == nodes


def test_a_synthetic_spec_compiles(tmp_path: Path) -> None:
    analysis = analyse(write_spec(tmp_path, 12), tmp_path, assume_committed=True)
    paths = {file.path for file in compile_files(analysis, ["github"])}
    assert {".github/workflows/synthetic.yml", ".mlcc/plan.json", ".mlcc/gates/sound-1.json"} <= paths


def test_a_spec_with_instances_is_valid_and_one_of_them_changes(tmp_path: Path) -> None:
    before = analyses(write_instances(tmp_path, 5), tmp_path)
    after = analyses(write_instances(tmp_path, 5, changed=2), tmp_path)
    assert [one.plan.name for one in before] == [f"many-m{number}" for number in range(5)]
    assert [one.plan != other.plan for one, other in zip(before, after, strict=True)] == [
        number == 2 for number in range(5)
    ]


def test_tables_are_aligned() -> None:
    assert table(("name", "ms"), [("a", "1.0"), ("longer", "123.0")]).splitlines() == [
        "name       ms",
        "------  -----",
        "a         1.0",
        "longer  123.0",
    ]


def test_a_table_refuses_a_row_of_another_length() -> None:
    with pytest.raises(ValueError, match="zip"):
        table(("name", "ms"), [("a",)])


def test_ratios_are_of_processor_time() -> None:
    found = {"base": Sample(9.0, 0.010, 1_000_000), "other": Sample(1.0, 0.025, 20_400_000)}
    assert compare(found, ["base"]).splitlines()[2:] == [
        "base      9000.0    10.0        1    1.00",
        "other     1000.0    25.0       20    2.50",
    ]


def test_goals_say_whether_they_are_met() -> None:
    assert Goal("at most 2 x", 2.0, 2, True).line() == "met      at most 2 x: 2.00 x"
    assert Goal("at least 4 x", 1.8, 4, False).line() == "NOT met  at least 4 x: 1.80 x"


def test_runs_are_counted_and_prepared(tmp_path: Path) -> None:
    log = tmp_path / "log"
    write = "import sys; open('log', 'a').write(sys.argv[1])"

    def command(name: str) -> Command:
        return Command(name, (sys.executable, "-c", write, name), tmp_path, before=prepared.append_one)

    class Prepared:
        count = 0

        def append_one(self) -> None:
            self.count += 1

    prepared = Prepared()
    found = interleave([command("a"), command("b")], 3)
    assert log.read_text() == "abbaabba"
    assert prepared.count == 8
    assert all(sample.wall > 0 and sample.cpu > 0 and sample.peak > 1_000_000 for sample in found.values())


def test_a_failing_command_is_not_a_measurement(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="lint ended with status 3"):
        run(Command("lint", (sys.executable, "-c", "raise SystemExit(3)"), tmp_path))


def test_the_slope_of_a_square_is_two() -> None:
    assert slope((10, 100), (0.5, 50.0)) == pytest.approx(2)


def test_the_drift_gate_stays_open_without_drift_and_closes_with_it() -> None:
    rng = np.random.default_rng(3)
    for measure in MEASURES:
        assert rates(measure, 10_000, 0.0, rng, 300)["pass"] == 1
        assert rates(measure, 10_000, 0.3 if measure == "l_infinity" else 1.0, rng, 50)["fail"] == 1
        assert rates(measure, 100, 0.0, rng, 600)["pass"] >= 0.995
    assert gate_rates("psi", 100, rng, 30)["pass"] == 1


def test_verdicts_of_one_test_set_can_be_fitted_and_those_of_a_fresh_one_can_not() -> None:
    lines = {line.promotions: line for line in figures(40)}
    assert lines[0].worn <= 0.2
    assert lines[50].worn >= 0.4
    assert all(line.fresh <= 0.2 and line.chance >= 0.7 for line in lines.values())


def test_the_canary_judge_and_other_rules() -> None:
    """By hand: of 20 bad requests half are the candidate's, at a weight of 5 %; and 4 of 100 against 38 of 1,900."""
    assert all(rule(10, 100, 10, 1900) for rule in judge.RULES.values())
    fails = {name for name, rule in judge.RULES.items() if rule(4, 100, 38, 1900)}
    assert fails == set()  # twice the control's rate isn't over twice, and p is 0.08
    assert not any(rule(0, 0, 0, 0) for rule in judge.RULES.values())


def test_the_judges_traffic_is_cumulative_and_of_its_size() -> None:
    counts = judge.traffic(0.1, np.random.default_rng(1))
    assert counts.shape == (judge.LOOKS, 4)
    assert (np.diff(counts, axis=0) >= 0).all()
    assert counts[-1, 1] + counts[-1, 3] == judge.LOOKS * judge.REQUESTS
    assert counts[-1, 0] == pytest.approx(0.1 * counts[-1, 1], abs=5 * np.sqrt(0.09 * counts[-1, 1]))


def test_the_judge_finds_and_shows_what_is_clear() -> None:
    rng = np.random.default_rng(2)
    assert judge.share_promoted(0, rng, 3) == 1
    assert judge.share_promoted(0.05, rng, 20) == 0


def test_scores_are_drawn_as_the_scenario_says() -> None:
    moved = scores.Scenario("moved", scores.tail(0.25, 10), scores.tail(0, 0), 0.2, 500)
    *_, last = scores.looks(moved, np.random.default_rng(3), 8)
    (x, y), (candidate, control) = last.counts, last.scores
    assert (x.sum() + y.sum(), y[10]) == (4000, 0)
    assert [len(candidate), len(control)] == [x.sum(), y.sum()]
    assert np.histogram(candidate, np.arange(12))[0].tolist() == x.tolist()
    assert x.sum() == pytest.approx(800, abs=5 * np.sqrt(800 * 0.8))
    assert x[10] == pytest.approx(x.sum() / 4, abs=5 * np.sqrt(x.sum() * 3 / 16))


def test_ks_is_that_of_the_scores() -> None:
    """Of 3 scores all below 20 others, p is 2 / C(23, 3), which is 0.0011; none is nothing."""
    few = scores.Look(0.1, (np.zeros(11, int), np.zeros(11, int)), (np.arange(3.0), 9 + np.arange(20.0)))
    assert scores.by_ks(few, 0.00114)
    assert not scores.by_ks(few, 0.00112)
    assert not scores.by_ks(few._replace(scores=(np.zeros(0), np.zeros(9))))


def test_the_calibration_finds_gates_that_err_as_seldom_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 300 trials 5 % are 15 ± 4, and 95 % are 285 ± 4."""
    monkeypatch.setattr(calibration, "METRICS", ("mean_absolute_error",))
    monkeypatch.setattr(calibration, "LARGE", 200_000)
    compared = [line.share for line in calibration.compared(300)]
    assert [share <= 0.1 for share in compared] == [True, True, False, False]
    assert compared[3] >= 0.9
    evaluated = [line.share for line in calibration.evaluated(300)]
    assert [share <= 0.1 for share in evaluated] == [True, True, False]


def test_a_figure_is_met_within_its_bounds() -> None:
    figures = [
        calibration.Line("", "", 1, share, 100, least, most)
        for share, least, most in ((0.06, None, 0.06), (0.07, None, 0.06), (0.9, 0.9, None), (0.8, 0.9, None))
    ]
    assert [line.met for line in figures] == [True, False, True, False]
    assert str(figures[0]).split("  ")[-2:] == ["at most 6 %", " met"]
    assert " 6.00 % ± 2.37 " in str(figures[0])
    assert str(figures[3]).endswith("at least 90 % NOT met")
    assert str(calibration.Line("", "", 1, 0.5, 100)).endswith(" 50.00 % ± 5.00")
