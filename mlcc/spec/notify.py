"""The keys of `notify`: who is told how a run ended, or what became of a release."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlcc.spec.base import Address, Id, Model, OneOrMany, SecretName, Server, Text, TokenRef
from mlcc.spec.execution import RunFilter, VerdictName

EventOfRelease = Literal["promoted", "rolled_back", "held", "failed"]
EndName = Literal["failure", "success", "rollback"]


class NoticeCondition(RunFilter):
    """One alternative of a notice's `when`: all that it names must hold. It names a `status`, a verdict or both."""

    status: OneOrMany[EndName] | None = Field(
        default=None,
        description="How the run ended, or the `job`; `rollback`: what a release of the run had brought was taken away.",
    )
    job: Id | None = Field(default=None, description="The job whose `status` is meant, not the run's.")
    gate: Id | None = Field(default=None, description="A gate, blocking or not, whose verdict decides.")
    verdict: OneOrMany[VerdictName] | None = Field(
        default=None, description="The verdicts of `gate` that are told."
    )


class Webhook(Model):
    """Where a message is posted. Whoever knows the address can write there, so the CI system keeps it."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("secret", "var"),)
    secret: SecretName | None = Field(default=None, description="Name of the secret that holds the address.")
    var: SecretName | None = Field(
        default=None, description="Name of a plain variable that does, where the address is no secret."
    )


class Email(Model):
    """A message by a mail server, over TLS always."""

    to: OneOrMany[Address] = Field(description="Who gets it.")
    from_: Address = Field(alias="from", description="Who it comes from.")
    server: Server = Field(description="HOST or HOST:PORT; without a port, 587.")
    tls: Literal["starttls", "implicit"] | None = Field(
        default=None,
        description="How TLS begins; without it, `implicit` on port 465 and `starttls` on others.",
    )
    user: Text | None = Field(default=None, description="Who logs in to the server.")
    password: TokenRef | None = Field(
        default=None, description="With what; `user` and `password` stand together."
    )


class Issue(Model):
    """One issue in the tracker beside the repository: opened, kept up to date, and closed when all is well again."""

    labels: list[Text] = Field(default_factory=list, description="Labels of a new issue.")
    token: TokenRef | None = Field(
        default=None,
        description="What GitLab's issues are written with. On GitHub the job that tells has a token of its own.",
    )


class Notice(Model):
    """Somebody who is told how runs ended (`when`), or what became of releases (without it)."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("webhook", "slack", "email", "issue"),)
    when: OneOrMany[NoticeCondition] | None = Field(
        default=None, description="What is told of runs: a condition, or alternatives."
    )
    webhook: Webhook | None = Field(
        default=None,
        description="Gets JSON with a `text`, which Mattermost, Rocket.Chat and Discord (`/slack`) show.",
    )
    slack: Webhook | None = Field(default=None, description="An incoming webhook of Slack.")
    email: Email | None = Field(default=None, description="A message by mail; it tells of runs.")
    issue: Issue | None = Field(default=None, description="One open issue for each cause; it tells of runs.")
    events: Annotated[list[EventOfRelease], Field(min_length=1)] | None = Field(
        default=None, description="The events of releases that are told; without it, all."
    )
    releases: Annotated[list[Id], Field(min_length=1)] | None = Field(
        default=None, description="The releases whose events are told; without it, all."
    )
