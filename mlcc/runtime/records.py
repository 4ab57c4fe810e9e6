"""The files that nodes leave for one another under `_mlcc/`, and how they are read and written.

    _mlcc/s--NODE[--LEG]/state.json     how it ended, what it took and wrote (by digest), its small values
    _mlcc/s--GATE[--LEG]/verdict.json   what a gate found
    _mlcc/d--NODE[--LEG]/ARTIFACT/      the bytes that it wrote
    _mlcc/r--NODE[--LEG]/               reports for people
    _mlcc/s--select/selection.json      what the event selects

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from mlcc.runtime.platform import Facts
from mlcc.strict_json import JsonError, strict_json

ROOT = Path("_mlcc")
REPORTS_SHOWN = "reports.md"  # beside a state: what the reports say, for the summary
MAX_RECORD = 16 * 1024 * 1024  # bytes; a record is small, and what is larger isn't one


class RunError(Exception):
    """The node can't do its work; the message is for people."""


def state_folder(node: str, leg: str = "") -> Path:
    """Return where a node leaves its state and verdict."""
    return ROOT / f"s--{_instance(node, leg)}"


def data_folder(node: str, leg: str = "") -> Path:
    """Return where a node leaves the bytes of what it wrote."""
    return ROOT / f"d--{_instance(node, leg)}"


def report_folder(node: str, leg: str = "") -> Path:
    """Return where a node leaves its reports."""
    return ROOT / f"r--{_instance(node, leg)}"


def _instance(node: str, leg: str) -> str:
    return f"{node}--{leg}" if leg else node


def read_value(path: Path) -> Any:
    """Return the JSON value in `path`; None when there is no such file. Raises RunError when it isn't one."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_RECORD:
            raise RunError(f"{path} is no file, or too large to be a record")
        return strict_json(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except JsonError as problem:
        raise RunError(f"{path} {problem}") from None
    except (OSError, ValueError) as problem:
        raise RunError(f"{path} can't be read: {problem}") from None


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in `path`; None when there is no such file. Raises RunError when it isn't one."""
    value = read_value(path)
    if not isinstance(value, dict) and (value is not None or path.exists()):
        raise RunError(f"{path} isn't a record")
    return value


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON object whole or not at all."""
    write_text(path, json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".new")
    with scratch.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def read_plan() -> dict[str, Any]:
    """Return the compiled plan beside this script."""
    found = read_record(Path(".mlcc") / "plan.json")
    if found is None:
        raise RunError(
            "there is no .mlcc/plan.json here: run this in the folder of the spec, after `mlcc compile`"
        )
    return found


def read_selection(facts: Facts) -> dict[str, Any]:
    """Return what the selecting node of this run decided. Raises RunError when it is missing, broken or stale."""
    path = state_folder("select") / "selection.json"
    found = read_record(path)
    if found is None:
        raise RunError("the selecting node left no selection")
    texts = [found.get(key) for key in ("commit", "base_commit")]
    tables = [found.get(key) for key in ("reasons", "inputs", "facts")]
    waiting = found.get("by_verdict")
    whole = (
        all(isinstance(text, str) for text in texts)
        and all(is_texts(table) for table in tables)
        and is_list_of_texts(found.get("selected"))
        and isinstance(waiting, dict)
        and all(is_list_of_texts(verdicts) for verdicts in waiting.values())
    )
    if not whole or not found["commit"] or "run_id" not in found["facts"]:
        raise RunError(f"{path} isn't a whole selection")
    if (found["commit"], found["facts"]["run_id"]) != (facts.commit, facts.run_id):
        raise RunError("the selection is of another commit or run")
    return found


def is_texts(value: Any) -> bool:
    """Tell whether a JSON value is an object of texts."""
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def is_list_of_texts(value: Any) -> bool:
    """Tell whether a JSON value is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def origin(selection: dict[str, Any], node: str, leg: str) -> dict[str, str]:
    """Return what says whose state a state is: anything else is stale, or somebody else's."""
    return {"node": node, "leg": leg, "commit": selection["commit"], "run": selection["facts"]["run_id"]}


def legs_of(node: dict[str, Any]) -> list[str]:
    """Return the ids of a node's legs; a node without matrix has one, without a name."""
    return list(node.get("legs", {"": {}}))


def waivers_of(plan: dict[str, Any], platform: str) -> dict[str, dict[str, str]]:
    """Return what the spec bears of a CI system's losses: feature -> reason and last day."""
    found: dict[str, dict[str, str]] = plan.get("waivers", {}).get(platform, {})
    return found
