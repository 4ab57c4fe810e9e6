"""The parameters of a `slices` gate."""

from __future__ import annotations

from pydantic import Field

from mlcc.gates._metrics.params import Options, Predictions
from mlcc.spec.base import Id, Text


class SliceMetric(Options):
    """What a metric must be in every slice."""

    min: int | float | None = Field(None, description="No slice may be shown to lie under it.")
    max: int | float | None = Field(None, description="No slice may be shown to lie above it.")
    max_drop: int | float | None = Field(
        None,
        ge=0,
        description="With `reference`: no slice may be shown to be worse than there by more than this.",
    )


class SliceGap(Options):
    """How far the slices may lie apart."""

    max: int | float = Field(ge=0, description="Largest difference between any two slices.")


class Slices(Predictions):
    """Judges a model slice by slice.

    It fails when the data show, corrected for how many slices and limits were tried (Holm), that one is violated.
    """

    predictions: Id = Field(description="Artifact: a table with one row per example.")
    by: list[Text | list[Text]] = Field(
        min_length=1, description="Columns whose values make the slices; a list of columns crosses them."
    )
    metrics: dict[Text, SliceMetric] = Field(
        default_factory=dict, description="Metric -> limits that hold in every slice."
    )
    gap: dict[Text, SliceGap] = Field(
        default_factory=dict,
        description="Metric -> largest gap between slices; selection_rate: demographic parity, recall: equal opportunity.",
    )
    reference: Id | None = Field(
        None,
        description=(
            "Artifact: the champion's predictions for the same examples. Where a slice misses a limit, they tell whether the "
            "model or the data made the difference."
        ),
    )
    key: Text | None = Field(
        None, description="With `reference`: column that names an example in both tables."
    )
    min_n: int = Field(200, ge=30, description="Slices with fewer rows are listed, and not judged.")
    max_slices: int = Field(
        200, ge=2, description="More slices than that are an error: it isn't what was meant."
    )
    alpha: int | float = Field(
        0.05, ge=0.0001, le=0.5, description="How often a model that keeps every limit may be failed."
    )


PARAMS = Slices
