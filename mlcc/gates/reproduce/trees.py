"""Compares what two runs wrote, file by file."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH112, PTH114, PTH118
import os

from mlcc.gates._records import GateError, visible
from mlcc.runtime.digest import DigestError, file_digest

_NAMED = 3


def file_digests(path: str) -> dict[str, str]:
    """Return the digest of a file (under the name ""), or of each file below a folder, by relative name.

    Raises GateError for an empty folder, a symlink, and what isn't a regular file.
    """
    names = [""] if not os.path.isdir(path) or os.path.islink(path) else _names(path)
    if not names:
        raise GateError(f"{visible(path)} holds no file")
    try:
        return {name: file_digest(os.path.join(path, name) if name else path) for name in names}
    except DigestError as error:
        raise GateError(f"a run's output can't be compared: {error}") from None


def _names(top: str) -> list[str]:
    found = []
    for folder, below, files in os.walk(top):
        # A link to a folder is among the folders, and is not followed: taking its digest fails.
        links = [name for name in below if os.path.islink(os.path.join(folder, name))]
        found += [os.path.relpath(os.path.join(folder, name), top) for name in (*files, *links)]
    return sorted(found)


def first_differences(one: dict[str, str], other: dict[str, str]) -> str:
    """Name the first files that differ, or that only one of two runs wrote; "" where there are none."""
    changed = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    told = [_told(name, one, other) for name in changed[:_NAMED]]
    more = f", and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return ", ".join(told) + more


def _told(name: str, one: dict[str, str], other: dict[str, str]) -> str:
    if not name:
        return "its bytes differ"
    if name not in one or name not in other:
        return f"{visible(name, 100)} is only in one of them"
    return f"{visible(name, 100)} differs"
