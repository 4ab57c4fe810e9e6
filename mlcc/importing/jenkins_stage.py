"""One stage of a Jenkinsfile -> one job of the draft."""

from __future__ import annotations

import re

from mlcc.importing.document import entries
from mlcc.importing.draft import Draft, duration, identifier
from mlcc.importing.jenkins_files import keep, unstash
from mlcc.importing.jenkins_when import alternatives_of
from mlcc.importing.jenkinsfile import argument, arguments, head_of, literal, plain_text
from mlcc.importing.shell import TEST_COMMAND, in_folder, is_installation, stop, visible, with_variables
from mlcc.load.source import Entry, Mapping, Node

_FACTS = {
    "BUILD_NUMBER": "run_number", "BUILD_ID": "run_id", "BUILD_URL": "run_url", "GIT_COMMIT": "commit",
    "BRANCH_NAME": "branch", "GIT_BRANCH": "branch", "WORKSPACE": "workspace", "TAG_NAME": "tag", "CHANGE_ID": "pull_request",
}  # fmt: skip
_INTERPOLATED = re.compile(r"(\$(?:\{\s*(?:(?:env|params)\.)?\w+\s*\}|(?:(?:env|params)\.)?[A-Za-z_]\w*))")
_PARTS = re.compile(r"\$\{?\s*(?:(env|params)\.)?(\w+)")
_OTHER_VALUE = re.compile(r"\$\{[^}]*\}")
_UNITS = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3600, "DAYS": 86400}
_IGNORED = {
    "cleanWs": "every job starts with a clean workspace",
    "deleteDir": "every job starts with a clean workspace",
}


class Stage:
    """Drafts one job of a stage and of what the stages around it state for it."""

    def __init__(self, draft: Draft, entry: Entry, inherited: list[Entry]) -> None:
        self.draft, self.ledger, self.entry = draft, draft.ledger, entry
        self.inherited = inherited
        self.name = plain_text(head_of(entry.key)[1]) or "stage"
        self.id = ""
        self.exports: list[str] = []
        self.commands: list[str] = []
        self.stops: list[str] = []

    def draft_job(self, before: list[str]) -> str | None:
        """Draft the job, after the jobs before it; return its id, None where the stage does nothing."""
        self.id = self.draft.job(self.name, self.entry.key_span.line)
        if before:
            self.draft.set(list(before), "jobs", self.id, "needs")
        steps: list[Entry] = []
        for entry in [*self.inherited, *entries(self.entry.node)]:
            self.key(entry, steps)
        for entry in steps:
            self.steps(entries(entry.node), "")
        return self.finish()

    def key(self, entry: Entry, steps: list[Entry]) -> None:
        """Take one key of the stage, or of one around it; its steps come when the rest is known."""
        name, rest = head_of(entry.key)
        taken = {"environment": self.environment, "when": self.when, "post": self.post}
        if name in taken:
            taken[name](entry.node)
        elif name == "agent":
            self.agent(entry, rest)
        elif name == "options":
            for option in entries(entry.node):
                self.option(option)
        elif name == "steps":
            steps.append(entry)
        elif name == "matrix":
            self.matrix(entry.node, steps)
        elif name in ("input", "tools"):
            approval = "a person's approval is one of an environment"
            tools = "tools are installed in `setup`, or come with `image`"
            self.ledger.listed(entry.node, approval if name == "input" else tools)
            self.stops.append(stop(f"{name} of the stage {self.name}"))
        elif entry not in self.inherited:
            self.steps([entry], "")

    def finish(self) -> str | None:
        """Write the command of the job; drop a job that only checked out."""
        job = self.draft.tree["jobs"][self.id]
        if not self.commands and not self.stops and not {"writes", "reports", "finally"} & set(job):
            del self.draft.tree["jobs"][self.id]
            return None
        if not self.commands:
            self.stops = [*self.stops, stop(f"what the stage {self.name} does")]
            self.ledger.finding(
                self.entry.key_span.line, self.name, "nothing of what the stage does could be placed"
            )
        split = next((n for n, c in enumerate(self.commands) if not is_installation(c)), 0)
        lines = [*dict.fromkeys(self.stops), *([] if split else self.exports), *self.commands[split:]]
        if split:
            job["setup"] = [*self.exports, *self.commands[:split]]
        job["run"] = "\n".join(lines)
        self.draft.tidy(self.id)
        return self.id

    # Where it runs

    def agent(self, entry: Entry, rest: str) -> None:
        """Take a label or an image."""
        place = ("jobs", self.id)
        inner = entries(entry.node) if isinstance(entry.node, Mapping) else []
        if rest in ("any", "none"):
            self.ledger.replaced(entry.node, "a machine of the pool that mlcc takes by default")
        if match := re.fullmatch(r"\{ label '(.*)' \}", rest):
            self.draft.set(self.draft.runner([match[1]], "jenkins"), *place, "runner")
        for item in inner:
            name, value = head_of(item.key)
            text = plain_text(value)
            if name in ("label", "node") and text:
                self.draft.tree["jobs"][self.id].pop("runner", None)
                self.draft.put(item.node, self.draft.runner([text], "jenkins"), *place, "runner")
            elif name == "docker" and text:
                self.draft.put(item.node, text, *place, "image")
            elif name == "docker" and isinstance(item.node, Mapping):
                self.agent_docker(item.node)

    def agent_docker(self, node: Node) -> None:
        """Take the image of a docker agent, and the label of where it runs."""
        for item in entries(node):
            name, value = head_of(item.key)
            text = plain_text(value)
            if name == "image" and text:
                self.draft.put(item.node, text, "jobs", self.id, "image")
            elif name == "label" and text:
                self.draft.put(item.node, self.draft.runner([text], "jenkins"), "jobs", self.id, "runner")

    def environment(self, node: Node) -> None:
        """Take variables: literals, credentials, and text with values, which the command joins."""
        for entry in entries(node):
            match = re.match(r"([A-Za-z_]\w*)\s*=\s*(.*)\Z", entry.key, re.DOTALL)
            if match is None:
                continue
            name, value = match.groups()
            credential = re.fullmatch(r"credentials\((.*)\)", value, re.DOTALL)
            found = literal(value)
            if credential and (id := plain_text(credential[1])):
                self.secret(name, id, entry, False)
            elif found is not None and not found[1]:
                self.draft.put(entry.node, visible(found[0].replace("\1", "$")), "jobs", self.id, "env", name)
            elif found is not None:
                joined = self.interpolated(found[0], entry)
                self.exports.append(f'export {name}="{joined}"')
                self.ledger.placed(entry.node, "jobs", self.id, "run")
            else:
                self.stops.append(stop(f"the variable {name}"))
                self.ledger.listed(
                    entry.node, "a variable is a literal or a typed value: the job stops until it is stated"
                )

    def secret(self, name: str, credential: str, entry: Entry, as_file: bool) -> None:
        """Take a credential for a secret of the same name."""
        secret = re.sub(r"\W", "_", credential)
        secret = secret if re.match(r"[A-Za-z_]", secret) else f"_{secret}"
        value = {"secret": secret, **({"as": "file"} if as_file else {})}
        self.draft.put(entry.node, value, "jobs", self.id, "env", name)
        if secret != credential:
            self.ledger.finding(
                entry.key_span.line, credential, f"a secret has no such name: keep it under the id {secret}"
            )

    def when(self, node: Node) -> None:
        """Take the conditions of the stage, and of those around it."""
        there = self.draft.get("jobs", self.id, "when")
        found = alternatives_of(self.draft, self.id, node, there)
        if found is None:
            self.ledger.listed(node, "no counterpart: the job stops until its `when` is stated")
            self.stops.append(stop(f"the condition of the stage {self.name}"))
            return
        if found:
            self.draft.set(found[0] if len(found) == 1 else found, "jobs", self.id, "when")
        self.ledger.placed(node, "jobs", self.id, "when")

    def option(self, entry: Entry) -> None:
        """Take a time or a number of attempts."""
        name, rest = head_of(entry.key)
        time, unit = argument(rest, "time", 0) or "", plain_text(argument(rest, "unit")) or "MINUTES"
        if name == "timeout" and time.isdigit() and unit in _UNITS:
            self.draft.put(
                entry.node if not isinstance(entry.node, Mapping) else None,
                duration(int(time) * _UNITS[unit]),
                "jobs",
                self.id,
                "timeout",
            )
        elif name == "retry" and (count := argument(rest, "count", 0) or "").isdigit():
            self.draft.put(
                entry.node if not isinstance(entry.node, Mapping) else None,
                min(max(int(count) - 1, 0), 5),
                "jobs",
                self.id,
                "retry",
            )
        elif name in ("timestamps", "ansiColor", "skipDefaultCheckout"):
            self.ledger.replaced(entry.node, "mlcc checks out, and keeps times")

    def matrix(self, node: Node, steps: list[Entry]) -> None:
        """Take the axes of a matrix whose stages are one."""
        inner = {head_of(entry.key)[0]: entry for entry in entries(node)}
        stages = entries(inner["stages"].node) if "stages" in inner else []
        if set(inner) - {"axes", "stages", "agent"} or len(stages) != 1 or "axes" not in inner:
            self.ledger.listed(node, "a matrix is one job with axes of plain values")
            return
        if "agent" in inner:
            self.agent(inner["agent"], head_of(inner["agent"].key)[1])
        for axis in entries(inner["axes"].node):
            parts = {head_of(e.key)[0]: head_of(e.key)[1] for e in entries(axis.node)}
            name = plain_text(parts.get("name"))
            values = [plain_text(value) for _, value in arguments(parts.get("values", ""))]
            if name is None or not values or None in values:
                self.ledger.listed(axis.node, "an axis has a name and plain values")
                continue
            key = identifier(name, "axis")
            self.draft.put(axis.node, values, "jobs", self.id, "matrix", "axes", key)
            self.draft.set({"matrix": key}, "jobs", self.id, "env", name)
        steps += [e for e in entries(stages[0].node) if head_of(e.key)[0] == "steps"]

    # What it does

    def steps(self, found: list[Entry], folder: str) -> None:
        """Take steps in order; what isn't known is listed, and stops the job."""
        for entry in found:
            name, rest = head_of(entry.key)
            if isinstance(entry.node, Mapping):
                self.wrapper(entry, name, rest, folder)
            elif name == "sh":
                self.sh(entry, rest, folder)
            elif name == "echo" and (text := literal(argument(rest, "message", 0))) is not None:
                self.add(f'echo "{self.interpolated(text[0], entry)}"', entry, folder)
            elif name == "checkout" and rest == "scm":
                self.ledger.replaced(entry.node, "mlcc checks the repository out")
            elif name in _IGNORED:
                self.ledger.replaced(entry.node, _IGNORED[name])
            elif name in ("stash", "archiveArtifacts", "junit"):
                keep(self.draft, self.id, entry, name, rest)
            elif name == "unstash":
                if not unstash(self.draft, self.id, entry, rest):
                    self.unknown(entry, name)
            else:
                self.unknown(entry, name)

    def unknown(self, entry: Entry, name: str) -> None:
        """List a step, and let the job stop there."""
        self.ledger.listed(entry.node, "this step has no counterpart: the job stops until a command does it")
        self.stops.append(stop(f"the step {name or 'of line ' + str(entry.key_span.line)}"))

    def wrapper(self, entry: Entry, name: str, rest: str, folder: str) -> None:
        """Take what is inside of a block, and what the block states for it."""
        inner = entries(entry.node)
        if name in ("script", "timestamps", "ansiColor", "ws", "node", "stage"):
            self.steps(inner, folder)
        elif name == "dir" and (text := plain_text(rest)):
            self.steps(inner, f"{folder}/{text}".strip("/"))
        elif name in ("timeout", "retry"):
            self.option(entry)
            self.steps(inner, folder)
        elif name == "withEnv":
            for _, value in arguments(rest.strip("[]")):
                variable, _, text = (plain_text(value) or "=").partition("=")
                if variable:
                    self.draft.set(visible(text), "jobs", self.id, "env", variable)
                else:
                    self.unknown(entry, name)
            self.steps(inner, folder)
        elif name == "withCredentials" and self.credentials(entry, rest):
            self.steps(inner, folder)
        else:
            self.unknown(entry, name)

    def credentials(self, entry: Entry, rest: str) -> bool:
        """Take bound credentials for secrets; tell whether all of them could be taken."""
        found = []
        for _, binding in arguments(rest.strip().removeprefix("[").removesuffix("]")):
            kind, inner = head_of(binding)
            id, variable = (
                plain_text(argument(inner, "credentialsId")),
                plain_text(argument(inner, "variable")),
            )
            if kind not in ("string", "file") or not id or not variable:
                return False
            found.append((variable, id, kind == "file"))
        for variable, id, as_file in found:
            self.secret(variable, id, Entry(entry.key, entry.key_span, Mapping({}, entry.key_span)), as_file)
        return True

    def sh(self, entry: Entry, rest: str, folder: str) -> None:
        """Take a command."""
        found = literal(argument(rest, "script", 0))
        other = {key for key, _ in arguments(rest)} - {"", "script", "label"}
        if found is None or other:
            self.unknown(entry, "sh")
            return
        text, interpolates = found
        command = self.interpolated(text, entry) if interpolates else text.replace("\1", "$")
        lines = command.strip("\n").split("\n")
        margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        command = "\n".join(
            line[margin:] if line[:margin].isspace() else line.lstrip() for line in lines
        ).strip()
        self.add(command, entry, folder)
        if TEST_COMMAND.search(command):
            self.draft.suggest_gate(self.id)

    def add(self, command: str, entry: Entry, folder: str) -> None:
        """Add a command, in its folder."""
        if command:
            self.commands.append(visible(in_folder(command, folder) if folder else command))
        for name in re.findall(r"\$\{?([A-Z][A-Z0-9_]*)\b", command):
            if name in _FACTS and self.draft.get("jobs", self.id, "env", name) is None:
                self.draft.set({"context": _FACTS[name]}, "jobs", self.id, "env", name)
        self.ledger.placed(entry.node, "jobs", self.id, "run")

    def interpolated(self, text: str, entry: Entry) -> str:
        """Return a Groovy string with its values as variables of the shell."""

        def name_of(shown: str) -> str:
            match = _PARTS.match(shown)
            assert match is not None
            scope, name = match.groups()
            inputs = self.draft.get("triggers", "manual", "run", "inputs") or {}
            if identifier(name, "input") in inputs and scope != "env":
                self.draft.set({"input": identifier(name, "input")}, "jobs", self.id, "env", name)
            elif name in _FACTS:
                self.draft.set({"context": _FACTS[name]}, "jobs", self.id, "env", name)
            elif scope == "params" or (not scope and self.draft.get("jobs", self.id, "env", name) is None):
                self.no_value(shown, entry)
            return name

        for match in _OTHER_VALUE.finditer(_INTERPOLATED.sub("", text)):
            self.no_value(match[0], entry)
        joined = with_variables(text, _INTERPOLATED, name_of)
        return _OTHER_VALUE.sub(lambda m: m[0] if re.fullmatch(r"\$\{\w+\}", m[0]) else "", joined).replace(
            "\1", "$"
        )

    def no_value(self, shown: str, entry: Entry) -> None:
        """List a value that no typed value stands for."""
        self.ledger.finding(
            entry.key_span.line,
            visible(shown)[:60],
            "no typed value stands for this: the job stops until it is stated",
        )
        self.stops.append(stop(f"the value {visible(shown)[:60]}"))

    # What it leaves

    def post(self, node: Node) -> None:
        """Take what always follows: reports, artifacts, and a command."""
        for block in entries(node):
            always = head_of(block.key)[0] in ("always", "cleanup", "success")
            for entry in entries(block.node):
                name, rest = head_of(entry.key)
                command = plain_text(argument(rest, "script", 0)) if name == "sh" else None
                if always and name in ("junit", "archiveArtifacts", "stash"):
                    keep(self.draft, self.id, entry, name, rest)
                elif name in _IGNORED:
                    self.ledger.replaced(entry.node, _IGNORED[name])
                elif (
                    command
                    and head_of(block.key)[0] in ("always", "cleanup")
                    and not self.draft.get("jobs", self.id, "finally")
                ):
                    self.draft.put(entry.node, visible(command.strip()), "jobs", self.id, "finally")
                else:
                    self.ledger.listed(
                        entry.node,
                        "who is told of a run is stated under `notify`; a command after a failure is a job with a `when`",
                    )
