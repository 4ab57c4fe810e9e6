"""Values of every shape of the language, and what becomes of a spec by a slip of the hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from mlcc.spec import scalars, shapes

GOOD: dict[str, tuple[Any, ...]] = {
    "check_id": ("a", "a-b", "x_1", "x-ray", "a" * 60),
    "check_env_name": ("A", "_x", "Path"),
    "check_secret_name": ("TOKEN", "_t1"),
    "check_output_name": ("train.BEST", "a-b.x_1"),
    "check_duration": ("1s", "15m", "6h", "30d"),
    "check_table": (
        "postgres://ml.requests",
        "spark://t",
        "bigquery://acme-1.ml.t$1",
        "snowflake://ML.PROD.T",
        "databricks://a.b.c",
    ),
    "check_uri": (
        "s3://acme-ml/a",
        "s3://abc/a/",
        "s3://a.b-c.d/a/year=2024/*.parquet",
        "s3://abc/**/é?.csv",
    ),
    "check_address": ("ci@acme.com", "a.b+c%d_e-f=g@x", "a@x-y.example.com"),
    "check_server": ("mail", "mail.acme.com", "mail.acme.com:465", "127.0.0.1:65535", "x:1"),
    "check_tracking_server": (
        "https://mlflow.example.com",
        "http://127.0.0.1:5000",
        "https://h/ml/flow/",
    ),
    "check_model_name": ("credit", "1.Credit_eu-x", "a" * 200),
    "check_alias": ("champion", "A1_b-c", "vx", "latest1"),
    "check_store_uri": (
        "s3://acme-ml",
        "s3://acme-ml/credit/eu",
        "gs://abc/a",
        "az://models/a b/",
        "abfs://abc",
        "file:///mnt/ml",
        "stored/",
        "a/é",
    ),
    "check_repository": (
        "ghcr.io/acme/credit",
        "localhost/a",
        "localhost:5000/a-b__c/d.e_f",
        "127.0.0.1:65535/x",
        "a-b.example.com/1/2/3",
    ),
    "check_tag": ("v1", "1.2.3", "_", "A.b-c_", "x" * 128),
    "check_image_digest": (f"sha256:{'0a' * 32}",),
    "check_platform": ("linux/amd64", "linux/arm/v7", "windows/amd64"),
    "check_folder": (".", "a", "serve/", "a/é b"),
    "check_latency": ("1ms", "50ms", "2s"),
    "check_factor": ("1x", "1.5x", "2.25x", "9.99x", "10x"),
    "check_size": ("1KB", "512MB", "2GiB"),
    "check_path": ("a", "src/", "a/*.py", "é/b c"),
    "check_plain_path": ("a", "src/", "a/b.c"),
    "check_source": ("a", "src/", "a/*.py", "//libs/credit/", "//a/**/b.py"),
    "check_cron": ("17 3 * * 1", "*/15 0-6/2 1,15 * *"),
    "check_date": ("2026-12-31", "2024-02-29"),
    "check_requirement": (">=0.1", ">=12.30"),
    "check_python_version": ("3.12", "3.9.18"),
    "check_free_text": ("", " ", "x\ny", "\U0001f600"),
    "check_text": ("x", "a: b", "e\u0301"),
    "check_command": ("make", "a\nb\n", "$(x)"),
    "check_version": (scalars.VERSION,),
}
"""For each check of a single value, values that it takes."""

BAD: dict[str, tuple[Any, ...]] = {
    "check_id": ("", "A", "1a", "a--b", "a-", "a b", "a\n", "a" * 61, "é"),
    "check_env_name": ("", "1A", "A-B", "PATH", "MLCC_X", "github_x", "A\n"),
    "check_secret_name": ("", "a-b", "GITHUB_TOKEN", "github_x"),
    "check_output_name": ("train", "train.", ".X", "Train.X", "a.b.c", "train.X\n"),
    "check_table": (
        "", "postgres://", "postgres:ml.t", "postgres://ml..t", "postgres://ml.t.", "postgres://a.b.c.d", "mysql://a.b", "duckdb://t",
        "POSTGRES://a.b", "postgres://a b", "postgres://a.b\n", 'postgres://a."b"', "postgres://ä.b", "postgres://host/db.t",
        "s3://bucket/t.parquet", "gs://bucket/t.parquet", "https://host/t.csv",
    ),
    "check_duration": ("", "0s", "5", "m", "1w", "1.5h", "-1s", "10000000s", "1s\n", "１s"),
    "check_uri": (
        "", "s3://", "s3://abc", "s3://abc/", "s3://ab/a", "s3://Abc/a", "s3://-abc/a", "s3://abc-/a", "s3://a_bc/a", "S3://abc/a",
        "s3:/abc/a", "s3://abc//a", "s3://abc/a//b", "s3://abc/../a", "s3://abc/a/./b", "s3://abc/ a", "s3://abc/a:b", "s3://abc/a\\b",
        "s3://abc/[a]", "s3://abc/{a}", "s3://abc/a\n", "s3://key:secret@abc/a", "s3://abc.example:9000/a", "gs://abc/a", "az://abc/a",
        "https://host/t.csv", "postgres://ml.t", "a/b.csv", "s3://abc/e\u0301", f"s3://{'a' * 64}/a",
    ),
    "check_address": (
        "", "a", "@x", "a@", "a@x@y", "a b@x", "a@x y", "Ada <a@x>", "a@x, b@x", "a@x\n", "a\r\nBcc: b@x", "å@x", "a@x.",
        "a@[1.2.3.4]",
    ),
    "check_server": (
        "", ":25", "mail:", "mail:0", "mail:65536", "mail:025", "mail:a", "smtp://mail", "mail/x", "a@mail", "mail.",
        "[::1]:25", "mail\n",
    ),
    "check_tracking_server": (
        "", "mlflow.example", "https://", "https://a b", "https://me:x@host", "https://h:0", "https://h:65536", "https://h?a=b",
        "https://h//x", "ftp://h", "databricks", "https://h\n", "file:///x", "https://h/%2e",
    ),
    "check_model_name": ("", "a/b", "a:b", "a'b", "a b", "-a", ".a", "é", "a" * 201, "a\n"),
    "check_alias": ("", "latest", "Latest", "v1", "V12", "1a", "a b", "a.b", "a\n", "é", "a" * 201),
    "check_store_uri": (
        "", "s3://", "s3://abc/", "s3://ab/a", "s3://Abc/a", "s3://abc//a", "s3://abc/../a", "s3://abc/a*", "S3://abc/a",
        "s3:/abc/a", "s3://key:secret@abc/a", "file://mnt/ml", "file:///", "file:////mnt", "file:///mnt/../x", "/mnt/ml", "../x",
        "~/x", "a\\b", "hdfs://a/b", "https://host/x", "postgres://ml.t", "gs://abc/e\u0301", "C:/ml", "a?",
    ),
    "check_repository": (
        "", "credit", "acme/credit", "ghcr.io", "ghcr.io/", "ghcr.io/Acme/credit", "GHCR.io/a", "ghcr.io/acme/credit:v1",
        f"ghcr.io/acme/credit@sha256:{'0' * 64}", "https://ghcr.io/a", "ghcr.io//a", "ghcr.io/a/", "ghcr.io/a/../b", "ghcr.io/-a",
        "ghcr.io/a b", "ghcr.io/a\n", "host:0/a", "host:5000/a", "a.b:123456/x", "user@a.b/x", "ghcr.io/a..b", "ghcr.io/a___b",
    ),
    "check_tag": ("", ".a", "-a", "a b", "a/b", "a:b", "a@b", "a\n", "é", "x" * 129),
    "check_image_digest": (
        "", "0a" * 32, f"sha256:{'0A' * 32}", f"sha256:{'0' * 63}", f"sha512:{'0' * 64}",
        f"sha256:{'0' * 64}\n", f"sha256:{'g' * 64}",
    ),
    "check_platform": ("", "linux", "linux/", "/amd64", "Linux/amd64", "linux/amd64/7",
        "linux/arm/v7/x", "linux/amd64,linux/arm64", "linux/amd64\n"),
    "check_folder": ("", "..", "./", "./a", "/a", "a/*", "~", "-a", "a\\b"),
    "check_latency": ("", "0ms", "50", "ms", "1m", "1.5s", "-1s", "1000000ms", "1s\n", "１s"),
    "check_factor": ("", "x", "2", "0x", "0.5x", "11x", "10.5x", "1.234x", "-1x", "1e1x", "2x\n", "２x"),
    "check_size": ("", "0MB", "512", "MB", "1mb", "1.5GB", "-1MB", "10000000KB", "1TB", "1MB\n", "１MB"),
    "check_path": (
        "", "/a", "../a", "a/../b", "./a", "a//b", "a\\b", "~/a", "-a", "a:b", " a", "a ", "a\nb", "a\x00",
        "e\u0301", ".git/config", ".mlcc/x", "_mlcc", "a\u202eb", ".",
    ),
    "check_plain_path": ("*", "a?", "[a]", "{a}", "../a"),
    "check_source": ("/a", "///a", "//", "//../a", "a//b", "//.git/x", "//a//b"),
    "check_cron": (
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7",
        "5-1 * * * *", "*/0 * * * *", "5/10 * * * *", "@daily", "a * * * *", "1, * * * *", "１ * * * *",
    ),
    "check_date": ("", "2026-13-01", "2026-02-30", "20261231", "2026-1-1", "2026-12-31\n"),
    "check_requirement": ("", "0.1", ">=1", ">= 0.1", ">=0.1.2", ">=0.1\n"),
    "check_python_version": ("", "3", "2.7", "3.x", "3.12.1.1", "3.12\n", "3.123"),
    "check_free_text": ("\x00", "a\rb", "\u200b", "\u202e", "\ufeff", "\x1b[0m"),
    "check_text": ("", " ", "\n", "\x07", "a\u2066b"),
    "check_command": ("", "  ", "echo ${{ github.token }}", "a\x00"),
    "check_version": (0, 2, -1),
}  # fmt: skip
"""For each check of a single value, values that it refuses."""

STRANGE = (
    None, True, False, 0, 1, -1, 2, 6, 10**6, 0.5, 1.0, -0.0, float("nan"), float("inf"), 10**400, "", " ", "x", "X", "3.12",
    "1", "true", "none", "pass", "a\n", "\x00", "\ud800", "${{ x }}", [], {}, [None], ["x"], [1], {"x": 1}, {"secret": "A"},
    {"secret": "A", "var": "B"}, {"matrix": "a"}, {"x-y": None}, {"": 1},
)  # fmt: skip
"""Values that are wrong at most places, and right at some."""

KEYS = (
    "x-note",
    "runn",
    "run",
    "path",
    "python",
    "image",
    "store",
    "from_",
    "as",
    "tests",
    "version",
    "x",
    "X-A",
    "",
)


def valid(shape: shapes.Shape) -> st.SearchStrategy[Any]:
    """Return plain values that have a shape, though they may name what isn't there."""
    match shape:
        case shapes.Fields():
            return _fields(shape)
        case shapes.Either():
            return st.one_of([valid(inner) for inner in shape.shapes])
        case shapes.ListOf():
            return st.lists(
                st.deferred(lambda: valid(shape.item)), min_size=shape.least, max_size=shape.least + 2
            )
        case shapes.DictOf():
            return st.dictionaries(
                valid(shape.key), valid(shape.item), min_size=shape.least, max_size=shape.least + 1
            )
        case shapes.Choice():
            return st.sampled_from(shape.words)
        case shapes.Flag():
            return st.booleans()
        case shapes.Anything():
            return st.sampled_from((1, "x", [1], {"a": None}))
        case shapes.Number():
            return _within(shape, st.sampled_from((0, 0.5, 0.75, 1, 0.95)))
        case shapes.Int() if shape.check is None:
            return _within(shape, st.integers(0, 10))
        case shapes.Str() | shapes.Int():
            return _checked(shape)
    raise AssertionError(shape)


def _checked(shape: shapes.Str | shapes.Int) -> st.SearchStrategy[Any]:
    if shape.check is None:
        return st.sampled_from(("x", "y z"))
    values = st.sampled_from(GOOD[shape.check.__name__])
    return values.map(lambda value: value * 10) if getattr(shape, "least", 0) else values


def _within(shape: shapes.Int, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    low, high = shape.low, shape.high
    return values.filter(lambda value: (low is None or value >= low) and (high is None or value <= high))


@st.composite
def _fields(draw: Callable[..., Any], shape: shapes.Fields) -> dict[str, Any]:
    barred: set[str] = set()
    wanted: set[str] = set()
    for group in shape.exactly_one:
        wanted.add(draw(st.sampled_from(group)))
        barred |= set(group) - wanted
    for group in shape.at_most_one:
        chosen = draw(st.sampled_from(group))
        barred |= set(group) - {chosen} - wanted
    made = {}
    for name, key in shape.keys.items():
        required = key.default is shapes.REQUIRED or name in wanted
        if required or (name not in barred and draw(st.integers(0, 9)) < 2):
            made[name] = draw(valid(key.shape))
    if draw(st.integers(0, 9)) == 0:
        made["x-note"] = draw(st.sampled_from(STRANGE))
    return made


@st.composite
def slipped(draw: Callable[..., Any], values: st.SearchStrategy[Any]) -> Any:
    """Draw a value of `values` and change one to three places in it."""
    value = copy.deepcopy(draw(values))
    for _ in range(draw(st.integers(1, 3))):
        value = _slip(draw, value)
    return value


def _slip(draw: Callable[..., Any], value: Any) -> Any:
    """Change one place: deeper down in most cases, else here."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(list(value)))
        if draw(st.integers(0, 5)):
            return {**value, key: _slip(draw, value[key])}
        return {name: item for name, item in value.items() if name != key}
    if isinstance(value, dict) and draw(st.booleans()):
        return {**value, draw(st.sampled_from(KEYS)): draw(st.sampled_from(STRANGE))}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], _slip(draw, value[index]), *value[index + 1 :]]
    bad = st.sampled_from([item for items in BAD.values() for item in items])
    return copy.deepcopy(draw(st.one_of(st.sampled_from(STRANGE), bad)))
