"""FORMAT: a spec's text in the one layout, with the same values and the same comments.

The text is laid out anew from its parser's events, and scalars keep their own spelling: no YAML library writes it.
"""

from __future__ import annotations

import json

from mlcc.diagnostics import SpecError, error
from mlcc.formatting.layout import laid_out
from mlcc.formatting.written import comments, written
from mlcc.load.source import plain, read

_CAPS = frozenset({"too-large", "long-line"})


class WrongLayoutError(Exception):
    """A bug: the text laid out anew says something else."""


def formatted(text: str, display: str) -> str:
    """Return the text of a spec as `mlcc fmt` writes it, with `\\n` between lines.

    Raises SpecError where it is no spec that can be read, or would be too large.
    """
    before = _values(text, display)
    made = laid_out(written(text.replace("\r\n", "\n")))
    try:
        after = _values(made, display)
    except SpecError as problem:
        if _CAPS.issuperset(found.code for found in problem.diagnostics):
            message = f"{display}, laid out, would be longer than a spec may be"
            raise SpecError([error("too-large", message, None, help="divide it by `extends`")]) from None
        raise WrongLayoutError(f"{display} can't be read when it is laid out") from problem
    if after != before or comments(made) != comments(text.replace("\r\n", "\n")):
        raise WrongLayoutError(f"{display} says something else when it is laid out")
    return made


def _values(text: str, display: str) -> str:
    # as JSON: true, 1 and 1.0 differ, and so does another order of keys
    return json.dumps(plain(read(text.encode(), display).root))
