"""The entry of the emitted `.mlcc/objects.py`: lists or fetches what lies at an address, and says so as JSON."""

from __future__ import annotations

# ruff: noqa: PTH103, PTH118 - os.path, as for the paths that the gates give
import json
import os
import shutil
import sys

from mlcc.objects.account import account_of
from mlcc.objects.answers import DeniedError, StoreError, opener
from mlcc.objects.bucket import Bucket, objects_digest, split_address

_ROOM = 64 << 20  # bytes that stay free


def main() -> int:
    """Run `list ADDRESS` or `fetch ADDRESS FOLDER`: print one JSON object, and return 0, or 2 with its `error`."""
    arguments = sys.argv[1:]
    if [len(arguments), *arguments[:1]] not in ([2, "list"], [3, "fetch"]):
        return _end({"error": "usage: python -I .mlcc/objects.py list ADDRESS | fetch ADDRESS FOLDER"}, 2)
    try:
        return _end(read_address(*arguments[1:]), 0)
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


def _read(bucket: Bucket, path: str, folder: str | None) -> dict[str, object]:
    objects = bucket.objects(path)
    found: dict[str, object] = {"digest": objects_digest(objects)}
    if folder is None:
        return {**found, "objects": [object._asdict() for object in objects]}
    _make(folder)
    size = sum(object.size for object in objects)
    if size + _ROOM > shutil.disk_usage(folder).free:
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
