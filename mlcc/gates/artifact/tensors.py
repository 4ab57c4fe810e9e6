"""What a safetensors file says of itself."""

from __future__ import annotations

# ruff: noqa: PTH123
import mmap

from mlcc.gates._models.safetensors import safetensors_layout
from mlcc.gates._records import counted
from mlcc.gates.artifact.content import Contents


def read_safetensors(path: str) -> Contents:
    """Return what a safetensors file says of itself. Raises ContentError."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        metadata, tensors = safetensors_layout(data)
    return Contents(f"safetensors with {counted(len(tensors), 'tensor')}", metadata)
