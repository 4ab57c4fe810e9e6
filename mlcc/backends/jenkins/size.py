"""How much bytecode a row becomes in Jenkins, estimated from above. See limits.py for where the figures come from."""

from __future__ import annotations

from collections.abc import Sequence

from mlcc.backends.jenkins import limits
from mlcc.backends.jenkins.model import Row


def weight(row: Row) -> int:
    """Return the most bytes that a row adds to its method."""
    items = sum(len(value) for value in row.fields.values() if isinstance(value, tuple))
    return limits.ROW_BYTES + limits.FIELD_BYTES * len(row.fields) + limits.ITEM_BYTES * items


def texts(row: Row) -> list[str]:
    """Return the texts of a row."""
    found = [row.key]
    for value in row.fields.values():
        if isinstance(value, tuple):
            found += value
        elif isinstance(value, str):
            found.append(value)
    return found


def constants(rows: Sequence[Row]) -> int:
    """Return the most constants that a script with these rows has. A text that stands twice counts once."""
    found = {text for row in rows for text in texts(row)}
    fields = sum(len(row.fields) for row in rows)
    return limits.TEMPLATE_CONSTANTS + limits.ROW_CONSTANTS * len(rows) + fields + 2 * len(found)
