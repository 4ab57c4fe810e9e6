"""What only the compiled pipeline says of its nodes: machines, Python, how long artifacts are kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mlcc.importing.document import entries, get, items, read_yaml, text_of, texts
from mlcc.load.source import MAX_BYTES, Node

_ROW = re.compile(r"NODES\['([^']+)'\] = \[label: '([^']*)'[^\n]*")
COMMENT = "comment on pull requests"
"""Stands, with the inputs' descriptions, where the pipeline keeps one."""
_HASHED = re.compile(r"hashFiles\((.*)\)")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_HOSTED, _LABEL = ["ubuntu-24.04"], "linux"


def machines(text: str, shown: str, folder: Path, system: str, home: str) -> dict[str, dict[str, Any]]:
    """Return by node: `labels`, `python`, `image`, `retain` (days), `environment`, `services`, `checkout`, `cache`.

    Under "" stand the descriptions of the inputs of forms. What can't be told is missing.
    """
    if system == "jenkins":
        return {match[1]: _of_row(match) for match in _ROW.finditer(text)}
    if system == "gitlab":
        child = next(iter(sorted(folder.glob("gitlab*.yml"))), None)
        if child is None or child.stat().st_size > 4 * MAX_BYTES:
            return {}
        root = read_yaml(child.read_text(encoding="utf-8"), child.name).root
        return {entry.key: _of_gitlab(entry.node) for entry in entries(root)}
    root = read_yaml(text, shown).root
    found = {
        node: _of_github(entry.node, home)
        for entry in entries(get(root, "jobs"))
        if (node := _node(entry.node))
    }
    inputs = entries(get(root, "on", "workflow_dispatch", "inputs"))
    found[""] = {e.key: said for e in inputs if (said := text_of(get(e.node, "description")))}
    ids = [text_of(get(step, "id")) for step in items(get(root, "jobs", "final", "steps"))]
    found[""][COMMENT] = "comment" in ids
    return found


def _node(job: Node) -> str | None:
    """Return the node that a GitHub job runs."""
    named = (text_of(get(step, "env", "MLCC_NODE")) for step in items(get(job, "steps")))
    return next((name for name in named if name), None)


def _of_github(job: Node, home: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    labels = texts(get(job, "runs-on"))
    if labels != _HOSTED and labels:
        found["labels"] = labels
    environment = get(job, "environment")
    if name := text_of(get(environment, "name")) or text_of(environment):
        found["environment"] = name
    for step in items(get(job, "steps")):
        id, given = text_of(get(step, "id")), get(step, "with")
        if id == "python" and (version := text_of(get(given, "python-version"))):
            axis = re.search(r"matrix\.([\w-]+)", version)
            found["python"] = {"matrix": axis[1]} if axis else version
        elif id == "data" and (days := text_of(get(given, "retention-days"))):
            found["retain"] = int(days)
        elif id == "checkout":
            found.update(_checkout(given))
        elif (id or "").startswith("cache-"):
            found.setdefault("cache", {})[str(id)[6:]] = _cache(given, f"{home}/" if home else "")
    services = {entry.key: _service(entry.node) for entry in entries(get(job, "services"))}
    return {**found, **({"services": services} if services else {})}


def _checkout(given: Node | None) -> dict[str, Any]:
    if get(given, "sparse-checkout") is not None:
        return {"checkout": "none"}
    found: dict[str, Any] = {}
    if (depth := text_of(get(given, "fetch-depth"))) is not None:
        found["depth"] = int(depth)
    for key in ("lfs", "submodules"):
        if text_of(get(given, key)) in ("true", "recursive"):
            found[key] = True
    return {"checkout": found} if found else {}


def _cache(given: Node | None, prefix: str) -> dict[str, Any]:
    hashed = _HASHED.search(text_of(get(given, "key")) or "")
    files = [name.replace("''", "'") for name in _QUOTED.findall(hashed[1] if hashed else "")]
    paths = (text_of(get(given, "path")) or "").splitlines()
    return {"path": [p.removeprefix(prefix) for p in paths], "key": [f.removeprefix(prefix) for f in files]}


def _service(node: Node) -> dict[str, Any]:
    port = (texts(get(node, "ports")) or ["0"])[0].split("/")[0].rsplit(":", 1)[-1]
    env = {e.key: text_of(e.node) or "" for e in entries(get(node, "env"))}
    return {"image": text_of(get(node, "image")), "port": int(port), **({"env": env} if env else {})}


def _of_gitlab(job: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    image = text_of(get(job, "image")) or ""
    if match := re.fullmatch(r"python:(3\.[\d.]+)-bookworm", image):
        found["python"] = match[1]
    if labels := texts(get(job, "tags")):
        found["labels"] = labels
    days = re.fullmatch(r"(\d+) days?", text_of(get(job, "artifacts", "expire_in")) or "")
    if days and days[1] != "30":
        found["retain"] = int(days[1])
    return found


def _of_row(match: re.Match[str]) -> dict[str, Any]:
    found: dict[str, Any] = {} if match[2] == _LABEL else {"labels": [match[2]]}
    if python := re.search(r"\bpython: '([^']+)'", match[0]):
        found["python"] = python[1]
    return found
