"""A .gitlab-ci.yml -> a draft of the spec."""

from __future__ import annotations

from typing import Any

from mlcc.importing.document import Document, entries, get, items, text_of, texts
from mlcc.importing.draft import Draft
from mlcc.importing.gitlab_job import JobReader
from mlcc.importing.gitlab_merge import Merger
from mlcc.importing.gitlab_rules import EVENTS, Rules
from mlcc.importing.ledger import UNKNOWN, Ledger
from mlcc.load.source import Entry, Mapping, Node

_GLOBAL = {
    "stages", "default", "variables", "include", "workflow", "image", "services", "before_script", "after_script", "cache",
    "spec", "types",
}  # fmt: skip
_DEFAULTS = (
    "image",
    "services",
    "before_script",
    "after_script",
    "cache",
    "tags",
    "timeout",
    "retry",
    "artifacts",
    "interruptible",
)


def import_gitlab(document: Document, name: str) -> Draft:
    """Return the draft of a pipeline, with an account of every line in its ledger."""
    ledger = Ledger(document)
    draft = Draft(name, ledger)
    root = document.root
    draft.set({}, "targets", "gitlab")
    ledger.replaced(get(root, "stages"), "the order follows from who reads and who needs what")
    ledger.listed(
        get(root, "include"), "what other files add isn't here: import each of them, and join the specs"
    )
    merger = Merger(document, ledger)
    merged = _jobs(root, merger)
    workflow = Rules(draft)
    workflow.take(merger.commands(get(root, "workflow", "rules")))
    rules = {name: _rules(draft, merger, job) for name, job in merged.items()}
    _triggers(draft, [workflow, *rules.values()], workflow.restricted)
    _account_workflow(draft, get(root, "workflow"), workflow)
    for name, job in merged.items():
        if "trigger" in job:
            reason = "a downstream pipeline isn't part of this one: import its file, and join the specs"
            ledger.listed(Mapping(job, get(root, name).span), reason)  # type: ignore[union-attr]
        else:
            draft.job(name, root.entries[name].key_span.line)  # type: ignore[union-attr]
    stages = texts(get(root, "stages")) or ["build", "test", "deploy"]
    reader = JobReader(draft, merger, _defaults(root), ["\0pre", *stages, "\0post"], get(root, "variables"))
    for name in draft.jobs:
        reader.add(name, merged[name], rules[name], workflow)
    for name in draft.jobs:
        reader.connect(name, merged[name])
    for name, job in merged.items():
        ledger.listed(Mapping(job, get(root, name).span), UNKNOWN)  # type: ignore[union-attr]
    _account_hidden(root, ledger, merger.referred)
    return draft


def _jobs(root: Node, merger: Merger) -> dict[str, dict[str, Entry]]:
    return {
        entry.key: merger.job(entry.node)
        for entry in entries(root)
        if entry.key not in _GLOBAL and not entry.key.startswith(".") and isinstance(entry.node, Mapping)
    }


def _defaults(root: Node) -> dict[str, Entry]:
    """Return what every job has unless it says otherwise: under `default`, or in the old form at the top."""
    found = {entry.key: entry for entry in entries(root) if entry.key in _DEFAULTS}
    found.update({entry.key: entry for entry in entries(get(root, "default")) if entry.key in _DEFAULTS})
    return found


def _rules(draft: Draft, merger: Merger, job: dict[str, Entry]) -> Rules:
    found = Rules(draft)
    if "rules" in job:
        found.take(merger.commands(job["rules"].node))
    elif "only" in job:
        found.only(job["only"].node)
    if "when" in job and text_of(job["when"].node) in ("manual", "delayed"):
        found.by_hand = True
    return found


def _events(rules: list[Rules]) -> set[str]:
    said: set[str] = set()
    for one in rules:
        for alternative in one.alternatives:
            events = alternative.get("event", [])
            # a list comes from what every branch has, not from a rule that names the event
            said |= {events} if isinstance(events, str) else set()
            said |= {"tag"} if "tag" in alternative else set()
        said |= {"manual"} if one.by_hand else set()
    return said


def _triggers(draft: Draft, rules: list[Rules], restricted: bool) -> None:
    """State what starts a run: the file says so only by the rules of its jobs."""
    said = _events(rules)
    draft.set({"branches": ["**"]}, "triggers", "push")
    values: dict[str, Any] = {
        "pull_request": {"branches": ["**"]}, "tag": {"patterns": ["**"]}, "schedule": {"scheduled": "17 3 * * *"},
        "manual": {"run": {}}, "dispatch": ["triggered"],
    }  # fmt: skip
    for event in EVENTS:
        if event in said and event in values:
            draft.set(values[event], "triggers", event)
    if "schedule" in said:
        draft.ledger.finding(
            1, "schedules", "GitLab keeps their times in its settings: 17 3 * * * stands in their place"
        )
    if not restricted:
        draft.ledger.suggest("triggers.push has every branch, as before: main alone is the usual choice")


def _account_workflow(draft: Draft, node: Node | None, rules: Rules) -> None:
    if rules.unknown:
        draft.ledger.listed(
            get(node, "rules"), f"no counterpart for {', '.join(rules.unknown)}: look at `triggers`"
        )
    else:
        draft.ledger.placed(get(node, "rules"), "triggers")
    draft.ledger.replaced(get(node, "name"), "the name of the spec")


def _account_hidden(root: Node, ledger: Ledger, referred: set[str]) -> None:
    """Say what became of hidden jobs: what of them is left over is stated otherwise by those that extend them."""
    used = referred | {name for entry in entries(root) for name in texts(get(entry.node, "extends"))}
    merged = {id(node) for node in ledger.document.merged}
    for entry in entries(root):
        if entry.key.startswith("."):
            if entry.key in used or merged:
                ledger.replaced(entry.node, "the jobs that take it over state it otherwise")
            else:
                ledger.listed(entry.node, "no job of this file takes it over")
    for item in items(get(root, "default")):
        for entry in entries(item):
            if entry.key in _DEFAULTS:
                ledger.replaced(entry.node, "every job states it otherwise")
    for entry in entries(root):
        if entry.key in _DEFAULTS:
            ledger.replaced(entry.node, "every job states it otherwise")
