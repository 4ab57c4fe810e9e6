"""The plan as the emitted runtime reads it: `.mlcc/plan.json`, and the parameters of each gate.

Defaults are left out, so that a reviewer sees what differs. Commands stand line by line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlcc import plan as ir
from mlcc.record import as_dict
from mlcc.writing.files import marker_line

JsonObject = dict[str, Any]
WIDTH = 100


def to_runtime(plan: ir.Plan) -> JsonObject:
    """Return the plan as JSON values, with the keys that `mlcc.runtime` reads."""
    emitted = plan.in_home(".mlcc/")
    found: JsonObject = {
        "format": 1,
        "name": plan.name,
        "home": plan.home,
        "spec_files": list(plan.spec_files),
        "always": sorted({*plan.spec_files, *plan.compiled_files, emitted}),
        "triggers": _triggers(plan.triggers),
        **_without_empty({"secrets": _named(plan, "secrets"), "variables": _named(plan, "variables")}),
        "artifacts": {id: _artifact(artifact) for id, artifact in plan.artifacts.items()},
        "nodes": {id: _node(plan, node) for id, node in plan.nodes.items()},
    }
    if plan.notices:
        found["notify"] = {notice.id: _notice(notice) for notice in plan.notices}
    if plan.store is not None:
        found["store"] = plan.store.uri
    if plan.waivers:
        found["waivers"] = {
            target: {feature: {"reason": w.reason, "until": w.until} for feature, w in features.items()}
            for target, features in plan.waivers.items()
        }
    return found


def _notice(notice: ir.RunNotice) -> JsonObject:
    """Return who is told, by which alternatives, and in which way."""
    when = [
        _without_empty(
            {
                "event": list(one.events),
                "branch": list(one.branches),
                "tag": list(one.tags),
                "trigger": list(one.triggers),
                "status": list(one.statuses),
                "job": one.job,
                "gate": one.gate,
                "verdict": list(one.verdicts),
            }
        )
        for one in notice.when
    ]
    key = None if notice.key is None else value_json(notice.key)
    way = notice.way
    if isinstance(way, ir.Posted):
        return {"when": when, way.kind: key}
    if isinstance(way, ir.Filed):
        return {"when": when, "issue": _without_empty({"labels": list(way.labels), "token": key})}
    mail = {
        "to": list(way.to),
        "from": way.sender,
        "host": way.host,
        "port": way.port,
        "user": way.user,
        "password": key,
    }
    return {
        "when": when,
        "email": {**_without_empty(mail), "tls": "implicit" if way.implicit else "starttls"},
    }


def _named(plan: ir.Plan, kind: str) -> list[str]:
    """Return what the plan names of the CI system's secrets or variables."""
    steps = [step for node in plan.nodes.values() for step in node.steps if isinstance(step, ir.Execute)]
    names = {name for step in steps for name in getattr(step, kind)}
    if kind == "secrets" and plan.comment is not None and plan.comment.token is not None:
        names.add(plan.comment.token)  # no command may see it
    names.update(plan.kept_for_notices(ir.Secret if kind == "secrets" else ir.Variable))
    return sorted(names)


def document(content: JsonObject, spec: str) -> str:
    """Return JSON text with the ownership marker as its first key (to be sealed by the writer)."""
    marked = {"mlcc": f"{marker_line(spec)} (generated: change the spec and run `mlcc compile`)", **content}
    return "\n".join(_json_lines(marked, "")) + "\n"


def _json_lines(value: object, indent: str) -> list[str]:
    """Return JSON in lines: what fits on one line stands on one, so that reviewers read less."""
    short = json.dumps(value)
    if not isinstance(value, (dict, list)) or not value or len(indent) + len(short) <= WIDTH:
        return [short]
    inner = indent + "  "
    pairs = value.items() if isinstance(value, dict) else (("", item) for item in value)
    found = ["{" if isinstance(value, dict) else "["]
    for key, item in pairs:
        first, *rest = _json_lines(item, inner)
        found += [f"{inner}{json.dumps(key) + ': ' if isinstance(value, dict) else ''}{first}", *rest]
        found[-1] += ","
    found[-1] = found[-1][:-1]
    return [*found, indent + ("}" if isinstance(value, dict) else "]")]


def gate_parameters(plan: ir.Plan, node: ir.Node) -> JsonObject:
    """Return what the gate's script reads: what it guards, what it may open, its compiled parameters."""
    gate = node.gate
    assert gate is not None
    artifacts = {take.artifact: plan.artifacts[take.artifact] for take in node.takes}
    content: JsonObject = {
        "kind": gate.kind,
        "gate": node.id,
        "guards": gate.guards,
        "artifacts": {
            id: _without_empty(
                {
                    "kind": a.kind,
                    "path": _location(a),
                    "snapshot": a.snapshot or None,
                    "first": "none" if a.first else None,
                }
            )
            for id, a in artifacts.items()
        },
        "on_inconclusive": gate.on_inconclusive,
        "params": dict(gate.parameters),
    }
    if gate.waiver:
        content["waive"] = dict(gate.waiver)
    return content


def _location(artifact: ir.Artifact) -> str | list[str]:
    """Return where an artifact lies for its gates, relative to the project folder."""
    if artifact.form is ir.Form.PATHS:
        # Git lists what is committed, and not what of it the base had.
        return f"_mlcc/base/{artifact.id}/" if artifact.at_base else list(artifact.paths)
    return f"_mlcc/base/{artifact.id}/{artifact.paths[0]}" if artifact.at_base else artifact.paths[0]


def _triggers(triggers: ir.Triggers) -> JsonObject:
    found: JsonObject = {}
    for event, patterns in (
        ("push", triggers.push),
        ("pull_request", triggers.pull_request),
        ("tag", triggers.tag),
    ):
        if patterns is not None:
            found[event] = list(patterns)
    if triggers.schedules:
        found["schedule"] = dict(triggers.schedules)
    if triggers.forms:
        found["manual"] = {
            form.id: {field.name: _form_input(field) for field in form.inputs} for form in triggers.forms
        }
    if triggers.dispatches:
        found["dispatch"] = list(triggers.dispatches)
    if triggers.reserved:
        found["reserved"] = list(triggers.reserved)
    return found


def _form_input(field: ir.FormInput) -> JsonObject:
    return _without_empty(
        {
            "type": field.type,
            "default": field.default,
            "required": field.required or None,
            "min": field.minimum,
            "max": field.maximum,
            "options": list(field.options),
        }
    )


def _without_empty(content: JsonObject) -> JsonObject:
    return {
        key: value for key, value in content.items() if value is not None and value not in ("", [], {}, ())
    }


def _artifact(artifact: ir.Artifact) -> JsonObject:
    released = artifact.released
    return _without_empty(
        {
            "kind": artifact.kind,
            "form": artifact.form.value,
            "paths": list(artifact.paths),
            "writer": artifact.writer,
            "at_base": artifact.at_base or None,
            "stored": artifact.stored or None,
            "login": {name: value_json(value) for name, value in artifact.login},
            "released": None
            if released is None
            else {"release": released.release, "artifact": released.artifact},
            "first": "none" if artifact.first else None,
            "snapshot": artifact.snapshot or None,
            "registry": None if artifact.registry is None else artifact.registry.model,
        }
    )


def _node(plan: ir.Plan, node: ir.Node) -> JsonObject:
    before = dict.fromkeys((edge.source, edge.kind.value) for edge in plan.incoming[node.id])
    content: JsonObject = {
        "kind": node.kind.value,
        **_work(node),
        "release": _part(node),
        "tags": dict(node.tags),
        "takes": list(dict.fromkeys(take.artifact for take in node.takes)),
        "writes": list(node.writes),
        "before": [list(pair) for pair in before],
        "sources": list(node.sources),
        "when": [_condition(condition) for condition in node.when],
        "status": node.status.value if node.status else None,
        "blocking": None if node.blocking else False,
        "trusted": node.trusted or None,
        "stores": node.stores or None,
        "registers": node.registers or None,
        "approval": (node.pause is not None and node.pause.approval) or None,
        "branches": list(node.branches),
        "env": {name: value_json(value) for name, value in node.env},
        "logins": [
            {
                "provider": login.provider,
                "audience": login.audience,
                "values": {name: value_json(value) for name, value in login.values},
            }
            for login in node.logins
        ],
        "services": {service.id: service.ready_seconds for service in node.machine.services},
        "image": node.machine.image,
        "legs": {leg.id: dict(leg.values) for leg in node.legs} if node.is_matrix else None,
        "working_directory": node.working_directory,
        "timeout": node.timeout_seconds,
        "retry": node.retry or None,
        "finally": lines(node.teardown) if node.teardown else None,
        "outputs": list(node.outputs),
        "reports": {report.id: {"path": report.path, "format": report.format} for report in node.reports},
    }
    kept = _without_empty(content)
    return {**{key: kept.get(key, []) for key in ("kind", "takes", "before")}, **kept}


def _part(node: ir.Node) -> JsonObject | None:
    """Return what a node is of a release, and whom it tells of which events."""
    if node.part is None:
        return None
    told = [
        {"id": notice.id, "webhook": value_json(notice.webhook), "events": list(notice.events)}
        for notice in node.part.notices
    ]
    found = {"id": node.part.release, "environment": node.machine.environment, "step": node.part.step}
    return {**found, **_without_empty({"records": list(node.part.records), "notify": told})}


def _work(node: ir.Node) -> JsonObject:
    work = node.work
    if isinstance(work, ir.Gate):
        return {
            "gate": work.kind,
            "script": work.script if work.script != work.kind else None,
            "guards": work.guards,
            "packages": work.packages or None,
            "on_inconclusive": work.on_inconclusive if work.on_inconclusive != "fail" else None,
        }
    if isinstance(work, ir.Remote):
        return _remote(work)
    if isinstance(work, ir.Lookup):
        return {"lookup": work.reference}
    if isinstance(work, ir.Build):
        return _build(work)
    command = work.command if isinstance(work, ir.Release) else work
    found: JsonObject = {
        "setup": [line for step in command.setup for line in lines(step)],
        "run": lines(command.run),
    }
    if isinstance(work, ir.Release):
        found["deploys"] = list(work.deploys)
        if work.judge is not None:
            found["judged"] = work.judge.script
            found["verifies"] = work.verifies or None
        if work.holds:
            found["holds"] = list(work.holds)
        if work.rollback is not None:
            found["rollback"] = work.rollback
    return found


def _build(work: ir.Build) -> JsonObject:
    build = {
        "builder": work.builder,
        "context": work.context,
        "file": work.file,
        "includes": list(work.includes),
        "platform": work.platform,
        "args": {name: value_json(value) for name, value in work.args},
        "secrets": {name: value_json(value) for name, value in work.secrets},
    }
    return {"setup": [line for step in work.setup for line in lines(step)], "build": _without_empty(build)}


def _remote(work: ir.Remote) -> JsonObject:
    commands = {"submit": work.submit, "poll": work.poll, "cancel": work.cancel, "collect": work.collect}
    return {
        "setup": [line for step in work.setup for line in lines(step)],
        "remote": {
            **{name: lines(command) for name, command in commands.items() if command is not None},
            "every": work.every_seconds,
            "resume": work.resume,
        },
    }


def lines(command: str) -> list[str]:
    """Return a command line by line, as the runtime joins it again."""
    return command.rstrip("\n").split("\n")


def _condition(condition: ir.Condition) -> JsonObject:
    content = as_dict(condition)
    content["inputs"] = dict(condition.inputs)
    return {key: list(v) if isinstance(v, tuple) else v for key, v in _without_empty(content).items()}


def value_json(value: ir.Value) -> Mapping[str, Any]:
    """Return a value as the runtime resolves it: its kind first, options behind."""
    content: JsonObject
    if isinstance(value, ir.Text):
        return {"text": value.text}
    if isinstance(value, ir.Secret):
        content = {"secret": value.name, "as_file": value.as_file or None}
    elif isinstance(value, ir.Variable):
        content = {"var": value.name, "default": value.default}
    elif isinstance(value, ir.Input):
        content = {"input": value.name, "default": value.default}
    elif isinstance(value, ir.MatrixValue):
        content = {"matrix": value.axis}
    elif isinstance(value, ir.Output):
        content = {"output": f"{value.node}.{value.name}"}
    else:
        content = {"context": value.key, "default": value.default}
    return {key: item for key, item in content.items() if item is not None}
