"""Runs the programs of an adapter: the user's commands, and the platforms' own clients.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from typing import Any

from mlcc.release.adapter import Place, ReleaseError
from mlcc.runtime.groups import end_group
from mlcc.runtime.log import one_line
from mlcc.runtime.values import runner_env

MAX_PRINTED = 1 << 20  # bytes of a program's answer
STRICT_BASH = ("bash", "--noprofile", "--norc", "-euo", "pipefail", "-c")
ENDING = 2.0  # seconds between asking a program that is late to end, and killing it


def command_words(command: str) -> list[str]:
    """Return how a command of the spec is started."""
    return [*STRICT_BASH, command]


def run_program(
    words: list[str], name: str, place: Place, given: dict[str, str] | None = None, *, capture: bool = False
) -> str:
    """Run a program to its end, and return what it prints where that is captured. `name` stands in messages.

    It sees the runner's variables and what is `given`. Raises ReleaseError where it can't be run, ends with another
    status than 0, is late, or prints too much. One that is late, or whose run is cancelled, is ended with all that it
    started; what one that ended well left behind stays, such as a server.
    """
    env = {**runner_env(), **(given or {})}
    env.pop("NGINX", None)  # nginx takes it for a list of sockets
    until = time.monotonic() + place.within
    try:
        child = subprocess.Popen(
            words, env=env, cwd=place.folder, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
        )  # fmt: skip
    except OSError as problem:
        raise ReleaseError(f"`{name}` can't be run: {problem.strerror}") from None
    done = False
    try:
        printed = _printed(child, name, until) if capture else b""
        code = child.wait(max(until - time.monotonic(), 0.01))
        done = True
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"`{name}` didn't end within {place.within:g} s") from None
    finally:
        if not done:
            end_group(child, ENDING)
        if child.stdout is not None:
            child.stdout.close()
    if code:
        raise ReleaseError(f"`{name}` ended with {code}")
    return printed.decode("utf-8", "replace")


def ask_json(words: list[str], name: str, place: Place, given: dict[str, str] | None = None) -> Any:
    """Return the JSON that a program prints. Raises ReleaseError as `run_program`, and where it prints none."""
    text = run_program(words, name, place, given, capture=True)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ReleaseError(f"`{name}` printed no JSON: {one_line(text[:80])!r}") from None


def _printed(child: subprocess.Popen[bytes], name: str, until: float) -> bytes:
    """Return all that a program prints until it closes its output."""
    assert child.stdout is not None
    found = b""
    while True:
        ready, _, _ = select.select([child.stdout], [], [], max(until - time.monotonic(), 0))
        if not ready:
            raise subprocess.TimeoutExpired(name, 0)
        part = os.read(child.stdout.fileno(), 1 << 16)
        if not part:
            return found
        found += part
        if len(found) > MAX_PRINTED:
            raise ReleaseError(f"`{name}` printed more than {MAX_PRINTED} bytes")
