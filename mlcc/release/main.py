"""The entry of the emitted `.mlcc/release.py`: one step of a release."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from mlcc.release.adapter import Place, ReleaseError
from mlcc.release.drive import (
    Release,
    deploy,
    first,
    promote,
    reconcile,
    restore,
    rollback,
    step,
    verify,
    watch,
)
from mlcc.release.kinds import DRIVEN
from mlcc.runtime.log import say
from mlcc.runtime.process import CancelledError, watch_cancel

USAGE = (
    "usage: python3 -I .mlcc/release.py RELEASE deploy | verify | step NUMBER | promote | watch NUMBER | rollback | restore | "
    "reconcile | first"
)
LOOKING = {"step": step, "watch": watch}
UNDOING = ("rollback", "restore", "reconcile")
CHANGING = ("promote", *UNDOING)  # what is live
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,250}\Z")
STEPS = {
    "deploy": deploy,
    "verify": verify,
    "promote": promote,
    "rollback": rollback,
    "restore": lambda release: restore(release, _named()),
    "reconcile": reconcile,
    "first": first,
}


def main() -> int:
    """Do the step that is named, in the folder of the spec. Returns 0 passed, 1 failed, 2 error, 3 inconclusive."""
    watch_cancel()  # a program that a verb has started ends with the run
    words = sys.argv[1:]
    os.chdir(Path(__file__).resolve().parent.parent)
    try:
        if len(words) == 2 and words[1] in STEPS:
            release = _release(words[0])
            code = STEPS[words[1]](release) or 0
            if words[1] in CHANGING and not code:
                _tell(release, undone=words[1] in UNDOING)
            return code
        if len(words) == 3 and words[1] in LOOKING and words[2].isdecimal():
            return LOOKING[words[1]](_release(words[0]), int(words[2]))
    except ReleaseError as problem:
        say(f"mlcc: {problem}")
        return problem.code
    except CancelledError:
        say("mlcc: the run was cancelled")
        return 2
    say(USAGE)
    return 2


def _tell(release: Release, *, undone: bool) -> None:
    """Tell the runtime, where that has started this, what is live now, and what was taken away."""
    outputs, place = os.environ.get("MLCC_OUTPUTS") if undone else None, os.environ.get("MLCC_LIVE")
    if not (outputs or place):
        return
    live = release.adapter.describe().live
    if outputs:
        values = {"UNDONE": release.undone.release, "REACHED": release.undone.reached, "LIVE": live}
        with Path(outputs).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())
    if place:
        Path(place).write_text(live + "\n", encoding="utf-8")


def _named() -> str:
    """Return the release that a person has named; empty: what was live before."""
    name = os.environ.get("MLCC_RESTORE", "").strip()
    if name and not NAME.match(name):
        raise ReleaseError(f"{name[:80]!r} is no release's id: letters, digits, '.', '_' and '-'", 1)
    return name


def _release(id: str) -> Release:
    run = os.environ.get("MLCC_RUN", "")
    if not run:
        raise ReleaseError("MLCC_RUN is empty: it names the run whose release this is")
    try:
        params: dict[str, Any] = json.loads(Path(f".mlcc/releases/{id}.json").read_text("utf-8"))
        (name, own), *_ = params["adapter"].items()
        place = Place(params["folder"] or ".", float(params["within"]), float(params["drain"]))
        return Release(params, run, DRIVEN[name](own, place))
    except (OSError, ValueError, KeyError, TypeError):
        raise ReleaseError(f"the parameters of the release '{id}' can't be read") from None
