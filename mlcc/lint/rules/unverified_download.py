"""A download isn't verified.

## What it does

Looks for what switches the check of certificates off: `curl -k`, `wget --no-check-certificate`,
`pip --trusted-host`, an index over plain http, `http.sslVerify=false`, and the variables for it.

## Why it is bad

Anybody on the way can put other bytes in: a package with a back door, a poisoned data set.

## Bad

    setup: [pip install --trusted-host pypi.internal --index-url http://pypi.internal/simple -r requirements.txt]

## Good

    setup: [pip install --index-url https://pypi.internal/simple --require-hashes -r requirements.txt]
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity, Span
from mlcc.lint.subject import Subject
from mlcc.plan import Text

ID = "unverified-download"
SEVERITY = Severity.WARNING
SWITCHES = {"PYTHONHTTPSVERIFY": "0", "NODE_TLS_REJECT_UNAUTHORIZED": "0", "GIT_SSL_NO_VERIFY": None}
"""Variables that switch the check off, and the value that does; None: any value."""
HELP = "trust the server's certificate instead: give the runner the authority's certificate"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each download without a check."""
    for command in subject.commands:
        for simple in command.simple:
            word = _unverified(simple.program)
            if word:
                message = f"`{word}` makes {command.who} accept a download from anybody"
                yield subject.finding(ID, SEVERITY, message, subject.word(command.loc, word), help=HELP)
    seen: set[Span] = set()
    for id, node in subject.plan.nodes.items():
        for name, value in node.env:
            if (
                name not in SWITCHES
                or not isinstance(value, Text)
                or SWITCHES[name] not in (None, value.text)
            ):
                continue
            span = subject.span(subject.stated(id, "env", name), key=True)
            if span not in seen:
                seen.add(span)
                message = f"{name} makes '{id}' accept a download from anybody"
                yield subject.finding(ID, SEVERITY, message, span, help=HELP)


def _is_short_k(word: str) -> bool:
    return word[:1] == "-" and word[1:].isalpha() and "k" in word


def _unverified(program: tuple[str, ...]) -> str | None:
    name, *words = program or ("",)
    for number, word in enumerate(words):
        follows = words[number + 1] if number + 1 < len(words) else ""
        if name == "curl" and (word == "--insecure" or _is_short_k(word)):
            return word
        if word in ("--no-check-certificate", "--trusted-host", "http.sslVerify=false"):
            return word
        if word in ("--index-url", "--extra-index-url", "-i") and follows.startswith("http://"):
            return follows
        if word.startswith(("--index-url=http://", "--extra-index-url=http://")):
            return word
    return None
