"""The one moment of a run, as of which tables are read that know their past.

The selecting node decides it, so that every gate and every reader has the same: whoever is run again, too. Standard library
only: bundled into the emitted scripts.
"""

from __future__ import annotations

from mlcc.runtime.file_digest import DigestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def whole_moment(stated: object) -> str:
    """Return a moment if it is one: ISO 8601, to the second, in UTC. Raises DigestError."""
    shape = "".join("0" if c in "0123456789" else c for c in stated) if isinstance(stated, str) else ""
    if not isinstance(stated, str) or shape != "0000-00-00T00:00:00Z":
        raise DigestError("the run has decided no moment as of which tables are read")
    return stated


def as_of(table: str, moment: str) -> str:
    """Return the name of a table as of a moment, which its warehouse answers with the same rows whenever it is asked."""
    return f"{table}@{moment}" if moment else table


def moment_name(id: str) -> str:
    """Return the variable that has the moment for a table."""
    return f"SNAPSHOT_{id.upper().replace('-', '_')}"


def moment_env(
    node: Mapping[str, Any], plan: Mapping[str, Any], selection: Mapping[str, Any]
) -> dict[str, str]:
    """Return variable -> moment for each table that a node takes as of one. Raises DigestError."""
    tables = [id for id in node["takes"] if plan["artifacts"][id].get("snapshot")]
    return {moment_name(id): whole_moment(selection.get("moment")) for id in tables}
