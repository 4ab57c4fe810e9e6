"""What holds of every lint: no spec breaks it, every finding has a place, and it comes out the same again."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from mlcc.lint import META, RULES, Subject, run
from mlcc.lint.environment import environment_of
from mlcc.lint.reach import allows, kept_away, reach
from mlcc.load.source import Source, plain, read
from mlcc.planning.planner import plan
from mlcc.planning.topology import ancestors
from mlcc.resolving.resolve import resolve
from mlcc.semantics import DIFF_EVENTS
from mlcc.spec import fast
from mlcc.spec.models import Spec
from tests.spec.strategies import specs, to_yaml


def subject_of(spec: Spec, source: Source) -> Subject:
    return Subject(spec, source, plan(resolve(spec, source)))


@given(specs())
@settings(max_examples=80, deadline=None)
def test_every_finding_has_a_place_in_the_text(data: dict[str, Any]) -> None:
    source = read(to_yaml(data).encode(), "mlcc.yaml")
    subject = subject_of(Spec.model_validate(plain(source.root)), source)
    lines = source.texts["mlcc.yaml"].split("\n")
    for finding in run(subject):
        span = finding.span
        assert span is not None
        assert finding.code in RULES or finding.code in META
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert finding.message


@given(specs())
@settings(max_examples=40, deadline=None)
def test_the_fast_loader_and_the_models_give_the_same_findings(data: dict[str, Any]) -> None:
    source = read(to_yaml(data).encode(), "mlcc.yaml")
    values = plain(source.root)
    quick = fast.load(values)
    assert quick is not None
    assert run(subject_of(quick, source)) == run(subject_of(Spec.model_validate(values), source))


@given(specs())
@settings(max_examples=40, deadline=None)
def test_who_is_kept_away_is_kept_away_by_somebody(data: dict[str, Any]) -> None:
    source = read(to_yaml(data).encode(), "mlcc.yaml")
    plan = subject_of(Spec.model_validate(plain(source.root)), source).plan
    reached = reach(plan)
    blamed = kept_away(plan, reached)
    victims = {id for _, ids in blamed.values() for id in ids}
    for event, found in reached:
        for id, node in plan.nodes.items():
            if (
                event.kind in DIFF_EVENTS
                and id not in found
                and not node.status
                and allows(plan, node, event)
            ):
                assert id in victims
    for root, (events, ids) in blamed.items():
        assert events
        assert all(root in ancestors(id, plan.incoming) for id in ids)


@given(specs())
@settings(max_examples=40, deadline=None)
def test_what_arrives_is_named_once(data: dict[str, Any]) -> None:
    source = read(to_yaml(data).encode(), "mlcc.yaml")
    subject = subject_of(Spec.model_validate(plain(source.root)), source)
    for id, node in subject.plan.nodes.items():
        names = environment_of(node, subject.plan)
        assert names == sorted(set(names))
        assert {name for name, _ in node.env} <= set(names)
        assert all(f"ARTIFACT_{take.artifact.upper().replace('-', '_')}" in names for take in node.takes), id
