"""Contracts of the Open Data Contract Standard: https://bitol-io.github.io/open-data-contract-standard/."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.init.imported import Imported, column_of, settled

_OPTIONS = {"minimum": "min", "maximum": "max", "maxLength": "max_length", "pattern": "pattern"}


def read_odcs(document: Mapping[str, Any]) -> Iterator[Imported]:
    """Yield the contract of each table of a document, versions 3.0 and 3.1."""
    known = _properties(document["schema"])
    for table in document["schema"]:
        found = Imported(str(table["name"]))
        key: list[tuple[int, str]] = []
        for i, stated in enumerate(table.get("properties") or ()):
            name = _name(stated)
            column = column_of(found, name, stated.get("logicalType") or stated.get("physicalType"))
            if stated.get("primaryKey"):
                key.append((int(stated.get("primaryKeyPosition") or i), name))
            _property(found, name, column, stated)
            for link in stated.get("relationships") or ():
                _link(found, (found.name, name), link, known)
        for link in table.get("relationships") or ():
            _link(found, known.get(_end(link["from"])), link, known)
        if key:
            found.table["unique"] = [name for _, name in sorted(key)]
        for rule in table.get("quality") or ():
            _table_rule(found, rule, known)
        for rule in document.get("slaProperties") or ():
            found.leave_out("slaProperties", rule)
        yield settled(found)


def _name(stated: Mapping[str, Any]) -> str:
    return str(stated.get("physicalName") or stated["name"])


def _properties(tables: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return each way that a relationship may name a property, by names or by ids, and its table and column."""
    found = {}
    for table in tables:
        for stated in table.get("properties") or ():
            column = (str(table["name"]), _name(stated))
            found[f"{table['name']}.{stated['name']}"] = column
            if "id" in table and "id" in stated:
                found[f"schema/{table['id']}/properties/{stated['id']}"] = column
    return found


def _end(stated: object) -> str:
    """Return what a relationship names at one of its ends; nothing for a key of several columns."""
    if isinstance(stated, list):
        return _end(stated[0]) if len(stated) == 1 else ""
    return str(stated).lstrip("#/")


def _link(
    found: Imported,
    source: tuple[str, str] | None,
    link: Mapping[str, Any],
    known: Mapping[str, tuple[str, str]],
) -> None:
    """Take over a foreign key from one column of this table to one column of another, or list it.

    A table that isn't in this file is named as `table.column`; what has more steps is nested, or in another file.
    """
    end = _end(link["to"])
    plain_name = re.fullmatch(r"([^./#:]+)\.([^./#:]+)", end)
    target = known.get(end) or (plain_name and (plain_name[1], plain_name[2]))
    single = isinstance(link.get("from"), list) == isinstance(link["to"], list) or "from" not in link
    taken = source is not None and (source[0] != found.name or source[1] in found.references)
    if source is None or taken or not target or not single or link.get("type", "foreignKey") != "foreignKey":
        found.leave_out(
            source[1] if source is not None and source[0] == found.name else "the table",
            {"relationships": link},
        )
    else:
        found.references[source[1]] = target


def _property(found: Imported, name: str, column: dict[str, Any], stated: Mapping[str, Any]) -> None:
    if not (stated.get("required") or stated.get("primaryKey")):
        column["max_nulls"] = 1
    if stated.get("unique"):
        column["unique"] = True
    for option, value in (stated.get("logicalTypeOptions") or {}).items():
        if option in _OPTIONS:
            column[_OPTIONS[option]] = value
        else:
            found.leave_out(name, {option: value})
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


def _table_rule(found: Imported, rule: Mapping[str, Any], known: Mapping[str, tuple[str, str]]) -> None:
    """Take over a rule on the number of rows, or on a key of several columns; list any other."""
    metric = rule.get("metric") or rule.get("rule")
    key = (rule.get("arguments") or {}).get("properties")
    bounds = _bounds(rule)
    if metric == "rowCount" and bounds:
        found.table.setdefault("rows", {}).update(bounds)
    elif metric == "duplicateValues" and rule.get("mustBe") == 0 and key and "unique" not in found.table:
        found.table["unique"] = [known.get(f"{found.name}.{name}", ("", str(name)))[1] for name in key]
    else:
        found.leave_out("the table", rule)


def _bounds(rule: Mapping[str, Any]) -> dict[str, int]:
    """Return the least and the largest whole number that a rule allows; neither end of `mustBeBetween` is in it."""
    steps = {
        "mustBeGreaterThan": ("min", 1),
        "mustBeGreaterOrEqualTo": ("min", 0),
        "mustBeLessThan": ("max", -1),
        "mustBeLessOrEqualTo": ("max", 0),
    }
    stated = {key: rule[key] for key in steps if key in rule}
    if "mustBeBetween" in rule:
        stated["mustBeGreaterThan"], stated["mustBeLessThan"] = rule["mustBeBetween"]
    return {steps[key][0]: limit + steps[key][1] for key, limit in stated.items()}
