"""The parameters of a `feature_value` gate."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlcc.gates._metrics.params import Options, Predictions
from mlcc.spec.base import Id, Model, Text


class Cost(Model):
    """What computing a feature may take."""

    from_: Id = Field(
        alias="from", description="Artifact: a JSON file with the milliseconds of each feature, by its name."
    )
    max_ms: int | float = Field(ge=0, description="Most milliseconds that a feature may take.")


class FeatureValue(Predictions, Options):
    """Judges what a model loses without a feature (drop-column importance), on the same examples.

    It passes when the lower bound of the gain reaches `min_gain`, fails when the gain itself is under it, and is
    inconclusive between the two.
    """

    AT_MOST_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("score", "prediction"),)
    predictions: Id = Field(description="Artifact: a table with one row per example.")
    without: dict[Text, Text] = Field(
        min_length=1,
        description="Feature -> column with what the model that was trained without it predicts, as `score` or `prediction`.",
    )
    metric: Text = Field(description="What the gain is measured by, by scikit-learn's names.")
    min_gain: int | float = Field(0, ge=0, description="How much better the model must be with the feature.")
    confidence: int | float = Field(
        0.95, ge=0.5, le=0.9999, description="Confidence of each one-sided bound."
    )
    min_n: int = Field(30, ge=1, description="Fewer rows are inconclusive.")
    cost: Cost | None = Field(None, description="Also hold the cost of each feature to a ceiling.")


PARAMS = FeatureValue
