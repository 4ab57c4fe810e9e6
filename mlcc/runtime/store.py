"""The store of a spec: artifacts by digest, and small records by key.

    PREFIX/sha256/ab/abcdef…    the bytes of a file, or what tells a folder's files: the lines that its digest is of
    PREFIX/remote/…             what was submitted somewhere else

`.mlcc/objects.py` reaches it, with what the node's environment has to log in. Standard library only: bundled into the
emitted script.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from typing import Any, NamedTuple

from mlcc.runtime.addresses import OBJECTS_SCRIPT
from mlcc.runtime.file_digest import shown_name
from mlcc.runtime.records import RunError


class StoreAccess(NamedTuple):
    """What it takes to reach the store of a plan: a node's environment, and until when (of time.monotonic)."""

    plan: dict[str, Any]
    env: dict[str, str]
    deadline: float
    commit: str = ""  # that is run, and by which run: what a registry is told
    run_id: str = ""

    def move(self, command: str, files: list[list[str]], size: int) -> None:
        """Push or pull files, each a path and the sha256 of its bytes in hex, of `size` bytes together. Raises RunError."""
        sent = json.dumps({"files": files, "size": size}).encode()
        ask_store(command, [], sent, self.plan, self.env, self.deadline - time.monotonic())


_ANSWER = {"read": ("content", "absent"), "write": ("written",), "push": ("moved",), "pull": ("moved",)}


def read_object(key: str, plan: dict[str, Any], env: dict[str, str], seconds: float) -> bytes | None:
    """Return a small object of the store, at most 16 MiB; None: the store has none with this key.

    `env` is the environment of a node that the plan gives the store to: it has what it takes to log in. Raises RunError
    where the store is away, refuses, or takes longer than `seconds`.
    """
    found = ask_store("read", [key], b"", plan, env, seconds)
    if found.get("absent") is True:
        return None
    try:
        return base64.b64decode(str(found.get("content")), validate=True)
    except ValueError:
        raise RunError(
            f"the store {_store_named(plan)} can't be used: {OBJECTS_SCRIPT} gave no content"
        ) from None


def write_object(key: str, content: bytes, plan: dict[str, Any], env: dict[str, str], seconds: float) -> None:
    """Write a small object of the store, whole or not at all, over the one that has the key. As `read_object` otherwise."""
    ask_store("write", [key], content, plan, env, seconds)


def ask_store(
    command: str, words: list[str], sent: bytes, plan: dict[str, Any], env: dict[str, str], seconds: float
) -> dict[str, Any]:
    """Return what `.mlcc/objects.py` answers, given `sent` to read. Raises RunError within `seconds`."""
    where = f"the store {_store_named(plan)} can't be used"
    found = ask_script(OBJECTS_SCRIPT, [command, plan["store"], *words], sent, env, seconds, where)
    if not any(name in found for name in _ANSWER[command]):
        raise RunError(f"{where}: the answer of {OBJECTS_SCRIPT} isn't whole")
    return found


def ask_script(
    script: str, words: list[str], sent: bytes, env: dict[str, str], seconds: float, where: str
) -> dict[str, Any]:
    """Return what an emitted script answers, given `sent` to read, within `seconds`.

    Raises RunError, which begins with `where`.
    """
    if not os.path.isfile(script):  # noqa: PTH113
        raise RunError(f"{where}: {script} is missing, which `mlcc compile` writes")
    call = [sys.executable, "-I", script, *words]
    try:
        done = subprocess.run(
            call, env=env, input=sent, timeout=max(seconds, 1.0), capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise RunError(f"{where}: it took over {seconds:.0f} s") from None
    try:
        found = json.loads(done.stdout)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RunError(f"{where}: {script} ended with {done.returncode} and no answer")
    if done.returncode != 0 or "error" in found:
        raise RunError(f"{where}: {shown_name(str(found.get('error', 'no reason is known')))}")
    return found


def _store_named(plan: dict[str, Any]) -> str:
    return shown_name(str(plan["store"]))
