"""`mlcc obligations`: a checklist, JSON after its schema, and a script that a shell takes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest

from mlcc.backends import BACKENDS
from mlcc.obligations.listing import as_commands, as_text
from mlcc.obligations.obligation import KINDS
from tests.cli.project import Project

SCHEMA = Path(__file__).resolve().parents[2] / "schemas/obligations.schema.json"
EVERYTHING = [word for target in BACKENDS for word in ("--target", target)]
ROW = {
    "system": "gitlab", "pipeline": "demo", "id": "protected-branch.x", "kind": "protected-ref", "what": "protect it", "why": "",
    "names": ["x"], "places": [], "commands": ["glab api x"], "file": "", "text": "", "span": None,
}  # fmt: skip


def test_the_checklist(project: Project) -> None:
    done = project.run("obligations")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "github: demo"
    assert [line for line in lines if line.startswith("  [ ] ")][3].startswith(
        "  [ ] merge the workflow into the default branch"
    )
    assert lines[-2:] == ["      schedule.weekly  mlcc.yaml:6:14", "        gh workflow enable demo.yml"]


def test_as_json_after_the_schema(project: Project) -> None:
    done = project.run("obligations", "--format", "json", *EVERYTHING)
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    assert schema["$defs"]["obligation"]["properties"]["kind"]["enum"] == list(KINDS)
    assert {row["system"] for row in found["obligations"]} == set(BACKENDS)
    (check,) = [
        row for row in found["obligations"] if (row["system"], row["id"]) == ("github", "required-check")
    ]
    assert check["span"] == {"file": "mlcc.yaml", "line": 5, "column": 3}
    assert check["names"] == ["demo", "main"]
    assert project.run("schema", "obligations").out == SCHEMA.read_text()


def test_places_are_from_the_root(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root.parent)
    done = project.run("obligations", "repository/mlcc.yaml", "--format", "json")
    assert {row["span"]["file"] for row in json.loads(done.out)["obligations"]} == {"mlcc.yaml"}


def test_the_script_is_one_and_what_is_open_is_a_comment(project: Project) -> None:
    done = project.run("obligations", "--format", "commands", *EVERYTHING)
    assert done.code == 0
    assert subprocess.run(["bash", "-n"], input=done.out, text=True, check=False).returncode == 0
    lines = done.out.splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert (
        "# glab schedule create --cron '17 3 * * 1' --ref BRANCH --description weekly --variable MLCC_TRIGGER:weekly"
        in lines
    )
    assert "glab api --silent -X POST projects/:id/protected_branches -f name=main" in lines
    commands = [line for line in lines if line and not line.startswith("#")]
    assert {line.split()[0] for line in commands} == {"gh", "glab", "java", "printf", "IFS="}


def test_no_text_leaves_its_comment_or_reaches_a_terminal() -> None:
    bad = {
        **ROW,
        "what": "protect\nrm -rf x\x1b[2J",
        "commands": ["glab api 'a\nb'", "glab api '\u202e'", "glab api y"],
    }
    script = as_commands([bad]).splitlines()
    assert script[-4] == "# protect\\nrm -rf x\\x1b[2J"
    assert [line[:11] for line in script[-3:]] == ["# (left out", "# (left out", "glab api y"]
    text = as_text([bad])
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text.splitlines()) == 6


def test_a_spec_that_the_system_can_t_do(project: Project) -> None:
    project.spec("reads: [model]", "runner: tpu, reads: [model]")
    project.spec("jobs:\n", "runners: {tpu: {github: tpu}}\njobs:\n")
    assert project.run("obligations").code == 0
    done = project.run("obligations", "--target", "gitlab")
    assert (done.code, done.out) == (2, "")
    assert "error[no-runner-label]" in done.err


def test_bad_calls(project: Project) -> None:
    assert "error[unknown-target]" in project.run("obligations", "--target", "gitlub").err
    assert "error[no-such-file]" in project.run("obligations", "nowhere.yaml").err
    project.write("mlcc.yaml", "version: 1\n")
    assert project.run("obligations").code == 2
