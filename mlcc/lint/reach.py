"""Which nodes the triggers of a plan reach, and what keeps them from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlcc.plan import Condition, EdgeKind, Node, Plan
from mlcc.planning.possible_events import possible_events
from mlcc.record import replace
from mlcc.runtime.patterns import name_matches
from mlcc.semantics import DIFF_EVENTS, Event, base_versions, candidates, condition_problem

Reach = Sequence[tuple[Event, frozenset[str]]]
KeptAway = Mapping[str, tuple[list[str], list[str]]]


def reach(plan: Plan) -> Reach:
    """Return every event that a plan may see, each with its candidates (S3)."""
    return [(event, candidates(plan, event)) for event in possible_events(plan)]


def kept_away(plan: Plan, reached: Reach) -> KeptAway:
    """Return node -> the events that it refuses by itself, and the nodes that this alone keeps from them.

    Events are phrases for a message. A trigger counts where no branch and no input lets a node run: its branch
    is the default one, which the plan doesn't know.
    """
    if not any(node.when or node.branches or base_versions(plan, node) for node in plan.nodes.values()):
        return {}
    groups: dict[str, list[tuple[Event, frozenset[str]]]] = {}
    for event, found in reached:
        if event.trigger in plan.triggers.reserved:
            continue  # what doesn't name it isn't kept from it
        groups.setdefault(phrase(event, plan), []).append((event, found))
    events: dict[str, dict[str, None]] = {}
    victims: dict[str, set[str]] = {}
    for name, group in groups.items():
        ever = frozenset().union(*(found for _, found in group))
        for id in (id for id, node in plan.nodes.items() if id not in ever and not node.status):
            for event, found in group:
                for root in _roots(plan, id, event, found) if allows(plan, plan.nodes[id], event) else ():
                    events.setdefault(root, {})[name] = None
                    victims.setdefault(root, set()).add(id)
    return {root: (list(events[root]), [id for id in plan.nodes if id in victims[root]]) for root in events}


def allows(plan: Plan, node: Node, event: Event) -> bool:
    """Tell whether a node's own `when`, environment and need of a base allow an event."""
    if event.kind not in DIFF_EVENTS and base_versions(plan, node):
        return False
    return admits(node, event) and (not node.when or bool(_holding(node, event)))


def admits(node: Node, event: Event) -> bool:
    """Tell whether a node's kind and environment allow an event: one with branches takes runs of these alone."""
    if node.releases and event.kind == "pull_request":
        return False
    if not node.branches:
        return True
    branch = event.branch or ""
    return event.kind != "pull_request" and any(name_matches(pattern, branch) for pattern in node.branches)


def _holding(node: Node, event: Event) -> list[Condition]:
    return [condition for condition in node.when if condition_problem(condition, event) is None]


def phrase(event: Event, plan: Plan) -> str:
    """Return an event as a message names it."""
    if event.trigger is not None:
        return f"the trigger '{event.trigger}'"
    if event.kind not in DIFF_EVENTS:
        return f"the tag {event.tag}"
    what = {"push": "a push", "pull_request": "a pull request"}[event.kind]
    allowed = plan.triggers.push if event.kind == "push" else plan.triggers.pull_request
    return what if allowed == (event.branch,) else f"{what} to {event.branch}"


def _roots(plan: Plan, id: str, event: Event, found: frozenset[str]) -> set[str]:
    """Return the nearest nodes that `id` can't do without and that refuse the event themselves."""
    roots: set[str] = set()
    todo, seen = [id], {id}
    while todo:
        current = plan.nodes[todo.pop()]
        by_verdict = all(condition.gate is not None for condition in _holding(current, event))
        for edge in plan.incoming[current.id]:
            if edge.kind is EdgeKind.ORDER or edge.source in found or edge.source in seen:
                continue
            if edge.kind is EdgeKind.VERDICT and not by_verdict:
                continue
            seen.add(edge.source)
            if allows(plan, plan.nodes[edge.source], event):
                todo.append(edge.source)
            else:
                roots.add(edge.source)
    return roots


def lost_to_forks(plan: Plan) -> Mapping[str, list[str]]:
    """Return node with secrets -> the nodes without any that a fork's pull request loses by it (S10)."""
    lost: dict[str, set[str]] = {}
    for event in possible_events(plan):
        if event.kind != "pull_request":
            continue
        missing = candidates(plan, event) - candidates(plan, replace(event, fork=True))
        for root in (id for id in missing if plan.nodes[id].trusted):
            lost.setdefault(root, set()).update(_behind(plan, root, missing))
    return {root: [id for id in plan.nodes if id in lost[root]] for root in plan.nodes if lost.get(root)}


def _behind(plan: Plan, root: str, missing: frozenset[str]) -> set[str]:
    behind: set[str] = set()
    todo = [root]
    while todo:
        for edge in plan.outgoing[todo.pop()]:
            if edge.kind is not EdgeKind.ORDER and edge.target in missing and edge.target not in behind:
                behind.add(edge.target)
                todo.append(edge.target)
    return {id for id in behind if not plan.nodes[id].trusted}
