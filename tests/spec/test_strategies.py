"""The random specs are what they claim to be: other suites rely on it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcc.backends import BACKENDS
from mlcc.gates import GATES
from mlcc.load.source import plain, read
from mlcc.planning.planner import plan
from mlcc.resolving.resolve import resolve
from mlcc.spec.validate import validate
from tests.spec.gate_parts import Near
from tests.spec.gate_strategies import kinds, params
from tests.spec.strategies import specs, to_yaml

draws = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)

# Columns of predictions that no metric reads which the kind takes, and what needs a variable of the gate.
NEVER = {
    "feature_value": {"lower", "upper", "scores"},
    "slices": {"query", "series", "time"},
    "answers": {"token"},
}


@draws
@given(specs())
def test_every_spec_is_planned_and_lowered(data: dict[str, Any]) -> None:
    source = read(to_yaml(data).encode(), "mlcc.yaml")
    made = plan(resolve(validate(source), source))
    assert all(BACKENDS[name].compile(made) for name in BACKENDS)
    assert set(made.nodes) >= {*data.get("jobs", {}), *data.get("gates", {})}


@draws
@given(specs())
def test_the_text_reads_as_the_data(data: dict[str, Any]) -> None:
    assert plain(read(to_yaml(data).encode(), "mlcc.yaml").root) == data


@pytest.mark.parametrize("kind", GATES)
def test_gates_have_every_key(kind: str) -> None:
    """Of 400 gates of a kind, each key of its parameters is in some."""
    tables = ("g", "t", "u")
    nears = [
        Near("g", is_table=True, tables=tables, alike=tables[1:], numbers=("n",), readable=tables[1:]),
        Near("g", is_model=True, tables=tables[1:], numbers=("n",), readable=("t", "n")),
        Near("g", is_model=True, folder=True, tables=tables[1:], readable=tables[1:]),
    ]
    seen: set[str] = set()

    @settings(draws, max_examples=600, derandomize=True, database=None)
    @given(st.one_of([params(kind, near) for near in nears if kind in kinds(near)]))
    def collect(drawn: dict[str, Any]) -> None:
        seen.update(drawn)

    collect()
    fields = GATES[kind].params().model_fields
    assert {field.alias or name for name, field in fields.items()} - seen == NEVER.get(kind, set())


def test_the_specs_are_varied() -> None:
    """Of 600 specs, each feature of the language that a back end has to lower is in some."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=400,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(specs())
    def collect(data: dict[str, Any]) -> None:
        nodes = [*data.get("jobs", {}).values(), *data.get("gates", {}).values()]
        origins = [a["from"] for a in data.get("artifacts", {}).values() if "from" in a]
        for node in (*nodes, *origins):
            seen.update(node.keys())
            seen.update(
                key for value in node.get("env", {}).values() if isinstance(value, dict) for key in value
            )
            conditions = node.get("when", [])
            for condition in conditions if isinstance(conditions, list) else [conditions]:
                seen.update(f"when.{key}" for key in condition)

    collect()
    wanted = {
        "run", "remote", "reads", "writes", "evaluates", "needs", "env", "matrix", "services", "cache", "timeout", "retry",
        "runner",
        "python", "image", "environment", "auth", "finally", "reports", "checkout", "path", "outputs", "blocking", "waive",
        *GATES, "dvc", "secret", "var", "input", "context", "output", "as", "default",
        "when.event", "when.branch", "when.trigger", "when.status", "when.gate", "when.verdict", "when.input",
    }  # fmt: skip
    assert wanted - set(seen) == set()
