"""The text of the child pipeline without some nodes is the tree without them, and carries the selection."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcc.backends.gitlab.lower import lower
from mlcc.backends.gitlab.overlay import Overlay
from mlcc.backends.gitlab.platform import (
    MAX_SELECTION,
    TAKEN_NAMES,
    child_pipeline,
    job_name,
    packed_selection,
    unpacked_selection,
)
from mlcc.backends.gitlab.render import render_child
from mlcc.load.source import read
from mlcc.planning.planner import plan
from mlcc.resolving.resolve import resolve
from mlcc.runtime.records import RunError
from mlcc.spec.validate import validate
from tests.backends.gitlab.specs import compiled, load
from tests.spec.strategies import specs, to_yaml

draws = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
RECORD: dict[str, Any] = {
    "commit": "c" * 40,
    "selected": ["a"],
    "reasons": {"a": "a changed", "b": "nothing that it depends on has changed"},
    "facts": {"run_id": "7"},
    "event": {"changed": ["x"]},
}


@draws
@given(st.data())
def test_the_filtered_text_is_the_filtered_tree(data: st.DataObject) -> None:
    spec = to_yaml(data.draw(specs()))
    made = plan(resolve(validate(read(spec.encode(), "mlcc.yaml")), read(spec.encode(), "mlcc.yaml")))
    text = render_child(lower(made), Overlay())
    dropped = data.draw(st.sets(st.sampled_from(list(made.nodes)))) if made.nodes else set()
    names = {job_name(id) for id in dropped}
    wanted = {key: value for key, value in load(text).items() if key not in names}
    wanted["variables"] = {**wanted["variables"], "MLCC_SELECTION": "c2VsZWN0aW9u"}
    found = load(child_pipeline(text, names, "c2VsZWN0aW9u"))
    assert found == wanted
    assert list(found) == list(wanted)


def test_nodes_may_be_named_as_what_gitlab_reads_as_something_else() -> None:
    ids = [name for name in TAKEN_NAMES if name not in ("false", "true")]
    made = compiled("jobs:\n" + "".join(f"  {id}: {{run: 'true'}}\n" for id in [*ids, "trains"]))
    jobs = [key for key in made.child if key not in ("stages", "workflow", "default", "variables")]
    assert jobs == [*(f"{id} node" for id in ids), "trains", "final"]
    left = load(child_pipeline(made.child_text, {"trains", "cache node", "variables node"}, "x"))
    assert set(made.child) - set(left) == {"trains", "cache node", "variables node"}


def test_nothing_selected_leaves_the_final_job_alone() -> None:
    made = compiled("jobs:\n  a: {run: 'true'}\n  b: {run: 'true', needs: [a]}\n")
    left = load(child_pipeline(made.child_text, {"a", "b"}, "x"))
    assert [key for key, value in left.items() if isinstance(value, dict) and "script" in value] == ["final"]


def test_the_marker_of_the_committed_file_is_not_copied() -> None:
    made = compiled("jobs:\n  a: {run: 'true'}\n")
    assert "mlcc:generated" in made.child_text
    assert "mlcc:generated" not in child_pipeline(made.child_text, set(), "x")


@pytest.mark.parametrize("text", ["", "a:\n  b: c\n", "variables:\n  MLCC_SELECTION: other\n"])
def test_a_file_without_a_place_for_the_selection_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="no place for the selection"):
        child_pipeline(text, set(), "x")


def test_the_selection_survives_its_packing() -> None:
    found = unpacked_selection(packed_selection(RECORD))
    assert found == {
        "commit": "c" * 40,
        "selected": ["a"],
        "reasons": {"b": "nothing that it depends on has changed"},
        "facts": {"run_id": "7"},
    }


def test_a_thousand_nodes_fit_into_a_variable_and_too_much_is_refused() -> None:
    ids = [f"train-region-{number}" for number in range(1000)]
    record = {
        **RECORD,
        "selected": ids[:500],
        "reasons": dict.fromkeys(ids, "nothing that it depends on has changed"),
    }
    assert len(packed_selection(record)) < 10_000
    inputs = {str(number): str(hash(str(number)) ** 9) for number in range(2000)}
    with pytest.raises(RunError, match=f"takes {MAX_SELECTION}"):
        packed_selection({**record, "inputs": inputs})


@pytest.mark.parametrize("text", ["", "none", "bm9uZQ==", "eJwDAAAAAAE=", "é", packed_selection(RECORD)[:-8]])
def test_what_is_no_selection_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="left no selection"):
        unpacked_selection(text)
