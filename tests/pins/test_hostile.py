"""Locks and edited outputs that somebody made up: refused with a code and a line, or taken for exactly what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.pins.edits import Edit, edits_of
from mlcc.pins.lock import ActionPin, ImagePin, Lock, PackagePin, lock_text
from mlcc.pins.read import COMMIT, DIGEST, TAG, read_lock
from tests.cli.project import Project
from tests.pins.conftest import edit

LOCK = lock_text(
    Lock(
        "x",
        {"actions/checkout": ActionPin("actions/checkout", "v7.0.1", "1" * 40, "2026-12-01", "a note")},
        {"postgres:16": ImagePin("postgres:16", f"sha256:{'2' * 64}", "2026-12-01")},
        {"duckdb": PackagePin("duckdb", "2.0.1", "2026-12-01", (f"sha256:{'3' * 64}",))},
        {"github": {"secrets": ("train: A",)}},
    )
)
COMPILED = f"""# a workflow
    container: {{image: 'postgres:16'}}
      - uses: actions/checkout@{"1" * 40} # v7.0.1
        run: exec python3
"""
HOSTILE = (
    "\n",
    " # x",
    "'",
    '"',
    "${{ secrets.A }}",
    "$(id)",
    "\\",
    "`",
    "\x00",
    "\u202e",
    "@",
    ": ",
    "{",
    "&a ",
    "- ",
    "9" * 50,
)
draws = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def read_or_refuse(folder: Path) -> Lock | tuple[Diagnostic, ...]:
    try:
        return read_lock(folder / "mlcc.yaml")[0]
    except SpecError as problem:
        return problem.diagnostics


@given(st.integers(0, len(LOCK)), st.integers(0, 40), st.sampled_from(("", *HOSTILE)))
@draws
def test_a_changed_lock_is_refused_or_well_formed(
    tmp_path_factory: pytest.TempPathFactory, at: int, length: int, instead: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "mlcc.lock").write_bytes((LOCK[:at] + instead + LOCK[at + length :]).encode())
    lock = read_or_refuse(folder)
    if not isinstance(lock, Lock):
        assert lock
        assert all(one.span is not None for one in lock)
        return
    assert all(COMMIT.fullmatch(pin.commit) and TAG.fullmatch(pin.tag) for pin in lock.actions.values())
    assert all(DIGEST.fullmatch(pin.digest) for pin in lock.images.values())
    assert all(DIGEST.fullmatch(digest) for pin in lock.packages.values() for digest in pin.hashes)
    again = lock_text(lock)
    (folder / "mlcc.lock").write_text(again)
    assert lock_text(read_lock(folder / "mlcc.yaml")[0]) == again


@given(
    st.integers(0, len(COMPILED)),
    st.integers(0, 60),
    st.sampled_from(("", "2" * 40, f"@sha256:{'4' * 64}", *HOSTILE)),
)
@draws
def test_an_edit_is_a_whole_pin_or_refused(at: int, length: int, instead: str) -> None:
    edited = COMPILED[:at] + instead + COMPILED[at + length :]
    found = list(edits_of("w.yml", edited, COMPILED, ["postgres:16"]))
    assert bool(found) == (edited != COMPILED)
    edits = [one for one in found if isinstance(one, Edit)]
    if len(edits) < len(found):
        return
    # put back what the edits say, and nothing else may be left
    text = edited
    for one in edits:
        if one.kind == "image":
            text = text.replace(f"postgres:16@{one.value[0]}", "postgres:16")
        else:
            text = text.replace(f"@{one.value[1]}", f"@{'1' * 40}").replace(f"# {one.value[0]}", "# v7.0.1")
    assert text.split() == COMPILED.split()


@pytest.mark.parametrize("text", HOSTILE[:-1])
def test_no_hostile_text_comes_into_an_output(locked: Project, text: str) -> None:
    """Through none of the fields that reach one."""
    for old in ("v7.0.1", "'2.0.0'", "5fda3b95a4ea91299a34e894583c3862153e4b97", "sha256:09de511e"):
        before = (locked.root / "mlcc.lock").read_text()
        quoted = "".join(f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" for c in text)
        edit(locked, "mlcc.lock", old, f'"{old[:3].strip(chr(39))}{quoted}"', 1)
        tree = locked.tree()
        done = locked.run("compile")
        assert done.code == 2, (old, done.both)
        assert "mlcc.lock:" in done.err
        assert locked.tree() == tree
        locked.write("mlcc.lock", before)
