"""WRITE for several specs: a file that can't be written stops all of them, and what nobody produces is said once."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlcc.abandoned import Search
from mlcc.compiler import SPEC, Compiled
from mlcc.diagnostics import OutputError
from mlcc.render_diagnostics import escaped
from mlcc.repository import find_outputs, ignored
from mlcc.writer import ensure_writable


def command_line(command: str, path: Path, root: Path | None, targets: tuple[str, ...]) -> str:
    """Return the command line that calls a command for a spec from here."""
    words = ["mlcc", command]
    words += [] if path == Path(SPEC) else [str(path)]
    words += [] if root is None else ["--root", str(root)]
    return shlex.join([*words, *(word for target in targets for word in ("--target", target))])


def searches(compiled: Sequence[Compiled]) -> Iterator[Search | None]:
    """Yield for each spec where to look for what specs that are gone have left: once for each repository."""
    seen: set[Path] = set()
    for one in compiled:
        root = one.analysis.root
        if root in seen:
            yield None
            continue
        seen.add(root)
        produced = {file.path for other in compiled if other.analysis.root == root for file in other.files}
        yield Search(tuple(find_outputs(root)), frozenset(produced))


def refusals(
    compiled: Sequence[Compiled], calls: Sequence[str], *, force: bool, prune: bool
) -> list[OutputError]:
    """Return why specs can't be written, one error a spec. A single spec is refused by `write` itself."""
    found: list[OutputError] = []
    for one, call in zip(compiled, calls, strict=True) if len(compiled) > 1 else ():
        plan = one.analysis.plan
        try:
            ensure_writable(
                one.files, one.analysis.root, home=plan.home, spec=plan.spec_files[0],
                call=call, force=force, prune=prune,
            )  # fmt: skip
        except OutputError as problem:
            found.append(problem)
    return found


def ignored_outputs(one: Compiled) -> Iterator[str]:
    """Yield a warning where git ignores what was written: then no CI system ever sees it."""
    lost = ignored(one.analysis.root, (file.path for file in one.files))
    if lost:
        rest = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        yield (
            f"git ignores {escaped(lost[0])}{rest}, so the pipeline isn't committed whole; "
            "`git check-ignore -v` says by which line"
        )
