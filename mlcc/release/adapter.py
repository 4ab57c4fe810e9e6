"""What an adapter is: it tells what serves the model, and changes that by four verbs.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from mlcc.runtime.log import one_line

_URL = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(?:/[A-Za-z0-9._~%/-]*)?\Z")


class ReleaseError(Exception):
    """The release can't go on. `code`: 1 it is at fault, 2 what it runs on is."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


class Deployed(NamedTuple):
    """What is served. An empty id: none. `weight` in percent, `lease` in seconds since 1970; 0: the candidate has none.

    `url` is the candidate's own address, past the split; without a candidate it is that of what is live; "": not told.
    `live_url` is that of what is live in any case.
    """

    live: str
    candidate: str
    weight: float
    lease: float
    url: str = ""
    live_url: str = ""


class Place(NamedTuple):
    """Where an adapter's programs run, and how long each verb may take; `drain` is what requests under way get. Seconds."""

    folder: str
    within: float
    drain: float


class Adapter:
    """What serves the model. Each verb may be done again, and comes to the same; each raises ReleaseError where it fails."""

    def __init__(self, params: Any, place: Place) -> None:
        self.params, self.place = params, place

    def describe(self) -> Deployed:
        """Return what is served now, as what serves it tells."""
        raise NotImplementedError

    def deploy(self, release: str, lease: float) -> None:
        """Start a release as the candidate, which gets no request; return when it could answer."""
        raise NotImplementedError

    def set_weight(self, release: str, weight: float, lease: float) -> None:
        """Give the candidate a share of the requests, in percent."""
        raise NotImplementedError

    def promote(self, release: str, lease: float) -> None:
        """Make the candidate live, and remember what was."""
        raise NotImplementedError

    def rollback(self, release: str) -> None:
        """Remove a release: as the candidate, or as what is live, in favour of what was live before it."""
        raise NotImplementedError

    def restore(self, release: str, lease: float) -> None:
        """Start a release of earlier as the candidate, of what is kept of it."""
        del lease
        raise ReleaseError(f"'{release}' can't be brought back here: only what was live before can", 1)


def deployed_of(found: Any) -> Deployed:
    """Return what an answer to `describe` says: {live, candidate, weight, lease, url}. Raises ReleaseError where it isn't one."""
    if not isinstance(found, dict):
        raise ReleaseError("`describe` printed no JSON object")
    ids = [found.get(key) for key in ("live", "candidate")]
    numbers = [found.get(key, 0) for key in ("weight", "lease")]
    if not all(id is None or isinstance(id, str) for id in ids):
        raise ReleaseError("`describe` tells no ids: `live` and `candidate` are texts or null")
    if not all(type(n) in (int, float) and math.isfinite(n) and n >= 0 for n in numbers) or numbers[0] > 100:
        raise ReleaseError("`describe` tells no numbers: `weight` is from 0 to 100, `lease` a time")
    urls = [_address(found, key) for key in ("url", "live_url")]
    live, candidate = (one_line(id or "") for id in ids)
    live_url = urls[1] or ("" if candidate else urls[0])
    return Deployed(live, candidate, float(numbers[0]), float(numbers[1]), urls[0], live_url)


def _address(found: dict[str, Any], key: str) -> str:
    url = found.get(key) or ""
    if not isinstance(url, str) or not (url == "" or _URL.match(url)):
        raise ReleaseError(f"`describe` tells no address: `{key}` is of http or https, or null")
    return url
