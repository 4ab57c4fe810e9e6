from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates.emit import scripts
from mlcc.gates.fixtures import Fixture
from mlcc.gates.reproduce.compile import compile
from mlcc.gates.selftest import known_bad
from tests.gates.stand_in import opened, run_fixture

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
# Counts its runs outside of what is compared.
_TURN = "echo >> turns; turn=$(wc -l < turns | tr -d ' ')\nmkdir -p build/model\n"


@pytest.fixture
def reproduce(project: Any) -> Any:
    """Return a function that runs a reproduce gate over a program; the guarded model is among the outputs."""
    project.write("build/model/weights", "the one that is guarded")
    project.write("build/model/old/file", "gone for the runs")

    def run(command: str, *, change: Any = None, **params: Any) -> Any:
        stated = {"run": _TURN + command, "outputs": ["build/model/"], **params}
        project.gate("reproduce", stated, {"model": "build/model/"}, artifact_kind="model", change=change)
        before = snapshot()
        outcome = project.run("reproduce")
        jsonschema.validate(outcome.record, _SCHEMA)
        assert snapshot() == before
        assert not list(Path("_mlcc/s--g").glob("run-*"))
        return outcome

    return run


def snapshot() -> dict[str, bytes]:
    """Return what lies in the guarded model's folder."""
    return {str(path): path.read_bytes() for path in Path("build").rglob("*") if path.is_file()}


def test_the_same_bytes(reproduce: Any) -> None:
    outcome = reproduce("test ! -e build/model/old\necho $MLCC_SEED > build/model/weights")
    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.log
    message = "build/model/ has the same bytes in 2 runs (1 file)"
    assert outcome.check("output build/model/")["message"] == message
    assert Path("turns").read_text() == "\n\n"


def test_seeds_arrive(reproduce: Any) -> None:
    command = 'test "$MLCC_SEED $PYTHONHASHSEED" = "42 0" && echo > build/model/x'
    assert reproduce(command, seed=42).verdict == "pass"


def test_a_run_finds_nothing_of_the_one_before(reproduce: Any) -> None:
    command = "cp metrics.json build/model/x 2>/dev/null || echo none > build/model/x\necho 1 > metrics.json"
    assert reproduce(command, outputs=["build/model/", "metrics.json"]).verdict == "pass"
    assert not Path("metrics.json").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo $turn > build/model/weights", "weights differs"),
        (
            "echo > build/model/x; echo > build/model/$turn",
            "1 is only in one of them, 2 is only in one of them",
        ),
        (
            "for i in a b c d e; do echo $turn > build/model/$i; done",
            "a differs, b differs, c differs, and 2 more",
        ),
    ],
)
def test_other_bytes(reproduce: Any, command: str, said: str) -> None:
    outcome = reproduce(command)
    assert (outcome.verdict, outcome.code) == ("fail", 1)
    assert outcome.summary == f"build/model/ is not the same in run 1 and run 2: {said}."


def test_a_later_run_counts(reproduce: Any) -> None:
    outcome = reproduce("test $turn = 3 || turn=1; echo $turn > build/model/x", runs=3)
    assert outcome.summary == "build/model/ is not the same in run 1 and run 3: x differs."


def test_a_file(reproduce: Any) -> None:
    outcome = reproduce("echo $turn > out.txt", outputs=["out.txt"])
    assert outcome.summary == "out.txt is not the same in run 1 and run 2: its bytes differ."


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("exit 3", "a run ended with exit code 3"),
        ("test $turn = 1 && echo > build/model/x", "a run ended with exit code 1"),
        ("rm -r build/model", "the program ended well and did not write build/model"),
        ("true", "build/model holds no file"),
        ("ln -s /etc/passwd build/model/x", "a run's output can't be compared"),
        ("ln -s /etc build/model/x", "a run's output can't be compared"),
        ("mkfifo build/model/x", "a run's output can't be compared"),
        ("mlcc-no-such-program 2>/dev/null", "a command was not found"),
        ("kill -9 $$", "signal 9 ended the program"),
    ],
)
def test_runs_that_can_not_be_compared(reproduce: Any, command: str, said: str) -> None:
    outcome = reproduce(command)
    assert (outcome.verdict, outcome.code) == ("error", 2)
    assert said in outcome.summary


_METRICS = {"path": "metrics.json", "tolerance": {"test.acc": 0.125}}


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("0.5", "0.625", "pass"),
        ("0.5", "0.5", "pass"),
        ("0.5", "0.375", "pass"),
        ("0.5", "0.65", "fail"),
        ("0.5", "NaN", "error"),
        ("1e999", "1e999", "error"),
        ('"0.5"', '"0.5"', "error"),
        ("true", "true", "error"),
        ("null", "null", "error"),
    ],
)
def test_metrics(reproduce: Any, first: str, second: str, verdict: str) -> None:
    command = f"values=('{first}' '{second}')\necho $turn > build/model/x\n"
    command += 'echo "{\\"test\\": {\\"acc\\": ${values[$turn - 1]}}}" > metrics.json'
    assert reproduce(command, metrics=_METRICS).verdict == verdict
    assert not Path("metrics.json").exists()


def test_a_metric_says_how_far_it_went(reproduce: Any) -> None:
    command = 'echo > build/model/x; echo "{\\"a\\": $turn}" > metrics.json'
    outcome = reproduce(command, metrics={"path": "metrics.json", "tolerance": {"a": 1.5}}, runs=3)
    check = outcome.check("metric a")
    assert (check["verdict"], check["estimate"], check["margin"], check["n"]) == ("fail", 2, -0.5, 3)
    assert check["message"] == "a differs by 2 over 3 runs; at most 1.5 is allowed, margin -0.5"


def test_metrics_among_the_outputs(reproduce: Any) -> None:
    command = 'echo "{\\"a\\": 1}" > build/model/m.json'
    outcome = reproduce(command, metrics={"path": "build/model/m.json", "tolerance": {"a": 0}})
    assert outcome.verdict == "pass", outcome.log


@pytest.mark.parametrize(
    "command", ["echo > build/model/x", "echo > build/model/x; echo '{}' > metrics.json"]
)
def test_metrics_that_are_missing(reproduce: Any, command: str) -> None:
    assert reproduce(command, metrics=_METRICS).verdict == "error"


def test_the_lock_file(reproduce: Any, project: Any) -> None:
    project.write("lock.txt", "a==1\n")
    command = "echo > build/model/x\n"
    assert reproduce(command, lock="lock.txt").checks["lock"] == "pass"
    assert reproduce(command + "echo >> lock.txt", lock="lock.txt").checks["lock"] == "fail"
    assert reproduce(command + "rm -f lock.txt", lock="lock.txt").checks["lock"] == "fail"
    assert reproduce(command, lock="lock.txt").verdict == "error"


def test_an_artifact_that_the_program_changes_is_an_error(project: Any) -> None:
    project.write("data.csv", "a\n1\n")
    params = {"run": "echo > out; echo 2 >> data.csv", "outputs": ["out"]}
    project.gate("reproduce", params, {"raw": "data.csv"})
    outcome = project.run("reproduce")
    assert (
        outcome.summary
        == "the artifact raw changed while the gate ran: its readers would get something that was not judged."
    )
    assert outcome.code == 2


def test_outputs_that_an_earlier_gate_left_aside(reproduce: Any, project: Any) -> None:
    project.write("_mlcc/s--g/kept/build/model/weights", "older")
    outcome = reproduce("echo > build/model/x")
    assert "an earlier run was killed and left what was there in _mlcc/s--g/kept" in outcome.summary
    assert not Path("turns").exists()


def test_a_gate_that_is_told_to_end_puts_the_outputs_back(project: Any) -> None:
    project.write("build/model/weights", "guarded")
    params = {
        "run": "mkdir -p build/model; echo x > build/model/weights; exec sleep 300",
        "outputs": ["build/model/"],
    }
    project.gate("reproduce", params, {"model": "build/model/"})
    script = next(file.text for file in scripts(["reproduce"]) if file.path.endswith(".py"))
    project.write(".mlcc/gates/reproduce.py", script)
    gate = subprocess.Popen([sys.executable, "-I", ".mlcc/gates/reproduce.py", "g"], stdout=subprocess.PIPE)
    until = time.monotonic() + 30
    weights = Path("build/model/weights")
    while not (weights.exists() and weights.read_text() == "x\n") and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(gate.pid, signal.SIGTERM)
    log, _ = gate.communicate(timeout=30)
    assert gate.returncode == 2
    assert b"told to end" in log
    assert weights.read_text() == "guarded"


@pytest.mark.parametrize(
    ("params", "loc"),
    [
        ({"outputs": ["a/", "a/b"]}, ("outputs", 1)),
        ({"outputs": ["a", "a"]}, ("outputs", 0)),
        ({"lock": "out/lock"}, ("lock",)),
        ({"reads": ["raw"], "outputs": ["data/"]}, ("reads", 0)),
        ({"metrics": {"path": "m.yaml", "tolerance": {"a": 1}}}, ("metrics", "path")),
        ({"metrics": {"path": "m.json", "tolerance": {"a": -1}}}, ("metrics", "tolerance", "a")),
        ({"metrics": {"path": "m.json", "tolerance": {"a..b": 1}}}, ("metrics", "tolerance", "a..b")),
    ],
)
def test_parameters_that_make_no_sense(params: Any, loc: Any) -> None:
    model = GATES["reproduce"].params().model_validate({"run": "x", "outputs": ["out/"], **params})
    with pytest.raises(GateParamsError) as problem:
        compile(model, {"raw": ArtifactInfo("data/raw.csv")}, "model")
    assert problem.value.loc == loc


def test_a_tolerance_that_is_not_finite() -> None:
    # The fast loader's objects may hold what pydantic refuses.
    metrics = SimpleNamespace(path="m.json", tolerance={"a": float("nan")})
    odd = SimpleNamespace(run="x", outputs=["o"], metrics=metrics, runs=2, seed=1, lock=None, reads=[])
    with pytest.raises(GateParamsError):
        compile(odd, {}, "model")


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": []},
        {"outputs": "x"},
        {"kept": [1]},
        {"kept": ["/"]},
        {"runs": 1},
        {"runs": True},
        {"seed": None},
        {"lock": 1},
        {"metrics": []},
        {"metrics": {"path": "m.json", "tolerances": []}},
        {"metrics": {"path": "m.json", "tolerances": [{"id": "a", "value": ["a"], "max": "1"}]}},
        {"metrics": {"path": "m.json", "tolerances": [{"id": "a", "value": "a", "max": 1}]}},
    ],
)
def test_committed_parameters_that_are_broken(reproduce: Any, change: Any) -> None:
    assert reproduce("echo > build/model/x", change=change).verdict == "error"
    assert not Path("turns").exists()


@pytest.mark.parametrize("metrics", [None, {"path": "m.json", "tolerance": {"a": 0.5, "b.c": 0}}])
def test_known_bad_programs_are_refused(project: Any, metrics: Any) -> None:
    params = {"run": "x", "outputs": ["build/model/", "log.txt"], "lock": "lock.txt"}
    document = project.gate(
        "reproduce", {**params, **({"metrics": metrics} if metrics else {})}, {"model": "build/model/"}
    )
    assert len(known_bad(document)) == (9 if metrics else 7)
    assert opened(project, document) == []


def test_known_bad_programs_are_good_but_for_their_fault(project: Any) -> None:
    params = {"run": "x", "outputs": ["build/model/"], "lock": "lock.txt"}
    document = project.gate("reproduce", params, {"model": "build/model/"})
    fixtures = {fixture.name: fixture for fixture in known_bad(document)}
    good = fixtures["the program fails"]
    program = good.program.rpartition("exit 1")[0]
    outcome = run_fixture(project, document, Fixture("good", "pass", good.files, program=program))
    assert outcome.verdict == "pass", outcome.log
