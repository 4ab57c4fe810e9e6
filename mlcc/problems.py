"""Collects what a pass finds wrong, so that one run shows all of it."""

from __future__ import annotations

from mlcc.diagnostics import Diagnostic, Related, Span, SpecError, error, suggest
from mlcc.load.source import Mapping, Source, locate

Loc = tuple[str | int, ...]


class Problems:
    """The diagnostics of one pass over one source, placed by paths into the spec."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Diagnostic] = []

    def span(self, loc: Loc, *, key: bool = False) -> Span:
        """Return the place of a value (or of its key) in the spec."""
        return locate(self.source.root, loc, key=key)

    def keys(self, loc: Loc) -> list[str]:
        """Return the keys that the spec states in a mapping, for diagnostics of later passes."""
        current: object = self.source.root
        for part in loc:
            assert isinstance(current, Mapping)
            current = current.entries[str(part)].node
        return list(current.entries) if isinstance(current, Mapping) else []

    def add(
        self,
        code: str,
        message: str,
        loc: Loc,
        *,
        key: bool = False,
        others: tuple[tuple[Loc, str], ...] = (),
        help: str | None = None,
    ) -> None:
        """Note an error at `loc`; `others` are the other ends. The same one, of several nodes of one release, counts once."""
        related = tuple(Related(self.span(where, key=True), what) for where, what in others)
        found = error(code, message, self.span(loc, key=key), related=related, help=help)
        if found not in self.found:
            self.found.append(found)

    def unknown(self, what: str, name: str, allowed: list[str], loc: Loc) -> None:
        """Note a reference to something that isn't there."""
        close = suggest(name, allowed)
        known = ", ".join(sorted(allowed)[:12]) or "none is defined"
        help = f"did you mean '{close}'?" if close else f"known: {known}"
        self.add(f"unknown-{what.split()[0]}", f"there is no {what} '{name}'", loc, help=help)

    def stop_if_any(self) -> None:
        """Raise SpecError when something was found."""
        if self.found:
            raise SpecError(self.found, self.source.texts)
