"""Hash-pinned packages that gates may need: the shipped lists, and how a list is read and written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from mlcc.plan.pins import Package
from mlcc.record import record

LISTS = ("duckdb", "numpy", "postgres", "spark")
PACKAGES = (
    "duckdb", "numpy", "psycopg", "psycopg-binary", "py4j", "pyspark", "typing-extensions", "tzdata",
)  # fmt: skip
"""What the lists hold, so that nobody has to read them for it."""
DATE = "2026-11-24"
"""The day on which the shipped versions were looked up."""

_HEAD = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[0-9][A-Za-z0-9.!+_-]*)(?P<marker> ;[^\\]*)? \\"
)
_HASH = re.compile(r"    --hash=sha256:(?P<hex>[0-9a-f]{64})(?P<more> \\)?")


@record
class Entry:
    """A package of a list, or (`package` None) a line that stands as it is. `marker` says where it is installed.

    `line` is where it stands in its text, from 1.
    """

    text: str
    line: int
    package: Package | None = None
    marker: str = ""


def shipped(name: str) -> str:
    """Return the text of one of `LISTS`."""
    from importlib.resources import files  # which a lint needn't pay for

    return files("mlcc.gates.requirements").joinpath(f"{name}.txt").read_text("utf-8")


@cache
def shipped_packages() -> Mapping[str, Package]:
    """Return every package of the shipped lists."""
    return {
        entry.text: entry.package
        for name in LISTS
        for entry in entries(shipped(name))
        if entry.package is not None
    }


def entries(text: str) -> Sequence[Entry]:
    """Return what a list consists of, in order. A package that isn't spelled as it is written here stands as lines."""
    lines = text.splitlines()
    found: list[Entry] = []
    at = 0
    while at < len(lines):
        head = _HEAD.fullmatch(lines[at])
        end, hashes = _hashes(lines, at + 1) if head else (at + 1, ())
        if head and hashes:
            package = Package(head["version"], hashes)
            found.append(Entry(head["name"], at + 1, package, head["marker"] or ""))
        else:
            end = at + 1
            found.append(Entry(lines[at], at + 1))
        at = end
    return found


def _hashes(lines: Sequence[str], at: int) -> tuple[int, tuple[str, ...]]:
    """Return where a package's hashes end, and them; none where they don't end as they should."""
    found: list[str] = []
    while at < len(lines):
        match = _HASH.fullmatch(lines[at])
        if match is None:
            return at, ()
        found.append(match["hex"])
        at += 1
        if not match["more"]:
            return at, tuple(sorted(set(found)))
    return at, ()


def with_pins(text: str, pins: Mapping[str, Package]) -> str:
    """Return a list with the versions and hashes that a lock fixes."""
    return "".join(_spelled(entry, pins) for entry in entries(text))


def _spelled(entry: Entry, pins: Mapping[str, Package]) -> str:
    if entry.package is None:
        return f"{entry.text}\n"
    package = pins.get(entry.text, entry.package)
    hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in package.hashes)
    return f"{entry.text}=={package.version}{entry.marker} \\\n{hashes}\n"
