"""What each CI system gives to the nodes that reach a registry: its own job's login where the registry is its own."""

from __future__ import annotations

import pytest

from mlcc.backends import BACKENDS
from mlcc.backends.github.lower import lower
from mlcc.backends.github.model import Permission, RunStep
from mlcc.backends.github.overlay import Overlay
from mlcc.backends.github.partition import Part
from mlcc.backends.github.parts import lower_parts
from mlcc.backends.github.platform import GitHub
from mlcc.backends.gitlab.platform import GitLab
from mlcc.backends.jenkins.platform import Jenkins
from mlcc.plan import Plan
from tests.plans import HEAD, plan_of

SPEC = """environments: {production: {}}
artifacts:
  server: {kind: image, repository: ghcr.io/acme/credit, build: {context: serve/}}
  base: {kind: image, repository: ghcr.io/acme/base, from: {tag: v1}}
  other: {kind: image, repository: ghcr.io/acme/o, login: {user: a, password: {secret: P}}, build: {context: o/}}
  hub: {kind: image, repository: docker.io/library/busybox, from: {tag: v1}}
jobs:
  scan: {run: make, reads: [server]}
  free: {run: make, reads: [hub]}
gates:
  starts: {guards: server, command: {run: make}}
releases:
  production: {deploys: [server], run: make, rollback: {run: make}}
"""
WRITES = ("build-server", "production", "production-rollback")
READS = ("fetch-base", "scan", "starts")
NEITHER = ("build-other", "fetch-hub", "free")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(HEAD + SPEC)


def test_github_grants_packages_to_whom_needs_them(plan: Plan) -> None:
    jobs = {job.id: job for job in lower(plan).jobs}
    access = {id: {p.scope: p.access for p in jobs[id].permissions}.get("packages") for id in plan.nodes}
    assert access == {
        **dict.fromkeys(WRITES, "write"),
        **dict.fromkeys(READS, "read"),
        **dict.fromkeys(NEITHER),
    }
    for id in plan.nodes:
        tokens = [step.env.get("MLCC_TOKEN") for step in jobs[id].steps if isinstance(step, RunStep)]
        assert all(bool(token) == (id in (*WRITES, *READS)) for token in tokens), id


def test_a_called_workflow_may_write_where_one_of_its_jobs_does(plan: Plan) -> None:
    parts = [Part(tuple(plan.nodes), ())]
    main, _ = lower_parts(plan, parts, Overlay({}, {}))
    (call,) = main.calls
    found = [p for p in call.permissions if p.scope == "packages"]
    assert [p.access for p in found] == ["write"]
    assert Permission("contents", "read") in call.permissions


def test_a_login_reaches_whom_takes_the_image_and_no_command(plan: Plan) -> None:
    assert {id for id, node in plan.nodes.items() if node.secrets} == {"build-other"}
    assert plan.nodes["build-other"].secrets == ("P",)
    assert plan.nodes["build-other"].env == ()


def test_no_build_runs_for_a_fork_and_a_lookup_may(plan: Plan) -> None:
    assert {id for id, node in plan.nodes.items() if node.trusted} == {*WRITES, "build-other"}


def test_each_system_has_a_login_of_its_own_registry_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCC_TOKEN", "job-token")
    monkeypatch.setenv("GITHUB_ACTOR", "ada")
    assert GitHub().registry_login("ghcr.io") == ("ada", "job-token")
    assert GitHub().registry_login("docker.io") is None
    monkeypatch.delenv("MLCC_TOKEN")
    assert GitHub().registry_login("ghcr.io") is None
    monkeypatch.setenv("CI_REGISTRY", "registry.gitlab.com")
    monkeypatch.setenv("CI_REGISTRY_USER", "gitlab-ci-token")
    monkeypatch.setenv("CI_REGISTRY_PASSWORD", "job-token")
    assert GitLab().registry_login("registry.gitlab.com") == ("gitlab-ci-token", "job-token")
    assert GitLab().registry_login("ghcr.io") is None
    assert Jenkins().registry_login("ghcr.io") is None


def test_what_builds_is_an_obligation_of_each_system(plan: Plan) -> None:
    usual = {"github": "docker", "gitlab": "buildah", "jenkins": "docker"}
    for name, backend in BACKENDS.items():
        found = {one.id: one for one in backend.obligations(plan)}
        assert found["builder.build-server"].names[0] == usual[name]
    github = {one.id: one.what for one in BACKENDS["github"].obligations(plan)}
    assert "let this repository write it" in github["package.server"]
    assert "let this repository read it" in github["package.base"]
    assert {"package.other", "package.hub"}.isdisjoint(github)
