"""GitLab CI, as the runtime sees it on a runner.

The selecting node runs in the parent pipeline and writes the child pipeline: the committed `.mlcc/gitlab.yml` without
the unselected nodes' blocks, and with its own record as a variable. A job of a later stage can't fetch the parent's
artifacts: `needs` would let it start before the stages before it have ended (status_of_previous_jobs in GitLab's
app/services/ci/pipeline_processing/atomic_processing_service.rb).
https://docs.gitlab.com/ci/variables/predefined_variables/
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from mlcc.runtime.platform import Facts
from mlcc.runtime.records import (
    MAX_RECORD,
    ROOT,
    RunError,
    read_plan,
    report_folder,
    state_folder,
    write_record,
)
from mlcc.runtime.web import get_json, url_quoted

CHILD_SOURCE = "gitlab.yml"  # below .mlcc
CHILD_FILE = "child.yml"  # below _mlcc
SELECTION_LINE = "  MLCC_SELECTION: none"
MAX_SELECTION = 100_000  # characters; Linux takes no variable of 131,072 (MAX_ARG_STRLEN)
SOURCES = {
    "push": "push",
    "merge_request_event": "pull_request",
    "schedule": "schedule",
    "web": "manual",
    "api": "manual",
    "trigger": "dispatch",
    "pipeline": "dispatch",
}
# What GitLab gives to every job and a node's command has no business with, unless the node names it as a secret.
JOB_CREDENTIALS = (
    "CI_JOB_TOKEN", "CI_JOB_JWT", "CI_JOB_JWT_V1", "CI_JOB_JWT_V2", "CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD",
    "CI_DEPENDENCY_PROXY_PASSWORD", "CI_REPOSITORY_URL",
)  # fmt: skip
# https://docs.gitlab.com/ci/yaml/#keywords and https://docs.gitlab.com/ci/jobs/#job-names
TAKEN_NAMES = (
    "after_script", "before_script", "cache", "default", "false", "image", "include", "nil", "pages", "services",
    "spec", "stages", "true", "types", "variables", "workflow",
)  # fmt: skip
NOTIFY_JOB = "final notify"  # no node's id has a space
PAGE = 20  # pipelines that are looked through for a green one


def job_name(id: str) -> str:
    """Return the name of a node's job. GitLab reads some names as something else; no node's id has a space."""
    return f"{id} node" if id in TAKEN_NAMES else id


def waiting_jobs(id: str) -> tuple[str, str]:
    """Return the names of the jobs before a node, where it has them: in which people are asked, and in which time passes."""
    return f"{id} approval", f"{id} wait"


def jobs_of(ids: Iterable[str]) -> set[str]:
    """Return the names of all jobs that nodes have, or may have."""
    return {name for id in ids for name in (job_name(id), *waiting_jobs(id))}


def trigger_word(id: str, name: str, home: str) -> str:
    """Return the value of MLCC_TRIGGER that starts a trigger. Below the root, projects may share a pipeline."""
    return f"{name}/{id}" if home else id


def input_variable(input: str, name: str, home: str) -> str:
    """Return the name of the variable that holds an input of a manual form."""
    return "MLCC_INPUT_" + f"{name + '_' if home else ''}{input}".upper().replace("-", "_")


def run_job(name: str, home: str) -> str:
    """Return the name of the parent's job that starts the child pipeline."""
    return f"{name}-run" if home else "run"


class GitLab:
    """See mlcc.runtime.platform.Platform."""

    raw_exit = True
    skip_exit = 0
    waits = False
    builder = "buildah"

    def facts(self) -> Facts:
        """Return what started the run; in the child pipeline only the commit and the run. Raises RunError."""
        env = os.environ
        source = env.get("CI_PIPELINE_SOURCE", "")
        commit = env.get("CI_COMMIT_SHA", "")
        if source == "parent_pipeline":
            if not env.get("MLCC_RUN"):
                raise RunError("the parent pipeline doesn't say which one it is")
            return Facts("", commit, run_id=env["MLCC_RUN"])
        if source not in SOURCES:
            raise RunError(f"a pipeline by {source} isn't one that this is compiled for")
        plan = read_plan()
        hint = _trigger_id(env.get("MLCC_TRIGGER", ""), plan)
        kind = SOURCES[source]
        tag = env.get("CI_COMMIT_TAG", "")
        if kind == "push" and tag:
            kind = "tag"
        if source == "api" and hint in plan["triggers"].get("dispatch", []):
            kind = "dispatch"
        pull = kind == "pull_request"
        return Facts(
            event=kind,
            commit=commit,
            branch=env.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME" if pull else "CI_COMMIT_BRANCH", ""),
            tag=tag,
            hint=hint,
            inputs=_form_inputs(plan) if kind == "manual" else {},
            fork=pull and _comes_from_a_fork(),
            base=_first_set("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "CI_MERGE_REQUEST_DIFF_BASE_SHA"),
            head=_first_set("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") if pull else "",
            pull_request=env.get("CI_MERGE_REQUEST_IID", "") if pull else "",
            repository=env.get("CI_PROJECT_PATH", ""),
            run_id=env.get("CI_PIPELINE_ID", ""),
            run_number=env.get("CI_PIPELINE_IID", ""),
            run_url=env.get("CI_PIPELINE_URL", ""),
        )

    def last_green(self, branch: str) -> str | None:
        """Ask for the newest push pipeline whose child was green; None: unknown.

        The job's own token can't list pipelines (https://docs.gitlab.com/ci/jobs/fine_grained_permissions/), so
        without MLCC_API_TOKEN everything runs.
        https://docs.gitlab.com/api/pipelines/ and https://docs.gitlab.com/api/jobs/#list-pipeline-trigger-jobs
        """
        env = os.environ
        token = env.get("MLCC_API_TOKEN", "")
        project = f"{env.get('CI_API_V4_URL', '')}/projects/{env.get('CI_PROJECT_ID', '')}/pipelines"
        if not token or not is_of_this_gitlab(project):
            return None
        plan = read_plan()
        name = run_job(plan["name"], plan["home"])
        query = f"ref={url_quoted(branch)}&source=push&scope=finished&order_by=id&sort=desc&per_page={PAGE}"
        try:
            for pipeline in get_json(f"{project}?{query}", token) or []:
                for bridge in get_json(f"{project}/{int(pipeline['id'])}/bridges", token) or []:
                    if bridge["name"] == name and bridge["status"] == "success":
                        return str(pipeline["sha"])
        except (LookupError, TypeError, ValueError):  # an answer of another shape says nothing
            pass
        return None

    def publish_selection(self, plan: dict[str, Any], record: dict[str, Any]) -> None:
        """Write the child pipeline. Raises RunError."""
        try:
            text = (Path(".mlcc") / CHILD_SOURCE).read_text("utf-8")
        except (OSError, ValueError) as problem:
            raise RunError(f"the compiled child pipeline can't be read: {problem}") from None
        child = child_pipeline(text, dropped_jobs(plan, record), packed_selection(record))
        (ROOT / CHILD_FILE).write_text(child, "utf-8")

    def deliver(self, plan: dict[str, Any]) -> None:
        """Unpack the selecting node's record, and put secrets and variables under mlcc's names. Raises RunError.

        GitLab gives every variable to every job. What the plan names is taken out of the environment that
        commands inherit, so that a command sees only what its own node names.
        """
        write_record(
            state_folder("select") / "selection.json",
            unpacked_selection(os.environ.get("MLCC_SELECTION", "")),
        )
        for prefix, kind in (("MLCC_SECRET_", "secrets"), ("MLCC_VAR_", "variables")):
            for name in plan.get(kind, []):
                if name in os.environ:
                    os.environ[prefix + name] = os.environ[name]
        kept = ("CI_", "GITLAB_")  # facts of the job; a node may name them as variables
        names = [*plan.get("secrets", []), *(n for n in plan.get("variables", []) if not n.startswith(kept))]
        for name in (*names, *JOB_CREDENTIALS):
            os.environ.pop(name, None)

    def put_output(self, name: str, value: str) -> None:
        """Do nothing: no condition of the child pipeline reads one."""

    def put_summary(self, markdown: str) -> None:
        """Keep the text beside the node's reports: GitLab's pages show no Markdown."""
        folder = report_folder(os.environ.get("MLCC_NODE", "") or "final", os.environ.get("MLCC_LEG", ""))
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "summary.md").open("a", encoding="utf-8") as file:
            file.write(markdown + "\n")

    def warn(self, message: str) -> None:
        """Print the message in yellow: GitLab has no annotations of logs."""
        shown = "".join(c if c.isprintable() else " " for c in message)
        print(f"\x1b[33mmlcc: warning: {shown}\x1b[0m", flush=True)

    def annotate(self, level: str, title: str, message: str, path: str) -> None:
        """Do nothing: the JUnit reports of the gates stand in the merge request."""

    def forge(self, repository: str) -> tuple[str, str, str]:
        """Return this GitLab. Raises RunError. https://docs.gitlab.com/ci/variables/predefined_variables/"""
        del repository
        api = os.environ.get("CI_API_V4_URL", "")
        if not is_of_this_gitlab(api + "/"):
            raise RunError("CI_API_V4_URL isn't at the host that the repository was cloned from")
        return "gitlab", api, os.environ.get("CI_PROJECT_ID", "")

    def registry_login(self, host: str) -> tuple[str, str] | None:
        """Return the job's login to the project's own registry.

        https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/
        """
        env = os.environ
        user, password = env.get("CI_REGISTRY_USER", ""), env.get("CI_REGISTRY_PASSWORD", "")
        return (user, password) if host == env.get("CI_REGISTRY") and user and password else None

    def id_token(self, audience: str) -> str:
        """Return the token that GitLab made for the audience when the job started. Raises RunError.

        It lives as long as the job may (https://docs.gitlab.com/ci/secrets/id_token_authentication/).
        """
        for name, value in os.environ.items():
            if audience and name.startswith("MLCC_ID_TOKEN_") and _audience(value) == audience:
                return value
        raise RunError("this job has no OpenID Connect token for that audience")

    def approval_problem(self) -> str:
        """Return that there is none: who runs a job of a protected branch again may push there, and GitLab tells no more."""
        return ""

    def was_cancelled(self, node: str) -> bool:
        """Return that it wasn't: a cancelled pipeline starts no rollback."""
        del node
        return False

    def results(self) -> dict[str, Any]:
        """Return that selecting succeeded, or there were no child pipeline. Of others only their states tell."""
        return {"select": "success"}


def dropped_jobs(plan: dict[str, Any], record: dict[str, Any]) -> set[str]:
    """Return the names of the jobs that a run does without: of unselected nodes, and what tells where nobody is told."""
    dropped = jobs_of(id for id in plan["nodes"] if id not in record["selected"])
    conditions = [one for notice in plan.get("notify", {}).values() for one in notice["when"]]
    facts = record["facts"]
    if facts["fork"] or not any(facts["event"] in one["event"] for one in conditions):
        dropped.add(NOTIFY_JOB)  # it has secrets
    return dropped


def child_pipeline(text: str, dropped: Collection[str], selection: str) -> str:
    """Return a compiled pipeline without some of its top-level entries, and with the selection as a variable.

    An entry begins at a line without indentation. Every `needs` is optional, so nothing else changes.
    Raises RunError when there is no place for the selection.
    """
    kept: list[str] = []
    keep = False
    for line in text.split("\n"):
        if line[:1] not in ("", " "):
            keep = line[0] != "#" and line.partition(":")[0].strip("'") not in dropped
        if keep:
            kept.append(line)
    if kept.count(SELECTION_LINE) != 1:
        raise RunError("the compiled child pipeline has no place for the selection: run `mlcc compile`")
    kept[kept.index(SELECTION_LINE)] = SELECTION_LINE.replace("none", f"'{selection}'")
    return "\n".join(kept).rstrip("\n") + "\n"


def packed_selection(record: dict[str, Any]) -> str:
    """Return the part of a selecting node's record that nodes read, as text for a variable. Raises RunError."""
    reasons = {id: why for id, why in record["reasons"].items() if id not in record["selected"]}
    shown = {key: value for key, value in record.items() if key not in ("event", "reasons")}
    content = json.dumps({**shown, "reasons": reasons}, sort_keys=True).encode()
    text = base64.b64encode(zlib.compress(content, 9)).decode("ascii")
    if len(text) > MAX_SELECTION:
        raise RunError(f"the selection has {len(text)} characters: a variable of a job takes {MAX_SELECTION}")
    return text


def unpacked_selection(text: str) -> dict[str, Any]:
    """Return the record in a variable. Raises RunError when there is none."""
    try:
        stream = zlib.decompressobj()
        content = stream.decompress(base64.b64decode(text, validate=True), MAX_RECORD)
        record = json.loads(content.decode("utf-8")) if stream.eof else None
    except (ValueError, zlib.error, binascii.Error, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise RunError("the selecting node left no selection")
    return record


def _trigger_id(word: str, plan: dict[str, Any]) -> str:
    prefix = trigger_word("", plan["name"], plan["home"])
    return word[len(prefix) :] if word.startswith(prefix) else ""


def _form_inputs(plan: dict[str, Any]) -> dict[str, str]:
    names = {name for form in plan["triggers"].get("manual", {}).values() for name in form}
    return {
        name: os.environ.get(input_variable(name, plan["name"], plan["home"]), "") for name in sorted(names)
    }


def _first_set(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _comes_from_a_fork() -> bool:
    """Tell whether a merge request comes from another project; unless it surely doesn't, it does."""
    names = ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID")
    projects = {os.environ.get(name, "") for name in names}
    return len(projects) != 1 or "" in projects


def _audience(token: str) -> str:
    """Return the audience that a token is for; empty: it isn't a token. Its signature is the receiver's to check."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["aud"])
    except (ValueError, LookupError, TypeError):
        return ""


def is_of_this_gitlab(url: str) -> bool:
    """Tell whether an address is at the host that the repository was cloned from.

    Who may start a pipeline with variables may say any CI_API_V4_URL, and would be sent the token there.
    """
    done = subprocess.run(["git", "remote", "get-url", "origin"], capture_output=True, text=True, check=False)
    origin = re.match(r"(?:[a-z]+://)?(?:[^@/]*@)?([^/:@]+)", done.stdout.strip())
    asked = re.match(r"https?://([^/:@]+)(?::[0-9]+)?/", url)
    return origin is not None and asked is not None and origin[1].lower() == asked[1].lower()
