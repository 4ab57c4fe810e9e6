"""Stores that deny, hang, lie or change: each is an error in one sentence, and never a pass."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from tests.gates.conftest import Project
from tests.gates.stores import project, service, store
from tests.objects.store import (
    SECRET,
    Reply,
    Store,
    answering,
    environment,
    etag,
    free_port,
    hasty_script,
    listing,
    refusal,
)

__all__ = ["project", "service", "store"]


def _error(project: Project, address: str = "s3://acme-ml/d/t.csv") -> str:
    """Run a gate that must end in an error, without a traceback or a secret, and return its sentence."""
    project.gate("contract", {"columns": {"x": {"type": "integer"}}}, {"raw": address})
    outcome = project.run_script("contract")
    assert (outcome.code, outcome.verdict) == (2, "error")
    for report in (project.root / "_mlcc/s--g").iterdir():
        assert SECRET not in report.read_text()
    assert SECRET not in outcome.log
    assert "Traceback" not in outcome.log
    assert not (project.root / "_mlcc/objects/g").exists()
    return outcome.summary


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("s3://no-such-bucket/t.csv", "there is no such bucket"),
        ("s3://acme-ml/nothing/t.csv", "there is no object"),
        ("s3://acme-ml/nothing/", "there is no object"),
        ("s3://acme-ml/nothing/*.csv", "there is no object"),
    ],
)
def test_nothing_is_there(project: Project, store: Store, address: str, reason: str) -> None:
    assert _error(project, address) == f"the artifact raw can't be judged: {address} can't be read: {reason}."


GOOD = b"x\n1\n"
TABLE = ("d/t.csv", GOOD)


def _served(content: bytes = GOOD, **headers: str) -> Reply:
    return 200, {"ETag": f'"{etag(GOOD)}"', **headers}, content


def _hang(request: BaseHTTPRequestHandler) -> None:
    threading.Event().wait(2)


def _cut(request: BaseHTTPRequestHandler) -> Reply | None:
    if "list-type" in request.path:
        return listing(TABLE)
    return _served(GOOD[:2], **{"Content-Length": "4"})


def _one(
    page: Callable[[], Reply], content: Callable[[], Reply] = _served
) -> Callable[[BaseHTTPRequestHandler], Reply]:
    return lambda request: page() if "list-type" in request.path else content()


FAILURES: dict[str, tuple[Callable[[BaseHTTPRequestHandler], Reply | None], str]] = {
    "denied": (_one(lambda: refusal(403, "AccessDenied")), "access is denied: reading needs s3:ListBucket and s3:GetObject"),
    "denied by a proxy": (lambda r: (403, {}, b"<html>no"), "access is denied"),
    "an object denied": (_one(lambda: listing(TABLE), lambda: refusal(403, "AccessDenied")), "access is denied"),
    "a wrong key": (_one(lambda: refusal(403, "InvalidAccessKeyId")), "the access key isn't known"),
    "a wrong secret": (_one(lambda: refusal(403, "SignatureDoesNotMatch")), "the secret access key is wrong"),
    "another region": (
        _one(lambda: refusal(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")),
        "the bucket lies in another region: set AWS_REGION to eu-west-1",
    ),
    "a redirect": (lambda r: (307, {"Location": "http://127.0.0.1:1/"}, b""), "the bucket lies in another region; AWS_REGION"),
    "away for long": (lambda r: (503, {}, b""), "the endpoint answers with status 503"),
    "an odd code": (lambda r: refusal(400, f"x {SECRET}"), "the endpoint answers with status 400"),
    "another status": (lambda r: (206, {}, b""), "status 206 where 200 is due"),
    "silence": (_hang, "no answer in time"),
    "no XML": (lambda r: (200, {}, b"<html><p>hello"), "doesn't answer as S3 does: no proper XML"),
    "other XML": (lambda r: (200, {}, b"<html/>"), "doesn't answer as S3 does: no ListBucketResult"),
    "entities": (lambda r: (200, {}, b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult>&b;</ListBucketResult>'), "no proper XML"),
    "bytes": (lambda r: (200, {}, b"\xff\xfe\x00"), "no proper XML"),
    "an endless answer": (lambda r: (200, {}, b"<" * (9 << 20)), "the endpoint's answer is longer than S3's are"),
    "a listing cut off": (lambda r: (200, {"Content-Length": "1000"}, b"<ListBucketResult>"), "answer was cut off"),
    "an entry without a size": (
        lambda r: (200, {}, b"<ListBucketResult><Contents><Key>d/t.csv</Key><ETag>a</ETag></Contents></ListBucketResult>"),
        "an entry of its listing isn't whole",
    ),
    "a key twice": (_one(lambda: listing(TABLE, TABLE)), "a key stands twice"),
    "an object cut off": (_cut, "an object was cut off"),
    "an object too long": (_one(lambda: listing(TABLE), lambda: _served(GOOD * 3)), "an object was cut off, or is longer"),
    "an object too short": (_one(lambda: listing(TABLE), lambda: _served(b"x\n")), "an object was cut off, or is longer"),
    "an object gone": (_one(lambda: listing(TABLE), lambda: refusal(404, "NoSuchKey")), "there is no such object"),
    "an object replaced": (_one(lambda: listing(TABLE), lambda: refusal(412, "PreconditionFailed")), "an object changed while"),
    "another object": (_one(lambda: listing(TABLE), lambda: _served(ETag='"other"')), "an object changed while it was read"),
    "an object without an ETag": (_one(lambda: listing(TABLE), lambda: (200, {}, GOOD)), "an object changed while it was read"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILURES)
def test_a_store_that_fails(project: Project, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    reply, reason = FAILURES[case]
    project.write(".mlcc/objects.py", hasty_script())
    with answering(reply) as url:
        environment(monkeypatch, {**Store(url).env, "AWS_SESSION_TOKEN": SECRET})
        assert reason in _error(project)


@pytest.mark.parametrize("token", ["<NextContinuationToken>a</NextContinuationToken>", ""])
def test_a_listing_without_an_end(project: Project, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    project.write(".mlcc/objects.py", hasty_script())
    page = listing(TABLE, more=f"<IsTruncated>true</IsTruncated>{token}")
    with answering(_one(lambda: page)) as url:
        environment(monkeypatch, Store(url).env)
        assert "its listing has no end" in _error(project, "s3://acme-ml/d/*.csv")


@pytest.mark.parametrize(
    "key", ["d/../../x.csv", "d/./x.csv", "d//x.csv", "d/a\tb.csv", f"d/{'a' * 300}.csv", "d/\u202e.csv"]
)
def test_keys_that_no_file_can_have(project: Project, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    project.write(".mlcc/objects.py", hasty_script())
    with answering(_one(lambda: listing((key, GOOD)))) as url:
        environment(monkeypatch, Store(url).env)
        assert "an object's key can't be a file's path" in _error(project, "s3://acme-ml/d/")
    assert not (project.root / "x.csv").exists()


def test_a_store_that_is_away(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(".mlcc/objects.py", hasty_script())
    environment(monkeypatch, Store(f"http://127.0.0.1:{free_port()}").env)
    assert "the endpoint can't be reached (ConnectionRefusedError)" in _error(project)


def test_what_passes_is_tried_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        asked.append(request.path)
        if len(asked) in (1, 2):
            return 503, {}, b""
        if "list-type" in request.path:
            return listing(TABLE)
        return _served(GOOD[:3]) if len(asked) == 5 else _served()

    project.write(".mlcc/objects.py", hasty_script())
    with answering(reply) as url:
        environment(monkeypatch, Store(url).env)
        project.gate("contract", {"columns": {"x": {"type": "integer"}}}, {"raw": "s3://acme-ml/d/t.csv"})
        assert project.run("contract").verdict == "pass"
    assert len(asked) == 7  # listed 3 times and fetched once, and 3 failures


@pytest.mark.parametrize(
    ("change_at", "said"), [(2, "raw changed before it was fetched"), (3, "raw changed while the gate ran")]
)
def test_objects_that_change(
    project: Project, monkeypatch: pytest.MonkeyPatch, change_at: int, said: str
) -> None:
    listings = 0

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        nonlocal listings
        if "list-type" not in request.path:
            return _served()
        listings += 1
        # Another object in the folder: what is fetched stays as it was.
        return listing(TABLE, *([("d/u.csv", GOOD)] if listings >= change_at else []))

    project.write(".mlcc/objects.py", hasty_script())
    with answering(reply) as url:
        environment(monkeypatch, Store(url).env)
        assert said in _error(project, "s3://acme-ml/d/*.csv")


def test_pages_are_read_to_the_last(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = [(f"d/{i}.csv", f"x\n{i}\n".encode()) for i in range(5)]
    contents = dict(objects)

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        if "list-type" not in request.path:
            content = contents[request.path.partition("/acme-ml/")[2]]
            return 200, {"ETag": f'"{etag(content)}"'}, content
        page = int(request.path.partition("continuation-token=p")[2][:1] or 0)
        last = page == 4
        more = "" if last else f"<NextContinuationToken>p{page + 1}</NextContinuationToken>"
        return listing(objects[page], more=f"<IsTruncated>{str(not last).lower()}</IsTruncated>{more}")

    project.write(".mlcc/objects.py", hasty_script())
    with answering(reply) as url:
        environment(monkeypatch, Store(url).env)
        params = {"columns": {"x": {"type": "integer"}}, "rows": {"min": 5, "max": 5}}
        project.gate("contract", params, {"raw": "s3://acme-ml/d/*.csv"})
        assert project.run("contract").verdict == "pass"


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({"AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY isn't set, and its other half is"),
        ({"AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID isn't set"),
        ({"AWS_ACCESS_KEY_ID": "a\nb"}, "an access key has characters that none has"),
        ({"AWS_SESSION_TOKEN": "ä"}, "an access key has characters that none has"),
        ({"AWS_ENDPOINT_URL": "minio:9000"}, "AWS_ENDPOINT_URL is no address such as"),
        ({"AWS_ENDPOINT_URL": f"http://user:{SECRET}@127.0.0.1:1"}, "AWS_ENDPOINT_URL is no address such as"),
        ({"AWS_ENDPOINT_URL": "file:///etc"}, "AWS_ENDPOINT_URL is no address such as"),
        ({"AWS_ENDPOINT_URL_S3": "http://[::1"}, "AWS_ENDPOINT_URL_S3 is no address such as"),
        ({"AWS_REGION": "eu west"}, "AWS_REGION is no region's name"),
    ],
)
def test_an_environment_that_makes_no_sense(
    project: Project, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], reason: str
) -> None:
    project.write(".mlcc/objects.py", hasty_script())
    environment(monkeypatch, {**Store("http://127.0.0.1:1").env, **env})
    assert reason in _error(project)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, ".mlcc/objects.py is missing"),
        ("print('hello')", "ended with 0 and no answer"),
        ("raise SystemExit(3)", "ended with 3 and no answer"),
        ("print('[]')", "ended with 0 and no answer"),
        ("print('{}')", "isn't whole"),
        ('print(\'{"digest": "sha256:0", "objects": [1]}\')', "isn't whole"),
        ('print(\'{"digest": "objects:0", "objects": []}\')', "isn't whole"),
        ('print(\'{"digest": "objects:0", "objects": [1]}\')\nraise SystemExit(1)', "no reason is known"),
    ],
)
def test_a_script_that_is_missing_or_edited(
    project: Project, monkeypatch: pytest.MonkeyPatch, text: str | None, reason: str
) -> None:
    environment(monkeypatch, {})
    if text is not None:
        project.write(".mlcc/objects.py", text)
    assert reason in _error(project)


def test_the_folder_of_copies_may_be_no_link(
    project: Project, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store.put("acme-ml", "link/t.csv", GOOD)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (project.root / "_mlcc").mkdir(exist_ok=True)
    (project.root / "_mlcc/objects").symlink_to(elsewhere)
    assert "lies behind a link" in _error(project, "s3://acme-ml/link/t.csv")
    assert list(elsewhere.iterdir()) == []


def test_a_role_is_assumed_with_the_token_of_the_ci_system(
    project: Project, service: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(".mlcc/objects.py", hasty_script())
    project.write("token", "a.b.c")
    service.put("acme-ml", "role/t.csv", GOOD)
    env = {
        "AWS_ENDPOINT_URL_S3": service.url,
        "AWS_ENDPOINT_URL_STS": service.url,
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/gates",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(project.root / "token"),
        "AWS_REGION": "eu-west-1",
    }
    environment(monkeypatch, env)
    project.gate("contract", {"columns": {"x": {"type": "integer"}}}, {"raw": "s3://acme-ml/role/t.csv"})
    assert project.run("contract").verdict == "pass"
    (project.root / "token").unlink()
    assert "AWS_WEB_IDENTITY_TOKEN_FILE can't be read" in _error(project, "s3://acme-ml/role/t.csv")


def test_who_has_no_key_asks_without(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        seen.append(request.headers.get("Authorization"))
        return listing(TABLE) if "list-type" in request.path else _served()

    project.write(".mlcc/objects.py", hasty_script())
    with answering(reply) as url:
        environment(monkeypatch, {"AWS_ENDPOINT_URL": url})
        project.gate("contract", {"columns": {"x": {"type": "integer"}}}, {"raw": "s3://acme-ml/d/t.csv"})
        assert project.run("contract").verdict == "pass"
    assert set(seen) == {None}
    with answering(lambda _: refusal(403, "AccessDenied")) as url:
        environment(monkeypatch, {"AWS_ENDPOINT_URL": url})
        assert "no key is set (AWS_ACCESS_KEY_ID, or `auth: [aws]` on the node)" in _error(project)
