"""A valid project of each kind that reads models, records and answers, as in `bases.py`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.corruption.bases import SECRET, Base

_MODELS = Path(__file__).parents[1] / "gates/models"


def _onnx() -> bytes:
    """Return an ONNX model: x[N, 3] times a constant, to p[N, 2]."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["p"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(np.ones((3, 2), "f4"), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _model(format: str, content: bytes) -> Base:
    path = f"m.{format}"
    return Base(
        f"artifact-{format}", "artifact", {"format": format}, {"m": path}, {path: content}, path, format,
        ends={"foreign": "fail", "broken": "fail"}, harmless=frozenset(("parameters with NaN limits",)),
    )  # fmt: skip


_WEIGHTS = b"w"
_DIGEST = "sha256:" + hashlib.sha256(_WEIGHTS).hexdigest()
_EVIDENCE = {"topic": "model_card", "max_age": "36500d", "signed_by": ["Ann Lee"]}
_ENDS = {"old": "fail", "other": "fail", "section": "fail"}
_RECORD = {
    "date": "2024-01-15",
    "about": _DIGEST,
    "approved_by": ["Ann Lee"],
    "deep": {"acc": 0.95},
    "note": SECRET,
}
_CARD = f"""---
date: 2024-01-15
about: {_DIGEST}
approved_by: [Ann Lee]
---
# Note

{SECRET}

# Use

Scores applications."""

_QUERIES = [
    {"name": "small", "request": {"x": [1, 2], "note": SECRET}, "response": {"score": 0.5625, "said": "yes"}},
    {"name": "large", "request": {"x": [5, 5]}, "response": {"score": 0.875, "said": "no"}},
]
_ANSWERS = "".join(json.dumps(query["response"]) + "\n" for query in _QUERIES).encode()
_SERVE = {
    # Whatever lies in the file's place, the program ends.
    "run": "cat >/dev/null; test -f given && cat given",
    "protocol": "jsonl",
    "golden": "golden.json",
    "tolerance": 1e-6,
}
_SERVED = {"golden.json": json.dumps(_QUERIES).encode(), "given": _ANSWERS, "m.bin": _WEIGHTS}

_SNAPSHOT = {
    "time": 1764000000,
    "of": SECRET,
    "candidate": {"n": 1500, "bad": 2, "buckets": {"score": {"0.5": 700, "+Inf": 1500}}},
    "control": {"n": 1510, "bad": 9, "buckets": {"score": {"0.5": 690, "+Inf": 1510}}},
}
_CANARY = {
    "observations": {"file": "o.json"},
    "weight": 50,
    "max_age": "36500d",
    "from_zero": True,
    "metrics": {"errors": {"rate": {"max": 0.01, "worse_than_control": 2}}, "scores": {"histogram": "score"}},
}


BASES = (
    _model("onnx", _onnx()),
    _model("xgboost", (_MODELS / "xgboost.json").read_bytes()),
    _model("lightgbm", (_MODELS / "lightgbm.txt").read_bytes()),
    Base(
        "evidence-json", "evidence", {**_EVIDENCE, "record": "card.json", "fields": ["deep.acc"]}, {"m": "m.bin"},
        {"card.json": json.dumps(_RECORD).encode(), "m.bin": _WEIGHTS}, "card.json", "record json", number="0.95",
        ends={**_ENDS, "no value": "fail"},
        # A field needs a value, of whatever type.
        harmless=frozenset(f"JSON: a number is {what}" for what in ("true", "text", "a list", "an object")),
    ),
    Base(
        "evidence-markdown", "evidence", {**_EVIDENCE, "record": "card.md", "sections": ["Use"]}, {"m": "m.bin"},
        {"card.md": _CARD.encode(), "m.bin": _WEIGHTS}, "card.md", "record markdown",
        ends={**_ENDS, "the signature is split": "error"},
    ),
    Base(
        "canary", "canary", _CANARY, {"m": "m.bin"}, {"o.json": json.dumps(_SNAPSHOT).encode(), "m.bin": _WEIGHTS}, "o.json",
        "json", number="1500",
        # A list of snapshots is as good as one, and a week of them is long.
        harmless=frozenset(("the document: a list", "the document: 9 MB")),
    ),
    Base(
        "serve-golden", "serve", _SERVE, {"m": "m.bin"}, _SERVED, "golden.json", "json", number="0.5625",
        ends={
            f"JSON: a number is {what}": "fail" for what in ("null", "true", "text", "a list", "an object")
        },
    ),
    Base(
        "serve-answers", "serve", _SERVE, {"m": "m.bin"}, _SERVED, "given", "answers", number="0.5625",
        ends=dict.fromkeys(("run", "special", "foreign", "broken"), "fail"),
    ),
)  # fmt: skip
