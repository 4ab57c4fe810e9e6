"""Work that runs somewhere else: submitted once, asked after, ended, collected, and gone on with (S7, S8)."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from mlcc.runtime import remote
from mlcc.runtime.records import RunError
from mlcc.runtime.submissions import handle_problem, submitted_handle
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import Project
from tests.runtime.test_cancel import start, wait_for

SUBMIT = 'echo "submit $MLCC_REMOTE_KEY" >> log; echo job-$(grep -c submit log) > "$MLCC_HANDLE_FILE"'
POLL = 'echo "poll $MLCC_HANDLE" >> log; test "$(grep -c poll log)" -ge 3 || exit 75'
CANCEL = 'echo "cancel $MLCC_HANDLE" >> log'
COLLECT = 'echo "collect $MLCC_HANDLE" >> log; echo weights > model.bin'
IGNORED = "_mlcc/\nlog\nready\nmodel.bin\nstore/\n"


def spec(keys: str = "", **commands: str) -> str:
    stated = {"submit": SUBMIT, "poll": POLL, "cancel": CANCEL, "collect": COLLECT, **commands}
    lines = "".join(f"      {name}: |\n        {text}\n" for name, text in stated.items() if text)
    return (
        HEAD
        + "artifacts: {model: {kind: model, path: model.bin}}\njobs:\n  train:\n    writes: [model]\n"
        + keys
        + "    remote:\n      every: 1s\n      resume: false\n"
        + lines
    )


def training(make: Make, text: str) -> Project:
    project = make(text, {".gitignore": IGNORED})
    project.select()
    return project


def log(project: Project) -> list[str]:
    """Return what the commands did, without the keys."""
    path = project.root / "log"
    text = path.read_text() if path.exists() else ""
    return [re.sub(r" mlcc-.*", "", line) for line in text.splitlines()]


def keys(project: Project) -> list[str]:
    return re.findall(r"submit (\S+)", (project.root / "log").read_text())


def test_what_is_submitted_is_asked_after_and_collected(make: Make) -> None:
    project = training(make, spec())
    assert project.node("train") == 0
    assert log(project) == ["submit", "poll job-1", "poll job-1", "poll job-1", "collect job-1"]
    assert project.ended("train") == ("passed", "pass", "")
    assert set(project.state("train")["outputs"]) == {"model"}
    assert re.fullmatch(r"mlcc-[0-9a-f]{32}-1", keys(project)[0])
    assert project.final() == 0


def test_a_job_may_collect_nothing(make: Make) -> None:
    project = training(make, spec(collect="", poll="echo weights > model.bin"))
    assert project.node("train") == 0
    assert project.ended("train") == ("passed", "pass", "")


def test_setup_runs_before_each_command_in_its_shell(make: Make) -> None:
    project = training(
        make,
        spec("    setup: [WORD=hello]\n", submit=SUBMIT + "; echo $WORD >> log", poll="echo $WORD >> log"),
    )
    assert project.node("train") == 0
    assert log(project) == ["submit", "hello", "hello", "collect job-1"]


@pytest.mark.parametrize("code", [1, 2, 124, 137])
def test_a_poll_that_ends_otherwise_is_a_failed_job(make: Make, code: int) -> None:
    project = training(make, spec(poll=f"exit {code}"))
    assert project.node("train") == 1
    assert log(project) == ["submit"]
    assert project.ended("train") == ("failed", "fail", f"its remote job failed: `poll` ended with {code}")


def test_a_retry_submits_afresh_under_another_key(make: Make) -> None:
    project = training(make, spec("    retry: 1\n", poll='test "$MLCC_HANDLE" = job-2'))
    assert project.node("train") == 0
    assert log(project) == ["submit", "submit", "collect job-2"]
    first, second = keys(project)
    assert (first[-2:], second[-2:]) == ("-1", "-2")
    assert first[:-2] == second[:-2]
    assert project.state("train")["attempts"] == 2


def test_what_is_done_is_collected_again_and_not_submitted_again(make: Make) -> None:
    project = training(
        make, spec("    retry: 1\n", collect=COLLECT + '; test "$(grep -c collect log)" -ge 2')
    )
    assert project.node("train") == 0
    assert log(project).count("submit") == 1
    assert log(project).count("collect job-1") == 2


def test_a_job_that_is_done_without_its_output_failed(make: Make) -> None:
    project = training(make, spec("    retry: 1\n", collect="", poll="true"))
    assert project.node("train") == 1
    assert log(project) == ["submit", "submit"]
    assert project.ended("train")[2] == "the artifact 'model' isn't there: no file model.bin"


@pytest.mark.parametrize(
    ("submit", "cause", "cancelled"),
    [
        ("exit 3", "`submit` ended with 3", False),
        ("true", "`submit` wrote nothing to $MLCC_HANDLE_FILE", False),
        ("printf 'a\\nb' > $MLCC_HANDLE_FILE", "$MLCC_HANDLE_FILE isn't one line of printable text", False),
        ("echo > $MLCC_HANDLE_FILE", "$MLCC_HANDLE_FILE holds no handle", False),
        ("mkfifo $MLCC_HANDLE_FILE", "$MLCC_HANDLE_FILE is no file, or longer than 1000 characters", False),
        ("echo 7 > $MLCC_HANDLE_FILE; exit 3", "`submit` ended with 3; its remote job was cancelled", True),
    ],
)
def test_without_a_handle_nothing_is_watched(make: Make, submit: str, cause: str, cancelled: bool) -> None:
    project = training(make, spec(submit=submit))
    assert project.node("train") == 1
    assert project.ended("train") == ("failed", "fail", cause)
    assert log(project) == (["cancel 7"] if cancelled else [])


def test_a_handle_is_one_bounded_line(tmp_path: Path) -> None:
    path = tmp_path / "handle"
    for good in ("7", "arn:aws:sagemaker:eu-west-1:1:training-job/x", "é " * 500):
        path.write_text(good + "\n", "utf-8")
        assert submitted_handle(path) == good
    for bad in ("", " ", "x" * 1001, "a\nb", "a\r", "a\x1b[2J", "a\u2028b", "a\n\n"):
        path.write_text(bad, "utf-8")
        with pytest.raises(RunError):
            submitted_handle(path)
    path.write_bytes(b"\xff\n")
    with pytest.raises(RunError, match="can't be read"):
        submitted_handle(path)
    assert handle_problem(7) == "holds no handle"


def test_the_nodes_time_is_over_everything_and_then_the_job_is_cancelled(make: Make) -> None:
    project = training(make, spec("    timeout: 2s\n    retry: 3\n", poll="exit 75"))
    assert project.node("train") == 5
    assert log(project) == ["submit", "cancel job-1"]
    assert project.ended("train")[1:] == (
        "error", "it didn't end within 2 s; its remote job was cancelled",
    )  # fmt: skip


def test_a_submission_that_never_ends_is_bounded_and_cancelled(make: Make) -> None:
    project = training(make, spec("    timeout: 2s\n", submit=SUBMIT + "; sleep 60"))
    assert project.node("train") == 5
    assert log(project) == ["submit", "cancel job-1"]


def test_a_poll_that_never_ends_is_bounded_and_not_tried_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "POLL_SECONDS", 1.0)
    project = training(make, spec("    retry: 3\n", poll="sleep 60"))
    assert project.node("train") == 5
    assert log(project) == ["submit", "cancel job-1"]
    assert project.ended("train")[2] == "`poll` didn't end within 1 s; its remote job was cancelled"


def test_a_cancel_that_fails_or_never_ends_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "CANCEL_SECONDS", 1.0)
    for number, (cancel, why) in enumerate(
        (("exit 4", "ended with 4"), ("sleep 60", "didn't end within 1 s"))
    ):
        project = make(
            spec("    timeout: 2s\n", poll="exit 75", cancel=cancel), {".gitignore": IGNORED}, f"p{number}"
        )
        project.select()
        assert project.node("train") == 5
        assert project.ended("train")[2].endswith(f"; its remote job may still run: `cancel` {why}")
        assert project.state("train")["remote"]["ended"] == ""


def test_what_was_submitted_badly_is_not_gone_on_with(make: Make) -> None:
    """Its work couldn't be cancelled either: the next attempt submits anew, and doesn't take it for its own."""
    project = training(
        make,
        spec(
            "    retry: 1\n",
            submit=SUBMIT + '; test "$(grep -c submit log)" -ge 2',
            cancel=CANCEL + "; exit 4",
        ),
    )
    assert project.node("train") == 0
    assert log(project) == ["submit", "cancel job-1", "submit", *["poll job-2"] * 3, "collect job-2"]


def test_a_cancelled_run_cancels_once(make: Make) -> None:
    project = training(make, spec(poll="echo $$ > ready; exit 75"))
    with start(project, "node", MLCC_NODE="train") as node:
        wait_for(project.root / "ready")
        node.send_signal(signal.SIGTERM)
        output, _ = node.communicate(timeout=30)
    assert "Traceback" not in output
    assert log(project) == ["submit", "cancel job-1"]
    assert project.ended("train")[2] == "the run was cancelled; its remote job was cancelled"
    with start(project, "cancel", MLCC_NODE="train") as after:
        assert after.wait(30) == 0
    assert log(project) == ["submit", "cancel job-1"]


def test_what_was_killed_is_cancelled_by_the_step_after_it(make: Make) -> None:
    project = training(make, spec(poll="echo $$ > ready; exit 75"))
    with start(project, "node", MLCC_NODE="train") as node:
        wait_for(project.root / "ready")
        node.kill()
        node.wait(30)
    assert log(project) == ["submit"]
    with start(project, "cancel", MLCC_NODE="train") as after:
        assert after.wait(30) == 0
    assert log(project) == ["submit", "cancel job-1"]
    assert project.ended("train")[:2] == ("failed", "error")
    assert project.ended("train")[2].endswith("; its remote job was cancelled")


def test_what_was_killed_while_it_submitted_is_cancelled_by_the_step_after_it(make: Make) -> None:
    project = training(make, spec(submit=SUBMIT + "; echo $$ > ready; sleep 60"))
    with start(project, "node", MLCC_NODE="train") as node:
        os.kill(int(wait_for(project.root / "ready")), 0)
        node.kill()
        node.wait(30)
    with start(project, "cancel", MLCC_NODE="train") as after:
        assert after.wait(30) == 0
    assert log(project) == ["submit", "cancel job-1"]


def test_a_node_that_submitted_nothing_has_nothing_to_cancel(make: Make) -> None:
    project = training(make, spec())
    with start(project, "cancel", MLCC_NODE="train") as after:
        assert after.wait(30) == 0
    assert log(project) == []


def again(project: Project, turn: str = "again") -> int:
    os.environ["MLCC_TURN"] = turn
    try:
        return project.node("train")
    finally:
        del os.environ["MLCC_TURN"]


def test_a_system_that_waits_by_itself_starts_the_node_again(make: Make) -> None:
    project = training(make, spec("    finally: echo mopped >> log\n"))
    project.platform.waits = True
    assert project.node("train") == 75
    assert project.ended("train")[0] == "failed"
    assert again(project) == 75
    assert again(project) == 0
    assert log(project) == ["submit", "poll job-1", "poll job-1", "poll job-1", "collect job-1", "mopped"]
    assert project.ended("train") == ("passed", "pass", "")


def test_a_system_that_waits_by_itself_ends_the_job(make: Make) -> None:
    project = training(make, spec(poll="exit 75"))
    project.platform.waits = True
    assert project.node("train") == 75
    assert again(project, "cancel") == 0
    assert again(project, "cancel") == 0
    assert log(project) == ["submit", "cancel job-1"]


def test_the_time_goes_on_while_the_system_waits(make: Make) -> None:
    project = training(make, spec(poll="exit 75"))
    project.platform.waits = True
    assert project.node("train") == 75
    seen = project.state("train")["remote"]
    project.forge("s--train/state.json", remote={**seen, "began": seen["began"] - 1801})  # of 30 minutes
    assert again(project) == 5
    assert log(project) == ["submit", "cancel job-1"]


def test_a_second_attempt_of_a_system_that_waits_counts_on(make: Make) -> None:
    project = training(
        make, spec("    retry: 1\n", poll='echo "poll $MLCC_HANDLE" >> log; exit "$(cat code)"')
    )
    project.platform.waits = True
    (project.root / "code").write_text("75\n")
    assert project.node("train") == 75
    (project.root / "code").write_text("1\n")
    assert again(project) == 1
    assert log(project) == ["submit", "poll job-1", "poll job-1", "submit", "poll job-2"]
    assert project.state("train")["attempts"] == 2


@pytest.mark.parametrize("broken", [7, {}, {"began": "x"}, {"number": True}, {"handle": 7}])
def test_a_broken_state_is_not_gone_on_with(make: Make, broken: Any) -> None:
    project = training(make, spec(poll="exit 75"))
    project.platform.waits = True
    assert project.node("train") == 75
    seen = project.state("train")["remote"]
    changed = {**seen, **broken} if broken and isinstance(broken, dict) else broken
    project.forge("s--train/state.json", remote=changed)
    with pytest.raises(RunError, match="isn't whole"):
        again(project)
    assert log(project) == ["submit"]


def test_a_change_of_what_it_reads_ends_it(make: Make) -> None:
    text = spec("    reads: [data]\n", poll="exit 75").replace(
        "artifacts: {", "artifacts: {data: {kind: data, path: data.csv}, "
    )
    project = make(text, {".gitignore": IGNORED, "data.csv": "a\n"})
    project.select()
    project.platform.waits = True
    assert project.node("train") == 75
    (project.root / "data.csv").write_text("b\n")
    assert again(project) == 2
    assert log(project) == ["submit", "cancel job-1"]
    assert project.ended("train")[2] == (
        "what it reads changed while its remote job ran; its remote job was cancelled"
    )


def test_the_state_holds_no_value_of_the_environment(make: Make) -> None:
    project = training(make, spec("    env: {TOKEN: {secret: TOKEN}}\n"))
    os.environ["MLCC_SECRET_TOKEN"] = "hush-hush"
    assert project.node("train") == 0
    assert "hush-hush" not in json.dumps(project.state("train"))


# --- what outlives a run --------------------------------------------------------------------------


def kept(keys: str = "", **commands: str) -> str:
    return "store: {uri: store}\n".join(
        (HEAD, spec(keys, **commands).removeprefix(HEAD).replace("resume: false", "resume: true"))
    )


def records(project: Project) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (project.root / "store" / "remote").glob("*.json")]


def kill_while_it_waits(project: Project) -> None:
    with start(project, "node", MLCC_NODE="train") as node:
        wait_for(project.root / "ready")
        node.kill()
        node.wait(30)


def test_what_a_killed_run_submitted_is_gone_on_with(make: Make) -> None:
    project = training(make, kept(poll=f"{POLL.replace('exit 75', '{ echo $$ > ready; exit 75; }')}"))
    kill_while_it_waits(project)
    (found,) = records(project)
    assert (found["handle"], found["number"], found["ended"]) == ("job-1", 1, "")
    project.select(run_id="8", run_number="12")  # a run of its own
    assert project.node("train") == 0
    assert log(project).count("submit") == 1
    assert log(project)[-1] == "collect job-1"
    (found,) = records(project)
    assert found["ended"] == "done"


def test_what_a_run_goes_on_with_is_cancelled_after_it_was_killed(make: Make) -> None:
    project = training(make, kept(poll="echo $$ > ready; exit 75"))
    kill_while_it_waits(project)
    project.write({"ready": ""})
    kill_while_it_waits(project)
    with start(project, "cancel", MLCC_NODE="train") as after:
        assert after.wait(30) == 0
    assert log(project) == ["submit", "cancel job-1"]
    (found,) = records(project)
    assert found["ended"] == "cancelled"


def test_what_has_ended_is_submitted_again_under_another_key(make: Make) -> None:
    project = training(make, kept(poll="exit 1"))
    for number in (1, 2):
        assert project.node("train") == 1
        (found,) = records(project)
        assert (found["handle"], found["number"], found["ended"]) == (f"job-{number}", number, "failed")
    first, second = keys(project)
    assert (first[:-2], first[-2:], second[-2:]) == (second[:-2], "-1", "-2")


def test_what_was_cancelled_is_not_gone_on_with(make: Make) -> None:
    project = training(make, kept("    timeout: 2s\n", poll="exit 75"))
    assert project.node("train") == 5
    (found,) = records(project)
    assert found["ended"] == "cancelled"
    assert project.node("train") == 5
    assert log(project) == ["submit", "cancel job-1", "submit", "cancel job-2"]


def test_what_is_done_is_collected_by_the_next_run(make: Make) -> None:
    project = training(make, kept(poll="true", collect=COLLECT + '; test "$(grep -c collect log)" -ge 2'))
    assert project.node("train") == 1
    assert project.ended("train")[2] == "its remote job is done, and `collect` ended with 1"
    assert project.node("train") == 0
    assert log(project) == ["submit", "collect job-1", "collect job-1"]


@pytest.mark.parametrize(
    "change",
    [
        lambda project: project.platform.known.inputs,
        lambda project: os.environ.update(MLCC_VAR_RATE="0.2"),
        lambda project: (project.root / "data.csv").write_text("b\n"),
    ],
    ids=["nothing", "a variable", "what it reads"],
)
def test_other_work_is_submitted_by_itself(make: Make, change: Any, request: pytest.FixtureRequest) -> None:
    text = kept(
        "    reads: [data]\n    env: {RATE: {var: RATE}, RUN: {context: run_id}, T: {secret: T}}\n",
        poll="exit 75",
    )
    text = text.replace("artifacts: {", "artifacts: {data: {kind: data, path: data.csv}, ")
    project = make(text, {".gitignore": IGNORED, "data.csv": "a\n"})
    project.select()
    project.platform.waits = True
    os.environ.update(MLCC_VAR_RATE="0.1", MLCC_SECRET_T="one")
    assert project.node("train") == 75
    change(project)
    os.environ.update(MLCC_SECRET_T="two")
    project.select(run_id="8")
    assert project.node("train") == 75
    same = "nothing" in request.node.name
    assert log(project).count("submit") == (1 if same else 2)
    assert len(records(project)) == (1 if same else 2)


@pytest.mark.parametrize(
    "damage", ["", "{}", "[1]", "\xff", '{"number": 0}', '{"handle": "a\\nb"}', '{"ended": "so"}']
)
def test_a_record_that_is_not_whole_submits_nothing(make: Make, damage: str) -> None:
    project = training(make, kept(poll="exit 1"))
    assert project.node("train") == 1
    (path,) = (project.root / "store" / "remote").glob("*.json")
    whole = json.loads(path.read_text())
    changed = {**whole, **json.loads(damage)} if ":" in damage else None
    path.write_text(json.dumps(changed) if changed else damage, "latin-1")
    assert project.node("train") == 2
    assert project.ended("train")[2].endswith("isn't whole: what 'train' submitted before can't be told")
    assert log(project).count("submit") == 1


def test_a_store_that_is_away_submits_nothing(make: Make) -> None:
    project = training(make, kept())
    (project.root / "store").write_text("no folder\n")
    assert project.node("train") == 2
    assert "the store store can't be used" in project.ended("train")[2]
    assert log(project) == []


def test_a_record_that_cannot_be_written_is_a_warning(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise RunError("the store is away")

    monkeypatch.setattr("mlcc.runtime.submissions.write_object", away)
    project = training(make, kept())
    assert project.node("train") == 0
    assert (
        project.platform.warnings
        == ["train: what it submitted isn't recorded, so that it can't be resumed: the store is away"] * 2
    )
