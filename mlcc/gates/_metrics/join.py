"""Two tables of predictions for the same examples, brought into the same order by their key."""

from __future__ import annotations

from mlcc.gates._metrics.rows import Rows
from mlcc.gates._records import GateError, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def joined(one: Rows, other: Rows, names: tuple[str, str]) -> tuple[Rows, Rows]:
    """Return both by rising `key`; `names` are what messages call them.

    Raises GateError, with counts, for a key that occurs twice, keys that only one has, and labels or queries that
    differ: the difference of a metric means something on the same examples only.
    """
    one, other = by_key(one, names[0]), by_key(other, names[1])
    _refuse_other_keys(one["key"], other["key"], names)
    for alias in ("label", "query"):
        if alias in one.arrays:
            differ = int((_plain_values(one, alias) != _plain_values(other, alias)).sum())
            if differ:
                raise GateError(f"the two tables give {differ} of {one.n} examples another {alias}")
    return one, other


def refuse_other_examples(one: Rows, other: Rows, names: tuple[str, str]) -> None:
    """Raise GateError where two tables without a key can't be of the same examples: another number, or other labels."""
    import numpy as np

    if one.n != other.n:
        counts = f"{one.n} rows in {visible(names[0], 80)}, {other.n} in {visible(names[1], 80)}"
        raise GateError(f"there are {counts}: score the same examples")
    if "label" in one.arrays:
        labels = [np.sort(_plain_values(rows, "label")) for rows in (one, other)]
        if (labels[0] != labels[1]).any():
            raise GateError(
                f"{visible(names[0], 80)} and {visible(names[1], 80)} have other labels: score the same examples"
            )


def by_key(rows: Rows, name: str) -> Rows:
    """Return rows by rising key. Raises GateError for a key that occurs twice."""
    import numpy as np

    found = rows.take(np.argsort(rows["key"], kind="stable"))
    twice = int((found["key"][1:] == found["key"][:-1]).sum())
    if twice:
        raise GateError(f"{twice} of {rows.n} rows of {visible(name, 80)} repeat a key")
    return found


def _refuse_other_keys(one: Any, other: Any, names: tuple[str, str]) -> None:
    import numpy as np

    common = len(np.intersect1d(one, other, assume_unique=True))
    if common != len(one) or common != len(other):
        alone = f"{len(one) - common} only in {visible(names[0], 80)}, {len(other) - common} only in "
        raise GateError(
            f"{common} keys are in both tables, {alone}{visible(names[1], 80)}: score the same examples"
        )


def _plain_values(rows: Rows, alias: str) -> Any:
    """Return what labels are, not the codes of classes, which count from another start in another table."""
    import numpy as np

    values = rows[alias]
    return np.array(rows.names)[values] if alias == "label" and values.dtype.kind == "i" else values
