"""What instances were last compiled from and to, so that only those that changed are compiled again.

It is kept in the clone's own git folder: no pull request can bring it along, and nothing of it is committed. Times of
files say nothing. What is missing, unreadable or of another form only means that all is compiled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from mlcc import resources
from mlcc.load.source import Source, plain
from mlcc.record import as_dict, record
from mlcc.today import today
from mlcc.writing.files import File, seal
from mlcc.writing.folder import Folder, UnsafePathError

if TYPE_CHECKING:
    from mlcc.compiler import Compiled

FILE = "mlcc/compiled.json"
_VERSION = 2


@record
class Fingerprint:
    """The digest of what a pipeline is compiled from, and that of each file which it is compiled to, by path.

    `shared` is the text of its part of each file that it shares with other instances.
    """

    inputs: str
    outputs: Mapping[str, str]
    shared: Mapping[str, str]


@record
class Kept:
    """An instance of a spec that needn't be compiled again: its id, its folder, and its files; see Fingerprint."""

    instance: str
    home: str
    outputs: Mapping[str, str]
    shared: tuple[File, ...]


class Fingerprints:
    """The fingerprints of the repositories that one call compiles in. `named` are the back ends that it names."""

    def __init__(self, named: tuple[str, ...]) -> None:
        self.named = named
        self.kept: dict[tuple[Path, str], list[Kept]] = {}
        """Repository and spec -> the instances that are as they were."""
        self.paths: dict[tuple[Path, str], Path] = {}
        """Repository and spec -> its path, as the call has it."""
        self._known: dict[Path, dict[str, Fingerprint]] = {}

    def keeps(self, path: Path, root: Path, spec: str, source: Source, home: str) -> bool:
        """Tell whether an instance and its files are as they were, and note that they are kept."""
        if root not in self._known:
            self._known[root] = known(root)
        before = self._known[root].get(f"{spec}#{source.instance}")
        if before is None or before.inputs != inputs_of(source, home, self.named):
            return False
        if not are_there(root, before.outputs):
            return False
        self.paths[root, spec] = path
        shared = tuple(File(shared_path, text) for shared_path, text in before.shared.items())
        self.kept.setdefault((root, spec), []).append(Kept(source.instance, home, before.outputs, shared))
        return True

    def written(self, root: Path, spec: str, found: Iterable[Compiled]) -> None:
        """Remember the compiled instances of a spec and the kept ones; forget its others."""
        own = {f"{spec}#{kept.instance}" for kept in self.kept.get((root, spec), ())}
        before = self._known.get(root) or known(root)
        all_of = {id: one for id, one in before.items() if id in own or not id.startswith(f"{spec}#")}
        for made in found:
            source = made.analysis.source
            all_of[f"{spec}#{source.instance}"] = Fingerprint(
                inputs_of(source, made.analysis.plan.home, self.named),
                {file.path: _digest(_bytes(seal(file.text))) for file in made.own},
                {file.path: file.text for file in made.shared},
            )
        self._known[root] = all_of
        remember(root, all_of)


def inputs_of(source: Source, home: str, targets: Iterable[str]) -> str:
    """Return the digest of what a pipeline is compiled from: its spec as merged, its place, the back ends, mlcc itself."""
    locked = {gate: plain(node) for gate, node in source.locked.items()}
    stated = json.dumps([plain(source.root), locked, home, list(source.texts), list(targets)])
    # only a waiver makes a compile another one on another day
    day = today() if '"until"' in stated else ""
    return hashlib.sha256("\0".join((_program(), day, stated)).encode("utf-8", "surrogatepass")).hexdigest()


def are_there(root: Path, outputs: Mapping[str, str]) -> bool:
    """Tell whether files are as they were written."""
    try:
        with Folder(root) as folder:
            found = ((folder.read(path), digest) for path, digest in outputs.items())
            return all(data is not None and _digest(data) == digest for data, digest in found)
    except (OSError, UnsafePathError):
        return False


def known(root: Path) -> dict[str, Fingerprint]:
    """Return the fingerprints of a repository, by pipeline; none where they can't be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        path = _path(root)
        raw = json.loads(path.read_text("utf-8")) if path is not None else {}
        if raw.get("version") == _VERSION:
            return {
                str(id): Fingerprint(str(one["inputs"]), _texts(one["outputs"]), _texts(one["shared"]))
                for id, one in raw["pipelines"].items()
            }
    return {}


def remember(root: Path, found: Mapping[str, Fingerprint]) -> None:
    """Keep the fingerprints of a repository. Where that fails, the next compile does all of them."""
    path = _path(root)
    if path is None:
        return
    plain_values = {id: as_dict(one) for id, one in found.items()}
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        fresh.write_text(json.dumps({"version": _VERSION, "pipelines": plain_values}), "utf-8")
        fresh.replace(path)


def _path(root: Path) -> Path | None:
    """Return where a repository's fingerprints are kept; None where there is no git folder."""
    found = root / ".git"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if found.is_file():  # a linked work tree: https://git-scm.com/docs/gitrepository-layout
            found = root / found.read_text("utf-8").partition("gitdir:")[2].strip()
        return found / FILE if (found / "HEAD").exists() else None
    return None


def _texts(found: Mapping[str, str]) -> dict[str, str]:
    return {str(key): str(value) for key, value in found.items()}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=64)  # the scripts are the same for every pipeline
def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def _program() -> str:
    """Return the digest of this program: a version alone doesn't tell an edited checkout."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for folder in (package, resources.folder("templates")):
        for path in sorted(folder.rglob("*")):
            if path.suffix != ".pyc" and path.is_file():
                digest.update(f"{path.relative_to(folder)}\0".encode("utf-8", "surrogateescape"))
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
