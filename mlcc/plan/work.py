"""The plan's work: what a node runs, waits for before and leaves for people. Part of `mlcc.plan`."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.plan.values import Secret, Value, Variable
from mlcc.record import field, record


@record
class Command:
    """A shell command of a job or of a fetch; `setup` runs before it in the same shell."""

    setup: tuple[str, ...]
    run: str


@record
class Remote:
    """Commands that start work somewhere else, ask after it every so many seconds, end it, and fetch what it made.

    `setup` runs before each, in the same shell. `resume`: what was submitted is kept in mind beyond the run.
    """

    setup: tuple[str, ...]
    submit: str
    poll: str
    cancel: str
    every_seconds: int
    collect: str | None = None
    resume: bool = True


@record
class Gate:
    """A gate script with compiled parameters (JSON values; `mlcc.gates` gives them their meaning)."""

    kind: str
    guards: str
    parameters: Mapping[str, object] = field(hash=False)
    script: str  # its name, `.mlcc/gates/<name>.py`
    packages: str = ""  # the list of pinned packages that the script needs, `.mlcc/gates/<name>.txt`
    on_inconclusive: str = "fail"
    waiver: tuple[tuple[str, str], ...] = ()
    locked: bool = False


@record
class Release:
    """A command that deploys; `rollback` is the node whose command undoes it at once where it doesn't pass (S11).

    Of a release through an adapter, `judge` is the gate that a step on live traffic asks, and `drive`, once, what its steps read.
    `holds` are the judge's verdicts that undo nothing: a person decides. `verifies`: the runtime asks the judge, after
    the command. `live`: when it has passed, what it deploys is live.
    """

    command: Command
    deploys: tuple[str, ...]
    rollback: str | None
    rollback_seconds: int
    judge: Gate | None = None
    holds: tuple[str, ...] = ()
    verifies: bool = False
    drive: Mapping[str, object] | None = field(hash=False, default=None)
    live: bool = True


@record
class Notice:
    """Somebody who is told of these events of a release; `webhook` is what holds the address."""

    id: str
    webhook: Secret | Variable
    events: tuple[str, ...]


@record
class Part:
    """What a node is of a release: `step` is deploy, promote, rollback, or step for what comes between or after.

    `notices` has those who are told of what such a step can find. `records` are the artifacts of the release that somebody
    reads as what it runs: the store keeps them, and what is live.
    """

    release: str
    step: str
    notices: tuple[Notice, ...] = ()
    records: tuple[str, ...] = ()


@record
class Build:
    """An image that a builder makes of a folder's committed files and of artifacts, and pushes.

    `context` is a folder with a '/', or empty for the project's own; `file` is relative to it. `builder` None: what the CI
    system usually has. `secrets` reach the builder by their ids, and no layer of the image.
    """

    setup: tuple[str, ...]
    context: str
    file: str
    includes: tuple[str, ...]
    args: tuple[tuple[str, Value], ...]
    secrets: tuple[tuple[str, Value], ...]
    platform: str
    builder: str | None


@record
class Lookup:
    """An image that lies in its registry: a tag, or a digest."""

    reference: str


Work = Command | Gate | Release | Remote | Build | Lookup


@record
class Pause:
    """What the CI system itself waits for before a node starts, without a machine: a person, a time, or both.

    Nothing else sees to the approval. The seconds only spare a machine: the node makes good what the system didn't wait.
    """

    approval: bool = False
    seconds: int = 0


@record
class Report:
    """A file that a node leaves for people."""

    id: str
    path: str
    format: str
