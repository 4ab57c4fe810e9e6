"""Checks of paths. Part of `mlcc.spec.scalars`."""

from __future__ import annotations

from mlcc.load.source import HIDDEN


def check_path(value: str) -> str:
    """Return `value` if it is a clean path inside the project: relative, NFC, no way out."""
    problem = path_problem(value)
    if problem:
        raise ValueError(problem)
    return value


def check_source(value: str) -> str:
    """Return `value` if it is a clean path inside the project or, behind `//`, inside the repository."""
    check_path(value.removeprefix("//"))
    return value


def path_problem(value: str) -> str | None:
    """Say what is wrong with a path, or None."""
    if not value or value != value.strip():
        return "a path isn't empty and has no space at its ends"
    if value.startswith(("/", "-", "~")) or "\\" in value or ":" in value:
        return "a path is relative, with '/', and starts with neither '-' nor '~' and has no ':'"
    if not _is_clean_unicode(value):
        return "a path is in Unicode form NFC, without control characters"
    if any(c in value for c in "[]{}!"):
        return "the wildcards of a path are '*', '**' and '?'; it has none of '[]{}!'"
    parts = value.rstrip("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "a path has no empty, '.' or '..' part"
    if parts[0] in (".git", ".mlcc", "_mlcc"):
        return f"'{parts[0]}/' isn't the project's own"
    return None


def _is_clean_unicode(value: str) -> bool:
    if value.isascii():
        return value.isprintable()
    import unicodedata  # most paths are ASCII

    hidden = HIDDEN.search(value) or "\n" in value or "\t" in value
    return not hidden and unicodedata.is_normalized("NFC", value)


def check_plain_path(value: str) -> str:
    """Return `value` if it is a clean path without wildcards."""
    check_path(value)
    if any(c in value for c in "*?"):
        raise ValueError("this path names one file or one folder (ending in '/'): no wildcards")
    return value


def check_folder(value: str) -> str:
    """Return `value` if it is a folder of the project, or `.` for all of it."""
    return value if value == "." else check_plain_path(value)
