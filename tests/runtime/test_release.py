"""A release that doesn't pass is undone once: by itself, by its job, or by its rollback's node (S11)."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from mlcc.runtime.steps import undo_main
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import Project
from tests.runtime.test_cancel import start, wait_for

SPEC = (
    HEAD
    + """environments: {live: {}}
artifacts: {model: {kind: model, path: model.bin}}
releases:
  live:
    deploys: [model]
    run: |
      COMMAND
    rollback: {run: 'UNDO', timeout: 20s}
"""
)
UNDO = "echo undone >> log"


def released(make: Make, command: str, undo: str = UNDO, keys: str = "") -> Project:
    text = SPEC.replace("COMMAND", command).replace("UNDO", undo) + keys
    project = make(text, {"model.bin": "weights\n", ".gitignore": "_mlcc/\nlog\nready\n"})
    project.select()
    return project


def log(project: Project) -> list[str]:
    path = project.root / "log"
    return path.read_text().split() if path.exists() else []


def test_a_release_that_passes_stays(make: Make) -> None:
    project = released(make, 'echo "$DIGEST_MODEL" > log')
    assert project.node("live") == 0
    assert project.node("live-rollback") == 0
    assert undo_main_of(project, "live") == 0
    assert log(project)[0].startswith("sha256:")
    assert len(log(project)) == 1
    assert project.ended("live") == ("passed", "pass", "")
    assert project.ended("live-rollback") == ("skipped", "", "the release passed")
    assert project.final() == 0


def test_a_release_that_fails_is_undone_once_and_at_once(make: Make) -> None:
    project = released(make, "echo began >> log; exit 3")
    assert project.node("live") == 1
    assert log(project) == ["began", "undone"]
    assert project.ended("live") == ("failed", "fail", "its command ended with 3; it was rolled back")
    assert undo_main_of(project, "live") == 0
    assert project.node("live-rollback") == 0
    assert log(project) == ["began", "undone"]
    assert project.ended("live-rollback") == ("passed", "pass", "the release undid itself")
    assert project.final() == 1


def test_the_undoing_has_a_time_of_its_own(make: Make) -> None:
    project = released(make, "sleep 60", keys="    timeout: 1s\n")
    assert project.node("live") == 5
    assert log(project) == ["undone"]
    assert project.ended("live")[2] == "it didn't end within 1 s; it was rolled back"


def test_only_the_last_attempt_is_undone(make: Make) -> None:
    project = released(make, "echo began >> log; exit 3", keys="    retry: 2\n")
    assert project.node("live") == 1
    assert log(project) == ["began", "began", "began", "undone"]


def test_a_second_attempt_that_passes_stays(make: Make) -> None:
    project = released(make, 'echo began >> log; test "$(wc -l < log)" -gt 1', keys="    retry: 2\n")
    assert project.node("live") == 0
    assert log(project) == ["began", "began"]


def test_where_undoing_fails_the_rollbacks_node_tries_again(make: Make) -> None:
    project = released(make, "exit 3", undo='echo tried >> log; test "$(wc -l < log)" -gt 1')
    assert project.node("live") == 1
    assert project.ended("live")[2] == "its command ended with 3; its rollback ended with 1"
    assert project.node("live-rollback") == 0
    assert log(project) == ["tried", "tried"]


def test_a_rollback_that_never_works_is_red(make: Make) -> None:
    project = released(make, "exit 3", undo="exit 4")
    project.node("live")
    assert project.node("live-rollback") == 1
    assert project.final() == 1
    assert any("live-rollback" in cause for cause in project.record("s--final/result.json")["causes"])


def test_a_lost_machine_leaves_the_undoing_to_the_rollbacks_node(make: Make) -> None:
    project = released(make, "exit 3")
    assert project.node("live-rollback") == 0  # the release left no state
    assert log(project) == ["undone"]


def test_what_never_began_is_not_undone(make: Make) -> None:
    project = released(make, "echo began >> log")
    (project.root / "model.bin").unlink()
    assert project.node("live") == 2
    assert project.node("live-rollback") == 0
    assert undo_main_of(project, "live") == 0
    assert log(project) == []


def test_what_was_cancelled_before_it_began_is_not_undone(make: Make) -> None:
    project = released(make, "exit 3")
    project.platform.job_results["live"] = "cancelled"
    assert project.node("live-rollback") == 0
    assert undo_main_of(project, "live") == 0
    assert log(project) == []


def test_both_ways_of_undoing_have_the_same_variables(make: Make) -> None:
    """What is brought back isn't what was deployed: neither knows the artifact, both know the release's own variables."""
    undo = 'echo "$(env | grep -cE "^(ARTIFACT|DIGEST)_") $CLUSTER" >> log; test "$(wc -l < log)" -gt 1'
    project = released(
        make, 'echo "$ARTIFACT_MODEL" > ready; exit 3', undo, keys="    env: {CLUSTER: blue}\n"
    )
    assert project.node("live") == 1
    assert project.node("live-rollback") == 0
    assert (project.root / "ready").read_text() == "model.bin\n"
    assert log(project) == ["0", "blue"] * 2


def test_a_cancel_while_undoing_leaves_what_is_known_and_the_teardown(make: Make) -> None:
    project = released(
        make, "exit 3", undo="echo $$ > ready; sleep 60", keys="    finally: echo mopped >> log\n"
    )
    with start(project, "node", MLCC_NODE="live") as node:
        wait_for(project.root / "ready")
        node.send_signal(signal.SIGTERM)
        output, _ = node.communicate(timeout=30)
    assert "Traceback" not in output
    assert project.state("live")["began"] is True
    assert project.state("live").get("rolled_back") is not True
    assert log(project) == ["mopped"]
    (project.root / "ready").unlink()
    with start(project, "undo", MLCC_NODE="live") as undoing:
        wait_for(project.root / "ready")
        undoing.send_signal(signal.SIGTERM)
        output, _ = undoing.communicate(timeout=30)
    assert "Traceback" not in output
    assert undoing.returncode == 1
    assert project.ended("live")[2].endswith("undoing it was cancelled")
    assert project.state("live")["began"] is True


def test_a_folder_that_is_gone_is_no_traceback(make: Make) -> None:
    project = released(make, "rmdir ../deploy; exit 3", keys="    working_directory: deploy\n")
    (project.root / "deploy").mkdir()
    assert project.node("live") == 1
    assert "its rollback can't be run: No such file or directory" in project.ended("live")[2]


def test_a_release_without_a_rollback_says_so(make: Make) -> None:
    text = SPEC.replace("COMMAND", "exit 3").replace("{run: 'UNDO', timeout: 20s}", "none")
    project = make(text, {"model.bin": "weights\n"})
    assert project.select()["selected"] == ["live"]
    assert project.node("live") == 1
    assert project.ended("live")[2] == "its command ended with 3; nothing can undo it"


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]], ids=["one", "two"])
def test_a_cancelled_release_is_undone(make: Make, signals: list[signal.Signals]) -> None:
    project = released(make, "echo $$ > ready; sleep 60", undo="sleep 0.5; echo undone >> log")
    with start(project, "node", MLCC_NODE="live") as node:
        wait_for(project.root / "ready")
        for number in signals:
            node.send_signal(number)
            time.sleep(0.2)
        output, _ = node.communicate(timeout=30)
    assert "Traceback" not in output
    assert log(project) == ["undone"]
    assert project.ended("live") == ("failed", "error", "the run was cancelled; it was rolled back")
    assert project.state("live")["rolled_back"] is True


def test_a_killed_release_is_undone_by_its_job(make: Make) -> None:
    project = released(make, "echo $$ > ready; sleep 60")
    with start(project, "node", MLCC_NODE="live") as node:
        child = wait_for(project.root / "ready")
        node.kill()
        node.wait(30)
        os.killpg(int(child), signal.SIGKILL)  # as the CI system does to all that a job has started
    with start(project, "undo", MLCC_NODE="live") as undoing:
        assert undoing.wait(30) == 0
    assert log(project) == ["undone"]
    assert project.ended("live")[2] == "its process was killed; it was rolled back"
    with start(project, "undo", MLCC_NODE="live") as again:
        assert again.wait(30) == 0
    assert project.node("live-rollback") == 0
    assert log(project) == ["undone"]


STEPS = (
    HEAD
    + """defaults: {retry: 2}
environments: {live: {}}
artifacts: {model: {kind: model, path: model.bin}}
releases:
  live:
    deploys: [model]
    adapter: {command: serve}
    canary: {steps: [5], observations: {command: look}, metrics: {errors: {rate: {max: 0.01}}}}
"""
)
HELD = (
    STEPS.replace("{steps: [5]", "{on_inconclusive: hold, steps: [5]").replace(
        "{push: {branches: [main]}}", "{push: {branches: [main]}, schedule: {hourly: '7 * * * *'}}"
    ).rstrip() + "\n    rollback: {reconcile: hourly}\n"
)  # fmt: skip
VERDICT = '{"gate": "live-5", "verdict": "%s", "summary": "the candidate errs"}'


def judged(make: Make, command: str, held: bool = False) -> Project:
    """Return a project whose step on live traffic runs `command` instead of the adapter and the judge."""
    spec = HELD if held else STEPS
    project = make(spec, {"model.bin": "weights\n", ".gitignore": "_mlcc/\nlog\n"})
    path = project.root / ".mlcc" / "plan.json"
    plan = json.loads(path.read_text())
    for id, run in {"live-deploy": "true", "live-5": command, "live-rollback": UNDO}.items():
        plan["nodes"][id]["run"] = [run]
    path.write_text(json.dumps(plan))
    project.commit("other commands")
    project.select()
    assert project.node("live-deploy") == 0
    return project


def said(verdict: str) -> str:
    return f"echo step >> log; mkdir -p _mlcc/s--live-5; echo '{VERDICT % verdict}' > _mlcc/s--live-5/verdict.json"


def test_a_step_passes_by_its_judges_verdict(make: Make) -> None:
    project = judged(make, said("pass"))
    assert project.node("live-5") == 0
    assert log(project) == ["step"]


@pytest.mark.parametrize(
    ("command", "status", "cause"),
    [
        ("true", 2, "the judge left no verdict"),
        (said("fail"), 2, "the step ended well, which contradicts the verdict 'fail'"),
        (said("pass").replace('live-5", "verdict', 'other", "verdict'), 2, "the judge left no verdict"),
        (said("fail") + "; exit 1", 1, "the candidate errs"),
        (said("inconclusive") + "; exit 3", 1, "the candidate errs"),
        ("exit 2", 1, "its command ended with 2"),
    ],
)
def test_a_step_without_such_a_verdict_is_rolled_back(
    make: Make, command: str, status: int, cause: str
) -> None:
    project = judged(make, command)
    assert project.node("live-5") == status
    assert project.ended("live-5")[2] == f"{cause}; it was rolled back"
    assert log(project)[-1] == "undone"


@pytest.mark.parametrize("skipped_by", ["the runtime", "the CI system, so that there is no state"])
def test_an_inconclusive_step_is_held_where_the_spec_says_so(make: Make, skipped_by: str) -> None:
    project = judged(make, said("inconclusive") + "; exit 3", held=True)
    assert project.node("live-5") == 1
    assert project.ended("live-5") == (
        "failed",
        "inconclusive",
        "the candidate errs; it is held: a person decides",
    )
    assert undo_main_of(project, "live-5") == 0
    if skipped_by == "the runtime":
        project.node("live")
    assert project.node("live-rollback") == 0
    assert project.ended("live-rollback") == ("passed", "pass", "it is held: a person decides")
    assert log(project) == ["step"]
    assert project.final() == 1


@pytest.mark.parametrize(
    "command",
    [
        said("inconclusive") + "; exit 2",
        said("inconclusive") + "; exit 1",
        said("fail") + "; exit 3",
        said("fail") + "; exit 1",
    ],
)
def test_only_what_is_inconclusive_for_sure_is_held(make: Make, command: str) -> None:
    project = judged(make, command, held=True)
    assert project.node("live-5") == 1
    assert project.ended("live-5")[2] == "the candidate errs; it was rolled back"
    assert log(project) == ["step", "undone"]


def test_a_step_is_never_tried_again(make: Make) -> None:
    """As any gate: a second look at the same candidate would turn chance into a pass."""
    project = judged(make, said("fail") + "; exit 1")
    assert project.plan.nodes["live-deploy"].retry == 2
    assert project.plan.nodes["live-5"].retry == 0
    project.node("live-5")
    assert log(project) == ["step", "undone"]


def undo_main_of(project: Project, node: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLCC_NODE", node)
        return undo_main(project.platform)


WATCHED = STEPS.rstrip() + "\n    after_promote: {watch: 1m}\n"


def watched(make: Make, command: str, keys: str = "") -> Project:
    """Return a project whose release is live and watched by `command`."""
    project = make(WATCHED + keys, {"model.bin": "weights\n", ".gitignore": "_mlcc/\nlog\n"})
    path = project.root / ".mlcc" / "plan.json"
    plan = json.loads(path.read_text())
    runs = {
        "live-deploy": "true",
        "live-5": said("pass"),
        "live": "true",
        "live-live": command,
        "live-rollback": UNDO,
    }
    for id, run in runs.items():
        plan["nodes"][id]["run"] = [run]
    path.write_text(json.dumps(plan))
    project.commit("other commands")
    project.select()
    for id in ("live-deploy", "live-5", "live"):
        assert project.node(id) == 0
    return project


def watch_says(verdict: str, code: int) -> str:
    return said(verdict).replace("live-5", "live-live") + f"; exit {code}"


@pytest.mark.parametrize(
    "command",
    [watch_says("inconclusive", 3), watch_says("error", 2), "exit 1", "kill -KILL $$", "true"],
    ids=["inconclusive", "error", "no verdict", "killed", "no verdict at a good end"],
)
def test_what_serves_everybody_is_undone_only_where_it_is_shown_to_be_bad(make: Make, command: str) -> None:
    project = watched(make, command)
    assert project.node("live-live") != 0
    assert project.ended("live-live")[2].endswith("it is held: a person decides")
    assert undo_main_of(project, "live-live") == 0
    assert project.node("live-rollback") == 0
    assert "undone" not in log(project)
    assert project.final() == 1


def test_a_watch_that_shows_it_to_be_bad_undoes_it_once(make: Make) -> None:
    project = watched(make, watch_says("fail", 1))
    assert project.node("live-live") == 1
    assert project.node("live-rollback") == 0
    assert log(project).count("undone") == 1


def test_a_watch_that_was_lost_with_its_machine_undoes_nothing(make: Make) -> None:
    project = watched(make, "true")
    assert project.node("live-rollback") == 0
    assert project.ended("live-rollback") == ("passed", "pass", "the release passed")
    assert "undone" not in log(project)


def test_a_watch_ends_well_where_another_release_is_live(make: Make) -> None:
    project = watched(make, "exit 4")
    assert project.node("live-live") == 0
    assert project.ended("live-live") == ("skipped", "", "another release is live")
    project.node("live-rollback")
    assert "undone" not in log(project)
    assert project.final() == 0


def test_what_was_cancelled_before_its_first_step_began_is_not_undone(make: Make) -> None:
    project = make(STEPS, {"model.bin": "weights\n", ".gitignore": "_mlcc/\nlog\n"})
    project.select()
    project.platform.job_results.update({"live-deploy": "cancelled", "live-5": "skipped", "live": "skipped"})
    assert project.node("live-rollback") == 0
    assert project.ended("live-rollback")[2] == "nothing was released"


VERIFIED = SPEC.replace("rollback: {", "verify: {command: {run: 'ASK'}}\n    rollback: {")


@pytest.mark.parametrize(
    ("ask", "status", "cause", "done"),
    [
        ('test "$(cat live)" = v2', 0, "", []),
        ("exit 1", 1, "The program ended with exit code 1 (fail).; it was rolled back", ["undone"]),
        ("exit 3", 1, "The program ended with exit code 3 (inconclusive).; it was rolled back", ["undone"]),
    ],
)
def test_what_a_command_deployed_is_asked_by_the_same_node(
    make: Make, ask: str, status: int, cause: str, done: list[str]
) -> None:
    text = VERIFIED.replace("COMMAND", "echo v2 > live").replace("UNDO", UNDO).replace("ASK", ask)
    project = make(text + "    retry: 2\n", {"model.bin": "w\n", ".gitignore": "_mlcc/\nlog\nlive\n"})
    assert set(project.select()["selected"]) == {"live", "live-rollback"}
    assert project.node("live") == status
    assert project.ended("live")[2] == cause
    assert log(project) == done


def test_nobody_asks_what_a_command_did_not_deploy(make: Make) -> None:
    text = VERIFIED.replace("COMMAND", "exit 3").replace("UNDO", UNDO).replace("ASK", "echo asked >> log")
    project = make(text, {"model.bin": "w\n", ".gitignore": "_mlcc/\nlog\n"})
    project.select()
    assert project.node("live") == 1
    assert log(project) == ["undone"]
