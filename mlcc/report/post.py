"""Keeps one comment up to date: finds it among all of a request, changes it, or writes the first.

A comment is this pipeline's when its first line says so and its author is who the token belongs to: others' that quote
the line stay as they are. The whole is tried again, so that an answer that was lost makes no second comment.
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mlcc.report.comment import marked_run
from mlcc.report.forges import Forge
from mlcc.runtime.records import RunError
from mlcc.runtime.web import MAX_ANSWER, NETWORK_SECONDS

ATTEMPTS = 5
LONGEST_WAIT = 60.0  # seconds; who asks for more is not waited for
MOST_PAGES = 50
REASONS = {
    401: "the token isn't accepted",
    403: "the token may not write comments",
    404: "the token sees no such pull request",
}


class AgainError(Exception):
    """It may go better after some seconds."""

    def __init__(self, seconds: float | None, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


class Answer(NamedTuple):
    """What a forge answered: its headers, by small letters, and the JSON value."""

    headers: Mapping[str, str]
    content: Any


def publish_comment(forge: Forge, token: str, name: str, number: int, body: str) -> str:
    """Write or change the comment of the pipeline `name`, and say what was done. Raises RunError.

    `number` is the run's: a comment that tells of a later run is left as it is.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _publish(forge, token, name, number, body)
        except AgainError as problem:
            wait = 2.0**attempt if problem.seconds is None else problem.seconds
            if attempt == ATTEMPTS - 1 or wait > LONGEST_WAIT:
                raise RunError(f"{problem}, and it was tried {attempt + 1} times") from None
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _publish(forge: Forge, token: str, name: str, number: int, body: str) -> str:
    me = forge.me or str(_ask("GET", f"{forge.api}/user", token).content.get(forge.login, ""))
    mine = [
        (int(one["id"]), str(one["body"]), run)
        for one in _comments(forge, token)
        for run in [marked_run(str(one.get("body")), name)]
        if run is not None and me and (one.get(forge.author) or {}).get(forge.login) == me
    ]
    if any(run > number for _, _, run in mine):
        return "a later run has written the comment already"
    for id, _, _ in (one for one in mine if one[1] != body):
        _ask(forge.verb, f"{forge.one}{id}", token, {"body": body})
    if not mine:
        _ask("POST", forge.comments, token, {"body": body})
    return "the comment is up to date" if mine else "the comment is written"


def _comments(forge: Forge, token: str) -> Iterator[dict[str, Any]]:
    """Yield every comment, page by page: https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api"""
    url = f"{forge.comments}?per_page=100"
    for _ in range(MOST_PAGES):
        answer = _ask("GET", url, token)
        if not isinstance(answer.content, list):
            raise RunError("the forge's answer isn't a list of comments")
        yield from (one for one in answer.content if isinstance(one, dict))
        url = _next(answer.headers.get("link", ""))
        if not url:
            return
        if not url.startswith(f"{forge.api}/"):
            raise RunError("the forge's next page is at another address")
    raise RunError(f"there are more than {MOST_PAGES * 100} comments")


def _next(link: str) -> str:
    """Return the next page of a Link header (RFC 8288); empty: this is the last."""
    for part in link.split(","):
        address, _, relation = part.strip().partition(">")
        if address.startswith("<") and 'rel="next"' in relation:
            return address[1:]
    return ""


def _ask(verb: str, url: str, token: str, body: dict[str, str] | None = None) -> Answer:
    """Return what a forge answers. Raises AgainError for what may pass, and RunError for what won't."""
    import http.client
    import urllib.error
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        """Follows no redirection, which would take the token along."""

        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "mlcc"}
    content = None if body is None else json.dumps(body).encode()
    if content is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, content, headers, method=verb)  # noqa: S310 - `forges` checks the scheme
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=NETWORK_SECONDS) as answer:
            found = {key.lower(): value for key, value in answer.headers.items()}
            return Answer(found, json.loads(answer.read(MAX_ANSWER).decode("utf-8") or "null"))
    except urllib.error.HTTPError as problem:
        with problem:
            raise _refused(
                problem.code, {key.lower(): value for key, value in problem.headers.items()}
            ) from None
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise AgainError(None, f"the forge gave no proper answer ({type(problem).__name__})") from None


def _refused(status: int, headers: Mapping[str, str]) -> Exception:
    """Return what an answer means.

    GitHub answers 403 as well as 429 to who asks too often, with `retry-after` or no requests remaining
    (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
    """
    limited = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    if status == 429 or status >= 500 or (status == 403 and limited):
        return AgainError(_seconds(headers), f"the forge answered with {status}")
    return RunError(f"{REASONS.get(status, 'the forge refused')} ({status})")


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long a forge asks to wait; None: it doesn't say."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isascii() and after.isdigit():
        return float(after[:9])
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(1.0, float(reset[:12]) - time.time())
    return None
