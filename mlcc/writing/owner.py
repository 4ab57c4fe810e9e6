"""Whose files these are: where a spec's outputs may lie, and which of those that are there are its own."""

from __future__ import annotations

import shlex
from collections.abc import Collection

from mlcc.backends import BESIDE_SPEC, SHARED
from mlcc.record import record
from mlcc.writing.abandoned import home_of
from mlcc.writing.files import lock_beside, origin


@record
class Owner:
    """Whose files these are: the spec's path and folder, and its project folders, all relative to the root."""

    path: str
    home: str
    call: str | None
    projects: frozenset[str]

    @property
    def own(self) -> str:
        """The folder beside the spec that holds the journal."""
        return f"{self.home}/.mlcc" if self.home else ".mlcc"

    @property
    def journal(self) -> str:
        """The file that an interrupted write leaves behind."""
        return f"{self.own}/journal"

    @property
    def lock(self) -> str:
        """The spec's lock: no output, but written together with them."""
        return lock_beside(self.home)

    def is_script(self, path: str) -> bool:
        """Whether it lies in the `.mlcc` of a project folder."""
        return "/.mlcc/" in f"/{path}" and home_of(path) in self.projects

    def is_beside(self, path: str) -> bool:
        """Whether it is an output that lies in a project folder itself, or the spec's that all instances share."""
        above, _, name = path.rpartition("/")
        return (name in BESIDE_SPEC and above in self.projects) or (name in SHARED and above == self.home)

    def is_place(self, path: str) -> bool:
        """Whether an output of this spec may lie there."""
        if self.is_script(path):
            return path != self.journal
        above, _, name = path.rpartition("/")
        if above == ".github/workflows":
            return name.endswith((".yml", ".yaml"))
        return self.is_beside(path) or path.startswith(".gitlab/")

    def is_recoverable(self, path: str) -> bool:
        """Whether a compile of this spec may have changed a file: its own, or what another one has left."""
        name = path.rpartition("/")[2]
        beside = name in BESIDE_SPEC or "/.mlcc/" in f"/{path}"
        return self.is_place(path) or path == self.lock or (beside and not path.endswith(".mlcc/journal"))

    def is_mine(self, path: str, text: str) -> bool:
        """Whether a generated file was compiled from this spec; in its own folder it needn't say so."""
        source = origin(text)
        return source == self.path or (source is None and self.is_script(path))

    def command(self, *flags: str) -> str:
        """The command that compiles this spec."""
        named = [] if self.path == "mlcc.yaml" else [self.path]
        return " ".join([self.call or shlex.join(["mlcc", "compile", *named]), *flags])


def owner_of(home: str, spec: str | None, call: str | None, projects: Collection[str]) -> Owner:
    """Return whose files a compile of a spec writes; see `mlcc.writing.writer.write`."""
    folder = "" if home == "." else home
    path = spec or (f"{folder}/mlcc.yaml" if folder else "mlcc.yaml")
    return Owner(path, folder, call, frozenset(projects or (folder,)))
