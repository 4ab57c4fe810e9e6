"""The emitted Groovy does what the model of it says: real Groovy runs compiled Jenkinsfiles over steps that remember."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlcc.backends.jenkins.lower import lower
from mlcc.backends.jenkins.render import render
from mlcc.plan import Plan
from tests.backends.jenkins.groovy import run_groovy
from tests.equivalence.jenkins_model import Build
from tests.equivalence.pipelines import plans
from tests.equivalence.test_equivalence import Count, cases, count

__all__ = ["count"]  # a fixture
HARNESS = Path(__file__).with_name("walk.groovy")
CODES = st.sampled_from((0, 0, 0, 0, 1, 2, 3, 4, 5, None))


@st.composite
def builds(draw: Any, plan: Plan) -> dict[str, Any]:
    """Draw what the platform and the runtime say in one build: a status for each instance, and the hints."""
    file = lower(plan)
    model = Build(file, lambda *_: 0)
    nodes = list(plan.nodes)
    some = st.lists(st.sampled_from(nodes), unique=True, max_size=3)
    # A node denies what comes right after it, so that the order of others makes no difference.
    deny = {
        id: "," + "".join(f"{other}," for other in nodes if id in model.before(other) and draw(st.booleans()))
        for id in draw(st.lists(st.sampled_from(nodes), unique=True, max_size=2))
    }
    skipped = draw(some) if draw(st.integers(0, 15)) else None
    return {
        "codes": {me: draw(CODES) for id in nodes for me in model.instances(id)},
        "deny": deny,
        "skip": None if skipped is None else "," + "".join(f"{id}," for id in skipped),
        "env": {"CHANGE_ID": "7", "CHANGE_FORK": "mallory"} if draw(st.booleans()) else {},
    }


def expected(plan: Plan, case: dict[str, Any]) -> dict[str, Any]:
    """Return what the model says of a case."""
    got: dict[str, list[str]] = {}

    def leaf(id: str, leg: str, folders: list[str]) -> int | None:
        me = f"{id}--{leg}" if leg else id
        got[me] = folders
        code = case["codes"][me]
        if code is not None:
            build.deny += case["deny"].get(id, "")
        return None if code is None else int(code)

    build = Build(lower(plan), leaf, foreign="CHANGE_FORK" in case["env"])
    if case["skip"] is None:
        build.worsen("ABORTED")
    else:
        build.skip = case["skip"]
        build.stashed.append("s--select")
    build.walk()
    text = "".join(f"{id}={result}\n" for id, result in build.results().items())
    return {
        "ends": build.ends,
        "result": build.result,
        "got": got,
        "results": text,
        "stashed": set(build.stashed),
    }


def seen(case: dict[str, Any]) -> dict[str, Any]:
    """Return the same of what Groovy did. An instance unstashes on its agent, before it runs."""
    got: dict[str, list[str]] = {}
    waiting: list[str] = []
    for entry in case["log"]:
        if entry["step"] == "node":
            waiting = []
        elif entry["step"] == "unstash":
            waiting.append(entry["name"])
        elif entry["step"] == "run":
            got[entry["instance"]] = waiting
    results = next(entry["text"] for entry in case["log"] if entry["step"] == "results")
    stashed = {entry["name"] for entry in case["log"] if entry["step"] == "stash"}
    return {
        "ends": case["ends"],
        "result": case["result"],
        "got": got,
        "results": results,
        "stashed": stashed,
    }


def test_groovy_walks_as_the_model(tmp_path: Path, count: Count) -> None:
    made: list[tuple[Plan, dict[str, Any]]] = []

    @cases(150)
    @given(st.data())
    def collect(data: st.DataObject) -> None:
        plan = data.draw(plans())
        case = data.draw(builds(plan))
        path = tmp_path / f"c{len(made)}.groovy"
        path.write_text(render(lower(plan)), "utf-8")
        made.append((plan, {**case, "file": str(path)}))

    collect()
    listed = tmp_path / "cases.json"
    listed.write_text(json.dumps([case for _, case in made]), "utf-8")
    lines = run_groovy(HARNESS, str(listed)).splitlines()
    assert len(lines) == len(made)
    for (plan, case), line in zip(made, lines, strict=True):
        assert seen(json.loads(line)) == expected(plan, case)
        count()
