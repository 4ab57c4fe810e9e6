"""The emitted script, alone as it is committed, on each platform."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlcc.backends.gitlab.platform import packed_selection
from mlcc.emitted import notify_script
from tests.notify.ended import COMMIT, FACTS, Ended, write
from tests.notify.tracker_server import TOKEN, serve_tracker
from tests.runtime.loopback import Server, serve

CHAT = "  chat: {when: {status: failure}, slack: {secret: CHAT}}\n"
RED = ["'train' failed: it ended with 1"]


def script(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    Path(".mlcc/notify.py").write_text(notify_script())
    known = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **env}
    command = [sys.executable, "-I", ".mlcc/notify.py", *words]
    return subprocess.run(command, env=known, capture_output=True, text=True, timeout=60, check=False)


def github(tmp_path: Path, **env: str) -> dict[str, str]:
    payload = tmp_path / "event.json"
    payload.write_text("{}")
    return {
        "MLCC_PLATFORM": "github", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(payload), "GITHUB_SHA": COMMIT,
        "GITHUB_REF_NAME": "main", "GITHUB_RUN_ID": "4711", "GITHUB_RUN_NUMBER": "41", **env,
    }  # fmt: skip


def test_github(tmp_path: Path, hook: Server) -> None:
    Ended(CHAT).left(causes=RED)
    done = script(**github(tmp_path, MLCC_SECRET_CHAT=f"{hook.url}/hidden"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "mlcc: 'chat' is told how the run ended\n"
    assert len(hook.asked) == 1


def test_what_does_not_arrive_changes_nothing_and_is_in_the_summary(tmp_path: Path) -> None:
    Ended(CHAT).left(causes=RED)
    with serve(lambda _: (404, b"hidden")) as server:
        summary = tmp_path / "summary"
        done = script(
            **github(tmp_path, MLCC_SECRET_CHAT=f"{server.url}/hidden", GITHUB_STEP_SUMMARY=str(summary))
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "::warning::'chat' is not told how the run ended: it answered 404\n"
    assert summary.read_text() == "'chat' is not told how the run ended: it answered 404.\n"


def test_gitlab_has_its_selection_and_secrets_in_variables(hook: Server) -> None:
    Ended(CHAT).left(causes=RED)
    selection = {**json.loads(Path("_mlcc/s--select/selection.json").read_text()), "event": {}}
    Path("_mlcc/s--select/selection.json").unlink()
    done = script(
        MLCC_PLATFORM="gitlab", CI_PIPELINE_SOURCE="parent_pipeline", MLCC_RUN="4711", CI_COMMIT_SHA=COMMIT,
        MLCC_SELECTION=packed_selection(selection), CHAT=f"{hook.url}/hidden",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "hidden" not in done.stdout
    assert len(hook.asked) == 1


def test_gitlab_files_issues_with_the_token_that_the_spec_names(hook: Server) -> None:
    Ended("  ml: {when: {status: failure}, issue: {token: {secret: TRACKER}}}\n").left(causes=RED)
    selection = {**json.loads(Path("_mlcc/s--select/selection.json").read_text()), "event": {}}
    with serve_tracker("gitlab") as tracker:
        subprocess.run(["git", "init", "-q"], check=True)
        subprocess.run(["git", "remote", "add", "origin", f"{tracker.url}/acme/credit.git"], check=True)
        done = script(
            MLCC_PLATFORM="gitlab", CI_PIPELINE_SOURCE="parent_pipeline", MLCC_RUN="4711", CI_COMMIT_SHA=COMMIT,
            MLCC_SELECTION=packed_selection(selection), TRACKER=TOKEN, CI_API_V4_URL=tracker.api, CI_PROJECT_ID="77",
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert [issue["title"] for issue in tracker.open] == ["credit: the run failed on main"]


@pytest.mark.parametrize("waived", [True, False])
def test_jenkins_has_no_tracker(hook: Server, waived: bool) -> None:
    Ended("  ml: {when: {status: failure}, issue: {}}\n" + CHAT).left(causes=RED)
    plan = json.loads(Path(".mlcc/plan.json").read_text())
    if waived:
        plan["waivers"] = {"jenkins": {"issues": {"reason": "no tracker", "until": "2099-01-01"}}}
    Path(".mlcc/plan.json").write_text(json.dumps(plan))
    done = script(
        MLCC_PLATFORM="jenkins", MLCC_COMMIT=COMMIT, MLCC_GIT_URL="https://git.example/acme/credit.git", BRANCH_NAME="main",
        BUILD_TAG="4711", BUILD_ID="4711", JOB_NAME="credit/main", BUILD_NUMBER="41", MLCC_SECRET_CHAT=f"{hook.url}/hidden",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(hook.asked) == 1
    assert ("'ml' is not told" in done.stdout) is not waived


@pytest.mark.parametrize("plan", [None, "{", "[]"])
def test_without_a_plan_nobody_is_told_and_no_traceback_is_shown(plan: str | None, tmp_path: Path) -> None:
    Path(".mlcc").mkdir()
    if plan is not None:
        Path(".mlcc/plan.json").write_text(plan)
    done = script(**github(tmp_path))
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("mlcc: nobody is told: ")


def test_another_call_is_refused(tmp_path: Path) -> None:
    Path(".mlcc").mkdir()
    done = script("now", **github(tmp_path))
    assert (done.returncode, done.stdout) == (2, "usage: python3 -I .mlcc/notify.py\n")


def test_text_of_a_run_begins_no_line_of_the_log(tmp_path: Path, hook: Server) -> None:
    Ended(CHAT).left(causes=["x\n::error::y"], branch="a\n::warning::b")
    done = script(**github(tmp_path, MLCC_SECRET_CHAT=hook.url))
    assert done.stdout == "mlcc: 'chat' is told how the run ended\n"


def test_a_broken_selection_is_no_traceback(tmp_path: Path, hook: Server) -> None:
    Ended(CHAT).left(causes=RED)
    write("s--select/selection.json", {"facts": FACTS})
    done = script(**github(tmp_path, MLCC_SECRET_CHAT=hook.url))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(hook.asked) == 1
