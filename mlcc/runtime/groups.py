"""Ends a process with all that it started.

Standard library only: bundled into the emitted scripts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

_LOOK = 0.02  # seconds between looks at a group that was asked to end
_KILLED = 10.0  # seconds until a killed process is gone


def end_group(child: subprocess.Popen[bytes], grace: float) -> None:
    """End every process of the group that `child` leads: ask, wait `grace` seconds, kill."""
    if not _signal_group(child.pid, signal.SIGTERM):
        return
    limit = time.monotonic() + grace
    # Not `child.wait`: the child may be gone already, and then it wouldn't wait for the others.
    while child.poll() is None or _signal_group(child.pid, 0):
        if time.monotonic() > limit:
            break
        time.sleep(_LOOK)
    _signal_group(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_KILLED)


def _signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
