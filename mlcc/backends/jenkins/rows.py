"""LOWER, continued: one node as rows of the Jenkinsfile's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlcc import plan as ir
from mlcc.backends.jenkins.model import CACHES, LEGS, NODES, SERVICES, Row, Value
from mlcc.exhaustive import assert_never

BACKSTOP_MINUTES = 15  # beyond the node's own deadline: transfers, containers, teardown


def rows_of(plan: ir.Plan, node: ir.Node) -> Iterator[Row]:
    """Yield the node's row, and one for each leg, service and cache that has something to say."""
    fields: dict[str, Value] = {}
    runner = node.machine.runner
    fields["label"] = _label(plan, runner) if isinstance(runner, str) else ""
    fields["minutes"] = -(-node.longest_seconds // 60) + BACKSTOP_MINUTES
    if not node.blocking:
        fields["soft"] = True
    if node.trusted:
        fields["trusted"] = True
    if node.status is not None:
        fields["status"] = node.status.value
    fields.update(_before(plan, node))
    if node.is_matrix:
        fields["legs"] = _words(leg.id for leg in node.legs)
    fields.update(_machine(plan, node))
    for step in node.steps:
        fields.update(_step(node, step))
    yield Row(NODES, node.id, {name: value for name, value in fields.items() if value != ""})
    yield from _legs(plan, node)
    for service in node.machine.services:
        yield Row(SERVICES, f"{node.id} {service.id}", _service(service))
    for step in node.steps:
        if isinstance(step, ir.UseCache):
            yield Row(CACHES, f"{node.id} {step.id}", _cache(step))


def _words(ids: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(ids))


def _label(plan: ir.Plan, runner: str) -> str:
    """Return the label expression of an agent that has every label."""
    return " && ".join(plan.runners[runner].labels["jenkins"])


def _before(plan: ir.Plan, node: ir.Node) -> dict[str, str]:
    """Return the nodes before this one, by what of them lets it run (S4); each stands once, where it is strictest.

    data: it passed. order: it passed, or failed without blocking. verdict: whatever it ended with, unless the runtime
    said otherwise; a node that waits for no verdict in this run isn't stopped by the gate.
    """
    kinds: dict[str, set[ir.EdgeKind]] = {}
    for edge in plan.incoming[node.id]:
        kinds.setdefault(edge.source, set()).add(edge.kind)
    groups: dict[str, list[str]] = {"data": [], "order": [], "verdict": []}
    for id, found in kinds.items():
        if ir.EdgeKind.DATA in found:
            groups["data"].append(id)
        elif found == {ir.EdgeKind.VERDICT}:
            groups["verdict"].append(id)
        else:
            groups["order"].append(id)
    return {name: " ".join(ids) for name, ids in groups.items()}


def _machine(plan: ir.Plan, node: ir.Node) -> dict[str, Value]:
    found: dict[str, Value] = {"image": node.machine.image or ""}
    found["services"] = _words(service.id for service in node.machine.services)
    if node.machine.environment is not None:
        environment = plan.environments[node.machine.environment]
        found["lock"] = f"{plan.name} {environment.id}"
        if node.pause is not None and node.pause.approval:
            found["environment"] = environment.id
            found["approvers"] = approvers(environment)
    if node.pause is not None and node.pause.seconds:
        found["wait"] = node.pause.seconds
    found["rollback"] = (isinstance(node.work, ir.Release) and node.work.rollback) or ""
    if node.logins:
        found["tokens"] = _words(login.provider for login in node.logins)
    return found


def approvers(environment: ir.Environment) -> str:
    """Return the group whose members may let a node into an environment; unless it exists, only administrators may."""
    return f"{environment.id}-approvers"


def _step(node: ir.Node, step: ir.Step) -> dict[str, Value]:
    match step:
        case ir.UsePython():
            return {"python": step.version.text} if isinstance(step.version, ir.Text) else {}
        case ir.UseCache():
            ids = (other.id for other in node.steps if isinstance(other, ir.UseCache))
            return {"caches": _words(ids)}
        case ir.Execute():
            return {"secrets": _words(step.secrets), "variables": _words(step.variables)}
        case ir.Undo():
            return {"undo": True}
        case ir.Cancel():
            assert isinstance(node.work, ir.Remote), "nothing else runs somewhere else"
            return {"every": node.work.every_seconds, **({"abandoned": True} if step.after_failure else {})}
        case ir.PublishData():
            return {"writes": True}
        case ir.PublishReports():
            junit = (report.id for report in node.reports if report.format == "junit")
            return {"reports": True, "junit": _words(junit)}
        case ir.Checkout():
            stated: dict[str, Value] = {"lfs": step.lfs, "submodules": step.submodules}
            return {name: value for name, value in stated.items() if value}
        case ir.Receive() | ir.PublishState():
            return {}  # the same for every node: the template's functions, and the runtime
    assert_never(step)


def _legs(plan: ir.Plan, node: ir.Node) -> Iterator[Row]:
    versions = [step.version for step in node.steps if isinstance(step, ir.UsePython)]
    for leg in node.legs if node.is_matrix else ():
        values = dict(leg.values)
        fields: dict[str, Value] = {}
        if isinstance(node.machine.runner, ir.MatrixValue):
            fields["label"] = _label(plan, str(values[node.machine.runner.axis]))
        for version in versions:
            if isinstance(version, ir.MatrixValue):
                fields["python"] = str(values[version.axis])
        if fields:
            yield Row(LEGS, f"{node.id}--{leg.id}", fields)


def _service(service: ir.Service) -> dict[str, Value]:
    """Return a service's container. `names` are its variables; their values are literals, credentials or Jenkins' own."""
    literals, secrets, variables = [], [], []
    for name, value in service.env:
        if isinstance(value, ir.Secret):
            secrets.append(f"{name}={value.name}")
        elif isinstance(value, ir.Variable):
            variables.append(f"{name}={value.name}")
            if value.default is not None:
                literals.append(f"{name}={value.default}")
        else:
            assert isinstance(value, ir.Text), "`resolve` admits literals, secrets and variables"
            literals.append(f"{name}={value.text}")
    fields: dict[str, Value] = {
        "image": service.image,
        "port": service.port,
        "suffix": service.id.upper().replace("-", "_"),
        "names": _words(name for name, _ in service.env),
        "literals": tuple(literals),
        "secrets": " ".join(secrets),
        "variables": " ".join(variables),
    }
    return {name: value for name, value in fields.items() if value not in ("", ())} | {
        "names": fields["names"]
    }


def _cache(step: ir.UseCache) -> dict[str, Value]:
    """Return what a cache keeps. The plugin expands variables in paths (jobcacher: ArbitraryFileCache.cache)."""
    escaped = [path.replace("$", "$$") for path in step.paths]
    return {
        "paths": tuple("$HOME" + path[1:] if path.startswith("~/") else path for path in escaped),
        "files": ",".join(step.key_files),
    }
