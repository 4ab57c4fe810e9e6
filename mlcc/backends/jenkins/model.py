"""A Jenkinsfile as typed values: what `lower` makes and the template writes."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.backends.jenkins.groovy import Source
from mlcc.record import field, record

NODES, LEGS, SERVICES, CACHES = Source("NODES"), Source("LEGS"), Source("SERVICES"), Source("CACHES")

Value = str | int | bool | tuple[str, ...]


@record
class Row:
    """One row of a table. Ids of a list stand in one text with spaces between, which costs one constant.

    `table` is NODES, LEGS (what a leg has of its own), SERVICES or CACHES.
    """

    table: Source
    key: str
    fields: Mapping[str, Value] = field(hash=False)


@record
class Part:
    """Rows that stand in one method, so that none outgrows the virtual machine's limit."""

    number: int
    rows: tuple[Row, ...]


@record
class Parameter:
    """A build parameter: kind string, boolean or choice."""

    name: str
    kind: str
    description: str
    default: str
    options: tuple[str, ...] = ()

    @property
    def on(self) -> bool:
        """Return the default of a boolean."""
        return self.default == "true"


@record
class Schedule:
    """When Jenkins starts the default branch by itself. `by_parameter`: several, told apart by a parameter."""

    cron: str
    by_parameter: bool


@record
class Notify:
    """What telling people how the run ended takes: credentials, and variables of the controller."""

    secrets: tuple[str, ...]
    variables: tuple[str, ...]


@record
class Uses:
    """What the nodes need of the template. What none needs isn't written."""

    secrets: bool
    variables: bool
    tokens: bool
    python: bool
    images: bool
    services: bool
    caches: bool
    locks: bool
    approvals: bool
    waits: bool
    legs: bool
    rollbacks: bool
    undoes: bool
    remotes: bool  # work that runs somewhere else, and is asked after
    abandons: bool  # some of it that no other build goes on with
    data: bool
    reports: bool
    junit: bool
    gates: bool
    extensions: bool  # of the checkout


@record
class Jenkinsfile:
    """The file. `home` is the project folder, "." at the root; `facts` are constants that the runtime reads.

    `comment` is the credential that the comment is written with; empty: there is none.
    """

    spec: str
    plugins: tuple[str, ...]
    home: str
    label: str
    parts: tuple[Part, ...]
    facts: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    schedule: Schedule | None
    hours: int
    keep_days: int
    asks_green: bool
    comment: str
    notify: Notify | None
    uses: Uses

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return every row, in order."""
        return tuple(row for part in self.parts for row in part.rows)
