"""Profiles: what a node has where it says nothing itself, key by key."""

from __future__ import annotations

from typing import Any

from mlcc.plan import Command, Node, Release, Text
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


def test_a_preview_has_what_its_release_has_but_what_may_give_access() -> None:
    assert nodes()["live-preview"].timeout_seconds == 7200
    preview = plan_of(SPEC.replace("profile: slow}\n", "profile: heavy}\n")).nodes["live-preview"]
    assert (preview.machine.image, preview.machine.runner, preview.retry) == ("torch:2", "default", 0)
    assert isinstance(preview.work, Command)
    assert preview.work.setup == ("echo heavy",)
    assert env(preview) == {"A": "one", "B": "two"}


def test_who_drives_an_adapter_runs_in_the_project_s_folder_and_the_adapter_in_the_stated_one() -> None:
    text = (
        HEAD + "environments: {live: {}}\nartifacts: {model: {kind: model, path: m.bin}}\n"
        "jobs: {train: {run: make, writes: [model]}}\n"
        "releases:\n  live:\n    deploys: [model]\n    adapter: {command: ./serve.sh}\n    verify: {command: {run: make ask}}\n"
    )
    everywhere = "defaults: {working_directory: src}\n"
    profile = "    profile: there\nprofiles: {there: {working_directory: src, timeout: 3m}}\n"
    own = "    working_directory: src\n    timeout: 3m\n"
    for stated, within in ((everywhere, 600), (profile, 180), (own, 180)):
        found = plan_of(text + stated).nodes
        assert {node.working_directory for id, node in found.items() if id.startswith("live")} == {""}
        work = found["live"].work
        assert isinstance(work, Release)
        assert work.drive is not None
        assert (work.drive["folder"], work.drive["within"]) == ("src", within)
