"""Compiles an imported spec again, and lists where something else comes out than was there."""

from __future__ import annotations

import tempfile
from difflib import SequenceMatcher
from pathlib import Path

from mlcc.compiler import analyse, compile_files
from mlcc.diagnostics import MlccError
from mlcc.importing.ledger import Ledger
from mlcc.importing.shell import visible
from mlcc.load.source import MAX_BYTES

_MARKER = "mlcc:generated"
_OTHER = "the spec compiles to something else here"


def compare(spec: str, path: Path, root: Path, home: str, system: str, ledger: Ledger) -> None:
    """List the lines of a pipeline, and the files that it runs, that the spec doesn't compile to."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve() / home / "mlcc.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(spec, encoding="utf-8")
        try:
            analysis = analyse(place, Path(folder).resolve(), assume_committed=True)
            files = {file.path: file.text for file in compile_files(analysis, [system])}
        except MlccError as problem:
            ledger.finding(1, path.name, f"the spec doesn't compile: {problem.diagnostics[0].message}")
            return
    resolved = path.resolve()
    own = resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else path.name
    if own in files:
        _lines(ledger, files[own])
    else:
        ledger.finding(
            1, own, f"the spec compiles to {', '.join(sorted(f for f in files if '.mlcc/' not in f))}"
        )
    for name, text in sorted(files.items()):
        if name != own and not name.endswith((".py", ".txt")):
            there = root / name
            if not there.is_file() or there.stat().st_size > 16 * MAX_BYTES:
                ledger.finding(1, name, "the spec compiles to this file, which isn't there")
            elif _kept(there.read_text(encoding="utf-8", errors="replace")) != _kept(text):
                ledger.finding(1, name, _OTHER)
    for there in sorted((root / home / ".mlcc" / "gates").glob("*.json")):
        if there.relative_to(root).as_posix() not in files:
            ledger.finding(1, there.name, "no gate of the spec has this file")


def _kept(text: str) -> list[str]:
    """Return the lines of a file without its marker."""
    return [line for line in text.splitlines() if _MARKER not in line]


def _lines(ledger: Ledger, text: str) -> None:
    there = [(n, line) for n, line in enumerate(ledger.document.lines, 1) if _MARKER not in line]
    matcher = SequenceMatcher(None, [line for _, line in there], [*_kept(text), ""], autojunk=False)
    for tag, start, end, _, _ in matcher.get_opcodes():
        for number, line in there[start : max(end, start + 1)] if tag != "equal" else []:
            ledger.finding(number, visible(line).strip()[:60], _OTHER)
