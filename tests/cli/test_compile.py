"""`mlcc compile`: what is written, what is found to have drifted, and what mends it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.project import OUTPUTS, SOURCES, SPEC, Project

WORKFLOW = OUTPUTS[0]


def mending(out: str) -> list[str]:
    """Return the commands that a check prints."""
    return [line.removeprefix("to mend it: ") for line in out.splitlines() if line.startswith("to mend it: ")]


def test_the_first_compile_writes_every_output(project: Project) -> None:
    done = project.run("compile")
    assert (done.code, done.err) == (0, "")
    assert project.files() == {"mlcc.yaml", *SOURCES, *OUTPUTS}
    lines = done.out.splitlines()
    assert lines[: len(OUTPUTS)] == [f"wrote   {path}" for path in OUTPUTS]
    assert lines[len(OUTPUTS)] == "demo: 4 nodes, 8 files written, 0 unchanged"
    assert "  github, once by hand: require the check 'demo' on main" in done.out
    assert lines[-1] == "  4 settings to make by hand, 4 new: `mlcc obligations` lists them, with commands"


def test_a_compile_names_what_is_new_to_make_by_hand(compiled: Project) -> None:
    name = "-c user.name=a -c user.email=a@example.org"
    assert compiled.shell(f"git add -A && git {name} commit -qm first").code == 0
    compiled.spec("{run: python ship.py,", "{run: python ship.py, env: {A: {secret: DEPLOY}},")
    done = compiled.run("compile")
    assert done.code == 0
    made = [line for line in done.out.splitlines() if "by hand" in line]
    assert made == [
        "  github, once by hand: create the environment 'demo' (Settings, Environments): GitHub creates it by itself at the "
        "first run, open to every branch and without a rule",
        "  github, once by hand: create in the environment 'demo' the secrets DEPLOY: there only the jobs that name them "
        "get them",
        "  6 settings to make by hand, 2 new: `mlcc obligations` lists them, with commands",
    ]


def test_what_was_never_compiled_asks_for_all_of_it(project: Project) -> None:
    name = "-c user.name=a -c user.email=a@example.org"
    assert project.shell(f"git add -A && git {name} commit -qm first").code == 0
    assert "  4 settings to make by hand, 4 new: " in project.run("compile").out
    assert project.shell(f"git add -A && git {name} commit -qm second").code == 0
    project.spec("min: 0.6", "min: 0.7")
    assert "  4 settings to make by hand, 0 new: " in project.run("compile").out
    project.spec("name: demo", "name: demo\ntargets: {github: {}, jenkins: {}}")
    named = [line for line in project.run("compile").out.splitlines() if "once by hand" in line]
    assert {line.split(",")[0] for line in named} == {"  jenkins"}


def test_the_second_compile_writes_nothing(compiled: Project) -> None:
    before = compiled.tree()
    for flags in ((), ("--force",), ("--prune",), ("--target", "github"), ("--all",), ("mlcc.yaml",)):
        done = compiled.run("compile", *flags)
        assert (done.code, done.err) == (0, "")
        assert done.out == "demo: 4 nodes, 0 files written, 8 unchanged\n"
        assert compiled.tree() == before


def test_check_of_what_was_compiled(compiled: Project) -> None:
    before = compiled.tree()
    done = compiled.run("compile", "--check")
    assert (done.code, done.out, done.err) == (0, "demo: 8 files are what mlcc.yaml compiles to\n", "")
    assert compiled.tree() == before


def test_check_of_nothing_compiled(project: Project) -> None:
    before = project.tree()
    done = project.run("compile", "--check")
    assert (done.code, done.err) == (1, "")
    for path in OUTPUTS:
        assert f"{path}: missing, " in done.out
    assert len(done.out.splitlines()) == len(OUTPUTS) + 1
    assert mending(done.out) == ["mlcc compile"]
    assert project.tree() == before


def test_check_of_a_stale_file(compiled: Project) -> None:
    compiled.spec("min: 0.6", "min: 0.7")
    before = compiled.tree()
    done = compiled.run("compile", "--check")
    assert done.code == 1
    assert ".mlcc/gates/good.json: stale\n--- .mlcc/gates/good.json\n" in done.out
    assert "0.6" in done.out
    assert "0.7" in done.out
    assert WORKFLOW not in done.out
    assert compiled.tree() == before
    assert mending(done.out) == ["mlcc compile"]
    assert compiled.run("compile").code == 0
    assert compiled.run("compile", "--check").code == 0


def test_check_of_a_missing_file(compiled: Project) -> None:
    (compiled.root / ".mlcc/run.py").unlink()
    done = compiled.run("compile", "--check")
    assert done.code == 1
    assert re.match(r"\.mlcc/run\.py: missing, [\d,]+ bytes\nto mend it: ", done.out)
    assert mending(done.out) == ["mlcc compile"]
    assert compiled.run("compile").code == 0
    assert compiled.run("compile", "--check").code == 0


def test_check_of_a_hand_edit(compiled: Project) -> None:
    path = compiled.root / ".mlcc/run.py"
    original = path.read_bytes()
    path.write_bytes(original + b"print('mine')\n")
    before = compiled.tree()
    done = compiled.run("compile", "--check")
    assert done.code == 1
    assert done.out.startswith(".mlcc/run.py: edited\n")
    assert "-print('mine')\n" in done.out
    assert mending(done.out) == ["mlcc compile --force"]
    assert compiled.tree() == before


def test_a_hand_edit_is_shown_and_kept(compiled: Project) -> None:
    path = compiled.root / ".mlcc/run.py"
    original = path.read_bytes()
    path.write_bytes(original + b"print('mine')\n")
    before = compiled.tree()
    done = compiled.run("compile")
    assert (done.code, done.out) == (3, "")
    assert "-print('mine')\n" in done.err
    assert "error[edited]: `.mlcc/run.py` was edited by hand since mlcc wrote it\n" in done.err
    assert "`mlcc compile --force`" in done.err
    assert compiled.tree() == before
    done = compiled.run("compile", "--force")
    assert done.code == 0
    assert done.out.startswith("wrote   .mlcc/run.py\n")
    assert path.read_bytes() == original


def test_a_renamed_pipeline_leaves_an_orphan_that_prune_removes(compiled: Project) -> None:
    compiled.spec("name: demo", "name: renamed")
    check = compiled.run("compile", "--check")
    assert check.code == 1
    assert re.search(rf"^{re.escape(WORKFLOW)}: orphan, [\d,]+ bytes$", check.out, re.MULTILINE)
    assert "mlcc compile --prune" in mending(check.out)
    done = compiled.run("compile")
    assert done.code == 0
    assert "wrote   .github/workflows/renamed.yml\n" in done.out
    assert (
        f"orphan  {WORKFLOW}: this spec no longer produces it; `mlcc compile --prune` removes it\n"
        in done.out
    )
    assert {WORKFLOW, ".github/workflows/renamed.yml"} <= compiled.files()
    done = compiled.run("compile", "--check")
    assert done.code == 1
    assert mending(done.out) == ["mlcc compile --prune"]
    done = compiled.run("compile", "--prune")
    assert done.code == 0
    assert f"removed {WORKFLOW}\n" in done.out
    assert WORKFLOW not in compiled.files()
    assert compiled.run("compile", "--check").code == 0


def test_a_gate_that_is_gone_leaves_orphans(compiled: Project) -> None:
    spec = (compiled.root / "mlcc.yaml").read_text()
    compiled.write("mlcc.yaml", spec[: spec.index("  unit:")])
    done = compiled.run("compile", "--prune")
    assert done.code == 0
    assert "removed .mlcc/gates/tests.py\n" in done.out
    assert "removed .mlcc/gates/unit.json\n" in done.out
    assert ".mlcc/gates/evaluate.file.py" in compiled.files()


def test_an_edited_orphan_needs_force_too(compiled: Project) -> None:
    (compiled.root / WORKFLOW).write_bytes((compiled.root / WORKFLOW).read_bytes() + b"# mine\n")
    compiled.spec("name: demo", "name: renamed")
    assert compiled.run("compile").code == 0
    assert mending(compiled.run("compile", "--check").out) == ["mlcc compile --prune --force"]
    done = compiled.run("compile", "--prune")
    assert done.code == 3
    assert f"error[edited]: `{WORKFLOW}` was edited by hand" in done.err
    assert "`mlcc compile --prune --force`" in done.err
    assert compiled.run("compile", "--prune", "--force").code == 0
    assert WORKFLOW not in compiled.files()


def test_an_orphan_with_a_hostile_name_is_escaped(compiled: Project) -> None:
    marked = (compiled.root / ".mlcc/plan.json").read_bytes()
    compiled.write(".mlcc/a\x1b[31m\n::error::b.json", marked)
    for flags in (("--check",), (), ("--prune",)):
        done = compiled.run("compile", *flags)
        assert "\x1b" not in done.both
        assert "\n::error" not in done.both
        assert ".mlcc/a\\x1b[31m\\n::error::b.json" in done.both
    assert compiled.run("compile", "--check").code == 0


def test_check_writes_nothing_so_force_and_prune_are_refused(compiled: Project) -> None:
    for flag in ("--force", "--prune"):
        done = compiled.run("compile", "--check", flag)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("error[bad-call]: --check writes nothing")


def test_a_check_does_not_finish_an_interrupted_compile(compiled: Project) -> None:
    compiled.write(".mlcc/journal", "{}")
    before = compiled.tree()
    done = compiled.run("compile", "--check")
    assert done.code == 3
    assert done.err.startswith("error[interrupted]: ")
    assert compiled.tree() == before


# Where a spec is, and where the command is run


@pytest.fixture
def nested(project: Project) -> Project:
    """The project, with a second spec in a folder whose name the shell would split."""
    project.write(
        "models/a b/mlcc.yaml",
        "version: 1\nname: inner\ntriggers: {push: {branches: [main]}}\njobs: {j: {run: make}}\n",
    )
    return project


NESTED = {
    ".github/workflows/inner.yml",
    "models/a b/.mlcc/plan.json",
    "models/a b/.mlcc/report.py",
    "models/a b/.mlcc/run.py",
}


def test_a_spec_in_a_folder(nested: Project) -> None:
    before = nested.files()
    done = nested.run("compile", "models/a b/mlcc.yaml")
    assert done.code == 0
    assert nested.files() - before == NESTED


def test_from_within_the_folder(nested: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = nested.files()
    monkeypatch.chdir("models/a b")
    assert nested.run("compile").code == 0
    assert nested.files() - before == NESTED


@pytest.mark.parametrize(
    ("folder", "spec"),
    [(".", "models/a b/mlcc.yaml"), ("models", "a b/mlcc.yaml"), ("models/a b", "mlcc.yaml")],
)
@pytest.mark.parametrize("flags", [(), ("--target", "github")], ids=["", "target"])
def test_the_mending_command_works_where_it_is_printed(
    nested: Project, monkeypatch: pytest.MonkeyPatch, folder: str, spec: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.chdir(folder)
    named = ("compile", spec, *flags)
    assert nested.run(*named).code == 0
    workflow = nested.root / ".github/workflows/inner.yml"
    workflow.write_bytes(workflow.read_bytes() + b"# mine\n")
    (command,) = mending(nested.run(*named, "--check").out)
    refused = nested.run(*named)
    assert refused.code == 3
    assert f"`{command}`" in refused.err
    assert command.endswith(" --force")
    assert nested.shell(command).code == 0
    assert nested.run(*named, "--check").code == 0


def test_a_root_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path / "plain")
    project.write(
        "sub/mlcc.yaml",
        "version: 1\nname: inner\ntriggers: {push: {branches: [main]}}\njobs: {j: {run: make}}\n",
    )
    monkeypatch.chdir(project.root)
    named = ("compile", "sub/mlcc.yaml", "--root", ".")
    assert project.run(*named).code == 0
    assert ".github/workflows/inner.yml" in project.files()
    (project.root / ".github/workflows/inner.yml").unlink()
    (command,) = mending(project.run(*named, "--check").out)
    assert shlex.split(command) == ["mlcc", "compile", "sub/mlcc.yaml", "--root", "."]
    assert project.shell(command).code == 0
    assert project.run(*named, "--check").code == 0
    assert project.files() == {
        "sub/mlcc.yaml", ".github/workflows/inner.yml", "sub/.mlcc/plan.json", "sub/.mlcc/report.py", "sub/.mlcc/run.py",
    }  # fmt: skip


def test_without_git_and_root_the_spec_is_in_its_own_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path / "plain")
    project.write(
        "sub/mlcc.yaml",
        "version: 1\nname: inner\ntriggers: {push: {branches: [main]}}\njobs: {j: {run: make}}\n",
    )
    monkeypatch.chdir(project.root)
    assert project.run("compile", "sub/mlcc.yaml").code == 0
    assert "sub/.github/workflows/inner.yml" in project.files()


def test_all_compiles_every_spec(nested: Project) -> None:
    before = nested.files()
    done = nested.run("compile", "--all")
    assert done.code == 0
    assert nested.files() - before == NESTED | set(OUTPUTS)
    assert nested.run("compile", "--all", "--check").code == 0
    (nested.root / "models/a b/.mlcc/run.py").unlink()
    done = nested.run("compile", "--all", "--check")
    assert done.code == 1
    assert "demo: 8 files are what mlcc.yaml compiles to\n" in done.out
    assert mending(done.out) == ["mlcc compile 'models/a b/mlcc.yaml'"]


@pytest.mark.parametrize("everything", [(), ("--all",)], ids=["one", "all"])
def test_what_a_deleted_spec_has_left(nested: Project, everything: tuple[str, ...]) -> None:
    assert nested.run("compile", "--all").code == 0
    nested.shell("git add -A")
    before = nested.files()
    (nested.root / "models/a b/mlcc.yaml").unlink()
    done = nested.run("compile", *everything)
    assert done.code == 0
    orphans = [line for line in done.out.splitlines() if line.startswith("orphan")]
    assert orphans == [
        f"orphan  {path}: what it was compiled from is gone; `mlcc compile --prune` removes it"
        for path in sorted(NESTED)
    ]
    checked = nested.run("compile", "--check", *everything)
    assert checked.code == 1
    assert mending(checked.out) == ["mlcc compile --prune"]
    assert nested.files() == before - {"models/a b/mlcc.yaml"}
    done = nested.run("compile", "--prune", *everything)
    assert [line for line in done.out.splitlines() if line.startswith("removed")] == [
        f"removed {path}" for path in sorted(NESTED)
    ]
    assert nested.files() == before - NESTED - {"models/a b/mlcc.yaml"}
    assert nested.run("compile", "--check", *everything).code == 0


@pytest.mark.parametrize("whole", [False, True], ids=["the spec alone", "with its scripts"])
def test_a_moved_spec(nested: Project, whole: bool) -> None:
    assert nested.run("compile", "--all").code == 0
    nested.shell("git add -A")
    nested.shell(
        "git mv 'models/a b' models/c" if whole else "mkdir models/c; git mv 'models/a b/mlcc.yaml' models/c"
    )
    done = nested.run("compile", "--all")
    assert done.code == 0, done.both
    assert "wrote   .github/workflows/inner.yml\n" in done.out
    assert ("orphan  models/a b/.mlcc/run.py" in done.out) is not whole
    assert nested.run("compile", "--all", "--check").code == (0 if whole else 1)
    assert nested.run("compile", "--all", "--prune").code == 0
    assert nested.run("compile", "--all", "--check").code == 0
    assert not [path for path in nested.files() if path.startswith("models/a b/")]


def test_outputs_that_git_ignores(project: Project) -> None:
    project.write(".gitignore", ".*/\n!.github/\n")
    for _ in range(2):
        done = project.run("compile")
        assert done.code == 0
        assert done.err == (
            "warning: git ignores .mlcc/run.py and 6 more, so the pipeline isn't committed whole; "
            "`git check-ignore -v` says by which line\n"
        )
    project.shell("git add -f .mlcc")
    assert project.run("compile").err == ""
    project.write(".gitignore", "")
    project.shell("git rm -rq --cached .mlcc")
    assert project.run("compile").err == ""


def test_all_leaves_out_what_git_ignores_and_what_was_deleted(nested: Project) -> None:
    nested.write(".gitignore", "vendor/\n")
    nested.write("vendor/mlcc.yaml", "not: [a spec\n")
    nested.shell("git add -A")
    (nested.root / "models/a b/mlcc.yaml").unlink()
    done = nested.run("compile", "--all")
    assert done.code == 0, done.both
    assert set(OUTPUTS) <= nested.files()


@pytest.mark.parametrize("path", [WORKFLOW, ".github/workflows/inner.yml"])
def test_a_file_that_cannot_be_written_stops_every_spec(nested: Project, path: str) -> None:
    nested.write(path, "name: by hand\n")
    before = nested.tree()
    done = nested.run("compile", "--all")
    assert (done.code, done.out) == (3, "")
    assert f"error[not-ours]: `{path}`" in done.err
    assert nested.tree() == before


def test_a_check_goes_on_with_the_other_specs(nested: Project) -> None:
    assert nested.run("compile", "--all").code == 0
    nested.write(WORKFLOW, "name: by hand\n")
    done = nested.run("compile", "--all", "--check")
    assert done.code == 3
    assert "inner: 4 files are what " in done.out


def test_in_a_hook_of_a_linked_work_tree(
    nested: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There git names its folder in the environment, and would take any folder for the top of the work tree.

    The data is ignored, and committed all the same: only git's index says so.
    """
    nested.write("models/a b/mlcc.yaml", SPEC.replace("demo", "inner").replace("stops.csv", "inner.csv"))
    for path in ("fit.py", "ship.py", "test_fit.py", "inner.csv"):
        nested.write(f"models/a b/{path}", "")
    nested.write("models/a b/.gitignore", "*.csv\n")
    commit = "git -c user.name=a -c user.email=a@example.org commit -qm all"
    done = nested.shell(f"git add -f . && {commit} && git worktree add -q ../linked")
    assert done.code == 0, done.err
    linked = Project(tmp_path / "linked")
    monkeypatch.chdir(linked.root)
    monkeypatch.setenv("GIT_DIR", linked.shell("git rev-parse --absolute-git-dir").out.strip())
    done = linked.run("compile", "--all")
    assert done.code == 0, done.both
    assert {".github/workflows/inner.yml", ".github/workflows/demo.yml"} <= linked.files()
