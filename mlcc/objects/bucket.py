"""The objects of a bucket: which there are at an address, and their bytes."""

from __future__ import annotations

# ruff: noqa: PTH103, PTH118, PTH120, PTH123 - paths are joined from keys that were checked part by part
import hashlib
import os
import re
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus
from urllib.request import OpenerDirector, Request

from mlcc.objects.account import Account
from mlcc.objects.answers import PassingError, StoreError, ask, body, chunk, patiently, xml
from mlcc.objects.sign import encoded, query_of, signed
from mlcc.runtime.patterns import path_matches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse
    from xml.etree.ElementTree import Element

MOST_OBJECTS = 10_000  # each is named in the verdict
_MOST_TEXT = 4 << 20  # characters of all their keys, as JSON has them
_MOST_PAGES = 1_000  # of up to 1,000 keys
_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", re.DOTALL)
_WILD = re.compile(r"[*?]")
_SIZE = re.compile(r"[0-9]{1,15}")
# Bytes. S3's own largest object has 48.8 TiB: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingObjects.html
_LARGEST = 50 << 40
_CONNECTIONS = 8


class Object(NamedTuple):
    """An object as a listing has it; `etag` changes with its content."""

    key: str
    etag: str
    size: int


class Bucket:
    """A bucket, as an account sees it."""

    def __init__(self, name: str, account: Account, web: OpenerDirector) -> None:
        self._account = account
        self._web = web
        self._url = account.bucket_url(name)

    def objects(self, path: str) -> list[Object]:
        """Return what lies at a path, sorted: one object, all below it (it ends in '/'), or what its wildcards match.

        They mean what they mean for committed files. Raises StoreError for none, and for more than a verdict can name.
        """
        found: list[Object] = []
        one = not path.endswith("/") and not _WILD.search(path)
        for object in self._first(path) if one else self._listed(_WILD.split(path, maxsplit=1)[0]):
            if _lies_at(path, object.key) and not (object.key.endswith("/") and object.size == 0):
                _check_key(object.key)
                found.append(object)
            if len(found) > MOST_OBJECTS:
                raise StoreError(f"there are over {MOST_OBJECTS} objects: name fewer, or query a warehouse")
        if not found:
            raise StoreError("there is no object")
        if sum(len(ascii(object.key)) for object in found) > _MOST_TEXT:
            raise StoreError("the objects' keys are too long to be named in a verdict: name fewer")
        if len({object.key for object in found}) < len(found):
            raise StoreError("the endpoint doesn't answer as S3 does: a key stands twice in its listing")
        _check_distinct(found)
        return sorted(found)

    def size(self, key: str) -> int | None:
        """Return how many bytes the object with a key has; None: there is none. Raises StoreError."""
        return next((object.size for object in self._first(key) if object.key == key), None)

    def ask(
        self, key: str, method: str = "GET", body: bytes | None = None, query: str = "", **headers: str
    ) -> HTTPResponse:
        """Return the answer about one key, to be read and closed; `headers` have `_` for `-`. Raises StoreError."""
        url = f"{self._url}/{encoded(key, safe='/')}" + (f"?{query}" if query else "")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self._web, self._request(url, named, method, body))

    def _first(self, key: str) -> Iterator[Object]:
        """Yield the object with a key, if there is one: a listing is in order, so it comes before all that begin so."""
        return map(_object, self._page(key, {"max-keys": "1"}).findall("Contents"))

    def _listed(self, prefix: str) -> Iterator[Object]:
        """Yield all objects whose keys begin with a prefix."""
        token = ""
        for _ in range(_MOST_PAGES):
            page = self._page(prefix, {"continuation-token": token} if token else {})
            yield from map(_object, page.findall("Contents"))
            if page.findtext("IsTruncated", "") == "false":
                return
            earlier, token = token, page.findtext("NextContinuationToken", "")
            if not token or token == earlier:
                raise StoreError("the endpoint doesn't answer as S3 does: its listing has no end")
        raise StoreError("the bucket has over a million keys that begin so: name a folder further down")

    def _page(self, prefix: str, more: dict[str, str]) -> Element:
        """Return a page of a listing: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html."""
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix, **more}

        def list_() -> bytes:
            with ask(self._web, self._request(f"{self._url}/?{query_of(query.items())}", {})) as answer:
                return body(answer)

        return xml(patiently(list_), "ListBucketResult")

    def fetch(self, objects: list[Object], folder: str) -> list[dict[str, Any]]:
        """Write objects below a folder, each at its key, and return what each was: key, etag, size, sha256, version.

        Raises StoreError where one is no longer what the listing said. `version` is there where the bucket keeps them.
        """
        with ThreadPoolExecutor(_CONNECTIONS) as threads:
            # Once one fails, those that haven't begun don't.
            return list(threads.map(lambda object: patiently(lambda: self._fetch(object, folder)), objects))

    def _fetch(self, object: Object, folder: str) -> dict[str, Any]:
        target = os.path.join(folder, object.key)
        digest, size = hashlib.sha256(), 0
        with self.ask(object.key, If_Match=f'"{object.etag}"', Accept_Encoding="identity") as answer:
            if (answer.headers.get("ETag") or "").strip('"') != object.etag:
                raise StoreError("an object changed while it was read")
            version = answer.headers.get("x-amz-version-id", "")
            try:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as file:
                    for some in iter(lambda: chunk(answer), b""):
                        size += len(some)
                        if size > object.size:
                            break
                        digest.update(some)
                        file.write(some)
            except OSError as error:
                raise StoreError(f"an object can't be written here: {error.strerror}") from None
        if size != object.size:
            raise PassingError("an object was cut off, or is longer than its listing says")
        found = {**object._asdict(), "sha256": digest.hexdigest()}
        return {**found, "version": version} if version not in ("", "null") else found

    def _request(
        self, url: str, headers: dict[str, str], method: str = "GET", body: bytes | None = None
    ) -> Request:
        key, region, _ = self._account
        if body is not None:  # else urllib names a type of its own, which wouldn't be signed
            headers = {**headers, "Content-Type": "application/octet-stream"}
        if key is not None:
            moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            payload = hashlib.sha256(body or b"").hexdigest()
            headers = signed(url, headers, key, region, moment, method, payload)
        # S310: the scheme is checked where the account is made.
        return Request(url, body, headers, method=method)  # noqa: S310


def split_address(address: str) -> tuple[str, str]:
    """Return the bucket and the path of s3://BUCKET/PATH. Raises StoreError."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise StoreError("an address is s3://BUCKET/PATH")
    return match[1], match[2]


def objects_digest(objects: list[Object]) -> str:
    """Return `objects:<hex>`, the sha256 of the sorted lines `<etag>  <size>  <key>`."""
    lines = sorted(f"{object.etag}  {object.size}  {object.key}\n" for object in objects)
    return "objects:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def _lies_at(path: str, key: str) -> bool:
    if _WILD.search(path):
        return path_matches(path, key)
    return key.startswith(path) if path.endswith("/") else key == path


def _object(entry: Element) -> Object:
    key, etag, size = (entry.findtext(name, "") for name in ("Key", "ETag", "Size"))
    etag = etag.strip('"')
    try:
        key = unquote_plus(key, errors="strict")
    except UnicodeDecodeError:
        key = ""
    if (
        not key
        or not re.fullmatch(r"[!#-~]{1,200}", etag)
        or not _SIZE.fullmatch(size)
        or int(size) > _LARGEST
    ):
        raise StoreError("the endpoint doesn't answer as S3 does: an entry of its listing isn't whole")
    return Object(key, etag, int(size))


def _check_key(key: str) -> None:
    """Refuse keys that no file can have, and those that would lie elsewhere."""
    parts = key.split("/")
    if any(part in ("", ".", "..") or len(part.encode()) > 255 for part in parts) or not key.isprintable():
        raise StoreError(
            "an object's key can't be a file's path: it has an empty, '.' or '..' part, or is odd"
        )


def _check_distinct(objects: list[Object]) -> None:
    """Refuse keys that are one file, or lie in one folder, on file systems to which 'A' is 'a', and 'é' is 'e' and an accent.

    Canonical caseless matching: The Unicode Standard, section 3.13, D145.
    """
    spelled: dict[str, str] = {}
    for object in objects:
        for path in accumulate(object.key.split("/"), "{}/{}".format):
            folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
            if spelled.setdefault(folded, path) != path:
                raise StoreError(
                    "two objects' keys differ in case or in how characters are composed alone: they would be one file, or lie "
                    "in one folder, on some systems"
                )
