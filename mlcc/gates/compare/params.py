"""The parameters of a `compare` gate."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlcc.gates._metrics.params import Options, Predictions
from mlcc.spec.base import Id, Model, Text


class OldData(Model):
    """Predictions of both models for the data that the champion was judged by."""

    candidate: Id = Field(description="Artifact: the candidate's predictions for the old data.")
    champion: Id = Field(description="Artifact: the champion's predictions for the old data.")


class Holdout(Model):
    """The test set that the predictions are for, and how many promotions it may decide."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("records", "first"),)
    data: Id = Field(description="Artifact: the test set. By its digest one is told from another.")
    records: Id | None = Field(
        None,
        description=(
            "Artifact: a folder with the records of the runs that promoted a model, each a lineage.jsonl of another name."
        ),
    )
    first: Literal["none"] | None = Field(
        None, description="`none`: this test set has promoted no model yet, so there is no record."
    )
    budget: int = Field(
        20,
        ge=1,
        le=1000,
        description="How many promotions it may decide; past that the gate is inconclusive.",
    )


class Compare(Predictions, Options):
    """Judges the difference between two models on the same examples.

    It passes when the one-sided lower bound of the difference lies above -margin (`superior`: above margin). Differences
    count so that above 0 is better, for losses too.
    """

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("champion", "baseline"),)
    candidate: Id = Field(description="Artifact: the candidate's predictions, one row per example.")
    champion: Id | None = Field(
        None, description="Artifact: the champion's predictions for the same examples."
    )
    baseline: Literal["majority", "prior", "mean", "median"] | None = Field(
        None,
        description=(
            "Instead of a champion, what needs no model: the most frequent class, the classes' shares as scores, "
            "the mean or the median of the labels."
        ),
    )
    key: Text | None = Field(None, description="Column that names an example, the same in both tables.")
    metric: Text = Field(description="What is compared, by scikit-learn's names.")
    margin: int | float = Field(
        0, ge=0, description="How much worse is still good enough; `superior`: how much better it must be."
    )
    test: Literal["non_inferior", "superior"] = Field(
        "non_inferior", description="What must be shown: not worse by the margin, or better by it."
    )
    alpha: int | float = Field(
        0.05,
        ge=0.0001,
        le=0.5,
        description="How often a candidate at the margin may pass: the error of the bound.",
    )
    power: int | float = Field(
        0.8,
        ge=0.5,
        le=0.9999,
        description="How surely an equal candidate shall pass: it sets the rows needed.",
    )
    min_n: int = Field(30, ge=1, description="Fewer rows are inconclusive, whatever they show.")
    rows: int | None = Field(
        None,
        ge=1,
        description="How many rows the test set has: lint then says whether they can tell the margin.",
    )
    discordance: int | float = Field(
        0.1,
        ge=0.0001,
        le=1,
        description="With `rows`: share of examples that only one of the two gets right.",
    )
    holdout: Holdout | None = Field(
        None, description="Count the promotions that the test set has decided, and hold them to a budget."
    )
    old_data: OldData | None = Field(
        None, description="When the gate fails, tell whether the model or the data made the difference."
    )


PARAMS = Compare
