"""INIT: looks at a repository and proposes a spec that compiles as it stands, with comments on what to say next.

Nothing is asked that the repository shows: branch, Python, installation, tests, data and their columns, how it
trains and what comes out.
"""

from __future__ import annotations

import os
import shlex
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlcc import resources
from mlcc.backends import BESIDE_SPEC
from mlcc.diagnostics import OutputError, SpecError, error
from mlcc.init import python
from mlcc.init.repository import Repository, identifier, unique
from mlcc.init.spelling import flow, scalar
from mlcc.init.tables import NoTableError, TableGuess, allowed_nulls, read_table
from mlcc.init.training import DVC_RUN, Bound, Training, bounds, other_models, training, yaml_mapping
from mlcc.record import record
from mlcc.writing.files import is_generated

SPEC = "mlcc.yaml"
TEMPLATE = "init/mlcc.yaml.j2"
DVC = "3.67.1"  # as of 2026-11-01
_MOST_TABLES = 4
_MOST_SCRIPTS = 5
_TABLES = (".csv", ".tsv", ".parquet")
_ASIDE = frozenset({"tests", "test", "docs", "doc", "examples", "notebooks", "fixtures", "node_modules"})
_OUTPUTS = frozenset({"build", "dist", "out", "output", "outputs", "results", "_mlcc"})
_DATA_FOLDERS = frozenset(
    {"data", "dataset", "datasets", "input", "inputs", "raw", "src"}
)  # these tell nothing apart
_INSTALLERS = (
    "pyproject.toml", "setup.py", "setup.cfg", "uv.lock", "poetry.lock", "Pipfile", "Pipfile.lock", "environment.yml",
)  # fmt: skip
_DVC_EXTRAS = {
    "s3": "s3",
    "gs": "gs",
    "azure": "azure",
    "ssh": "ssh",
    "gdrive": "gdrive",
    "oss": "oss",
    "hdfs": "hdfs",
}


@record
class Proposal:
    """A spec's text, what was found in the repository, one phrase each, and whether git ignores `_mlcc/`."""

    text: str
    findings: tuple[str, ...]
    ignores_reports: bool


@dataclass(slots=True)
class Data:
    """A data artifact to propose. `table` is what its columns look like; `obstacle` says why that isn't known."""

    id: str
    path: str
    dvc: str = ""
    kind: str = "data"
    table: TableGuess | None = None
    obstacle: str = "its file isn't here"
    contract: str = ""  # from another tool's file, as text

    @property
    def is_checked(self) -> bool:
        """Whether a contract can be proposed."""
        return self.table is not None and bool(self.table.columns)

    @property
    def may_be_checked(self) -> bool:
        """Whether a contract can be written once its columns are known."""
        return self.kind == "data" and not self.is_checked and self.path.endswith(("/", *_TABLES))


@dataclass(slots=True)
class Survey:
    """All that was found, as the template needs it."""

    name: str
    branch: str
    version: python.Version
    setup: list[str]
    code: list[str]
    tests: python.Tests | None
    data: list[Data]
    training: Training | None
    dvc_setup: list[str]
    source_folder: str = ""  # to be put on PYTHONPATH
    models: list[tuple[str, str]] = field(default_factory=list)  # id, path
    others: list[tuple[str, str]] = field(default_factory=list)
    metrics: str = ""  # id
    bounds: list[Bound] = field(default_factory=list)
    all_models: list[str] = field(default_factory=list)  # the folders of several models
    systems: tuple[str, ...] = ()  # that the repository shows signs of
    in_the_way: tuple[str, ...] = ()  # pipelines that mlcc would write, and didn't

    @property
    def targets(self) -> tuple[str, ...]:
        """The CI systems to name in the spec; GitHub alone needn't be."""
        return () if self.systems == ("github",) else self.systems

    @property
    def reads(self) -> list[str]:
        """The ids of what a training takes."""
        return [*(["code"] if self.code else []), *(data.id for data in self.data)]

    @property
    def writes(self) -> list[str]:
        """The ids of what a training makes."""
        return [id for id, _ in (*self.models, *self.others)] + ([self.metrics] if self.metrics else [])

    @property
    def judged(self) -> str:
        """What a quality gate would guard: the first that a training makes; `model` where nothing is known."""
        return next(iter(self.writes), "model")

    @property
    def may_have_model(self) -> bool:
        """Whether an artifact `model` is still to be thought of."""
        return not self.models and all(data.id != "model" for data in self.data)

    @property
    def training_setup(self) -> list[str]:
        """The setup of the training where it isn't the project's own."""
        return (
            [*self.setup, *self.dvc_setup]
            if self.training and self.training.run == DVC_RUN and self.dvc_setup
            else []
        )

    @property
    def compiled(self) -> str:
        """The code as arguments of compileall."""
        return " ".join(
            path if path == "*.py" else shlex.quote(path) for path in self.code if path.endswith(("/", ".py"))
        )


def propose(root: Path, tables: Sequence[Path] = (), contract: Path | None = None) -> Proposal:
    """Return a spec for the repository in a folder, with contracts from all rows of `tables` below it.

    `contract` is another tool's file, whose contracts take the place of those of the tables that they are named after, or
    its only one that of the only table. Raises SpecError and OutputError for what can't be named or read.
    """
    repository = Repository(root)
    survey = look(repository)
    for table in tables:
        _add_table(survey, repository, table)
    if contract is not None:
        _add_contracts(survey, len(tables), contract)
    text = resources.render(TEMPLATE, s=survey, scalar=scalar, flow=flow, nulls=allowed_nulls)
    return Proposal(text, tuple(_findings(survey)), repository.ignores_reports)


def save(proposal: Proposal, folder: Path) -> Path:
    """Write a proposal into a folder and return its path. Raises OutputError where a spec is there already."""
    path = folder / SPEC
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(proposal.text)
    except FileExistsError:
        help = "`mlcc init --stdout` prints the proposal"
        raise OutputError([error("file-exists", f"{path} is there already", None, help=help)]) from None
    except OSError as problem:
        reason = problem.strerror or "input or output failed"
        raise OutputError([error("unwritable-file", f"{path} can't be written: {reason}", None)]) from None
    return path


def ignore_reports(folder: Path) -> bool:
    """Append the folder that gates leave their reports in to .gitignore; tell whether that could be done.

    What is there stays; a symlink is left alone.
    """
    try:
        descriptor = os.open(
            folder / ".gitignore", os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666
        )
        with os.fdopen(descriptor, "rb+") as file:
            there = file.read()
            file.write(b"\n_mlcc/\n" if there and not there.endswith(b"\n") else b"_mlcc/\n")
    except OSError:
        return False
    return True


def look(repository: Repository) -> Survey:
    """Return what a repository shows."""
    setup = python.setup(repository)
    installed = python.is_installed(setup)
    tests = python.tests(repository)
    found = training(repository, installed)
    if found is not None and not setup:
        setup = python.setup_beside(repository, found.source)
    code = _code(repository, tests, found)
    taken = {"code", "metrics"}
    data = _data(repository, found, taken)
    source = "src" if any(path.startswith("src/") for path in repository.files) and not installed else ""
    survey = Survey(
        repository.name, repository.branch, python.version(repository), setup, code, tests, data, found,
        _dvc_setup(repository), source,
    )  # fmt: skip
    if found is None or not code:
        # Without a reader, data is worth naming only where something can be checked of it.
        survey.data = [each for each in data if each.is_checked] or ([] if code else data)
    else:
        _add_outputs(survey, repository, found, taken)
        survey.all_models = other_models(repository, found)
    survey.systems = repository.systems
    survey.in_the_way = tuple(
        path for path in BESIDE_SPEC if repository.has(path) and not is_generated(repository.text(path))
    )
    return survey


def _add_table(survey: Survey, repository: Repository, table: Path) -> None:
    """Put a data artifact with what all of its rows show in front, in place of what was guessed of it."""
    from mlcc.init.contract import read_whole

    try:
        path = table.resolve().relative_to(repository.root.resolve()).as_posix()
    except ValueError:
        path = ""
    if not repository.can_name(path):
        message = f"{str(table)!a} is not a file that the spec of this folder can name"
        raise SpecError([error("bad-call", message, None)])
    known = next((data for data in survey.data if data.path == path), None)
    taken = {"code", "metrics", "model", *(data.id for data in survey.data)}
    data = known or Data(_data_id(path, taken), path)
    try:
        data.table = read_whole(table)
        data.obstacle = "none of its columns has a name that a spec can hold"
    except NoTableError as problem:
        raise OutputError([error("unreadable-data", f"{path}: {problem}", None)]) from None
    survey.data = [data, *(other for other in survey.data if other is not data)]


def _add_contracts(survey: Survey, tables: int, contract: Path) -> None:
    """Give the first `tables` of the data their contracts from a file."""
    from mlcc.init.imports import contract_text, read_contracts

    found = read_contracts(contract)
    ids = {data.id for data in survey.data}
    for data in survey.data[:tables]:
        fits = found if len(found) == tables == 1 else [c for c in found if identifier(c.name, "") == data.id]
        if len(fits) != 1:
            named = ", ".join(each.name for each in found)
            message = f"{contract} has no one contract for '{data.id}'; its contracts are {named}"
            raise SpecError([error("bad-contract", message, None, help="name one table's file under --data")])
        data.contract = textwrap.indent(contract_text(fits[0], ids), "    ").rstrip("\n")


def _add_outputs(survey: Survey, repository: Repository, found: Training, taken: set[str]) -> None:
    inputs = {data.path.rstrip("/") for data in survey.data}
    for paths, into in ((found.models, survey.models), (found.others, survey.others)):
        for path in (p for p in paths if p.rstrip("/") not in inputs):
            id = "model" if into is survey.models and not into else identifier(Path(path).stem, "output")
            into.append((unique(id, taken), path))
    if found.metrics and found.metrics not in inputs:
        survey.metrics = "metrics"
        survey.bounds = bounds(repository.text(found.metrics))


def _code(repository: Repository, tests: python.Tests | None, found: Training | None) -> list[str]:
    """Return the committed paths that make up the code: folders, scripts, and what installs them."""
    aside = _ASIDE | {path.rstrip("/") for path in (tests.path if tests else ())}
    scripts = [path for path in repository.files if path.endswith(".py")]
    folders = {path.partition("/")[0] for path in scripts if "/" in path} - aside
    top = [path for path in scripts if "/" not in path and path not in aside and path != "conftest.py"]
    code = [f"{folder}/" for folder in sorted(folders) if not folder.startswith(".")]
    code += top if len(top) <= _MOST_SCRIPTS else ["*.py"]
    if not code:
        return []
    code += [
        name
        for name in repository.files
        if name.startswith("requirements") and name.endswith((".txt", ".in"))
    ]
    code += [name for name in _INSTALLERS if repository.has(name)]
    return [*code, "Makefile"] if found is not None and found.source == "Makefile" else code


def _data(repository: Repository, found: Training | None, taken: set[str]) -> list[Data]:
    """Return the data of a repository: what DVC tracks, and committed tables."""
    data = []
    for path in (p for p in repository.files if p.endswith(".dvc") and not p.startswith(".dvc/")):
        for out in _dvc_outs(repository, path):
            kind = "model" if "model" in out.rstrip("/").rpartition("/")[2] else "data"
            data.append(Data(_data_id(out, taken), out, path, kind))
    written = {*found.models, *found.others} if found is not None else set()
    tables = [
        p
        for p in repository.files
        if p.endswith(_TABLES) and not (_ASIDE | _OUTPUTS) & set(p.split("/")) and p not in written
    ]
    for path in sorted(tables, key=lambda p: (p.count("/"), p)):
        data.append(Data(_data_id(path, taken), path))
    data = data[:_MOST_TABLES]
    for each in data:
        if each.path.endswith(_TABLES) and (repository.root / each.path).is_file():
            try:
                each.table = read_table(repository.root / each.path)
                each.obstacle = "none of its columns has a name that a spec can hold"
            except NoTableError as problem:
                each.obstacle = str(problem)
    return data


def _data_id(path: str, taken: set[str]) -> str:
    """Name data after its file, and after its folder, too, where another file has that name."""
    id = identifier(Path(path).stem, "data")
    folder = next((part for part in reversed(Path(path).parts[:-1]) if part not in _DATA_FOLDERS), "")
    if id in taken and folder:
        id = identifier(f"{folder}-{Path(path).stem}", id)
    return unique(id, taken)


def _dvc_outs(repository: Repository, path: str) -> list[str]:
    """Return what a .dvc file tracks, as paths of the project; a folder ends in '/'."""
    outs = yaml_mapping(repository.text(path)).get("outs")
    base = path.rpartition("/")[0]
    found = []
    for out in outs if isinstance(outs, list) else ():
        name = str(out.get("path", "")) if isinstance(out, dict) else ""
        is_folder = isinstance(out, dict) and str(out.get("md5", "")).endswith(".dir")
        full = (f"{base}/{name}" if base else name) + ("/" if is_folder else "")
        if repository.can_name(full):
            found.append(full)
    return found


def _dvc_setup(repository: Repository) -> list[str]:
    """Return the setup that DVC needs; empty where the project's own brings it."""
    if python.mentions(repository, "dvc"):
        return []
    config = repository.text(".dvc/config")
    extra = next((extra for scheme, extra in _DVC_EXTRAS.items() if f"{scheme}://" in config), "")
    return [f"pip install 'dvc{f'[{extra}]' if extra else ''}=={DVC}'"]


def _findings(survey: Survey) -> list[str]:
    """Return what was found, and what wasn't."""
    found = [f"branch: {survey.branch}"]
    found.append(f"CI systems: {', '.join(survey.systems) or 'no sign of one, so GitHub'}")
    source = (
        f"from {survey.version.source}" if survey.version.source else "the default: nothing names a version"
    )
    found.append(f"Python: {survey.version.text} ({source})")
    found.append(f"code: {', '.join(survey.code) or 'no Python files'}")
    found += [f"setup: {command}" for command in survey.setup]
    if survey.code:
        found.append(
            f"tests: {survey.tests.run}" if survey.tests else "tests: none, so a gate only compiles the code"
        )
    for data in survey.data:
        columns = (
            f"{len(data.table.columns)} columns"
            if data.table and data.is_checked
            else f"no contract: {data.obstacle}"
        )
        found.append(f"data: {data.path} ({columns})")
    if survey.code:
        found.append(
            f"training: {survey.training.run}"
            if survey.training
            else "training: no train.py, Makefile or dvc.yaml"
        )
    found += [f"model: {path}" for _, path in survey.models]
    if survey.training and survey.all_models:
        each = ", ".join(f"`mlcc init {shlex.quote(folder)}`" for folder in survey.all_models)
        found.append(
            f"several models: this spec trains {survey.training.source} alone; for a spec of each: {each}"
        )
    found += [
        f"to do: move {path} away, which mlcc didn't write and so won't overwrite; what only it says goes into the spec"
        for path in survey.in_the_way
    ]
    return found
