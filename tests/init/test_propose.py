"""A proposal compiles as it stands, and says what the repository shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.compiler import analyse, compile_files
from mlcc.diagnostics import OutputError, Severity
from mlcc.init import Proposal, ignore_reports, propose, save
from mlcc.lint import Subject, run
from tests.init.repositories import REPOSITORIES, make


def spec_of(name: str, tmp_path: Path, **options: Any) -> dict[str, Any]:
    """Return the proposed spec of a repository as plain values."""
    folder = make(REPOSITORIES[name], tmp_path / "repo", **options)
    found: dict[str, Any] = yaml.safe_load(propose(folder).text)
    return found


@pytest.mark.parametrize("git", [True, False], ids=["git", "no-git"])
@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_proposal_compiles_as_it_stands(name: str, git: bool, tmp_path: Path) -> None:
    folder = make(REPOSITORIES[name], tmp_path / "repo", git=git)
    path = save(propose(folder), folder)
    analysis = analyse(path, folder)
    assert compile_files(analysis, ["github"])
    found = run(Subject(analysis.spec, analysis.source, analysis.plan))
    serious = {finding.code for finding in found if finding.severity is not Severity.NOTE}
    # What can't be known from outside stays a warning; nothing that the proposal itself says is one.
    assert serious <= {"data-without-contract", "model-without-metric"}


COMMENTED = re.compile(r"^( *)# ( *[a-z_-]+:( .*)?)$", re.MULTILINE)


@pytest.mark.parametrize("name", sorted(REPOSITORIES.keys() - {"empty", "readme"}))
def test_what_is_commented_out_compiles_when_it_is_not(name: str, tmp_path: Path) -> None:
    folder = make(REPOSITORIES[name], tmp_path / "repo")
    head, _, rest = propose(folder).text.partition("\nversion: 1\n")
    text = f"{head}\nversion: 1\n" + COMMENTED.sub(r"\1\2", rest)
    assert text.count("schedule:") == 1
    (folder / "mlcc.yaml").write_text(text, "utf-8")
    assert compile_files(analyse(folder / "mlcc.yaml", folder), ["github"])


PIECES = sorted({(path, text) for files in REPOSITORIES.values() for path, text in files.items()})


@given(st.lists(st.sampled_from(PIECES), max_size=14))
@settings(max_examples=30, deadline=None)
def test_any_mixture_compiles(pieces: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = make(dict(pieces), Path(scratch) / "repo", git=False)
        analysis = analyse(save(propose(folder), folder), folder)
        assert compile_files(analysis, ["github"])


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_proposal_reads_well(name: str, tmp_path: Path) -> None:
    text = propose(make(REPOSITORIES[name], tmp_path / "repo")).text
    assert "TODO" not in text
    assert not re.search(r"[ \t]+$", text, re.MULTILINE)
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert all(len(line) <= 120 for line in text.splitlines())
    assert propose(tmp_path / "repo").text == text


@pytest.mark.parametrize("name", ["script", "tables", "hostile", "odd-tables"])
def test_the_proposed_contracts_hold_today(name: str, tmp_path: Path) -> None:
    folder = make(REPOSITORIES[name], tmp_path / "repo")
    path = save(propose(folder), folder)
    analysis = analyse(path, folder)
    for file in compile_files(analysis, ["github"]):
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / file.path).write_text(file.text, encoding="utf-8")
    gates = [id for id in analysis.plan.nodes if id.endswith("-contract")]
    assert gates
    for id in gates:
        command = [sys.executable, "-I", ".mlcc/gates/contract.py", id]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_script_with_data_and_metrics(tmp_path: Path) -> None:
    assert spec_of("script", tmp_path) == {
        "version": 1,
        "name": "repo",
        "triggers": {"pull_request": {"branches": ["main"]}, "push": {"branches": ["main"]}},
        "defaults": {
            "python": "3.12",
            "timeout": "30m",
            "setup": ["pip install --require-hashes -r requirements.txt"],
        },
        "artifacts": {
            "code": {"kind": "code", "path": ["train.py", "requirements.txt"]},
            "iris": {"kind": "data", "path": "data/iris.csv"},
            "model": {"kind": "model", "path": "build/model.joblib", "retain": "30d"},
            "metrics": {"kind": "file", "path": "metrics.json"},
        },
        "jobs": {
            "train": {"run": "python train.py", "reads": ["code", "iris"], "writes": ["model", "metrics"]}
        },
        "gates": {
            "compiles": {
                "guards": "code",
                "setup": [],
                "command": {"run": "python -m compileall -q train.py"},
            },
            "iris-contract": {
                "guards": "iris",
                "contract": {
                    "rows": {"min": 45},
                    "columns": {
                        "id": {"type": "integer"},
                        "petal_length": {"type": "number", "max_nulls": 0.12},
                        "species": {"type": "string"},
                        "no": {"type": "integer"},
                        "seen": {"type": "date"},
                    },
                },
            },
            "quality": {
                "guards": "model",
                "evaluate": {
                    "metrics_from": "metrics",
                    "metrics": {
                        "accuracy": {"min": 0.86},
                        "log_loss": {"max": 0.36},
                        "test.f1": {"value": "test.f1", "min": 0.75},
                    },
                },
            },
        },
    }


def test_columns_whose_names_are_no_keys_get_keys(tmp_path: Path) -> None:
    columns = spec_of("odd-tables", tmp_path)["gates"]["odd-contract"]["contract"]["columns"]
    assert columns == {
        "customer_id": {"name": "Customer ID", "type": "integer"},
        "grosse": {"name": "größe", "type": "number"},
        "price_eur": {"name": 'price "(EUR)"', "type": "integer"},
        "yes": {"type": "integer"},
    }


def test_it_is_said_why_no_contract_is_proposed(tmp_path: Path) -> None:
    found = propose(make(REPOSITORIES["odd-tables"], tmp_path / "repo"))
    assert (
        "data: data/semicolons.csv (no contract: its columns seem to be separated by ';')" in found.findings
    )
    assert "data: data/ragged.csv (no contract: line 3 has 1 columns, and the header 2)" in found.findings
    assert re.search(r"# ragged-contract: +# not proposed: line 3 has 1 columns", found.text)


def test_a_package(tmp_path: Path) -> None:
    spec = spec_of("package", tmp_path)
    assert spec["name"] == "credit-risk-2"
    assert spec["defaults"]["python"] == "3.10"
    assert spec["defaults"]["setup"] == ["pip install -e '.[dev]'"]
    assert spec["artifacts"]["code"]["path"] == ["src/", "pyproject.toml"]
    assert spec["jobs"]["train"] == {"run": "python -m credit.train", "reads": ["code"]}
    assert spec["gates"]["unit"] == {
        "guards": "code",
        "path": ["tests/"],
        "tests": {"run": "python -m pytest -q --junitxml=junit.xml", "junit": "junit.xml"},
    }
    assert "# min_passed: 2 " in propose(tmp_path / "repo").text


def test_lock_files_say_how_to_install(tmp_path: Path) -> None:
    uv = spec_of("uv", tmp_path / "uv")
    assert uv["defaults"]["setup"] == [
        "pip install uv==0.13.9",
        "uv sync --locked",
        "source .venv/bin/activate",
    ]
    assert uv["jobs"]["train"]["run"] == "python -m app.train"
    poetry = spec_of("poetry", tmp_path / "poetry")
    assert poetry["defaults"]["python"] == "3.11"
    assert poetry["defaults"]["setup"][1] == "poetry install --no-interaction"
    assert poetry["gates"]["unit"]["tests"] == {"run": "python -m unittest discover"}
    assert spec_of("conda", tmp_path / "conda")["defaults"]["setup"][3] == "conda activate ci"
    pipenv = spec_of("pipenv", tmp_path / "pipenv")
    assert pipenv["defaults"]["setup"] == ["pip install pipenv==2026.10.3", "pipenv sync --dev --system"]
    assert pipenv["gates"]["unit"]["setup"] == [*pipenv["defaults"]["setup"], "pip install pytest==9.2.0"]


def test_a_make_target(tmp_path: Path) -> None:
    spec = spec_of("make", tmp_path)
    assert spec["defaults"]["python"] == "3.12.4"
    assert spec["artifacts"]["code"]["path"] == ["main.py", "Makefile"]
    assert spec["jobs"]["train"] == {"run": "make train", "reads": ["code"]}


def test_a_dvc_pipeline_is_one_job(tmp_path: Path) -> None:
    spec = spec_of("dvc", tmp_path)
    setup = ["pip install 'dvc[s3]==3.67.1'"]
    assert spec["artifacts"]["raw"] == {
        "kind": "data",
        "path": "data/raw.csv",
        "from": {"dvc": "data/raw.csv.dvc", "setup": setup},
    }
    assert spec["artifacts"]["images"]["path"] == "data/images/"
    assert spec["jobs"] == {
        "train": {
            "run": "dvc repro",
            "reads": ["code", "images", "raw"],
            "path": ["dvc.yaml", "dvc.lock", "params.yaml", ".dvc/config"],
            "writes": ["model", "plot", "metrics"],
            "setup": setup,
        }
    }
    assert spec["artifacts"]["model"]["path"] == "models/model.pkl"
    assert spec["artifacts"]["plot"] == {"kind": "file", "path": "reports/plot.png", "retain": "30d"}


def test_tables_alone_get_contracts(tmp_path: Path) -> None:
    spec = spec_of("tables", tmp_path)
    assert set(spec["artifacts"]) == {"a-b", "z"}
    assert spec["gates"]["a-b-contract"]["contract"]["columns"] == {
        "x": {"type": "integer"},
        "y": {"type": "integer", "max_nulls": 0.6},
    }
    columns = spec["gates"]["z-contract"]["contract"]["columns"]
    assert columns == {"k": {"type": "boolean"}, "v": {"type": "timestamp"}}


def test_many_scripts_are_a_pattern(tmp_path: Path) -> None:
    spec = spec_of("many-scripts", tmp_path)
    assert spec["artifacts"]["code"]["path"] == ["*.py"]
    assert spec["gates"]["compiles"]["command"]["run"] == "python -m compileall -q *.py"


def test_an_empty_folder_gets_something_to_run(tmp_path: Path) -> None:
    spec = spec_of("empty", tmp_path, git=False)
    assert list(spec["jobs"]) == ["hello"]
    assert propose(tmp_path / "repo").findings == (
        "branch: main",
        "CI systems: no sign of one, so GitHub",
        "Python: 3.12 (the default: nothing names a version)",
        "code: no Python files",
    )


def test_the_branch_and_the_name_come_from_git(tmp_path: Path) -> None:
    folder = make({"a.py": ""}, tmp_path / "x", branch="trunk")
    url = "git@example.com:acme/Credit_Model.git"
    subprocess.run(["git", "remote", "add", "origin", url], cwd=folder, check=True)
    spec = yaml.safe_load(propose(folder).text)
    assert (spec["name"], spec["triggers"]["push"]["branches"]) == ("credit-model", ["trunk"])
    subprocess.run(
        ["git", "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop"],
        cwd=folder,
        check=True,
    )
    assert yaml.safe_load(propose(folder).text)["triggers"]["push"]["branches"] == ["develop"]


def test_ignored_files_are_not_seen(tmp_path: Path) -> None:
    files = {"a.py": "", ".gitignore": "big.csv\nold.py\n", "big.csv": "a\n1\n", "old.py": ""}
    spec = yaml.safe_load(propose(make(files, tmp_path / "repo")).text)
    assert spec["artifacts"] == {"code": {"kind": "code", "path": ["a.py"]}}


def test_a_folder_inside_a_repository_is_a_project_of_its_own(tmp_path: Path) -> None:
    folder = make({"top.py": "", "ml/train.py": "", "ml/tests/test_a.py": ""}, tmp_path / "repo")
    spec = yaml.safe_load(propose(folder / "ml").text)
    assert spec["artifacts"]["code"]["path"] == ["train.py"]
    assert spec["gates"]["unit"]["path"] == ["tests/"]


def test_parquet_columns_are_read(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="an extra of the package")
    folder = make({}, tmp_path / "repo")
    duckdb.execute(
        "COPY (SELECT i AS id, CASE WHEN i > 2 THEN 'nan'::DOUBLE ELSE i END AS x, [i] AS list FROM range(4) t(i)) "
        f"TO '{folder / 'd.parquet'}' (FORMAT parquet)"
    )
    spec = yaml.safe_load(propose(folder).text)
    assert spec["gates"]["d-contract"]["contract"] == {
        "rows": {"min": 3},
        "columns": {"id": {"type": "integer"}, "x": {"type": "number", "max_nulls": 0.3}},
    }


def test_a_long_table_is_read_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcc.init.tables.MOST_BYTES", 10)
    monkeypatch.setattr("mlcc.init.tables.SAMPLE_ROWS", 2)
    text = propose(make({"d.csv": "x\n1\n2\nthree\n"}, tmp_path / "repo")).text
    assert "        x: {type: string, max_nulls: 1}    # looks like integer\n" in text
    assert "only its first 2 rows were looked at" in text
    assert yaml.safe_load(text)["gates"]["d-contract"]["contract"]["rows"] == {"min": 1}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    proposal = Proposal("version: 1\n", (), True)
    path = save(proposal, tmp_path)
    assert path.read_text() == "version: 1\n"
    with pytest.raises(OutputError) as caught:
        save(Proposal("other", (), True), tmp_path)
    assert caught.value.diagnostics[0].code == "file-exists"
    assert path.read_text() == "version: 1\n"
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "mlcc.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    with pytest.raises(OutputError):
        save(proposal, tmp_path / "linked")
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        save(Proposal("x", (), True), tmp_path / "missing")
    assert caught.value.diagnostics[0].code == "unwritable-file"


def test_findings_are_phrases(tmp_path: Path) -> None:
    findings = propose(make(REPOSITORIES["script"], tmp_path / "repo")).findings
    assert "data: data/iris.csv (5 columns)" in findings
    assert "training: python train.py" in findings
    assert "model: build/model.joblib" in findings
    assert json.dumps(findings)


def test_several_models_are_said(tmp_path: Path) -> None:
    found = propose(make(REPOSITORIES["two-models"], tmp_path / "repo"))
    assert (
        "several models: this spec trains models/churn/train.py alone; for a spec of each: "
        "`mlcc init models/churn`, `mlcc init models/demand`"
    ) in found.findings
    spec = yaml.safe_load(found.text)
    assert spec["defaults"]["setup"] == ["pip install -r models/churn/requirements.txt"]
    assert [id for id, a in spec["artifacts"].items() if a["kind"] == "data"] == ["raw", "demand-raw"]


def test_one_model_of_several_has_a_spec_of_its_own(tmp_path: Path) -> None:
    folder = make(REPOSITORIES["two-models"], tmp_path / "repo") / "models/churn"
    found = propose(folder)
    spec = yaml.safe_load(found.text)
    assert spec["jobs"]["train"]["run"] == "python train.py"
    assert spec["defaults"]["setup"] == ["pip install -r requirements.txt"]
    assert not [line for line in found.findings if "several" in line]


@pytest.mark.parametrize("line", ["_mlcc/", "/_mlcc", "_mlcc"])
@pytest.mark.parametrize("git", [True, False], ids=["git", "no-git"])
def test_who_ignores_the_reports_needs_no_hint(line: str, git: bool, tmp_path: Path) -> None:
    folder = make({"a.py": "", ".gitignore": f"x\n{line}\n"}, tmp_path / "repo", git=git)
    assert propose(folder).ignores_reports


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, "_mlcc/\n"), ("", "_mlcc/\n"), ("x\n", "x\n_mlcc/\n"), ("x", "x\n_mlcc/\n")],
)
def test_reports_are_ignored_and_what_is_there_stays(before: str | None, after: str, tmp_path: Path) -> None:
    folder = make({"a.py": ""} | ({} if before is None else {".gitignore": before}), tmp_path / "repo")
    assert not propose(folder).ignores_reports
    assert ignore_reports(folder)
    assert (folder / ".gitignore").read_text() == after
    assert propose(folder).ignores_reports


def test_a_linked_gitignore_is_left_alone(tmp_path: Path) -> None:
    folder = make({"a.py": ""}, tmp_path / "repo")
    (tmp_path / "elsewhere").write_text("x\n")
    (folder / ".gitignore").symlink_to(tmp_path / "elsewhere")
    assert not ignore_reports(folder)
    assert (tmp_path / "elsewhere").read_text() == "x\n"


def test_what_a_build_left_is_no_data(tmp_path: Path) -> None:
    folder = make(
        {"a.csv": "k\n1\n", "build/b.csv": "k\n1\n", "ml/outputs/c.csv": "k\n1\n"}, tmp_path / "repo"
    )
    assert list(yaml.safe_load(propose(folder).text)["artifacts"]) == ["a"]


@pytest.mark.parametrize(
    ("files", "remote", "line"),
    [
        ({}, "", None),
        ({".github/dependabot.yml": "version: 2\n"}, "", None),
        ({}, "git@github.com:acme/credit.git", None),
        ({}, "git@gitlab.acme.example:ml/credit.git", "targets: {gitlab: {}}"),
        ({}, "https://me:token@gitlab.com/ml/github.git", "targets: {gitlab: {}}"),
        ({".gitlab-ci.yml": "a: {script: [b]}\n"}, "", "targets: {gitlab: {}}"),
        ({"Jenkinsfile": "pipeline {}\n", ".github/x.yml": ""}, "", "targets: {github: {}, jenkins: {}}"),
    ],
)
def test_the_ci_system_is_found(files: dict[str, str], remote: str, line: str | None, tmp_path: Path) -> None:
    make({"train.py": "", **files}, tmp_path)
    if remote:
        subprocess.run(["git", "remote", "add", "origin", remote], cwd=tmp_path, check=True)
    proposal = propose(tmp_path)
    found = [text.partition("    #")[0] for text in proposal.text.splitlines() if text.startswith("targets:")]
    assert found == ([line] if line else [])
    by_hand = [path for path in files if path in (".gitlab-ci.yml", "Jenkinsfile")]
    assert [f for f in proposal.findings if "won't overwrite" in f] == [
        f"to do: move {path} away, which mlcc didn't write and so won't overwrite; what only it says goes into the spec"
        for path in by_hand
    ]
