"""A secret is written into the spec.

## What it does

Looks in the text for keys in the form of AWS, GitHub, GitLab, Slack, Hugging Face and OpenAI, for private keys
and for URLs with a password (other than for localhost); and in `env` for literals under names such as PASSWORD
or API_KEY (beside a service, a throw-away password is fine).

## Why it is bad

The spec is committed, and so is everything compiled from it. A secret that was pushed once is public.

## Bad

    env: {DB_PASSWORD: hunter2}

## Good

    env: {DB_PASSWORD: {secret: DB_PASSWORD}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity, Span
from mlcc.lint.subject import Subject
from mlcc.plan import Node, Text

ID = "secret-in-spec"
SEVERITY = Severity.WARNING
HELP = "revoke it, keep the new one in the CI system, and name it: {secret: NAME}"
KEYS = (
    r"\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22}|\bglpat-[\w-]{20}|\bxox[abprs]-[\w-]{10}|\bhf_[A-Za-z]{34}"
    r"|\bsk-(?:proj-|ant-)?[A-Za-z0-9]{32}|-----BEGIN [A-Z ]{0,20}PRIVATE KEY|://[^/\s:@'\"$]{1,64}:[^/\s@'\"${]{1,99}@(?!localhost|127\.|\$)"
)
MARKS = ("AKIA", "gh", "glpat-", "xox", "hf_", "sk-", "PRIVATE KEY", "://")
NAMES = ("password", "passwd", "secret", "api_key", "apikey", "private_key", "access_key")
TOKENS = (
    "api",
    "auth",
    "access",
    "bearer",
    "hf",
    "github",
    "gitlab",
    "wandb",
)  # ..._TOKEN; an EOS_TOKEN is none


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each secret in the spec's text."""
    for file, text in subject.source.texts.items():
        for span in _keys(file, text):
            yield subject.finding(ID, SEVERITY, "this looks like a secret", span, help=HELP)
    seen: set[Span] = set()
    for node in subject.plan.nodes.values():
        for name in _literals(node):
            span = subject.span(subject.stated(node.id, "env", name), key=True)
            if span not in seen:
                seen.add(span)
                yield subject.finding(
                    ID, SEVERITY, f"the value of {name} looks like a secret", span, help=HELP
                )


def _keys(file: str, text: str) -> Iterator[Span]:
    for number, line in enumerate(text.split("\n"), 1):
        # Looked for first: the pattern costs more than the rest of a clean lint of this rule.
        if any(mark in line for mark in MARKS):
            for match in re.finditer(KEYS, line):
                yield Span(file, number, match.start() + 1, number, match.end() + 1)


def _literals(node: Node) -> list[str]:
    if node.machine.services:
        return []
    return [
        name
        for name, value in node.env
        if isinstance(value, Text) and _is_secret_name(name.lower()) and not _is_harmless(value.text)
    ]


def _is_secret_name(name: str) -> bool:
    return any(name == n or name.endswith("_" + n) for n in (*NAMES, *(f"{t}_token" for t in TOKENS)))


def _is_harmless(text: str) -> bool:
    return (
        "/" in text
        or "\\" in text
        or text.lower() in ("", "true", "false")
        or text.replace(".", "").isdigit()
    )
