"""How SQL spells names and text. The one place that quotes."""

from __future__ import annotations


def identifier(name: str) -> str:
    """Return a column's name as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Return text as SQL spells it; DuckDB has no backslash escapes between single quotes."""
    return "'" + text.replace("'", "''") + "'"


def real_literal(value: float) -> str:
    """Return a number as SQL of type DOUBLE: without an exponent it would be a decimal."""
    shown = repr(float(value))
    return shown if "e" in shown else shown + "e0"
