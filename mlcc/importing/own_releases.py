"""Releases by one command of a compiled plan -> `releases`. Those through an adapter don't say what their canary was."""

from __future__ import annotations

from typing import Any

from mlcc.importing.draft import duration
from mlcc.importing.own_nodes import NodeReader
from mlcc.resolving.release_steps import PREVIEW_SUFFIX, ROLLBACK_SUFFIX

_STEPS = {"promote": "", "rollback": ROLLBACK_SUFFIX}


def plain_releases(nodes: dict[str, dict[str, Any]]) -> set[str]:
    """Return the releases of which the plan holds all: one command, what undoes it, what shows it, and nothing else."""
    found = {node["release"]["id"] for node in nodes.values() if "release" in node}
    for id, node in nodes.items():
        part = node.get("release", {})
        if part and (
            id != part["id"] + _STEPS.get(part["step"], "?") or "notify" in part or "judged" in node
        ):
            found.discard(part["id"])
    return found


def release(id: str, reader: NodeReader) -> dict[str, Any]:
    """Return the keys of a plain release, but for its machine."""
    node = reader.nodes[id]
    found = {**reader.common(id), "deploys": node["deploys"], "environment": node["release"]["environment"]}
    reads = [artifact for artifact in node["takes"] if artifact not in node["deploys"]]
    undone = reader.nodes.get(node.get("rollback", ""))
    found["rollback"] = (
        "none"
        if undone is None
        else {"run": "\n".join(undone["run"]), "timeout": duration(undone["timeout"])}
    )
    shown = reader.nodes.get(id + PREVIEW_SUFFIX)
    if shown is not None:
        found["preview"] = _preview(shown, reader.common(id + PREVIEW_SUFFIX))
    return {**found, **({"reads": reads} if reads else {})}


def _preview(node: dict[str, Any], stated: dict[str, Any]) -> dict[str, Any]:
    report = node.get("reports", {}).get("preview")
    return {"run": stated["run"], "env": stated["env"], **({"report": report["path"]} if report else {})}
