"""PLAN, continued: the back ends that a spec names, raw text for one of them, what is borne of their losses, the comment."""

from __future__ import annotations

from mlcc.diagnostics import Span
from mlcc.load.source import Entry
from mlcc.load.source import Mapping as SpecMapping
from mlcc.load.source import Node as SpecNode
from mlcc.plan import Comment, Overlay, Waived
from mlcc.problems import Problems
from mlcc.resolving.resolved import Resolved


def overlays(resolved: Resolved) -> dict[str, Overlay]:
    """Return the raw text for each back end that the spec has any for."""
    found = {}
    for name, entry in _entries(resolved).items():
        if not isinstance(entry.node, SpecMapping) or not entry.node.entries.keys() - {"waive"}:
            continue
        places: dict[tuple[str, ...], Span] = {(): entry.key_span}
        _collect_places(entry.node, (), places)
        found[name] = Overlay(getattr(resolved.spec.targets, name), places)
    return found


def waivers(resolved: Resolved) -> dict[str, dict[str, Waived]]:
    """Return what the spec bears of each back end's losses, by feature."""
    found: dict[str, dict[str, Waived]] = {}
    problems = Problems(resolved.source)
    for target in targets(resolved):
        losses = getattr(resolved.spec.targets, target).waive
        found[target] = {
            feature: Waived(
                loss.reason, loss.until, problems.span(("targets", target, "waive", feature), key=True)
            )
            for feature, loss in losses.items()
        }
    return {target: waived for target, waived in found.items() if waived}


def comment(resolved: Resolved) -> Comment | None:
    """Return the comment that the spec asks for."""
    stated = resolved.spec.comment
    if not stated:
        return None
    token = None if stated is True else stated.token
    span = Problems(resolved.source).span(("comment",), key=True)
    return Comment(None if token is None else token.secret, span)


def targets(resolved: Resolved) -> tuple[str, ...]:
    """Return the back ends that the spec names, in its order."""
    return tuple(_entries(resolved))


def _entries(resolved: Resolved) -> dict[str, Entry]:
    entry = resolved.source.root.entries.get("targets")
    named = entry.node.entries if entry is not None and isinstance(entry.node, SpecMapping) else {}
    return {
        name: one for name, one in named.items() if getattr(resolved.spec.targets, name, None) is not None
    }


def _collect_places(node: SpecNode, keys: tuple[str, ...], places: dict[tuple[str, ...], Span]) -> None:
    if isinstance(node, SpecMapping):
        for key, entry in node.entries.items():
            inner = (*keys, key)
            places[inner] = entry.key_span
            _collect_places(entry.node, inner, places)
