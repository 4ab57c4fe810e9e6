"""What overlays of every back end have in common: merging by key, and refusing what carries the semantics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.diagnostics import Diagnostic, error, suggest
from mlcc.plan import Overlay
from mlcc.spec.scalars import check_env_name

Free = Mapping[str, Any]
"""What an overlay may state: key (`*`: any) -> ANY, VARIABLES, or what may stand below it."""
ANY = object()
VARIABLES = object()  # environment variables, under the names that a spec's own `env` may have


def refused(
    overlay: Overlay, where: str, keys: tuple[str, ...], content: Any, free: Any
) -> Iterator[Diagnostic]:
    """Yield an error for each part of an overlay's content, which stands at `keys`, that it isn't free to state."""
    if free is ANY:
        return
    if not isinstance(content, Mapping):
        yield fixed(overlay, where, keys)
        return
    for key, value in content.items():
        if free is VARIABLES:
            if not _is_variable(key, value):
                yield fixed(overlay, where, (*keys, key))
            continue
        below = free.get(key, free.get("*"))
        if below is None:
            yield fixed(overlay, where, (*keys, key))
        else:
            yield from refused(overlay, where, (*keys, key), value, below)


def _is_variable(name: str, value: object) -> bool:
    """Tell whether a spec's own `env` may have such a name, and no secret hides in the value."""
    try:
        check_env_name(name)
    except ValueError:
        return False
    return isinstance(value, (str, int, float, bool)) and "secrets" not in str(value)


def fixed(overlay: Overlay, where: str, keys: tuple[str, ...]) -> Diagnostic:
    """Return the error of a key that an overlay must not change; `keys` lead to it."""
    return error(
        "overlay-semantics",
        f"an overlay can't change `{keys[-1]}` of {where}: the meaning of the spec rests on it",
        overlay.place(*keys),
        help="say it in the spec; what an overlay may state is listed in the page of the CI system",
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
