"""Nodes of a compiled plan -> the keys of jobs, gates and fetches."""

from __future__ import annotations

from itertools import product
from typing import Any

from mlcc.importing.draft import duration
from mlcc.resolving.resolve import leg_id

_MANY = {"events": "event", "branches": "branch", "tags": "tag", "triggers": "trigger", "verdicts": "verdict"}


class NodeReader:
    """Reads the nodes of one plan. `logins` collects what they log in to."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.nodes: dict[str, dict[str, Any]] = plan["nodes"]
        self.logins: dict[str, dict[str, Any]] = {}
        self.inputs = {n: f for form in plan["triggers"].get("manual", {}).values() for n, f in form.items()}
        self.guards: dict[str, set[str]] = {}
        for id, node in self.nodes.items():
            if node["kind"] == "gate" and node.get("blocking", True):
                self.guards.setdefault(node["guards"], set()).add(id)

    def common(self, id: str) -> dict[str, Any]:
        """Return the keys that all nodes have in common, and those of a job."""
        node = self.nodes[id]
        found: dict[str, Any] = {}
        if node["kind"] != "gate":
            found["setup"] = node.get("setup", [])
            if "remote" in node:
                found["remote"] = _remote(node["remote"])
            elif not {"build", "lookup"} & set(node):
                found["run"] = "\n".join(node["run"])
        if node["kind"] == "job":
            found.update(self._artifacts(node))
        for key in ("image", "working_directory", "retry", "reports", "outputs"):
            if key in node:
                found[key] = node[key]
        if node["kind"] == "job" and node.get("blocking") is False:
            found["blocking"] = False
        if "finally" in node:
            found["finally"] = "\n".join(node["finally"])
        found.update(self._connections(node))
        found["timeout"] = duration(node["timeout"])
        found["env"] = {name: self._value(value) for name, value in node.get("env", {}).items()}
        if "legs" in node:
            found["matrix"] = _matrix(node["legs"])
        for login in node.get("logins", []):
            values = {name: self._value(value) for name, value in login["values"].items()}
            audience = {} if login["provider"] == "gcp" else {"audience": login["audience"]}
            self.logins[login["provider"]] = {**values, **audience}
            found.setdefault("auth", []).append(login["provider"])
        return found

    def _artifacts(self, node: dict[str, Any]) -> dict[str, Any]:
        """Return what a job reads, evaluates and writes: it evaluates what it takes without waiting for all its gates."""
        waited = {name for name, kind in node["before"] if kind == "guard"}
        reads = [a for a in node["takes"] if self.guards.get(a, set()) <= waited]
        evaluates = [a for a in node["takes"] if a not in reads]
        found = {"reads": reads, "evaluates": evaluates, "writes": node.get("writes", [])}
        return {key: value for key, value in found.items() if value}

    def _connections(self, node: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        needs = [name for name, kind in node["before"] if kind == "order"]
        if needs:
            found["needs"] = needs
        when = [self._condition(condition) for condition in node.get("when", [])]
        if "status" in node:
            when = [{**condition, "status": node["status"]} for condition in when or [{}]]
        if when:
            found["when"] = when[0] if len(when) == 1 else when
        path = self.own_sources(node=node)
        if path:
            found["path"] = path
        return found

    def own_sources(self, id: str = "", node: dict[str, Any] | None = None) -> list[str]:
        """Return the committed files that a node depends on beside its artifacts."""
        node = self.nodes[id] if node is None else node
        taken = {path for a in node["takes"] for path in self.plan["artifacts"][a]["paths"]}
        return [path for path in node.get("sources", []) if path not in taken]

    @staticmethod
    def named_files(params: dict[str, Any]) -> set[str]:
        """Return the values of a gate's parameters that may name committed files, which it depends on anyway."""
        return {params[key] for key in ("lock", "golden", "record") if isinstance(params.get(key), str)}

    def build(self, id: str) -> dict[str, Any]:
        """Return the keys of an image's build beside those that all nodes have."""
        build = self.nodes[id]["build"]
        found = {key: build[key] for key in ("file", "includes", "platform", "builder") if key in build}
        for key in ("args", "secrets"):
            if key in build:
                found[key] = {name: self._value(value) for name, value in build[key].items()}
        context = build.get("context", "")
        path = [path for path in self.own_sources(id) if path != (context or "**")]
        return {**found, "context": context or ".", "path": path}

    def login(self, artifact: dict[str, Any]) -> dict[str, Any]:
        """Return how an image's registry is logged in to; nothing where the spec stated nothing."""
        found = {key: self._value(value) for key, value in artifact.get("login", {}).items()}
        return {"login": found} if found else {}

    def _condition(self, condition: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in condition.items():
            if key in _MANY:
                found[_MANY[key]] = value[0] if len(value) == 1 else value
            elif key == "inputs":
                found["input"] = {name: self._typed(name, text) for name, text in value.items()}
            else:
                found[key] = value
        return found

    def _typed(self, name: str, text: str) -> Any:
        kind = self.inputs.get(name, {}).get("type")
        if kind == "boolean":
            return text == "true"
        return float(text) if kind == "number" else int(text) if kind == "integer" else text

    @staticmethod
    def _value(value: dict[str, Any]) -> Any:
        """Return a value as the spec states it."""
        if "text" in value:
            return value["text"]
        found = {key: item for key, item in value.items() if key != "as_file"}
        return {**found, "as": "file"} if value.get("as_file") else found


def _remote(stated: dict[str, Any]) -> dict[str, Any]:
    """Return work that runs somewhere else."""
    found: dict[str, Any] = {
        key: "\n".join(stated[key]) for key in ("submit", "poll", "cancel", "collect") if key in stated
    }
    resumed = {} if stated["resume"] else {"resume": False}
    return {**found, "every": duration(stated["every"]), **resumed}


def _matrix(legs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return axes for the legs that are named after their values and are all combinations, `include` for the others."""
    named = [leg for id, leg in legs.items() if id == leg_id(tuple(leg.items()))]
    axes = {axis: list(dict.fromkeys(leg[axis] for leg in named)) for axis in (named[0] if named else {})}
    combinations = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    if not named or combinations != named:
        return {"include": legs}
    rest = {id: leg for id, leg in legs.items() if leg not in named}
    return {"axes": axes, **({"include": rest} if rest else {})}
