"""Stores that fsspec reaches, by its file system in memory: what a package of a cloud's has to do is fsspec's matter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mlcc.objects.answers import AbsentError, StoreError
from mlcc.objects.places import Cloud, place_of
from mlcc.objects.transfer import Item, pull, push
from mlcc.objects.upload import Pieces
from tests.objects.store import SECRET

fsspec = pytest.importorskip("fsspec")
ONE = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"  # of "one\n", by sha256sum


@pytest.fixture
def place() -> Iterator[Cloud]:
    yield Cloud("memory://acme-ml/team", "fsspec")
    fsspec.filesystem("memory").store.clear()


def _pieces(content: bytes) -> Pieces:
    return Pieces(len(content), lambda _: iter([content[:2], content[2:]]))


def test_whole_objects(place: Cloud) -> None:
    assert place.size("a/b") is None
    with pytest.raises(AbsentError):
        list(place.read("a/b"))
    place.write("a/b", _pieces(b"one\n"), new=True)
    assert place.size("a/b") == 4
    assert b"".join(place.read("a/b")) == b"one\n"
    assert fsspec.filesystem("memory").cat("/acme-ml/team/a/b") == b"one\n"


def test_files_by_their_digests(place: Cloud, tmp_path: Path) -> None:
    source, target = tmp_path / "one", tmp_path / "d" / "back"
    source.write_bytes(b"one\n")
    push(place, [Item(str(source), ONE)])
    pull(place, [Item(str(target), ONE)], 4)
    assert target.read_bytes() == b"one\n"
    place.write(f"sha256/{ONE[:2]}/{ONE}", _pieces(b"two\n"), new=False)
    with pytest.raises(StoreError, match="the store has other bytes"):
        pull(place, [Item(str(target), ONE)], 4)
    assert [path.name for path in target.parent.iterdir()] == ["back"]
    assert target.read_bytes() == b"one\n"


def test_what_goes_wrong_is_said_without_what_it_quotes(
    place: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise PermissionError(SECRET)

    monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, "open", refuse)
    monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, "info", refuse)
    calls = (
        lambda: place.size("a"),
        lambda: list(place.read("a")),
        lambda: place.write("a", _pieces(b"x"), new=False),
    )
    for call in calls:
        with pytest.raises(StoreError) as caught:
            call()
        assert str(caught.value) == "the store refuses or can't be reached (PermissionError)"


@pytest.mark.parametrize("uri", ["hdfs://a/b", "https://a/b", "S3://abc", "memory://a"])
def test_no_store(uri: str) -> None:
    with pytest.raises(StoreError, match=r"a store is a folder, file:///FOLDER, s3://"):
        place_of(uri, {})
