"""What Jenkins can't do of a plan, at the spec's lines."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc import plan as ir
from mlcc.backends import Limit, Usage
from mlcc.backends.jenkins import limits
from mlcc.backends.jenkins.model import SERVICES, Jenkinsfile, Row
from mlcc.backends.jenkins.size import constants, texts, weight
from mlcc.diagnostics import Diagnostic, Related, Span, error

# What the docker client itself is steered by. It is started with a service's variables in its own environment, so that
# no value stands in a command line.
CLIENT_VARIABLES = ("DOCKER_", "LD_", "JENKINS_")


def check_plan(plan: ir.Plan) -> list[Diagnostic]:
    """Return the errors that show before lowering."""
    return [*_runners(plan), *_forms(plan), *_services(plan), *_caches(plan)]


def _place(node: ir.Node, key: str) -> Span | None:
    return node.spans.get(key, node.span)


def runner_ids(node: ir.Node) -> list[str]:
    """Return the ids of the runners that a node's legs use."""
    runner = node.machine.runner
    if not isinstance(runner, ir.MatrixValue):
        return [runner]
    return list(dict.fromkeys(str(dict(leg.values)[runner.axis]) for leg in node.legs))


def _runners(plan: ir.Plan) -> Iterator[Diagnostic]:
    for node in plan.nodes.values():
        for id in runner_ids(node):
            runner = plan.runners[id]
            if not runner.labels.get("jenkins"):
                related = (Related(runner.span, "the runner"),) if runner.span else ()
                yield error(
                    "no-runner-label", f"the runner '{id}' of '{node.id}' has no label for jenkins", _place(node, "runner"),
                    related=related, help=f"add `jenkins: LABEL` to `runners.{id}`",
                )  # fmt: skip


def _forms(plan: ir.Plan) -> Iterator[Diagnostic]:
    seen: dict[str, ir.FormInput] = {}
    for form in plan.triggers.forms:
        for field in form.inputs:
            other = seen.setdefault(field.name, field)
            if (other.type, other.options, other.default) != (field.type, field.options, field.default):
                yield error(
                    "input-clash", f"Jenkins has one form for all: '{field.name}' must mean the same in every manual form",
                    plan.triggers.spans.get(form.id), help="give the inputs different names",
                )  # fmt: skip


def _services(plan: ir.Plan) -> Iterator[Diagnostic]:
    for node in plan.nodes.values():
        for service in node.machine.services:
            for name, _ in service.env:
                if name.startswith(CLIENT_VARIABLES):
                    yield error(
                        "service-variable", f"the service '{service.id}' of '{node.id}' can't have the variable {name}: "
                        "the docker client on the agent would obey it", _place(node, "services"),
                    )  # fmt: skip


def _caches(plan: ir.Plan) -> Iterator[Diagnostic]:
    for node in plan.nodes.values():
        for step in node.steps:
            for path in step.key_files if isinstance(step, ir.UseCache) else ():
                if "," in path or path.startswith(
                    "!"
                ):  # separate and exclude (jobcacher: cacheValidityDecidingFile)
                    yield error(
                        "cache-key",
                        f"Jenkins can't take '{path}' for the key of a cache",
                        _place(node, "cache"),
                    )


def usages(file: Jenkinsfile) -> list[Usage]:
    """Return how much of each limit the file uses; for parts, the largest. Sizes are estimates from above."""
    methods = [
        (limits.METHOD_BYTES + sum(weight(row) for row in part.rows), _heaviest(part.rows))
        for part in file.parts
    ]
    lengths = [(len(text.encode()), _node_of(row)) for row in file.rows for text in texts(row)]
    lengths += [(len(parameter.description.encode()), "a manual form") for parameter in file.parameters]
    lists = [(_literals(row), _node_of(row)) for row in file.rows if row.table == SERVICES]
    return [
        _largest(limits.METHOD, methods),
        Usage(limits.CONSTANTS, constants(file.rows), "all nodes together"),
        _largest(limits.TEXT, lengths),
        _largest(limits.LIST, lists),
    ]


def _literals(row: Row) -> int:
    literals = row.fields.get("literals", ())
    return len(literals) if isinstance(literals, tuple) else 0


def _node_of(row: Row) -> str:
    return row.key.partition(" ")[0].partition("--")[0]


def _heaviest(rows: tuple[Row, ...]) -> str:
    return _node_of(max(rows, key=weight))


def _largest(limit: Limit, parts: list[tuple[int, str]]) -> Usage:
    used, where = max(parts, default=(0, "nothing"))
    return Usage(limit, used, where)


_KEYS = {limits.LIST.name: "services", limits.TEXT.name: "services"}


def check_limits(plan: ir.Plan, found: list[Usage]) -> list[Diagnostic]:
    """Return an error for each limit that is exceeded, at the line that causes it."""
    errors = []
    for usage in found:
        if usage.used > usage.limit.allowed:
            node = plan.nodes.get(usage.where)
            span = _place(node, _KEYS.get(usage.limit.name, "")) if node else plan.span
            allowed = f"{usage.limit.allowed:,} {usage.limit.unit}"
            message = (
                f"Jenkins' limit for the {usage.limit.name} is {allowed}; {usage.where} uses {usage.used:,}"
            )
            errors.append(error("limit", message, span, help=f"source: {usage.limit.source}"))
    return errors
