"""Models that an `artifact` gate must refuse: each is sound but for one thing, where the gate's parameters allow."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates.artifact.onnx import TYPES
from mlcc.gates.fixtures import Fixture, table_bytes

_NOWHERE = "sha256:" + "0" * 64
_MOST_PADDING = 8 << 20
_NUMBERS = {name: number for number, (name, _) in TYPES.items()}


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield fixtures for the parameters `document` of a gate, as `.mlcc/gates/<id>.json` holds them."""
    params = document["params"]
    formats = {rule["path"]: rule["format"] for rule in params["files"]}
    model = params["model"]
    sound = {path: _sound(format, params) for path, format in formats.items()}
    around = _others(document)

    def laid(**changed: bytes) -> dict[str, bytes]:
        folder = document["artifacts"][document["guards"]]["path"]
        below = folder.endswith("/")
        files = {**sound, **({model: changed["model"]} if changed else {})}
        return {
            **around,
            **{folder + _plain(path) if below else folder: data for path, data in files.items()},
        }

    yield Fixture("a pickle under the model's name", "fail", laid(model=pickle.dumps({"w": 1}, protocol=2)))
    yield Fixture("a pickle of text", "fail", laid(model=b"cos\nsystem\n(S'true'\ntR."))
    yield Fixture("a zip archive under the model's name", "fail", laid(model=b"PK\x03\x04" + bytes(64)))
    yield Fixture("an empty model", "fail", laid(model=b""))
    yield Fixture("no model", "error", around)
    if formats[model] not in ("text", "json"):
        yield Fixture("a model that is cut off", "fail", laid(model=sound[model][: len(sound[model]) // 2]))
    if formats[model] == "onnx":
        yield Fixture(
            "a model with data outside of the file", "fail", laid(model=_onnx(params, external=True))
        )
        yield Fixture(
            "a model with a foreign operator", "fail", laid(model=_onnx(params, domain="not.known"))
        )
        if "inputs" in params:
            yield Fixture("a model with another input", "fail", laid(model=_onnx({**params, "inputs": []})))
    if params.get("max_bytes", _MOST_PADDING) < _MOST_PADDING:
        yield Fixture(
            "a model that is too large", "fail", laid(model=sound[model] + b" " * params["max_bytes"])
        )
    if "digest" in params:
        yield Fixture("a model with another digest", "fail", laid())
    if "lineage" in params:
        yield Fixture("a model made from other data", "fail", laid())


def _plain(pattern: str) -> str:
    """Return a path that a pattern means."""
    return pattern.replace("**/", "").replace("*", "a").replace("?", "a")


def _others(document: Mapping[str, Any]) -> dict[str, bytes]:
    """Return something in the place of every other artifact that the gate takes."""
    params, found = document["params"], {}
    for id, artifact in document["artifacts"].items():
        paths = artifact["path"] if isinstance(artifact["path"], list) else [artifact["path"]]
        content = b"0\n"
        if id == params.get("statement"):
            content = f"{'0' * 64}  other\n".encode()
        elif id == params.get("schema_of", {}).get("artifact"):
            content = table_bytes(params["schema_of"]["format"], {"x": [0.5]})
        for path in paths if id != document["guards"] else ():
            found[_plain(path) + ("part.parquet" if path.endswith("/") else "")] = content
    return found


def _sound(format: str, params: Mapping[str, Any]) -> bytes:
    """Return the smallest sound file of a format, with metadata that names no digest of this run."""
    metadata = dict.fromkeys(params.get("lineage", {}).values(), _NOWHERE)
    metadata.update({params["features"]: "x"} if "features" in params else {})
    if format == "onnx":
        return _onnx(params, metadata=metadata)
    if format == "safetensors":
        tensor = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
        header = json.dumps({"__metadata__": metadata, "w": tensor}).encode()
        return len(header).to_bytes(8, "little") + header + bytes(4)
    if format == "xgboost":
        tree = {
            "left_children": [-1],
            "right_children": [-1],
            "split_indices": [0],
            "split_conditions": [0.5],
        }
        learner = {
            "attributes": metadata,
            "feature_names": ["a"],
            "gradient_booster": {"model": {"trees": [tree]}},
            "learner_model_param": {"num_feature": "1"},
        }
        return json.dumps({"learner": learner, "version": [3, 0, 0]}).encode()
    if format == "lightgbm":
        head = "tree\nversion=v4\nmax_feature_idx=0\nfeature_names=a\ntree_sizes=1\n\n"
        return (head + "Tree=0\nnum_leaves=1\nleaf_value=0.5\n\n\nend of trees\n").encode()
    return json.dumps(metadata).encode() + b"\n"


def _onnx(
    params: Mapping[str, Any],
    *,
    metadata: Mapping[str, str] | None = None,
    external: bool = False,
    domain: str = "",
) -> bytes:
    """Return an ONNX model with the declared inputs and outputs, one node and one constant."""
    version = params.get("opset", {}).get("max", 13)
    inputs = [_value(value) for value in params.get("inputs", ())]
    outputs = [_value(value) for value in params.get("outputs", ())]
    node = _field(1, b"x") + _field(2, b"y") + _field(4, _operator(params)) + _field(7, domain.encode())
    place = _field(13, _field(1, b"location") + _field(2, b"weights.bin")) + _varint(14 << 3) + _varint(1)
    constant = _number(1, 1) + _number(2, 1) + _field(8, b"w") + (place if external else _field(9, bytes(4)))
    graph = _field(1, node) + _field(5, constant)
    graph += b"".join(_field(11, value) for value in inputs) + b"".join(
        _field(12, value) for value in outputs
    )
    named = b"".join(
        _field(14, _field(1, key.encode()) + _field(2, text.encode()))
        for key, text in (metadata or {}).items()
    )
    return _number(1, 8) + _field(8, _number(2, version)) + _field(7, graph) + named


def _operator(params: Mapping[str, Any]) -> bytes:
    allowed: list[str] = params.get("operators", {}).get("allow", [])
    return next((name for name in allowed if ":" not in name), "Identity").encode()


def _value(value: Mapping[str, Any]) -> bytes:
    number = _NUMBERS.get(value["type"])
    if number is None:  # a sequence or map
        kind = _field({"sequence": 4, "map": 5}[value["type"]], b"")
    else:
        sizes = b"".join(
            _field(1, b"" if size is None else _number(1, size)) for size in value.get("shape", ())
        )
        kind = _field(1, _number(1, number) + _field(2, sizes))
    return _field(1, value["name"].encode()) + _field(2, kind)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data
