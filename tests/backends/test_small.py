"""A plan that counts as small is far below every limit of every back end, however it uses its bounds."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from mlcc.backends import BACKENDS
from mlcc.backends._small import EDGES_OF_NODE, NODES, TEXT, is_small
from mlcc.diagnostics import SpecError
from mlcc.plan import Plan
from tests.equivalence.pipelines import plans
from tests.plans import HEAD, plan_of

LONG = "n" * 55


def spec(nodes: int, needs: int, more: str = "") -> str:
    """Return a spec of jobs with long names, each after as many others as allowed."""
    jobs = []
    for number in range(nodes):
        before = ", ".join(f"{LONG}{other}" for other in range(max(0, number - needs), number))
        jobs.append(f"  {LONG}{number}: {{run: make, needs: [{before}]{more}}}\n")
    return HEAD + "jobs:\n" + "".join(jobs)


def fits(plan: Plan) -> list[str]:
    """Return the limits that a plan exceeds."""
    found = []
    for name in BACKENDS:
        try:
            found += [
                f"{name} {u.limit.name}" for u in BACKENDS[name].usage(plan) if u.used > u.limit.allowed
            ]
        except SpecError as problem:
            found += [d.code for d in problem.diagnostics if d.code == "limit"]
    return found


WIDEST = {
    "edges": spec(NODES, 7),
    "edges of one node": spec(EDGES_OF_NODE + 1, EDGES_OF_NODE),
    "legs": spec(30, 0, ", matrix: {axes: {a: [1, 2]}}"),
    "legs of one node": spec(1, 0, f", matrix: {{axes: {{a: {list(range(60))}}}}}"),
    "text that every emitter escapes": spec(
        20, 0, ", cache: {c: {path: [" + '"é\U0001f600b", ' * 20 + "x], key: [k]}}"
    ),
    "services": spec(
        10,
        0,
        ", services: {db: {image: pg, port: 1, env: {" + ", ".join(f"A{n}: ''''" for n in range(60)) + "}}}",
    ),
}


@pytest.mark.parametrize("text", WIDEST.values(), ids=WIDEST)
def test_the_widest_small_plans_fit_everywhere(text: str) -> None:
    plan = plan_of(text)
    assert is_small(plan)
    assert fits(plan) == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def test_random_small_plans_fit_everywhere(plan: Plan) -> None:
    assert not is_small(plan) or fits(plan) == []


@pytest.mark.parametrize(
    "text",
    [
        spec(NODES + 1, 0),
        spec(EDGES_OF_NODE + 2, EDGES_OF_NODE + 1),
        spec(NODES, 12),
        spec(1, 0, f", matrix: {{axes: {{a: {list(range(110))}}}}}"),
        spec(1, 0, f", image: {'x' * TEXT}"),
    ],
    ids=["nodes", "edges of a node", "edges", "legs", "text"],
)
def test_larger_plans_are_weighed(text: str) -> None:
    assert not is_small(plan_of(text))
