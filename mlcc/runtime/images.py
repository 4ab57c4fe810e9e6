"""Images that lie in a registry: nodes pass on a handle, and an image is known by the digest of its manifest (S2).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlcc.runtime.attempt import FAIL, PASS, Attempt
from mlcc.runtime.decide import read_states
from mlcc.runtime.image_registry import Manifest, Registry, repository_of
from mlcc.runtime.login import Logins
from mlcc.runtime.records import RunError, data_folder, write_record
from mlcc.runtime.stored import HANDLE, read_handle
from mlcc.runtime.values import resolve


def is_image(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether an artifact is an image, which a registry keeps."""
    return bool(plan["artifacts"][id]["form"] == "image")


def registry_of(id: str, leg: Attempt, private: Path) -> Registry:
    """Return the registry of an image, with the login that the spec states, or the CI system has for its own. Raises RunError."""
    artifact = leg.plan["artifacts"][id]
    repository = repository_of(artifact["paths"][0])
    stated = artifact.get("login")
    if stated is None:
        return Registry(repository, leg.platform.registry_login(repository.partition("/")[0]))
    user, password = (
        resolve(name, stated[name], {}, leg.plan, leg.selection, private) for name in ("user", "password")
    )
    return Registry(repository, (user, password))


def receive_images(leg: Attempt, private: Path) -> dict[str, str]:
    """Return artifact -> digest of the images that a node takes, which their registries have. Raises RunError."""
    found = {}
    for id in leg.node["takes"]:
        if is_image(id, leg.plan):
            found[id] = _received_image(id, leg)
            there = registry_of(id, leg, private).manifest(found[id])
            if there is None:
                repository = repository_of(leg.plan["artifacts"][id]["paths"][0])
                raise RunError(
                    f"{repository} has no {found[id]} any more, which '{leg.plan['artifacts'][id]['writer']}' left as '{id}'"
                )
    return found


def _received_image(id: str, leg: Attempt) -> str:
    """Return the digest that the writer's state and its handle agree on. Raises RunError."""
    artifact = leg.plan["artifacts"][id]
    name = artifact["writer"]
    (state,) = read_states(name, leg.plan["nodes"][name], leg.selection)
    if state is None or state["end"] != "passed" or id not in state["outputs"]:
        raise RunError(f"'{name}' published no '{id}'")
    handle = read_handle(f"'{id}', which '{name}' wrote", data_folder(name) / id)
    digest = str(state["outputs"][id])
    if handle["digest"] != digest or handle["uri"] != f"{artifact['paths'][0]}@{digest}":
        raise RunError(f"'{id}' has a handle of another image than '{name}' wrote")
    return digest


def keep_image(id: str, manifest: Manifest, leg: Attempt) -> int:
    """Pass on an image by a handle, and note that the node has ended well. Returns PASS."""
    digest = manifest.digest
    uri = f"{leg.plan['artifacts'][id]['paths'][0]}@{digest}"
    folder = data_folder(leg.id, leg.leg) / id
    write_record(folder / HANDLE, {"uri": uri, "digest": digest, "size": len(manifest.content)})
    leg.state["outputs"] = {id: digest}
    leg.finish("passed", "pass", "")
    return PASS


def look_up(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Find which image a tag or a digest names, once: it is the same for all who read it. Returns PASS or FAIL."""
    del logins
    (id,) = leg.node["writes"]
    reference = str(leg.node["lookup"])
    private = Path(env["MLCC_OUTPUTS"]).parent
    try:
        registry = registry_of(id, leg, private)
        found = registry.manifest(reference)
        if found is None:
            raise RunError(f"{registry.repository} has no image {reference}")
    except RunError as problem:
        leg.finish("failed", "error", str(problem))
        return FAIL
    return keep_image(id, found, leg)
