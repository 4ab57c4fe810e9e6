"""The parameters of a `reproduce` gate."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, Id, Model, Path, Text


class ReproducedMetrics(Model):
    """Numbers that may differ a little from run to run, such as on a GPU."""

    path: Path = Field(description="The JSON file with them, which `run` writes.")
    tolerance: dict[Text, int | float] = Field(
        min_length=1,
        description="Metric (a.b: inside an object) to the largest difference between two runs; 0: none.",
    )


class Reproduce(Model):
    """Runs a program several times with the same seed and compares what it writes.

    The outputs are put aside before the first run and are back, byte for byte, after the last one.
    """

    run: Command = Field(description="The program: one bash process with `setup`, in strict mode.")
    outputs: list[Path] = Field(
        min_length=1,
        description="What `run` writes: files, and folders (ending in `/`). Each run finds none of them.",
    )
    metrics: ReproducedMetrics | None = Field(
        None, description="Compare these numbers instead of the outputs' bytes."
    )
    runs: int = Field(2, ge=2, le=10, description="How often the program runs.")
    seed: int = Field(17, ge=0, le=4_294_967_295, description="Arrives as MLCC_SEED; PYTHONHASHSEED is 0.")
    lock: Path | None = Field(None, description="Lock file of the packages, which no run may change.")
    reads: list[Id] = Field(
        default_factory=list, description="Artifacts that the program reads, beside the guarded one."
    )


PARAMS = Reproduce
