"""What serves two releases, as an adapter's program: state in a file, and requests that come whenever somebody looks.

Standard library only: it is committed into scratch repositories. STATE is its file. BAD is the share of the candidate's
requests that go wrong, AFTER that of what is live when it was a candidate; KILL ends the pipeline's own processes at the
first look, as a lost machine does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

REQUESTS = 2000  # between two looks
USUAL = 0.001  # the share that goes wrong of any release
NOTHING = {"live": "old", "previous": None, "candidate": None, "weight": 0, "lease": 0, "log": []}


def main(verb: str) -> None:
    """Do one verb."""
    path = Path(os.environ["STATE"])
    state: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else dict(NOTHING)
    if verb == "describe":
        print(json.dumps({key: state[key] for key in ("live", "candidate", "weight", "lease")}))
        return
    if verb == "observe":
        print(json.dumps(look(state)))
    else:
        change(state, verb, os.environ["MLCC_RELEASE"])
        state["log"].append(f"{verb} {os.environ['MLCC_WEIGHT']}" if verb == "set-weight" else verb)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(state), "utf-8")
    draft.replace(path)
    if verb == "observe" and os.environ.get("KILL"):
        kill_pipeline()


def change(state: dict[str, Any], verb: str, release: str) -> None:
    """Change what is served."""
    weight, lease = float(os.environ["MLCC_WEIGHT"]), float(os.environ["MLCC_LEASE"])
    none = {"candidate": None, "weight": 0, "lease": 0}
    if verb == "deploy":
        state.update(candidate=release, weight=0, lease=lease, counts=[0.0, 0.0, 0.0, 0.0])
    elif verb == "restore":
        state.update(candidate=release, weight=0, lease=lease)
    elif verb == "set-weight":
        state.update(weight=weight, lease=lease)
    elif verb == "promote" and state["live"] != release:
        state.update(none, previous=state["live"], live=release)
    elif verb == "rollback" and state["candidate"] == release:
        state.update(none)
    elif verb == "rollback" and state["live"] == release:
        state.update(live=state["previous"])


def look(state: dict[str, Any]) -> dict[str, Any]:
    """Return the counters of both arms, after some more requests."""
    share = state["weight"] / 100
    bad = float(os.environ.get("BAD", USUAL))
    promoted = state["live"].startswith("live-")
    usual = float(os.environ.get("AFTER", USUAL)) if promoted else USUAL
    more = (REQUESTS * share, REQUESTS * share * bad, REQUESTS * (1 - share), REQUESTS * (1 - share) * usual)
    state["counts"] = [old + new for old, new in zip(state["counts"], more)]  # noqa: B905
    n, wrong, others, others_wrong = map(round, state["counts"])
    return {
        "time": time.time(),
        "candidate": {"n": n, "bad": wrong},
        "control": {"n": others, "bad": others_wrong},
    }


def kill_pipeline() -> None:
    """Kill every process above this one, up to the pipeline's runtime."""
    pid = os.getppid()
    while pid > 1:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8")
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        above = int(status.rpartition(")")[2].split()[1])
        os.kill(pid, signal.SIGKILL)
        if b".mlcc/run.py" in command:
            return
        pid = above


if __name__ == "__main__":
    main(sys.argv[1])
