"""The passes, in order: load, extend, validate, resolve, plan, lower and render, bundle. Writing is `writer`'s."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlcc.backends import BACKENDS, shared_paths
from mlcc.diagnostics import Diagnostic, MlccError, OutputError, Related, SpecError, error, suggest
from mlcc.ledger import losses
from mlcc.load.extends import merge
from mlcc.load.instances import Expansion, collapsed, no_folder, traced
from mlcc.load.source import Source, load
from mlcc.plan import Plan
from mlcc.planning.planner import plan
from mlcc.record import record, replace
from mlcc.repository import Tree, find_root
from mlcc.resolving.resolve import resolve
from mlcc.spec.validate import validate
from mlcc.writing.files import LOCK, File

if TYPE_CHECKING:
    from mlcc.pins.lock import Lock
    from mlcc.spec.models import Spec
    from mlcc.writing.fingerprints import Fingerprints

SPEC = "mlcc.yaml"
DEFAULT_TARGETS = ("github",)


@record
class Analysis:
    """A spec, or one instance of it, that the passes before lowering accept. `root` is the repository's folder.

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

    @property
    def instance(self) -> str:
        """Return the id of the instance, empty where the spec has none."""
        return self.source.instance


@record
class Project:
    """What a spec expands to: its pipelines that can be planned, and what is wrong with the others."""

    found: tuple[Analysis, ...]
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    instances: int  # 0: the spec is a pipeline itself


def analyse(path: Path, root: Path | None = None, *, assume_committed: bool = False) -> Analysis:
    """Run the passes up to the plan. `root` is the repository's folder, by default found by its `.git`.

    `assume_committed`: don't look whether the artifacts that nothing writes are there. Raises SpecError, also for
    a spec with several instances.
    """
    return only(path, analyses(path, root, assume_committed=assume_committed))


def only(path: Path, found: tuple[Analysis, ...]) -> Analysis:
    """Return the one pipeline that was found of a spec. Raises SpecError where there are several."""
    if len(found) > 1:
        help = f"name one of {', '.join(one.instance for one in found[:3])}, … with --instance"
        raise SpecError([error("many-instances", f"{path} has {len(found)} instances", None, help=help)])
    return found[0]


def analyses(
    path: Path, root: Path | None = None, instances: tuple[str, ...] = (), *, assume_committed: bool = False
) -> tuple[Analysis, ...]:
    """Run the passes up to the plan for a spec, or for each of its `instances`, by default all. Raises SpecError."""
    project = expanded(path, root, instances, assume_committed=assume_committed)
    if project.diagnostics:
        raise SpecError(project.diagnostics, project.texts)
    return project.found


def expanded(
    path: Path,
    root: Path | None = None,
    instances: tuple[str, ...] = (),
    *,
    assume_committed: bool = False,
    fingerprints: Fingerprints | None = None,
) -> Project:
    """Return what a spec expands to, without the instances that `fingerprints` keep.

    Raises SpecError where it can't even be read, OutputError by the machine's fault.
    """
    root = find_root(path) if root is None else root.resolve()
    if not path.resolve().is_relative_to(root):
        raise SpecError(
            [error("outside", f"{path} isn't inside {root}", None, help="name a folder above the spec")]
        )
    expansion = Expansion(merge(load(path), root), root)
    lock = _lock_of(path)
    found: list[Analysis] = []
    problems: list[tuple[str, Diagnostic]] = []
    texts = {**expansion.source.texts, **({lock[0].path: lock[1]} if lock else {})}
    # What the lock approves is what all instances do together.
    known = None if lock else fingerprints
    for id in expansion.chosen(instances):
        try:
            source = expansion.of(id)
            home = _relative(path.resolve().parent / source.home, root)
            if id and known and known.keeps(path, root, _relative(path, root), source, home):
                continue
            analysis = _analysed(source, path, root, assume_committed=assume_committed)
            found.append(_locked(analysis, path, *lock) if lock else analysis)
        except SpecError as problem:
            problems += ((id, one) for one in problem.diagnostics)
            texts.update(problem.texts)
    return Project(tuple(found), tuple(collapsed(problems, len(expansion.ids))), texts, len(expansion.ids))


def _analysed(source: Source, path: Path, root: Path, *, assume_committed: bool) -> Analysis:
    """Run the passes from VALIDATE to PLAN. Raises SpecError."""
    folder = path.resolve().parent / source.home
    home, spec_home = _relative(folder, root), _relative(path.resolve().parent, root)
    tree = Tree(folder)
    try:
        spec = validate(source)
        resolved = resolve(spec, source)
        if not (assume_committed or folder.is_dir()):
            raise SpecError([no_folder(source)], source.texts)
        made = plan(
            resolved,
            home=home,
            spec_home=spec_home,
            spec_files=tuple(_relative(Path(shown), root) for shown in source.texts),
            compiled_files=compiled_files(spec.name, home, spec_home),
            committed=None if assume_committed else tree.matching,
            ignored=tree.ignores,
        )
    except SpecError as problem:
        raise SpecError(traced(problem.diagnostics, source), problem.texts) from None
    return Analysis(source, spec, made, root)


def _lock_of(path: Path) -> tuple[Lock, str] | None:
    """Return the lock beside a spec and its text; None: there is none. Raises SpecError."""
    if not os.path.lexists(path.with_name(LOCK)):
        return None
    from mlcc.pins.read import read_lock  # most specs have no lock

    return read_lock(path)


def _locked(analysis: Analysis, path: Path, lock: Lock, text: str) -> Analysis:
    """Return an analysis with the pins of a lock. Raises SpecError."""
    from mlcc.pins.apply import with_lock

    source = replace(analysis.source, texts={**analysis.source.texts, lock.path: text})
    try:
        made = with_lock(analysis.plan, lock, _relative(path.with_name(LOCK), analysis.root))
        return replace(analysis, source=source, plan=made, lock=lock, stated=analysis.plan)
    except SpecError as problem:
        raise SpecError(problem.diagnostics, source.texts) from None


def _relative(path: Path, root: Path) -> str:
    """Return a path from the repository's folder, empty for that itself."""
    found = os.path.relpath(path.resolve(), root).replace(os.sep, "/")
    return "" if found == "." else found


def compiled_files(name: str, home: str, spec_home: str | None = None) -> tuple[str, ...]:
    """Return where every back end would write, as patterns: a change there selects everything."""
    return tuple(path for one in BACKENDS.values() for path in one.output_paths(name, home, spec_home))


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
    """A spec that compiles, by the path that it was called by, the back ends and the files.

    Of a file that it shares with other instances, `files` has what that were for this one alone.
    """

    path: Path
    analysis: Analysis
    targets: tuple[str, ...]
    files: list[File]

    @property
    def own(self) -> list[File]:
        """Return the files that no other instance shares."""
        paths = shared_paths(self.analysis.plan)
        return [file for file in self.files if file.path not in paths]

    @property
    def shared(self) -> list[File]:
        """Return its parts of files that instances share."""
        paths = shared_paths(self.analysis.plan)
        return [file for file in self.files if file.path in paths]


def compile_all(
    paths: Iterable[Path],
    root: Path | None,
    named: tuple[str, ...],
    instances: tuple[str, ...] = (),
    fingerprints: Fingerprints | None = None,
) -> list[Compiled]:
    """Compile specs, or `instances` of theirs, without those that `fingerprints` keep.

    Raises SpecError with what is wrong with any of them: then none is to be written. It is an OutputError where one of
    them can't be read.
    """
    fault: type[MlccError] = SpecError
    compiled: list[Compiled] = []
    problems: list[Diagnostic] = []
    texts: dict[str, str] = {}
    for path in paths:
        try:
            project = expanded(path, root, instances, fingerprints=fingerprints)
        except MlccError as problem:
            problems += problem.diagnostics
            texts.update(problem.texts)
            fault = OutputError if isinstance(problem, OutputError) else fault
            continue
        texts.update(project.texts)
        made, found = _compiled(path, project, named)
        compiled += made
        problems += (*project.diagnostics, *found)
    problems += same_outputs((one.analysis, one.targets) for one in compiled)
    if problems:
        raise fault(problems, texts)
    return compiled


def _compiled(
    path: Path, project: Project, named: tuple[str, ...]
) -> tuple[list[Compiled], list[Diagnostic]]:
    """Return what the pipelines of a spec compile to, and what the back ends can't do."""
    compiled: list[Compiled] = []
    problems: list[tuple[str, Diagnostic]] = []
    for analysis in project.found:
        targets = chosen_targets(analysis.plan, named)
        try:
            compiled.append(Compiled(path, analysis, targets, compile_files(analysis, targets)))
        except SpecError as problem:
            problems += ((analysis.instance, one) for one in traced(problem.diagnostics, analysis.source))
    return compiled, collapsed(problems, project.instances)


def same_outputs(specs: Iterable[tuple[Analysis, tuple[str, ...]]]) -> list[Diagnostic]:
    """Return an error for each spec that would write a file of another one, given with their back ends."""
    owners: dict[tuple[Path, str], Analysis] = {}
    problems: list[Diagnostic] = []
    for analysis, targets in specs:
        plan = analysis.plan
        scripts = plan.in_home(".mlcc/")
        homes = (plan.home, plan.spec_home)
        paths = [
            scripts,
            *(p for target in targets for p in BACKENDS[target].output_paths(plan.name, *homes)),
        ]
        shared = shared_paths(plan)
        for path in paths:
            owner = owners.setdefault((analysis.root, path), analysis)
            same = owner.instance == analysis.instance or path in shared
            if same and owner.plan.spec_files[0] == plan.spec_files[0]:
                continue
            related = [Related(owner.plan.span, "the other one")] if owner.plan.span else []
            named = path.startswith(".github/")
            help = "give the two specs different names" if named else "put them into different folders"
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
