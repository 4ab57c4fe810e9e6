"""What serves the model, by six verbs of a program of the user's. Standard library only: bundled into the emitted script.

`describe` prints one JSON object: {live, candidate, weight, lease}, releases by their ids, the candidate's share of the
requests in percent, and until when (seconds since 1970) a candidate may stay. The others change something, and are
idempotent: `deploy`, `set-weight`, `promote`, `rollback`. They get MLCC_RELEASE, MLCC_WEIGHT and MLCC_LEASE.
"""

from __future__ import annotations

import json
import math
import subprocess
from typing import Any, NamedTuple

from mlcc.runtime.log import one_line
from mlcc.runtime.values import runner_env

MAX_ANSWER = 1 << 20  # bytes of what `describe` prints
STRICT = ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c"]


class ReleaseError(Exception):
    """The release can't go on. `code`: 1 it is at fault, 2 what it runs on is."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


class Deployed(NamedTuple):
    """What is served. An empty id: none. `lease` 0: the candidate has none."""

    live: str
    candidate: str
    weight: float
    lease: float


class Adapter:
    """The user's program, which gets a verb as its last word, in a folder of the repository."""

    def __init__(self, command: str, folder: str, within: float) -> None:
        self.command, self.folder, self.within = command, folder or ".", within

    def describe(self) -> Deployed:
        """Return what is served now. Raises ReleaseError where the answer isn't one."""
        text = self._run("describe", {}, capture=True)
        try:
            found = json.loads(text)
        except ValueError:
            raise ReleaseError("`describe` printed no JSON") from None
        return _deployed(found)

    def act(self, verb: str, release: str, weight: float = 0.0, lease: float = 0.0) -> None:
        """Let the program do something, once more if it has been done already. Raises ReleaseError where it fails."""
        given = {"MLCC_RELEASE": release, "MLCC_WEIGHT": f"{weight:g}", "MLCC_LEASE": f"{lease:.0f}"}
        self._run(verb, given, capture=False)

    def _run(self, verb: str, given: dict[str, str], *, capture: bool) -> str:
        env = {**runner_env(), **given}
        try:
            done = subprocess.run(
                [*STRICT, f"{self.command} {verb}"], env=env, cwd=self.folder, timeout=self.within, check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if capture else None,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ReleaseError(f"`{verb}` didn't end within {self.within:g} s") from None
        except OSError as problem:
            raise ReleaseError(f"`{verb}` can't be run: {problem.strerror}") from None
        if done.returncode:
            raise ReleaseError(f"`{verb}` ended with {done.returncode}")
        answer = done.stdout or b""
        if len(answer) > MAX_ANSWER:
            raise ReleaseError(f"`{verb}` printed more than {MAX_ANSWER} bytes")
        return answer.decode("utf-8", "replace")


def _deployed(found: Any) -> Deployed:
    if not isinstance(found, dict):
        raise ReleaseError("`describe` printed no JSON object")
    ids = [found.get(key) for key in ("live", "candidate")]
    numbers = [found.get(key, 0) for key in ("weight", "lease")]
    if not all(id is None or isinstance(id, str) for id in ids):
        raise ReleaseError("`describe` tells no ids: `live` and `candidate` are texts or null")
    if not all(type(n) in (int, float) and math.isfinite(n) and n >= 0 for n in numbers) or numbers[0] > 100:
        raise ReleaseError("`describe` tells no numbers: `weight` is from 0 to 100, `lease` a time")
    live, candidate = (one_line(id or "") for id in ids)
    return Deployed(live, candidate, float(numbers[0]), float(numbers[1]))
