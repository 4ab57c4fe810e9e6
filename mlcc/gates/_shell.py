"""Running the user's own program: `setup` and `run` in one bash process, in strict mode."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH100, PTH110, PTH118, PTH123
import os
import subprocess
import sys

from mlcc.gates._records import GateError, visible
from mlcc.gates._report import remove_file
from mlcc.gates._support import Gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def run_program(gate: Gate, setup: Sequence[str], command: str, extra: Mapping[str, str]) -> int:
    """Run `setup`, then `command`, and return the exit code; `extra` is added to the environment.

    The program also gets ARTIFACT_<ID>, the path of each of the gate's artifacts. Raises GateError where bash
    is missing, a signal ends it, or `setup` fails: then nothing was judged, which must not read as a `fail`.
    """
    script = os.path.join(gate.folder, "command.sh")
    started = os.path.join(gate.folder, "started")
    for path in (script, started):
        remove_file(path)
    # The mark is absolute: `setup` may change the folder.
    mark = f': > "{_quoted(os.path.abspath(started))}"'
    with open(script, "x", encoding="utf-8", newline="\n") as file:
        file.write("\n".join([*setup, mark, command, ""]))
    sys.stdout.flush()
    try:
        code = subprocess.run(
            ["bash", "--noprofile", "--norc", "-euo", "pipefail", script],
            stdin=subprocess.DEVNULL,
            env={**_locations(gate), **os.environ, **extra},
            check=False,
        ).returncode
    except FileNotFoundError:
        raise GateError("bash is not installed") from None
    reached = os.path.exists(started)
    for path in (script, started):
        remove_file(path)
    if not reached:
        raise GateError(f"the setup ended with exit code {code}, so the program did not run")
    if code < 0:
        raise GateError(f"signal {-code} ended the program")
    return code


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
