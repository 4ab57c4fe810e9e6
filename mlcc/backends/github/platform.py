"""GitHub Actions, as the runtime sees it on a runner.

Facts come from GITHUB_* variables and the event's payload file, never from expressions in the workflow.
https://docs.github.com/actions/reference/workflows-and-actions/variables
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mlcc.runtime.platform import REFUSED, Facts
from mlcc.runtime.records import RunError
from mlcc.runtime.web import get_json, url_quoted

EVENTS = {
    "pull_request": "pull_request",
    "schedule": "schedule",
    "workflow_dispatch": "manual",
    "repository_dispatch": "dispatch",
}
FORM_INPUT = "mlcc_form"
OWN_REGISTRY = "ghcr.io"
APPROVAL = (
    "--approval"  # behind a node's id, which has no two hyphens: the job in which people are asked before it
)


class GitHub:
    """See mlcc.runtime.platform.Platform."""

    raw_exit = False
    skip_exit = 0
    waits = False
    builder = "docker"

    def facts(self) -> Facts:
        """Return what started the run. Raises RunError on an event that mlcc compiles no trigger for."""
        env = os.environ
        name = env.get("GITHUB_EVENT_NAME", "")
        kind = EVENTS.get(name, "")
        if name == "push":
            kind = "tag" if env.get("GITHUB_REF_TYPE") == "tag" else "push"
        if not kind:
            raise RunError(f"the event {name} isn't one that this pipeline is compiled for")
        payload = _payload()
        pull = payload.get("pull_request") or {}
        inputs = (
            {str(k): _text(v) for k, v in (payload.get("inputs") or {}).items()} if kind == "manual" else {}
        )
        ref = env.get("GITHUB_REF_NAME", "")
        repository = env.get("GITHUB_REPOSITORY", "")
        run_id = env.get("GITHUB_RUN_ID", "")
        return Facts(
            event=kind,
            commit=env.get("GITHUB_SHA", ""),
            branch=env.get("GITHUB_BASE_REF", "") if kind == "pull_request" else "" if kind == "tag" else ref,
            tag=ref if kind == "tag" else "",
            hint=_hint(kind, payload, inputs),
            inputs=inputs,
            fork=kind == "pull_request" and _is_fork(pull),
            base=str((pull.get("base") or {}).get("sha", "")),
            head=str((pull.get("head") or {}).get("sha", "")),
            pull_request=str(payload.get("number", "")) if kind == "pull_request" else "",
            repository=repository,
            run_id=run_id,
            run_number=env.get("GITHUB_RUN_NUMBER", ""),
            run_url=f"{env.get('GITHUB_SERVER_URL', '')}/{repository}/actions/runs/{run_id}",
        )

    def last_green(self, branch: str) -> str | None:
        """Ask for the newest push run of this workflow that succeeded on the branch; None: unknown.

        https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow
        """
        env = os.environ
        workflow = env.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2]
        token = env.get("MLCC_TOKEN", "")
        if not workflow or not token:
            return None
        query = f"branch={url_quoted(branch)}&event=push&status=success&per_page=1"
        url = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/actions/workflows/{workflow}/runs?{query}"
        answer = get_json(url, token)
        runs = answer.get("workflow_runs") if isinstance(answer, dict) else None
        return str(runs[0]["head_sha"]) if isinstance(runs, list) and runs else None

    def publish_selection(self, plan: dict[str, Any], record: dict[str, Any]) -> None:
        """Hand the list of unselected nodes to the conditions of their jobs."""
        skipped = [id for id in plan["nodes"] if id not in record["selected"]]
        self.put_output("skip", "," + "".join(id + "," for id in skipped))

    def deliver(self, plan: dict[str, Any]) -> None:
        """Do nothing: artifacts bring the selection, and steps name the secrets that they need."""

    def put_output(self, name: str, value: str) -> None:
        """Write an output of the step."""
        _append("GITHUB_OUTPUT", f"{name}={value}\n")

    def put_summary(self, markdown: str) -> None:
        """Append to the job's summary."""
        _append("GITHUB_STEP_SUMMARY", markdown + "\n")

    def warn(self, message: str) -> None:
        """Print an annotation."""
        print(f"::warning::{_escaped(message)}", flush=True)

    def annotate(self, level: str, title: str, message: str, path: str) -> None:
        """Print an annotation of a file: https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
        values = {"file": path, "title": title}
        told = ",".join(
            f"{name}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
            for name, value in values.items()
        )
        print(f"::{level} {told}::{_escaped(message)}", flush=True)

    def forge(self, repository: str) -> tuple[str, str, str]:
        """Return GitHub itself. https://docs.github.com/actions/reference/workflows-and-actions/variables"""
        return "github", os.environ.get("GITHUB_API_URL", ""), repository

    def registry_login(self, host: str) -> tuple[str, str] | None:
        """Return the job's token, which may reach packages where the workflow says so.

        https://docs.github.com/packages/managing-github-packages-using-github-actions-workflows/publishing-and-installing-a-package-with-github-actions
        """
        token = os.environ.get("MLCC_TOKEN", "")
        return (os.environ.get("GITHUB_ACTOR", ""), token) if host == OWN_REGISTRY and token else None

    def id_token(self, audience: str) -> str:
        """Return a token. https://docs.github.com/actions/reference/security/oidc"""
        url = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
        token = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
        if not url or not token:
            raise RunError("this job may not ask for an OpenID Connect token")
        answer = get_json(f"{url}&audience={url_quoted(audience)}", token)
        value = str(answer.get("value", "")) if isinstance(answer, dict) else ""
        if not value:
            raise RunError("GitHub gave no OpenID Connect token")
        print(f"::add-mask::{value}", flush=True)
        return value

    def approval_problem(self) -> str:
        """Say why the job's approval isn't that of this attempt: a job can be run again without those before it."""
        approved, attempt = os.environ.get("MLCC_APPROVED"), os.environ.get("GITHUB_RUN_ATTEMPT", "")
        if approved is None or (approved and approved == attempt):
            return ""
        return f"people approved attempt {approved or 'none'} of the run, and this is {attempt or 'unknown'}: run all jobs again"

    def was_cancelled(self, node: str) -> bool:
        """Tell by the `needs` of the job; of a job in another file they say nothing, and a rollback must run then."""
        try:
            return self.results().get(node) == "cancelled"
        except RunError:
            return False

    def results(self) -> dict[str, Any]:
        """Return job id -> result, from the `needs` of the final job, or of a rollback's.

        A job that waits for approval fails when it is refused, or 30 days have gone by: that is its node's result.
        https://docs.github.com/actions/how-tos/deploy/configure-and-manage-deployments/review-deployments
        """
        try:
            needs = json.loads(os.environ.get("MLCC_NEEDS", ""))
            found = {str(id): str(job["result"]) for id, job in needs.items()}
        except (ValueError, AttributeError, KeyError, TypeError):
            raise RunError("MLCC_NEEDS isn't what GitHub tells of the jobs before") from None
        refused = [id for id, result in found.items() if id.endswith(APPROVAL) and result == "failure"]
        for id in refused:
            del found[id]
            found[id[: -len(APPROVAL)]] = REFUSED
        return found


def _payload() -> dict[str, Any]:
    try:
        payload = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_text("utf-8"))
    except (OSError, ValueError):
        raise RunError("the event's payload can't be read") from None
    if not isinstance(payload, dict):
        raise RunError("the event's payload isn't an object")
    return payload


def _escaped(text: str) -> str:
    """Return text as the runner takes it back (actions/toolkit, packages/core/src/command.ts)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _text(value: Any) -> str:
    return (
        {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else ""
        if value is None
        else str(value)
    )


def _hint(kind: str, payload: dict[str, Any], inputs: dict[str, str]) -> str:
    if kind == "schedule":
        return str(payload.get("schedule", ""))
    if kind == "dispatch":
        return str(payload.get("action", ""))
    return inputs.pop(FORM_INPUT, "") if kind == "manual" else ""


def _is_fork(pull: dict[str, Any]) -> bool:
    """Tell whether a pull request comes from another repository; unless it surely doesn't, it does."""
    head = ((pull.get("head") or {}).get("repo") or {}).get("full_name")
    base = ((pull.get("base") or {}).get("repo") or {}).get("full_name")
    return not (head and head == base)


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable, "")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
