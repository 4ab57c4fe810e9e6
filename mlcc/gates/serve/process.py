"""A model's process: started in a group of its own, watched, and ended with all that it started."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

from mlcc.gates._records import GateError
from mlcc.gates._shell import EndAsError, Script, environment
from mlcc.gates._support import Gate
from mlcc.runtime.groups import end_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# What `setup` prints is no answer, and the requests aren't its input.
_ASIDE, _BACK = "exec 3<&0 4>&1 </dev/null >&2", "exec <&3 >&4 3<&- 4>&-"
_GRACE = 5.0  # seconds between asking a model to end and killing it
_GRACE_CANCELLED = 1.0  # the same when the gate itself is told to end: whoever did soon kills it


class Process:
    """A running model: `setup` and `command` in one bash process, and all that this starts.

    Whoever starts it calls `end`. With `piped` the model's standard input and output are pipes, which `setup`
    doesn't see. `port` is a free port of the loopback device, which the model gets as PORT. Raises GateError
    where bash is missing.
    """

    def __init__(self, gate: Gate, setup: Sequence[str], command: str, name: str, piped: bool) -> None:
        self.port = _free_port()
        self._script = Script(gate, [_ASIDE, *setup, _BACK] if piped else setup, command, name)
        self._signals = EndAsError()
        self._signals.__enter__()
        sys.stdout.flush()
        try:
            self.child = subprocess.Popen(
                self._script.call,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else None,
                env=environment(gate, {"PORT": str(self.port)}),
                start_new_session=True,
                bufsize=0,
            )
        except FileNotFoundError:
            self._restore()
            raise GateError("bash is not installed") from None

    def await_command(self) -> None:
        """Wait until `setup` has ended: what an installation takes is not the model's time."""
        while not self._script.is_past_setup and self.child.poll() is None:
            time.sleep(0.01)

    def ended(self, patience: float = 0.0) -> str | None:
        """Say how the model ended, or None while it runs. Raises GateError where only `setup` had run.

        The end of a connection or pipe is seen a moment before the process's: `patience` waits so many seconds.
        """
        until = time.monotonic() + patience
        while self.child.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        code = self.child.poll()
        if code is None:
            return None
        self._script.check_reached(code)
        return f"signal {-code} ended the model" if code < 0 else f"the model ended with exit code {code}"

    def end(self, cancelled: bool) -> None:
        """End all processes of the model: ask, wait (less where the gate is `cancelled`), kill."""
        try:
            end_group(self.child, _GRACE_CANCELLED if cancelled else _GRACE)
        finally:
            self._restore()

    def _restore(self) -> None:
        self._signals.__exit__()
        self._script.__exit__()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
