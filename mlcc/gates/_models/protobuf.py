"""Walks protobuf messages in a file without decoding them: only what is asked for is read.

The wire format is https://protobuf.dev/programming-guides/encoding. Sizes are checked against the message
around them, so a file can't make a reader allocate more than it holds.
"""

from __future__ import annotations

from mlcc.gates._models.content import ContentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MOST_FIELDS = 4_000_000
_FIXED = {1: 8, 5: 4}
_MOST_TEXT = 1 << 20


class Message:
    """A message: the part [start, end) of `data` (bytes, or a mapped file). Parts share one count of fields."""

    def __init__(self, data: Any, start: int, end: int, count: list[int] | None = None) -> None:
        self.data = data
        self.start = start
        self.end = end
        self.count = [0] if count is None else count

    def fields(self) -> Iterator[tuple[int, int | Message]]:
        """Yield (field number, value): an integer, or the part of the file that holds anything else.

        Raises ContentError for what is no protobuf.
        """
        place = self.start
        while place < self.end:
            self.count[0] += 1
            if self.count[0] > MOST_FIELDS:
                raise ContentError(f"has over {MOST_FIELDS} protobuf fields")
            tag, place = self._varint(place)
            number, wire = tag >> 3, tag & 7
            if not 0 < number < 1 << 29:
                raise ContentError(f"is no protobuf: a field has no proper number at byte {place}")
            if wire == 0:
                value, place = self._varint(place)
                yield number, value
                continue
            if wire == 2:
                size, place = self._varint(place)
            elif wire in _FIXED:
                size = _FIXED[wire]
            else:
                raise ContentError(f"is no protobuf: a field has no known type at byte {place}")
            if size > self.end - place:
                raise ContentError(
                    f"is cut off, or no protobuf: a field at byte {place} is longer than the rest"
                )
            yield number, Message(self.data, place, place + size, self.count)
            place += size

    def integers(self) -> list[int]:
        """Return the integers of a packed field."""
        place, found = self.start, []
        while place < self.end:
            self.count[0] += 1
            value, place = self._varint(place)
            found.append(value)
        return found

    def text(self) -> str:
        """Return a text field."""
        if self.end - self.start > _MOST_TEXT:
            raise ContentError("has a name or text that is over a megabyte long")
        try:
            return bytes(self.data[self.start : self.end]).decode("utf-8")
        except UnicodeDecodeError:
            raise ContentError("has a name or text that isn't UTF-8") from None

    def view(self) -> memoryview:
        """Return the bytes of a field, without a copy."""
        return memoryview(self.data)[self.start : self.end]

    def __len__(self) -> int:
        return self.end - self.start

    def _varint(self, place: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if place >= self.end:
                raise ContentError("is cut off, or no protobuf: it ends inside a number")
            byte = self.data[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & (1 << 64) - 1, place
        raise ContentError(f"is no protobuf: a number has over ten bytes at byte {place}")


def part(value: int | Message) -> Message:
    """Return a value that must be a message, a text or bytes. Raises ContentError."""
    if isinstance(value, int):
        raise ContentError("is no ONNX model: a field has another type than the format says")
    return value


def integer(value: int | Message) -> int:
    """Return a value that must be an integer, with its sign. Raises ContentError."""
    if not isinstance(value, int):
        raise ContentError("is no ONNX model: a field has another type than the format says")
    return value - (1 << 64) if value >> 63 else value


def integers(value: int | Message) -> list[int]:
    """Return a repeated integer field, packed or one by one, with signs."""
    found = [value] if isinstance(value, int) else value.integers()
    return [integer(number) for number in found]
