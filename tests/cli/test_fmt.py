"""`mlcc fmt`: what it writes, names and shows, and what it refuses."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.cli.project import Project

UNTIDY = "version: 1\nname:   demo # ours\njobs:\n    train: {run: python fit.py,\n      retry: 1}\n"
TIDY = "version: 1\nname: demo   # ours\njobs:\n  train: {run: python fit.py, retry: 1}\n"


def test_a_spec_is_laid_out_once(project: Project) -> None:
    project.write("mlcc.yaml", UNTIDY)
    done = project.run("fmt")
    assert (done.code, done.out, done.err) == (0, "laid out mlcc.yaml\n1 of 1 file changed\n", "")
    assert (project.root / "mlcc.yaml").read_text() == TIDY
    before = project.tree()
    done = project.run("fmt")
    assert (done.code, done.out, done.err) == (0, "0 of 1 file changed\n", "")
    assert project.tree() == before


def test_check_writes_nothing_and_names_the_file(project: Project) -> None:
    project.write("mlcc.yaml", UNTIDY)
    before = project.tree()
    done = project.run("fmt", "--check")
    assert (done.code, done.out) == (1, "would lay out mlcc.yaml\n1 of 1 file to change\n")
    assert project.tree() == before
    project.write("mlcc.yaml", TIDY)
    done = project.run("fmt", "--check")
    assert (done.code, done.out) == (0, "0 of 1 file to change\n")


def test_diff_writes_nothing_and_shows_the_lines(project: Project) -> None:
    project.write("mlcc.yaml", UNTIDY)
    before = project.tree()
    done = project.run("fmt", "--diff")
    assert done.code == 1
    assert done.out.splitlines() == [
        "--- mlcc.yaml",
        "+++ mlcc.yaml (laid out)",
        "@@ -1,6 +1,5 @@",
        " version: 1",
        "-name:   demo # ours",
        "+name: demo   # ours",
        " jobs:",
        "-    train: {run: python fit.py,",
        "-      retry: 1}",
        "+  train: {run: python fit.py, retry: 1}",
        " ",
    ]
    assert project.tree() == before
    project.write("mlcc.yaml", TIDY)
    assert project.run("fmt", "--diff").code == 0


def test_check_and_diff_exclude_each_other(project: Project) -> None:
    done = project.run("fmt", "--check", "--diff")
    assert done.code == 2
    assert "error[bad-call]" in done.err


def test_all_means_what_specs_extend_too(project: Project) -> None:
    project.write("platform/base.yaml", "jobs: { }\nextends: [ ../deep.yaml ]\n")
    project.write("deep.yaml", "jobs: { }\n")
    project.write("other.yaml", "jobs: { }\n")
    project.write("mlcc.yaml", "extends: [platform/base.yaml, gone.yaml]\n" + TIDY)
    project.write("b/mlcc.yaml", UNTIDY)
    done = project.run("fmt", "--all")
    assert (done.code, done.err) == (0, "")
    assert sorted(done.out.splitlines()) == [
        "3 of 4 files changed", "laid out b/mlcc.yaml", "laid out deep.yaml", "laid out platform/base.yaml"
    ]  # fmt: skip
    assert (project.root / "other.yaml").read_text() == "jobs: { }\n"


def test_one_bad_spec_keeps_all_as_they_are(project: Project) -> None:
    project.write("mlcc.yaml", UNTIDY)
    project.write("b/mlcc.yaml", "a: 1\na: no\n")
    before = project.tree()
    done = project.run("fmt", "--all")
    assert (done.code, done.out) == (2, "")
    assert "b/mlcc.yaml:2:1: error[duplicate-key]" in done.err
    assert "b/mlcc.yaml:2:4: error[ambiguous-scalar]" in done.err
    assert project.tree() == before


@pytest.mark.parametrize("text", [b"", b"\xff", b"- a\n", b"a: [\n", b"a: &x 1\n", b"a: 1\n---\nb: 1\n"])
def test_what_is_no_spec_is_refused(project: Project, text: bytes) -> None:
    path = project.write("mlcc.yaml", text)
    done = project.run("fmt")
    assert done.code == 2
    assert done.err.startswith("mlcc.yaml:")
    assert path.read_bytes() == text


def test_a_missing_file(project: Project) -> None:
    done = project.run("fmt", "none.yaml")
    assert done.code == 2
    assert "error[no-such-file]" in done.err


def test_a_spec_needs_no_sense_to_be_laid_out(project: Project) -> None:
    project.write("mlcc.yaml", "version:  9\nnonsense: { }\n")
    assert project.run("fmt").code == 0
    assert (project.root / "mlcc.yaml").read_text() == "version: 9\nnonsense: {}\n"


def test_a_symbolic_link_is_not_followed(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(UNTIDY)
    (project.root / "mlcc.yaml").unlink()
    (project.root / "mlcc.yaml").symlink_to(outside)
    done = project.run("fmt")
    assert (done.code, done.out) == (3, "")
    assert "error[unsafe-path]: mlcc.yaml is a symbolic link" in done.err
    assert outside.read_text() == UNTIDY
    assert (project.root / "mlcc.yaml").is_symlink()


def test_the_mode_stays_and_nothing_is_left_behind(project: Project) -> None:
    path = project.write("mlcc.yaml", UNTIDY)
    path.chmod(0o640)
    files = project.files()
    assert project.run("fmt").code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert project.files() == files


def test_a_file_that_may_not_be_written_stays(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project.write("mlcc.yaml", UNTIDY)
    real = os.open

    def refusing(name: str, flags: int, *rest: int, **options: int) -> int:
        if name == "mlcc.yaml" and flags & os.O_WRONLY:
            raise PermissionError(13, "Permission denied", name)
        return real(name, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refusing)
    done = project.run("fmt")
    assert (done.code, done.out) == (3, "")
    assert "error[cannot-write]: mlcc.yaml can't be written: Permission denied" in done.err
    assert path.read_text() == UNTIDY


def test_a_full_disk_leaves_the_old_text(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project.write("mlcc.yaml", UNTIDY)
    files = project.files()

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    done = project.run("fmt")
    assert done.code == 3
    assert path.read_text() == UNTIDY
    assert project.files() == files
