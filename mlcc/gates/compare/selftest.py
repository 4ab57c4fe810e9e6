"""Predictions on which a `compare` gate must not pass, and test sets that have decided enough."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates._metrics.samples import ROWS, files_of, predictions, spoiled, table
from mlcc.gates.fixtures import Fixture, digest_of
from mlcc.runtime.predicates import RECORD, STATEMENT


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield a candidate that is worse, tables that can't be joined, a worn test set, and what can't be judged."""
    params = document["params"]
    candidate, champion = params["candidate"], params.get("champion")
    others = {}
    for source in (champion, *params.get("old_data", {}).values()):
        if source is not None:
            others[source["artifact"]] = table(source, predictions(source, good=True))

    def files(contents: Mapping[str, bytes]) -> dict[str, bytes]:
        return _with_records(document, {**others, **contents}, promotions=0)

    worse = "fail" if params["min_n"] <= ROWS else "inconclusive"
    wrong = table(candidate, predictions(candidate, good=False))
    yield Fixture("a candidate that is wrong", worse, files({candidate["artifact"]: wrong}))
    for name, verdict, content in spoiled(candidate):
        yield Fixture(name, verdict, files({candidate["artifact"]: content}))
    good = predictions(candidate, good=True)
    whole = table(candidate, good)
    if "records" in params.get("holdout", {}):
        yield from _worn(document, {**others, candidate["artifact"]: whole})
    if champion is None:
        return
    fewer = {alias: values[:-1] for alias, values in good.items()}
    twice = {alias: [*values[:-1], values[0]] for alias, values in good.items()}
    for name, columns in (("a row that is missing", fewer), ("a key that occurs twice", twice)):
        yield Fixture(name, "error", files({candidate["artifact"]: table(candidate, columns)}))
    none = table(champion, {alias: [] for alias in good})
    contents = {candidate["artifact"]: whole, champion["artifact"]: none}
    yield Fixture("no rows of the champion", "error", files(contents))


def _worn(document: Mapping[str, Any], contents: Mapping[str, bytes]) -> Iterator[Fixture]:
    """Yield records of as many promotions as the test set may decide, and what is no whole record."""
    budget = document["params"]["holdout"]["budget"]
    worn = _with_records(document, contents, promotions=budget)
    yield Fixture("a test set that is worn out", "inconclusive", worn, "holdout")
    path = _records_file(document)
    for name, content in (
        ("an empty record", b""),
        ("a record that is cut off", worn[path][:-20]),
        ("a record of something else", b"{}\n"),
        ("a record without a run", worn[path].replace(RECORD.encode(), b"https://example.org/other")),
        ("a record of which a part is gone", worn[path].replace(b'"digests"', b'"digest"')),
    ):
        yield Fixture(name, "error", {**worn, path: content})
    yield Fixture("no record", "error", {place: content for place, content in worn.items() if place != path})


def _with_records(
    document: Mapping[str, Any], contents: Mapping[str, bytes], *, promotions: int
) -> dict[str, bytes]:
    """Return the files of the gate's artifacts, with the records of so many promotions by the test set."""
    holdout = document["params"].get("holdout", {})
    if "records" not in holdout:
        return files_of(document, contents)
    artifacts = {id: one for id, one in document["artifacts"].items() if id != holdout["records"]}
    found = files_of({**document, "artifacts": artifacts}, contents)
    path = artifacts[holdout["artifact"]]["path"]
    test = digest_of(path if isinstance(path, str) else path[:1], found)
    records = [_record(f"sha256:{model:064x}", test) for model in range(promotions)] or [_record("", "")]
    return {**found, _records_file(document): "".join(records).encode()}


def _record(model: str, test: str) -> str:
    """Return the record of a run that promoted a model by a test set."""
    had = {id: {"digests": {"": digest}} for id, digest in (("model", model), ("test", test))}
    inputs = {id: {"digest": one["digests"][""]} for id, one in had.items()}
    gate = {"kind": "compare", "guards": "model", "end": "passed", "verdict": "pass", "inputs": inputs}
    run = {"finished": "2026-01-02T03:04:05Z", "artifacts": had, "gates": {"compared": gate}}
    return json.dumps({"_type": STATEMENT, "predicateType": RECORD, "predicate": run}) + "\n"


def _records_file(document: Mapping[str, Any]) -> str:
    """Return the path of a file in the folder of records, or of one that its pattern names."""
    path = document["artifacts"][document["params"]["holdout"]["records"]]["path"]
    first = (path if isinstance(path, str) else path[0]).replace("*", "x").replace("?", "x")
    return str(first) if first.endswith((".jsonl", ".ndjson")) else f"{first.rstrip('/')}/run.jsonl"
