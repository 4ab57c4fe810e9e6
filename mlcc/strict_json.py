"""Strict reading of JSON: what two parsers could understand differently is refused.

Standard library only: bundled into the emitted scripts.
"""

from __future__ import annotations

from math import isfinite

MAX_DEPTH = 64
_MAX_DIGITS = 40
_MAX_INTEGER_DIGITS = 19
_MOST_SHOWN = 80  # letters of a key in a message


class JsonError(Exception):
    """Text that isn't strict JSON. The message goes on from the name of its source: "is not JSON: …"."""


def strict_json(text: str, *, finite: bool = True) -> object:
    """Return the value of JSON text. `finite`: NaN and infinity are refused too, rather than returned.

    Raises JsonError for a duplicate key, NaN, Infinity, a number that overflows or has over 40 digits (an integer: over
    19), and nesting deeper than 64. The message may hold letters of the text.
    """
    try:
        value = _scanned(text, _Hooks(finite))
    except ValueError as error:
        place = f"line {error.lineno}, column {error.colno}"  # type: ignore[attr-defined]  # a JSONDecodeError
        raise JsonError(f"is not JSON: {error.msg} at {place}") from None  # type: ignore[attr-defined]
    except RecursionError:
        raise JsonError("is nested too deeply") from None
    _check_depth(value)
    return value


class _Hooks:
    """What becomes of the parts of JSON text, by the names that `json.loads` has for them."""

    # What the scanner asks of a decoder besides.
    strict = True
    object_hook = None
    array_hook = None

    def __init__(self, finite: bool) -> None:
        self.object_pairs_hook = _json_object
        self.parse_int = _json_integer
        self.parse_float = _json_real if finite else float
        self.parse_constant = _json_constant if finite else float


def _scanned(text: str, hooks: _Hooks) -> object:
    """Return what `json.loads` does. Raises its JSONDecodeError.

    Its scanner, which is C, is asked first, without the modules around it: they import re, which would take longer than
    all else that a small gate does. Where that is no whole value, or no such scanner, json.loads itself decides and
    finds the words.
    """
    whole = text.strip(" \t\n\r")
    try:
        from _json import make_scanner

        value, end = make_scanner(hooks)(whole, 0)  # type: ignore[arg-type]  # it only reads attributes
        if end == len(whole):
            return value
    except (ImportError, AttributeError, TypeError, StopIteration, ValueError):
        pass
    import json

    return json.loads(text, **vars(hooks))


def _json_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        shown = twice if len(twice) <= _MOST_SHOWN else twice[:_MOST_SHOWN] + "…"
        raise JsonError(f"is not strict JSON: the key {shown} occurs twice")
    return found


def _json_integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_INTEGER_DIGITS:
        raise JsonError(f"is not strict JSON: an integer has over {_MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _json_real(digits: str) -> float:
    value = float(digits) if len(digits) <= _MAX_DIGITS else float("nan")
    if not isfinite(value):
        raise JsonError("is not strict JSON: a number is too large or has too many digits")
    return value


def _json_constant(name: str) -> object:
    raise JsonError(f"is not strict JSON: {name} is no JSON number")


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise JsonError(f"is nested deeper than {MAX_DEPTH} levels")
