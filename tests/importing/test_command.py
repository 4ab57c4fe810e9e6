"""`mlcc import` as it is called: exit codes, where things go, and that nothing is written over."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from mlcc.cli import cli

PIPELINES = Path(__file__).parent / "pipelines"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["import", *map(str, arguments)])


def test_everything_placed_is_0_and_the_spec_goes_to_standard_output() -> None:
    done = call(PIPELINES / "github-lint.yml")
    assert done.exit_code == 0
    assert done.stdout.startswith("# Imported from github-lint.yml by `mlcc import`")
    assert "not placed:" not in done.stderr
    assert "  11  jobs.ruff.steps[2].run: jobs.ruff.setup\n" in done.stderr


def test_something_listed_is_1_and_the_report_names_the_line_and_the_reason() -> None:
    done = call(PIPELINES / "github-anchors.yml")
    assert done.exit_code == 1
    listed = done.stderr.split("not placed:\n")[1].split("\n\n")[0].splitlines()
    assert listed == [
        "  5  on.push.paths-ignore[0]: it has no counterpart that is known",
        "  23  jobs.b.env.KEY: no typed value stands for this expression: the job stops until it is stated",
    ]


def test_a_file_that_is_no_pipeline_is_2_and_nothing_is_written(tmp_path: Path) -> None:
    path, output = tmp_path / "x.yml", tmp_path / "mlcc.yaml"
    path.write_text("a: b\n", encoding="utf-8")
    done = call(path, "--output", output)
    assert done.exit_code == 2
    assert "error[not-a-pipeline]: this is no pipeline that mlcc can read" in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.yml"]


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    output = tmp_path / "mlcc.yaml"
    assert call(PIPELINES / "github-lint.yml", "--output", output).exit_code == 0
    text = output.read_text(encoding="utf-8")
    done = call(PIPELINES / "simple.Jenkinsfile", "--output", output)
    assert done.exit_code == 3
    assert "error[file-exists]" in done.stderr
    assert output.read_text(encoding="utf-8") == text
    assert [entry.name for entry in tmp_path.iterdir()] == ["mlcc.yaml"]


def test_json_holds_the_spec_and_every_line() -> None:
    path = PIPELINES / "simple.Jenkinsfile"
    done = call(path, "--format", "json")
    found = json.loads(done.stdout)
    assert found["system"] == "jenkins"
    assert list(map(int, found["lines"])) == list(range(1, 12))
    assert sum(found["counts"].values()) == 11
    assert found["spec"] == call(path).stdout
