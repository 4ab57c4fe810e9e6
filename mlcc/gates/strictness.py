"""Which way a gate's parameters get looser: easier to pass.

`looser` tells for a place in what a kind's `compile` returns, by the kind's own table `LOOSER` (in its compile.py), else
by the key's name. In a path, entries of lists that have an `id` or a `name` are known by it. A place that neither knows is
neither looser nor stricter when it changes: it has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from mlcc.gates import GATES

Way = str | tuple[str, ...]
Path = tuple[str, ...]

FLOOR = "floor"
"""A least value: lower is looser, and without it nothing is asked."""
CEILING = "ceiling"
"""A largest value: higher is looser, and without it nothing is asked."""
SLACK = "slack"
"""What is forgiven: more is looser, and without it nothing is forgiven."""
DEMANDED = "demanded"
"""What must be there: an item less is looser; of true and false, false."""
ALLOWED = "allowed"
"""What may be there: an item more is looser, and without the list anything may."""
PRESENT = "present"
"""What it holds follows from the other parameters, and without it something less is asked."""
DERIVED = "derived"
"""Follows from the other parameters, or decides nothing."""

# A tuple lists the words that may stand there, the strictest first.
FRAME: Mapping[str, Way] = {"on_inconclusive": ("fail", "warn"), "params/setup": DERIVED}
_BY_NAME: Mapping[str, Way] = {
    **dict.fromkeys(("min", "min_*", "confidence", "power", "requests", "runs"), FLOOR),
    **dict.fromkeys(("max", "max_*", "within"), CEILING),
    **dict.fromkeys(
        ("psi", "jensen_shannon", "l_infinity", "ks", "wasserstein", "chi_square"), CEILING
    ),
    **dict.fromkeys(("margin", "tolerance", "relative", "alpha", "max_nulls", "max_mismatch"), SLACK),
    **dict.fromkeys(("values", "formats", "licenses"), ALLOWED),
    **dict.fromkeys(
        ("required", "requires", "signed_by", "about", "identical", "unique", "key", "denied", "decreases"), DEMANDED
    ),
    **dict.fromkeys(("query", "z", "setup"), DERIVED),
    "test": ("superior", "non_inferior"),
}  # fmt: skip


def looser(kind: str, path: Path) -> Way | None:
    """Return which way is looser at a place of a kind's compiled parameters; None where it isn't known."""
    own: Mapping[str, Way] = getattr(GATES[kind].compiler(), "LOOSER", {}) if kind in GATES else {}
    for pattern, way in own.items():
        if _matches(pattern, path):
            return way
    # An exact name goes before one with a wildcard: max_nulls is what is forgiven, max_age a ceiling.
    name = path[-1]
    return _BY_NAME.get(name) or next(
        (way for pattern, way in _BY_NAME.items() if fnmatchcase(name, pattern)), None
    )


def _matches(pattern: str, path: Path) -> bool:
    """Whether a pattern such as `checks/*.min/limit` names a place, or one below it where it ends in `/**`."""
    parts = pattern.split("/")
    if parts[-1] == "**":
        parts, path = parts[:-1], path[: len(parts) - 1]
    return len(parts) == len(path) and all(map(fnmatchcase, path, parts))
