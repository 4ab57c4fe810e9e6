"""Rules and escapes mean to GitLab what they mean to the spec."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlcc.backends.gitlab import expr
from mlcc.runtime.patterns import name_matches
from tests.equivalence.gitlab_model import holds

LETTERS = st.sampled_from(list("ab/*?.-_ 'é\"$(){}[]|+^\\"))
NAMES = st.text(st.sampled_from(list("ab/.-_ 'é\"$(){}[]|+^\\")), max_size=8)


@settings(max_examples=1500, deadline=None)
@given(st.text(LETTERS, min_size=1, max_size=8), NAMES)
@example("release/**", "release/1/2")
@example("release/*", "release/1/2")
@example("**/x", "x")
@example("a\"b'c", "a\"b'c")
@example("/", "/")
def test_a_pattern_lets_in_the_same_names(pattern: str, name: str) -> None:
    term = expr.matches("CI_COMMIT_BRANCH", pattern)
    assert holds(term, {"CI_COMMIT_BRANCH": name}) is name_matches(pattern, name)


@settings(max_examples=300, deadline=None)
@given(st.text(LETTERS, min_size=1, max_size=8))
def test_a_pattern_is_one_token_to_gitlab(pattern: str) -> None:
    """GitLab's lexer: lib/gitlab/ci/pipeline/expression/lexeme/pattern.rb."""
    term = expr.matches("X", pattern)
    if " =~ " in term:
        operand = term.partition(" =~ ")[2]
        found = re.match(r"^/([^/]|\\/)+[^\\]/[ismU]*", operand)
        assert found is not None
        assert found.group() == operand


def expanded(text: str, variables: dict[str, str]) -> str:
    """Return what GitLab makes of a value: `$$` is a dollar sign, `$X` and `${X}` are variables."""

    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1] or match[2], "")

    return re.sub(r"\$\$|\$\{(\w+)\}|\$(\w+)", one, text)


@given(st.text(st.sampled_from(list("$aX{}%()_ ")), max_size=12))
@example("$X")
@example("$$X")
@example("${X}")
def test_a_literal_is_not_expanded(text: str) -> None:
    assert expanded(expr.literal(text), {"X": "secret", "aX": "secret"}) == text


def test_a_reference_is() -> None:
    assert expanded(expr.reference("X"), {"X": "v"}) == "v"


@pytest.mark.parametrize(
    ("term", "variables", "value"),
    [
        (expr.source("push"), {"CI_PIPELINE_SOURCE": "push"}, True),
        (expr.source("web", "api"), {"CI_PIPELINE_SOURCE": "api"}, True),
        (expr.source("web", "api"), {"CI_PIPELINE_SOURCE": "push"}, False),
        (
            expr.both([expr.source("web", "api"), expr.equals("X", "a/b")]),
            {"CI_PIPELINE_SOURCE": "web"},
            False,
        ),
        (expr.PROTECTED, {"CI_COMMIT_REF_PROTECTED": "true"}, True),
        (expr.PROTECTED, {}, False),
    ],
)
def test_terms(term: str, variables: dict[str, str], value: bool) -> None:
    assert holds(term, variables) is value


def test_only_plain_words_are_compared() -> None:
    with pytest.raises(ValueError, match="not a plain word"):
        expr.equals("X", 'a" || "')
