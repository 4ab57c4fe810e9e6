"""GitHub's expression syntax: the only place that spells it.

https://docs.github.com/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

from collections.abc import Sequence

from mlcc.record import record


@record
class Expr:
    """An expression, without its `${{ }}`. `terms` are joined by `&&`."""

    terms: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the expression as one line."""
        return " && ".join(self.terms)

    def interpolation(self) -> str:
        """Return the expression as a whole value."""
        return f"{OPENING} {self.text} }}}}"

    def parts(self) -> list[str]:
        """Return the value in lines that one space joins, one term each."""
        first, *rest = self.terms
        lines = [f"{OPENING} {first}", *("&& " + term for term in rest)]
        return [*lines[:-1], lines[-1] + " }}"]


def literal(text: str) -> str:
    """Return a string literal."""
    return "'" + text.replace("'", "''") + "'"


def value(term: str) -> Expr:
    """Return an expression of one term."""
    return Expr((term,))


def both(terms: Sequence[str]) -> Expr:
    """Return the conjunction of terms."""
    return Expr(tuple(terms))


def secret(name: str) -> Expr:
    """Return a secret's value."""
    return value(f"secrets.{name}")


def variable(name: str) -> Expr:
    """Return a configuration variable's value."""
    return value(f"vars.{name}")


def succeeded(job: str) -> str:
    """Return the term that a job before this one succeeded."""
    return f"needs.{job}.result == 'success'"


def began(job: str) -> str:
    """Return the term that a job before this one was started."""
    return f"needs.{job}.result != 'skipped'"


def unfinished(job: str) -> str:
    """Return the term that a job before this one didn't succeed, for whatever reason."""
    return f"needs.{job}.result != 'success'"


def output(job: str, name: str) -> str:
    """Return the term for an output of a job before this one."""
    return f"needs.{job}.outputs.{name}"


def given(name: str) -> str:
    """Return the term for an input of a called workflow."""
    return f"inputs.{name}"


def listed(id: str, names: str) -> str:
    """Return the term that a list (',a,b,'), itself a term, names `id`."""
    return f"contains({names}, {literal(f',{id},')})"


def unlisted(id: str, names: str) -> str:
    """Return the term that a list doesn't name `id`. An absent list names nothing."""
    return "!" + listed(id, names)


def either(first: str, second: str) -> str:
    """Return the term that one of two holds."""
    return f"({first} || {second})"


def hash_files(paths: Sequence[str]) -> str:
    """Return the term for the digest of committed files."""
    return f"hashFiles({', '.join(literal(path) for path in paths)})"


OPENING = "${{"
NOT_CANCELLED = "!cancelled()"
ALWAYS = "always()"
CANCELLED = "cancelled()"
ANY_FAILED = "(contains(needs.*.result, 'failure') || contains(needs.*.result, 'cancelled'))"
NO_PULL_REQUEST = "github.event_name != 'pull_request'"
NO_FORK = f"({NO_PULL_REQUEST} || github.event.pull_request.head.repo.full_name == github.repository)"
IS_PULL_REQUEST = "github.event_name == 'pull_request'"
