"""How much bytecode a row becomes in Jenkins, estimated from above. See limits.py for where the figures come from."""

from __future__ import annotations

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
