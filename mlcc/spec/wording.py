"""Shapes and values in words, for diagnostics and for the reference pages."""

from __future__ import annotations

from collections.abc import Sequence

from mlcc.spec.shapes import Choice, DictOf, Either, Fields, Flag, Int, ListOf, Number, Shape, Str

_NOUNS = {
    "check_id": ("an id", "ids"),
    "check_env_name": ("a variable name", "variable names"),
    "check_secret_name": ("a secret or variable name", "names"),
    "check_output_name": ("an output (JOB.NAME)", "outputs (JOB.NAME)"),
    "check_python_version": ("a Python version", "Python versions"),
    "check_requirement": ("a requirement", "requirements"),
    "check_date": ("a date", "dates"),
    "check_table": ("a table (ENGINE://SCHEMA.TABLE)", "tables"),
    "check_uri": ("an address (s3://BUCKET/PATH)", "addresses"),
    "check_duration": ("a duration", "durations"),
    "check_latency": ("a latency", "latencies"),
    "check_factor": ("a factor", "factors"),
    "check_size": ("a size", "sizes"),
    "check_path": ("a path or pattern", "paths or patterns"),
    "check_plain_path": ("a path", "paths"),
    "check_source": ("a path or pattern", "paths or patterns"),
    "check_cron": ("five cron fields", "cron lines"),
    "check_command": ("a command", "commands"),
    "check_version": ("the number 1", "numbers"),
}
CODES = {
    "check_id": "bad-id",
    "check_env_name": "bad-name",
    "check_secret_name": "bad-name",
    "check_output_name": "bad-name",
    "check_date": "bad-date",
    "check_duration": "bad-duration",
    "check_latency": "bad-duration",
    "check_path": "bad-path",
    "check_plain_path": "bad-path",
    "check_source": "bad-path",
    "check_cron": "bad-cron",
    "check_command": "bad-command",
    "check_version": "unsupported-version",
}
"""Check of a single value -> code of the diagnostic when it fails; any other gives `bad-value`."""
_LONG_LIST = 6


def describe(shape: Shape, *, plural: bool = False) -> str:
    """Return what a value of this shape is called: 'a list of ids'."""
    match shape:
        case Str() | Int() if shape.check is not None and shape.check.__name__ in _NOUNS:
            return _NOUNS[shape.check.__name__][plural]
        case Str():
            return "texts" if plural else "text"
        case Number():
            return "numbers" if plural else "a number"
        case Int():
            return "whole numbers" if plural else "a whole number"
        case Flag():
            return "true or false"
        case Choice():
            return alternatives([f"'{word}'" for word in shape.words])
        case ListOf():
            return f"{'lists' if plural else 'a list'} of {describe(shape.item, plural=True)}"
        case DictOf():
            return "mappings" if plural else "a mapping"
        case Either():
            return alternatives([describe(inner, plural=plural) for inner in shape.shapes])
        case Fields():
            return "mappings" if plural else "a mapping" + _keys_in_words(shape)
    return "anything"


def _keys_in_words(shape: Fields) -> str:
    if shape.exactly_one and len(shape.exactly_one[0]) <= _LONG_LIST:
        return f" with one of {', '.join(shape.exactly_one[0])}"
    return f" with {', '.join(shape.keys)}" if len(shape.keys) <= _LONG_LIST else ""


def alternatives(words: Sequence[str]) -> str:
    """Return 'a, b or c'."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def found(value: object) -> str:
    """Return what a plain value is: 'a string', 'the number 3'."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "a mapping"
