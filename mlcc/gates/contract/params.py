"""The parameters of a `contract` gate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlcc.spec.base import Command, Duration, Id, Model, Scalar, Text


class Column(Model):
    """What a column must be. Every number of violations above the allowed one fails the gate."""

    name: Text | None = Field(
        None,
        description="Its name in the table, where that isn't its key: `unique`, `checks` and verdicts use the key.",
    )
    type: Literal["string", "integer", "number", "boolean", "date", "timestamp"] = Field(
        description="What its values are; a table that stores another type fails."
    )
    required: bool = Field(True, description="false: the column may be missing altogether.")
    max_nulls: int | float = Field(
        0, ge=0, le=1, description="Largest share of rows without a value; NaN counts as no value."
    )
    min: int | float | str | None = Field(
        None, description="Least value: a number, or an ISO date or timestamp. NaN is outside every range."
    )
    max: int | float | str | None = Field(None, description="Largest value, as for `min`.")
    values: list[Scalar] | None = Field(None, min_length=1, description="The only values allowed.")
    pattern: Text | None = Field(
        None, description="RE2 regular expression that the whole of each value must match."
    )
    unique: bool = Field(False, description="true: no value occurs twice.")
    max_length: int | None = Field(None, ge=1, description="Most characters in a string.")
    max_mixed: int | float | None = Field(
        None,
        ge=0,
        le=1,
        description="Of a string: largest share of rows whose value is of another sort (number, date, text) than most.",
    )


class Rows(Model):
    """How many rows."""

    min: int = Field(1, ge=1, description="An empty table never passes.")
    max: int | None = Field(None, ge=1, description="More rows fail.")


class Freshness(Model):
    """How old the newest row may be. The only check that reads the clock."""

    column: Text = Field(description="A date or timestamp column that `columns` declares.")
    max_age: Duration = Field(description="Such as 36h or 7d.")


class Conflicts(Model):
    """Rows that agree in all that a model may know of them, and have different labels."""

    label: Text = Field(description="A column that `columns` declares; the others are what a model may know.")
    max: int | float = Field(0, ge=0, le=1, description="Largest share of such rows.")


class Reference(Model):
    """Where each value of a column must occur: a foreign key. Nulls refer to nothing."""

    artifact: Id = Field(description="The other table, read by the same engine; or the guarded one.")
    column: Text = Field(description="Its column, of the same type.")
    max_unmatched: int | float = Field(
        0, ge=0, le=1, description="Largest share of rows whose value has no match."
    )


class SqlCheck(Model):
    """Your own check."""

    sql: Command = Field(description="One SELECT over the table `data` that must return no row.")


class Contract(Model):
    """Schema and quality of the guarded table: Parquet, CSV, TSV or JSON."""

    columns: dict[Text, Column] = Field(
        min_length=1,
        description="Key to what the column must be. The key is the column's name, unless the column has a `name`.",
    )
    extra_columns: Literal["allow", "deny"] = Field(
        "allow", description="`deny`: columns that `columns` doesn't name fail the gate."
    )
    unique: list[Text] | None = Field(
        None, min_length=1, description="Columns that together are a key: never null, never twice the same."
    )
    max_duplicates: int | float | None = Field(
        None,
        ge=0,
        le=1,
        description="Largest share of rows that repeat another one in every declared column.",
    )
    conflicts: Conflicts | None = Field(
        None, description="How many rows only their label tells apart, which no model can learn."
    )
    references: dict[Text, Reference] = Field(
        default_factory=dict, description="A column that `columns` declares to where its values must occur."
    )
    rows: Rows | None = Field(None, description="How many rows.")
    freshness: Freshness | None = Field(None, description="How old the newest row may be.")
    checks: dict[Id, SqlCheck] = Field(default_factory=dict, description="Id to your own check.")
    denied: list[Text] = Field(
        default_factory=list,
        description="Names of columns that must not be there (any case), such as personal data.",
    )


PARAMS = Contract
