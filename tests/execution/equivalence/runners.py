"""The runner of each back end. A back end without one fails its tests, by name."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from tests.execution.equivalence.runner import Runner


def runner(back_end: str) -> Runner:
    """Return what runs a back end's files. Raises ModuleNotFoundError where nobody wrote one."""
    return cast(Runner, import_module(f"tests.execution.equivalence.{back_end}").RUNNER)
