"""What overlays of every back end have in common: merging by key, and refusing what carries the semantics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.diagnostics import Diagnostic, error, suggest
from mlcc.plan import Overlay


def fixed(overlay: Overlay, where: str, keys: tuple[str, ...]) -> Diagnostic:
    """Return the error of a key that an overlay must not change; `keys` lead to it."""
    return error(
        "overlay-semantics",
        f"an overlay can't change `{keys[-1]}` of {where}: the meaning of the spec rests on it",
        overlay.place(*keys),
        help="say it in the spec",
    )


def unknown(overlay: Overlay, what: str, keys: tuple[str, ...], known: list[str]) -> Diagnostic:
    """Return the error of a name that isn't there; `keys` lead to it."""
    close = suggest(keys[-1], known)
    help = f"did you mean '{close}'?" if close else f"there are {', '.join(known)}"
    message = f"the overlay names a {what} '{keys[-1]}' that isn't there"
    return error("unknown-overlay", message, overlay.place(*keys), help=help)


def merged(old: Any, new: Any) -> Any:
    """Return a tree with another merged in: mappings by key, all else replaces."""
    if isinstance(old, dict) and isinstance(new, Mapping):
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    return new
