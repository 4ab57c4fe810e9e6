"""The spec's texts that stand in the workflow itself: GitHub must take each for what it is.

Everything else reaches a command through `.mlcc/plan.json`, which GitHub never reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc import plan as ir
from mlcc.backends.github import expr
from mlcc.diagnostics import Diagnostic, Span, error

Text = tuple[str, str, "Span | None"]
"""What it is, the text, its place."""


def check_texts(plan: ir.Plan) -> Iterator[Diagnostic]:
    """Yield an error for each text that GitHub would read as something else."""
    found = [("the folder of the spec", plan.home, plan.span), *_of_triggers(plan), *_of_runners(plan)]
    for node in plan.nodes.values():
        found += _of_node(node)
        yield from _cache_paths(node)
    for what, text, span in found:
        if expr.OPENING in text:
            yield error(
                "expression", f"{what} holds '{expr.OPENING}', which GitHub evaluates", span,
                help="give the value where a command reads it, through `env`, as {secret: …}, {var: …} or {input: …}",
            )  # fmt: skip


def _of_triggers(plan: ir.Plan) -> Iterator[Text]:
    triggers = plan.triggers
    for what, patterns in (
        ("a branch of `pull_request`", triggers.pull_request),
        ("a branch of `push`", triggers.push),
        ("a pattern of `tag`", triggers.tag),
    ):
        for pattern in patterns or ():
            yield what, pattern, plan.span
    for form in triggers.forms:
        for field in form.inputs:
            for text in (field.description, field.default or "", *field.options):
                yield f"the input '{field.name}'", text, triggers.spans.get(form.id)


def _of_runners(plan: ir.Plan) -> Iterator[Text]:
    for runner in plan.runners.values():
        for label in runner.labels.get("github", ()):
            yield f"a label of the runner '{runner.id}'", label, runner.span


def _of_node(node: ir.Node) -> Iterator[Text]:
    yield f"the image of '{node.id}'", node.machine.image or "", node.place("image")
    for service in node.machine.services:
        where = f"the service '{service.id}' of '{node.id}'"
        yield where, service.image, node.place("services")
        for _, value in service.env:
            text = value.text if isinstance(value, ir.Text) else getattr(value, "default", None) or ""
            yield where, text, node.place("services")
    for step in node.steps:
        if isinstance(step, ir.UseCache):
            for path in step.paths:
                yield f"a path of the cache '{step.id}'", path, node.place("cache")


def _cache_paths(node: ir.Node) -> Iterator[Diagnostic]:
    """Refuse what the list of a cache's paths, one a line, would read otherwise.

    It leaves out blanks at a line's ends, takes `#` for a comment and `!` for an exception (actions/toolkit,
    packages/glob/src/internal-globber.ts, DefaultGlobber.create).
    """
    for step in node.steps:
        if not isinstance(step, ir.UseCache):
            continue
        for path in step.paths:
            if "\n" in path or path != path.strip() or path.startswith(("#", "!")):
                yield error(
                    "cache-path",
                    f"a path of the cache '{step.id}' isn't one path to GitHub",
                    node.place("cache"),
                    help="it is one line without blanks at its ends, and starts with neither '#' nor '!'",
                )
