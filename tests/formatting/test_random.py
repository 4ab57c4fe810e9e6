"""Random specs in a random hand: formatting keeps values and comments, each with what it belongs to, and is stable."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcc.formatting import formatted
from mlcc.load.source import Node, locate, plain, read
from tests.formatting.scribble import scribbled
from tests.spec.strategies import specs

_WHOSE = re.compile(r"# ?(above|at|under) (\[.*\])$")


def values(text: str) -> str:
    return json.dumps(plain(read(text.encode(), "mlcc.yaml").root))


def marks(text: str) -> list[str]:
    """Return what the hand has put into comments, sorted; block texts of the drawn specs hold no such thing."""
    return sorted(match.group() for line in text.split("\n") if (match := _WHOSE.search(line)))


def misplaced(text: str) -> list[str]:
    """Return the comments that aren't beside what they belong to."""
    root = read(text.encode(), "mlcc.yaml").root
    lines = text.split("\n")
    found = []
    for number, line in enumerate(lines, 1):
        match = _WHOSE.search(line)
        if match and not _is_beside(lines, number, match[1], _extent(root, json.loads(match[2]))):
            found.append(f"{number}: {line}")
    return found


def _extent(root: Node, path: list[str | int]) -> tuple[int, int]:
    """Return the first and the last line of a part."""
    span = locate(root, tuple(path))
    return locate(root, tuple(path), key=True).line, span.end_line


def _is_beside(lines: list[str], number: int, where: str, extent: tuple[int, int]) -> bool:
    first, last = extent
    alone = lines[number - 1].lstrip().startswith("#")
    following = next((n for n in range(number, len(lines) + 1) if not _is_idle(lines[n - 1])), None)
    before = next((n for n in range(number, 0, -1) if not _is_idle(lines[n - 1])), 0)
    if not alone:
        return where == "at" and first <= number <= last
    if where == "above":
        return following == first
    # below a part, further in; a comment at the end of a line may have come to stand above it
    inside = first <= before <= last and _indent(lines[number - 1]) > _indent(lines[first - 1])
    return inside or (where == "at" and following == first)


def _is_idle(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(specs(), st.integers(0, 2**32))
def test_formatting_changes_neither_values_nor_comments(data: dict[str, Any], seed: int) -> None:
    text = scribbled(data, Random(seed))
    assert values(text) == json.dumps(data)
    made = formatted(text, "mlcc.yaml")
    assert values(made) == json.dumps(data)
    assert marks(made) == marks(text)
    assert misplaced(made) == []
    assert formatted(made, "mlcc.yaml") == made
