"""Moves objects that are named by the sha256 of their bytes: equal ones are kept once, and no others are taken for them."""

from __future__ import annotations

# ruff: noqa: PTH103, PTH105, PTH107, PTH116, PTH120, PTH123 - os.path, as for all that lies here
import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mlcc.objects.answers import AbsentError, StoreError, patiently
from mlcc.objects.places import Place
from mlcc.objects.upload import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FILES_AT_ONCE = 8
ROOM = 64 << 20  # bytes that stay free


class Item(NamedTuple):
    """A file here, and the sha256 of its bytes, in hex."""

    path: str
    sha256: str

    @property
    def key(self) -> str:
        """Where the store has it."""
        return f"sha256/{self.sha256[:2]}/{self.sha256}"


def push(place: Place, items: Sequence[Item]) -> None:
    """Write files that the store hasn't yet. Raises StoreError."""
    with ThreadPoolExecutor(_FILES_AT_ONCE) as threads:
        list(threads.map(partial(_push, place), items))


def _push(place: Place, item: Item) -> None:
    try:
        size = os.stat(item.path).st_size
    except OSError as error:
        raise StoreError(f"a file can't be read here: {error.strerror}") from None
    there = patiently(lambda: place.size(item.key))
    if there != size:
        # What has another size was cut off: it isn't what its key says.
        place.write(item.key, Pieces(size, partial(_pieces, item)), new=there is None)


def _pieces(item: Item, most: int) -> Iterator[bytes]:
    """Yield a file's bytes. Raises StoreError at their end where they aren't the ones that were digested."""
    digest = hashlib.sha256()
    try:
        with open(item.path, "rb") as file:
            piece = file.read(most)
            while piece:
                digest.update(piece)
                after = file.read(most)
                if not after and digest.hexdigest() != item.sha256:
                    raise StoreError("a file changed while it was sent")
                yield piece
                piece = after
    except OSError as error:
        raise StoreError(f"a file can't be read here: {error.strerror}") from None


def pull(place: Place, items: Sequence[Item], size: int) -> None:
    """Write files here from the store, each whole or not at all. Raises StoreError where the store has other bytes.

    `size` is how many bytes they have together.
    """
    folder = os.path.dirname(items[0].path) or "." if items else "."
    try:
        os.makedirs(folder, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise StoreError(f"the folder for what is fetched can't be made: {error.strerror}") from None
    if size + ROOM > free:
        raise StoreError(f"{size} bytes are to be fetched, and this disk hasn't got the room")
    with ThreadPoolExecutor(_FILES_AT_ONCE) as threads:
        list(threads.map(lambda item: patiently(partial(_pull, place, item)), items))


def _pull(place: Place, item: Item) -> None:
    scratch = f"{item.path}.{os.urandom(8).hex()}"
    digest = hashlib.sha256()
    try:
        os.makedirs(os.path.dirname(item.path) or ".", exist_ok=True)
        with open(scratch, "xb") as file:
            for piece in place.read(item.key):
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != item.sha256:
            raise StoreError(f"at {item.key} the store has other bytes: sha256:{digest.hexdigest()}")
        os.replace(scratch, item.path)
    except AbsentError:
        raise StoreError(f"at {item.key} the store has nothing") from None
    except OSError as error:
        raise StoreError(f"an object can't be written here: {error.strerror}") from None
    finally:
        if os.path.lexists(scratch):
            os.remove(scratch)
