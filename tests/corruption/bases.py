"""A valid project of each kind of gate, which passes, and how the kind ends on each sort of damage.

A new kind adds its bases here: everything in `damage.py` that fits a base's form is then tried on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlcc.gates.fixtures import table_bytes

SECRET = "SECRET-VALUE-4711"
"""A value of every table. What a gate says or writes never holds it."""


@dataclass(frozen=True)
class Base:
    """A project with one gate `g`.

    `target` is the file that is damaged, `form` what it is: csv, tsv, jsonl, parquet, json, xml, safetensors,
    onnx, xgboost, lightgbm, a record of people's in JSON or Markdown, or a model's answers. `table` has
    the columns of a table, of which `number` and `whole` hold numbers. `ends` says how the gate ends, by the damage's
    name or else its sort; what isn't there is an error. `harmless` names the damage, or builders of it, that is none for
    this kind.
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
    harmless: frozenset[str] = frozenset()


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


# A drift gate's distributions: a single cell of many moves none of them.
MOVING = {"x": [i / 10 for i in range(400)], "c": ["a", "b", "a", SECRET] * 100, "k": list(range(400))}
_DRIFT = {"reference": "base", "columns": {"x": {"psi": 0.3}, "c": {"l_infinity": 0.2}}}
_COMPARE = {
    "candidate": "t", "champion": "old", "key": "id", "label": "y", "score": "p", "metric": "roc_auc", "margin": 0.05,
}  # fmt: skip
KEYED = {**SCORED, "id": list(range(200))}


def safetensors(header: object, data: bytes = bytes(16)) -> bytes:
    """Return a safetensors file: the header's length, the header as JSON, the tensors' bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


TENSORS = {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}


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


def _pairs() -> list[Base]:
    """Return the bases of kinds that hold one table against another."""
    made = []
    for form in ("csv", "parquet"):
        path = f"data/t.{form}"
        moving = {path: table_bytes(form, MOVING), "base.csv": table_bytes("csv", MOVING)}
        made.append(
            Base(
                f"drift-{form}", "drift", _DRIFT, {"t": path, "base": "base.csv"}, moving, path, form,
                MOVING, "x", "k", {"no column": "fail", "no rows": "fail", "few rows": "inconclusive", "value": "fail"},
                frozenset(("cells", "a BOM within the header")),  # its first column begins the file
            )
        )  # fmt: skip
        keyed = {path: table_bytes(form, KEYED), "old.csv": table_bytes("csv", KEYED), "model/weights": b"w"}
        made.append(
            Base(
                f"compare-{form}", "compare", _COMPARE, {"m": "model/", "t": path, "old": "old.csv"}, keyed, path,
                form, KEYED, "p", "y", {"constant": "fail", "no rows": "fail"}, _ANY_SCORE,
            )
        )  # fmt: skip
    return made


# An area under the curve takes scores of any size.
_ANY_SCORE = frozenset(("a number is out of range", "a number is below the range"))


BASES = (
    *_tables(),
    *_pairs(),
    Base(
        "artifact-safetensors", "artifact", {"format": "safetensors"}, {"m": "m.safetensors"},
        {"m.safetensors": safetensors(TENSORS)}, "m.safetensors", "safetensors",
        ends={"foreign": "fail", "broken": "fail"}, harmless=frozenset(("parameters with NaN limits",)),
    ),
    Base(
        "reproduce-json", "reproduce",
        {
            "run": "cp -a given n.json; echo x > model.json", "outputs": ["model.json"],
            "metrics": {"path": "n.json", "tolerance": {"deep.acc": 0.01}},
        },
        {"m": "model.json"}, {"given": _NUMBERS, "model.json": b"x\n"}, "given", "json", number="0.95",
    ),
    Base(
        "pipeline-smoke-json", "pipeline_smoke",
        {
            "run": "mkdir -p out; cp -a given out/n.json",
            "outputs": {"loss": {"path": "out/n.json", "value": "deep.acc"}},
        },
        {"raw": "raw.csv"}, {"given": _NUMBERS, "raw.csv": b"a\n1\n"}, "given", "json", number="0.95",
        ends=dict.fromkeys(("run", "not finite", "value", "other type", "as text", "empty"), "fail"),
        # It judges the one number, which may be a list, and reads longer files.
        harmless=frozenset(
            (
                "parameters with NaN limits", "the document: 9 MB", "the document: a lone surrogate",
                "JSON: a number is a list",
            )
        ),
    ),
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
