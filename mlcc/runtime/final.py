"""The final node: how the run ended (S6), derived anew from the states, fit to be the one required check.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
from typing import Any

from mlcc.runtime.champion import differing
from mlcc.runtime.collected import run_report, show_reports
from mlcc.runtime.decide import Ending, read_verdict, settle, verdict_problem
from mlcc.runtime.lineage import keep_lineage
from mlcc.runtime.log import one_line, say
from mlcc.runtime.platform import REFUSED, Platform
from mlcc.runtime.records import (
    REPORTS_SHOWN,
    RunError,
    legs_of,
    read_plan,
    read_selection,
    state_folder,
    waivers_of,
    write_record,
)
from mlcc.runtime.released import keep_releases

ICONS = {"passed": "✅", "failed": "❌", "skipped": "⏭️", "lost": "❌", "unselected": "·", "warned": "⚠️"}


def final_main(platform: Platform) -> int:
    """Return 0 when the run is green, 1 when it is red, and show why."""
    plan = read_plan()
    results = platform.results()
    try:
        platform.deliver(plan)
        selection = read_selection(platform.facts())
    except RunError as problem:
        write_record(state_folder("final") / "result.json", _result({"commit": ""}, {}, [str(problem)]))
        platform.put_summary(f"## ❌ {plan['name']}\n\n{problem}: nothing ran.\n")
        say(f"mlcc: red: {problem}")
        report(plan, platform)
        return 1
    refused = [id for id, result in results.items() if result == REFUSED]
    endings = settle(plan["nodes"], plan, selection, refused)
    read = [id for id, found in endings.items() if found.end != "lost"]
    red = [
        *_broken_verdicts(plan, endings, selection),
        *differing(plan, selection, read),
        *red_causes(plan, endings, results),
    ]
    write_record(state_folder("final") / "result.json", _result(selection, endings, red))
    platform.put_summary(summary(plan, selection, endings, red))
    keep_lineage(platform, plan, selection, endings, red)
    keep_releases(platform, plan, selection, endings)
    report(plan, platform)
    for cause in red:
        say(f"mlcc: red: {cause}")
    if not red:
        say("mlcc: green")
    return 1 if red else 0


def report(plan: dict[str, Any], platform: Platform) -> None:
    """Let be made what people read: without it, the run has ended as it has."""
    for what in ("page", "notes"):
        run_report(what, f"the {what} for reviewers can't be made", platform)
    if any(node.get("reports") for node in plan["nodes"].values()):
        folder = state_folder("final")
        (folder / REPORTS_SHOWN).unlink(missing_ok=True)
        run_report("summary", "what the reports say can't be shown", platform)
        show_reports(folder, platform)


def red_causes(plan: dict[str, Any], endings: dict[str, Ending], results: dict[str, Any]) -> list[str]:
    """Return why the run is red; none: it is green."""
    causes = []
    if results.get("select") != "success":
        causes.append(f"the selecting node ended with {results.get('select', 'nothing')}")
    for id, found in endings.items():
        blocking = plan["nodes"][id].get("blocking", True)
        if found.end == "lost":
            causes.append(f"'{id}' was lost: {found.cause}")
        elif blocking and found.end == "failed":
            causes.append(f"'{id}' failed: {found.cause}")
        elif results.get(id) == REFUSED:
            causes.append(f"'{id}' didn't start: {found.cause}")
        elif results.get(id) == "cancelled" or (blocking and results.get(id) == "failure"):
            causes.append(f"'{id}' ended with {results[id]} in the CI system")
    causes += [
        f"the run was cancelled at '{id}'"
        for id, r in results.items()
        if r == "cancelled" and id not in endings
    ]
    return causes or _unexplained(plan, results)


def _broken_verdicts(
    plan: dict[str, Any], endings: dict[str, Ending], selection: dict[str, Any]
) -> list[str]:
    """Return the gates, blocking or not, whose verdict isn't one that a gate of this run can have left."""
    gates = [
        id for id, found in endings.items() if plan["nodes"][id]["kind"] == "gate" and found.end != "lost"
    ]
    problems = {id: verdict_problem(id, plan["nodes"][id], selection) for id in gates}
    return [
        f"the verdict of '{id}' can't be believed: {problem}" for id, problem in problems.items() if problem
    ]


def _unexplained(plan: dict[str, Any], results: dict[str, Any]) -> list[str]:
    """Return the jobs that failed and are no single node's (they run several), where no node shows why."""
    known = {"select", *plan["nodes"]}
    return [
        f"'{id}' ended with failure in the CI system, and no node shows why"
        for id, result in results.items()
        if result == "failure" and id not in known
    ]


def _result(selection: dict[str, Any], endings: dict[str, Ending], red: list[str]) -> dict[str, Any]:
    return {
        "schema": "https://mlcc.dev/result/1",
        "commit": selection["commit"],
        "green": not red,
        "causes": red,
        "nodes": {id: {"end": e.end, "verdict": e.verdict, "cause": e.cause} for id, e in endings.items()},
    }


def summary(
    plan: dict[str, Any], selection: dict[str, Any], endings: dict[str, Ending], red: list[str]
) -> str:
    """Return the run as a Markdown table: every node, its end, and the sentence that says why."""
    lines = [f"## {'❌' if red else '✅'} {plan['name']}", ""]
    if not endings:
        lines.append("Nothing that the pipeline depends on has changed.")
    else:
        lines += ["| | node | ended | why |", "|---|---|---|---|"]
    for id, found in endings.items():
        blocking = plan["nodes"][id].get("blocking", True)
        icon = ICONS["warned" if found.end == "failed" and not blocking else found.end]
        verdict = (
            f"{found.end} ({found.verdict})"
            if plan["nodes"][id]["kind"] == "gate" and found.verdict
            else found.end
        )
        lines.append(f"| {icon} | {id} | {verdict} | {cell(found.cause or _sentence(id, plan))} |")
    for feature, waiver in waivers_of(plan, os.environ.get("MLCC_PLATFORM", "")).items():
        lines += ["", f"Borne here until {waiver['until']}: {feature} ({cell(waiver['reason'])})"]
    rest = [id for id in plan["nodes"] if id not in endings]
    if rest:
        lines += ["", f"<details><summary>{len(rest)} not selected</summary>", ""]
        lines += [f"- {id}: {cell(selection['reasons'][id])}" for id in rest]
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def _sentence(id: str, plan: dict[str, Any]) -> str:
    """Return what a gate found, for a node whose state has no cause."""
    if plan["nodes"][id]["kind"] != "gate":
        return ""
    try:
        for leg in legs_of(plan["nodes"][id]):
            record = read_verdict(id, leg)
            if record is not None:
                return str(record.get("summary", ""))
    except RunError as problem:
        return str(problem)
    return ""


def cell(text: str) -> str:
    """Return text for a cell of a Markdown table: one line, no markup, no links."""
    plain = one_line(text)[:300]
    return "".join("&#" + str(ord(c)) + ";" if c in "|<>[]`*_&@!" else c for c in plain)
