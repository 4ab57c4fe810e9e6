"""What mlcc says about a spec: where (span), what (message), the other end (related) and a cure (help)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from mlcc.record import record

_LENGTHS_APART = 4
_LONGEST_WORD = 60
_MOST_WORDS = 300


class Severity(str, Enum):
    """How much a diagnostic weighs: only an error stops a compile."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@record
class Span:
    """A range of text. Lines and columns count from 1, the end is exclusive, `file` is a display path."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@record
class Related:
    """The other end of a problem, such as the place of a first definition."""

    span: Span
    message: str


@record
class Diagnostic:
    """One finding. `code` is a kebab-case slug, the same in every output format."""

    code: str
    severity: Severity
    message: str
    span: Span | None
    related: tuple[Related, ...] = ()
    help: str | None = None


class MlccError(Exception):
    """A pass can't go on. Carries at least one diagnostic.

    `texts` holds the files that the diagnostics point into, by display path, as far as they can be read.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], texts: Mapping[str, str] | None = None) -> None:
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in diagnostics))
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        self.texts: dict[str, str] = dict(texts or {})


class SpecError(MlccError):
    """The spec or the call is wrong (exit code 2)."""


class OutputError(MlccError):
    """Files can't be read or written (exit code 3)."""


def error(
    code: str, message: str, span: Span | None, *, related: Iterable[Related] = (), help: str | None = None
) -> Diagnostic:
    """Return a diagnostic of severity error."""
    return Diagnostic(code, Severity.ERROR, message, span, tuple(related), help)


def suggest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the closest of `allowed` to `word`, or None when nothing is close.

    Only words of about the same length are compared, and not thousands of them: a hostile spec has many.
    """
    import difflib  # only the error path pays for it

    similar = [other for other in allowed if abs(len(other) - len(word)) <= _LENGTHS_APART]
    if len(word) > _LONGEST_WORD or len(similar) > _MOST_WORDS:
        return None
    close = difflib.get_close_matches(word, similar, n=1, cutoff=0.6)
    return close[0] if close else None
