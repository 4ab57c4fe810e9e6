"""The entry of the emitted `.mlcc/run.py`: `select`, `node`, `undo`, `cancel` or `final`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mlcc.runtime.final import final_main
from mlcc.runtime.log import say
from mlcc.runtime.node import node_main
from mlcc.runtime.platforms import this_platform
from mlcc.runtime.records import RunError
from mlcc.runtime.remote import cancel_main
from mlcc.runtime.select import select_main
from mlcc.runtime.steps import undo_main

COMMANDS = {
    "select": select_main,
    "node": node_main,
    "undo": undo_main,
    "cancel": cancel_main,
    "final": final_main,
}


def main() -> int:
    """Run the command that is named, in the folder of the spec. Returns an exit status; 2 is an error."""
    command = COMMANDS.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if command is None:
        say("usage: python3 -I .mlcc/run.py select | node | undo | cancel | final")
        return 2
    os.chdir(Path(__file__).resolve().parent.parent)
    try:
        return command(this_platform())
    except RunError as problem:
        say(f"mlcc: {problem}")
    return 2
