"""The parameters of an `evaluate` gate."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlcc.spec.base import Id, Model, Text


class Metric(Model):
    """A floor, a ceiling, or both, for one metric."""

    min: int | float | None = Field(None, description="The lower confidence bound must reach it.")
    max: int | float | None = Field(None, description="The upper confidence bound must not exceed it.")
    value: Text | None = Field(
        None, description="With `metrics_from`: where the value is, as a.b; by default the metric's own name."
    )
    stderr: Text | None = Field(None, description="With `metrics_from`: where its standard error is, as a.c.")
    n: Text | None = Field(None, description="With `metrics_from`: where the number of rows behind it is.")
    mean: Text | None = Field(
        None, description="With `predictions`: the metric is this column's mean, such as a judge's score."
    )


class Evaluate(Model):
    """Judges numbers that a job wrote, or computes them from predictions.

    A floor passes when the one-sided lower confidence bound reaches it, fails when the estimate itself is
    under it, and is inconclusive between the two.
    """

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("metrics_from", "predictions"),)
    AT_MOST_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("score", "prediction"),)
    metrics_from: Id | None = Field(None, description="Artifact: a JSON file with the numbers.")
    predictions: Id | None = Field(None, description="Artifact: a table with one row per example.")
    label: Text | None = Field(None, description="Column with the truth: 0 or 1, or a number, or a class.")
    score: Text | None = Field(None, description="Column with the score of class 1.")
    prediction: Text | None = Field(None, description="Column with the predicted class or number.")
    threshold: int | float = Field(0.5, description="Scores from here on are predicted to be class 1.")
    metrics: dict[Text, Metric] = Field(
        min_length=1,
        description=(
            "By name: roc_auc, accuracy, balanced_accuracy, precision, recall, f1, log_loss, brier_score, "
            "mean_absolute_error, mean_squared_error, root_mean_squared_error, r2; or any name with `mean`; "
            "or, with `metrics_from`, whatever the file has."
        ),
    )
    min_n: int | None = Field(
        None, ge=1, description="Fewer rows are inconclusive. 30 with `predictions`, if not given."
    )
    confidence: int | float = Field(
        0.95, ge=0.5, le=0.9999, description="Confidence of each one-sided bound."
    )


PARAMS = Evaluate
