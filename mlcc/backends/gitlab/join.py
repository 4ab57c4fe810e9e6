"""From the parent pipelines of a spec's instances to the one `.gitlab-ci.yml` that they share.

A pipeline takes in 150 files, and on GitLab.com nobody can raise that:
https://docs.gitlab.com/administration/settings/continuous_integration/#set-maximum-includes
"""

from __future__ import annotations

from collections.abc import Iterable

from mlcc.backends._joined import JoinError, joined
from mlcc.backends.gitlab.limits import PARENT
from mlcc.diagnostics import SpecError, error


def join(path: str, texts: Iterable[str]) -> str:
    """Return the text of the file at `path`. Raises SpecError."""
    try:
        text = joined(texts)
    except JoinError as problem:
        message = f"instances of the spec mean different things by `{problem.name}` in `{path}`"
        help = "give them ids that differ in more than '-' and '_'"
        raise SpecError([error("instances-clash", message, None, help=help)]) from None
    size = len(text.encode())
    if size > PARENT.allowed:
        message = (
            f"the instances of the spec take {size:,} bytes in `{path}`; GitLab takes {PARENT.allowed:,}"
        )
        help = f"divide them over several specs, each in a folder of its own; source: {PARENT.source}"
        raise SpecError([error("limit", message, None, help=help)])
    return text
