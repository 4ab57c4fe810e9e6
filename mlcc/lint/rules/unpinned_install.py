"""A package is installed in whatever version is newest.

## What it does

Looks for `pip install`, `uv pip install` and `conda install` of packages by name without an exact version,
and of git repositories without a commit. Requirement files and constraints are left alone: their content
isn't part of the spec.

## Why it is bad

The same commit trains with other libraries tomorrow: results can't be compared, a release of somebody else's
package breaks your pipeline, and a hijacked one runs in it.

## Bad

    setup: [pip install pandas scikit-learn]

## Good

    setup: [pip install --require-hashes -r requirements.txt]
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject, listed

ID = "unpinned-install"
SEVERITY = Severity.WARNING
WITH_VALUE = frozenset({
    "-r", "--requirement", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t", "--target",
    "--python", "--prefix", "--root", "--platform", "--python-version", "--trusted-host", "-e",
    "--editable", "--src", "-n", "--name", "-p", "--cache-dir", "--group", "--no-binary", "--only-binary",
    "--channel", "--progress-bar", "--log", "--timeout", "--retries", "--implementation", "--abi",
    "--config-settings", "-C", "--report", "--upgrade-strategy", "--keyring-provider", "--index",
    "--default-index", "--index-strategy", "--file",
})  # fmt: skip
CONSTRAINED = ("-c", "--constraint", "--require-hashes")
COMMIT = r"@[0-9a-f]{40}\b"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each command that installs the newest version of something."""
    for command in subject.commands:
        for simple in command.simple:
            loose = _loose(simple.program)
            if loose:
                yield subject.finding(
                    ID,
                    SEVERITY,
                    f"{command.who} installs {listed(loose)} in whatever version is newest",
                    subject.word(command.loc, loose[0], last=True),
                    help="list exact versions with hashes in a file: `pip install --require-hashes -r requirements.txt`",
                )


def _loose(program: tuple[str, ...]) -> list[str]:
    words = list(program)
    if words[:1] == ["uv"]:
        words = words[1:]
    if words[:1] and words[0] in ("python", "python3") and words[1:2] == ["-m"]:
        words = words[2:]
    if len(words) < 2 or words[1] != "install" or any(word in CONSTRAINED for word in words):
        return []
    if words[0] in ("pip", "pip3"):
        return [word for word in _operands(words[2:]) if not _is_pip_pinned(word)]
    if words[0] in ("conda", "mamba", "micromamba"):
        return [word for word in _operands(words[2:]) if "=" not in word and "/" not in word]
    return []


def _operands(words: list[str]) -> list[str]:
    """Return the words that are neither options nor their values, up to a redirection."""
    found: list[str] = []
    skip = False
    for word in words:
        if word in ("<", ">", ">>", "<<<"):
            break
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in WITH_VALUE
        else:
            found.append(word)
    return found


def _is_pip_pinned(word: str) -> bool:
    if word.startswith(("git+", "hg+")):
        return re.search(COMMIT, word) is not None
    if (
        "$" in word
        or "==" in word
        or word.startswith((".", "/", "~"))
        or word.endswith((".whl", ".tar.gz", ".zip"))
    ):
        return True
    return "@" in word or "/" in word
