"""The gate `slices`: decisions by hand, corrections against scipy, and error rates by simulation."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pytest
from scipy import stats

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates._metrics.measure import mean_of, standard_error
from mlcc.gates._metrics.multiple import benjamini_hochberg, holm
from mlcc.gates._metrics.paired import paired
from mlcc.gates._metrics.rows import Rows
from mlcc.gates._metrics.scores import roc_auc
from mlcc.gates.slices.compile import compile, references
from mlcc.gates.slices.evidence import p_below, p_of_drop, p_of_gap, p_of_limit
from mlcc.gates.slices.parts import slices_of
from mlcc.gates.slices.runtime import correct, trials_of

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
_BASE = {"predictions": "s", "label": "y", "prediction": "p", "by": ["region"]}
_Z = 1.6448536269514722


def write(path: str, *parts: tuple[str, int, int]) -> None:
    """Write parts of (value of the column region, hits, rows)."""
    lines = ["id,region,y,p"]
    for region, hits, n in parts:
        lines += [f"{len(lines) + i},{region},1,{int(i < hits)}" for i in range(n)]
    lines += [f"{len(lines) + i},other,0,0" for i in range(1000)]
    Path(path).write_text("\n".join(lines) + "\n")


@pytest.fixture
def slices(project: Any) -> Any:
    def run(params: dict[str, Any], **others: str) -> Any:
        project.gate("slices", {**_BASE, **params}, {"s": "s.csv", **others})
        outcome = project.run("slices")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


@pytest.mark.parametrize(
    ("parts", "limits", "verdict"),
    [
        ((("a", 380, 400), ("b", 300, 400)), {"min": 0.7}, "pass"),
        ((("a", 380, 400), ("b", 270, 400)), {"min": 0.7}, "pass"),  # 0.675: not shown to miss it
        ((("a", 380, 400), ("b", 240, 400)), {"min": 0.7}, "fail"),  # 0.6: p = 1e-5
        ((("a", 380, 400), ("b", 60, 100)), {"min": 0.7}, "pass"),  # too small to be judged, and listed
        ((("a", 380, 400), ("b", 240, 400)), {"max": 0.8}, "fail"),  # a is above
        ((("", 200, 400), ("b", 300, 400)), {"min": 0.7}, "fail"),  # no value is a slice of its own
    ],
)
def test_limits(slices: Any, parts: Any, limits: Any, verdict: str) -> None:
    write("s.csv", *parts)
    outcome = slices({"metrics": {"recall": limits}})
    assert outcome.verdict == verdict, outcome.summary


@pytest.mark.parametrize(
    ("hits", "said"),
    [
        (320, "The model moved it: there the reference's recall is 0.8 (bounds "),
        (232, "The data moved it: there the reference's recall is 0.58 (bounds "),
        (
            280,
            "Whether the model or the data moved it can't be told: there the reference's recall is 0.7 (bounds ",
        ),
    ],
)
def test_the_axis_is_named(slices: Any, hits: int, said: str) -> None:
    write("s.csv", ("a", 380, 400), ("b", 240, 400))
    write("t.csv", ("a", 380, 400), ("b", hits, 400))
    params = {"reference": "t", "key": "id", "metrics": {"recall": {"min": 0.7}}}
    outcome = slices(params, t="t.csv")
    assert outcome.verdict == "fail"
    interval = stats.binomtest(hits, 400).proportion_ci(0.9, method="wilson")
    assert f"1 suspect. {said}{interval.low:.6g} and {interval.high:.6g})" in outcome.summary
    params["metrics"] = {"recall": {"min": 0.5}}
    kept = slices(params, t="t.csv")
    assert (kept.verdict, "moved" in kept.log) == ("pass", False)


def test_the_axis_of_a_ceiling_and_none_of_a_drop(slices: Any) -> None:
    write("s.csv", ("a", 390, 400), ("b", 240, 400))
    write("t.csv", ("a", 240, 400), ("b", 320, 400))
    metrics = {"recall": {"max": 0.8, "max_drop": 0.05}}
    outcome = slices({"reference": "t", "key": "id", "metrics": metrics}, t="t.csv")
    assert outcome.checks == {"slices": "pass", "recall.max": "fail", "recall.max_drop": "fail"}
    assert (
        ". The model moved it: there the reference's recall is 0.6" in outcome.check("recall.max")["message"]
    )
    assert "moved" not in outcome.check("recall.max_drop")["message"]


def test_the_sentence(slices: Any) -> None:
    write("s.csv", ("a", 380, 400), ("", 240, 400), ("c", 10, 10))
    outcome = slices({"metrics": {"recall": {"min": 0.7}}})
    interval = stats.binomtest(240, 400).proportion_ci(0.9, method="wilson")
    assert outcome.check("recall.min")["message"] == (
        f"recall is 0.6 in region=(none) (95 % bounds {interval.low:.6g} and {interval.high:.6g}, n = 400); at least "
        "0.7 is required of every slice; 1 of 2 are shown to violate it (region=(none)), 1 suspect"
    )
    assert outcome.check("slices")["message"] == (
        "3 of 4 slices have at least 200 rows; not judged: region='c' (10)"
    )


def test_only_small_slices_are_inconclusive(slices: Any) -> None:
    Path("s.csv").write_text("region,y,p\n" + "a,1,0\n" * 150 + "b,0,0\n" * 150)
    outcome = slices({"metrics": {"accuracy": {"min": 0.7}}})
    assert (outcome.verdict, outcome.code) == ("inconclusive", 3)


def test_a_metric_that_no_slice_defines_is_inconclusive(slices: Any) -> None:
    Path("s.csv").write_text("region,y,p\n" + "a,0,0\n" * 300 + "b,0,0\n" * 300 + "c,1,1\n")
    outcome = slices({"metrics": {"recall": {"min": 0.7}}})
    assert outcome.checks == {"slices": "pass", "recall.min": "inconclusive"}


@pytest.mark.parametrize(("worse", "verdict"), [(380, "pass"), (350, "pass"), (280, "fail")])
def test_gaps(slices: Any, worse: int, verdict: str) -> None:
    write("s.csv", ("a", 380, 400), ("b", worse, 400))
    outcome = slices({"gap": {"recall": {"max": 0.1}}})
    assert outcome.verdict == verdict
    check = outcome.check("recall.gap")
    assert check["estimate"] == pytest.approx((380 - worse) / 400)
    assert check["threshold"] == {"max": 0.1}


def test_demographic_parity(slices: Any) -> None:
    Path("s.csv").write_text("region,y,p\n" + "a,1,1\na,0,1\na,0,0\n" * 200 + "b,1,1\nb,0,0\nb,0,0\n" * 200)
    outcome = slices({"gap": {"selection_rate": {"max": 0.2}}})
    assert outcome.verdict == "fail"
    assert outcome.check("selection_rate.gap")["estimate"] == pytest.approx(1 / 3)
    assert slices({"gap": {"selection_rate": {"max": 0.3}}}).verdict == "pass"


def test_crossed_slices(slices: Any) -> None:
    lines = ["region,age,y,p"]
    for region in "ab":
        for age in ("young", "old"):
            bad = (region, age) == ("b", "old")
            lines += [f"{region},{age},1,{int(i % 2 or not bad)}" for i in range(300)]
            lines += [f"{region},{age},0,0" for _ in range(300)]
    Path("s.csv").write_text("\n".join(lines) + "\n")
    outcome = slices({"by": ["region", ["region", "age"]], "metrics": {"recall": {"min": 0.7}}})
    assert outcome.verdict == "fail"
    assert "1 of 6 are shown to violate it (region='b', age='old')" in outcome.summary


def test_drops_from_a_reference_are_paired(slices: Any) -> None:
    write("t.csv", ("a", 380, 400), ("b", 380, 400))
    write("s.csv", ("a", 380, 400), ("b", 330, 400))
    params = {"reference": "t", "key": "id", "metrics": {"recall": {"max_drop": 0.05}}}
    outcome = slices(params, t="t.csv")
    assert outcome.verdict == "fail"
    assert outcome.check("recall.max_drop")["estimate"] == pytest.approx(-50 / 400)
    write("s.csv", ("a", 380, 400), ("b", 365, 400))
    assert slices(params, t="t.csv").verdict == "pass"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", "error"),
        ("region,y,p\n", "fail"),
        ("region,y\n" + "a,1\n" * 400, "error"),
        ("area,y,p\n" + "a,1,1\n" * 400, "error"),
        ("region,y,p\n" + "a,1,1\n" * 400 + "a,NaN,1\n", "error"),
        ("region,y,p\n" + "a,1,1\n" * 400 + "a,1,\n", "error"),
        ("region,y,p\n" + "".join(f"{i},1,1\n" for i in range(400)), "error"),  # more slices than are meant
        ("region,y,p\n" + "a,1,0\na,0,1\n" * 400, "fail"),
    ],
)
def test_corrupt_predictions(project: Any, slices: Any, text: str, verdict: str) -> None:
    project.write("s.csv", text)
    assert slices({"metrics": {"accuracy": {"min": 0.7}}}).verdict == verdict


# --- statistics ---------------------------------------------------------------------------------------------


def test_corrections_equal_scipys() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(30) ** 3
    assert benjamini_hochberg(p.tolist()) == pytest.approx(stats.false_discovery_control(p).tolist())
    order = np.argsort(p)
    steps = np.maximum.accumulate(np.minimum(1, (30 - np.arange(30)) * p[order]))
    assert np.array(holm(p.tolist()))[order] == pytest.approx(steps.tolist())
    assert holm([]) == benjamini_hochberg([]) == []


def test_p_values_of_shares_are_exact() -> None:
    found = mean_of(np.array([1.0] * 150 + [0.0] * 50))
    assert p_of_limit(found, "min", 0.8) == pytest.approx(stats.binom.cdf(150, 200, 0.8))
    assert p_of_limit(found, "max", 0.7) == pytest.approx(stats.binom.sf(149, 200, 0.7))


def test_p_values_of_numbers_are_normal() -> None:
    values = np.random.default_rng(0).normal(1.2, 1, 400)
    found = mean_of(values)
    z = (values.mean() - 1) / (values.std(ddof=1) / 20)
    assert p_of_limit(found, "max", 1) == pytest.approx(stats.norm.sf(z))
    assert p_of_limit(found, "min", 1) == pytest.approx(stats.norm.cdf(z))
    assert (p_below(0, 0), p_below(-1, 0)) == (1, 0)


def test_p_values_of_perfect_areas_are_those_of_shares() -> None:
    found = roc_auc(np.array([0, 1] * 40), np.array([0.1, 0.9] * 40))
    assert p_of_limit(found, "max", 0.9) == pytest.approx(0.9**40)
    assert p_of_limit(found, "min", 0.9) == 1


def test_reversed_clusters_are_as_many_trials_as_there_are() -> None:
    """4 clusters of 50 rows in the wrong order speak against a floor of 0.5 as 4 misses do: 0.5 ** 4."""
    label = np.tile([0, 1], 100)
    found = roc_auc(label, 1.0 - label)
    assert p_of_limit(found, "min", 0.5, np.repeat(np.arange(4), 50)) == pytest.approx(0.5**4)


def test_p_values_of_areas_are_normal_on_the_logit_scale() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 400)
    found = roc_auc(label, rng.normal(label, 1))
    logit, limit = np.log(found.value / (1 - found.value)), np.log(0.8 / 0.2)
    error = standard_error(found.influence) / (found.value * (1 - found.value))
    assert p_of_limit(found, "min", 0.8) == pytest.approx(stats.norm.cdf((logit - limit) / error))


def test_p_values_of_gaps_and_drops() -> None:
    one, other = mean_of(np.array([1.0] * 198 + [0.0] * 0)), mean_of(np.array([1.0] * 140 + [0.0] * 60))
    shares = (199 / 200, 141 / 202)
    error = np.sqrt(shares[0] * (1 - shares[0]) / 200 + shares[1] * (1 - shares[1]) / 202)
    assert p_of_gap(one, other, 0.2, (None, None)) == pytest.approx(stats.norm.cdf((0.2 - 0.3) / error))
    values = np.random.default_rng(0).normal(0, 1, (2, 300))
    lost = paired(mean_of(values[0]), mean_of(values[1]), 1, 0.05, _Z)
    t = stats.ttest_rel(values[0], values[1] - 0.1)
    assert p_of_drop(lost, 0.1) == pytest.approx(stats.norm.cdf(t.statistic), rel=1e-6)


def _blocked(rng: Any, truth: float, limit: dict[str, float]) -> bool:
    """Tell whether 20 slices of 200 rows with the same true share are blocked."""
    n = 4000
    rows = Rows(
        {
            "label": np.ones(n, np.int64),
            "prediction": (rng.random(n) < truth).astype(np.int64),
            "slice_0": np.repeat([str(i) for i in range(20)], 200),
        },
        n,
        0.5,
        2,
        ["0", "1"],
    )
    parts = slices_of(rows, [{"region": "slice_0"}], 200)
    metric = {"id": "accuracy", "metric": "accuracy", **limit}
    params = {
        "metrics": [metric] if "min" in limit else [],
        "gaps": [] if "min" in limit else [metric],
        "z": _Z,
    }
    tried = trials_of(params, rows, None, parts)
    trials = [trial for _, _, found in tried for trial in found]
    correct(trials, 0.05)
    return any(trial.rejected for trial in trials)


@pytest.mark.parametrize(
    ("limit", "most"), [({"min": 0.85}, 0.08), ({"min": 0.83}, 0.02), ({"max": 0.02}, 0.08)]
)
def test_twenty_slices_without_change_are_seldom_blocked(limit: dict[str, float], most: float) -> None:
    """All slices at 0.85: with the floor right there, and two points under it; 5 % of 200 samples are 10 ± 3."""
    rng = np.random.default_rng(1)
    blocked = sum(_blocked(rng, 0.85, limit) for _ in range(200))
    assert blocked <= 200 * most


def test_a_slice_that_is_much_worse_is_blocked() -> None:
    rng = np.random.default_rng(2)
    assert sum(_blocked(rng, 0.75, {"min": 0.85}) for _ in range(50)) == 50


# --- compile time -------------------------------------------------------------------------------------------

_ARTIFACTS = {id: ArtifactInfo(f"{id}.parquet") for id in ("s", "t")}


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({}, ()),
        ({"metrics": {"recall": {}}}, ("metrics", "recall")),
        ({"metrics": {"recal": {"min": 0.5}}}, ("metrics", "recal")),
        ({"metrics": {"recall": {"min": 85}}}, ("metrics", "recall", "min")),
        ({"metrics": {"recall": {"max_drop": 0.1}}}, ("metrics", "recall", "max_drop")),
        ({"metrics": {"recall": {"max_drop": 0.1}}, "reference": "t"}, ("metrics", "recall", "max_drop")),
        (
            {"metrics": {"selection_rate": {"max_drop": 0.1}}, "reference": "t", "key": "id"},
            ("metrics", "selection_rate", "max_drop"),
        ),
        ({"metrics": {"recall": {"min": 0.5}}, "reference": "t"}, ("reference",)),
        ({"gap": {"recall": {"max": 0.5}}, "reference": "t", "key": "id"}, ("reference",)),
        ({"metrics": {"recall": {"min": 0.5}}, "reference": "other"}, ("reference",)),
        ({"gap": {"recall": {"max": 1}}}, ("gap", "recall", "max")),
        ({"gap": {"ndcg": {"max": 0.1}}, "prediction": None, "score": "s", "query": "q"}, ("gap", "ndcg")),
        ({"gap": {"recall": {"max": 0.1}}, "by": [[]]}, ("by",)),
    ],
)
def test_refuses(changes: dict[str, Any], loc: tuple[object, ...]) -> None:
    raw = {key: value for key, value in {**_BASE, **changes}.items() if value is not None}
    with pytest.raises(GateParamsError) as caught:
        compile(GATES["slices"].params().model_validate(raw), _ARTIFACTS, "model")
    assert caught.value.loc == loc


def test_references() -> None:
    assert references(SimpleNamespace(predictions="s", reference=None)) == ((("predictions",), "s"),)
    assert references(SimpleNamespace(predictions="s", reference="t"))[1] == (("reference",), "t")


def test_hostile_values_of_a_slice_are_text(project: Any, slices: Any) -> None:
    hostile = ["::error::gate", "##[section]x", "a\nb", "<script>", "`x`|y", "\u202ereversed"]
    with Path("s.csv").open("w", newline="") as file:
        rows = [(name, 1, int(i % 2)) for name in hostile for i in range(300)]
        csv.writer(file).writerows([("region", "y", "p"), *rows, *[("z", 0, 0)] * 300])
    outcome = slices({"metrics": {"recall": {"min": 0.7}}})
    assert outcome.verdict == "fail"
    assert not any(line.lstrip().startswith(("::", "##")) for line in outcome.log.splitlines())
    assert "##[" not in outcome.log
    summary = (project.root / "_mlcc/s--g/summary.md").read_text()
    assert "<script>" not in summary
    assert "\u202e" not in outcome.log + summary
