"""Code that several projects of a repository share: `//` begins a path from the repository's root."""

from __future__ import annotations

import pytest

from mlcc.plan.document import to_runtime
from mlcc.runtime.patterns import from_root_of
from mlcc.runtime.select import select as select_at_run_time
from mlcc.semantics import Event, select
from tests.plans import HEAD, plan_of

SPEC = (
    HEAD
    + """\
jobs:
  own: {run: make, path: [src/]}
  both: {run: make, path: [src/, //libs/credit/]}
  after: {run: make, needs: [both]}
"""
)


@pytest.mark.parametrize(
    ("changed", "selected"),
    [
        ("models/se/src/a.py", {"own", "both", "after"}),
        ("libs/credit/train.py", {"both", "after"}),
        ("models/se/libs/credit/train.py", set()),
        ("libs/other.py", set()),
    ],
)
def test_a_shared_source_lies_below_the_root(changed: str, selected: set[str]) -> None:
    plan = plan_of(SPEC, home="models/se")
    event = Event("push", branch="main", changed=frozenset([changed]))
    assert set(select(plan, event).selected) == selected
    facts = {
        "kind": "push",
        "branch": "main",
        "tag": "",
        "trigger": "",
        "inputs": {},
        "fork": False,
        "changed": [changed],
    }
    assert set(select_at_run_time(to_runtime(plan), facts)["selected"]) == selected


def test_in_the_root_itself_both_are_the_same() -> None:
    assert from_root_of("", "//libs/") == from_root_of("", "libs/") == "libs/"
    assert from_root_of("models/se/", "libs/") == "models/se/libs/"
