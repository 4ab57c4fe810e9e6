"""Test-set wear in `compare`: which promotions count, what the gate says of them, and records that are damaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates.compare.compile import compile, references
from mlcc.gates.selftest import known_bad
from mlcc.writing.loosening import compare as changes
from tests.gates.stand_in import opened
from tests.runs import gate, run, write

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
_ROWS = "id,y,p\n" + "".join(f"{i},{i % 2},{i % 2}\n" for i in range(400))
_TEST = "id,x\n1,2\n"
_PARAMS = {
    "candidate": "new", "champion": "old", "key": "id", "label": "y", "prediction": "p", "metric": "accuracy",
    "margin": 0.02,
}  # fmt: skip
_RECORDS = {"data": "test", "records": "promotions"}
_FILES = {"model": "model.json", "new": "new.csv", "old": "old.csv", "test": "test.csv"}


def sha(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def promotion(
    model: str, *, test: str = _TEST, day: str = "2026-03-02", named: bool = True, **changed: Any
) -> dict[str, Any]:
    """Return the record of a run that promoted a model; `named`: its gate names the test set, and not only its run."""
    digests = {"model": sha(model), **({"test": sha(test)} if named else {})}
    inputs = {id: {"path": id, "digest": digest} for id, digest in digests.items()}
    found = run(
        {"compared": gate(**{"kind": "compare", "inputs": inputs, **changed})}, finished=f"{day}T10:00:00Z"
    )
    found["artifacts"]["model"]["digests"] = {"": sha(model)}
    found["artifacts"]["test"] = {
        "digests": {"": sha(test)},
        "made": False,
        "kind": "data",
        "form": "paths",
        "paths": ["t"],
    }
    return found


@pytest.fixture
def judged(project: Any) -> Callable[..., Any]:
    """Return a function that runs the gate over records of runs: name -> record, or a file's text."""
    for path, text in {"model.json": "now", "new.csv": _ROWS, "old.csv": _ROWS, "test.csv": _TEST}.items():
        project.write(path, text)

    def of(records: dict[str, Any], **holdout: Any) -> Any:
        for name, record in records.items():
            path = project.root / "promotions" / name
            write(path, record) if isinstance(record, dict) else project.write(f"promotions/{name}", record)
        stated = {**_PARAMS, "holdout": {**({} if "first" in holdout else _RECORDS), **holdout}}
        project.gate("compare", stated, {**_FILES, "promotions": "promotions/"})
        outcome = project.run("compare")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return of


def of_models(*models: str, **changed: Any) -> dict[str, Any]:
    return {f"{model}.jsonl": promotion(model, **changed) for model in models}


# --- what counts --------------------------------------------------------------------------------------------

_COUNTS = {
    "one": (of_models("a"), 1),
    "three models": (of_models("a", "b", "c"), 3),
    "the same record twice": ({"1.jsonl": promotion("a"), "2.jsonl": promotion("a")}, 1),
    "the same model in two runs": (
        {"1.jsonl": promotion("a"), "2.jsonl": promotion("a", day="2026-04-01")},
        1,
    ),
    "another test set": (of_models("a", "b", test="id,x\n1,3\n"), 0),
    "two test sets": ({**of_models("a", "b", test="old"), **of_models("c")}, 1),
    "this very model": (of_models("now", "a"), 1),
    "a gate that didn't name the test set, in a run that had it": (of_models("a", named=False), 1),
    "a gate that closed": (of_models("a", verdict="fail", end="failed"), 0),
    "a gate that was waived": (of_models("a", verdict="fail", end="passed", waived={}), 1),
    "a gate of another kind": (of_models("a", kind="evaluate"), 0),
    "a gate that was skipped": (of_models("a", verdict="", end="skipped"), 0),
    "in folders": ({"2026/a.jsonl": promotion("a"), "2027/a.ndjson": promotion("b")}, 2),
    "beside git's marks": ({"a.jsonl": promotion("a"), ".gitattributes": "* text"}, 1),
}


@pytest.mark.parametrize("name", _COUNTS)
def test_what_counts(judged: Any, name: str) -> None:
    records, expected = _COUNTS[name]
    check = judged(records).check("holdout")
    assert (check["verdict"], check["estimate"], check["margin"]) == ("pass", expected + 1, 20 - expected - 1)
    assert check["threshold"] == {"max": 20}


def test_a_model_with_legs_counts_by_the_whole_that_was_judged(judged: Any) -> None:
    record = promotion("a")
    record["artifacts"]["model"]["digests"] = {"small": sha("s"), "large": sha("l")}
    assert judged({"a.jsonl": record}).check("holdout")["estimate"] == 2


def test_a_run_without_gates_or_artifacts_promoted_nothing(judged: Any) -> None:
    record = promotion("a")
    del record["gates"], record["artifacts"]
    assert judged({"a.jsonl": record}).check("holdout")["estimate"] == 1


# --- what is said -------------------------------------------------------------------------------------------


def test_under_the_budget(judged: Any) -> None:
    outcome = judged({**of_models("b", day="2026-05-01"), **of_models("a", day="2026-01-04")})
    said = "test has decided 2 promotions since 2026-01-04, and may decide 20: this would be number 3"
    assert outcome.check("holdout")["message"] == said
    assert (outcome.verdict, outcome.code) == ("pass", 0)
    assert outcome.summary.endswith(f"is required. {said}.")
    assert set(outcome.record["inputs"]) == {*_FILES, "promotions"}
    assert outcome.record["inputs"]["test"]["digest"] == sha(_TEST)


@pytest.mark.parametrize(
    ("promoted", "budget", "said"),
    [
        (14, 20, "this would be number 15"),
        (15, 20, "this would be number 16, and a fresh holdout is due after 4 more"),
        (18, 20, "this would be number 19, and a fresh holdout is due after 1 more"),
        (19, 20, "this would be the last, and a fresh holdout is due"),
        (0, 1, "this would be the last, and a fresh holdout is due"),
        (0, 2, "this would be number 1"),
    ],
)
def test_near_the_budget(judged: Any, promoted: int, budget: int, said: str) -> None:
    outcome = judged(of_models("x", test="old") | of_models(*map(str, range(promoted))), budget=budget)
    assert outcome.check("holdout")["message"].endswith(f", and may decide {budget}: {said}")
    assert outcome.verdict == "pass"


def test_past_the_budget(judged: Any) -> None:
    outcome = judged(of_models("a", "b", day="2026-01-04"), budget=2)
    assert (outcome.verdict, outcome.code) == ("inconclusive", 3)
    assert outcome.checks == {"accuracy": "pass", "holdout": "inconclusive"}
    assert outcome.summary == (
        "1 of 2 checks is inconclusive: test has decided 2 promotions since 2026-01-04, and may decide 2: "
        "models fit these rows by now, and a fresh holdout is due."
    )
    assert outcome.check("holdout")["margin"] == -1


def test_a_worse_candidate_fails_past_the_budget(project: Any, judged: Any) -> None:
    project.write("new.csv", "id,y,p\n" + "".join(f"{i},{i % 2},{1 - i % 2}\n" for i in range(400)))
    assert judged(of_models("a"), budget=1).verdict == "fail"


def test_a_model_that_was_promoted_is_judged_again_past_the_budget(judged: Any) -> None:
    assert judged(of_models("now", "a"), budget=2).verdict == "pass"


def test_a_fresh_test_set_starts_anew(project: Any, judged: Any) -> None:
    assert judged(of_models("a", "b"), budget=2).verdict == "inconclusive"
    project.write("test.csv", "id,x\n7,8\n")
    assert (
        judged({}, budget=2).check("holdout")["message"].startswith("test has decided 0 promotions, and may")
    )


def test_a_first_promotion(judged: Any) -> None:
    project_has_none = judged({"unread.jsonl": "no record"}, data="test", first="none")
    assert project_has_none.verdict == "pass"
    assert project_has_none.check("holdout")["message"] == (
        "test has decided 0 promotions, as the spec says (`first: none`), and may decide 20: this would be number 1"
    )


def test_the_same_bytes_twice(project: Any, judged: Any) -> None:
    place = project.root / "_mlcc/s--g/verdict.json"
    first = [judged(of_models("a", "b")) and place.read_bytes() for _ in range(2)]
    assert first[0] == first[1]


# --- records that are damaged: none may open the gate ----------------------------------------------------------


def _line(change: Callable[[dict[str, Any]], Any]) -> str:
    """Return the statement of a promotion, changed."""
    made = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://mlcc.dev/lineage/1"}
    statement = {**made, "predicate": promotion("a")}
    change(statement)
    return json.dumps(statement) + "\n"


def _in(*steps: str, value: Any) -> str:
    """Return the statement of a promotion with another value at a place."""

    def change(statement: dict[str, Any]) -> None:
        place = statement
        for step in ("predicate", *steps)[:-1]:
            place = place[step]
        place[steps[-1]] = value

    return _line(change)


_GATE = ("gates", "compared")
_DAMAGED = {
    "empty": "",
    "a blank line": "\n\n",
    "no JSON": "a record\n",
    "not UTF-8": b"\xff\xfe\n",
    "NaN": _in("finished", value=float("nan")),
    "a key twice": _line(lambda _: None).replace('"_type"', '"_type": 1, "_type"'),
    "a list": "[]\n",
    "an empty object": "{}\n",
    "a text": '"lineage"\n',
    "a DSSE envelope": '{"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": []}\n',
    "another sort of statement": _line(lambda s: s.update(_type="https://in-toto.io/Statement/v0.1")),
    "no predicate type": _line(lambda s: s.pop("predicateType")),
    "only what others say of it": _line(lambda s: s.update(predicateType="https://slsa.dev/provenance/v1")),
    "a line of something else": _line(lambda _: None) + "x\n",
    "no predicate": _line(lambda s: s.pop("predicate")),
    "no time": _in("finished", value=None),
    "a time that is none": _in("finished", value="last week"),
    "artifacts are a list": _in("artifacts", value=[]),
    "an artifact is a text": _in("artifacts", "test", value="sha256:1"),
    "no digests": _in("artifacts", "test", "digests", value=None),
    "gates are null": _in("gates", value=None),
    "a gate is a list": _in(*_GATE, value=[]),
    "no verdict": _in(*_GATE, "verdict", value=None),
    "no kind": _in(*_GATE, "kind", value=3),
    "a gate that passed and failed": _in(*_GATE, "end", value="failed"),
    "no inputs": _in(*_GATE, "inputs", value=None),
    "inputs without the model": _in(*_GATE, "inputs", value={}),
    "an input is a text": _in(*_GATE, "inputs", "model", value=sha("a")),
    "a digest is a number": _in(*_GATE, "inputs", "model", "digest", value=1),
    "another model than its run's": _in(*_GATE, "inputs", "model", "digest", value=sha("b")),
    "another test set than its run's": _in(*_GATE, "inputs", "test", "digest", value=sha("b")),
    "a run with another test set than its gate": _in("artifacts", "test", "digests", value={"": sha("b")}),
    "it guards nothing that is there": _in(*_GATE, "guards", value="other"),
}


@pytest.mark.parametrize("name", _DAMAGED)
def test_a_damaged_record_is_an_error(judged: Any, name: str) -> None:
    outcome = judged({"good.jsonl": promotion("a"), "damaged.jsonl": _DAMAGED[name]})
    assert (outcome.verdict, outcome.code) == ("error", 2), outcome.summary
    assert "promotions/damaged.jsonl" in outcome.summary
    assert "sha256:" not in outcome.summary


def test_an_undamaged_one_is_none(judged: Any) -> None:
    assert judged({"damaged.jsonl": _line(lambda _: None)}).verdict == "pass"


def test_a_record_that_is_cut_never_opens(project: Any, judged: Any) -> None:
    judged({"a.jsonl": promotion("a")}, budget=1)
    place = project.root / "promotions/a.jsonl"
    whole = place.read_bytes()
    for part in range(40):
        place.write_bytes(whole[: len(whole) * part // 40])
        assert project.run("compare").verdict in ("error", "inconclusive")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, "is not a folder"),
        ({".gitkeep": ""}, "holds no file of the format jsonl"),
        ({"a.jsonl": promotion("a"), "README.md": "# Promotions"}, "holds promotions/README.md"),
        ({"a.json": json.dumps(promotion("a"))}, "holds promotions/a.json, which doesn't end in .jsonl"),
    ],
)
def test_records_that_are_not_there(judged: Any, made: Any, said: str) -> None:
    outcome = judged(made)
    assert outcome.verdict == "error"
    assert said in outcome.summary


@pytest.mark.parametrize("budget", [0, -1, True, "20", 1.5, None])
def test_a_budget_that_was_edited_badly(project: Any, judged: Any, budget: Any) -> None:
    judged(of_models("a"))
    document = json.loads((project.root / ".mlcc/gates/g.json").read_text())
    document["params"]["holdout"]["budget"] = budget
    project.write(".mlcc/gates/g.json", json.dumps(document))
    assert project.run("compare").verdict == "error"


@pytest.mark.parametrize("key", ["artifact", "records", "budget"])
def test_parameters_that_were_cut(project: Any, judged: Any, key: str) -> None:
    judged(of_models("a"))
    document = json.loads((project.root / ".mlcc/gates/g.json").read_text())
    del document["params"]["holdout"][key]
    project.write(".mlcc/gates/g.json", json.dumps(document))
    outcome = project.run("compare")
    assert (outcome.verdict, f"lack {key}" in outcome.summary) == ("error", True)


@pytest.mark.parametrize("test_set", ["test.csv", "data/", ["a-*.csv", "b.csv"]])
@pytest.mark.parametrize("records", ["promotions/", "promotions", "kept/*.jsonl", "all.jsonl"])
def test_known_bad(project: Any, test_set: Any, records: str) -> None:
    paths = {**_FILES, "test": test_set, "promotions": records}
    document = project.gate("compare", {**_PARAMS, "holdout": {**_RECORDS, "budget": 3}}, paths)
    for artifact in document["artifacts"].values():
        committed = artifact["path"] in ("promotions", "kept/*.jsonl")
        artifact["path"] = [artifact["path"]] if committed else artifact["path"]
    assert opened(project, document) == []


def test_known_bad_without_a_champion(project: Any) -> None:
    params = {key: value for key, value in _PARAMS.items() if key not in ("champion", "key")}
    for holdout, worn in ((_RECORDS, True), ({"data": "test", "first": "none"}, False)):
        stated = {**params, "baseline": "majority", "holdout": holdout}
        document = project.gate("compare", stated, {**_FILES, "promotions": "promotions/"})
        assert opened(project, document) == []
        assert ("a test set that is worn out" in [fixture.name for fixture in known_bad(document)]) == worn


# --- compile time -------------------------------------------------------------------------------------------

_ARTIFACTS = {
    **{id: ArtifactInfo(f"{id}.parquet") for id in ("new", "old", "test")},
    "promotions": ArtifactInfo("promotions/"),
    "model": ArtifactInfo("model/", is_model=True),
    "live": ArtifactInfo("postgres://ml.test", "postgres"),
}


def _compiled(**holdout: Any) -> Any:
    model = GATES["compare"].params().model_validate({**_PARAMS, "holdout": holdout})
    return compile(model, _ARTIFACTS, "model")["holdout"]


def test_compiled() -> None:
    assert _compiled(**_RECORDS) == {"artifact": "test", "budget": 20, "records": "promotions"}
    assert _compiled(data="test", first="none", budget=3) == {
        "artifact": "test",
        "budget": 3,
        "first": "none",
    }
    model = GATES["compare"].params().model_validate({**_PARAMS, "holdout": _RECORDS})
    assert references(model)[2:] == ((("holdout", "data"), "test"), (("holdout", "records"), "promotions"))


@pytest.mark.parametrize(
    ("holdout", "key", "message"),
    [
        ({**_RECORDS, "data": "live"}, "data", "a table in a warehouse, whose rows have no digest"),
        ({**_RECORDS, "data": "new"}, "data", "a table of predictions"),
        ({**_RECORDS, "data": "old"}, "data", "a table of predictions"),
        ({**_RECORDS, "data": "model"}, "data", "is a model"),
        ({**_RECORDS, "data": "none"}, "data", "there is no artifact 'none'"),
        ({**_RECORDS, "records": "model"}, "records", "is a model"),
        ({**_RECORDS, "records": "test"}, "records", "not the test set"),
    ],
)
def test_refuses(holdout: Any, key: str, message: str) -> None:
    with pytest.raises(GateParamsError, match=message) as caught:
        _compiled(**holdout)
    assert caught.value.loc == ("holdout", key)


@pytest.mark.parametrize(
    "holdout", [{"data": "test"}, {**_RECORDS, "first": "none"}, {**_RECORDS, "budget": 0}]
)
def test_refuses_by_shape(holdout: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        GATES["compare"].params().model_validate({**_PARAMS, "holdout": holdout})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (_RECORDS, {**_RECORDS, "budget": 30}, [("loosened", "holdout.budget", 20, 30)]),
        (_RECORDS, {**_RECORDS, "budget": 10}, []),
        (_RECORDS, {"data": "test", "first": "none"}, [("loosened", "holdout.records", "promotions", None)]),
        ({"data": "test", "first": "none"}, _RECORDS, []),
        (
            _RECORDS,
            None,
            [("loosened", "holdout", {"artifact": "test", "budget": 20, "records": "promotions"}, None)],
        ),
        (None, _RECORDS, []),
        (_RECORDS, {**_RECORDS, "data": "other"}, [("changed", "holdout.artifact", "test", "other")]),
    ],
)
def test_what_is_looser(before: Any, after: Any, expected: Any) -> None:
    def document(holdout: Any) -> dict[str, Any]:
        compiled = (
            {} if holdout is None else {"holdout": {"artifact": holdout["data"], "budget": 20, **holdout}}
        )
        compiled.get("holdout", {}).pop("data", None)
        return {"gate": "g", "kind": "compare", "on_inconclusive": "fail", "params": compiled}

    found = [
        (one.sort, one.place, one.before, one.after) for one in changes(document(before), document(after))
    ]
    assert found == expected
