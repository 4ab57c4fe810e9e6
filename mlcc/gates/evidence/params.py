"""The parameters of an `evidence` gate."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlcc.spec.base import Duration, Id, Model, Path, Text


class Evidence(Model):
    """Looks for a record that people wrote: it has a date, names what it is about by digest, and is complete.

    The record is Markdown whose front matter has `key: value` lines and lists, or JSON.
    """

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("record", "record_from"),)
    topic: Literal[
        "model_card",
        "review",
        "proxy_metric_study",
        "tuning_study",
        "staleness",
        "dependency_diff",
        "feature_lead_time",
        "privacy_review",
    ] = Field(description="What the record shows.")
    record: Path | None = Field(None, description="The committed record: a .md or .json file.")
    record_from: Id | None = Field(None, description="Artifact: the record, where a job writes it.")
    date: Text = Field(
        "date",
        description="Key of its date: an ISO day, or a time with its offset. In JSON a way such as a.b.",
    )
    max_age: Duration = Field(description="How old the record may be, such as 90d.")
    about: list[Id] | None = Field(
        None,
        description=(
            "Artifacts whose digests the record names under its key `about`; the guarded one, if not given. "
            "[]: the record isn't bound to bytes, and the verdict says so."
        ),
    )
    sections: list[Text] = Field(
        default_factory=list, description="Markdown headings that must be there, each with text below it."
    )
    fields: list[Text] = Field(
        default_factory=list,
        description="Keys of the front matter or ways in the JSON that must have a value.",
    )
    signed_by: list[Text] = Field(
        default_factory=list, description="Names that must be in the record's list `approved_by`."
    )


PARAMS = Evidence
