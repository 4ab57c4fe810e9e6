"""The entry of the emitted `.mlcc/report.py`: `page`.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mlcc.report.findings import read_run
from mlcc.report.page import page
from mlcc.runtime.log import say
from mlcc.runtime.records import RunError, read_plan, state_folder, write_text


def main() -> int:
    """Write `_mlcc/s--final/report.html` in the folder of the spec. Returns an exit status; 2 is an error."""
    if sys.argv[1:] != ["page"]:
        say("usage: python3 -I .mlcc/report.py page")
        return 2
    os.chdir(Path(__file__).resolve().parent.parent)
    path = state_folder("final") / "report.html"
    try:
        write_text(path, page(read_run(read_plan())))
    except (RunError, OSError) as problem:
        say(f"mlcc: the page can't be written: {problem}")
        return 2
    say(f"mlcc: the page for reviewers is {path}")
    return 0
