"""The plan's steps: what happens on a node's machine, in order. Part of `mlcc.plan`."""

from __future__ import annotations

from mlcc.plan.values import MatrixValue, Text
from mlcc.record import record


@record
class Checkout:
    """Get the repository. `project` False: only the emitted scripts. `depth` 0: all history."""

    project: bool = True
    depth: int = 1
    lfs: bool = False
    submodules: bool = False


@record
class UsePython:
    """Put a Python version first on the path."""

    version: Text | MatrixValue


@record
class UseCache:
    """Keep folders between runs, named after the content of committed files."""

    id: str
    paths: tuple[str, ...]
    key_files: tuple[str, ...]


@record
class Receive:
    """Get the states of all predecessors, and the data that these writers published."""

    data: tuple[str, ...]


@record
class Execute:
    """Run the node by the emitted runtime. Only these secrets and variables reach it."""

    secrets: tuple[str, ...]
    variables: tuple[str, ...]


@record
class Undo:
    """Undo a release whose process was killed before it could do so itself. `seconds`: the most that it takes."""

    secrets: tuple[str, ...]
    variables: tuple[str, ...]
    seconds: int


@record
class Cancel:
    """End work somewhere else whose node was killed, or cancelled, before it could do so itself.

    `after_failure`: nobody will go on with it, so that it is ended whenever the node hasn't passed.
    """

    secrets: tuple[str, ...]
    variables: tuple[str, ...]
    after_failure: bool


@record
class PublishState:
    """Pass on how the node ended."""


@record
class PublishData:
    """Pass on what the node wrote."""

    retain_days: int


@record
class PublishReports:
    """Keep the files that people read."""

    retain_days: int


Step = (
    Checkout
    | UsePython
    | UseCache
    | Receive
    | Execute
    | Undo
    | Cancel
    | PublishState
    | PublishData
    | PublishReports
)
