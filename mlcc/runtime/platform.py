"""What the runtime asks of a CI system. Each back end has a module that answers.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

SECRET = "MLCC_SECRET_"  # noqa: S105 - a prefix of variable names
VARIABLE = "MLCC_VAR_"
REFUSED = "refused"  # the result of a node that people didn't let start


class Facts(NamedTuple):
    """What started the run, as the CI system tells it.

    `event` is push, pull_request, tag, schedule, manual or dispatch. `branch` of a pull request is the one
    it goes to. `hint` tells triggers of one kind apart: the schedule or its cron line, the form,
    the dispatch type.
    `base` and `head` are commits of a pull request. `fork` is True unless the system says it isn't one.
    `unasked`: the system starts runs for every branch, tag and pull request, so that the spec's triggers must be
    looked up here.
    """

    event: str
    commit: str
    branch: str = ""
    tag: str = ""
    hint: str = ""
    inputs: dict[str, str] = {}  # noqa: RUF012 - a default that nothing writes to
    fork: bool = False
    base: str = ""
    head: str = ""
    pull_request: str = ""
    repository: str = ""
    run_id: str = ""
    run_number: str = ""
    run_url: str = ""
    unasked: bool = False


class Platform(Protocol):
    """A CI system.

    `raw_exit`: a non-blocking node may exit with its own code when it fails; else its failure is only shown.
    `skip_exit`: the exit status that the system takes for a skip.
    `builder`: what usually builds images there.
    `waits`: the system itself waits between two polls of a remote job, without a machine, and starts the node again.
    """

    raw_exit: bool
    skip_exit: int
    waits: bool
    builder: str

    def facts(self) -> Facts:
        """Return what started the run. Raises RunError."""

    def last_green(self, branch: str) -> str | None:
        """Return the newest commit of `branch` whose final node was green; None: unknown."""

    def publish_selection(self, plan: dict[str, Any], record: dict[str, Any]) -> None:
        """Tell the system which nodes it need not start, by the selecting node's record. Raises RunError."""

    def deliver(self, plan: dict[str, Any]) -> None:
        """Put where nodes read it what the system itself hasn't: the selecting node's record, secrets, variables."""

    def put_output(self, name: str, value: str) -> None:
        """Hand a small text to the system's own conditions."""

    def put_summary(self, markdown: str) -> None:
        """Show Markdown on the run's page."""

    def warn(self, message: str) -> None:
        """Show a warning on the run's page."""

    def annotate(self, level: str, title: str, message: str, path: str) -> None:
        """Show an error or a warning beside a file of the repository, where the system has no other way to do so."""

    def forge(self, repository: str) -> tuple[str, str, str]:
        """Return where the run's pull request is: whose interface (github, gitlab), where that begins, the project there.

        A system that only knows the address of the request's page returns ("", address, ""). Raises RunError.
        """

    def registry_login(self, host: str) -> tuple[str, str] | None:
        """Return the user and the password that the system has for its own registry of images; None: it is another's."""

    def id_token(self, audience: str) -> str:
        """Return an OpenID Connect token. Raises RunError."""

    def results(self) -> dict[str, Any]:
        """Return node -> how the system itself says it ended, for the final node; REFUSED: nobody let it start."""

    def approval_problem(self) -> str:
        """Say why a person hasn't approved this node, where one had to; empty: one has, or the system itself asks."""

    def was_cancelled(self, node: str) -> bool:
        """Tell a rollback's node whether the system says of one before it that it was cancelled. Unknown: it wasn't."""
