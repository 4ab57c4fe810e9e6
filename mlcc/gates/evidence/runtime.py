"""The gate `evidence`: a record is there, dated, bound to what it is about, complete and signed."""

from __future__ import annotations

import datetime
import re
import sys

from mlcc.gates._records import Check, GateError, Verdict, verdict_of, visible
from mlcc.gates._strict import parse_json, read_bytes
from mlcc.gates._support import Gate, run
from mlcc.gates.evidence.front_matter import filled_sections, is_filled, split_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_MOST_BYTES = 4 << 20
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})")
# No place on Earth is further ahead of UTC: a day that has begun nowhere is in the future.
_FIRST_ZONE = datetime.timedelta(hours=14)


def judge(gate: Gate) -> Verdict:
    """Read the record and judge its date, its subject, its contents and its signatures."""
    params = _checked(gate.params)
    digest = gate.take(params["record"])
    data = read_bytes(params["record"], _MOST_BYTES)
    text = _record_text(data, params["record"])
    if params["format"] == "json":
        fields, body = parse_json(text, visible(params["record"])), ""
    else:
        fields, body = split_record(text, visible(params["record"]))
    if not isinstance(fields, dict):
        raise GateError(f"{visible(params['record'])} is no JSON object")
    now = datetime.datetime.now(datetime.timezone.utc)
    checks = [Check("record", "pass", f"{visible(params['record'])} has the digest {digest}")]
    checks += [_age_check(_find(fields, params["date"]), params, now)]
    checks += _subject_checks(fields.get("about"), gate.inputs, params["about"])
    sections = filled_sections(body) if params["sections"] else {}
    checks += [_section_check(name, sections) for name in params["sections"]]
    checks += [_field_check(way, fields) for way in params["fields"]]
    checks += [_signature_check(name, fields.get("approved_by")) for name in params["signed_by"]]
    verdict = verdict_of(checks)
    if verdict.verdict != "pass" or params["about"]:
        return verdict
    note = "The record names no bytes that it is about (`about: []`)."
    return Verdict("pass", f"{verdict.summary} {note}", checks)


def _record_text(data: bytes, path: str) -> str:
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise GateError(f"{visible(path)} is not UTF-8") from None
    if not text.strip():
        raise GateError(f"{visible(path)} is empty")
    return text


def _find(fields: Any, way: Sequence[str]) -> Any:
    for step in way:
        fields = fields.get(step) if isinstance(fields, dict) else None
    return fields


def _age_check(value: object, params: dict[str, Any], now: datetime.datetime) -> Check:
    key, most = visible(".".join(params["date"]), 80), params["max_days"]
    day = _day(value)
    if day is None:
        return Check(
            "age", "error", f"the record's {key} is no day such as 2026-12-31, nor a time with its offset"
        )
    if day > (now + _FIRST_ZONE).date():
        return Check("age", "fail", f"the record's {key}, {day.isoformat()}, is in the future")
    age = max((now.date() - day).days, 0)
    return Check(
        "age",
        "pass" if age <= most else "fail",
        f"the record is of {day.isoformat()}, {age} days old; at most {most} days are allowed, "
        f"margin {most - age} days",
        estimate=age,
        threshold={"max": most},
        margin=most - age,
    )


def _day(value: object) -> datetime.date | None:
    """Return the day (UTC) of an ISO date or time; None where it is neither, or has no offset."""
    if not isinstance(value, str) or _DAY.match(value) is None:
        return None
    day, rest = value[:10], value[10:]
    try:
        if not rest:
            return datetime.date.fromisoformat(day)
        if _TIME.fullmatch(rest) is None:
            return None
        # Before Python 3.11 neither Z nor fractions of any length are read; neither matters for the day.
        offset = "+00:00" if rest[-1] in "Zz" else rest[-6:]
        return (
            datetime.datetime.fromisoformat(f"{day}T{rest[1:6]}{offset}")
            .astimezone(datetime.timezone.utc)
            .date()
        )
    except (ValueError, OverflowError):
        return None


def _subject_checks(named: object, inputs: Mapping[str, Any], about: Sequence[str]) -> list[Check]:
    """Return a check for each artifact whose digest the record must name, as a text, list or mapping."""
    listed = (
        list(named.values()) if isinstance(named, dict) else named if isinstance(named, list) else [named]
    )
    checks = []
    for id in about:
        digest = inputs[id]["digest"]
        is_named = digest in listed
        message = (
            f"the record is about these bytes of {id} ({digest})"
            if is_named
            else f"the record's `about` doesn't name {id} as it is now: review it, and write {digest}"
        )
        checks.append(Check(f"about {id}", "pass" if is_named else "fail", message))
    return checks


def _section_check(name: str, sections: dict[str, bool]) -> Check:
    filled = sections.get(name.strip().lower())
    told = {
        None: "is missing",
        False: "has no text below it (a comment or TODO is none)",
        True: "has text below it",
    }
    return Check(
        f"section {name}", "pass" if filled else "fail", f"the section {visible(name, 80)} {told[filled]}"
    )


def _field_check(way: Sequence[str], fields: dict[str, object]) -> Check:
    name, filled = ".".join(way), is_filled(_find(fields, way))
    told = "has a value" if filled else "is missing, empty or a placeholder"
    return Check(f"field {name}", "pass" if filled else "fail", f"the field {visible(name, 80)} {told}")


def _signature_check(name: str, approved: object) -> Check:
    names = approved if isinstance(approved, list) else [approved]
    signed = name in [item.strip() for item in names if isinstance(item, str)]
    told = "is" if signed else "is not"
    return Check(
        f"signed by {name}", "pass" if signed else "fail", f"{visible(name, 80)} {told} in `approved_by`"
    )


def _checked(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters. Raises GateError where one that decides isn't proper."""
    sound = isinstance(params.get("record"), str) and params.get("format") in ("markdown", "json")
    sound = sound and type(params.get("max_days")) is int and params["max_days"] >= 1
    sound = sound and all(_is_texts(params.get(key)) for key in ("about", "sections", "signed_by"))
    sound = (
        sound and isinstance(params.get("fields"), list) and all(_is_texts(way) for way in params["fields"])
    )
    if not sound or not _is_texts(params.get("date")) or not params["date"]:
        raise GateError("the gate's parameters have no proper record, date, age or contents")
    return params


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def main() -> int:
    """Run the gate that the command line names."""
    return run("evidence", judge, __file__, sys.argv[1:])
