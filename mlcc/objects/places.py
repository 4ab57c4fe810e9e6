"""Where a store keeps its objects: on a disk, in a bucket of S3's kind, or in what fsspec reaches (`gs://`, `az://`).

A place reads and writes whole objects by key. Who calls checks what it reads: a store is trusted with no digest.
"""

from __future__ import annotations

# ruff: noqa: PTH103, PTH105, PTH116, PTH107, PTH112, PTH118, PTH120, PTH123 - paths are joined from keys that were checked part by part
import os
import re
from typing import TYPE_CHECKING, Any, Protocol

from mlcc.objects.account import account_of
from mlcc.objects.answers import AbsentError, DeniedError, StoreError, chunk, opener
from mlcc.objects.bucket import Bucket
from mlcc.objects.upload import PIECE, Pieces, upload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DISK = re.compile(r"(?:file://(/.*)|((?![A-Za-z0-9+.-]+://).+))", re.DOTALL)
_S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
# Scheme -> the package by which fsspec speaks it: https://filesystem-spec.readthedocs.io/en/latest/api.html
_PACKAGES = {"gs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}


class Place(Protocol):
    """What keeps objects. Every method raises StoreError where the store is away or refuses."""

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has; None: there is none."""

    def read(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes. Raises AbsentError where there is none."""

    def write(self, key: str, pieces: Pieces, new: bool) -> None:
        """Write an object, whole or not at all. `new`: one that is there by now has the same bytes, and stays."""


def place_of(uri: str, env: Mapping[str, str]) -> Place:
    """Return what keeps objects at an address; `env` has what it takes to log in. Raises StoreError."""
    disk, s3 = _DISK.fullmatch(uri), _S3.fullmatch(uri)
    if s3 is not None:
        web = opener()
        return S3(s3[1], (s3[2] or "").strip("/"), account_of(env, web), web)
    if disk is not None:
        return Disk(disk[1] or disk[2], mounted=disk[1] is not None)
    scheme = uri.partition("://")[0]
    if scheme in _PACKAGES:
        return Cloud(uri, _PACKAGES[scheme])
    raise StoreError("a store is a folder, file:///FOLDER, s3://…, gs://…, az://… or abfs://…")


class Disk:
    """A folder of a disk: a mounted one has to be there, since without its disk all would be written beside it."""

    def __init__(self, folder: str, mounted: bool) -> None:
        self._folder = folder
        if mounted and not os.path.isdir(folder):
            raise StoreError("there is no such folder: its disk isn't mounted here")

    def size(self, key: str) -> int | None:
        """See Place."""
        try:
            return os.stat(os.path.join(self._folder, key)).st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"it can't be read: {error.strerror}") from None

    def read(self, key: str) -> Iterator[bytes]:
        """See Place."""
        try:
            with open(os.path.join(self._folder, key), "rb") as file:
                yield from iter(lambda: file.read(1 << 20), b"")
        except FileNotFoundError:
            raise AbsentError("there is no such object") from None
        except OSError as error:
            raise StoreError(f"it can't be read: {error.strerror}") from None

    def write(self, key: str, pieces: Pieces, new: bool) -> None:
        """See Place."""
        del new  # the same bytes take the place of the same bytes
        target = os.path.join(self._folder, key)
        scratch = f"{target}.{os.getpid()}.{os.urandom(8).hex()}"
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                with open(scratch, "xb") as file:
                    for piece in pieces(PIECE):
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(scratch, target)
            finally:
                if os.path.lexists(scratch):
                    os.remove(scratch)
        except OSError as error:
            raise StoreError(f"it can't be written: {error.strerror}") from None


class S3:
    """What lies below a prefix of a bucket."""

    def __init__(self, bucket: str, prefix: str, account: Any, web: Any) -> None:
        self._bucket = Bucket(bucket, account, web)
        self._prefix = f"{prefix}/" if prefix else ""
        self._named = account.key is not None

    def size(self, key: str) -> int | None:
        """See Place."""
        try:
            return self._bucket.size(self._prefix + key)
        except DeniedError as error:
            raise self._denied(error) from None

    def read(self, key: str) -> Iterator[bytes]:
        """See Place."""
        try:
            with self._bucket.ask(self._prefix + key, Accept_Encoding="identity") as answer:
                yield from iter(lambda: chunk(answer), b"")
        except DeniedError as error:
            raise self._denied(error) from None

    def write(self, key: str, pieces: Pieces, new: bool) -> None:
        """See Place."""
        try:
            upload(self._bucket, self._prefix + key, pieces, new)
        except DeniedError as error:
            raise self._denied(error) from None

    def _denied(self, error: DeniedError) -> StoreError:
        if self._named:
            return error
        return StoreError(f"{error}; no key is set (AWS_ACCESS_KEY_ID, or `auth: [aws]` of the store)")


class Cloud:
    """What fsspec reaches by a package of its own, which the job's Python has to have.

    Its errors may quote what is secret: of each only the kind is shown.
    """

    def __init__(self, uri: str, package: str) -> None:
        scheme = uri.partition("://")[0]
        try:
            from fsspec.core import url_to_fs

            # adlfs asks without a key unless it is told to look for one.
            options = {"anon": False} if package == "adlfs" else {}
            self._files, self._folder = url_to_fs(uri, **options)
        except ImportError:
            raise StoreError(
                f"{scheme}:// needs the Python package {package}, and the job's Python hasn't got it: add it to the "
                "job's image or machine (what `setup` installs comes after what is read)"
            ) from None
        except Exception as error:
            raise _away(error) from None

    def size(self, key: str) -> int | None:
        """See Place."""
        try:
            self._files.invalidate_cache()
            return int(self._files.info(self._path(key))["size"])
        except FileNotFoundError:
            return None
        except Exception as error:
            raise _away(error) from None

    def read(self, key: str) -> Iterator[bytes]:
        """See Place."""
        try:
            with self._files.open(self._path(key), "rb") as file:
                yield from iter(lambda: file.read(1 << 20), b"")
        except FileNotFoundError:
            raise AbsentError("there is no such object") from None
        except Exception as error:
            raise _away(error) from None

    def write(self, key: str, pieces: Pieces, new: bool) -> None:
        """See Place."""
        del new  # the same bytes take the place of the same bytes
        try:
            with self._files.open(self._path(key), "wb") as file:
                for piece in pieces(PIECE):
                    file.write(piece)
        except StoreError:
            raise
        except Exception as error:
            raise _away(error) from None

    def _path(self, key: str) -> str:
        return f"{self._folder.rstrip('/')}/{key}"


def _away(error: Exception) -> StoreError:
    return StoreError(f"the store refuses or can't be reached ({type(error).__name__})")
