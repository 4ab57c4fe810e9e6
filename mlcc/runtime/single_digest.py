"""The part of `mlcc.runtime.digest` for gates all of whose artifacts are single files."""

from __future__ import annotations

from mlcc.runtime.file_digest import DigestError as DigestError
from mlcc.runtime.file_digest import file_digest as file_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def artifact_digest(path: str | Sequence[str]) -> str:
    """Return the digest of an artifact that is a file. Raises DigestError, also for one that is something else."""
    if not isinstance(path, str) or path.endswith("/") or "://" in path:
        raise DigestError("it is no single file, and this script is for those")
    return file_digest(path)
