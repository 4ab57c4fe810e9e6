"""The spec while it is drafted: a plain tree, and what every importer does to it alike."""

from __future__ import annotations

import re
from typing import Any

from mlcc.importing.ledger import Ledger
from mlcc.load.source import Node

_OTHER = re.compile(r"[^a-z0-9_]+")
_REPORTS = (
    (re.compile(r"(junit|test|pytest|report).*\.xml$", re.IGNORECASE), "junit"),
    (re.compile(r"(cover|cobertura).*\.xml$", re.IGNORECASE), "cobertura"),
    (re.compile(r"\.sarif$"), "sarif"),
    (re.compile(r"\.html?$"), "html"),
    (re.compile(r"\.md$"), "markdown"),
)
_KINDS = (
    ("model", re.compile(r"model|weights|checkpoint|\.(onnx|pt|pth|pkl|joblib|safetensors|h5)$")),
    ("data", re.compile(r"data|feature|dataset|predict|scored?|\.(parquet|csv|tsv|npz|npy|arrow|jsonl)$")),
)
_SECTIONS = (
    "version", "name", "triggers", "defaults", "runners", "environments", "auth", "store", "artifacts", "jobs", "gates",
    "releases", "notify", "comment", "targets",
)  # fmt: skip


_KEYS = (
    "runner", "python", "image", "setup", "run", "reads", "writes", "needs", "when", "matrix", "environment", "env",
)  # fmt: skip


def _order(key: str) -> int:
    return _KEYS.index(key) if key in _KEYS else len(_KEYS)


class Draft:
    """A spec in the making. `jobs` maps the names that the pipeline uses to ids."""

    def __init__(self, name: str, ledger: Ledger) -> None:
        self.ledger = ledger
        self.tree: dict[str, Any] = {"version": 1, "name": identifier(name, "pipeline")}
        self.jobs: dict[str, str] = {}
        self.lines: dict[str, int] = {}  # id of a job -> the line that it begins on
        self.uploads: dict[
            str, list[tuple[str, str]]
        ] = {}  # name of what is kept -> artifacts and their writers

    def put(self, node: Node | None, value: Any, *place: str) -> None:
        """Write a value at a place of the spec, and mark the part of the pipeline that it comes from."""
        self.set(value, *place)
        self.ledger.placed(node, *place)

    def set(self, value: Any, *place: str) -> None:
        """Write a value at a place of the spec."""
        tree = self.tree
        for key in place[:-1]:
            tree = tree.setdefault(key, {})
        tree[place[-1]] = value

    def get(self, *place: str) -> Any:
        """Return what stands at a place, None where nothing does."""
        tree: Any = self.tree
        for key in place:
            tree = tree.get(key) if isinstance(tree, dict) else None
        return tree

    def new_id(self, section: str, name: str, instead: str) -> str:
        """Return an id for a name that nothing in the section, and no other node, has yet."""
        taken = set(self.tree.get(section, {}))
        if section in ("jobs", "gates"):
            taken |= {"select", "final", *self.tree.get("jobs", {}), *self.tree.get("gates", {})}
        base = identifier(name, instead)
        found, number = base, 2
        while found in taken:
            found, number = f"{base[:55]}-{number}", number + 1
        return found

    def job(self, name: str, line: int) -> str:
        """Take an id for a job of the pipeline."""
        id = self.new_id("jobs", name, "job")
        self.jobs[name] = id
        self.lines[id] = line
        self.set({}, "jobs", id)
        return id

    def append(self, item: Any, *place: str) -> None:
        """Add an item to a list of the spec, once."""
        found = self.get(*place)
        if found is None:
            found = []
            self.set(found, *place)
        if item not in found:
            found.append(item)

    def runner(self, labels: list[str], target: str) -> str:
        """Return the id of a machine pool with these labels."""
        value: Any = " ".join(labels) if target == "jenkins" else labels[0] if len(labels) == 1 else labels
        for id, pool in self.tree.get("runners", {}).items():
            if pool.get(target) == value:
                return str(id)
        id = self.new_id("runners", "-".join(x for x in labels if x != "self-hosted"), "machine")
        self.set({target: value}, "runners", id)
        return id

    def artifact(self, name: str, path: str, retain: str | None = None) -> str:
        """Return the id of the artifact at a path."""
        for id, artifact in self.tree.get("artifacts", {}).items():
            if artifact["path"] == path:
                return str(id)
        id = self.new_id("artifacts", name, "files")
        found = {"kind": _kind(f"{name} {path}".lower()), "path": path}
        self.set({**found, **({"retain": retain} if retain else {})}, "artifacts", id)
        return id

    def writes(self, job: str, artifact: str) -> bool:
        """Say that a job writes an artifact; False where another one does already."""
        for other, keys in self.tree["jobs"].items():
            if other != job and artifact in keys.get("writes", ()):
                return False
        self.append(artifact, "jobs", job, "writes")
        return True

    def tidy(self, job: str) -> None:
        """Put the keys of a job into the order that people read them in."""
        keys = self.tree["jobs"][job]
        self.tree["jobs"][job] = {key: keys[key] for key in sorted(keys, key=_order)}

    def suggest_gate(self, job: str) -> None:
        """Say that a job runs tests: what they guard, no pipeline says, so a person has to."""
        self.ledger.suggest(
            f"jobs.{job} runs tests: a gate of kind `tests` on an artifact of kind code would guard what is made from it"
        )

    def ordered(self) -> dict[str, Any]:
        """Return the tree with its sections in the order of the language, without empty ones."""
        return {key: self.tree[key] for key in _SECTIONS if self.tree.get(key) not in (None, {}, [])}


def identifier(name: str, instead: str) -> str:
    """Return a name as an id: lower case, digits, `_` and single `-`, at most 55 characters."""
    found = _OTHER.sub("-", name.lower()).strip("-_")[:55].strip("-_")
    found = re.sub(r"-+(?=[-_])|(?<=_)-", "", found)
    if not found:
        return instead
    return found if found[0].isalpha() else f"{instead}-{found}"[:55].strip("-_")


def report_format(path: str) -> str | None:
    """Return the format of a report by its path; None where it is no report."""
    name = path.rsplit("/", 1)[-1]
    return next((format for pattern, format in _REPORTS if pattern.search(name)), None)


def _kind(words: str) -> str:
    return next((kind for kind, pattern in _KINDS if pattern.search(words)), "file")


def artifact_path(path: str) -> str | None:
    """Return a path of a pipeline as the path of a written artifact: one file, or a folder with '/' at its end.

    None where there is none: outside of the checkout, in a variable, or a wildcard at the top.
    """
    clean = path.strip().removeprefix("./")
    if any(c in clean for c in "${}[]!:\\~ ") or clean.startswith(("/", "-")) or ".." in clean.split("/"):
        return None
    if "*" in clean or "?" in clean:
        parts = clean.split("/")
        first = next(n for n, part in enumerate(parts) if "*" in part or "?" in part)
        return "/".join(parts[:first]) + "/" if first else None
    if clean.endswith("/"):
        return clean if clean.strip("/") else None
    if not clean or clean == ".":
        return None
    return clean if "." in clean.rsplit("/", 1)[-1].lstrip(".") else clean + "/"


def duration(seconds: int) -> str:
    """Return seconds as the shortest duration of the language."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0 and (unit != "d" or seconds >= 86400):
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 1)}s"
