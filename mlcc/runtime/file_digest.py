"""SHA-256 digests of single files, and a SHA-256 that is there at once."""

from __future__ import annotations

# os.path is loaded at start-up anyway; pathlib would cost a gate that judges two numbers 10 ms.
# ruff: noqa: PTH123
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK = 1 << 20


class DigestError(Exception):
    """The artifact has no digest: it is missing, empty, unreadable, or holds something else than files."""


def file_digest(path: str | os.PathLike[str]) -> str:
    """Return `sha256:<hex>` of a regular file's bytes. Raises DigestError; a symlink is refused."""
    return "sha256:" + hex_digest(os.fspath(path), os.fspath(path))


def hex_digest(path: str, shown: str) -> str:
    """Return the sha256 of a regular file's bytes; `shown` names it in messages. Raises DigestError."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            raise DigestError(f"{shown_name(shown)} is not a regular file")
        digest = sha256(size=found.st_size)
        with open(path, "rb") as file:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                digest.update(chunk)
    except OSError as error:
        raise DigestError(f"{shown_name(shown)} can't be read: {error.strerror}") from None
    return str(digest.hexdigest())


def sha256(data: bytes = b"", size: int = 0) -> Any:
    """Return hashlib's object of some bytes; `size` more are to come.

    hashlib loads OpenSSL, which takes a fifth of the time that Python needs to start and is worth it from a megabyte on.
    """
    if len(data) + size < _CHUNK:
        try:
            if sys.version_info >= (3, 12):
                from _sha2 import sha256 as own
            else:
                from _sha256 import sha256 as own  # type: ignore[import-not-found]
            return own(data)
        except ImportError:
            pass  # an interpreter may be built without them
    import hashlib

    return hashlib.sha256(data)


def shown_name(name: str) -> str:
    """Return a name fit for a message: one printable line."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name)[:200]
