"""safetensors files: a JSON header that says where each tensor lies, and nothing else.

The format and its rules (no overlap, no hole, nothing behind the last tensor) are those of
https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

from mlcc.gates._models.content import ContentError
from mlcc.gates._records import GateError, visible
from mlcc.gates._strict import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST_HEADER = 16 << 20
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64, "F4": 4,
    "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


class Tensor:
    """A tensor: its name, its type as the format spells it, its number of elements, and its bytes [start, end)."""

    def __init__(self, name: str, kind: str, elements: int, start: int, end: int) -> None:
        self.name = name
        self.kind = kind
        self.elements = elements
        self.start = start
        self.end = end


def safetensors_layout(data: Any) -> tuple[dict[str, str], list[Tensor]]:
    """Return the metadata of a safetensors file, and its tensors as they lie in it: at least one.

    `data` is the file: bytes, a mapped file or a view of one. Raises ContentError for what the format forbids.
    """
    header, body = _described(data)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ContentError("has safetensors metadata that aren't texts")
    tensors = [_tensor_of(name, entry, body) for name, entry in header.items()]
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end, tensor.name))
    _check_layout(tensors, body, len(data))
    return metadata, tensors


def _described(data: Any) -> tuple[dict[str, Any], int]:
    """Return the header, and where the tensors' bytes begin."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 10 or not 2 <= length <= len(data) - 8:
        raise ContentError("is no safetensors file, or cut off: its header is longer than the file")
    if length > _MOST_HEADER:
        raise ContentError(f"has a header of over {_MOST_HEADER} bytes")
    text = bytes(data[8 : 8 + length])
    if not text.startswith(b"{"):
        raise ContentError("is no safetensors file: its header is no JSON object")
    try:
        header = parse_json(text.decode("utf-8"), "its header")
    except (GateError, UnicodeDecodeError) as error:
        why = "it isn't UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise ContentError(f"has no proper safetensors header: {why}") from None
    assert isinstance(header, dict)
    return header, 8 + length


def _check_layout(tensors: list[Tensor], start: int, end: int) -> None:
    """Refuse tensors, in the order of their places, that overlap, leave holes, or don't fill [start, end)."""
    if not tensors:
        raise ContentError("holds no tensor")
    for tensor in tensors:
        if tensor.start != start:
            raise ContentError(
                f"has the tensor {visible(tensor.name, 80)} that overlaps another, or a hole before it"
            )
        start = tensor.end
    if start != end:
        raise ContentError("is cut off, or has bytes behind its last tensor")


def _tensor_of(name: str, entry: Any, body: int) -> Tensor:
    keys = {"dtype", "shape", "data_offsets"}
    shown = f"has the tensor {visible(name, 80)}"
    known = isinstance(entry, dict) and set(entry) == keys and isinstance(entry["dtype"], str)
    if not known or entry["dtype"] not in _BITS:
        raise ContentError(f"{shown} without a known type, shape or place")
    shape, offsets = entry["shape"], entry["data_offsets"]
    sound = isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2
    if not sound or not all(type(number) is int and number >= 0 for number in (*shape, *offsets)):
        raise ContentError(f"{shown} without a proper shape or place")
    elements, width = 1, _BITS[entry["dtype"]]
    for dimension in shape:
        elements *= dimension
        if elements * width > 1 << 63:
            raise ContentError(f"{shown} with an impossible shape")
    if elements * width % 8 or offsets[1] - offsets[0] != elements * width // 8:
        raise ContentError(f"{shown} whose data isn't as long as its shape says")
    return Tensor(name, entry["dtype"], elements, body + offsets[0], body + offsets[1])
