"""The report of an import, as text and as JSON; and the spec's file, which is never written over another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from mlcc.diagnostics import OutputError, error
from mlcc.importing.ledger import Note, Status
from mlcc.importing.read import Imported
from mlcc.render_diagnostics import escaped

_TITLES = {
    Status.LISTED: "not placed",
    Status.OVERLAY: "kept as text of this CI system",
    Status.REPLACED: "replaced by what mlcc does",
    Status.PLACED: "placed",
}


def counts(found: Imported) -> dict[str, int]:
    """Return how many lines that hold something came to what."""
    values = list(found.lines.values())
    return {status.value: values.count(status) for status in Status}


def as_text(found: Imported) -> str:
    """Return the report for people: what could not be placed first."""
    number = counts(found)
    lines = [
        f"{found.path}: {len(found.lines)} lines: {number['placed']} placed, {number['overlay']} kept as an overlay, "
        f"{number['replaced']} replaced by mlcc, {number['listed']} not placed as they are"
    ]
    for status, title in _TITLES.items():
        group = [note for note in found.notes if note.status is status]
        if group:
            lines += ["", f"{title}:", *(f"  {_where(note)}  {note.what}: {note.text}" for note in group)]
    if found.refused:
        lines += ["", "what mlcc says against the spec still:", *(f"  {text}" for text in found.refused)]
    if found.suggestions:
        lines += ["", "worth a look:", *(f"  {text}" for text in found.suggestions)]
    return "\n".join(escaped(line) for line in lines) + "\n"


def _where(note: Note) -> str:
    return str(note.line) if note.line >= note.end_line else f"{note.line}-{note.end_line}"


def as_json(found: Imported) -> str:
    """Return the report, with the spec, as one JSON object."""
    content = {
        "file": found.path,
        "system": found.system,
        "spec": found.spec,
        "counts": counts(found),
        "lines": {str(line): status.value for line, status in _known(found)},
        "notes": [
            {"status": n.status.value, "line": n.line, "end_line": n.end_line, "what": n.what, "text": n.text}
            for n in found.notes
        ],
        "refused": list(found.refused),
        "suggestions": list(found.suggestions),
    }
    return json.dumps(content, indent=2)


def _known(found: Imported) -> Iterator[tuple[int, Status]]:
    for line, status in found.lines.items():
        if status is not None:
            yield line, status


def write_new(path: Path, text: str) -> None:
    """Write a file that isn't there yet. Raises OutputError, and leaves nothing half-written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.link(temporary, path)  # fails where something is there, a link to nowhere too
    except FileExistsError:
        found = error("file-exists", f"{path} is there already", None, help="name another file with --output")
        raise OutputError([found]) from None
    except OSError as problem:
        reason = problem.strerror or "output failed"
        raise OutputError([error("unwritable-file", f"{path} can't be written: {reason}", None)]) from None
    finally:
        temporary.unlink(missing_ok=True)
