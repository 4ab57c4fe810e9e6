"""GitHub's and GitLab's interfaces for issues, on loopback, as strict as their pages say.

https://docs.github.com/rest/issues/issues: lists have pull requests, too, and come 30 at a time; only `open` and `closed`
are states; labels are a list. https://docs.gitlab.com/api/issues/: lists come 20 at a time, `scope=created_by_me` leaves
others' out; issues are numbered by `iid`; labels are one text; a state changes by `state_event`. Both refuse unknown keys here.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "t0ken"
BOT = "github-actions[bot]"
ROUTES = {
    "github": re.compile(
        r"/repos/(?P<project>[^/]+/[^/]+)/issues(?:/(?P<number>\d+)(?P<comments>/comments)?)?"
    ),
    "gitlab": re.compile(r"/projects/(?P<project>[^/]+)/issues(?:/(?P<number>\d+)(?P<comments>/notes)?)?"),
}
NEW = {"github": {"title", "body", "labels"}, "gitlab": {"title", "description", "labels"}}
CHANGE = {"github": {"body", "state", "state_reason"}, "gitlab": {"description", "state_event"}}


class Tracker:
    """`issues` are known by their number. `lost`: so many writes are done, and answered with 502."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.project = "acme/credit" if kind == "github" else "77"
        self.issues: dict[int, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.lost = 0
        self.failures: list[int] = []
        self.tokens: set[str | None] = set()
        self.url = self.api = ""

    @property
    def open(self) -> list[dict[str, Any]]:
        return [issue for issue in self.issues.values() if issue["open"]]

    def add(self, body: str, **more: Any) -> dict[str, Any]:
        """Add an issue by the token's owner, or by whom it says."""
        number = len(self.issues) + 1
        self.issues[number] = {
            "number": number, "title": "", "body": body, "labels": [], "open": True, "author": BOT, "comments": [],
            "pull": False, **more,
        }  # fmt: skip
        return self.issues[number]

    def answer(self, verb: str, target: str, content: Any) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(target)
        found = ROUTES[self.kind].fullmatch(parts.path[len(urlsplit(self.api).path) :])
        if not found or unquote(found["project"]) != self.project:
            return 404, {}, {}
        if verb == "GET" and not found["number"]:
            return self._page(parts.path, parse_qs(parts.query))
        if verb == "POST" and not found["number"]:
            return self._new(content)
        issue = self.issues.get(int(found["number"] or 0))
        if issue is None:
            return 404, {}, {}
        if verb == "POST" and found["comments"] and set(content) == {"body"}:
            issue["comments"].append(content["body"])
            return 201, {}, {}
        if verb == ("PATCH" if self.kind == "github" else "PUT") and not found["comments"]:
            return self._change(issue, content)
        return 404, {}, {}

    def _new(self, content: Any) -> tuple[int, dict[str, str], Any]:
        body = "body" if self.kind == "github" else "description"
        labels = content.get("labels", [] if self.kind == "github" else "")
        kind = list if self.kind == "github" else str
        if (
            not set(content) <= NEW[self.kind]
            or not content.get("title")
            or len(content["title"]) > 255
            or type(labels) is not kind
        ):
            return 422, {}, {}
        issue = self.add(content[body], title=content["title"])
        issue["labels"] = labels if isinstance(labels, list) else [one for one in labels.split(",") if one]
        return 201, {}, self._shown(issue)

    def _change(self, issue: dict[str, Any], content: Any) -> tuple[int, dict[str, str], Any]:
        if not content or not set(content) <= CHANGE[self.kind]:
            return 422, {}, {}
        issue["body"] = content.get("body", content.get("description", issue["body"]))
        if "state" in content or "state_event" in content:
            if content.get("state") != "closed" and content.get("state_event") != "close":
                return 422, {}, {}
            issue["open"] = False
        return 200, {}, self._shown(issue)

    def _shown(self, issue: dict[str, Any]) -> dict[str, Any]:
        if self.kind == "gitlab":
            return {"id": 9000 + issue["number"], "iid": issue["number"], "description": issue["body"]}
        pull = {"pull_request": {}} if issue["pull"] else {}
        return {
            "id": 9000 + issue["number"],
            "number": issue["number"],
            "body": issue["body"],
            "user": {"login": issue["author"]},
            **pull,
        }

    def _page(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, str], Any]:
        shown = [issue for issue in self.issues.values() if issue["open"]]
        if self.kind == "gitlab":
            assert query["state"] == ["opened"]
            shown = [one for one in shown if query.get("scope") != ["created_by_me"] or one["author"] == BOT]
        else:
            assert query["state"] == ["open"]
        size = min(int(query.get("per_page", ["20"])[0]), 100)
        page = int(query.get("page", ["1"])[0])
        shown.reverse()  # the newest first
        rest = "&".join(f"{name}={value[0]}" for name, value in query.items() if name != "page")
        link = f'<{self.url}{path}?{rest}&page={page + 1}>; rel="next"' if len(shown) > page * size else ""
        return 200, {"Link": link}, [self._shown(one) for one in shown[(page - 1) * size : page * size]]


@contextmanager
def serve_tracker(kind: str) -> Iterator[Tracker]:
    """Run a tracker for the length of a `with` block."""
    tracker = Tracker(kind)

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            tracker.tokens.add(self.headers.get("Authorization"))
            headers: dict[str, str] = {}
            answer: Any = {}
            if tracker.failures:
                status = tracker.failures.pop(0)
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status = 401
            else:
                status, headers, answer = tracker.answer(
                    self.command, self.path, json.loads(content or b"null")
                )
                if self.command != "GET":
                    tracker.writes.append(self.command)
                    if tracker.lost:
                        tracker.lost -= 1
                        status = 502
            text = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    for verb in ("GET", "POST", "PUT", "PATCH"):
        setattr(Handler, f"do_{verb}", Handler._do)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        tracker.url = f"http://127.0.0.1:{http.server_address[1]}"
        tracker.api = tracker.url + ("" if kind == "github" else "/api/v4")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield tracker
        finally:
            http.shutdown()
            thread.join()
