"""The model of GitLab, against what its source says of single cases."""

from __future__ import annotations

import pytest
import yaml

from tests.equivalence.gitlab_model import Job, composite, created, decision, holds


def job(status: str, name: str = "a", *, allow_failure: bool = False, stage: int = 0) -> Job:
    return Job(name, "", stage, (), "on_success", allow_failure, status)


@pytest.mark.parametrize(
    ("statuses", "dag", "status"),
    [
        ([], True, "success"),
        (["success", "success"], True, "success"),
        (["success", "created"], True, "pending"),
        (["skipped", "created"], True, "skipped"),  # at once, without waiting for the other
        (["success", "failed"], True, "failed"),
        (["failed", "created"], True, "pending"),
        (["success", "skipped"], False, "success"),
        (["skipped"], False, "skipped"),
        (["failed", "skipped"], False, "failed"),
        (["failed", "created"], False, "running"),
        (["success", "canceled"], False, "canceled"),
        (["failed", "manual"], False, "manual"),
    ],
)
def test_status_of_several_jobs(statuses: list[str], dag: bool, status: str) -> None:
    assert composite([job(one) for one in statuses], dag) == status


def test_a_failure_that_is_allowed_is_a_success() -> None:
    assert composite([job("failed", allow_failure=True), job("success")], dag=True) == "success"
    assert composite([job("manual", allow_failure=True)], dag=True) == "skipped"


@pytest.mark.parametrize(
    ("when", "needs", "before", "wanted"),
    [
        ("on_success", ("a",), "success", "start"),
        ("on_success", ("a",), "skipped", "skip"),
        ("on_success", ("a",), "failed", "skip"),
        ("on_success", None, "skipped", "start"),
        ("manual", ("a",), "skipped", "skip"),
        ("always", ("a",), "skipped", "start"),
        ("always", None, "failed", "start"),
        ("always", None, "canceled", "skip"),
        ("always", None, "created", "wait"),
    ],
)
def test_what_starts(when: str, needs: tuple[str, ...] | None, before: str, wanted: str) -> None:
    one = Job("b", "", 1, needs, when, False)
    assert decision(one, [job(before), one]) == wanted


def test_jobs_of_a_pipeline() -> None:
    tree = yaml.safe_load(
        "stages: [run, final]\nworkflow: {rules: [{when: always}]}\ndefault: {}\nvariables: {}\n"
        "a: {stage: run, needs: [], parallel: {matrix: [{MLCC_LEG: [x, y]}]}}\n"
        "b: {stage: run, needs: [{job: a, optional: true}, {job: gone, optional: true}], allow_failure: true}\n"
        "c: {stage: run, needs: [], rules: [{if: '$P == \"1\"', when: manual, allow_failure: false}]}\n"
        "final: {stage: final, when: always}\n"
    )
    found = created(tree, {"P": "1"})
    assert [(j.name, j.leg, j.when, j.allow_failure) for j in found] == [
        ("a", "x", "on_success", False),
        ("a", "y", "on_success", False),
        ("b", "", "on_success", True),
        ("c", "", "manual", False),
        ("final", "", "always", False),
    ]
    assert found[2].needs == ("a", "gone")
    assert found[-1].needs is None
    assert [j.name for j in created(tree, {})] == ["a", "a", "b", "final"]


def test_a_need_that_is_not_there_must_be_optional() -> None:
    tree = {"stages": ["run"], "b": {"stage": "run", "needs": [{"job": "gone"}]}}
    with pytest.raises(ValueError, match="isn't there"):
        created(tree, {})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('$A == "x"', True),
        ('$A == "y" || $B == "z"', True),
        ('$A == "y" || $B == "z" && $A == "y"', False),
        ('($A == "x" || $B == "q") && $B == "z"', True),
        ("$A =~ /^x$/", True),
        (r"$A =~ /^\x{78}$/", True),
        (r"$C =~ /^a\/.*$/", True),
        ("$NONE", False),
        ("$A", True),
    ],
)
def test_expressions(expression: str, value: bool) -> None:
    assert holds(expression, {"A": "x", "B": "z", "C": "a/b"}) is value


@pytest.mark.parametrize("expression", ['$A = "x"', '"x" == $A', '$A == "x" "y"', '($A == "x"', "$A =~ /x"])
def test_what_the_model_does_not_know_it_refuses(expression: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        holds(expression, {"A": "x"})
