"""Programs on which a `reproduce` gate must not pass: their outputs change from run to run, or don't come."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates.fixtures import Fixture, artifact_files

_TURN = "turns=_mlcc/turns\necho >> $turns\nturn=$(wc -l < $turns | tr -d ' ')\n"
"""Counts the runs of a program."""


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield programs that write other bytes or metrics each time, nothing, or that change what they may not."""
    params = document["params"]
    files = artifact_files(document)
    if "lock" in params:
        files[params["lock"]] = b"package==1.0\n"
    good = "".join(_writes(path, "same") for path in params["outputs"])
    metrics = params.get("metrics")
    if metrics is not None:
        good += _writes(metrics["path"], _numbers(metrics, lambda _: 0))
        yield from _bad_metrics(metrics, files, good)
    else:
        for path in params["outputs"]:
            other = good + _writes(path, "run $turn")
            yield Fixture(f"{path} changes", "fail", files, f"output {path}", _TURN + other)
    yield Fixture("the program fails", "error", files, program=f"{good}exit 1")
    yield Fixture("the program writes nothing", "error", files, program="true")
    yield Fixture("an artifact is missing", "error", program=good)
    if "lock" in params:
        changes = f"{good}echo 'package==2.0' > {shlex.quote(params['lock'])}"
        yield Fixture("the lock file changes", "fail", files, "lock", changes)
        without = {path: content for path, content in files.items() if path != params["lock"]}
        yield Fixture("the lock file is missing", "error", without, program=good)


def _bad_metrics(metrics: Mapping[str, Any], files: Mapping[str, bytes], good: str) -> Iterator[Fixture]:
    path = metrics["path"]
    first = f"metric {metrics['tolerances'][0]['id']}"
    far = _numbers(metrics, lambda limit: 2 * limit + 1)
    other = f"if test $turn -gt 1; then\n{_writes(path, far)}fi\n"
    yield Fixture("the metrics change", "fail", files, first, f"{_TURN}{good}{other}")
    for name, text in (
        ("are no JSON", "acc"),
        ("are empty", "{}"),
        ("are NaN", _numbers(metrics, lambda _: "NaN")),
    ):
        yield Fixture(f"the metrics {name}", "error", files, program=good + _writes(path, text))


def _numbers(metrics: Mapping[str, Any], value: Any) -> str:
    """Return the metrics' file, with what `value` makes of each tolerance."""
    tree: dict[str, Any] = {}
    for tolerance in metrics["tolerances"]:
        *way, last = tolerance["value"]
        place = tree
        for step in way:
            place = place.setdefault(step, {})
        made = value(tolerance["max"])
        place[last] = float(made) if isinstance(made, str) else made
    return json.dumps(tree)


def _writes(path: str, text: str) -> str:
    """Return the lines of bash that write an output; $turn in the text is the number of the run."""
    place = shlex.quote(path + "file" if path.endswith("/") else path)
    quoted = shlex.quote(text) if "$turn" not in text else f'"{text}"'
    return f'mkdir -p "$(dirname {place})"\necho {quoted} > {place}\n'
