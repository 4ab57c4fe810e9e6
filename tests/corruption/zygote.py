"""Runs emitted gates, each in a process of its own that is forked from this one: it has loaded what they need.

It reads a folder and a script a line, and answers with the exit code (-1: a signal) and the most bytes that were resident.
"""

from __future__ import annotations

import csv  # noqa: F401 - loaded once for all
import hashlib  # noqa: F401
import json  # noqa: F401
import os
import re  # noqa: F401
import runpy
import signal
import sys

import duckdb  # noqa: F401

SECONDS = 60
"""A gate that takes longer is ended."""


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        folder, script = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            os._exit(_gate(folder, script))
        _, status, usage = os.wait4(child, 0)
        print(os.waitstatus_to_exitcode(status), usage.ru_maxrss << 10, flush=True)


def _gate(folder: str, script: str) -> int:
    """Run a gate in a folder, with what it prints in the file `printed`; return its exit code."""
    signal.alarm(SECONDS)
    os.chdir(folder)
    printed = os.open("printed", os.O_CREAT | os.O_WRONLY, 0o600)
    for stream in (1, 2):
        os.dup2(printed, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = [script, "g"]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        code = end.code
    else:
        code = 0
    for file in (sys.stdout, sys.stderr):
        if file is not None:
            file.flush()
    return code if isinstance(code, int) else 70


if __name__ == "__main__":
    main()
