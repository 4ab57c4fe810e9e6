"""Tables in a store: the same verdicts as over local files, the objects by name, and every way in which a store fails."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlcc.diagnostics import OutputError
from mlcc.gates import GATES
from mlcc.gates.emit import script
from mlcc.gates.selftest import selftest
from mlcc.profiling import profile, profile_text
from tests.gates.conftest import Outcome, Project, project
from tests.objects.store import (
    SECRET,
    VARIABLES,
    Reply,
    Store,
    answering,
    etag,
    free_port,
    hasty_script,
    listing,
    moto,
    refusal,
)

__all__ = ["project"]


@pytest.fixture(scope="module")
def service() -> Iterator[Store]:
    with moto() as found:
        found.bucket("acme-ml")
        yield found


@pytest.fixture
def store(service: Store, project: Project, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with the bucket acme-ml, as the environment names it; the project has the script that asks it."""
    _environment(monkeypatch, service.env)
    project.write(".mlcc/objects.py", hasty_script())
    return service


def _environment(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)


def _table(path: str, rows: int = 400, start: int = 0) -> bytes:
    """Return a table of rows with an id, a number, a word, a label and a score, as a file of the name's format."""
    select = (
        f"SELECT i + {start} AS id, (i * 37 % 101) / 2.0 AS x, "
        "CASE WHEN i % 5 = 0 THEN NULL ELSE chr((97 + i % 7)::INTEGER) END AS word, "
        f"i % 2 AS y, (i % 2) * 0.2 + (i * 13 % 51) / 51.0 AS p FROM range({rows}) t(i)"
    )
    target = Path("scratch")
    endings = {
        "parquet": "parquet",
        "csv": "csv",
        "tsv": "csv, DELIMITER '\t'",
        "jsonl": "json",
        "json": "json, ARRAY",
    }
    duckdb.execute(f"COPY ({select}) TO '{target}' (FORMAT {endings[path.rpartition('.')[2]]})")
    found = target.read_bytes()
    target.unlink()
    return found


def _put(project: Project, store: Store, prefix: str, files: dict[str, bytes]) -> None:
    """Write files below the project, and the same below a prefix of the bucket."""
    for path, content in files.items():
        project.write(path, content)
        store.put("acme-ml", f"{prefix}/{path}", content)


def _both(
    project: Project, kind: str, params: dict[str, Any], paths: dict[str, str | list[str]], prefix: str
) -> tuple[Outcome, Outcome]:
    """Run a gate over local files by hand and, as the emitted script, over the same in the store."""
    project.gate(kind, params, paths)
    here = project.run(kind)
    there = {
        id: f"s3://acme-ml/{prefix}/{path if isinstance(path, str) else path[0]}"
        for id, path in paths.items()
    }
    project.gate(kind, params, there)
    return here, project.run_script(kind)


COLUMNS: dict[str, Any] = {
    "id": {"type": "integer", "unique": True, "min": 0},
    "x": {"type": "number", "max": 60},
    "word": {"type": "string", "max_nulls": 0.25, "pattern": "[a-g]"},
}
FORMS: dict[str, tuple[str | list[str], tuple[str, ...]]] = {
    "parquet": ("data/t.parquet", ("data/t.parquet",)),
    "csv": ("data/t.csv", ("data/t.csv",)),
    "tsv": ("data/t.tsv", ("data/t.tsv",)),
    "json lines": ("data/t.jsonl", ("data/t.jsonl",)),
    "json": ("data/t.json", ("data/t.json",)),
    "csv by pattern": (["data/2024-*.csv"], ("data/2024-01.csv", "data/2024-02.csv", "data/2023-12.csv")),
    "json lines by deep pattern": (["data/**/*.jsonl"], ("data/a/1.jsonl", "data/b/c/2.jsonl", "other.jsonl")),
    "folder": ("data/", ("data/1.parquet", "data/more/2.parquet", "data/_SUCCESS", "data.parquet")),
    "partitions": ("data/", ("data/year=2023/m=01/a.parquet", "data/year=2024/m=02/a.parquet")),
    "partitions by pattern": (
        ["data/year=*/*.parquet"],
        ("data/year=2023/a.parquet", "data/year=2024/a b+ü.parquet"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_contract_over_objects_counts_what_it_counts_over_files(
    project: Project, store: Store, form: str
) -> None:
    path, names = FORMS[form]
    files = {
        name: b"" if name.endswith("_SUCCESS") else _table(name, start=1000 * i)
        for i, name in enumerate(names)
    }
    prefix = form.replace(" ", "-")
    _put(project, store, prefix, files)
    columns = {**COLUMNS, **({"year": {"type": "integer"}} if "partitions" in form else {})}
    here, there = _both(project, "contract", {"columns": columns}, {"raw": path}, prefix)
    assert (here.verdict, there.verdict, there.code) == ("pass", "pass", 0)
    assert here.record is not None
    assert there.record is not None
    assert there.record["checks"] == here.record["checks"]
    columns = {**columns, "x": {"type": "number", "max": 40}}
    here, there = _both(project, "contract", {"columns": columns}, {"raw": path}, prefix)
    assert (here.verdict, there.verdict, there.code) == ("fail", "fail", 1)
    assert there.check("x.max") == here.check("x.max")
    assert there.summary == here.summary
    assert not (project.root / "_mlcc/objects/g").exists()


CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "leakage": ("leakage", {"train": "b", "key": ["id"]}, {"train": "b", "key": ["x"]}),
    "drift": ("drift", {"reference": "b", "columns": {"x": {}}}, {"reference": "b", "columns": {"id": {}}}),
    "parity": (
        "feature_parity",
        {"offline": "a", "online": "c", "key": ["id"], "columns": {"x": {}}},
        {"offline": "a", "online": "b", "key": ["y", "id"], "columns": {"x": {}}},
    ),
    "evaluate": (
        "evaluate",
        {"predictions": "a", "label": "y", "score": "p", "metrics": {"roc_auc": {"min": 0.6}}},
        {"predictions": "a", "label": "y", "score": "p", "metrics": {"roc_auc": {"min": 0.9}}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_other_gates_over_objects(project: Project, store: Store, case: str) -> None:
    kind, passing, failing = CASES[case]
    _put(
        project,
        store,
        case,
        {
            "a.parquet": _table("t.parquet", 4000),
            "c.parquet": _table("t.parquet", 4000),
            "b.parquet": _table("t.parquet", 4000, start=10_000),
        },
    )
    paths: dict[str, str | list[str]] = {"a": "a.parquet", "b": "b.parquet", "c": "c.parquet"}
    here, there = _both(project, kind, passing, paths, case)
    assert (here.verdict, there.verdict) == ("pass", "pass"), there.log
    assert (there.checks, there.summary) == (here.checks, here.summary)
    here, there = _both(project, kind, failing, paths, case)
    assert (here.verdict, there.verdict) == ("fail", "fail"), there.log
    assert here.record is not None
    assert there.record is not None
    assert there.record["checks"] == here.record["checks"]


def test_a_committed_profile_against_objects(project: Project, store: Store) -> None:
    _put(project, store, "profile", {"old.parquet": _table("t.parquet"), "new.csv": _table("t.csv")})
    project.write("base.json", profile_text(profile(["old.parquet"], ["x"], 10)))
    project.gate(
        "drift",
        {"reference": "base", "columns": {"x": {}}},
        {"live": "s3://acme-ml/profile/new.csv", "base": "base.json"},
    )
    assert project.run("drift").verdict == "pass"


@pytest.mark.parametrize("form", ["parquet", "csv by pattern", "partitions"])
def test_a_profile_of_objects_is_that_of_files(project: Project, store: Store, form: str) -> None:
    path, names = FORMS[form]
    prefix = f"profiles-{form.replace(' ', '-')}"
    _put(project, store, prefix, {name: _table(name, start=1000 * i) for i, name in enumerate(names)})
    place = path if isinstance(path, str) else path[0]
    here = profile([place], [], 20)
    there = profile([f"s3://acme-ml/{prefix}/{place}"], [], 20)
    assert there["columns"] == here["columns"]
    assert there["rows"] == here["rows"]
    with pytest.raises(OutputError) as caught:
        profile([f"s3://acme-ml/{prefix}/nothing.csv"], [], 20)
    assert "nothing.csv can't be read: there is no object" in caught.value.diagnostics[0].message


def test_the_verdict_names_the_objects(project: Project, store: Store) -> None:
    store.bucket("versioned", versions=True)
    one, two = _table("t.csv"), _table("t.csv", 10, start=5000)
    for key, content in (("d/1.csv", two), ("d/1.csv", one), ("d/2.csv", two), ("d/", b"")):
        store.put("versioned", key, content)
    project.gate("contract", {"columns": COLUMNS}, {"raw": "s3://versioned/d/*.csv"})
    outcome = project.run("contract")
    assert outcome.verdict == "pass"
    assert outcome.record is not None
    found = outcome.record["inputs"]["raw"]
    lines = f"{etag(one)}  {len(one)}  d/1.csv\n{etag(two)}  {len(two)}  d/2.csv\n"
    ordered = "".join(sorted(lines.splitlines(keepends=True)))
    assert found["path"] == "s3://versioned/d/*.csv"
    assert found["digest"] == "objects:" + hashlib.sha256(ordered.encode()).hexdigest()
    versions = [object.pop("version") for object in found["objects"]]
    assert all(versions)
    assert len(set(versions)) == 2
    assert found["objects"] == [
        {
            "key": key,
            "etag": etag(content),
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for key, content in (("d/1.csv", one), ("d/2.csv", two))
    ]


def test_the_verdict_keeps_to_its_schema(project: Project, store: Store) -> None:
    import jsonschema

    schema = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
    _put(project, store, "schema", {"t.csv": _table("t.csv")})
    project.gate("contract", {"columns": COLUMNS}, {"raw": "s3://acme-ml/schema/t.csv"})
    jsonschema.Draft202012Validator(schema).validate(project.run("contract").record)


def test_messages_name_addresses(project: Project, store: Store) -> None:
    _put(project, store, "headers", {"a.csv": b"id\n1\n", "b.csv": b"x\n1\n"})
    project.gate("contract", {"columns": {"id": {"type": "integer"}}}, {"raw": "s3://acme-ml/headers/*.csv"})
    outcome = project.run("contract")
    assert outcome.verdict == "error"
    assert outcome.summary == "s3://acme-ml/headers/b.csv has another header than s3://acme-ml/headers/a.csv."
    assert not (project.root / "_mlcc/objects/g").exists()


def test_a_gate_that_only_names_objects_fetches_none(project: Project, store: Store) -> None:
    _put(project, store, "named", {"t.csv": b"x\n"})
    run = 'test "$ARTIFACT_RAW" = s3://acme-ml/named/t.csv && test ! -e _mlcc/objects'
    project.gate("command", {"run": run}, {"raw": "s3://acme-ml/named/t.csv"})
    outcome = project.run("command")
    assert outcome.verdict == "pass"
    assert outcome.record is not None
    assert outcome.record["inputs"]["raw"]["objects"] == [
        {"key": "named/t.csv", "etag": etag(b"x\n"), "size": 2}
    ]


def test_a_model_made_from_objects(project: Project, store: Store) -> None:
    _put(project, store, "made", {"t.csv": GOOD})
    line = f"{etag(GOOD)}  {len(GOOD)}  made/t.csv\n"
    stated = "objects:" + hashlib.sha256(line.encode()).hexdigest()
    files = [{"path": "model.json", "format": "json"}, {"path": "meta.json", "format": "json"}]
    params = {"files": files, "lineage": {"live": "made_from"}, "metadata": "meta.json"}
    for digest, verdict in (
        (stated, "pass"),
        (stated[len("objects:") :], "fail"),
        ("objects:" + "0" * 64, "fail"),
    ):
        project.write("m/model.json", "{}")
        project.write("m/meta.json", json.dumps({"made_from": digest}))
        artifacts: dict[str, str | list[str]] = {"model": "m/", "live": "s3://acme-ml/made/t.csv"}
        project.gate("artifact", params, artifacts, artifact_kind="model")
        assert project.run("artifact").checks["lineage.live"] == verdict


def test_self_tests_need_no_store(project: Project) -> None:
    for address in ("s3://acme-ml/d/t.csv", "s3://acme-ml/d/x-*.jsonl", "s3://acme-ml/d/"):
        document = project.gate("contract", {"columns": {"x": {"type": "integer"}}}, {"raw": address})
        outcomes = list(selftest(script(GATES["contract"]).encode(), document))
        assert len(outcomes) > 5
        assert [outcome.problem for outcome in outcomes if outcome.problem] == []


# --- what goes wrong ----------------------------------------------------------------------------------------


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
    "a listing without an end": (
        _one(lambda: listing(TABLE, more="<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>")),
        "its listing has no end",
    ),
    "a listing without its next page": (_one(lambda: listing(TABLE, more="<IsTruncated>true</IsTruncated>")), "has no end"),
    "an entry without a size": (
        lambda r: (200, {}, b"<ListBucketResult><Contents><Key>d/t.csv</Key><ETag>a</ETag></Contents></ListBucketResult>"),
        "an entry of its listing isn't whole",
    ),
    "a key twice": (_one(lambda: listing(TABLE, TABLE)), "a key stands twice"),
    "an object cut off": (_cut, "an object was cut off"),
    "an object too long": (_one(lambda: listing(TABLE), lambda: _served(GOOD * 3)), "an object was cut off, or is longer"),
    "an object too short": (_one(lambda: listing(TABLE), lambda: _served(b"x\n")), "an object was cut off, or is longer"),
    "an object gone": (_one(lambda: listing(TABLE), lambda: refusal(404, "NoSuchKey")), "status 404 NoSuchKey"),
    "an object replaced": (_one(lambda: listing(TABLE), lambda: refusal(412, "PreconditionFailed")), "an object changed while"),
    "another object": (_one(lambda: listing(TABLE), lambda: _served(ETag='"other"')), "an object changed while it was read"),
    "an object without an ETag": (_one(lambda: listing(TABLE), lambda: (200, {}, GOOD)), "an object changed while it was read"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILURES)
def test_a_store_that_fails(project: Project, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    reply, reason = FAILURES[case]
    project.write(".mlcc/objects.py", hasty_script())
    with answering(reply) as url:
        _environment(monkeypatch, {**Store(url).env, "AWS_SESSION_TOKEN": SECRET})
        assert reason in _error(project)


@pytest.mark.parametrize(
    "key", ["d/../../x.csv", "d/./x.csv", "d//x.csv", "d/a\tb.csv", f"d/{'a' * 300}.csv", "d/\u202e.csv"]
)
def test_keys_that_no_file_can_have(project: Project, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    project.write(".mlcc/objects.py", hasty_script())
    with answering(_one(lambda: listing((key, GOOD)))) as url:
        _environment(monkeypatch, Store(url).env)
        assert "an object's key can't be a file's path" in _error(project, "s3://acme-ml/d/")
    assert not (project.root / "x.csv").exists()


def test_a_store_that_is_away(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(".mlcc/objects.py", hasty_script())
    _environment(monkeypatch, Store(f"http://127.0.0.1:{free_port()}").env)
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
        _environment(monkeypatch, Store(url).env)
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
        _environment(monkeypatch, Store(url).env)
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
        _environment(monkeypatch, Store(url).env)
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
    _environment(monkeypatch, {**Store("http://127.0.0.1:1").env, **env})
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
    _environment(monkeypatch, {})
    if text is not None:
        project.write(".mlcc/objects.py", text)
    assert reason in _error(project)


def test_the_folder_of_copies_may_be_no_link(
    project: Project, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _put(project, store, "link", {"t.csv": GOOD})
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
        "AWS_ENDPOINT_URL": service.url,
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/gates",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(project.root / "token"),
        "AWS_REGION": "eu-west-1",
    }
    _environment(monkeypatch, env)
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
        _environment(monkeypatch, {"AWS_ENDPOINT_URL": url})
        project.gate("contract", {"columns": {"x": {"type": "integer"}}}, {"raw": "s3://acme-ml/d/t.csv"})
        assert project.run("contract").verdict == "pass"
    assert set(seen) == {None}
    with answering(lambda _: refusal(403, "AccessDenied")) as url:
        _environment(monkeypatch, {"AWS_ENDPOINT_URL": url})
        assert "no key is set (AWS_ACCESS_KEY_ID, or `auth: [aws]` on the node)" in _error(project)
