"""Profiles: what a node has where it says nothing itself, key by key."""

from __future__ import annotations

from typing import Any

from mlcc.plan import Node, Text
from mlcc.release_steps import ROLLBACK_SUFFIX
from tests.plans import HEAD, plan_of

SPEC = (
    HEAD.replace("push:", "pull_request: {branches: [main]}, push:")
    + """\
defaults: {python: "3.11", timeout: 20m, retry: 1, setup: [echo all], env: {A: one, B: two}, working_directory: src}
runners: {gpu: {github: [gpu], gitlab: [gpu], jenkins: gpu}}
profiles:
  heavy: {runner: gpu, image: "torch:2", retry: 3, setup: [echo heavy], env: {B: three, C: four}}
  slow: {timeout: 2h}
environments: {live: {}}
artifacts: {model: {kind: model, path: m.bin}}
jobs:
  plain: {run: make}
  train: {run: make, writes: [model], profile: heavy, env: {C: own}}
  long: {run: make, profile: slow}
  own: {run: make, profile: heavy, python: "3.13", retry: 0, setup: [], runner: gpu}
gates:
  ok: {guards: model, command: {run: make test}, profile: heavy}
releases:
  live: {deploys: [model], run: make live, rollback: {run: make undo}, preview: {run: make plan}, profile: slow}
"""
)


def nodes() -> dict[str, Node]:
    return dict(plan_of(SPEC).nodes)


def env(node: Node) -> dict[str, Any]:
    return {name: value.text for name, value in node.env if isinstance(value, Text)}


def test_without_a_profile_the_defaults_hold() -> None:
    node = nodes()["plain"]
    assert (node.machine.runner, node.machine.image, node.retry) == ("default", None, 1)
    assert env(node) == {"A": "one", "B": "two"}


def test_a_profile_stands_over_the_defaults_and_below_the_node() -> None:
    node = nodes()["train"]
    assert (node.machine.runner, node.machine.image, node.retry) == ("gpu", "torch:2", 3)
    assert (node.timeout_seconds, node.working_directory) == (1200, "src")
    assert env(node) == {"A": "one", "B": "three", "C": "own"}
    assert nodes()["long"].timeout_seconds == 7200


def test_what_a_node_says_replaces_its_profile() -> None:
    node = nodes()["own"]
    assert (node.machine.image, node.retry) == (None, 0)
    assert nodes()["ok"].machine.image == "torch:2"
    assert nodes()["ok"].retry == 0  # a gate is never retried


def test_a_release_has_a_profile_and_its_preview_has_none() -> None:
    found = nodes()
    assert found["live"].timeout_seconds == 7200
    assert found["live" + ROLLBACK_SUFFIX].kind is not found["live"].kind
    assert found["live-preview"].timeout_seconds == 1200
