"""What people read of a run is made by `.mlcc/report.py`, a process of its own: whatever is in a report harms nothing here.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from mlcc.runtime.platform import Platform
from mlcc.runtime.records import REPORTS_SHOWN, report_folder, state_folder
from mlcc.runtime.values import runner_env

REPORT_SECONDS = 60
PASSED_ON = ("MLCC_PLATFORM", "MLCC_NODE", "MLCC_LEG")


def run_report(what: str, failure: str, platform: Platform) -> None:
    """Run `.mlcc/report.py`; where that goes wrong, warn of `failure`: the node ends as it does."""
    env = {**runner_env(), **{name: os.environ.get(name, "") for name in PASSED_ON}}
    try:
        command = [sys.executable, "-I", ".mlcc/report.py", what]
        status = subprocess.run(command, env=env, timeout=REPORT_SECONDS, check=False).returncode
        problem = f"it ended with {status}" if status else ""
    except (OSError, subprocess.SubprocessError) as error:
        problem = type(error).__name__
    if problem:
        platform.warn(f"{failure}: {problem}")


def collect_reports(id: str, leg: str, node: dict[str, Any], platform: Platform) -> None:
    """Keep the reports of a leg, and show what they say."""
    for name, report in node.get("reports", {}).items():
        source = Path(report["path"])
        if source.is_symlink() or not source.is_file():  # a link could lead to what isn't a report at all
            platform.warn(f"{id}: it left no report '{name}' at {report['path']}")
            continue
        target = report_folder(id, leg) / name / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    if node.get("reports"):
        run_report("reports", f"{id}: its reports can't be read", platform)
        show_reports(state_folder(id, leg), platform)


def show_reports(folder: Path, platform: Platform) -> None:
    """Put into the summary what `.mlcc/report.py` has made of reports."""
    path = folder / REPORTS_SHOWN
    text = path.read_text("utf-8", "replace") if path.is_file() else ""
    if text:
        platform.put_summary(text)
