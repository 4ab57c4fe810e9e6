"""Synthetic specs of any size: many small models, each prepared, checked, trained, served and published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

UNIT = 5
"""Nodes of one model: three jobs and two gates, as lean as they can be, for a spec has at most 30,000 values."""
_UNITS_A_FILE = 250  # 65 YAML events each, and a file has at most 30,000
_CHAIN = 10  # tables in a row, each made from the one before

_HEAD = """\
version: 1
name: synthetic
triggers: {pull_request: {branches: [main]}, push: {branches: [main]}}
"""
_PART = "version: 1\nname: part\n"


def write_spec(folder: Path, nodes: int) -> Path:
    """Write a spec of exactly `nodes` nodes, and the files that it extends. Returns the spec's path."""
    units, rest = divmod(nodes, UNIT)
    parts = []
    for first in range(0, units, _UNITS_A_FILE):
        name = f"part-{first // _UNITS_A_FILE}.yaml"
        (folder / name).write_text(_PART + _part(range(first, min(first + _UNITS_A_FILE, units))), "utf-8")
        parts.append(name)
    text = _HEAD + (f"extends: [{', '.join(parts)}]\n" if parts else "")
    if rest:
        text += "jobs:\n" + "".join(f"  extra-{n}: {{run: python -m extra {n}}}\n" for n in range(rest))
    spec = folder / "mlcc.yaml"
    spec.write_text(text, "utf-8")
    return spec


def _part(units: range) -> str:
    sections = {"artifacts": _artifacts, "jobs": _jobs, "gates": _gates}
    return "".join(
        f"{name}:\n" + "".join(f"  {line}\n" for unit in units for line in lines(unit))
        for name, lines in sections.items()
    )


def _artifacts(n: int) -> Iterator[str]:
    yield f"table-{n}: {{kind: data, path: build/{n}/table.parquet}}"
    yield f"model-{n}: {{kind: model, path: build/{n}/model/}}"


def _jobs(n: int) -> Iterator[str]:
    before = "" if n % _CHAIN == 0 else f", needs: [prepare-{n - 1}]"
    yield f"prepare-{n}: {{run: python -m prepare {n}, writes: [table-{n}]{before}}}"
    yield f"train-{n}: {{run: python -m train {n}, reads: [table-{n}], writes: [model-{n}]}}"
    yield f"publish-{n}: {{run: python -m publish {n}, reads: [model-{n}]}}"


def _gates(n: int) -> Iterator[str]:
    yield f"sound-{n}: {{guards: table-{n}, command: {{run: python -m check_table {n}}}}}"
    yield f"serves-{n}: {{guards: model-{n}, command: {{run: python -m check_model {n}}}}}"
