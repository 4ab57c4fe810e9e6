"""Records on which an `evidence` gate must not pass: too old, of tomorrow, about something else, or incomplete."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates.fixtures import Fixture, artifact_files, digest_of


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield records with a wrong date, digest, section, field or signature, and what is no record."""
    params = document["params"]
    files = artifact_files(document)
    today = datetime.datetime.now(datetime.timezone.utc).date()
    path = params["record"]
    good = _record(document, files, today.isoformat())

    def fixture(name: str, verdict: str, check: str | None, content: bytes) -> Fixture:
        return Fixture(name, verdict, {**files, path: content}, check)

    old = today - datetime.timedelta(days=params["max_days"] + 2)
    soon = today + datetime.timedelta(days=3)
    yield fixture("the record is too old", "fail", "age", _record(document, files, old.isoformat()))
    yield fixture("the record is of the future", "fail", "age", _record(document, files, soon.isoformat()))
    yield fixture("the date is no date", "error", "age", _record(document, files, "last week"))
    yield fixture("the record is empty", "error", None, b"")
    yield fixture("the record is no text", "error", None, b"\xff\xfe")
    absent = {place: content for place, content in files.items() if place != path}
    yield Fixture("the record is missing", "error", absent)
    bare_params = {**params, "sections": [], "fields": [], "signed_by": []}
    bare = _record({**document, "params": bare_params}, files, today.isoformat())
    for id in params["about"]:
        other = good.replace(_digest(document, files, id).encode(), b"sha256:" + b"0" * 64)
        yield fixture(f"the record is about another {id}", "fail", f"about {id}", other)
    for key, check in (("sections", "section"), ("signed_by", "signed by")):
        for name in params[key]:
            yield fixture(f"the {check} {name} is missing", "fail", f"{check} {name}", bare)
    for way in params["fields"]:
        if way != params["date"] and way[0] != "about":
            name = ".".join(way)
            yield fixture(f"the field {name} is missing", "fail", f"field {name}", bare)


def _record(document: Mapping[str, Any], files: Mapping[str, bytes], date: str) -> bytes:
    """Return a record of a date that has all that the gate asks for."""
    params = document["params"]
    tree: dict[str, Any] = {}
    for way in sorted((*params["fields"], params["date"]), key=len):
        place = tree
        for step in way[:-1]:
            if not isinstance(place.get(step), dict):
                place[step] = {}
            place = place[step]
        place[way[-1]] = date if way == params["date"] else "given"
    tree["about"] = [_digest(document, files, id) for id in params["about"]]
    if params["signed_by"]:
        tree["approved_by"] = params["signed_by"]
    if params["format"] == "json":
        return json.dumps(tree).encode()
    lines = ["---", *(line for key, value in tree.items() for line in _front_matter(key, value)), "---", ""]
    for name in params["sections"]:
        lines += [f"# {name}", "", "Written.", ""]
    return "\n".join(lines).encode()


def _front_matter(key: str, value: Any) -> list[str]:
    if isinstance(value, str):
        return [f'{key}: "{value}"']
    return [f"{key}:", *(f'- "{item}"' for item in value)]


def _digest(document: Mapping[str, Any], files: Mapping[str, bytes], id: str) -> str:
    return digest_of(document["artifacts"][id]["path"], files)
