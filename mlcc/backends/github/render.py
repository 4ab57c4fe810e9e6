"""RENDER: from the typed workflow to YAML. Order and style of every key are decided here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.backends._yaml import Block, Comment, Flow, Spaced, Wrapped, emit
from mlcc.backends.github.expr import Expr, secret
from mlcc.backends.github.limits import CHARACTER_BYTES, TEXT_BYTES, VALUE_BYTES
from mlcc.backends.github.model import (
    Call,
    DispatchInput,
    Interface,
    Job,
    Permission,
    Rendered,
    Setting,
    Step,
    Triggers,
    UsesStep,
    Workflow,
)
from mlcc.backends.github.overlay import Overlay, merged
from mlcc.writing.files import marker_line

ONE_LINE = ("with", "env", "permissions", "concurrency", "environment", "run", "container")
LINE = 90  # characters; a longer expression stands one term a line
SELF_HOSTED_REASON = "zizmor: ignore[self-hosted-runner]"
# `$/` is newer (2026-07-30), and neither GitHub Enterprise Server nor most tools know it. Of a called workflow both mean
# the same: the file at the caller's commit.
# https://github.blog/changelog/2026-07-30-reference-same-repository-actions-with-self-repository-syntax/
WORKSPACE_REASON = "zizmor: ignore[self-repository]"


def render(workflow: Workflow, overlay: Overlay) -> str:
    """Return the workflow file's text, with an unsealed marker."""
    return rendered("", workflow, overlay).text


def rendered(path: str, workflow: Workflow, overlay: Overlay) -> Rendered:
    """Return a workflow with its file's text, which has an unsealed marker."""
    header = (
        f"{marker_line(workflow.spec)}\n"
        f"Compiled from {ascii(workflow.spec)[1:-1]} by mlcc. Don't edit: change the spec and run `mlcc compile`."
    )
    content = tree(workflow, overlay)
    return Rendered(path, workflow, emit(content, header), parsed_bytes(content))


def parsed_bytes(content: Any) -> int:
    """Return what GitHub counts for a tree when it parses it: see `limits.PARSED`."""
    if isinstance(content, (Flow, Spaced, Comment)):
        return parsed_bytes(content.value)
    if isinstance(content, dict):
        return VALUE_BYTES + sum(parsed_bytes(key) + parsed_bytes(item) for key, item in content.items())
    if isinstance(content, list):
        return VALUE_BYTES + sum(map(parsed_bytes, content))
    if isinstance(content, Wrapped):
        return parsed_bytes(" ".join(content.parts))
    return VALUE_BYTES + (TEXT_BYTES + CHARACTER_BYTES * len(content) if isinstance(content, str) else 0)


def job_bytes(job: Job, overlay: Overlay) -> int:
    """Return the bytes that a job takes in its file, with the blank line before it."""
    return len(emit({"jobs": {job.id: job_tree(job, overlay)}}).encode()) - len("jobs:\n") + len("\n")


def tree(workflow: Workflow, overlay: Overlay) -> Any:
    """Return the workflow as a tree for the emitter, overlays merged in."""
    run: dict[str, Any] = {"shell": "bash"}
    if workflow.working_directory:
        run["working-directory"] = workflow.working_directory
    content: dict[str, Any] = {
        "name": workflow.name,
        "on": _called(workflow.triggers)
        if isinstance(workflow.triggers, Interface)
        else _on(workflow.triggers),
        "permissions": {},
        **_concurrency(workflow.group),
        "defaults": {"run": run},
        "env": dict(workflow.env),
    }
    first, *others = [(job.id, job_tree(job, overlay)) for job in workflow.jobs] or [("", {})]
    calls = [(call.id, compact(_call(call))) for call in workflow.calls]
    return {
        **compact(merged(content, _workflow_overlay(workflow, overlay))),
        "jobs": Spaced(dict([first, *calls, *others]) if workflow.jobs else {}),
    }


def job_tree(job: Job, overlay: Overlay) -> Any:
    """Return a job as a tree for the emitter, its overlay merged in."""
    return compact(merged(_job(job), overlay.jobs.get(job.id, {})))


def _concurrency(group: str | None) -> dict[str, Any]:
    if group is None:
        return {}
    pull_request = "github.event_name == 'pull_request'"
    return {
        "concurrency": {
            "group": f"{group}-${{{{ {pull_request} && github.ref || github.run_id }}}}",
            "cancel-in-progress": f"${{{{ {pull_request} }}}}",
        }
    }


def _workflow_overlay(workflow: Workflow, overlay: Overlay) -> Mapping[str, Any]:
    """Return the overlay of a workflow: the run as a whole is the main workflow's, variables are everyone's."""
    if isinstance(workflow.triggers, Interface):
        return {key: value for key, value in overlay.workflow.items() if key == "env"}
    return overlay.workflow


def compact(value: Any) -> Any:
    """Return a tree whose small mappings stand on one line."""
    if isinstance(value, list):
        return [compact(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _small(item) if key in ONE_LINE else compact(item) for key, item in value.items()}


def _small(value: Any) -> Any:
    if not isinstance(value, dict) or not all(type(item) in (str, int, bool) for item in value.values()):
        return value
    length = sum(len(key) + len(str(item)) + 4 for key, item in value.items())
    plain = not any("\n" in str(item) or "${{" in str(item) for item in value.values())
    return Flow(value) if value and plain and length <= 60 else value


def _called(interface: Interface) -> dict[str, Any]:
    inputs = {name: Flow({"type": kind, "required": True}) for name, kind in interface.inputs.items()}
    # Not required: what an environment holds the caller hasn't got, and the job that names the environment gets it.
    secrets = {name: Flow({"required": False}) for name in interface.secrets}
    return {"workflow_call": {"inputs": inputs, **({"secrets": secrets} if secrets else {})}}


def _call(call: Call) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": call.name,
        "needs": Flow(list(call.needs)),
        "if": _expression(call.if_),
        "permissions": _permissions(call.permissions),
        "uses": Comment(call.uses, WORKSPACE_REASON),
        "with": _texts(call.inputs),
    }
    if call.secrets:
        content["secrets"] = {name: secret(name).interpolation() for name in call.secrets}
    return content


def _permissions(permissions: tuple[Permission, ...]) -> dict[str, Any]:
    return {p.scope: Comment(p.access, p.why) if p.why else p.access for p in permissions}


def _on(triggers: Triggers) -> dict[str, Any]:
    found: dict[str, Any] = {}
    push: dict[str, Any] = {}
    if triggers.push_branches is not None:
        push["branches"] = list(triggers.push_branches)
    if triggers.push_tags is not None:
        push["tags"] = list(triggers.push_tags)
    if push:
        found["push"] = Flow(push) if len(push) == 1 else {key: Flow(value) for key, value in push.items()}
    if triggers.pull_request is not None:
        found["pull_request"] = Flow({"branches": list(triggers.pull_request)})
    if triggers.crons:
        found["schedule"] = [{"cron": cron} for cron in triggers.crons]
    if triggers.dispatch is not None:
        found["workflow_dispatch"] = _inputs(triggers.dispatch)
    if triggers.repository_dispatch:
        found["repository_dispatch"] = {"types": Flow(list(triggers.repository_dispatch))}
    return found


def _inputs(inputs: tuple[DispatchInput, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in inputs:
        content: dict[str, Any] = {"type": field.type}
        if field.description:
            content["description"] = field.description
        if field.required:
            content["required"] = True
        if field.default is not None:
            content["default"] = field.default == "true" if field.type == "boolean" else field.default
        if field.options:
            content["options"] = list(field.options)
        found[field.name] = content
    return {"inputs": found} if found else {}


def _job(job: Job) -> dict[str, Any]:
    content: dict[str, Any] = {"name": job.name}
    if job.needs:
        content["needs"] = Flow(list(job.needs))
    if job.if_ is not None:
        content["if"] = _expression(job.if_)
    content["runs-on"] = _runs_on(job)
    content["timeout-minutes"] = job.timeout_minutes
    if job.may_fail:
        content["continue-on-error"] = True
    content["permissions"] = _permissions(job.permissions)
    if job.lock is not None:
        # Without a queue, GitHub cancels a job that waits as soon as another one does.
        content["concurrency"] = {"group": job.lock, "cancel-in-progress": False, "queue": "max"}
    if job.environment is not None:
        content["environment"] = (
            {"name": job.environment} if job.deployment else {"name": job.environment, "deployment": False}
        )
    if job.legs:
        content["strategy"] = {"fail-fast": False, "matrix": _matrix(job.legs)}
    if job.container is not None:
        content["container"] = {"image": job.container}
    if job.services:
        content["services"] = {
            id: {
                "image": service.image,
                **({"env": _texts(service.env)} if service.env else {}),
                "ports": [str(service.port)],
            }
            for id, service in job.services.items()
        }
    if job.outputs:
        content["outputs"] = {name: value.interpolation() for name, value in job.outputs.items()}
    content["steps"] = {step.id: _step(step) for step in job.steps}  # a mapping until overlays are merged
    return content


def _matrix(legs: tuple[Mapping[str, str | tuple[str, ...]], ...]) -> dict[str, Any]:
    if all(set(leg) == {"leg"} for leg in legs):
        return {"leg": Flow([leg["leg"] for leg in legs])}
    return {
        "include": [Flow({k: list(v) if isinstance(v, tuple) else v for k, v in leg.items()}) for leg in legs]
    }


def _runs_on(job: Job) -> Any:
    # Opted in: `check` refuses a self-hosted runner for pull requests unless the spec allows it.
    labels = job.runs_on
    if isinstance(labels, Expr):
        own = any("self-hosted" in leg.get("runner", ()) for leg in job.legs)
        return Comment(labels.interpolation(), SELF_HOSTED_REASON) if own else labels.interpolation()
    if "self-hosted" in labels:
        return [Comment(label, SELF_HOSTED_REASON) for label in labels]
    return labels[0] if len(labels) == 1 else list(labels)


def _step(step: Step) -> dict[str, Any]:
    content: dict[str, Any] = {"id": step.id}
    if step.if_ is not None:
        content["if"] = _expression(step.if_)
    if isinstance(step, UsesStep):
        content["uses"] = Comment(step.action.reference, step.action.tag)
        if step.with_:
            content["with"] = {key: _setting(value) for key, value in step.with_.items()}
    else:
        if step.env:
            content["env"] = _texts(step.env)
        if step.folder is not None:
            content["working-directory"] = step.folder
        content["run"] = step.run
    return content


def _texts(values: Mapping[str, str | Expr]) -> dict[str, Any]:
    return {name: _setting(value) for name, value in values.items()}


def _setting(value: Setting) -> Any:
    if isinstance(value, Expr):
        return value.interpolation()
    if isinstance(value, str) and "\n" in value:
        return Block(value)
    return value


def _expression(expression: Expr) -> Any:
    text = expression.interpolation()
    return text if len(text) <= LINE else Wrapped(expression.parts())
