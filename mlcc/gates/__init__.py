"""The gate kinds: what each decides, and where its code lies.

Importing this package imports no kind. A kind is a folder `mlcc/gates/<kind>/` and one line in `GATES`:

- `params.py` has `PARAMS`, the pydantic model of the kind's parameters (the only module that needs pydantic);
- `compile.py` has the functions of `KindModule`; it reads parameters by attribute and takes any object that
  has them, so that the fast loader needs no pydantic;
- `runtime.py` has `main()`, the gate itself, bundled into `.mlcc/gates/<kind>.py` (see mlcc/bundle.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from mlcc.record import record

if TYPE_CHECKING:
    from pydantic import BaseModel

Loc = tuple["str | int", ...]
DUCKDB = "duckdb"
ENGINES = (DUCKDB, "spark", "postgres", "bigquery", "snowflake", "databricks")

_FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}


@record
class ArtifactInfo:
    """What a gate may know of an artifact at compile time.

    `path` is relative to the project root; of a table in a warehouse it is `ENGINE://SCHEMA.TABLE`, of objects in a
    store `s3://BUCKET/PATH`. `engine` is what runs the SQL over it. `more` are the further paths of a committed list.
    `is_model` tells a model from a table that is a folder, too. `snapshot`: a table as of the run's one moment.
    """

    path: str
    engine: str = DUCKDB
    more: tuple[str, ...] = ()
    is_model: bool = False
    snapshot: bool = False

    @property
    def is_table(self) -> bool:
        """Whether the artifact lies in a warehouse, and not in files or objects."""
        return _is_table(self.path)

    @property
    def format(self) -> str | None:
        """The data format that the suffixes of all paths name; a folder (trailing '/') is one of Parquet files."""
        found = {_format_of(path) for path in (self.path, *self.more)}
        return next(iter(found)) if len(found) == 1 else None


def _is_table(path: str) -> bool:
    return path.partition("://")[0] in ENGINES and "://" in path


def _format_of(path: str) -> str | None:
    if _is_table(path):
        return None
    if path.endswith("/"):
        return "parquet"
    name = path.rpartition("/")[2]
    return _FORMATS.get("." + name.rpartition(".")[2].lower()) if "." in name else None


class GateParamsError(Exception):
    """Parameters that have the right shape and make no sense, such as min > max.

    `loc` is the way to the culprit inside the kind's parameters.
    """

    def __init__(self, loc: Loc, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.loc = loc
        self.message = message
        self.help = help


def artifact_named(artifacts: Mapping[str, ArtifactInfo], id: str, loc: Loc) -> ArtifactInfo:
    """Return an artifact that parameters name at `loc`. Raises GateParamsError where there is none."""
    if id not in artifacts:
        raise GateParamsError(loc, f"there is no artifact '{id}'")
    return artifacts[id]


def file_format(artifact: ArtifactInfo, loc: Loc, what: str) -> str:
    """Return the format of a table in files; `what` says what it is for a message, such as "a contract's table".

    Raises GateParamsError where the paths name no format, or several.
    """
    if artifact.format is None:
        listed = ", ".join((artifact.path, *artifact.more)[:3])
        raise GateParamsError(
            loc,
            f"{what} must be in files of one format that a gate reads, and {listed} isn't",
            "a file's name ends in .parquet, .csv, .tsv, .jsonl, .ndjson or .json (one array of objects); a folder of "
            "Parquet ends in /; committed files may have wildcards: data/2024-*.csv",
        )
    return artifact.format


def table_format(artifact: ArtifactInfo, loc: Loc = ()) -> str:
    """Return `table`: what another engine than DuckDB reads is a table with types. Raises GateParamsError."""
    if not artifact.is_table and artifact.format != "parquet":
        message = f"{artifact.engine} reads Parquet, and {artifact.path} isn't"
        raise GateParamsError(loc, message, "leave `engine` out: DuckDB reads CSV, TSV and JSON, too")
    return "table"


def source_format(artifact: ArtifactInfo, loc: Loc, what: str) -> str:
    """Return what `file_format` does, or `table` where another engine than DuckDB reads it. Raises GateParamsError."""
    return file_format(artifact, loc, what) if artifact.engine == DUCKDB else table_format(artifact, loc)


class KindModule(Protocol):
    """What a kind's `compile.py` offers. `params` is the pydantic model or an object with its attributes.

    Where only some parameters need what the kind `requires`, it also has `needs_packages(params) -> bool`. Where parameters
    ask something of the node, it has `check_node(params, timeout, env)`, which takes the timeout in seconds and the names of
    the variables, and raises GateParamsError. Where not all of its artifacts are tables, a kind that runs on engines has
    `read_by_engine(params, artifacts, guards)`, which returns those that are.
    """

    def references(self, params: object) -> tuple[tuple[Loc, str], ...]:
        """Return (place inside the parameters, artifact id) for each artifact that the parameters name."""

    def compile(
        self, params: object, artifacts: Mapping[str, ArtifactInfo], guards: str
    ) -> dict[str, object]:
        """Return the JSON parameters of the script. `artifacts` has the guarded and the named ones.

        Raises GateParamsError.
        """


@record
class GateKind:
    """A kind of gate.

    `requires` are the pip packages that its script may need; `programs` the ways to the parameters that are the
    user's own programs, which the node's setup comes before; `files` the parameters that name a committed file, on
    which the gate runs again; `covers` the items of the ML Test Score (Breck et al. 2017), and `covers_by`
    names, for an item that a gate covers only by some of its parameters, those of which one must be given;
    `runs_on_engines` says whether its tables may be read by another engine than DuckDB. `small` is the module, beside
    `runtime`, of a script of its own: the part of the gate that needs no package and reads single files only.
    `judges_images`: it reads nothing of what it guards but the digest, so that it can judge an image in a registry.
    """

    name: str
    title: str
    requires: tuple[str, ...] = ()
    programs: tuple[tuple[str, ...], ...] = ()
    files: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    covers_by: tuple[tuple[str, tuple[str, ...]], ...] = ()
    runs_on_engines: bool = False
    small: str = ""
    judges_images: bool = False

    def covered(self, params: object) -> tuple[str, ...]:
        """Return the items that a gate covers with these parameters."""
        needed = dict(self.covers_by)
        return tuple(
            item
            for item in self.covers
            if item not in needed or any(getattr(params, key, None) for key in needed[item])
        )

    @property
    def module(self) -> str:
        """The package of the kind."""
        return f"{__name__}.{self.name}"

    @property
    def runtime(self) -> str:
        """The module with `judge()` and `main()`, which its script is bundled from."""
        return self.module + ".runtime"

    @property
    def scripts(self) -> tuple[str, ...]:
        """The names of its scripts, `.mlcc/gates/<name>.py`: of the whole gate, and of its small part."""
        return (self.name, f"{self.name}.{self.small}") if self.small else (self.name,)

    def script(self, packages: str, single_files: bool) -> str:
        """Return the name of a gate's script, by its list of packages and whether its artifacts are single files."""
        return self.scripts[-1] if single_files and not packages else self.name

    @property
    def imports(self) -> tuple[str, ...]:
        """The packages that its script may import: what it requires, and the engines' drivers."""
        drivers = [driver for names in DRIVERS.values() for driver in names]
        return (*self.requires, *drivers) if self.runs_on_engines else self.requires

    def read_by_engine(
        self, params: object, artifacts: Mapping[str, ArtifactInfo], guards: str
    ) -> dict[str, ArtifactInfo]:
        """Return those of a gate's artifacts that an engine reads: by default all."""
        wanted: Callable[..., Iterable[str]] = getattr(
            self.compiler(), "read_by_engine", lambda *_: artifacts
        )
        return {id: artifacts[id] for id in wanted(params, artifacts, guards)}

    def packages(self, params: object, engines: Iterable[str]) -> str:
        """Return the name of the list of pinned packages that a gate needs (`.mlcc/gates/<name>.txt`), or "".

        `engines` are those of its artifacts; where one isn't DuckDB, its driver takes DuckDB's place.
        """
        needed: Callable[[object], bool] = getattr(self.compiler(), "needs_packages", lambda _: True)
        if not self.requires or not needed(params):
            return ""
        others = sorted({engine for engine in engines if engine != DUCKDB}) if self.runs_on_engines else []
        return ".".join((self.name, *others))

    def params(self) -> type[BaseModel]:
        """Return the pydantic model of the parameters (imports pydantic)."""
        return cast("type[BaseModel]", import_module(self.module + ".params").PARAMS)

    def compiler(self) -> KindModule:
        """Return the kind's `compile.py`."""
        return cast(KindModule, import_module(self.module + ".compile"))


DRIVERS = {"spark": ("pyspark",), "postgres": ("psycopg",)}
"""The packages that a script imports to have SQL run by another engine than DuckDB."""

GATES: dict[str, GateKind] = {
    kind.name: kind
    for kind in (
        GateKind(
            "tests",
            "A test command passed: enough tests ran, none failed, and they cover enough of the code.",
            programs=(("run",),),
            covers=("D7", "I2", "M1"),
            judges_images=True,
        ),
        GateKind(
            "contract",
            "A table has the columns, types, values, keys, size and age that its readers rely on.",
            requires=("duckdb",),
            covers=("D1", "D4", "D5", "O2"),
            covers_by=(("D4", ("denied",)), ("D5", ("denied",))),
            runs_on_engines=True,
        ),
        GateKind(
            "leakage",
            "A test set shares no row, group or time with training, and no single feature gives the label away.",
            requires=("duckdb",),
            covers=("D1", "D2"),
            covers_by=(("D2", ("label",)),),
            runs_on_engines=True,
        ),
        GateKind(
            "drift",
            "Columns are distributed as in a reference: neither chance nor the number of rows decides.",
            requires=("duckdb",),
            covers=("O2",),
            runs_on_engines=True,
        ),
        GateKind(
            "feature_parity",
            "Features are the same where a model is trained and where it serves.",
            requires=("duckdb",),
            covers=("O3", "D7"),
            runs_on_engines=True,
        ),
        GateKind(
            "feature_value",
            "Each feature is worth its keep: the model without it is worse, and computing it is quick enough.",
            requires=("duckdb", "numpy"),
            covers=("D2", "D3"),
            covers_by=(("D3", ("cost",)),),
        ),
        GateKind(
            "reproduce",
            "Runs with the same seed give the same outputs, and leave the lock file as it is.",
            programs=(("run",),),
            files=("lock",),
            covers=("I1",),
        ),
        GateKind(
            "pipeline_smoke",
            "The whole pipeline runs on a sample, and leaves no NaN in weights, losses and outputs.",
            requires=("duckdb",),
            programs=(("run",),),
            covers=("I3", "O5"),
        ),
        GateKind(
            "evaluate",
            "A model's metrics keep to their floors and ceilings, judged by the confidence bound.",
            requires=("duckdb", "numpy"),
            covers=("I4",),
            small="file",
        ),
        GateKind(
            "compare",
            "A candidate is not worse than the champion by more than a margin, or better, on the same examples.",
            requires=("duckdb", "numpy"),
            covers=("I4", "M5", "O7"),
            covers_by=(("M5", ("baseline",)), ("O7", ("champion",))),
        ),
        GateKind(
            "slices",
            "No part of the data is shown to miss a metric's limits, or to lie too far from another.",
            requires=("duckdb", "numpy"),
            covers=("M6", "M7"),
            covers_by=(("M6", ("metrics",)), ("M7", ("gap",))),
        ),
        GateKind(
            "artifact",
            "A model's bytes are what they must be: format, size, digest, inputs and outputs, and lineage.",
            requires=("duckdb",),
            programs=(("verify", "run"),),
            covers=("I1",),
            covers_by=(("I1", ("lineage",)),),
        ),
        GateKind(
            "serve",
            "The packaged model starts, gives the golden answers, and keeps to its latency and memory.",
            programs=(("run",), ("champion", "run")),
            files=("golden",),
            covers=("I4", "I5", "O5", "O6"),
            covers_by=(("O6", ("latency_p95", "memory", "champion")),),
            judges_images=True,
        ),
        GateKind(
            "answers",
            "A server that runs elsewhere gives the golden answers, and keeps to its latency.",
            files=("golden",),
            covers=("I4", "I5", "O5", "O6"),
            covers_by=(("O6", ("latency_p95",)),),
            judges_images=True,
        ),
        GateKind(
            "canary",
            "A release candidate on live traffic keeps to its limits, and is no worse than the control beside it.",
            programs=(("observations", "command"),),
            covers=("I6", "I7", "O6", "O7"),
        ),
        GateKind(
            "evidence",
            "A dated record exists of what people decide: bound to the bytes it is about, and not too old.",
            files=("record",),
            covers=("D6", "M2", "M3", "M4", "O1", "O4"),
            judges_images=True,
        ),
        GateKind(
            "command",
            "Your own program decides, by its exit code and a verdict file.",
            programs=(("run",),),
            judges_images=True,
        ),
    )
}
