"""The published JSON Schema: sound in itself, right about specs that extend others, documented throughout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlcc.load.source import load, plain
from mlcc.spec.schema import spec_schema

ROOT = Path(__file__).parents[2]
SCHEMA = spec_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
HEAD = {"version": 1, "name": "a", "triggers": {"push": {"branches": ["main"]}}}


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Return every mapping inside a schema."""
    if isinstance(schema, dict):
        yield schema
    for item in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(item)


def test_it_is_a_schema_with_an_address() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "https://mlcc.dev/schema/1"
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_null_is_nowhere_a_value() -> None:
    assert not [part for part in parts(SCHEMA) if part.get("type") == "null"]


def test_every_reference_leads_somewhere_and_every_definition_is_used() -> None:
    references = {
        part["$ref"].removeprefix("#/$defs/") for part in parts(SCHEMA) if isinstance(part.get("$ref"), str)
    }
    assert references == set(SCHEMA["$defs"])


def test_every_definition_is_closed_and_described() -> None:
    for name, definition in SCHEMA["$defs"].items():
        assert definition["additionalProperties"] is False, name
        assert definition["description"], name
        assert definition["title"], name


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("**/mlcc.yaml")), ids=lambda path: path.parent.name
)
def test_examples(path: Path) -> None:
    VALIDATOR.validate(plain(load(path).root))


def test_a_spec_that_extends_may_leave_out_what_it_inherits() -> None:
    partial = {"version": 1, "name": "b", "jobs": {"train": {"timeout": "2h"}}}
    assert not VALIDATOR.is_valid(partial)
    assert VALIDATOR.is_valid({**partial, "extends": ["base.yaml"]})


@pytest.mark.parametrize(
    "change",
    [
        {"extends": []},
        {"extends": "base.yaml"},
        {"jobs": {"train": {"tiemout": "2h"}}},
        {"jobs": {"train": {"timeout": "soon"}}},
        {"jobs": {"train": {"python": "3.12", "image": "x"}}},
        {"jobs": {"Train": {}}},
        {"jobs": {"train": {"env": {"A": {"secret": "B", "var": "C"}}}}},
        {"gates": {"g": {"tests": {}, "command": {}}}},
        {"jobs": {"drop": 3}},
        {"jobs": {"train": {"drop": "env"}}},
        {"jobs": {"train": {"reads": {"drop": ["a"]}}}},
    ],
)
def test_what_it_states_itself_is_checked_all_the_same(change: dict[str, Any]) -> None:
    spec = {"version": 1, "name": "b", "extends": ["base.yaml"]}
    assert VALIDATOR.is_valid(spec)
    assert not VALIDATOR.is_valid({**spec, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"jobs": {"drop": ["old"], "train": {"drop": ["env"], "env": {"drop": ["A"]}}}},
        {"artifacts": {"drop": ["x"]}, "drop": ["auth"]},
        {"gates": {"g": {"contract": {"columns": {"drop": ["income"]}}}}},
        {"jobs": {"drop": {"run": "x"}}},  # a job of that name
    ],
)
def test_drop(change: dict[str, Any]) -> None:
    VALIDATOR.validate({"version": 1, "name": "b", "extends": ["base.yaml"], **change})


def test_drop_is_nothing_without_extends() -> None:
    assert not VALIDATOR.is_valid({**HEAD, "jobs": {"drop": ["old"]}})
    assert not VALIDATOR.is_valid({**HEAD, "drop": ["jobs"]})


def test_patterns_read_the_same_in_javascript() -> None:
    """Editors compile patterns with the `u` flag: no Python-only construct, no needless escape."""
    patterns = {part["pattern"] for part in parts(SCHEMA) if isinstance(part.get("pattern"), str)}
    patterns |= {key for part in parts(SCHEMA) for key in part.get("patternProperties", {})}
    for pattern in patterns:
        escaped = set(re.findall(r"\\(.)", pattern))  # in pairs, so that an escaped backslash escapes nothing
        assert escaped <= set("dswSDW.*+?^${}()|[]/\\"), pattern
        assert "(?P" not in pattern, pattern


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({"jobs": {"a": {"run": "x", "timeout": {"param": "longest"}}}}, True),
        ({"jobs": {"a": {"run": "x", "retry": {"param": "tries"}, "env": {"A": {"param": "a"}}}}}, True),
        ({"triggers": {"schedule": {"weekly": {"param": "hour"}}}}, True),
        ({"jobs": {"a": {"run": {"param": "how"}}}}, False),
        ({"jobs": {"a": {"run": "x", "setup": [{"param": "how"}]}}}, False),
        ({"jobs": {"a": {"run": "x", "timeout": {"param": "longest", "default": "1h"}}}}, False),
        ({"name": {"param": "name"}}, False),
        ({"params": {"a": {"type": {"param": "b"}}}}, False),
    ],
)
def test_a_param_stands_for_a_value_but_no_command(change: dict[str, Any], valid: bool) -> None:
    spec = {**HEAD, "jobs": {"a": {"run": "x"}}}
    assert VALIDATOR.is_valid(spec)
    assert VALIDATOR.is_valid({**spec, **change}) is valid
