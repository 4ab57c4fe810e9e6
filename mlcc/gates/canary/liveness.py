"""Asks the candidate itself whether it is alive: one that is dead counts nothing, and its silence comes late."""

from __future__ import annotations

import os

from mlcc.gates._records import Check, GateError, counted, visible
from mlcc.gates._web import url_fault
from mlcc.gates.canary.web import connection_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ADDRESS = "MLCC_CANDIDATE_URL"
ASK_EVERY = 5.0  # seconds
_ANSWER_WITHIN = 5.0  # seconds


class Liveness:
    """Who is asked, and how often in a row no answer came. `asked`: what the parameters say; None: nobody is asked.

    Raises GateError for a path of a candidate whose address isn't known.
    """

    def __init__(self, asked: Mapping[str, Any] | None) -> None:
        self.url = None if asked is None else _address_of(asked["url"])
        self.fail_after: int = 0 if asked is None else asked["fail_after"]
        self.times = 0
        self.missed = 0
        self._told = ""

    def is_dead(self) -> bool:
        """Ask, and return whether it was for the last of `fail_after` times in a row without an answer."""
        if self.url is None:
            return False
        self.times += 1
        self._told = _answer_of_live(self.url)
        self.missed = self.missed + 1 if self._told else 0
        return self.missed >= self.fail_after

    def checks(self) -> list[Check]:
        """Return the check on the answers so far; none where nobody is asked."""
        if self.url is None:
            return []
        shown = visible(self.url, 200)
        if self.missed >= self.fail_after:
            message = f"{shown} gave no answer {counted(self.missed, 'time')} in a row ({self._told}): the server is dead"
            return [Check("liveness", "fail", message, n=self.times)]
        message = f"{shown} was asked {counted(self.times, 'time')}, and never {self.fail_after} in a row without an answer"
        return [Check("liveness", "pass", message, n=self.times)]


def _address_of(url: str) -> str:
    if not url.startswith("/"):
        return url
    base = os.environ.get(ADDRESS, "")
    if url_fault(base) is not None:
        raise GateError(
            f"{visible(url, 200)} is a path at the candidate's own address, and {ADDRESS} holds none"
        )
    return base.rstrip("/") + url


def _answer_of_live(url: str) -> str:
    """Ask once. Return why that is no answer; "" where it is one: a status of 2xx, in time."""
    # Most gates ask nobody.
    import threading

    found: list[str] = []
    # A thread, for neither a name that isn't resolved nor an answer that comes in drops ends by itself.
    asking = threading.Thread(target=lambda: found.append(_asked_once(url)), daemon=True)
    asking.start()
    asking.join(_ANSWER_WITHIN)
    return found[0] if found else _too_late()


def _too_late() -> str:
    return f"none within {_ANSWER_WITHIN:g} s"


def _asked_once(url: str) -> str:
    import http.client

    try:
        connection, path = connection_to(url, _ANSWER_WITHIN)
        try:
            connection.request("GET", path or "/", headers={"Connection": "close"})
            status = connection.getresponse().status
        finally:
            connection.close()
    except TimeoutError:
        return _too_late()
    except (OSError, ValueError, http.client.HTTPException) as problem:
        return type(problem).__name__
    return "" if 200 <= status < 300 else f"the status {status}"
