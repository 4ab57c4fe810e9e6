"""Tables of predictions, right and wrong ones, on which the self-tests of gates rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.gates._values import JSON_FORMATS
from mlcc.gates.fixtures import table_bytes

ROWS = 600
_EACH = 20  # rows of a query or series
Columns = dict[str, list[Any]]


def predictions(source: Mapping[str, Any], *, good: bool) -> Columns:
    """Return the columns that a gate reads, by alias; `source` is what its parameters say of the table.

    Every value is proper, and the predictions are right, or as wrong as can be.
    """
    sorts: Mapping[str, str] = source["values"]
    label = _labels(sorts, source)
    return {alias: [_value(alias, sorts, label, i, source, good) for i in range(ROWS)] for alias in sorts}


def table(source: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Return columns, by alias, as the file that the gate reads."""
    names = dict(zip(source["values"], source["columns"], strict=True))
    found = {names[alias]: values for alias, values in columns.items() if alias in names}
    return table_bytes(source["format"], found or {"nothing": [0] * ROWS})


def spoiled(source: Mapping[str, Any], whole: Columns | None = None) -> Iterator[tuple[str, str, bytes]]:
    """Yield (what is wrong, verdict, file) of right predictions, or of others that pass, that were spoiled."""
    good = whole or predictions(source, good=True)
    if source["format"] in JSON_FORMATS:
        yield "no rows", "error", b""
    else:
        yield "no rows", "fail", table(source, {alias: [] for alias in good})
    for alias, sort in source["values"].items():
        yield f"no column for {alias}", "error", table(source, {a: v for a, v in good.items() if a != alias})
        if sort != "group":
            yield f"no value for {alias}", "error", table(source, {**good, alias: [*good[alias][:-1], None]})
        if sort in ("number", "binary", "probability"):
            broken = [*(float(value) for value in good[alias][:-1]), float("nan")]
            yield f"NaN for {alias}", "error", table(source, {**good, alias: broken})


def files_of(document: Mapping[str, Any], contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a gate's artifacts: `contents` by artifact, and something for the others."""
    found: dict[str, bytes] = {}
    for id, artifact in document["artifacts"].items():
        path = artifact["path"] if isinstance(artifact["path"], str) else artifact["path"][0]
        path = path.replace("*", "x")
        if path.endswith("/"):
            path += "part.parquet" if id in contents else "x"
        found[path] = contents.get(id, b"{}\n")
    return found


def _labels(sorts: Mapping[str, str], source: Mapping[str, Any]) -> list[Any]:
    sort = sorts.get("label", "number")
    if sort == "binary":
        return [i % 2 for i in range(ROWS)]
    if sort == "member":
        return [source["classes"][i % len(source["classes"])] for i in range(ROWS)]
    if sort == "class":
        return ["abc"[i % 3] for i in range(ROWS)]
    if "query" in sorts:
        return [float(i % _EACH == 0) for i in range(ROWS)]
    return [float(i % 7 + 1) for i in range(ROWS)]


def _value(
    alias: str, sorts: Mapping[str, str], label: Sequence[Any], i: int, source: Mapping[str, Any], good: bool
) -> Any:
    truth = label[i]
    if alias == "label":
        return truth
    if alias == "prediction":
        return _said(sorts["label"], truth, i, good)
    if alias == "score":
        # Not quite all alike: a metric without any spread has no error.
        return round(0.1 + 0.8 * (truth if good else 1 - truth) + 0.001 * (i % 11), 4)
    if alias.startswith("score_"):
        named = source["classes"].index(truth) + (0 if good else 1)
        chosen = named % len(source["classes"]) == int(alias.removeprefix("score_"))
        return 0.9 if chosen else 0.1 / (len(source["classes"]) - 1)
    if alias in ("lower", "upper"):
        return (
            truth + {"lower": -1, "upper": 1 + i % 2}[alias] + (0 if good else 5 + 1000 * (alias == "upper"))
        )
    if alias in ("query", "series"):
        return f"{alias}{i // _EACH}"
    if sorts[alias] == "group":
        return f"g{i // (ROWS // 2)}"
    return f"{alias}{i}" if sorts[alias] == "text" else float(i)


def _said(sort: str, truth: Any, i: int, good: bool) -> Any:
    if sort == "binary":
        return truth if good else 1 - truth
    if sort == "class":
        return truth if good else "abc"["bca".index(truth)]
    return truth + 0.01 * (1 + i % 3) if good else 1000.0 + i % 3
