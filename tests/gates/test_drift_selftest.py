"""The known-bad inputs of a `drift` gate: its emitted script must not pass on any of them."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.gates.drift.selftest import known_bad

_COLUMNS = {
    "a": {},
    "b": {"jensen_shannon": 0.3},
    "c": {"ks": 0.9},
    "d": {"name": "D d", "wasserstein": 4},
    "e": {"chi_square": 0.5, "missing": 0.2},
    "f": {"l_infinity": 0.9},
    "g": {"psi": 1},
}


@pytest.mark.parametrize(
    ("reference", "current"),
    [("p.json", "d.csv"), ("r.parquet", "d/"), ("r.jsonl", "d.tsv"), ("p.json", "d.jsonl")],
)
def test_known_bad(project: Any, reference: str, current: str) -> None:
    columns = _COLUMNS if current == "d.csv" else {key: _COLUMNS[key] for key in ("a", "d", "f")}
    document = project.gate(
        "drift",
        {"reference": "base", "current": "rows", "columns": columns, "min_n": 150},
        {"model": "build/model/", "base": reference, "rows": current},
    )
    names = []
    for fixture in known_bad(document):
        for path in project.root.glob("*"):
            if path.is_file():
                path.unlink()
        for path, data in fixture.files.items():
            project.write(path, data)
        outcome = project.run("drift")
        assert (outcome.verdict, fixture.name) == (fixture.verdict, fixture.name), outcome.log
        names.append(fixture.name)
    assert len(set(names)) == len(names) == 3 + 3 * len(columns) + 2 * len(columns.keys() & set("acdg"))
