"""WRITE for several specs: a file that can't be written stops all of them, and what nobody produces is said once."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from mlcc.backends import joined
from mlcc.compiler import SPEC, Compiled
from mlcc.diagnostics import OutputError
from mlcc.pins.lock import Lock
from mlcc.plan import Plan
from mlcc.record import record
from mlcc.render_diagnostics import escaped
from mlcc.repository import find_outputs, ignored
from mlcc.writing.abandoned import Search
from mlcc.writing.files import File, lock_beside
from mlcc.writing.fingerprints import Fingerprints, Kept
from mlcc.writing.writer import ensure_writable


def command_line(command: str, path: Path, root: Path | None, targets: tuple[str, ...]) -> str:
    """Return the command line that calls a command for a spec from here."""
    words = ["mlcc", command]
    words += [] if path == Path(SPEC) else [str(path)]
    words += [] if root is None else ["--root", str(root)]
    return shlex.join([*words, *(word for target in targets for word in ("--target", target))])


@record
class Output:
    """What one spec writes: the files of all its pipelines. `spec` and the folders are relative to `root`."""

    path: Path
    root: Path
    spec: str
    pipelines: tuple[Compiled, ...]
    kept: tuple[Kept, ...] = ()  # those of its instances that are as they were

    @property
    def home(self) -> str:
        """Return the folder of the spec."""
        return self.spec.rpartition("/")[0]

    @property
    def projects(self) -> tuple[str, ...]:
        """Return the project folders of its pipelines."""
        return (*(one.analysis.plan.home for one in self.pipelines), *(one.home for one in self.kept))

    @property
    def lock(self) -> Lock | None:
        """Return what lies beside the spec; None also where all is kept: then there is none."""
        return self.pipelines[0].analysis.lock if self.pipelines else None

    @property
    def lock_path(self) -> str:
        """Return where the spec's lock lies, or would lie."""
        return lock_beside(self.home)

    @property
    def texts(self) -> Mapping[str, str]:
        """Return the text of each file that the spec is made of, by display path."""
        return {path: text for one in self.pipelines for path, text in one.analysis.texts.items()}

    @property
    def planned(self) -> tuple[tuple[Plan, tuple[str, ...]], ...]:
        """Return the plan and the back ends of each pipeline."""
        return tuple((one.analysis.plan, one.targets) for one in self.pipelines)

    @property
    def unchanged(self) -> tuple[str, ...]:
        """Return the files of its instances that are as they were."""
        return tuple(path for one in self.kept for path in one.outputs)

    @cached_property
    def files(self) -> list[File]:
        """Return the files of all its pipelines; what its instances share stands once. Raises SpecError."""
        found = [file for one in self.pipelines for file in one.own]
        shared = [(one.instance, file) for one in self.kept for file in one.shared]
        shared += ((one.analysis.instance, file) for one in self.pipelines for file in one.shared)
        parts: dict[str, list[str]] = {}
        for _, file in sorted(shared, key=lambda part: part[0]):  # whichever of them are kept
            parts.setdefault(file.path, []).append(file.text)
        return [*found, *(File(path, joined(path, texts)) for path, texts in parts.items())]


def outputs_of(compiled: Sequence[Compiled], fingerprints: Fingerprints | None = None) -> list[Output]:
    """Return what each spec writes, in order; last those of which nothing has changed. Raises SpecError."""
    outputs = _outputs(compiled, fingerprints)
    for one in outputs:
        _ = one.files  # what can't be joined shows before anything is written
    return outputs


def _outputs(compiled: Sequence[Compiled], fingerprints: Fingerprints | None) -> list[Output]:
    pipelines: dict[tuple[Path, str], list[Compiled]] = {}
    for one in compiled:
        pipelines.setdefault((one.analysis.root, one.analysis.plan.spec_files[0]), []).append(one)
    if fingerprints is None:
        return [Output(ones[0].path, root, spec, tuple(ones)) for (root, spec), ones in pipelines.items()]
    paths = {**{key: ones[0].path for key, ones in pipelines.items()}, **fingerprints.paths}
    kept = fingerprints.kept
    return [
        Output(path, root, spec, tuple(pipelines.get((root, spec), ())), tuple(kept.get((root, spec), ())))
        for (root, spec), path in paths.items()
    ]


def remember(one: Output, fingerprints: Fingerprints) -> None:
    """Remember what the instances of a spec were compiled from and to. A spec without instances is always compiled."""
    if all(made.analysis.instance for made in one.pipelines):
        fingerprints.written(one.root, one.spec, one.pipelines)


def searches(outputs: Sequence[Output]) -> Iterator[Search | None]:
    """Yield for each spec where to look for what specs that are gone have left: once for each repository."""
    seen: set[Path] = set()
    for one in outputs:
        if one.root in seen:
            yield None
            continue
        seen.add(one.root)
        same = [other for other in outputs if other.root == one.root]
        produced = {file.path for other in same for file in other.files}
        produced.update(path for other in same for path in other.unchanged)
        yield Search(tuple(find_outputs(one.root)), frozenset(produced))


def refusals(
    outputs: Sequence[Output], calls: Sequence[str], *, force: bool, prune: bool
) -> list[OutputError]:
    """Return why specs can't be written, one error a spec. A single spec is refused by `write` itself."""
    found: list[OutputError] = []
    for one, call in zip(outputs, calls, strict=True) if len(outputs) > 1 else ():
        try:
            ensure_writable(
                one.files, one.root, home=one.home, spec=one.spec,
                call=call, force=force, prune=prune, projects=one.projects, kept=one.unchanged,
            )  # fmt: skip
        except OutputError as problem:
            found.append(problem)
    return found


def ignored_outputs(one: Output) -> Iterator[str]:
    """Yield a warning where git ignores what was written: then no CI system ever sees it."""
    lost = ignored(one.root, (file.path for file in one.files))
    if lost:
        rest = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        yield (
            f"git ignores {escaped(lost[0])}{rest}, so the pipeline isn't committed whole; "
            "`git check-ignore -v` says by which line"
        )
