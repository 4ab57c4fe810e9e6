"""From a draft to text that mlcc accepts: what can't stand is taken out again and listed, with what mlcc says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlcc.backends._yaml import Block, Flow, Spaced, emit
from mlcc.diagnostics import Diagnostic, MlccError, Severity, Span
from mlcc.importing.draft import Draft
from mlcc.importing.shell import stop, visible
from mlcc.load.source import Mapping, Node, Sequence, read

MAX_ROUNDS = 200
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WIDTH = 88
_REQUIRED = {"run", "path", "kind", "guards", "image", "port"}
Loc = tuple[str | int, ...]


def settled(draft: Draft, header: str) -> tuple[str, list[str]]:
    """Return the spec's text, and what of it mlcc refuses still: nothing, but for a pipeline without anything to run."""
    _clean(draft, draft.tree, ())
    text = spec_text(draft.ordered(), header)
    found = _errors(text)
    for _ in range(MAX_ROUNDS):
        if not any(_remove(draft, text, problem) for problem in found[:1]):
            break
        text = spec_text(draft.ordered(), header)
        found = _errors(text)
    refused = [problem.message for problem in found]
    return (
        spec_text(draft.ordered(), f"{header}\nIt isn't valid yet: {refused[0]}") if refused else text
    ), refused


def _clean(draft: Draft, tree: Any, place: tuple[str, ...]) -> None:
    """Take out keys that no spec has, and characters that nobody sees."""
    pairs = list(tree.items() if isinstance(tree, dict) else enumerate(tree))
    for key, value in pairs:
        where = (*place, key) if isinstance(key, str) else place
        if isinstance(key, str) and not _KEY.fullmatch(key):
            if not draft.ledger.withdraw(where, "it is no name that the spec could have as a key"):
                draft.ledger.finding(1, ".".join(where), "it is no name that the spec could have as a key")
            del tree[key]
        elif isinstance(value, str):
            tree[key] = visible(value)
        elif isinstance(value, (dict, list)):
            _clean(draft, value, where)


def spec_text(tree: dict[str, Any], header: str) -> str:
    """Return a tree as the text of a spec: sections apart, what is short on one line."""
    plain = header.encode("ascii", "replace").decode().splitlines()
    lines = "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in plain)
    head = {key: tree[key] for key in ("version", "name") if key in tree}
    rest = {key: _styled(value, 2) for key, value in tree.items() if key not in head}
    return emit(head, lines) + ("\n" + emit(Spaced(rest)) if rest else "")


def _styled(value: Any, indent: int, inner: bool = False) -> Any:
    """Mark what is to stand on one line, and commands of several lines as blocks."""
    if isinstance(value, str):
        return Block(value) if "\n" in value else value
    if not isinstance(value, (dict, list)) or not value:
        return value
    if inner and _fits(value, indent):
        return Flow(value)
    if isinstance(value, list):
        return [_styled(item, indent + 2, True) for item in value]
    deeper = inner or indent > 2
    return {
        key: _styled(item, indent + 2 + (len(key) if deeper else 0), deeper or _short(item))
        for key, item in value.items()
    }


def _short(value: Any) -> bool:
    """Tell whether a node is so small that one line shows it best: an artifact, a runner."""
    return isinstance(value, list) or (isinstance(value, dict) and "run" not in value)


def _fits(value: Any, indent: int) -> bool:
    return (
        "\n" not in repr(value).replace("\\\\", "")
        and "\\n" not in repr(value)
        and len(str(value)) + indent <= _WIDTH
    )


def _errors(text: str) -> list[Diagnostic]:
    """Return what keeps a spec from compiling, as `mlcc lint` finds it, but for whether its files are there."""
    from mlcc.compiler import chosen_targets, compiled_files, obstacles
    from mlcc.planning.planner import plan
    from mlcc.resolving.resolve import resolve
    from mlcc.spec.validate import validate

    try:
        source = read(text.encode(), "mlcc.yaml")
        spec = validate(source)
        made = plan(
            resolve(spec, source),
            home="",
            spec_files=("mlcc.yaml",),
            compiled_files=compiled_files(spec.name, ""),
        )
    except MlccError as problem:
        return [d for d in problem.diagnostics if d.severity is Severity.ERROR]
    return [d for target in chosen_targets(made, ()) for d in obstacles(made, target)]


def _remove(draft: Draft, text: str, problem: Diagnostic) -> bool:
    """Take what a diagnostic points at out of the draft; tell whether there was something to take."""
    if problem.span is None:
        return False
    try:
        loc = _place(read(text.encode(), "mlcc.yaml").root, problem.span)
    except MlccError:
        return False
    while loc and (loc[-1] in _REQUIRED or not _is_there(draft.tree, loc)):
        loc = loc[:-1]
    if not loc or loc == ("name",) or loc == ("version",):
        return False
    reason = f"it can't stand in the spec: {problem.message}"
    place = tuple(str(key) for key in loc if isinstance(key, str))
    if not draft.ledger.withdraw(place, reason):
        line = draft.lines.get(place[1], 1) if place[0] == "jobs" and len(place) > 1 else 1
        draft.ledger.finding(line, ".".join(place), reason)
    if (
        loc[0] == "jobs" and len(loc) > 2 and loc[2] in ("when", "env")
    ):  # without it the job would do something else
        job = draft.tree["jobs"][loc[1]]
        job["run"] = f"{stop(f'its {loc[2]}')}\n{job.get('run', '')}"
        loc = (*loc[:2], "when") if loc[2] == "when" else loc
    _cut(draft.tree, loc)
    return True


def _is_there(tree: Any, loc: Loc) -> bool:
    for key in loc:
        in_list = isinstance(tree, list) and isinstance(key, int) and key < len(tree)
        if in_list or (isinstance(tree, dict) and key in tree):
            tree = tree[key]
        else:
            return False
    return True


def _cut(tree: Any, loc: Loc) -> None:
    """Remove a value, and what is empty without it."""
    around: list[Any] = [tree]
    for key in loc[:-1]:
        around.append(around[-1][key])
    for depth in range(len(loc) - 1, -1, -1):
        del around[depth][loc[depth]]
        if around[depth] or depth <= 1:
            return


def _place(node: Node, span: Span) -> Loc:
    """Return the keys that lead to what stands where a span begins."""
    found: list[str | int] = []
    at = (span.line, span.column)
    while True:
        inner = list(_inside(node))
        fitting = [(key, child) for key, child, start in inner if start <= at]
        if not fitting:
            return tuple(found)
        key, child = fitting[-1]
        found.append(key)
        node = child


def _inside(node: Node) -> Iterator[tuple[str | int, Node, tuple[int, int]]]:
    """Yield what a mapping or a sequence holds, and where each begins."""
    if isinstance(node, Mapping):
        for entry in node.entries.values():
            yield entry.key, entry.node, (entry.key_span.line, entry.key_span.column)
    elif isinstance(node, Sequence):
        for number, item in enumerate(node.items):
            yield number, item, (item.span.line, item.span.column)
