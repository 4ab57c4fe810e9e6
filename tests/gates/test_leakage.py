"""The gate `leakage`: shared rows, groups and times, and features that give the label away."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates.leakage.selftest import known_bad
from mlcc.writing.loosening import compare

Rows = list[dict[str, Any]]


def draw(n: int, *, start: int = 0, seed: int = 1) -> Rows:
    """Return rows with an id, a patient for every two rows, a day, two features and two labels."""
    random_ = random.Random(seed)
    found = []
    for i in range(start, start + n):
        y = random_.randrange(2)
        x = random_.gauss(y, 1)
        row = {"id": i, "patient": i // 2, "day": i, "x": f"{x:.6f}", "c": random_.choice("abcd"), "y": y}
        found.append({**row, "price": f"{3 * x + random_.gauss(0, 3):.6f}"})
    return found


def csv(rows: Rows) -> str:
    names = list(rows[0])
    lines = [",".join("" if row[name] is None else str(row[name]) for name in names) for row in rows]
    return "\n".join([",".join(names), *lines]) + "\n"


def make(project: Any, params: Any, train: Rows, test: Rows) -> Any:
    project.write("train.csv", csv(train))
    project.write("test.csv", csv(test))
    project.gate("leakage", {"train": "train", **params}, {"test": "test.csv", "train": "train.csv"})
    return project.run("leakage")


ALL = {"key": ["id"], "group": "patient", "time": "day", "features": ["x", "c"], "label": "y"}


def test_nothing_leaks(project: Any) -> None:
    outcome = make(project, ALL, draw(200), draw(100, start=200, seed=2))
    assert outcome.verdict == "pass", outcome.log
    assert outcome.checks == dict.fromkeys(
        ["features.shared", "group.shared", "key.shared", "time.shared", "x.values", "c.values"], "pass"
    )


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (195, {"key": 5, "group": 5, "time": 5}),
        (199, {"key": 1, "group": 1, "time": 1}),
        (200, {}),
        (-50, {"time": 100}),
    ],
)
def test_what_the_sides_share_is_counted(project: Any, start: int, found: dict[str, int]) -> None:
    outcome = make(project, ALL, draw(200), draw(100, start=start, seed=2))
    expected = {"key": max(0, min(200 - start, 100)), **found} if start < 0 else found
    if start < 0:
        expected = {"key": 50, "group": 50, "time": 100}
    for id in ("key", "group", "time"):
        check = outcome.check(f"{id}.shared")
        assert check["estimate"] == expected.get(id, 0) / 100
        assert check["verdict"] == ("fail" if id in expected else "pass")


def test_rows_with_the_same_features(project: Any) -> None:
    train, test = draw(200), draw(100, start=200, seed=2)
    for row, other in zip(test[:7], train, strict=False):
        row.update(x=other["x"], c=other["c"])
    for allowed, verdict in ((0, "fail"), (0.06, "fail"), (0.07, "pass")):
        outcome = make(project, {"features": ["x", "c"], "max_shared": allowed}, train, test)
        assert outcome.check("features.shared")["estimate"] == pytest.approx(0.07)
        assert outcome.checks == {"features.shared": verdict}


def test_a_composite_key(project: Any) -> None:
    train = [{"a": i, "b": j} for i in range(10) for j in range(10)]
    outcome = make(project, {"key": ["a", "b"]}, train, [{"a": 3, "b": 10}, {"a": 10, "b": 3}])
    assert outcome.verdict == "pass"
    outcome = make(project, {"key": ["a", "b"]}, train, [{"a": 3, "b": 10}, {"a": 3, "b": 3}])
    assert outcome.check("key.shared")["estimate"] == 0.5


def test_effects_are_those_of_scikit_learn_and_scipy(project: Any) -> None:
    train, test = draw(300, seed=3), draw(200, start=300, seed=4)
    rows = train + test
    outcome = make(project, {"features": ["x", "c"], "label": "y"}, train, test)
    expected = roc_auc_score([row["y"] for row in rows], [float(row["x"]) for row in rows])
    assert outcome.check("x.values")["estimate"] == pytest.approx(expected, rel=1e-9)
    means = {c: [row["y"] for row in train if row["c"] == c] for c in "abcd"}
    scores = [sum(means[row["c"]]) / len(means[row["c"]]) for row in test]
    area = roc_auc_score([row["y"] for row in test], scores)
    assert outcome.check("c.values")["estimate"] == pytest.approx(max(area, 1 - area), rel=1e-9)
    outcome = make(project, {"features": ["x"], "label": "price"}, train, test)
    expected = spearmanr([float(row["x"]) for row in rows], [float(row["price"]) for row in rows]).statistic
    assert outcome.check("x.values")["estimate"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("leak", ["number", "falling", "category", "empty", "regression"])
def test_a_feature_that_gives_the_label_away(project: Any, leak: str) -> None:
    train, test = draw(200), draw(100, start=200, seed=2)
    for i, row in enumerate(train + test):
        told = {
            "number": row["y"] + i / 1000, "falling": -row["y"], "category": "ab"[row["y"]],
            "empty": None if row["y"] else i % 5, "regression": float(row["price"]) ** 3,
        }  # fmt: skip
        row["x"] = told[leak]
    label = "price" if leak == "regression" else "y"
    outcome = make(project, {"features": ["x"], "max_shared": 1, "label": label}, train, test)
    id = "x.empty" if leak == "empty" else "x.values"
    assert outcome.checks[id] == "fail", outcome.log
    assert outcome.check(id)["estimate"] == pytest.approx(1)


def test_an_identifier_as_a_category_does_not_tell(project: Any) -> None:
    train, test = draw(200), draw(100, start=200, seed=2)
    for row in train + test:
        row["c"] = f"id{row['id']}"
    outcome = make(project, {"features": ["c"], "label": "y"}, train, test)
    assert outcome.check("c.values")["estimate"] == pytest.approx(0.5)


def test_too_few_of_a_class_are_inconclusive(project: Any) -> None:
    train, test = draw(30), draw(10, start=30, seed=2)
    outcome = make(project, {"features": ["x"], "label": "y"}, train, test)
    assert outcome.checks["x.values"] == "inconclusive"


@pytest.mark.parametrize(
    ("change", "check", "verdict"),
    [
        ({"y": 1}, "label", "error"), ({"y": None}, "label", "fail"), ({"id": None}, "key.shared", "fail"),
        ({"patient": None}, "group.shared", "fail"), ({"day": None}, "time.shared", "fail"),
        ({"day": "soon"}, "time.shared", "fail"), ({"day": "nan"}, "time.shared", "fail"),
    ],
)  # fmt: skip
def test_what_is_not_known_never_passes(project: Any, change: Any, check: str, verdict: str) -> None:
    train, test = draw(200), draw(100, start=200, seed=2)
    outcome = make(project, ALL, [{**row, **change} for row in train], [{**row, **change} for row in test])
    assert outcome.checks[check] == verdict, outcome.log


def test_three_classes(project: Any) -> None:
    train, test = draw(200), draw(100, start=200, seed=2)
    outcome = make(project, {"features": ["x"], "label": "c"}, train, test)
    assert "the label has 4 classes" in outcome.summary
    assert outcome.verdict == "error"


@pytest.mark.parametrize("day", ["inf", "1e999", "2031-01-01"])
def test_a_time_that_cannot_be_compared_is_not_after_training(project: Any, day: str) -> None:
    test = draw(100, start=200, seed=2)
    assert make(project, {"time": "day"}, draw(200), test).verdict == "pass"
    outcome = make(project, {"time": "day"}, draw(200), [*test[:-1], {**test[-1], "day": day}])
    assert outcome.verdict == "fail"
    assert outcome.summary.startswith("1 rows have no time")


@pytest.mark.parametrize("format", ["%s", "2024-01-01T00:00:%02dZ", "2024-01-01 00:00:%02d"])
def test_times(project: Any, format: str) -> None:
    train = [{"t": format % i} for i in range(10, 20)]
    for first, verdict in ((20, "pass"), (19, "fail"), (9, "fail")):
        test = [{"t": format % i} for i in range(first, first + 5)]
        assert make(project, {"time": "t"}, train, test).verdict == verdict


def test_one_table_with_a_split(project: Any) -> None:
    rows = [{**row, "split": "train"} for row in draw(200)] + [
        {**row, "split": "test"} for row in draw(100, start=199, seed=2)
    ]
    for suffix in ("csv", "parquet", "jsonl"):
        project.write("d.csv", csv(rows))
        if suffix != "csv":
            options = {"parquet": "FORMAT parquet", "jsonl": "FORMAT json"}[suffix]
            duckdb.sql(f"COPY (FROM 'd.csv') TO 'd.{suffix}' ({options})")
        split = {"column": "split", "train": "train", "test": "test"}
        project.gate("leakage", {"split": split, **ALL}, {"d": f"d.{suffix}"})
        outcome = project.run("leakage")
        assert outcome.check("key.shared")["estimate"] == 0.01, outcome.log
        assert outcome.checks["x.values"] == "pass"
    project.gate("leakage", {"split": {**split, "test": "valid"}, **ALL}, {"d": "d.csv"})
    assert project.run("leakage").checks == {"test.rows": "fail"}


def test_another_type_on_the_other_side_is_an_error(project: Any) -> None:
    duckdb.sql("COPY (SELECT 1 AS id) TO 'train.parquet'")
    duckdb.sql("COPY (SELECT 1.0::DOUBLE AS id) TO 'test.parquet'")
    project.gate(
        "leakage", {"train": "train", "key": ["id"]}, {"test": "test.parquet", "train": "train.parquet"}
    )
    outcome = project.run("leakage")
    assert outcome.verdict == "error"
    assert "another type" in outcome.summary


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("split", [False, True])
def test_known_bad(project: Any, suffix: str, split: bool) -> None:
    params: dict[str, Any] = {"key": ["id"], "features": ["x"], "group": "g", "time": "t", "label": "y"}
    if split:
        params["split"] = {"column": "s", "train": "a", "test": "b"}
        document = project.gate("leakage", params, {"d": f"d.{suffix}", "m": "build/model/"})
    else:
        document = project.gate(
            "leakage", {**params, "train": "old", "test": "new"},
            {"m": "build/model/", "old": f"o.{suffix}", "new": f"n.{suffix}"},
        )  # fmt: skip
    fixtures = list(known_bad(document))
    assert len(fixtures) == 6
    for fixture in fixtures:
        for path, data in fixture.files.items():
            project.write(path, data)
        outcome = project.run("leakage")
        assert (outcome.verdict, fixture.name) == (fixture.verdict, fixture.name), outcome.log


@pytest.mark.parametrize(
    ("after", "sort"),
    [
        ({}, None),
        ({"key": None}, "loosened"),
        ({"features": ["x"]}, "loosened"),
        ({"label": None}, "loosened"),
        ({"max_shared": 0.1}, "loosened"),
        ({"max_single_feature_auc": 0.9}, None),
        ({"max_single_feature_auc": 0.99}, "loosened"),
    ],
)
def test_what_makes_it_looser(project: Any, after: Any, sort: str | None) -> None:
    documents = []
    for change in ({}, after):
        params = {key: value for key, value in {"train": "a", **ALL, **change}.items() if value is not None}
        documents.append(project.gate("leakage", params, {"d": "d.csv", "a": "a.csv"}))
    assert [change.sort for change in compare(*documents)][:1] == ([sort] if sort else [])


@pytest.mark.parametrize(
    ("params", "loc", "said"),
    [
        ({"train": "a"}, (), "nothing is to be looked at"),
        ({"train": "a", "key": ["k"], "label": "y"}, ("label",), "aren't given"),
        ({"train": "a", "features": ["x", "y"], "label": "y"}, ("features", 1), "no feature"),
        ({"train": "a", "key": ["k", "k"]}, ("key", 1), "twice"),
        ({"train": "d", "key": ["k"]}, ("train",), "with itself"),
        ({"train": "x", "key": ["k"]}, ("train",), "no artifact"),
        ({"train": "p", "key": ["k"]}, ("train",), "of one format"),
        ({"train": "b", "key": ["k"]}, ("train",), "files of one format"),
        (
            {"split": {"column": "s", "train": "a", "test": "a"}, "key": ["k"]},
            ("split", "test"),
            "same value",
        ),
        (
            {"split": {"column": "s", "train": "a", "test": "b"}, "test": "a", "key": ["k"]},
            ("test",),
            "with `split`",
        ),
    ],
)
def test_refused_at_compile_time(params: Any, loc: Any, said: str) -> None:
    infos = {"d": "d.csv", "a": "a.csv", "p": "p.parquet", "b": "b.bin"}
    model = GATES["leakage"].params().model_validate(params)
    with pytest.raises(GateParamsError, match=said) as caught:
        GATES["leakage"].compiler().compile(
            model, {id: ArtifactInfo(path) for id, path in infos.items()}, "d"
        )
    assert caught.value.loc == loc


@pytest.mark.parametrize("side", ["train", "test"])
def test_a_missing_column_is_named_with_its_table(project: Any, side: str) -> None:
    tables = {"train": draw(50), "test": draw(50, start=50, seed=2)}
    tables[side] = [{key: value for key, value in row.items() if key != "id"} for row in tables[side]]
    outcome = make(project, {"key": ["id"]}, tables["train"], tables["test"])
    assert outcome.verdict == "error"
    assert f"the column id is missing in the artifact {side}" in outcome.summary
