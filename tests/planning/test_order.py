"""The plan's own order of nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.compiler import analyse

SPEC = """version: 1
name: order
triggers: {push: {branches: [main]}}
jobs:
  last: {run: "true", needs: [middle]}
  middle: {run: "true", needs: [first]}
  first: {run: "true"}
"""


def test_nodes_are_put_into_the_order_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "mlcc.yaml").write_text(SPEC)
    plan = analyse(tmp_path / "mlcc.yaml", tmp_path).plan
    assert plan.in_order(["last", "first", "last"]) == ("first", "last")
    assert plan.in_order(plan.nodes) == tuple(plan.nodes) == ("first", "middle", "last")
    assert plan.in_order([]) == ()
    with pytest.raises(KeyError):
        plan.in_order(["nobody"])
