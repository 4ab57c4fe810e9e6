"""What Jenkins can't do of a plan, at the spec's lines, as far as the plan itself shows it."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc import plan as ir
from mlcc.backends._checks import clashing_inputs, comment_token, unlabelled_runners
from mlcc.diagnostics import Diagnostic, error

# What the docker client itself is steered by. It is started with a service's variables in its own environment, so that
# no value stands in a command line.
CLIENT_VARIABLES = ("DOCKER_", "LD_", "JENKINS_")


def check_plan(plan: ir.Plan) -> list[Diagnostic]:
    """Return the errors that show before lowering."""
    return [
        *unlabelled_runners(plan, "jenkins", "LABEL"),
        *clashing_inputs(plan, "Jenkins"),
        *_services(plan),
        *_caches(plan),
        *comment_token(plan, "jenkins", "Jenkins"),
    ]


def _services(plan: ir.Plan) -> Iterator[Diagnostic]:
    for node in plan.nodes.values():
        for service in node.machine.services:
            for name, _ in service.env:
                if name.startswith(CLIENT_VARIABLES):
                    yield error(
                        "service-variable", f"the service '{service.id}' of '{node.id}' can't have the variable {name}: "
                        "the docker client on the agent would obey it", node.place("services"),
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
                        node.place("cache"),
                    )
