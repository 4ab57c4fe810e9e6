"""Programs and answers on which a `command` gate must not pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates.fixtures import Fixture, artifact_files

_CHECK = {"id": "c", "verdict": "pass", "message": "well"}


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield programs that say no, that say nothing clear, and that contradict themselves."""
    files = artifact_files(document)
    for name, verdict, program in (
        ("the program says fail", "fail", "exit 1"),
        ("the program says inconclusive", "inconclusive", "exit 3"),
        ("the program breaks", "error", "exit 2"),
        ("the program is ended by a signal", "error", "kill -KILL $$"),
        ("the program doesn't exist", "error", "mlcc-no-such-program"),
        ("a step of the program fails", "fail", "false\nexit 0"),
        ("the answer is empty", "error", _answers("")),
        ("the answer is no JSON", "error", _answers("pass")),
        ("the answer is a folder", "error", 'mkdir "$MLCC_VERDICT"'),
        ("the answer has no summary", "error", _answers('{"verdict": "pass"}')),
        ("the answer says fail, the exit code pass", "error", _states("fail")),
        ("the answer says pass, the exit code fail", "error", _states("pass") + "\nexit 1"),
        ("a check in the answer has failed", "error", _states("pass", {**_CHECK, "verdict": "fail"})),
        ("a number in the answer is NaN", "error", _states("pass", {**_CHECK, "estimate": float("nan")})),
        ("a number in the answer is text", "error", _states("pass", {**_CHECK, "estimate": "0.9"})),
    ):
        yield Fixture(name, verdict, files, program=program)
    yield Fixture("an artifact is missing", "error", program="exit 0")


def _states(verdict: str, *checks: Mapping[str, Any]) -> str:
    return _answers(json.dumps({"verdict": verdict, "summary": "All is well.", "checks": list(checks)}))


def _answers(text: str) -> str:
    return f"cat > \"$MLCC_VERDICT\" <<'ANSWER'\n{text}\nANSWER"
