"""The parameters of an `evaluate` gate."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlcc.gates._metrics.params import Options, Predictions
from mlcc.spec.base import Id, Model, Text


class Metric(Options):
    """A floor, a ceiling, or both, for one metric."""

    min: int | float | None = Field(None, description="The lower confidence bound must reach it.")
    max: int | float | None = Field(None, description="The upper confidence bound must not exceed it.")
    metric: Text | None = Field(
        None, description="With `predictions`: which metric it is, where the key is a name of your own."
    )
    value: Text | None = Field(
        None, description="With `metrics_from`: where the value is, as a.b; by default the metric's own name."
    )
    stderr: Text | None = Field(None, description="With `metrics_from`: where its standard error is, as a.c.")
    n: Text | None = Field(None, description="With `metrics_from`: where the number of rows behind it is.")
    mean: Text | None = Field(
        None, description="With `predictions`: the metric is this column's mean, such as a judge's score."
    )


class Overfit(Model):
    """How much better a model may be on the data that it was trained on."""

    train: Id = Field(description="Artifact: predictions for the training data, with the same columns.")
    max_gap: dict[Text, int | float] = Field(
        min_length=1,
        description="Metric -> how much better than on `predictions`; the upper bound of the gap is held to it.",
    )


class Evaluate(Predictions):
    """Judges numbers that a job wrote, or computes them from predictions.

    A floor passes when the one-sided lower confidence bound reaches it, fails when the estimate itself is
    under it, and is inconclusive between the two.
    """

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("metrics_from", "predictions"),)
    metrics_from: Id | None = Field(None, description="Artifact: a JSON file with the numbers.")
    predictions: Id | None = Field(None, description="Artifact: a table with one row per example.")
    champion: Id | None = Field(
        None,
        description=(
            "Artifact: the champion's predictions, or numbers, for the same data. Where a limit is missed, they tell whether "
            "the model or the data made the difference; they decide nothing."
        ),
    )
    metrics: dict[Text, Metric] = Field(
        min_length=1,
        description=(
            "By scikit-learn's names, such as roc_auc, f1_macro, log_loss, r2, ndcg (docs/gates.md lists them); or any "
            "name with `mean` or `metric`; or, with `metrics_from`, whatever the file has."
        ),
    )
    overfit: Overfit | None = Field(
        None, description="Also hold the gap between training and test values to a ceiling."
    )
    min_n: int | None = Field(
        None, ge=1, description="Fewer rows are inconclusive. 30 with `predictions`, if not given."
    )
    confidence: int | float = Field(
        0.95, ge=0.5, le=0.9999, description="Confidence of each one-sided bound."
    )


PARAMS = Evaluate
