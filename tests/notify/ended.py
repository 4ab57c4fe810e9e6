"""Runs that have ended, as their files say, for what tells people about them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mlcc.notify.main import notify
from mlcc.plan.document import to_runtime
from mlcc.runtime.platform import Facts
from tests.plans import plan_of
from tests.runtime.project import FakePlatform

COMMIT = "c0ffee" + "0" * 34
SPEC = """version: 1
name: credit
triggers: {push: {branches: [main, "release/*"]}, pull_request: {branches: [main]}, schedule: {nightly: '7 3 * * *'}}
environments: {live: {}}
artifacts: {code: {kind: code, path: [src/]}, model: {kind: model, path: m.bin}}
jobs: {train: {run: make, reads: [code]}}
gates: {drift: {guards: code, blocking: false, command: {run: look}}}
releases: {live: {deploys: [model], run: make, rollback: {run: make back}}}
notify:
"""
FACTS = {
    "event": "push", "branch": "main", "tag": "", "trigger": "", "fork": "", "commit": COMMIT, "run_id": "4711",
    "run_number": "41", "run_url": "https://ci.example/runs/4711", "repository": "acme/credit",
}  # fmt: skip


class Ended:
    """One ended run in the current folder. Its platform is one of tests, with the interface of a forge if there is one."""

    def __init__(self, notices: str) -> None:
        Path(".mlcc").mkdir(exist_ok=True)
        Path(".mlcc/plan.json").write_text(json.dumps(to_runtime(plan_of(SPEC + notices))))
        self.platform = ForgePlatform(Facts("push", COMMIT, branch="main", run_id="4711"))

    def left(
        self,
        nodes: dict[str, tuple[str, str, str]] | None = None,
        causes: list[str] | None = None,
        **facts: str,
    ) -> Ended:
        """Write what the selecting and the final node leave: the ends of nodes, and why the run is red."""
        told = {**FACTS, **facts}
        ends = {id: {"end": end[0], "verdict": end[1], "cause": end[2]} for id, end in (nodes or {}).items()}
        result = {"commit": COMMIT, "green": not causes, "causes": causes or [], "nodes": ends}
        selection = {
            "commit": COMMIT, "base_commit": "", "reasons": {}, "inputs": {}, "facts": told, "by_verdict": {}, "selected": [],
        }  # fmt: skip
        self.platform.known = self.platform.known._replace(run_id=told["run_id"])
        write("s--select/selection.json", selection)
        write("s--final/result.json", result)
        return self

    def tell(self) -> list[str]:
        """Tell who is to be told, and return the warnings."""
        self.platform.warnings.clear()
        notify(self.platform)
        return self.platform.warnings


class ForgePlatform(FakePlatform):
    """A platform with a tracker."""

    where = ("", "", "")

    def forge(self, repository: str) -> tuple[str, str, str]:
        del repository
        return self.where


def write(path: str, content: Any) -> None:
    """Write a record below `_mlcc/`."""
    place = Path("_mlcc") / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content if isinstance(content, str) else json.dumps(content))


def keep(**values: str) -> None:
    """Set what the CI system keeps as secrets."""
    os.environ.update({f"MLCC_SECRET_{name}": value for name, value in values.items()})
