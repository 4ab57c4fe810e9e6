"""Plans so small that nothing which grows with a plan can reach a platform's limit.

A lint runs on every commit, and most plans are small: lowering and rendering them only to weigh them would take longer
than all the rest. The bounds are generous enough that even the widest row, expression or file of such a plan stays far
below every limit; a test holds that against the largest plans that are still small.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.plan import Node, Plan

NODES = 40
EDGES = 300
EDGES_OF_NODE = 20
LEGS = 60
TEXT = 10_000  # characters, of everything that may stand in an output
LONGEST = 100  # characters, of one value of a leg


def is_small(plan: Plan) -> bool:
    """Tell whether a plan is so small that no size needs to be checked."""
    nodes = plan.nodes.values()
    incoming = [len(edges) for edges in plan.incoming.values()]
    return (
        len(nodes) <= NODES
        and sum(incoming) <= EDGES
        and max(incoming, default=0) <= EDGES_OF_NODE
        and sum(len(node.legs) for node in nodes) <= LEGS + NODES
        and all(_length(leg.values) <= LONGEST for node in nodes for leg in node.legs)
        and _length((plan.triggers, tuple(plan.runners.values()), tuple(map(_shown, nodes)))) <= TEXT
    )


def _shown(node: Node) -> tuple[object, ...]:
    """Return what of a node may stand in an output; commands and variables lie in the plan's own file."""
    return (node.id, node.legs, node.machine, node.steps, node.reports, node.logins, node.outputs)


def _length(value: object) -> int:
    """Return the length of all texts in a value, and one for everything else."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, tuple):
        return 1 + sum(map(_length, value))
    if isinstance(value, Mapping):
        return 1 + sum(_length(key) + _length(item) for key, item in value.items())
    fields = getattr(value, "__match_args__", ())
    return 1 + sum(_length(getattr(value, name)) for name in fields if not name.startswith("span"))
