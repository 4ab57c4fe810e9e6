"""The commands of a GitHub job: joined into one, with values by variables."""

from __future__ import annotations

import re
from typing import Any

from mlcc.importing.document import entries, get, is_true, text_of
from mlcc.importing.draft import Draft
from mlcc.importing.github_values import EXPRESSION, is_env, typed, variable_name
from mlcc.importing.shell import (
    TEST_COMMAND,
    export,
    in_folder,
    is_installation,
    looks_secret,
    stop,
    visible,
    with_variables,
)
from mlcc.load.source import Node, Scalar

_QUOTED_HEREDOC = re.compile(r"<<-?\s*(['\"])\w+\1")
_PLATFORM_FILES = ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")


class Commands:
    """Collects what the commands of one job do, in their order."""

    def __init__(self, draft: Draft, id: str, title: str) -> None:
        self.draft, self.id, self.title = draft, id, title
        self.ledger = draft.ledger
        self.setup: list[str] = []
        self.exports: list[str] = []
        self.stops: list[str] = []
        self.commands: list[str] = []
        self.output_steps: set[str] = set()

    # Values

    def env(self, name: str, raw: str, node: Node) -> None:
        """Set a variable of the job to a literal, a typed value, or text that the command joins."""
        place = ("jobs", self.id, "env", name)
        match = EXPRESSION.fullmatch(raw.strip())
        value: Any = visible(raw)
        if match:
            value = typed(match[1], self.draft)
            if value is None:
                self.ledger.listed(
                    node, "no typed value stands for this expression: the job stops until it is stated"
                )
                self.stops.append(stop(f"the variable {name} of line {node.span.line}"))
                return
        elif EXPRESSION.search(raw):
            joined = EXPRESSION.sub(lambda m: f"${{{self.variable(m[1], node)}}}", raw)
            self.exports.append(export(name, visible(joined)))
            self.ledger.placed(node, "jobs", self.id, "run")
            return
        elif isinstance(node, Scalar) and isinstance(node.value, (bool, int)):
            value = node.value
        other = self.draft.get(*place)
        if other is not None and other != value:
            self.ledger.finding(
                node.span.line, name, f"the variable {name} has two values in one job: the last one counts"
            )
        self.draft.put(node, value, *place)

    def variable(self, expression: str, node: Node) -> str:
        """Return the name of the variable that holds an expression's value; one that is unset where there is none."""
        if is_env(expression):
            return variable_name(expression)
        name = variable_name(expression)
        value = typed(expression, self.draft)
        if value is None:
            shown = visible(expression).strip()[:80]
            self.ledger.finding(
                node.span.line,
                shown,
                "no typed value stands for this expression: the job stops until it is stated",
            )
            self.stops.append(stop(f"the value {shown}"))
            return name
        place = ("jobs", self.id, "env", name)
        number = 2
        while self.draft.get(*place) not in (None, value):
            name, number = f"{variable_name(expression)}_{number}", number + 1
            place = ("jobs", self.id, "env", name)
        self.draft.set(value, *place)
        return name

    def first(self, command: str) -> None:
        """Put a command before all others."""
        self.stops.insert(0, command)

    # Steps

    def run(self, step: Node) -> None:
        """Add a step's command."""
        node = get(step, "run")
        raw = text_of(node)
        if raw is None or not raw.strip():
            return
        where = ("jobs", self.id, "run")
        shell = text_of(get(step, "shell")) or "bash"
        if not shell.startswith(("bash", "sh")):
            self.ledger.listed(
                step,
                f"the language has no shell but bash, not {visible(shell)[:30]}: put the script into a file",
            )
            self.stops.append(stop(f"the step of line {step.span.line}"))
            return
        self.ledger.replaced(get(step, "shell"), "commands run in bash, in strict mode")
        ending = self.condition(step)
        if ending == "never":
            return
        for entry in entries(get(step, "env")):
            if (value := text_of(entry.node)) is not None:
                self.env(entry.key, value, entry.node)
        command = self.command(raw, step)
        if ending == "finally":
            self.draft.put(node, command, "jobs", self.id, "finally")
            return
        if is_installation(command) and not self.commands and get(step, "working-directory") is None:
            self.setup.append(command.strip())
            where = ("jobs", self.id, "setup")
        else:
            self.commands.append(command.rstrip())
        self.ledger.placed(node, *where)
        if TEST_COMMAND.search(raw) and where[-1] == "run":
            self.draft.suggest_gate(self.id)
        if is_true(get(step, "continue-on-error")):
            self.ledger.listed(
                get(step, "continue-on-error"),
                "a failing command fails the job: `blocking: false` is for whole jobs",
            )

    def command(self, raw: str, step: Node) -> str:
        """Return a command without the platform's expressions, in the folder of its step."""
        if EXPRESSION.search(raw) and _QUOTED_HEREDOC.search(raw):
            self.ledger.finding(
                step.span.line,
                "run",
                "a quoted here-document keeps variables as they are: check the values in it",
            )
        node = get(step, "run") or step
        command = with_variables(raw, EXPRESSION, lambda expression: self.variable(expression, node))
        if "GITHUB_OUTPUT" in command:
            command = command.replace("GITHUB_OUTPUT", "MLCC_OUTPUTS")
            self.output_steps.add(text_of(get(step, "id")) or "")
            self.ledger.replaced(get(step, "id"), "the file $MLCC_OUTPUTS of the job")
        for name in _PLATFORM_FILES:
            if name in command:
                self.ledger.finding(
                    step.span.line,
                    name,
                    f"the file ${name} is GitHub's: `export` variables, keep pages as `reports`",
                )
        folder = get(step, "working-directory")
        if (text := text_of(folder)) is not None:
            text = with_variables(text, EXPRESSION, lambda expression: self.variable(expression, node))
            command = in_folder(command.strip("\n"), visible(text))
            self.ledger.placed(folder, "jobs", self.id, "run")
        return visible(command)

    def condition(self, step: Node) -> str:
        """Return what a step's `if` makes of it: ``always``, ``finally`` or ``never``, and say so."""
        node = get(step, "if")
        text = re.sub(r"\s", "", (text_of(node) or "").replace("${{", "").replace("}}", ""))
        if not text or text in ("success()", "true"):
            self.ledger.replaced(node, "a command runs when those before it passed")
            return "always"
        if text in ("always()", "!cancelled()") and self.draft.get("jobs", self.id, "finally") is None:
            self.ledger.placed(node, "jobs", self.id, "finally")
            return "finally"
        if text in ("always()", "!cancelled()"):
            self.ledger.finding(
                step.span.line, "if", "`finally` is one command, and the job has one: join the two"
            )
        self.ledger.listed(step, "commands have no conditions: make the step a job with a `when`")
        return "never"

    def wrote_output(self, step: str) -> bool:
        """Tell whether a step wrote outputs."""
        return step in self.output_steps

    def finish(self, node: Node) -> None:
        """Write the job's command."""
        job = self.draft.tree["jobs"][self.id]
        if not self.commands:
            self.commands, self.setup = self.setup, []
        lines = [*dict.fromkeys(self.stops), *([] if self.setup else self.exports), *self.commands]
        if self.setup:
            job["setup"] = [*self.exports, *self.setup]
        if not self.commands:
            self.ledger.finding(node.span.line, self.title, "nothing of what the job does could be placed")
            lines = [stop(f"what {self.id} does")]
        job["run"] = "\n".join(lines)
        for name in job.get("env", {}):
            if looks_secret(name) and isinstance(job["env"][name], str):
                self.ledger.suggest(
                    f"jobs.{self.id}.env.{name} looks like a secret in the clear: keep it in the CI system"
                )
