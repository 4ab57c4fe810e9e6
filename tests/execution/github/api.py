"""A loopback stand-in for the one question that a compiled workflow asks GitHub: which runs of it were green."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_RUNS = re.compile(r"/repos/(?P<repository>[^/]+/[^/]+)/actions/workflows/(?P<workflow>[^/]+)/runs")
_FILTERS = {"branch": "head_branch", "event": "event", "head_sha": "head_sha"}


@dataclass(slots=True)
class GitHubApi:
    """`url` is what ``GITHUB_API_URL`` must be; `requests` are the paths asked for, with their queries."""

    url: str
    runs: list[dict[str, Any]]
    status: int = 200
    requests: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)


def green_run(number: int, sha: str, branch: str = "main", event: str = "push") -> dict[str, Any]:
    """One entry of the list; a larger `number` is a later run."""
    return {
        "id": number,
        "run_number": number,
        "head_branch": branch,
        "head_sha": sha,
        "event": event,
        "status": "completed",
        "conclusion": "success",
    }


@contextmanager
def github_api(runs: Sequence[Mapping[str, Any]] = (), *, status: int = 200) -> Iterator[GitHubApi]:
    """Serve `runs`, newest first, on a free port; with another `status` every answer is that error."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.requests.append(self.path)
            api.authorizations.append(self.headers.get("Authorization"))
            code, body = _answer(self.path, api)
            text = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: pytest's output is no access log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        api = GitHubApi(f"http://127.0.0.1:{server.server_port}", [dict(run) for run in runs], status)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def _answer(path: str, api: GitHubApi) -> tuple[int, dict[str, Any]]:
    if api.status != 200:
        return api.status, {"message": "Server Error"}
    split = urlsplit(path)
    if not _RUNS.fullmatch(split.path):
        return 404, {"message": "Not Found"}
    query = dict(parse_qsl(split.query))
    found = sorted((run for run in api.runs if _selected(run, query)), key=lambda run: -run["run_number"])
    size = int(query.get("per_page", "30"))
    start = (int(query.get("page", "1")) - 1) * size
    return 200, {"total_count": len(found), "workflow_runs": found[start : start + size]}


def _selected(run: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    # The `status` filter takes a status or a conclusion.
    if "status" in query and query["status"] not in (run["status"], run["conclusion"]):
        return False
    return all(run[key] == query[name] for name, key in _FILTERS.items() if name in query)
