"""LINT: what a spec may say, and had better not.

Errors are the passes' business; a rule warns of a spec that compiles and still lets a mistake through, or
notes what its author may not have seen. Nothing here imports pydantic or another heavy package: a lint runs
on every commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Protocol, cast

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.ignore import ignores
from mlcc.lint.rules import (
    always_runs,
    cached_artifact,
    closed_gate,
    code_without_tests,
    committed_data_without_contract,
    data_without_contract,
    dead_condition,
    evaluates_without_gate,
    full_history,
    hidden_fetch,
    idle_check,
    idle_gate,
    ignored_failure,
    impossible_check,
    impossible_threshold,
    inconclusive_opens,
    input_as_code,
    large_matrix,
    machine_path,
    model_without_metric,
    moving_runner,
    newest_model,
    no_pull_request,
    no_push,
    open_environment,
    overlapping_artifacts,
    overlay,
    pipe_to_shell,
    point_estimate,
    redundant_needs,
    retry_repeats_effects,
    runs_twice,
    schedule_on_the_hour,
    secret_in_arguments,
    secret_in_log,
    secret_in_spec,
    secret_stops_forks,
    silent_alert,
    sleep_on_runner,
    static_cloud_credentials,
    trivial_threshold,
    uncounted_tests,
    undeclared_path,
    unpinned_image,
    unpinned_install,
    unread_artifact,
    unread_holdout,
    unrelated_evidence,
    unresolvable_margin,
    unset_input,
    unstated_python,
    unused_artifact,
    unused_definition,
    unused_param,
    unverified_download,
    waiting_runner,
    waived_gate,
    waived_loss,
    when_propagates,
)
from mlcc.lint.subject import Subject

__all__ = ["META", "RULES", "Rule", "Subject", "run"]


class Rule(Protocol):
    """A rule is a module; its docstring is its page in docs/reference/rules.md."""

    ID: str
    SEVERITY: Severity
    __doc__: str | None

    @staticmethod
    def check(subject: Subject) -> Iterator[Diagnostic]:
        """Yield what is found."""


def _registry(*rules: ModuleType) -> dict[str, Rule]:
    return {rule.ID: cast(Rule, rule) for rule in rules}


RULES: dict[str, Rule] = _registry(
    always_runs,
    cached_artifact,
    closed_gate,
    code_without_tests,
    committed_data_without_contract,
    data_without_contract,
    dead_condition,
    evaluates_without_gate,
    full_history,
    hidden_fetch,
    idle_check,
    idle_gate,
    ignored_failure,
    impossible_check,
    impossible_threshold,
    inconclusive_opens,
    input_as_code,
    large_matrix,
    machine_path,
    model_without_metric,
    moving_runner,
    newest_model,
    no_pull_request,
    no_push,
    open_environment,
    overlapping_artifacts,
    overlay,
    pipe_to_shell,
    point_estimate,
    redundant_needs,
    retry_repeats_effects,
    runs_twice,
    schedule_on_the_hour,
    secret_in_arguments,
    secret_in_log,
    secret_in_spec,
    secret_stops_forks,
    silent_alert,
    sleep_on_runner,
    static_cloud_credentials,
    trivial_threshold,
    uncounted_tests,
    undeclared_path,
    unpinned_image,
    unpinned_install,
    unread_artifact,
    unread_holdout,
    unrelated_evidence,
    unresolvable_margin,
    unset_input,
    unstated_python,
    unused_artifact,
    unused_definition,
    unused_param,
    unverified_download,
    waiting_runner,
    waived_gate,
    waived_loss,
    when_propagates,
)
"""Every rule by its id."""

META = {
    "unknown-rule": "`x-lint` names a rule that doesn't exist.",
    "bad-ignore": "`x-lint` has another shape than `{ignore: {RULE: reason}}`, or a reason is missing.",
    "unused-ignore": "Nothing is left that a line of `x-lint` would silence.",
}
"""Findings about `x-lint` itself, which no rule makes and nothing silences."""


def run(subject: Subject, *, disabled: frozenset[str] = frozenset()) -> list[Diagnostic]:
    """Return what the rules find, by place; without the `disabled` ones and what the spec itself ignores."""
    lines, found = ignores(subject.source, RULES)
    used: set[int] = set()
    for id, rule in RULES.items():
        for finding in rule.check(subject) if id not in disabled else ():
            covered = [number for number, line in enumerate(lines) if line.covers(finding)]
            used.update(covered)
            if not covered:
                found.append(finding)
    for number, line in enumerate(lines):
        if number not in used and line.rule not in disabled:
            message = f"nothing is left to ignore: no finding of '{line.rule}' here"
            found.append(
                Diagnostic("unused-ignore", Severity.NOTE, message, line.key_span, (), "remove the line")
            )
    return sorted(found, key=_place)


def _place(finding: Diagnostic) -> tuple[str, int, int, str]:
    span = finding.span
    return (span.file, span.line, span.column, finding.code) if span else ("", 0, 0, finding.code)
