"""Moves the tag of an environment to the image that was released into it, and back where that is undone (S11).

Three tags of a repository belong to a release, and nothing else should move them:

    ENVIRONMENT             the image that is live
    ENVIRONMENT-previous    the one before it: what an undone release leads back to
    RELEASE-RUN             what that run deployed: it says that the run moved the tag, and a person may bring it back

After each request the same step can be done again, so that a lost machine leaves no tag that leads nowhere.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlcc.runtime.attempt import Attempt
from mlcc.runtime.image_registry import Manifest, Registry, tag_of
from mlcc.runtime.images import registry_of
from mlcc.runtime.log import say
from mlcc.runtime.records import RunError
from mlcc.runtime.release_ids import first_id, release_id

PREVIOUS = "-previous"


def move_tags(leg: Attempt, private: Path) -> None:
    """Let the environment's tags lead to what this run has released. Raises RunError."""
    for id, tag in leg.node.get("tags", {}).items():
        registry, digest = registry_of(id, leg, private), leg.state["inputs"][id]
        manifest, now = registry.manifest(digest), registry.manifest(tag)
        if manifest is None:
            raise RunError(f"{registry.repository} has no {digest} any more")
        own = registry.manifest(_run_tag(leg))
        if now is not None and now.digest == digest and own is not None and own.digest == digest:
            continue  # an earlier attempt of this run has done it
        if now is not None:
            registry.put(tag + PREVIOUS, now)
        registry.put(_run_tag(leg), manifest)
        _move(registry, tag, manifest)


def take_tags_back(leg: Attempt, rollback: dict[str, Any], private: Path) -> None:
    """Let the tags that this run moved lead to what was live before it; `rollback` is the plan's node. Raises RunError."""
    for id, tag in rollback.get("tags", {}).items():
        registry = registry_of(id, leg, private)
        now, own = registry.manifest(tag), registry.manifest(_run_tag(leg))
        if now is None or own is None or now.digest != own.digest:
            continue
        before = registry.manifest(tag + PREVIOUS)
        if before is not None:
            _move(registry, tag, before)
        elif not registry.remove(tag) or registry.manifest(tag) is not None:
            raise RunError(
                f"nothing was live before {registry.repository}:{tag}, and the registry doesn't remove that tag"
            )


def restore_tags(leg: Attempt, live: str, private: Path) -> None:
    """Let the tags lead to the release RELEASE-RUN that is `live` again; empty: to what was live before. Raises RunError."""
    for id, tag in leg.node.get("tags", {}).items():
        registry = registry_of(id, leg, private)
        source = tag_of(first_id(live)) if live else tag + PREVIOUS
        wanted = registry.manifest(source)
        if wanted is None:
            raise RunError(f"{registry.repository} has no tag {source}")
        _move(registry, tag, wanted)


def _run_tag(leg: Attempt) -> str:
    return tag_of(release_id(leg.node["release"]["id"], leg.selection["facts"]["run_id"]))


def _move(registry: Registry, tag: str, wanted: Manifest) -> None:
    registry.put(tag, wanted)
    found = registry.manifest(tag)
    if found is None or found.digest != wanted.digest:
        raise RunError(f"{registry.repository}:{tag} doesn't lead to {wanted.digest}, to which it was moved")
    say(f"mlcc: {registry.repository}:{tag} is {wanted.digest}")
