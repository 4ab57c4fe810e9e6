"""A model card from the record of a run: what was gated, on which data, with which intervals, and what isn't known.

The sections follow Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, as far as a run can tell them; what only
people know (intended use, ethical considerations) comes from a file of theirs. The same record gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcc.diagnostics import SpecError, error
from mlcc.gates._records import GateError, number, visible
from mlcc.gates._report import markdown
from mlcc.gates._strict import parse_json
from mlcc.report.page import MARKS
from mlcc.runtime.predicates import RECORD

MOST_RECORD = 64 << 20  # bytes
# What a reader of a model card looks for: gate kinds, and what is said where none of them gave a verdict.
_EXPECTED = (
    (("evaluate", "compare"), "No gate measured the model's quality."),
    (("slices",), "No gate looked at slices of the data or at fairness."),
    (("contract",), "No gate held the data against a contract."),
    (("leakage",), "No gate looked for leakage between training and test data."),
    (("drift",), "No gate held the data against a baseline."),
    (("artifact",), "No gate checked the model's bytes, or that it was made from this data and code."),
)
# Checks of gates that measure models, by kind and id, which count something and measure nothing.
COUNTS = (("compare", "holdout"), ("slices", "slices"))


def of_run(path: Path, render: Callable[[dict[str, Any]], str]) -> str:
    """Return what `render` makes of the record in `path`, a `lineage.jsonl` or its folder.

    Raises SpecError for what is no record, and OSError.
    """
    place = path / "lineage.jsonl" if path.is_dir() else path
    try:
        return render(_record(place))
    except FileNotFoundError:
        help = "the final node of a run writes it; name the file, or the folder that holds it"
        raise SpecError([error("no-record", f"there is no {place}", None, help=help)]) from None
    except (GateError, ValueError, LookupError, TypeError, AttributeError) as problem:
        why = str(problem) if isinstance(problem, GateError) else "a part of it is missing or of another type"
        raise SpecError([error("bad-record", f"{place} is no record of a run: {why}", None)]) from None


def _record(place: Path) -> dict[str, Any]:
    with place.open("rb") as file:
        data = file.read(MOST_RECORD + 1)
    if len(data) > MOST_RECORD:
        raise GateError(f"it has over {MOST_RECORD} bytes")
    for line in data.decode("utf-8").splitlines():
        statement = parse_json(line, "a line")
        if isinstance(statement, dict) and statement["predicateType"] == RECORD:
            return dict(statement["predicate"])
    raise GateError(f"it has no statement of the type {RECORD}")


def card(record: Mapping[str, Any], notes: str = "") -> str:
    """Return the card as Markdown; `notes` is Markdown of its authors' own and stands behind the first section."""
    parts = [_head(record), notes.strip() + "\n" if notes.strip() else ""]
    parts += [_models(record), _data(record), _gates(record), _let_through(record), _limits(record, notes)]
    return "\n".join(part for part in [*parts, _environment(record)] if part)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def _code(text: object) -> str:
    return "`" + visible(str(text), 300).replace("`", "'").replace("|", "\\|") + "`"


def _head(record: Mapping[str, Any]) -> str:
    run, commit = record["run"], record["commit"]
    facts = [
        ("Result", "green" if record["green"] else "red: " + "; ".join(record.get("causes", ()))),
        ("Commit", commit["id"] + (" and changes that aren't committed" if commit.get("dirty") else "")),
        ("Run", run.get("run_url") or run.get("run_id", "")),
        ("Branch or tag", run.get("tag") or run.get("branch", "")),
        ("Finished", record["finished"]),
    ]
    rows = [[name, markdown(str(value), 300)] for name, value in facts if value]
    return f"# Model card: {markdown(record['pipeline'])}\n\n{_table(['', ''], rows)}"


def _made(record: Mapping[str, Any], models: bool) -> Iterator[tuple[str, Any]]:
    for id, entry in record.get("artifacts", {}).items():
        if (entry["kind"] == "model" and entry["made"]) == models:
            yield id, entry


def _digests(entry: Mapping[str, Any]) -> str:
    shown = [f"{leg}: {digest}" if leg else str(digest) for leg, digest in entry["digests"].items()]
    return "<br>".join(_code(digest) for digest in shown)


def _models(record: Mapping[str, Any]) -> str:
    rows = [
        [markdown(id), markdown(str(entry.get("writer", ""))), _digests(entry)]
        for id, entry in _made(record, models=True)
    ]
    if not rows:
        return "## Models\n\nThis run made no model.\n"
    champions = [f"{markdown(id)} ({_code(digest)})" for id, digest in record.get("champions", {}).items()]
    against = f"\nHeld against the champion's {', '.join(champions)}.\n" if champions else ""
    return "## Models\n\n" + _table(["model", "made by", "digest"], rows) + against


def _data(record: Mapping[str, Any]) -> str:
    rows = []
    for id, entry in _made(record, models=False):
        alias = f"<br>md5 in DVC: {_code(entry['md5'])}" if "md5" in entry else ""
        origin = entry.get("writer", "committed" if not entry["made"] else "")
        count = number(entry["rows"]) if "rows" in entry else ""
        rows.append([markdown(id), entry["kind"], markdown(str(origin)), count, _digests(entry) + alias])
    return "## Code and data\n\n" + _table(["", "kind", "from", "rows", "digest"], rows) if rows else ""


# --- gates ----------------------------------------------------------------------------------------


def _judged(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the gates that gave a verdict."""
    return {id: gate for id, gate in record.get("gates", {}).items() if gate["end"] in ("passed", "failed")}


def _gates(record: Mapping[str, Any]) -> str:
    gates = _judged(record)
    if not gates:
        return "## What was gated\n\nNo gate gave a verdict.\n"
    rows = [
        [markdown(id), gate["kind"], markdown(gate["guards"]), _verdict(gate), markdown(gate["summary"], 600)]
        for id, gate in gates.items()
    ]
    parts = [
        "## What was gated\n",
        _table(["gate", "kind", "decides about", "verdict", "finding"], rows),
    ]
    for id, gate in gates.items():
        measured = [check for check in gate["checks"] if "estimate" in check or "threshold" in check]
        if measured:
            columns = ["check", "verdict", "estimate", "interval", "n", "required", "margin"]
            parts.append(f"### {markdown(id)}\n\n{_table(columns, [_measured(check) for check in measured])}")
    return "\n".join(parts)


def _verdict(gate: Mapping[str, Any]) -> str:
    shown = MARKS.get(gate["verdict"], "! error")
    return shown + (" (waived)" if "waived" in gate else "" if gate["blocking"] else " (not blocking)")


def _measured(check: Mapping[str, Any]) -> list[str]:
    ends, confidence, limits = check.get("interval"), check.get("confidence"), check.get("threshold", {})
    interval = f"{_shown(ends[0])} to {_shown(ends[1])}" if ends else ""
    if interval and confidence is not None:
        interval += f" (each bound {_shown(100 * confidence)} %)"
    required = " and ".join(
        f"{'≥' if side == 'min' else '≤'} {_shown(limit)}" for side, limit in limits.items()
    )
    found = [_shown(check.get(key)) for key in ("estimate", "n", "margin")]
    verdict = MARKS.get(str(check.get("verdict")), "! error")
    return [markdown(str(check.get("id")), 120), verdict, found[0], interval, found[1], required, found[2]]


def _shown(value: object) -> str:
    return number(value) if type(value) in (int, float) else ""  # type: ignore[arg-type]  # the type is tested


# --- what was let through, and what isn't known ---------------------------------------------------


def _let_through(record: Mapping[str, Any]) -> str:
    lines = []
    for id, gate in _judged(record).items():
        waived = gate.get("waived")
        if isinstance(waived, dict):
            why = f"{waived.get('reason', '')} ({waived.get('issue', '')})"
            lines.append(
                f"- {markdown(id)}: waived until {markdown(str(waived.get('until', '')))}: {markdown(why)}"
            )
        elif gate["verdict"] != "pass" and (gate["end"] == "passed" or not gate["blocking"]):
            why = (
                "it doesn't block"
                if not gate["blocking"]
                else "the evidence was too weak, and a warning is enough"
            )
            lines.append(f"- {markdown(id)}: {markdown(gate['verdict'])}, and {why}")
    for feature, loss in record.get("borne", {}).items():
        lines.append(
            f"- {markdown(feature)} of the CI system, until {markdown(loss['until'])}: {markdown(loss['reason'])}"
        )
    return "## What was let through\n\n" + ("\n".join(lines) if lines else "Nothing.") + "\n"


def _limits(record: Mapping[str, Any], notes: str) -> str:
    """Return what the record can't vouch for."""
    judged = _judged(record)
    kinds = {gate["kind"] for gate in judged.values()}
    lines = [said for expected, said in _EXPECTED if not kinds & set(expected)]
    guarded = {gate["guards"] for gate in judged.values()}
    bare = [id for id in record.get("artifacts", {}) if id not in guarded]
    if bare:
        lines.append(f"No gate of this run decided about {', '.join(map(markdown, bare))}.")
    points = [
        f"{id}: {check.get('id')}"
        for id, gate in judged.items()
        for check in gate["checks"]
        if gate["kind"] in ("evaluate", "compare") and (gate["kind"], check.get("id")) not in COUNTS
        if "estimate" in check and "interval" not in check
    ]
    if points:
        lines.append(f"Without an interval, by the point only: {markdown(', '.join(points), 1000)}.")
    unjudged = [id for id in record.get("gates", {}) if id not in judged]
    if unjudged:
        lines.append(f"Without a verdict: {', '.join(map(markdown, unjudged))}.")
    if record["commit"].get("dirty", True):
        lines.append("Tracked files differed from the commit, or that isn't known.")
    lines += [] if record.get("seeds") else ["No seed is declared."]
    lines += (
        [] if record.get("locks") or record.get("images") else ["No lock file and no image is on record."]
    )
    lines += [] if notes.strip() else ["Intended use, users and ethical considerations aren't stated."]
    return "## Limits\n\n" + "".join(f"- {line}\n" for line in lines) if lines else ""


def _environment(record: Mapping[str, Any]) -> str:
    rows = [
        [markdown(f"{what} {name}"), _code(value)]
        for what, key in (("spec", "spec"), ("plan", "plan"), ("lock file", "locks"), ("image of", "images"))
        for name, value in record.get(key, {}).items()
    ]
    rows += [
        [markdown(f"seed {name} of {id}"), _code(value)]
        for id, seeds in record.get("seeds", {}).items()
        for name, value in seeds.items()
    ]
    rows += [
        [f"gate {markdown(id)}", _code(gate["gate_digest"])]
        for id, gate in _judged(record).items()
        if "gate_digest" in gate
    ]
    return "## Environment\n\n" + _table(["", ""], rows) if rows else ""
