"""Jenkins, as the runtime sees it on an agent.

Facts come from the variables that Jenkins itself sets (branch-api: BRANCH_NAME, CHANGE_*, TAG_NAME; core: BUILD_*) and
from MLCC_* variables that the Jenkinsfile sets to what `checkout` and `currentBuild` tell it.
https://www.jenkins.io/doc/book/pipeline/multibranch/#additional-environment-variables
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from mlcc.runtime.log import say
from mlcc.runtime.platform import Facts
from mlcc.runtime.records import ROOT, RunError

INPUT_VARIABLE = "MLCC_INPUT_"
TOKEN_VARIABLE = "MLCC_ID_TOKEN_"  # noqa: S105 - a prefix of variable names
FOR_JENKINS = "outputs"  # the folder that the Jenkinsfile reads small texts from
JENKINS_RESULTS = ("success", "failure", "skipped", "cancelled")


class Jenkins:
    """See mlcc.runtime.platform.Platform."""

    raw_exit = True
    skip_exit = 4  # as the table of nodes reads it
    waits = True  # outside of any agent
    builder = "docker"

    def facts(self) -> Facts:
        """Return what started the build."""
        env = os.environ
        kind, hint = jenkins_event(env)
        names = [name for name in env if name.startswith(INPUT_VARIABLE)]
        inputs = {name[len(INPUT_VARIABLE) :]: env[name] for name in names} if kind == "manual" else {}
        branch = env.get("CHANGE_TARGET" if kind == "pull_request" else "BRANCH_NAME", "")
        return Facts(
            event=kind,
            commit=env.get("MLCC_COMMIT", ""),
            branch="" if kind == "tag" else branch,
            tag=env.get("TAG_NAME", "") if kind == "tag" else "",
            hint=hint,
            inputs=inputs,
            fork=kind == "pull_request" and _from_fork(env),
            base=env.get("MLCC_BASE", ""),
            pull_request=env.get("CHANGE_ID", ""),
            repository=_repository(env.get("MLCC_GIT_URL", "")),
            run_id=env.get("BUILD_TAG", ""),
            run_number=env.get("BUILD_NUMBER", ""),
            run_url=env.get("BUILD_URL", ""),
            unasked=True,
        )

    def last_green(self, branch: str) -> str | None:  # noqa: ARG002 - a job of a multibranch project has one
        """Return the commit of the newest green build of this job by a push; None: unknown."""
        return os.environ.get("MLCC_GREEN") or None

    def publish_selection(self, plan: dict[str, Any], record: dict[str, Any]) -> None:
        """Leave the list of unselected nodes, and the kind of event where something was selected at all.

        The Jenkinsfile takes the commit of a green push for the next one's base.
        """
        skipped = [id for id in plan["nodes"] if id not in record["selected"]]
        self.put_output("event", record["event"]["kind"] if record["selected"] else "")
        self.put_output("skip", "," + "".join(id + "," for id in skipped))

    def deliver(self, plan: dict[str, Any]) -> None:
        """Do nothing: stashes bring the selection, and credentials are bound by the nodes that name them."""

    def put_output(self, name: str, value: str) -> None:
        """Leave a text for the Jenkinsfile."""
        path = ROOT / FOR_JENKINS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value, "utf-8")

    def put_summary(self, markdown: str) -> None:
        """Append to a file that the last stage keeps, and show it in the log."""
        path = ROOT / FOR_JENKINS / "summary.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(markdown + "\n")
        print(markdown, flush=True)

    def warn(self, message: str) -> None:
        """Print a warning."""
        say(f"mlcc: warning: {message}")

    def annotate(self, level: str, title: str, message: str, path: str) -> None:
        """Do nothing: the JUnit reports of the gates stand on the page of the build."""

    def forge(self, repository: str) -> tuple[str, str, str]:
        """Return the address of the change request's page: Jenkins builds those of several forges."""
        del repository
        return "", os.environ.get("CHANGE_URL", ""), ""

    def registry_login(self, host: str) -> tuple[str, str] | None:
        """Return that there is none: Jenkins has no registry."""
        del host
        return None

    def id_token(self, audience: str) -> str:
        """Return the token that was issued for an audience when the node started. Raises RunError.

        Jenkins checks nothing about the audience of a credential, so the token itself is looked at.
        https://plugins.jenkins.io/oidc-provider/
        """
        for name in sorted(os.environ):
            token = os.environ[name]
            claims = _claims(token) if name.startswith(TOKEN_VARIABLE) else {}
            found = claims.get("aud")
            if audience in (found if isinstance(found, list) else [found]):
                if float(claims.get("exp", 0)) <= time.time():
                    raise RunError(
                        f"the id token for {audience} has expired, and Jenkins gives no second one"
                    )
                return token
        raise RunError(f"none of the node's id token credentials has the audience {audience}")

    def approval_problem(self) -> str:
        """Return that there is none: a build is never run again in part."""
        return ""

    def was_cancelled(self, node: str) -> bool:
        """Return that it wasn't: an aborted build starts no rollback."""
        del node
        return False

    def results(self) -> dict[str, Any]:
        """Return node -> result, as the Jenkinsfile wrote them down: one `NODE=RESULT` a line."""
        try:
            lines = (ROOT / FOR_JENKINS / "results").read_text("utf-8").splitlines()
        except (OSError, ValueError):
            raise RunError("Jenkins' results of the nodes can't be read") from None
        pairs = [line.partition("=") for line in lines]
        if not pairs or any(result not in JENKINS_RESULTS for _, _, result in pairs):
            raise RunError("Jenkins' results of the nodes aren't whole")
        return {id: result for id, _, result in pairs}


def jenkins_event(env: Mapping[str, str]) -> tuple[str, str]:
    """Return the kind of event, and what tells its triggers apart.

    What is built counts first: a job of a change request or a tag builds nothing else, whoever starts it. A branch
    that somebody starts by hand counts as pushed where the spec has no form.
    """
    causes = env.get("MLCC_CAUSES", "").split()
    trigger = env.get("MLCC_TRIGGER", "")
    if env.get("CHANGE_ID"):
        return "pull_request", ""
    if env.get("TAG_NAME"):
        return "tag", ""
    if "timer" in causes:
        return "schedule", trigger or env.get("MLCC_SCHEDULE", "")
    if trigger:
        return "dispatch", trigger
    if "user" in causes and env.get("MLCC_FORMS"):
        return "manual", env.get("MLCC_FORM", "")
    return "push", ""


def _from_fork(env: Mapping[str, str]) -> bool:
    """Tell whether a change comes from another repository; unless it surely doesn't, it does.

    A branch source that knows a change's origin sets CHANGE_BRANCH, and CHANGE_FORK for a fork's
    (branch-api: BranchNameContributor).
    """
    return "CHANGE_FORK" in env or not env.get("CHANGE_BRANCH")


def _repository(url: str) -> str:
    """Return OWNER/NAME of a repository's address."""
    path = url.rpartition("://")[2].rpartition("@")[2].replace(":", "/").rstrip("/")
    name = "/".join(path.split("/")[-2:])
    return name[:-4] if name.endswith(".git") else name


def _claims(token: str) -> dict[str, Any]:
    """Return what a JSON Web Token says; nothing when it isn't one. Its signature is the receiver's business."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}
