"""The keys of a job whose work runs somewhere else: on a cluster, in a cloud's training service."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, Duration, Model


class Remote(Model):
    """Work that the CI system submits somewhere else and watches. In all commands, MLCC_REMOTE_KEY names the submission."""

    submit: Command = Field(
        description="Starts the work, and writes its handle, one line of text, to the file $MLCC_HANDLE_FILE."
    )
    poll: Command = Field(
        description="Asks after the work that $MLCC_HANDLE names: it exits with 0 when that is done, with 75 while it runs, "
        "and with anything else when it has failed."
    )
    cancel: Command = Field(
        description="Ends the work that $MLCC_HANDLE names: after the timeout, and when the run is cancelled. It may run twice."
    )
    every: Duration = Field(default="60s", description="Time between two polls.")
    collect: Command | None = Field(
        default=None,
        description="Fetches what the job writes from the work that $MLCC_HANDLE names, when that is done.",
    )
    resume: bool = Field(
        default=True,
        description="true: a job that is run again goes on with the work that it submitted before, which needs a `store`; "
        "false: it submits again.",
    )
