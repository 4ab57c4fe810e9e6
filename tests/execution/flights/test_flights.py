"""The flights pipeline really runs: real data, real training, real gates, on every way that it can end.

Each test runs what is committed for the example on every CI system, and compares the runs: they end alike, and what the
gates found has the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mlcc.semantics import Event
from tests.execution.equivalence.runner import Run
from tests.execution.flights.conftest import FLIGHTS, Everywhere

ON_THE_MODEL = {
    *("model-quality", "as-good-as-champion", "every-carrier", "model-file", "model-checks", "model-serves"),
}
GATES = {*("unit", "raw-contract", "features-contract", "honest-split", "champion-reviewed"), *ON_THE_MODEL}
PUSH = Event("push", branch="main")
MONITOR = Event("schedule", branch="main", trigger="monitor")
# Every hundredth flight from LaGuardia is delivered under another code.
CORRUPTION = """
def corrupt(path: str) -> None:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("CREATE TABLE t AS FROM read_parquet(?)", [path])
    connection.execute("UPDATE t SET origin = 'LGX' WHERE origin = 'LGA' AND flight % 100 = 0")
    connection.execute(f"COPY (FROM t) TO '{path}' (FORMAT parquet)")


if __name__ == "__main__":
    import duckdb

    main()
    corrupt(str(output("raw")))
"""


def ends(run: Run) -> dict[str, str]:
    """Return how each node ended, as the last one states it."""
    return {id: node["end"] for id, node in run.result["nodes"].items()}


def alike(runs: Mapping[str, Run]) -> Run:
    """Return one of the runs, after they were found to have ended alike and judged with the same bytes."""
    first = next(iter(runs.values()))
    for name, run in runs.items():
        assert run.selection["selected"] == first.selection["selected"], name
        assert ends(run) == ends(first), f"{name}\n{run.log[-3000:]}"
        assert run.green is run.result["green"] is first.green, name
        # A node that is skipped leaves a state where its job starts all the same, which tells nothing new.
        outputs = {place: state["outputs"] for place, state in run.states.items() if state["outputs"]}
        assert outputs == {
            place: state["outputs"] for place, state in first.states.items() if state["outputs"]
        }, name
        assert verdict_files(run) == verdict_files(first), name
    return first


def verdict_files(run: Run) -> dict[str, bytes]:
    """Return what the gates wrote, byte for byte, but for the one that measures how long an answer takes."""
    verdicts = {name: data for name, data in run.files.items() if name.endswith("/verdict.json")}
    return {name: data for name, data in verdicts.items() if "s--model-serves/" not in name}


def test_good_data_is_green(everywhere: Everywhere) -> None:
    run = alike(everywhere(PUSH))
    assert run.green
    assert set(ends(run).values()) == {"passed"}
    verdicts = {gate: record for (gate, _), record in run.verdicts.items()}
    assert {gate: record["verdict"] for gate, record in verdicts.items()} == dict.fromkeys(GATES, "pass")
    auc = next(c for c in verdicts["model-quality"]["checks"] if c["id"].startswith("roc_auc"))
    assert 0.73 <= auc["interval"][0] < auc["estimate"] < 0.76
    assert auc["n"] == 84292
    model = run.states["train", ""]["outputs"]["model"]
    assert verdicts["model-quality"]["inputs"]["model"]["digest"] == model
    assert run.states["package", ""]["inputs"]["model"] == model
    compared = next(c for c in verdicts["as-good-as-champion"]["checks"] if c["id"] == "roc_auc")
    assert compared["estimate"] > -0.005
    assert compared["interval"][0] > -0.005
    made_from = run.states["train", ""]["inputs"]
    checked = {c["id"]: c["verdict"] for c in verdicts["model-file"]["checks"]}
    assert checks_of(checked, "lineage") == {f"lineage.{id}": "pass" for id in ("features", "code")}
    assert set(made_from) == {"code", "features"}


def checks_of(checks: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the checks whose id begins with a word."""
    return {id: verdict for id, verdict in checks.items() if id.startswith(prefix)}


def test_drift_of_the_newest_month_retrains(everywhere: Everywhere) -> None:
    run = alike(everywhere(MONITOR))
    assert run.green
    found = run.verdicts["recent-drift", ""]
    assert found["verdict"] == "fail"
    # December's evenings were held more than those of January to September: worked out with numpy, 0.26 with 10 bins.
    drifted = next(c for c in found["checks"] if c["id"].startswith("held_origin_24h"))
    assert drifted["verdict"] == "fail"
    assert 0.2 < drifted["estimate"] < 0.35
    assert ends(run)["recent-drift"] == "failed"
    for node in ("train", "score", "package", *ON_THE_MODEL):
        assert ends(run)[node] == "passed", node


def test_a_month_like_the_baseline_trains_nothing(everywhere: Everywhere) -> None:
    window = (FLIGHTS / "src" / "flights" / "window.py").read_text(encoding="utf-8")
    may = window.replace("first = last = newest(features)", "first = last = 5")
    assert may != window
    run = alike(everywhere(MONITOR, ({"src/flights/window.py": may},)))
    assert run.green
    assert run.verdicts["recent-drift", ""]["verdict"] == "pass"
    assert ends(run)["recent-drift"] == "passed"
    for node in ("train", "score", "package", *ON_THE_MODEL):
        assert ends(run)[node] == "skipped", node


def test_corrupted_data_stops_before_training(everywhere: Everywhere) -> None:
    fetch = (FLIGHTS / "src" / "flights" / "fetch.py").read_text(encoding="utf-8")
    text = fetch.replace('if __name__ == "__main__":\n    main()', CORRUPTION)
    assert "def corrupt" in text
    run = alike(everywhere(PUSH, ({"src/flights/fetch.py": text},)))
    assert not run.green
    assert ends(run)["raw-contract"] == "failed"
    for node in ("featurize", "train", "score", "package", *ON_THE_MODEL):
        assert ends(run)[node] == "skipped", node
    found = run.verdicts["raw-contract", ""]
    assert found["verdict"] == "fail"
    assert [c["id"] for c in found["checks"] if c["verdict"] != "pass"] == ["origin.values"]


def test_a_worse_model_is_stopped_by_its_evaluation(everywhere: Everywhere) -> None:
    run = alike(everywhere(Event("manual", branch="main", trigger="retrain", inputs={"learning_rate": "1"})))
    assert not run.green
    assert ends(run)["train"] == "passed"
    assert ends(run)["model-quality"] == "failed"
    assert ends(run)["package"] == "skipped"
    assert run.verdicts["model-quality", ""]["verdict"] == "fail"
    assert run.verdicts["as-good-as-champion", ""]["verdict"] == "fail"


def test_an_input_that_its_form_refuses_starts_nothing(everywhere: Everywhere) -> None:
    event = Event("manual", branch="main", trigger="retrain", inputs={"learning_rate": "7"})
    for name, run in everywhere(event).items():
        assert not run.green, name
        assert not run.states, name
        assert "learning_rate" in run.log, name


@pytest.mark.parametrize("kind", ["push", "pull_request"])
def test_a_changed_readme_runs_nothing_else(kind: str, everywhere: Everywhere) -> None:
    run = alike(everywhere(Event(kind, branch="main"), ({"README.md": "Other words.\n"},)))
    assert run.green
    assert run.selection["selected"] == []
    assert not run.states


def test_a_red_run_followed_by_words_stays_red(everywhere: Everywhere) -> None:
    broken = {"tests/test_broken.py": "def test_broken():\n    assert False\n"}
    run = alike(everywhere(PUSH, (broken, {"README.md": "Other words.\n"})))
    assert not run.green
    assert ends(run)["unit"] == "failed"
    assert ends(run)["train"] == "skipped"
