"""Files as gates read them: bytes up to a limit, and strict JSON (see mlcc.strict_json)."""

from __future__ import annotations

# os.path is loaded at start-up anyway; pathlib would cost a gate that judges two numbers 10 ms.
# ruff: noqa: PTH116, PTH123
import os
import stat

from mlcc.gates._records import GateError, visible
from mlcc.strict_json import JsonError, strict_json

MAX_BYTES = 8 << 20


def read_json(path: str, limit: int = MAX_BYTES, *, finite: bool = True) -> object:
    """Return the value of a JSON file. `finite`: NaN and infinity are refused too, rather than returned.

    Raises GateError for a missing or over-large file (`limit` is in bytes), bytes that aren't UTF-8, and what
    `strict_json` refuses.
    """
    return parse_json(_utf8_text(path, limit), visible(path), finite=finite)


def parse_json(text: str, shown: str, *, finite: bool = True) -> object:
    """Return the value of JSON text, as `read_json` does; `shown` names its source in messages."""
    try:
        return strict_json(text, finite=finite)
    except JsonError as error:
        raise GateError(f"{shown} {visible(str(error))}") from None


def read_bytes(path: str, limit: int) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes. Raises GateError."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise GateError(f"{visible(path)} is not a file")
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise GateError(f"{visible(path)} is missing") from None
    except OSError as error:
        raise GateError(f"{visible(path)} can't be read: {error.strerror}") from None
    if len(data) > limit:
        raise GateError(f"{visible(path)} has over {limit} bytes")
    return data


def _utf8_text(path: str, limit: int) -> str:
    data = read_bytes(path, limit)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GateError(f"{visible(path)} is not UTF-8 at byte {error.start}") from None
