"""What RESOLVE makes: a spec whose nodes state all of their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlcc.gates import GATES
from mlcc.load.source import Source
from mlcc.plan import Leg, NodeKind, Status
from mlcc.problems import Loc
from mlcc.record import field, record

if TYPE_CHECKING:
    from mlcc.spec.execution import Condition
    from mlcc.spec.models import Spec

DEFAULT_RUNNER = "default"


@record
class ResolvedNode:
    """A node of the spec with its defaults filled in. `spec` is what the spec says of it; `loc` is its place."""

    id: str
    kind: NodeKind
    spec: Any
    loc: Loc
    runner: str | None  # None: taken from the matrix
    runner_axis: str | None
    python: str | None
    python_axis: str | None
    image: str | None
    setup: tuple[str, ...]
    env: Mapping[str, Any]
    cache: Mapping[str, Any]
    checkout: Any
    working_directory: str
    timeout: str
    retry: int
    legs: tuple[Leg, ...]
    conditions: tuple[Condition, ...]
    status: Status | None

    @property
    def gate_kind(self) -> str:
        """Return the one kind that a gate has."""
        return next(name for name in GATES if getattr(self.spec, name, None) is not None)


@record
class Resolved:
    """The spec, its source, and its nodes in the order they were written (fetches first)."""

    spec: Spec
    source: Source
    nodes: Mapping[str, ResolvedNode]
    fetched_by: Mapping[str, str] = field(default_factory=dict)  # artifact -> id of its fetch or build
