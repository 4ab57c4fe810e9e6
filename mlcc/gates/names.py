"""Names and text of a spec that SQL is to hold, checked at compile time."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.gates import GateParamsError, Loc


def check_names(names: Mapping[Loc, str]) -> None:
    """Raise GateParamsError for a column name that SQL can't hold."""
    for loc, name in names.items():
        if not name:
            raise GateParamsError(loc, "a column's name is not empty")
        sound_text(name, loc)


def sound_text(text: str, loc: Loc) -> str:
    """Return text that SQL can hold. Raises GateParamsError."""
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise GateParamsError(loc, "the text has characters that SQL can't hold")
    return text
