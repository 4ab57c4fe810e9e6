"""Builds an example the way its compiled pipeline does, and runs the gate scripts that were emitted for it.

    python examples/demo.py examples/flights

It follows `.mlcc/plan.json` in order: each job's `setup` and `run` in one strict bash, each gate by
`python -I .mlcc/gates/KIND.py GATE`, in a virtual environment of the example's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

from mlcc.runtime.digest import artifact_digest

VERDICTS = {0: "pass", 1: "fail", 3: "inconclusive"}


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of the example's virtual environment, made when it isn't there."""
    home = folder / ".venv"
    if not (home / "bin" / "python").exists():
        print("making a virtual environment for the example", flush=True)
        venv.create(home, with_pip=True)
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(home), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run_job(node: dict[str, Any], plan: dict[str, Any], folder: Path, env: dict[str, str]) -> int:
    """Run a job's commands, and return their exit status."""
    forms = plan["triggers"].get("manual", {}).values()
    inputs = {name: field.get("default", "") for form in forms for name, field in form.items()}
    own = {
        name: value["text"] if "text" in value else str(inputs.get(value.get("input", ""), ""))
        for name, value in node.get("env", {}).items()
    }
    for artifact in (*node["takes"], *node.get("writes", [])):
        paths, name = plan["artifacts"][artifact]["paths"], artifact.upper().replace("-", "_")
        own[f"ARTIFACT_{name}"] = paths[0]
        if artifact in node["takes"]:
            own[f"DIGEST_{name}"] = artifact_digest(paths if len(paths) > 1 else paths[0], str(folder))
        target = folder / paths[0]
        (target if paths[0].endswith("/") else target.parent).mkdir(parents=True, exist_ok=True)
    script = "\n".join(["set -euo pipefail", *node.get("setup", []), *node["run"]])
    command = ["bash", "--noprofile", "--norc", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env={**env, **own}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout + done.stderr)
    return done.returncode


def run_gate(id: str, node: dict[str, Any], folder: Path, env: dict[str, str]) -> tuple[int, str]:
    """Run a gate script by hand, and return its exit status and the sentence of its verdict."""
    own = {name: value["text"] for name, value in node.get("env", {}).items() if "text" in value}
    python = str(folder / ".venv" / "bin" / "python")
    command = [python, "-I", f".mlcc/gates/{node['gate']}.py", id]
    done = subprocess.run(
        command, cwd=folder, env={**env, **own}, capture_output=True, text=True, check=False
    )
    record = folder / "_mlcc" / f"s--{id}" / "verdict.json"
    summary = (
        json.loads(record.read_text("utf-8"))["summary"] if record.exists() else done.stdout + done.stderr
    )
    return done.returncode, summary


def main() -> int:
    """Run every node of the example; the status is 0 when all jobs ran and all blocking gates passed."""
    folder = Path(sys.argv[1]).resolve()
    plan = json.loads((folder / ".mlcc" / "plan.json").read_text("utf-8"))
    env = environment(folder)
    failed = 0
    for id, node in plan["nodes"].items():  # in topological order
        start = time.monotonic()
        if node["kind"] == "gate":
            code, summary = run_gate(id, node, folder, env)
            told = f"{VERDICTS.get(code, 'error'):<12} {summary}"
        else:
            code = run_job(node, plan, folder, env)
            told = "done" if code == 0 else f"failed ({code})"
        failed += code != 0 and node.get("blocking", True)
        print(f"{node['kind']:<5} {id:<18} {time.monotonic() - start:5.1f} s  {told}", flush=True)
    print("every blocking gate passed" if not failed else f"{failed} of {len(plan['nodes'])} didn't pass")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
