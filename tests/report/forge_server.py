"""GitHub's and GitLab's interfaces for comments, on loopback: pages, authors, tokens, limits.

As https://docs.github.com/rest/issues/comments and https://docs.gitlab.com/api/notes/ say: lists come in pages with a
Link header, 30 and 20 at a time unless asked for up to 100; without a proper token it is 401; what the token may not
see is 404; GitHub changes comments by PATCH and GitLab by PUT; bodies have a longest length.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "t0ken"
GITHUB_LIST = re.compile(r"/repos/(?P<project>[^/]+/[^/]+)/issues/(?P<number>\d+)/comments")
GITHUB_ONE = re.compile(r"/repos/(?P<project>[^/]+/[^/]+)/issues/comments/(?P<id>\d+)")
GITLAB_LIST = re.compile(r"/projects/(?P<project>[^/]+)/merge_requests/(?P<number>\d+)/notes")
GITLAB_ONE = re.compile(r"/projects/(?P<project>[^/]+)/merge_requests/(?P<number>\d+)/notes/(?P<id>\d+)")


@dataclass(slots=True)
class Forge:
    """`comments` are (author, body) by number; `failures` are answered first: status and headers, one a request.

    `me` is who the `token` belongs to; `user` is False for a token that may not ask who it is (a job's own on GitHub).
    """

    kind: str
    project: str = "acme/churn"
    number: int = 17
    me: str = "github-actions[bot]"
    user: bool = True
    token: str = TOKEN
    comments: dict[int, tuple[str, str]] = field(default_factory=dict)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    lost: int = 0  # answers that are lost after the comment was written
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    api: str = ""
    url: str = ""

    def add(self, author: str, body: str) -> int:
        id = 1000 + len(self.comments)
        self.comments[id] = (author, body)
        return id

    @property
    def writes(self) -> list[str]:
        return [verb for verb, _ in self.asked if verb != "GET"]

    @property
    def most(self) -> int:
        return 65_536 if self.kind == "github" else 1_000_000

    def shown(self, id: int) -> dict[str, Any]:
        author, body = self.comments[id]
        if self.kind == "github":
            return {"id": id, "user": {"login": author, "type": "Bot"}, "body": body}
        return {"id": id, "author": {"id": 7, "username": author}, "body": body, "system": False}

    def answer(self, verb: str, target: str, content: bytes) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(target)
        path = parts.path[len(urlsplit(self.api).path) :]
        if verb == "GET" and path == "/user":
            name = "login" if self.kind == "github" else "username"
            return (
                (200, {}, {name: self.me}) if self.user else (403, {}, {"message": "Resource not accessible"})
            )
        many, single = (GITHUB_LIST, GITHUB_ONE) if self.kind == "github" else (GITLAB_LIST, GITLAB_ONE)
        if found := many.fullmatch(path):
            if unquote(found["project"]) != self.project or int(found["number"]) != self.number:
                return 404, {}, {"message": "Not Found"}
            if verb == "GET":
                return self._page(parts.path, parse_qs(parts.query))
            if verb == "POST":
                return self._write(201, None, content)
        if found := single.fullmatch(path):
            id = int(found["id"])
            if id not in self.comments or unquote(found["project"]) != self.project:
                return 404, {}, {"message": "Not Found"}
            if verb == ("PATCH" if self.kind == "github" else "PUT"):
                return self._write(200, id, content)
        return 404, {}, {"message": "Not Found"}

    def _write(self, status: int, id: int | None, content: bytes) -> tuple[int, dict[str, str], Any]:
        body = json.loads(content)["body"]
        if len(body) > self.most:
            return 422, {}, {"message": "Validation Failed"}
        if id is None:
            id = self.add(self.me, body)
        self.comments[id] = (self.comments[id][0], body)
        if self.lost:
            self.lost -= 1
            return 502, {}, {"message": "Bad Gateway"}
        return status, {}, self.shown(id)

    def _page(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, str], Any]:
        size = min(int(query.get("per_page", ["30" if self.kind == "github" else "20"])[0]), 100)
        page = int(query.get("page", ["1"])[0])
        ids = sorted(self.comments, reverse=self.kind == "gitlab")  # GitLab shows the newest first
        last = max(1, -(-len(ids) // size))
        base = f"{self.url}{path}?per_page={size}&page="
        links = [f'<{base}1>; rel="first"', f'<{base}{last}>; rel="last"']
        if page > 1:
            links.insert(0, f'<{base}{page - 1}>; rel="prev"')
        if page < last:
            links.insert(0, f'<{base}{page + 1}>; rel="next"')
        return (
            200,
            {"Link": ", ".join(links)},
            [self.shown(id) for id in ids[(page - 1) * size : page * size]],
        )


@contextmanager
def serve(forge: Forge) -> Iterator[Forge]:
    """Run a forge for the length of a `with` block; `api` is where its interface begins."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            verb = self.command
            forge.asked.append((verb, self.path))
            authorization = self.headers.get("Authorization")
            forge.tokens.add(authorization)
            headers: dict[str, str] = {}
            if forge.failures:
                status, headers = forge.failures.pop(0)
                answer: Any = {"message": "no"}
            elif authorization != f"Bearer {forge.token}":
                status, answer = 401, {"message": "Bad credentials"}
            else:
                status, headers, answer = forge.answer(verb, self.path, content)
            text = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Type": "application/json",
                "Content-Length": str(len(text)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    for verb in ("GET", "POST", "PUT", "PATCH"):
        setattr(Handler, f"do_{verb}", Handler._do)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        forge.url = f"http://127.0.0.1:{http.server_address[1]}"
        forge.api = forge.url + ("" if forge.kind == "github" else "/api/v4")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield forge
        finally:
            http.shutdown()
            thread.join()
