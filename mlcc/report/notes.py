"""Points to what gates found beside the spec, where the CI system shows annotations.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.gates._records import visible
from mlcc.report.findings import Run
from mlcc.runtime.platform import Platform

MOST_NOTES = 10  # of each level GitHub shows so many for a step


def annotate(run: Run, platform: Platform, spec: str) -> None:
    """Show at most ten: errors of gates that are closed first, then warnings of the others."""
    notes = list(_notes(run))
    shown = notes if len(notes) <= MOST_NOTES else notes[: MOST_NOTES - 1]
    for level, title, message in shown:
        platform.annotate(level, title, message, spec)
    if len(notes) > len(shown):
        more = f"{len(notes) - len(shown)} more findings stand on the page of the run"
        platform.annotate(notes[len(shown)][0], "mlcc", more, spec)


def _notes(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield level, title and message for each check that didn't pass, and for each gate that has none of them."""
    for finding in run.findings:
        if finding.verdict == "pass":
            continue
        level = "error" if finding.closes else "warning"
        effect = f" ({finding.effect})" if finding.effect else ""
        checks = [check for check in finding.checks if check.get("verdict") != "pass"]
        for check in checks:
            title = f"{finding.name}: {visible(str(check.get('id')), 100)}{effect}"
            yield level, title, visible(str(check.get("message")))
        if not checks:
            yield level, f"{finding.name}{effect}", finding.summary
