"""What a spec says about its own findings: `x-lint: {ignore: {RULE: reason, RULE.ID: reason}}`.

`RULE` silences the rule everywhere, `RULE.ID` only where the finding lies in the node, artifact, runner or
trigger called ID. Keys that start with `x-` are no part of the language, so every version of mlcc reads such
a spec.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mlcc.diagnostics import Diagnostic, Severity, Span, suggest
from mlcc.load.source import Entry, Mapping, Node, Scalar, Sequence, Source
from mlcc.record import record

KEY = "x-lint"


@record
class Ignore:
    """One line of `ignore`. `spans` is what ID covers; None: everything."""

    rule: str
    key_span: Span
    spans: tuple[Span, ...] | None

    def covers(self, finding: Diagnostic) -> bool:
        """Tell whether a finding is one that this line silences."""
        if finding.code != self.rule:
            return False
        span = finding.span
        return self.spans is None or (span is not None and any(_within(span, outer) for outer in self.spans))


def ignores(source: Source, rules: Collection[str]) -> tuple[list[Ignore], list[Diagnostic]]:
    """Return the lines of `ignore`, and what is wrong with them."""
    entry = source.root.entries.get(KEY)
    if entry is None:
        return [], []
    found: list[Ignore] = []
    problems: list[Diagnostic] = []
    block = _ignore_block(entry, problems)
    for line in block.entries.values() if block else ():
        rule, _, id = line.key.partition(".")
        if rule not in rules:
            close = suggest(rule, rules)
            help = f"did you mean '{close}'?" if close else "`mlcc rules` lists them"
            problems.append(_problem("unknown-rule", f"there is no rule '{rule}'", line.key_span, help))
        elif not (
            isinstance(line.node, Scalar) and isinstance(line.node.value, str) and line.node.value.strip()
        ):
            help = f'{line.key}: "why this is right here"'
            problems.append(
                _problem("bad-ignore", f"'{line.key}' is ignored without a reason", line.key_span, help)
            )
        else:
            spans = tuple(_spans_of(source.root, id)) if id else None
            found.append(Ignore(rule, line.key_span, spans))
    return found, problems


def _ignore_block(entry: Entry, problems: list[Diagnostic]) -> Mapping | None:
    allowed = f"{KEY} has the one key `ignore`, a mapping of rules to reasons"
    if not isinstance(entry.node, Mapping):
        problems.append(_problem("bad-ignore", allowed, entry.node.span, None))
        return None
    for other in entry.node.entries.values():
        if other.key != "ignore":
            problems.append(_problem("bad-ignore", allowed, other.key_span, None))
    line = entry.node.entries.get("ignore")
    if line is not None and not isinstance(line.node, Mapping):
        problems.append(_problem("bad-ignore", allowed, line.node.span, None))
    return line.node if line is not None and isinstance(line.node, Mapping) else None


def _problem(code: str, message: str, span: Span, help: str | None) -> Diagnostic:
    return Diagnostic(code, Severity.WARNING, message, span, (), help)


def _spans_of(root: Mapping, id: str) -> Iterator[Span]:
    """Yield the spans of every entry called `id`, two levels down or three (triggers), with all that it holds.

    The spans of its parts are there too, since a merged mapping may have parts from several files.
    """
    for section in root.entries.values():
        groups = [section.node]
        if section.key == "triggers" and isinstance(section.node, Mapping):
            groups += [entry.node for entry in section.node.entries.values()]
        for group in groups:
            if isinstance(group, Mapping) and id in group.entries and section.key != KEY:
                yield group.entries[id].key_span
                yield from _all_spans(group.entries[id].node)


def _all_spans(node: Node) -> Iterator[Span]:
    yield node.span
    if isinstance(node, Mapping):
        for entry in node.entries.values():
            yield entry.key_span
            yield from _all_spans(entry.node)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _all_spans(item)


def _within(inner: Span, outer: Span) -> bool:
    return (
        inner.file == outer.file
        and (outer.line, outer.column) <= (inner.line, inner.column)
        and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    )
