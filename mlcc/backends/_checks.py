"""What the checks of every back end have in common: places, runners, manual forms, limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from mlcc.backends import Limit, Usage
from mlcc.diagnostics import Diagnostic, Related, error
from mlcc.plan import Filed, FormInput, MatrixValue, Node, Plan


def runner_ids(node: Node) -> list[str]:
    """Return the ids of the runners that a node's legs use."""
    runner = node.machine.runner
    if not isinstance(runner, MatrixValue):
        return [runner]
    return list(dict.fromkeys(str(dict(leg.values)[runner.axis]) for leg in node.legs))


APPROVAL_SUFFIX = "-approval"


def approved_in(plan: Plan, node: Node) -> str | None:
    """Return the environment of its own in which people let a node go on; None: they don't, or the node's own asks them.

    An environment that a release goes into can't ask: it would do so before each step, and before a rollback.
    """
    environment = node.machine.environment
    if node.pause is None or not node.pause.approval or environment not in released_into(plan):
        return None
    return f"{environment}{APPROVAL_SUFFIX}"


def released_into(plan: Plan) -> frozenset[str | None]:
    """Return the environments that releases go into."""
    return frozenset(node.machine.environment for node in plan.nodes.values() if node.releases)


def taken_environments(plan: Plan, system: str, names: Iterable[str]) -> Iterator[Diagnostic]:
    """Yield an error for each environment of the spec that a back end needs for waiting."""
    for name in sorted(set(names) & {plan.name, *plan.environments}):
        yield error(
            "environment-taken", f"the environment '{name}' is the one in which {system} lets a node wait", plan.span,
            help="give the spec's environment, or the pipeline, another name",
        )  # fmt: skip


def unlabelled_runners(plan: Plan, target: str, word: str, *, empty: bool = False) -> Iterator[Diagnostic]:
    """Yield an error for each runner that a back end has no label for. `empty`: no label at all is one, too."""
    for node in plan.nodes.values():
        for id in runner_ids(node):
            runner = plan.runners[id]
            labels = runner.labels.get(target)
            if labels is None or not (labels or empty):
                related = (Related(runner.span, "the runner"),) if runner.span else ()
                yield error(
                    "no-runner-label", f"the runner '{id}' of '{node.id}' has no label for {target}", node.place("runner"),
                    related=related, help=f"add `{target}: {word}` to `runners.{id}`",
                )  # fmt: skip


def comment_token(plan: Plan, target: str, system: str) -> Iterator[Diagnostic]:
    """Yield an error where the comment needs a token that the spec doesn't name: the system's jobs have none to write with."""
    if plan.comment is not None and plan.comment.token is None:
        yield error(
            "no-comment-token", f"{system} gives a job no token that may write comments", plan.comment.span,
            help=f"name one, `comment: {{token: {{secret: NAME}}}}`, or don't compile for {target}",
        )  # fmt: skip


def issue_token(plan: Plan, target: str, system: str) -> Iterator[Diagnostic]:
    """Yield an error for each notice whose issues need a token that the spec doesn't name."""
    for notice in plan.notices:
        if isinstance(notice.way, Filed) and notice.way.token is None:
            yield error(
                "no-issue-token", f"{system} gives a job no token that may write issues", notice.span,
                help=f"name one, `issue: {{token: {{secret: NAME}}}}`, or don't compile for {target}",
            )  # fmt: skip


def clashing_inputs(
    plan: Plan, system: str, name_of: Callable[[FormInput], str] = lambda field: field.name
) -> Iterator[Diagnostic]:
    """Yield an error for each input that means something else in another form, where a system has one form for all."""
    inputs = [(form, field) for form in plan.triggers.forms for field in form.inputs]
    seen: dict[str, FormInput] = {}
    for form, field in inputs if len(inputs) > 1 else ():
        other = seen.setdefault(name_of(field), field)
        if _meaning(other) != _meaning(field):
            yield error(
                "input-clash", f"{system} has one form for all: '{field.name}' must mean the same in every manual form",
                plan.triggers.spans.get(form.id), help="give the inputs different names",
            )  # fmt: skip


def _meaning(field: FormInput) -> tuple[object, ...]:
    return (field.name, field.type, field.options, field.default)


def largest(limit: Limit, parts: list[tuple[int, str]]) -> Usage:
    """Return the usage of the part that uses most of a limit; `parts` are (used, where)."""
    used, where = max(parts, default=(0, "nothing"))
    return Usage(limit, used, where)


def check_limits(plan: Plan, system: str, found: list[Usage], keys: Mapping[str, str]) -> list[Diagnostic]:
    """Return an error for each limit that is exceeded, at the line that causes it.

    `keys`: name of a limit -> the key of a node that states what counts.
    """
    errors = []
    for usage in found:
        limit = usage.limit
        if usage.used > limit.allowed:
            node = plan.nodes.get(usage.where)
            span = node.place(keys.get(limit.name, "")) if node else plan.span
            allowed = f"{limit.allowed:,} {limit.unit}"
            message = f"{system} limit for the {limit.name} is {allowed}; {usage.where} uses {usage.used:,}"
            errors.append(error("limit", message, span, help=f"source: {limit.source}"))
    return errors
