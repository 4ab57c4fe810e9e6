"""The gate `command`: the user's program decides, by exit code and, if it likes, a verdict file."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH100, PTH118
import os
import sys

from mlcc.gates._records import VERDICTS, Check, GateError, Verdict, is_finite, worst
from mlcc.gates._report import remove_file
from mlcc.gates._shell import program, run_program
from mlcc.gates._strict import read_json
from mlcc.gates._support import Gate, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MEANING = {0: "pass", 1: "fail", 3: "inconclusive"}
_MAX_CHECKS = 10_000
_NUMBERS = ("estimate", "confidence", "margin")


def judge(gate: Gate) -> Verdict:
    """Run the program and hold its exit code against what its verdict file says."""
    setup, command = program(gate.params)
    answer = os.path.abspath(os.path.join(gate.folder, "answer.json"))
    remove_file(answer)
    code = run_program(gate, setup, command, {"MLCC_VERDICT": answer})
    found = _MEANING.get(code, "error")
    if not os.path.lexists(answer):  # a link that leads nowhere is an answer, and a broken one
        return Verdict(found, f"The program ended with exit code {code} ({found}).")
    verdict = _verdict(read_json(answer))
    if verdict.verdict != found:
        raise GateError(
            f"the program ended with exit code {code} ({found}) and wrote the verdict {verdict.verdict}"
        )
    return verdict


def _verdict(answer: object) -> Verdict:
    """Return the verdict that the program wrote. Raises GateError where it isn't sound."""
    if not isinstance(answer, dict) or not set(answer) <= {"verdict", "summary", "checks"}:
        raise GateError("the verdict file is no object of verdict, summary and checks")
    verdict, summary, checks = answer.get("verdict"), answer.get("summary"), answer.get("checks", [])
    if verdict not in VERDICTS:
        raise GateError("the verdict file has no verdict (pass, fail, inconclusive or error)")
    if not isinstance(summary, str) or not summary.strip():
        raise GateError("the verdict file has no summary")
    if not isinstance(checks, list) or len(checks) > _MAX_CHECKS:
        raise GateError("the checks in the verdict file are no list, or too many")
    found = tuple(_check(check) for check in checks)
    if found and worst(check.verdict for check in found) != verdict:
        raise GateError(f"the verdict file says {verdict}, which contradicts its checks")
    return Verdict(verdict, summary.strip(), found)


def _check(check: Any) -> Check:
    texts = ("id", "verdict", "message")
    if not isinstance(check, dict) or not all(isinstance(check.get(key), str) for key in texts):
        raise GateError("a check in the verdict file has no id, verdict or message")
    optional = {key: check[key] for key in _NUMBERS if key in check}
    interval, threshold, n = check.get("interval"), check.get("threshold"), check.get("n")
    sound = set(check) <= {*texts, *_NUMBERS, "interval", "threshold", "n"}
    sound = sound and check["verdict"] in VERDICTS and all(is_finite(x) for x in optional.values())
    sound = sound and (n is None or (type(n) is int and n >= 0))
    sound = sound and (interval is None or _is_interval(interval))
    sound = sound and (threshold is None or _is_threshold(threshold))
    if not sound:
        raise GateError("a check in the verdict file has an unknown key or an improper value")
    return Check(
        check["id"],
        check["verdict"],
        check["message"],
        interval=None if interval is None else (interval[0], interval[1]),
        threshold=threshold,
        n=n,
        **optional,
    )


def _is_interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(is_finite(x) for x in value)


def _is_threshold(value: Any) -> bool:
    known = isinstance(value, dict) and bool(value) and set(value) <= {"min", "max"}
    return known and all(is_finite(x) for x in value.values())


def main() -> int:
    """Run the gate that the command line names."""
    return run("command", judge, __file__, sys.argv[1:])
