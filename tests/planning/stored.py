"""Broken specs about what a store keeps."""

from __future__ import annotations

from tests.planning.case import Case

STORE = "store: {uri: s3://acme-ml/credit}\n"
WRITER = "jobs: {fit: {run: make, writes: [model]}}\n"
STORED = (
    Case(
        "a stored artifact without a store", "artifacts: {model: {kind: model, path: m/, ◆store: true}}\n" + WRITER,
        "no-store", "'model' goes to the store, and the spec has none",
        help='add `store: {uri: "s3://BUCKET/PREFIX"}` at the top',
    ),
    Case(
        "a stored artifact at an address",
        STORE + "artifacts: {live: {kind: data, ①uri: s3://abc/a.csv, ◆store: true}}\njobs: {use: {run: make, reads: [live]}}\n",
        "bad-store", "'live' lies at its `uri` and stays there, so that the store can't keep it", ("where it lies",),
        help="keep `uri` for what others write, or `path` and `store: true` for what a job writes",
    ),
    Case(
        "a stored artifact that is committed",
        STORE + "artifacts: {model: {kind: model, path: m/, ◆store: true}}\njobs: {use: {run: make, reads: [model]}}\n",
        "bad-store", "nothing writes 'model', so that nothing brings it into the store",
        help="add 'model' to the `writes` of a job, or say where it comes from (`from`)",
    ),
    Case(
        "a store of another kind", "store: {uri: ◆https://host/x}\n" + "jobs: {fit: {run: make}}\n", "bad-value",
        "a store is s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, abfs://CONTAINER/PREFIX, file:///FOLDER or a "
        "folder of the project",
    ),
    Case(
        "a store's variable that not every node has",
        "store: {uri: stored/, env: {A: ◆{context: commit}}}\njobs: {fit: {run: make}}\n", "bad-value",
        "A comes with the store to every node that moves what it keeps: it is a text, a secret or a variable",
    ),
    Case(
        "a store's login that isn't set up", "store: {uri: stored/, auth: [◆aws]}\njobs: {fit: {run: make}}\n",
        "unknown-auth", "'aws' isn't set up under `auth`", help="add `auth: {aws: …}` at the top",
    ),
    Case(
        "a store and an address with other keys",
        "②store: {uri: s3://acme-ml/x, env: {AWS_REGION: a}}\nartifacts:\n  model: {kind: model, path: m/, store: true}\n"
        "  ①live: {kind: data, uri: s3://abc/a.csv}\njobs: {◆fit: {run: make, reads: [live], writes: [model]}}\n",
        "two-stores", "'live' and the store would be read as by one account, and AWS_REGION comes with one of them alone",
        ("one of them", "one of them"),
        help="give both the same AWS_ variables, say those under the node's own `env`, or let another node fetch one of them "
        "(`from: {command: …}` and `path`)",
    ),
)  # fmt: skip
