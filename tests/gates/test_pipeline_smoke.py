from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import onnx
import pytest
import safetensors.numpy
from onnx import TensorProto, helper, numpy_helper

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates._records import GateError
from mlcc.gates.fixtures import Fixture, table_bytes
from mlcc.gates.pipeline_smoke.compile import compile, needs_packages
from mlcc.gates.pipeline_smoke.onnx_file import tally_onnx
from mlcc.gates.pipeline_smoke.tally import FLOATS, Tally
from mlcc.gates.pipeline_smoke.tensors import tally_npy, tally_safetensors
from mlcc.gates.selftest import known_bad
from tests.gates.stand_in import opened, run_fixture

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())


@pytest.fixture
def smoke(project: Any) -> Any:
    """Return a function that runs a smoke gate over a pipeline that copies `source` to the output's path."""
    project.write("data.csv", "a\n1\n")

    def run(
        source: bytes | str | None = None, command: str | None = None, change: Any = None, **output: Any
    ) -> Any:
        stated = {"path": "out.json", **output}
        if source is not None:
            project.write("source", source)
        copy = f"mkdir -p $(dirname {stated['path']}); cp source {stated['path']}"
        params = {"run": command or copy, "outputs": {"o": stated}}
        project.gate("pipeline_smoke", params, {"raw": "data.csv"}, change=change)
        outcome = project.run("pipeline_smoke")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


def npy(values: Any, dtype: Any) -> bytes:
    path = Path("made.npy")
    np.save(path, np.asarray(values, dtype=dtype), allow_pickle=True)
    return path.read_bytes()


def tensors(**arrays: Any) -> bytes:
    return safetensors.numpy.save(arrays)


def model(*initializers: Any, nodes: Any = ()) -> bytes:
    graph = helper.make_graph(list(nodes), "g", [], [], initializer=list(initializers))
    return helper.make_model(graph).SerializeToString()


def weights(values: Any, dtype: Any = np.float32, name: str = "w") -> Any:
    return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)


def test_a_json_file(smoke: Any) -> None:
    outcome = smoke('{"loss": [3, 2.5], "accuracy": {"test": 0.5}, "name": "NaN", "ok": true}')
    assert outcome.checks == {"command": "pass", "o: new": "pass", "o: finite": "pass"}
    assert outcome.check("o: finite")["message"] == "all 3 numbers in out.json are finite"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"loss": NaN}', "loss"),
        ('{"a": [1, {"b": Infinity}]}', "a[1].b"),
        ('{"a": -Infinity, "b": 1}', "a"),
        ("[1, 1e999]", "[1]"),
    ],
)
def test_json_that_is_not_finite(smoke: Any, text: str, place: str) -> None:
    outcome = smoke(text)
    assert (outcome.verdict, outcome.code) == ("fail", 1)
    assert f"NaN, infinite or missing, the first in {place};" in outcome.check("o: finite")["message"]


@pytest.mark.parametrize(
    "text", ["{", "{}", '["NaN"]', '{"a": 1, "a": 2}', "[true]", "[" * 1000 + "]" * 1000]
)
def test_json_without_sound_numbers_is_an_error(smoke: Any, text: str) -> None:
    assert smoke(text).checks["o: finite"] == "error"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"a": {"loss": [3, 2]}}', "pass"),
        ('{"a": {"loss": 3}, "b": NaN}', "pass"),
        ('{"a": {"loss": [3, null]}}', "fail"),
        ('{"a": {"loss": [3, "2"]}}', "fail"),
        ('{"a": {"loss": [3, [2]]}}', "fail"),
        ('{"a": {"loss": []}}', "error"),
        ('{"a": {"loss": null}}', "error"),
        ('{"a": {}}', "error"),
        ('{"a": 1}', "error"),
        ("[]", "error"),
    ],
)
def test_a_place_in_json(smoke: Any, text: str, verdict: str) -> None:
    assert smoke(text, value="a.loss").verdict == verdict


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        ("[3, 9, 2]", "pass"),
        ("[3, 1, 3]", "fail"),
        ("[3, 4]", "fail"),
        ("[3]", "error"),
        ("3", "error"),
        ("[3, NaN, 2]", "error"),
    ],
)
def test_a_loss_must_decrease(smoke: Any, losses: str, verdict: str) -> None:
    outcome = smoke(f'{{"loss": {losses}}}', value="loss", decreases=True)
    assert outcome.checks["o: decreases"] == verdict
    if verdict == "fail":
        assert outcome.check("o: decreases")["margin"] <= 0


def test_a_loss_in_a_table_must_decrease(smoke: Any) -> None:
    outcome = smoke("step,loss\n1,3\n2,1.5\n", path="log.csv", columns=["loss"], decreases=True)
    assert outcome.check("o: decreases")["message"] == (
        "the last of 2 numbers in log.csv is 1.5, the first 3; the last must be below, margin 1.5"
    )


@pytest.mark.parametrize(
    ("path", "text", "verdict"),
    [
        ("t.csv", "p,name\n0.5,x\n1e3,y\n", "pass"),
        ("t.csv", 'p,name\n"0.5","x\ny"\n', "pass"),
        ("t.csv", "p,name\nnan,x\n", "fail"),
        ("t.csv", "p,name\n-inf,x\n", "fail"),
        ("t.csv", "p,name\n,x\n", "fail"),
        ("t.csv", "p,name\n1_0,x\n", "fail"),
        ("t.csv", "p,name\nyes,x\n", "fail"),
        ("t.csv", "p,name\n", "error"),
        ("t.csv", "q\n1\n", "error"),
        ("t.csv", "p,p\n1,1\n", "error"),
        ("t.csv", "p,name\n1\n", "error"),
        ("t.csv", 'p,name\n"1,x\n', "error"),
        ("t.csv", b"p\n\xff\n", "error"),
        ("t.tsv", "p\tname\n0.5\tx\n", "pass"),
        ("t.jsonl", '{"p": 0.5}\n\n{"p": 1}\n', "pass"),
        ("t.jsonl", '{"p": NaN}\n', "fail"),
        ("t.jsonl", '{"p": null}\n', "fail"),
        ("t.jsonl", '{"p": "0.5"}\n', "fail"),
        ("t.jsonl", '{"p": true}\n', "fail"),
        ("t.jsonl", '{"q": 1}\n', "error"),
        ("t.jsonl", "[1]\n", "error"),
        ("t.jsonl", '{"p": 1\n', "error"),
    ],
)
def test_tables(smoke: Any, path: str, text: Any, verdict: str) -> None:
    assert smoke(text, path=path, columns=["p"]).checks["o: finite"] == verdict


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.5, 1.0], "pass"),
        ([1, 2], "pass"),
        ([0.5, float("nan")], "fail"),
        ([0.5, float("inf")], "fail"),
        ([0.5, None], "fail"),
        (["0.5"], "error"),
        ([True], "error"),
    ],
)
def test_parquet(smoke: Any, values: Any, verdict: str) -> None:
    content = table_bytes("parquet", {"p": values, "other": ["x"] * len(values)})
    assert smoke(content, path="t.parquet", columns=["p"]).checks["o: finite"] == verdict


def test_parquet_that_is_broken(smoke: Any) -> None:
    assert smoke(b"PAR1 and no more", path="t.parquet", columns=["p"]).checks["o: finite"] == "error"


_BAD = (float("nan"), float("inf"), float("-inf"))


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8", "<c8", "<c16"])
def test_npy(smoke: Any, dtype: str) -> None:
    largest = float(np.finfo(np.dtype(dtype)).max)
    for values, bad in (([[1, -largest], [largest, 0]], 0), ([1, *_BAD, 0], 3)):
        outcome = smoke(npy(values, dtype), path="w.npy")
        assert outcome.checks["o: finite"] == ("fail" if bad else "pass"), outcome.log
        assert outcome.check("o: finite")["estimate"] == bad


@pytest.mark.parametrize("dtype", ["<i8", "u1", "?"])
def test_npy_of_whole_numbers(smoke: Any, dtype: str) -> None:
    assert smoke(npy([1, 0], dtype), path="w.npy").check("o: finite")["n"] == 2


def test_npy_that_is_refused(smoke: Any) -> None:
    good = npy([1.0, 2.0], "<f4")
    pickled = npy([{"a": 1}], object)
    structured = npy([(1, 2.0)], [("a", "<i4"), ("b", "<f4")])
    broken = good[:10] + b"[" + good[11:]
    for content in (
        good[:-1],
        good + b"x",
        good[:9],
        pickled,
        structured,
        broken,
        b"\x93NUMPY",
        npy(["x"], "<U1"),
    ):
        assert smoke(content, path="w.npy").checks["o: finite"] == "error"


def test_safetensors(smoke: Any) -> None:
    good = {
        "a": np.ones((2, 3), np.float32),
        "b": np.arange(4),
        "c": np.ones(2, np.float16),
        "d": np.ones((), bool),
    }
    outcome = smoke(tensors(**good), path="w.safetensors")
    assert (outcome.verdict, outcome.check("o: finite")["n"]) == ("pass", 13)
    for dtype in (np.float16, np.float32, np.float64):
        outcome = smoke(tensors(**good, e=np.array([1, *_BAD], dtype)), path="w.safetensors")
        check = outcome.check("o: finite")
        assert (check["verdict"], check["estimate"], check["n"]) == ("fail", 3, 17)
        assert "the first in tensor e of w.safetensors" in check["message"]


def raw_safetensors(dtype: str, shape: Any, data: bytes, **header: Any) -> bytes:
    entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)], **header}
    text = json.dumps({"w": entry}).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    ("dtype", "bits", "bad"),
    [
        # bfloat16: 1.0, the largest finite number, infinity, NaN, minus infinity, a NaN with one bit.
        ("BF16", [0x3F80, 0x7F7F, 0x7F80, 0x7FC0, 0xFF80, 0x7F81], 4),
        ("F16", [0x3C00, 0x7BFF, 0x7C00, 0x7E00, 0xFC00, 0x7C01], 4),
    ],
)
def test_safetensors_of_16_bits(dtype: str, bits: Any, bad: int) -> None:
    data = b"".join(word.to_bytes(2, "little") for word in bits)
    tally = Tally()
    tally_safetensors(memoryview(raw_safetensors(dtype, [len(bits)], data)), "w", tally)
    assert (tally.numbers, tally.bad) == (len(bits), bad)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        (1 << 40).to_bytes(8, "little") + b"{}",
        raw_safetensors("F32", [2], b"1234"),
        raw_safetensors("F32", [1], b"1234") + b"x",
        raw_safetensors("F32", [1], b"1234")[:-1],
        raw_safetensors("F32", [1], b"1234", data_offsets=[4, 8]),
        raw_safetensors("F32", [1], b"1234", data_offsets=[4]),
        raw_safetensors("F32", [-1], b"1234"),
        raw_safetensors("F32", "1", b"1234"),
        raw_safetensors("F4", [1], b"1234"),
        raw_safetensors("F32", [True], b"1234"),
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"\xff\xff",
        (20).to_bytes(8, "little") + b'{"w": 1,      "w": 2}',
    ],
)
def test_safetensors_that_are_refused(content: bytes) -> None:
    with pytest.raises(GateError):
        tally_safetensors(memoryview(content), "w", Tally())


@pytest.mark.parametrize("kind", sorted(FLOATS))
def test_bits_against_numpy(kind: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    types = {
        **{"f8": np.float64, "f4": np.float32, "f2": np.float16, "bf16": ml_dtypes.bfloat16},
        **{"f8_e4m3": ml_dtypes.float8_e4m3fn, "f8_e5m2": ml_dtypes.float8_e5m2},
    }
    random = np.random.default_rng(3)
    data = random.integers(0, 256, 1 << 16, dtype=np.uint8).tobytes()
    if FLOATS[kind][0] >= 4:  # all bits of a wide exponent are seldom set by chance
        wide = np.frombuffer(data, types[kind]).copy()
        wide[::5] = [(np.nan, np.inf, -np.inf)[i % 3] for i in range(len(wide[::5]))]
        data = wide.tobytes()
    values = np.frombuffer(data, types[kind])
    tally = Tally()
    tally.add_floats(memoryview(data), kind, "")
    with np.errstate(invalid="ignore"):  # a signalling NaN
        expected = int((~np.isfinite(values)).sum())
    assert (tally.numbers, tally.bad) == (len(values), expected)
    assert tally.bad > 0


def test_onnx(smoke: Any) -> None:
    whole = weights([1, 2, 3], np.int64, "i")
    outcome = smoke(model(weights([[1.0, 2.0]]), whole), path="m.onnx")
    assert (outcome.verdict, outcome.check("o: finite")["n"]) == ("pass", 5)
    for dtype in (np.float16, np.float32, np.float64, np.complex64):
        outcome = smoke(model(whole, weights([1, *_BAD], dtype, "bad")), path="m.onnx")
        check = outcome.check("o: finite")
        assert (check["verdict"], check["estimate"]) == ("fail", 3)
        assert "the first in tensor bad of m.onnx" in check["message"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (TensorProto.FLOAT, [1.0, *_BAD]),
        (TensorProto.DOUBLE, [1.0, *_BAD]),
        (TensorProto.FLOAT16, [1.0, *_BAD]),
        (TensorProto.BFLOAT16, [1.0, *_BAD]),
        (TensorProto.COMPLEX64, [1.0, *_BAD]),
    ],
)
def test_onnx_numbers_outside_of_raw_data(kind: int, values: Any) -> None:
    tensor = helper.make_tensor("w", kind, [4], values)
    assert not tensor.raw_data
    tally = Tally()
    tally_onnx(memoryview(model(tensor)), "m", tally)
    assert tally.bad == 3


def test_onnx_weights_of_a_graph_inside_a_node() -> None:
    inner = helper.make_graph([], "inner", [], [], initializer=[weights([float("nan")])])
    node = helper.make_node("If", ["c"], ["o"], then_branch=inner)
    tally = Tally()
    tally_onnx(memoryview(model(weights([1.0]), nodes=[node])), "m", tally)
    assert (tally.numbers, tally.bad) == (2, 1)


def counted(*nodes: Any) -> tuple[int, int]:
    """Return how many numbers a model with these nodes has, and how many of them are bad."""
    tally = Tally()
    tally_onnx(memoryview(model(nodes=list(nodes))), "m", tally)
    return tally.numbers, tally.bad


_ML = {"domain": "ai.onnx.ml"}
_INF, _NAN = float("inf"), float("nan")


@pytest.mark.parametrize("value", [_INF, -_INF, _NAN])
def test_a_constant_of_a_node_may_be_infinite_and_never_nan(value: float) -> None:
    """Of every type, as a tensor, a number and a list."""
    bad = int(np.isnan(value))
    for dtype in (np.float16, np.float32, np.float64):
        tensor = weights([1.0, value], dtype)
        assert counted(helper.make_node("Constant", [], ["c"], value=tensor)) == (2, bad)
        assert counted(helper.make_node("ConstantOfShape", ["s"], ["c"], value=tensor)) == (2, bad)
    assert counted(helper.make_node("Constant", [], ["c"], domain="ai.onnx", value_float=value)) == (1, bad)
    assert counted(helper.make_node("Constant", [], ["c"], value_floats=[value, 2.0])) == (2, bad)
    sparse = helper.make_sparse_tensor(weights([value]), weights([0], np.int64), [3])
    assert counted(helper.make_node("Constant", [], ["c"], sparse_value=sparse)) == (1, bad)


@pytest.mark.parametrize("value", [_INF, _NAN])
def test_weights_in_attributes(value: float) -> None:
    linear = helper.make_node("LinearClassifier", ["x"], ["y"], coefficients=[1.0, value], **_ML)
    assert counted(linear) == (2, 1)
    assert counted(helper.make_node("Gemm", ["x"], ["y"], alpha=value)) == (1, 1)
    leaves = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], target_weights=[value, 1.0], **_ML)
    assert counted(leaves) == (2, 1)
    tensors = helper.make_node("Other", ["x"], ["y"], many=[weights([1.0, value]), weights([value])])
    assert counted(tensors) == (3, 2)


def test_splits_of_trees_may_be_infinite_and_never_nan() -> None:
    for operator in ("TreeEnsembleClassifier", "TreeEnsembleRegressor"):
        tree = helper.make_node(operator, ["x"], ["y"], nodes_values=[_INF, 1.0, _NAN], **_ML)
        assert counted(tree) == (3, 1)
    splits = weights([_INF, _NAN, 1.0], np.float64)
    assert counted(helper.make_node("TreeEnsemble", ["x"], ["y"], nodes_splits=splits, **_ML)) == (3, 1)


def test_what_a_node_looks_for_in_the_data_is_no_weight() -> None:
    imputer = helper.make_node(
        "Imputer", ["x"], ["y"], replaced_value_float=_NAN, imputed_value_floats=[0.5, _NAN], **_ML
    )
    assert counted(imputer) == (2, 1)
    encoder = helper.make_node("LabelEncoder", ["x"], ["y"], keys_floats=[_NAN], values_int64s=[1], **_ML)
    assert counted(encoder) == (0, 0)


def test_attributes_of_nodes_in_graphs_inside_nodes_and_in_functions() -> None:
    inner = helper.make_graph([helper.make_node("Gemm", ["a"], ["b"], alpha=_NAN)], "inner", [], [])
    branch = helper.make_node("If", ["c"], ["o"], then_branch=inner)
    assert counted(branch) == (1, 1)
    deeper = helper.make_graph([branch], "deeper", [], [])
    assert counted(helper.make_node("Loop", ["n"], ["o"], body=deeper)) == (1, 1)
    whole = onnx.ModelProto.FromString(model(weights([1.0])))
    whole.functions.add(name="f", attribute_proto=[helper.make_attribute("a", _NAN)]).node.append(
        helper.make_node("Gemm", ["a"], ["b"], alpha=_INF)
    )
    tally = Tally()
    tally_onnx(memoryview(whole.SerializeToString()), "m", tally)
    assert (tally.numbers, tally.bad) == (3, 2)


def test_a_cut_number_of_an_attribute_is_refused() -> None:
    attribute = onnx.AttributeProto(name="a", type=onnx.AttributeProto.STRING)
    raw = attribute.SerializeToString() + b"\x3a\x03abc"  # field 7, floats: three bytes
    node = onnx.NodeProto(op_type="Gemm")
    whole = model(weights([1.0]))
    inside = node.SerializeToString() + b"\x2a" + bytes([len(raw)]) + raw
    graph = b"\x0a" + bytes([len(inside)]) + inside
    with pytest.raises(GateError, match="cut off within a number"):
        tally_onnx(memoryview(whole + b"\x3a" + bytes([len(graph)]) + graph), "m", Tally())


def test_onnx_that_is_refused(smoke: Any) -> None:
    good = model(weights([1.0, 2.0]))
    external = weights([1.0])
    external.data_location = TensorProto.EXTERNAL
    short = weights([1.0, 2.0])
    short.dims[0] = 3
    odd = weights([1.0])
    odd.data_type = 99
    negative = weights([1], np.int64)
    negative.dims[0] = -1
    for content in (
        good[:-3],
        b"no model",
        b"\xff" * 50,
        b"\x3a\x00",
        model(external),
        model(short),
        model(odd),
        model(negative),
    ):
        assert smoke(content, path="m.onnx").checks["o: finite"] == "error"
    with pytest.raises(GateError):
        tally_onnx(memoryview(onnx.ModelProto(ir_version=8).SerializeToString()), "m", Tally())


def test_every_cut_of_a_model_is_refused(tmp_path: Path) -> None:
    readers = ((tally_onnx, model(weights([1.0, 2.0]))), (tally_safetensors, tensors(w=np.ones(2))))
    for read, content in (*readers, (tally_npy, _saved(tmp_path))):
        for end in range(len(content)):
            tally = Tally()
            try:
                read(memoryview(content[:end]), "f", tally)
            except GateError:
                continue
            # What is left of a protocol buffer that ends between two fields is whole; the weights lie further on.
            assert read is tally_onnx
            assert tally.numbers == 0 or end > content.rindex(b"g")


def _saved(folder: Path) -> bytes:
    np.save(folder / "a.npy", np.ones(3))
    return (folder / "a.npy").read_bytes()


def test_a_folder(smoke: Any, project: Any) -> None:
    copy = "mkdir -p out/deep; cp a.safetensors out/deep/; cp c.json out/; cp d.txt out/"
    for name, content in (("a.safetensors", tensors(w=np.ones(2))), ("c.json", "[1]"), ("d.txt", "x")):
        project.write(name, content)
    outcome = smoke(command=copy, path="out/")
    assert outcome.check("o: new")["message"] == "out/ was written by this run (3 files)"
    assert outcome.check("o: finite")["n"] == 3
    project.write("c.json", "[NaN]")
    shutil.rmtree("out")
    assert smoke(command=copy, path="out/").checks["o: finite"] == "fail"
    assert smoke(command=f"{copy}; rm out/c.json out/deep/*", path="out/").checks["o: finite"] == "error"


def test_a_stale_file_in_a_folder_fails(smoke: Any, project: Any) -> None:
    project.write("out/old.json", "[1]")
    outcome = smoke(command="echo 1 > out/new.json", path="out/")
    assert (
        outcome.check("o: new")["message"] == "out/old.json is from an earlier run: this one did not write it"
    )


def test_outputs_that_are_not_written(smoke: Any, project: Any) -> None:
    assert smoke(command="true").check("o: new")["message"] == "out.json was not written"
    assert smoke("").check("o: new")["message"] == "out.json is empty"
    project.write("out.json", "[1]")
    assert smoke(command="true").checks["o: new"] == "fail"
    assert smoke(command="echo 1 > out.json").verdict == "pass"
    assert smoke(command="rm out.json; ln -s data.csv out.json").checks["o: finite"] == "error"
    assert smoke(command="true").summary == "out.json is not a regular file."


def test_an_opaque_format(smoke: Any) -> None:
    outcome = smoke("anything", path="m.pkl", finite=False)
    assert outcome.checks == {"command": "pass", "o: new": "pass"}


@pytest.mark.parametrize(
    ("command", "verdict"),
    [("exit 1", "fail"), ("exit 127", "error"), ("kill -9 $$", "error"), ("exit 137", "error")],
)
def test_a_pipeline_that_fails(smoke: Any, command: str, verdict: str) -> None:
    assert smoke(command=f"echo 1 > out.json; {command}").verdict == verdict


def test_an_artifact_that_the_pipeline_changes_is_an_error(smoke: Any) -> None:
    assert smoke(command="echo 1 > out.json; echo 2 >> data.csv").summary == (
        "the artifact raw changed while the gate ran: its readers would get something that was not judged."
    )


@pytest.mark.parametrize(
    ("output", "loc"),
    [
        ({"path": "m.pkl"}, ("path",)),
        ({"path": "model"}, ("path",)),
        ({"path": "a.csv"}, ()),
        ({"path": "a.csv", "value": "x", "columns": ["x"]}, ("value",)),
        ({"path": "a.json", "value": "x..y"}, ("value",)),
        ({"path": "a.json", "columns": ["x"]}, ("columns",)),
        ({"path": "a.json", "decreases": True}, ("decreases",)),
        ({"path": "a.csv", "columns": ["x", "y"], "decreases": True}, ("decreases",)),
        ({"path": "a.parquet", "columns": ["x"], "decreases": True}, ("decreases",)),
        ({"path": "a.pkl", "finite": False, "decreases": True}, ("decreases",)),
        ({"path": "a.csv", "finite": False, "columns": ["x"]}, ("columns",)),
        ({"path": "build/model/x.onnx"}, ("path",)),
        ({"path": "build/"}, ("path",)),
    ],
)
def test_parameters_that_make_no_sense(output: Any, loc: Any) -> None:
    params = GATES["pipeline_smoke"].params().model_validate({"run": "x", "outputs": {"o": output}})
    with pytest.raises(GateParamsError) as problem:
        compile(params, {"model": ArtifactInfo("build/model/")}, "model")
    assert problem.value.loc == ("outputs", "o", *loc)


def test_duckdb_is_needed_for_parquet_alone() -> None:
    for path, needed in (("a.parquet", True), ("a.csv", False)):
        outputs = {"o": {"path": path, "columns": ["x"]}}
        params = GATES["pipeline_smoke"].params().model_validate({"run": "x", "outputs": outputs})
        assert needs_packages(params) == needed


@pytest.mark.parametrize(
    "outputs",
    [
        None,
        [],
        ["o"],
        [{"id": "o"}],
        [{"id": "o", "path": "/"}],
        [{"id": "o", "path": "o.json", "format": "pickle"}],
        [{"id": "o", "path": "o.csv", "format": "csv"}],
        [{"id": "o", "path": "o.csv", "format": "csv", "columns": []}],
        [{"id": "o", "path": "o.json", "format": "json", "value": "x"}],
        [{"id": "o", "path": "o.json", "format": "json", "columns": ["x"]}],
    ],
)
def test_committed_parameters_that_are_broken(smoke: Any, outputs: Any) -> None:
    assert smoke("[1]", change={"outputs": outputs}).verdict == "error"


_ALL = {
    "model": {"path": "build/smoke/model.onnx"},
    "tensors": {"path": "build/smoke/model.safetensors"},
    "array": {"path": "build/smoke/a.npy"},
    "folder": {"path": "build/weights/"},
    "loss": {"path": "build/smoke/metrics.json", "value": "train.loss", "decreases": True},
    "csv": {"path": "build/smoke/p.csv", "columns": ["p"]},
    "lines": {"path": "build/smoke/p.jsonl", "columns": ["p"], "decreases": True},
    "parquet": {"path": "build/smoke/p.parquet", "columns": ["p"]},
    "opaque": {"path": "build/smoke/m.pkl", "finite": False},
}


def test_known_bad_pipelines_are_refused(project: Any) -> None:
    document = project.gate("pipeline_smoke", {"run": "x", "outputs": _ALL}, {"raw": "data.csv"})
    assert len(known_bad(document)) == 3 + 9 * 3 + 8 * 4 + 2 * 2
    assert opened(project, document) == []


def test_known_bad_pipelines_are_good_but_for_their_fault(project: Any) -> None:
    document = project.gate("pipeline_smoke", {"run": "x", "outputs": _ALL}, {"raw": "data.csv"})
    first = known_bad(document)[0]
    program = first.program.rpartition("exit 1")[0]
    outcome = run_fixture(project, document, Fixture("good", "pass", first.files, program=program))
    assert outcome.verdict == "pass", outcome.log


def test_weights_in_attributes_are_judged(smoke: Any) -> None:
    for weight, verdict in ((2.0, "pass"), (_NAN, "fail")):
        node = helper.make_node("LinearClassifier", ["x"], ["y"], coefficients=[1.0, weight], **_ML)
        outcome = smoke(model(nodes=[node]), path="m.onnx")
        assert outcome.checks["o: finite"] == verdict
    assert (
        "the first in the attribute coefficients of a node of m.onnx" in outcome.check("o: finite")["message"]
    )
    assert smoke(model(), path="m.onnx").checks["o: finite"] == "error"
