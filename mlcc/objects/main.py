"""The entry of the emitted `.mlcc/objects.py`: lists or fetches what lies at an address, moves what a store keeps.

It says what it did as JSON.
"""

from __future__ import annotations

# ruff: noqa: PTH103, PTH118 - os.path, as for the paths that the gates give
import base64
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

from mlcc.objects.account import account_of
from mlcc.objects.answers import AbsentError, DeniedError, StoreError, opener, patiently
from mlcc.objects.bucket import Bucket, objects_digest, split_address
from mlcc.objects.places import place_of
from mlcc.objects.transfer import ROOM, Item, pull, push
from mlcc.objects.upload import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_USAGE = (
    "usage: python -I .mlcc/objects.py list ADDRESS | fetch ADDRESS FOLDER | read STORE KEY | write STORE KEY < CONTENT | "
    "push STORE < ITEMS | pull STORE < ITEMS"
)
_MOST_RECORD = 16 << 20  # bytes


def main() -> int:
    """Run the command that is named: print one JSON object, and return 0, or 2 with its `error`.

    ITEMS are JSON: `files`, each a path and the sha256 of its bytes in hex, and for `pull` how many bytes they have (`size`).
    """
    commands: dict[str, tuple[int, Callable[..., dict[str, object]]]] = {
        "list": (1, read_address), "fetch": (2, read_address), "read": (2, read_record_at), "write": (2, write_record_at),
        "push": (1, push_files), "pull": (1, pull_files),
    }  # fmt: skip
    name, *arguments = sys.argv[1:] or [""]
    count, command = commands.get(name, (-1, read_address))
    if len(arguments) != count:
        return _end({"error": _USAGE}, 2)
    try:
        return _end(command(*arguments), 0)
    except StoreError as error:
        return _end({"error": str(error)}, 2)
    except Exception as error:  # whatever it is, its text could quote what is secret
        return _end({"error": f"something unforeseen went wrong: {type(error).__name__}"}, 2)


def read_address(address: str, folder: str | None = None) -> dict[str, object]:
    """Return the digest and the objects of an address; with a folder, fetch them into it. Raises StoreError."""
    name, path = split_address(address)
    web = opener()
    account = account_of(os.environ, web)
    try:
        return _read(Bucket(name, account, web), path, folder)
    except DeniedError as error:
        if account.key is not None:
            raise
        raise StoreError(
            f"{error}; no key is set (AWS_ACCESS_KEY_ID, or `auth: [aws]` on the node)"
        ) from None


def read_record_at(store: str, key: str) -> dict[str, object]:
    """Return a small object's `content`, in base64; `absent` where there is none. Raises StoreError."""
    place = place_of(store, os.environ)
    try:
        content = patiently(lambda: _small(place.read(key)))
    except AbsentError:
        return {"absent": True}
    return {"content": base64.b64encode(content).decode()}


def write_record_at(store: str, key: str) -> dict[str, object]:
    """Write a small object from standard input. Raises StoreError."""
    content = sys.stdin.buffer.read(_MOST_RECORD + 1)
    place_of(store, os.environ).write(key, Pieces(len(content), lambda _: iter([content])), new=False)
    return {"written": len(content)}


def push_files(store: str) -> dict[str, object]:
    """Write files that the store hasn't yet. Raises StoreError."""
    asked = json.load(sys.stdin)
    push(place_of(store, os.environ), [Item(*one) for one in asked["files"]])
    return {"moved": len(asked["files"])}


def pull_files(store: str) -> dict[str, object]:
    """Write files here from the store. Raises StoreError."""
    asked = json.load(sys.stdin)
    pull(place_of(store, os.environ), [Item(*one) for one in asked["files"]], asked["size"])
    return {"moved": len(asked["files"])}


def _small(pieces: Iterator[bytes]) -> bytes:
    found = b""
    for piece in pieces:
        found += piece
        if len(found) > _MOST_RECORD:
            raise StoreError("an object is too large to be a record")
    return found


def _read(bucket: Bucket, path: str, folder: str | None) -> dict[str, object]:
    objects = bucket.objects(path)
    found: dict[str, object] = {"digest": objects_digest(objects)}
    if folder is None:
        return {**found, "objects": [object._asdict() for object in objects]}
    _make(folder)
    size = sum(object.size for object in objects)
    if size + ROOM > shutil.disk_usage(folder).free:
        raise StoreError(f"{size} bytes are to be fetched, and this disk hasn't got the room")
    return {**found, "objects": bucket.fetch(objects, folder)}


def _make(folder: str) -> None:
    """Make an empty folder. A link on the way to it could lead anywhere."""
    try:
        if os.path.realpath(folder) != os.path.join(os.path.realpath("."), folder):
            raise StoreError("the folder for what is fetched lies behind a link")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    except OSError as error:
        raise StoreError(f"the folder for what is fetched can't be made: {error.strerror}") from None


def _end(answer: dict[str, object], status: int) -> int:
    sys.stdout.write(json.dumps(answer) + "\n")
    return status
