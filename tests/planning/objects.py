"""Broken specs about data in a store."""

from __future__ import annotations

from tests.planning.case import Case
from tests.planning.tables import GATE


def _live(keys: str = "") -> str:
    return f"artifacts:\n  live: {{kind: data, uri: s3://acme-ml/t.csv{keys}}}\n"


ONE_ACCOUNT = (
    "give both the same AWS_ variables, say those under the node's own `env`, or let another node fetch one of them "
    "(`from: {command: …}` and `path`)"
)
LOGIN = "auth: {aws: {role: {var: ROLE}, region: eu-west-1}}\n"
TOKEN = "programs that log in to aws would send its token to AWS_ENDPOINT_URL, and who has it enters aws"
NAME_ONE = (
    "name a store as AWS_ENDPOINT_URL_S3 (one that gives logins of its own, as AWS_ENDPOINT_URL_STS, too), or take `aws` out "
    "of `auth`"
)
OBJECTS = (
    Case(
        "a uri of a model", "artifacts:\n  live: {kind: ◆model, uri: s3://acme-ml/t.csv}\n" + GATE,
        "bad-uri", "a uri holds data, and 'live' is of kind model",
    ),
    Case(
        "a uri with an engine", _live(", ◆engine: spark") + GATE,
        "bad-uri", "a uri has no `engine`: DuckDB reads a copy of it",
    ),
    Case(
        "a uri from the base", _live(", ◆at: base") + GATE,
        "bad-uri", "a uri has no `at`: the store keeps it, and nothing fetches it",
    ),
    Case(
        "a uri that is kept", _live(", ◆retain: 3d") + GATE,
        "bad-uri", "a uri has no `retain`: the store keeps it, and nothing fetches it",
    ),
    Case(
        "a uri that is fetched", _live(", ◆from: {command: make}") + GATE,
        "bad-uri", "a uri has no `from`: the store keeps it, and nothing fetches it",
    ),
    Case(
        "a uri that a job writes", _live() + "jobs:\n  load: {run: make, ◆writes: [live]}\n" + GATE,
        "bad-uri", "'live' is in a store, so that 'load' can't pass it on",
        help="take it out of `writes`; who reads the uri after the job names it under `needs`",
    ),
    Case(
        "a uri of no format that a gate reads",
        "artifacts:\n  live: {kind: data, uri: s3://acme-ml/t.csv.gz}\n" + GATE.replace("contract: {", "contract: ◆{"),
        "bad-gate", "the table must be in files of one format that a gate reads, and s3://acme-ml/t.csv.gz isn't",
        help="a file's name ends in .parquet, .csv, .tsv, .jsonl, .ndjson or .json (one array of objects); a folder of "
        "Parquet ends in /; committed files may have wildcards: data/2024-*.csv",
    ),
    Case(
        "a uri in another store", "artifacts:\n  live: {kind: data, uri: ◆gs://acme-ml/t.csv}\n" + GATE,
        "bad-value", "a gate reads no store but S3 and what speaks its protocol (`uri: s3://…`): fetch the file with "
        "`from: {command: …}` and `path`",
    ),
    Case(
        "a uri with a password", "artifacts:\n  live: {kind: data, uri: ◆'s3://key:secret@acme-ml/t.csv'}\n" + GATE,
        "bad-value", "a uri is s3://BUCKET/PATH: one object, all below a folder (ending in '/'), or with '*', '**' and '?'",
    ),
    Case(
        "a table in a store", "artifacts:\n  live: {kind: data, table: ◆s3://acme-ml/t.csv}\n" + GATE,
        "bad-value", "a table lies in a warehouse; objects in a store are named with `uri`",
    ),
    Case(
        "two stores with one variable",
        "artifacts:\n  ①live: {kind: data, uri: s3://abc/a, env: {AWS_REGION: eu-west-1}}\n"
        "  ②more: {kind: data, uri: s3://abc/b, env: {AWS_REGION: us-east-1}}\njobs:\n  ◆use: {run: make, reads: [live, more]}\n",
        "two-values", "AWS_REGION comes with 'live' and, with another value, with 'more'", others=("one of them", "one of them"),
        help="say under the node's own `env` what AWS_REGION is",
    ),
    Case(
        "two stores, and an address of one",
        "artifacts:\n  ①live: {kind: data, uri: s3://abc/a, env: {AWS_REGION: eu-west-1}}\n"
        "  ②labels: {kind: data, uri: s3://abc/b, env: {AWS_ENDPOINT_URL: 'https://minio.example:9000', OWN: x}}\n"
        "jobs:\n  ◆use: {run: make, reads: [live, labels]}\n",
        "two-stores",
        "'live' and 'labels' would be read as by one account, and AWS_ENDPOINT_URL and AWS_REGION come with one of them alone",
        others=("one of them", "one of them"), help=ONE_ACCOUNT,
    ),
    Case(
        "two stores of one gate, and a key of one",
        "artifacts:\n  ①live: {kind: data, uri: s3://abc/a.csv, env: "
        "{AWS_ACCESS_KEY_ID: {secret: I}, AWS_SECRET_ACCESS_KEY: {secret: S}}}\n"
        "  ②labels: {kind: data, uri: s3://abc/b.csv}\n"
        "gates:\n  ◆apart: {guards: live, leakage: {train: labels, key: [id]}}\n",
        "two-stores",
        "'live' and 'labels' would be read as by one account, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY come with one of "
        "them alone",
        others=("one of them", "one of them"), help=ONE_ACCOUNT,
    ),
    Case(
        "a store beside a table that brings an address of AWS's own",
        "artifacts:\n  ①live: {kind: data, uri: s3://abc/a}\n"
        "  ②rows: {kind: data, table: 'postgres://ml.t', env: {AWS_ENDPOINT_URL: 'https://minio.example:9000'}}\n"
        "jobs:\n  ◆use: {run: make, reads: [live, rows]}\n",
        "two-stores", "'live' and 'rows' would be read as by one account, and AWS_ENDPOINT_URL comes with one of them alone",
        others=("one of them", "one of them"), help=ONE_ACCOUNT,
    ),
    Case(
        "a login beside a store of one's own",
        LOGIN + "artifacts:\n  labels: {kind: data, uri: s3://abc/b, env: {①AWS_ENDPOINT_URL: 'https://minio.example:9000'}}\n"
        "jobs:\n  use: {run: make, reads: [labels], ◆auth: [aws]}\n",
        "bad-auth", TOKEN, others=("the other host",), help=NAME_ONE,
    ),
    Case(
        "a login of a node that names another host",
        LOGIN + "jobs:\n  use: {run: make, ◆auth: [aws], env: {①AWS_ENDPOINT_URL: {var: STORE}}}\n",
        "bad-auth", TOKEN, others=("the other host",), help=NAME_ONE,
    ),
    Case(
        "a login where all nodes have another host",
        LOGIN + "defaults: {env: {①AWS_ENDPOINT_URL: {var: STORE}}}\njobs:\n  use: {run: make, ◆auth: [aws]}\n",
        "bad-auth", TOKEN, others=("the other host",), help=NAME_ONE,
    ),
    Case(
        "a login to an environment of another host",
        LOGIN + "environments: {prod: {env: {①AWS_ENDPOINT_URL: {var: STORE}}}}\n"
        "jobs:\n  use: {run: make, environment: prod, ◆auth: [aws]}\n",
        "bad-auth", TOKEN, others=("the other host",), help=NAME_ONE,
    ),
)  # fmt: skip
