"""Broken specs about images."""

from __future__ import annotations

from tests.planning.case import Case

JOB = "jobs: {fit: {run: make}}\n"
HERE = "kind: image, repository: ghcr.io/acme/credit"
IMAGES = (
    Case(
        "an image at a path", "artifacts: {server: {kind: ◆image, ①path: a.tar}}\n" + JOB, "bad-image",
        "'server' is of kind image and lies at a `path`", ("where it lies",),
        help="an image has `kind: image` and `repository: HOST/NAME`, and nothing else has them",
    ),
    Case(
        "a model in a repository of images", "artifacts: {m: {kind: ◆model, ①repository: ghcr.io/acme/m}}\n" + JOB, "bad-image",
        "'m' is of kind model and lies at a `repository`", ("where it lies",),
        help="an image has `kind: image` and `repository: HOST/NAME`, and nothing else has them",
    ),
    Case(
        "a repository with a tag", "artifacts: {server: {kind: image, repository: ◆ghcr.io/acme/credit:v1}}\n" + JOB, "bad-value",
        "a repository of images is HOST/NAME in small letters, such as ghcr.io/acme/credit, without a tag or a digest",
    ),
    Case(
        "a model that is built", "artifacts: {m: {kind: model, path: m/, ◆build: {context: .}}}\n" + JOB, "bad-image",
        "`build` is for images, and 'm' is of kind model",
    ),
    Case(
        "data by a tag", "artifacts: {d: {kind: data, path: d.csv, ◆from: {tag: v1}}}\n" + JOB, "bad-image",
        "`from` with `tag` or `digest` is for images, and 'd' is of kind data",
    ),
    Case(
        "an image in the store",
        "store: {uri: stored/}\nartifacts: {server: {" + HERE + ", from: {tag: v1}, ◆store: true}}\n" + JOB,
        "bad-image", "an image has no `store`: its registry keeps it",
    ),
    Case(
        "an image that nothing names", "artifacts: {◆server: {" + HERE + "}}\n" + JOB, "bad-image",
        "nothing says which image 'server' is",
        help="add `build: {context: .}`, `from: {tag: NAME}` or `from: {digest: sha256:…}`",
    ),
    Case(
        "an image that is built and looked up",
        "artifacts: {server: {" + HERE + ", ①build: {context: .}, ◆from: {tag: v1}}}\n" + JOB, "bad-image",
        "'server' is built, so that it comes from nowhere else", ("how it is built",), help="keep one of them",
    ),
    Case(
        "an image by a command", "artifacts: {server: {" + HERE + ", ◆from: {command: make}}}\n" + JOB, "bad-image",
        "an image comes from a `tag` or a `digest`", help="the one that a release runs has its environment's name as its tag",
    ),
    Case(
        "an image for each leg",
        "artifacts: {server: {" + HERE + ", build: {◆matrix: {axes: {a: [x, y]}}}}}\n" + JOB, "bad-image",
        "'build-server' runs once per leg, and an image has one digest", help="write an artifact for each leg's image",
    ),
    Case(
        "a secret as a build argument",
        "artifacts: {server: {" + HERE + ", build: {args: {TOKEN: ◆{secret: T}}}}}\n" + JOB, "bad-image",
        "whoever gets the image reads its build argument TOKEN",
        help="put it under `secrets` and mount it: RUN --mount=type=secret,id=…",
    ),
    Case(
        "a user that not every node has",
        "artifacts: {server: {" + HERE + ", from: {tag: v1}, login: {user: ◆{context: branch}, password: {secret: P}}}}\n" + JOB,
        "bad-value", "every node that reaches 'server' logs in: its user is a text, a secret or a variable",
    ),
    Case(
        "a build that includes what isn't there",
        "artifacts: {model: {kind: model, path: m/}, server: {" + HERE + ", build: {includes: [◆modle]}}}\n" + JOB,
        "unknown-artifact", "there is no artifact 'modle'", help="did you mean 'model'?",
    ),
    Case(
        "a build that includes a table",
        "artifacts:\n  ①live: {kind: data, table: 'postgres://ml.live'}\n"
        "  server: {" + HERE + ", build: {includes: [◆live]}}\n" + JOB,
        "bad-image", "'live' lies at postgres://ml.live, so that a build can't include it", ("the artifact",),
        help="let a job that reads it write a file or a folder",
    ),
    Case(
        "an image that a job writes, too",
        "artifacts: {②server: {" + HERE + ", ①build: {context: .}}}\njobs: {fit: {run: make, writes: [◆server]}}\n",
        "two-writers", "'server' is written by 'build-server' and by 'fit'", ("the other writer", "the artifact"),
        help="give one of them an artifact of its own",
    ),
    Case(
        "a build's name for a job",
        "artifacts: {server: {" + HERE + ", ①build: {context: .}}}\njobs: {◆build-server: {run: make}}\n",
        "duplicate-id", "'build-server' names two nodes", ("first used here",),
        help="jobs, gates, releases, fetch-ARTIFACT, build-ARTIFACT and RELEASE-rollback share one set of ids",
    ),
    Case(
        "a gate that reads an image",
        "artifacts:\n  ①server: {" + HERE + ", build: {context: .}}\n"
        "gates: {columns: {guards: server, ◆contract: {columns: {x: {type: string}}}}}\n",
        "bad-gate", "a gate of the kind contract reads files or tables, and 'server' is an image in a registry", ("the image",),
        help="`tests`, `serve`, `answers`, `evidence` and `command` can judge an image: ARTIFACT_SERVER names it",
    ),
    Case(
        "an image that includes what is made with it",
        "artifacts:\n  server: {" + HERE + ", ①build: {includes: [notes]}}\n  notes: {kind: file, path: notes.md}\n"
        "jobs: {◆describe: {run: make, reads: [server], writes: [notes]}}\n",
        "cycle",
        "the nodes wait for one another: build-server -> describe -> build-server; 'describe' takes 'server', which "
        "'build-server' writes", ("'build-server' takes 'notes', which 'describe' writes",),
        help="write one of the artifacts in a node of its own",
    ),
    Case(
        "a build without its Dockerfile",
        "artifacts: {server: {" + HERE + ", build: ◆{file: golden.json}}}\n" + JOB, "no-build-file",
        "'build-server' can never build: nothing is at 'golden.json'", help="commit the file that it needs",
    ),
)  # fmt: skip
