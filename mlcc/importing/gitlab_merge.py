"""What GitLab merges before it runs a pipeline: `extends`, `!reference`, and `default`, within one file."""

from __future__ import annotations

from mlcc.importing.document import Document, entries, get, items, text_of, texts
from mlcc.importing.ledger import Ledger
from mlcc.load.source import Entry, Mapping, Node, Sequence

_DEEP = ("variables", "artifacts", "environment", "cache", "reports")
_MOST_BASES = 11
"""GitLab's own limit of how deep jobs extend each other."""


class Merger:
    """Resolves the jobs of one file."""

    def __init__(self, document: Document, ledger: Ledger) -> None:
        self.document, self.ledger = document, ledger
        self.referred: set[str] = set()

    def job(self, node: Node, depth: int = 0) -> dict[str, Entry]:
        """Return the keys of a job with those of the jobs that it extends; its own win."""
        merged: dict[str, Entry] = {}
        extends = get(node, "extends")
        for name in items(extends):
            base = get(self.document.root, text_of(name) or "")
            if base is None or depth >= _MOST_BASES:
                self.ledger.listed(name, f"{text_of(name)} isn't in this file: what it adds is missing")
                continue
            self.ledger.replaced(name, "what the job extends is written out")
            merged = _over(merged, self.job(base, depth + 1))
        own = {entry.key: entry for entry in entries(node) if entry.key != "extends"}
        return _over(merged, own)

    def commands(self, node: Node | None, depth: int = 0) -> list[Node]:
        """Return the lines of a script, nested lists and references flattened."""
        found: list[Node] = []
        for item in [node] if node is not None and id(node) in self.document.tags else items(node):
            if id(item) in self.document.tags:
                found += self.reference(item, depth)
            elif isinstance(item, Sequence) and depth < _MOST_BASES:
                found += self.commands(item, depth + 1)
            else:
                found.append(item)
        return found

    def reference(self, node: Node, depth: int) -> list[Node]:
        """Return what `!reference [job, key]` stands for."""
        keys = texts(node)
        target = get(self.document.root, *keys) if keys else None
        if target is None or depth >= _MOST_BASES or self.document.tags[id(node)] != "!reference":
            self.ledger.listed(node, f"nothing in this file is called {'.'.join(keys)}")
            return []
        self.referred.add(keys[0])
        self.ledger.replaced(node, "what it refers to is written out")
        return self.commands(target, depth + 1)


def _over(base: dict[str, Entry], own: dict[str, Entry]) -> dict[str, Entry]:
    found = dict(base)
    for key, entry in own.items():
        under = base.get(key)
        if (
            under is not None
            and isinstance(under.node, Mapping)
            and isinstance(entry.node, Mapping)
            and key in _DEEP
        ):
            merged = _over(under.node.entries, entry.node.entries)
            entry = Entry(key, entry.key_span, Mapping(merged, entry.node.span))
        found[key] = entry
    return found
