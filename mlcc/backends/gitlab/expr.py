"""GitLab's expression syntax of `rules`, and its variables: the only place that spells them.

https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions
Strings have no escapes (lib/gitlab/ci/pipeline/expression/lexeme/string.rb), so what isn't plain becomes a regular
expression, in RE2's syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlcc.runtime.patterns import DEEP, FOLDERS, ONE, STAR, tokens_of

_PLAIN = re.compile(r"[A-Za-z0-9_./-]+").fullmatch
_LETTER = re.compile(r"[A-Za-z0-9_]").fullmatch
_WILDCARDS = {STAR: r"[^\/]*", DEEP: ".*", FOLDERS: r"(?:.*\/)?", ONE: r"[^\/]"}
MERGE_REQUEST = '$CI_PIPELINE_SOURCE == "merge_request_event"'
PROTECTED = '$CI_COMMIT_REF_PROTECTED == "true"'


def source(*names: str) -> str:
    """Return the term that one of these started the pipeline."""
    terms = [f'$CI_PIPELINE_SOURCE == "{name}"' for name in names]
    return terms[0] if len(terms) == 1 else f"({' || '.join(terms)})"


def both(terms: Iterable[str]) -> str:
    """Return the conjunction of terms."""
    return " && ".join(terms)


def equals(variable: str, word: str) -> str:
    """Return the term that a variable has a value of plain characters."""
    if not _PLAIN(word):
        raise ValueError(f"not a plain word: {word!r}")
    return f'${variable} == "{word}"'


def matches(variable: str, pattern: str) -> str:
    """Return the term that a branch or tag belongs to a pattern of the spec (mlcc.runtime.patterns)."""
    if _PLAIN(pattern):
        return equals(variable, pattern)
    return f"${variable} =~ /^{''.join(_regex(part) for part in tokens_of(pattern))}$/"


def _regex(part: str) -> str:
    if part in _WILDCARDS:
        return _WILDCARDS[part]
    if _LETTER(part):
        return part
    return r"\/" if part == "/" else rf"\x{{{ord(part):x}}}"


def reference(variable: str) -> str:
    """Return a variable's value, where GitLab expands."""
    return f"${{{variable}}}"


def whole(variable: str) -> str:
    """Return a variable's value where it is all that stands there: the schema of `cache:policy` admits no braces."""
    return f"${variable}"


def literal(text: str) -> str:
    """Return a text as it is, where GitLab expands: `$$` is a dollar sign.

    https://docs.gitlab.com/ci/variables/#use-the--character-in-cicd-variables
    """
    return text.replace("$", "$$")
