"""The gates of a plan as rows: what each is about and what closes it, and how its self-test ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlcc.diagnostics import OutputError, error
from mlcc.gates import GATES
from mlcc.plan import Gate, Node, Plan
from mlcc.render_diagnostics import escaped
from mlcc.writing.committed import gate_documents, gate_script
from mlcc.writing.loosening import as_committed, limits

Row = dict[str, Any]
_SHOWN = 4
_LONGEST = 40


def rows(plan: Plan) -> Iterator[Row]:
    """Yield for each gate: pipeline, gate, kind, guards, blocking, waived (until, or None), and closes (place to value)."""
    for node, gate in _gates(plan):
        yield {
            "pipeline": plan.name,
            "gate": node.id,
            "kind": gate.kind,
            "guards": gate.guards,
            "blocking": node.blocking,
            "waived": dict(gate.waiver).get("until"),
            "closes": dict(limits(as_committed(plan, node))),
        }


def selftests(plan: Plan, root: Path) -> Iterator[Row]:
    """Yield what each committed gate makes of each known-bad input: pipeline, gate, fixture, verdict and problem.

    Raises OutputError where a gate isn't committed, or the packages that it needs aren't installed.
    """
    from mlcc.gates.selftest import selftest

    committed = gate_documents(root, plan.home)
    scripts = {gate.script: gate_script(root, plan.home, gate.script) for _, gate in _gates(plan)}
    _refuse(_obstacles(plan, committed, scripts))
    for node, gate in _gates(plan):
        for outcome in selftest(scripts[gate.script] or b"", committed[node.id]):
            yield {
                "pipeline": plan.name,
                "gate": outcome.gate,
                "fixture": outcome.fixture,
                "verdict": outcome.verdict,
                "problem": outcome.problem,
            }


def _gates(plan: Plan) -> Iterator[tuple[Node, Gate]]:
    for node in plan.nodes.values():
        if node.gate is not None:
            yield node, node.gate


def _obstacles(
    plan: Plan, committed: Mapping[str, Any], scripts: Mapping[str, bytes | None]
) -> Iterator[tuple[str, str]]:
    """Yield (what is in the way, how to mend it)."""
    for node, gate in _gates(plan):
        stated = committed.get(node.id, {})
        compiled = as_committed(plan, node)
        if scripts[gate.script] is None or any(stated.get(key) != value for key, value in compiled.items()):
            message = f"what is committed of the gate '{node.id}' isn't what the spec compiles to"
            yield message, "run `mlcc compile` first: the test is of the committed gates"
            return
    folder = plan.in_home(".mlcc/gates")
    for kind in sorted({gate.kind for _, gate in _gates(plan) if gate.packages}):
        missing = [package for package in GATES[kind].requires if find_spec(package) is None]
        if missing:
            install = f"pip install --require-hashes --only-binary :all: --no-deps -r {folder}/{kind}.txt"
            yield f"the gates of the kind '{kind}' need {', '.join(missing)}", f"install it: {install}"


def _refuse(obstacles: Iterable[tuple[str, str]]) -> None:
    problems = [error("no-selftest", message, None, help=help) for message, help in obstacles]
    if problems:
        raise OutputError(problems)


# As text


def as_text(found: Sequence[Row]) -> str:
    """Return the list of gates as a table."""
    head = ("gate", "kind", "guards", "", "closes unless")
    lines = [
        (
            row["gate"],
            row["kind"],
            row["guards"],
            _effect(row),
            _limits(row["closes"]) or GATES[row["kind"]].title,
        )
        for row in found
    ]
    return _table([head, *lines])


def results(found: Sequence[Row]) -> str:
    """Return a line for each gate, and one for each fixture that it didn't close on as it must."""
    lines = []
    for gate in dict.fromkeys((row["pipeline"], row["gate"]) for row in found):
        own = [row for row in found if (row["pipeline"], row["gate"]) == gate]
        wrong = [row for row in own if row["problem"]]
        lines.append(
            (gate[1], f"{len(own)} known-bad inputs", f"{len(wrong)} wrong" if wrong else "closes on all")
        )
        lines += [("", row["fixture"], row["problem"]) for row in wrong]
    return _table(lines)


def _effect(row: Row) -> str:
    if row["waived"]:
        return f"waived until {row['waived']}"
    return "blocks" if row["blocking"] else "warns"


def _limits(closes: Mapping[str, Any]) -> str:
    parts = [f"{place} {_value(value)}" for place, value in closes.items()]
    rest = len(parts) - _SHOWN
    return ", ".join(parts[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _value(value: Any) -> str:
    if isinstance(value, float):
        value = float(f"{value:.6g}")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _table(lines: Sequence[Sequence[str]]) -> str:
    shown = [[escaped(cell) for cell in line] for line in lines]
    widths = [max(len(line[i]) for line in shown) for i in range(len(shown[0]))] if shown else []
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in shown
    )
