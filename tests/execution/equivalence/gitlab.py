"""Runs a case's GitLab pipelines, parent and child, on gitlab-ci-local."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.execution.equivalence.case import SECRET, Scratch
from tests.execution.equivalence.runner import Run, gathered
from tests.execution.github.scratch import git
from tests.execution.gitlab.local import run_pipeline

PROJECT, FORK = "3", "4"
API_TOKEN = "glpat-scratch"


class GitLab:
    """See runner.Runner."""

    name = "gitlab"

    def run(self, scratch: Scratch, python: str = sys.executable) -> Run:
        """Run the parent's selecting job and the child that it wrote; the API tells of the last green pipeline."""
        variables, ref = _started(scratch)
        # A variable of the project that the spec never names reaches every job, and mlcc can't know it for a secret.
        named = any(node.secrets for node in scratch.plan.nodes.values())
        secret = {"TOKEN": SECRET} if named else {}
        # Branches of an environment have to be protected, which is an obligation of its own.
        protected = {"CI_COMMIT_REF_PROTECTED": "true"} if ref == "main" else {}
        with _api(scratch) as settings:
            run = run_pipeline(
                scratch.repo,
                {"CI_PROJECT_ID": PROJECT, **variables},
                settings={**secret, **protected, **settings},
                ref=ref,
                python=python,
            )
        return gathered([run.artifacts], run.jobs.get("final") == "passed", run.log)


def _started(scratch: Scratch) -> tuple[Mapping[str, str], str]:
    """Return the variables of the pipeline that an event starts, and the branch or tag that it runs.

    https://docs.gitlab.com/ci/variables/predefined_variables/
    """
    event, repo = scratch.event, scratch.repo
    by_hand = {"MLCC_TRIGGER": str(event.trigger)}
    match event.kind:
        case "push":
            return {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": scratch.branch}, scratch.branch
        case "tag":
            git(repo, "tag", str(event.tag), "refs/heads/main")
            return {
                "CI_PIPELINE_SOURCE": "push",
                "CI_COMMIT_TAG": str(event.tag),
                "CI_COMMIT_BRANCH": "",
            }, str(event.tag)
        case "pull_request":
            return _merge_request(scratch), scratch.branch
        case "manual":
            inputs = {f"MLCC_INPUT_{name.upper()}": value for name, value in event.inputs.items()}
            return {"CI_PIPELINE_SOURCE": "web", "CI_COMMIT_BRANCH": "main", **by_hand, **inputs}, "main"
        case "schedule":
            return {"CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main", **by_hand}, "main"
        case _:
            return {"CI_PIPELINE_SOURCE": "trigger", "CI_COMMIT_BRANCH": "main", **by_hand}, "main"


def _merge_request(scratch: Scratch) -> dict[str, str]:
    return {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_COMMIT_BRANCH": "",
        "CI_MERGE_REQUEST_IID": "1",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": str(scratch.event.branch),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(scratch.repo, "merge-base", "main", scratch.branch),
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": FORK if scratch.event.fork else PROJECT,
        "CI_MERGE_REQUEST_PROJECT_ID": PROJECT,
    }


@contextmanager
def _api(scratch: Scratch) -> Iterator[dict[str, str]]:
    """Serve the two questions that select asks, and yield the settings that lead there; without a base none.

    https://docs.gitlab.com/api/pipelines/ and https://docs.gitlab.com/api/jobs/#list-pipeline-trigger-jobs
    """
    if scratch.base is None:
        yield {}
        return
    pipelines = [{"id": 1, "sha": scratch.base, "ref": scratch.branch, "source": "push", "status": "success"}]

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = parse_qs(url.query)
            known = self.headers.get("Private-Token") or self.headers.get("Authorization", "").removeprefix(
                "Bearer "
            )
            found: object = None
            if known == API_TOKEN and url.path == f"/projects/{PROJECT}/pipelines":
                found = [
                    p for p in pipelines if [p["ref"]] == asked["ref"] and [p["source"]] == asked["source"]
                ]
            elif known == API_TOKEN and url.path == f"/projects/{PROJECT}/pipelines/1/bridges":
                found = [{"name": "run", "status": "success"}]
            text = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: pytest's output is no access log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield {"CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}", "MLCC_API_TOKEN": API_TOKEN}
        finally:
            server.shutdown()
            thread.join()


RUNNER = GitLab()
