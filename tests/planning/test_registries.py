"""Nodes that register versions of models, and those that fetch one: what they run, and what reaches whom."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from mlcc.lint.environment import environment_of
from mlcc.plan import Command, Plan, Secret, Text, Variable
from mlcc.plan.document import to_runtime
from tests.plans import HEAD, plan_of

SPEC = (
    HEAD
    + """store: {uri: stored/}
defaults: {setup: [pip install heavy], working_directory: src/}
artifacts:
  model: {kind: model, path: build/m/, registry: {mlflow: "https://a.example", model: credit}, env: {KEY: {secret: KEY}}}
  old: {kind: model, path: "b/it's/", store: true, from: {registry: {mlflow: {var: TRACKING}, model: credit, alias: best}}}
  one: {kind: model, path: one.onnx, from: {registry: {mlflow: "https://a.example", model: credit, version: 7}, setup: [ls]}}
jobs:
  fit: {run: make, writes: [model]}
  use: {run: make, reads: [model]}
  compare: {run: make, reads: [old, one]}
gates:
  sane: {guards: model, command: {run: make}}
"""
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(SPEC)


def test_who_reaches_a_registry_and_with_what(plan: Plan) -> None:
    address, key = Text("https://a.example"), Secret("KEY")
    wanted: dict[str, dict[str, Any]] = {
        "fit": {"MLFLOW_TRACKING_URI": address, "KEY": key},
        "use": {"MLFLOW_TRACKING_URI": address, "KEY": key},
        "sane": {"MLFLOW_TRACKING_URI": address, "KEY": key},
        "fetch-old": {"MLFLOW_TRACKING_URI": Variable("TRACKING")},
        "fetch-one": {"MLFLOW_TRACKING_URI": address},
        "compare": {},
    }
    assert {id: dict(node.env) for id, node in plan.nodes.items()} == wanted
    assert {id for id, node in plan.nodes.items() if node.registers} == set(wanted) - {"compare"}
    assert {id for id, node in plan.nodes.items() if node.stores} == {"fetch-old", "compare"}
    assert all(node.trusted for node in plan.nodes.values())


def test_what_fetches_a_version(plan: Plan) -> None:
    old, one = plan.nodes["fetch-old"].work, plan.nodes["fetch-one"].work
    assert isinstance(old, Command)
    assert isinstance(one, Command)
    assert shlex.split(old.run) == [
        "python3", "-I", "../.mlcc/registry.py", "take", "credit", "@best", "../b/it's/", "VERSION_OLD",
    ]  # fmt: skip
    assert shlex.split(one.run)[4:] == ["credit", "7", "../one.onnx", "VERSION_ONE"]
    assert (old.setup, one.setup) == ((), ("ls",))
    assert plan.nodes["fetch-old"].outputs == ("VERSION_OLD",)


def test_the_number_reaches_who_takes_the_model(plan: Plan) -> None:
    found = {id: [n for n in environment_of(node, plan) if "VERSION" in n] for id, node in plan.nodes.items()}
    assert {id: names for id, names in found.items() if names} == {
        "use": ["VERSION_MODEL"],
        "sane": ["VERSION_MODEL"],
        "compare": ["VERSION_OLD", "VERSION_ONE"],
    }


def test_what_the_runtime_reads(plan: Plan) -> None:
    found = to_runtime(plan)
    assert {id: one["registry"] for id, one in found["artifacts"].items()} == dict.fromkeys(
        ("model", "old", "one"), "credit"
    )
    assert [id for id, node in found["nodes"].items() if "registers" not in node] == ["compare"]
