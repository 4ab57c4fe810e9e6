"""The keys of a release: what brings artifacts that passed into an environment, and what undoes that."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlcc.spec.base import Command, Duration, Id, Model
from mlcc.spec.execution import Execution


class Rollback(Model):
    """What undoes a release that didn't pass."""

    run: Command = Field(
        description="Brings back what ran before. It may run more than once, and the last time must do no harm."
    )
    timeout: Duration = Field(default="10m", description="Of the rollback alone, after the release's own.")


class Release(Execution):
    """Brings artifacts that passed their gates into an environment: one at a time, and never for a pull request."""

    run: Command = Field(description="One bash process together with `setup`, in strict mode.")
    deploys: list[Id] = Field(
        min_length=1, description="Artifacts that it brings there: their blocking gates must have passed."
    )
    rollback: Rollback | Literal["none"] = Field(
        description="Runs where the release failed, ran out of time or was cancelled; `none`: nothing can undo it."
    )
    reads: list[Id] = Field(default_factory=list, description="Other artifacts that it consumes.")
    needs: list[Id] = Field(default_factory=list, description="Nodes that must end first (order only).")
