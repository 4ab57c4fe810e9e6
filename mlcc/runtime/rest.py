"""Asks a forge's interface, again where it may go better: GitHub's and GitLab's alike.

Standard library only: bundled into the emitted scripts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mlcc.runtime.records import RunError
from mlcc.runtime.web import MAX_ANSWER, NETWORK_SECONDS

ATTEMPTS = 5
LONGEST_WAIT = 60.0  # seconds; who asks for more is not waited for
MOST_PAGES = 50


class AgainError(Exception):
    """It may go better after some seconds."""

    def __init__(self, seconds: float | None, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


class Answer(NamedTuple):
    """What a forge answered: its headers, by small letters, and the JSON value."""

    headers: Mapping[str, str]
    content: Any


class Interface(NamedTuple):
    """A forge's interface: what every address begins with, a token, and what a refusal by status means."""

    api: str
    token: str
    reasons: Mapping[int, str]


def patiently(work: Callable[[], str]) -> str:
    """Return what a piece of work returns, which is done again from its start where it may go better. Raises RunError."""
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except AgainError as problem:
            wait = 2.0**attempt if problem.seconds is None else problem.seconds
            if attempt == ATTEMPTS - 1 or wait > LONGEST_WAIT:
                raise RunError(f"{problem}, and it was tried {attempt + 1} times") from None
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def listed(interface: Interface, url: str, what: str) -> Iterator[dict[str, Any]]:
    """Yield every object of a list, page by page: https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api"""
    for _ in range(MOST_PAGES):
        answer = ask(interface, "GET", url)
        if not isinstance(answer.content, list):
            raise RunError(f"the forge's answer isn't a list of {what}")
        yield from (one for one in answer.content if isinstance(one, dict))
        url = _next(answer.headers.get("link", ""))
        if not url:
            return
        if not url.startswith(f"{interface.api}/"):
            raise RunError("the forge's next page is at another address")
    raise RunError(f"there are more than {MOST_PAGES * 100} {what}")


def _next(link: str) -> str:
    """Return the next page of a Link header (RFC 8288); empty: this is the last."""
    for part in link.split(","):
        address, _, relation = part.strip().partition(">")
        if address.startswith("<") and 'rel="next"' in relation:
            return address[1:]
    return ""


def ask(interface: Interface, verb: str, url: str, body: Mapping[str, Any] | None = None) -> Answer:
    """Return what a forge answers. Raises AgainError for what may pass, and RunError for what won't."""
    import http.client
    import urllib.error
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        """Follows no redirection, which would take the token along."""

        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    headers = {
        "Authorization": f"Bearer {interface.token}",
        "Accept": "application/json",
        "User-Agent": "mlcc",
    }
    content = None if body is None else json.dumps(body).encode()
    if content is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, content, headers, method=verb)  # noqa: S310 - callers check the scheme
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=NETWORK_SECONDS) as answer:
            found = {key.lower(): value for key, value in answer.headers.items()}
            return Answer(found, json.loads(answer.read(MAX_ANSWER).decode("utf-8") or "null"))
    except urllib.error.HTTPError as problem:
        with problem:
            found = {key.lower(): value for key, value in problem.headers.items()}
            raise _refused(interface, problem.code, found) from None
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise AgainError(None, f"the forge gave no proper answer ({type(problem).__name__})") from None


def _refused(interface: Interface, status: int, headers: Mapping[str, str]) -> Exception:
    """Return what an answer means.

    GitHub answers 403 as well as 429 to who asks too often, with `retry-after` or no requests remaining
    (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
    """
    limited = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    if status == 429 or status >= 500 or (status == 403 and limited):
        return AgainError(_seconds(headers), f"the forge answered with {status}")
    return RunError(f"{interface.reasons.get(status, 'the forge refused')} ({status})")


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long a forge asks to wait; None: it doesn't say."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isascii() and after.isdigit():
        return float(after[:9])
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(1.0, float(reset[:12]) - time.time())
    return None
