"""Checks of single values. Free of pydantic, because every lint runs them."""

from __future__ import annotations

import re
from math import ceil

from mlcc.load.source import HIDDEN
from mlcc.spec.paths import check_folder as check_folder
from mlcc.spec.paths import check_path as check_path
from mlcc.spec.paths import check_plain_path as check_plain_path
from mlcc.spec.paths import check_source as check_source
from mlcc.spec.paths import path_problem as path_problem

VERSION = 1
ID = re.compile(r"[a-z](?:-?[a-z0-9_])*\Z")
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_DURATION = re.compile(r"([1-9][0-9]{0,6})(s|m|h|d)\Z")
_LATENCY = re.compile(r"([1-9][0-9]{0,5})(ms|s)\Z")
_FACTOR = re.compile(r"(10|[1-9](?:\.[0-9]{1,2})?)x\Z")
_SIZE = re.compile(r"([1-9][0-9]{0,6})(KB|MB|GB|KiB|MiB|GiB)\Z")
_CRON_PART = re.compile(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([0-9]{1,2}))?\Z")
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_PYTHON_VERSION = re.compile(r"3\.[0-9]{1,2}(?:\.[0-9]{1,2})?\Z")
_OUTPUT_NAME = re.compile(r"([a-z](?:-?[a-z0-9_])*)\.([A-Za-z_][A-Za-z0-9_]*)\Z")
_REQUIREMENT = re.compile(r">=([0-9]{1,4})\.([0-9]{1,4})\Z")
# Where tables lie too, and what of it no gate reads.
_STORE = re.compile(r"(?:s3|gs|gcs|az|abfss?|https?|hdfs)://")
_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(.+)\Z", re.DOTALL)
_STORE_URI = re.compile(
    r"(?:s3|gs|az|abfs)://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/(?P<prefix>.+))?\Z"
    r"|file:///(?P<disk>.+)\Z|(?P<folder>(?![a-zA-Z0-9]+:).*)\Z",
    re.DOTALL,
)
_TABLE = re.compile(
    r"(?:spark|postgres|bigquery|snowflake|databricks)://[\w$-]+(?:\.[\w$-]+){0,2}\Z", re.ASCII
)
_OTHER_STORE = (
    "a gate reads no store but S3 and what speaks its protocol (`uri: s3://…`): fetch the file with "
    "`from: {command: …}` and `path`"
)
# A registry's host, and a name as the distribution specification has it: https://github.com/opencontainers/distribution-spec
# What few specs state is compiled where it is met: compiling a pattern takes longer than reading a small spec.
_REPOSITORY = (
    r"(?:localhost|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,9})(?::[1-9][0-9]{0,4})?"
    r"(?:/[a-z0-9]+(?:(?:\.|_|__|-{1,9})[a-z0-9]+){0,99}){1,20}\Z"
)
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z"
_DIGEST = r"sha256:[0-9a-f]{64}\Z"
_PLATFORM = r"[a-z0-9]{1,20}/[a-z0-9]{1,20}(?:/v[0-9]{1,2})?\Z"
_ADDRESS = r"[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,9}\Z"
_SERVER = (
    r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,9}"
    r"(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?\Z"
)
_TRACKING_SERVER = (
    r"https?://[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,9}"
    r"(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
    r"(?:/[A-Za-z0-9._~-]+)*/?\Z"
)
_MODEL_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z"
_ALIAS = r"(?!(?:[Ll][Aa][Tt][Ee][Ss][Tt]|[Vv][0-9]+)\Z)[A-Za-z][A-Za-z0-9_-]{0,199}\Z"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
# Names that the emitted scripts and the platforms use themselves.
RESERVED_ENV = (
    "MLCC_",
    "ARTIFACT_",
    "DIGEST_",
    "SNAPSHOT_",
    "VERSION_",
    "SERVICE_",
    "GITHUB_",
    "RUNNER_",
    "CI_",
    "ACTIONS_",
)
_SHELL_ENV = ("PATH", "HOME", "BASH_ENV", "ENV", "IFS", "SHELLOPTS")


def check_version(value: int) -> int:
    """Return `value` if it is the version of the language that this package reads."""
    if value != VERSION:
        raise ValueError(f"this mlcc reads version {VERSION} of the language")
    return value


def check_id(value: str) -> str:
    """Return `value` if it is an id: lower case, digits, `_` and single `-`."""
    if len(value) > 60 or not ID.match(value):
        raise ValueError(
            "an id has lower-case letters, digits, '_' and single '-', starts with a letter, "
            "has at most 60 characters"
        )
    return value


def check_env_name(value: str) -> str:
    """Return `value` if it can name an environment variable of a user."""
    if not ENV_NAME.match(value):
        raise ValueError(
            "an environment variable's name has letters, digits and '_' and starts with no digit"
        )
    if value.upper().startswith(RESERVED_ENV) or value in _SHELL_ENV:
        prefixes = ", ".join(RESERVED_ENV)
        raise ValueError(f"{value} belongs to the runner or to mlcc (so do the prefixes {prefixes})")
    return value


def check_secret_name(value: str) -> str:
    """Return `value` if every platform can hold a secret or variable of this name."""
    if not ENV_NAME.match(value) or value.upper().startswith("GITHUB_"):
        raise ValueError(
            "the name of a secret or variable has letters, digits and '_', and doesn't start with GITHUB_"
        )
    return value


def check_output_name(value: str) -> str:
    """Return `value` if it is JOB.NAME, an output of a job."""
    if not _OUTPUT_NAME.match(value):
        raise ValueError("an output is named JOB.NAME, such as train.BEST_EPOCH")
    return value


def check_python_version(value: str) -> str:
    """Return `value` if it is a Python version such as 3.12 or 3.12.4."""
    if not _PYTHON_VERSION.match(value):
        raise ValueError("a Python version is two or three numbers, such as '3.12'")
    return value


def check_requirement(value: str) -> str:
    """Return `value` if it is a least mlcc version such as >=0.1."""
    if not _REQUIREMENT.match(value):
        raise ValueError("a requirement is '>=' and a version of two numbers, such as '>=0.1'")
    return value


def check_date(value: str) -> str:
    """Return `value` if it is a day of the calendar such as 2026-12-31."""
    import datetime  # waivers are rare

    if _DATE.match(value):
        try:
            datetime.date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise ValueError("a date is a day of the calendar, such as '2026-12-31'")


def check_table(value: str) -> str:
    """Return `value` if it is the name of a table in a warehouse, such as postgres://ml.requests."""
    if value.startswith("s3://"):
        raise ValueError("a table lies in a warehouse; objects in a store are named with `uri`")
    if _STORE.match(value):
        raise ValueError(_OTHER_STORE)
    if not _TABLE.match(value):
        raise ValueError(
            "a table is ENGINE://SCHEMA.TABLE, with spark, postgres, bigquery, snowflake or databricks; names have "
            "letters, digits, '_', '-' and '$'"
        )
    return value


def check_uri(value: str) -> str:
    """Return `value` if it is the address of objects in a store, such as s3://acme-ml/events/*.parquet."""
    match = _URI.match(value)
    if match is None:
        if _STORE.match(value) and not value.startswith("s3://"):
            raise ValueError(_OTHER_STORE)
        raise ValueError(
            "a uri is s3://BUCKET/PATH: one object, all below a folder (ending in '/'), or with '*', '**' and '?'"
        )
    problem = path_problem(match[1])
    if problem:
        raise ValueError(f"behind its bucket, {problem}")
    return value


def check_address(value: str) -> str:
    """Return `value` if it is the address of a mailbox, without a name."""
    if not re.match(_ADDRESS, value):
        raise ValueError("an address is NAME@DOMAIN, in ASCII letters and without the person's name")
    return value


def check_server(value: str) -> str:
    """Return `value` if it is a host, or a host and a port."""
    if not re.match(_SERVER, value):
        raise ValueError("a server is HOST or HOST:PORT, such as mail.acme.com:465")
    return value


def check_tracking_server(value: str) -> str:
    """Return `value` if it is the address of a tracking server, such as https://mlflow.example.com."""
    if not re.match(_TRACKING_SERVER, value):
        raise ValueError(
            "a tracking server is https://HOST or http://HOST, with a port and a path if need be; who asks is told by `env`"
        )
    return value


def check_model_name(value: str) -> str:
    """Return `value` if it can name a registered model."""
    if not re.match(_MODEL_NAME, value):
        raise ValueError("a registered model's name has letters, digits, '_', '-' and '.', at most 200")
    return value


def check_alias(value: str) -> str:
    """Return `value` if it can be an alias of a registered model."""
    if not re.match(_ALIAS, value):
        raise ValueError(
            "an alias has letters, digits, '_' and '-'; `latest` and those such as v1 are MLflow's own (a number is `version`)"
        )
    return value


def check_repository(value: str) -> str:
    """Return `value` if it names a repository of images with its registry's host, and neither a tag nor a digest."""
    if len(value) > 255 or not re.match(_REPOSITORY, value):
        raise ValueError(
            "a repository of images is HOST/NAME in small letters, such as ghcr.io/acme/credit, without a tag or a digest"
        )
    return value


def check_tag(value: str) -> str:
    """Return `value` if it can be the tag of an image."""
    if not re.match(_TAG, value):
        raise ValueError(
            "a tag has letters, digits, '_', '.' and '-', at most 128, and starts with no '.' or '-'"
        )
    return value


def check_image_digest(value: str) -> str:
    """Return `value` if it is the digest of an image."""
    if not re.match(_DIGEST, value):
        raise ValueError("the digest of an image is 'sha256:' and 64 hexadecimal digits in small letters")
    return value


def check_platform(value: str) -> str:
    """Return `value` if it is an operating system and a processor, as builders of images name them."""
    if not re.match(_PLATFORM, value):
        raise ValueError("a platform is OS/PROCESSOR, such as linux/amd64 or linux/arm64")
    return value


def check_store_uri(value: str) -> str:
    """Return `value` if it says where a store is, such as s3://acme-ml/credit, file:///mnt/ml or stored/."""
    match = _STORE_URI.match(value)
    if match is None:
        raise ValueError(
            "a store is s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, abfs://CONTAINER/PREFIX, "
            "file:///FOLDER or a folder of the project"
        )
    place = match["prefix"] or match["disk"] or match["folder"]
    problem = path_problem(place) if place is not None else None
    if problem is None and place is not None and any(c in place for c in "*?"):
        problem = "a store's path has no wildcards"
    if problem:
        raise ValueError(problem)
    return value


def check_duration(value: str) -> str:
    """Return `value` if it is a duration such as 30s, 15m, 6h, 7d."""
    if not _DURATION.match(value):
        raise ValueError("a duration is a whole number and a unit: 30s, 15m, 6h or 7d")
    return value


def seconds(value: str) -> int:
    """Return the seconds of a checked duration."""
    match = _DURATION.match(value)
    assert match is not None
    return int(match[1]) * _SECONDS[match[2]]


def check_factor(value: str) -> str:
    """Return `value` if it is a factor such as 2x or 1.5x."""
    if not _FACTOR.match(value):
        raise ValueError("a factor is a number from 1 to 10 and an x: 1.5x or 2x")
    return value


def factor(value: str) -> float:
    """Return the number of a checked factor."""
    return float(value[:-1])


def stretched(duration: str, times: str) -> int:
    """Return the seconds of a checked duration, times a checked factor, rounded up."""
    return ceil(seconds(duration) * factor(times))


def check_latency(value: str) -> str:
    """Return `value` if it is the time of one answer such as 50ms or 2s."""
    if not _LATENCY.match(value):
        raise ValueError("a latency is a whole number and a unit: 50ms or 2s")
    return value


def milliseconds(value: str) -> int:
    """Return the milliseconds of a checked latency."""
    match = _LATENCY.match(value)
    assert match is not None
    return int(match[1]) * (1 if match[2] == "ms" else 1000)


def check_size(value: str) -> str:
    """Return `value` if it is a size of memory such as 512MB or 2GiB."""
    if not _SIZE.match(value):
        raise ValueError("a size is a whole number and a unit: 512MB, 2GB, or in powers of 1024 2GiB")
    return value


def size_in_bytes(value: str) -> int:
    """Return the bytes of a checked size."""
    match = _SIZE.match(value)
    assert match is not None
    return int(match[1]) * _BYTES[match[2]]


def check_cron(value: str) -> str:
    """Return `value` if it is a five-field cron line in digits: the form that all back ends read alike."""
    fields = value.split()
    if len(fields) != 5:
        raise ValueError("a schedule has five cron fields in digits, UTC, such as '17 3 * * 1'")
    for field, (low, high) in zip(fields, _CRON_RANGES, strict=True):
        for part in field.split(","):
            _check_cron_part(part, low, high)
    return value


def _check_cron_part(part: str, low: int, high: int) -> None:
    match = _CRON_PART.match(part)
    if not match:
        raise ValueError(f"'{part}' isn't a part of a schedule: write *, 5, 1-5, */15 or 0-30/10")
    first, last, step = match.groups()
    for number in (first, last):
        if number is not None and not low <= int(number) <= high:
            raise ValueError(f"{number} is outside {low} to {high}")
    if last is not None and int(last) < int(first):
        raise ValueError(f"the range {first}-{last} is empty")
    if step is not None and (int(step) == 0 or (first is not None and last is None)):
        raise ValueError(f"a step such as /{step} is at least 1 and follows * or a range, in '{part}'")


def check_free_text(value: str) -> str:
    """Return `value` if it holds visible characters, spaces, tabs and newlines only."""
    if HIDDEN.search(value):
        raise ValueError("text has no control or invisible characters")
    return value


def check_text(value: str) -> str:
    """Return `value` if it is text that isn't blank."""
    if not value.strip():
        raise ValueError("this text isn't empty")
    return check_free_text(value)


def check_command(value: str) -> str:
    """Return `value` if it is a shell command that holds no platform's expression."""
    check_text(value)
    if "${{" in value:
        raise ValueError(
            "commands hold no '${{ }}': pass the value through `env`, "
            "as {secret: …}, {input: …} or {context: …}"
        )
    return value
