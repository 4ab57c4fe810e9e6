"""The plan's steps: what happens on a node's machine, in order. Part of `mlcc.plan`."""

from __future__ import annotations

from dataclasses import dataclass

from mlcc.plan_values import MatrixValue, Text


@dataclass(frozen=True, slots=True)
class Checkout:
    """Get the repository. `project` False: only the emitted scripts. `depth` 0: all history."""

    project: bool = True
    depth: int = 1
    lfs: bool = False
    submodules: bool = False


@dataclass(frozen=True, slots=True)
class UsePython:
    """Put a Python version first on the path."""

    version: Text | MatrixValue


@dataclass(frozen=True, slots=True)
class UseCache:
    """Keep folders between runs, named after the content of committed files."""

    id: str
    paths: tuple[str, ...]
    key_files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receive:
    """Get the states of all predecessors, and the data that these writers published."""

    data: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Execute:
    """Run the node by the emitted runtime. Only these secrets and variables reach it."""

    secrets: tuple[str, ...]
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublishState:
    """Pass on how the node ended."""


@dataclass(frozen=True, slots=True)
class PublishData:
    """Pass on what the node wrote."""

    retain_days: int


@dataclass(frozen=True, slots=True)
class PublishReports:
    """Keep the files that people read."""

    retain_days: int


Step = Checkout | UsePython | UseCache | Receive | Execute | PublishState | PublishData | PublishReports
