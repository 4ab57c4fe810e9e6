"""Whatever is wrong with a spec or a call: a coded diagnostic at its place, the right exit code, nothing written."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from tests.cli.bad_specs import BAD_SPECS, Bad
from tests.cli.project import OUTPUTS, Project

COMMANDS = (
    "compile",
    "compile --check",
    "compile --force --prune",
    "compile --all",
    "lint",
    "explain",
    "graph",
)


@pytest.mark.parametrize("bad", BAD_SPECS, ids=lambda bad: bad.name)
def test_a_bad_spec_is_refused_at_its_place(project: Project, bad: Bad) -> None:
    project.write("mlcc.yaml", bad.spec)
    before = project.tree()
    done = project.run("compile")
    assert done.code == 2, done.both
    assert done.out == ""
    assert done.err.startswith(f"mlcc.yaml:{bad.place}: error[{bad.code}]: "), done.err
    assert bad.says in done.err
    assert project.tree() == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("bad", BAD_SPECS, ids=lambda bad: bad.name)
def test_every_command_says_the_same(project: Project, bad: Bad, command: str) -> None:
    # the plan of a pipeline that GitHub can't do is sound
    expected = 0 if bad.code == "limit" and command in ("explain", "graph") else 2
    project.write("mlcc.yaml", bad.spec)
    before = project.tree()
    done = project.run(*command.split())
    assert done.code == expected, done.both
    if expected:
        assert f"mlcc.yaml:{bad.place}: error[{bad.code}]: " in done.err
    assert project.tree() == before


def test_a_bad_spec_leaves_the_outputs_of_the_good_one(compiled: Project) -> None:
    compiled.spec("reads: [model]", "reads: [modle]")
    before = compiled.tree()
    assert compiled.run("compile").code == 2
    assert compiled.tree() == before


def test_no_spec(project: Project) -> None:
    (project.root / "mlcc.yaml").unlink()
    for command in ("compile", "lint", "explain", "graph"):
        done = project.run(command)
        assert (done.code, done.out) == (2, "")
        assert (
            done.err == "error[no-such-file]: there is no file mlcc.yaml\n  = help: `mlcc init` writes one\n"
        )
    assert project.run("compile", "other/mlcc.yaml").code == 2
    assert OUTPUTS[0] not in project.files()


@pytest.mark.parametrize("command", ["compile --all", "compile --check --all", "lint --all"])
def test_no_spec_at_all_is_no_success(project: Project, command: str) -> None:
    (project.root / "mlcc.yaml").unlink()
    done = project.run(*command.split())
    assert done.code == 2
    assert done.err.startswith("error[no-spec]: ")


def test_a_folder_is_no_spec(project: Project) -> None:
    (project.root / "folder").mkdir()
    done = project.run("compile", "folder")
    assert (done.code, done.err) == (2, "error[no-such-file]: folder is not a regular file\n")


def test_a_spec_outside_the_root(project: Project, tmp_path: Path) -> None:
    (project.root / "inner").mkdir()
    before = project.tree()
    for command in ("compile", "lint", "explain", "graph"):
        done = project.run(command, "--root", "inner")
        assert done.code == 2
        assert done.err.startswith("error[outside]: mlcc.yaml isn't inside ")
    assert project.tree() == before


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("compile --nonsense", "No such option '--nonsense'"),
        ("compiel", "No such command 'compiel'"),
        ("compile --root nowhere", "Directory 'nowhere' does not exist"),
        ("lint --format yaml", "'yaml' is not one of 'text', 'json', 'sarif', 'github'"),
        ("explain --format sarif", "'sarif' is not one of 'text', 'json'"),
        ("explain --event merge", "'merge' is not one of 'push'"),
        ("graph --format png", "'png' is not one of 'mermaid', 'dot', 'svg'"),
        ("targets --format yaml", "'yaml' is not one of 'text', 'markdown', 'json'"),
        ("schema plan", "'plan' is not one of 'spec', 'verdict'"),
        ("targets extra", "Got unexpected extra argument"),
    ],
)
def test_a_wrong_call(project: Project, command: str, says: str) -> None:
    before = project.tree()
    done = project.run(*command.split())
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert project.tree() == before


@pytest.mark.parametrize("command", ["compile", "compile --check", "lint"])
def test_an_unknown_back_end(project: Project, command: str) -> None:
    before = project.tree()
    done = project.run(*command.split(), "--target", "githb")
    assert (done.code, done.err) == (
        2, "error[unknown-target]: there is no back end 'githb'\n  = help: did you mean 'github'?\n"
    )  # fmt: skip
    done = project.run(*command.split(), "--target", "github", "--target", "cobol")
    assert (done.code, done.err) == (
        2, f"error[unknown-target]: there is no back end 'cobol'\n  = help: there are {', '.join(BACKENDS)}\n"
    )  # fmt: skip
    assert project.tree() == before


def test_specs_are_named_or_all_meant_not_both(project: Project) -> None:
    for command in ("compile", "lint"):
        done = project.run(command, "mlcc.yaml", "--all")
        assert done.code == 2
        assert done.err.startswith("error[bad-call]: ")


def test_a_bad_spec_among_several_stops_all_writing(project: Project) -> None:
    project.write(
        "a/mlcc.yaml", "version: 1\nname: a\ntriggers: {push: {branches: [main]}}\njobs: {j: {run: make}}\n"
    )
    project.write(
        "z/mlcc.yaml", "version: 1\nname: z\ntriggers: {push: {branchs: [main]}}\njobs: {j: {run: make}}\n"
    )
    before = project.tree()
    done = project.run("compile", "--all")
    assert done.code == 2
    assert "z/mlcc.yaml:3:19: error[unknown-key]: " in done.err
    assert project.tree() == before


def test_every_bad_spec_among_several_is_reported(project: Project) -> None:
    for name in "az":
        project.write(f"{name}/mlcc.yaml", f"version: 1\nname: {name}\ntriggerz: {{}}\n")
    for command in ("compile", "compile --check", "lint"):
        done = project.run(*command.split(), "--all")
        assert done.code == 2
        for name in "az":
            assert f"{name}/mlcc.yaml:3:1: error[unknown-key]: " in done.err


# Folders and files that are in the way. A test may run as root, whom no permission stops: something else has to.


def test_a_file_where_a_folder_must_be(project: Project) -> None:
    project.write(".github", "in the way\n")
    before = project.tree()
    done = project.run("compile")
    assert (done.code, done.out) == (3, "")
    assert re.match(r"error\[(cannot-write|unsafe-path)\]: .*\.github", done.err), done.err
    assert project.tree() == before


def test_a_folder_where_a_file_must_be(project: Project) -> None:
    (project.root / OUTPUTS[0] / "sub").mkdir(parents=True)
    before = project.tree()
    done = project.run("compile")
    assert done.code == 3
    assert re.match(r"error\[(cannot-write|unsafe-path)\]: .*demo\.yml", done.err), done.err
    assert project.tree() == before


def test_a_full_disk(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last of the files can't be written: the first ones are taken back."""
    import errno
    import os

    real = os.write
    written: list[int] = []

    def write(descriptor: int, data: bytes) -> int:
        written.append(len(data))
        if sum(written) > 60_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    before = project.tree()
    monkeypatch.setattr(os, "write", write)
    done = project.run("compile")
    monkeypatch.undo()
    assert done.code == 3, done.both
    assert done.err.startswith("error[cannot-write]: No space left on device")
    assert set(project.files()) & set(OUTPUTS) == set()
    assert {path for path, state in before.items() if state[0] == "file"} <= project.files()


@pytest.mark.parametrize("folder", [".github", ".github/workflows", ".mlcc", ".mlcc/gates"])
def test_a_symlink_that_leads_out(project: Project, tmp_path: Path, folder: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (project.root / folder).parent.mkdir(exist_ok=True)
    (project.root / folder).symlink_to(outside, target_is_directory=True)
    before = project.tree()
    for command in ("compile", "compile --force --prune", "compile --check"):
        done = project.run(*command.split())
        assert done.code == 3, done.both
        assert done.err.startswith("error[unsafe-path]: "), done.err
    assert project.tree() == before
    assert list(outside.iterdir()) == []


def test_a_foreign_file_is_never_overwritten(project: Project) -> None:
    project.write(OUTPUTS[0], "name: by hand\n")
    before = project.tree()
    for command in ("compile", "compile --force", "compile --force --prune", "compile --check"):
        done = project.run(*command.split())
        assert done.code == 3
        assert done.err.startswith(f"error[not-ours]: `{OUTPUTS[0]}` exists, and mlcc didn't write it")
    assert project.tree() == before


def test_two_specs_of_one_name(compiled: Project) -> None:
    compiled.write(
        "other/mlcc.yaml",
        "version: 1\nname: demo\ntriggers: {push: {branches: [main]}}\njobs: {j: {run: make}}\n",
    )
    before = compiled.tree()
    done = compiled.run("compile", "other/mlcc.yaml")
    assert done.code == 3
    assert done.err.startswith("error[owned-by-other]: ")
    assert compiled.tree() == before


TWIN = "version: 1\nname: {}\ntriggers: {{push: {{branches: [main]}}}}\njobs: {{j: {{run: make}}}}\n"


@pytest.mark.parametrize(
    "command", ["compile --all", "compile --all --check", "lint --all", "lint other/mlcc.yaml mlcc.yaml"]
)
def test_two_specs_of_one_name_together(project: Project, command: str) -> None:
    project.write("other/mlcc.yaml", TWIN.format("demo"))
    before = project.tree()
    done = project.run(*command.split())
    assert (done.code, done.out) == (2, "")
    assert "error[same-output]: two specs write `.github/workflows/demo.yml`\n" in done.err
    places = re.findall(r"^(\S+): (?:error\[same-output\]|note): ", done.err, re.MULTILINE)
    assert sorted(places) == ["mlcc.yaml:2:7", "other/mlcc.yaml:2:7"]
    assert " = help: give the two specs different names\n" in done.err
    assert project.tree() == before


def test_two_specs_in_one_folder(project: Project) -> None:
    project.write("other.yaml", TWIN.format("other"))
    for command in ("compile", "lint"):
        done = project.run(command, "mlcc.yaml", "other.yaml")
        assert done.code == 2
        assert "error[same-output]: two specs write `.mlcc/`\n" in done.err
        assert " = help: put them into different folders\n" in done.err
        assert project.run(command, "mlcc.yaml", "./mlcc.yaml").code == 0


def test_hostile_names_are_escaped(project: Project) -> None:
    project.write("mlcc.yaml", b'version: 1\nname: demo\n"tri\\e[31mgg\\u202eers": {}\n')
    done = project.run("compile", "a\x1b[31m\n::error::b.yaml")
    assert done.code == 2
    assert "\x1b" not in done.both
    assert "\n::error" not in done.both
    done = project.run("compile")
    assert done.code == 2
    assert "\x1b" not in done.both
    assert "\u202e" not in done.both


def _forbid(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have the system refuse to open what is called so: root, as whom tests may run, is refused nothing."""
    import errno
    import os

    real = os.open

    def refuse(path: object, *args: object, **options: object) -> int:
        if str(path) in names:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)


@pytest.mark.parametrize("command", [*COMMANDS, "lint --format json"])
def test_a_spec_that_the_machine_will_not_read(
    project: Project, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    before = project.tree()
    _forbid(monkeypatch, "mlcc.yaml")
    done = project.run(*command.split())
    assert done.code == 3, done.both
    assert "unreadable-file" in done.both
    assert "mlcc.yaml can't be read: Permission denied" in done.both
    monkeypatch.undo()
    assert project.tree() == before


def test_a_base_that_the_machine_will_not_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("base.yaml", "version: 1\n")
    project.spec("name: demo", "name: demo\nextends: [base.yaml]")
    _forbid(monkeypatch, str(project.root / "base.yaml"))
    done = project.run("compile")
    assert done.code == 3, done.both
    assert "error[unreadable-file]: base.yaml can't be read: Permission denied" in done.err


def test_an_unreadable_spec_hides_no_mistakes_of_others(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("a/mlcc.yaml", "version: 1\nname: a\ntriggerz: {}\n")
    _forbid(monkeypatch, "mlcc.yaml")
    for command in ("compile", "lint"):
        done = project.run(command, "mlcc.yaml", "a/mlcc.yaml")
        assert done.code == 3
        assert "error[unreadable-file]" in done.err
        assert "a/mlcc.yaml:3:1: error[unknown-key]" in done.err


@pytest.mark.parametrize("home", ["", "models/"])
def test_a_folder_that_the_machine_will_not_open_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    project.write(f"{home}mlcc.yaml", TWIN.format("inner"))
    assert project.run("compile", f"{home}mlcc.yaml").code == 0
    _forbid(monkeypatch, ".mlcc")
    for command, code in (("compile", "cannot-write"), ("compile --check", "cannot-read")):
        done = project.run(*command.split(), f"{home}mlcc.yaml")
        assert done.code == 3
        assert done.err.startswith(f"error[{code}]: Permission denied: `{home}.mlcc/"), done.err


# A bug in mlcc


def test_a_bug_has_no_traceback(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("nobody\x1b[31m foresaw this")

    importlib.import_module("mlcc.linting")  # it mustn't take over what is broken here
    monkeypatch.setattr("mlcc.compiler.expanded", broken)
    done = project.run("graph")
    assert done.code == 70
    assert done.err.splitlines() == [
        "mlcc: a bug in mlcc: LookupError: 'nobody\\x1b[31m foresaw this'",
        "mlcc: please report it, with what `mlcc --debug ...` prints",
    ]


def test_debug_shows_the_traceback(project: Project) -> None:
    breaking = (
        "import mlcc.compiler as c\n"
        "def expanded(*_, **__): raise LookupError('nobody foresaw this')\n"
        "c.expanded = expanded\n"
        "from mlcc.__main__ import main; main()\n"
    )
    for flag, shown in (("", False), ("--debug", True)):
        done = project.shell(f"python -c {shlex.quote(breaking)} {flag} graph")
        assert ("Traceback" in done.err) is shown, done.err
        assert "nobody foresaw this" in done.err
        assert done.code == (1 if shown else 70)
