"""What an own strict check of Declarative Pipeline's structure, and of the sandbox, says of Jenkinsfiles."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.backends.jenkins.groovy import run_groovy
from tests.static.checks import CheckError

SCRIPT = Path(__file__).with_name("declarative.groovy")


def jenkinsfile_findings(paths: Iterable[Path]) -> list[str]:
    """Return findings as ``PATH:LINE: MESSAGE``. Raises CheckError when not every file was really looked at."""
    files = [str(path) for path in paths]
    if not files:
        raise CheckError("no files to check")
    *findings, last = run_groovy(SCRIPT, *files).splitlines()
    if last != f"checked {len(files)}":
        raise CheckError(f"declarative.groovy looked at {last}")
    return findings
