"""The ids of releases: RELEASE-RUN, and RELEASE-RUN-r2 and on where a run is run again after its release went live.

Standard library only: bundled into the emitted scripts.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_AGAIN = re.compile(r"-r[0-9]{1,4}\Z")


def release_id(release: str, run: str) -> str:
    """Return the id of a run's release: it names units, folders, objects of a cluster, and stands in what nginx reads."""
    return f"{release}-{_UNSAFE.sub('-', run)}"


def is_of_run(base: str, id: str) -> bool:
    """Tell whether an id is that of a run's release, or one that it took when it was run again."""
    return first_id(id) == base or id == base


def first_id(id: str) -> str:
    """Return the id that a run's release had before the run was run again."""
    return _AGAIN.sub("", id)


def next_id(base: str, live: str) -> str:
    """Return the id of a run's release that begins again while it is `live`."""
    number = live[len(base) + len("-r") :]
    return f"{base}-r{int(number or 1) + 1}"
