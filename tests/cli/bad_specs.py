"""Specs that no command may accept: what the user gets to see, and where."""

from __future__ import annotations

from typing import NamedTuple

from tests.cli.project import SPEC

MARK = "◆"
"""Stands in a spec where the diagnostic must point."""


class Bad(NamedTuple):
    """A spec as bytes, and the first diagnostic that it gets: code, LINE:COLUMN and a part of the text."""

    name: str
    spec: bytes
    code: str
    place: str
    says: str


def _bad(name: str, old: str, new: str, code: str, says: str) -> Bad:
    """Put `new`, with its mark, in the place of `old` in the spec; of all of it, where `old` is empty."""
    assert SPEC.count(old) == 1 or not old, old
    marked = SPEC.replace(old, new) if old else new
    before = marked[: marked.index(MARK)]
    place = f"{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"
    return Bad(name, marked.replace(MARK, "").encode(), code, place, says)


def _legs(number: int) -> str:
    return ", ".join(str(leg) for leg in range(number))


# One job that no workflow file holds: text that takes twice the bytes in YAML's escapes.
_SERVICES = "".join(f"      s{n}: {{image: pg, port: 1, env: {{A: {'é' * 7_000}}}}}\n" for n in range(20))
_AXES = f"{{axes: {{a: [{_legs(20)}], b: [{_legs(15)}]}}}}"
TOO_LARGE = SPEC.replace(
    "gates:\n", f"  ◆large:\n    run: python ship.py\n    services:\n{_SERVICES}gates:\n"
)

BAD_SPECS = (
    Bad("empty", b"", "empty-document", "1:1", "holds no spec"),
    Bad("only comments", b"# nothing\n", "empty-document", "2:1", "holds no spec"),
    _bad("not YAML", "", "version: 1\nname: [demo\n◆", "not-yaml", "`,` or `]` expected"),
    Bad("not UTF-8", SPEC.replace("demo", "d\xe9mo").encode("latin-1"), "not-utf8", "2:8", "byte 0xe9"),
    _bad("a list", "", "◆- version: 1\n", "not-a-mapping", "mapping"),
    Bad("binary", b"\x7fELF\x00\x00", "control-character", "1:1", "U+007F"),
    _bad("a tab", "  stops:", "◆\tstops:", "not-yaml", "a tab"),
    _bad("an unknown key", "writes: [model", "◆writs: [model", "unknown-key", "did you mean `writes`?"),
    _bad("an unknown key at the top", "gates:", "◆gate:", "unknown-key", "did you mean `gates`?"),
    _bad("a wrong type", "reads: [model]", "reads: ◆model", "wrong-type", "a list of one item"),
    _bad("a job without work", "ship: {run: python ship.py, ", "◆ship: {", "one-of", "one of run, remote is missing"),
    _bad("a missing key", "unit: {guards: code, ", "◆unit: {", "missing-key", "`guards` is missing"),
    _bad("a version from the future", "version: 1", "version: ◆2", "unsupported-version", "2"),
    _bad("a duplicate key", "  ship:", "  ◆train:", "duplicate-key", "first written here"),
    _bad("an unknown artifact", "reads: [model]", "reads: [◆modle]", "unknown-artifact", "did you mean 'model'?"),
    _bad("an unknown gate target", "guards: model", "guards: ◆modell", "unknown-artifact", "did you mean 'model'?"),
    _bad("two writers", "reads: [model]", "writes: [◆model]", "two-writers", "'train' and by 'ship'"),
    _bad("an artifact nobody writes", "path: stops", "path: ◆gone", "no-writer", "'stops'"),
    _bad("a cycle", "rate}}}\n  ship:", "rate}}, needs: [ship]}\n  ◆ship:", "cycle", "wait for one another"),
    _bad("a trigger that is none", "r: retrain", "r: ◆retrian", "unknown-trigger", "did you mean 'retrain'?"),
    _bad("a name that leads out", "name: demo", "name: ◆../demo", "bad-id", "an id"),
    _bad("a path that leads out", "path: stops.csv", "path: ◆../stops.csv", "bad-path", ".."),
    _bad("a matrix of 300 legs", "run: python ship", f"◆matrix: {_AXES}, run: python ship", "limit", "256 jobs; ship uses 300"),
    _bad("a job of over 460 KB", "", TOO_LARGE, "limit", "460,800 bytes"),
)  # fmt: skip
