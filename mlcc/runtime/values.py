"""The environment of a node's command: every typed value arrives as one variable.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from mlcc.runtime.data import ABSENT, location
from mlcc.runtime.decide import read_states
from mlcc.runtime.image_registry import repository_of
from mlcc.runtime.login import write_private
from mlcc.runtime.moments import moment_env
from mlcc.runtime.platform import SECRET, VARIABLE
from mlcc.runtime.records import MAX_RECORD, RunError

SERVICE = "MLCC_SERVICE_"


def node_env(
    node: dict[str, Any],
    leg: str,
    plan: dict[str, Any],
    selection: dict[str, Any],
    private: Path,
    digests: dict[str, str],
) -> dict[str, str]:
    """Return the variables of a node's command beside the runner's own; `digests` are those of what it takes.

    Raises RunError on a value that is missing.
    """
    legs: dict[str, dict[str, Any]] = node.get("legs", {"": {}})
    env = {f"MATRIX_{_upper(axis)}": str(value) for axis, value in legs[leg].items()}
    where = node.get("working_directory", "")
    for id in (*node["takes"], *node.get("writes", [])):
        path = location(id, plan["artifacts"][id])
        inside = where and "://" not in path
        env[f"ARTIFACT_{_upper(id)}"] = os.path.relpath(path, where) if inside else path.rstrip("/")
    env.update(digest_env(digests, plan))
    env.update(moment_env(node, plan, selection))
    for id in node.get("services", {}):
        host, _, port = os.environ.get(SERVICE + _upper(id), "").rpartition(":")
        env[f"SERVICE_{_upper(id)}_HOST"], env[f"SERVICE_{_upper(id)}_PORT"] = host, port
    for name, value in node.get("env", {}).items():
        env[name] = resolve(name, value, legs[leg], plan, selection, private)
    return env


def digest_env(digests: dict[str, str], plan: dict[str, Any]) -> dict[str, str]:
    """Return the variables that name the digests of what a node takes, and images by them: HOST/NAME@DIGEST."""
    named = {f"DIGEST_{_upper(id)}": found for id, found in digests.items()}
    for id, found in digests.items():
        artifact = plan["artifacts"][id]
        if artifact["form"] == "image":
            named[f"ARTIFACT_{_upper(id)}"] = f"{repository_of(artifact['paths'][0])}@{found}"
    return named


def absent_env(digests: dict[str, str]) -> dict[str, str]:
    """Return the variables of what isn't there, since no release runs one yet: empty ones, and for gates their names."""
    absent = [id for id, found in digests.items() if found == ABSENT]
    if not absent:
        return {}
    empty = {f"{prefix}_{_upper(id)}": "" for id in absent for prefix in ("ARTIFACT", "DIGEST")}
    return {**empty, "MLCC_ABSENT": " ".join(absent)}


def _upper(id: str) -> str:
    return id.upper().replace("-", "_")


def resolve(
    name: str,
    value: dict[str, Any],
    leg: dict[str, Any],
    plan: dict[str, Any],
    selection: dict[str, Any],
    private: Path,
) -> str:
    """Return the text of one typed value. Raises RunError when it has none."""
    (kind, key), *rest = value.items()
    options = dict(rest)
    if kind == "text":
        return str(key)
    if kind == "secret":
        return _secret(name, str(key), bool(options.get("as_file")), private)
    if kind == "var":
        found = os.environ.get(f"{VARIABLE}{key}", "")
    elif kind == "input":
        found = selection["inputs"].get(key, "")
    elif kind == "matrix":
        found = str(leg[key])
    elif kind == "output":
        found = _output(str(key), plan, selection)
    else:
        found = str(Path.cwd()) if key == "workspace" else selection["facts"].get(key, "")
    found = found or options.get("default", "")  # a tag is empty on a branch, and that is no mistake
    if found == "" and kind == "var":
        raise RunError(f"the variable {key} isn't set in the CI system, and {name} has no default")
    return str(found)


def _secret(name: str, key: str, as_file: bool, private: Path) -> str:
    found = os.environ.get(SECRET + key, "")
    if found == "":
        raise RunError(f"the secret {key} isn't set in the CI system")
    if not as_file:
        return found
    path = private / name
    write_private(path, found)
    return str(path)


def _output(key: str, plan: dict[str, Any], selection: dict[str, Any]) -> str:
    id, _, name = key.partition(".")
    (state,) = read_states(id, plan["nodes"][id], selection)
    found = state["values"].get(name) if state and state["end"] == "passed" else None
    if found is None:
        raise RunError(f"'{id}' left no value {name}")
    return str(found)


def runner_env() -> dict[str, str]:
    """Return the runner's environment without what belongs to mlcc: a command sees only what its node names."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MLCC_")}


def read_values(path: Path, names: list[str]) -> dict[str, str]:
    """Return the NAME=value lines that a command left. Raises RunError on others, and on a missing name."""
    found: dict[str, str] = {}
    # Not `splitlines`, to which a value's own characters, such as U+2028, end lines too.
    lines = _outputs_text(path).split("\n")
    for line in lines[:-1] if lines[-1:] == [""] else lines:
        name, sign, value = line.partition("=")
        if not sign or name not in names or len(value) > 4096 or name in found or "\0" in value:
            raise RunError(
                f"$MLCC_OUTPUTS has a line that isn't one of {', '.join(names) or 'nothing'} as NAME=value"
            )
        found[name] = value
    missing = [name for name in names if name not in found]
    if missing:
        raise RunError(f"the command left no value for {', '.join(missing)} in $MLCC_OUTPUTS")
    return found


def _outputs_text(path: Path) -> str:
    """Return what a command wrote, nothing where it wrote no file. Raises RunError on what may be endless, such as a pipe."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_RECORD:
            raise RunError("$MLCC_OUTPUTS is no file, or too large for small values")
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as problem:
        raise RunError(f"$MLCC_OUTPUTS can't be read: {problem}") from None
