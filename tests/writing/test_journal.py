"""A journal that came with a checkout, or that the user edited around: recovery does no harm."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mlcc.diagnostics import OutputError
from mlcc.writing.files import File, marker_line, seal
from mlcc.writing.writer import check, write

CI = ".github/workflows/ci.yml"
OURS = seal(f"# {marker_line('mlcc.yaml')}\na: 1\n")
LATER = seal(f"# {marker_line('mlcc.yaml')}\na: 2\n")
FILES = [File(CI, f"# {marker_line('mlcc.yaml')}\na: 3\n")]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def step(path: str, old: str | None, new: str | None) -> dict[str, Any]:
    encoded = None if old is None else base64.b64encode(old.encode()).decode()
    return {"path": path, "old": encoded, "new": None if new is None else digest(new), "mode": 0o644}


def plant(root: Path, *records: object) -> None:
    (root / ".mlcc").mkdir(exist_ok=True)
    lines = [json.dumps(record) for record in records]
    (root / ".mlcc/journal").write_text("".join(f"{digest(line)} {line}\n" for line in lines))


def staged(*steps: dict[str, Any], folders: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"phase": "stage", "folders": folders, "steps": steps}


COMMIT = {"phase": "commit", "folders": [], "steps": []}
UNDO = {"phase": "undo", "folders": [], "steps": []}


def put(root: Path, path: str, text: str) -> Path:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    return root / path


def recover(root: Path) -> None:
    """Recovery alone: the compile behind it is refused."""
    put(root, ".github/workflows/mine.yml", "mine\n")
    foreign = File(".github/workflows/mine.yml", FILES[0].text)
    with pytest.raises(OutputError, match="not-ours"):
        write([*FILES, foreign], root, home=".", force=True)


@pytest.mark.parametrize(
    "path",
    ["src/train.py", ".git/hooks/post-commit", "../outside", "/etc/passwd", "mlcc.yaml", ".github/x.yml"],
)
def test_a_journal_that_names_another_place_is_refused(tmp_path: Path, path: str) -> None:
    for records in ((staged(step(path, OURS, None)), UNDO), (staged(step(path, None, OURS)), COMMIT)):
        plant(tmp_path, *records)
        with pytest.raises(OutputError, match="bad-journal"):
            write(FILES, tmp_path, home=".", force=True, prune=True)
        assert [path.name for path in tmp_path.rglob("*")] == [".mlcc", "journal"]


def test_a_journal_restores_nothing_that_mlcc_did_not_write(tmp_path: Path) -> None:
    plant(tmp_path, staged(step(CI, "evil: 1\n", None)), UNDO)
    with pytest.raises(OutputError, match="wasn't mlcc's to change"):
        write(FILES, tmp_path, home=".")


@pytest.mark.parametrize(
    "record",
    [
        [],
        {},
        "stage",
        None,
        {"phase": "stage"},
        {"phase": 1, "folders": [], "steps": []},
        {"phase": "stage", "folders": [1], "steps": []},
        {"phase": "stage", "folders": ["../x"], "steps": []},
        staged({"path": CI, "old": "&&&", "new": None, "mode": 0}),
        staged({"path": CI, "old": None, "new": 1, "mode": 0}),
        staged({"path": CI, "old": None, "new": None, "mode": "x"}),
        staged({"path": CI}),
    ],
)
def test_a_journal_of_another_form_is_refused(tmp_path: Path, record: object) -> None:
    plant(tmp_path, record)
    with pytest.raises(OutputError, match="bad-journal"):
        write(FILES, tmp_path, home=".")


@pytest.mark.parametrize("text", ["", "x", "\n", "0" * 64 + " {}\n", "torn"])
def test_a_journal_without_a_whole_record_undoes_nothing(tmp_path: Path, text: str) -> None:
    put(tmp_path, CI, OURS)
    put(tmp_path, ".mlcc/journal", text)
    recover(tmp_path)
    assert (tmp_path / CI).read_text() == OURS
    assert not (tmp_path / ".mlcc/journal").exists()


def test_check_refuses_a_journal_and_leaves_it(tmp_path: Path) -> None:
    put(tmp_path, CI, OURS)
    plant(tmp_path, staged(step(CI, LATER, OURS)), UNDO)
    with pytest.raises(OutputError) as caught:
        check(FILES, tmp_path, home=".")
    (found,) = caught.value.diagnostics
    assert found.code == "interrupted"
    assert found.help == "run `mlcc compile`; if the file came with the checkout, delete it"
    assert (tmp_path / CI).read_text() == OURS
    assert (tmp_path / ".mlcc/journal").exists()


@pytest.mark.parametrize("now", ["mine: too\n", LATER, None])
def test_a_file_that_changed_after_the_crash_is_left_alone(tmp_path: Path, now: str | None) -> None:
    """Not as before the crash nor as it should be after: somebody worked on it."""
    fresh = put(tmp_path, ".github/workflows/.ci.yml.mlcc-new", "next\n")
    if now is not None:
        put(tmp_path, CI, now)
    for last in (COMMIT, UNDO):
        plant(tmp_path, staged(step(CI, OURS, "next\n")), last)
        recover(tmp_path)
        assert ((tmp_path / CI).read_text() if now is not None else (tmp_path / CI).exists()) == (
            now or False
        )
        assert not fresh.exists()


def test_undo_restores_content_and_mode(tmp_path: Path) -> None:
    put(tmp_path, CI, LATER)
    old = {**step(CI, OURS, LATER), "mode": 0o755}
    plant(tmp_path, staged(old, step("Jenkinsfile", OURS, None)), COMMIT, UNDO)
    recover(tmp_path)
    assert (tmp_path / CI).read_text() == OURS
    assert (tmp_path / CI).stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "Jenkinsfile").read_text() == OURS
