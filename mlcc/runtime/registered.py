"""Artifacts that are versions of registered models: a job registers what it wrote, and the version's number travels.

`.mlcc/registry.py` reaches the registry, with what the node's environment has to log in. Standard library only: bundled into the
emitted script.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from mlcc.runtime.decide import read_states
from mlcc.runtime.records import RunError, data_folder, read_record, write_record
from mlcc.runtime.store import StoreAccess, ask_script

REGISTRY_SCRIPT = ".mlcc/registry.py"
VERSION_FILE = "version.json"


def is_registered(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether a job registers an artifact, and its readers fetch it by its version."""
    artifact = plan["artifacts"][id]
    return "registry" in artifact and plan["nodes"][artifact["writer"]]["kind"] != "fetch"


def put_registered(id: str, digest: str, source: Path, folder: Path, access: StoreAccess) -> None:
    """Register a file or a folder, and leave its handle in a folder: the model, its version, its digest.

    A version with the same digest and commit is taken as it is: a node that is run again makes no second one. Raises RunError.
    """
    model = access.plan["artifacts"][id]["registry"]
    tags = {
        "mlcc.digest": digest,
        "mlcc.commit": access.commit,
        "mlcc.run": access.run_id,
        "mlcc.pipeline": access.plan["name"],
    }
    sent = {"experiment": access.plan["name"], "tags": tags}
    what = f"'{id}' can't be registered as a version of {model}"
    found = _ask(what, ["register", model, str(source)], sent, access)
    write_record(folder / VERSION_FILE, {"model": model, "version": str(found["version"]), "digest": digest})


def get_registered(id: str, digest: str, where: Path, folder: Path, form: str, access: StoreAccess) -> None:
    """Fetch an artifact to `where` by the handle that its writer left in a folder; `digest` is what the writer says.

    Raises RunError for any other bytes.
    """
    handle = _handle(id, folder)
    if handle["digest"] != digest:
        raise RunError(
            f"'{id}' has a handle of other bytes than were written: {handle['digest']} instead of {digest}"
        )
    target = f"{where}/" if form == "folder" else str(where)
    model = access.plan["artifacts"][id]["registry"]
    what = f"'{id}' as {digest}, registered as version {handle['version']} of {model}, can't be fetched"
    _ask(what, ["fetch", model, handle["version"], target, digest], {}, access)


def published_versions(node_id: str, leg: str, node: dict[str, Any], plan: dict[str, Any]) -> dict[str, str]:
    """Return variable -> version's number of what a node has registered. Raises RunError."""
    registered = [id for id in node.get("writes", []) if is_registered(id, plan)]
    return {version_name(id): _handle(id, data_folder(node_id, leg) / id)["version"] for id in registered}


def versions_taken(node: dict[str, Any], plan: dict[str, Any], selection: dict[str, Any]) -> dict[str, str]:
    """Return variable -> version's number of each registered model that a node takes. Raises RunError."""
    found = {}
    for id in node["takes"]:
        if "registry" in plan["artifacts"][id]:
            writer = plan["artifacts"][id]["writer"]
            (state,) = read_states(writer, plan["nodes"][writer], selection)
            name = version_name(id)
            if state is None or name not in state["values"]:
                raise RunError(f"'{writer}' left no version of '{id}'")
            found[name] = str(state["values"][name])
    return found


def version_name(id: str) -> str:
    """Return the variable that has the number of an artifact's version."""
    return f"VERSION_{id.upper().replace('-', '_')}"


def _handle(id: str, folder: Path) -> dict[str, str]:
    handle = read_record(folder / VERSION_FILE)
    texts = handle is not None and all(type(handle.get(key)) is str for key in ("model", "version", "digest"))
    if handle is None or not texts or not handle["version"].isdecimal():
        raise RunError(f"'{id}' has no handle of a version, or one that isn't whole")
    return handle


def _ask(what: str, words: list[str], sent: dict[str, Any], access: StoreAccess) -> dict[str, Any]:
    seconds = access.deadline - time.monotonic()
    found = ask_script(REGISTRY_SCRIPT, words, json.dumps(sent).encode(), access.env, seconds, what)
    if not str(found.get("version")).isdecimal():
        raise RunError(f"{what}: the answer of {REGISTRY_SCRIPT} isn't whole")
    return found
