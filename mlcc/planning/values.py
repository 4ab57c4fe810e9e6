"""Turns the spec's values into the plan's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.plan import Input, MatrixValue, Output, RunFact, Scalar, Secret, Text, Value, Variable


def text_of(value: Scalar) -> str:
    """Return a scalar as the text that a command sees: true and false in lower case, 1.0 as 1.0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def value_of(raw: Any) -> Value:
    """Return the plan's value for a literal or a typed mapping of the spec."""
    if isinstance(raw, (str, int, float, bool)):
        return Text(text_of(raw))
    default = None if raw.default is None else text_of(raw.default)
    if raw.secret is not None:
        return Secret(raw.secret, as_file=raw.as_ == "file")
    if raw.var is not None:
        return Variable(raw.var, default)
    if raw.input is not None:
        return Input(raw.input, default)
    if raw.matrix is not None:
        return MatrixValue(raw.matrix)
    if raw.context is not None:
        return RunFact(raw.context, default)
    node, _, name = raw.output.partition(".")
    return Output(node, name)


def values_of(raw: Mapping[str, Any]) -> tuple[tuple[str, Value], ...]:
    """Return named values, sorted by name so that equal specs give equal output."""
    return tuple((name, value_of(raw[name])) for name in sorted(raw))


def names(values: tuple[Value, ...], kind: type[Secret] | type[Variable]) -> tuple[str, ...]:
    """Return the sorted names of all secrets or variables among `values`."""
    return tuple(sorted({value.name for value in values if isinstance(value, kind)}))
