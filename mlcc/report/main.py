"""The entry of the emitted `.mlcc/report.py`: `page`, `notes`, `comment`, `summary` or `reports`.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from mlcc.report.comment import comment, run_number
from mlcc.report.findings import read_run
from mlcc.report.forges import forge_of
from mlcc.report.notes import annotate
from mlcc.report.page import page
from mlcc.report.post import publish_comment
from mlcc.report.reports import Told, read_reports, record_reports
from mlcc.report.shown import fitted, reports_shown
from mlcc.runtime.log import say
from mlcc.runtime.platforms import this_platform
from mlcc.runtime.records import REPORTS_SHOWN, RunError, read_plan, state_folder, write_text

COMMENT_SECONDS = 150  # altogether: GitLab's `after_script` has 5 minutes, and other final jobs 10
SUMMARY_MOST = 500_000  # bytes; GitHub takes a summary of 1 MiB for each step, and there is more in it
TOKEN = "MLCC_TOKEN"  # noqa: S105 - the name of a variable


def main() -> int:
    """Do what is named, in the folder of the spec. Returns an exit status; 2 is an error."""
    command = REPORTS.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if command is None:
        say("usage: python3 -I .mlcc/report.py page | notes | comment | summary | reports")
        return 2
    os.chdir(Path(__file__).resolve().parent.parent)
    return command()


def write_page() -> int:
    """Write `_mlcc/s--final/report.html`."""
    path = state_folder("final") / "report.html"
    try:
        write_text(path, page(read_run(read_plan())))
    except (RunError, OSError) as problem:
        say(f"mlcc: the page can't be written: {problem}")
        return 2
    say(f"mlcc: the page for reviewers is {path}")
    return 0


def write_notes() -> int:
    """Annotate the spec with what the gates found."""
    try:
        plan = read_plan()
        annotate(read_run(plan), this_platform(), plan["spec_files"][0])
    except RunError as problem:
        say(f"mlcc: nothing can be annotated: {problem}")
        return 2
    return 0


def write_summary() -> int:
    """Write what the reports of all nodes say as Markdown for the run's summary, `_mlcc/s--final/reports.md`."""
    try:
        write_text(state_folder("final") / REPORTS_SHOWN, _shown(read_reports(read_plan())))
    except (RunError, OSError) as problem:
        say(f"mlcc: what the reports say can't be written: {problem}")
        return 2
    return 0


def write_reports() -> int:
    """Write what the reports of the leg that the environment names say: `reports.json` and Markdown beside its state."""
    node, leg = os.environ.get("MLCC_NODE", ""), os.environ.get("MLCC_LEG", "")
    try:
        plan = read_plan()
        record_reports(plan, node, leg)
        write_text(state_folder(node, leg) / REPORTS_SHOWN, _shown(read_reports(plan, (node, leg))))
    except (RunError, OSError) as problem:
        say(f"mlcc: the reports can't be read: {problem}")
        return 2
    return 0


def _shown(told: list[Told]) -> str:
    return fitted("", reports_shown(told), SUMMARY_MOST)


def write_comment() -> int:
    """Keep the comment on the run's pull request up to date. Whatever goes wrong is a warning: the run has ended."""
    try:
        platform = this_platform()
    except RunError as problem:
        say(f"mlcc: {problem}")
        return 2
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(COMMENT_SECONDS)
    try:
        done = _commented()
        say(f"mlcc: {done}")
    except RunError as problem:
        platform.warn(f"no comment on the pull request: {problem}")
        platform.put_summary(f"No comment on the pull request: {problem}.")
    except Exception as problem:  # the node has ended as it has, and nobody foresaw this
        platform.warn(f"no comment on the pull request: {type(problem).__name__}")
    finally:
        signal.alarm(0)
    return 0


def _late(*_: object) -> None:
    raise RunError(f"it took more than {COMMENT_SECONDS} s")


def _commented() -> str:
    plan = read_plan()
    run = read_run(plan)
    if not run.fact("pull_request"):
        return "this run is of no pull request, so there is nothing to comment on"
    if run.fact("fork"):
        raise RunError("it comes from another repository, whose runs get no token that may write here")
    token = os.environ.get(TOKEN, "")
    if not token:
        raise RunError("the token for it isn't set in the CI system")
    forge = forge_of(this_platform(), run)
    name = "/".join(part for part in (plan["home"], plan["name"]) if part)
    return publish_comment(forge, token, name, run_number(run), comment(run, name, forge.most))


REPORTS = {
    "page": write_page,
    "notes": write_notes,
    "comment": write_comment,
    "summary": write_summary,
    "reports": write_reports,
}
