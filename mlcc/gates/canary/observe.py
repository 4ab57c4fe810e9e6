"""Where a canary's snapshots come from, and where they are kept: one a line, so that they can be judged again."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH100, PTH118, PTH123
import json
import os
import time

from mlcc.gates._records import GateError, visible
from mlcc.gates._report import remove_file, write_whole
from mlcc.gates._shell import run_program
from mlcc.gates._strict import read_bytes
from mlcc.gates._support import Gate
from mlcc.gates.canary.prometheus import observed
from mlcc.gates.canary.snapshots import Snapshot, arms_of, line_of, parse_lines, snapshot_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEPT = "snapshots.jsonl"
STATED = "canary.json"
_MOST_BYTES = 64 << 20
_AHEAD = 60.0  # seconds that another machine's clock may be ahead


def recorded(gate: Gate) -> list[Snapshot]:
    """Return the snapshots of the file that the gate's parameters name. Raises GateError, also where the last is too old."""
    path = gate.params["observations"]["path"]
    found = _parsed(read_bytes(path, _MOST_BYTES), visible(path), gate)
    _check_age(found[-1], gate.params["max_age"])
    return found


def look(gate: Gate) -> Snapshot:
    """Take a snapshot now, from the command or from Prometheus. Raises GateError."""
    source, weight = gate.params["observations"], gate.params["weight"] / 100
    if source["from"] == "prometheus":
        value: Any = observed(source, time.time(), arms_of(weight))
    else:
        answer = os.path.abspath(os.path.join(gate.folder, "observed.json"))
        remove_file(answer)
        # What `setup` prints is no observation.
        grouped = "{\n" + source["run"] + '\n} > "$MLCC_OBSERVED"'
        code = run_program(gate, gate.params["setup"], grouped, {"MLCC_OBSERVED": answer})
        if code != 0:
            raise GateError(f"the command that observes ended with exit code {code}")
        value = _one(read_bytes(answer, _MOST_BYTES))
        remove_file(answer)
    found = snapshot_of(value, weight, "the observation")
    _check_age(found, gate.params["max_age"])
    return found


def _one(data: bytes) -> Any:
    values = parse_lines(_decoded(data, "the observation"), "the observation")
    if len(values) != 1:
        raise GateError(f"the command that observes printed {len(values)} values instead of one")
    return values[0]


def kept(gate: Gate, other: str = "") -> list[Snapshot]:
    """Return what an earlier run of the gate, or another gate, kept of the same candidate; none where there is none."""
    folder = f"{gate.folder[: -len(gate.id)]}{other}" if other else gate.folder
    path = os.path.join(folder, KEPT)
    if not os.path.lexists(path):
        return []
    return _parsed(read_bytes(path, _MOST_BYTES), visible(path), gate, is_own=True)


def forget(gate: Gate) -> None:
    """Remove the snapshots that an earlier run has kept. Raises GateError."""
    remove_file(os.path.join(gate.folder, KEPT))


def state(gate: Gate) -> None:
    """Keep what the snapshots are judged by beside them. Raises GateError."""
    stated = json.dumps({"gate": gate.id, "params": gate.params}, sort_keys=True, indent=2)
    try:
        write_whole(os.path.join(gate.folder, STATED), stated + "\n")
    except OSError as error:
        raise GateError(f"the parameters can't be kept: {error.strerror}") from None


def keep(gate: Gate, snapshot: Snapshot) -> None:
    """Append a snapshot to those that are kept. Raises GateError."""
    try:
        with open(os.path.join(gate.folder, KEPT), "a", encoding="utf-8", newline="\n") as file:
            file.write(line_of(snapshot, candidate_of(gate)))
    except OSError as error:
        raise GateError(f"a snapshot can't be kept: {error.strerror}") from None


def candidate_of(gate: Gate) -> str:
    """Return the digest of what the candidate serves."""
    return str(gate.inputs[gate.guards]["digest"])


def _parsed(data: bytes, shown: str, gate: Gate, is_own: bool = False) -> list[Snapshot]:
    """Return the snapshots of a file. Those that say whose they are must be of this candidate, and the gate's own say so."""
    values = parse_lines(_decoded(data, shown), shown)
    found, own = [], candidate_of(gate)
    for i, value in enumerate(values):
        place = f"{shown}, snapshot {i + 1}"
        found.append(snapshot_of(value, gate.params["weight"] / 100, place))
        if value.get("of", None if is_own else own) != own:
            raise GateError(f"{place} is of another candidate: its evidence is not this one's")
    if not found:
        raise GateError(f"{shown} holds no snapshot: no data is not health")
    return found


def _decoded(data: bytes, shown: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise GateError(f"{shown} is not UTF-8") from None


def _check_age(snapshot: Snapshot, most: float) -> None:
    age = time.time() - snapshot.time
    if age > most:
        raise GateError(
            f"the last snapshot is {age:.0f} s old, and at most {most:g} s are allowed: what is stale tells nothing"
        )
    if age < -_AHEAD:
        raise GateError("the last snapshot's time is in the future")
