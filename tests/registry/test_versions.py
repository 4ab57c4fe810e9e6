"""What the registry's script takes from a server, and what it doesn't: nothing leads out of the folder, no key goes elsewhere."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcc.emitted import registry_script
from mlcc.objects import answers
from mlcc.objects.answers import StoreError
from mlcc.registry import server as server_module
from mlcc.registry.server import plain_name, server_of
from mlcc.registry.versions import COMMIT_TAG, DIGEST_TAG, fetch, register
from mlcc.runtime.digest import file_digest, tree_digest
from tests.registry.servers import ROUTE, TOKEN, FakeRegistry, fake_registry
from tests.release.behind_nginx import free_ports

TAGS = {DIGEST_TAG: "sha256:1", COMMIT_TAG: "c1"}


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeRegistry]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(answers, "_PAUSES", (0.01, 0.01))
    monkeypatch.setattr(server_module, "_WAITS", 1.0)
    with fake_registry() as found:
        yield found


def _server(registry: FakeRegistry, **env: str) -> Any:
    return server_of({"MLFLOW_TRACKING_URI": registry.url, **env})


def _refused(registry: FakeRegistry, which: str = "1", target: str = "m/") -> str:
    with pytest.raises(StoreError) as found:
        fetch(_server(registry), "credit", which, target)
    return str(found.value)


# --- fetching ---------------------------------------------------------------------------------------


def test_a_folder(registry: FakeRegistry) -> None:
    registry.add("credit", {"a": b"1", "sub/b c": b"", "sub/é/x:y": b"3"}, "best")
    found = fetch(_server(registry), "credit", "@best", "m/")
    assert found == {"version": "1", "digest": tree_digest("m")}
    assert Path("m/a").read_bytes() == b"1"
    assert Path("m/sub/b c").read_bytes() == b""
    assert Path("m/sub/é/x:y").read_bytes() == b"3"


def test_one_file(registry: FakeRegistry) -> None:
    registry.add("credit", {"model.onnx": b"1"})
    found = fetch(_server(registry), "credit", "1", "out/own.onnx")
    assert found == {"version": "1", "digest": file_digest("out/own.onnx")}
    registry.add("credit", {"a": b"1", "b": b"2"})
    assert _refused(registry, "2", "out/own.onnx") == "version 2 of credit has 2 files: end its path in '/'"


def test_what_isnt_there(registry: FakeRegistry) -> None:
    assert _refused(registry) == "the registry has no model credit, or no version 1 of it"
    registry.add("credit", {})
    assert (
        _refused(registry, "@best")
        == "the registry has no model credit, or no version with the alias 'best' of it"
    )
    assert _refused(registry) == "version 1 of credit has no files"


@pytest.mark.parametrize("status", ["PENDING_REGISTRATION", "FAILED_REGISTRATION", None])
def test_a_version_that_isnt_ready(registry: FakeRegistry, status: str | None) -> None:
    registry.add("credit", {"a": b"1"}, status=status)
    assert _refused(registry) == "version 1 of credit isn't ready in the registry"


def test_a_version_with_other_bytes_than_its_tag(registry: FakeRegistry) -> None:
    registry.add("credit", {"a": b"1"}, tags=[{"key": DIGEST_TAG, "value": "sha256:" + "0" * 64}])
    assert _refused(registry).startswith("version 1 of credit has other bytes than were registered: sha256:")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("s3://bucket/x", " (s3:)"), ("/srv/x", ""), ("file:///etc", " (file:)"), ("models:/m-1", " (models:)"), (None, ""),
        (7, ""),
        ("mlflow-artifacts://other.example/x", " (mlflow-artifacts:)"), ("mlflow-artifacts:/", " (mlflow-artifacts:)"),
    ],
)  # fmt: skip
def test_files_that_lie_elsewhere(registry: FakeRegistry, source: Any, shown: str) -> None:
    registry.add("credit", {"a": b"1"}, source=source)
    assert _refused(registry).startswith(
        f"the files of version 1 of credit lie elsewhere{shown}, and the server doesn't hand"
    )


@pytest.mark.parametrize(
    "source", ["mlflow-artifacts:/a/../b", "mlflow-artifacts:/a//b", "mlflow-artifacts:/./a"]
)
def test_an_address_that_leads_elsewhere(registry: FakeRegistry, source: str) -> None:
    registry.add("credit", {"a": b"1"}, source=source)
    assert _refused(registry) == "the files of version 1 of credit have an address that leads elsewhere"


@pytest.mark.parametrize("name", ["..", ".", "", "/etc/x", "a/b", "../x", "a\\b", "a\nb", "a\0", 7, None])
@pytest.mark.parametrize("folder", [False, True])
def test_names_that_lead_elsewhere(registry: FakeRegistry, tmp_path: Path, name: Any, folder: bool) -> None:
    registry.add("credit", {"a": b"1"})
    listed = {"files": [{"path": name, "is_dir": folder, "file_size": 1}]}
    registry.instead = lambda handler, path: (
        path == ROUTE and (handler.tell(200, json.dumps(listed).encode()) or True)
    )
    assert _refused(registry) == "the version has a file whose name leads elsewhere"
    assert list(tmp_path.iterdir()) == []
    assert not plain_name(name)


@pytest.mark.parametrize("size", [-1, 1.5, "x", [1]])
def test_a_size_that_is_none(registry: FakeRegistry, size: Any) -> None:
    registry.add("credit", {"a": b"1"})
    listed = {"files": [{"path": "a", "is_dir": False, "file_size": size}]}
    registry.instead = lambda handler, path: (
        path == ROUTE and (handler.tell(200, json.dumps(listed).encode()) or True)
    )
    assert _refused(registry) == "the version has a file without a size"


@pytest.mark.parametrize(
    ("listed", "cause"),
    [
        ([{"path": "again", "is_dir": True}], "folders in each other without end"),
        ([{"path": str(i), "file_size": 0} for i in range(10_001)], "over 10000 files"),
    ],
    ids=["folders", "files"],
)
def test_a_listing_without_end(registry: FakeRegistry, listed: Any, cause: str) -> None:
    registry.add("credit", {"a": b"1"})
    content = json.dumps({"files": listed}).encode()
    registry.instead = lambda handler, path: path == ROUTE and (handler.tell(200, content) or True)
    assert cause in _refused(registry)


@pytest.mark.parametrize(
    ("size", "cause"),
    [(3, "a file is longer than the registry says"), (9, "a file broke off while it was fetched")],
)
def test_files_of_another_size(registry: FakeRegistry, tmp_path: Path, size: int, cause: str) -> None:
    registry.add("credit", {"a": b"12345"})
    listed = json.dumps({"files": [{"path": "a", "file_size": size}]}).encode()
    registry.instead = lambda handler, path: path == ROUTE and (handler.tell(200, listed) or True)
    assert _refused(registry) == cause
    assert list((tmp_path / "m").iterdir()) == []


def test_more_than_the_disk_holds(registry: FakeRegistry) -> None:
    registry.add("credit", {"a": b"1"})
    listed = json.dumps({"files": [{"path": "a", "file_size": 10**17}]}).encode()
    registry.instead = lambda handler, path: path == ROUTE and (handler.tell(200, listed) or True)
    assert _refused(registry) == f"{10**17} bytes are to be fetched, and this disk hasn't got the room"


def test_no_redirect_is_followed(registry: FakeRegistry) -> None:
    """Not even to the same host: the key would go along to whatever is named there."""
    with fake_registry() as other:
        other.add("credit", {"a": b"1"})

        def away(handler: Any, path: str) -> bool:
            handler.tell(302, b"", Location=f"{other.url}{handler.path}")
            return True

        registry.instead = away
        with pytest.raises(StoreError, match="sends who asks to another address, which isn't followed"):
            fetch(_server(registry, MLFLOW_TRACKING_TOKEN=TOKEN), "credit", "1", "m/")
        assert other.asked == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000])
def test_answers_that_are_none(registry: FakeRegistry, content: bytes) -> None:
    registry.add("credit", {"a": b"1"})
    registry.instead = lambda handler, path: handler.tell(200, content) or True
    assert _refused(registry) == "the registry doesn't answer as MLflow does"


def test_a_server_that_is_silent(registry: FakeRegistry) -> None:
    (port,) = free_ports(1)
    with pytest.raises(StoreError, match="the registry can't be reached"):
        fetch(server_of({"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}), "credit", "1", "m/")


# --- who asks ---------------------------------------------------------------------------------------


def test_who_asks(registry: FakeRegistry) -> None:
    registry.add("credit", {"a": b"1"})
    basic = "Basic " + base64.b64encode(f"ada:{TOKEN}".encode()).decode()
    for env, wanted in (
        ({}, ""),
        ({"MLFLOW_TRACKING_TOKEN": TOKEN}, f"Bearer {TOKEN}"),
        ({"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": TOKEN}, basic),
    ):
        registry.authorizations.clear()
        fetch(_server(registry, **env), "credit", "1", "m/")
        assert set(registry.authorizations) == {wanted}


@pytest.mark.parametrize(
    ("env", "cause"),
    [
        ({}, "MLFLOW_TRACKING_URI is no address"),
        ({"MLFLOW_TRACKING_URI": "databricks"}, "MLFLOW_TRACKING_URI is no address"),
        ({"MLFLOW_TRACKING_URI": "https://me:x@h"}, "MLFLOW_TRACKING_URI is no address"),
        ({"MLFLOW_TRACKING_URI": "http://h", "MLFLOW_TRACKING_TOKEN": TOKEN}, "over an encrypted line alone"),
        (
            {"MLFLOW_TRACKING_URI": "https://h", "MLFLOW_TRACKING_TOKEN": f"{TOKEN}\n"},
            "characters that no token has",
        ),
        (
            {"MLFLOW_TRACKING_URI": "https://h", "MLFLOW_TRACKING_USERNAME": "a"},
            "MLFLOW_TRACKING_PASSWORD isn't set",
        ),
        (
            {"MLFLOW_TRACKING_URI": "https://h", "MLFLOW_TRACKING_PASSWORD": TOKEN},
            "MLFLOW_TRACKING_USERNAME isn't set",
        ),
    ],
)
def test_who_cant_ask(env: dict[str, str], cause: str) -> None:
    with pytest.raises(StoreError) as found:
        server_of(env)
    assert cause in str(found.value)
    assert TOKEN not in str(found.value)


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not(registry: FakeRegistry, status: int) -> None:
    registry.instead = lambda handler, path: handler.tell(status, TOKEN.encode()) or True
    assert _refused(registry).startswith("the registry denies access")
    assert len(registry.asked) == 1


# --- registering ------------------------------------------------------------------------------------


def test_one_file_is_registered(registry: FakeRegistry, tmp_path: Path) -> None:
    Path("model.onnx").write_bytes(b"1")
    assert register(_server(registry), "credit", "model.onnx", "p", TAGS) == "1"
    assert registry.files == {"1/r0/artifacts/model/model.onnx": b"1"}
    assert registry.experiments == {"p": "1"}
    assert register(_server(registry), "credit", "model.onnx", "p", TAGS) == "1"
    assert len(registry.runs) == 1


@pytest.mark.parametrize("changes", [{DIGEST_TAG: "sha256:2"}, {COMMIT_TAG: "c2"}])
def test_other_bytes_or_another_commit_are_another_version(
    registry: FakeRegistry, changes: dict[str, str]
) -> None:
    Path("a").write_bytes(b"1")
    assert register(_server(registry), "credit", "a", "p", TAGS) == "1"
    assert register(_server(registry), "credit", "a", "p", {**TAGS, **changes}) == "2"


def test_files_that_got_lost_on_the_way(registry: FakeRegistry) -> None:
    Path("a").write_bytes(b"1")

    def lose(handler: Any, path: str) -> bool:
        return bool(handler.command == "PUT" and (handler.tell(200, b"{}") or True))

    registry.instead = lose
    with pytest.raises(StoreError, match="the registry has other files than it was sent"):
        register(_server(registry), "credit", "a", "p", TAGS)
    assert registry.models == {}
    assert registry.runs == {"r0": "FAILED"}


def test_a_server_that_hands_out_nothing_itself(registry: FakeRegistry) -> None:
    Path("a").write_bytes(b"1")
    registry.root = "s3://bucket"
    with pytest.raises(StoreError, match=r"lie elsewhere \(s3:\), and the server doesn't hand them out"):
        register(_server(registry), "credit", "a", "p", TAGS)
    assert registry.models == {}


# --- by hand ----------------------------------------------------------------------------------------


def _run(registry: FakeRegistry, *words: str, sent: str = "") -> tuple[int, Any]:
    Path("registry.py").write_text(registry_script(), "utf-8")
    env = {**os.environ, "MLFLOW_TRACKING_URI": registry.url, "MLCC_OUTPUTS": "outputs"}
    done = subprocess.run(
        [sys.executable, "-I", "registry.py", *words],
        env=env,
        input=sent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_the_script(registry: FakeRegistry) -> None:
    registry.add("credit", {"a": b"1"}, "best")
    code, found = _run(registry, "take", "credit", "@best", "m/", "VERSION_M")
    assert (code, found) == (0, {"model": "credit", "version": "1", "digest": tree_digest("m")})
    assert Path("outputs").read_text() == "VERSION_M=1\n"
    code, found = _run(registry, "fetch", "credit", "1", "n/", "sha256:" + "0" * 64)
    assert code == 2
    assert "other bytes" in found["error"]
    sent = json.dumps({"experiment": "p", "tags": TAGS})
    assert _run(registry, "register", "credit", "m", sent=sent) == (0, {"version": "2"})
    for tags in ({}, {**TAGS, COMMIT_TAG: ""}, {**TAGS, COMMIT_TAG: "c' or name = 'other"}):
        code, found = _run(
            registry, "register", "credit", "m", sent=json.dumps({"experiment": "p", "tags": tags})
        )
        assert (code, found) == (2, {"error": "a version is registered with its digest and its commit"})


@pytest.mark.parametrize(
    "words", [[], ["fetch"], ["give", "credit"], ["take", "credit", "1", "m/", "N", "more"]]
)
def test_a_call_that_is_wrong(registry: FakeRegistry, words: list[str]) -> None:
    code, found = _run(registry, *words)
    assert code == 2
    assert found["error"].startswith("usage: ")
