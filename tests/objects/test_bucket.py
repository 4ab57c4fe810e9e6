"""A bucket's limits, and what a store's answers may look like beyond what moto shows."""

from __future__ import annotations

import ssl
from collections import namedtuple
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from mlcc.objects import answers, bucket
from mlcc.objects.account import Account
from mlcc.objects.answers import StoreError, opener
from mlcc.objects.bucket import Bucket, Object, objects_digest
from mlcc.objects.main import read_address
from mlcc.runtime.addresses import OBJECTS_SCRIPT, fetch_objects, local_path, objects_at
from mlcc.runtime.digest import DigestError
from tests.certificates import own_certificate
from tests.objects.store import VARIABLES, Reply, answering, etag, listing

ROWS = b"x\n1\n"
THREE = (("d/a.csv", ROWS), ("d/b.csv", ROWS), ("d/c.csv", ROWS))


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_PAUSES", (0.0, 0.0))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def _bucket(url: str) -> Bucket:
    return Bucket("acme-ml", Account(None, "us-east-1", url), opener())


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("d/a.csv", ["d/a.csv"]),
        ("d/", ["d/a.csv", "d/a.csv.gz", "d/e/f.csv"]),
        ("d/*.csv", ["d/a.csv"]),
        ("d/**/*.csv", ["d/a.csv", "d/e/f.csv"]),
        ("d/?.csv*", ["d/a.csv", "d/a.csv.gz"]),
        ("*", ["d/a.csv", "d/a.csv.gz", "d/e/f.csv", "d2/a.csv"]),
    ],
)
def test_what_lies_at_a_path(path: str, keys: list[str]) -> None:
    every = [(key, ROWS) for key in ("d/a.csv", "d/a.csv.gz", "d/e/f.csv", "d2/a.csv")]
    marker = ("d/e/", b"")

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        prefix = request.path.partition("prefix=")[2].partition("&")[0].replace("%2F", "/")
        return listing(*(one for one in [*every, marker] if one[0].startswith(prefix)))

    with answering(reply) as url:
        assert [object.key for object in _bucket(url).objects(path)] == keys


def test_one_object_among_many_that_begin_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are listed in order, so that the one asked for comes first: the others are neither asked for nor counted."""
    monkeypatch.setattr(bucket, "_MOST_PAGES", 1)
    asked: list[dict[str, list[str]]] = []
    every = sorted([("d/a", ROWS), *((f"d/a{i}", ROWS) for i in range(3))])
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        asked.append(parse_qs(request.path.partition("?")[2]))
        found = [one for one in every if one[0].startswith(asked[-1]["prefix"][0])]
        most = int(asked[-1].get("max-keys", ["1000"])[0])
        return listing(*found[:most], more=more)

    with answering(reply) as url:
        assert [object.key for object in _bucket(url).objects("d/a")] == ["d/a"]
        assert [query["max-keys"] for query in asked] == [["1"]]
        every.pop(0)
        with pytest.raises(StoreError, match="there is no object"):
            _bucket(url).objects("d/a")


@pytest.mark.parametrize(
    "keys",
    [
        ("d/A.csv", "d/a.csv"),
        ("d/\u00e9.csv", "d/e\u0301.csv"),
        ("d/stra\u00dfe.csv", "d/STRASSE.csv"),
        ("d/\u00c9.csv", "d/e\u0301.csv"),
        ("d/k=A/1.csv", "d/k=a/2.csv"),
        ("d/x", "d/X/1.csv"),
    ],
)
def test_keys_that_are_one_file_somewhere(keys: tuple[str, str]) -> None:
    """Where case or normal form don't count, one would be written over the other, or its folder be called as the other's."""
    one, other = keys
    with answering(lambda _: listing((one, ROWS), (other, ROWS))) as url:
        with pytest.raises(StoreError, match="in case or in how characters are composed"):
            _bucket(url).objects("d/")
        assert [object.key for object in _bucket(url).objects(one)] == [one]


def test_sizes_that_no_object_has() -> None:
    largest = 50 << 40
    body = listing(("d/a.csv", ROWS))[2]

    def sized(size: int) -> bytes:
        return body.replace(b"<Size>4</Size>", b"<Size>%d</Size>" % size)

    with answering(lambda _: (200, {}, sized(largest))) as url:
        assert [object.size for object in _bucket(url).objects("d/")] == [largest]
    with (
        answering(lambda _: (200, {}, sized(largest + 1))) as url,
        pytest.raises(StoreError, match="an entry of its listing isn't whole"),
    ):
        _bucket(url).objects("d/")


def test_the_time_that_a_fetch_may_take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All of 10,000 objects may have the largest size: longer than an operating system can wait."""
    monkeypatch.chdir(tmp_path)
    script = tmp_path / OBJECTS_SCRIPT
    script.parent.mkdir()
    script.write_text('print(\'{"digest": "objects:0", "objects": [1]}\')\n')
    for size in (0, 10_000 * (50 << 40), 1 << 2000):
        assert fetch_objects("s3://acme-ml/d/", "copies", size)["objects"] == [1]


def test_chunked_answers() -> None:
    _, _, body = listing(*THREE)

    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        whole = "broken" not in request.path
        for part in (body[:100], body[100:]) if whole else (body[:100],):
            request.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if whole:
            request.wfile.write(b"0\r\n\r\n")

    with answering(reply) as url:
        assert len(_bucket(url).objects("d/")) == 3
        with pytest.raises(StoreError, match="broke off"):
            _bucket(url).objects("broken/")


def test_certificates_are_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = own_certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(own)
    with answering(lambda _: listing(*THREE), server) as url:
        with pytest.raises(StoreError, match="SSLCertVerificationError"):
            _bucket(url).objects("d/")
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        assert len(_bucket(url).objects("d/")) == 3


def test_too_many_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "MOST_OBJECTS", 2)
    with answering(lambda _: listing(*THREE)) as url:
        with pytest.raises(StoreError, match="over 2 objects: name fewer"):
            _bucket(url).objects("d/")
        assert len(_bucket(url).objects("d/a.csv")) == 1
        monkeypatch.setattr(bucket, "_MOST_TEXT", 8)
        with pytest.raises(StoreError, match="too long to be named"):
            _bucket(url).objects("d/a.csv")


def test_too_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "_MOST_PAGES", 3)
    pages = iter(range(100))

    def reply(_: BaseHTTPRequestHandler) -> Reply:
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{next(pages)}</NextContinuationToken>"
        return listing(("d/a.txt", ROWS), more=more)

    with answering(reply) as url, pytest.raises(StoreError, match="name a folder further down"):
        _bucket(url).objects("d/*.csv")


def test_a_digest_changes_with_every_part_of_an_object() -> None:
    one = Object("d/a.csv", "e1", 4)
    others = [one._replace(key="d/b.csv"), one._replace(etag="e2"), one._replace(size=5)]
    found = {objects_digest([object]) for object in (one, *others)}
    assert len(found) == 4
    assert objects_digest([one, others[0]]) == objects_digest([others[0], one])


def test_a_disk_without_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(1, 1, (64 << 20) + 11))
    with answering(lambda _: listing(*THREE)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(StoreError, match="12 bytes are to be fetched"):
            read_address("s3://acme-ml/d/", "copies")


def test_a_folder_of_an_earlier_run_is_emptied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    stale = tmp_path / "copies/d/old.csv"
    stale.parent.mkdir(parents=True)
    stale.write_text("x")

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        return listing(THREE[0]) if "list-type" in request.path else (200, {"ETag": f'"{etag(ROWS)}"'}, ROWS)

    with answering(reply) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        read_address("s3://acme-ml/d/", "copies")
    assert [path.name for path in (tmp_path / "copies/d").iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    "address", ["", "s3://", "s3://b/", "s3://abc", "gs://abc/d", "s3://ABC/d", "https://abc/d"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(StoreError, match="an address is s3://BUCKET/PATH"):
        read_address(address)


def test_where_copies_lie() -> None:
    assert local_path("s3://acme-ml/d/t.csv", "f") == "f/d/t.csv"
    assert local_path("s3://acme-ml/d/", "f") == "f/d/"
    assert local_path("s3://acme-ml/d/*.csv", "f") == "f/"


def test_a_script_that_never_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / OBJECTS_SCRIPT
    script.parent.mkdir()
    script.write_text("import time\ntime.sleep(60)\n")
    with pytest.raises(DigestError, match="the store took over"):
        objects_at("s3://acme-ml/d/", seconds=0.2)
