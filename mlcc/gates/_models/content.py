"""What all readers of model files raise."""

from __future__ import annotations


class ContentError(Exception):
    """A file isn't what it must be. The message goes on after the file's name: "model.onnx is cut off"."""
