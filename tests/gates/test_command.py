from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())


@pytest.fixture
def program(project: Any) -> Any:
    """Return a function that runs a command gate."""
    project.write("d.csv", "a\n1\n")

    def run(command: str, *setup: str, **answer: Any) -> Any:
        if answer:
            project.write("answer.json", json.dumps(answer))
            command = f'cp answer.json "$MLCC_VERDICT"; {command}'
        artifacts = {"raw": "d.csv", "my-model": "d.csv"}
        project.gate("command", {"run": command}, artifacts, change={"setup": list(setup)})
        outcome = project.run("command")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


@pytest.mark.parametrize(
    ("command", "verdict", "code"),
    [
        ("exit 0", "pass", 0),
        ("exit 1", "fail", 1),
        ("exit 3", "inconclusive", 3),
        ("exit 2", "error", 2),
        ("exit 4", "error", 2),
        ("exit 255", "error", 2),
        ("kill -9 $$", "error", 2),
        ("no-such-program-of-mine 2>/dev/null", "error", 2),
        ("false; true", "fail", 1),
        ("false | true", "fail", 1),
        ('echo "$NOT_SET_ANYWHERE" 2>/dev/null', "fail", 1),
        ("if then 2>/dev/null", "error", 2),
        ("true\ntrue", "pass", 0),
        ('ln -s nowhere "$MLCC_VERDICT"', "error", 2),
    ],
)
def test_exit_code(program: Any, command: str, verdict: str, code: int) -> None:
    outcome = program(command)
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_setup_runs_in_the_same_shell(program: Any) -> None:
    assert program('test "$X" = 1 && test "$PWD" = /', "X=1", "cd /").verdict == "pass"


@pytest.mark.parametrize("setup", ["exit 0", "exit 1", "false", "cat <<EOF", "if true", "echo 'unclosed"])
def test_a_setup_that_fails_is_an_error_and_no_fail(program: Any, setup: str) -> None:
    outcome = program("exit 0", setup)
    assert (outcome.verdict, outcome.code) == ("error", 2)
    assert "setup" in outcome.summary


def test_a_setup_from_an_earlier_run_does_not_count(program: Any) -> None:
    Path("_mlcc/s--g").mkdir(parents=True)
    Path("_mlcc/s--g/started").touch()
    assert program("exit 0", "exit 0").verdict == "error"


def test_artifacts_arrive_as_variables(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert program('test "$ARTIFACT_RAW" = d.csv && test "$ARTIFACT_MY_MODEL" = d.csv').verdict == "pass"
    monkeypatch.setenv("ARTIFACT_RAW", "elsewhere.csv")
    assert program('test "$ARTIFACT_RAW" = elsewhere.csv').verdict == "pass"


def test_standard_input_is_empty(program: Any) -> None:
    assert program('test -z "$(cat)"').verdict == "pass"


def test_no_bash(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert program("exit 0").summary == "bash is not installed."


def test_a_folder_with_signs_of_the_shell(
    project: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "a $(touch canary) `touch canary` \"'\\ b"
    folder.mkdir()
    monkeypatch.chdir(folder)
    project.root = folder
    project.write("d.csv", "a\n1\n")
    project.gate("command", {"run": "exit 0"}, {"raw": "d.csv"})
    assert project.run("command").verdict == "pass"
    assert not list(tmp_path.rglob("canary"))


_CHECK = {"id": "a", "verdict": "pass", "message": "m"}


def test_answer(program: Any) -> None:
    check = {
        **_CHECK,
        "estimate": 0.5,
        "interval": [0.4, 0.6],
        "confidence": 0.9,
        "n": 10,
        "threshold": {"min": 0.3},
        "margin": 0.1,
    }
    outcome = program("exit 0", verdict="pass", summary="All is well. ", checks=[check])
    assert (outcome.verdict, outcome.summary) == ("pass", "All is well.")
    assert outcome.record["checks"] == [check]


@pytest.mark.parametrize(("verdict", "code"), [("fail", 1), ("inconclusive", 3), ("error", 2), ("error", 77)])
def test_answer_that_closes(program: Any, verdict: str, code: int) -> None:
    outcome = program(f"exit {code}", verdict=verdict, summary="S.")
    assert (outcome.verdict, outcome.summary) == (verdict, "S.")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("exit 1", {"verdict": "pass", "summary": "S."}),
        ("exit 0", {"verdict": "fail", "summary": "S."}),
        ("exit 3", {"verdict": "pass", "summary": "S."}),
        ("exit 2", {"verdict": "pass", "summary": "S."}),
        ("exit 0", {"verdict": "ok", "summary": "S."}),
        ("exit 0", {"verdict": "pass"}),
        ("exit 0", {"verdict": "pass", "summary": " "}),
        ("exit 0", {"verdict": "pass", "summary": 1}),
        ("exit 0", {"summary": "S."}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "extra": 1}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": {}}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": ["a"]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{"id": "a"}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "verdict": "fail"}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "verdict": "ok"}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "extra": 1}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "estimate": "1"}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "estimate": True}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "n": -1}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "n": 1.5}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "interval": [1]}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "threshold": {}}]}),
        ("exit 0", {"verdict": "pass", "summary": "S.", "checks": [{**_CHECK, "threshold": {"at": 1}}]}),
        ("exit 1", {"verdict": "fail", "summary": "S.", "checks": [_CHECK]}),
    ],
)
def test_answers_that_are_not_sound(program: Any, command: str, answer: Any) -> None:
    outcome = program(command, **answer)
    assert (outcome.verdict, outcome.code) == ("error", 2)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"verdict": "pass", "verdict": "pass"}', "NaN"])
def test_an_answer_that_is_broken(program: Any, content: str) -> None:
    outcome = program(f"echo '{content}' > \"$MLCC_VERDICT\"")
    assert (outcome.verdict, outcome.code) == ("error", 2)


def test_an_answer_that_is_no_file(program: Any) -> None:
    assert program('mkdir "$MLCC_VERDICT"').verdict == "error"


def test_an_old_answer_goes_first(program: Any) -> None:
    Path("_mlcc/s--g").mkdir(parents=True)
    Path("_mlcc/s--g/answer.json").write_text('{"verdict": "pass", "summary": "old"}')
    assert program("exit 1").summary == "The program ended with exit code 1 (fail)."
