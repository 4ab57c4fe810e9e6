"""Small repositories, each of another kind."""

from __future__ import annotations

import subprocess
from pathlib import Path

Files = dict[str, str]

IRIS = "id,petal_length,species,no,seen\n" + "".join(
    f"{i},{'' if i % 10 == 0 else i / 8},{'setosa' if i % 2 else 'virginica'},{i % 3},2024-01-{i % 28 + 1:02}\n"
    for i in range(1, 51)
)
TRAIN = 'import joblib\njoblib.dump(model, "build/model.joblib")\nPath("metrics.json").write_text(text)\n'
DVC_STAGES = """\
stages:
  prep:
    cmd: python src/prep.py
    deps: [data/raw.csv, src/prep.py]
    outs: [data/prep]
  train:
    cmd: python src/train.py
    deps: [data/prep]
    outs:
    - models/model.pkl
    - reports/plot.png:
        cache: false
    metrics:
    - metrics.json:
        cache: false
"""

REPOSITORIES: dict[str, Files] = {
    "empty": {},
    "two-models": {
        "models/churn/train.py": "",
        "models/churn/requirements.txt": "scikit-learn==1.5.0\n",
        "models/churn/data/raw.csv": "a\n1\n",
        "models/demand/src/demand/train.py": "",
        "models/demand/data/raw.csv": "a\n1\n",
    },
    "odd-tables": {
        "data/odd.csv": 'Customer ID,größe,"price ""(EUR)""",yes\n' + "".join(f"{i},1.5,2,3\n" for i in range(40)),
        "data/semicolons.csv": "id;name\n1;a\n",
        "data/ragged.csv": "id,name\n1,a\n2\n",
        "train.py": "",
    },
    "readme": {"README.md": "# Hello\n", "notes/x y.txt": "x", "odd: name.py": "", "[x].csv": "a\n1\n"},
    "script": {
        "train.py": TRAIN,
        "requirements.txt": "scikit-learn==1.5.0 --hash=sha256:0\n",
        "data/iris.csv": IRIS,
        "metrics.json": '{"accuracy": 0.912, "log_loss": 0.3, "train_loss": 1, "test": {"f1": 0.8}, "n": 50}',
    },
    "package": {
        "src/credit/__init__.py": "",
        "src/credit/train.py": "",
        "tests/test_a.py": "import pytest\n\n\ndef test_a():\n    pass\n\n\nasync def test_b():\n    pass\n",
        "pyproject.toml": (
            '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "Credit Risk 2"\n'
            'requires-python = ">=3.9,<3.12"\n[project.optional-dependencies]\ndev = ["pytest"]\n'
        ),
    },
    "uv": {
        "app/__init__.py": "",
        "app/train.py": "",
        "pyproject.toml": '[project]\nname = "app"\nrequires-python = ">=3.12"\ndependencies = ["pytest"]\n',
        "uv.lock": "",
        "tests/test_app.py": "def test_app(): pass\n",
    },
    "poetry": {
        "model/train_model.py": "",
        "pyproject.toml": '[tool.poetry]\nname = "risk"\n[tool.poetry.dependencies]\npython = "^3.11"\n',
        "poetry.lock": "",
        "test_model.py": "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_x(self): pass\n",
    },
    "conda": {
        "environment.yml": "dependencies:\n  - python=3.11\n  - pytest\n",
        "scripts/train.py": "torch.save(m, 'out/net.pt')\n",
    },
    "pipenv": {
        "Pipfile": '[requires]\npython_version = "3.11"\n',
        "Pipfile.lock": "{}", "src/fit.py": "", "test/test_fit.py": "",
    },
    "make": {"Makefile": "test:\n\tpytest\ntrain: data\n\tpython main.py\n", "main.py": "", ".python-version": "3.12.4\n"},
    "dvc": {
        "dvc.yaml": DVC_STAGES,
        "dvc.lock": "",
        "params.yaml": "a: 1\n",
        "src/prep.py": "",
        "src/train.py": "",
        "data/raw.csv.dvc": "outs:\n- md5: abc\n  size: 3\n  path: raw.csv\n",
        "data/images.dvc": "outs:\n- md5: abc.dir\n  path: images\n",
        ".dvc/config": "['remote \"store\"']\n    url = s3://acme/store\n",
    },
    "tables": {
        "data/a b.csv": "x,y\n1,2\n3,\n", "data/broken.csv": "x,y\n1\n",
        "z.tsv": "k\tv\ntrue\t2024-01-01T00:00:00Z\n", "e.csv": "",
    },
    "many-scripts": {f"step{i}.py": "" for i in range(8)},
    "hostile": {
        "train.py": "x = 'a.pkl'\n",
        "dvc.yaml": "stages: [[[\n",
        "pyproject.toml": '[project]\nname = "no"\nrequires-python = "~3.x"\n',
        "no.csv": 'y,"n","a b","x\ny",null\n1,2,3,4,5\n',
        "metrics.json": "[NaN",
        ".python-version": "pypy",
        "Makefile": "train := 3\n",
        "a.csv.dvc": "outs: {}\n",
        "b.csv.dvc": "- 1\n",
        "c.csv.dvc": "outs:\n- path: ../../etc/passwd\n- path: c.csv\n",
    },
}  # fmt: skip


def make(files: Files, folder: Path, *, git: bool = True, branch: str = "main") -> Path:
    """Write a repository's files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    if git:
        subprocess.run(["git", "init", "-q", "-b", branch], cwd=folder, check=True)
        subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    return folder
