"""What the obligations of all back ends have in common: code owners, runners, and which variables nodes use."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.backends import BACKENDS
from mlcc.backends._checks import runner_ids
from mlcc.diagnostics import Span
from mlcc.obligations.obligation import Obligation
from mlcc.plan import Build, Execute, Node, Plan, Runner, Secret, Variable
from mlcc.planning.possible_events import possible_events
from mlcc.semantics import refusals

OWNERS = "@OWNERS"
CODE_OWNERS = "code-owners"
_SPECIAL = re.compile(r"([\s#\\])")


def owned_paths(plan: Plan, target: str) -> list[str]:
    """Return what only its owners should change, as paths from the root: the spec, its lock, its scripts, what CI reads."""
    scripts = plan.in_home(".mlcc/")
    outputs = BACKENDS[target].output_paths(plan.name, plan.home, plan.spec_home)
    including = [".gitlab-ci.yml"] if target == "gitlab" and plan.spec_home else []
    return [
        *plan.spec_files,
        *([plan.lock] if plan.lock else []),
        scripts,
        *(path for path in outputs if not path.startswith(scripts)),
        *including,
    ]


def code_owners(plan: Plan, target: str, file: str, more: str = "") -> Obligation:
    """Return the obligation to let nobody change a gate or a pipeline alone. `more` is what the setting needs beside."""
    paths = [*owned_paths(plan, target), file]
    return Obligation(
        CODE_OWNERS, CODE_OWNERS,
        f"let owners approve every change of the spec, of .mlcc/ and of the compiled files ({file}{more})",
        "who may merge a change could open a gate in it",
        names=tuple(paths), file=file, span=plan.span,
        text="".join(f"{owners_pattern(path)} {OWNERS}\n" for path in paths),
    )  # fmt: skip


def owners_pattern(path: str) -> str:
    """Return a path from the root as a pattern of CODEOWNERS, which ends at the first blank."""
    return "/" + _SPECIAL.sub(r"\\\1", path)


def executes(plan: Plan) -> list[tuple[Node, Execute]]:
    """Return each node with what it runs."""
    return [(node, step) for node in plan.nodes.values() for step in node.steps if isinstance(step, Execute)]


def builders(plan: Plan, usual: str, needs: str, why: str) -> Iterator[Obligation]:
    """Yield what the machines need that build images: `usual` builds where the spec names no builder."""
    for node in plan.nodes.values():
        if isinstance(node.work, Build):
            builder = node.work.builder or usual
            yield Obligation(
                f"builder.{node.id}", "setting", f"have {builder} where '{node.id}' runs: {needs}", why,
                names=(builder,), span=node.span,
            )  # fmt: skip


def variables(plan: Plan) -> dict[str, Span | None]:
    """Return the CI system's plain variables that nodes use, sorted, and where the first of each is asked for."""
    found: dict[str, Span | None] = {}
    for node, step in executes(plan):
        for name in step.variables:
            found.setdefault(name, node.place("env"))
    for notice in plan.notices:
        if isinstance(notice.key, Variable):
            found.setdefault(notice.key.name, notice.span)
    return dict(sorted(found.items()))


def first_span(plan: Plan, name: str) -> Span | None:
    """Return where the first node, or the first notice, that uses a secret asks for it."""
    nodes = [node.place("env") for node in plan.nodes.values() if name in node.secrets]
    return next(iter([*nodes, *(n.span for n in plan.notices if n.key == Secret(name))]), plan.span)


def login_span(plan: Plan) -> Span | None:
    """Return where the first login is asked for."""
    return next((node.place("auth") for node in plan.nodes.values() if node.logins), plan.span)


def login_events(plan: Plan) -> dict[str, frozenset[str]]:
    """Return each node that logs in, with the kinds of events that can run it."""
    found: dict[str, set[str]] = {id: set() for id, node in plan.nodes.items() if node.logins}
    for event in possible_events(plan) if found else ():
        refused = refusals(plan, event)
        for id in found.keys() - refused.keys():
            found[id].add(event.kind)
    return {id: frozenset(kinds) for id, kinds in found.items()}


def runners(plan: Plan, target: str) -> dict[tuple[str, ...], Runner]:
    """Return the sets of labels that nodes ask for of a CI system, each with a runner that has it."""
    used = [plan.runners[id] for node in plan.nodes.values() for id in runner_ids(node)]
    return {runner.labels.get(target, ()): runner for runner in used}


def longest_minutes(plan: Plan, backstop: int) -> int:
    """Return the time that a job is given at most: its node's, and what the back end adds."""
    return max((-(-node.longest_seconds // 60) for node in plan.nodes.values()), default=0) + backstop
