"""GitLab's `rules`, `only` and `except` -> conditions of the spec. Matched, never evaluated."""

from __future__ import annotations

import re
from typing import Any

from mlcc.importing.conditions import as_list, both
from mlcc.importing.document import entries, get, text_of, texts
from mlcc.importing.draft import Draft
from mlcc.load.source import Mapping, Node

EVENTS = ("push", "pull_request", "tag", "schedule", "manual", "dispatch")
_SOURCES = {
    "merge_request_event": "pull_request", "push": "push", "schedule": "schedule", "web": "manual",
    "trigger": "dispatch", "api": "dispatch", "external_pull_request_event": "pull_request",
}  # fmt: skip
_ONLY: dict[str, dict[str, Any]] = {
    "merge_requests": {"event": "pull_request"}, "schedules": {"event": "schedule"}, "tags": {"event": "tag"},
    "web": {"event": "manual"}, "triggers": {"event": "dispatch"}, "api": {"event": "dispatch"},
    "pushes": {"event": "push"}, "branches": {"event": ["push", "schedule", "manual"]},
}  # fmt: skip
_EQUAL = re.compile(r"\$(\w+)\s*(==|!=)\s*(?:\"([^\"]*)\"|'([^']*)'|\$(\w+)|(null))\Z")
_MATCH = re.compile(
    r"\$(CI_COMMIT_TAG|CI_COMMIT_BRANCH|CI_COMMIT_REF_NAME)\s*=~\s*/\^([\w./-]*)(?:\.\*)?(\$?)/\Z"
)
_BRANCH_EVENTS = ["push", "schedule", "manual"]


class Rules:
    """What a job's rules say: alternatives, files, and the parts that have no counterpart."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.alternatives: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.unknown: list[str] = []
        self.restricted = False
        self.by_hand = False
        self.unbound = False  # a rule for events with changes names no files

    def take(self, rules: list[Node]) -> None:
        """Read `rules`: the first that holds decides, so one that says `never` leaves its event to none of the later."""
        left: list[str] | None = None
        for rule in rules:
            self.restricted = True
            said = self._rule(rule)
            never = text_of(get(rule, "when")) == "never"
            if said is None:
                continue
            if never:
                if not said and get(rule, "changes") is None:
                    break
                if set(said) == {"event"}:
                    gone = as_list(said["event"])
                    left = [event for event in (left or list(EVENTS)) if event not in gone]
                else:
                    self.unknown.append(f"the rule of line {rule.span.line}, which says never")
                continue
            if left is not None:
                merged = both(said, {"event": left})
                if merged is None:
                    continue
                said = merged
            differs = "tag" not in said and {"push", "pull_request"} & set(as_list(said.get("event", EVENTS)))
            self.unbound |= get(rule, "changes") is None and bool(differs)
            if said not in self.alternatives:
                self.alternatives.append(said)

    def _rule(self, rule: Node) -> dict[str, Any] | None:
        if not isinstance(rule, Mapping):
            self.unknown.append(f"the rule of line {rule.span.line}")
            return None
        if text_of(get(rule, "when")) in ("manual", "delayed"):
            self.by_hand = True
        changes = get(rule, "changes")
        self.draft.ledger.listed(
            get(changes, "compare_to"), "changes count since the last green run, or the merge base"
        )
        self.paths += texts(get(changes, "paths") if isinstance(changes, Mapping) else changes)
        if get(rule, "exists") is not None:
            self.unknown.append("exists")
        for entry in entries(rule):
            plain = entry.key != "when" or text_of(entry.node) in ("on_success", "never", "manual", "delayed")
            if entry.key not in ("if", "when", "changes", "exists") or not plain:
                self.draft.ledger.listed(entry.node, "a condition says when a job runs, and nothing else")
        return self.condition(text_of(get(rule, "if")))

    def condition(self, text: str | None) -> dict[str, Any] | None:
        """Return what an `if` says; None where it isn't understood."""
        said: dict[str, Any] = {}
        for part in re.split(r"\s*&&\s*", (text or "").strip()) if text else []:
            found = None if "||" in part else self._fact(part.strip("() "))
            merged = None if found is None else both(said, found)
            if merged is None:
                self.unknown.append(part)
                return None
            said = merged
        return said

    def _fact(self, part: str) -> dict[str, Any] | None:
        if part == "$CI_COMMIT_TAG":
            return {"event": "tag"}
        if part == "$CI_COMMIT_BRANCH":
            return {"event": _BRANCH_EVENTS}
        if part in ("$CI_MERGE_REQUEST_ID", "$CI_MERGE_REQUEST_IID"):
            return {"event": "pull_request"}
        if match := _MATCH.match(part):
            variable, prefix, closed = match.groups()
            pattern = prefix if closed else f"{prefix}**"
            if variable == "CI_COMMIT_TAG":
                return {"tag": pattern}
            return {"event": _BRANCH_EVENTS, "branch": pattern}
        match = _EQUAL.match(part)
        return None if match is None else self._comparison(match)

    def _comparison(self, match: re.Match[str]) -> dict[str, Any] | None:
        name, operator, double, single, variable, null = match.groups()
        text = double if double is not None else single
        if null and name == "CI_COMMIT_TAG":
            return {"event": "tag"} if operator == "!=" else {"event": [e for e in EVENTS if e != "tag"]}
        if name == "CI_PIPELINE_SOURCE" and text in _SOURCES:
            event = _SOURCES[text]
            return {"event": event} if operator == "==" else {"event": [e for e in EVENTS if e != event]}
        if operator == "!=":
            return None
        if variable == "CI_DEFAULT_BRANCH":
            self.draft.ledger.suggest("the default branch is taken to be `main`")
            text = "main"
        if text is None:
            return None
        if name in ("CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME"):
            return {"event": _BRANCH_EVENTS, "branch": text}
        if name == "CI_MERGE_REQUEST_TARGET_BRANCH_NAME":
            return {"event": "pull_request", "branch": text}
        return {"tag": text} if name == "CI_COMMIT_TAG" else None

    def only(self, node: Node | None) -> None:
        """Read `only`."""
        refs = get(node, "refs") if isinstance(node, Mapping) else node
        self.restricted |= node is not None
        self.paths += texts(get(node, "changes"))
        for ref in texts(refs):
            if ref in _ONLY:
                self.alternatives.append(dict(_ONLY[ref]))
            elif re.fullmatch(r"[\w./-]+", ref):
                self.alternatives.append({"event": _BRANCH_EVENTS, "branch": ref})
            elif match := re.fullmatch(r"/\^([\w./-]*)(?:\.\*)?/", ref):
                self.alternatives.append({"event": _BRANCH_EVENTS, "branch": f"{match[1]}**"})
            else:
                self.unknown.append(ref)
        if isinstance(node, Mapping) and set(node.entries) - {"refs", "changes"}:
            self.unknown.append("only: " + ", ".join(sorted(set(node.entries) - {"refs", "changes"})))
