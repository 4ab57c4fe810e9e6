"""Reads what a run has left under `_mlcc/`: how it ended, and what each gate found.

What is missing or broken is shown as that; whatever the files hold, reading them ends in texts and finite numbers of
bounded size. Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mlcc.gates._records import visible
from mlcc.report.reports import Told, read_reports
from mlcc.runtime.records import RunError, legs_of, read_record, read_value, state_folder

# From worst to best: what a reviewer has to look at comes first.
ORDER = ("error", "fail", "inconclusive", "pass")
MOST_CHECKS = 500
MOST_PLOTS = 24


class Finding(NamedTuple):
    """What one gate, one leg of it, or the judge of a release's step found.

    `verdict` is error, fail, inconclusive or pass; `checks` and `plots` are as in its files, `inputs` are digests.
    `lenient`: an inconclusive verdict is a warning.
    """

    name: str
    gate: str
    leg: str
    kind: str
    script: str
    guards: str
    blocking: bool
    lenient: bool
    verdict: str
    summary: str
    waived: dict[str, str]
    checks: list[dict[str, Any]]
    plots: list[Any]
    inputs: dict[str, str]
    digest: str

    @property
    def closes(self) -> bool:
        """Whether nothing may read the artifact because of it."""
        return not self.effect and self.verdict != "pass"

    @property
    def effect(self) -> str:
        """Why another verdict than pass closes nothing; empty: it closes, or is a pass."""
        if self.verdict == "pass":
            return ""
        if self.waived:
            return "waived"
        if not self.blocking:
            return "not blocking"
        return "only a warning" if self.verdict == "inconclusive" and self.lenient else ""


class Ended(NamedTuple):
    """How one node ended, as the final node settled it."""

    name: str
    kind: str
    end: str
    cause: str


class Run(NamedTuple):
    """A run. `green` None: nothing has settled it, as when gates were run by hand."""

    name: str
    green: bool | None
    causes: list[str]
    facts: dict[str, str]
    nodes: list[Ended]
    findings: list[Finding]
    unselected: list[tuple[str, str]]
    reports: list[Told]

    def fact(self, name: str) -> str:
        """Return what the CI system told of the run; empty: it is not known."""
        return self.facts.get(name, "")


def read_run(plan: dict[str, Any]) -> Run:
    """Return what the run in the current folder has found. Raises no error for what the run left."""
    result = _record("final", "", "result.json") or {}
    selection = _record("select", "", "selection.json") or {}
    ends = _object(result.get("nodes"))
    reasons = _object(selection.get("reasons"))
    nodes = plan["nodes"]
    findings = [
        found
        for id, node in nodes.items()
        if node["kind"] == "gate" or node.get("judged")
        for leg in legs_of(node)
        for found in [_finding(id, leg, node, {} if leg else _object(ends.get(id)))]
        if found is not None
    ]
    green = result.get("green")
    causes = result.get("causes")
    return Run(
        name=str(plan["name"]),
        green=green if isinstance(green, bool) else None,
        causes=[visible(str(cause), 600) for cause in causes] if isinstance(causes, list) else [],
        facts={key: visible(str(value), 300) for key, value in _object(selection.get("facts")).items()},
        nodes=[_ended(id, nodes[id], _object(ends[id])) for id in nodes if id in ends],
        findings=sorted(findings, key=lambda one: (not one.closes, ORDER.index(one.verdict))),
        unselected=[
            (id, visible(str(reasons.get(id, "")))) for id in nodes if result and selection and id not in ends
        ],
        reports=read_reports(plan),
    )


def _record(node: str, leg: str, name: str) -> dict[str, Any] | None:
    try:
        return read_record(state_folder(node, leg) / name)
    except RunError:
        return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _ended(id: str, node: dict[str, Any], end: dict[str, Any]) -> Ended:
    return Ended(
        id, str(node["kind"]), visible(str(end.get("end", ""))), visible(str(end.get("cause", "")), 600)
    )


def _finding(gate: str, leg: str, node: dict[str, Any], end: dict[str, Any]) -> Finding | None:
    """Return what a gate found; None where it neither ran nor was meant to. `end`: how the final node settled it."""
    folder = state_folder(gate, leg)
    kind = str(node.get("gate") or node.get("judged", ""))
    end = end or _record(gate, leg, "state.json") or {}
    record = _record(gate, leg, "verdict.json")
    verdict = str((record or {}).get("verdict"))
    cause = visible(str(end.get("cause", "")), 1500)
    if record is None or record.get("gate") != gate or verdict not in ORDER:
        if not _exists(folder / "verdict.json") and end.get("end") in (None, "skipped"):
            return None
        record, verdict = {}, "error"
    elif end.get("verdict") == "error":  # the node didn't believe the gate
        verdict = "error"
    said = visible(str(record.get("summary", "")), 1500)
    return Finding(
        name=f"{gate} ({leg})" if leg else gate,
        gate=gate,
        leg=leg,
        kind=kind,
        script=str(node.get("script", kind)),
        guards=str(node["guards"] if "guards" in node else node["deploys"][0]),
        blocking=bool(node.get("blocking", True)),
        lenient=node.get("on_inconclusive") == "warn",
        verdict=verdict,
        summary=cause
        if verdict == "error" and cause
        else said or "The gate left no verdict that can be read.",
        waived={key: visible(str(text)) for key, text in _object(record.get("waived")).items()},
        checks=[check for check in _items(record.get("checks"), MOST_CHECKS) if isinstance(check, dict)],
        plots=_items(_plots(folder), MOST_PLOTS) if record else [],
        inputs={id: str(_object(one).get("digest")) for id, one in _object(record.get("inputs")).items()},
        digest=visible(str(record.get("gate_digest") or "")),
    )


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _plots(folder: Path) -> object:
    try:
        return read_value(folder / "plots.json")
    except RunError:
        return ["broken"]


def _items(value: object, most: int) -> list[Any]:
    return value[:most] if isinstance(value, list) else []
