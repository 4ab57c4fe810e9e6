"""Files that a compile produces, and the marker line that tells them from hand-written ones.

Every generated file holds one line, near its top, with `mlcc:generated from=SPEC sha256=DIGEST` (`from=` may
be absent). DIGEST is the sha256 of the whole file with those 64 digits replaced by zeros, so that a later
compile can tell a file it wrote (overwrite it) from one that was edited by hand (refuse) and from one that it
never wrote (refuse, whatever the flags).
"""

from __future__ import annotations

import re
from functools import lru_cache

from mlcc.record import record

BLANK_DIGEST = "0" * 64
LOCK = "mlcc.lock"
"""The name of the lock, in the folder of its spec."""
LOCK_MARK = "mlcc:lock"
"""Begins the first comment of the lock, which people and mlcc write together: it has no digest."""


def lock_beside(home: str) -> str:
    """Return the path of the lock of a spec in a folder; both are relative to the repository's."""
    return f"{home}/{LOCK}" if home else LOCK


# The marker counts only where a header can be: a file that merely quotes one further down isn't ours.
_HEAD = 4096
_MARKER = re.compile(
    r"mlcc:generated (?:from=(?P<source>[A-Za-z0-9/._%-]+) )?sha256=(?P<digest>[0-9a-f]{64})(?![0-9A-Za-z])"
)
_PLAIN_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-")


@record
class File:
    """One output: `path` is posix and relative to the repository root, `text` is its whole content."""

    path: str
    text: str


def marker_line(source: str | None = None) -> str:
    """Return the unsealed marker, without a comment sign and on one line of printable ASCII.

    `source` is the spec's posix path relative to the repository root. Bytes outside `A-Za-z0-9/._-` are
    written as `%XX`, so that no path can end a comment or start another marker.
    """
    origin = "" if source is None else f"from={_encode(source)} "
    return f"mlcc:generated {origin}sha256={BLANK_DIGEST}"


@lru_cache(maxsize=64)  # the scripts are the same for every pipeline
def seal(text: str) -> str:
    """Return `text` with its marker's digest filled in; sealing twice changes nothing.

    Raises ValueError when there is no marker near the top.
    """
    match = _find(text)
    if match is None:
        raise ValueError("no marker near the top: a generated file needs marker_line() in its header")
    return _with_digest(text, match, _digest(text, match))


def is_generated(text: str) -> bool:
    """Whether `text` says that mlcc wrote it (it may have been edited since)."""
    return _find(text) is not None


def is_lock(text: str) -> bool:
    """Whether `text` says that it is a lock of mlcc's."""
    return text.startswith(f"# {LOCK_MARK}:")


def is_intact(text: str) -> bool:
    """Whether `text` is, byte for byte, what mlcc once wrote."""
    match = _find(text)
    return match is not None and match["digest"] == _digest(text, match)


def origin(text: str) -> str | None:
    """Return the path of the spec that `text` was generated from, or None when it doesn't say."""
    match = _find(text)
    return None if match is None or match["source"] is None else _decode(match["source"])


def unsealed(text: str) -> str:
    """Return `text` with its marker's digest zeroed, to compare all that isn't the digest."""
    match = _find(text)
    return text if match is None else _with_digest(text, match, BLANK_DIGEST)


def _find(text: str) -> re.Match[str] | None:
    return _MARKER.search(text, 0, _HEAD)


def _with_digest(text: str, match: re.Match[str], digest: str) -> str:
    return text[: match.start("digest")] + digest + text[match.end("digest") :]


def _digest(text: str, match: re.Match[str]) -> str:
    import hashlib  # 2 ms that a lint needn't pay

    # surrogateescape: a hand edit may have left bytes that aren't UTF-8; that must read as "edited"
    blank = _with_digest(text, match, BLANK_DIGEST)
    return hashlib.sha256(blank.encode("utf-8", "surrogateescape")).hexdigest()


def _encode(source: str) -> str:
    encoded = source.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PLAIN_BYTES else f"%{byte:02X}" for byte in encoded)


def _decode(encoded: str) -> str:
    found = re.sub(r"%([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), encoded)
    return found.encode("latin-1").decode("utf-8", "surrogateescape")
