"""The short way through `mlcc lint`: specs that are clean need no command line and no word.

A lint runs on every commit, nearly always of a clean spec, and half of its time would go into what such a run
doesn't use. This way only ever says "clean". Whatever else it meets, it leaves alone, and the command line
does all of it again: there, and only there, are mistakes, options and findings dealt with.
"""

from __future__ import annotations

from collections.abc import Sequence

_INTERRUPTED = 130  # as mlcc.cli ends, which is dear to import


def end_if_clean(arguments: Sequence[str]) -> None:
    """End the process with status 0 when `arguments` are specs alone and nothing at all is to be said of them."""
    if any(argument.startswith("-") for argument in arguments):
        return
    try:
        clean = is_clean(arguments)
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    except Exception:  # the command line meets it again, and says what it is
        return
    if clean:
        import os

        # Nothing was written, so nothing is to be flushed: taking the interpreter apart would take 9 ms.
        os._exit(0)


def is_clean(arguments: Sequence[str]) -> bool:
    """Tell whether a lint of these specs, by default the one in this folder, finds nothing, not even a note."""
    from pathlib import Path

    from mlcc.compiler import SPEC
    from mlcc.linting import lint_all

    paths = tuple(map(Path, arguments)) or (Path(SPEC),)
    return not lint_all(paths, None, ()).diagnostics
