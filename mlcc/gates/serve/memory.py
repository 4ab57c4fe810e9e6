"""How much memory a session of processes has held, from Linux's /proc."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH110, PTH123, PTH208
import os

from mlcc.gates._records import GateError


def peak_memory(session: int) -> int:
    """Return the bytes of the largest resident sets (VmHWM) of a session's living processes, summed.

    Pages that processes share are counted for each, so this is an upper bound of what they held at once.
    Source: proc_pid_status(5). Raises GateError where the system has no such records, and for no process.
    """
    if not os.path.exists("/proc/self/stat"):
        raise GateError("memory can be measured on Linux only: there is no /proc on this machine")
    sizes = [_peak(pid) for pid in os.listdir("/proc") if pid.isdigit() and _session(pid) == session]
    if not any(sizes):
        raise GateError("the model's processes have gone, so their memory can't be measured")
    return sum(sizes)


def _session(pid: str) -> int | None:
    """Return the session of a process; None where it has just ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in brackets is free text: the state, parent, group and session follow the last bracket.
            return int(file.read().rpartition(b")")[2].split()[3])
    except (OSError, IndexError):
        return None


def _peak(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            found = [line.split()[1] for line in file if line.startswith(b"VmHWM:")]
    except OSError:
        return 0
    return int(found[0]) * 1024 if found else 0  # a process that has ended and isn't waited for has none
