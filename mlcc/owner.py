"""Whose files these are: where a spec's outputs may lie, and which of those that are there are its own."""

from __future__ import annotations

import shlex

from mlcc.backends import BESIDE_SPEC
from mlcc.files import LOCK, origin
from mlcc.record import record


@record
class Owner:
    """Whose files these are: the spec's path and its folder, both relative to the root."""

    path: str
    home: str
    call: str | None

    @property
    def own(self) -> str:
        """The folder beside the spec that holds its scripts, and the journal."""
        return f"{self.home}/.mlcc" if self.home else ".mlcc"

    @property
    def beside(self) -> tuple[str, ...]:
        """The outputs that lie beside the spec itself."""
        return tuple(f"{self.home}/{name}" if self.home else name for name in BESIDE_SPEC)

    @property
    def journal(self) -> str:
        """The record of a write that is going on, or didn't end."""
        return f"{self.own}/journal"

    @property
    def lock(self) -> str:
        """The spec's lock: no output, but written together with them."""
        return f"{self.home}/{LOCK}" if self.home else LOCK

    def is_place(self, path: str) -> bool:
        """Whether an output of this spec may lie there."""
        if path.startswith(f"{self.own}/"):
            return path != self.journal
        above, _, name = path.rpartition("/")
        if above == ".github/workflows":
            return name.endswith((".yml", ".yaml"))
        return path in self.beside or path.startswith(".gitlab/")

    def is_recoverable(self, path: str) -> bool:
        """Whether a compile of this spec may have changed a file: its own, or what another one has left."""
        name = path.rpartition("/")[2]
        beside = name in BESIDE_SPEC or "/.mlcc/" in f"/{path}"
        return self.is_place(path) or path == self.lock or (beside and not path.endswith(".mlcc/journal"))

    def is_mine(self, path: str, text: str) -> bool:
        """Whether a generated file was compiled from this spec; in its own folder it needn't say so."""
        source = origin(text)
        return source == self.path or (source is None and path.startswith(f"{self.own}/"))

    def command(self, *flags: str) -> str:
        """The command that compiles this spec."""
        named = [] if self.path == "mlcc.yaml" else [self.path]
        return " ".join([self.call or shlex.join(["mlcc", "compile", *named]), *flags])


def owner_of(home: str, spec: str | None, call: str | None) -> Owner:
    """Return the owner of a spec's files. `spec` is by default the mlcc.yaml of its folder `home`."""
    folder = "" if home == "." else home
    path = spec or (f"{folder}/mlcc.yaml" if folder else "mlcc.yaml")
    return Owner(path, folder, call)
