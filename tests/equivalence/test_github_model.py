"""The model's evaluator, against what GitHub documents of its expressions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.equivalence.github_model import compiled, starts, truth

NEEDS: dict[str, Any] = {
    "a": {"result": "success", "outputs": {"skip": ",b,c,"}},
    "b-c": {"result": "failure", "outputs": {}},
    "d": {"result": "skipped", "outputs": {"deny": ""}},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("needs.a.result == 'success'", True),
        ("needs.a.result == 'SUCCESS'", True),
        ("needs.b-c.result != 'failure'", False),
        ("contains(needs.a.outputs.skip, ',b,')", True),
        ("contains(needs.a.outputs.skip, ',B,')", True),
        ("!contains(needs.a.outputs.skip, ',x,')", True),
        ("contains(needs.a.outputs.none, ',b,')", False),
        ("contains(needs.*.result, 'failure')", True),
        ("contains(needs.*.result, 'fail')", False),
        ("contains(needs.*.result, 'cancelled')", False),
        ("(needs.b-c.result == 'success' || contains(needs.a.outputs.skip, ',c,'))", True),
        ("needs.d.outputs.deny", False),
        ("false || 'x' && 0 == ''", True),
        ("'it''s' == 'it''S'", True),
        ("needs.a.outputs.none == null || needs.a.outputs.none == ''", True),
        ("!needs.a.outputs.skip", False),
        ("1 == '1'", True),
        ("'a' == 0", False),
    ],
)
def test_expressions(expression: str, value: bool) -> None:
    evaluate, has_status = compiled("${{ " + expression + " }}")
    assert truth(evaluate({"needs": NEEDS, "false": False})) is value
    assert not has_status


@pytest.mark.parametrize(
    "expression", ["needs.a.result =", "a b", "(a", "toJSON(needs)", "a && 'b", "success(1)"]
)
def test_what_the_model_does_not_know_it_refuses(expression: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        compiled("${{ " + expression + " }}")


def test_a_job_that_is_not_needed_has_no_context() -> None:
    evaluate, _ = compiled("${{ needs.z.result == 'success' }}")
    with pytest.raises(KeyError):
        evaluate({"needs": NEEDS})


@pytest.mark.parametrize(
    ("condition", "ancestors", "cancelled", "started"),
    [
        (None, [], False, True),
        (None, ["success", "success"], False, True),
        (None, ["success", "skipped"], False, False),
        (None, ["success"], True, False),
        ("${{ needs.a.result == 'success' }}", ["failure"], False, False),
        ("${{ !cancelled() && needs.a.result == 'success' }}", ["failure"], False, True),
        ("${{ !cancelled() }}", ["success"], True, False),
        ("${{ always() }}", ["failure"], True, True),
        ("${{ failure() }}", ["skipped", "failure"], False, True),
        ("${{ failure() }}", ["skipped"], False, False),
        ("${{ success() || needs.a.result == 'success' }}", ["failure"], False, True),
    ],
)
def test_which_jobs_start(
    condition: str | None, ancestors: list[str], cancelled: bool, started: bool
) -> None:
    assert starts(condition, NEEDS, ancestors, cancelled) is started
