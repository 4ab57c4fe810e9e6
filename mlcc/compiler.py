"""The passes, in order: load, extend, validate, resolve, plan, lower and render, bundle. Writing is `writer`'s."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlcc.backends import BACKENDS
from mlcc.diagnostics import Diagnostic, MlccError, OutputError, Related, SpecError, error, suggest
from mlcc.extends import merge
from mlcc.files import LOCK, File
from mlcc.ledger import losses
from mlcc.plan import Plan
from mlcc.planner import plan
from mlcc.record import record, replace
from mlcc.repository import Tree, find_root
from mlcc.resolve import resolve
from mlcc.source import Source, load
from mlcc.spec.validate import validate

if TYPE_CHECKING:
    from mlcc.pins.lock import Lock
    from mlcc.spec.models import Spec

SPEC = "mlcc.yaml"
DEFAULT_TARGETS = ("github",)


@record
class Analysis:
    """A spec that the passes before lowering accept. `root` is the repository's folder.

    `lock` is what lies beside the spec, with whose pins the plan is made, and `stated` the plan without them.
    """

    source: Source
    spec: Spec
    plan: Plan
    root: Path
    lock: Lock | None = None
    stated: Plan | None = None

    @property
    def texts(self) -> Mapping[str, str]:
        """Return the text of each file that the spec is made of, by display path."""
        return self.source.texts


def analyse(path: Path, root: Path | None = None, *, assume_committed: bool = False) -> Analysis:
    """Run the passes up to the plan. `root` is the repository's folder, by default found by its `.git`.

    `assume_committed`: don't look whether the artifacts that nothing writes are there. Raises SpecError.
    """
    root = find_root(path) if root is None else root.resolve()
    if not path.resolve().is_relative_to(root):
        raise SpecError(
            [error("outside", f"{path} isn't inside {root}", None, help="name a folder above the spec")]
        )
    source = merge(load(path), root)
    spec = validate(source)
    home = os.path.relpath(path.resolve().parent, root).replace(os.sep, "/")
    home = "" if home == "." else home
    resolved = resolve(spec, source)
    tree = Tree(path.resolve().parent)
    made = plan(
        resolved,
        home=home,
        spec_files=tuple(
            os.path.relpath(Path(shown).resolve(), root).replace(os.sep, "/") for shown in source.texts
        ),
        compiled_files=compiled_files(spec.name, home),
        committed=None if assume_committed else tree.matching,
        ignored=tree.ignores,
    )
    return _locked(Analysis(source, spec, made, root), path)


def _locked(analysis: Analysis, path: Path) -> Analysis:
    """Return a spec with the pins of the lock beside it, where there is one. Raises SpecError."""
    if not os.path.lexists(path.with_name(LOCK)):
        return analysis
    from mlcc.pins.apply import with_lock  # most specs have no lock
    from mlcc.pins.read import read_lock

    lock, text = read_lock(path)
    source = replace(analysis.source, texts={**analysis.source.texts, lock.path: text})
    try:
        made = with_lock(analysis.plan, lock)
        return replace(analysis, source=source, plan=made, lock=lock, stated=analysis.plan)
    except SpecError as problem:
        raise SpecError(problem.diagnostics, source.texts) from None


def compiled_files(name: str, home: str) -> tuple[str, ...]:
    """Return where every back end would write, as patterns: a change there selects everything."""
    return tuple(path for registered in BACKENDS.values() for path in registered.output_paths(name, home))


def chosen_targets(plan: Plan, named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the back ends to compile for: those `named` in the call, else the spec's own, else GitHub."""
    return named or plan.targets or DEFAULT_TARGETS


def obstacles(plan: Plan, target: str) -> list[Diagnostic]:
    """Return what keeps a back end from compiling a plan."""
    chosen = BACKENDS[target]
    try:
        return [*losses(plan, target, chosen.capabilities), *chosen.check(plan)]
    except SpecError as problem:
        return list(problem.diagnostics)


def compile_files(analysis: Analysis, targets: Iterable[str]) -> list[File]:
    """Return every file that a spec compiles to. Raises SpecError with what any of the back ends can't do."""
    from mlcc.emitted import scripts  # only a compile needs the bundler

    files: list[File] = []
    problems: list[Diagnostic] = []
    for target in targets:
        chosen = BACKENDS[target]
        problems += losses(analysis.plan, target, chosen.capabilities)
        try:
            files += chosen.compile(analysis.plan)
        except SpecError as problem:
            problems += problem.diagnostics
    if problems:
        raise SpecError(problems, analysis.texts)
    return files + scripts(analysis.plan)


@record
class Compiled:
    """A spec that compiles, by the path that it was called by, the back ends and the files."""

    path: Path
    analysis: Analysis
    targets: tuple[str, ...]
    files: list[File]


def compile_all(paths: Iterable[Path], root: Path | None, named: tuple[str, ...]) -> list[Compiled]:
    """Compile specs. Raises SpecError with what is wrong with any of them: then none is to be written.

    It is an OutputError where one of them can't be read.
    """
    fault: type[MlccError] = SpecError
    compiled: list[Compiled] = []
    problems: list[Diagnostic] = []
    texts: dict[str, str] = {}
    for path in paths:
        try:
            analysis = analyse(path, root)
            targets = chosen_targets(analysis.plan, named)
            compiled.append(Compiled(path, analysis, targets, compile_files(analysis, targets)))
        except MlccError as problem:
            problems += problem.diagnostics
            texts.update(problem.texts)
            fault = OutputError if isinstance(problem, OutputError) else fault
    problems += same_outputs((one.analysis, one.targets) for one in compiled)
    if problems:
        texts.update({file: text for one in compiled for file, text in one.analysis.texts.items()})
        raise fault(problems, texts)
    return compiled


def same_outputs(specs: Iterable[tuple[Analysis, tuple[str, ...]]]) -> list[Diagnostic]:
    """Return an error for each spec that would write a file of another one, given with their back ends."""
    owners: dict[tuple[Path, str], Analysis] = {}
    problems: list[Diagnostic] = []
    for analysis, targets in specs:
        plan = analysis.plan
        scripts = f"{plan.home}/.mlcc/" if plan.home else ".mlcc/"
        paths = [
            scripts,
            *(p for target in targets for p in BACKENDS[target].output_paths(plan.name, plan.home)),
        ]
        for path in paths:
            owner = owners.setdefault((analysis.root, path), analysis)
            if owner.plan.spec_files[0] == plan.spec_files[0]:
                continue
            related = [Related(owner.plan.span, "the other one")] if owner.plan.span else []
            help = (
                "put them into different folders" if path == scripts else "give the two specs different names"
            )
            message = f"two specs write `{path}`"
            problems.append(error("same-output", message, plan.span, related=related, help=help))
            break
    return problems


def check_targets(names: Iterable[str]) -> tuple[str, ...]:
    """Return the back ends that a call names, each once. Raises SpecError on an unknown one."""
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in BACKENDS:
            close = suggest(name, BACKENDS)
            help = f"did you mean '{close}'?" if close else f"there are {', '.join(BACKENDS)}"
            raise SpecError([error("unknown-target", f"there is no back end '{name}'", None, help=help)])
    return wanted
