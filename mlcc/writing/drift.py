"""Drift: how the files on disk differ from what the spec compiles to, shown so that it can be mended."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Literal

from mlcc.diagnostics import Diagnostic, OutputError
from mlcc.record import record
from mlcc.writing.files import unsealed

Kind = Literal["missing", "stale", "edited", "orphan"]

_LONGEST = 20_000  # lines; past it a line-by-line comparison could take longer than the compile
_SHOWN = 200


@record
class Drift:
    """One file that isn't what the spec compiles to.

    `missing`: not there. `stale`: as mlcc once wrote it, but the spec or mlcc has changed since. `edited`:
    changed by hand. `orphan`: generated from a spec that no longer produces it, or is gone. `diff` leads from the
    file to what the spec compiles to; a missing file and an orphan have none, but `size`, in bytes. `command` is
    what mends it.
    """

    path: str
    kind: Kind
    diff: str
    command: str
    size: int = 0

    @property
    def title(self) -> str:
        """Return what is the matter, in a word or two."""
        return f"{self.kind}, {self.size:,} bytes" if self.size else self.kind


class EditedError(OutputError):
    """Files edited by hand stand in the way; `drifts` shows each edit (a diagnostic is one line)."""

    def __init__(self, diagnostics: Sequence[Diagnostic], drifts: Sequence[Drift]) -> None:
        super().__init__(diagnostics)
        self.drifts: tuple[Drift, ...] = tuple(drifts)


def unified(path: str, found: str, compiled: str, label: str = "compiled") -> str:
    """Return the unified diff from a file's text to its compiled one, which is called `label`, fit for a terminal.

    The digest in the marker is left out, unless nothing else differs. Characters that could act on a terminal
    are escaped, and a long diff is cut with a note of how much is missing.
    """
    before, after = unsealed(found), unsealed(compiled)
    if before == after:
        before, after = found, compiled
    old, new = before.split("\n"), after.split("\n")
    if len(old) + len(new) > 2 * _LONGEST:
        return f"--- {path}\n+++ {path} ({label})\n{_summary(old, new)}\n"
    lines = list(difflib.unified_diff(old, new, path, f"{path} ({label})", lineterm=""))
    shown = [_escaped(line) for line in lines[:_SHOWN]]
    if len(lines) > _SHOWN:
        shown.append(f"... {len(lines) - _SHOWN} more lines")
    return "\n".join(shown) + "\n"


def _summary(old: list[str], new: list[str]) -> str:
    pairs = enumerate(zip(old, new, strict=False), start=1)
    first = next((number for number, (left, right) in pairs if left != right), min(len(old), len(new)) + 1)
    return f"... they differ from line {first} on ({len(old)} and {len(new)} lines)"


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() or char == "\t" else ascii(char)[1:-1] for char in line)
