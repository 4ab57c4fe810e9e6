"""What a CI system does worse than the language says is an error at the spec's line, unless it is waived."""

from __future__ import annotations

from typing import get_args

import pytest

from mlcc.backends import BACKENDS, Capability, Grade
from mlcc.compiler import chosen_targets
from mlcc.ledger import FEATURES, losses, uses
from mlcc.render_diagnostics import to_text
from tests.plans import plan_of

SPEC = """\
version: 1
name: demo
triggers: {push: {branches: [main]}}
artifacts: {code: {kind: code, path: [src/]}, model: {kind: model, path: m.bin}}
jobs:
  train:
    run: make
    reads: [code]
    writes: [model]
    services: {db: {image: postgres, port: 5432}}
  clean: {run: make clean, needs: [train], when: {status: always}}
gates:
  good: {guards: model, command: {run: ./judge}}
"""


def ledger(**grades: Grade) -> tuple[Capability, ...]:
    """Return a ledger in which everything is exact but what is named (with _ for -)."""
    named = {name.replace("_", "-"): grade for name, grade in grades.items()}
    return tuple(
        Capability(feature, named.get(feature, "exact"), "by hand", "https://x.example")
        for feature in FEATURES
    )


@pytest.mark.parametrize("name", BACKENDS)
def test_every_back_end_grades_every_feature_with_a_source(name: str) -> None:
    capabilities = BACKENDS[name].capabilities
    assert [c.feature for c in capabilities] == list(FEATURES)
    for capability in capabilities:
        assert capability.grade in get_args(Grade)
        assert capability.how
        assert capability.source.startswith("https://")
    for limit in BACKENDS[name].limits:
        assert limit.source
        assert 0 < limit.allowed <= limit.most


def test_what_a_pipeline_uses() -> None:
    used = {use.feature for use in uses(plan_of(SPEC))}
    assert used == {
        "triggers.push", "selection", "final-node", "guards", "timeout", "artifacts", "services", "status-nodes",
        "always-after-cancel",
    }  # fmt: skip


def test_exact_emulated_and_stricter_compile() -> None:
    assert losses(plan_of(SPEC), "x", ledger(services="emulated", timeout="stricter")) == []


@pytest.mark.parametrize(
    ("grade", "verb"), [("weaker", "does only in a weaker way"), ("impossible", "can't do")]
)
def test_a_loss_is_an_error_at_the_line_with_the_way_to_waive_it(grade: Grade, verb: str) -> None:
    (found,) = losses(plan_of(SPEC), "jenkins", ledger(services=grade))
    assert found.code == grade
    assert found.message == f"jenkins {verb} 'services' (containers beside a node): by hand"
    assert found.span is not None
    assert found.span.line == 10
    assert 'targets: {jenkins: {waive: {services: {reason: "...", until: "YYYY-MM-DD"}}}}' in str(found.help)


TABLE = """\
version: 1
name: demo
triggers: {push: {branches: [main]}}
artifacts: {live: {kind: data, table: spark://t}}
gates: {ok: {guards: live, command: {run: ./judge}}}
"""
READER = "jobs:\n  use:\n    run: make\n    reads: [live]\n"


def test_only_who_reads_a_table_loses_by_its_missing_digest() -> None:
    assert "table-without-snapshot" not in {use.feature for use in uses(plan_of(TABLE))}
    (found,) = losses(plan_of(TABLE + READER), "x", ledger(table_without_snapshot="weaker"))
    assert found.span is not None
    assert found.span.line == 9


def test_who_reads_a_table_as_of_the_moment_of_the_run_loses_nothing() -> None:
    past = (TABLE + READER).replace("spark://t", '"bigquery://t", snapshot: true')
    found = [use for use in uses(plan_of(past)) if use.feature.startswith("table-")]
    assert {use.feature for use in found} == {"table-snapshot"}
    assert [use.span.line for use in found if use.span is not None] == [5, 9]


def test_a_loss_that_the_pipeline_does_not_use_is_none() -> None:
    assert losses(plan_of(SPEC), "x", ledger(image="impossible", auth="weaker")) == []


def test_one_diagnostic_names_the_places_of_a_feature() -> None:
    (found,) = losses(plan_of(SPEC), "x", ledger(timeout="weaker"))
    assert found.span is not None
    assert [found.span.line, *(related.span.line for related in found.related)] == [6, 11, 13]


def test_a_waiver_bears_its_feature_on_its_back_end_alone() -> None:
    spec = (
        SPEC
        + 'targets: {github: {waive: {services: {reason: "they are faked there", until: "2030-01-31"}}}}\n'
    )
    plan = plan_of(spec)
    assert losses(plan, "github", ledger(services="impossible")) == []
    assert [d.code for d in losses(plan, "other", ledger(services="impossible"))] == ["impossible"]
    assert [d.code for d in losses(plan, "github", ledger(timeout="impossible"))] == ["impossible"]


def test_a_waiver_of_nothing_known() -> None:
    spec = (
        SPEC
        + 'targets: {github: {waive: {service: {reason: "they are faked there", until: "2030-01-31"}}}}\n'
    )
    found = losses(plan_of(spec), "github", ledger())
    shown = to_text(found, {})
    assert "error[unknown-feature]: there is no feature 'service' to waive" in shown
    assert "did you mean 'services'?" in shown
    assert found[0].span is not None
    assert found[0].span.line == 14


def test_the_call_wins_over_the_spec_and_github_is_the_default() -> None:
    plain, named = plan_of(SPEC), plan_of(SPEC + "targets: {github: {}}\n")
    assert chosen_targets(plain, ()) == ("github",)
    assert chosen_targets(named, ()) == ("github",)
    assert chosen_targets(named, ("other",)) == ("other",)
