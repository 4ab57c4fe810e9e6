"""Runs a command under a deadline, with its whole process group, so that nothing outlives the node (S7).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from mlcc.runtime.groups import end_group

GRACE = 10.0  # seconds between asking a process group to end and killing it
CANCEL_GRACE = 4.0  # the same when the run is cancelled: the CI system soon kills us too
TICK = 0.2  # seconds between looks at a child
STRICT = "set -euo pipefail\n"
TIMED_OUT = 124


class CancelledError(Exception):
    """The CI system ends the run."""


def watch_cancel() -> None:
    """Turn the first signal of a cancelled run into an exception, so that children and teardown are cared for.

    Further ones, which CI systems send a few seconds later, mustn't interrupt that.
    """

    def overhear(_number: int, _frame: FrameType | None) -> None:
        pass  # not SIG_IGN, which the teardown's command would inherit

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, overhear)
        raise CancelledError

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def run(
    command: list[str],
    env: dict[str, str],
    deadline: float,
    cwd: str = ".",
    tick: Callable[[], None] | None = None,
) -> int:
    """Return a command's exit status, or TIMED_OUT when `deadline` (of time.monotonic) has passed.

    `tick` is called from time to time while the command runs.
    """
    child = None
    grace = GRACE
    try:
        with _signals_held():
            child = subprocess.Popen(
                command, env=env, cwd=cwd, start_new_session=True, stdin=subprocess.DEVNULL
            )
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return TIMED_OUT
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(min(TICK, left) if tick is None else min(TICK * 5, left))
            if tick is not None:
                tick()
    except CancelledError:
        grace = CANCEL_GRACE
        raise
    finally:
        if child is not None:
            end_group(child, grace)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Let a cancel wait for a moment: one that came while a child starts would leave it running, known to nobody."""
    due: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, lambda number, _frame: due.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if due:
            signal.raise_signal(due[0])


def shell(
    lines: list[str], env: dict[str, str], deadline: float, cwd: str, tick: Callable[[], None] | None = None
) -> int:
    """Run commands in one strict bash process. They reach bash in a file, so no quoting is involved."""
    with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
        script = Path(folder) / "run.sh"
        script.write_text(STRICT + "\n".join(lines) + "\n", "utf-8")
        return run(["bash", "--noprofile", "--norc", str(script)], env, deadline, cwd, tick)
