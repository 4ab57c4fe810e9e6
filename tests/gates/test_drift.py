"""The gate `drift`: what it decides, and that nothing odd ever passes."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, ks_2samp

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.profiling import profile, profile_text

_REGIONS = ("north", "south", "east", "west")


def rows(n: int, *, shift: float = 0.0, empty: float = 0.0, seed: int = 1, new: float = 0.0) -> str:
    """Return a CSV of incomes (normal, moved by `shift` deviations) and regions (`new`: share of another one)."""
    draw = random.Random(seed)
    lines = ["income,region"]
    for _ in range(n):
        income = "" if draw.random() < empty else f"{draw.gauss(50 + 10 * shift, 10):.6f}"
        region = "mars" if draw.random() < new else draw.choice(_REGIONS)
        lines.append(f"{income},{region}")
    return "\n".join(lines) + "\n"


def make(project: Any, current: str, columns: Any, reference: str | None = None, **params: Any) -> None:
    """Write a profile of `reference`, the current table, and a gate between them."""
    project.write("r.csv", rows(20_000) if reference is None else reference)
    project.write("p.json", profile_text(profile(["r.csv"], [], 20)))
    project.write("d.csv", current)
    project.gate(
        "drift", {"reference": "base", "columns": columns, **params}, {"raw": "d.csv", "base": "p.json"}
    )


def test_without_drift(project: Any) -> None:
    make(project, rows(2000, seed=2), {"income": {}, "region": {}})
    outcome = project.run("drift")
    assert outcome.verdict == "pass", outcome.log
    assert outcome.checks == {"income.psi": "pass", "region.l_infinity": "pass"}
    check = outcome.check("income.psi")
    assert check["n"] == 2000
    assert check["threshold"] == {"max": 0.2}
    assert 0 < check["interval"][1] < 0.2
    assert check["margin"] == pytest.approx(0.2 - check["estimate"])


_MEASURES: dict[str, Any] = {
    "psi": 0.2, "jensen_shannon": 0.1, "l_infinity": 0.1, "ks": 0.1, "wasserstein": 0.2, "chi_square": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(("measure", "threshold"), _MEASURES.items())
def test_a_shift_fails_and_none_passes(project: Any, measure: str, threshold: float) -> None:
    for shift, verdict in ((0, "pass"), (1, "fail")):
        make(project, rows(5000, shift=shift, seed=3), {"income": {measure: threshold}})
        outcome = project.run("drift")
        assert outcome.verdict == verdict, outcome.log
        assert outcome.checks[f"income.{measure}"] == verdict


def test_effects_are_scipys(project: Any) -> None:
    make(project, rows(3000, shift=0.5, seed=4), {"income": {"ks": 0.9}, "region": {"jensen_shannon": 0.9}})
    outcome = project.run("drift")
    edges = json.loads((project.root / "p.json").read_text())["columns"]["income"]["edges"]

    def column(path: str, i: int) -> list[str]:
        return [line.split(",")[i] for line in (project.root / path).read_text().splitlines()[1:]]

    sides = [np.searchsorted(edges, np.array(column(path, 0), float)) for path in ("r.csv", "d.csv")]
    assert outcome.check("income.ks")["estimate"] == pytest.approx(ks_2samp(*sides).statistic, rel=1e-9)
    shares = [
        [column(path, 1).count(region) / len(column(path, 1)) for region in _REGIONS]
        for path in ("r.csv", "d.csv")
    ]
    expected = jensenshannon(*shares, 2)
    assert outcome.check("region.jensen_shannon")["estimate"] == pytest.approx(expected, rel=1e-9)


def test_a_new_category_fails(project: Any) -> None:
    make(project, rows(2000, new=0.2, seed=5), {"region": {}})
    outcome = project.run("drift")
    assert outcome.checks == {"region.l_infinity": "fail"}
    assert outcome.check("region.l_infinity")["estimate"] == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(
    "column", [{"psi": 0.2}, {"ks": 0.5}, {"wasserstein": 5}, {"psi": 50, "missing": 0.1}]
)
def test_empty_cells_are_drift(project: Any, column: Any) -> None:
    make(project, rows(3000, empty=0.4, seed=6), {"income": column})
    outcome = project.run("drift")
    assert outcome.verdict == "fail", outcome.log
    if "psi" not in column or "missing" in column:
        assert outcome.checks["income.missing"] == "fail"
        assert outcome.check("income.missing")["estimate"] == pytest.approx(0.4, abs=0.03)


def test_nan_is_drift(project: Any) -> None:
    current = rows(3000, seed=7).replace("\n5", "\nnan,north\n5", 900)
    make(project, current, {"income": {"ks": 0.5}})
    outcome = project.run("drift")
    assert outcome.checks["income.missing"] == "fail"


def test_few_rows_pass_and_say_what_more_would_show(project: Any) -> None:
    make(project, rows(120, seed=8), {"income": {"psi": 0.2}})
    outcome = project.run("drift")
    assert (outcome.verdict, outcome.code) == ("pass", 0)
    check = outcome.check("income.psi")
    limit = check["interval"][1]
    assert limit / (1 / 120 + 1 / 20_000) in [pytest.approx(chi2.isf(1e-3, df)) for df in range(3, 12)]
    assert limit > 0.2
    assert check["margin"] == pytest.approx(limit - check["estimate"])
    edges = json.loads((project.root / "p.json").read_text())["columns"]["income"]["edges"]
    cells = {
        int(cell)
        for text in (rows(20_000), rows(120, seed=8))
        for cell in np.searchsorted(edges, [float(line.split(",")[0]) for line in text.split()[1:]])
    }
    needed = 1 / (0.2 / chi2.isf(1e-3, len(cells) - 1) - 1 / 20_000)  # rounded up to two digits
    said = (
        f"so few rows can't tell an effect up to {limit:.6g} from chance: "
        f"about {math.ceil(needed / 10) * 10} rows would tell one of 0.2"
    )
    assert said in outcome.summary


def test_a_pass_of_several_columns_says_what_few_rows_hide(project: Any) -> None:
    for n, said in ((120, 2), (1500, 0)):
        make(project, rows(n, seed=8), {"income": {"psi": 0.2}, "region": {}})
        outcome = project.run("drift")
        assert outcome.verdict == "pass"
        assert outcome.summary.startswith("All 2 checks passed.")
        assert (
            f" {said} of them would pass with more than is allowed too, on so few rows" in outcome.summary
        ) == bool(said)


def test_fewer_rows_than_min_n_are_inconclusive(project: Any) -> None:
    make(project, rows(60, seed=8), {"income": {"psi": 5}})
    outcome = project.run("drift")
    assert (outcome.verdict, outcome.code) == ("inconclusive", 3)
    assert outcome.checks["rows"] == "inconclusive"
    assert "60 rows, and 100 are needed" in outcome.summary


def test_far_too_few_rows_for_a_threshold_are_inconclusive(project: Any) -> None:
    make(project, rows(400, seed=8), {"income": {"ks": 0.01}})
    outcome = project.run("drift")
    # at a tail of 0.05 % each (missing is judged too): sqrt(ln(2 / 0.0005) / 2 * (1 / 400 + 1 / 20000))
    assert outcome.check("income.ks")["interval"][1] == pytest.approx(0.1028, abs=1e-4)
    assert (outcome.checks["income.ks"], outcome.code) == ("inconclusive", 3)
    assert "so few rows can't tell an effect up to 0.102" in outcome.summary
    make(project, rows(500, seed=8), {"income": {"ks": 0.01}})
    assert project.run("drift").verdict == "pass"


def test_a_reference_that_is_too_small(project: Any) -> None:
    make(project, rows(5000, seed=9), {"income": {"psi": 0.2}}, reference=rows(120))
    outcome = project.run("drift")
    assert outcome.verdict == "pass"
    assert "the reference has too few rows to tell one of 0.2" in outcome.summary
    make(project, rows(5000, seed=9), {"income": {"psi": 5}}, reference=rows(50))
    assert project.run("drift").checks["reference.rows"] == "inconclusive"


@pytest.mark.parametrize(
    ("n", "verdict", "shown"),
    [(100, "pass", ": only a share that grows by 0.186491 shows"), (15, "inconclusive", "")],
)
def test_cells_that_cant_be_told_apart(project: Any, n: int, verdict: str, shown: str) -> None:
    """10 rows are expected in a cell at most, and 4 * sqrt(10) + 6 more of 100 are 18.6491 %."""
    table = ["x", *("b" if i % 20 == 7 else "a" for i in range(10_000))]
    current, reference = ("\n".join(table[: 1 + size]) + "\n" for size in (n, 10_000))
    make(project, current, {"x": {"psi": 0.2}}, reference=reference, min_n=1)
    outcome = project.run("drift")
    assert outcome.verdict == verdict, outcome.log
    assert f"its cells can't be told apart{shown}" in outcome.summary


def test_much_drift_fails_with_few_rows_too(project: Any) -> None:
    make(project, rows(150, shift=3, seed=8), {"income": {"psi": 0.2}})
    assert project.run("drift").verdict == "fail"


def test_columns_share_the_confidence(project: Any) -> None:
    make(project, rows(2000, seed=2), {"income": {"psi": 0.2}})
    alone = project.run("drift").check("income.psi")
    make(project, rows(2000, seed=2), {"income": {"psi": 0.2}, "region": {}})
    both = project.run("drift").check("income.psi")
    assert alone["confidence"] == pytest.approx(0.999)
    assert both["confidence"] == pytest.approx(0.9995)
    assert both["interval"][1] > alone["interval"][1]


@pytest.mark.parametrize(
    ("current", "columns", "verdict", "said"),
    [
        ("income,region\n", {"income": {}}, "fail", "no rows"),
        (rows(500).replace("income", "incom"), {"income": {}}, "fail", "the column income is missing"),
        (
            rows(500).replace("\n5", "\nx5", 1),
            {"income": {}},
            "fail",
            "1 of 500 cells of income are no number",
        ),
        ("income,region\n" + ",\n" * 500, {"income": {}}, "fail", "stability"),
        ("income,region\n" + ",\n" * 500, {"income": {"ks": 0.1}}, "error", "no values"),
        ("income,region\n" + ",\n" * 500, {"region": {}}, "fail", "share"),
        ("income,region\n1\n", {"income": {}}, "error", "line 2"),
        (rows(500), {"age": {}}, "fail", "the column age is missing"),
        (rows(500), {"region": {"ks": 0.1}}, "error", "ks is for numbers"),
    ],
)
def test_nothing_odd_passes(project: Any, current: str, columns: Any, verdict: str, said: str) -> None:
    make(project, current, columns)
    outcome = project.run("drift")
    assert (outcome.verdict, said in outcome.log) == (verdict, True), outcome.log


def test_a_column_that_the_reference_lacks(project: Any) -> None:
    lines = rows(500).splitlines()
    current = "\n".join([lines[0] + ",age", *(line + ",1" for line in lines[1:])]) + "\n"
    make(project, current, {"age": {}})
    outcome = project.run("drift")
    assert outcome.checks == {"age.present": "error"}


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "x"}, {"rows": 0}, {"rows": True}, {"rows": 20_001}, {"columns": []}, {"columns": {"income": 1}},
    ],
)  # fmt: skip
def test_an_unsound_profile_is_an_error(project: Any, change: Any) -> None:
    make(project, rows(500), {"income": {}})
    document = {**json.loads((project.root / "p.json").read_text()), **change}
    project.write("p.json", json.dumps(document))
    assert project.run("drift").verdict == "error"


@pytest.mark.parametrize(
    "change",
    [
        {"counts": None}, {"edges": []}, {"nan": -1}, {"nulls": None}, {"medians": [1]}, {"type": None},
        {"edges": [2] * 21}, {"counts": [1.5] * 22}, {"type": "string"},
    ],
)  # fmt: skip
def test_an_unsound_column_of_a_profile_is_an_error(project: Any, change: Any) -> None:
    make(project, rows(500), {"income": {}})
    document = json.loads((project.root / "p.json").read_text())
    document["columns"]["income"].update(change)
    project.write("p.json", json.dumps(document))
    assert project.run("drift").verdict == "error"


def test_a_table_as_reference(project: Any) -> None:
    make(project, rows(2000, shift=1, seed=3), {"income": {}, "region": {}})
    expected = project.run("drift").record["checks"]
    project.gate(
        "drift",
        {"reference": "base", "columns": {"income": {}, "region": {}}},
        {"raw": "d.csv", "base": "r.csv"},
    )
    outcome = project.run("drift")
    assert outcome.record["checks"] == expected
    assert "north" not in (project.root / "_mlcc/s--g/plots.json").read_text()
    for path in ("r.csv", "d.csv"):
        duckdb.sql(f"COPY (FROM '{path}') TO '{path[0]}.parquet' (FORMAT parquet)")
        duckdb.sql(f"COPY (FROM '{path}') TO '{path[0]}.jsonl' (FORMAT json)")
    for suffix in ("parquet", "jsonl"):
        project.gate(
            "drift",
            {"reference": "base", "columns": {"income": {}, "region": {}}},
            {"raw": f"d.{suffix}", "base": f"r.{suffix}"},
        )
        assert project.run("drift").record["checks"] == expected


def test_another_type_in_parquet(project: Any) -> None:
    make(project, rows(500), {"income": {}, "region": {}})
    sql = "SELECT region AS income, 1 AS region FROM 'd.csv'"
    duckdb.sql(f"COPY ({sql}) TO 'd.parquet' (FORMAT parquet)")
    project.gate(
        "drift",
        {"reference": "base", "columns": {"income": {}, "region": {}}},
        {"raw": "d.parquet", "base": "p.json"},
    )
    assert project.run("drift").checks == {"income.type": "fail", "region.type": "fail"}


def test_another_artifact_and_another_name(project: Any) -> None:
    make(project, rows(2000, seed=2), {"income": {}})
    text = rows(2000, seed=2).replace("income", "Income (k)")
    project.write("s.csv", text)
    project.write("q.json", profile_text(profile(["s.csv"], [], 20)))
    params = {
        "reference": "base", "current": "scored", "columns": {"label": {"name": "Income (k)", "wasserstein": 0.3}},
    }  # fmt: skip
    project.gate("drift", params, {"model": "p.json", "base": "q.json", "scored": "s.csv"})
    outcome = project.run("drift")
    assert outcome.checks == {"label.missing": "pass", "label.wasserstein": "pass"}


def test_hostile_names_and_categories(project: Any) -> None:
    name, values = "a \"b' ; --", ["it's", '"; DROP', "\\", "##[error]x", "::error::x"]
    text = ",".join(['"' + name.replace('"', '""') + '"', "n"]) + "\n"
    text += "".join('"' + values[i % 5].replace('"', '""') + f'",{i}\n' for i in range(1000))
    make(project, text, {"a": {"name": name, "chi_square": 0.2}}, reference=text)
    outcome = project.run("drift")
    assert outcome.verdict == "pass", outcome.log
    assert outcome.check("a.chi_square")["estimate"] == 0
    assert "##[" not in outcome.log
    plots = (project.root / "_mlcc/s--g/plots.json").read_text()
    assert "##[" not in plots


def test_a_constant_reference(project: Any) -> None:
    constant = "x\n" + "5\n" * 1000
    make(project, constant, {"x": {"wasserstein": 0.1}}, reference=constant)
    outcome = project.run("drift")
    assert outcome.checks["x.measure"] == "error"
    assert "one value only" in outcome.log
    for current, verdict in ((constant, "pass"), ("x\n" + "5\n" * 500 + "4\n" * 500, "fail")):
        make(project, current, {"x": {"psi": 0.2}}, reference=constant)
        assert project.run("drift").verdict == verdict


def test_plots(project: Any) -> None:
    make(project, rows(2000, seed=2), {"income": {}, "region": {}})
    project.run("drift")
    effects, income, region = json.loads((project.root / "_mlcc/s--g/plots.json").read_text())
    assert [row["label"] for row in effects["rows"]] == ["income.psi", "region.l_infinity"]
    assert [series["name"] for series in income["series"]] == ["reference", "current"]
    assert sum(income["series"][1]["values"]) == pytest.approx(1)
    assert set(region["labels"]) == {*_REGIONS, "other", "empty"}


def test_the_same_bytes_each_time(project: Any) -> None:
    make(project, rows(2000, seed=2), {"income": {}, "region": {"chi_square": 0.1}})
    project.run("drift")
    files = [project.root / "_mlcc/s--g" / name for name in ("verdict.json", "plots.json", "junit.xml")]
    first = [file.read_bytes() for file in files]
    project.run("drift")
    assert [file.read_bytes() for file in files] == first


@pytest.mark.parametrize(
    ("params", "artifacts", "loc", "said"),
    [
        ({"columns": {"a": {}}, "reference": "raw"}, {}, ("reference",), "compared with itself"),
        ({"columns": {"a": {}}, "reference": "x"}, {}, ("reference",), "no artifact 'x'"),
        ({"columns": {"a": {}}, "reference": "x"}, {"x": "x.bin"}, ("reference",), "unless it is a profile"),
        (
            {"columns": {"a": {}}, "reference": "x", "current": "y"}, {"x": "x.json", "y": "y.txt"},
            ("current",), "files of one format",
        ),
        ({"columns": {"a": {}, "A": {}}, "reference": "x"}, {"x": "x.json"}, ("columns", "A"), "same column"),
        (
            {"columns": {"a": {}, "b": {"name": "a"}}, "reference": "x"}, {"x": "x.json"},
            ("columns", "b", "name"), "same column",
        ),
        ({"columns": {"a": {"name": "\0"}}, "reference": "x"}, {"x": "x.json"}, ("columns", "a", "name"), "SQL"),
    ],
)  # fmt: skip
def test_refused_at_compile_time(params: Any, artifacts: Any, loc: Any, said: str) -> None:
    infos = {id: ArtifactInfo(path) for id, path in {"raw": "d.csv", **artifacts}.items()}
    model = GATES["drift"].params().model_construct(**_filled(params))
    with pytest.raises(GateParamsError, match=said) as caught:
        GATES["drift"].compiler().compile(model, infos, "raw")
    assert caught.value.loc == loc


def _filled(params: Any) -> Any:
    from mlcc.gates.drift.params import DriftColumn

    columns = {key: DriftColumn.model_construct(**column) for key, column in params["columns"].items()}
    return {**params, "columns": columns}


def test_references() -> None:
    model = GATES["drift"].params().model_validate({"reference": "a", "columns": {"x": {}}, "current": "b"})
    compiler = GATES["drift"].compiler()
    assert compiler.references(model) == ((("reference",), "a"), (("current",), "b"))
    assert GATES["drift"].packages(model, ()) == "drift"


@pytest.mark.parametrize(
    "column", [{"psi": 0}, {"ks": 1}, {"psi": 0.2, "ks": 0.1}, {"missing": 1.5}, {"psi": "0.2"}, {"psl": 0.2}]
)
def test_refused_by_the_models(column: Any) -> None:
    with pytest.raises(ValueError, match=r"columns"):
        GATES["drift"].params().model_validate({"reference": "a", "columns": {"x": column}})


def test_selftest_path(project: Any) -> None:
    make(project, rows(1000, seed=2), {"income": {}})
    assert project.run_script("drift").verdict == "pass"
    assert Path("_mlcc/s--g/plots.json").exists()
