"""What the passes ask of the repository around a spec."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from mlcc.backends import BESIDE_SPEC
from mlcc.runtime.patterns import path_matches

WILDCARDS = "*?"


def find_root(spec: Path) -> Path:
    """Return the root of the repository that a spec lies in; its own folder when there is none."""
    home = spec.resolve().parent
    return next((folder for folder in (home, *home.parents) if (folder / ".git").exists()), home)


class Tree:
    """The files below a project folder that are committed, or could be: ignored ones don't count."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def matching(self, patterns: tuple[str, ...]) -> set[str]:
        """Return those of `patterns` (see mlcc.runtime.patterns) that match at least one file."""
        if not patterns:
            return set()
        files = self._git_files(patterns)
        if files is None:
            return {pattern for pattern in patterns if self._on_disk(pattern)}
        return {pattern for pattern in patterns if any(path_matches(pattern, file) for file in files)}

    def ignores(self, pattern: str) -> bool:
        """Tell whether files that git ignores are at a pattern."""
        return bool(self._git_files((pattern,), "--others", "--ignored", "--exclude-standard"))

    def _git_files(self, patterns: tuple[str, ...], *which: str) -> list[str] | None:
        """Return the files at patterns: those that `which` chooses, else the ones that git doesn't ignore."""
        import subprocess  # not every lint needs it

        which = which or ("--cached", "--others", "--exclude-standard")
        command = ["git", "ls-files", "-z", *which, "--"]
        command += [f":(glob){pattern.rstrip('/')}" for pattern in patterns]
        command += [f":(glob){pattern.rstrip('/')}/**" for pattern in patterns]
        try:
            done = subprocess.run(
                command, cwd=self.home, capture_output=True, check=False, env=without_hook()
            )
        except OSError:
            return None
        if done.returncode != 0:
            return None
        return [name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]

    def _on_disk(self, pattern: str) -> bool:
        if not any(c in pattern for c in WILDCARDS):
            return (self.home / pattern).exists()
        files = (path for path in self.home.rglob("*") if path.is_file())
        return any(path_matches(pattern, path.relative_to(self.home).as_posix()) for path in files)


def find_outputs(root: Path) -> list[str]:
    """Return the files below a root that lie where a spec beside them would write, sorted; none without git.

    They are there, or git still lists them, and git doesn't ignore them. Paths are posix and relative to the root.
    """
    return sorted(Tree(root)._git_files(("**/.mlcc/", *(f"**/{name}" for name in BESIDE_SPEC))) or ())


def ignored(root: Path, paths: Iterable[str]) -> list[str]:
    """Return those of `paths`, relative to a root, that git ignores and doesn't track; none without git."""
    import subprocess

    given = "\0".join(paths).encode("utf-8", "surrogateescape")
    try:
        done = subprocess.run(
            ["git", "check-ignore", "-z", "--stdin"], input=given, cwd=root, capture_output=True, check=False,
            env=without_hook(),
        )  # fmt: skip
    except OSError:
        return []
    return [path for path in done.stdout.decode("utf-8", "surrogateescape").split("\0") if path]


def committed_text(root: Path, path: str) -> bytes | None:
    """Return a file as it was last committed, by its path from a root; None where it wasn't."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "show", f"HEAD:./{path}"], cwd=root, capture_output=True, check=False, env=without_hook()
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def without_hook() -> dict[str, str]:
    """Return the environment without what git sets for a hook.

    In a linked work tree it names the git folder, and git then takes whatever the current folder is for the
    top of the work tree.
    """
    return {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}


def find_specs(folder: Path) -> list[Path]:
    """Return every mlcc.yaml below a folder that is there and git doesn't ignore, sorted."""
    found = Tree(folder)._git_files(("**/mlcc.yaml", "mlcc.yaml"))
    if found is None:
        return sorted(path for path in folder.rglob("mlcc.yaml") if ".git" not in path.parts)
    specs = {folder / name for name in found if name.rpartition("/")[2] == "mlcc.yaml"}
    return sorted(spec for spec in specs if spec.exists())  # git still lists what was deleted
