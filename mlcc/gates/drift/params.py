"""The parameters of a `drift` gate."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlcc.spec.base import Id, Model, Text


class DriftColumn(Model):
    """How far a column may have moved, by one measure; without one, psi 0.2 for numbers, l_infinity 0.1 for categories.

    Empty cells and NaN are cells of the distribution, like any bin or category.
    """

    AT_MOST_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("psi", "jensen_shannon", "l_infinity", "ks", "wasserstein", "chi_square"),
    )
    name: Text | None = Field(None, description="Its name in the table, where that isn't its key.")
    psi: int | float | None = Field(None, ge=0.0001, description="Largest population stability index.")
    jensen_shannon: int | float | None = Field(
        None, ge=0.0001, le=0.9999, description="Largest Jensen-Shannon distance, to base 2: from 0 to 1."
    )
    l_infinity: int | float | None = Field(
        None, ge=0.0001, le=0.9999, description="Largest difference of a bin's or category's share."
    )
    ks: int | float | None = Field(
        None,
        ge=0.0001,
        le=0.9999,
        description="Numbers: largest distance of the distribution functions, at the bins' edges.",
    )
    wasserstein: int | float | None = Field(
        None,
        ge=0.0001,
        description="Numbers: largest mean way that values moved, in the reference's standard deviations.",
    )
    chi_square: int | float | None = Field(
        None,
        ge=0.0001,
        le=0.9999,
        description="Largest Cramér's V of the chi-square test, as if both had as many rows.",
    )
    missing: int | float | None = Field(
        None,
        ge=0.0001,
        le=0.9999,
        description="Largest change of the share of empty cells, or of NaN. 0.1 with ks and wasserstein, if not given.",
    )


class Drift(Model):
    """Columns whose distribution keeps to that of a reference: features, labels, predictions."""

    reference: Id = Field(
        description="Artifact: a profile that `mlcc profile` wrote (.json), or a table to be profiled."
    )
    current: Id | None = Field(
        None, description="Artifact: the table that is judged, where it isn't the guarded one."
    )
    columns: dict[Text, DriftColumn] = Field(
        min_length=1,
        description="Key to how far it may have moved. The key is the column's name, unless it has a `name`.",
    )
    min_n: int = Field(100, ge=1, description="Fewer rows, of either, are inconclusive.")
    confidence: int | float = Field(
        0.999,
        ge=0.9,
        le=0.999999,
        description="How surely the gate stays open without drift, over all of its columns together.",
    )


PARAMS = Drift
