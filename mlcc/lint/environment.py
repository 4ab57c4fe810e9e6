"""The environment variables that arrive at each node: the typed values of the spec, spelled out.

They are what mlcc/runtime/values.py and mlcc/runtime/login.py set when the node runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.plan import (
    Form,
    Gate,
    Input,
    MatrixValue,
    Node,
    Output,
    Plan,
    Remote,
    RunFact,
    Secret,
    Text,
    Value,
    Variable,
)
from mlcc.record import record

LOGINS = {
    "aws": (
        "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION",
    ),
    "gcp": ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE"),
    "azure": ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
    "oidc": ("OIDC_TOKEN_FILE",),
}  # fmt: skip
"""What a login sets, by provider (see `Logins` in mlcc/runtime/login.py)."""


@record
class Arrival:
    """A variable of a node, and what it holds, as a phrase."""

    name: str
    holds: str


def environment_of(node: Node, plan: Plan) -> list[str]:
    """Return the names of the variables that arrive at a node, sorted."""
    return [arrival.name for arrival in arrivals(node, plan)]


def arrivals(node: Node, plan: Plan) -> list[Arrival]:
    """Return the variables that arrive at a node, by name. Where two have one name, the later one counts."""
    return sorted({a.name: a for a in _arrivals(node, plan)}.values(), key=lambda arrival: arrival.name)


def _arrivals(node: Node, plan: Plan) -> Iterator[Arrival]:
    for axis in dict.fromkeys(name for leg in node.legs for name, _ in leg.values):
        yield Arrival(f"MATRIX_{_upper(axis)}", f"the leg's value on the axis '{axis}'")
    for id in (*(take.artifact for take in node.takes), *node.writes):
        artifact = plan.artifacts[id]
        what = "image, as HOST/NAME@DIGEST," if artifact.form is Form.IMAGE else "path of the artifact"
        yield Arrival(f"ARTIFACT_{_upper(id)}", f"the {what} '{id}' ({artifact.paths[0]})")
    for take in node.takes:
        yield from _of_taken(take.artifact, plan)
    for service in node.machine.services:
        yield Arrival(f"SERVICE_{_upper(service.id)}_HOST", f"the host of the service '{service.id}'")
        yield Arrival(f"SERVICE_{_upper(service.id)}_PORT", f"the port of the service '{service.id}'")
    for name, value in node.env:
        yield Arrival(name, _phrase(value))
    for login in node.logins:
        for name in LOGINS[login.provider]:
            yield Arrival(name, f"set by the login to {login.provider}")
    if node.outputs:
        yield Arrival("MLCC_OUTPUTS", "the file that takes the outputs, as NAME=value lines")
    if isinstance(node.work, Gate) and node.work.kind == "command":
        yield Arrival("MLCC_VERDICT", "the file that takes the verdict")
    if isinstance(node.work, Remote):
        yield Arrival("MLCC_REMOTE_KEY", "the name of the submission")
        yield Arrival("MLCC_HANDLE_FILE", "for `submit`: the file that takes the handle")
        yield Arrival("MLCC_HANDLE", "for `poll`, `cancel` and `collect`: the handle")


def _of_taken(id: str, plan: Plan) -> Iterator[Arrival]:
    yield Arrival(f"DIGEST_{_upper(id)}", f"the digest of the artifact '{id}'")
    if plan.artifacts[id].snapshot:
        yield Arrival(f"SNAPSHOT_{_upper(id)}", f"the moment as of which '{id}' is read")
    if plan.artifacts[id].registry is not None:
        yield Arrival(f"VERSION_{_upper(id)}", f"the version's number of '{id}' in its registry")


def _upper(id: str) -> str:
    return id.upper().replace("-", "_")


def _phrase(value: Value) -> str:
    match value:
        case Text(text):
            return f"'{text}'"
        case Secret(name, as_file):
            return f"the path of a file with the secret {name}" if as_file else f"the secret {name}"
        case Variable(name, default):
            return f"the variable {name}{_default(default)}"
        case Input(name, default):
            return f"the input '{name}'{_default(default)}"
        case MatrixValue(axis):
            return f"the leg's value on the axis '{axis}'"
        case Output(node, name):
            return f"the output {name} of '{node}'"
        case RunFact(key, default):
            return f"the run's {key}{_default(default)}"


def _default(default: str | None) -> str:
    return "" if default is None else f" (default '{default}')"
