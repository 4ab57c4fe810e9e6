"""Contracts that other tools' files hold: the Open Data Contract Standard (v3), dbt's properties, and pandera's schemas.

What a `contract` gate can't say is listed, never dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlcc.diagnostics import OutputError, SpecError, error
from mlcc.init.repository import identifier
from mlcc.init.spelling import scalar
from mlcc.init.tables import key_for
from mlcc.record import field, record
from mlcc.source import HIDDEN, MAX_BYTES, load, plain

_TYPES = {
    "string": ("string", "str", "text", "varchar", "char", "category", "object", "uuid", "email"),
    "integer": ("integer", "int", "bigint", "smallint", "tinyint", "int8", "int16", "int32", "int64", "long"),
    "number": ("number", "float", "double", "decimal", "numeric", "real", "float16", "float32", "float64"),
    "boolean": ("boolean", "bool"),
    "date": ("date",),
    "timestamp": (
        "timestamp",
        "datetime",
        "timestamp_ntz",
        "timestamptz",
        "datetime64[ns]",
        "datetime64[us]",
    ),
}


@record
class Imported:
    """A table's contract: what each column must be, by name, what the table must be, and what can't be said."""

    name: str
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def leave_out(self, place: str, what: object) -> None:
        """List what a contract can't say."""
        shown = what if isinstance(what, str) else json.dumps(what, default=str, sort_keys=True)
        self.left_out.append(" ".join(f"{place}: {shown}".split()))


def read_contracts(path: Path) -> list[Imported]:
    """Return the contracts that a file holds, one a table. Raises SpecError and OutputError for a file that holds none."""
    document = _json(path) if path.suffix == ".json" else plain(load(path).root)
    if isinstance(document, dict):
        for sign, reader in (("schema", _odcs), ("models", _dbt), ("sources", _dbt), ("columns", _pandera)):
            if document.get(sign):
                try:
                    return list(reader(document))
                except (TypeError, AttributeError, KeyError, ValueError):
                    raise _bad(path, f"its `{sign}` hasn't the shape that its format says") from None
    raise _bad(
        path,
        "it is no data contract (`schema`), dbt file (`models`, `sources`) or pandera schema (`columns`)",
    )


def _bad(path: Path, why: str) -> SpecError:
    return SpecError([error("bad-contract", f"{path} can't be imported: {why}", None)])


def _json(path: Path) -> object:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        message = f"{path} can't be read: {problem.strerror}"
        raise OutputError([error("unreadable-file", message, None)]) from None
    if len(data) > MAX_BYTES:
        raise _bad(path, f"it is longer than {MAX_BYTES // 1024} KiB")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise _bad(path, "it isn't proper JSON") from None


def _column(found: Imported, name: str, stated: object) -> dict[str, Any]:
    """Return a new column, with its `type` where a contract knows it (see `_settled`)."""
    plain_type = str(stated or "").partition("(")[0].strip().lower()
    type = next((ours for ours, theirs in _TYPES.items() if plain_type in theirs), None)
    if type is None:
        found.leave_out(name, f"its type is {stated or 'not said'}; declare the column by hand")
    return found.columns.setdefault(name, {"type": type})


def _settled(found: Imported) -> Imported:
    """Return a contract whose columns all have a type; what is said of the others is listed."""
    unknown = {name: column for name, column in found.columns.items() if column["type"] is None}
    for name, column in unknown.items():
        del found.columns[name]
        rules = {key: value for key, value in column.items() if key not in ("type", "max_nulls")}
        if name in found.references:
            rules["references"] = found.references.pop(name)
        if rules:
            found.leave_out(name, rules)
    if set(found.table.get("unique", ())) - set(found.columns):
        found.leave_out("the table", {"unique": found.table.pop("unique")})
    return found


# --- Open Data Contract Standard ----------------------------------------------------------------------------

_OPTIONS = {"minimum": "min", "maximum": "max", "maxLength": "max_length", "pattern": "pattern"}


def _odcs(document: Mapping[str, Any]) -> Iterator[Imported]:
    """Read https://bitol-io.github.io/open-data-contract-standard/."""
    for table in document["schema"]:
        found = Imported(str(table["name"]))
        key: list[tuple[int, str]] = []
        for i, stated in enumerate(table.get("properties") or ()):
            name = str(stated.get("physicalName") or stated["name"])
            column = _column(found, name, stated.get("logicalType") or stated.get("physicalType"))
            if stated.get("primaryKey"):
                key.append((int(stated.get("primaryKeyPosition") or i), name))
            _odcs_property(found, name, column, stated)
        if key:
            found.table["unique"] = [name for _, name in sorted(key)]
        for rule in table.get("quality") or ():
            _odcs_rows(found, rule)
        for rule in document.get("slaProperties") or ():
            found.leave_out("slaProperties", rule)
        yield _settled(found)


def _odcs_property(found: Imported, name: str, column: dict[str, Any], stated: Mapping[str, Any]) -> None:
    if not (stated.get("required") or stated.get("primaryKey")):
        column["max_nulls"] = 1
    if stated.get("unique"):
        column["unique"] = True
    for option, value in (stated.get("logicalTypeOptions") or {}).items():
        if option in _OPTIONS:
            column[_OPTIONS[option]] = value
        else:
            found.leave_out(name, {option: value})
    for link in stated.get("relationships") or ():
        table, _, other = str(link["to"]).rpartition(".")
        found.references[name] = (table, other)
    for rule in stated.get("quality") or ():
        metric, arguments = rule.get("metric") or rule.get("rule"), rule.get("arguments") or {}
        none = rule.get("mustBe") == 0
        if metric == "nullValues" and none:
            column.pop("max_nulls", None)
        elif metric in ("duplicateValues", "duplicateCount") and none:
            column["unique"] = True
        elif metric == "invalidValues" and none and set(arguments) == {"validValues"}:
            column["values"] = arguments["validValues"]
        elif metric == "invalidValues" and none and set(arguments) == {"pattern"}:
            column["pattern"] = arguments["pattern"]
        else:
            found.leave_out(name, rule)


def _odcs_rows(found: Imported, rule: Mapping[str, Any]) -> None:
    bounds = {
        "mustBeGreaterThan": ("min", 1),
        "mustBeGreaterOrEqualTo": ("min", 0),
        "mustBeLessThan": ("max", -1),
        "mustBeLessOrEqualTo": ("max", 0),
    }
    stated = [(bounds[key], rule[key]) for key in bounds if key in rule]
    if (rule.get("metric") or rule.get("rule")) != "rowCount" or not stated:
        found.leave_out("the table", rule)
    for (key, more), limit in stated if (rule.get("metric") or rule.get("rule")) == "rowCount" else ():
        found.table.setdefault("rows", {})[key] = limit + more


# --- dbt ----------------------------------------------------------------------------------------------------


def _dbt(document: Mapping[str, Any]) -> Iterator[Imported]:
    """Read https://docs.getdbt.com/reference/model-properties: models, and the tables of sources."""
    sources = [table for source in document.get("sources") or () for table in source.get("tables") or ()]
    for table in [*(document.get("models") or ()), *sources]:
        found = Imported(str(table["name"]))
        for stated in table.get("columns") or ():
            name = str(stated["name"])
            column = _column(found, name, stated.get("data_type"))
            column["max_nulls"] = 1
            for test in _tests(stated):
                _dbt_test(found, name, column, test)
        for test in _tests(table):
            found.leave_out("the table", test)
        yield _settled(found)


def _tests(stated: Mapping[str, Any]) -> list[Any]:
    return [
        *(stated.get("data_tests") or ()),
        *(stated.get("tests") or ()),
        *(stated.get("constraints") or ()),
    ]


def _dbt_test(found: Imported, name: str, column: dict[str, Any], test: Any) -> None:
    if isinstance(test, dict) and "type" in test:  # a constraint
        kind, options = test["type"], {key: test[key] for key in test if key not in ("type", "name")}
    else:
        kind, options = (test, {}) if isinstance(test, str) else next(iter(test.items()))
    options = {**(options or {}), **((options or {}).get("arguments") or {})}
    options.pop("arguments", None)
    if kind == "not_null" and not options:
        column.pop("max_nulls", None)
    elif kind in ("unique", "primary_key") and not options:
        column["unique"] = True
    elif kind == "accepted_values" and set(options) == {"values"}:
        column["values"] = options["values"]
    elif kind == "relationships" and set(options) == {"to", "field"}:
        quoted = re.findall(r"[\"']([^\"']+)[\"']", str(options["to"]))  # ref('a'), source('b', 'a')
        found.references[name] = (quoted[-1] if quoted else str(options["to"]), str(options["field"]))
    else:
        found.leave_out(name, test)


# --- pandera ------------------------------------------------------------------------------------------------

_CHECKS = {
    "greater_than_or_equal_to": "min",
    "less_than_or_equal_to": "max",
    "isin": "values",
    "str_matches": "pattern",
}


def _pandera(document: Mapping[str, Any]) -> Iterator[Imported]:
    """Read what pandera's `to_yaml` and `to_json` write: https://pandera.readthedocs.io/."""
    found = Imported("table")
    for name, stated in document["columns"].items():
        column = _column(found, name, stated.get("dtype"))
        if stated.get("nullable"):
            column["max_nulls"] = 1
        if stated.get("unique"):
            column["unique"] = True
        if stated.get("required") is False:
            column["required"] = False
        if stated.get("regex"):
            found.leave_out(name, "a pattern for the names of columns")
        for check, value in _pandera_checks(stated.get("checks")):
            _pandera_check(found, name, column, check, value)
    if document.get("strict") is True:
        found.table["extra_columns"] = "deny"
    if document.get("unique"):
        found.table["unique"] = list(document["unique"])
    for key in ("checks", "index"):
        if document.get(key):
            found.leave_out(key, document[key])
    yield _settled(found)


def _pandera_checks(checks: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and value of checks, which older versions write as a mapping, and newer ones as a list."""
    listed = checks.items() if isinstance(checks, dict) else [(None, check) for check in checks or ()]
    for name, stated in listed:
        if not isinstance(stated, dict) or "options" not in stated:
            yield str(name), stated
            continue
        rest = {key: value for key, value in stated.items() if key != "options"}
        yield (
            str(stated["options"].get("check_name", name)),
            rest["value"] if set(rest) == {"value"} else rest,
        )


def _pandera_check(found: Imported, name: str, column: dict[str, Any], check: str, value: Any) -> None:
    if check == "in_range" and isinstance(value, dict) and all(each is not False for each in value.values()):
        column.update(min=value["min_value"], max=value["max_value"])
    elif check == "str_length" and isinstance(value, dict) and not value.get("min_value"):
        column["max_length"] = value["max_value"]
    elif check == "str_matches" and isinstance(value, str):
        column["pattern"] = f"(?:{value})(?s:.*)"  # pandera matches at the start
    elif check in _CHECKS and not isinstance(value, dict):
        column[_CHECKS[check]] = value
    else:
        found.leave_out(name, {check: value})


# --- as text ------------------------------------------------------------------------------------------------


def contract_text(found: Imported, artifacts: Collection[str] | None = None) -> str:
    """Return the `contract` block of a gate, with comments on what it can't say.

    Foreign keys to others than `artifacts` are comments, too: a spec can't refer to what it doesn't declare. Raises
    SpecError for hidden characters, which no spec may hold.
    """
    keys = {name: name if key_for(name) == name.casefold() else key_for(name) for name in found.columns}
    lines = [
        f"# {' '.join(found.name.split())}",
        "contract:",
        "  columns:" if found.columns else "  columns: {}",
    ]
    for name, column in found.columns.items():
        stated = {**({"name": name} if keys[name] != name else {}), **column}
        lines.append(f"    {scalar(keys[name])}: {_spelled(stated)}")
    table = dict(found.table)
    if "unique" in table:
        table["unique"] = [keys.get(name, name) for name in table["unique"]]
    lines += [f"  {key}: {_spelled(value)}" for key, value in table.items()]
    references = [
        (scalar(keys.get(name, name)), {"artifact": identifier(artifact, "table"), "column": other})
        for name, (artifact, other) in found.references.items()
    ]
    declared = [each for each in references if artifacts is None or each[1]["artifact"] in artifacts]
    for mark, some in (("", declared), ("# ", [each for each in references if each not in declared])):
        if some:
            lines.append(f"  {mark}references:  # an artifact of each name must be declared")
            lines += [f"  {mark}  {name}: {_spelled(target)}" for name, target in some]
    if found.left_out:
        lines.append("  # What a contract can't say, or not so; `checks` takes SQL of your own:")
        lines += [f"  #   {each}" for each in found.left_out]
    if any(HIDDEN.search(line) for line in lines):
        message = f"the contract of {found.name!a} has characters that nobody sees"
        raise SpecError([error("bad-contract", message, None)])
    return "\n".join(lines) + "\n"


def _spelled(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_spelled(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_spelled, value)) + "]"
    return scalar(value) if isinstance(value, str) else json.dumps(value)
