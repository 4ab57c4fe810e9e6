"""The parameters of a `feature_parity` gate."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Id, Model, Text


class Feature(Model):
    """When two values of a feature are the same. Without a tolerance: when they are written alike."""

    tolerance: int | float | None = Field(
        None, ge=0, description="Numbers may differ by this much; 0: they are compared as numbers."
    )
    relative: int | float | None = Field(
        None, ge=0, le=0.99, description="Or by this share of the larger one's size; what allows more counts."
    )


class FeatureParity(Model):
    """Joins the features that were computed offline with those that were served, row by row, and compares them.

    NaN and missing values equal only themselves.
    """

    offline: Id = Field(description="Artifact: a table with features as training sees them.")
    online: Id = Field(description="Artifact: a table with features as they were served.")
    key: list[Text] = Field(min_length=1, description="Columns that together name a row, in both tables.")
    columns: dict[Text, Feature] = Field(min_length=1, description="Feature to when two values are the same.")
    max_mismatch: int | float = Field(
        0,
        ge=0,
        le=0.99,
        description="Largest share of rows in which a feature differs, held against the upper bound.",
    )
    max_unmatched_online: int | float = Field(
        0, ge=0, le=0.99, description="Largest share of served rows that are not in the offline table."
    )
    max_unmatched_offline: int | float = Field(
        0, ge=0, le=1, description="Largest share of offline rows that were not served."
    )
    min_n: int = Field(100, ge=1, description="Fewer matched rows decide nothing.")
    confidence: int | float = Field(
        0.95, ge=0.5, le=0.9999, description="Confidence of the one-sided upper bound of a share."
    )


PARAMS = FeatureParity
