"""Running the user's own program: `setup` and `run` in one bash process, in strict mode."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH100, PTH110, PTH118, PTH123
import os
import signal
import subprocess
import sys

from mlcc.gates._records import Check, GateError, visible
from mlcc.gates._report import remove_file
from mlcc.gates._support import Gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType


# What bash says of a command that isn't there or can't be run.
_NOT_RUN = {126: "could not be run", 127: "was not found"}


class Script:
    """`setup`, then a command, as a bash script in the gate's folder. Several of one gate differ in `name`.

    Raises GateError where the folder's name can't stand in a script. The script is removed at the end of a
    `with` block.
    """

    def __init__(self, gate: Gate, setup: Sequence[str], command: str, name: str = "command") -> None:
        self._path = os.path.join(gate.folder, name + ".sh")
        self._started = os.path.join(gate.folder, name + ".started")
        self._remove()
        # The mark is absolute: `setup` may change the folder.
        mark = f': > "{_quoted(os.path.abspath(self._started))}"'
        with open(self._path, "x", encoding="utf-8", newline="\n") as file:
            file.write("\n".join([*setup, mark, command, ""]))
        self.call = ["bash", "--noprofile", "--norc", "-euo", "pipefail", self._path]

    @property
    def is_past_setup(self) -> bool:
        """Whether `setup` has ended well, so that the command began."""
        return os.path.exists(self._started)

    def check_reached(self, code: int) -> None:
        """Raise GateError where `setup` ended with `code` before the command began: nothing was judged."""
        if not self.is_past_setup:
            raise GateError(f"the setup ended with exit code {code}, so the program did not run")

    def _remove(self) -> None:
        for path in (self._path, self._started):
            remove_file(path)

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()


def run_program(gate: Gate, setup: Sequence[str], command: str, extra: Mapping[str, str]) -> int:
    """Run `setup`, then `command`, and return the exit code; `extra` is added to the environment.

    The program also gets ARTIFACT_<ID>, the path of each of the gate's artifacts. Raises GateError where bash
    is missing, a signal ends it, or `setup` fails: then nothing was judged, which must not read as a `fail`.
    """
    with Script(gate, setup, command) as script:
        sys.stdout.flush()
        try:
            code = subprocess.run(
                script.call, stdin=subprocess.DEVNULL, env=environment(gate, extra), check=False
            ).returncode
        except FileNotFoundError:
            raise GateError("bash is not installed") from None
        script.check_reached(code)
    if code < 0:
        raise GateError(f"signal {-code} ended the program")
    return code


class EndAsError:
    """Turns the signal that ends a gate into a GateError while a `with` block runs, so that it is cleaned up."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGTERM, self._end)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _end(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        raise GateError("the gate was told to end while its program ran")


def exit_check(code: int, what: str) -> Check:
    """Return the check on the exit code of `what`, such as "the tests"; not having run is an error."""
    if code in _NOT_RUN:
        return Check("command", "error", f"a command {_NOT_RUN[code]} (exit code {code})")
    if code > 128:
        return Check("command", "error", f"signal {code - 128} ended {what} (exit code {code})")
    return Check("command", "pass" if code == 0 else "fail", f"{what} ended with exit code {code}")


def environment(gate: Gate, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a gate's program: ARTIFACT_<ID> (what is set already wins) and `extra`."""
    return {**_locations(gate), **os.environ, **extra}


def _locations(gate: Gate) -> dict[str, str]:
    return {
        "ARTIFACT_" + id.upper().replace("-", "_"): artifact["path"]
        for id, artifact in gate.artifacts.items()
        if isinstance(artifact["path"], str)
    }


def _quoted(path: str) -> str:
    """Return a path for use between double quotes in bash."""
    if "\n" in path:
        raise GateError(f"the folder {visible(path)} has a line break in its name")
    return "".join("\\" + c if c in '\\"$`' else c for c in path)


def program(params: Mapping[str, object]) -> tuple[list[str], str]:
    """Return `setup` and `run` from a gate's parameters. Raises GateError where they aren't proper."""
    setup, command = params.get("setup"), params.get("run")
    if not isinstance(setup, list) or not all(isinstance(line, str) for line in setup):
        raise GateError("the gate's parameters have no proper setup")
    if not isinstance(command, str) or not command.strip():
        raise GateError("the gate's parameters have no command")
    return setup, command
