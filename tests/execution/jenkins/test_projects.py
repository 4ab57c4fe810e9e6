"""Compiled Jenkinsfiles in the runner: what a project's folder, a container and a runtime that breaks make of a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.compiler import analyse, compile_files
from tests.execution.github.scratch import commit, scratch_repo
from tests.execution.jenkins.runner import BuildRun, Scenario, run_build

HEAD = """\
version: 1
name: small
triggers: {push: {branches: [main]}}
artifacts:
  code: {kind: code, path: src/}
  table: {kind: data, path: out/}
"""
JOBS = """\
jobs:
  make:
    run: test -e "$(git rev-parse --show-toplevel)/shared.txt" && git status --porcelain > out/status
    reads: [code]
    writes: [table]
  use: {run: 'ls out && test ! -s out/status', reads: [table]}
"""
# Runs everything on this machine, if a container with these volumes would have it; a mount's options end in `:rw,z`.
DOCKER = r"""#!/bin/bash
echo "$*" >> CALLS
case $1 in
  inspect) ;;
  run) while [ $# != 0 ]; do [ "$1" = -v ] && echo "${2%%:*}"; shift; done > VOLUMES; echo cid;;
  exec)
    shift
    while [ "$1" != cid ]; do
      case $1 in --workdir) cd "$2";; --env) case $2 in WORKSPACE_TMP=*) temporary=${2#*=};; esac;; esac
      shift 2
    done
    shift
    for place in "$PWD" "$(git rev-parse --show-toplevel)" "$temporary" "${@: -1}"; do
      while read -r volume; do case $place/ in "$volume"/*) continue 2;; esac; done < VOLUMES
      echo "no $place in the container"; exit 125
    done
    exec "$@";;
esac
"""


def project(tmp_path: Path, home: str, image: str = "") -> Path:
    """Return a repository whose project lies in the folder `home`, which ends in a slash or is empty."""
    path = tmp_path / home / "mlcc.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    spec = HEAD + JOBS + (f"defaults: {{image: '{image}'}}\n" if image else "")
    path.write_text(spec, "utf-8")
    analysis = analyse(path, tmp_path, assume_committed=True)
    files = {file.path: file.text for file in compile_files(analysis, ["jenkins"])}
    files |= {
        f"{home}mlcc.yaml": spec,
        f"{home}src/a.py": "",
        "shared.txt": "",
        ".gitignore": "_mlcc/\nout/\n",
    }
    return scratch_repo(tmp_path, files)


def build(repo: Path, home: str, path: str = "") -> BuildRun:
    env = {"BRANCH_NAME": "main", "BRANCH_IS_PRIMARY": "true"}
    agent = {"PATH": f"{path}:/usr/local/bin:/usr/bin:/bin"} if path else {}
    return run_build(Scenario(repo, f"{home}Jenkinsfile", env=env, agent_env=agent, time_limit=120))


@pytest.mark.parametrize("home", ["", "models/a/"])
def test_a_container_has_the_whole_repository(home: str, tmp_path: Path) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    text = DOCKER.replace("CALLS", str(tmp_path / "calls")).replace("VOLUMES", str(tmp_path / "volumes"))
    docker.write_text(text, "utf-8")
    docker.chmod(0o755)
    run = build(project(tmp_path, home, image="python:3"), home, str(docker.parent))
    assert (run.result, run.stages["make"]) == ("SUCCESS", "SUCCESS"), run.log[-3000:]
    calls = (tmp_path / "calls").read_text("utf-8").splitlines()
    assert [line.split()[0] for line in calls] == ["inspect", "run", "exec", "stop", "rm"] * 2
    assert ("--workdir" in calls[2]) is bool(home)


@pytest.mark.parametrize("home", ["", "models/a/"])
def test_the_work_tree_stays_clean(home: str, tmp_path: Path) -> None:
    run = build(project(tmp_path, home), home)
    assert run.result == "SUCCESS", run.log[-3000:]
    assert {event["name"]: event["files"] for event in run.of("stash")} == {
        "s--select": ["_mlcc/s--select/selection.json"],
        "s--make": ["_mlcc/s--make/state.json"],
        "d--make": ["_mlcc/d--make/table/status"],
        "s--use": ["_mlcc/s--use/state.json"],
    }
    archived = [name for event in run.of("archive") for name in event["files"]]
    assert "_mlcc/s--final/lineage.jsonl" in archived, archived


@pytest.mark.parametrize("code", [1, 4, 9])
def test_a_runtime_that_ends_without_a_state_is_red_and_says_how(code: int, tmp_path: Path) -> None:
    repo = project(tmp_path, "")
    text = (repo / ".mlcc/run.py").read_text("utf-8")
    broken = f"import os, sys\nif os.environ.get('MLCC_NODE') == 'make': sys.exit({code})\n"
    first = text.index("from __future__")
    last = text.index("\n", first) + 1
    commit(repo, {".mlcc/run.py": text[:last] + broken + text[last:]})
    run = build(repo, "")
    assert (run.result, run.stages["make"], run.stages["final"]) == ("FAILURE", "FAILURE", "FAILURE")
    assert "use" not in run.stages
    told = f"make ended with {code}" if code != 4 else "No files included in stash ‘s--make’"
    assert told in run.log
