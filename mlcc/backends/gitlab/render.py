"""RENDER: from the typed pipelines to YAML. Order and style of every key are decided here."""

from __future__ import annotations

from typing import Any

from mlcc.backends._overlay import merged
from mlcc.backends._yaml import Flow, Spaced, emit
from mlcc.backends.gitlab import expr
from mlcc.backends.gitlab.model import Artifacts, FormVariable, Job, Pipelines, Rule
from mlcc.backends.gitlab.overlay import Overlay
from mlcc.writing.files import marker_line

FLOW_WIDTH = 96  # characters; a longer mapping stands one key a line


def render_parent(pipelines: Pipelines, overlay: Overlay) -> str:
    """Return the text of `.gitlab-ci.yml`, with an unsealed marker."""
    return emit(Spaced(parent_tree(pipelines, overlay)), _header(pipelines.spec))


def render_child(pipelines: Pipelines, overlay: Overlay) -> str:
    """Return the text of the child pipeline, with an unsealed marker."""
    header = (
        f"{_header(pipelines.spec)}\n"
        "The selecting job starts a copy of this without the nodes that it didn't select."
    )
    return emit(Spaced(child_tree(pipelines, overlay)), header)


def _header(spec: str) -> str:
    return (
        f"{marker_line(spec)}\n"
        f"Compiled from {ascii(spec)[1:-1]} by mlcc. Don't edit: change the spec and run `mlcc compile`."
    )


def parent_tree(pipelines: Pipelines, overlay: Overlay) -> dict[str, Any]:
    """Return the parent pipeline as a tree for the emitter, overlays merged in."""
    parent = pipelines.parent
    content: dict[str, Any] = {"stages": Flow([parent.select.stage, "run"])}
    if parent.variables:
        content["variables"] = {variable.name: _form_variable(variable) for variable in parent.variables}
    content[parent.select.name] = {
        **_merged_job(parent.select, overlay),
        "inherit": Flow({"variables": False}),
    }
    content[parent.run] = {
        "stage": "run",
        "needs": Flow([parent.select.name]),
        # What a root file's own variables say must not outrank the nodes' (downstream_pipelines.md).
        "inherit": Flow({"variables": False}),
        "rules": [_rule(rule, {}) for rule in parent.rules],
        "variables": Flow({"MLCC_RUN": "$CI_PIPELINE_ID"}),
        "trigger": {
            "include": [Flow({"artifact": parent.child, "job": parent.select.name})],
            "strategy": "mirror",
            "forward": Flow({"yaml_variables": True, "pipeline_variables": False}),
        },
    }
    return content


def child_tree(pipelines: Pipelines, overlay: Overlay) -> dict[str, Any]:
    """Return the child pipeline as a tree for the emitter, overlays merged in."""
    content: dict[str, Any] = {
        "stages": list(pipelines.stages),
        # Without rules of the pipeline, jobs wouldn't run for merge requests (entry/processable.rb).
        "workflow": {"rules": [{"when": "always"}]},
        "default": {"interruptible": True},
        "variables": {
            "MLCC_PLATFORM": "gitlab",
            "MLCC_CACHE": "pull-push",
            "MLCC_SELECTION": "none",
            "FF_GIT_URLS_WITHOUT_TOKENS": "true",
        },
    }
    content = merged(content, overlay.pipeline)
    jobs = {job.name: _merged_job(job, overlay) for job in pipelines.jobs}
    return {**content, **jobs}


def _merged_job(job: Job, overlay: Overlay) -> dict[str, Any]:
    tree: dict[str, Any] = merged(job_tree(job), overlay.jobs.get(job.id, {}))
    return {key: _styled(key, value) for key, value in tree.items()}


def _styled(key: str, value: Any) -> Any:
    """Return small collections on one line."""
    if key in ("tags", "script", "after_script"):
        return Flow(value) if isinstance(value, list) and value else value
    if key in ("variables", "environment", "allow_failure", "id_tokens") and isinstance(value, dict):
        plain = all(type(item) in (str, int, bool) for item in value.values())
        length = sum(len(name) + len(str(item)) + 6 for name, item in value.items())
        return Flow(value) if value and plain and length <= FLOW_WIDTH else value
    return value


def _image(job: Job) -> Any:
    # An entrypoint that starts no shell would keep the job from its script (docs.gitlab.com/ci/docker/using_docker_images).
    return {"name": job.image, "entrypoint": [""]} if job.own_image else job.image


def job_tree(job: Job) -> dict[str, Any]:
    """Return a job's keys in the order in which they stand."""
    content: dict[str, Any] = {"stage": job.stage, "image": _image(job)}
    if job.tags:
        content["tags"] = list(job.tags)
    if job.needs is not None:
        content["needs"] = [Flow({"job": name, "artifacts": True, "optional": True}) for name in job.needs]
    if job.takes is not None:
        content["dependencies"] = Flow(list(job.takes))
    content.update(_start(job))
    if job.may_fail:
        content["allow_failure"] = {"exit_codes": list(job.failing_codes)} if job.failing_codes else True
    content["timeout"] = f"{job.timeout_minutes} minutes"
    if not job.interruptible:
        content["interruptible"] = False
    content.update(_target(job))
    if job.legs:
        content["parallel"] = {"matrix": _matrix(job)}
    if job.id_tokens:
        content["id_tokens"] = {name: {"aud": audience} for name, audience in job.id_tokens.items()}
    if job.services:
        content["services"] = [
            {"name": s.image, "alias": s.alias, **({"variables": dict(s.variables)} if s.variables else {})}
            for s in job.services
        ]
    if job.caches is None:
        content["cache"] = []
    elif job.caches:
        content["cache"] = [
            {
                "key": {"files": list(cache.files), "prefix": cache.prefix},
                "paths": list(cache.paths),
                "policy": expr.whole("MLCC_CACHE"),
            }
            for cache in job.caches
        ]
    content["variables"] = dict(job.variables)
    content.update(_scripts(job))
    if job.artifacts is not None:
        content["artifacts"] = _artifacts(job.artifacts)
    return content


def _scripts(job: Job) -> dict[str, list[str]]:
    after = {"after_script": [job.after_script]} if job.after_script else {}
    return {"script": [job.script], **after}


def _start(job: Job) -> dict[str, Any]:
    start = job.start
    when = "manual" if start.approval else "delayed" if start.delay else "always" if start.always else None
    stated: dict[str, Any] = {} if when is None else {"when": when}
    if start.delay:
        stated["start_in"] = (
            f"{start.delay} seconds"  # with rules, it stands in one: beside them, GitLab refuses it
        )
    if job.start.approval:
        stated["allow_failure"] = False  # else nothing would wait for it
    if job.start.protected:
        return {"rules": [_rule(Rule(expr.PROTECTED), stated)]}
    if job.rules:
        return {"rules": [_rule(Rule(rule.if_), stated) for rule in job.rules]}
    return stated


def _rule(rule: Rule, stated: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"if": rule.if_, **stated}
    if rule.variables:
        content["variables"] = Flow(dict(rule.variables))
    return content


def _target(job: Job) -> dict[str, Any]:
    """Return a job's environment and lock. Any action gives variables of its scope; the usual one writes a deployment down.

    https://docs.gitlab.com/ci/yaml/#environmentaction
    """
    content: dict[str, Any] = {}
    if job.environment is not None:
        action = {"action": job.environment.action} if job.environment.action else {}
        content["environment"] = {"name": job.environment.name, **action}
    if job.lock is not None:
        content["resource_group"] = job.lock
    return content


def _matrix(job: Job) -> list[Any]:
    if all(set(leg) == {"MLCC_LEG"} for leg in job.legs):
        return [{"MLCC_LEG": Flow([leg["MLCC_LEG"] for leg in job.legs])}]
    return [Flow(dict(leg)) for leg in job.legs]


def _artifacts(artifacts: Artifacts) -> dict[str, Any]:
    content: dict[str, Any] = {"when": "always"}
    if not artifacts.open:
        content["access"] = "developer"
    content["expire_in"] = f"{artifacts.days} days"
    content["paths"] = list(artifacts.paths)
    reports: dict[str, Any] = {}
    if artifacts.junit:
        reports["junit"] = list(artifacts.junit)
    if artifacts.cobertura:
        reports["coverage_report"] = {"coverage_format": "cobertura", "path": artifacts.cobertura}
    return {**content, "reports": reports} if reports else content


def _form_variable(variable: FormVariable) -> dict[str, Any]:
    content: dict[str, Any] = {"description": variable.description, "value": variable.value}
    if variable.options:
        content["options"] = list(variable.options)
    return {**content, "expand": False}
