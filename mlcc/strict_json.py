"""Strict reading of JSON: what two parsers could understand differently is refused.

Standard library only: bundled into the emitted scripts.
"""

from __future__ import annotations

import json
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
        value = json.loads(
            text,
            object_pairs_hook=_json_object,
            parse_int=_json_integer,
            parse_float=_json_real if finite else float,
            parse_constant=_json_constant if finite else float,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise JsonError(f"is not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise JsonError("is nested too deeply") from None
    _check_depth(value)
    return value


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
