"""The parameters of a `tests` gate."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, Model, Path


class Coverage(Model):
    """How much of the code the tests run."""

    path: Path = Field(description="The Cobertura report (coverage.xml) that `run` writes.")
    min: int | float = Field(ge=0, le=1, description="Least share of lines that the tests must run.")


class Tests(Model):
    """Runs a test command and judges its reports. Old reports are removed first."""

    run: Command = Field(description="The test command: one bash process with `setup`, in strict mode.")
    junit: Path | None = Field(
        None, description="The JUnit report that `run` writes. Without it only the exit code is judged."
    )
    min_passed: int | None = Field(
        None, ge=1, description="How many tests must pass at least; 1 where `junit` is given."
    )
    coverage: Coverage | None = Field(None, description="How much of the code the tests must run.")


PARAMS = Tests
