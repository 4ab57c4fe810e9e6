"""The obligations of specs as rows: a checklist, JSON, and a script that a person reads and runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from mlcc.backends import BACKENDS
from mlcc.compiler import Analysis, analyse, chosen_targets, obstacles
from mlcc.diagnostics import MlccError, Severity, SpecError
from mlcc.obligations.obligation import Obligation, is_open
from mlcc.places import from_folder
from mlcc.plan import Plan
from mlcc.record import as_dict
from mlcc.render_diagnostics import escaped
from mlcc.repository import committed_text

Row = dict[str, Any]
SCHEMA = "https://mlcc.dev/obligations/1"
_LEFT_OUT = "(left out: it holds characters that a terminal could obey; `--format json` has it)"
_HEAD = """\
#!/usr/bin/env bash
# Settings that no compiled file can hold. Read this, and run what you mean: nothing here takes anything away.
# Words in capitals stand for what the spec doesn't say: replace them, then take the `#` away.
# A secret is asked for when its command runs, and is written nowhere else.
"""


def of_spec(analysis: Analysis, named: tuple[str, ...]) -> Iterator[tuple[str, Obligation]]:
    """Yield each obligation of a spec with its CI system: those `named`, else the spec's own. Raises SpecError."""
    targets = chosen_targets(analysis.plan, named)
    problems = [
        one
        for target in targets
        for one in obstacles(analysis.plan, target)
        if one.severity is Severity.ERROR
    ]
    if problems:
        raise SpecError(problems, analysis.texts)
    yield from of_plan(analysis.plan, targets)


def of_plan(plan: Plan, targets: Iterable[str]) -> Iterator[tuple[str, Obligation]]:
    """Yield each obligation of a plan that CI systems can do, with the system."""
    for target in targets:
        for obligation in BACKENDS[target].obligations(plan):
            yield target, obligation


def rows(analysis: Analysis, named: tuple[str, ...]) -> list[Row]:
    """Return the obligations of a spec as plain values: the fields of Obligation, `system`, `pipeline` and `spec`."""
    return [
        {
            "system": system,
            "pipeline": analysis.plan.name,
            **as_dict(obligation),
            "span": from_folder(obligation.span, analysis.root),
        }
        for system, obligation in of_spec(analysis, named)
    ]


def as_json(found: Sequence[Row]) -> str:
    """Return rows as JSON, after schemas/obligations.schema.json."""
    import json

    return json.dumps({"schema": SCHEMA, "obligations": list(found)}, indent=2, ensure_ascii=False) + "\n"


def as_text(found: Sequence[Row]) -> str:
    """Return a checklist, by CI system: each with its place, and its commands or text below it."""
    lines: list[str] = []
    for (system, pipeline), group in _by_system(found):
        lines.append(f"{system}: {pipeline}")
        for row in group:
            lines += _item(row)
    return "".join(f"{line}\n" for line in lines)


def _by_system(found: Sequence[Row]) -> Iterator[tuple[tuple[str, str], list[Row]]]:
    for key, group in groupby(found, lambda row: (row["system"], row["pipeline"])):
        yield key, list(group)


def _item(row: Row) -> Iterator[str]:
    yield f"  [ ] {escaped(_sentence(row))}"
    span = row["span"]
    place = f"  {escaped(span['file'])}:{span['line']}:{span['column']}" if span else ""
    yield f"      {escaped(row['id'])}{place}"
    for line in row["commands"]:
        yield f"        {line if _is_plain(line) else _LEFT_OUT}"
    if row["text"]:
        yield f"      into {escaped(row['file'])}:"
        yield from (f"        {escaped(line)}" for line in row["text"].splitlines())


def _sentence(row: Row) -> str:
    return f"{row['what']}: {row['why']}" if row["why"] else str(row["what"])


def _is_plain(line: str) -> bool:
    return escaped(line) == line


def as_commands(found: Sequence[Row]) -> str:
    """Return a script of bash: what each command is for, and the commands; those with words to replace as comments."""
    lines = [_HEAD]
    for (system, pipeline), group in _by_system(found):
        lines.append(f"\n# {system}: {pipeline}\n")
        for row in group:
            lines += (f"{line}\n" for line in _scripted(row))
    return "".join(lines)


def _scripted(row: Row) -> Iterator[str]:
    yield ""
    yield f"# {escaped(_sentence(row))}"
    for line in row["commands"]:
        yield line if _is_plain(line) and not is_open(line) else f"# {line if _is_plain(line) else _LEFT_OUT}"
    if row["text"]:
        yield f"# into {escaped(row['file'])}:"
        yield from (f"#   {escaped(line)}" for line in row["text"].splitlines())


# What is new


def before(analysis: Analysis, targets: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return (CI system, id) of the obligations of the spec as it was last committed with what it compiled to; none without."""
    plan, root = analysis.plan, analysis.root
    texts = {path: committed_text(root, path) for path in plan.spec_files}
    if committed_text(root, plan.in_home(".mlcc/plan.json")) is None:
        return set()
    with tempfile.TemporaryDirectory() as folder:
        for path, text in texts.items():
            file = Path(folder, path)
            if text is None or not file.resolve().is_relative_to(Path(folder).resolve()):
                return set()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
        try:
            old = analyse(Path(folder, plan.spec_files[0]), Path(folder), assume_committed=True).plan
            known = [target for target in targets if target in chosen_targets(old, ())]
            return {(system, one.id) for system, one in of_plan(old, known)}
        except (MlccError, OSError):
            return set()
