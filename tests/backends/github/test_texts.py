"""Texts of the spec that stand in the workflow: none is an expression, and a list of paths stays what it is."""

from __future__ import annotations

import pytest

from mlcc.backends import BACKENDS
from mlcc.compiler import obstacles
from tests.plans import place, plan_of

EXPRESSION = '"x${{ secrets.OTHER }}"'
HEAD = "version: 1\nname: ◆p\ntriggers: {push: {branches: [main]}}\n"
JOB = "jobs: {a: {run: 'true'}}\n"


def node(key: str) -> str:
    return HEAD.replace("◆", "") + f"jobs:\n  a:\n    run: 'true'\n    ◆{key}\n"


CASES = {
    "image": node(f"image: {EXPRESSION}"),
    "service image": node(f"services: {{db: {{image: {EXPRESSION}, port: 1}}}}"),
    "service variable": node(f"services: {{db: {{image: db, port: 1, env: {{A: {EXPRESSION}}}}}}}"),
    "default of a service variable": node(
        f"services: {{db: {{image: db, port: 1, env: {{A: {{var: V, default: {EXPRESSION}}}}}}}}}"
    ),
    "cache": node(f"cache: {{c: {{path: [{EXPRESSION}], key: [lock]}}}}"),
    "label": HEAD.replace("◆", "") + f"runners:\n  ◆r: {{github: {EXPRESSION}}}\n" + JOB,
    "branch": HEAD.replace("main", EXPRESSION) + JOB,
    "tag": HEAD.replace("push: {branches: [main]}", f"tag: {{patterns: [{EXPRESSION}]}}") + JOB,
    "description": HEAD.replace("◆", "").replace(
        "push: {branches: [main]}",
        f"manual: {{◆go: {{inputs: {{x: {{type: string, description: {EXPRESSION}}}}}}}}}",
    )
    + JOB,
}


@pytest.mark.parametrize("case", CASES)
def test_an_expression_is_refused_where_github_would_evaluate_it(case: str) -> None:
    text = CASES[case]
    (found,) = obstacles(plan_of(text.replace("◆", "")), "github")
    before = text.partition("◆")[0]
    assert found.code == "expression"
    assert place(found) == f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def test_an_expression_in_a_nodes_own_variable_is_text() -> None:
    plan = plan_of(node(f"env: {{A: {EXPRESSION}}}").replace("◆", ""))
    assert obstacles(plan, "github") == []
    assert "OTHER" not in BACKENDS["github"].compile(plan)[0].text


@pytest.mark.parametrize("path", ["a\\n~/.ssh", " a", "a ", "# a", "!a"])
def test_a_path_of_a_cache_is_one_path(path: str) -> None:
    plan = plan_of(node(f'cache: {{c: {{path: ["{path}"], key: [lock]}}}}').replace("◆", ""))
    assert [found.code for found in obstacles(plan, "github")] == ["cache-path"]
