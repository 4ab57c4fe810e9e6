"""What a node has submitted somewhere else, kept in the spec's store beyond the run: who runs it again goes on with that.

    remote/SUBJECT.json   the handle, which submission it is, and how that ended ("": it hasn't, as far as is known)

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import hashlib
import json
import stat
import time
from pathlib import Path
from typing import Any

from mlcc.runtime.attempt import Attempt
from mlcc.runtime.records import RunError
from mlcc.runtime.store import read_object, write_object
from mlcc.strict_json import JsonError, strict_json

SUBMISSION = "https://mlcc.dev/submission/1"
SUBMISSION_ENDS = ("", "done", "failed", "cancelled")
MOST_HANDLE = 1000  # characters
STORE_SECONDS = 60.0  # that reading or writing a record may take
_EACH_RUNS_OWN = ("secret", "context")  # values that differ from run to run, and don't make other work of it


def subject_of(leg: Attempt, env: dict[str, str]) -> str:
    """Return what says which work this is: 64 hexadecimal digits of the repository, the commit, the node and all it takes."""
    values = leg.node.get("env", {})
    subject = {
        "repository": leg.selection["facts"].get("repository", ""),
        "commit": leg.selection["commit"],
        "node": leg.id,
        "leg": leg.leg,
        "plan": leg.node,
        "inputs": leg.state["inputs"],
        "env": {name: env[name] for name, value in values.items() if next(iter(value)) not in _EACH_RUNS_OWN},
    }
    text = json.dumps(subject, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def recorded(leg: Attempt, env: dict[str, str], subject: str) -> dict[str, Any] | None:
    """Return what was submitted before for a subject; None: nothing. Raises RunError on what can't be read or isn't whole."""
    seconds = min(STORE_SECONDS, leg.deadline - time.monotonic())
    content = read_object(_place(subject), leg.plan, env, seconds)
    if content is None:
        return None
    found: Any
    try:
        found = strict_json(content.decode("utf-8"))
    except (JsonError, UnicodeDecodeError):
        found = None
    whole = (
        isinstance(found, dict)
        and found.get("schema") == SUBMISSION
        and found.get("subject") == subject
        and type(found.get("number")) is int
        and found["number"] > 0
        and found.get("ended") in SUBMISSION_ENDS
        and handle_problem(found.get("handle")) == ""
    )
    if not whole:
        raise RunError(
            f"the record {_place(subject)} in the store isn't whole: what '{leg.id}' submitted before can't be told"
        )
    return {key: found[key] for key in ("number", "handle", "ended")}


def record_submission(leg: Attempt, env: dict[str, str]) -> None:
    """Keep in mind what a node has submitted, and how that ended. What can't be kept is a warning: the work goes on."""
    seen = leg.state["remote"]
    record = {
        "schema": SUBMISSION,
        "node": leg.id,
        "leg": leg.leg,
        **{key: seen[key] for key in ("subject", "number", "handle", "ended")},
    }
    text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n"
    try:
        write_object(_place(seen["subject"]), text.encode(), leg.plan, env, STORE_SECONDS)
    except RunError as problem:
        leg.platform.warn(
            f"{leg.id}: what it submitted isn't recorded, so that it can't be resumed: {problem}"
        )


def _place(subject: str) -> str:
    return f"remote/{subject}.json"


def submitted_handle(path: Path) -> str:
    """Return the handle that a command left: one line. Raises RunError on anything else."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > 4 * MOST_HANDLE + 2:
            raise RunError(f"$MLCC_HANDLE_FILE is no file, or longer than {MOST_HANDLE} characters")
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise RunError("`submit` wrote nothing to $MLCC_HANDLE_FILE") from None
    except (OSError, ValueError) as problem:
        raise RunError(f"$MLCC_HANDLE_FILE can't be read: {type(problem).__name__}") from None
    handle = text[:-1] if text.endswith("\n") else text
    problem_with_it = handle_problem(handle)
    if problem_with_it:
        raise RunError(f"$MLCC_HANDLE_FILE {problem_with_it}")
    return handle


def handle_problem(handle: object) -> str:
    """Say what is wrong with a handle; empty: nothing."""
    if not isinstance(handle, str) or handle.strip() == "":
        return "holds no handle"
    if len(handle) > MOST_HANDLE:
        return f"is longer than {MOST_HANDLE} characters"
    return "" if handle.isprintable() else "isn't one line of printable text"
