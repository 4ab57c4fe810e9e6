"""The gates' committed files: one script per kind, and the pinned packages that it may need."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from mlcc.bundle import bundle
from mlcc.files import File, marker_line
from mlcc.gates import DUCKDB, GATES, GateKind

FOLDER = ".mlcc/gates"
_OF_SINGLE_FILES = {"mlcc.runtime.digest": "mlcc.runtime.single_digest"}


def scripts(names: Iterable[str], packages: Iterable[str] = ()) -> list[File]:
    """Return `.mlcc/gates/<name>.py` for each of the scripts `names`, and `.txt` where gates may need packages.

    A script's name is its kind's, or one of `GateKind.scripts`. `packages` are the lists that gates need
    (`GateKind.packages`): those with an engine's driver are added. Paths are relative to the project root. The markers
    are unsealed.
    """
    wanted = sorted(set(names))
    found: list[File] = []
    for name in wanted:
        kind, _, part = name.partition(".")
        found.append(File(f"{FOLDER}/{name}.py", _script_of(name)))
        if GATES[kind].requires and not part:
            found.append(File(f"{FOLDER}/{name}.txt", requirements(name)))
    for name in sorted(set(packages) - {"", *wanted}):
        found.append(File(f"{FOLDER}/{name}.txt", requirements(name)))
    return found


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


@cache
def requirements(packages: str) -> str:
    """Return the hash-pinned packages of a kind, or with `<kind>.<engine>` its engine's, as pip reads them.

    They are installed with `pip install --require-hashes --only-binary :all: --no-deps -r FILE`.
    """
    kind, _, engine = packages.partition(".")
    names = [engine if engine and name == DUCKDB else name for name in GATES[kind].requires]
    pins = [files("mlcc.gates.requirements").joinpath(f"{name}.txt").read_text("utf-8") for name in names]
    return f"# {marker_line()}\n" + "".join(pins)
