"""Pipelines on which a `pipeline_smoke` gate must not pass: they fail, or leave what is stale, empty or not finite."""

from __future__ import annotations

import base64
import json
import math
import shlex
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates.fixtures import Fixture, artifact_files, table_bytes


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield pipelines that fail, and for each output ones that leave it missing, stale, empty, broken or NaN."""
    outputs = document["params"]["outputs"]
    files = artifact_files(document)
    good = {output["id"]: _writes(output, _content(output, [2.0, 1.0])) for output in outputs}
    everything = "".join(good.values())
    yield Fixture("the pipeline fails", "fail", files, "command", f"{everything}exit 1")
    yield Fixture("the pipeline doesn't exist", "error", files, "command", "mlcc-no-such-program")
    yield Fixture("an artifact is missing", "error", program=everything)
    for output in outputs:
        id = output["id"]
        others = "".join(text for other, text in good.items() if other != id)
        stale = {**files, _file(output): _content(output, [2.0, 1.0])}
        yield Fixture(f"{id} is not written", "fail", files, f"{id}: new", f"{others}true")
        yield Fixture(f"{id} is from an earlier run", "fail", stale, f"{id}: new", f"{others}true")
        yield Fixture(f"{id} is empty", "fail", files, f"{id}: new", others + _writes(output, b""))
        if "format" in output:
            yield from _bad_numbers(output, files, others)


def _bad_numbers(output: Mapping[str, Any], files: Mapping[str, bytes], others: str) -> Iterator[Fixture]:
    id = output["id"]
    check = f"{id}: finite"
    for name, value in (("NaN", math.nan), ("infinity", math.inf), ("minus infinity", -math.inf)):
        content = _content(output, [2.0, value])
        yield Fixture(f"{id} has {name}", "fail", files, check, others + _writes(output, content))
    yield Fixture(f"{id} is broken", "error", files, check, others + _writes(output, b"\x00broken\xff"))
    if output.get("decreases"):
        for name, values in (("rises", [1.0, 2.0]), ("stays", [1.0, 1.0])):
            program = others + _writes(output, _content(output, values))
            yield Fixture(f"{id} {name}", "fail", files, f"{id}: decreases", program)


def _file(output: Mapping[str, Any]) -> str:
    path: str = output["path"]
    return path + "weights.safetensors" if path.endswith("/") else path


def _writes(output: Mapping[str, Any], content: bytes) -> str:
    """Return the lines of bash that write an output."""
    place, text = shlex.quote(_file(output)), base64.b64encode(content).decode("ascii")
    return f'mkdir -p "$(dirname {place})"\nbase64 -d > {place} <<< {shlex.quote(text)}\n'


def _content(output: Mapping[str, Any], values: list[float]) -> bytes:
    """Return a file of an output's format that holds some numbers."""
    format = output.get("format", "json")
    if format == "json":
        tree: Any = values
        for step in reversed(output.get("value", [])):
            tree = {step: tree}
        return json.dumps(tree).encode()
    if "columns" in output:
        return table_bytes(format, dict.fromkeys(output["columns"], values))
    data = struct.pack(f"<{len(values)}f", *values)
    return {"npy": _npy, "onnx": _onnx}.get(format, _safetensors)(data, len(values))


def _npy(data: bytes, count: int) -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count},)}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def _safetensors(data: bytes, count: int) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [count], "data_offsets": [0, len(data)]}}).encode()
    return struct.pack("<Q", len(header)) + header + data


def _onnx(data: bytes, count: int) -> bytes:
    tensor = bytes([0x08, count, 0x10, 1]) + _field(8, b"w") + _field(9, data)
    return _field(7, _field(5, tensor))


def _field(number: int, content: bytes) -> bytes:
    """Return a field of a protocol buffer: up to 127 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
