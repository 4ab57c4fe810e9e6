"""The cases of the lint rules."""

from __future__ import annotations

from pathlib import Path

from mlcc.diagnostics import Diagnostic
from mlcc.lint import RULES, Subject
from mlcc.load.extends import merge
from mlcc.load.instances import Expansion
from mlcc.load.source import Source, load, read
from mlcc.planning.planner import plan
from mlcc.render_diagnostics import to_text
from mlcc.resolving.resolve import resolve
from mlcc.spec.validate import validate

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DAY = "2027-01-31"  # the last one of a waiver among the cases; another ended before it


def subject(text: str) -> Subject:
    """Return the subject of a spec's text; every unwritten artifact counts as committed."""
    return subject_of(read(text.encode(), "mlcc.yaml"))


def subject_of(source: Source) -> Subject:
    """Return the subject of a source."""
    spec = validate(source)
    return Subject(spec, source, plan(resolve(spec, source)), DAY)


def findings(id: str, name: str) -> tuple[list[Diagnostic], str]:
    """Return what a rule finds in one of its cases, and the text of it."""
    path = HERE / id / name
    case = subject_of(Expansion(merge(load(path, name), path.parent), path.parent).of(""))
    found = list(RULES[id].check(case))
    return found, to_text(found, case.source.texts)
