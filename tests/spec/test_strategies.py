"""The random specs are what they claim to be: other suites rely on it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings

from mlcc.backends import BACKENDS
from mlcc.planner import plan
from mlcc.resolve import resolve
from mlcc.source import plain, read
from mlcc.spec.validate import validate
from tests.spec.strategies import specs, to_yaml

draws = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)


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


def test_the_specs_are_varied() -> None:
    """Of 300 specs, each feature of the language that a back end has to lower is in some."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=300,
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
        "run", "reads", "writes", "evaluates", "needs", "env", "matrix", "services", "cache", "timeout", "retry", "runner",
        "python", "image", "environment", "auth", "finally", "reports", "checkout", "path", "outputs", "blocking", "waive",
        "tests", "contract", "evaluate", "command", "dvc", "secret", "var", "input", "context", "output", "as", "default",
        "when.event", "when.branch", "when.trigger", "when.status", "when.gate", "when.verdict", "when.input",
    }  # fmt: skip
    assert wanted - set(seen) == set()
