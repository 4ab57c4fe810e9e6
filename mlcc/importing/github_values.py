"""GitHub's expressions -> typed values and conditions. They are matched, never evaluated."""

from __future__ import annotations

import re
from typing import Any

from mlcc.importing.conditions import both, declared_events
from mlcc.importing.draft import Draft, identifier
from mlcc.importing.shell import visible

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
EVENTS = {
    "push": "push", "pull_request": "pull_request", "schedule": "schedule", "workflow_dispatch": "manual",
    "repository_dispatch": "dispatch",
}  # fmt: skip
_CONTEXT = {
    "github.sha": "commit", "github.ref_name": "branch", "github.head_ref": "branch", "github.event_name": "event",
    "github.repository": "repository", "github.run_id": "run_id", "github.run_number": "run_number",
    "github.workspace": "workspace", "github.event.number": "pull_request",
    "github.event.pull_request.number": "pull_request",
}  # fmt: skip
_NAME = r"([A-Za-z_][\w-]*)"
_SECRET = re.compile(rf"secrets\.{_NAME}\Z")
_VARIABLE = re.compile(rf"vars\.{_NAME}\Z")
_INPUT = re.compile(rf"(?:github\.event\.)?inputs\.{_NAME}\Z")
_MATRIX = re.compile(rf"matrix\.{_NAME}\Z")
_ENV = re.compile(rf"env\.{_NAME}\Z")
_OUTPUT = re.compile(rf"needs\.{_NAME}\.outputs\.{_NAME}\Z")
_DEFAULT = re.compile(r"(.+?)\s*\|\|\s*(?:'([^']*)'|([\d.]+|true|false))\Z", re.DOTALL)
_LITERAL = re.compile(r"'([^']*)'\Z")
_EQUAL = re.compile(r"([\w.]+)\s*(==|!=)\s*(?:'([^']*)'|(true|false))\Z")
_STARTS = re.compile(r"startsWith\(\s*github\.ref\s*,\s*'refs/(tags|heads)/([^']*)'\s*\)\Z")


def typed(expression: str, draft: Draft) -> Any:
    """Return the value that an expression stands for, as the spec states it; None where it has no counterpart."""
    expression = expression.strip()
    default = _DEFAULT.match(expression)
    if default:
        found = typed(default[1], draft)
        if isinstance(found, dict) and set(found) <= {"var", "input", "context"}:
            return {**found, "default": visible(default[2] if default[2] is not None else default[3])}
        return None
    if literal := _LITERAL.match(expression):
        return visible(literal[1])
    if expression in _CONTEXT:
        return {"context": _CONTEXT[expression]}
    if (match := _SECRET.match(expression)) and match[1] != "GITHUB_TOKEN":
        return {"secret": match[1]}
    if match := _VARIABLE.match(expression):
        return {"var": match[1]}
    if match := _INPUT.match(expression):
        return {"input": identifier(match[1], "input")}
    if match := _MATRIX.match(expression):
        return {"matrix": identifier(match[1], "axis")}
    if (match := _OUTPUT.match(expression)) and match[1] in draft.jobs:
        return {"output": f"{draft.jobs[match[1]]}.{match[2].replace('-', '_')}"}
    return None


def variable_name(expression: str) -> str:
    """Return the name that a value has as an environment variable."""
    env = _ENV.match(expression.strip())
    if env:
        return env[1]
    base = re.split(r"\|\|", expression)[0].strip().rsplit(".", 1)[-1]
    if expression.strip().startswith("github."):
        base = f"run_{base}"
    found = re.sub(r"\W", "_", base).upper().strip("_")
    return found if re.match(r"[A-Z]", found) else f"VALUE_{found or 'OF_RUN'}"


def is_env(expression: str) -> bool:
    """Tell whether an expression is a variable that the command has anyway."""
    return bool(_ENV.match(expression.strip()))


class Condition:
    """What an `if` says in the spec's words: alternatives, a status, and the parts that have no counterpart."""

    def __init__(self) -> None:
        self.alternatives: list[dict[str, Any]] = [{}]
        self.status: str | None = None
        self.unknown: list[str] = []


def condition(text: str, draft: Draft) -> Condition:
    """Read an `if`. What isn't understood is in `unknown`, and must not be taken for true."""
    text = text.strip()
    if text.startswith("${{") and text.endswith("}}"):
        text = text[3:-2].strip()
    found = Condition()
    disjuncts = _split(text, "||")
    found.alternatives = []
    for part in disjuncts:
        alternative: dict[str, Any] = {}
        for conjunct in _split(part, "&&"):
            _add(conjunct, alternative, found, draft, len(disjuncts) == 1)
        found.alternatives.append(alternative)
    return found


def _split(text: str, operator: str) -> list[str]:
    """Split at an operator outside of brackets and quotes; brackets around the whole are dropped."""
    text = text.strip()
    parts, depth, quoted, start = [], 0, False, 0
    for n, char in enumerate(text):
        quoted ^= char == "'"
        depth += 0 if quoted else (char == "(") - (char == ")")
        if depth == 0 and not quoted and text.startswith(operator, n):
            parts.append(text[start:n])
            start = n + len(operator)
    parts.append(text[start:])
    if len(parts) == 1 and text.startswith("(") and text.endswith(")") and depth == 0:
        inner = text[1:-1]
        if operator in inner and ")" not in inner.split("(")[0]:
            return _split(inner, operator)
    return [part.strip() for part in parts]


def _add(part: str, alternative: dict[str, Any], found: Condition, draft: Draft, alone: bool) -> None:
    if part in ("always()", "failure()") and alone:
        found.status = part[:-2]
        return
    if part in ("success()", "true"):
        return
    said = _fact(part, draft)
    merged = None if said is None else both(alternative, said)
    if merged is None:
        found.unknown.append(part)
    else:
        alternative.update(merged)


def _fact(part: str, draft: Draft) -> dict[str, Any] | None:
    """Return what a comparison says of the event, the branch, the tag, the trigger or an input."""
    if match := _STARTS.match(part):
        kind, prefix = match.groups()
        if kind == "tags":
            return {"tag": f"{prefix}**"} if prefix else {"event": "tag"}
        return {"branch": f"{prefix}**", "event": _not_pull_request(draft)}
    if part == "github.event.pull_request":
        return {"event": "pull_request"}
    match = _EQUAL.match(part)
    if match is None:
        input_ = _INPUT.match(part)
        return {"input": {identifier(input_[1], "input"): True}} if input_ else None
    name, operator, text, word = match.groups()
    return _comparison(name, operator, text if text is not None else word, draft)


def _comparison(name: str, operator: str, value: str, draft: Draft) -> dict[str, Any] | None:
    declared = declared_events(draft)
    if name == "github.event_name" and value in EVENTS:
        event = EVENTS[value]
        if operator == "!=":
            return {"event": [other for other in declared if other != event]} if declared != [event] else None
        return {"event": ["push", "tag"] if event == "push" and "tag" in declared else event}
    if operator == "!=":
        return None
    if name == "github.ref" and value.startswith("refs/heads/"):
        return {"event": _not_pull_request(draft), "branch": value.removeprefix("refs/heads/")}
    if name == "github.ref" and value.startswith("refs/tags/"):
        return {"tag": value.removeprefix("refs/tags/")}
    if name == "github.ref_name":
        return {"event": _not_pull_request(draft), "branch": value}
    if name == "github.base_ref":
        return {"event": "pull_request", "branch": value}
    if name == "github.event.schedule":
        schedules = draft.get("triggers", "schedule") or {}
        return next(
            ({"trigger": id} for id, cron in schedules.items() if cron.split() == value.split()), None
        )
    input_ = _INPUT.match(name)
    if input_:
        word = {"true": True, "false": False}.get(value, value)
        return {"input": {identifier(input_[1], "input"): word}}
    return None


def _not_pull_request(draft: Draft) -> list[str]:
    """Return the events with a branch of their own: on a pull request GitHub's ref is none of a branch."""
    return [event for event in declared_events(draft) if event not in ("pull_request", "tag")] or ["push"]
