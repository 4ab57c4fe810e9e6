"""What an earlier compile left beside the spec: the gates' parameters, read without trust."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlcc.gates.emit import FOLDER
from mlcc.writing.files import is_generated
from mlcc.writing.folder import Folder, UnsafePathError

JsonObject = dict[str, Any]


def gate_documents(root: Path, home: str) -> dict[str, JsonObject]:
    """Return gate id -> its committed parameters, by id. What can't be read, or is no such file, is left out."""
    folder = f"{home}/{FOLDER}" if home else FOLDER
    found = {}
    try:
        with Folder(root) as repository:
            for path in repository.files(folder, deep=False):
                name, _, ending = path.rpartition("/")[2].rpartition(".")
                if ending == "json":
                    found[name] = _document(repository, path)
    except (OSError, UnsafePathError):  # the writer says so, and refuses
        return {}
    return {
        id: document
        for id, document in sorted(found.items())
        if document.get("gate") == id and isinstance(document.get("params"), dict)
    }


def gate_script(root: Path, home: str, name: str) -> bytes | None:
    """Return a committed script of a gate kind (`GateKind.scripts`); None where there is none that could be read."""
    try:
        with Folder(root) as repository:
            return repository.read(f"{home}/{FOLDER}/{name}.py" if home else f"{FOLDER}/{name}.py")
    except (OSError, UnsafePathError):
        return None


def blocking(root: Path, home: str) -> dict[str, bool]:
    """Return node -> whether its failure counts, as the committed plan says; empty where there is none."""
    try:
        with Folder(root) as repository:
            plan = _document(repository, f"{home}/.mlcc/plan.json" if home else ".mlcc/plan.json")
    except (OSError, UnsafePathError):
        return {}
    return dict(_blocking(plan.get("nodes")))


def _blocking(nodes: object) -> Iterator[tuple[str, bool]]:
    for id, node in nodes.items() if isinstance(nodes, dict) else ():
        if isinstance(node, dict):
            yield id, node.get("blocking", True) is not False


def _document(repository: Folder, path: str) -> JsonObject:
    """Return a generated JSON object, or an empty one."""
    try:
        text = (repository.read(path) or b"").decode("utf-8")
        found = json.loads(text) if is_generated(text) else {}
    except (UnsafePathError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
