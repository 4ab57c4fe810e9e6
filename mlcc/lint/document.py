"""The rules as text: docs/reference/rules.md and `mlcc rules`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from mlcc.diagnostics import SpecError, error, suggest
from mlcc.lint import META, RULES
from mlcc.record import record

PAGE = "docs/reference/rules.md"
TEMPLATE = "docs/rules.md.j2"
SECTIONS = ("What it does", "Why it is bad", "Bad", "Good")


@record
class RulePage:
    """A rule's docstring in parts: one sentence, and the sections by title."""

    id: str
    severity: str
    summary: str
    sections: Mapping[str, str]


def pages() -> list[RulePage]:
    """Return every rule's page, by id. Raises ValueError where a docstring lacks a section."""
    return [page_of(id) for id in sorted(RULES)]


def page_of(id: str) -> RulePage:
    """Return the page of a rule. Raises ValueError where its docstring lacks a section."""
    rule = RULES[id]
    summary, *parts = inspect.cleandoc(rule.__doc__ or "").split("\n## ")
    sections = {}
    for part in parts:
        title, _, body = part.partition("\n")
        sections[title] = inspect.cleandoc(body).strip()
    if tuple(sections) != SECTIONS or not summary.strip() or not all(sections.values()):
        raise ValueError(
            f"the docstring of {id} has the sections {list(sections)} instead of {list(SECTIONS)}"
        )
    return RulePage(id, rule.SEVERITY.value, summary.strip(), sections)


def markdown() -> str:
    """Return the reference page of the rules."""
    from mlcc import resources

    return resources.render(TEMPLATE, rules=pages(), meta=META)


def list_rules() -> str:
    """Return the rules, one a line."""
    width = max(map(len, RULES))
    return "".join(f"{page.id:<{width}}  {page.severity:<7}  {page.summary}\n" for page in pages())


def explain_rule(id: str) -> str:
    """Return a rule's page as text. Raises SpecError for an unknown one."""
    if id in META:
        return f"{id}: {META[id]}\n"
    if id not in RULES:
        close = suggest(id, RULES)
        help = f"did you mean '{close}'?" if close else "`mlcc rules` lists them"
        raise SpecError([error("unknown-rule", f"there is no rule '{id}'", None, help=help)])
    page = page_of(id)
    return f"{id} ({page.severity})\n\n{page.summary}\n\n{_body(page)}\n"


def _body(page: RulePage) -> str:
    return "\n\n".join(f"{title}\n\n{text}" for title, text in page.sections.items())


def describe(code: str) -> tuple[str, str]:
    """Return one sentence, and all that there is to say, of whatever findings with a code have in common."""
    if code in RULES:
        page = page_of(code)
        return page.summary, _body(page)
    words = code.replace("-", " ").capitalize()
    about = META.get(
        code, "An error: nothing is compiled until it is mended. Each finding says what is wrong."
    )
    return f"{words}.", about
