"""Reads the numbers of tensor files: npy and safetensors. Neither holds code, and none is run."""

from __future__ import annotations

import ast
from math import prod

from mlcc.gates._models.content import ContentError
from mlcc.gates._models.safetensors import safetensors_layout
from mlcc.gates._records import GateError, visible
from mlcc.gates.pipeline_smoke.tally import FLOATS, Tally

_NPY_MAGIC = b"\x93NUMPY"
# Types of safetensors -> kind of FLOATS.
_FLOAT_TYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "BF16": "bf16", "F8_E4M3": "f8_e4m3", "F8_E5M2": "f8_e5m2",
}  # fmt: skip
_WHOLE_TYPES = frozenset(("I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"))


def tally_npy(data: memoryview, shown: str, tally: Tally) -> None:
    """Count the numbers of an npy file, format versions 1 to 3. Raises GateError.

    Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".
    """
    if bytes(data[:6]) != _NPY_MAGIC or len(data) < 12:
        raise GateError(f"{shown} is no npy file")
    width = 2 if data[6] == 1 else 4
    start = 8 + width
    end = start + int.from_bytes(data[8:start], "little")
    try:
        header = ast.literal_eval(bytes(data[start:end]).decode("utf-8"))
        kind, shape = header["descr"], header["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError):
        raise GateError(f"{shown} has no proper header") from None
    if not isinstance(kind, str) or kind[:1] not in "<>|=" or not _is_shape(shape):
        raise GateError(f"{shown} holds no plain array of numbers")
    letter, size = kind[1:2], kind[2:]
    if letter not in ("f", "c", "i", "u", "b") or size not in ("1", "2", "4", "8", "16"):
        raise GateError(f"{shown} holds values of the type {visible(kind, 40)}, which are not read")
    _check_size(len(data) - end, prod(shape) * int(size), shown)
    if letter not in "fc":
        tally.count(prod(shape), 0, shown)
        return
    each = f"f{int(size) // 2}" if letter == "c" else f"f{size}"
    if each not in FLOATS:
        raise GateError(f"{shown} holds values of the type {visible(kind, 40)}, which are not read")
    # Bytes in the other order are the same numbers from the back.
    tally.add_floats(data[end:][::-1] if kind[0] == ">" else data[end:], each, shown)


def tally_safetensors(data: memoryview, shown: str, tally: Tally) -> None:
    """Count the numbers of a safetensors file. Raises GateError for one that its own reader would refuse."""
    try:
        _, tensors = safetensors_layout(data)
    except ContentError as error:
        raise GateError(f"{shown} {error}") from None
    for tensor in tensors:
        place = f"tensor {visible(tensor.name, 80)} of {shown}"
        if tensor.kind in _FLOAT_TYPES:
            tally.add_floats(data[tensor.start : tensor.end], _FLOAT_TYPES[tensor.kind], place)
        elif tensor.kind in _WHOLE_TYPES:
            tally.count(tensor.elements, 0, place)
        else:
            raise GateError(f"{place} has values of the type {tensor.kind}, which are not read")


def _is_shape(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(type(x) is int and x >= 0 for x in value)


def _check_size(found: int, stated: int, shown: str) -> None:
    if found != stated:
        raise GateError(
            f"{shown} is cut off, or longer than its header says: {found} bytes instead of {stated}"
        )
