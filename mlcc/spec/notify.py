"""The keys of `notify`: who is told what became of a release."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlcc.spec.base import Id, Model, SecretName

EventOfRelease = Literal["promoted", "rolled_back", "held", "failed"]


class Webhook(Model):
    """Where a message is posted. Whoever knows the address can write there, so the CI system keeps it."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("secret", "var"),)
    secret: SecretName | None = Field(default=None, description="Name of the secret that holds the address.")
    var: SecretName | None = Field(
        default=None, description="Name of a plain variable that does, where the address is no secret."
    )


class Notice(Model):
    """Somebody who is told what became of releases: one message for each event of a release in a run."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("webhook",),)
    webhook: Webhook | None = Field(
        default=None,
        description="Takes what Slack's incoming webhooks take: so do Mattermost, Rocket.Chat and Discord (`/slack`).",
    )
    events: Annotated[list[EventOfRelease], Field(min_length=1)] | None = Field(
        default=None, description="The events that are told; without it, all."
    )
    releases: Annotated[list[Id], Field(min_length=1)] | None = Field(
        default=None, description="The releases whose events are told; without it, all."
    )
