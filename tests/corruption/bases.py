"""A valid project of each kind of gate, which passes, and how the kind ends on each sort of damage.

A new kind adds its bases here: everything in `damage.py` that fits a base's form is then tried on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlcc.gates.fixtures import table_bytes

SECRET = "SECRET-VALUE-4711"
"""A value of every table. What a gate says or writes never holds it."""


@dataclass(frozen=True)
class Base:
    """A project with one gate `g`.

    `target` is the file that is damaged, `form` what it is: csv, tsv, jsonl, parquet, json or xml. `table` has the
    columns of a table, of which `number` and `whole` hold numbers. `ends` says how the gate ends, by the sort of damage;
    what isn't there is an error.
    """

    name: str
    kind: str
    params: Mapping[str, Any]
    artifacts: Mapping[str, Any]
    files: Mapping[str, bytes]
    target: str
    form: str
    table: Mapping[str, list[Any]] = field(default_factory=dict)
    number: str = ""
    whole: str = ""
    ends: Mapping[str, str] = field(default_factory=dict)


ROWS = 20
PEOPLE = {
    "id": list(range(1, ROWS + 1)),
    "income": [2.5 * i for i in range(1, ROWS + 1)],
    "region": [SECRET] * ROWS,
}
_CONTRACT = {
    "columns": {
        "id": {"type": "integer", "unique": True, "min": 1},
        "income": {"type": "number", "min": 0, "max": 1000},
        "region": {"type": "string", "values": [SECRET]},
    },
    "extra_columns": "deny",
    "rows": {"min": ROWS},
    # Together with the rest this leaves no value of the table open.
    "checks": {"exact": {"sql": "SELECT 1 FROM data WHERE income <> 2.5 * id OR id > 20"}},
}
_CONTRACT_ENDS = dict.fromkeys(
    (
        "value", "no value", "not finite", "constant", "repeated", "other type", "other line", "columns", "no column",
        "no rows", "few rows",
    ),
    "fail",
)  # fmt: skip
SCORED = {
    "y": [1, 0] * 100,
    "p": [0.9, 0.1] * 98 + [0.2, 0.8, 0.2, 0.8],
    "who": [SECRET] * 200,
}
_EVALUATE = {
    "predictions": "t",
    "label": "y",
    "score": "p",
    "metrics": {"roc_auc": {"min": 0.7}, "accuracy": {"min": 0.8}, "brier_score": {"max": 0.2}},
}
_EVALUATE_ENDS = {"few rows": "inconclusive", "no rows": "fail", "constant": "fail"}
_NUMBERS = b'{"deep": {"acc": 0.95, "se": 0.001}, "note": "' + SECRET.encode() + b'"}'
_JUNIT = (
    f'<?xml version="1.0"?><testsuites><testsuite name="{SECRET}" tests="2">'
    '<testcase name="a"/><testcase name="b"/></testsuite></testsuites>'
).encode()
_COVERAGE = b'<?xml version="1.0"?><coverage line-rate="0.9" lines-valid="100" lines-covered="90"/>'
_ANSWER = (
    b'{"verdict": "pass", "summary": "All is well.", '
    b'"checks": [{"id": "c", "verdict": "pass", "message": "well", "estimate": 1.5, "n": 7}]}'
)


def _tables() -> list[Base]:
    made = []
    for form in ("csv", "jsonl", "parquet"):
        path = f"data/t.{form}"
        people = {path: table_bytes(form, PEOPLE)}
        made.append(
            Base(
                f"contract-{form}", "contract", _CONTRACT, {"t": path}, people, path, form,
                PEOPLE, "income", "id", _CONTRACT_ENDS,
            )
        )  # fmt: skip
        scored = {path: table_bytes(form, SCORED), "model/weights": b"w"}
        ends = {**_EVALUATE_ENDS, **({"no rows": "error"} if form == "jsonl" else {})}
        made.append(
            Base(
                f"evaluate-{form}", "evaluate", _EVALUATE, {"m": "model/", "t": path}, scored, path, form,
                SCORED, "p", "y", ends,
            )
        )  # fmt: skip
    return made


BASES = (
    *_tables(),
    Base(
        "evaluate-json", "evaluate",
        {"metrics_from": "n", "metrics": {"acc": {"value": "deep.acc", "stderr": "deep.se", "min": 0.9}}},
        {"m": "model/", "n": "out/n.json"}, {"out/n.json": _NUMBERS, "model/weights": b"w"}, "out/n.json", "json",
        number="0.95", ends={"low": "fail"},
    ),
    Base(
        "tests-junit", "tests", {"run": "cp -a given junit.xml", "junit": "junit.xml", "min_passed": 2},
        {"code": ["src/"]}, {"src/a.py": b"", "given": _JUNIT}, "given", "xml", ends={"fail": "fail"},
    ),
    Base(
        "tests-coverage", "tests", {"run": "cp -a given cov.xml", "coverage": {"path": "cov.xml", "min": 0.8}},
        {"code": ["src/"]}, {"src/a.py": b"", "given": _COVERAGE}, "given", "xml", ends={"fail": "fail"},
    ),
    Base(
        "command-answer", "command", {"run": 'cp -a given "$MLCC_VERDICT"'},
        {"code": ["src/"]}, {"src/a.py": b"", "given": _ANSWER}, "given", "json", number="1.5", ends={"run": "fail"},
    ),
)  # fmt: skip
