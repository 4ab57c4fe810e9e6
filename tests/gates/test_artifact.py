"""The gate `artifact`: formats told and parsed by content, what models say of themselves, and hostile files."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from mlcc.gates.artifact import selftest

MODELS = Path(__file__).parent / "models"


def sha(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def linear(*, metadata: Mapping[str, str] | None = None, **changes: Any) -> bytes:
    """Return an ONNX model: X[N, 3] times a constant, to p[N, 2]."""
    weights = numpy_helper.from_array(np.ones((3, 2), "f4"), "W")
    node = helper.make_node(
        changes.get("operator", "MatMul"), ["X", "W"], ["p"], domain=changes.get("domain", "")
    )
    graph = helper.make_graph(
        [node, *changes.get("nodes", [])],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, changes.get("shape", ["N", 3]))],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["N", 2])],
        changes.get("constants", [weights]),
    )
    imports = [helper.make_opsetid("", 17), *changes.get("imports", [])]
    model = helper.make_model(graph, opset_imports=imports, ir_version=9)
    helper.set_model_props(model, dict(metadata or {}))
    return model.SerializeToString()


def judged(project: Any, data: bytes, format: str = "onnx", **params: Any) -> Any:
    project.write("m.bin", data)
    project.gate("artifact", {"format": format, **params}, {"model": "m.bin"}, artifact_kind="model")
    return project.run("artifact")


ONNX = {"inputs": {"X": {"type": "float32", "shape": ["any", 3]}}, "outputs": {"p": {"type": "float32"}}}


def test_onnx(project: Any) -> None:
    data = linear()
    onnx.checker.check_model(onnx.load_model_from_string(data))
    found = judged(
        project, data, **ONNX, max_size="1kB", digest=sha(data), opset={"min": 13, "max": 17},
        operators={"allow": ["MatMul"], "deny": ["Loop"]},
    )  # fmt: skip
    assert found.verdict == "pass", found.log
    assert found.checks == dict.fromkeys(
        ("size", "digest", "file", "operators", "opset", "inputs", "outputs"), "pass"
    )
    assert found.check("file")["message"] == "m.bin is ONNX (IR 9; ai.onnx 17), 1 node of 1 operator"
    assert found.check("size")["estimate"] == len(data)
    assert found.check("size")["margin"] == 1000 - len(data)


@pytest.mark.parametrize(
    ("params", "check", "message"),
    [
        ({"max_size": "10B"}, "size", "at most 10 are allowed"),
        ({"digest": "sha256:" + "0" * 64}, "digest", "is pinned"),
        ({"opset": {"min": 18}}, "opset", "version 17 of ONNX' operator set; at least 18 is required"),
        ({"opset": {"max": 16}}, "opset", "at least 1 and at most 16"),
        ({"operators": {"allow": ["Gemm"]}}, "operators", "that aren't allowed: MatMul"),
        ({"operators": {"deny": ["MatMul"]}}, "operators", "that are denied: MatMul"),
        ({"inputs": {"Y": {"type": "float32"}}}, "inputs", "Y is missing; X is not declared"),
        ({"inputs": {"X": {"type": "float64"}}}, "inputs", "X is float32[any, 3], and float64 is declared"),
        (
            {"inputs": {"X": {"type": "float32", "shape": ["any", 4]}}},
            "inputs",
            "float32[any, 4] is declared",
        ),
        ({"inputs": {"X": {"type": "float32", "shape": [3]}}}, "inputs", "float32[3] is declared"),
        ({"outputs": {"p": {"type": "float32", "shape": [1, 2]}}}, "outputs", "is float32[any, 2]"),
    ],
)
def test_onnx_that_is_not_as_declared(project: Any, params: Any, check: str, message: str) -> None:
    found = judged(project, linear(), **params)
    assert (found.verdict, found.code) == ("fail", 1)
    assert message in found.check(check)["message"]


def test_a_free_input_takes_every_size_and_a_fixed_one_only_its_own(project: Any) -> None:
    one = {"inputs": {"X": {"type": "float32", "shape": [1, 3]}}}
    every = {"inputs": {"X": {"type": "float32", "shape": ["any", 3]}}}
    assert judged(project, linear(), **one).verdict == "pass"
    assert judged(project, linear(shape=[1, 3]), **one).verdict == "pass"
    assert judged(project, linear(shape=[1, 3]), **every).verdict == "fail"


def external() -> TensorProto:
    tensor = TensorProto(
        name="W", data_type=TensorProto.FLOAT, dims=[3, 2], data_location=TensorProto.EXTERNAL
    )
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def inner(tensor: TensorProto, depth: int = 1) -> onnx.NodeProto:
    """Return a node whose graph, `depth` levels down, has a constant."""
    node = helper.make_node("Constant", [], ["c"], value=tensor)
    for _ in range(depth):
        graph = helper.make_graph([node], "branch", [], [helper.make_tensor_value_info("c", 1, None)])
        node = helper.make_node("If", ["x"], ["c"], then_branch=graph, else_branch=graph)
    return node


def short(*dims: int, **data: Any) -> TensorProto:
    return TensorProto(name="W", data_type=TensorProto.FLOAT, dims=dims, **data)


FLOATS = numpy_helper.from_array(np.zeros(1, "f4"), "k")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (linear(constants=[external()]), "has data outside of the file"),
        (linear(nodes=[inner(external())]), "has data outside of the file"),
        (linear(nodes=[inner(external(), 3)]), "has data outside of the file"),
        (linear(constants=[short(3, 2)]), "isn't as long as its shape"),
        (linear(constants=[short(3, 2, raw_data=bytes(20))]), "isn't as long as its shape"),
        (linear(constants=[short(1 << 40, 1 << 40, raw_data=bytes(4))]), "impossible shape"),
        (linear(constants=[short(-1, raw_data=bytes(4))]), "impossible shape"),
        (linear(constants=[TensorProto(name="W", dims=[1], raw_data=bytes(4))]), "without a known type"),
        (linear()[:-7], "is cut off, or no protobuf"),
        (b"\x08\x09", "is no ONNX model: it lacks"),
        (b"\x08" + b"\xff" * 11, "over ten bytes"),
        (b"\x0b\x0c", "no known type"),
        (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "is longer than the rest"),
        (b"\x3a\x00" * 5_000_000, "protobuf fields"),
        (b"{}", "protobuf"),
    ],
)  # fmt: skip
def test_onnx_that_is_not_sound(project: Any, data: bytes, message: str) -> None:
    found = judged(project, data)
    assert (found.verdict, found.code) == ("fail", 1), found.log
    assert message in found.check("file")["message"]


def test_graphs_that_are_too_deep(project: Any) -> None:
    assert judged(project, linear(nodes=[inner(FLOATS, 10)])).verdict == "pass"
    found = judged(project, linear(nodes=[inner(FLOATS, 18)]))
    assert "graphs inside graphs" in found.check("file")["message"]


def test_operators_that_come_from_elsewhere(project: Any) -> None:
    custom = linear(operator="Run", domain="evil", imports=[helper.make_opsetid("evil", 1)])
    assert (
        "of domains that aren't ONNX' own: evil:Run" in judged(project, custom).check("operators")["message"]
    )
    assert judged(project, custom, operators={"domains": ["evil"]}).verdict == "pass"
    bare = linear(operator="TreeEnsemble", domain="ai.onnx.ml")
    assert "operator sets that it doesn't import" in judged(project, bare).check("operators")["message"]


def test_a_function_of_the_model_is_no_foreign_operator(project: Any) -> None:
    body = helper.make_node("MatMul", ["a", "b"], ["c"])
    function = helper.make_function("own", "Times", ["a", "b"], ["c"], [body], [helper.make_opsetid("", 17)])
    imports = [helper.make_opsetid("own", 1)]
    model = onnx.load_model_from_string(linear(operator="Times", domain="own", imports=imports))
    model.functions.append(function)
    assert judged(project, model.SerializeToString()).verdict == "pass"
    model.functions[0].node[0].attribute.append(helper.make_attribute("value", external()))
    assert judged(project, model.SerializeToString()).verdict == "fail"


def weights(**metadata: str) -> bytes:
    return save({"a": np.zeros((2, 3), "f4"), "b": np.zeros(4, "f8")}, metadata)


def raw(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(shape: list[Any], start: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_safetensors(project: Any) -> None:
    found = judged(project, weights(), "safetensors")
    assert found.summary == "m.bin is safetensors with 2 tensors."
    assert found.verdict == "pass"


@pytest.mark.parametrize(
    "data",
    [
        weights()[:-1], weights() + b"x", b"\xff" * 8 + b"{}", (1 << 40).to_bytes(8, "little") + b"{" * 100,
        raw({}), raw(b"[]"), raw(b'{"a": 1, "a": 2}'), raw(b"{" * 3000), raw({"a": 1}),
        raw({"a": entry([1], 0, 4), "b": entry([1], 2, 6)}, bytes(6)),
        raw({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, bytes(12)),
        raw({"a": entry([1], 4, 8)}, bytes(8)),
        raw({"a": entry([2], 0, 4)}, bytes(4)),
        raw({"a": entry([-1, -1], 0, 4)}, bytes(4)),
        raw({"a": entry([1 << 40, 1 << 40], 0, 4)}, bytes(4)),
        raw({"a": entry([True], 0, 4)}, bytes(4)),
        raw({"a": entry([1], 0, 4, "OBJ")}, bytes(4)),
        raw({"__metadata__": {"a": 1}, "a": entry([1], 0, 4)}, bytes(4)),
    ],
)  # fmt: skip
def test_safetensors_that_is_not_sound(project: Any, data: bytes) -> None:
    found = judged(project, data, "safetensors")
    assert (found.verdict, found.checks) == ("fail", {"file": "fail"}), found.log


def archive(kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("data.pkl", pickle.dumps({}))
    else:
        with tarfile.open(fileobj=out, mode="w") as file:
            file.addfile(tarfile.TarInfo("a"), io.BytesIO())
    return out.getvalue()


def npy() -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(2))
    return out.getvalue()


@pytest.mark.parametrize("format", ["onnx", "safetensors", "xgboost", "lightgbm", "json", "text"])
@pytest.mark.parametrize(
    "data",
    [
        *(pickle.dumps({"w": [1.5]}, protocol) for protocol in range(6)),
        b"cos\nsystem\n(S'true'\ntR.", archive("zip"), archive("tar"), npy(), b"\x89HDF\r\n\x1a\n" + bytes(99),
        b"\x1f\x8b\x08" + bytes(9), b"\x78\x9c" + bytes(9), b"\x7fELF" + bytes(99), b"#!/bin/sh\n", b"", b"\x00",
    ],
)  # fmt: skip
def test_formats_that_can_run_code_never_pass(project: Any, data: bytes, format: str) -> None:
    found = judged(project, data, format)
    assert (found.verdict, found.code) == ("fail", 1), found.log


@pytest.mark.parametrize("format", ["xgboost", "lightgbm"])
def test_trees(project: Any, format: str) -> None:
    data = next(MODELS.glob(f"{format}.*")).read_bytes()
    project.write("t.csv", "income,age,id\n1,2,3\n")
    project.write("m.bin", data)
    project.gate("artifact", {"format": format, "schema_of": "t"}, {"model": "m.bin", "t": "t.csv"})
    found = project.run("artifact")
    assert found.verdict == "pass", found.log
    assert "3 trees over 2 features" in found.check("file")["message"]
    assert found.check("columns")["message"] == "t.csv has 2 columns that the model reads"
    project.write("t.csv", "income,id\n1,3\n")
    assert "reads age, which t.csv doesn't have" in project.run("artifact").check("columns")["message"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("end of trees", "end"), ("max_feature_idx=1", "max_feature_idx=2"), ("Tree=1", "Tree=2"), ("tree\n", "bush\n"),
        ("leaf_value=", "leaf_value=nan "), ("split_feature=", "split_feature=9 "), ("left_child=", "left_child=0 "),
        ("num_leaves=4", "num_leaves=999999999"), ("threshold=", "threshold=inf "), ("version", "vers\x01ion"),
        ("tree_sizes=", "tree_sizes=1 "),
    ],
)  # fmt: skip
def test_lightgbm_that_is_not_sound(project: Any, old: str, new: str) -> None:
    text = (MODELS / "lightgbm.txt").read_text()
    assert old in text
    assert judged(project, text.replace(old, new, 1).encode(), "lightgbm").verdict == "fail"


def first_tree(**changes: Any) -> bytes:
    model = json.loads((MODELS / "xgboost.json").read_text())
    tree = model["learner"]["gradient_booster"]["model"]["trees"][0]
    for key, change in changes.items():
        tree[key] = change(tree[key])
    return json.dumps(model).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"{}", b"[]", b'{"learner": {"learner_model_param": {"num_feature": "1"}}}',
        first_tree(left_children=lambda x: [0, *x[1:]]), first_tree(left_children=lambda x: [99, *x[1:]]),
        first_tree(split_indices=lambda x: [7, *x[1:]]), first_tree(split_indices=lambda x: [True, *x[1:]]),
        first_tree(split_conditions=lambda x: x[1:]), first_tree(split_conditions=lambda x: ["1", *x[1:]]),
        first_tree(right_children=lambda x: [-1, *x[1:]]), first_tree(left_children=lambda _: []),
    ],
)  # fmt: skip
def test_xgboost_that_is_not_sound(project: Any, data: bytes) -> None:
    assert judged(project, data, "xgboost").verdict == "fail"


def test_a_folder_holds_the_declared_files_and_no_others(project: Any) -> None:
    files = [{"path": "part-*.safetensors", "format": "safetensors"}, {"path": "meta.json", "format": "json"}]
    project.gate("artifact", {"files": files}, {"model": "m/"})
    project.write("m/part-1.safetensors", weights())
    project.write("m/meta.json", "{}")
    found = project.run("artifact")
    assert found.verdict == "pass", found.log
    assert set(found.checks) == {"file.meta.json", "file.part-1.safetensors", "files"}
    project.write("m/extra/run.pkl", pickle.dumps(1))
    assert "extra/run.pkl is not declared" in project.run("artifact").check("files")["message"]
    shutil.rmtree(project.root / "m/extra")
    project.write("m/part-2.safetensors", b"PK\x03\x04")
    assert project.run("artifact").checks["file.part-2.safetensors"] == "fail"
    (project.root / "m/part-1.safetensors").unlink()
    (project.root / "m/part-2.safetensors").unlink()
    assert "part-*.safetensors is missing" in project.run("artifact").check("files")["message"]


@pytest.fixture
def made(project: Any) -> Any:
    """A model in a folder, made from d.csv and src/a.py, and served from t.parquet."""
    project.write("d.csv", "x\n1\n")
    project.write("src/a.py", "a = 1\n")
    code = sha((hashlib.sha256(b"a = 1\n").hexdigest() + "  src/a.py\n").encode())
    project.meta = {"made_from": {"d": sha(b"x\n1\n"), "code": code}, "features": ["age", "income", "kids"]}
    project.write("m/model.onnx", linear())
    project.write("m/meta.json", json.dumps(project.meta))
    return project


FOLDER = [{"path": "model.onnx", "format": "onnx"}, {"path": "meta.json", "format": "json"}]
LINEAGE = {"d": "made_from.d", "code": "made_from.code"}


def with_lineage(made: Any) -> Any:
    params = {"files": FOLDER, "metadata": "meta.json", "lineage": LINEAGE}
    made.gate("artifact", params, {"model": "m/", "d": "d.csv", "code": ["src/"]})
    return made.run("artifact")


def test_lineage(made: Any) -> None:
    found = with_lineage(made)
    assert found.verdict == "pass", found.log
    assert found.check("lineage.d")["message"].startswith("the model was made from this run's d (sha256:")


def test_lineage_of_other_data_or_code(made: Any) -> None:
    made.write("d.csv", "x\n2\n")
    found = with_lineage(made)
    assert found.checks["lineage.d"] == "fail"
    assert found.checks["lineage.code"] == "pass"
    assert "the model was made from another d than this run's" in found.check("lineage.d")["message"]
    made.write("src/a.py", "a = 2\n")
    assert with_lineage(made).checks["lineage.code"] == "fail"


@pytest.mark.parametrize(
    "stated", [None, "", 1, ["x"], "sha256:" + "A" * 64, "sha256:" + "0" * 63, "md5:" + "0" * 64]
)
def test_lineage_that_is_not_stated(made: Any, stated: object) -> None:
    made.write("m/meta.json", json.dumps({"made_from": {"d": stated}}))
    found = with_lineage(made)
    assert found.checks["lineage.d"] == "fail"
    assert "doesn't say at made_from.d which d it was made from" in found.check("lineage.d")["message"]


@pytest.mark.parametrize("format", ["onnx", "safetensors"])
def test_lineage_in_the_models_own_metadata(project: Any, format: str) -> None:
    project.write("d.csv", "x\n1\n")
    stated = {"data.sha256": hashlib.sha256(b"x\n1\n").hexdigest()}
    project.write("m.bin", linear(metadata=stated) if format == "onnx" else weights(**stated))
    params = {"format": format, "lineage": {"d": "data.sha256"}}
    project.gate("artifact", params, {"model": "m.bin", "d": "d.csv"})
    assert project.run("artifact").verdict == "pass"


def table(project: Any, sql: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    duckdb.sql(f"COPY ({sql}) TO '{project.root}/t.parquet' (FORMAT parquet)")


@pytest.mark.parametrize(
    ("sql", "verdict", "message"),
    [
        (
            "SELECT 1 AS kids, 2.5 AS income, true AS age, 'x' AS id",
            "pass",
            "has 3 columns that the model reads",
        ),
        ("SELECT 1 AS kids, 2.5 AS income", "fail", "reads age, which t.parquet doesn't have"),
        ("SELECT 1 AS kids, 2.5 AS income, 'a' AS age", "fail", "age is VARCHAR"),
        ("SELECT 1 AS kids, 2.5 AS income, DATE '2026-01-01' AS age", "fail", "age is DATE"),
    ],
)
def test_the_served_table_has_the_features(made: Any, sql: str, verdict: str, message: str) -> None:
    table(made, sql)
    params = {"files": FOLDER, "metadata": "meta.json", "features": "features", "schema_of": "t"}
    made.gate("artifact", params, {"model": "m/", "t": "t.parquet"})
    found = made.run("artifact")
    assert found.verdict == verdict, found.log
    assert message in found.check("columns")["message"]
    assert found.check("features")["message"] == "3 features listed, and the input takes 3"


@pytest.mark.parametrize(
    ("features", "check", "verdict"),
    [
        (["age", "income"], "features", "fail"),
        (["age", "income", "income"], "columns", "fail"),
        ([], "columns", "error"),
        ([1, 2, 3], "columns", "error"),
        (None, "columns", "error"),
    ],
)
def test_features_that_do_not_fit(made: Any, features: object, check: str, verdict: str) -> None:
    table(made, "SELECT 1 AS kids, 2.5 AS income, 1 AS age")
    made.write("m/meta.json", json.dumps({"features": features}))
    params = {"files": FOLDER, "metadata": "meta.json", "features": "features", "schema_of": "t"}
    made.gate("artifact", params, {"model": "m/", "t": "t.parquet"})
    assert made.run("artifact").checks[check] == verdict


def test_one_input_per_column(project: Any) -> None:
    table(project, "SELECT 1.5 AS X, 'a' AS other")
    project.write("m.onnx", linear())
    project.gate("artifact", {"format": "onnx", "schema_of": "t"}, {"model": "m.onnx", "t": "t.parquet"})
    assert project.run("artifact").verdict == "pass"
    table(project, "SELECT 'a' AS X")
    assert "X is VARCHAR and goes to float32" in project.run("artifact").check("columns")["message"]


def statement(digest: str, name: str = "m.bin") -> dict[str, Any]:
    subject = {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [subject],
        "predicateType": "x",
        "predicate": {},
    }


def enveloped(document: Any, kind: str = "application/vnd.in-toto+json") -> dict[str, Any]:
    import base64

    return {
        "payloadType": kind,
        "payload": base64.b64encode(json.dumps(document).encode()).decode(),
        "signatures": [],
    }


DATA = weights()
GOOD = statement(sha(DATA))
OTHER = statement("sha256:" + "0" * 64)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (f"{sha(DATA)[7:]}  m.bin\n", "pass"),
        (f"{'0' * 64} *other\n{sha(DATA)[7:]} *m.bin\n", "pass"),
        (json.dumps(GOOD), "pass"),
        (json.dumps(GOOD, indent=1), "pass"),
        (json.dumps(OTHER) + "\n" + json.dumps(GOOD) + "\n", "pass"),
        (json.dumps(enveloped(GOOD)), "pass"),
        (json.dumps({"mediaType": "b", "dsseEnvelope": enveloped(GOOD)}), "pass"),
        (f"{'0' * 64}  m.bin\n", "fail"),
        (json.dumps(OTHER), "fail"),
        (json.dumps({**GOOD, "_type": "x"}), "error"),
        (json.dumps({**GOOD, "subject": []}), "error"),
        (json.dumps(enveloped(GOOD, "text/plain")), "error"),
        (json.dumps({**enveloped(GOOD), "payload": "%"}), "error"),
        (f"{sha(DATA)}  m.bin\n", "error"),
        ("", "error"),
        ("nothing\n", "error"),
    ],
)  # fmt: skip
def test_a_statement_names_the_digest(project: Any, text: str, verdict: str) -> None:
    project.write("m.bin", DATA)
    project.write("s", text)
    project.gate("artifact", {"format": "safetensors", "statement": "s"}, {"model": "m.bin", "s": "s"})
    assert project.run("artifact").verdict == verdict


def test_a_statement_names_all_files_of_a_folder(made: Any) -> None:
    def line(name: str) -> str:
        return f"{sha((made.root / 'm' / name).read_bytes())[7:]}  {name}\n"

    made.gate("artifact", {"files": FOLDER, "statement": "s"}, {"model": "m/", "s": "s"})
    made.write("s", line("model.onnx") + line("meta.json"))
    assert made.run("artifact").verdict == "pass"
    made.write("s", line("model.onnx"))
    assert made.run("artifact").verdict == "fail"


@pytest.mark.parametrize(("command", "verdict"), [("test -f $ARTIFACT_MODEL", "pass"), ("exit 1", "fail")])
def test_a_tool_verifies(project: Any, command: str, verdict: str) -> None:
    assert judged(project, DATA, "safetensors", verify={"run": command}).verdict == verdict


def test_a_tool_is_not_run_on_bytes_that_failed(project: Any) -> None:
    found = judged(project, b"PK\x03\x04", "safetensors", verify={"run": "touch ran"})
    assert found.checks == {"file": "fail"}
    assert not (project.root / "ran").exists()


PARAMS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"format": format}, {"model": "m.bin"})
    for format in ("onnx", "safetensors", "xgboost", "lightgbm", "json", "text")
] + [
    ({"format": "onnx", **ONNX, "max_size": "1MB", "digest": "sha256:" + "1" * 64}, {"model": "m.bin"}),
    (
        {
            "files": [*FOLDER, {"path": "w-*.safetensors", "format": "safetensors"}], "metadata": "meta.json",
            "lineage": {"d": "a.b"}, "features": "f", "schema_of": "t", "statement": "s", "verify": {"run": "false"},
        },
        {"model": "m/", "d": "d.csv", "t": "t.parquet", "s": "s.txt"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("params", "artifacts"), PARAMS)
def test_the_gate_fails_on_what_is_known_to_be_bad(project: Any, params: Any, artifacts: Any) -> None:
    document = project.gate("artifact", params, artifacts)
    found = list(selftest.known_bad(document))
    assert len(found) >= 5
    for fixture in found:
        for path in ("m", "m.bin"):
            shutil.rmtree(project.root / path, ignore_errors=True)
            (project.root / path).unlink(missing_ok=True)
        for path, content in fixture.files.items():
            project.write(path, content)
        assert project.run("artifact").verdict == fixture.verdict, fixture.name


@pytest.mark.parametrize("params", [params for params, _ in PARAMS[:7]])
def test_known_bad_models_are_sound_but_for_one_thing(project: Any, params: Any) -> None:
    plain = {key: value for key, value in params.items() if key != "digest"}
    document = project.gate("artifact", plain, {"model": "m.bin"})
    project.write("m.bin", selftest._sound(params["format"], document["params"]))
    assert project.run("artifact").verdict == "pass"


def mutants(data: bytes, count: int) -> list[bytes]:
    """Return a file with a few bytes changed, cut out or put in."""
    random = np.random.default_rng(7)
    found = []
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(random.integers(1, 4)):
            place = int(random.integers(0, len(mutant)))
            kind = random.integers(0, 3)
            if kind == 0:
                mutant[place] = int(random.integers(0, 256))
            elif kind == 1:
                del mutant[place : place + int(random.integers(1, 9))]
            else:
                mutant[place:place] = random.bytes(int(random.integers(1, 5)))
        found.append(bytes(mutant))
    return found


def test_damaged_safetensors_that_pass_are_loaded_by_the_reference(tmp_path: Path) -> None:
    from safetensors.numpy import load

    from mlcc.gates._models.content import ContentError
    from mlcc.gates.artifact.tensors import read_safetensors

    path = tmp_path / "m"
    passed = 0
    for mutant in mutants(save({"a": np.zeros((2, 2), "f4")}, {"k": "v"}), 2000):
        path.write_bytes(mutant)
        try:
            read_safetensors(str(path))
        except ContentError:
            continue
        passed += 1
        load(mutant)
    assert passed > 20


def test_damaged_onnx_that_passes_is_parsed_by_the_reference(tmp_path: Path) -> None:
    from mlcc.gates._models.content import ContentError
    from mlcc.gates.artifact.onnx import read_onnx

    path = tmp_path / "m"
    passed = 0
    for mutant in mutants(linear(metadata={"k": "v"}), 2000):
        path.write_bytes(mutant)
        try:
            found = read_onnx(str(path))
        except ContentError:
            continue
        passed += 1
        model = onnx.load_model_from_string(mutant)
        assert found.operators == {(node.domain, node.op_type) for node in model.graph.node}
        assert set(found.outputs) == {value.name for value in model.graph.output}
    assert passed > 20


@pytest.mark.parametrize("format", ["json", "xgboost", "text", "lightgbm"])
@pytest.mark.parametrize(
    "data",
    [b"[" * 100_000, b'{"a":' * 100_000, b"[1e999]", b"[NaN]", b'{"a": 1, "a": 2}', b"\xff\xfe[]", b"[\x1b]"],
)
def test_hostile_text_is_judged_and_never_ends_the_gate(project: Any, data: bytes, format: str) -> None:
    found = judged(project, data, format)
    assert found.verdict == (
        "pass" if format == "text" and data[0] < 128 and b"\x1b" not in data else "fail"
    ), found.log


@pytest.mark.parametrize("format", ["onnx", "safetensors"])
def test_a_large_model_takes_little_memory(project: Any, format: str) -> None:
    size = 512 << 20
    header = json.dumps({"w": entry([size // 4], 0, size)}).encode()
    head = len(header).to_bytes(8, "little") + header
    if format == "onnx":  # the constant's data is the end of the file
        model = onnx.load_model_from_string(linear())
        model.graph.initializer[0].ClearField("raw_data")
        model.graph.initializer[0].dims[:] = [size // 4]
        constant = model.graph.initializer.pop().SerializeToString() + b"\x4a" + selftest._varint(size)
        graph = model.graph.SerializeToString() + b"\x2a" + selftest._varint(len(constant) + size) + constant
        model.ClearField("graph")
        head = model.SerializeToString() + b"\x3a" + selftest._varint(len(graph) + size) + graph
    with project.write("m.bin", head).open("ab") as file:
        file.truncate(len(head) + size)
    project.gate("artifact", {"format": format}, {"model": "m.bin"})
    project.run_script("artifact")  # writes the script
    program = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run([sys.executable, '-I', '.mlcc/gates/artifact.py', 'g']).returncode\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project.root, capture_output=True, text=True, check=True
    )
    code, kilobytes = map(int, done.stdout.splitlines()[-1].split())
    assert code == 0, done.stdout
    assert kilobytes < 100_000
