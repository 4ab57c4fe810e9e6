"""What random and large pipelines compile to: real Groovy takes it, it fits, and no user's text is code."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcc.backends import BACKENDS, Usage
from mlcc.backends._checks import check_limits
from mlcc.backends.jenkins import limits
from mlcc.backends.jenkins.groovy import groovy
from mlcc.backends.jenkins.headroom import KEYS, SYSTEM
from mlcc.backends.jenkins.lower import lower
from mlcc.backends.jenkins.model import NODES, Parameter, Part, Row
from mlcc.backends.jenkins.render import render
from mlcc.backends.jenkins.size import constants
from mlcc.plan import Plan
from mlcc.record import replace
from tests.backends.jenkins.groovy import compile_groovy, constant_count, method_sizes
from tests.plans import HEAD, plan_of
from tests.spec.strategies import specs, to_yaml
from tests.static.jenkinsfiles import jenkinsfile_findings

# What the sandboxed transformation makes of a method is at most so many times larger; see limits.py for real figures.
PLAIN_SHARE = 0.5


def jenkinsfiles(number: int) -> list[tuple[Plan, str]]:
    """Return random plans and what they compile to; each is compiled twice, and must come out the same."""
    made: list[tuple[Plan, str]] = []

    @settings(max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(specs())
    def collect(data: object) -> None:
        plan = plan_of(to_yaml(data))  # type: ignore[arg-type]
        (file,) = BACKENDS["jenkins"].compile(plan)
        assert BACKENDS["jenkins"].compile(plan) == [file]
        assert file.text.isascii()
        assert all(use.used <= use.limit.allowed for use in BACKENDS["jenkins"].usage(plan))
        made.append((plan, file.text))

    collect()
    return made


def test_random_pipelines_are_what_jenkins_takes(tmp_path: Path) -> None:
    files = []
    for number, (_, text) in enumerate(jenkinsfiles(120)):
        path = tmp_path / f"c{number}.groovy"
        path.write_text(text, "ascii")
        files.append(path)
    assert jenkinsfile_findings(files) == []
    compile_groovy(files[:40], tmp_path / "classes")


def large(nodes: int) -> Plan:
    """Return a plan with that many nodes, each with its own texts; up to 200 of them with everything that a node can have."""
    lines = ["artifacts:", "  code: {kind: code, path: [src/]}"]
    lines += [f"  w{i}: {{kind: data, path: out/{i}/}}" for i in range(nodes)]
    lines.append("jobs:")
    rich = nodes <= 200
    for i in range(nodes):
        before = ", ".join(["code", *(f"w{other}" for other in range(max(0, i - (4 if rich else 1)), i))])
        more = f"env: {{A: {{secret: S{i}}}}}"
        if rich:
            more = (
                f"env: {{A: {{secret: S{i}}}, B: {{var: V{i}, default: x}}}}, blocking: false, "
                f"services: {{db: {{image: 'db:{i}', port: 5432, env: {{L: literal{i}}}}}}}, "
                f"cache: {{pip: {{path: [a, b], key: [r{i}.txt]}}}}, matrix: {{axes: {{seed: [1, 2]}}}}"
            )
        lines.append(f"  node-{i}: {{run: t, reads: [{before}], writes: [w{i}], {more}}}")
    return plan_of(HEAD + "\n".join(lines) + "\n")


@pytest.mark.parametrize("nodes", [50, 200, 400, 1000])
def test_large_pipelines_fit_into_methods_and_a_class(nodes: int, tmp_path: Path) -> None:
    plan = large(nodes)
    file = lower(plan)
    path = tmp_path / "Large.groovy"
    path.write_text(render(file), "ascii")
    compile_groovy([path], tmp_path)
    made = max(
        ((size, name) for one in tmp_path.glob("Large*.class") for name, size in method_sizes(one).items())
    )
    # Groovy makes one method for every 5,000 calls of its own, which is the largest from some hundred nodes on.
    assert made[0] <= limits.METHOD.allowed * PLAIN_SHARE or made[1].startswith("$createCallSiteArray")
    assert made[0] <= 40_100
    assert constant_count(tmp_path / "Large.class") <= constants(file.rows) <= limits.CONSTANTS.allowed
    assert BACKENDS["jenkins"].check(plan) == []
    assert all(len(part.rows) <= limits.ROWS for part in file.parts)


def test_what_outgrows_the_class_is_an_error_that_says_so() -> None:
    plan = large(200)
    (found,) = [use for use in BACKENDS["jenkins"].usage(plan) if use.limit is limits.CONSTANTS]
    assert 10_000 < found.used < limits.CONSTANTS.allowed
    (error,) = check_limits(plan, SYSTEM, [Usage(limits.CONSTANTS, 60_000, "all nodes together")], KEYS)
    assert error.code == "limit"
    assert "constants" in error.message
    (error,) = check_limits(plan, SYSTEM, [Usage(limits.LIST, 200, "node-3")], KEYS)
    assert error.span is not None


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_no_text_gets_out_of_its_quotes(text: str) -> None:
    """Descriptions, images and values of services are the free texts of a file; without their literals nothing is left."""
    marked = f"canary{text}canary"
    file = lower(
        plan_of(HEAD + "artifacts: {c: {kind: code, path: [s/]}}\njobs: {j: {run: t, reads: [c]}}\n")
    )
    made = render(
        replace(
            file,
            home=marked,
            facts=(marked,),
            parts=(Part(0, (Row(NODES, marked, {"image": marked, "paths": (marked,)}),)),),
            parameters=(Parameter("A", "choice", marked, marked, (marked,)),),
        )
    )
    assert made.count(groovy(marked)) >= 6
    assert "canary" not in made.replace(groovy(marked), "")
