"""The parameters of the adapter `nginx`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mlcc.spec.base import Command, Duration, Id, Model, Text

Port = Annotated[int, Field(ge=1, le=65535)]


class NginxAdapter(Model):
    """Servers on one host, which you start and stop, behind an nginx of yours that includes what mlcc writes.

    Each gets MLCC_RELEASE, MLCC_PORT, and MLCC_FOLDER: a folder of its own, which stays as long as it does.
    """

    name: Id = Field(
        description="Names the variable that tells nginx where a request goes: of `churn`, `proxy_pass http://$mlcc_churn;`."
    )
    folder: Text = Field(
        description="A folder of this host that is kept: /srv/churn. nginx includes its `*.conf` in `http`."
    )
    ports: list[Port] = Field(
        min_length=3,
        description="Ports of 127.0.0.1 for what is live, the candidate, and what was live before.",
    )
    status: Port = Field(description="Another, where nginx tells what it has loaded.")
    start: Command = Field(
        description="Starts a server on MLCC_PORT that outlives the job, such as by systemd-run, and returns."
    )
    stop: Command = Field(description="Ends it; does no harm where it has ended.")
    liveness: Text = Field(default="/", description="A path that a server answers with 2xx when it is ready.")
    start_within: Duration = Field(
        default="60s", description="How long a server may take until it answers, or is gone."
    )
    keep: int = Field(
        default=3,
        ge=0,
        le=100,
        description="Of how many earlier releases the folder stays, so that a person may name them.",
    )
    reload: Command = Field(
        default="nginx -t -q && nginx -s reload",
        description="Has nginx check its configuration and load it, such as with sudo.",
    )


PARAMS = NginxAdapter
