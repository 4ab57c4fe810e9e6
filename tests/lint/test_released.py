"""What a release runs is neither committed nor written by a job: rules that tell those apart say so."""

from __future__ import annotations

from mlcc.lint import RULES
from tests.lint.cases import subject
from tests.plans import HEAD

SPEC = (
    HEAD
    + """store: {uri: stored/}
environments: {live: {}}
artifacts:
  model: {kind: model, path: build/model/}
  scores: {kind: file, path: build/scores.json}
  champion: {kind: model, path: build/model/old/, from: {release: live}, first: none}
  last: {kind: file, path: build/last.json, from: {release: live}, first: none}
  rows: {kind: data, path: build/rows.csv}
  old-rows: {kind: data, path: build/old-rows.csv, from: {release: live}, first: none}
jobs:
  train: {run: python train.py, writes: [model, scores, rows]}
  use: {run: python use.py, reads: [champion, old-rows]}
  peek: {run: python peek.py build/last.json, reads: [model]}
gates:
  good: {guards: model, evaluate: {metrics_from: last, metrics: {auc: {min: 0.7}}}}
releases:
  live: {deploys: [model, scores, rows], run: ship, rollback: none}
"""
)


def found(rule: str) -> list[str]:
    """Return the messages of a rule, each with its help."""
    return [f"{one.message}; {one.help}" for one in RULES[rule].check(subject(SPEC))]


def test_a_path_of_it_that_a_node_uses_without_taking_it() -> None:
    assert found("undeclared-path") == [
        "'peek' uses build/last.json of 'last' without taking it: the release 'live' runs it, and it doesn't get "
        "here; add 'last' to its `reads`"
    ]


def test_it_lies_inside_another_artifact() -> None:
    assert found("overlapping-artifacts") == [
        "'champion' lies inside 'model'; give each artifact a place of its own"
    ]


def test_it_is_no_evidence_of_a_run() -> None:
    assert found("unrelated-evidence") == [
        "the evidence of 'good' isn't about what it guards: 'last' is what a release runs, so it says nothing about this run's "
        "'model'; let a job that `evaluates: [model]` write 'last'"
    ]


def test_its_data_was_judged_before_it_was_promoted() -> None:
    assert found("committed-data-without-contract") == []
    assert found("data-without-contract") == []
