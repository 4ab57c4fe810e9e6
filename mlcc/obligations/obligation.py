"""What no compiled file can hold: a setting of a CI system that the pipeline relies on, and that a person makes once."""

from __future__ import annotations

import json
import re
import shlex

from mlcc.diagnostics import Span
from mlcc.record import field, record

KINDS = (
    "required-check", "code-owners", "environment", "approval", "branches", "protected-ref", "wait-timer", "order",
    "secret", "variable", "credential", "trust", "schedule", "form", "dispatch", "job", "include", "setting", "artifacts",
    "runner", "plugin", "reserved",
)  # fmt: skip
"""What obligations are about, in the words of all CI systems."""


@record
class Obligation:
    """One setting. `id` is unique within a pipeline and a CI system, and stays when the spec's wording changes.

    `what` is an order in words, `why` says in one clause what happens without it (empty: that is plain). `names` are
    what it is about, such as secrets or branches, and `places` the environments in which. `commands` are lines of bash,
    with words in capitals for what the spec doesn't say; none of them destroys anything, or holds a secret.
    `text` belongs into the file `file`, where a file of the repository or of the server is the way.
    """

    id: str
    kind: str
    what: str
    why: str = ""
    names: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    file: str = ""
    text: str = ""
    span: Span | None = field(compare=False, default=None)

    @property
    def sentence(self) -> str:
        """What to do, and why."""
        return f"{self.what}: {self.why}" if self.why else self.what


_OPEN = re.compile(r"\b(?:TEAM_ID|GROUP_ID|BRANCH|MEGABYTES)\b")


def is_open(line: str) -> bool:
    """Tell whether a command holds a word that a person has to replace."""
    return _OPEN.search(line) is not None


def command(*words: str) -> str:
    """Return words as one command of bash, whatever is in them."""
    return shlex.join(words)


def posted(document: object, *words: str) -> str:
    """Return a command that gets a JSON document on its standard input."""
    return f"printf %s {shlex.quote(json.dumps(document))} | {command(*words)}"


def asked(name: str, *words: str) -> str:
    """Return a command that gets what a person types, unseen, on its standard input."""
    prompt = shlex.quote(f"{name}: ")
    return f'IFS= read -rsp {prompt} value && echo && printf %s "$value" | {command(*words)}'
