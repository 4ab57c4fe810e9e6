"""Twenty pipelines in the style of public ones: what each says in the spec, and the lines that are listed.

The expectations were read off the pipelines by hand.
"""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mlcc.importing import import_file
from mlcc.importing.ledger import Status
from mlcc.linting import lint_all

PIPELINES = Path(__file__).parent / "pipelines"
NAMES = sorted(path.name for path in PIPELINES.iterdir())

# file -> ({place in the spec: value}, lines with something that is listed)
EXPECTED: dict[str, tuple[dict[str, Any], set[int]]] = {
    "github-lint.yml": (
        {
            "name": "lint",
            "triggers": {"push": {"branches": ["**"]}, "pull_request": {"branches": ["**"]}},
            "jobs.ruff": {"python": "3.12", "setup": ["pip install ruff"], "run": "ruff check ."},
        },
        set(),
    ),
    "github-deploy.yml": (
        {
            "triggers.schedule": {"scheduled": "0 3 * * 1"},
            "triggers.manual.run.inputs.epochs": {"type": "string", "description": "How many", "default": "10"},
            "jobs.train.when": {"event": ["push", "schedule", "manual"], "branch": "main"},
            "jobs.deploy.when": {"event": ["push", "schedule", "manual"], "branch": "main"},
            "jobs.train.env.MLFLOW_TOKEN": {"secret": "MLFLOW_TOKEN"},
            "jobs.train.checkout": {"depth": 0, "lfs": True},
            "jobs.train.runner": "gpu",
            "jobs.train.timeout": "6h",
            "runners.gpu": {"github": ["self-hosted", "gpu"]},
            "auth.aws": {"role": {"var": "AWS_ROLE"}, "region": "eu-west-1"},
            "artifacts.model": {"kind": "model", "path": "build/model/", "retain": "30d"},
            "jobs.deploy.reads": ["model"],
            "jobs.test.path": ["src/", "requirements.txt"],
            "jobs.test.reports.junit": {"path": "junit.xml", "format": "junit"},
        },
        {46, 63},  # an action of a service; github.actor
    ),
    "github-matrix.yml": (
        {
            "jobs.tests.blocking": False,
            "jobs.tests.python": {"matrix": "python"},
            "jobs.tests.env.BACKEND": {"matrix": "backend"},
            "jobs.tests.finally": "docker compose down",
            "jobs.tests.cache.pip": {"path": ["~/.cache/pip"], "key": ["requirements.txt"]},
            "jobs.tests.services.mlflow-db": {
                "image": "postgres:16", "port": 5432, "env": {"POSTGRES_PASSWORD": "postgres"},
            },
            "targets.github.jobs.tests.services.mlflow-db.options": "--health-cmd pg_isready",
        },
        # merge_group, a matrix of machines, max-parallel, a service's address, ref, the summary, a step after a failure
        {5, 8, 12, 21, 30, 41, 49, 50},
    ),
    "github-reusable.yml": (
        {
            "triggers.schedule": {"scheduled": "30 2 * * 0", "scheduled-2": "0 */6 * * 1-5"},
            "jobs.report.when": {"status": "always"},
            "jobs.report.needs": ["evaluate"],
            "runners.ubuntu-22-04": {"github": "ubuntu-22.04"},
        },
        {7, 10, 11, 12, 14, 17, 19, 20, 26},
    ),
    "github-outputs.yml": (
        {
            "triggers.tag": {"patterns": ["v*"]},
            "triggers.manual.run.inputs.stage": {
                "type": "choice", "options": ["staging", "production"], "default": "staging", "required": True,
            },
            "jobs.version.outputs": ["tag", "other"],
            "jobs.publish.env.TAG": {"output": "version.tag"},
            "jobs.staging.when": [{"input": {"stage": "staging"}}, {"tag": "v**"}],
            "targets.github.jobs.staging.concurrency": "staging",
            "targets.github.workflow.run-name": "release by hand",
            "defaults.working_directory": "ml",
        },
        {17, 28, 29, 33},
    ),
    "github-artifacts.yml": (
        {
            "artifacts.features.path": "build/train.parquet",
            "artifacts.features-2.path": "build/test.parquet",
            "jobs.prepare.image": "ghcr.io/acme/ml:1",
            "jobs.train.reads": ["features", "features-2"],
            "jobs.check.needs": ["train", "prepare"],
        },
        {17, 26, 31, 33, 34},
    ),
    "github-anchors.yml": (
        {
            "triggers.pull_request.branches": ["main"],
            "jobs.a.timeout": "5m",
            "jobs.b.timeout": "10m",
            "jobs.a.run": "make a",
            "jobs.b.env.TRACKING": {"var": "MLFLOW_URI", "default": "http://localhost"},
        },
        {5, 23},
    ),
    "gitlab-plain.yml": (
        {
            "jobs.lint.setup": ["pip install -r requirements.txt"],
            "jobs.test.image": "python:3.12",
            "jobs.test.reports": {
                "junit": {"path": "junit.xml", "format": "junit"},
                "coverage": {"path": "coverage.xml", "format": "cobertura"},
            },
        },
        set(),
    ),
    "gitlab-extends.yml": (
        {
            "jobs.unit.retry": 2,
            "jobs.unit.runner": "docker",
            "jobs.train.runner": "gpu",
            "jobs.train.timeout": "210m",
            "jobs.train.needs": ["unit"],
            "jobs.train.env.WANDB_API_KEY": {"secret": "WANDB_API_KEY"},
            "jobs.unit.services.db": {"image": "postgres:15", "port": 5432, "env": {"POSTGRES_PASSWORD": "x"}},
            "artifacts.models": {"kind": "model", "path": "models/", "retain": "7d"},
            "jobs.deploy.reads": ["models"],
            "jobs.deploy.when": {"event": "manual"},
            "targets.gitlab.jobs.deploy.resource_group": "production",
        },
        {1, 2, 14, 22, 48, 50, 56},
    ),
    "gitlab-matrix.yml": (
        {
            "jobs.train.matrix.axes": {"model": ["small", "large"], "seed": ["1", "2"]},
            "jobs.train.env": {"MODEL": {"matrix": "model"}, "SEED": {"matrix": "seed"}},
            "jobs.train.blocking": False,
            "artifacts.out.retain": "2d",
            "jobs.evaluate.reads": ["out"],
        },
        {22},
    ),
    "gitlab-workflow.yml": (
        {
            "jobs.check.when": [{"event": "pull_request"}, {"event": "push", "branch": "main"}, {"event": "tag"}],
            "jobs.release.when": {"tag": "v**"},
            "jobs.release.env.REGISTRY_PASSWORD": {"secret": "REGISTRY_PASSWORD"},
            "jobs.release.environment": "production",
        },
        {22, 24, 29},
    ),
    "gitlab-reference.yml": (
        {
            "jobs.data.run": "dvc pull\npython check_data.py",
            "jobs.data.when": {"branch": "main"},
            "jobs.model.finally": "rm -rf /tmp/cache",
        },
        {7, 9, 18},
    ),
    "gitlab-services.yml": (
        {
            "jobs.integration.checkout": {"depth": 0, "submodules": True},
            "jobs.integration.services.redis": {"image": "redis:7", "port": 6379},
            "jobs.integration.timeout": "45m",
        },
        {5, 9, 10, 17, 18, 19},
    ),
    "gitlab-downstream.yml": (
        {"jobs.train.run": "python train.py", "jobs.nightly.when": {"event": "schedule"}},
        {1, 2, 3, 4, 5, 8, 12, 13, 15, 17, 18},
    ),
    "simple.Jenkinsfile": (
        {"artifacts.model.path": "build/model.onnx", "jobs.train": {"run": "python train.py", "writes": ["model"]}},
        set(),
    ),
    "parallel.Jenkinsfile": (
        {
            "triggers.manual.run.inputs.env": {"type": "choice", "options": ["dev", "prod"], "default": "dev"},
            "jobs.train.needs": ["unit", "lint"],
            "jobs.train.env.EPOCHS": {"input": "epochs"},
            "jobs.train.when": {"event": ["push", "schedule", "manual"], "branch": "main"},
            "jobs.deploy.reads": ["model"],
            "jobs.deploy.when": {"event": ["push", "schedule", "manual"], "branch": "main", "input": {"env": "prod"}},
            "jobs.deploy.env.K8S_TOKEN": {"secret": "K8S"},
            "defaults.timeout": "2h",
        },
        {4, 5, 10, 19, 24, 29, 33, 43, 47},
    ),
    "matrix.Jenkinsfile": (
        {
            "jobs.test.matrix.axes": {"python": ["3.10", "3.11"]},
            "jobs.test.retry": 2,
            "runners": {"linux-gpu": {"jenkins": "linux && gpu"}},
        },
        {23},
    ),
    "scripted.Jenkinsfile": (
        {
            "jobs.get.runner": "python",
            "jobs.evaluate.needs": ["train"],
            "jobs.evaluate.env.BRANCH_NAME": {"context": "branch"},
        },
        {7, 9, 11, 14, 18},
    ),
    "credentials.Jenkinsfile": (
        {
            "jobs.data.env": {
                "AWS_REGION": "eu-west-1", "GCP_KEY": {"secret": "gcp_key", "as": "file"}, "TOKEN": {"secret": "TOKEN"},
            },
            "jobs.train.when": {"input": {"retrain": True}},
            "jobs.train.reads": ["data"],
            "defaults.timeout": "90m",
        },
        {1, 6, 9, 10, 17, 25, 29, 34},
    ),
    "nested.Jenkinsfile": (
        {
            "jobs.fetch.when": [{"event": ["push"], "branch": "main"}, {"event": "pull_request"}],
            "jobs.validate.path": ["data/"],
            "jobs.validate.timeout": "10m",
            "jobs.release.when": {"event": "tag"},
        },
        {15, 22, 24, 25},
    ),
}  # fmt: skip


def at(tree: Any, place: str) -> Any:
    for key in place.split("."):
        tree = tree[key]
    return tree


def test_there_are_seven_of_github_seven_of_gitlab_and_six_of_jenkins() -> None:
    assert sorted(EXPECTED) == NAMES
    kinds = [name.split("-")[0] if name.endswith(".yml") else "jenkins" for name in NAMES]
    assert (kinds.count("github"), kinds.count("gitlab"), kinds.count("jenkins")) == (7, 7, 6)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_pipeline_says_stands_in_the_spec_and_the_rest_is_listed(name: str) -> None:
    facts, listed = EXPECTED[name]
    found = import_file(PIPELINES / name)
    tree = YAML(typ="safe", pure=True).load(found.spec)
    assert {place: at(tree, place) for place in facts} == facts
    assert {line for note in found.listed for line in range(note.line, note.end_line + 1)} == listed
    assert found.whole == (not listed)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_accounted_for(name: str) -> None:
    path = PIPELINES / name
    comment = "//" if name.endswith("Jenkinsfile") else "#"
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    held = {n for n, line in lines if line.strip() and not line.strip().startswith(comment)}
    found = import_file(path)
    assert set(found.lines) == held
    assert all(isinstance(status, Status) for status in found.lines.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_spec_has_no_error_of_lint(name: str, tmp_path: Path) -> None:
    found = import_file(PIPELINES / name)
    assert found.refused == ()
    spec = tmp_path / "mlcc.yaml"
    spec.write_text(found.spec, encoding="utf-8")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    report = lint_all((spec,), tmp_path, ())
    assert [d.message for d in report.diagnostics if d.severity.value == "error"] == []


@pytest.mark.parametrize("name", NAMES)
def test_commands_hold_no_expression_of_a_platform(name: str) -> None:
    assert "${{" not in import_file(PIPELINES / name).spec
