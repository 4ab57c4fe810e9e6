"""How worn a test set is: how many promotions it has decided, by the records of the runs that promoted.

Each promotion keeps a model for its answers on these rows, so that later models fit the rows, and no longer only what the
rows stand for (Dwork et al. 2015, "The reusable holdout", Science 349; Blum and Hardt 2015, "The Ladder").

A promotion is a model, by the digest of what the gate guards, that a `compare` gate let through in a run whose artifacts
had the test set, by digest. The same model counts once, whoever judged it; the one that is judged now isn't counted before.
"""

from __future__ import annotations

import re

from mlcc.gates._files import table_files
from mlcc.gates._records import Check, GateError, counted, visible
from mlcc.gates._strict import parse_json, read_bytes
from mlcc.gates._support import Gate
from mlcc.runtime.predicates import RECORD, STATEMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MOST_RECORD = 64 << 20  # bytes of one file
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NEAR = 5  # a budget's last fifth


def check_wear(gate: Gate) -> Check:
    """Hold the promotions that the test set has decided, with this one, to their budget.

    Raises GateError for records that are missing, can't be read or contradict themselves: none is skipped.
    """
    stated = gate.params["holdout"]
    id, budget = stated["artifact"], stated["budget"]
    if type(budget) is not int or budget < 1:
        raise GateError("the gate's parameters have no proper budget of promotions")
    found: dict[str, str] = {}
    since = ", as the spec says (`first: none`)"
    if stated.get("first") != "none":
        found = _promotions(gate, stated["records"], gate.inputs[id]["digest"])
        found.pop(gate.inputs[gate.guards]["digest"], None)
        since = f" since {min(found.values())}" if found else ""
    number = len(found) + 1
    return Check(
        "holdout",
        "pass" if number <= budget else "inconclusive",
        f"{visible(id, 80)} has decided {counted(len(found), 'promotion')}{since}, and may decide {budget}: "
        f"{_what_follows(number, budget)}",
        estimate=number,
        threshold={"max": budget},
        margin=budget - number,
    )


def _what_follows(number: int, budget: int) -> str:
    left = budget - number
    if left < 0:
        return "models fit these rows by now, and a fresh holdout is due"
    if left == 0:
        return "this would be the last, and a fresh holdout is due"
    due = f", and a fresh holdout is due after {left} more" if left * _NEAR <= budget else ""
    return f"this would be number {number}{due}"


def _promotions(gate: Gate, records: str, holdout: str) -> dict[str, str]:
    """Return digest -> first day, of each model that was promoted by a test set's digest."""
    found: dict[str, str] = {}
    for file in table_files(gate.paths(records), "jsonl"):
        for record, shown in _records_in(file):
            day, promoted = _day(record, shown), list(_promoted(record, holdout, shown))
            for model in promoted:
                found[model] = min(day, found.get(model, day))
    return found


def _records_in(file: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each run's record in a file of statements, one a line, and what messages call it. Raises GateError."""
    try:
        text = read_bytes(file, _MOST_RECORD).decode("utf-8")
    except UnicodeDecodeError:
        raise GateError(f"{visible(file)} is not UTF-8") from None
    read = 0
    for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
        shown = f"{visible(file)}, line {number}"
        statement = parse_json(line, shown)
        kind = statement.get("predicateType") if isinstance(statement, dict) else None
        if (
            not isinstance(statement, dict)
            or statement.get("_type") != STATEMENT
            or not isinstance(kind, str)
        ):
            raise GateError(
                f"{shown}, is no in-toto statement, as the final node writes them to lineage.jsonl"
            )
        if kind == RECORD:
            read += 1
            yield _part(statement, "predicate", shown), shown
    if not read:
        raise GateError(f"{visible(file)} holds no record of a run ({RECORD})")


def _day(record: dict[str, Any], shown: str) -> str:
    match = _TIME.fullmatch(_stated(record, "finished", shown))
    if match is None:
        raise GateError(f"{shown}, doesn't say when the run finished")
    return match[1]


def _promoted(record: dict[str, Any], holdout: str, shown: str) -> Iterator[str]:
    """Yield the digest of each model that a `compare` gate let through in a run that had the test set."""
    had = {
        id: _part(_part(record["artifacts"], id, shown), "digests", shown)
        for id in _part(record, "artifacts", shown, needed=False)
    }
    uses = any(holdout in digests.values() for digests in had.values())
    for id in _part(record, "gates", shown, needed=False):
        gate = _part(record["gates"], id, shown)
        kind, end, verdict = (_stated(gate, key, shown) for key in ("kind", "end", "verdict"))
        if verdict == "pass" and end != "passed":
            raise GateError(f"{shown}, contradicts itself: the gate {visible(id, 80)} passed and failed")
        if kind != "compare" or end != "passed":
            continue
        judged = _digests_of(gate, had, f"{shown}, the gate {visible(id, 80)}")
        guarded = _stated(gate, "guards", shown)
        if guarded not in judged:
            raise GateError(f"{shown}, doesn't say what the gate {visible(id, 80)} judged")
        if uses or holdout in judged.values():
            yield judged[guarded]


def _digests_of(gate: dict[str, Any], had: dict[str, dict[str, Any]], shown: str) -> dict[str, str]:
    """Return artifact -> digest, of what a gate judged. Raises GateError where its run had another."""
    inputs = _part(gate, "inputs", shown)
    judged = {id: _stated(_part(inputs, id, shown), "digest", shown) for id in inputs}
    for id, digest in judged.items():
        # By the legs of its writer an artifact has digests of its parts.
        whole = had.get(id, {}).get("")
        if whole is not None and whole != digest:
            raise GateError(f"{shown}, judged another {visible(id, 80)} than its run had")
    return judged


def _part(value: dict[str, Any], key: str, shown: str, *, needed: bool = True) -> dict[str, Any]:
    """Return an object in an object. Raises GateError; what isn't `needed` may be left out, which is empty."""
    found = value.get(key) if needed else value.get(key, {})
    if not isinstance(found, dict):
        raise GateError(f"{shown}, is no whole record: {visible(key, 80)} is no object")
    return found


def _stated(value: dict[str, Any], key: str, shown: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise GateError(f"{shown}, is no whole record: {visible(key, 80)} is no text")
    return found
