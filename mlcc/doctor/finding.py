"""One thing that was looked at, and how findings are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from mlcc.record import as_dict, record
from mlcc.render_diagnostics import escaped

State = Literal["done", "missing", "unknown"]
Answer = tuple[State, str]
"""A state, and what it rests on or what is lacking."""

SCHEMA = "https://mlcc.dev/doctor/1"
HERE = "here"
_WORDS: dict[State, str] = {"done": "done", "missing": "missing", "unknown": "can't tell"}


@record
class Finding:
    """How one thing stands. `place` is `here` or a CI system, `id` the obligation's, or the check's of this machine.

    `mend` says how to make it right; empty where it is, or where nobody knows.
    """

    place: str
    id: str
    state: State
    what: str
    detail: str = ""
    mend: str = ""


def together(answers: Iterable[Answer]) -> Answer:
    """Return the state of what has several parts: one that lacks makes it lack, one that can't be told leaves it open."""
    found = list(answers)
    for state in ("missing", "unknown"):
        said = [detail for answer, detail in found if answer == state]
        if said:
            return state, "; ".join(dict.fromkeys(detail for detail in said if detail))
    return ("done", "") if found else ("unknown", "nothing was looked at")


def as_json(specs: Sequence[tuple[str, Sequence[Finding]]]) -> str:
    """Return findings, by pipeline, as JSON after schemas/doctor.schema.json."""
    import json

    rows: list[dict[str, Any]] = [
        {"pipeline": name, "findings": [as_dict(one) for one in found]} for name, found in specs
    ]
    return json.dumps({"schema": SCHEMA, "specs": rows}, indent=2, ensure_ascii=False) + "\n"


def as_text(specs: Sequence[tuple[str, Sequence[Finding]]]) -> str:
    """Return findings as lines, by pipeline and place, and how many there are of each state."""
    lines: list[str] = []
    for name, found in specs:
        for place in dict.fromkeys(one.place for one in found):
            lines.append(f"{name}, {place}")
            lines += [line for one in found if one.place == place for line in _lines(one)]
        counts = [f"{sum(one.state == state for one in found)} {word}" for state, word in _WORDS.items()]
        lines.append(f"{name}: {', '.join(counts)}")
    return "".join(f"{line}\n" for line in lines)


def _lines(one: Finding) -> list[str]:
    detail = f": {one.detail}" if one.detail else ""
    lines = [f"  {_WORDS[one.state]:<10}  {escaped(one.what + detail)}"]
    if one.mend:
        lines.append(f"              to mend it: {escaped(one.mend)}")
    return lines
