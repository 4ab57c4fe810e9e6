"""Runs other programs to be told something: each with an end, without input, and never to change anything."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlcc.record import record
from mlcc.repository import without_hook

CLIENTS = {"github": "gh", "gitlab": "glab"}
SECONDS = 20.0
MOST_BYTES = 8 << 20
PAGE = "per_page=100"
FULL = 100  # items of a page after which there may be another
_QUIET = {"GH_PROMPT_DISABLED": "1", "NO_PROMPT": "1", "NO_COLOR": "1", "GH_NO_UPDATE_NOTIFIER": "1"}


def said(root: Path, *words: str, seconds: float = SECONDS) -> str | None:
    """Return what a program prints, without blanks at its end.

    None where it fails, is missing, takes too long or says too much.
    """
    try:
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(
                words, cwd=root, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
                env={**without_hook(), **_QUIET}, start_new_session=True,
            )  # fmt: skip
            if _ended(process, seconds) != 0:
                return None
            out.seek(0)
            data = out.read(MOST_BYTES + 1)
        return data.decode("utf-8").rstrip() if len(data) <= MOST_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def _ended(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Return how a process ended; None where it took too long. What it started ends with it."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Client:
    """A CI system's own client, in a repository. Every answer is kept, since many obligations ask the same."""

    def __init__(self, name: str, root: Path, seconds: float = SECONDS) -> None:
        self.name = name
        self._root = root
        self._seconds = seconds
        self._answers: dict[tuple[str, ...], object] = {}

    def logged_in(self, host: str) -> bool:
        """Tell whether the client is logged in at a host."""
        words = ("--hostname", host) if host else ()
        return said(self._root, self.name, "auth", "status", *words, seconds=self._seconds) is not None

    def get(self, endpoint: str) -> object:
        """Return what the API answers to a reading call; None where it can't be had."""
        return self._asked("api", "--method", "GET", endpoint)

    def query(self, text: str) -> object:
        """Return what GraphQL answers to a query, which can't write."""
        if not text.startswith("query"):
            raise ValueError("only a query is asked")
        return self._asked("api", "graphql", "-f", f"query={text}")

    def item(self, endpoint: str) -> Mapping[str, Any] | None:
        """Return an object of the API; None where it can't be had, or is none."""
        found = self.get(endpoint)
        return found if isinstance(found, dict) else None

    def items(self, endpoint: str, key: str | None = None) -> Items | None:
        """Return a list of the API, or the one under `key` of its object; None where it can't be had, or is none."""
        page = self.get(f"{endpoint}?{PAGE}")
        found = page.get(key) if key is not None and isinstance(page, dict) else page
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            return None
        total = page.get("total_count") if isinstance(page, dict) else None
        whole = len(found) < FULL if total is None else total == len(found)
        return Items(found, whole)

    def _asked(self, *words: str) -> object:
        if words not in self._answers:
            text = said(self._root, self.name, *words, seconds=self._seconds)
            try:
                self._answers[words] = None if text is None else json.loads(text)
            except (ValueError, RecursionError):
                self._answers[words] = None
        return self._answers[words]


@record
class Items:
    """A list of the API. `whole` False: there may be more than it shows."""

    found: list[dict[str, Any]]
    whole: bool

    def named(self, key: str, name: str) -> dict[str, Any] | None:
        """Return the item whose `key` is a name; None where there is none."""
        return self.first(lambda item: item.get(key) == name)

    def first(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """Return the first item that fits."""
        return next((item for item in self.found if fits(item)), None)
