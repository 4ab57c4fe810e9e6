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
from mlcc.init.imported import Imported, column_of, settled
from mlcc.init.odcs import read_odcs
from mlcc.init.repository import identifier
from mlcc.init.spelling import scalar
from mlcc.init.tables import key_for
from mlcc.load.source import HIDDEN, MAX_BYTES, load, plain


def read_contracts(path: Path) -> list[Imported]:
    """Return the contracts that a file holds, one a table. Raises SpecError and OutputError for a file that holds none."""
    document = _json(path) if path.suffix == ".json" else plain(load(path).root)
    if isinstance(document, dict):
        for sign, reader in (
            ("schema", read_odcs),
            ("models", _dbt),
            ("sources", _dbt),
            ("columns", _pandera),
        ):
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


# --- dbt ----------------------------------------------------------------------------------------------------


def _dbt(document: Mapping[str, Any]) -> Iterator[Imported]:
    """Read https://docs.getdbt.com/reference/model-properties: models, and the tables of sources."""
    sources = [table for source in document.get("sources") or () for table in source.get("tables") or ()]
    for table in [*(document.get("models") or ()), *sources]:
        found = Imported(str(table["name"]))
        for stated in table.get("columns") or ():
            name = str(stated["name"])
            column = column_of(found, name, stated.get("data_type"))
            column["max_nulls"] = 1
            for test in _tests(stated):
                _dbt_test(found, name, column, test)
        for test in _tests(table):
            found.leave_out("the table", test)
        yield settled(found)


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
}
_COLUMN_KEYS = frozenset(
    ("title", "description", "dtype", "nullable", "checks", "name", "unique", "coerce", "required", "regex")
)
_TABLE_KEYS = frozenset(
    (
        "schema_type", "version", "api", "columns", "dtype", "coerce", "name", "unique", "report_duplicates",
        "unique_column_names", "add_missing_columns", "title", "description", "metadata", "dataframe_library",
    )
)  # fmt: skip
# Options of a check that change what it decides, and what they are if not given.
_DEFAULTS = {"raise_warning": False, "ignore_na": True, "element_wise": False}
_LABELS = frozenset(("check_name", "name", "title", "description", "error", "n_failure_cases"))


def _pandera(document: Mapping[str, Any]) -> Iterator[Imported]:
    """Read what pandera's `to_yaml` and `to_json` write: https://pandera.readthedocs.io/."""
    found = Imported("table")
    for name, stated in document["columns"].items():
        column = column_of(found, name, stated.get("dtype") or document.get("dtype"))
        if stated.get("nullable"):
            column["max_nulls"] = 1
        if stated.get("unique"):
            column["unique"] = True
        if stated.get("required") is False:
            column["required"] = False
        if stated.get("regex"):
            found.leave_out(name, "a pattern for the names of columns")
        for check, value in _pandera_checks(stated):
            _pandera_check(found, name, column, check, value)
    if document.get("strict") is True:
        found.table["extra_columns"] = "deny"
    if document.get("unique"):
        unique = document["unique"]
        found.table["unique"] = [unique] if isinstance(unique, str) else list(unique)
    for key, value in document.items():
        if key not in _TABLE_KEYS and value and (key, value) != ("strict", True):
            found.leave_out(key, value)
    yield settled(found)


def _pandera_checks(column: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield name and arguments of each check.

    They are a mapping under `checks`, a list there with the name of each among its `options`, or, as version 0.35 writes
    them where no name occurs twice, keys beside the column's own.
    """
    checks = column.get("checks") or ()
    for check in () if isinstance(checks, dict) else checks:
        named = isinstance(check, dict) and isinstance(check.get("options"), dict)
        yield str(check["options"].get("check_name") if named else None), check
    yield from (checks if isinstance(checks, dict) else {}).items()
    yield from ((key, value) for key, value in column.items() if key not in _COLUMN_KEYS)


def _pandera_check(found: Imported, name: str, column: dict[str, Any], check: str, stated: Any) -> None:
    arguments, options = {"value": stated}, {}
    if isinstance(stated, dict):
        options = {
            **(stated.get("options") or {}),
            **{key: stated[key] for key in _DEFAULTS if key in stated},
        }
        arguments = {key: value for key, value in stated.items() if key not in ("options", *_DEFAULTS)}
    odd = {key: value for key, value in options.items() if key not in _LABELS and value != _DEFAULTS.get(key)}
    limits = None if odd else _pandera_limits(check, arguments)
    if limits is None:
        value = arguments["value"] if set(arguments) == {"value"} else arguments
        found.leave_out(name, {check: value, **odd})
    else:
        column.update(limits)


def _pandera_limits(check: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a contract says of a column where pandera has a check; None: it can't."""
    least, most = arguments.get("min_value"), arguments.get("max_value")
    if check == "in_range":
        whole = arguments.get("include_min", True) and arguments.get("include_max", True)
        return {"min": least, "max": most} if whole and least is not None and most is not None else None
    if check == "str_length":
        alone = not least and most is not None and arguments.get("exact_value") is None
        return {"max_length": most} if alone else None
    if len(arguments) != 1:
        return None
    (value,) = arguments.values()
    if check == "str_matches" and isinstance(value, str):
        return {"pattern": f"(?:{value})(?s:.*)"}  # pandera matches at the start
    return {_CHECKS[check]: value} if check in _CHECKS else None


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
