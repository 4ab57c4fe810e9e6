"""Reads the numbers of tensor files: npy and safetensors. Neither holds code, and none is run."""

from __future__ import annotations

import ast
from math import prod

from mlcc.gates._records import GateError, visible
from mlcc.gates._strict import parse_json
from mlcc.gates.pipeline_smoke.tally import FLOATS, Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST_HEADER = 100 << 20  # safetensors' own limit
_NPY_MAGIC = b"\x93NUMPY"
_SAFETENSORS = {
    **{"F64": "f8", "F32": "f4", "F16": "f2", "BF16": "bf16", "F8_E4M3": "f8_e4m3", "F8_E5M2": "f8_e5m2"},
    **{
        "I64": "8",
        "I32": "4",
        "I16": "2",
        "I8": "1",
        "U64": "8",
        "U32": "4",
        "U16": "2",
        "U8": "1",
        "BOOL": "1",
    },
}


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
    """Count the numbers of a safetensors file. Raises GateError for one that its own reader would refuse.

    Source: the format's description in the repository huggingface/safetensors.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _MOST_HEADER):
        raise GateError(f"{shown} is no safetensors file, or is cut off")
    try:
        header = parse_json(bytes(data[8 : 8 + length]).decode("utf-8"), f"the header of {shown}")
    except UnicodeDecodeError:
        raise GateError(f"{shown} has no proper header") from None
    if not isinstance(header, dict):
        raise GateError(f"{shown} has no proper header")
    tensors = [(name, _span(entry, shown)) for name, entry in header.items() if name != "__metadata__"]
    body, end = data[8 + length :], 0
    for name, (start, stop, kind) in sorted(tensors, key=lambda tensor: tensor[1][:2]):
        if start != end:
            raise GateError(f"{shown} has tensors that overlap, or a gap between them")
        end = stop
        place = f"tensor {visible(name, 80)} of {shown}"
        if kind in FLOATS:
            tally.add_floats(body[start:stop], kind, place)
        else:
            tally.count((stop - start) // int(kind), 0, place)
    _check_size(len(body), end, shown)


def _span(entry: Any, shown: str) -> tuple[int, int, str]:
    """Return a tensor's first byte, the byte after its last, and the kind of its elements."""
    sound = isinstance(entry, dict) and _is_shape(entry.get("shape")) and _is_shape(entry.get("data_offsets"))
    if not sound or len(entry["data_offsets"]) != 2 or not isinstance(entry.get("dtype"), str):
        raise GateError(f"{shown} has no proper header")
    kind = _SAFETENSORS.get(entry["dtype"])
    if kind is None:
        raise GateError(f"{shown} holds values of the type {visible(entry['dtype'], 40)}, which are not read")
    start, stop = entry["data_offsets"]
    size = FLOATS[kind][0] if kind in FLOATS else int(kind)
    _check_size(stop - start, prod(entry["shape"]) * size, shown)
    return start, stop, kind


def _is_shape(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(type(x) is int and x >= 0 for x in value)


def _check_size(found: int, stated: int, shown: str) -> None:
    if found != stated:
        raise GateError(
            f"{shown} is cut off, or longer than its header says: {found} bytes instead of {stated}"
        )
