"""The fast loader, the models and the JSON Schema agree on every spec."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from mlcc.spec import fast
from mlcc.spec.models import Spec
from mlcc.spec.table import SPEC
from tests.spec.near_misses import STRANGE, slipped, valid
from tests.spec.strategies import specs

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "mlcc.schema.json").read_text())
TOP = {"version": 1, "name": "a", "triggers": {"push": {"branches": ["main"]}}}
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def draws(count: int) -> settings:
    """Return settings for specs, which are large."""
    return settings(max_examples=count, suppress_health_check=list(HealthCheck), deadline=None)


def same(fast_value: Any, model_value: Any) -> bool:
    """Tell whether the two trees have the same attributes and the same values of the same types."""
    if isinstance(model_value, BaseModel):
        names = type(model_value).model_fields
        if not isinstance(fast_value, SimpleNamespace) or vars(fast_value).keys() != names.keys():
            return False
        return all(same(getattr(fast_value, name), getattr(model_value, name)) for name in names)
    if type(fast_value) is not type(model_value):
        return False
    if isinstance(model_value, dict):
        return list(fast_value) == list(model_value) and all(
            same(fast_value[k], model_value[k]) for k in model_value
        )
    if isinstance(model_value, list):
        pairs = zip(fast_value, model_value, strict=False)
        return len(fast_value) == len(model_value) and all(same(a, b) for a, b in pairs)
    return bool(fast_value == model_value)


def by_models(data: object) -> Spec | None:
    try:
        return Spec.model_validate(data)
    except ValidationError:
        return None


def assert_agree(data: object) -> bool:
    """Assert that both loaders do the same with `data`; return whether they take it."""
    quick, thorough = fast.load(data), by_models(data)
    assert (quick is None) == (thorough is None)
    if thorough is not None:
        assert same(quick, thorough)
        assert VALIDATOR.is_valid(data)
    return thorough is not None


@draws(100)
@given(specs())
def test_sensible_specs_are_taken_by_all_three(data: dict[str, Any]) -> None:
    assert assert_agree(data)


@draws(200)
@given(valid(SPEC))
def test_every_key_of_the_language_is_taken_by_all_three(data: dict[str, Any]) -> None:
    assert assert_agree(data)


@draws(200)
@given(slipped(specs()))
def test_slips_in_sensible_specs(data: object) -> None:
    assert_agree(data)


@draws(400)
@given(slipped(valid(SPEC)))
def test_slips_anywhere_in_the_language(data: object) -> None:
    assert_agree(data)


@pytest.mark.parametrize("name", sorted(key for key in SPEC.keys if key != "version"))
@draws(25)
@given(data=st.data())
def test_slips_below_each_key(name: str, data: st.DataObject) -> None:
    assert_agree({**TOP, name: data.draw(slipped(valid(SPEC.keys[name].shape)))})


JOB_PLACES = (
    "run", "runner", "python", "image", "setup", "env", "auth", "services", "matrix", "timeout", "retry", "when", "path",
    "checkout", "reads", "outputs", "blocking", "reports", "nothing-like-it", "x-note",
)  # fmt: skip


@pytest.mark.parametrize("key", JOB_PLACES)
def test_strange_values_in_a_job(key: str) -> None:
    taken = 0
    for value in STRANGE:
        job = {"run": "x", key: value}
        taken += assert_agree({**TOP, "jobs": {"j": job}})
        if isinstance(value, str):
            taken += assert_agree({**TOP, "jobs": {"j": {**job, "env": {value: 1}}}})
    assert taken < 2 * len(STRANGE)


@pytest.mark.parametrize("value", STRANGE, ids=ascii)
def test_a_strange_value_inside_of_others(value: Any) -> None:
    values = {
        "value": {"A": value},
        "default": {"A": {"var": "B", "default": value}},
        "axis": {"A": {"matrix": value}},
    }
    for env in values.values():
        assert_agree({**TOP, "jobs": {"j": {"run": "x", "env": env}}})
    metric = {"guards": "m", "evaluate": {"metrics_from": "n", "metrics": {"r2": {"min": value}}}}
    column = {
        "guards": "m",
        "contract": {"columns": {"c": {"type": "number", "min": value, "values": [value]}}},
    }
    for gate in (metric, column, {"guards": "m", "tests": {"run": "x", "min_passed": value}}, value):
        assert_agree({**TOP, "gates": {"g": gate}})
    for artifact in (
        {"kind": "data", "path": value},
        {"kind": "code", "path": [value]},
        {"kind": value, "path": "x"},
        value,
    ):
        assert_agree({**TOP, "artifacts": {"a": artifact}})
    for key in ("version", "name", "requires", "triggers", "defaults", "targets", "jobs"):
        assert_agree({**TOP, key: value})
    assert_agree(value)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"jobz": {}}, id="unknown-key"),
        pytest.param({"version": 2}, id="version"),
        pytest.param({"version": "1"}, id="version-text"),
        pytest.param({"triggers": None}, id="null"),
        pytest.param({"triggers": {"push": {"branches": []}}}, id="empty-list"),
        pytest.param({"jobs": {"t": {"reads": ["a"]}}}, id="missing-run"),
        pytest.param({"jobs": {"T": {"run": "x"}}}, id="bad-id"),
        pytest.param({"jobs": {"t": {"run": "x", "python": "3.12", "image": "a"}}}, id="two-of-a-union"),
        pytest.param(
            {"jobs": {"t": {"run": "x", "env": {"A": {"secret": "B", "var": "C"}}}}}, id="two-values"
        ),
        pytest.param({"jobs": {"t": {"run": "x", "env": {"A": {}}}}}, id="no-value"),
        pytest.param({"jobs": {"t": {"run": "x", "env": {"A-B": 1}}}}, id="env-name"),
        pytest.param({"jobs": {"t": {"run": "x", "timeout": "3x"}}}, id="duration"),
        pytest.param({"jobs": {"t": {"run": "x", "retry": 6}}}, id="retry"),
        pytest.param({"jobs": {"t": {"run": "x", "retry": True}}}, id="bool-as-number"),
        pytest.param({"jobs": {"t": {"run": "x", "reads": "a"}}}, id="text-for-list"),
        pytest.param({"jobs": {"t": {"run": "x", "when": {"event": "psh"}}}}, id="event"),
        pytest.param({"jobs": {"t": {"run": "${{ x }}"}}}, id="expression"),
        pytest.param({"artifacts": {"a": {"kind": "data", "path": "../x"}}}, id="path-up"),
        pytest.param({"artifacts": {"a": {"kind": "data", "path": "/x"}}}, id="path-absolute"),
        pytest.param({"artifacts": {"a": {"kind": "data", "path": "x", "from": {}}}}, id="origin"),
        pytest.param({"gates": {"g": {"guards": "a"}}}, id="no-kind"),
        pytest.param(
            {"gates": {"g": {"guards": "a", "tests": {"run": "x"}, "command": {"run": "x"}}}}, id="two-kinds"
        ),
        pytest.param({"gates": {"g": {"guards": "a", "contract": {"columns": {}}}}}, id="no-columns"),
    ],
)
def test_what_is_wrong_by_structure_is_refused_by_all_three(change: dict[str, Any]) -> None:
    assert assert_agree(TOP)
    assert not assert_agree({**TOP, **change})
    assert not VALIDATOR.is_valid({**TOP, **change})
