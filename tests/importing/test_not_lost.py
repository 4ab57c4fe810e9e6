"""What looks as if it had a counterpart and hasn't: it is listed, and a job doesn't do something else instead."""

import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from mlcc.importing import import_file

GITHUB = "on: {push: {branches: [main]}}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
JENKINS = "pipeline {\n  agent none\n  stages { stage('a') {\n"

CASES = {
    "an upload after a failure": (
        "ci.yml",
        GITHUB + "      - run: make\n      - uses: actions/upload-artifact@v4\n        if: failure()\n"
        "        with: {name: logs, path: logs/}\n",
        {7, 8, 9},
        "artifacts:",
    ),
    "a reserved variable": (
        "ci.yml",
        GITHUB + "      - run: make\n        env: {CI_TOKEN: x}\n",
        {7},
        "CI_TOKEN",
    ),
    "a time limit of a step": ("ci.yml", GITHUB + "      - run: make\n        timeout-minutes: 3\n", {7}, "timeout"),
    "another repository": (
        "Jenkinsfile",
        JENKINS + "    steps {\n      git url: 'https://x.example/y'\n      sh 'make'\n    }\n  } }\n}\n",
        {5},
        "x.example",
    ),
    "files as an alternative": (
        "Jenkinsfile",
        JENKINS + "    when { anyOf {\n      branch 'main'\n      changeset 'src/**'\n    } }\n"
        "    steps { sh 'make' }\n  } }\n}\n",
        {5, 6},
        "when:",
    ),
    "a rule with files beside one without": (
        ".gitlab-ci.yml",
        "a:\n  script: make\n"
        "  rules:\n    - if: $CI_COMMIT_BRANCH == \"main\"\n      changes: [src/]\n    - if: $CI_MERGE_REQUEST_IID\n",
        {1},
        "inherit",
    ),
    "what a job doesn't inherit": (
        ".gitlab-ci.yml",
        "default: {retry: 1}\na:\n  inherit: {default: false}\n  script: make\n",
        {3},
        "inherit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_is_listed_and_does_not_stand_in_the_spec(name: str, tmp_path: Path) -> None:
    file, text, listed, absent = CASES[name]
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    found = import_file(path)
    assert {line for note in found.listed for line in range(note.line, note.end_line + 1)} == listed
    assert absent not in found.spec.split("\n", 1)[1]


@pytest.mark.parametrize("name", ["a reserved variable", "another repository", "files as an alternative"])
def test_a_job_that_would_do_something_else_stops(name: str, tmp_path: Path) -> None:
    file, text, _, _ = CASES[name]
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    spec = import_file(path).spec
    assert spec.index("exit 1") < spec.index("make\n")


def test_a_value_inside_single_quotes_still_reaches_the_command(tmp_path: Path) -> None:
    path = tmp_path / "ci.yml"
    path.write_text(
        GITHUB + "      - run: |\n          echo 'commit ${{ github.sha }}'  # it's ${{ github.sha }}\n",
        encoding="utf-8",
    )
    job = YAML(typ="safe", pure=True).load(import_file(path).spec)["jobs"]["a"]
    assert job["run"] == "echo 'commit '\"${RUN_SHA}\"''  # it's …"
    assert job["env"] == {"RUN_SHA": {"context": "commit"}}
    shown = subprocess.run(
        ["bash", "-c", job["run"]], env={"RUN_SHA": "a b"}, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "commit a b\n"
