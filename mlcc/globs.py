"""Names that patterns match: what branches and tags a plan must be thought through for."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from mlcc.runtime.patterns import Machine, name_matches, tokens_of

LARGEST_SEARCH = 20_000
"""States that a search for a common name may visit; patterns that people write need a few dozen."""


def samples(allowed: Collection[str], named: Collection[str]) -> list[str]:
    """Return names that `allowed` patterns let through: of each, and of each and one or two of `named` together."""
    plain = {name for name in named if not _has_wildcards(name)}
    wild = sorted(set(named) - plain)
    found = {name for name in plain if any(name_matches(pattern, name) for pattern in allowed)}
    groups: list[tuple[str, ...]] = [(), *((one,) for one in wild)]
    groups += [(one, other) for one in wild for other in wild if one < other]
    for pattern in allowed:
        common = (common_name((pattern, *group)) for group in groups)
        found.update(name for name in common if name is not None)
    return sorted(found)


def _has_wildcards(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def common_name(patterns: Sequence[str]) -> str | None:
    """Return a shortest name that all patterns match; None when there is none. No name begins with '/'."""
    plain = next((pattern for pattern in patterns if not _has_wildcards(pattern)), None)
    if plain is not None:  # it matches one name, so there is nothing to look for
        return plain if all(name_matches(pattern, plain) for pattern in ("?**", *patterns)) else None
    machines = [Machine(tokens_of(pattern)) for pattern in ("?**", *patterns)]
    letters = sorted({c for pattern in patterns for c in pattern if c not in "*?"} | {"/", "x"})
    start = tuple(machine.arrive(1) for machine in machines)
    before: dict[tuple[int, ...], tuple[tuple[int, ...], str] | None] = {start: None}
    todo = deque([start])
    while todo and len(before) <= LARGEST_SEARCH:
        states = todo.popleft()
        if all(s & m.end for s, m in zip(states, machines, strict=True)):
            return _spell(states, before)
        for letter in letters:
            after = tuple(m.step(s, letter) for s, m in zip(states, machines, strict=True))
            if all(after) and after not in before:
                before[after] = (states, letter)
                todo.append(after)
    return None


def _spell(states: tuple[int, ...], before: dict[tuple[int, ...], tuple[tuple[int, ...], str] | None]) -> str:
    name = ""
    while (step := before[states]) is not None:
        states, letter = step
        name = letter + name
    return name
