"""Small records in a store: what is read is what was written, nothing where there is nothing, an error where it is away."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.emitted import objects_script
from mlcc.runtime.addresses import OBJECTS_SCRIPT
from mlcc.runtime.records import RunError
from mlcc.runtime.store import read_object, write_object
from tests.objects.store import SECRET, Store, free_port, hasty_script, moto

SECONDS = 60.0


@pytest.fixture(scope="module")
def service() -> Iterator[Store]:
    with moto() as found:
        found.bucket("acme-ml")
        yield found


@pytest.fixture(autouse=True)
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / OBJECTS_SCRIPT
    target.parent.mkdir()
    target.write_text(objects_script(), "utf-8")


@pytest.fixture(params=["s3", "s3-root", "file", "folder"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """A plan with a store, and the environment that reaches it."""
    if request.param == "folder":
        return {"store": "stored/"}, {}
    if request.param == "file":
        (tmp_path / "disk").mkdir()
        return {"store": f"file://{tmp_path}/disk"}, {}
    service: Store = request.getfixturevalue("service")
    prefix = "" if request.param == "s3-root" else "/team a/é"
    return {"store": f"s3://acme-ml{prefix}"}, service.env


def test_records(place: tuple[dict[str, str], dict[str, str]]) -> None:
    plan, env = place
    assert read_object("runs/7/one.json", plan, env, SECONDS) is None
    write_object("runs/7/one.json", b'{"a": 1}', plan, env, SECONDS)
    assert read_object("runs/7/one.json", plan, env, SECONDS) == b'{"a": 1}'
    assert read_object("runs/7/one", plan, env, SECONDS) is None
    write_object("runs/7/one.json", b"\x00\xff", plan, env, SECONDS)
    assert read_object("runs/7/one.json", plan, env, SECONDS) == b"\x00\xff"
    write_object("runs/7/one.json", b"", plan, env, SECONDS)
    assert read_object("runs/7/one.json", plan, env, SECONDS) == b""


def test_a_store_that_is_away(tmp_path: Path) -> None:
    (tmp_path / OBJECTS_SCRIPT).write_text(hasty_script(), "utf-8")
    env = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    for plan, said in (
        (
            {"store": "s3://acme-ml/x"},
            "the store s3://acme-ml/x can't be used: the endpoint can't be reached",
        ),
        ({"store": f"file://{tmp_path}/unmounted"}, "its disk isn't mounted here"),
    ):
        with pytest.raises(RunError) as read:
            read_object("a.json", plan, env, SECONDS)
        with pytest.raises(RunError) as written:
            write_object("a.json", b"x", plan, env, SECONDS)
        for caught in (read, written):
            assert said in str(caught.value)
            assert SECRET not in str(caught.value)
    assert not (tmp_path / "unmounted").exists()


def test_a_bucket_that_is_missing_holds_no_record_that_is_missing(service: Store) -> None:
    with pytest.raises(RunError, match="there is no such bucket"):
        read_object("a.json", {"store": "s3://no-such-bucket/x"}, service.env, SECONDS)


def test_a_record_that_is_too_large(tmp_path: Path) -> None:
    plan = {"store": "stored/"}
    (tmp_path / "stored").mkdir()
    (tmp_path / "stored/large").write_bytes(b"x" * ((16 << 20) + 1))
    with pytest.raises(RunError, match="too large to be a record"):
        read_object("large", plan, {}, SECONDS)


def test_a_package_that_is_missing() -> None:
    """The message names the package: without it nobody knows that fsspec would do."""
    for uri, package in (("gs://acme/x", "gcsfs"), ("az://acme/x", "adlfs"), ("abfs://acme/x", "adlfs")):
        with pytest.raises(RunError, match=f"needs the Python package {package}"):
            read_object("a.json", {"store": uri}, dict(os.environ), SECONDS)


def test_a_store_that_takes_too_long(tmp_path: Path) -> None:
    (tmp_path / OBJECTS_SCRIPT).write_text("import time\ntime.sleep(60)\n")
    with pytest.raises(RunError, match="it took over 0 s"):
        read_object("a.json", {"store": "stored/"}, {}, 0.2)


@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"content": "?"}', '{"content": 5, "error": "no"}'])
def test_an_answer_that_isn_t_whole(tmp_path: Path, answer: str) -> None:
    (tmp_path / OBJECTS_SCRIPT).write_text(f"print({answer!r})\n")
    with pytest.raises(RunError, match=r"the store stored/ can't be used"):
        read_object("a.json", {"store": "stored/"}, {}, SECONDS)
    (tmp_path / OBJECTS_SCRIPT).unlink()
    with pytest.raises(RunError, match=r"objects\.py is missing"):
        read_object("a.json", {"store": "stored/"}, {}, SECONDS)


def test_the_script_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, OBJECTS_SCRIPT, "push"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "push STORE < ITEMS" in done.stdout
