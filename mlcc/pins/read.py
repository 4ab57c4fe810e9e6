"""LOAD of `mlcc.lock`: strict, since it comes with pull requests as the spec does. Every refusal has a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from mlcc.backends import BACKENDS
from mlcc.backends.github.pins import SHIPPED
from mlcc.diagnostics import Diagnostic, Related, Span, SpecError, error, suggest
from mlcc.gates.requirements import PACKAGES
from mlcc.load.source import MAX_DIAGNOSTICS, Mapping, Node, Scalar, Sequence, load
from mlcc.pins.lock import ActionPin, ImagePin, Lock, PackagePin
from mlcc.writing.files import LOCK, is_lock

GRANTS = ("actions", "images", "packages", "permissions", "raw", "secrets", "triggers")
"""Kinds of what is approved."""

COMMIT = re.compile(r"[0-9a-f]{40}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]{0,99}")
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,254}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,254}")
_DATE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_NOTE = re.compile(r"[ -~\u00a1-\uffff]{1,1000}")
_SHAPES: dict[str, tuple[re.Pattern[str], str]] = {
    "name": (_NAME, "a name"),
    "image": (IMAGE, "an image's name and tag, without a digest"),
    "tag": (TAG, "a tag of letters, digits, `.`, `_` and `-`"),
    "commit": (COMMIT, "a commit of 40 hex digits"),
    "digest": (DIGEST, "`sha256:` and 64 hex digits"),
    "version": (VERSION, "an exact version"),
    "date": (_DATE, "a day, as 'YYYY-MM-DD'"),
    "note": (_NOTE, "text on one line"),
}
Pin = TypeVar("Pin", ActionPin, ImagePin, PackagePin)


def read_lock(spec: Path) -> tuple[Lock, str]:
    """Return the lock beside a spec, and its text. Raises SpecError with everything that is wrong with it."""
    source = load(spec.with_name(LOCK))
    text = source.texts[source.path]
    reader = _Reader(source.path)
    if not is_lock(text):
        span = Span(source.path, 1, 1, 1, 1)
        help = "move it away; `mlcc lock` writes one"
        raise SpecError(
            [error("bad-lock", f"{source.path} doesn't begin as a lock of mlcc's", span, help=help)],
            source.texts,
        )
    lock = reader.lock(source.root)
    if reader.problems:
        raise SpecError(reader.problems[:MAX_DIAGNOSTICS], source.texts)
    return lock, text


class _Reader:
    """Reads one lock and gathers what is wrong with it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Diagnostic] = []

    def lock(self, root: Mapping) -> Lock:
        keys = ("version", "actions", "images", "packages", "approved")
        fields = self.fields(root, keys, required=("version", "approved"))
        version = fields.get("version")
        if version is not None and not (isinstance(version, Scalar) and version.value == 1):
            self.wrong(version.span, "`version` is 1: a newer mlcc may have written this lock", "update mlcc")
        return Lock(
            self.path,
            self.pins(fields.get("actions"), "action", self.action),
            self.pins(fields.get("images"), "image", self.image),
            self.pins(fields.get("packages"), "package", self.package),
            self.approved(fields.get("approved")),
        )

    def wrong(self, span: Span, message: str, help: str | None = None, code: str = "bad-lock") -> None:
        self.problems.append(error(code, message, span, help=help))

    def meant(self, word: str, words: Iterable[str]) -> str:
        """Return what is allowed instead of a word. Only problems that are shown are worth a search for a close one."""
        close = suggest(word, words) if len(self.problems) < MAX_DIAGNOSTICS else None
        return f"did you mean '{close}'?" if close else f"there are {', '.join(words)}"

    def fields(self, node: Node, keys: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Node]:
        """Return the values of a mapping that may have these keys; empty where it is none."""
        if not isinstance(node, Mapping):
            self.wrong(node.span, f"a mapping of {', '.join(keys)} is wanted here")
            return {}
        for entry in node.entries.values():
            if entry.key not in keys:
                self.wrong(
                    entry.key_span, f"a lock has no key '{entry.key}' here", self.meant(entry.key, keys)
                )
        for key in required:
            if key not in node.entries:
                self.wrong(node.span, f"the key '{key}' is missing")
        return {key: entry.node for key, entry in node.entries.items() if key in keys}

    def text(self, node: Node | None, shape: str) -> str:
        """Return a text of a shape; empty where it isn't one, or is missing."""
        if node is None:
            return ""
        pattern, what = _SHAPES[shape]
        if isinstance(node, Scalar) and isinstance(node.value, str) and pattern.fullmatch(node.value):
            return node.value
        self.wrong(node.span, f"{what} is wanted here")
        return ""

    def items(self, node: Node | None) -> list[Node]:
        if node is None:
            return []
        if not isinstance(node, Sequence):
            self.wrong(node.span, "a list is wanted here")
            return []
        return node.items

    def pins(self, node: Node | None, what: str, read: Callable[[Node], Pin]) -> dict[str, Pin]:
        found: dict[str, Pin] = {}
        for pin in (read(item) for item in self.items(node)):
            first = found.setdefault(pin.name, pin)
            if first is not pin and pin.name and pin.span and first.span:
                message = f"the {what} {pin.name} is pinned twice"
                self.problems.append(
                    error("bad-lock", message, pin.span, related=[Related(first.span, "first here")])
                )
        return found

    def known(self, name: str, span: Span, names: Iterable[str], what: str) -> str:
        """Return the name of something that mlcc's outputs can use, and refuse any other."""
        if name and name not in names:
            self.wrong(span, f"mlcc uses no {what} '{name}'", self.meant(name, sorted(names)), "unknown-pin")
        return name

    def action(self, node: Node) -> ActionPin:
        keys = ("name", "tag", "commit", "date")
        at = self.fields(node, (*keys, "note"), keys)
        name = self.known(self.text(at.get("name"), "name"), node.span, SHIPPED, "action")
        tag, commit, date, note = (self.text(at.get(key), key) for key in ("tag", "commit", "date", "note"))
        return ActionPin(name, tag, commit, date, note, node.span)

    def image(self, node: Node) -> ImagePin:
        keys = ("name", "digest", "date")
        at = self.fields(node, (*keys, "instead", "note"), keys)
        name, instead = self.text(at.get("name"), "image"), self.text(at.get("instead"), "digest")
        digest, date, note = (self.text(at.get(key), key) for key in ("digest", "date", "note"))
        return ImagePin(name, digest, date, instead, note, node.span)

    def package(self, node: Node) -> PackagePin:
        keys = ("name", "version", "date", "hashes")
        at = self.fields(node, (*keys, "note"), keys)
        name = self.known(self.text(at.get("name"), "name"), node.span, PACKAGES, "package")
        hashes = tuple(self.text(item, "digest") for item in self.items(at.get("hashes")))
        if "hashes" in at and not hashes:
            self.wrong(at["hashes"].span, "at least one hash is wanted here")
        version, date, note = (self.text(at.get(key), key) for key in ("version", "date", "note"))
        return PackagePin(name, version, date, tuple(sorted(set(hashes))), note, node.span)

    def approved(self, node: Node | None) -> dict[str, dict[str, tuple[str, ...]]]:
        if node is None:
            return {}
        return {
            target: {
                kind: tuple(self.entry(item) for item in self.items(entries))
                for kind, entries in self.fields(kinds, GRANTS, ()).items()
            }
            for target, kinds in self.fields(node, tuple(BACKENDS), ()).items()
        }

    def entry(self, node: Node) -> str:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        self.wrong(node.span, "a text is wanted here; quote it")
        return ""
