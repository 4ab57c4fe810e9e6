"""WRITE and CHECK: whose files are touched, and what is refused."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.diagnostics import Diagnostic, OutputError
from mlcc.writing.abandoned import Search
from mlcc.writing.drift import EditedError
from mlcc.writing.files import File, is_intact, marker_line, seal
from mlcc.writing.folder import Folder
from mlcc.writing.journal import Journal
from mlcc.writing.writer import check, ensure_writable, write

CI = ".github/workflows/ci.yml"
GATE = ".mlcc/gates/unit.json"


def generated(path: str, body: str = "a: 1\n", source: str | None = "mlcc.yaml") -> File:
    return File(path, f"# {marker_line(source)}\n{body}")


def outputs(body: str = "a: 1\n") -> list[File]:
    return [generated(CI, body), generated(GATE, body, None), generated(".mlcc/run.py", body, None)]


def tree(root: Path) -> dict[str, str]:
    """Every file below the root with its text."""
    return {
        path.relative_to(root).as_posix(): path.read_text(errors="surrogateescape")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def refused(excinfo: pytest.ExceptionInfo[OutputError]) -> list[tuple[str, str]]:
    return [(found.code, found.message) for found in excinfo.value.diagnostics]


def only(excinfo: pytest.ExceptionInfo[OutputError]) -> Diagnostic:
    (found,) = excinfo.value.diagnostics
    return found


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "mlcc.yaml").write_text("version: 1\n")
    yield tmp_path
    assert not (tmp_path / ".mlcc/journal").exists()
    assert not list(tmp_path.rglob("*.mlcc-new"))


def test_a_first_compile_writes_everything_sealed_and_readable(root: Path) -> None:
    old = os.umask(0o077)
    try:
        report = write(outputs(), root, home=".")
    finally:
        os.umask(old)
    assert report.written == (CI, GATE, ".mlcc/run.py")
    assert (report.unchanged, report.removed, report.orphans) == ((), (), ())
    for path in report.written:
        assert is_intact((root / path).read_bytes().decode())
        assert stat.S_IMODE((root / path).stat().st_mode) == 0o644
    assert set(tree(root)) == {CI, GATE, ".mlcc/run.py", "mlcc.yaml"}
    assert check(outputs(), root, home=".") == []


def test_a_second_compile_touches_nothing(root: Path) -> None:
    write(outputs(), root, home=".")
    before = {path: (root / path).stat().st_ino for path in (CI, GATE)}
    folders = {path: path.stat().st_mtime_ns for path in (root, root / ".mlcc", root / ".mlcc/gates")}
    report = write(outputs(), root, home=".")
    assert report.written == ()
    assert report.unchanged == (CI, GATE, ".mlcc/run.py")
    assert {path: (root / path).stat().st_ino for path in (CI, GATE)} == before
    assert {path: path.stat().st_mtime_ns for path in folders} == folders


def test_only_what_changed_is_written(root: Path) -> None:
    write(outputs(), root, home=".")
    report = write([*outputs()[:2], generated(".mlcc/run.py", "b: 2\n", None)], root, home=".")
    assert report.written == (".mlcc/run.py",)
    assert report.unchanged == (CI, GATE)
    assert (root / ".mlcc/run.py").read_text().endswith("\nb: 2\n")


@pytest.mark.parametrize("force", [False, True])
def test_a_file_without_the_marker_is_never_overwritten(root: Path, force: bool) -> None:
    (root / ".github/workflows").mkdir(parents=True)
    (root / CI).write_text("name: mine\n")
    before = tree(root)
    with pytest.raises(OutputError) as caught:
        write(outputs(), root, home=".", force=force, prune=True)
    assert refused(caught) == [("not-ours", f"`{CI}` exists, and mlcc didn't write it")]
    assert tree(root) == before
    with pytest.raises(OutputError, match="not-ours"):
        check(outputs(), root, home=".")


def test_an_edited_file_is_refused_with_a_diff_and_both_ways_on(root: Path) -> None:
    write(outputs(), root, home=".")
    (root / CI).write_text((root / CI).read_text() + "by: hand\n")
    before = tree(root)
    with pytest.raises(OutputError) as caught:
        write(outputs("a: 2\n"), root, home=".")
    assert only(caught).code == "edited"
    assert only(caught).message == f"`{CI}` was edited by hand since mlcc wrote it"
    assert only(caught).help == (
        "put the change into `mlcc.yaml` (what it can't say goes under `targets`), "
        "or drop it with `mlcc compile --force`"
    )
    assert isinstance(caught.value, EditedError)
    ((path, kind, diff),) = [(one.path, one.kind, one.diff) for one in caught.value.drifts]
    assert (path, kind) == (CI, "edited")
    assert "\n-a: 1\n-by: hand\n+a: 2\n" in diff
    assert "sha256" not in diff.replace(f" # {marker_line('mlcc.yaml')}", "")
    assert tree(root) == before
    report = write(outputs("a: 2\n"), root, home=".", force=True)
    assert report.written == (CI, GATE, ".mlcc/run.py")
    assert check(outputs("a: 2\n"), root, home=".") == []


def test_a_hand_edit_that_is_what_the_spec_now_says_is_no_drift(root: Path) -> None:
    write(outputs(), root, home=".")
    (root / CI).write_text(seal(generated(CI, "a: 2\n").text))
    files = [generated(CI, "a: 2\n"), *outputs()[1:]]
    assert check(files, root, home=".") == []
    assert write(files, root, home=".").written == ()


def test_a_removed_marker_makes_a_file_somebody_elses(root: Path) -> None:
    write(outputs(), root, home=".")
    (root / CI).write_text("a: 1\n")
    with pytest.raises(OutputError, match="not-ours"):
        write(outputs(), root, home=".", force=True)


def test_every_refusal_is_reported_at_once(root: Path) -> None:
    write(outputs(), root, home=".")
    (root / CI).write_text("name: mine\n")
    (root / GATE).write_text((root / GATE).read_text() + "x")
    with pytest.raises(OutputError) as caught:
        write(outputs("a: 2\n"), root, home=".")
    assert [code for code, _ in refused(caught)] == ["not-ours", "edited"]


def test_another_specs_file_is_refused_by_name(root: Path) -> None:
    other = generated(CI, source="models/churn/mlcc.yaml")
    write([other], root, home="models/churn")
    (root / "models/churn/mlcc.yaml").write_text("version: 1\n")
    with pytest.raises(OutputError) as caught:
        write(outputs(), root, home=".", force=True)
    message = f"`{CI}` is compiled from `models/churn/mlcc.yaml`, not from `mlcc.yaml`"
    assert refused(caught) == [("owned-by-other", message)]
    with pytest.raises(OutputError, match="owned-by-other"):
        check(outputs(), root, home=".")


def test_two_specs_live_side_by_side(root: Path) -> None:
    churn = [
        generated(".github/workflows/churn.yml", source="models/churn/mlcc.yaml"),
        generated("models/churn/.mlcc/run.py", source=None),
    ]
    write(churn, root, home="models/churn")
    write(outputs(), root, home=".", prune=True)
    assert check(churn, root, home="models/churn") == []
    assert check(outputs(), root, home=".") == []
    drift = check(churn[1:], root, home="models/churn")
    assert [(one.path, one.kind) for one in drift] == [(".github/workflows/churn.yml", "orphan")]
    assert drift[0].command == "mlcc compile models/churn/mlcc.yaml --prune"


def test_orphans_are_found_everywhere_and_removed_only_with_prune(root: Path) -> None:
    gone = [
        generated(".github/workflows/old.yaml"),
        generated(".gitlab-ci.yml"),
        generated(".gitlab/child/jobs.yml"),
        generated("Jenkinsfile"),
        generated(".mlcc/gates/old.json", source=None),
    ]
    write([*outputs(), *gone], root, home=".")
    for path in (".github/workflows/mine.yml", ".gitlab/CODEOWNERS", ".mlcc/notes.md"):
        (root / path).write_text("hands off\n")
    other = seal(generated(".github/workflows/o.yml", source="other/mlcc.yaml").text)
    (root / ".github/workflows/o.yml").write_text(other)
    (root / "other").mkdir()
    (root / "other/mlcc.yaml").write_text("version: 1\n")
    paths = tuple(sorted(file.path for file in gone))
    report = write(outputs(), root, home=".")
    assert (report.orphans, report.removed) == (paths, ())
    assert [(one.path, one.kind, one.command) for one in check(outputs(), root, home=".")] == [
        (path, "orphan", "mlcc compile --prune") for path in paths
    ]
    report = write(outputs(), root, home=".", prune=True)
    assert (report.orphans, report.removed) == ((), paths)
    assert set(tree(root)) == {
        *(file.path for file in outputs()),
        *("mlcc.yaml", ".github/workflows/mine.yml", ".gitlab/CODEOWNERS", ".mlcc/notes.md"),
        *(".github/workflows/o.yml", "other/mlcc.yaml"),
    }


GONE = "models/gone/mlcc.yaml"


def test_files_of_a_spec_that_is_gone_are_orphans(root: Path) -> None:
    """Scripts name no spec: they go with those beside them that do, unless a spec of theirs is still there."""
    left = {
        ".github/workflows/gone.yml": GONE,
        "models/gone/.mlcc/plan.json": GONE,
        "models/gone/.mlcc/run.py": None,
        "models/gone/.gitlab-ci.yml": GONE,
    }
    kept = {
        ".github/workflows/there.yml": "models/there/mlcc.yaml",
        "models/there/.mlcc/run.py": None,
        "models/there/.mlcc/plan.json": "models/there/mlcc.yaml",
        "vendored/.mlcc/plan.json": "elsewhere.yaml",  # its paths are from another root
        "vendored/.mlcc/run.py": None,
        "unknown/.mlcc/run.py": None,
        ".github/workflows/outside.yml": "../mlcc.yaml",
    }
    for path, source in {**left, **kept}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(seal(generated(path, source=source).text))
    (root / "models/there/mlcc.yaml").write_text("version: 1\n")
    (root / "models/gone/.mlcc/notes.md").write_text("hands off\n")
    files = [path for path in tree(root) if path != "mlcc.yaml"]
    search = Search(tuple(files), frozenset())
    assert write(outputs(), root, home=".").abandoned == ()
    assert write(outputs(), root, home=".", search=search).abandoned == tuple(sorted(left))
    assert [(one.path, one.kind) for one in check(outputs(), root, home=".", search=search)] == [
        (path, "orphan") for path in sorted(left)
    ]
    produced = Search(tuple(files), frozenset(left))
    assert write(outputs(), root, home=".", search=produced).abandoned == ()
    assert write(outputs(), root, home=".", search=search, prune=True).removed == tuple(sorted(left))
    assert set(tree(root)) == {
        "mlcc.yaml", *(file.path for file in outputs()), *kept, "models/there/mlcc.yaml", "models/gone/.mlcc/notes.md",
    }  # fmt: skip


def test_an_edited_file_of_a_spec_that_is_gone_is_kept_without_force(root: Path) -> None:
    (root / ".github/workflows").mkdir(parents=True)
    (root / CI).write_text(seal(generated(CI, source=GONE).text) + "by: hand\n")
    search = Search((), frozenset())
    for files in (outputs(), outputs()[1:]):
        with pytest.raises(EditedError):
            write(files, root, home=".", prune=True, search=search)
    assert CI in write(outputs(), root, home=".", force=True).written


def test_a_moved_spec_takes_over_what_it_produces(root: Path) -> None:
    write([generated(CI, source=GONE)], root, home="models/gone")
    assert [one.kind for one in check(outputs(), root, home=".") if one.path == CI] == ["stale"]
    assert CI in write(outputs(), root, home=".").written
    assert check(outputs(), root, home=".") == []


def test_an_interrupted_removal_of_what_a_gone_spec_left_is_finished(root: Path) -> None:
    left = "models/gone/.mlcc/plan.json"
    (root / left).parent.mkdir(parents=True)
    (root / left).write_text(seal(generated(left, source=GONE).text))
    search = Search((left,), frozenset())
    real = Folder.remove

    def killed(self: Folder, path: str) -> None:
        if path == left:
            raise KeyboardInterrupt
        real(self, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "remove", killed)
        patch.setattr(Journal, "_roll_back", killed_too)
        with pytest.raises(KeyboardInterrupt):
            write(outputs(), root, home=".", prune=True, search=search)
    assert (root / ".mlcc/journal").exists()
    write(outputs(), root, home=".", prune=True, search=search)
    assert left not in tree(root)


def killed_too(*_: object) -> None:
    raise KeyboardInterrupt


def test_whether_files_can_be_written_is_known_without_writing(root: Path) -> None:
    before = tree(root)
    ensure_writable(outputs(), root, home=".")
    assert tree(root) == before
    (root / ".github/workflows").mkdir(parents=True)
    (root / CI).write_text("name: mine\n")
    with pytest.raises(OutputError, match="not-ours"):
        ensure_writable(outputs(), root, home=".", force=True)


def test_an_edited_orphan_is_refused_without_force(root: Path) -> None:
    write([*outputs(), generated("Jenkinsfile")], root, home=".")
    (root / "Jenkinsfile").write_text((root / "Jenkinsfile").read_text() + "// mine\n")
    with pytest.raises(OutputError) as caught:
        write(outputs(), root, home=".", prune=True)
    assert refused(caught) == [("edited", "`Jenkinsfile` was edited by hand since mlcc wrote it")]
    assert "`mlcc compile --prune --force` removes it" in (only(caught).help or "")
    assert check(outputs(), root, home=".")[0].command == "mlcc compile --prune --force"
    assert write(outputs(), root, home=".").orphans == ("Jenkinsfile",)
    assert write(outputs(), root, home=".", prune=True, force=True).removed == ("Jenkinsfile",)


def test_check_tells_missing_stale_and_edited_apart(root: Path) -> None:
    write(outputs(), root, home=".")
    (root / GATE).unlink()
    (root / ".mlcc/run.py").write_text((root / ".mlcc/run.py").read_text().replace("a: 1", "a: 3"))
    before = tree(root)
    drift = check(outputs("a: 2\n"), root, home=".")
    assert [(one.path, one.kind, one.command) for one in drift] == [
        (CI, "stale", "mlcc compile"),
        (GATE, "missing", "mlcc compile"),
        (".mlcc/run.py", "edited", "mlcc compile --force"),
    ]
    assert drift[0].diff == (
        f"--- {CI}\n+++ {CI} (compiled)\n@@ -1,3 +1,3 @@\n # {marker_line('mlcc.yaml')}\n-a: 1\n+a: 2\n \n"
    )
    assert [(one.diff == "", one.size) for one in drift] == [
        (False, 0), (True, len(seal(outputs("a: 2\n")[1].text))), (False, 0),
    ]  # fmt: skip
    assert [one.title for one in drift] == ["stale", f"missing, {drift[1].size} bytes", "edited"]
    assert tree(root) == before


def test_a_changed_digest_alone_shows_in_the_diff(root: Path) -> None:
    write(outputs(), root, home=".")
    (root / CI).write_text(generated(CI).text)
    (drift,) = check(outputs(), root, home=".")
    assert drift.kind == "edited"
    assert f"-# {marker_line('mlcc.yaml')}" in drift.diff


def test_a_diff_is_fit_for_a_terminal_and_bounded(root: Path) -> None:
    write(outputs(), root, home=".")
    (root / CI).write_bytes((root / CI).read_bytes() + b"\x1b[31mred\xff\xe2\x80\xae\n" + b"x\n" * 5000)
    (drift,) = check(outputs(), root, home=".")
    assert "-\\x1b[31mred\\udcff\\u202e\n" in drift.diff
    assert len(drift.diff.splitlines()) == 201
    assert drift.diff.endswith("more lines\n")
    (root / CI).write_bytes((root / CI).read_bytes() * 10)
    assert "they differ from line 3 on" in check(outputs(), root, home=".")[0].diff


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../outside.yml",
        ".mlcc/../../x",
        ".mlcc//x",
        ".mlcc/./x",
        ".mlcc/",
        "",
        ".github\\workflows\\x.yml",
        "-x",
        ".mlcc/a\nb",
        ".mlcc/\u202ex",
        ".mlcc/e\u0301",
        ".mlcc/.git/hooks/post-commit",
        ".mlcc/.GIT/config",
        ".git/config",
        "src/train.py",
        "mlcc.yaml",
        ".mlcc/journal",
        ".github/workflows/sub/x.yml",
        ".github/workflows/x.sh",
        ".github/CODEOWNERS",
        "models/churn/.mlcc/run.py",
    ],
)
def test_an_output_outside_the_known_places_is_refused(root: Path, path: str) -> None:
    before = tree(root)
    with pytest.raises(OutputError) as caught:
        write([generated(path), *outputs()], root, home=".", force=True)
    assert only(caught).code == "unsafe-path"
    assert tree(root) == before


def test_paths_that_differ_in_case_only_are_refused(root: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write([generated(".mlcc/gates/A.json"), generated(".mlcc/gates/a.json")], root, home=".")
    message = "`.mlcc/gates/a.json` and `.mlcc/gates/A.json` would be one file where case doesn't count"
    assert refused(caught) == [("duplicate-output", message)]
    with pytest.raises(OutputError, match="duplicate-output"):
        write([generated(CI), generated(CI)], root, home=".")


@pytest.mark.parametrize(
    "link", [".github", ".github/workflows", ".mlcc", ".mlcc/gates", CI, ".mlcc/journal"]
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_symbolic_link_is_never_followed(
    root: Path, tmp_path_factory: pytest.TempPathFactory, link: str, inside: bool
) -> None:
    target = root / "inside" if inside else tmp_path_factory.mktemp("outside")
    target.mkdir(exist_ok=True)
    (target / "kept").write_text("kept\n")
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(target / "kept" if link in (CI, ".mlcc/journal") else target)
    for force in (False, True):
        with pytest.raises(OutputError) as caught:
            write(outputs(), root, home=".", force=force, prune=True)
        assert only(caught).code == "unsafe-path"
        assert f"`{link}` is a symbolic link" in only(caught).message
    with pytest.raises(OutputError, match="unsafe-path"):
        check(outputs(), root, home=".")
    assert tree(target) == {"kept": "kept\n"}
    (root / link).unlink()


@pytest.mark.parametrize("path", [CI, ".github", ".mlcc"])
def test_a_thing_of_another_kind_in_the_way_is_refused(root: Path, path: str) -> None:
    if path == CI:
        (root / CI).mkdir(parents=True)
    else:
        (root / path).write_text("a file\n")
    with pytest.raises(OutputError) as caught:
        write(outputs(), root, home=".", force=True)
    assert only(caught).code == "unsafe-path"


def test_a_named_pipe_does_not_hang(root: Path) -> None:
    (root / ".github/workflows").mkdir(parents=True)
    os.mkfifo(root / CI)
    with pytest.raises(OutputError, match="isn't a regular file"):
        write(outputs(), root, home=".")


def test_a_missing_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write(outputs(), tmp_path / "nowhere", home=".")
    assert only(caught).code == "cannot-write"
    with pytest.raises(OutputError) as caught:
        check(outputs(), tmp_path / "nowhere", home=".")
    assert only(caught).code == "cannot-read"


def test_two_compiles_at_once_do_not_mix(root: Path) -> None:
    (root / ".mlcc").mkdir()
    descriptor = os.open(root / ".mlcc/journal", os.O_CREAT | os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(OutputError) as caught:
        write(outputs(), root, home=".")
    assert refused(caught) == [("busy", "another compile of this spec is writing")]
    with pytest.raises(OutputError, match="busy"):
        check(outputs(), root, home=".")
    os.close(descriptor)
    assert write(outputs(), root, home=".").written == (CI, GATE, ".mlcc/run.py")


def test_a_file_system_without_locks_is_no_obstacle(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "no locks")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    assert write(outputs(), root, home=".").written == (CI, GATE, ".mlcc/run.py")


def test_a_file_from_another_spec_in_ones_own_outputs_is_a_bug(root: Path) -> None:
    with pytest.raises(ValueError, match=r"doesn't name mlcc\.yaml"):
        write([generated(CI, source=None)], root, home=".")
    with pytest.raises(ValueError, match="no marker"):
        write([File(CI, "a: 1\n")], root, home=".")


def test_an_unusual_spec_name_is_named_in_commands(root: Path) -> None:
    files = [generated(CI, source="ci spec.yaml")]
    assert check(files, root, home="", spec="ci spec.yaml")[0].command == "mlcc compile 'ci spec.yaml'"


def test_a_jenkinsfile_stands_beside_its_spec(root: Path) -> None:
    (root / "models/a").mkdir(parents=True)
    home, spec = "models/a", "models/a/mlcc.yaml"
    own = generated("models/a/Jenkinsfile", source=spec)
    other = generated("Jenkinsfile")
    write([other], root, home=".")
    write([generated("models/a/.mlcc/run.py", source=None), own], root, home=home)
    assert write([generated("models/a/.mlcc/run.py", source=None)], root, home=home).orphans == (own.path,)
    with pytest.raises(OutputError) as caught:
        write([generated("Jenkinsfile", source=spec)], root, home=home)
    assert refused(caught) == [("unsafe-path", "`Jenkinsfile` isn't a place for mlcc's output")]
