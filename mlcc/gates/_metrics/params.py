"""What the gates that judge predictions have in common: which column is what, and a metric's options."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlcc.spec.base import Model, Text


class Predictions(Model):
    """The columns of a table of predictions."""

    AT_MOST_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("score", "prediction", "scores"),)
    label: Text | None = Field(
        None, description="Column with the truth: 0 or 1, or a number, a class, or a document's relevance."
    )
    score: Text | None = Field(None, description="Column with the score of class 1, or of a document.")
    scores: dict[Text, Text] | None = Field(
        None, min_length=2, description="For several classes: class -> column with its probability."
    )
    prediction: Text | None = Field(None, description="Column with the predicted class or number.")
    threshold: int | float = Field(0.5, description="Scores from here on are predicted to be class 1.")
    query: Text | None = Field(None, description="For rankings: column that groups a query's documents.")
    series: Text | None = Field(None, description="For scaled errors: column that names a row's series.")
    time: Text | None = Field(None, description="With `series`: column with the time, as a number.")
    lower: Text | None = Field(None, description="For predicted ranges: column with the lower end.")
    upper: Text | None = Field(None, description="For predicted ranges: column with the upper end.")
    cluster_key: Text | None = Field(
        None,
        description="Column whose equal values mark rows that aren't independent, such as those of one user.",
    )


class Options(Model):
    """What some metrics take."""

    k: int | None = Field(
        None, ge=1, description="How many places count: top_k_accuracy, ndcg, precision_at_k, recall_at_k."
    )
    quantile: int | float | None = Field(
        None,
        ge=0.001,
        le=0.999,
        description="The quantile that mean_pinball_loss is about (scikit-learn's alpha).",
    )
    bins: int | None = Field(
        None, ge=2, le=1000, description="Bins of expected_calibration_error, of equal width."
    )
