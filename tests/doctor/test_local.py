"""What `mlcc doctor` finds in a checkout, without asking anybody."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from mlcc.doctor.client import said
from mlcc.doctor.finding import together
from mlcc.doctor.local import host_of, system_of
from tests.cli.project import Project
from tests.doctor.clients import Fakes

SCHEMA = Path(__file__).resolve().parents[2] / "schemas/doctor.schema.json"
COMMIT = "git add -A && git -c user.name=a -c user.email=a@example.org commit -qm x"
OWNERS = "/mlcc.yaml @a\n/.mlcc/ @a\n/.github/ @a\n"
HOOKS = "repos:\n- repo: https://example.org/mlcc\n  hooks: [{id: mlcc-lint}]\n- repo: x\n  hooks:\n  - id: mlcc-compile-check\n"


def states(project: Project, *flags: str) -> dict[str, tuple[str, str]]:
    done = project.run("doctor", "--format", "json", *flags)
    (spec,) = json.loads(done.out)["specs"]
    found = {one["id"]: (one["state"], one["detail"]) for one in spec["findings"] if one["place"] == "here"}
    assert done.code == (1 if "missing" in {state for state, _ in found.values()} else 0)
    return found


@pytest.fixture
def sound(project: Project, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository that has all that can be checked here, and pins that are young enough."""
    monkeypatch.setattr("mlcc.doctor.pins.OLDEST_DAYS", 100_000)
    project.write(".gitignore", "_mlcc/\n")
    project.write(".github/CODEOWNERS", OWNERS)
    project.write(".pre-commit-config.yaml", HOOKS)
    assert project.run("compile").code == 0
    done = project.shell(
        f"{COMMIT} && git branch -M main && git remote add origin https://u:secret@github.com/acme/demo.git "
        "&& git update-ref refs/remotes/origin/main HEAD && git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/main"
    )
    assert done.code == 0, done.both
    project.write(".git/hooks/pre-commit", "exec pre-commit\n")
    return project


def test_nothing_is_missing(sound: Project) -> None:
    before = sound.tree()
    found = states(sound)
    assert {id: state for id, (state, _) in found.items()} == dict.fromkeys(
        ("remote", "committed", "default-branch", "pre-commit", "compiled", "pins", "code-owners.github", "gitignore", "python",
         "bash", "client.gh"),
        "done",
    )  # fmt: skip
    assert found["remote"] == ("done", "github.com")
    assert found["default-branch"] == ("done", "main")
    assert sound.tree() == before
    assert sound.run("doctor").code == 0


def test_without_ask_no_client_is_called(sound: Project, fakes: Fakes) -> None:
    states(sound)
    assert fakes.lines() == []


def test_as_json_after_the_schema(sound: Project) -> None:
    done = sound.run("doctor", "--ask", "--format", "json")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(done.out))
    assert "secret" not in done.both
    assert sound.run("schema", "doctor").out == SCHEMA.read_text()


def test_as_text(sound: Project) -> None:
    (sound.root / ".gitignore").unlink()
    done = sound.run("doctor")
    lines = done.out.splitlines()
    assert done.code == 1
    assert lines[0] == "demo, here"
    at = lines.index("  missing     git ignores _mlcc/, which gates write their reports to")
    assert lines[at + 1] == "              to mend it: add the line _mlcc/ to .gitignore"
    assert lines[-1] == "demo: 10 done, 1 missing, 0 can't tell"


@pytest.mark.parametrize(
    ("change", "id", "told"),
    [
        ("echo >> .mlcc/run.py", "compiled", ("missing", ".mlcc/run.py (edited)")),
        ("echo >> .mlcc/run.py", "committed", ("missing", ".mlcc/run.py")),
        ("git rm -q --cached mlcc.yaml", "committed", ("missing", "mlcc.yaml")),
        ("echo .mlcc/ >> .git/info/exclude; git rm -rq --cached .mlcc/gates", "committed",
         ("missing", ".mlcc/gates/evaluate.file.py, .mlcc/gates/good.json, .mlcc/gates/tests.py and 1 more")),
        ("git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/trunk", "default-branch",
         ("missing", "trunk isn't among main")),
        ("git symbolic-ref --delete refs/remotes/origin/HEAD", "default-branch",
         ("unknown", "git doesn't know the remote's default branch")),
        ("git remote set-url origin git@gitlab.example.org:a/b", "remote",
         ("missing", "gitlab.example.org, but compiled for github")),
        ("git remote set-url origin ssh://git@code.example.org:22/a", "remote", ("unknown", "code.example.org may be any")),
        ("git remote remove origin", "remote", ("unknown", "there is no remote, or it is a folder")),
        ("rm .git/hooks/pre-commit", "pre-commit", ("missing", "it is configured, and not installed")),
        ("sed -i 's/  - id/  #- id/' .pre-commit-config.yaml", "pre-commit",
         ("missing", ".pre-commit-config.yaml doesn't name it")),
        ("rm .github/CODEOWNERS", "code-owners.github", ("missing", "there is no such file")),
        ("sed -i 's/@a/@OWNERS/' .github/CODEOWNERS", "code-owners.github",
         ("missing", "nobody owns .github/workflows/demo.yml, .mlcc/gates/evaluate.file.py, .mlcc/gates/good.json and 7 more")),
        ("printf '\\377' > .github/CODEOWNERS", "code-owners.github", ("unknown", "the file can't be read")),
    ],
)  # fmt: skip
def test_what_is_missing(sound: Project, change: str, id: str, told: tuple[str, str]) -> None:
    assert sound.shell(change).code == 0
    assert states(sound)[id] == told


def test_outside_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fakes: Fakes) -> None:
    project = Project(tmp_path / "plain")
    project.write(
        "mlcc.yaml", "version: 1\nname: p\ntriggers: {push: {branches: [main]}}\njobs: {j: {run: make}}\n"
    )
    monkeypatch.chdir(project.root)
    found = states(project)
    assert found["git"][0] == found["gitignore"][0] == "missing"
    assert "committed" not in found


def test_a_client_that_isn_t_there_can_tell_nothing(sound: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert states(sound)["client.gh"] == ("unknown", "without it nothing can be asked")


def test_a_spec_that_doesn_t_compile_is_refused_as_by_compile(sound: Project) -> None:
    sound.spec("reads: [model]", "reads: [modle]")
    done = sound.run("doctor")
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize(
    ("url", "host", "system"),
    [
        ("https://u:p@GitHub.com/a/b.git", "github.com", "github"),
        ("git@gitlab.com:a/b.git", "gitlab.com", "gitlab"),
        ("ssh://git@gitlab.example.org:2222/a/b", "gitlab.example.org", "gitlab"),
        ("https://code.example.org/a", "code.example.org", ""),
        ("/srv/git/a.git", "", ""),
        ("../a", "", ""),
    ],
)
def test_the_host_of_a_remote(project: Project, url: str, host: str, system: str) -> None:
    assert project.shell(f"git remote add origin {url}").code == 0
    assert (host_of(project.root), system_of(host)) == (host, system)


def test_a_program_is_heard_or_not(tmp_path: Path) -> None:
    assert said(tmp_path, "printf", " a\n") == " a"
    assert said(tmp_path, "false") is None
    assert said(tmp_path, "there-is-no-such-program") is None
    assert said(tmp_path, "printf", "\\377") is None
    assert said(tmp_path, "bash", "-c", "sleep 60 & sleep 60", seconds=0.2) is None
    assert said(tmp_path, "cat") == ""  # no input, so that nobody is waited for
    assert said(tmp_path, "bash", "-c", "head -c 9000000 /dev/zero | tr '\\0' x") is None


def test_parts_that_lack_outweigh_those_that_can_t_be_told() -> None:
    assert together([("done", ""), ("unknown", "b"), ("missing", "a"), ("missing", "a")]) == ("missing", "a")
    assert together([("done", ""), ("unknown", "b")]) == ("unknown", "b")
    assert together([("done", ""), ("done", "x")]) == ("done", "")
    assert together([])[0] == "unknown"
