"""`mlcc lint`: exit codes, and the formats that machines read."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.project import Project

# Taken from npm @microsoft/jest-sarif 1.0.0-beta.0 (lib/schemas), which has it from https://json.schemastore.org
SARIF_SCHEMA = Path(__file__).parent / "vendor" / "sarif-2.1.0-rtm.5.json"
SARIF_SHA256 = "2d99159ae54a3eea97f81781cff48780548657c35949f4b7f25e99a2ba4de4f8"

WARNED = "setup: [pip install pandas]"


@pytest.fixture
def warned(project: Project) -> Project:
    """The project with one line that a rule warns of."""
    project.spec("ship: {run: python ship.py", f"ship: {{{WARNED}, run: python ship.py")
    return project


@pytest.fixture
def broken(project: Project) -> Project:
    """The project with one error."""
    project.spec("reads: [model]", "reads: [modle]")
    return project


def sarif(text: str) -> list[dict[str, Any]]:
    """Return the results of a valid SARIF log."""
    log = json.loads(text)
    jsonschema.Draft4Validator(json.loads(SARIF_SCHEMA.read_text("utf-8"))).validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    results: list[dict[str, Any]] = run["results"]
    return results


def test_the_schema_is_the_published_one() -> None:
    assert hashlib.sha256(SARIF_SCHEMA.read_bytes()).hexdigest() == SARIF_SHA256


def test_notes_alone_are_fine(project: Project) -> None:
    done = project.run("lint")
    assert (done.code, done.out) == (0, "")
    assert set(re.findall(r": (error|warning|note)\[", done.err)) <= {"note"}


def test_a_warning_is_a_finding(warned: Project) -> None:
    done = warned.run("lint")
    assert (done.code, done.out) == (1, "")
    assert "mlcc.yaml:15:" in done.err
    assert ": warning[" in done.err


def test_an_error_is_a_broken_spec(broken: Project) -> None:
    done = broken.run("lint")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mlcc.yaml:15:39: error[unknown-artifact]: ")


def test_what_a_back_end_cannot_do_is_an_error(project: Project) -> None:
    project.spec("run: python ship.py", "timeout: 8h, run: python ship.py")
    done = project.run("lint")
    assert done.code == 2
    assert "mlcc.yaml:15:10: error[limit]: " in done.err


def test_an_overlay_that_a_back_end_refuses_hides_nothing(project: Project) -> None:
    """Two specs: the one's overlay can't be lowered, the other's error is reported all the same."""
    spec = (project.root / "mlcc.yaml").read_text()
    project.write("mlcc.yaml", spec + "targets: {github: {jobs: {shipp: {env: {A: b}}}}}\n")
    project.write("other/mlcc.yaml", "version: 1\nname: other\ntriggerz: {}\n")
    done = project.run("lint", "--all", "--limits")
    assert done.code == 2
    assert "mlcc.yaml:19:27: error[unknown-overlay]: " in done.err
    assert "19 | targets: " in done.err
    assert "other/mlcc.yaml:3:1: error[unknown-key]: " in done.err


@pytest.mark.parametrize("format", ["json", "sarif", "github"])
@pytest.mark.parametrize(("fixture", "code"), [("project", 0), ("warned", 1), ("broken", 2)])
def test_machine_formats(request: pytest.FixtureRequest, fixture: str, code: int, format: str) -> None:
    project: Project = request.getfixturevalue(fixture)
    texts = project.run("lint").err
    expected = sorted(re.findall(r"^mlcc\.yaml:(\d+):(\d+): (\w+)\[([\w-]+)\]", texts, re.MULTILINE))
    done = project.run("lint", "--format", format)
    assert (done.code, done.err) == (code, "")
    readers = {"json": from_json, "sarif": from_sarif, "github": from_github}
    assert sorted(readers[format](done.out)) == expected
    assert expected or fixture == "project"


Place = tuple[str, str, str, str]


def from_json(text: str) -> list[Place]:
    return [
        (str(found["span"]["line"]), str(found["span"]["column"]), found["severity"], found["code"])
        for found in json.loads(text)["diagnostics"]
    ]


def from_sarif(text: str) -> list[Place]:
    found = []
    for result in sarif(text):
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"] == {"uri": "mlcc.yaml", "uriBaseId": "%SRCROOT%"}
        region = physical["region"]
        found.append(
            (str(region["startLine"]), str(region["startColumn"]), result["level"], result["ruleId"])
        )
    return found


def from_github(text: str) -> list[Place]:
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(error|warning|notice) file=mlcc\.yaml,(.*?)::(.+)", line)
        assert match, line
        given = dict(pair.split("=", 1) for pair in match[2].split(","))
        severity = "note" if match[1] == "notice" else match[1]
        found.append((given["line"], given["col"], severity, given["title"]))
    return found


@pytest.mark.parametrize("named", [(), ("--root", "../..")], ids=["by git", "by --root"])
def test_machines_get_paths_from_the_root_and_people_from_where_they_are(
    project: Project, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...]
) -> None:
    project.write("models/base.yaml", f"defaults: {{{WARNED}}}\n")
    project.write(
        "models/a/mlcc.yaml",
        "version: 1\nname: a\nextends: [../base.yaml]\ntriggers: {push: {branches: [main]}}\njobs: {j: {run: make}}\n",
    )
    if named:
        (project.root / ".git").rename(project.root / "git")
    monkeypatch.chdir("models/a")
    assert re.search(r"^\.\./base\.yaml:1:", project.run("lint", *named).err, re.MULTILINE)
    files = {"models/base.yaml", "models/a/mlcc.yaml"}
    found = json.loads(project.run("lint", "--format", "json", *named).out)["diagnostics"]
    assert {one["span"]["file"] for one in found} == files
    log = sarif(project.run("lint", "--format", "sarif", *named).out)
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in log]
    assert set(places) == files
    annotations = project.run("lint", "--format", "github", *named).out
    assert set(re.findall(r"file=([^,]+),", annotations)) == files
    project.write("models/a/mlcc.yaml", "version: 1\nnaem: a\n")
    (error, *_) = json.loads(project.run("explain", "--format", "json", *named).out)["diagnostics"]
    assert error["span"]["file"] == "models/a/mlcc.yaml"


def test_outside_a_repository_paths_are_those_of_the_call(project: Project) -> None:
    (project.root / ".git").rename(project.root / "git")
    project.write("a/mlcc.yaml", "version: 1\nname: a\ntriggerz: {}\n")
    (found, *_) = json.loads(project.run("lint", "a/mlcc.yaml", "--format", "json").out)["diagnostics"]
    assert found["span"]["file"] == "a/mlcc.yaml"


def test_a_spec_that_cannot_be_read_in_sarif(project: Project) -> None:
    (project.root / "mlcc.yaml").unlink()
    done = project.run("lint", "--format", "sarif")
    assert (done.code, done.err) == (2, "")
    (result,) = sarif(done.out)
    assert result["ruleId"] == "no-such-file"


def test_limits(project: Project) -> None:
    done = project.run("lint", "--limits")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines
    for line in lines:
        match = re.fullmatch(r"demo github: .+: ([\d,]+) of ([\d,]+) .+ \(([\d.]+) %\), .+", line)
        assert match, line
        used, most = (int(number.replace(",", "")) for number in match.group(1, 2))
        assert float(match[3]) == pytest.approx(100 * used / most, abs=0.05)
    assert any(line.startswith("demo github: workflow file: ") for line in lines)


def test_environment(project: Project) -> None:
    done = project.run("lint", "--env")
    assert done.code == 0
    nodes = {line.split(": ")[0]: line.split(": ")[1].split() for line in done.out.splitlines()}
    assert sorted(nodes) == ["demo good", "demo ship", "demo train", "demo unit"]
    assert any(entry.startswith("RATE") for entry in nodes["demo train"])
    assert not any(entry.startswith("RATE") for entry in nodes["demo ship"])


@pytest.mark.parametrize("format", ["json", "sarif", "github"])
@pytest.mark.parametrize("flag", ["--limits", "--env"])
def test_texts_are_not_mixed_into_machine_formats(project: Project, flag: str, format: str) -> None:
    done = project.run("lint", flag, "--format", format)
    assert done.code == 2
    assert "bad-call" in done.both


def test_all(project: Project) -> None:
    project.write("other/mlcc.yaml", "version: 1\nname: other\ntriggerz: {}\n")
    done = project.run("lint", "--all")
    assert done.code == 2
    assert "other/mlcc.yaml:3:1: error[unknown-key]: " in done.err
    assert "\nmlcc.yaml:" in f"\n{done.err}"


def test_a_lint_writes_nothing(compiled: Project) -> None:
    before = compiled.tree()
    for flags in ((), ("--format", "sarif"), ("--limits",), ("--env",), ("--all",)):
        compiled.run("lint", *flags)
    assert compiled.tree() == before


@pytest.mark.parametrize("path", ["hidden/", "hidden/deep/data.csv", "hidden/deep/*.csv"])
def test_a_file_that_git_ignores_is_told_from_one_that_is_not_there(project: Project, path: str) -> None:
    project.write(".gitignore", "hidden/\n")
    project.write("hidden/deep/data.csv", "a\n")
    project.spec("path: stops.csv", f"path: '{path}'")
    done = project.run("lint")
    assert f"'stops' is neither committed nor written: git ignores '{path}'" in done.err
    assert "help: take it out of .gitignore and commit it" in done.err
    project.spec(f"path: '{path}'", "path: hidden/gone.csv")
    assert "nothing is at 'hidden/gone.csv'" in project.run("lint").err
