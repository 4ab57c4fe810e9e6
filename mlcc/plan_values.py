"""The plan's values: each reaches a command as one environment variable. Part of `mlcc.plan`."""

from __future__ import annotations

from dataclasses import dataclass

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Text:
    """A literal."""

    text: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of the CI system. `as_file`: the variable holds the path of a private file."""

    name: str
    as_file: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A plain variable of the CI system."""

    name: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the manual form, as checked by the selecting node."""

    name: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class MatrixValue:
    """The leg's value on an axis."""

    axis: str


@dataclass(frozen=True, slots=True)
class Output:
    """A small value that another node wrote."""

    node: str
    name: str


@dataclass(frozen=True, slots=True)
class RunFact:
    """A fact of the run: commit, branch, event, …"""

    key: str
    default: str | None = None


Value = Text | Secret | Variable | Input | MatrixValue | Output | RunFact
