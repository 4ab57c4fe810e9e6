"""A GitHub workflow -> a draft of the spec."""

from __future__ import annotations

import re
from typing import Any

from mlcc.importing.document import Document, entries, get, items, text_of, texts
from mlcc.importing.draft import Draft, identifier
from mlcc.importing.github_job import add_job, inherit_conditions
from mlcc.importing.github_values import EXPRESSION
from mlcc.importing.ledger import Ledger
from mlcc.load.source import Mapping, Node, Scalar

_DAYS = {day: str(n) for n, day in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_MONTHS = {
    month: str(n)
    for n, month in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_TYPES = {"string": "string", "boolean": "boolean", "number": "number", "choice": "choice"}


def import_github(document: Document, name: str) -> Draft:
    """Return the draft of a workflow, with an account of every line in its ledger."""
    ledger = Ledger(document)
    draft = Draft(text_of(get(document.root, "name")) or name, ledger)
    root = document.root
    draft.set({}, "targets", "github")
    ledger.placed(get(root, "name"), "name")
    paths = _triggers(draft, get(root, "on"))
    ledger.replaced(
        get(root, "permissions"), "mlcc gives every job the permissions that it needs, and no more"
    )
    concurrency = "mlcc cancels the older runs of a pull request, and no others; a release has a lock of its environment"
    ledger.replaced(get(root, "concurrency"), concurrency)
    _run_name(draft, get(root, "run-name"))
    _defaults(draft, root)
    for entry in entries(get(root, "jobs")):
        draft.job(entry.key, entry.key_span.line)
    for entry in entries(get(root, "jobs")):
        add_job(draft, entry, get(root, "env"))
    _paths(draft, paths)
    inherit_conditions(draft)
    return draft


def _run_name(draft: Draft, node: Node | None) -> None:
    text = text_of(node)
    if text is not None:
        draft.set(text, "targets", "github", "workflow", "run-name")
        draft.ledger.overlay(node, "targets", "github", "workflow", "run-name")


def _defaults(draft: Draft, root: Node) -> None:
    run = get(root, "defaults", "run")
    folder = get(run, "working-directory")
    if (text := text_of(folder)) is not None and (path := clean_folder(text)):
        draft.put(folder, path, "defaults", "working_directory")
    if text_of(get(run, "shell")) == "bash":
        draft.ledger.replaced(get(run, "shell"), "commands run in bash, in strict mode")


def clean_folder(text: str) -> str | None:
    """Return a folder inside the project, without `./` and the last slash."""
    path = text.strip().removeprefix("./").rstrip("/")
    return (
        path if path and path != "." and not re.search(r"[$\\:~*?]|\.\.", path) and path[0] != "/" else None
    )


def _triggers(draft: Draft, on: Node | None) -> list[tuple[Node, list[str]]]:
    """Draft what starts a run; return the path filters, to be placed when the jobs are known."""
    named: dict[str, Node | None] = {entry.key: entry.node for entry in entries(on)}
    if not isinstance(on, Mapping):
        named = dict.fromkeys(texts(on))
    filters: list[tuple[Node, list[str]]] = []
    for event, node in named.items():
        place = _event(draft, event, node)
        if place is None:
            reason = f"the event {event} starts no run of mlcc: an outside system can send a `dispatch`"
            draft.ledger.listed(node, reason)
            if node is None:
                draft.ledger.finding(on.span.line if on else 1, f"on.{event}", reason)
            continue
        paths = get(node, "paths")
        if paths is not None:
            filters.append((paths, texts(paths)))
        if not isinstance(node, Mapping):
            draft.ledger.placed(node, "triggers", place)
    if not isinstance(on, Mapping):
        draft.ledger.placed(on, "triggers")
    if not draft.get("triggers"):
        draft.set({"run": {}}, "triggers", "manual")
        draft.ledger.suggest(
            "nothing of what started this pipeline has a counterpart: `triggers` has only a form to start it by hand"
        )
    return filters


def _event(draft: Draft, event: str, node: Node | None) -> str | None:
    if event == "push":
        return _push(draft, node)
    if event == "pull_request":
        branches = get(node, "branches")
        draft.put(branches, {"branches": texts(branches) or ["**"]}, "triggers", "pull_request")
        types = set(texts(get(node, "types")))
        if types and types <= {"opened", "synchronize", "reopened"}:
            draft.ledger.replaced(get(node, "types"), "a run for every push to the pull request")
        return "pull_request"
    if event == "schedule":
        return _schedule(draft, node)
    if event == "workflow_dispatch":
        return _form(draft, node)
    if event == "repository_dispatch":
        for number, item in enumerate(items(get(node, "types"))):
            id = identifier(text_of(item) or "", f"dispatch-{number + 1}")
            draft.append(id, "triggers", "dispatch")
            draft.ledger.placed(item, "triggers", "dispatch")
        return "dispatch" if draft.get("triggers", "dispatch") else None
    return None


def _push(draft: Draft, node: Node | None) -> str:
    branches, tags = get(node, "branches"), get(node, "tags")
    if tags is not None:
        draft.put(tags, {"patterns": texts(tags)}, "triggers", "tag")
    if branches is not None or tags is None:
        draft.put(branches, {"branches": texts(branches) or ["**"]}, "triggers", "push")
        if branches is None:
            draft.ledger.suggest("triggers.push has every branch, as before: main alone is the usual choice")
        return "push"
    return "tag"


def _schedule(draft: Draft, node: Node | None) -> str | None:
    for number, item in enumerate(items(node)):
        cron = plain_cron(text_of(get(item, "cron")) or "")
        if cron is not None:
            id = "scheduled" if number == 0 else f"scheduled-{number + 1}"
            draft.put(get(item, "cron"), cron, "triggers", "schedule", id)
    return "schedule" if draft.get("triggers", "schedule") else None


def plain_cron(text: str) -> str | None:
    """Return a cron line in digits; None where it isn't one of five fields."""
    fields = text.lower().split()
    if len(fields) != 5:
        return None
    words = {3: _MONTHS, 4: _DAYS}
    for place, names in words.items():
        fields[place] = re.sub(r"[a-z]{3}", lambda m, names=names: names.get(m[0], m[0]), fields[place])  # type: ignore[misc]
    fields[4] = re.sub(r"\b7\b", "0", fields[4])
    found = " ".join(fields)
    return found if re.fullmatch(r"[-0-9*/, ]+", found) else None


def _form(draft: Draft, node: Node | None) -> str:
    draft.set({}, "triggers", "manual", "run")
    for entry in entries(get(node, "inputs")):
        id = identifier(entry.key, "input")
        kind = text_of(get(entry.node, "type")) or "string"
        field: dict[str, Any] = {"type": _TYPES.get(kind, "string")}
        place = ("triggers", "manual", "run", "inputs", id)
        draft.ledger.placed(get(entry.node, "type") if kind in _TYPES else None, *place)
        for key in ("description", "default", "required", "options"):
            found = get(entry.node, key)
            value = texts(found) if key == "options" else found.value if isinstance(found, Scalar) else None
            if value not in (None, [], "") and not (isinstance(value, str) and EXPRESSION.search(value)):
                field[key] = str(value) if key == "description" else value
                draft.ledger.placed(found, *place)
            elif value == "":
                draft.ledger.replaced(found, "an input without a default is empty")
        draft.set(field, *place)
    return "manual"


def _paths(draft: Draft, filters: list[tuple[Node, list[str]]]) -> None:
    """Place path filters: a job that needs no other depends on these files, and what needs it inherits them."""
    if not filters:
        return
    first = filters[0][1]
    if any(paths != first for _, paths in filters) or any(path.startswith("!") for path in first):
        for node, _ in filters:
            draft.ledger.listed(
                node,
                "the filters differ by event, or leave something out: name the files under `path` of the jobs",
            )
        return
    for id, job in (draft.get("jobs") or {}).items():
        if not job.get("needs") and not job.get("reads"):
            paths = [own_path(path) for path in first]
            draft.set(list(dict.fromkeys(path for path in paths if path)), "jobs", id, "path")
            for node, _ in filters:
                draft.ledger.placed(node, "jobs", id, "path")


def own_path(pattern: str) -> str | None:
    """Return a path pattern of the spec; None where the spec itself is meant, which every node depends on."""
    pattern = pattern.removeprefix("./")
    if pattern.startswith(".github/workflows"):
        return None
    return pattern[:-2] if pattern.endswith("/**") else pattern
