"""The gate kinds: what each decides, and where its code lies.

Importing this package imports no kind. A kind is a folder `mlcc/gates/<kind>/` and one line in `GATES`:

- `params.py` has `PARAMS`, the pydantic model of the kind's parameters (the only module that needs pydantic);
- `compile.py` has the functions of `KindModule`; it reads parameters by attribute and takes any object that
  has them, so that the fast loader needs no pydantic;
- `runtime.py` has `main()`, the gate itself, bundled into `.mlcc/gates/<kind>.py` (see mlcc/bundle.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from mlcc.record import record

if TYPE_CHECKING:
    from pydantic import BaseModel

Loc = tuple["str | int", ...]

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
    """What a gate may know of an artifact at compile time: its path, relative to the project root."""

    path: str

    @property
    def format(self) -> str | None:
        """The data format that the path's suffix names; a folder (trailing '/') is one of Parquet files."""
        if self.path.endswith("/"):
            return "parquet"
        name = self.path.rpartition("/")[2]
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


class KindModule(Protocol):
    """What a kind's `compile.py` offers. `params` is the pydantic model or an object with its attributes."""

    def references(self, params: object) -> tuple[tuple[Loc, str], ...]:
        """Return (place inside the parameters, artifact id) for each artifact that the parameters name."""

    def compile(
        self, params: object, artifacts: Mapping[str, ArtifactInfo], guards: str
    ) -> dict[str, object]:
        """Return the JSON parameters of the script. `artifacts` has the guarded and the named ones.

        Raises GateParamsError.
        """

    def needs_packages(self, params: object) -> bool:
        """Whether the gate, with these parameters, needs what the kind `requires`."""


@record
class GateKind:
    """A kind of gate.

    `scripts` are the modules that its script is bundled from, the entry last; `requires` the pip packages
    that it may need; `needs_setup` says that it runs the user's own program, so the node's setup comes
    first; `covers` the items of the ML Test Score (Breck et al. 2017).
    """

    name: str
    title: str
    module: str
    scripts: tuple[str, ...]
    requires: tuple[str, ...] = ()
    needs_setup: bool = False
    covers: tuple[str, ...] = ()

    def params(self) -> type[BaseModel]:
        """Return the pydantic model of the parameters (imports pydantic)."""
        return cast("type[BaseModel]", import_module(self.module + ".params").PARAMS)

    def compiler(self) -> KindModule:
        """Return the kind's `compile.py`."""
        return cast(KindModule, import_module(self.module + ".compile"))


_SHARED = (
    "mlcc.runtime.patterns",
    "mlcc.runtime.digest",
    "mlcc.gates._records",
    "mlcc.gates._strict",
    "mlcc.gates._report",
    "mlcc.gates._support",
)
_SHELL = (*_SHARED, "mlcc.gates._shell")
_TABLES = (*_SHARED, "mlcc.gates._sql", "mlcc.gates._reasons", "mlcc.gates._table")
_METRICS = (
    *_TABLES,
    "mlcc.gates._plots",
    "mlcc.gates._metrics.catalog",
    "mlcc.gates._metrics.measure",
    "mlcc.gates._metrics.classes",
    "mlcc.gates._metrics.scores",
    "mlcc.gates._metrics.numbers",
    "mlcc.gates._metrics.ranking",
    "mlcc.gates._metrics.rows",
    "mlcc.gates._metrics.compute",
    "mlcc.gates._metrics.bounds",
)
_PAIRED = (*_METRICS, "mlcc.gates._metrics.paired", "mlcc.gates._metrics.join")

GATES: dict[str, GateKind] = {
    kind.name: kind
    for kind in (
        GateKind(
            "tests",
            "A test command passed: enough tests ran, none failed, and they cover enough of the code.",
            "mlcc.gates.tests",
            (*_SHELL, "mlcc.gates.tests.xml_reports", "mlcc.gates.tests.runtime"),
            needs_setup=True,
            covers=("D7", "I2", "M1"),
        ),
        GateKind(
            "contract",
            "A table has the columns, types, values, keys, size and age that its readers rely on.",
            "mlcc.gates.contract",
            (*_TABLES, "mlcc.gates.contract.runtime"),
            requires=("duckdb",),
            covers=("D1", "D4", "D5", "O2"),
        ),
        GateKind(
            "feature_value",
            "Each feature is worth its keep: the model without it is worse, and computing it is quick enough.",
            "mlcc.gates.feature_value",
            (*_PAIRED, "mlcc.gates.feature_value.runtime"),
            requires=("duckdb", "numpy"),
            covers=("D2", "D3"),
        ),
        GateKind(
            "evaluate",
            "A model's metrics keep to their floors and ceilings, judged by the confidence bound.",
            "mlcc.gates.evaluate",
            (*_METRICS, "mlcc.gates.evaluate.drawing", "mlcc.gates.evaluate.runtime"),
            requires=("duckdb", "numpy"),
            covers=("I4",),
        ),
        GateKind(
            "compare",
            "A candidate is not worse than the champion by more than a margin, or better, on the same examples.",
            "mlcc.gates.compare",
            (*_PAIRED, "mlcc.gates.compare.runtime"),
            requires=("duckdb", "numpy"),
            covers=("I4", "M5", "O7"),
        ),
        GateKind(
            "slices",
            "No part of the data is shown to miss a metric's limits, or to lie too far from another.",
            "mlcc.gates.slices",
            (
                *_PAIRED,
                "mlcc.gates._metrics.multiple",
                "mlcc.gates.slices.evidence",
                "mlcc.gates.slices.parts",
                "mlcc.gates.slices.runtime",
            ),
            requires=("duckdb", "numpy"),
            covers=("M6", "M7"),
        ),
        GateKind(
            "command",
            "Your own program decides, by its exit code and a verdict file.",
            "mlcc.gates.command",
            (*_SHELL, "mlcc.gates.command.runtime"),
            needs_setup=True,
        ),
    )
}
