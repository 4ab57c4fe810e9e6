"""The entry of the emitted `.mlcc/registry.py`: registers a version of a model, or fetches one.

MLFLOW_TRACKING_URI names the server.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

from mlcc.objects.answers import StoreError
from mlcc.registry.server import Server, server_of
from mlcc.registry.versions import COMMIT_TAG, DIGEST_TAG, fetch, register

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD = re.compile(r"[A-Za-z0-9:._-]{1,200}")  # it stands between quotes in a search
_USAGE = (
    "usage: python -I .mlcc/registry.py register MODEL PATH < TAGS | fetch MODEL VERSION PATH DIGEST | "
    "take MODEL VERSION|@ALIAS PATH NAME"
)


def main() -> int:
    """Run the command that is named: print one JSON object, and return 0, or 2 with its `error`.

    TAGS are JSON: `experiment`, and `tags`. `take` writes the version's number to $MLCC_OUTPUTS, as NAME.
    """
    commands: dict[str, tuple[int, Callable[..., dict[str, str]]]] = {
        "register": (2, _register), "fetch": (4, _fetch), "take": (4, _take),
    }  # fmt: skip
    name, *arguments = sys.argv[1:] or [""]
    count, command = commands.get(name, (-1, _fetch))
    if len(arguments) != count:
        return _tell({"error": _USAGE}, 2)
    try:
        return _tell(command(server_of(os.environ), *arguments), 0)
    except StoreError as error:
        return _tell({"error": str(error)}, 2)
    except Exception as error:  # whatever it is, its text could quote what is secret
        return _tell({"error": f"something unforeseen went wrong: {type(error).__name__}"}, 2)


def _register(server: Server, model: str, path: str) -> dict[str, str]:
    asked = json.load(sys.stdin)
    tags = {str(key): str(value) for key, value in asked["tags"].items()}
    if not all(_WORD.fullmatch(tags.get(tag, "")) for tag in (DIGEST_TAG, COMMIT_TAG)):
        raise StoreError("a version is registered with its digest and its commit")
    return {"version": register(server, model, path, str(asked["experiment"]), tags)}


def _fetch(server: Server, model: str, which: str, path: str, digest: str) -> dict[str, str]:
    return fetch(server, model, which, path, digest)


def _take(server: Server, model: str, which: str, path: str, name: str) -> dict[str, str]:
    found = fetch(server, model, which, path)
    with open(os.environ["MLCC_OUTPUTS"], "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"{name}={found['version']}\n")
    return {"model": model, **found}


def _tell(answer: dict[str, str], status: int) -> int:
    sys.stdout.write(json.dumps(answer) + "\n")
    return status
