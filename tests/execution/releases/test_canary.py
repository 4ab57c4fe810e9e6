"""A release by steps really runs, on every CI system: promoted where it is good, rolled back where it isn't or is killed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from mlcc.backends import BACKENDS
from mlcc.compiler import analyse, compile_files
from mlcc.semantics import Event
from tests.execution.equivalence.case import Case, Scratch
from tests.execution.equivalence.runner import Run
from tests.execution.equivalence.runners import runner
from tests.execution.github.scratch import git, scratch_repo
from tests.runtime.loopback import serve

SPEC = """version: 1
name: shop
triggers: {push: {branches: [main]}}
environments: {live: {}}
artifacts:
  code: {kind: code, path: src/}
  model: {kind: model, path: build/model.json}
jobs:
  train: {run: 'mkdir -p build; echo "{}" > build/model.json', reads: [code], writes: [model]}
gates:
  sound: {guards: model, command: {run: "true"}}
releases:
  live:
    deploys: [model]
    adapter: {command: python3 serve.py}
    env: ENV
    timeout: 60s
    canary:
      steps: [10, 50]
      bake: 4s
      every: 1s
      observations: {command: python3 serve.py observe}
      metrics: {errors: {rate: {max: 0.05, worse_than_control: 1.5}}}
    rollback: {drain: 1s, lease: 10m}
"""
NOTIFY = "notify: {team: {webhook: {secret: TOKEN}}}\n"
SERVE = Path(__file__).with_name("serve.py").read_text("utf-8")
BACK_ENDS = tuple(BACKENDS)
STEPS = ("live-deploy", "live-10", "live-50", "live")


PUSH = Event("push", branch="main")


class Release:
    """One run of the pipeline on a CI system, and what is served after it."""

    def __init__(
        self,
        folder: Path,
        back_end: str,
        spec: str = SPEC,
        notify: str = "",
        event: Event = PUSH,
        **env: str,
    ) -> None:
        self.path = folder / "served.json"
        text = spec.replace("ENV", json.dumps({"STATE": str(self.path), **env})) + notify
        files = {
            "mlcc.yaml": text,
            "src/a.py": "a = 1\n",
            "serve.py": SERVE,
            ".gitignore": "_mlcc/\nbuild/\n",
        }
        project = folder / "project"
        for path, content in files.items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(content, "utf-8")
        analysis = analyse(project / "mlcc.yaml", project)
        compiled = {file.path: file.text for file in compile_files(analysis, [back_end])}
        repo = scratch_repo(folder, {**files, **compiled})
        case = Case("canary", {}, event)
        self.scratch = Scratch(
            case, analysis.plan, repo, git(repo, "rev-parse", "--abbrev-ref", "HEAD"), None, folder / "trace"
        )
        self.back_end = back_end

    def run(self) -> Run:
        return runner(self.back_end).run(self.scratch)

    @property
    def served(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        return found


def ends(run: Run) -> dict[str, str]:
    return {id: node["end"] for id, node in run.result["nodes"].items()}


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_good_candidate_is_promoted(back_end: str, tmp_path: Path) -> None:
    release = Release(tmp_path, back_end)
    # What another run has left behind: nobody has cared for it since its lease ended.
    lost = {
        "live": "old",
        "previous": None,
        "candidate": "lost-1",
        "weight": 10,
        "lease": time.time() - 1,
        "log": [],
    }
    release.path.write_text(json.dumps({**lost, "counts": [0, 0, 0, 0]}))
    run = release.run()
    assert run.green, run.log[-3000:]
    assert ends(run) == {**dict.fromkeys(("train", "sound", *STEPS), "passed"), "live-rollback": "skipped"}
    assert release.served["live"].startswith("live-")
    assert release.served["candidate"] is None
    assert release.served["previous"] == "old"
    assert release.served["log"] == [
        *("set-weight 0", "rollback"), "deploy", "set-weight 10", "set-weight 50", "promote",
    ]  # fmt: skip


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_candidate_with_errors_is_rolled_back_once(back_end: str, tmp_path: Path) -> None:
    release = Release(tmp_path, back_end, BAD="0.2")
    run = release.run()
    assert not run.green
    assert ends(run) == {
        **dict.fromkeys(("train", "sound", "live-deploy", "live-rollback"), "passed"),
        **{"live-10": "failed", "live-50": "skipped", "live": "skipped"},
    }
    assert "rate of errors" in run.states["live-10", ""]["cause"]
    assert run.states["live-10", ""]["cause"].endswith("it was rolled back")
    assert {key: release.served[key] for key in ("live", "candidate", "weight")} == {
        "live": "old", "candidate": None, "weight": 0,
    }  # fmt: skip
    assert release.served["log"] == ["deploy", "set-weight 10", "set-weight 0", "rollback"]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_step_that_is_killed_is_rolled_back_once(back_end: str, tmp_path: Path) -> None:
    release = Release(tmp_path, back_end, KILL="1")
    run = release.run()
    assert not run.green
    found = ends(run)
    assert found["live-10"] in ("failed", "lost"), run.log[-3000:]
    assert found["live-rollback"] == "passed", run.log[-3000:]
    assert release.served["live"] == "old"
    assert release.served["candidate"] is None
    assert release.served["log"] == ["deploy", "set-weight 10", "set-weight 0", "rollback"]


@pytest.mark.parametrize(
    ("env", "event", "action"),
    [
        ({}, "is live in 'live'", "release"),
        ({"BAD": "0.2"}, "was rolled back", "rollback"),
        ({"KILL": "1"}, "was rolled back", "rollback"),
    ],
    ids=["good", "bad", "killed"],
)
@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_it_is_told_once_and_logged(
    back_end: str,
    env: dict[str, str],
    event: str,
    action: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(lambda _: (200, b"ok")) as hook:
        monkeypatch.setattr(f"tests.execution.equivalence.{back_end}.SECRET", f"{hook.url}/hidden-path")
        run = Release(tmp_path, back_end, notify=NOTIFY, **env).run()
    assert [event in json.loads(asked.body)["text"] for asked in hook.asked] == [True], run.log[-3000:]
    assert "hidden-path" not in run.log
    (line,) = [json.loads(text) for text in run.releases.splitlines()]
    assert (line["action"], line["environment"], line["release"]) == (action, "live", "live")
    assert line["run"] == run.selection["facts"]["run_id"]
    assert action == "release" or (line["live"], line["reached"]) == (False, True)
