"""The parameters of a `pipeline_smoke` gate."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, Id, Model, Path, Text


class SmokeOutput(Model):
    """Something that the pipeline writes: it must be there, written by this run, and not empty."""

    path: Path = Field(description="A file, or a folder (ending in `/`), that `run` writes.")
    value: Text | None = Field(
        None, description="In a JSON file, where the number or the list of numbers is, as a.b."
    )
    columns: list[Text] | None = Field(
        None,
        min_length=1,
        description="In a table, the columns that hold numbers; no cell may be without one.",
    )
    decreases: bool = Field(
        False, description="true: the last number is below the first, as a training loss must be."
    )
    finite: bool = Field(
        True,
        description=(
            "No number in it is NaN or infinite. false: its numbers aren't looked at, "
            "which formats that no gate opens (such as pickles) need."
        ),
    )


class PipelineSmoke(Model):
    """Runs the whole pipeline on a sample, and looks for NaN and infinity in what it leaves."""

    run: Command = Field(
        description="The pipeline on a sample: one bash process with `setup`, in strict mode."
    )
    outputs: dict[Id, SmokeOutput] = Field(
        min_length=1, description="Id to an output: weights, losses, predictions."
    )
    reads: list[Id] = Field(
        default_factory=list, description="Artifacts that the pipeline reads, beside the guarded one."
    )


PARAMS = PipelineSmoke
