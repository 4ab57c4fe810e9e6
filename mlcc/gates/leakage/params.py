"""The parameters of a `leakage` gate."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlcc.spec.base import Id, Model, Text


class Split(Model):
    """One table with a column that tells training rows from test rows."""

    column: Text = Field(description="The column.")
    train: Text = Field(description="Its value in training rows.")
    test: Text = Field(description="Its value in test rows.")


class Leakage(Model):
    """Training and test rows share nothing that they mustn't, and no single feature gives the label away.

    At least one of `key`, `features`, `group` and `time` is given.
    """

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("train", "split"),)
    train: Id | None = Field(None, description="Artifact: the table of training rows; `test` goes with it.")
    test: Id | None = Field(None, description="Artifact: the table of test rows, by default the guarded one.")
    split: Split | None = Field(None, description="Both kinds of rows in the guarded table.")
    key: list[Text] | None = Field(
        None, min_length=1, description="Columns that tell rows apart: no test row's may occur in training."
    )
    features: list[Text] | None = Field(
        None,
        min_length=1,
        description="Feature columns: no test row may have the same in all of them as a training row.",
    )
    max_shared: int | float = Field(
        0, ge=0, le=1, description="Largest share of test rows whose `features` occur in training."
    )
    group: Text | None = Field(
        None, description="Column of a group, such as a patient: none may be on both sides."
    )
    time: Text | None = Field(
        None, description="Column of a time or number: every test row comes after every training row."
    )
    label: Text | None = Field(
        None, description="Column of the label (two classes, or a number): no single feature may tell it."
    )
    max_single_feature_auc: int | float = Field(
        0.98,
        ge=0.5,
        le=1,
        description="Largest area under the ROC curve of one feature, or of its being empty.",
    )
    max_single_feature_correlation: int | float = Field(
        0.98, ge=0, le=1, description="Largest rank correlation of one feature with a label that is a number."
    )


PARAMS = Leakage
