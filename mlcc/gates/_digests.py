"""The digests of a gate's artifacts, before and after something ran."""

from __future__ import annotations

from mlcc.gates._records import GateError
from mlcc.gates._support import Gate
from mlcc.runtime.digest import DigestError, artifact_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def digests(gate: Gate) -> dict[str, str]:
    """Return the digest of each of the gate's artifacts. Raises GateError."""
    try:
        return {id: artifact_digest(artifact["path"]) for id, artifact in gate.artifacts.items()}
    except DigestError as error:
        raise GateError(f"an artifact of the gate has no digest: {error}") from None


def check_untouched(gate: Gate, before: Mapping[str, str]) -> None:
    """Raise GateError where an artifact is no longer what it was: its readers would get something unjudged."""
    after = digests(gate)
    changed = [id for id in before if before[id] != after[id]]
    if changed:
        raise GateError(f"the program changed the artifact {changed[0]}, which the gate reads or guards")
