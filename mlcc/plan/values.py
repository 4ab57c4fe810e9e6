"""The plan's values: each reaches a command as one environment variable. Part of `mlcc.plan`."""

from __future__ import annotations

from mlcc.record import record

Scalar = str | int | float | bool


@record
class Text:
    """A literal."""

    text: str


@record
class Secret:
    """A secret of the CI system. `as_file`: the variable holds the path of a private file."""

    name: str
    as_file: bool = False


@record
class Variable:
    """A plain variable of the CI system."""

    name: str
    default: str | None = None


@record
class Input:
    """An input of the manual form, as checked by the selecting node."""

    name: str
    default: str | None = None


@record
class MatrixValue:
    """The leg's value on an axis."""

    axis: str


@record
class Output:
    """A small value that another node wrote."""

    node: str
    name: str


@record
class RunFact:
    """A fact of the run: commit, branch, event, …"""

    key: str
    default: str | None = None


Value = Text | Secret | Variable | Input | MatrixValue | Output | RunFact
