"""The intermediate representation, continued: who is told how runs end, and in which way."""

from __future__ import annotations

from mlcc.diagnostics import Span
from mlcc.plan.values import Secret, Variable
from mlcc.record import field, record


@record
class RunCondition:
    """One alternative of what is told; all that is stated must hold, and `statuses` or `verdicts` are.

    Statuses are failure, success and rollback: of the run or, where `job` is named, of that job.
    """

    events: tuple[str, ...]
    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    job: str | None = None
    gate: str | None = None
    verdicts: tuple[str, ...] = ()


@record
class Posted:
    """A message to a webhook: of the kind webhook or slack."""

    kind: str
    address: Secret | Variable


@record
class Mailed:
    """A message by a mail server. `implicit`: TLS begins with the connection, not by STARTTLS."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    implicit: bool
    user: str | None
    password: Secret | None


@record
class Filed:
    """An issue in the tracker beside the repository. `token` None: the system's own."""

    labels: tuple[str, ...]
    token: Secret | None


@record
class RunNotice:
    """Somebody who is told how a run ended, where one alternative of `when` holds."""

    id: str
    when: tuple[RunCondition, ...]
    way: Posted | Mailed | Filed
    span: Span | None = field(compare=False, default=None)

    @property
    def key(self) -> Secret | Variable | None:
        """What the CI system keeps for it: an address, a password or a token."""
        if isinstance(self.way, Posted):
            return self.way.address
        return self.way.password if isinstance(self.way, Mailed) else self.way.token
