"""A Jenkinsfile -> a draft of the spec: the declarative form, and stages of the scripted one."""

from __future__ import annotations

import re
from typing import Any

from mlcc.diagnostics import Span, SpecError, error
from mlcc.importing.document import Document, entries
from mlcc.importing.draft import Draft, duration, identifier
from mlcc.importing.jenkins_stage import Stage
from mlcc.importing.jenkinsfile import argument, arguments, head_of, plain_text, read_jenkinsfile
from mlcc.importing.ledger import Ledger
from mlcc.load.source import Entry, Mapping, Node

_UNITS = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3600, "DAYS": 86400}
_QUIET = {
    "timestamps", "ansiColor", "disableConcurrentBuilds", "skipDefaultCheckout", "skipStagesAfterUnstable",
    "newContainerPerStage", "parallelsAlwaysFailFast", "preserveStashes", "durabilityHint",
}  # fmt: skip


def import_jenkins(text: str, path: str, name: str) -> Draft:
    """Return the draft of a Jenkinsfile, with an account of every line. Raises SpecError where it has no stages."""
    root = read_jenkinsfile(text, path)
    ledger = Ledger(Document(path, text, root))
    draft = Draft(name, ledger)
    draft.set({}, "targets", "jenkins")
    draft.set({"branches": ["**"]}, "triggers", "push")
    draft.set({"branches": ["**"]}, "triggers", "pull_request")
    if re.search(r"\b(?:buildingTag|tag)\b\s*[('\"]", text):
        draft.set({"patterns": ["**"]}, "triggers", "tag")
    pipeline = blocks(root, "pipeline")
    reader = _Pipeline(draft)
    if pipeline:
        reader.declarative(pipeline[0].node)
    elif blocks(root, "node"):
        for node in blocks(root, "node"):
            reader.scripted(node)
    else:
        message = "there is no `pipeline` and no `node` with stages in it"
        raise SpecError([error("not-a-pipeline", message, Span(path, 1, 1, 1, 1))])
    ledger.suggest("a multibranch job builds every branch and pull request: `triggers` may name fewer")
    return draft


def blocks(node: Node, name: str) -> list[Entry]:
    """Return the blocks of a name."""
    return [
        entry for entry in entries(node) if head_of(entry.key)[0] == name and isinstance(entry.node, Mapping)
    ]


class _Pipeline:
    def __init__(self, draft: Draft) -> None:
        self.draft, self.ledger = draft, draft.ledger
        self.before: list[str] = []
        self.shared = False

    def declarative(self, node: Node) -> None:
        inherited: list[Entry] = []
        for entry in entries(node):
            name = head_of(entry.key)[0]
            if name in ("agent", "environment"):
                inherited.append(entry)
            elif name == "options":
                self.options(entry.node)
            elif name == "triggers":
                self.triggers(entry.node)
            elif name == "parameters":
                self.parameters(entry.node)
        self.shared = any(head_of(e.key)[0] == "agent" and head_of(e.key)[1] != "none" for e in inherited)
        for stages in blocks(node, "stages"):
            self.sequence(stages.node, inherited)
        for post in blocks(node, "post"):
            self.post(post.node)

    def scripted(self, node: Entry) -> None:
        label = plain_text(head_of(node.key)[1])
        agent = [] if label is None else [Entry(f"agent {{ label '{label}' }}", node.key_span, node.node)]
        self.shared = True
        for entry in entries(node.node):
            if head_of(entry.key)[0] == "stage":
                self.stage(entry, [])
            elif head_of(entry.key) == ("checkout", "scm"):
                self.ledger.replaced(entry.node, "mlcc checks the repository out")
        if agent and label:
            for id in self.draft.tree.get("jobs", {}):
                self.draft.set(self.draft.runner([label], "jenkins"), "jobs", id, "runner")

    def sequence(self, node: Node, inherited: list[Entry]) -> None:
        for entry in blocks(node, "stage"):
            self.stage(entry, inherited)

    def stage(self, entry: Entry, inherited: list[Entry]) -> None:
        """Draft a stage, or what is inside of one that only groups others."""
        own = [e for e in entries(entry.node) if head_of(e.key)[0] in ("agent", "environment", "when")]
        parallel, nested = blocks(entry.node, "parallel"), blocks(entry.node, "stages")
        if parallel:
            before, ends = self.before, []
            for child in blocks(parallel[0].node, "stage"):
                self.before = before
                self.stage(child, [*inherited, *own])
                ends += self.before
            self.before = list(dict.fromkeys(ends)) or before
            for e in entries(entry.node):
                if head_of(e.key)[0] == "failFast":
                    self.ledger.replaced(e.node, "a failed job never stops an independent one")
        elif nested:
            self.sequence(nested[0].node, [*inherited, *own])
        else:
            id = Stage(self.draft, entry, inherited).draft_job(self.before)
            if id is not None:
                if self.shared and self.before and not self.draft.get("jobs", id, "reads"):
                    reason = "stages share a workspace, jobs don't: state what it `reads` of the jobs before"
                    self.ledger.finding(entry.key_span.line, f"jobs.{id}", reason)
                self.before = [id]

    def options(self, node: Node) -> None:
        for entry in entries(node):
            name, rest = head_of(entry.key)
            if name in _QUIET:
                self.ledger.replaced(
                    entry.node, "mlcc checks out, keeps times, and lets one run of a release in"
                )
            elif name == "timeout" and (seconds := seconds_of(rest)):
                self.draft.put(entry.node, duration(seconds), "defaults", "timeout")
                self.ledger.finding(
                    entry.key_span.line, "timeout", "the time was for the whole run: it is each job's now"
                )
            elif name == "retry" and rest.isdigit():
                self.draft.put(entry.node, min(max(int(rest) - 1, 0), 5), "defaults", "retry")

    def triggers(self, node: Node) -> None:
        for entry in entries(node):
            name, rest = head_of(entry.key)
            if name in ("pollSCM", "githubPush", "gitlab"):
                self.ledger.placed(entry.node, "triggers", "push")
            elif name == "cron" and (text := plain_text(rest)):
                for number, line in enumerate(text.strip().splitlines()):
                    cron = _cron(line)
                    if cron is None:
                        self.ledger.finding(
                            entry.key_span.line, line.strip(), "no line of five cron fields, in UTC"
                        )
                        continue
                    id = "scheduled" if number == 0 else f"scheduled-{number + 1}"
                    self.draft.put(entry.node, cron, "triggers", "schedule", id)
                    if "H" in line:
                        self.ledger.finding(
                            entry.key_span.line,
                            line.strip(),
                            f"H is Jenkins' own choice of a time: {cron} stands in its place",
                        )

    def parameters(self, node: Node) -> None:
        types = {"string": "string", "text": "string", "booleanParam": "boolean", "choice": "choice"}
        for entry in entries(node):
            kind, rest = head_of(entry.key)
            name = plain_text(argument(rest, "name"))
            if kind not in types or name is None:
                continue
            field: dict[str, Any] = {"type": types[kind]}
            if description := plain_text(argument(rest, "description")):
                field["description"] = description
            raw = argument(rest, "defaultValue")
            if kind == "booleanParam" and raw in ("true", "false"):
                field["default"] = raw == "true"
            elif (default := plain_text(raw)) is not None and default:
                field["default"] = default
            if kind == "choice":
                choices = argument(rest, "choices") or ""
                field["options"] = [t for _, v in arguments(choices.strip("[]")) if (t := plain_text(v))]
                if field["options"]:
                    field["default"] = field["options"][0]
            self.draft.put(
                entry.node, field, "triggers", "manual", "run", "inputs", identifier(name, "input")
            )

    def post(self, node: Node) -> None:
        """Draft what follows the whole run, where it is commands that always run or run after a failure."""
        for block in entries(node):
            condition = head_of(block.key)[0]
            status = {
                "always": "always",
                "cleanup": "always",
                "failure": "failure",
                "unsuccessful": "failure",
            }.get(condition)
            names = {head_of(e.key)[0] for e in entries(block.node)}
            if names <= {"cleanWs", "deleteDir"}:
                self.ledger.replaced(block.node, "every job starts with a clean workspace")
            elif status is None or "sh" not in names or not self.before:
                self.ledger.listed(
                    block.node,
                    "who is told of a run is stated under `notify`; files of a job belong to the job",
                )
            else:
                last = list(self.draft.tree.get("jobs", {}))
                stage = Entry(
                    f"stage('{condition}')",
                    block.key_span,
                    Mapping({"steps": Entry("steps", block.key_span, block.node)}, block.node.span),
                )
                id = Stage(self.draft, stage, []).draft_job(last)
                if id is not None:
                    self.draft.set({"status": status}, "jobs", id, "when")


def seconds_of(arguments_: str) -> int | None:
    """Return the seconds of `time: 2, unit: 'HOURS'`; None where they can't be told."""
    time = argument(arguments_, "time", 0) or ""
    unit = plain_text(argument(arguments_, "unit")) or "MINUTES"
    return int(time) * _UNITS[unit] if time.isdigit() and unit in _UNITS else None


def _cron(line: str) -> str | None:
    aliases = {
        "@daily": "H H * * *",
        "@midnight": "H H * * *",
        "@weekly": "H H * * 0",
        "@hourly": "H * * * *",
        "@monthly": "H H 1 * *",
    }
    fields = aliases.get(line.strip(), line).split()
    if len(fields) != 5 or line.lstrip().startswith(("#", "TZ=")):
        return None
    stand_in = ("17", "3", "1", "1", "1")
    fields = [re.sub(r"\bH(?:\([\d-]+\))?(?=/)", "*", field) for field in fields]
    fields = [
        re.sub(r"\bH(?:\([\d-]+\))?", number, field) for field, number in zip(fields, stand_in, strict=True)
    ]
    found = " ".join(fields)
    return found if re.fullmatch(r"[-0-9*/, ]+", found) else None
