"""A project in a folder of its own: a spec's emitted files, a git repository, and a CI system that obeys."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from mlcc.bundle import bundle
from mlcc.emitted import REPORT, RUNTIME, objects_script, registry_script
from mlcc.gates.emit import scripts
from mlcc.plan import Form, Plan
from mlcc.plan.document import document, gate_parameters, to_runtime
from mlcc.runtime.final import final_main
from mlcc.runtime.node import node_main
from mlcc.runtime.platform import Facts
from mlcc.runtime.records import RunError
from mlcc.runtime.select import select_main
from tests.plans import plan_of

GIT_ENV = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
}  # fmt: skip


class FakePlatform:
    """A CI system that remembers what it is told. See mlcc.runtime.platform.Platform."""

    raw_exit = False
    skip_exit = 0
    waits = False
    builder = "buildah"

    def __init__(self, facts: Facts) -> None:
        self.known = facts
        self.green: str | None = None
        self.outputs: dict[str, str] = {}
        self.summaries: list[str] = []
        self.warnings: list[str] = []
        self.annotations: list[tuple[str, str, str, str]] = []
        self.audiences: list[str] = []
        self.job_results: dict[str, Any] = {"select": "success"}

    def facts(self) -> Facts:
        return self.known

    def last_green(self, branch: str) -> str | None:
        return self.green

    def publish_selection(self, plan: dict[str, Any], record: dict[str, Any]) -> None:
        skipped = [id for id in plan["nodes"] if id not in record["selected"]]
        self.put_output("skip", "," + "".join(id + "," for id in skipped))

    def deliver(self, plan: dict[str, Any]) -> None:
        pass

    def put_output(self, name: str, value: str) -> None:
        self.outputs[name] = value

    def put_summary(self, markdown: str) -> None:
        self.summaries.append(markdown)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def annotate(self, level: str, title: str, message: str, path: str) -> None:
        self.annotations.append((level, title, message, path))

    def forge(self, repository: str) -> tuple[str, str, str]:
        return "github", "https://api.github.com", repository

    def registry_login(self, host: str) -> tuple[str, str] | None:
        return None

    def id_token(self, audience: str) -> str:
        self.audiences.append(audience)
        return f"token-{len(self.audiences)}"

    def approval_problem(self) -> str:
        return ""

    def was_cancelled(self, node: str) -> bool:
        return bool(self.job_results.get(node) == "cancelled")

    def results(self) -> dict[str, Any]:
        return self.job_results


class Project:
    """What a runner sees: the current folder is the project's, nodes are run one after the other in it."""

    def __init__(self, root: Path, spec: str, files: dict[str, str]) -> None:
        self.root = root
        self.plan = plan_of(spec)
        self.write({"mlcc.yaml": spec, ".gitignore": "_mlcc/\n", **emitted(self.plan), **files})
        self.git("init", "-q", "-b", "main")
        self.commit("first")
        self.platform = FakePlatform(self.facts())

    def write(self, files: dict[str, str]) -> None:
        """Write text files, by their path in the project."""
        for path, text in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")

    def git(self, *words: str) -> str:
        """Run git in the project and return what it prints."""
        env = {**os.environ, **GIT_ENV}
        return subprocess.run(
            ["git", *words], cwd=self.root, env=env, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything and return the commit's name."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def facts(self, **more: Any) -> Facts:
        """Return what a CI system tells of a push to main, or whatever else is said."""
        return Facts(
            **{
                "event": "push",
                "commit": self.git("rev-parse", "HEAD"),
                "branch": "main",
                "run_id": "7",
                **more,
            }
        )

    def select(self, **facts: Any) -> dict[str, Any]:
        """Run the selecting node and return its selection."""
        self.platform.known = self.facts(**facts)
        assert select_main(self.platform) == 0
        return self.record("s--select/selection.json")

    def node(self, id: str, leg: str = "") -> int:
        """Run one leg of one node and return its exit status."""
        os.environ["MLCC_NODE"], os.environ["MLCC_LEG"] = id, leg
        return node_main(self.platform)

    def refused(self, id: str) -> str:
        """Run a node that can't even begin, and return why."""
        try:
            self.node(id)
        except RunError as problem:
            return str(problem)
        raise AssertionError(f"{id} began")

    def final(self, **results: str) -> int:
        """Run the final node and return its exit status; results are the CI system's own."""
        self.platform.job_results = {"select": "success", **results}
        return final_main(self.platform)

    def record(self, path: str) -> dict[str, Any]:
        """Return a record below `_mlcc/`."""
        found = json.loads((self.root / "_mlcc" / path).read_text("utf-8"))
        assert isinstance(found, dict)
        return found

    def state(self, id: str, leg: str = "") -> dict[str, Any]:
        """Return a node's state."""
        return self.record(f"s--{id}--{leg}/state.json" if leg else f"s--{id}/state.json")

    def ended(self, id: str, leg: str = "") -> tuple[str, str, str]:
        """Return how a node ended: end, verdict, cause."""
        state = self.state(id, leg)
        return state["end"], state["verdict"], state["cause"]

    def forge(self, path: str, **changes: Any) -> None:
        """Change a record below `_mlcc/`."""
        target = self.root / "_mlcc" / path
        target.write_text(json.dumps({**self.record(path), **changes}), "utf-8")


def emitted(plan: Plan) -> dict[str, str]:
    """Return the files of `.mlcc/` but the runtime, which tests run from the package."""
    files = {".mlcc/plan.json": document(to_runtime(plan), "mlcc.yaml"), ".mlcc/report.py": report_script()}
    if plan.store is not None or any(a.form is Form.OBJECTS for a in plan.artifacts.values()):
        files[".mlcc/objects.py"] = objects_script()
    if any(artifact.registry for artifact in plan.artifacts.values()):
        files[".mlcc/registry.py"] = registry_script()
    for node in plan.nodes.values():
        if node.gate is not None:
            files[f".mlcc/gates/{node.id}.json"] = document(gate_parameters(plan, node), "mlcc.yaml")
            files.update(_gate_script(node.gate.script))
    return files


@functools.cache
def _gate_script(name: str) -> dict[str, str]:
    return {file.path: file.text for file in scripts({name})}


@functools.cache
def runtime_script() -> str:
    """Return the text of `.mlcc/run.py`."""
    return bundle(RUNTIME, doc="The runtime.")


@functools.cache
def report_script() -> str:
    """Return the text of `.mlcc/report.py`."""
    return bundle(REPORT, doc="The reports.")
