"""Projects whose releases tell a webhook on loopback what became of them."""

from __future__ import annotations

import json
import os

from mlcc.runtime.steps import undo_main
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.loopback import Server
from tests.runtime.project import Project

SPEC = (
    HEAD
    + """environments: {live: {}}
artifacts: {model: {kind: model, path: model.bin}}
notify: {team: {webhook: {secret: HOOK}}}
releases:
  live:
    deploys: [model]
    run: COMMAND
    rollback: UNDO
"""
)
STEPS = (
    HEAD
    + """environments: {live: {}}
artifacts: {model: {kind: model, path: model.bin}}
notify: {team: {webhook: {secret: HOOK}}}
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
    )
    + "    rollback: {reconcile: hourly}\n"
)
PASSED = '{"gate": "live-5", "verdict": "pass", "summary": "sound"}'
TOOK = "printf 'UNDONE=live-7\\nREACHED=share\\nLIVE=live-6\\n' >> \"$MLCC_OUTPUTS\""
TOOK_NOTHING = TOOK.replace("live-7", "").replace("share", "")
SOUND = f"mkdir -p _mlcc/s--live-5; echo '{PASSED}' > _mlcc/s--live-5/verdict.json"


def released(
    make: Make, hook: Server | str, command: str, undo: str = "{run: 'true'}", keys: str = ""
) -> Project:
    text = SPEC.replace("COMMAND", json.dumps(command)).replace("UNDO", undo) + keys
    return ready(make, text, hook)


def ready(make: Make, text: str, hook: Server | str) -> Project:
    project = make(text, {"model.bin": "weights\n", ".gitignore": "_mlcc/\nlog\nready\n"})
    project.select(run_url="https://ci.example/runs/7")
    os.environ["MLCC_SECRET_HOOK"] = hook if isinstance(hook, str) else f"{hook.url}/services/T0/hidden"
    return project


def stepped(make: Make, hook: Server, spec: str = STEPS, **commands: str) -> Project:
    """Return a project whose release goes by steps that run these commands."""
    return commanded(ready(make, spec, hook), **commands)


def commanded(project: Project, **commands: str) -> Project:
    """Let the steps of a release run these commands."""
    path = project.root / ".mlcc" / "plan.json"
    plan = json.loads(path.read_text())
    runs = {"live-deploy": "true", "live-5": SOUND, "live": "true", "live-rollback": TOOK}
    for id, run in {**runs, **{name.replace("_", "-"): text for name, text in commands.items()}}.items():
        plan["nodes"][id]["run"] = [run]
    path.write_text(json.dumps(plan))
    project.commit("other commands")
    project.select()
    return project


def texts(hook: Server) -> list[str]:
    bodies = [json.loads(asked.body) for asked in hook.asked]
    assert all(set(body) == {"text"} for body in bodies)
    return [body["text"] for body in bodies]


def undo_main_of(project: Project, node: str) -> int:
    os.environ["MLCC_NODE"] = node
    return undo_main(project.platform)
