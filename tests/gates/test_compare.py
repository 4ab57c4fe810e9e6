"""The gate `compare`: decisions worked out by hand, corrupt inputs, and what the compiler refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import numpy as np
import pytest
from scipy import stats

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates.compare.compile import compile, references

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
_BASE = {"candidate": "new", "champion": "old", "key": "id", "label": "y", "prediction": "p"}
_ACCURACY = {**_BASE, "metric": "accuracy", "margin": 0.02}


def write(path: str, **columns: Any) -> None:
    names = list(columns)
    rows = list(zip(*(list(column) for column in columns.values()), strict=True))
    lines = [",".join(names), *(",".join(str(value) for value in row) for row in rows)]
    Path("all.csv").write_text("\n".join(lines) + "\n")
    if path.endswith(".parquet"):
        duckdb.execute(f"COPY (SELECT * FROM 'all.csv') TO '{path}' (FORMAT parquet)")
    else:
        Path(path).write_text("\n".join(lines) + "\n")


def write_hits(both: int, better: int, worse: int, neither: int, suffix: str = "csv") -> None:
    """Write two tables of predictions of class 1 with these cells of agreement."""
    one = [1] * (both + better) + [2] * (worse + neither)
    other = [1] * both + [2] * better + [1] * worse + [2] * neither
    n = len(one)
    write(f"new.{suffix}", id=range(n), y=[1] * n, p=one)
    write(f"old.{suffix}", id=reversed(range(n)), y=[1] * n, p=reversed(other))


@pytest.fixture
def compare(project: Any) -> Any:
    """Return a function that runs a `compare` gate over files that were written before."""

    def run(params: dict[str, Any], suffix: str = "csv", **others: str) -> Any:
        names = {
            "new": f"new.{suffix}",
            **({"old": f"old.{suffix}"} if "champion" in params else {}),
            **others,
        }
        project.gate("compare", params, names)
        outcome = project.run("compare")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


# --- decisions ----------------------------------------------------------------------------------------------
# With 10 % of 4,000 rows discordant, the standard error of the difference is sqrt(0.1 / 4000) = 0.005.


@pytest.mark.parametrize(
    ("cells", "params", "verdict", "code"),
    [
        ((3000, 200, 200, 600), {"margin": 0.02}, "pass", 0),  # -0.0082 > -0.02
        ((3000, 200, 200, 600), {"margin": 0.005}, "inconclusive", 3),
        ((750, 37, 63, 150), {"margin": 0.02}, "inconclusive", 3),  # -0.026, and 1,546 rows are needed
        ((3000, 150, 250, 600), {"margin": 0.02}, "fail", 1),  # -0.025, with enough rows
        ((3000, 100, 300, 600), {"margin": 0.02}, "fail", 1),  # -0.05 + 0.008 < -0.02
        ((3000, 240, 160, 600), {"test": "superior"}, "pass", 0),  # 0.02 - 0.0082 > 0
        ((3000, 205, 195, 600), {"test": "superior"}, "inconclusive", 3),
        ((3000, 195, 205, 600), {"test": "superior"}, "fail", 1),
        ((3000, 100, 300, 600), {"test": "superior"}, "fail", 1),
        ((3000, 240, 160, 600), {"test": "superior", "margin": 0.015}, "inconclusive", 3),
        ((30, 2, 2, 6), {"margin": 0.02}, "inconclusive", 3),
        ((20, 0, 0, 0), {"margin": 0.9}, "inconclusive", 3),  # fewer than 30 rows
        ((30, 0, 0, 0), {"margin": 0.02}, "inconclusive", 3),  # nothing differs, in 30 rows
        ((300, 0, 0, 0), {"margin": 0.02}, "pass", 0),
    ],
)
def test_decisions(compare: Any, cells: Any, params: Any, verdict: str, code: int) -> None:
    write_hits(*cells)
    outcome = compare({**_BASE, "metric": "accuracy", **params})
    assert (outcome.verdict, outcome.code) == (verdict, code), outcome.summary


def test_enough_rows_with_a_difference_under_the_margin_fail(compare: Any) -> None:
    """-0.0105 is under -0.01 and not clearly so; 6,183 rows would have told it, and there are 8,000."""
    write_hits(6000, 358, 442, 1200)
    outcome = compare({**_BASE, "metric": "accuracy", "margin": 0.01})
    assert outcome.verdict == "fail"
    assert outcome.check("accuracy")["interval"][1] > -0.01


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_sentence(compare: Any, suffix: str) -> None:
    write_hits(800, 40, 60, 100, suffix)
    outcome = compare(_ACCURACY | {"margin": 0.01}, suffix)
    check = outcome.check("accuracy")
    low, high = check["interval"]
    p = stats.binomtest(40, 100).pvalue
    variance = 0.1 - 0.02**2 + 1 / 1002 + 0.1 * (1000 / 1002 - 1)
    needed = float(f"{(1.6448536 + 0.8416212) ** 2 * variance / 0.01**2:.2g}")
    assert outcome.summary.startswith(
        f"accuracy is 0.84 for the candidate and 0.86 for the champion: 0.02 worse (95 % bounds {low:.6g} and "
        f"{high:.6g}, n = 1000, 10 % discordant, p = {p:.3g}); a lower bound above -0.01 is required; about "
    )
    said = int(outcome.summary.split("about ")[1].split(" ")[0])
    assert float(f"{said:.2g}") == needed
    assert outcome.summary.endswith("rows are needed to tell that margin (80 % power).")
    assert (check["n"], check["threshold"], check["confidence"]) == (1000, {"min": -0.01}, 0.95)


def test_scores_of_losses(compare: Any) -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(2000) < 0.5).astype(int)
    score = np.clip(0.5 + 0.4 * (label - 0.5) + rng.normal(0, 0.1, 2000), 0.01, 0.99)
    write("new.csv", id=range(2000), y=label, s=score)
    write("old.csv", id=range(2000), y=label, s=np.full(2000, 0.5))
    params = {"candidate": "new", "champion": "old", "key": "id", "label": "y", "score": "s"}
    outcome = compare({**params, "metric": "log_loss", "margin": 0.01})
    assert outcome.verdict == "pass"
    assert outcome.check("log_loss")["estimate"] > 0
    worse = {**params, "candidate": "old", "champion": "new"}
    assert compare({**worse, "metric": "log_loss", "margin": 0.01}).verdict == "fail"
    roc = json.loads(Path("_mlcc/s--g/plots.json").read_text())
    assert [plot["plot"] for plot in roc] == ["intervals", "curves"]


@pytest.mark.parametrize(
    ("baseline", "metric", "role", "verdict"),
    [
        ("majority", "accuracy", "score", "pass"),
        ("majority", "f1", "score", "pass"),
        ("majority", "balanced_accuracy", "score", "pass"),
        ("prior", "log_loss", "score", "pass"),
        ("prior", "brier_score", "score", "pass"),
        ("prior", "roc_auc", "score", "pass"),
        ("mean", "root_mean_squared_error", "prediction", "pass"),
        ("median", "mean_absolute_error", "prediction", "pass"),
    ],
)
def test_baselines(compare: Any, baseline: str, metric: str, role: str, verdict: str) -> None:
    rng = np.random.default_rng(1)
    if role == "score":
        label = (rng.random(800) < 0.6).astype(int)
        said = np.clip(0.2 + 0.6 * label + rng.normal(0, 0.15, 800), 0.01, 0.99)
    else:
        label = rng.normal(0, 1, 800)
        said = label + rng.normal(0, 0.5, 800)
    write("new.csv", y=label, s=said)
    params = {"candidate": "new", "baseline": baseline, "label": "y", role: "s", "metric": metric}
    assert compare({**params, "test": "superior"}).verdict == verdict
    write("new.csv", y=label, s=rng.permutation(said))
    assert compare({**params, "test": "superior"}).verdict in ("inconclusive", "fail")


def test_the_majority_of_several_classes(compare: Any) -> None:
    label = ["cat"] * 300 + ["dog"] * 200 + ["emu"] * 100
    write("new.csv", y=label, p=label[:550] + ["cat"] * 50)
    params = {
        "candidate": "new",
        "baseline": "majority",
        "label": "y",
        "prediction": "p",
        "metric": "accuracy",
    }
    outcome = compare({**params, "test": "superior", "margin": 0.3})
    assert outcome.verdict == "pass"
    assert outcome.check("accuracy")["estimate"] == pytest.approx(550 / 600 - 0.5)


def test_rankings_are_compared_by_query(compare: Any) -> None:
    rng = np.random.default_rng(3)
    query = np.repeat(np.arange(300), 4)
    relevance = np.tile([0, 1, 2, 3], 300)
    good, bad = relevance + rng.normal(0, 0.5, 1200), rng.normal(0, 1, 1200)
    write("new.csv", id=range(1200), y=relevance, s=good, q=query)
    write("old.csv", id=range(1200), y=relevance, s=bad, q=query)
    params = {"candidate": "new", "champion": "old", "key": "id", "label": "y", "score": "s", "query": "q"}
    outcome = compare({**params, "metric": "ndcg", "k": 2, "margin": 0.01})
    assert (outcome.verdict, outcome.check("ndcg")["n"]) == ("pass", 300)


# --- change axes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ((3000, 100, 300, 600), "The model moved it"),
        ((3000, 200, 200, 600), "The data moved it"),
        ((30, 3, 4, 4), "Whether the model or the data moved it can't be told"),
    ],
)
def test_the_axis_is_named(compare: Any, before: Any, said: str) -> None:
    write_hits(*before)
    Path("new.csv").rename("new-before.csv")
    Path("old.csv").rename("old-before.csv")
    write_hits(3000, 100, 300, 600)
    params = {**_ACCURACY, "old_data": {"candidate": "nb", "champion": "ob"}}
    outcome = compare(params, nb="new-before.csv", ob="old-before.csv")
    assert outcome.verdict == "fail"
    assert f". {said}: on the old data the candidate differs by" in outcome.summary
    Path("ob-missing").mkdir()
    Path("old-before.csv").write_text("id,y,p\n1,1,1\n")
    again = compare(params, nb="new-before.csv", ob="old-before.csv")
    assert again.verdict == "fail"
    assert "can't be told" in again.summary


def test_few_rows_of_old_data_name_no_axis(compare: Any) -> None:
    write_hits(250, 10, 90, 50)
    Path("new.csv").rename("new-before.csv")
    Path("old.csv").rename("old-before.csv")
    write_hits(3000, 100, 300, 600)
    params = {**_ACCURACY, "min_n": 500, "old_data": {"candidate": "nb", "champion": "ob"}}
    summary = compare(params, nb="new-before.csv", ob="old-before.csv").summary
    assert "Whether the model or the data moved it can't be told: on the old data" in summary
    assert summary.endswith("; there are 400 rows, and 500 are needed.")


# --- corrupt predictions: none may pass -----------------------------------------------------------------------

_GOOD = "id,y,p\n" + "".join(f"{i},{i % 2},{i % 2}\n" for i in range(400))
_CORRUPT = {
    "empty": "",
    "header only": "id,y,p\n",
    "no key column": _GOOD.replace("id,", "key,", 1),
    "a key twice": _GOOD + "399,1,1\n",
    "a key more": _GOOD + "400,0,0\n",
    "a key less": _GOOD.replace("399,1,1\n", ""),
    "a key without a value": _GOOD.replace("399,1,1\n", ",1,1\n"),
    "other keys": _GOOD.replace("\n1,", "\n1x,"),
    "another label": _GOOD.replace("\n399,1,1", "\n399,0,0"),
    "no label": _GOOD.replace("\n399,1,1", "\n399,,1"),
    "no prediction": _GOOD.replace("\n399,1,1", "\n399,1,"),
    "NaN": _GOOD.replace("\n399,1,1", "\n399,1,NaN"),
    "ragged": _GOOD + "400,1\n",
    "inverted": _GOOD.replace(",0,0\n", ",0,x\n").replace(",1,1\n", ",1,0\n"),
}


@pytest.mark.parametrize("name", _CORRUPT)
def test_corrupt_predictions(project: Any, compare: Any, name: str) -> None:
    project.write("new.csv", _GOOD)
    project.write("old.csv", _GOOD)
    assert compare(_ACCURACY).verdict == "pass"
    project.write("new.csv", _CORRUPT[name])
    assert compare(_ACCURACY).verdict in ("fail", "error")
    if name != "inverted":
        project.write("new.csv", _GOOD)
        project.write("old.csv", _CORRUPT[name])
        assert compare(_ACCURACY).verdict in ("fail", "error")


def test_counts_are_said(project: Any, compare: Any) -> None:
    project.write("old.csv", _GOOD)
    project.write("new.csv", _GOOD.replace("399,1,1\n", "400,0,0\n401,0,0\n"))
    assert (
        "399 keys are in both tables, 2 only in the candidate, 1 only in the champion"
        in compare(_ACCURACY).summary
    )
    project.write("new.csv", _GOOD.replace("\n399,1,1", "\n399,0,1").replace("\n398,0,0", "\n398,1,1"))
    assert "the two tables give 2 of 400 examples another label" in compare(_ACCURACY).summary
    project.write("new.csv", _GOOD + "7,1,1\n" * 3)
    assert "3 of 403 rows of the candidate repeat a key" in compare(_ACCURACY).summary


@pytest.mark.parametrize("change", [{"margin": None}, {"test": "equal"}, {"z": "1"}, {"metric": {}}])
def test_committed_parameters_that_were_edited_badly(project: Any, change: Any) -> None:
    write_hits(300, 0, 0, 0)
    project.gate("compare", _ACCURACY, {"new": "new.csv", "old": "old.csv"}, change=change)
    assert project.run("compare").verdict == "error"


def test_the_same_bytes_twice(project: Any, compare: Any) -> None:
    write_hits(3000, 200, 220, 600)
    compare(_ACCURACY)
    first = (project.root / "_mlcc/s--g/verdict.json").read_bytes()
    compare(_ACCURACY)
    assert (project.root / "_mlcc/s--g/verdict.json").read_bytes() == first


# --- compile time -------------------------------------------------------------------------------------------

_ARTIFACTS = {id: ArtifactInfo(f"{id}.parquet") for id in ("new", "old", "new2", "old2")}


def _compiled(**changes: Any) -> dict[str, Any]:
    raw = {key: value for key, value in {**_ACCURACY, **changes}.items() if value is not None}
    return compile(GATES["compare"].params().model_validate(raw), _ARTIFACTS, "model")


@pytest.mark.parametrize(
    ("changes", "loc", "message"),
    [
        ({"metric": "acuracy"}, ("metric",), "is not known"),
        ({"metric": "selection_rate"}, ("metric",), "neither more nor less"),
        ({"metric": "max_error"}, ("metric",), "hangs on one row"),
        ({"metric": "roc_auc"}, ("metric",), "needs a score"),
        ({"label": None}, ("metric",), "needs the truth"),
        ({"margin": 2}, ("margin",), "never differs by 2"),
        ({"margin": None}, (), "without a margin"),
        ({"key": None}, (), "joined by a key"),
        ({"champion": "new"}, ("champion",), "the same artifact"),
        ({"champion": "other"}, ("champion",), "no artifact"),
        ({"champion": None, "baseline": "mean"}, ("baseline",), "gives nothing"),
        (
            {"champion": None, "baseline": "majority", "old_data": {"candidate": "new2", "champion": "old2"}},
            ("old_data",),
            "about a champion",
        ),
        ({"k": 3}, ("k",), "takes no k"),
    ],
)
def test_refuses(changes: dict[str, Any], loc: tuple[object, ...], message: str) -> None:
    with pytest.raises(GateParamsError, match=message) as caught:
        _compiled(**changes)
    assert caught.value.loc == loc


def test_references() -> None:
    model = (
        GATES["compare"]
        .params()
        .model_validate({**_ACCURACY, "old_data": {"candidate": "new2", "champion": "old2"}})
    )
    assert references(model) == (
        (("candidate",), "new"),
        (("champion",), "old"),
        (("old_data", "candidate"), "new2"),
        (("old_data", "champion"), "old2"),
    )
    assert GATES["compare"].packages(model, ()) == "compare"
    json.dumps(compile(model, _ARTIFACTS, "model"), allow_nan=False)


def test_a_model_is_not_taken_for_its_predictions() -> None:
    artifacts = {"m": ArtifactInfo("build/m/", is_model=True), "p": ArtifactInfo("p.parquet")}
    params = GATES["compare"].params()(
        candidate="p", champion="m", key="id", label="y", score="s", metric="roc_auc", margin=0.01
    )
    with pytest.raises(GateParamsError, match="'m' is a model") as caught:
        GATES["compare"].compiler().compile(params, artifacts, "p")
    assert caught.value.loc == ("champion",)
