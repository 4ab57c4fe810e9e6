"""Specs as text, put through the real passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.load.extends import merge
from mlcc.load.instances import Expansion
from mlcc.load.source import read
from mlcc.plan import Plan
from mlcc.planning.planner import plan
from mlcc.resolving.resolve import resolve
from mlcc.spec.validate import validate

HEAD = "version: 1\nname: p\ntriggers: {push: {branches: [main]}}\n"
"""Three lines, so that what follows begins at line 4."""


def plan_of(
    text: str,
    *,
    home: str = "",
    spec_files: tuple[str, ...] = ("mlcc.yaml",),
    compiled_files: tuple[str, ...] = (".github/workflows/p.yml",),
    committed: Callable[[tuple[str, ...]], set[str]] | None = None,
) -> Plan:
    """Return the plan of a spec. Raises SpecError."""
    source = Expansion(merge(read(text.encode(), "mlcc.yaml"), Path.cwd()), Path.cwd()).of("")
    resolved = resolve(validate(source), source)
    return plan(
        resolved, home=home, spec_files=spec_files, compiled_files=compiled_files, committed=committed
    )


def diagnose(
    text: str, committed: Callable[[tuple[str, ...]], set[str]] | None = None
) -> tuple[Diagnostic, ...]:
    """Return what the passes find wrong with a spec."""
    try:
        plan_of(text, committed=committed)
    except SpecError as problem:
        return tuple(problem.diagnostics)
    return ()


def place(found: Diagnostic) -> str:
    """Return the start of a diagnostic as LINE:COLUMN."""
    assert found.span is not None
    return f"{found.span.line}:{found.span.column}"


def related(found: Diagnostic) -> list[tuple[str, str]]:
    """Return the other ends of a diagnostic as (LINE:COLUMN, message)."""
    return [(f"{other.span.line}:{other.span.column}", other.message) for other in found.related]
