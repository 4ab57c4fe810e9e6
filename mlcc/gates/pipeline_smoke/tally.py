"""How many numbers a file holds, and which of them are NaN or infinite."""

from __future__ import annotations

import re
from math import isfinite

from mlcc.gates._records import GateError, visible

# How a format spells a number that isn't finite: all bits of its exponent are set. Of each element (little
# endian) that is its last byte, and where that doesn't decide, some bits of the byte before it.
# Sources: IEEE 754-2019, section 3.4; bfloat16 is the upper half of float32; E4M3 and E5M2: OCP 8-bit
# floating point specification 1.0, section 5. The last number is how many bits the significand has: an infinity's
# are all 0.
FLOATS = {
    "f8": (8, re.compile(rb"[\x7f\xff]"), 0xF0, 52),
    "f4": (4, re.compile(rb"[\x7f\xff]"), 0x80, 23),
    "bf16": (2, re.compile(rb"[\x7f\xff]"), 0x80, 7),
    "f2": (2, re.compile(rb"[\x7c-\x7f\xfc-\xff]"), 0, 10),
    "f8_e4m3": (1, re.compile(rb"[\x7f\xff]"), 0, 3),
    "f8_e5m2": (1, re.compile(rb"[\x7c-\x7f\xfc-\xff]"), 0, 2),
}
_BLOCK = 1 << 20


class Tally:
    """Counts `numbers` and those that are `bad`; `place` is where the first bad one is.

    `first` and `last` are the ends of the series, where the numbers were counted one by one.
    """

    def __init__(self) -> None:
        self.numbers = 0
        self.bad = 0
        self.place = ""
        self.first: float | None = None
        self.last: float | None = None

    def add(self, value: object, place: str) -> None:
        """Count one value; whatever isn't a finite number is bad."""
        is_number = type(value) in (int, float)
        sound = is_number and isfinite(value)  # type: ignore[arg-type]  # the type is tested
        self.count(1, 0 if sound else 1, place)
        if is_number:
            self.last = float(value)  # type: ignore[arg-type]
            self.first = self.last if self.first is None else self.first

    def count(self, numbers: int, bad: int, place: str) -> None:
        """Count several values at once."""
        if bad and not self.bad:
            self.place = place
        self.numbers += numbers
        self.bad += bad

    def add_tree(self, value: object, place: str) -> None:
        """Count all numbers in a JSON value, at most 64 levels deep."""
        if isinstance(value, dict):
            for key, inner in value.items():
                self.add_tree(inner, f"{place}.{visible(key, 60)}" if place else visible(key, 60))
        elif isinstance(value, list):
            for i, inner in enumerate(value):
                self.add_tree(inner, f"{place}[{i}]")
        elif type(value) in (int, float):
            self.add(value, place)

    def add_floats(self, data: memoryview, kind: str, place: str, *, infinite: bool = False) -> None:
        """Count raw little-endian numbers of a kind of `FLOATS`; `infinite`: of them, only NaN is bad.

        Raises GateError where the last is cut off.
        """
        size, pattern, mask, bits = FLOATS[kind]
        if len(data) % size:
            raise GateError(f"{place} is cut off within a number")
        for start in range(0, len(data), _BLOCK * size):
            block = data[start : start + _BLOCK * size]
            high = bytes(block[size - 1 :: size])
            found = [match.start() for match in pattern.finditer(high)]
            if mask:
                before = bytes(block[size - 2 :: size])
                found = [i for i in found if before[i] & mask == mask]
            if infinite:
                wide = ((i, int.from_bytes(block[i * size : (i + 1) * size], "little")) for i in found)
                found = [i for i, number in wide if number & (1 << bits) - 1]
            self.count(len(high), len(found), place)
