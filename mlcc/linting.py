"""LINT: errors that a compile would stop at, then the rules. Imports nothing that a clean lint doesn't need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlcc.backends import BACKENDS, Usage
from mlcc.compiler import Analysis, Project, chosen_targets, expanded, obstacles, same_outputs
from mlcc.diagnostics import Diagnostic, MlccError, OutputError, Severity, SpecError
from mlcc.lint import Subject, run
from mlcc.load.instances import collapsed, traced
from mlcc.record import field, record


@record
class LintReport:
    """What was found in all specs, and the specs that could be analysed."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    analyses: list[Analysis] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)  # specs that the machine won't let us read

    @property
    def broken(self) -> bool:
        """Whether a spec doesn't compile."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)

    @property
    def counts(self) -> bool:
        """Whether something beyond a note was found."""
        return any(diagnostic.severity is not Severity.NOTE for diagnostic in self.diagnostics)

    def limits(self, targets: tuple[str, ...]) -> str:
        """Return how much of each platform limit each pipeline uses."""
        lines = []
        for analysis in self.analyses:
            for target in chosen_targets(analysis.plan, targets):
                for usage in _usages(target, analysis):
                    share = 100 * usage.used / usage.limit.allowed
                    lines.append(
                        f"{analysis.plan.name} {target}: {usage.limit.name}: {usage.used:,} of {usage.limit.allowed:,} "
                        f"{usage.limit.unit} ({share:.1f} %), {usage.where}"
                    )
        return "\n".join(lines)

    def environments(self) -> str:
        """Return the variables that arrive at each node."""
        from mlcc.lint.environment import environment_of

        lines = []
        for analysis in self.analyses:
            for id, node in analysis.plan.nodes.items():
                lines.append(f"{analysis.plan.name} {id}: {' '.join(environment_of(node, analysis.plan))}")
        return "\n".join(lines)


def lint_all(
    paths: tuple[Path, ...], root: Path | None, targets: tuple[str, ...], instances: tuple[str, ...] = ()
) -> LintReport:
    """Return what is wrong with specs; one that can't be read doesn't hide the others' mistakes. `instances`: of these only."""
    report = LintReport()
    compiled: list[tuple[Analysis, tuple[str, ...]]] = []
    for path in paths:
        try:
            project = expanded(path, root, instances)
        except MlccError as problem:
            report.diagnostics.extend(problem.diagnostics)
            report.texts.update(problem.texts)
            report.unreadable.extend([path] if isinstance(problem, OutputError) else [])
            continue
        report.texts.update(project.texts)
        report.analyses.extend(project.found)
        compiled += ((one, chosen_targets(one.plan, targets)) for one in project.found)
        report.diagnostics.extend((*project.diagnostics, *_findings(project, targets)))
    report.diagnostics.extend(same_outputs(compiled))
    # What several specs take from one base is said once.
    report.diagnostics[:] = dict.fromkeys(report.diagnostics)
    return report


def _findings(project: Project, targets: tuple[str, ...]) -> list[Diagnostic]:
    """Return what keeps back ends from compiling a spec's pipelines, and what the rules find in them."""
    found: list[tuple[str, Diagnostic]] = []
    for analysis in project.found:
        own = [*analysis.source.deprecated]
        own += [
            one
            for target in chosen_targets(analysis.plan, targets)
            for one in obstacles(analysis.plan, target)
        ]
        own += run(Subject(analysis.spec, analysis.source, analysis.plan))
        found += ((analysis.instance, one) for one in traced(own, analysis.source))
    return collapsed(found, project.instances)


def _usages(target: str, analysis: Analysis) -> Sequence[Usage]:
    try:
        return BACKENDS[target].usage(analysis.plan)
    except SpecError:
        return ()  # it can't be lowered, which `obstacles` has reported
