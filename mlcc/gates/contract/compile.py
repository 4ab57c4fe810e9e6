"""From a contract to SQL: one view that types the table, and an aggregate over it for every kind of violation."""

from __future__ import annotations

# SQL is what this module writes; names and values go through `identifier` and `literal`.
# ruff: noqa: S608
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates import DUCKDB, ArtifactInfo, GateParamsError, Loc, artifact_named, file_format, table_format
from mlcc.gates._sql import text_literal
from mlcc.gates._values import JSON_FORMATS, TEXT_FORMS
from mlcc.gates.contract.columns import Column, absent_type, columns_of, literal, view
from mlcc.gates.contract.foreign import parents_of, reference_checks
from mlcc.gates.names import check_names
from mlcc.gates.strictness import ALLOWED, CEILING, DERIVED, FLOOR, SLACK, Way
from mlcc.record import field, record

LOOSER: Mapping[str, Way] = {
    "checks/*.min/limit": FLOOR,
    "checks/*.max/limit": CEILING,
    **dict.fromkeys(
        ("checks/*.max_length/limit", "checks/*.max_mixed/limit", "checks/*.references/limit"), CEILING
    ),
    **dict.fromkeys(("checks/*.max_nulls/limit", "checks/duplicates/limit", "checks/conflicts/limit"), SLACK),
    "checks/*.values/limit": ALLOWED,
    "extra_columns": ("deny", "allow"),
    **dict.fromkeys(
        ("format", "view", "measures/**", "columns/*/absent", "columns/*/sql", "parents/*/sql"), DERIVED
    ),
    **dict.fromkeys(
        ("checks/*/measure", "checks/*/query", "freshness/seconds", "freshness/measure"), DERIVED
    ),
}
"""See mlcc.gates.strictness."""
_MANY = 64  # lists of values
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# "nan" and "inf", which are numbers, too, may be words.
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DATE_OR_TIME = f"{TEXT_FORMS['date']}|{TEXT_FORMS['timestamp']}"
_RANGED = ("integer", "number", "date", "timestamp")
# Constructs of other regular-expression languages that RE2 hasn't got, and where the same signs are harmless.
_NOT_RE2 = re.compile(r"\(\?(?:[=!>]|<[=!]|P=)|\\[1-9]|[*+?}]\+")
_HARMLESS = re.compile(r"\\[xpP]\{\^?\w+\}|\\[^1-9]|\[\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)


@record
class _Measures:
    """The numbers that the gate counts over the view `data`, by name, and the checks that read them.

    A measure has `sql`, an aggregate. Beside it may stand what can be had from the footers of Parquet files without
    a look at the rows: `nulls`, the column whose nulls it counts, or `footer`, SQL over `source` about `column` that
    gives the same number, or NULL where the footers don't settle it.
    """

    sql: dict[str, dict[str, str]] = field(default_factory=dict)
    checks: list[dict[str, object]] = field(default_factory=list)

    def add(
        self,
        name: str,
        sql: str,
        check: dict[str, object] | None = None,
        footer: Mapping[str, str] | None = None,
    ) -> None:
        if check is not None:
            self.checks.append({"id": name, "measure": name, **check})
        self.sql[name] = {"sql": sql, **(footer or {})}


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the tables that foreign keys refer to."""
    return tuple(
        (("references", column, "artifact"), wanted.artifact) for column, wanted in params.references.items()
    )


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return what is declared, the SQL, and how its numbers are judged. Raises GateParamsError."""
    artifact = artifact_named(artifacts, guards, ())
    format = _format(artifact)
    columns = columns_of(params)
    names: dict[Loc, str] = {column.loc: column.name for column in columns}
    names.update(((*column.loc, "name"), column.stored) for column in columns)
    names.update({("references", name, "column"): r.column for name, r in params.references.items()})
    names.update({("denied", i): name for i, name in enumerate(params.denied)})
    check_names(names)
    _check_denied(params, columns)
    measures = _Measures()
    measures.add("rows", "COUNT(*)", footer={"footer": "COUNT(*)"} if format == "parquet" else {})
    lists = sum(column.params.values is not None for column in columns)
    for column in columns:
        _measure_column(column, format, measures, lists > _MANY)
    _measure_key(params, columns, measures)
    _measure_repeats(params, columns, measures)
    parents = parents_of(params, columns, artifacts)
    measures.checks.extend(reference_checks(params, parents))
    found: dict[str, object] = {
        "artifact": guards,
        "format": format,
        "columns": [
            {
                "name": column.name,
                **({"stored": column.stored} if column.stored != column.name else {}),
                "type": column.params.type,
                "required": column.params.required,
                "absent": absent_type(column, format),
            }
            for column in columns
        ],
        "extra_columns": params.extra_columns,
        "denied": list(params.denied),
        "rows": _rows(params),
        "key": list(params.unique or ()),
        "freshness": _freshness(params, columns, format, measures),
        "view": view(columns, format),
        "measures": measures.sql,
        "checks": measures.checks,
        "parents": parents or None,
        "sql": {id: _select(check.sql, ("checks", id, "sql")) for id, check in params.checks.items()},
    }
    if artifact.engine != DUCKDB:
        from mlcc.gates.contract.engines import rendered  # with sqlglot, which only other engines need

        found = rendered(found, columns, artifact, artifacts)
    return {key: value for key, value in found.items() if value is not None}


def _format(artifact: ArtifactInfo) -> str:
    return table_format(artifact) if artifact.engine != DUCKDB else file_format(artifact, (), "the table")


def _check_denied(params: Any, columns: list[Column]) -> None:
    declared = {name.casefold() for column in columns for name in (column.name, column.stored)}
    for i, name in enumerate(params.denied):
        if name.casefold() in declared:
            raise GateParamsError(("denied", i), f"the column {name} is declared and denied")


def _rows(params: Any) -> dict[str, int]:
    least = 1 if params.rows is None else params.rows.min
    most = None if params.rows is None else params.rows.max
    if most is None:
        return {"min": least}
    if most < least:
        raise GateParamsError(("rows", "max"), f"max ({most}) is less than min ({least})")
    return {"min": least, "max": most}


def _measure_column(column: Column, format: str, measures: _Measures, many: bool) -> None:
    params, sql = column.params, column.sql
    nan = f" OR isnan({sql})" if params.type == "number" else ""
    typed = format in ("parquet", "table")
    present = sql if typed else column.raw
    if not typed and not (params.type == "string" and format not in JSON_FORMATS):
        measures.add(
            f"{column.name}.type",
            _count(f"{column.raw} IS NOT NULL AND {sql} IS NULL"),
            {"kind": "type", "column": column.name},
        )
    nulls = _count(f"{present} IS NULL{nan}") if nan else f"COUNT(*) - COUNT({present})"
    limit = {"kind": "max_nulls", "column": column.name, "limit": params.max_nulls}
    counted = {"nulls": column.stored} if format == "parquet" and not nan else {}
    measures.add(f"{column.name}.max_nulls", nulls, limit, counted)
    for name, condition, shown in (*_ranges(column, nan), *_domains(column, many)):
        check = {"kind": name, "column": column.name, "limit": shown}
        footer = _footer(column, name, condition) if format == "parquet" and not nan else {}
        measures.add(f"{column.name}.{name}", _count(condition), check, footer)
    if params.max_mixed is not None:
        mixed = {"kind": "max_mixed", "column": column.name, "limit": params.max_mixed}
        measures.add(f"{column.name}.max_mixed", _mixed(sql), mixed)
    if params.unique:
        # In a query of its own: it needs far more memory than the counts, or a shortcut (see the runtime).
        query = [f"SELECT COUNT({sql}) - COUNT(DISTINCT {sql}) AS repeated FROM data"]
        measures.checks.append(
            {"id": f"{column.name}.unique", "kind": "unique", "column": column.name, "query": query}
        )


def _count(condition: str) -> str:
    # SUM(CASE ...) and not FILTER: ten times faster in DuckDB, and every engine has it.
    return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)"


def _mixed(sql: str) -> str:
    """Return how many values are of another sort than most: a number, a date with or without time, or other text."""
    numbers, times = (
        _count(f"regexp_full_match({sql}, {text_literal(form)})") for form in (_NUMBER, _DATE_OR_TIME)
    )
    return f"COUNT({sql}) - GREATEST({numbers}, {times}, COUNT({sql}) - {numbers} - {times})"


def _footer(column: Column, name: str, outside: str) -> dict[str, str]:
    """Return how a footer settles that no value is outside a range: its own least or largest one isn't.

    Not for numbers: footers leave NaN out.
    """
    if name not in ("min", "max"):
        return {}
    extreme = outside.replace(column.sql, f"{name.upper()}({column.sql})", 1)
    return {"footer": f"CASE WHEN NOT {extreme} THEN 0 END", "column": column.stored}


def _ranges(column: Column, nan: str) -> Iterator[tuple[str, str, object]]:
    """Yield the checks against min and max. NaN is outside every range, though SQL sorts it last."""
    params = column.params
    bounds = {}
    for name, outside in (("min", "<"), ("max", ">")):
        bound, loc = getattr(params, name), (*column.loc, name)
        if bound is None:
            continue
        if params.type not in _RANGED:
            raise GateParamsError(loc, f"a {params.type} has no {name}")
        bounds[name] = literal(column, bound, loc)
        yield name, f"{column.sql} {outside} {bounds[name]}{nan}", bound
    if len(bounds) == 2 and _exceeds(params.min, params.max, bounds):
        raise GateParamsError((*column.loc, "max"), f"max ({params.max}) is less than min ({params.min})")


def _exceeds(least: object, most: object, literals: Mapping[str, str]) -> bool:
    if isinstance(least, (int, float)) and isinstance(most, (int, float)):
        return least > most
    return literals["min"] > literals["max"]  # ISO text in UTC sorts as time does


def _domains(column: Column, many: bool) -> Iterator[tuple[str, str, object]]:
    params, sql, loc = column.params, column.sql, column.loc
    if params.values is not None:
        values = [literal(column, value, (*loc, "values", i)) for i, value in enumerate(params.values)]
        # NOT IN says the same, and takes DuckDB four times as long for 5 values, and fourteen times for 50;
        # but 64 lists take 25 MiB more, 256 lists 130 MiB and seven seconds to plan, however many columns there are.
        listed = ", ".join(values)
        yield (
            "values",
            f"{sql} NOT IN ({listed})" if many else f"NOT ({sql} = ANY([{listed}]))",
            list(params.values),
        )
    for name in ("pattern", "max_length", "max_mixed"):
        if getattr(params, name) is not None and params.type != "string":
            raise GateParamsError(
                (*loc, name), f"{name} is for strings, and {column.name} is a {params.type}"
            )
    if params.pattern is not None:
        if _NOT_RE2.search(_HARMLESS.sub(" ", params.pattern)):
            raise GateParamsError(
                (*loc, "pattern"),
                "RE2 has no look-around, back reference, atomic group or possessive quantifier",
            )
        pattern = literal(column, params.pattern, (*loc, "pattern"))
        yield "pattern", f"NOT regexp_full_match({sql}, {pattern})", params.pattern
    if params.max_length is not None:
        yield "max_length", f"length({sql}) > {params.max_length}", params.max_length


def _measure_key(params: Any, columns: list[Column], measures: _Measures) -> None:
    if params.unique is None:
        return
    known = {column.name: column.sql for column in columns}
    for i, name in enumerate(params.unique):
        if name not in known:
            raise GateParamsError(
                ("unique", i),
                f"the key has {name}, which `columns` doesn't declare",
                "declare it with its type",
            )
        if name in params.unique[:i]:
            raise GateParamsError(("unique", i), f"the key has {name} twice")
    parts = [known[name] for name in params.unique]
    missing = " OR ".join(f"{part} IS NULL" for part in parts)
    measures.add("key.nulls", _count(missing), {"kind": "key_nulls"})
    again = f"SELECT 1 AS one FROM data GROUP BY {', '.join(parts)} HAVING COUNT(*) > 1"
    query = [f"SELECT COUNT(*) AS repeated FROM ({again}) AS again"]
    measures.checks.append({"id": "key.unique", "kind": "key", "query": query})


def _measure_repeats(params: Any, columns: list[Column], measures: _Measures) -> None:
    """Add the rows that repeat another one, and those that only their label tells apart: a query each."""
    if params.max_duplicates is not None:
        names = ", ".join(column.sql for column in columns)
        groups = f"SELECT COUNT(*) AS n FROM data GROUP BY {names}"
        query = [f"SELECT CAST(SUM(n) - COUNT(*) AS BIGINT) AS repeated FROM ({groups}) AS groups"]
        check = {"id": "duplicates", "kind": "duplicates", "limit": params.max_duplicates}
        measures.checks.append({**check, "query": query})
    if params.conflicts is None:
        return
    label = next((column for column in columns if column.name == params.conflicts.label), None)
    if label is None or len(columns) == 1:
        message = f"{params.conflicts.label} is not one of several columns that `columns` declares"
        raise GateParamsError(("conflicts", "label"), message, "declare it, and what a model may know")
    names = ", ".join(column.sql for column in columns if column is not label)
    groups = f"SELECT COUNT(*) AS n FROM data GROUP BY {names} HAVING COUNT(DISTINCT {label.sql}) > 1"
    query = [f"SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) AS conflicting FROM ({groups}) AS groups"]
    check = {"id": "conflicts", "kind": "conflicts", "limit": params.conflicts.max, "label": label.name}
    measures.checks.append({**check, "query": query})


def _freshness(
    params: Any, columns: list[Column], format: str, measures: _Measures
) -> dict[str, object] | None:
    if params.freshness is None:
        return None
    wanted = params.freshness.column
    column = next((column for column in columns if column.name == wanted), None)
    if column is None or column.params.type not in ("date", "timestamp"):
        raise GateParamsError(
            ("freshness", "column"), f"{wanted} is not declared in `columns` as a date or timestamp"
        )
    newest = f"epoch(MAX({column.sql}))"
    footer = {"footer": newest, "column": column.stored} if format == "parquet" else {}
    measures.add("freshness", newest, footer=footer)
    max_age = params.freshness.max_age
    seconds = int(max_age[:-1]) * _SECONDS[max_age[-1]]
    return {
        "column": wanted,
        "max_age": max_age,
        "seconds": seconds,
    }


def _select(sql: str, loc: Loc) -> list[str]:
    """Return the lines of a user's check. Raises GateParamsError unless it looks like one SELECT.

    This is for an early message: the gate itself parses the statement and proves it.
    """
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL).strip()
    if ";" in bare.rstrip(";").rstrip() or not re.match(r"(?i)(?:select|with|from)\b", bare):
        raise GateParamsError(
            loc, "a check is one SELECT statement", "it must return no row when all is well"
        )
    return sql.strip().rstrip(";").rstrip().split("\n")
