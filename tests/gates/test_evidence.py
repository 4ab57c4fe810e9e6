from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates._records import GateError
from mlcc.gates.evidence.compile import TOPICS, compile, references
from mlcc.gates.evidence.front_matter import filled_sections, is_filled, split_record
from mlcc.gates.evidence.runtime import _age_check, _day
from mlcc.gates.fixtures import Fixture
from mlcc.gates.selftest import known_bad
from tests.gates.stand_in import opened, run_fixture

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
_MODEL = b'{"weight": 1}\n'
_DIGEST = "sha256:" + hashlib.sha256(_MODEL).hexdigest()


def days_ago(days: int) -> str:
    return (datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days)).isoformat()


@pytest.fixture
def evidence(project: Any) -> Any:
    """Return a function that runs an evidence gate over a record."""
    project.write("model.json", _MODEL)

    def run(record: str | bytes, *, path: str = "docs/card.md", change: Any = None, **params: Any) -> Any:
        project.write(path, record)
        stated = {"topic": "model_card", "record": path, "max_age": "90d", **params}
        project.gate("evidence", stated, {"model": "model.json"}, artifact_kind="model", change=change)
        outcome = project.run("evidence")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


def card(date: str | None = None, about: str = _DIGEST, body: str = "", more: str = "") -> str:
    return f"---\ndate: {date or days_ago(3)}\nabout: {about}\n{more}---\n{body}"


def test_a_sound_record(evidence: Any) -> None:
    record = card(
        more="approved_by: [Ann Lee, Bo]\nowner: risk team\n", body="# Intended use\n\nFor tests.\n"
    )
    outcome = evidence(record, sections=["Intended use"], fields=["owner"], signed_by=["Bo", "Ann Lee"])
    assert outcome.verdict == "pass", outcome.log
    assert list(outcome.checks) == [
        "record", "age", "about model", "section Intended use", "field owner", "signed by Bo", "signed by Ann Lee",
    ]  # fmt: skip
    digest = hashlib.sha256(record.encode()).hexdigest()
    assert outcome.check("record")["message"] == f"docs/card.md has the digest sha256:{digest}"
    assert (outcome.check("age")["estimate"], outcome.check("age")["margin"]) == (3, 87)


@pytest.mark.parametrize(
    ("date", "verdict"),
    [
        (days_ago(0), "pass"),
        (days_ago(90), "pass"),
        (days_ago(92), "fail"),
        (days_ago(-3), "fail"),
        ("9999-12-31", "fail"),
        (f"{days_ago(3)}T10:00:00Z", "pass"),
        (f'"{days_ago(3)}T10:00:00+02:00"', "pass"),
        (f"{days_ago(3)}T10:00:00", "error"),
        ("yesterday", "error"),
        ("2026-02-30", "error"),
        ("20260101", "error"),
        ('""', "error"),
        ("[2026-01-01]", "error"),
    ],
)
def test_dates(evidence: Any, date: str, verdict: str) -> None:
    assert evidence(card(date)).checks["age"] == verdict


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01", "2026-03-01"),
        ("2026-03-01T23:30:00-01:00", "2026-03-02"),
        ("2026-03-01T00:30:00+01:00", "2026-02-28"),
        ("2026-03-01 12:00Z", "2026-03-01"),
        ("2026-03-01T12:00:00.123z", "2026-03-01"),
        ("0001-01-01T00:00+14:00", None),
        ("2026-03-01T25:00Z", None),
        ("2026-03-01T12:00", None),
        ("2026-03-01\n", None),
        ("٢٠٢٦-٠٣-٠١", None),
        (20260301, None),
        (None, None),
    ],
)
def test_days(text: object, day: str | None) -> None:
    found = _day(text)
    assert (None if found is None else found.isoformat()) == day


@pytest.mark.parametrize(
    ("now", "day", "verdict"),
    [
        ("2026-03-10T09:59", "2026-03-11", "fail"),
        ("2026-03-10T10:00", "2026-03-11", "pass"),  # it is the eleventh in Kiritimati, at UTC+14
        ("2026-03-10T23:59", "2026-03-05", "pass"),
        ("2026-03-10T23:59", "2026-03-04", "fail"),
    ],
)
def test_the_ends_of_an_age_of_five_days(now: str, day: str, verdict: str) -> None:
    moment = datetime.datetime.fromisoformat(now).replace(tzinfo=datetime.timezone.utc)
    check = _age_check(day, {"date": ["date"], "max_days": 5}, moment)
    assert check.verdict == verdict


@pytest.mark.parametrize(
    ("about", "verdict"),
    [
        (_DIGEST, "pass"),
        (f'["sha256:{"0" * 64}"]', "error"),
        (f"[sha256:{'0' * 64}, {_DIGEST}]", "pass"),
        (f"\n- {_DIGEST}", "pass"),
        (f"sha256:{'0' * 64}", "fail"),
        (_DIGEST[:-1], "fail"),
        (_DIGEST.upper(), "fail"),
        ("model", "fail"),
        ("[]", "fail"),
    ],
)
def test_a_record_is_bound_to_bytes(evidence: Any, about: str, verdict: str) -> None:
    outcome = evidence(card(about=about))
    assert outcome.verdict == verdict
    if verdict == "fail":
        assert outcome.check("about model")["message"].endswith(f"review it, and write {_DIGEST}")


def test_a_record_that_is_not_bound_says_so(evidence: Any) -> None:
    outcome = evidence(card(about="nothing"), about=[])
    assert outcome.summary == "All 2 checks passed. The record names no bytes that it is about (`about: []`)."


def test_json(evidence: Any) -> None:
    tree = {
        "meta": {"date": days_ago(1)},
        "about": {"model": _DIGEST},
        "approved_by": "Ann",
        "risk": {"level": 0},
    }
    params = {"path": "r.json", "date": "meta.date", "fields": ["risk.level"], "signed_by": ["Ann"]}
    assert evidence(json.dumps(tree), **params).verdict == "pass"
    tree["risk"] = {"level": None}
    assert evidence(json.dumps(tree), **params).checks["field risk.level"] == "fail"
    tree["approved_by"] = ["Anna"]
    assert evidence(json.dumps(tree), **params).checks["signed by Ann"] == "fail"


@pytest.mark.parametrize("text", ["", " \n", "[]", "{", "1", '{"date": 1, "date": 2}', '{"date": NaN}'])
def test_json_that_is_no_record(evidence: Any, text: str) -> None:
    assert evidence(text, path="r.json").verdict == "error"


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff",
        "no front matter",
        "---\ndate: 2026-01-01\n",
        "text\n---\na: b\n---\n",
        "\ufeff---\na: b\n---\n",
    ],
)
def test_markdown_that_is_no_record(evidence: Any, record: Any) -> None:
    assert (evidence(record).verdict, evidence(record).code) == ("error", 2)


def test_the_record_is_among_what_was_judged(evidence: Any) -> None:
    inputs = evidence(card()).record["inputs"]
    digest = "sha256:" + hashlib.sha256(card().encode()).hexdigest()
    assert inputs["docs/card.md"] == {"path": "docs/card.md", "digest": digest}
    assert set(inputs) == {"model", "docs/card.md"}


def test_a_record_that_is_missing(evidence: Any) -> None:
    evidence(card())
    Path("docs/card.md").unlink()
    from mlcc.gates._support import run
    from mlcc.gates.evidence.runtime import judge

    assert run("evidence", judge, __file__, ["g"]) == 2


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("a: b", {"a": "b"}),
        ("a: 'it: x # y'", {"a": "it: x # y"}),
        ('a: "x"\n\n# a comment\nb: 1.50', {"a": "x", "b": "1.50"}),
        ("a: [x, y z]\nb: []", {"a": ["x", "y z"], "b": []}),
        ("a:\n- x\n  - y\nb: c", {"a": ["x", "y"], "b": "c"}),
        ("a: http://x/y#z", {"a": "http://x/y#z"}),
    ],
)
def test_front_matter(front: str, expected: Any) -> None:
    assert split_record(f"---\n{front}\n---\nbody", "r") == (expected, "body")


@pytest.mark.parametrize(
    "front",
    [
        "a: &x b", "a: *x", "a: !!int 1", "a: |", "a: >", "a: {b: c}", "a: [b, [c]]", "a: [b", "a: ['b', c]", "a: [a: b]",
        "a: b: c", "a: b # c", "a: b:", "a: 'b", 'a: "b\\n"', "a: 'it''s'", "a: b\na: c", "a:\n  b: c", "- a", "a", "a:b",
        "? a", "a b: c", "'a': b", "a: - b", "a: ,b", "a: [b,,c]", "a: [,]", "\ta: b", "a: b\n  c", "<<: *x",
        "a: %b", "a: @b", "a: `b`",
    ],
)  # fmt: skip
def test_front_matter_that_is_refused(front: str) -> None:
    with pytest.raises(GateError):
        split_record(f"---\n{front}\n---\n", "r")


_PIECES = st.sampled_from(
    ["a", "b", "key", ": ", ":", " ", "- ", "-", "\n", "'", '"', "[", "]", ", ", ",", "#", " #", "1", "~", "&", "|", "\\",
     "é", "\t", "=", "."]
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(_PIECES, max_size=14).map("".join))
def test_what_is_taken_means_the_same_to_yaml(text: str) -> None:
    try:
        fields, _ = split_record(f"---\nfirst: x\n{text}\n---\n", "r")
    except GateError:
        return
    front = f"first: x\n{text}\n".split("\n---")[0]
    by_yaml = yaml.load(front, yaml.BaseLoader)
    # A key without a value is an empty list here, and an empty text there.
    assert {key: value or "" for key, value in fields.items()} == {k: v or "" for k, v in by_yaml.items()}


@pytest.mark.parametrize(
    ("body", "filled"),
    [
        ("# A\ntext", True),
        ("# A #\ntext", True),
        ("A\n# a\n\n\ntext", True),
        ("# A\n## B\ntext", True),
        ("# A\n- TODO: write it", True),
        ("# A\n# B\ntext", False),
        ("## A\n# B\ntext", False),
        ("# A", False),
        ("# A\n\n TODO\n", False),
        ("# A\n_TBD._\n\n---\n", False),
        ("# A\n<!-- text\nand more -->", False),
        ("# A\n<!-- text", False),
        ("# A\nN/A", False),
        ("#A\ntext", None),
        ("```\n# A\n```\ntext", None),
        ("~~~ x\n# A\n~~~\n", None),
        ("    # A\ntext", None),
    ],
)
def test_sections(body: str, filled: bool | None) -> None:
    assert filled_sections(body).get("a") == filled


def test_code_is_text_of_its_section() -> None:
    assert filled_sections("# A\n```\n# B\n```\n") == {"a": True}


@pytest.mark.parametrize(
    ("value", "filled"),
    [("x", True), (0, True), (False, True), (["x"], True), ({"a": 1}, True), ("", False), ("TODO", False), (None, False),
     ([], False), ({}, False), (["x", ""], False), ({"a": "TBD"}, False)],
)  # fmt: skip
def test_fields_that_say_something(value: object, filled: bool) -> None:
    assert is_filled(value) == filled


def _params(**params: Any) -> Any:
    stated = {"topic": "review", "record": "r.md", "max_age": "1d", **params}
    stated = {key: value for key, value in stated.items() if value is not None}
    return GATES["evidence"].params().model_validate(stated)


@pytest.mark.parametrize(
    ("params", "loc"),
    [
        ({"record": "r.txt"}, ("record",)),
        ({"record": "r"}, ("record",)),
        ({"record": None, "record_from": "table"}, ("record_from",)),
        ({"record": None, "record_from": "card", "about": ["card"]}, ("about",)),
        ({"max_age": "36h"}, ("max_age",)),
        ({"record": "r.json", "sections": ["A"]}, ("sections",)),
        ({"record": "r.json", "fields": ["a", "b..c"]}, ("fields", 1)),
        ({"record": "r.json", "date": "a."}, ("date",)),
        ({"signed_by": ["A", "A"]}, ("signed_by", 1)),
    ],
)
def test_parameters_that_make_no_sense(params: Any, loc: Any) -> None:
    artifacts = {
        "card": ArtifactInfo("card.md"),
        "table": ArtifactInfo("t.csv"),
        "model": ArtifactInfo("m.json"),
    }
    with pytest.raises(GateParamsError) as problem:
        compile(_params(**params), artifacts, "model")
    assert problem.value.loc == loc


def test_a_record_that_a_job_writes() -> None:
    params = _params(record=None, record_from="diff", about=["lock"])
    assert references(params) == ((("about", 0), "lock"), (("record_from",), "diff"))
    found = compile(params, {"diff": ArtifactInfo("out/diff.json"), "lock": ArtifactInfo("l.txt")}, "lock")
    assert (found["record"], found["format"], found["about"]) == ("out/diff.json", "json", ["lock"])


def test_every_topic_covers_something() -> None:
    field = GATES["evidence"].params().model_fields["topic"]
    assert set(TOPICS) == set(field.annotation.__args__)
    assert set(GATES["evidence"].covers) <= {item for items in TOPICS.values() for item in items}


@pytest.mark.parametrize(
    "change",
    [{"record": 1}, {"format": "yaml"}, {"max_days": 0}, {"max_days": True}, {"max_days": float("9")}, {"date": []},
     {"date": "date"}, {"about": None}, {"sections": "A"}, {"fields": ["a"]}, {"signed_by": [1]}],
)  # fmt: skip
def test_committed_parameters_that_are_broken(evidence: Any, change: Any) -> None:
    assert evidence(card(), change=change).verdict == "error"


@pytest.mark.parametrize("path", ["docs/card.md", "card.json"])
def test_known_bad_records_are_refused(project: Any, path: str) -> None:
    sections = ["Intended use", "Limits"] if path.endswith(".md") else []
    params = {
        **{"topic": "model_card", "record": path, "max_age": "90d", "date": "reviewed", "sections": sections},
        **{"fields": ["owner"], "signed_by": ["Ann", "Bo"], "about": ["model", "data"]},
    }
    document = project.gate("evidence", params, {"model": "build/model/", "data": "d.csv"})
    assert len(known_bad(document)) == 6 + 2 + len(sections) + 2 + 1
    assert opened(project, document) == []
    bad = {fixture.name: fixture for fixture in known_bad(document)}["the record is too old"]
    good = bad.files[path].replace(days_ago(92).encode(), days_ago(1).encode())
    outcome = run_fixture(project, document, Fixture("good", "pass", {**bad.files, path: good}))
    assert outcome.verdict == "pass", outcome.log
