"""What a registry may answer, and what of it is believed: tokens, challenges, digests, redirections."""

from __future__ import annotations

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest

from mlcc.runtime.image_registry import MOST_MANIFEST, Manifest, Registry, is_loopback
from mlcc.runtime.records import RunError
from tests.objects.store import Reply, answering

TYPE = "application/vnd.oci.image.manifest.v1+json"
CONTENT = json.dumps({"schemaVersion": 2, "mediaType": TYPE, "layers": []}).encode()
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
OTHER = f"sha256:{'0' * 64}"
GOOD: Reply = (200, {"Content-Type": TYPE, "Docker-Content-Digest": DIGEST}, CONTENT)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcc.runtime.image_registry.time.sleep", lambda _: None)


def _at(url: str, login: tuple[str, str] | None = ("ci", "pass-1")) -> Registry:
    return Registry(f"{urlsplit(url).netloc}/acme/credit", login)


def test_a_manifest_is_known_by_its_bytes() -> None:
    with answering(lambda _: GOOD) as url:
        found = _at(url).manifest("v1")
    assert found == Manifest(CONTENT, TYPE)
    assert found is not None
    assert found.digest == DIGEST


@pytest.mark.parametrize(
    ("reply", "reference", "words"),
    [
        ((200, {"Content-Type": TYPE}, CONTENT + b" "), DIGEST, "has other bytes than"),
        ((200, {"Content-Type": TYPE, "Docker-Content-Digest": OTHER}, CONTENT), "v1", "has other bytes"),
        ((200, {"Content-Type": "text/html"}, b"<html>"), "v1", "isn't the manifest of an image"),
        ((200, {"Content-Type": TYPE}, b"[1]"), "v1", "isn't the manifest of an image"),
        ((200, {"Content-Type": TYPE}, b"[" * 100_000), "v1", "isn't the manifest of an image"),
        ((200, {"Content-Type": TYPE}, b" " * (MOST_MANIFEST + 1)), "v1", "has a manifest of over 4 MiB"),
        ((403, {}, b""), "v1", "refuses reading v1 for the user ci (403)"),
        ((418, {}, b""), "v1", "answered reading v1 with 418"),
        ((500, {}, b""), "v1", "answered with 500, and it was tried 3 times"),
        ((401, {"WWW-Authenticate": 'Negotiate realm="x"'}, b""), "v1", "in a way that isn't safe or known"),
        ((401, {"WWW-Authenticate": 'Bearer realm="http://other.example/token"'}, b""), "v1", "in a way that isn't safe"),
        ((401, {}, b""), "v1", "in a way that isn't safe or known"),
    ],
)  # fmt: skip
def test_what_is_not_believed(reply: Reply, reference: str, words: str) -> None:
    with answering(lambda _: reply) as url, pytest.raises(RunError) as problem:
        _at(url).manifest(reference)
    assert words in str(problem.value)
    assert "pass-1" not in str(problem.value)


def test_what_is_not_there_is_none() -> None:
    with answering(lambda _: (404, {}, b"")) as url:
        assert _at(url).manifest("v1") is None


def test_it_may_go_better_at_the_third_time() -> None:
    asked: list[str] = []

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        asked.append(request.path)
        return GOOD if len(asked) == 3 else (503, {}, b"")

    with answering(reply) as url:
        assert _at(url).manifest("v1") == Manifest(CONTENT, TYPE)
    assert asked == ["/v2/acme/credit/manifests/v1"] * 3


def test_a_token_is_asked_for_as_the_challenge_says() -> None:
    """Every request is looked at: the password goes to the realm alone, the token to the registry."""
    seen: list[tuple[str, str]] = []

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        seen.append((request.path, request.headers.get("Authorization", "")))
        if request.path.startswith("/token"):
            return 200, {}, b'{"token": "t-0k3n"}'
        if request.headers.get("Authorization") == "Bearer t-0k3n":
            return GOOD
        host = request.headers["Host"]
        challenge = f'Bearer realm="http://{host}/token",service="reg",scope="repository:acme/credit:pull"'
        return 401, {"WWW-Authenticate": challenge}, b""

    with answering(reply) as url:
        assert _at(url).manifest("v1") == Manifest(CONTENT, TYPE)
    (first, none), (asked, basic), (again, token) = seen
    assert (first, none) == (again, "") == ("/v2/acme/credit/manifests/v1", "")
    assert parse_qs(urlsplit(asked).query) == {"service": ["reg"], "scope": ["repository:acme/credit:pull"]}
    assert basic == "Basic " + base64.b64encode(b"ci:pass-1").decode()
    assert token == "Bearer t-0k3n"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"token": 1}', b'{"token": "a\\nb"}', b'{"token": "\xc3\xa9"}']
)
def test_a_token_that_cannot_be_one(body: bytes) -> None:
    def reply(request: BaseHTTPRequestHandler) -> Reply:
        if request.path.startswith("/token"):
            return 200, {}, body
        return 401, {"WWW-Authenticate": f'Bearer realm="http://{request.headers["Host"]}/token"'}, b""

    with answering(reply) as url, pytest.raises(RunError, match="gives no token that can be used"):
        _at(url).manifest("v1")


def test_no_other_host_gets_the_login() -> None:
    """A registry may send a reader on to where bytes lie; the login stays behind."""
    seen: list[str | None] = []

    def elsewhere(request: BaseHTTPRequestHandler) -> Reply:
        seen.append(request.headers.get("Authorization"))
        return GOOD

    with answering(elsewhere) as other:

        def reply(request: BaseHTTPRequestHandler) -> Reply:
            if request.headers.get("Authorization"):
                return 307, {"Location": f"{other}/blob"}, b""
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""

        with answering(reply) as url:
            assert _at(url).manifest("v1") == Manifest(CONTENT, TYPE)
    assert seen == [None]


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("localhost:5000", True), ("127.0.0.1:1", True), ("localhost.evil.example", False), ("ghcr.io", False)],
)  # fmt: skip
def test_only_this_machine_is_reached_without_tls(host: str, local: bool) -> None:
    assert is_loopback(host) is local
