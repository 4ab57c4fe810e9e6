"""What the compiler refuses of an `artifact` gate, and where it points."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.writing.loosening import compare

ARTIFACTS = {
    "model": ArtifactInfo("m/"),
    "file": ArtifactInfo("m.onnx"),
    "many": ArtifactInfo("m/*.onnx"),
    "t": ArtifactInfo("t.parquet"),
    "notes": ArtifactInfo("notes.md"),
}
ONNX = {"path": "model.onnx", "format": "onnx"}
META = {"path": "meta.json", "format": "json"}


def compiled(params: dict[str, Any], guards: str = "model") -> dict[str, Any]:
    kind = GATES["artifact"]
    return kind.compiler().compile(kind.params().model_validate(params), ARTIFACTS, guards)


@pytest.mark.parametrize(
    ("params", "guards", "loc", "message"),
    [
        ({"format": "onnx"}, "model", ("format",), "m/ is a folder"),
        ({"files": [ONNX]}, "file", ("files",), "m.onnx is one file"),
        ({"format": "onnx"}, "many", (), "is a pattern"),
        ({"files": [ONNX, ONNX]}, "model", ("files", 1, "path"), "listed twice"),
        ({"format": "onnx", "max_size": "50"}, "file", ("max_size",), "50 is no size"),
        ({"format": "onnx", "max_size": "0MB"}, "file", ("max_size",), "0MB is no size"),
        ({"format": "onnx", "digest": "sha256:12"}, "file", ("digest",), "this is no digest"),
        ({"files": [ONNX], "metadata": "meta.json"}, "model", ("metadata",), "none of the files"),
        ({"files": [ONNX], "lineage": {"model": "x"}}, "model", ("lineage", "model"), "its own digest"),
        ({"format": "onnx", "statement": "file"}, "file", ("statement",), "beside"),
        ({"format": "lightgbm", "lineage": {"t": "x"}}, "file", ("lineage",), "lightgbm has no metadata"),
        ({"format": "safetensors", "inputs": {"x": {"type": "bool"}}}, "file", ("inputs",), "only ONNX models"),
        ({"format": "safetensors", "schema_of": "t"}, "file", ("schema_of",), "names no features"),
        ({"format": "onnx", "schema_of": "notes"}, "file", ("schema_of",), "files of one format"),
        ({"format": "onnx", "features": "x"}, "file", ("features",), "held against a table"),
        ({"format": "onnx", "opset": {"min": 9, "max": 8}}, "file", ("opset", "max"), "less than min"),
        (
            {"format": "onnx", "inputs": {"x": {"type": "map", "shape": [1]}}}, "file",
            ("inputs", "x", "shape"), "a map has no shape",
        ),
        (
            {"format": "onnx", "inputs": {"x": {"type": "bool", "shape": [1, -1]}}}, "file",
            ("inputs", "x", "shape", 1), "can't be",
        ),
        (
            {"format": "onnx", "inputs": {"x": {"type": "bool"}, "y": {"name": "x", "type": "bool"}}}, "file",
            ("inputs", "y"), "declared twice",
        ),
        (
            {"format": "onnx", "operators": {"allow": ["A"], "deny": ["A"]}}, "file",
            ("operators", "deny", 0), "allowed and denied",
        ),
        (
            {"files": [{"path": "m-*.onnx", "format": "onnx"}], "opset": {}}, "model",
            ("files",), "a pattern of ONNX files",
        ),
    ],
)  # fmt: skip
def test_refused(params: dict[str, Any], guards: str, loc: tuple[Any, ...], message: str) -> None:
    with pytest.raises(GateParamsError) as found:
        compiled(params, guards)
    assert found.value.loc == loc
    assert message in found.value.message


def test_compiled() -> None:
    params = {
        "files": [META, ONNX], "metadata": "meta.json", "max_size": "50MB", "lineage": {"t": "data"},
        "inputs": {"x": {"name": "input:0", "type": "float32", "shape": ["any", 3]}},
    }  # fmt: skip
    assert compiled(params) == {
        "files": [META, ONNX],
        "model": "model.onnx",
        "metadata": "meta.json",
        "max_bytes": 50_000_000,
        "inputs": [{"name": "input:0", "type": "float32", "shape": [None, 3]}],
        "lineage": {"t": "data"},
    }


@pytest.mark.parametrize(
    ("size", "count"), [("7B", 7), ("300kB", 300_000), ("2 GB", 2 * 10**9), ("1GiB", 1 << 30)]
)
def test_sizes(size: str, count: int) -> None:
    assert compiled({"format": "onnx", "max_size": size}, "file")["max_bytes"] == count


def test_it_needs_packages_only_for_a_table() -> None:
    kind = GATES["artifact"]
    plain = kind.params().model_validate({"format": "onnx"})
    table = kind.params().model_validate(
        {"format": "onnx", "schema_of": "t", "statement": "s", "lineage": {"d": "x"}}
    )
    assert kind.packages(plain, ()) == ""
    assert kind.packages(table, ()) == "artifact"
    assert kind.compiler().references(table) == (
        (("schema_of",), "t"),
        (("statement",), "s"),
        (("lineage", "d"), "d"),
    )


@pytest.mark.parametrize(
    ("change", "there", "back"),
    [
        ({"max_size": "60MB"}, ["loosened"], []),
        ({"max_size": None}, ["loosened"], []),
        ({"digest": None}, ["loosened"], []),
        ({"files": [ONNX, META, {"path": "x", "format": "text"}]}, ["loosened"], []),
        ({"opset": {"max": 22}}, ["loosened"], []),
        ({"lineage": {"t": "data"}}, ["loosened"], []),
        ({"operators": {"deny": [], "domains": ["a"]}}, ["loosened"], []),
        ({"operators": {"deny": ["Loop"], "domains": ["a", "b"]}}, ["loosened"], []),
        ({"inputs": {"x": {"type": "float64"}}}, ["changed"], ["changed"]),
    ],
)
def test_a_change_that_loosens_it_is_named(change: dict[str, Any], there: list[str], back: list[str]) -> None:
    params = {
        "files": [ONNX, META], "metadata": "meta.json", "max_size": "50MB", "digest": "sha256:" + "0" * 64, "opset": {"max": 21},
        "lineage": {"t": "data", "notes": "notes"}, "operators": {"deny": ["Loop"], "domains": ["a"]},
        "inputs": {"x": {"type": "float32"}},
    }  # fmt: skip
    changed = {key: value for key, value in {**params, **change}.items() if value is not None}
    before, after = ({"gate": "g", "kind": "artifact", "params": compiled(one)} for one in (params, changed))
    assert [found.sort for found in compare(before, after)] == there
    assert [found.sort for found in compare(after, before)] == back
