"""safetensors files: a JSON header that says where each tensor lies, and nothing else.

The format and its rules (no overlap, no hole, nothing behind the last tensor) are those of
https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH123, PTH202
import os

from mlcc.gates._records import GateError, visible
from mlcc.gates._strict import parse_json
from mlcc.gates.artifact.content import ContentError, Contents, counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST_HEADER = 16 << 20
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64, "F4": 4,
    "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def read_safetensors(path: str) -> Contents:
    """Return what a safetensors file says of itself. Raises ContentError."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 10 or not 2 <= length <= size - 8:
            raise ContentError("is no safetensors file, or cut off: its header is longer than the file")
        if length > _MOST_HEADER:
            raise ContentError(f"has a header of over {_MOST_HEADER} bytes")
        text = file.read(length)
    if not text.startswith(b"{"):
        raise ContentError("is no safetensors file: its header is no JSON object")
    try:
        header = parse_json(text.decode("utf-8"), "its header")
    except (GateError, UnicodeDecodeError) as error:
        why = "it isn't UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise ContentError(f"has no proper safetensors header: {why}") from None
    assert isinstance(header, dict)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ContentError("has safetensors metadata that aren't texts")
    _check_layout(header, size - 8 - length)
    return Contents(f"safetensors with {counted(len(header), 'tensor')}", metadata)


def _check_layout(tensors: dict[str, Any], size: int) -> None:
    """Refuse tensors that overlap, leave holes, or don't fill `size` bytes as their shapes say."""
    if not tensors:
        raise ContentError("holds no tensor")
    spans = sorted((*_span(name, tensor), name) for name, tensor in tensors.items())
    end = 0
    for first, last, name in spans:
        if first != end:
            raise ContentError(
                f"has the tensor {visible(name, 80)} that overlaps another, or a hole before it"
            )
        end = last
    if end != size:
        raise ContentError("is cut off, or has bytes behind its last tensor")


def _span(name: str, tensor: Any) -> tuple[int, int]:
    keys = {"dtype", "shape", "data_offsets"}
    if not isinstance(tensor, dict) or set(tensor) != keys or tensor["dtype"] not in _BITS:
        raise ContentError(f"has the tensor {visible(name, 80)} without a known type, shape or place")
    shape, offsets = tensor["shape"], tensor["data_offsets"]
    sound = isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2
    if not sound or not all(type(number) is int and number >= 0 for number in (*shape, *offsets)):
        raise ContentError(f"has the tensor {visible(name, 80)} without a proper shape or place")
    bits = _BITS[tensor["dtype"]]
    for dimension in shape:
        bits *= dimension
        if bits > 1 << 63:
            raise ContentError(f"has the tensor {visible(name, 80)} with an impossible shape")
    if bits % 8 or offsets[1] - offsets[0] != bits // 8:
        raise ContentError(f"has the tensor {visible(name, 80)} whose data isn't as long as its shape says")
    return offsets[0], offsets[1]
