"""Obligations of all back ends: ids that tell them apart, places, and commands that hold together whatever is in them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from mlcc.backends import BACKENDS
from mlcc.obligations.obligation import KINDS, asked, posted
from mlcc.plan import Plan
from mlcc.record import replace
from tests.plans import plan_of
from tests.static.checks import tool

HOSTILE = "re'l $(touch pwned) `touch pwned` \\ \" ; *"
SPEC = """version: 1
name: p
triggers:
  push: {branches: [main, BRANCH]}
  pull_request: {branches: [main, BRANCH]}
  tag: {patterns: [BRANCH]}
  schedule: {weekly: "17 3 * * 1"}
  manual: {retrain: {inputs: {rate: {type: number, default: 0.1}}}}
  dispatch: [new-data]
auth: {aws: {role: r, region: e}}
environments: {prod: {branches: [main, BRANCH], approval: true}, open: {}}
artifacts: {model: {kind: model, path: build/m}}
jobs:
  train: {run: make, writes: [model], env: {A: {secret: TRACKING}, B: {var: REGION}}}
  ship:
    run: make ship
    reads: [model]
    environment: prod
    auth: [aws]
    env: {A: {secret: DEPLOY}}
    when: {event: push}
  look: {run: make look, environment: open}
"""
FAKE = """#!/usr/bin/env python3
import json, pathlib, sys
with pathlib.Path({log!r}).open("a") as log:
    log.write(json.dumps([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]) + "\\n")
    if "--input" in sys.argv or "variable" in sys.argv or "create-credentials-by-xml" in sys.argv:
        log.write(json.dumps({{"input": sys.stdin.read()}}) + "\\n")
"""


def hostile_plan() -> Plan:
    return plan_of(SPEC.replace("BRANCH", json.dumps(HOSTILE)), home="a b/#c'd")


@pytest.mark.parametrize(("folder", "named"), [("", []), ("m", ["m/.gitlab-ci.yml"])])
def test_the_instances_of_a_spec_are_taken_in_as_one_file(folder: str, named: list[str]) -> None:
    spec = "version: 1\nname: p\ntriggers: {push: {branches: [main]}}\njobs: {a: {run: make}}\n"
    plan = replace(plan_of(spec, home="m/a"), spec_home=folder)
    found = {one.id: one.names for one in BACKENDS["gitlab"].obligations(plan)}
    assert list(found.get("include", ())) == named


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What gh, glab and java were called with, line by line: programs that only note that."""
    found = tmp_path / "bin"
    found.mkdir()
    for name in ("gh", "glab", "java"):
        (found / name).write_text(FAKE.format(log=str(tmp_path / "log")))
        (found / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(found), prepend=":")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "log"


def run(line: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], input=typed, capture_output=True, text=True, check=False)


def noted(log: Path) -> list[object]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize("target", BACKENDS)
def test_ids_kinds_and_places(target: str) -> None:
    found = BACKENDS[target].obligations(hostile_plan())
    assert len({one.id for one in found}) == len(found) > 10
    assert {one.kind for one in found} <= set(KINDS)
    assert [one.id for one in found if one.span is None] == []
    assert all(bool(one.file) == bool(one.text) for one in found)


@pytest.mark.parametrize("target", BACKENDS)
def test_no_name_is_obeyed_by_the_shell(target: str, log: Path) -> None:
    lines = [line for one in BACKENDS[target].obligations(hostile_plan()) for line in one.commands]
    for line in lines:
        assert run(line, "value\n").returncode == 0, line
    assert not [path for path in log.parent.iterdir() if path.name not in ("bin", "log")]
    assert len(noted(log)) >= len(lines)


def test_github_gets_the_branch_as_it_is(log: Path) -> None:
    found = {one.id: one for one in BACKENDS["github"].obligations(hostile_plan())}
    for line in found["environment.prod.branches"].commands:
        run(line)
    assert [words[-3] for words in noted(log) if isinstance(words, list)] == ["name=main", f"name={HOSTILE}"]
    log.unlink()
    run(found["required-check"].commands[0])
    words, got = noted(log)
    assert words == ["gh", "api", "--silent", "-X", "POST", "repos/{owner}/{repo}/rulesets", "--input", "-"]
    assert isinstance(got, dict)
    assert json.loads(got["input"])["conditions"]["ref_name"]["include"] == [
        "refs/heads/main",
        f"refs/heads/{HOSTILE}",
    ]


def test_gitlab_gets_the_branch_as_it_is(log: Path) -> None:
    found = {one.id: one for one in BACKENDS["gitlab"].obligations(hostile_plan())}
    for line in found["environment.prod.branches"].commands:
        run(line)
    assert noted(log)[1] == [
        "glab", "api", "--silent", "-X", "POST", "projects/:id/protected_branches", "-f", f"name={HOSTILE}",
    ]  # fmt: skip


def test_a_secret_is_typed_and_stands_in_no_command_line(log: Path) -> None:
    secret = "p<&'\"$(x) \\n"
    plan = hostile_plan()
    gitlab = {one.id: one for one in BACKENDS["gitlab"].obligations(plan)}["secret.DEPLOY"]
    assert run(gitlab.commands[0], secret + "\n").stdout == "\n"
    jenkins = {one.id: one for one in BACKENDS["jenkins"].obligations(plan)}["credentials"]
    assert run(jenkins.commands[0], secret + "\n").stdout == "\n"
    first, got, second, document = noted(log)
    assert first == ["glab", "variable", "set", "DEPLOY", "--masked", "--protected", "--scope", "prod"]
    assert got == {"input": secret}
    assert isinstance(second, list)
    assert second[3:] == ["create-credentials-by-xml", "folder::item::/p", "_"]
    kind = "org.jenkinsci.plugins.plaincredentials.impl.StringCredentialsImpl"
    assert document == {
        "input": f"<{kind}><scope>GLOBAL</scope><id>DEPLOY</id><secret>p&lt;&amp;'\"$(x) \\n</secret></{kind}>"
    }


def test_nothing_is_taken_away() -> None:
    lines = [
        line
        for name in BACKENDS
        for one in BACKENDS[name].obligations(hostile_plan())
        for line in one.commands
    ]
    assert not [line for line in lines if "DELETE" in line or "delete" in line or "--force" in line]
    assert lines


def test_an_environment_with_rules_is_left_alone(log: Path) -> None:
    gh = log.parent / "bin/gh"
    gh.write_text(gh.read_text() + "if '--jq' in sys.argv: print(361471)\n")
    (line,) = {one.id: one for one in BACKENDS["github"].obligations(hostile_plan())}[
        "environment.prod"
    ].commands
    done = run(line)
    assert done.stdout == "prod has rules already: compare them\n"
    assert noted(log) == [
        ["gh", "api", "repos/{owner}/{repo}/environments/prod", "--jq", ".protection_rules[].id"]
    ]


def test_an_answer_that_is_an_error_is_no_rule(log: Path) -> None:
    gh = log.parent / "bin/gh"
    gh.write_text(
        gh.read_text() + "if '--jq' in sys.argv: print('{\"message\": \"Not Found\"}'); sys.exit(1)\n"
    )
    (line,) = {one.id: one for one in BACKENDS["github"].obligations(hostile_plan())}[
        "environment.open"
    ].commands
    assert run(line).returncode == 0
    assert noted(log)[1:] == [
        ["gh", "api", "--silent", "-X", "PUT", "repos/{owner}/{repo}/environments/open", "--input", "-"],
        {"input": "{}"},
    ]


def test_gitlab_s_tokens_are_of_the_refs_that_log_in() -> None:
    found = {one.id: one for one in BACKENDS["gitlab"].obligations(hostile_plan())}["trust.aws"]
    assert found.names == (
        "project_path:GROUP/PROJECT:ref_type:branch:ref:main",
        f"project_path:GROUP/PROJECT:ref_type:branch:ref:{HOSTILE}",
    )
    assert found.places == ("prod",)


def test_the_folder_of_a_spec_is_escaped_for_code_owners() -> None:
    found = {one.id: one for one in BACKENDS["gitlab"].obligations(hostile_plan())}["code-owners"]
    assert found.text.splitlines()[1] == "/a\\ b/\\#c'd/.mlcc/ @OWNERS"


def test_on_gitlab_the_file_that_includes_a_project_s_has_owners_too() -> None:
    at_root = {one.id: one for one in BACKENDS["gitlab"].obligations(plan_of(SPEC.replace("BRANCH", "x")))}
    assert at_root["code-owners"].names == ("mlcc.yaml", ".mlcc/", ".gitlab-ci.yml", ".gitlab/CODEOWNERS")
    nested = {one.id: one for one in BACKENDS["gitlab"].obligations(hostile_plan())}
    assert nested["code-owners"].names[-2:] == (".gitlab-ci.yml", ".gitlab/CODEOWNERS")


def test_jenkins_configuration_is_yaml_with_groovy_that_keeps_the_path() -> None:
    found = {one.id: one for one in BACKENDS["jenkins"].obligations(hostile_plan())}
    (job,) = yaml.safe_load(found["job"].text)["jobs"]
    assert "scriptPath('a b/#c\\'d/Jenkinsfile')" in job["script"]
    (properties,) = yaml.safe_load(found["variables"].text)["jenkins"]["globalNodeProperties"]
    assert properties["envVars"]["env"] == [{"key": "REGION", "value": "VALUE"}]


@pytest.mark.parametrize("target", BACKENDS)
def test_shellcheck_finds_nothing_in_the_commands(target: str, tmp_path: Path) -> None:
    lines = [line for one in BACKENDS[target].obligations(hostile_plan()) for line in one.commands]
    script = tmp_path / "commands.sh"
    script.write_text("#!/usr/bin/env bash\n" + "\n".join(lines) + "\n", "utf-8")
    # SC2016: what looks like an expansion in single quotes is the hostile name
    done = subprocess.run(
        [tool("shellcheck"), "-e", "SC2016", str(script)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_words_of_a_command() -> None:
    assert posted({"a": "it's"}, "gh", "api", "--input", "-") == (
        'printf %s \'{"a": "it\'"\'"\'s"}\' | gh api --input -'
    )
    assert asked("T", "cat") == "IFS= read -rsp 'T: ' value && echo && printf %s \"$value\" | cat"
