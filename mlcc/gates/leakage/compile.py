"""From the parameters of a `leakage` gate to SQL: two views, `train` and `test`, and a query for each check."""

from __future__ import annotations

# SQL is what this module writes; names and values go through `identifier` and `text_literal`.
# ruff: noqa: S608
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates import DUCKDB, ArtifactInfo, GateParamsError, Loc, artifact_named, source_format
from mlcc.gates._sql import text_literal
from mlcc.gates._values import TEXT_FORMS, cells
from mlcc.gates.names import check_names
from mlcc.gates.strictness import DEMANDED, DERIVED, PRESENT, Way

LOOSER: Mapping[str, Way] = {
    **dict.fromkeys(("columns", "features"), DEMANDED),
    "queries/*": PRESENT,
    **dict.fromkeys(("format", "train/view", "test/view", "label_queries/*"), DERIVED),
    **dict.fromkeys(("view/**", "train/where", "test/where"), DERIVED),
}
"""See mlcc.gates.strictness."""


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifacts with the training and the test rows, where they are named."""
    keys = ("train", "test")
    return tuple(((key,), getattr(params, key)) for key in keys if getattr(params, key) is not None)


def read_by_engine(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> tuple[str, ...]:
    """Return the artifacts that an engine reads: the guarded one may be a model that was trained on them."""
    return tuple(dict.fromkeys(_sides(params, artifacts, guards)))


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return where the rows are, the SQL, and what its numbers are held to. Raises GateParamsError."""
    _check(params)
    train, test = _sides(params, artifacts, guards)
    format = _format(artifacts, test, ("test",) if params.test is not None else ())
    if train != test and _format(artifacts, train, ("train",)) != format:
        raise GateParamsError(("train",), "training and test rows are in files of one format")
    columns = _columns(params)
    check_names(columns)
    features = list(params.features or ())
    found: dict[str, object] = {
        "format": format,
        "train": {"artifact": train, "view": _view("train", params, format)},
        "test": {"artifact": test, "view": _view("test", params, format)},
        "split": None if params.split is None else _split(params.split),
        "columns": list(dict.fromkeys(columns.values())),
        "features": features,
        "label": params.label,
        "max_shared": params.max_shared,
        "max_auc": params.max_single_feature_auc,
        "max_correlation": params.max_single_feature_correlation,
        "queries": dict(_queries(params, format)),
        "label_queries": _LABEL if params.label is not None else {},
    }
    if artifacts[test].engine != DUCKDB:
        from mlcc.gates.leakage.engines import rendered  # with sqlglot, which only other engines need

        return rendered(found, params, artifacts)
    return found


def _check(params: Any) -> None:
    if params.split is not None and params.test is not None:
        raise GateParamsError(("test",), "with `split`, the test rows are in the guarded table")
    if params.split is not None and params.split.train == params.split.test:
        raise GateParamsError(("split", "test"), "training and test rows have the same value")
    if not any((params.key, params.features, params.group, params.time)):
        raise GateParamsError((), "nothing is to be looked at", "give `key`, `features`, `group` or `time`")
    if params.label is not None and not params.features:
        raise GateParamsError(("label",), "a label is compared with `features`, which aren't given")
    if params.label is not None and params.label in params.features:
        at = params.features.index(params.label)
        raise GateParamsError(("features", at), f"{params.label} is the label, and so no feature")


def _sides(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> tuple[str, str]:
    if params.split is not None:
        return guards, guards
    test = guards if params.test is None else params.test
    if params.train == test:
        raise GateParamsError(
            ("train",), f"'{test}' would be compared with itself", "name `test`, or use `split`"
        )
    artifact_named(artifacts, params.train, ("train",))
    return params.train, test


def _format(artifacts: Mapping[str, ArtifactInfo], id: str, loc: Loc) -> str:
    return source_format(artifact_named(artifacts, id, loc), loc, "a table of rows to split")


def _columns(params: Any) -> dict[Loc, str]:
    """Return the columns that are named, by where."""
    found: dict[Loc, str] = {}
    for key in ("key", "features"):
        found.update({(key, i): name for i, name in enumerate(getattr(params, key) or ())})
    found.update({(key,): getattr(params, key) for key in ("group", "time", "label") if getattr(params, key)})
    if params.split is not None:
        found["split", "column"] = params.split.column
    for key in ("key", "features"):
        names = list(getattr(params, key) or ())
        for i, name in enumerate(names):
            if name in names[:i]:
                raise GateParamsError((key, i), f"{name} is there twice")
    return found


def _view(side: str, params: Any, format: str) -> list[str]:
    """Return the lines of a side's view: what the queries need of its columns."""

    def text(name: str) -> str:
        return f"CAST({cells(name, format)['given']} AS VARCHAR)"

    parts = [f"{text(name)} AS k{i}" for i, name in enumerate(params.key or (), 1)]
    if params.group is not None:
        parts.append(f"{text(params.group)} AS g")
    if params.time is not None:
        parts += _time(text(params.time))
    for i, name in enumerate(params.features or (), 1):
        parts += [f"{sql} AS f{i}_{sort}" for sort, sql in cells(name, format).items()]
    if params.features:
        # A row's fingerprint: a coincidence of two would be a false alarm, never a false pass.
        joined = " || chr(31) || ".join(f"COALESCE({text(name)}, chr(30))" for name in params.features)
        parts.append(f"md5({joined}) AS h")
    if params.label is not None:
        parts += [f"{text(params.label)} AS y_class", f"{cells(params.label, format)['number']} AS y_number"]
    where = []
    if params.split is not None:
        where = [f"WHERE {text(params.split.column)} = {text_literal(getattr(params.split, side))}"]
    return [
        f"CREATE VIEW {side} AS SELECT",
        *(f"  {part}," for part in parts[:-1]),
        f"  {parts[-1]}",
        f"FROM {side}_source",
        *where,
    ]


def _split(split: Any) -> dict[str, str]:
    return {"column": split.column, "train": split.train, "test": split.test}


def _time(text: str) -> list[str]:
    """Return SQL for a time as a number, or in seconds, and for whether it is a number: the two can't be compared."""
    is_number = f"regexp_full_match({text}, {text_literal(TEXT_FORMS['number'])})"
    seconds = f"epoch(TRY_CAST({text} AS TIMESTAMPTZ))"
    return [
        f"CASE WHEN {is_number} THEN TRY_CAST({text} AS DOUBLE) ELSE {seconds} END AS t",
        f"{is_number} AS t_is_number",
    ]


def _queries(params: Any, format: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each check's query. It returns the test rows at fault, then what makes it unable to tell."""
    if params.key:
        names = [f"k{i}" for i in range(1, len(params.key) + 1)]
        yield "key", _shared(names, " OR ".join(f"{name} IS NULL" for name in names))
    if params.features:
        yield "features", _shared(["h"], "h IS NULL")
    if params.group is not None:
        yield "group", _shared(["g"], "g IS NULL")
    if params.time is not None:
        # Infinity is after everything, and says nothing. A table of an engine's has a type that tells a number from a time.
        other = " OR t_is_number <> (SELECT MAX(t_is_number) FROM train)" if format != "table" else ""
        unknown = _unknown(f"t IS NULL OR NOT isfinite(t){other}")
        yield "time", [f"SELECT COUNT(*), {unknown}", "FROM test WHERE t <= (SELECT MAX(t) FROM train)"]


def _shared(names: list[str], absent: str) -> list[str]:
    same = " AND ".join(f"train.{name} = test.{name}" for name in names)
    return [
        f"SELECT COUNT(*), {_unknown(absent)}",
        f"FROM test WHERE EXISTS (SELECT 1 FROM train WHERE {same})",
    ]


def _unknown(absent: str) -> str:
    sides = (f"(SELECT COUNT(*) FROM {side} WHERE {absent})" for side in ("train", "test"))
    return " + ".join(sides)


_BOTH = "(SELECT * FROM train UNION ALL SELECT * FROM test)"
# {i} is a feature's number. `y` is 1 for the greater of two classes, or the label's number.
_LABEL = {
    "classes": [
        "SELECT COUNT(DISTINCT y_class), COUNT(*) - COUNT(y_class)",
        f"FROM {_BOTH}",
    ],
    "class": ["CASE WHEN y_class = (SELECT MAX(y_class) FROM " + _BOTH + ") THEN 1.0 ELSE 0.0 END"],
    "empty": [f"SELECT CASE WHEN f{{i}}_given IS NULL THEN 1 ELSE 0 END AS x, {{y}} AS y FROM {_BOTH}"],
    "number": [
        f"SELECT f{{i}}_number AS x, {{y}} AS y FROM {_BOTH}",
        "WHERE f{i}_number IS NOT NULL AND NOT isnan(f{i}_number)",
    ],
    # A category stands for the training rows' mean of the label, so that many of them can't fit the test rows.
    "text": [
        "SELECT COALESCE(mean, (SELECT AVG({y}) FROM train)) AS x, {y} AS y",
        "FROM test LEFT JOIN (SELECT f{i}_text AS c, AVG({y}) AS mean FROM train GROUP BY f{i}_text)",
        "ON c = f{i}_text",
    ],
    "auc": [
        "SELECT SUM(pos * (upto - neg / 2)), SUM(pos), SUM(neg) FROM (",
        "  SELECT pos, neg, SUM(neg) OVER (ORDER BY x ROWS UNBOUNDED PRECEDING) AS upto FROM (",
        "    SELECT x, SUM(y) AS pos, SUM(1 - y) AS neg FROM scored GROUP BY x))",
    ],
    "correlation": [
        "SELECT CORR(rx, ry), COUNT(*) FROM (SELECT",
        "  RANK() OVER (ORDER BY x) + (COUNT(*) OVER (PARTITION BY x) - 1) / 2e0 AS rx,",
        "  RANK() OVER (ORDER BY y) + (COUNT(*) OVER (PARTITION BY y) - 1) / 2e0 AS ry",
        "FROM scored WHERE y IS NOT NULL)",
    ],
}
