"""The steps of one release. Each looks at what is served before and after, and may be done twice.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any, NamedTuple

from mlcc.release.adapter import Adapter, Deployed, ReleaseError
from mlcc.runtime.log import say
from mlcc.runtime.release_ids import is_of_run, next_id, release_id

SUPERSEDED = 4  # the runtime's status of what is skipped
BEFORE_PROMOTION = ("deploy", "verify", "step")


class Undone(NamedTuple):
    """What was taken away: a release, and what it had reached: `live`, a `share` of the requests, or none."""

    release: str = ""
    reached: str = ""


class Release:
    """One release: its parameters, its id in this run, and what serves it.

    The id is that of the run. A run that is run again, whole, after its release went live makes another one of it, with `-r2`
    behind the id: what serves it knows whose it is.
    """

    def __init__(self, params: dict[str, Any], run: str, adapter: Adapter) -> None:
        self.params, self.id, self.adapter = params, release_id(params["release"], run), adapter
        self.undone = Undone()
        self._base = self.id

    def look(self) -> Deployed:
        """Return what is served, after taking the id under which this release is there: as the candidate, or live."""
        now = self.adapter.describe()
        self.id = next((id for id in (now.candidate, now.live) if self.owns(id)), self.id)
        return now

    def owns(self, id: str) -> bool:
        """Tell whether an id is this release's."""
        return is_of_run(self._base, id)

    def take_next_id(self) -> None:
        """Take the id after that which is live: this release begins again."""
        self.id = next_id(self._base, self.id)

    def lease(self) -> float:
        """Return until when the candidate may stay where nothing more is heard of this release."""
        return time.time() + float(self.params["lease"])


def deploy(release: Release) -> None:
    """Start the candidate beside what is live, without a request. Raises ReleaseError while another one is released."""
    _start(release, lonely=not release.params["steps"], again=True)


def first(release: Release) -> None:
    """Bring up the first release of all, which has nothing to be judged against: by hand, and once."""
    now = release.look()
    if now.live not in ("", release.id):
        raise ReleaseError(f"'{now.live}' is live: what comes after the first release goes by its steps", 1)
    _start(release, lonely=True, again=False)
    if release.adapter.describe().live != release.id:
        release.adapter.promote(release.id, release.lease())
    _expect(release, "promote", live=release.id, candidate="")


def _start(release: Release, *, lonely: bool, again: bool) -> None:
    """Start the candidate; only a `lonely` one where nothing is live. `again`: also where this release is live."""
    reconcile(release)
    now = release.look()
    if now.live == release.id and not again:
        return say(f"mlcc: {release.id} is live already")
    if now.live == release.id:
        release.take_next_id()
    if now.candidate not in ("", release.id):
        raise ReleaseError(
            f"'{now.candidate}' is being released, until {_utc(now.lease)} at the latest: one release at a time"
        )
    if not (now.live or lonely):
        id = release.params["release"]
        raise ReleaseError(
            "nothing is live, and a canary is judged against what is: bring up the first release by hand, "
            f"`MLCC_RUN=first python3 -I .mlcc/release.py {id} first` with the variables of its node"
        )
    release.adapter.deploy(release.id, release.lease())
    _expect(release, "deploy", candidate=release.id, weight=0)
    return None


def step(release: Release, number: int) -> int:
    """Give the candidate its share of the requests, and return how the gate judges it: 0, 1, 2 or 3."""
    steps = release.params["steps"]
    if number >= len(steps):
        raise ReleaseError(f"there are the steps {_steps_of(steps)}")
    before = steps[number - 1]["weight"] if number else 0
    weight = float(steps[number]["weight"])
    now = release.look()
    if now.candidate != release.id:
        raise ReleaseError(f"'{release.id}' isn't the candidate: {_told(now)}")
    if now.weight not in (before, weight):
        raise ReleaseError(
            f"the step before left {before:g} % of the requests, and now it is {now.weight:g} %"
        )
    release.adapter.set_weight(release.id, weight, release.lease())
    _expect(release, "set-weight", candidate=release.id, weight=weight)
    say(f"mlcc: {release.id} gets {weight:g} % of the requests")
    return _judged("canary", steps[number]["gate"], now)


def _judged(kind: str, gate: str, now: Deployed) -> int:
    """Return how a gate judges what is served. Its environment has the candidate's address, empty where that isn't told."""
    env = {**os.environ, "MLCC_CANDIDATE_URL": now.url}
    return subprocess.run(
        [sys.executable, "-I", f".mlcc/gates/{kind}.py", gate], check=False, env=env
    ).returncode


def verify(release: Release) -> int:
    """Ask the candidate, which gets no request yet, and return how the gate judges it: 0, 1, 2 or 3."""
    now = release.look()
    if now.candidate != release.id or now.weight:
        raise ReleaseError(f"'{release.id}' isn't a candidate without requests: {_told(now)}")
    asked = release.params["verify"]
    return _judged(asked["kind"], asked["gate"], now)


def watch(release: Release, number: int) -> int:
    """Watch what is live, and return how the gate judges it: 0, 1, 2 or 3; SUPERSEDED where something else is live by now."""
    if number >= len(release.params["watch"]):
        raise ReleaseError(f"there are {len(release.params['watch'])} watches, from 0 on")
    now = release.look()
    if release.owns(now.live):
        code = _judged("canary", release.params["watch"][number], now._replace(url=now.live_url))
        now = release.adapter.describe()
        if not code or release.owns(now.live):
            return code
    say(f"mlcc: {release.id} isn't live any more: {_told(now)}")
    return SUPERSEDED


def promote(release: Release) -> None:
    """Let the candidate have all requests, and be what is live."""
    now = release.look()
    if now.live == release.id:
        return say(f"mlcc: {release.id} is live already")
    steps = release.params["steps"]
    last = float(steps[-1]["weight"]) if steps else 0.0
    if now.candidate != release.id or now.weight != last:
        raise ReleaseError(f"only what got {last:g} % of the requests is promoted: {_told(now)}")
    release.adapter.promote(release.id, release.lease())
    _expect(release, "promote", live=release.id, candidate="")
    return None


def rollback(release: Release) -> None:
    """Bring back what was live before this release; where nothing of it is there, that is so already.

    A step that comes before the promotion undoes a candidate alone: when it was run again by itself, its release may be live.
    """
    now = release.look()
    if release.id not in (now.live, now.candidate):
        return say(f"mlcc: nothing of {release.id} is served: {_told(now)}")
    if now.live == release.id and os.environ.get("MLCC_STEP", "") in BEFORE_PROMOTION:
        return say(f"mlcc: {release.id} is live, which no step before its promotion undoes")
    _remove(release, release.id, now)
    return None


def restore(release: Release, wanted: str) -> None:
    """Undo what is served, by hand: remove a candidate, else bring back what was live before, or the release that is `wanted`."""
    now = release.adapter.describe()
    if wanted and (not wanted.startswith(f"{release.params['release']}-") or wanted == now.candidate):
        raise ReleaseError(
            f"'{wanted}' was never live: a release that was is called {release.params['release']}-RUN, and goes by its steps",
            1,
        )
    if now.candidate:
        _remove(release, now.candidate, now)
        if not wanted:
            return None
        now = release.adapter.describe()
    if now.live == wanted:
        return say(f"mlcc: {wanted} is live already")
    if not wanted:
        if not now.live:
            raise ReleaseError("nothing is live, so that nothing can be undone", 1)
        return _remove(release, now.live, now)
    try:
        release.adapter.restore(wanted, release.lease())
        _expect(release, "restore", candidate=wanted, weight=0)
        release.adapter.promote(wanted, release.lease())
        _expect(release, "promote", live=wanted, candidate="")
    except ReleaseError:
        left = release.adapter.describe()
        if left.candidate == wanted:  # nobody would care for it
            _remove(release, wanted, left)
        raise
    release.undone = Undone(now.live, "live")
    return say(f"mlcc: {wanted} is live again")


def reconcile(release: Release) -> None:
    """Roll back whatever candidate has outlived its lease: its run was lost, killed, or cancelled while it waited."""
    now = release.adapter.describe()
    if not now.candidate or now.lease > time.time():
        return
    if not now.lease:
        raise ReleaseError(
            f"the candidate '{now.candidate}' has no lease: `describe` must tell what `deploy` got as MLCC_LEASE"
        )
    say(f"mlcc: {now.candidate} outlived its lease, which ended at {_utc(now.lease)}")
    _remove(release, now.candidate, now)


def _remove(release: Release, id: str, now: Deployed) -> None:
    """Take the requests away first, wait for those under way, then remove."""
    if now.candidate == id and now.weight:
        try:
            release.adapter.set_weight(id, 0, release.lease())
            time.sleep(float(release.params["drain"]))
        except ReleaseError as problem:  # without a candidate there is no share, either
            say(f"mlcc: {problem}")
    release.adapter.rollback(id)
    reached = "live" if now.live == id else "share" if now.weight else ""
    release.undone = Undone(id, reached)
    left = release.adapter.describe()
    if id in (left.live, left.candidate) or (now.candidate == id and left.live != now.live):
        raise ReleaseError(f"after `rollback`, {_told(left)}")
    say(f"mlcc: {id} was rolled back: {_told(left)}")


def _expect(release: Release, verb: str, **wanted: object) -> None:
    """Raise ReleaseError unless what is served is what the verb was to bring about."""
    found = release.adapter.describe()
    for key, value in wanted.items():
        if getattr(found, key) != value:
            raise ReleaseError(
                f"after `{verb}`, `describe` tells {key} {getattr(found, key)!r} instead of {value!r}", 1
            )


def _steps_of(steps: list[dict[str, Any]]) -> str:
    return (
        ", ".join(f"{number} ({step['weight']:g} %)" for number, step in enumerate(steps)) or "of no canary"
    )


def _told(now: Deployed) -> str:
    candidate = f"'{now.candidate}' has {now.weight:g} %" if now.candidate else "there is no candidate"
    return f"'{now.live or 'nothing'}' is live, {candidate}"


def _utc(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
