"""Runs a case's GitHub workflow on act."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from mlcc.backends.github.platform import FORM_INPUT
from tests.execution.equivalence.case import SECRET, Scratch
from tests.execution.equivalence.runner import Run, gathered
from tests.execution.github.act import run_workflow
from tests.execution.github.api import github_api, green_run
from tests.execution.github.scratch import git, pull_request_payload, push_payload, tag_payload


class GitHub:
    """See runner.Runner."""

    name = "github"

    def run(self, scratch: Scratch, python: str = sys.executable) -> Run:
        """Run the workflow; the API tells of the last green run where the case has one."""
        event, payload = _payload(scratch)
        chosen = {FORM_INPUT: str(scratch.event.trigger)} if scratch.plan.triggers.choices else {}
        inputs = {**chosen, **scratch.event.inputs} if scratch.event.kind == "manual" else None
        green = [green_run(1, scratch.base, scratch.branch)] if scratch.base else []
        with github_api(green) if green else nullcontext() as api:
            run = run_workflow(
                scratch.repo,
                f".github/workflows/{scratch.plan.name}.yml",
                event,
                payload,
                inputs=inputs,
                secrets={"TOKEN": SECRET},
                api=api,
                python=python,
            )
        return gathered([run.artifacts], run.jobs["final"] == "success", run.log)


def _payload(scratch: Scratch) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the payload of an event, as GitHub sends them."""
    event, repo = scratch.event, scratch.repo
    match event.kind:
        case "push":
            # What was pushed before isn't what was green last: that only the API tells.
            before = (scratch.base and git(repo, "rev-list", "-1", "--skip=1", scratch.branch)) or None
            return "push", push_payload(repo, before, scratch.branch)
        case "pull_request":
            return "pull_request", pull_request_payload(repo, scratch.branch, fork=event.fork)
        case "tag":
            return "push", tag_payload(repo, str(event.tag))
        case "schedule":
            crons = dict(scratch.plan.triggers.schedules)
            return "schedule", {"schedule": crons[str(event.trigger)]}
        case "manual":
            return "workflow_dispatch", {}
        case _:
            return "repository_dispatch", {"action": event.trigger}


RUNNER = GitHub()
