"""What every node of a scratch pipeline runs, as ``work.py NODE``: it turns out as the committed ``told.json`` says.

It is committed into scratch repositories, so: standard library only. Beside turning out so it leaves evidence that no
platform can fake: a line of the trace for each attempt that began, and bytes that depend on all that was received.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STATUS = {"pass": 0, "fail": 1, "error": 2, "inconclusive": 3, "contradict": 0}
FOREVER = 3600  # seconds; the node's deadline is far shorter
GARBAGE = "left by a failed attempt"
SEEN = ("KIND", "BRANCH", "TAG", "MODE", "VALUE", "LEG")  # variables whose values the trace records


def main(node: str) -> int:
    """Turn out as told, and return the exit status."""
    told = json.loads(Path("told.json").read_text(encoding="utf-8"))
    mine = told["nodes"][node]
    leg = os.environ.get("MATRIX_SEED", "")
    attempt = _attempt(node, leg)
    _trace(told, node, leg, attempt)
    words = mine["words"] if leg in ("", "a") else ["pass"]
    word = words[min(attempt, len(words)) - 1]
    if word == "hang":
        time.sleep(FOREVER)
    if mine["gate"]:
        return _judge(word)
    if word == "fail":
        for path in _written(mine).values():
            _put(path, GARBAGE)
            _put(path.with_name("garbage"), GARBAGE)
        return 1
    taken = {id: taken_digest(os.environ[variable(id)]) for id in mine["takes"]}
    lost = word == "lost"
    for id, path in list(_written(mine).items())[lost:]:
        _put(path, content(node, leg, taken, mine["numbers"].get(id, {})))
    if not lost:
        with Path(os.environ["MLCC_OUTPUTS"]).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={value_of(node, name)}\n" for name in mine["outputs"])
    return 0


def variable(id: str) -> str:
    """Return the variable that holds an artifact's location."""
    return "ARTIFACT_" + id.upper().replace("-", "_")


def value_of(node: str, name: str) -> str:
    """Return the small value that a node leaves."""
    return f"{name} of {node}"


def content(node: str, leg: str, taken: Mapping[str, str], numbers: Mapping[str, float]) -> str:
    """Return what a node writes, having taken artifacts with these digests."""
    return json.dumps({"node": node, "leg": leg, "taken": dict(taken), **numbers}, sort_keys=True) + "\n"


def taken_digest(location: str) -> str:
    """Return one digest of whatever lies at a location: a file, a folder, or the files that a pattern matches."""
    places = sorted(glob.glob(location))  # noqa: PTH207 - it may be a plain path, too
    files = {
        str(file.relative_to(place) if Path(place).is_dir() else file): file
        for place in places
        for file in ([Path(place)] if Path(place).is_file() else sorted(Path(place).rglob("*")))
        if file.is_file() and "__pycache__" not in file.parts
    }
    if not files:
        raise SystemExit(f"nothing lies at {location}")
    return hashlib.sha256(
        b"\0".join(name.encode() + b"\0" + files[name].read_bytes() for name in sorted(files))
    ).hexdigest()


def _written(mine: Mapping[str, Any]) -> dict[str, Path]:
    """Return the file to write for each artifact; in a folder it is the only one."""
    found = {}
    for id in mine["writes"]:
        path = Path(os.environ[variable(id)])
        found[id] = path / "part.json" if path.suffix == "" else path
    return found


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _judge(word: str) -> int:
    if word == "contradict":
        answer = {"verdict": "fail", "summary": "not what the exit status says"}
        Path(os.environ["MLCC_VERDICT"]).write_text(json.dumps(answer), encoding="utf-8")
    return STATUS[word]


def _attempt(node: str, leg: str) -> int:
    """Count the attempts on this machine, beside what an attempt has to find clean."""
    path = Path(f"attempts-{node}-{leg}")
    path.write_text("x" + (path.read_text(encoding="utf-8") if path.exists() else ""), encoding="utf-8")
    return len(path.read_text(encoding="utf-8"))


def _trace(told: Mapping[str, Any], node: str, leg: str, attempt: int) -> None:
    seen = {name: os.environ[name] for name in SEEN if name in os.environ}
    secret = sorted(name for name, value in os.environ.items() if told["secret"] in value)
    line = json.dumps({"node": node, "leg": leg, "attempt": attempt, "seen": seen, "secret": secret})
    handle = os.open(told["trace"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, (line + "\n").encode())
    finally:
        os.close(handle)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
