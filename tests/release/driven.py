"""A release in a folder of its own: the emitted driver, its parameters, a program as adapter, and a gate that obeys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlcc.bundle import bundle

SCRIPT = bundle("mlcc.release.main", doc="A driver.")
# Keeps what is served in state.json, and notes each verb in verbs.txt. `break.json` says what goes wrong: a verb to what
# it does instead of its work.
PROGRAM = """
import json, os, sys, time
from pathlib import Path
verb = sys.argv[1]
state = json.loads(Path("state.json").read_text())
with open("verbs.txt", "a") as log:
    log.write(verb + "\\n")
broken = json.loads(Path("break.json").read_text()).get(verb) if Path("break.json").exists() else None
release, weight = os.environ.get("MLCC_RELEASE"), float(os.environ.get("MLCC_WEIGHT", 0))
lease = float(os.environ.get("MLCC_LEASE", 0))
if broken == "hang":
    time.sleep(600)
if broken == "fail":
    sys.exit(7)
if isinstance(broken, dict):
    print(broken["print"] * broken.get("times", 1)); sys.exit(0)
if verb == "describe":
    print(json.dumps({key: state.get(key) for key in ("live", "candidate", "weight", "lease", "url", "live_url")}))
elif verb in ("deploy", "restore"):
    state.update(candidate=release, weight=0, lease=lease)
elif verb == "set-weight":
    state.update(weight=weight if broken is None else broken, lease=lease)
elif verb == "promote" and state["live"] != release:
    state.update(previous=state["live"], live=release, candidate=None, weight=0, lease=0)
elif verb == "rollback":
    if state["candidate"] == release:
        state.update(candidate=None, weight=0, lease=0)
    elif state["live"] == release:
        if state["previous"] is None:
            sys.exit("nothing was live before")
        state.update(live=state["previous"], previous=None)
if broken != "forget":
    Path("state.json").write_text(json.dumps(state))
"""
GATE = """
import os, sys
from pathlib import Path
with open("judged.txt", "a") as log:
    log.write(sys.argv[1] + "\\n")
with open("addresses.txt", "a") as log:
    log.write(repr(os.environ.get("MLCC_CANDIDATE_URL")) + "\\n")
sys.exit(int(Path("verdict.txt").read_text()) if Path("verdict.txt").exists() else 0)
"""
BEFORE = {"live": "old", "candidate": None, "weight": 0, "lease": 0, "previous": None}


class Driven:
    """The repository of a release `live` with steps of 5, 25 and 50 percent."""

    def __init__(self, root: Path, adapter: Mapping[str, Any] | None = None, **params: Any) -> None:
        self.root = root
        steps = [{"weight": weight, "gate": f"live-{weight}"} for weight in (5, 25, 50)]
        self.params = own = {
            "release": "live", "adapter": adapter or {"command": f"{sys.executable} program.py"}, "folder": "",
            "within": 20, "lease": 7200, "drain": 0, "steps": steps, "watch": ["live-live"],
            "verify": {"kind": "canary", "gate": "live-verify"}, **params,
        }  # fmt: skip
        for path, text in {
            ".mlcc/release.py": SCRIPT, ".mlcc/releases/live.json": json.dumps(own), ".mlcc/gates/canary.py": GATE,
            "program.py": PROGRAM, "state.json": json.dumps(BEFORE),
        }.items():  # fmt: skip
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        self.said = ""

    def do(self, *words: str, run: str = "7", **env: str) -> int:
        """Let the driver do a step, and return its exit status; `said` is what it printed."""
        done = subprocess.run(
            [sys.executable, "-I", str(self.root / ".mlcc/release.py"), "live", *words],
            env={**os.environ, "MLCC_RUN": run, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        self.said = done.stdout
        return done.returncode

    def up_to(self, position: int, run: str = "7") -> None:
        """Do the first so many of: deploy, step 0, step 1, step 2, promote."""
        ways = [["deploy"], *(["step", str(n)] for n in range(3)), ["promote"]]
        for words in ways[:position]:
            assert self.do(*words, run=run) == 0, self.said

    @property
    def state(self) -> dict[str, Any]:
        """What the program serves."""
        found: dict[str, Any] = json.loads((self.root / "state.json").read_text())
        return found

    def serve(self, **changes: Any) -> None:
        """Change what the program serves, as somebody else would."""
        (self.root / "state.json").write_text(json.dumps({**self.state, **changes}))

    def broken(self, **verbs: Any) -> None:
        """Say what each verb does instead of its work; `-` in its name is `_`."""
        found = {verb.replace("_", "-"): how for verb, how in verbs.items()}
        (self.root / "break.json").write_text(json.dumps(found))

    def lines(self, name: str) -> list[str]:
        """The lines of a file that a program wrote."""
        path = self.root / name
        return path.read_text().split() if path.exists() else []
