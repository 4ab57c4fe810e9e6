"""Predictions on which a `compare` gate must not pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates._metrics.samples import ROWS, files_of, predictions, spoiled, table
from mlcc.gates.fixtures import Fixture


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield a candidate that is worse, tables that can't be joined, and predictions that can't be judged."""
    params = document["params"]
    candidate, champion = params["candidate"], params.get("champion")
    others = {}
    for source in (champion, *params.get("old_data", {}).values()):
        if source is not None:
            others[source["artifact"]] = table(source, predictions(source, good=True))

    def fixture(name: str, verdict: str, content: bytes) -> Fixture:
        return Fixture(name, verdict, files_of(document, {**others, candidate["artifact"]: content}))

    worse = "fail" if params["min_n"] <= ROWS else "inconclusive"
    yield fixture("a candidate that is wrong", worse, table(candidate, predictions(candidate, good=False)))
    for name, verdict, content in spoiled(candidate):
        yield fixture(name, verdict, content)
    if champion is None:
        return
    good = predictions(candidate, good=True)
    fewer = {alias: values[:-1] for alias, values in good.items()}
    twice = {alias: [*values[:-1], values[0]] for alias, values in good.items()}
    yield fixture("a row that is missing", "error", table(candidate, fewer))
    yield fixture("a key that occurs twice", "error", table(candidate, twice))
    yield Fixture(
        "no rows of the champion",
        "error",
        files_of(
            document,
            {
                **others,
                candidate["artifact"]: table(candidate, good),
                champion["artifact"]: table(champion, {alias: [] for alias in good}),
            },
        ),
    )
