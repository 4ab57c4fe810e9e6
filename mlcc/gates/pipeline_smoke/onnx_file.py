"""Reads the weights of an ONNX model: a small reader of the protocol buffers that hold them.

Source: onnx/onnx.proto of the repository onnx/onnx (field numbers and data types), and the encoding of
protocol buffers (protobuf.dev, "Encoding").
"""

from __future__ import annotations

from math import prod

from mlcc.gates._records import GateError, visible
from mlcc.gates.pipeline_smoke.tally import FLOATS, Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 32
# Message -> field -> the message inside it. Weights are initializers, of the graph and of graphs inside nodes;
# constants in nodes are not looked at: a mask of attention is minus infinity by design.
_INSIDE = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {6: "graph", 11: "graph"},
    "sparse": {1: "tensor"},
}
_DIMS, _DATA_TYPE, _FLOAT_DATA, _INT32_DATA, _NAME, _RAW_DATA, _DOUBLE_DATA = 1, 2, 4, 5, 8, 9, 10
_EXTERNAL, _LOCATION = 13, 14
# Data type -> kind of FLOATS; complex numbers are pairs.
_FLOATING = {
    **{1: ("f4", 1), 10: ("f2", 1), 11: ("f8", 1), 14: ("f4", 2), 15: ("f8", 2)},
    **{16: ("bf16", 1), 17: ("f8_e4m3", 1), 19: ("f8_e5m2", 1)},
}
_WHOLE = frozenset((2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 21, 22))  # whole numbers, booleans and strings


def tally_onnx(data: memoryview, shown: str, tally: Tally) -> None:
    """Count the numbers of the initializers of a model.

    Raises GateError for what is no ONNX model, for weights in other files, and for types that aren't read.
    """
    graphs = _tally_message(data, "model", shown, tally, 0)
    if not graphs:
        raise GateError(f"{shown} is no ONNX model, or has no graph")


def _tally_message(data: memoryview, kind: str, shown: str, tally: Tally, depth: int) -> int:
    """Count the numbers below a message; return how many graphs it has."""
    if depth > _DEEPEST:
        raise GateError(f"{shown} is nested too deeply")
    graphs = 0
    for field, wire, value in _fields(data, shown):
        inside = _INSIDE[kind].get(field)
        if inside is None:
            continue
        if not isinstance(value, memoryview) or wire != _BYTES:
            raise GateError(f"{shown} is no ONNX model")
        graphs += inside == "graph"
        if inside == "tensor":
            _tally_tensor(value, shown, tally)
        else:
            _tally_message(value, inside, shown, tally, depth + 1)
    return graphs


def _tally_tensor(data: memoryview, shown: str, tally: Tally) -> None:
    fields = list(_fields(data, shown))
    kind = _last_number(fields, _DATA_TYPE)
    names = [bytes(value) for field, _, value in fields if field == _NAME and isinstance(value, memoryview)]
    place = f"tensor {visible(names[0].decode('utf-8', 'replace') if names else '', 80)} of {shown}"
    if _last_number(fields, _LOCATION) or any(field == _EXTERNAL for field, _, _ in fields):
        raise GateError(f"{place} lies in another file, which is not read: save the model as one file")
    size = prod(_numbers(fields, _DIMS, shown))
    if kind in _WHOLE:
        tally.count(size, 0, place)
        return
    if kind not in _FLOATING:
        raise GateError(f"{place} has values of the type {kind}, which are not read")
    float_kind, parts = _FLOATING[kind]
    before = tally.numbers
    for field, _, value in fields:
        if field in (_RAW_DATA, _FLOAT_DATA, _DOUBLE_DATA) and isinstance(value, memoryview):
            tally.add_floats(value, float_kind, place)
    if kind in (10, 16, 17, 19):  # 16 and 8 bits wide numbers may lie in whole ones, bit by bit
        width = FLOATS[float_kind][0]
        words = b"".join(
            (word & 0xFFFF).to_bytes(2, "little")[:width] for word in _numbers(fields, _INT32_DATA, shown)
        )
        tally.add_floats(memoryview(words), float_kind, place)
    if tally.numbers - before != size * parts:
        raise GateError(f"{place} has {tally.numbers - before} numbers instead of {size * parts}")


def _last_number(fields: list[tuple[int, int, memoryview | int]], wanted: int) -> int:
    found = [value for field, _, value in fields if field == wanted and isinstance(value, int)]
    return found[-1] if found else 0


def _numbers(fields: list[tuple[int, int, memoryview | int]], wanted: int, shown: str) -> Iterator[int]:
    """Yield repeated whole numbers, packed or not."""
    for field, wire, value in fields:
        if field != wanted:
            continue
        if isinstance(value, int):
            yield value
        elif wire == _BYTES:
            at = 0
            while at < len(value):
                number, at = _varint(value, at, shown)
                yield number


def _fields(data: memoryview, shown: str) -> Iterator[tuple[int, int, memoryview | int]]:
    """Yield (field, wire type, value) of a message: a whole number for a varint, bytes for all else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at, shown)
        wire = key & 7
        if wire == _VARINT:
            number, at = _varint(data, at, shown)
            yield key >> 3, wire, number
            continue
        if wire == _BYTES:
            length, at = _varint(data, at, shown)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise GateError(f"{shown} is no ONNX model")
        if length > len(data) - at:
            raise GateError(f"{shown} is no ONNX model, or is cut off")
        yield key >> 3, wire, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int, shown: str) -> tuple[int, int]:
    """Return a variable-length number and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise GateError(f"{shown} is no ONNX model, or is cut off")
