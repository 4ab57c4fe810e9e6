"""The gates' committed files: one script per kind, and the pinned packages that it may need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from mlcc.bundle import bundle
from mlcc.gates import DUCKDB, GATES, GateKind
from mlcc.gates.requirements import entries, shipped, with_pins
from mlcc.plan.pins import Package
from mlcc.writing.files import File, marker_line

FOLDER = ".mlcc/gates"
_OF_SINGLE_FILES = {"mlcc.runtime.digest": "mlcc.runtime.single_digest"}


def scripts(
    names: Iterable[str], packages: Iterable[str] = (), pins: Mapping[str, Package] | None = None
) -> list[File]:
    """Return `.mlcc/gates/<name>.py` for each of the scripts `names`, and `.txt` where gates may need packages.

    A script's name is its kind's, or one of `GateKind.scripts`. `packages` are the lists that gates need
    (`GateKind.packages`): those with an engine's driver are added; `pins` go before their shipped versions. Paths
    are relative to the project root. The markers are unsealed.
    """
    wanted = set(names)
    found = [File(f"{FOLDER}/{name}.py", _script_of(name)) for name in wanted]
    found += [File(f"{FOLDER}/{name}.txt", requirements(name, pins)) for name in lists(wanted, packages)]
    return sorted(found, key=lambda file: file.path)


def lists(names: Iterable[str], packages: Iterable[str]) -> list[str]:
    """Return the names of the lists of packages that stand beside these scripts, in the order of the files."""
    wanted = sorted(set(names))
    own = [name for name in wanted if name in GATES and GATES[name].requires]
    return [*own, *sorted(set(packages) - {"", *wanted})]


@cache
def _script_of(name: str) -> str:
    """Return a script by its name: made once for however many pipelines."""
    kind, _, part = name.partition(".")
    return script(GATES[kind], part)


def script(kind: GateKind, part: str = "") -> str:
    """Return the script of a gate kind, or of its small `part`: the same bytes for every project."""
    name = f"{kind.name}.{part}" if part else kind.name
    doc = f"The gate `{kind.name}`. {kind.title}\n\n"
    doc += f"Run it in the folder of mlcc.yaml: python -I {FOLDER}/{name}.py GATE_ID\n"
    doc += f"It reads {FOLDER}/GATE_ID.json, writes verdict.json, junit.xml and summary.md to\n"
    doc += "_mlcc/s--GATE_ID/, and ends with 0 pass, 1 fail, 2 error or 3 inconclusive."
    if part:
        return bundle(f"{kind.module}.{part}", doc=doc, instead=_OF_SINGLE_FILES)
    return bundle(kind.runtime, doc=doc, allow=kind.imports)


def requirements(packages: str, pins: Mapping[str, Package] | None = None) -> str:
    """Return the hash-pinned packages of a kind, or with `<kind>.<engine>` its engine's, as pip reads them.

    They are installed with `pip install --require-hashes --only-binary :all: --no-deps -r FILE`.
    """
    return f"# {marker_line()}\n" + "".join(with_pins(text, pins or {}) for text in _texts(packages))


def packages_of(name: str) -> Iterator[str]:
    """Yield the names of the packages of a list."""
    for text in _texts(name):
        yield from (entry.text for entry in entries(text) if entry.package is not None)


def _texts(packages: str) -> list[str]:
    kind, _, engine = packages.partition(".")
    return [shipped(engine if engine and name == DUCKDB else name) for name in GATES[kind].requires]
