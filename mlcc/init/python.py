"""Which Python a project wants, how it is installed, how it is tested."""

from __future__ import annotations

import re
import shlex

from mlcc.init.repository import Repository
from mlcc.record import record

DEFAULT_VERSION = "3.12"
# Versions that were current on 2026-11-01; a proposal names them so that nothing moves under its reader.
UV, POETRY, PIPENV, PYTEST = "uv==0.13.9", "poetry==2.5.1", "pipenv==2026.10.3", "pytest==9.2.0"
_EXTRAS = ("dev", "test", "tests")
_DEV_FILES = (
    "requirements-dev.txt", "requirements_dev.txt", "dev-requirements.txt", "requirements-test.txt", "requirements-tests.txt",
    "requirements/dev.txt", "requirements/test.txt",
)  # fmt: skip


@record
class Version:
    """A Python version, and where it was read ('' for the default)."""

    text: str
    source: str


def version(repository: Repository) -> Version:
    """Return the Python version that a project names."""
    for path, pattern in (
        (".python-version", r"\A\s*(?:cpython-)?(3\.\d{1,2}(?:\.\d{1,2})?)\s*$"),
        (".tool-versions", r"^python\s+(3\.\d{1,2}(?:\.\d{1,2})?)\s*$"),
        ("runtime.txt", r"\A\s*python-(3\.\d{1,2}(?:\.\d{1,2})?)\s*$"),
        ("environment.yml", r"^\s*-\s*python\s*={1,2}\s*(3\.\d{1,2})"),
        ("Pipfile", r"^python_version\s*=\s*\"(3\.\d{1,2})\""),
    ):
        found = re.search(pattern, repository.text(path), re.MULTILINE) if repository.has(path) else None
        if found:
            return Version(found[1], path)
    wanted = repository.setting("pyproject.toml", "project", "requires-python")
    wanted = wanted or repository.setting("pyproject.toml", "tool.poetry.dependencies", "python")
    chosen = _within(wanted)
    return Version(chosen, "pyproject.toml") if chosen else Version(DEFAULT_VERSION, "")


def _within(wanted: str) -> str:
    """Return a version that a requirement allows: its least one, or 3.10 where it allows that."""
    least = re.search(r"(?:>=|\^|~=?|==)\s*3\.(\d{1,2})", wanted)
    if not least:
        return ""
    below = re.search(r"<\s*3\.(\d{1,2})", wanted)
    exact = "==" in wanted or re.search(r"~3\.", wanted)
    minor = int(least[1]) if exact else max(int(least[1]), 10)
    return f"3.{min(minor, int(below[1]) - 1) if below else minor}"


def setup(repository: Repository) -> list[str]:
    """Return the commands that install a project and its dependencies."""
    if repository.has("uv.lock"):
        return [f"pip install {UV}", "uv sync --locked", "source .venv/bin/activate"]
    if repository.has("poetry.lock"):
        activate = 'source "$(poetry env info --path)/bin/activate"'
        return [f"pip install {POETRY}", "poetry install --no-interaction", activate]
    if repository.has("Pipfile.lock"):
        return [f"pip install {PIPENV}", "pipenv sync --dev --system"]
    if repository.has("environment.yml") and not repository.has("requirements.txt"):
        # conda's own scripts read variables that aren't set, which strict mode would refuse.
        return [
            "set +u",
            'source "${CONDA:-$HOME/miniconda3}/etc/profile.d/conda.sh"',
            "conda env create --quiet --name ci --file environment.yml",
            "conda activate ci",
            "set -u",
        ]
    return [*_requirements(repository), *_package(repository)]


def _requirements(repository: Repository) -> list[str]:
    names = ["requirements.txt", *(name for name in _DEV_FILES)]
    return [
        f"pip install {_hashes(repository, name)}-r {shlex.quote(name)}"
        for name in names
        if repository.has(name)
    ]


def setup_beside(repository: Repository, script: str) -> list[str]:
    """Return the command that installs the nearest requirements.txt beside a script or above it; none: nothing."""
    folder = script.rpartition("/")[0]
    while folder:
        name = f"{folder}/requirements.txt"
        if repository.has(name):
            return [f"pip install {_hashes(repository, name)}-r {shlex.quote(name)}"]
        folder = folder.rpartition("/")[0]
    return []


def _hashes(repository: Repository, name: str) -> str:
    return "--require-hashes " if "--hash=" in repository.text(name) else ""


def _package(repository: Repository) -> list[str]:
    sections = repository.sections("pyproject.toml")
    if "project" in sections and ("build-system" in sections or not repository.has("requirements.txt")):
        extra = next((e for e in _EXTRAS if _has_extra(repository, e)), None)
        alone = "--no-deps " if repository.has("requirements.txt") and not extra else ""
        return [f"pip install {alone}-e '.[{extra}]'" if extra else f"pip install {alone}-e ."]
    if repository.has("setup.py") and not repository.has("requirements.txt"):
        return ["pip install -e ."]
    return []


def _has_extra(repository: Repository, name: str) -> bool:
    text = repository.text("pyproject.toml")
    part = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    return re.search(rf"^\s*[\"']?{name}[\"']?\s*=", part, re.MULTILINE) is not None


def is_installed(commands: list[str]) -> bool:
    """Tell whether setup commands install the project itself, so that its packages can be imported."""
    return any(c.startswith(("uv sync", "poetry install")) or " -e " in c for c in commands)


def mentions(repository: Repository, package: str) -> bool:
    """Tell whether the project's requirements name a package."""
    names = (
        "pyproject.toml",
        "requirements.txt",
        *_DEV_FILES,
        "environment.yml",
        "Pipfile",
        "setup.py",
        "setup.cfg",
    )
    return any(re.search(rf"(?<![\w-]){package}(?![\w-])", repository.text(name)) for name in names)


@record
class Tests:
    """How a project is tested: the command's parts for a `tests` gate, and what it depends on."""

    run: str
    setup: list[str]  # beyond the project's own
    junit: str
    path: list[str]
    count: int  # test functions


def tests(repository: Repository) -> Tests | None:
    """Return how a project is tested; None when it has no tests."""
    files = [path for path in repository.files if _is_test(path)]
    if not files:
        return None
    source = "".join(map(repository.text, files))
    path = sorted({_outermost(file) for file in files})
    path += [name for name in ("conftest.py", "pytest.ini", "tox.ini", "setup.cfg") if repository.has(name)]
    count = len(re.findall(r"^\s*(?:async )?def test", source, re.MULTILINE))
    named = mentions(repository, "pytest")
    if "unittest" in source and "pytest" not in source and not named:
        start = f" -s {shlex.quote(path[0].rstrip('/'))} -t ." if path[0].endswith("/") else ""
        return Tests(f"python -m unittest discover{start}", [], "", path, count)
    extra = [] if named else [f"pip install {PYTEST}"]
    return Tests("python -m pytest -q --junitxml=junit.xml", extra, "junit.xml", path, count)


def _is_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _outermost(path: str) -> str:
    """Return the outermost folder of tests that a file lies in, or the file."""
    parts = path.split("/")
    for number, part in enumerate(parts[:-1]):
        if part in ("tests", "test"):
            return "/".join(parts[: number + 1]) + "/"
    return path
