"""The IR, continued: what is validated, built or passed on, and why a node takes it."""

from __future__ import annotations

from enum import Enum

from mlcc.diagnostics import Span
from mlcc.plan.values import Value
from mlcc.record import field, record


class Form(str, Enum):
    """What lies at an artifact's location."""

    FILE = "file"
    FOLDER = "folder"
    PATHS = "paths"  # several committed files, by patterns
    TABLE = "table"  # in a warehouse; its one path is ENGINE://SCHEMA.TABLE
    IMAGE = (
        "image"  # in a registry; its one path is oci://HOST/NAME, and its identity the digest of its manifest
    )
    OBJECTS = "objects"  # in a store, where they stay; its one path is s3://BUCKET/PATH


@record
class Released:
    """What a release runs now, of an artifact that it deploys."""

    release: str
    artifact: str


@record
class Registry:
    """The registered model that an artifact is a version of, and the server that knows it."""

    model: str
    server: Value
    which: str = ""  # the version that is fetched: `@ALIAS`, or its number; empty: a job registers it


@record
class Artifact:
    """Something that is validated, built or passed on.

    `writer` is the node that makes it (a job, or the fetch of a `from`); None: it is committed.
    `released`: it is what a release runs now; nothing writes it. `first`: it may be absent while no release runs one.
    `from_legs`: each leg of the writer adds a folder named after the leg.
    """

    id: str
    kind: str
    form: Form
    paths: tuple[str, ...]
    writer: str | None
    from_legs: bool
    at_base: bool
    retain_days: int
    released: Released | None = None
    first: bool = False
    stored: bool = False  # the store keeps its bytes, and a handle travels
    registry: Registry | None = None  # it is a version of a registered model
    snapshot: bool = False  # of a table: as of one moment, which the run decides once
    engine: str = "duckdb"  # what runs the SQL of its gates
    env: tuple[tuple[str, Value], ...] = ()  # variables of the nodes that take it
    login: tuple[tuple[str, Value], ...] = ()  # user and password of an image's registry: the runtime's alone
    span: Span | None = field(compare=False, default=None)

    @property
    def in_repository(self) -> bool:
        """Whether it is committed: nothing writes it, and it isn't in a warehouse or a store."""
        return self.writer is None and self.released is None and self.form not in (Form.TABLE, Form.OBJECTS)


@record
class Store:
    """Where large artifacts and small records are kept: its address, and what its nodes get to log in with."""

    uri: str
    env: tuple[tuple[str, Value], ...] = ()
    auth: tuple[str, ...] = ()  # providers
    span: Span | None = field(compare=False, default=None)


class Role(str, Enum):
    """Why a node takes an artifact."""

    READ = "read"  # consumes it: its blocking gates must have passed
    EVALUATE = "evaluate"  # measures it before its gates
    GUARD = "guard"  # decides about it


@record
class Take:
    """One artifact that a node takes."""

    artifact: str
    role: Role
