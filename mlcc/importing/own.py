"""Files that mlcc compiled -> the spec, where that was lost: from the plan and the gates' parameters beside the pipeline.

The pipeline itself adds what only it has: machines, versions of Python, how long artifacts are kept. The spec is then
compiled again, and every line that comes out otherwise is listed.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mlcc.diagnostics import OutputError, Span, SpecError, error
from mlcc.importing.document import Document
from mlcc.importing.draft import Draft
from mlcc.importing.ledger import Ledger
from mlcc.importing.own_gates import parameters
from mlcc.importing.own_machines import COMMENT, machines
from mlcc.importing.own_nodes import NodeReader
from mlcc.importing.own_notices import notified, secrets_of
from mlcc.importing.own_releases import plain_releases, release
from mlcc.importing.settle import spec_text
from mlcc.load.source import MAX_BYTES, Scalar
from mlcc.resolving.release_steps import PREVIEW_SUFFIX
from mlcc.runtime.addresses import IMAGE_SCHEME
from mlcc.strict_json import JsonError, strict_json

_FROM = re.compile(r"mlcc:generated from=([A-Za-z0-9/._%-]+) ")
_ANCESTORS = 6
_PLACES = {
    "table": "table",
    "objects": "uri",
    "image": "repository",
}  # form -> key of an artifact; else `path`
_HEAD = 4096


def import_own(path: Path, text: str, shown: str, system: str) -> tuple[Draft, Path, str]:
    """Return the draft of the spec, the repository's folder, and the spec's in it.

    Raises SpecError where what lies beside the pipeline is missing or damaged.
    """
    folder = _folder(path, text, shown)
    try:
        plan = _json(folder / "plan.json")
        root = folder.parent
        for _ in [part for part in plan["home"].split("/") if part]:
            root = root.parent
        draft = Draft(plan["name"], Ledger(_document(text, shown)))
        draft.tree["name"] = plan["name"]
        draft.set({}, "targets", system)
        _Reader(draft, plan, folder, machines(text, shown, folder, system, plan["home"])).read()
        spec_text(draft.ordered(), "")  # raises where a key or a value is none of the spec's
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise SpecError(
            [
                error(
                    "bad-plan",
                    f"{folder / 'plan.json'} isn't a plan that mlcc compiled",
                    Span(shown, 1, 1, 1, 1),
                )
            ]
        ) from None
    draft.ledger.replaced(draft.ledger.document.root, "mlcc compiles it from the spec again")
    return draft, root, plan["home"]


def _document(text: str, shown: str) -> Document:
    last = text.count("\n") + 1
    return Document(shown, text, Scalar(text, Span(shown, 1, 1, last, 2), "compiled by mlcc", False))


def _folder(path: Path, text: str, shown: str) -> Path:
    """Return the folder of the emitted files that a pipeline runs."""
    match = _FROM.search(text[:_HEAD])
    home = unquote(match[1]).rpartition("/")[0] if match else ""
    name = f"{home}/.mlcc" if home and ".." not in home.split("/") else ".mlcc"
    for around in list(path.resolve().parents)[:_ANCESTORS]:
        if (around / name / "plan.json").is_file():
            return around / name
    message = f"mlcc compiled this file, and {name}/plan.json, which it runs, isn't there"
    help = "import it where it was compiled: the plan and the gates' parameters lie beside it"
    raise SpecError([error("no-plan", message, Span(shown, 1, 1, 1, 1), help=help)])


def _json(path: Path) -> dict[str, Any]:
    """Read one emitted JSON file. Raises SpecError, OutputError."""
    try:
        with path.open("rb") as file:
            data = file.read(16 * MAX_BYTES + 1)
        if len(data) > 16 * MAX_BYTES:
            raise SpecError([error("too-large", f"{path} is too large", None)])
        found = strict_json(data.decode("utf-8"))
    except OSError as problem:
        raise OutputError(
            [error("unreadable-file", f"{path} can't be read: {problem.strerror}", None)]
        ) from None
    except (JsonError, UnicodeDecodeError) as problem:
        raise SpecError([error("bad-plan", f"{path} {problem}", None)]) from None
    if not isinstance(found, dict):
        raise SpecError([error("bad-plan", f"{path} isn't one JSON object", None)])
    return found


class _Reader:
    """Drafts the spec of one plan."""

    def __init__(
        self, draft: Draft, plan: dict[str, Any], folder: Path, facts: dict[str, dict[str, Any]]
    ) -> None:
        self.draft, self.plan, self.folder, self.facts = draft, plan, folder, facts
        self.nodes: dict[str, dict[str, Any]] = plan["nodes"]

    def read(self) -> None:
        """Draft everything."""
        self.triggers()
        reader = NodeReader(self.plan)
        self.artifacts(reader)
        plain = plain_releases(self.nodes)
        for id, node in self.nodes.items():
            kind = node["kind"]
            if kind == "fetch":
                self.fetch(id, reader)
            elif kind == "build":
                self.build(id, reader)
            elif kind in ("job", "gate"):
                keys = {**reader.common(id), **self.machine(id)}
                if kind == "gate":
                    keys.update(self.gate(id, node, reader))
                self.draft.set(keys, "jobs" if kind == "job" else "gates", id)
            elif id in plain:
                self.release(id, reader)
            elif node.get("release", {}).get("id", id.removesuffix(PREVIEW_SUFFIX)) not in plain:
                self.draft.ledger.finding(
                    1, id, "a release's steps don't say what its canary was: write the release anew"
                )
        self.logins(reader)
        if "store" in self.plan:
            self.draft.set({"uri": self.plan["store"]}, "store")
        for id, notice in self.plan.get("notify", {}).items():
            self.draft.set(notified(notice), "notify", id)
        self.comment()
        for target, waived in self.plan.get("waivers", {}).items():
            if target in self.draft.tree["targets"]:
                self.draft.set(waived, "targets", target, "waive")
            else:
                reason = f"what {target} does weaker was waived: state it when you compile for {target}"
                self.draft.ledger.finding(1, f"waivers.{target}", reason)
        self.hoist()

    def release(self, id: str, reader: NodeReader) -> None:
        """Draft a release by one command, and what is known of its environment."""
        node = self.nodes[id]
        keys = {**self.machine(id), **release(id, reader)}
        self.draft.set(keys, "releases", id)
        branches = {"branches": node["branches"]} if "branches" in node else {}
        approval = {"approval": True} if node.get("approval") else {}
        self.draft.set({**branches, **approval}, "environments", keys["environment"])

    def comment(self) -> None:
        """Draft the comment on pull requests: its token is the secret that no node uses."""
        used = {v["secret"] for n in self.nodes.values() for v in n.get("env", {}).values() if "secret" in v}
        used |= {secret for notice in self.plan.get("notify", {}).values() for secret in secrets_of(notice)}
        left = [name for name in self.plan.get("secrets", []) if name not in used]
        if len(left) == 1 and not any("services" in node or "logins" in node for node in self.nodes.values()):
            self.draft.set({"token": {"secret": left[0]}}, "comment")
        elif self.facts.get("", {}).get(COMMENT):
            self.draft.set(True, "comment")

    def triggers(self) -> None:
        """Draft what starts a run."""
        triggers = self.plan["triggers"]
        for event in ("push", "pull_request"):
            if event in triggers:
                self.draft.set({"branches": triggers[event]}, "triggers", event)
        if "tag" in triggers:
            self.draft.set({"patterns": triggers["tag"]}, "triggers", "tag")
        for key in ("schedule", "dispatch"):
            if key in triggers:
                self.draft.set(triggers[key], "triggers", key)
        for form, inputs in triggers.get("manual", {}).items():
            fields = {name: _field(field, self.facts.get("", {}).get(name)) for name, field in inputs.items()}
            self.draft.set({"inputs": fields} if fields else {}, "triggers", "manual", form)

    def artifacts(self, reader: NodeReader) -> None:
        """Draft the artifacts; how long they are kept says the job that writes them."""
        for id, artifact in self.plan["artifacts"].items():
            paths = [path.removeprefix(IMAGE_SCHEME) for path in artifact["paths"]]
            key = _PLACES.get(artifact["form"], "path")
            found: dict[str, Any] = {
                "kind": artifact["kind"],
                key: paths if artifact["form"] == "paths" else paths[0],
                **reader.login(artifact),
            }
            if artifact.get("at_base"):
                found["at"] = "base"
            if artifact.get("stored"):
                found["store"] = True
            found.update({key: artifact[key] for key in ("snapshot", "first") if key in artifact})
            if "released" in artifact:
                found["from"] = dict(artifact["released"])
            if "registry" in artifact:
                reason = (
                    "the compiled files don't say which registry it is registered in: state `registry` anew"
                )
                self.draft.ledger.finding(1, f"artifacts.{id}", reason)
            days = self.facts.get(artifact.get("writer", ""), {}).get("retain", 7)
            self.draft.set({**found, **({"retain": f"{days}d"} if days != 7 else {})}, "artifacts", id)

    def fetch(self, id: str, reader: NodeReader) -> None:
        """Draft where artifacts come from."""
        common = {**reader.common(id), **self.machine(id)}
        dvc = re.fullmatch(r"dvc pull -- '((?:[^']|'\"'\"')*)'", common.get("run", ""))
        origin = {"command": common.pop("run", "")}
        if "lookup" in self.nodes[id]:
            reference = self.nodes[id]["lookup"]
            origin = {"digest" if reference.startswith("sha256:") else "tag": reference}
        if dvc:
            source = dvc[1].replace("'\"'\"'", "'")
            origin = {"dvc": source}
            common["path"] = [path for path in common.get("path", []) if path != source]
        for artifact in self.nodes[id]["writes"]:
            rest = {key: value for key, value in common.items() if value not in ([], {}) or key == "setup"}
            self.draft.set({**origin, **rest}, "artifacts", artifact, "from")

    def build(self, id: str, reader: NodeReader) -> None:
        """Draft how an image is built."""
        common = {**reader.common(id), **self.machine(id), **reader.build(id)}
        for artifact in self.nodes[id]["writes"]:
            rest = {key: value for key, value in common.items() if value not in ([], {}) or key == "setup"}
            self.draft.set(rest, "artifacts", artifact, "build")

    def gate(self, id: str, node: dict[str, Any], reader: NodeReader) -> dict[str, Any]:
        """Return the keys of a gate; one whose parameters can't be told stops, and is listed."""
        content = _json(self.folder / "gates" / f"{id}.json")
        params = parameters(content, [a for a in node["takes"] if a != node["guards"]])
        found: dict[str, Any] = {"guards": node["guards"]}
        if node.get("blocking") is False:
            found["blocking"] = False
        if content.get("on_inconclusive", "fail") != "fail":
            found["on_inconclusive"] = content["on_inconclusive"]
        if "waive" in content:
            found["waive"] = content["waive"]
        if params is None:
            message = f"the parameters of a `{content['kind']}` gate can't be told from {id}.json: it stops until they are stated"
            self.draft.ledger.finding(1, f"gates.{id}", message)
            order = [
                name
                for name, kind in node["before"]
                if kind in ("data", "guard") and self.nodes[name]["kind"] == "job"
            ]
            return {**found, **({"needs": order} if order else {}), "command": {"run": "exit 1"}}
        setup = content["params"].get("setup")
        if setup is not None:
            found["setup"] = setup
        kept = reader.named_files(content["params"])
        path = [path for path in reader.own_sources(id) if path not in kept]
        return {**found, "path": path, content["kind"]: params}

    def machine(self, id: str) -> dict[str, Any]:
        """Return what the pipeline says of the machine of a node."""
        facts = self.facts.get(id, {})
        found: dict[str, Any] = {
            key: facts[key] for key in ("python", "checkout", "services", "cache") if key in facts
        }
        if labels := facts.get("labels"):
            target = next(iter(self.draft.tree["targets"]))
            found["runner"] = self.draft.runner(labels, target)
        # what has secrets and states no environment is in one of the pipeline's name
        if (place := facts.get("environment", self.plan["name"])) != self.plan["name"]:
            branches = self.nodes[id].get("branches", [])
            self.draft.set({"branches": branches} if branches else {}, "environments", place)
            found["environment"] = place
        return found

    def logins(self, reader: NodeReader) -> None:
        """Draft the logins of all nodes."""
        for provider, login in reader.logins.items():
            self.draft.set(login, "auth", provider)

    def hoist(self) -> None:
        """State once, under `defaults`, what most nodes have: it reads better, and says the same."""
        nodes = [
            *self.draft.tree.get("jobs", {}).values(),
            *self.draft.tree.get("gates", {}).values(),
            *(a["from"] for a in self.draft.tree.get("artifacts", {}).values() if "from" in a),
            *self.draft.tree.get("releases", {}).values(),
        ]
        if not nodes:
            return
        for key, usual in (("timeout", "30m"), ("python", None), ("setup", None)):
            self._hoist(nodes, key, usual)
        nodes += [release["preview"] for release in nodes if "preview" in release]
        first = nodes[0].get("env", {})
        shared = {n: v for n, v in first.items() if all(node.get("env", {}).get(n) == v for node in nodes)}
        if (
            shared
            and len(nodes) > 1
            and not any("secret" in v for v in shared.values() if isinstance(v, dict))
        ):
            self.draft.set(shared, "defaults", "env")
            for node in nodes:
                node["env"] = {n: v for n, v in node["env"].items() if n not in shared}
        for node in nodes:
            for key in [key for key in ("env", "path") if node.get(key) in ({}, [])]:
                del node[key]
        for job in self.draft.tree.get("jobs", {}):
            self.draft.tidy(job)

    def _hoist(self, nodes: list[dict[str, Any]], key: str, usual: str | None) -> None:
        values = Counter(repr(node[key]) for node in nodes if key in node)
        if not values or (key == "python" and len(values) > 1):
            return
        common = next(
            node[key] for node in nodes if key in node and repr(node[key]) == values.most_common(1)[0][0]
        )
        if common != usual and common != []:
            self.draft.set(common, "defaults", key)
        for node in nodes:
            if node.get(key) == common:
                del node[key]


def _field(field: dict[str, Any], description: str | None) -> dict[str, Any]:
    """Return an input of a form: its default has the type of the input again."""
    found = dict(field)
    if description:
        found["description"] = description
    default = found.get("default")
    if isinstance(default, str):
        kind = found["type"]
        if kind == "boolean":
            found["default"] = default == "true"
        elif kind in ("integer", "number"):
            found["default"] = int(default) if re.fullmatch(r"-?\d+", default) else float(default)
    return found
