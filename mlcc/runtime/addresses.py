"""Artifacts that lie at an address of a store (`s3://BUCKET/PATH`), and that no node passes on.

`.mlcc/objects.py` reads them; it is there where a spec names such an address. Standard library only: bundled into the
emitted scripts.
"""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH113
import os
import sys

from mlcc.runtime.file_digest import DigestError, shown_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SCHEME = "s3://"
IMAGE_SCHEME = "oci://"
OBJECTS_SCRIPT = ".mlcc/objects.py"
_SECONDS = 300.0  # that a listing may take at most
_SLOWEST = 64 << 10  # bytes a second, below which a fetch is given up
_LONGEST = 7 * 86400  # seconds that a fetch may take at most, whatever a listing says


def is_address(path: object) -> bool:
    """Whether an artifact's path is an address of a store."""
    return isinstance(path, str) and path.startswith(SCHEME)


def image_digest(id: str) -> str:
    """Return the digest of an image that a node takes, as the runtime found it in its registry. Raises DigestError."""
    found = os.environ.get(f"DIGEST_{id.upper().replace('-', '_')}", "")
    hex = found[len("sha256:") :]
    if not found.startswith("sha256:") or len(hex) != 64 or not set(hex) <= set("0123456789abcdef"):
        raise DigestError("the runtime, which looks its digest up in its registry, hasn't named it")
    return found


def objects_at(
    address: str, env: Mapping[str, str] | None = None, seconds: float = _SECONDS
) -> dict[str, Any]:
    """Return what lies at an address: its `digest`, and its `objects` by key, etag and size.

    `env` has what it takes to log in, without it this process's environment. Raises DigestError, within `seconds`.
    """
    return _answer(address, ["list", address], env, min(seconds, _SECONDS))


def fetch_objects(address: str, folder: str, size: int) -> dict[str, Any]:
    """Write the objects at an address below a folder, and return what `objects_at` does, with their sha256.

    `size` is about how many bytes they have. Raises DigestError.
    """
    return _answer(address, ["fetch", address, folder], None, _SECONDS + min(size // _SLOWEST, _LONGEST))


def local_path(address: str, folder: str) -> str:
    """Return where what an address names lies once it is fetched: a file or, ending in '/', a folder of all it matches."""
    key = address[len(SCHEME) :].partition("/")[2]
    return f"{folder}/" if any(sign in key for sign in "*?") else f"{folder}/{key}"


def _answer(
    address: str, arguments: list[str], env: Mapping[str, str] | None, seconds: float
) -> dict[str, Any]:
    import json
    import subprocess

    where = f"{shown_name(address)} can't be read"
    if not os.path.isfile(OBJECTS_SCRIPT):
        raise DigestError(f"{where}: {OBJECTS_SCRIPT} is missing, which `mlcc compile` writes")
    try:
        done = subprocess.run(
            [sys.executable, "-I", OBJECTS_SCRIPT, *arguments], env=env, timeout=max(seconds, 1.0),
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DigestError(f"{where}: the store took over {seconds:.0f} s") from None
    try:
        found = json.loads(done.stdout)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DigestError(f"{where}: {OBJECTS_SCRIPT} ended with {done.returncode} and no answer")
    if done.returncode != 0 or "error" in found:
        raise DigestError(f"{where}: {shown_name(str(found.get('error', 'no reason is known')))}")
    if not str(found.get("digest")).startswith("objects:") or not found.get("objects"):
        raise DigestError(f"{where}: the answer of {OBJECTS_SCRIPT} isn't whole")
    return found
