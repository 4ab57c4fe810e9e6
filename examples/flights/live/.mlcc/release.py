# mlcc:generated sha256=9b96d30c60556b52ed94350863ba6efa4db6199b3b0567c855fc086c8b5e6a40
# fmt: off
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# isort: skip_file
"""One step of a release through its adapter. Run by hand, MLCC_RUN names the run whose release it is.

python3 -I .mlcc/release.py RELEASE deploy | verify | step NUMBER | promote | watch NUMBER | rollback | restore |
    reconcile | first

This file stands alone on purpose: it runs where mlcc is not installed, and needs no other file of
mlcc. It was joined from these modules of mlcc, which are tested as they are:
  mlcc.runtime.log, mlcc.release.adapter, mlcc.runtime.release_ids, mlcc.release.drive,
  mlcc.runtime.groups, mlcc.runtime.file_digest, mlcc.runtime.addresses, mlcc.runtime.platform,
  mlcc.strict_json, mlcc.runtime.records, mlcc.runtime.decide, mlcc.runtime.patterns,
  mlcc.runtime.digest, mlcc.runtime.moments, mlcc.runtime.store, mlcc.runtime.registered,
  mlcc.runtime.stored, mlcc.runtime.data, mlcc.runtime.web, mlcc.runtime.image_registry,
  mlcc.runtime.login, mlcc.runtime.values, mlcc.release.programs, mlcc.release.noted,
  mlcc.release.cluster, mlcc.release.adapters.argo_rollouts.runtime,
  mlcc.release.adapters.command.runtime, mlcc.release.adapters.kserve.runtime,
  mlcc.release.adapters.mlflow_alias.runtime, mlcc.release.adapters.nginx.local,
  mlcc.release.adapters.nginx.runtime, mlcc.release.adapters.sagemaker.runtime,
  mlcc.release.adapters.vertex.runtime, mlcc.release.kinds, mlcc.runtime.process, mlcc.release.main
Don't edit it: `mlcc compile` writes it again.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import http.client
import io
import json
import math
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any


# --- mlcc.runtime.log ---------------------------------------------------------------------------------------
# Lines of the log. What comes from outside never starts one, and is no command to the CI system in the middle of one.
#
# GitHub's runner takes `::NAME::` for a command at the start of a line, and `##[NAME]` anywhere in it
# (actions/runner, src/Runner.Common/ActionCommand.cs: TryParseV2, TryParse).
# Standard library only: bundled into the emitted script.

def one_line(text: str) -> str:
    """Return text on one line: runs of spaces, line breaks and what nobody sees are one space."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown.replace("##[", "# #[").replace("##vso", "# #vso")


def say(text: str, before: str = "") -> None:
    """Print one line. It begins with `before` or, without that, with the text's own first word, both mlcc's."""
    print(before + one_line(text), flush=True)


# --- mlcc.release.adapter -----------------------------------------------------------------------------------
# What an adapter is: it tells what serves the model, and changes that by four verbs.
#
# Standard library only: bundled into the emitted script.

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


# --- mlcc.runtime.release_ids -------------------------------------------------------------------------------
# The ids of releases: RELEASE-RUN, and RELEASE-RUN-r2 and on where a run is run again after its release went live.
#
# Standard library only: bundled into the emitted scripts.

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


# --- mlcc.release.drive -------------------------------------------------------------------------------------
# The steps of one release. Each looks at what is served before and after, and may be done twice.
#
# Standard library only: bundled into the emitted script.

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


# --- mlcc.runtime.groups ------------------------------------------------------------------------------------
# Ends a process with all that it started.
#
# Standard library only: bundled into the emitted scripts.

_LOOK = 0.02  # seconds between looks at a group that was asked to end
_KILLED = 10.0  # seconds until a killed process is gone


def end_group(child: subprocess.Popen[bytes], grace: float) -> None:
    """End every process of the group that `child` leads: ask, wait `grace` seconds, kill."""
    if not _signal_group(child.pid, signal.SIGTERM):
        return
    limit = time.monotonic() + grace
    # Not `child.wait`: the child may be gone already, and then it wouldn't wait for the others.
    while child.poll() is None or _signal_group(child.pid, 0):
        if time.monotonic() > limit:
            break
        time.sleep(_LOOK)
    _signal_group(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_KILLED)


def _signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


# --- mlcc.runtime.file_digest -------------------------------------------------------------------------------
# SHA-256 digests of single files, and a SHA-256 that is there at once.

_CHUNK = 1 << 20


class DigestError(Exception):
    """The artifact has no digest: it is missing, empty, unreadable, or holds something else than files."""


def file_digest(path: str | os.PathLike[str]) -> str:
    """Return `sha256:<hex>` of a regular file's bytes. Raises DigestError; a symlink is refused."""
    return "sha256:" + hex_digest(os.fspath(path), os.fspath(path))


def hex_digest(path: str, shown: str) -> str:
    """Return the sha256 of a regular file's bytes; `shown` names it in messages. Raises DigestError."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            raise DigestError(f"{shown_name(shown)} is not a regular file")
        digest = sha256(size=found.st_size)
        with open(path, "rb") as file:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                digest.update(chunk)
    except OSError as error:
        raise DigestError(f"{shown_name(shown)} can't be read: {error.strerror}") from None
    return str(digest.hexdigest())


def sha256(data: bytes = b"", size: int = 0) -> Any:
    """Return hashlib's object of some bytes; `size` more are to come.

    hashlib loads OpenSSL, which takes a fifth of the time that Python needs to start and is worth it from a megabyte on.
    """
    if len(data) + size < _CHUNK:
        try:
            if sys.version_info >= (3, 12):
                from _sha2 import sha256 as own
            else:
                from _sha256 import sha256 as own  # type: ignore[import-not-found]
            return own(data)
        except ImportError:
            pass  # an interpreter may be built without them
    import hashlib

    return hashlib.sha256(data)


def shown_name(name: str) -> str:
    """Return a name fit for a message: one printable line."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name)[:200]


# --- mlcc.runtime.addresses ---------------------------------------------------------------------------------
# Artifacts that lie at an address of a store (`s3://BUCKET/PATH`), and that no node passes on.
#
# `.mlcc/objects.py` reads them; it is there where a spec names such an address. Standard library only: bundled into the
# emitted scripts.

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


# --- mlcc.runtime.platform ----------------------------------------------------------------------------------
# What the runtime asks of a CI system. Each back end has a module that answers.
#
# Standard library only: bundled into the emitted script.

SECRET = "MLCC_SECRET_"  # noqa: S105 - a prefix of variable names
VARIABLE = "MLCC_VAR_"
REFUSED = "refused"  # the result of a node that people didn't let start


class Facts(NamedTuple):
    """What started the run, as the CI system tells it.

    `event` is push, pull_request, tag, schedule, manual or dispatch. `branch` of a pull request is the one
    it goes to. `hint` tells triggers of one kind apart: the schedule or its cron line, the form,
    the dispatch type.
    `base` and `head` are commits of a pull request. `fork` is True unless the system says it isn't one.
    `unasked`: the system starts runs for every branch, tag and pull request, so that the spec's triggers must be
    looked up here.
    """

    event: str
    commit: str
    branch: str = ""
    tag: str = ""
    hint: str = ""
    inputs: dict[str, str] = {}  # noqa: RUF012 - a default that nothing writes to
    fork: bool = False
    base: str = ""
    head: str = ""
    pull_request: str = ""
    repository: str = ""
    run_id: str = ""
    run_number: str = ""
    run_url: str = ""
    unasked: bool = False


class Platform(Protocol):
    """A CI system.

    `raw_exit`: a non-blocking node may exit with its own code when it fails; else its failure is only shown.
    `skip_exit`: the exit status that the system takes for a skip.
    `builder`: what usually builds images there.
    `waits`: the system itself waits between two polls of a remote job, without a machine, and starts the node again.
    """

    raw_exit: bool
    skip_exit: int
    waits: bool
    builder: str

    def facts(self) -> Facts:
        """Return what started the run. Raises RunError."""

    def last_green(self, branch: str) -> str | None:
        """Return the newest commit of `branch` whose final node was green; None: unknown."""

    def publish_selection(self, plan: dict[str, Any], record: dict[str, Any]) -> None:
        """Tell the system which nodes it need not start, by the selecting node's record. Raises RunError."""

    def deliver(self, plan: dict[str, Any]) -> None:
        """Put where nodes read it what the system itself hasn't: the selecting node's record, secrets, variables."""

    def put_output(self, name: str, value: str) -> None:
        """Hand a small text to the system's own conditions."""

    def put_summary(self, markdown: str) -> None:
        """Show Markdown on the run's page."""

    def warn(self, message: str) -> None:
        """Show a warning on the run's page."""

    def annotate(self, level: str, title: str, message: str, path: str) -> None:
        """Show an error or a warning beside a file of the repository, where the system has no other way to do so."""

    def forge(self, repository: str) -> tuple[str, str, str]:
        """Return where the run's pull request is: whose interface (github, gitlab), where that begins, the project there.

        A system that only knows the address of the request's page returns ("", address, ""). Raises RunError.
        """

    def registry_login(self, host: str) -> tuple[str, str] | None:
        """Return the user and the password that the system has for its own registry of images; None: it is another's."""

    def id_token(self, audience: str) -> str:
        """Return an OpenID Connect token. Raises RunError."""

    def results(self) -> dict[str, Any]:
        """Return node -> how the system itself says it ended, for the final node; REFUSED: nobody let it start."""

    def approval_problem(self) -> str:
        """Say why a person hasn't approved this node, where one had to; empty: one has, or the system itself asks."""

    def was_cancelled(self, node: str) -> bool:
        """Tell a rollback's node whether the system says of one before it that it was cancelled. Unknown: it wasn't."""


# --- mlcc.strict_json ---------------------------------------------------------------------------------------
# Strict reading of JSON: what two parsers could understand differently is refused.
#
# Standard library only: bundled into the emitted scripts.

MAX_DEPTH = 64
_MAX_DIGITS = 40
_MAX_INTEGER_DIGITS = 19
_MOST_SHOWN = 80  # letters of a key in a message


class JsonError(Exception):
    """Text that isn't strict JSON. The message goes on from the name of its source: "is not JSON: …"."""


def strict_json(text: str, *, finite: bool = True) -> object:
    """Return the value of JSON text. `finite`: NaN and infinity are refused too, rather than returned.

    Raises JsonError for a duplicate key, NaN, Infinity, a number that overflows or has over 40 digits (an integer: over
    19), and nesting deeper than 64. The message may hold letters of the text.
    """
    try:
        value = _scanned(text, _Hooks(finite))
    except ValueError as error:
        place = f"line {error.lineno}, column {error.colno}"  # type: ignore[attr-defined]  # a JSONDecodeError
        raise JsonError(f"is not JSON: {error.msg} at {place}") from None  # type: ignore[attr-defined]
    except RecursionError:
        raise JsonError("is nested too deeply") from None
    _check_depth(value)
    return value


class _Hooks:
    """What becomes of the parts of JSON text, by the names that `json.loads` has for them."""

    # What the scanner asks of a decoder besides.
    strict = True
    object_hook = None
    array_hook = None

    def __init__(self, finite: bool) -> None:
        self.object_pairs_hook = _json_object
        self.parse_int = _json_integer
        self.parse_float = _json_real if finite else float
        self.parse_constant = _json_constant if finite else float


def _scanned(text: str, hooks: _Hooks) -> object:
    """Return what `json.loads` does. Raises its JSONDecodeError.

    Its scanner, which is C, is asked first, without the modules around it: they import re, which would take longer than
    all else that a small gate does. Where that is no whole value, or no such scanner, json.loads itself decides and
    finds the words.
    """
    whole = text.strip(" \t\n\r")
    try:
        from _json import make_scanner

        value, end = make_scanner(hooks)(whole, 0)  # type: ignore[arg-type]  # it only reads attributes
        if end == len(whole):
            return value
    except (ImportError, AttributeError, TypeError, StopIteration, ValueError):
        pass
    import json

    return json.loads(text, **vars(hooks))


def _json_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        shown = twice if len(twice) <= _MOST_SHOWN else twice[:_MOST_SHOWN] + "…"
        raise JsonError(f"is not strict JSON: the key {shown} occurs twice")
    return found


def _json_integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_INTEGER_DIGITS:
        raise JsonError(f"is not strict JSON: an integer has over {_MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _json_real(digits: str) -> float:
    value = float(digits) if len(digits) <= _MAX_DIGITS else float("nan")
    if not isfinite(value):
        raise JsonError("is not strict JSON: a number is too large or has too many digits")
    return value


def _json_constant(name: str) -> object:
    raise JsonError(f"is not strict JSON: {name} is no JSON number")


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise JsonError(f"is nested deeper than {MAX_DEPTH} levels")


# --- mlcc.runtime.records -----------------------------------------------------------------------------------
# The files that nodes leave for one another under `_mlcc/`, and how they are read and written.
#
#     _mlcc/s--NODE[--LEG]/state.json     how it ended, what it took and wrote (by digest), its small values
#     _mlcc/s--GATE[--LEG]/verdict.json   what a gate found
#     _mlcc/d--NODE[--LEG]/ARTIFACT/      the bytes that it wrote
#     _mlcc/r--NODE[--LEG]/               reports for people
#     _mlcc/s--select/selection.json      what the event selects
#
# Standard library only: bundled into the emitted script.

ROOT = Path("_mlcc")
REPORTS_SHOWN = "reports.md"  # beside a state: what the reports say, for the summary
MAX_RECORD = 16 * 1024 * 1024  # bytes; a record is small, and what is larger isn't one


class RunError(Exception):
    """The node can't do its work; the message is for people."""


def state_folder(node: str, leg: str = "") -> Path:
    """Return where a node leaves its state and verdict."""
    return ROOT / f"s--{_instance(node, leg)}"


def data_folder(node: str, leg: str = "") -> Path:
    """Return where a node leaves the bytes of what it wrote."""
    return ROOT / f"d--{_instance(node, leg)}"


def report_folder(node: str, leg: str = "") -> Path:
    """Return where a node leaves its reports."""
    return ROOT / f"r--{_instance(node, leg)}"


def _instance(node: str, leg: str) -> str:
    return f"{node}--{leg}" if leg else node


def read_value(path: Path) -> Any:
    """Return the JSON value in `path`; None when there is no such file. Raises RunError when it isn't one."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_RECORD:
            raise RunError(f"{path} is no file, or too large to be a record")
        return strict_json(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except JsonError as problem:
        raise RunError(f"{path} {problem}") from None
    except (OSError, ValueError) as problem:
        raise RunError(f"{path} can't be read: {problem}") from None


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in `path`; None when there is no such file. Raises RunError when it isn't one."""
    value = read_value(path)
    if not isinstance(value, dict) and (value is not None or path.exists()):
        raise RunError(f"{path} isn't a record")
    return value


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON object whole or not at all."""
    write_text(path, json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".new")
    with scratch.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def read_plan() -> dict[str, Any]:
    """Return the compiled plan beside this script."""
    found = read_record(Path(".mlcc") / "plan.json")
    if found is None:
        raise RunError(
            "there is no .mlcc/plan.json here: run this in the folder of the spec, after `mlcc compile`"
        )
    return found


def read_selection(facts: Facts) -> dict[str, Any]:
    """Return what the selecting node of this run decided. Raises RunError when it is missing, broken or stale."""
    path = state_folder("select") / "selection.json"
    found = read_record(path)
    if found is None:
        raise RunError("the selecting node left no selection")
    texts = [found.get(key) for key in ("commit", "base_commit")]
    tables = [found.get(key) for key in ("reasons", "inputs", "facts")]
    waiting = found.get("by_verdict")
    whole = (
        all(isinstance(text, str) for text in texts)
        and all(is_texts(table) for table in tables)
        and is_list_of_texts(found.get("selected"))
        and isinstance(waiting, dict)
        and all(is_list_of_texts(verdicts) for verdicts in waiting.values())
    )
    if not whole or not found["commit"] or "run_id" not in found["facts"]:
        raise RunError(f"{path} isn't a whole selection")
    if (found["commit"], found["facts"]["run_id"]) != (facts.commit, facts.run_id):
        raise RunError("the selection is of another commit or run")
    return found


def is_texts(value: Any) -> bool:
    """Tell whether a JSON value is an object of texts."""
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def is_list_of_texts(value: Any) -> bool:
    """Tell whether a JSON value is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def origin(selection: dict[str, Any], node: str, leg: str) -> dict[str, str]:
    """Return what says whose state a state is: anything else is stale, or somebody else's."""
    return {"node": node, "leg": leg, "commit": selection["commit"], "run": selection["facts"]["run_id"]}


def legs_of(node: dict[str, Any]) -> list[str]:
    """Return the ids of a node's legs; a node without matrix has one, without a name."""
    return list(node.get("legs", {"": {}}))


def waivers_of(plan: dict[str, Any], platform: str) -> dict[str, dict[str, str]]:
    """Return what the spec bears of a CI system's losses: feature -> reason and last day."""
    found: dict[str, dict[str, str]] = plan.get("waivers", {}).get(platform, {})
    return found


# --- mlcc.runtime.decide ------------------------------------------------------------------------------------
# Whether a selected node runs, by how the nodes before it ended (S4, S12).
#
# Standard library only: bundled into the emitted script. `mlcc.semantics` is the reference it is tested against.

ENDS = ("passed", "failed", "skipped")
UNAPPROVED = "nobody approved it: it was refused, or its time to wait was over"
UNSHOWN = ", as where nobody approved it"  # of a called workflow, a system shows only how all of it ended
RANKS = ("", "pass", "inconclusive", "fail", "error")  # verdicts, from best to worst


class Ending(NamedTuple):
    """How a node ended: passed, failed, skipped, or lost (it left no state)."""

    end: str
    verdict: str = ""
    cause: str = ""


def read_states(id: str, node: dict[str, Any], selection: dict[str, Any]) -> list[dict[str, Any] | None]:
    """Return the state of each leg; None for a leg that left none. Raises RunError on one that isn't this run's."""
    states = []
    for leg in legs_of(node):
        state = read_record(state_folder(id, leg) / "state.json")
        if state is not None:
            _check_state(state, id, origin(selection, id, leg))
        states.append(state)
    return states


def _check_state(state: dict[str, Any], id: str, expected: dict[str, str]) -> None:
    if any(state.get(key) != value for key, value in expected.items()):
        raise RunError(f"the state of '{id}' is of another commit, run or node")
    whole = (
        state.get("end") in ENDS
        and state.get("verdict") in RANKS
        and isinstance(state.get("cause"), str)
        and all(is_texts(state.get(key)) for key in ("inputs", "outputs", "values"))
    )
    if not whole:
        raise RunError(f"the state of '{id}' isn't whole")


def ending(id: str, node: dict[str, Any], selection: dict[str, Any]) -> Ending:
    """Return how a node ended over all of its legs (S9): its verdict is the worst of theirs."""
    states = read_states(id, node, selection)
    there = [state for state in states if state is not None]
    ends = {state["end"] for state in there}
    if not there:
        return Ending("lost", cause="it left no state" + (UNSHOWN if node.get("approval") else ""))
    if len(there) < len(states):
        return Ending("failed", "error", "a leg left no state")
    if ends == {"skipped"}:
        return Ending("skipped", cause=there[0]["cause"])
    verdict = max((state["verdict"] for state in there), key=RANKS.index)
    if ends == {"passed"}:
        return Ending("passed", verdict)
    causes = [state["cause"] for state in there if state["end"] == "failed"]
    return Ending("failed", verdict, causes[0] if causes else "some of its legs were skipped")


def read_verdict(id: str, leg: str) -> dict[str, Any] | None:
    """Return what a leg of a gate found; None where it left no verdict. Raises RunError on one that isn't its own."""
    found = read_record(state_folder(id, leg) / "verdict.json")
    if found is not None and found.get("gate") != id:
        raise RunError(f"the verdict beside the state of '{id}' is of another gate")
    return found


def verdict_problem(id: str, node: dict[str, Any], selection: dict[str, Any]) -> str:
    """Say why the verdicts of a gate can't be believed; empty: they can, or its state can't (see `found_ending`)."""
    try:
        for leg, state in zip(legs_of(node), read_states(id, node, selection)):  # noqa: B905 - Python 3.8
            if state is None:
                continue
            found = read_verdict(id, leg)
            if state["end"] == "passed" and (found or {}).get("verdict") != state["verdict"]:
                return (
                    "it passed, and its verdict says something else"
                    if found
                    else "it passed without a verdict"
                )
    except RunError as problem:
        return str(problem)
    return ""


def found_ending(id: str, node: dict[str, Any], selection: dict[str, Any]) -> Ending:
    """Return how a node ended; a state that can't be believed is none."""
    try:
        return ending(id, node, selection)
    except RunError as problem:
        return Ending("lost", "error", str(problem))


def settle(
    ids: Iterable[str], plan: dict[str, Any], selection: dict[str, Any], refused: Collection[str] = ()
) -> dict[str, Ending]:
    """Return how the selected nodes among `ids` ended. `ids` has every node before each of its nodes, and first.

    A node without a state never started: it is skipped where S4 says so, or people `refused` it, else lost.
    """
    endings: dict[str, Ending] = {}
    for id in ids:
        if id not in selection["selected"]:
            continue
        found = found_ending(id, plan["nodes"][id], selection)
        if found.end == "lost" and not found.verdict:  # with a verdict there was a state, and it is broken
            cause = UNAPPROVED if id in refused else skip_cause(id, plan, selection, endings)
            found = found if cause is None else Ending("skipped", cause=cause)
        endings[id] = found
    return endings


def endings_before(id: str, plan: dict[str, Any], selection: dict[str, Any]) -> dict[str, Ending]:
    """Return how the selected nodes ended that decide whether `id` runs."""
    node = plan["nodes"][id]
    if node.get("status") in ("failure", "rollback"):
        return settle(ancestors(id, plan), plan, selection)
    before = dict.fromkeys(other for other, _ in node["before"] if other in selection["selected"])
    return {other: found_ending(other, plan["nodes"][other], selection) for other in before}


def skip_cause(
    id: str, plan: dict[str, Any], selection: dict[str, Any], endings: dict[str, Ending]
) -> str | None:
    """Say why a selected node must not run; None: it runs. `endings` has the selected nodes before it."""
    node = plan["nodes"][id]
    status = node.get("status")
    if status == "always":
        return None
    if status == "failure":
        before = [other for other in ancestors(id, plan) if other in endings]
        failed = any(endings[o].end in ("failed", "lost") and _blocks(plan, o) for o in before)
        return None if failed else "nothing before it failed"
    if status == "rollback":
        return _kept({endings[o].end for o in steps_of_release(node) if o in endings})
    for other, kind in node["before"]:
        if other not in selection["selected"]:
            if kind in ("data", "guard"):  # selecting pulls these in: without them nothing may run
                return f"'{other}' isn't selected"
            continue
        cause = _edge_problem(id, other, kind, plan, selection, endings[other])
        if cause:
            return cause
    return None


def steps_of_release(node: dict[str, Any]) -> list[str]:
    """Return the steps that a rollback's node undoes: all that it follows, but for what its variables come from."""
    return [other for other, kind in node["before"] if kind == "order"]


def _kept(ends: set[str]) -> str | None:
    """Say why what was released stays, by how the steps of the release ended; None: it is rolled back (S11)."""
    if ends <= {"skipped"}:
        return "nothing was released"
    return "the release passed" if ends == {"passed"} else None


def _blocks(plan: dict[str, Any], id: str) -> bool:
    return bool(plan["nodes"][id].get("blocking", True))


def _edge_problem(
    id: str, other: str, kind: str, plan: dict[str, Any], selection: dict[str, Any], found: Ending
) -> str:
    """Say why an edge keeps a node from running; empty: it doesn't."""
    if kind == "verdict" and id not in selection["by_verdict"]:
        return ""
    if found.end == "skipped":
        return f"'{other}' was skipped"
    if found.end == "lost":
        return f"'{other}': {found.cause}"
    if kind == "verdict":
        wanted = selection["by_verdict"][id]
        return (
            ""
            if found.verdict in wanted
            else f"the verdict of '{other}' is {found.verdict}, not {' or '.join(wanted)}"
        )
    if found.end == "failed" and (kind == "data" or _blocks(plan, other)):
        return f"'{other}' failed"
    return ""


def ancestors(id: str, plan: dict[str, Any]) -> list[str]:
    """Return every node before `id`, directly or not, in the plan's order."""
    found = {id}
    for other in reversed(list(plan["nodes"])):
        if other in found:
            found.update(before for before, _ in plan["nodes"][other]["before"])
    return [other for other in plan["nodes"] if other in found and other != id]


def denied(id: str, plan: dict[str, Any], selection: dict[str, Any], found: Ending) -> list[str]:
    """Return the selected nodes that `id`, having ended so, keeps from running where its own failure doesn't show."""
    after = []
    for other, node in plan["nodes"].items():
        if other in selection["selected"]:
            kinds = [kind for before, kind in node["before"] if before == id]
            if any(_edge_problem(other, id, kind, plan, selection, found) for kind in kinds):
                after.append(other)
    return after


# --- mlcc.runtime.patterns ----------------------------------------------------------------------------------
# Patterns of paths, branches and tags. One definition for the compiler and for the emitted scripts.
#
# Matching takes time in proportion to the pattern and the name: a regular expression with many wildcards could be
# made to take for ever by whoever writes the spec or names a file.
# Standard library only: bundled into the emitted script.

# No re and no functools: a gate that judges two numbers would take longer to import them than for all else.
STAR, DEEP, FOLDERS, ONE = "*", "**", "**/", "?"
_LONGEST_FIRST = (FOLDERS, DEEP, STAR, ONE)
_MOST_MACHINES = 4096
_MACHINES: dict[tuple[str, bool], Machine] = {}


def path_matches(pattern: str, path: str) -> bool:
    """Tell whether a changed path belongs to a pattern.

    `src/` is everything below; `a.csv` is that file, or everything below a folder of that name; `*` and `?`
    stay within one part of the path, `**` crosses parts, and a folder that they name counts with all that is in
    it. Both are posix paths relative to the same folder.
    """
    bare = pattern.rstrip("/")
    if not path.startswith(bare.partition(STAR)[0].partition(ONE)[0]):
        return False
    below = _accepts(_machine(bare, below=True), path)
    return below if pattern.endswith("/") else below or name_matches(bare, path)


def name_matches(pattern: str, name: str) -> bool:
    """Tell whether a branch or tag belongs to a pattern: `*` doesn't cross `/`, `**` does."""
    return _accepts(_machine(pattern), name)


def _accepts(machine: Machine, name: str) -> bool:
    states = machine.arrive(1)
    for char in name:
        states = machine.step(states, char)
        if not states:
            return False
    return bool(states & machine.end)


def tokens_of(pattern: str) -> list[str]:
    """Return a pattern as wildcards and single characters. `**/` is any number of folders, also none."""
    tokens: list[str] = []
    start = 0
    while start < len(pattern):
        tokens.append(next((w for w in _LONGEST_FIRST if pattern.startswith(w, start)), pattern[start]))
        start += len(tokens[-1])
        if len(tokens) > 1 and tokens[-2] in (DEEP, FOLDERS) and tokens[-1] in (STAR, DEEP, FOLDERS):
            last = tokens.pop()
            if tokens[-1] == FOLDERS and last == STAR:
                tokens.append(last)
            elif last == DEEP:
                tokens[-1] = DEEP  # what crosses parts takes in its neighbours
    return tokens


class Machine:
    """A pattern as an automaton. A set of states is an integer: bit n says that n tokens are done with."""

    def __init__(self, tokens: list[str]) -> None:
        self.end = 1 << len(tokens)
        self._at: dict[str, int] = {}
        for number, token in enumerate(tokens):
            self._at[token] = self._at.get(token, 0) | 1 << number
        self._star, self._deep = self._at.pop(STAR, 0), self._at.pop(DEEP, 0)
        self._folders, self._one = self._at.pop(FOLDERS, 0), self._at.pop(ONE, 0)

    def arrive(self, states: int) -> int:
        """Return the states that are reached without a further character: wildcards may stand for nothing."""
        for _ in range(2):  # no more than two such wildcards stand side by side
            states |= (states & (self._star | self._deep | self._folders)) << 1
        return states

    def step(self, states: int, char: str) -> int:
        """Return the states after a character."""
        inside = states & self._folders  # within a folder's name the next token can't begin
        entered = (states & self._at.get(char, 0)) << 1 | states & self._deep
        if char == "/":
            entered |= inside << 1
        else:
            entered |= (states & self._one) << 1 | states & self._star
        return self.arrive(entered) | inside


def _machine(pattern: str, below: bool = False) -> Machine:
    """Return a pattern's automaton, made once: a pattern meets many names."""
    if len(_MACHINES) >= _MOST_MACHINES:
        _MACHINES.clear()
    found = _MACHINES.get((pattern, below))
    if found is None:
        found = Machine([*tokens_of(pattern), "/", DEEP] if below else tokens_of(pattern))
        _MACHINES[pattern, below] = found
    return found


def from_root_of(home: str, pattern: str) -> str:
    """Return a source of a node as a pattern from the repository's root. `home` is the project's folder with a '/'."""
    return pattern[2:] if pattern.startswith("//") else home + pattern


# --- mlcc.runtime.digest ------------------------------------------------------------------------------------
# SHA-256 digests of artifacts: what a gate judged is what its readers get, byte for byte.
#
# A file's digest is the sha256 of its bytes. The digest of a folder, or of a set of committed paths, is the
# sha256 of the sorted lines `<hex>  <path>\n`, one a file, with the path relative and with `/`; in a shell:
# `find . -type f -printf '%P\n' | xargs -d '\n' sha256sum | LC_ALL=C sort | sha256sum`.

_SIGNS_OF_PATTERNS = frozenset("*?")
_GENERATED_FOLDERS = frozenset((".git", "__pycache__", "_mlcc"))


def artifact_digest(path: str | Sequence[str], root: str = ".") -> str:
    """Return the digest of an artifact as the plan locates it.

    A list of paths is digested by `paths_digest`, a path that ends in `/` by `tree_digest`, a table's name
    (`ENGINE://SCHEMA.TABLE`) by `table_digest`, any other by `file_digest`. Raises DigestError.
    """
    if not isinstance(path, str):
        return paths_digest(path, root)
    if "://" in path:
        return table_digest(path)
    place = os.path.join(root, path)
    return tree_digest(place) if path.endswith("/") else file_digest(place)


def table_digest(name: str) -> str:
    """Return `table:<hex>`, the sha256 of a table's name: what tells tables apart, and not what is in them.

    Of a table as of a moment, the name says so (see mlcc.runtime.moments).
    """
    return f"table:{sha256(name.encode('utf-8')).hexdigest()}"


def tree_digest(folder: str | os.PathLike[str]) -> str:
    """Return `sha256:<hex>` of all files below a folder. Raises DigestError, as `tree_lines` does."""
    return f"sha256:{sha256(tree_lines(folder).encode('utf-8')).hexdigest()}"


def tree_lines(folder: str | os.PathLike[str]) -> str:
    """Return the lines that the digest of a folder is of: the sha256 and the path of each file, sorted.

    Raises DigestError for a missing or empty folder, a symlink anywhere, a device, an unreadable file, and a
    file name that could not be told apart in the lines.
    """
    top = os.fspath(folder).rstrip("/") or "/"
    if os.path.islink(top) or not os.path.isdir(top):
        raise DigestError(f"{shown_name(top)} is not a folder")
    return _digest_lines(top, _walk(top, ""))


def paths_digest(paths: Iterable[str], root: str | os.PathLike[str]) -> str:
    """Return `sha256:<hex>` of the files that `paths` name. Raises DigestError, as `files_of` does."""
    lines = _digest_lines(os.fspath(root), files_of(paths, root))
    return f"sha256:{sha256(lines.encode('utf-8')).hexdigest()}"


def files_of(paths: Iterable[str], root: str | os.PathLike[str] = ".") -> set[str]:
    """Return the committed files that `paths` name, relative to `root`.

    A path names what `path_matches` says: a file, a folder with all below it, or both through wildcards. In a
    git work tree only tracked files count, so that build products don't; elsewhere all files but `.git`,
    `_mlcc`, `__pycache__` and `*.pyc`. Raises DigestError, also for a path that names no file.
    """
    top = os.fspath(root)
    tracked = _tracked(top)
    chosen: set[str] = set()
    for path in paths:
        if not path.strip("/"):
            raise DigestError("a path is empty")
        names = tracked if tracked is not None else _candidates(top, path)
        found = [name for name in names if path_matches(path, name)]
        if not found:
            what = "file" if tracked is None else "committed file"
            raise DigestError(f"{shown_name(path)} names no {what}")
        chosen.update(found)
    return chosen


def _digest_lines(top: str, relative: Iterable[str]) -> str:
    lines = []
    for name in relative:
        if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name):
            raise DigestError(f"the file name {shown_name(name)} is not plain UTF-8 on one line")
        lines.append(f"{hex_digest(os.path.join(top, name), name)}  {name}\n")
    if not lines:
        raise DigestError(f"{shown_name(top)} holds no file")
    return "".join(sorted(lines))


def _walk(top: str, below: str, skip: frozenset[str] = frozenset()) -> list[str]:
    """Return what is no folder below a folder, relative to `top`; folders named in `skip` are left out.

    Symlinks are returned, not followed: digesting them is what fails.
    """
    found: list[str] = []
    pending = [below]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(os.path.join(top, folder)))
        except OSError as error:
            raise DigestError(f"{shown_name(folder or top)} can't be read: {error.strerror}") from None
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if not entry.is_dir(follow_symlinks=False):
                found.append(name)
            elif entry.name not in skip:
                pending.append(name)
    return found


def _candidates(top: str, path: str) -> list[str]:
    """Return the files that a path could name, outside git: those below its part without wildcards."""
    parts = path.rstrip("/").split("/")
    fixed = next((i for i, part in enumerate(parts) if _SIGNS_OF_PATTERNS & set(part)), len(parts))
    base = "/".join(parts[:fixed])
    for i in range(1, fixed + 1):
        folder = "/".join(parts[:i])
        if os.path.islink(os.path.join(top, folder)):
            raise DigestError(f"{shown_name(folder)} is a symlink")
    place = os.path.join(top, base)
    if base and not os.path.isdir(place):
        return [base] if os.path.lexists(place) else []
    return [name for name in _walk(top, base, _GENERATED_FOLDERS) if not name.endswith(".pyc")]


def _tracked(top: str) -> list[str] | None:
    """Return the tracked files below `top`, or None outside a git work tree or without git."""
    import subprocess

    # Neither a hook of the repository nor its owner matters for a listing; both would only make it fail or,
    # worse, run something.
    call = ["git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*", "-C", top]
    call += ["ls-files", "-z", "--cached", "--recurse-submodules"]
    try:
        done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    if done.returncode == 0:
        return sorted({os.fsdecode(name) for name in done.stdout.split(b"\0") if name})
    if _inside_work_tree(top):
        said = shown_name(os.fsdecode(done.stderr.strip()))
        raise DigestError(f"git can't list the committed files: {said}")
    return None


def _inside_work_tree(top: str) -> bool:
    folder = os.path.abspath(top)
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return True


# --- mlcc.runtime.moments -----------------------------------------------------------------------------------
# The one moment of a run, as of which tables are read that know their past.
#
# The selecting node decides it, so that every gate and every reader has the same: whoever is run again, too. Standard library
# only: bundled into the emitted scripts.

def whole_moment(stated: object) -> str:
    """Return a moment if it is one: ISO 8601, to the second, in UTC. Raises DigestError."""
    shape = "".join("0" if c in "0123456789" else c for c in stated) if isinstance(stated, str) else ""
    if not isinstance(stated, str) or shape != "0000-00-00T00:00:00Z":
        raise DigestError("the run has decided no moment as of which tables are read")
    return stated


def as_of(table: str, moment: str) -> str:
    """Return the name of a table as of a moment, which its warehouse answers with the same rows whenever it is asked."""
    return f"{table}@{moment}" if moment else table


def moment_name(id: str) -> str:
    """Return the variable that has the moment for a table."""
    return f"SNAPSHOT_{id.upper().replace('-', '_')}"


def moment_env(
    node: Mapping[str, Any], plan: Mapping[str, Any], selection: Mapping[str, Any]
) -> dict[str, str]:
    """Return variable -> moment for each table that a node takes as of one. Raises DigestError."""
    tables = [id for id in node["takes"] if plan["artifacts"][id].get("snapshot")]
    return {moment_name(id): whole_moment(selection.get("moment")) for id in tables}


# --- mlcc.runtime.store -------------------------------------------------------------------------------------
# The store of a spec: artifacts by digest, and small records by key.
#
#     PREFIX/sha256/ab/abcdef…    the bytes of a file, or what tells a folder's files: the lines that its digest is of
#     PREFIX/remote/…             what was submitted somewhere else
#
# `.mlcc/objects.py` reaches it, with what the node's environment has to log in. Standard library only: bundled into the
# emitted script.

class StoreAccess(NamedTuple):
    """What it takes to reach the store of a plan: a node's environment, and until when (of time.monotonic)."""

    plan: dict[str, Any]
    env: dict[str, str]
    deadline: float
    commit: str = ""  # that is run, and by which run: what a registry is told
    run_id: str = ""

    def move(self, command: str, files: list[list[str]], size: int) -> None:
        """Push or pull files, each a path and the sha256 of its bytes in hex, of `size` bytes together. Raises RunError."""
        sent = json.dumps({"files": files, "size": size}).encode()
        ask_store(command, [], sent, self.plan, self.env, self.deadline - time.monotonic())


_ANSWER = {"read": ("content", "absent"), "write": ("written",), "push": ("moved",), "pull": ("moved",)}


def read_object(key: str, plan: dict[str, Any], env: dict[str, str], seconds: float) -> bytes | None:
    """Return a small object of the store, at most 16 MiB; None: the store has none with this key.

    `env` is the environment of a node that the plan gives the store to: it has what it takes to log in. Raises RunError
    where the store is away, refuses, or takes longer than `seconds`.
    """
    found = ask_store("read", [key], b"", plan, env, seconds)
    if found.get("absent") is True:
        return None
    try:
        return base64.b64decode(str(found.get("content")), validate=True)
    except ValueError:
        raise RunError(
            f"the store {_store_named(plan)} can't be used: {OBJECTS_SCRIPT} gave no content"
        ) from None


def write_object(key: str, content: bytes, plan: dict[str, Any], env: dict[str, str], seconds: float) -> None:
    """Write a small object of the store, whole or not at all, over the one that has the key. As `read_object` otherwise."""
    ask_store("write", [key], content, plan, env, seconds)


def ask_store(
    command: str, words: list[str], sent: bytes, plan: dict[str, Any], env: dict[str, str], seconds: float
) -> dict[str, Any]:
    """Return what `.mlcc/objects.py` answers, given `sent` to read. Raises RunError within `seconds`."""
    where = f"the store {_store_named(plan)} can't be used"
    found = ask_script(OBJECTS_SCRIPT, [command, plan["store"], *words], sent, env, seconds, where)
    if not any(name in found for name in _ANSWER[command]):
        raise RunError(f"{where}: the answer of {OBJECTS_SCRIPT} isn't whole")
    return found


def ask_script(
    script: str, words: list[str], sent: bytes, env: dict[str, str], seconds: float, where: str
) -> dict[str, Any]:
    """Return what an emitted script answers, given `sent` to read, within `seconds`.

    Raises RunError, which begins with `where`.
    """
    if not os.path.isfile(script):  # noqa: PTH113
        raise RunError(f"{where}: {script} is missing, which `mlcc compile` writes")
    call = [sys.executable, "-I", script, *words]
    try:
        done = subprocess.run(
            call, env=env, input=sent, timeout=max(seconds, 1.0), capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise RunError(f"{where}: it took over {seconds:.0f} s") from None
    try:
        found = json.loads(done.stdout)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RunError(f"{where}: {script} ended with {done.returncode} and no answer")
    if done.returncode != 0 or "error" in found:
        raise RunError(f"{where}: {shown_name(str(found.get('error', 'no reason is known')))}")
    return found


def _store_named(plan: dict[str, Any]) -> str:
    return shown_name(str(plan["store"]))


# --- mlcc.runtime.registered --------------------------------------------------------------------------------
# Artifacts that are versions of registered models: a job registers what it wrote, and the version's number travels.
#
# `.mlcc/registry.py` reaches the registry, with what the node's environment has to log in. Standard library only: bundled into the
# emitted script.

REGISTRY_SCRIPT = ".mlcc/registry.py"
VERSION_FILE = "version.json"


def is_registered(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether a job registers an artifact, and its readers fetch it by its version."""
    artifact = plan["artifacts"][id]
    return "registry" in artifact and plan["nodes"][artifact["writer"]]["kind"] != "fetch"


def put_registered(id: str, digest: str, source: Path, folder: Path, access: StoreAccess) -> None:
    """Register a file or a folder, and leave its handle in a folder: the model, its version, its digest.

    A version with the same digest and commit is taken as it is: a node that is run again makes no second one. Raises RunError.
    """
    model = access.plan["artifacts"][id]["registry"]
    tags = {
        "mlcc.digest": digest,
        "mlcc.commit": access.commit,
        "mlcc.run": access.run_id,
        "mlcc.pipeline": access.plan["name"],
    }
    sent = {"experiment": access.plan["name"], "tags": tags}
    what = f"'{id}' can't be registered as a version of {model}"
    found = _ask(what, ["register", model, str(source)], sent, access)
    write_record(folder / VERSION_FILE, {"model": model, "version": str(found["version"]), "digest": digest})


def get_registered(id: str, digest: str, where: Path, folder: Path, form: str, access: StoreAccess) -> None:
    """Fetch an artifact to `where` by the handle that its writer left in a folder; `digest` is what the writer says.

    Raises RunError for any other bytes.
    """
    handle = _handle(id, folder)
    if handle["digest"] != digest:
        raise RunError(
            f"'{id}' has a handle of other bytes than were written: {handle['digest']} instead of {digest}"
        )
    target = f"{where}/" if form == "folder" else str(where)
    model = access.plan["artifacts"][id]["registry"]
    what = f"'{id}' as {digest}, registered as version {handle['version']} of {model}, can't be fetched"
    _ask(what, ["fetch", model, handle["version"], target, digest], {}, access)


def published_versions(node_id: str, leg: str, node: dict[str, Any], plan: dict[str, Any]) -> dict[str, str]:
    """Return variable -> version's number of what a node has registered. Raises RunError."""
    registered = [id for id in node.get("writes", []) if is_registered(id, plan)]
    return {version_name(id): _handle(id, data_folder(node_id, leg) / id)["version"] for id in registered}


def versions_taken(node: dict[str, Any], plan: dict[str, Any], selection: dict[str, Any]) -> dict[str, str]:
    """Return variable -> version's number of each registered model that a node takes. Raises RunError."""
    found = {}
    for id in node["takes"]:
        if "registry" in plan["artifacts"][id]:
            writer = plan["artifacts"][id]["writer"]
            (state,) = read_states(writer, plan["nodes"][writer], selection)
            name = version_name(id)
            if state is None or name not in state["values"]:
                raise RunError(f"'{writer}' left no version of '{id}'")
            found[name] = str(state["values"][name])
    return found


def version_name(id: str) -> str:
    """Return the variable that has the number of an artifact's version."""
    return f"VERSION_{id.upper().replace('-', '_')}"


def _handle(id: str, folder: Path) -> dict[str, str]:
    handle = read_record(folder / VERSION_FILE)
    texts = handle is not None and all(type(handle.get(key)) is str for key in ("model", "version", "digest"))
    if handle is None or not texts or not handle["version"].isdecimal():
        raise RunError(f"'{id}' has no handle of a version, or one that isn't whole")
    return handle


def _ask(what: str, words: list[str], sent: dict[str, Any], access: StoreAccess) -> dict[str, Any]:
    seconds = access.deadline - time.monotonic()
    found = ask_script(REGISTRY_SCRIPT, words, json.dumps(sent).encode(), access.env, seconds, what)
    if not str(found.get("version")).isdecimal():
        raise RunError(f"{what}: the answer of {REGISTRY_SCRIPT} isn't whole")
    return found


# --- mlcc.runtime.stored ------------------------------------------------------------------------------------
# Artifacts whose bytes the store keeps: nodes pass on a handle, and the bytes are found by its digest.
#
# A file lies in the store by the sha256 of its bytes. A folder lies there as the lines that its digest is of, by that digest, and
# each of its files by its own: equal files are kept once, and a folder can't be changed without another digest.
#
# Standard library only: bundled into the emitted script.

HANDLE = "handle.json"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")


def put_stored(shown: str, digest: str, source: Path, folder: Path, store: StoreAccess) -> None:
    """Bring an artifact into the store, and leave its handle in a folder: where it lies, its digest, its size in bytes.

    `digest` is the one of the file or the folder at `source`. Raises RunError.
    """
    hex = digest[len("sha256:") :]
    if source.is_dir():
        size = _put_folder(shown, hex, source, store)
    else:
        size = source.stat().st_size
        store.move("push", [[str(source), hex]], size)
    uri = f"{store.plan['store'].rstrip('/')}/sha256/{hex[:2]}/{hex}"
    write_record(folder / HANDLE, {"uri": uri, "digest": digest, "size": size})


def _put_folder(shown: str, hex: str, source: Path, store: StoreAccess) -> int:
    """Push a folder's files and then, since whoever finds them looks for the files, its lines. Returns its bytes."""
    try:
        lines = tree_lines(source)
        files = [[str(source / path), found] for found, path in _listed_files(shown, lines)]
        size = sum(Path(path).stat().st_size for path, _ in files)
    except (DigestError, OSError) as problem:
        raise RunError(f"{shown} can't be stored: {problem}") from None
    store.move("push", files, size)
    with tempfile.TemporaryDirectory(prefix="mlcc-") as private:
        listed = Path(private) / "lines"
        listed.write_bytes(lines.encode("utf-8"))
        store.move("push", [[str(listed), hex]], 0)
    return size


def get_stored(shown: str, digest: str, where: Path, folder: Path, form: str, store: StoreAccess) -> None:
    """Fetch an artifact from the store to `where`, by the handle that its writer left in a folder.

    `digest` is what the writer says that it wrote, `form` file or folder. Raises RunError for any other bytes.
    """
    handle = read_handle(shown, folder)
    if handle["digest"] != digest:
        raise RunError(
            f"{shown}, has other bytes than it wrote: its handle is of {handle['digest']} instead of {digest}"
        )
    get_stored_by(shown, handle, where, form, store)


def get_stored_by(shown: str, handle: dict[str, Any], where: Path, form: str, store: StoreAccess) -> None:
    """Fetch an artifact from the store to `where`, by its handle. `form` is file or folder. Raises RunError."""
    digest = handle["digest"]
    try:
        _get(shown, digest, where, form, handle["size"], store)
    except RunError as problem:
        raise RunError(f"{shown} as {digest}, can't be fetched: {problem}") from None
    except OSError as problem:
        raise RunError(f"{shown}, can't be written here: {problem.strerror}") from None


def read_handle(shown: str, folder: Path) -> dict[str, Any]:
    """Return a whole handle. Raises RunError."""
    handle = read_record(folder / HANDLE)
    if handle is None:
        raise RunError(f"{shown}, left no handle")
    return whole_handle(shown, handle)


def whole_handle(shown: str, handle: Any) -> dict[str, Any]:
    """Return a JSON value if it is a handle: address, digest, and size in bytes. Raises RunError."""
    if (
        not isinstance(handle, dict)
        or not isinstance(handle.get("uri"), str)
        or not isinstance(handle.get("digest"), str)
        or not _DIGEST.fullmatch(handle["digest"])
        or type(handle.get("size")) is not int
        or handle["size"] < 0
    ):
        raise RunError(f"{shown}, has a handle that isn't whole")
    return handle


def _get(shown: str, digest: str, where: Path, form: str, size: int, store: StoreAccess) -> None:
    hex = digest[len("sha256:") :]
    if form == "file":
        return store.move("pull", [[str(where), hex]], size)
    with tempfile.TemporaryDirectory(prefix="mlcc-") as private:
        listed = Path(private) / "lines"
        store.move("pull", [[str(listed), hex]], 0)
        lines = listed.read_bytes().decode("utf-8", "replace")
    return store.move(
        "pull", [[str(where / path), found] for found, path in _listed_files(shown, lines)], size
    )


def _listed_files(shown: str, lines: str) -> list[tuple[str, str]]:
    """Return (sha256, path) of each line. Raises RunError where they can't be a folder's."""
    found = [_LINE.fullmatch(line) for line in lines[:-1].split("\n")] if lines.endswith("\n") else []
    files = [(match[1], match[2]) for match in found if match is not None]
    odd = any(part in ("", ".", "..") for _, path in files for part in path.split("/"))
    if not files or len(files) < len(found) or odd or len({path for _, path in files}) < len(files):
        raise RunError(f"{shown}, lies in the store as something that is no folder")
    return files


# --- mlcc.runtime.data --------------------------------------------------------------------------------------
# Moves artifacts between nodes, and refuses bytes that aren't the ones that were written or judged (S2).
#
# Standard library only: bundled into the emitted script.

ABSENT = "none"  # in place of a digest: what `first: none` allows, while no release runs one
_NOTE = "none.json"  # what is passed on instead of it


def location(id: str, artifact: dict[str, Any]) -> str:
    """Return where an artifact lies for who takes it, relative to the project folder."""
    if artifact.get("at_base"):
        return str(ROOT / "base" / id) + "/" + str(artifact["paths"][0])
    return str(artifact["paths"][0])


def digest(id: str, artifact: dict[str, Any], moment: object = None) -> str:
    """Return the digest of an artifact where it lies; `moment` is the run's. Raises RunError when it is missing or empty."""
    where = location(id, artifact)
    try:
        if artifact["form"] == "paths":
            at_base = artifact.get("at_base")
            return (
                tree_digest(ROOT / "base" / id) if at_base else paths_digest(list(artifact["paths"]), Path())
            )
        if artifact["form"] == "table":
            return table_digest(as_of(where, whole_moment(moment)) if artifact.get("snapshot") else where)
        path = Path(where)
        if artifact["form"] == "folder":
            return tree_digest(path)
        if not path.is_file():
            raise RunError(f"the artifact '{id}' isn't there: no file {where}")
        return file_digest(path)
    except (DigestError, OSError) as problem:
        raise RunError(f"the artifact '{id}' can't be read: {problem}") from None


def lies_elsewhere(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether an artifact lies at an address of a store, which only who can log in may read."""
    return is_address(plan["artifacts"][id]["paths"][0])


def is_kept(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether the store or a registry keeps an artifact's bytes, which only who can log in may read."""
    return bool(plan["artifacts"][id].get("stored")) or is_registered(id, plan)


def remote_digests(
    node: dict[str, Any], plan: dict[str, Any], env: dict[str, str], seconds: float
) -> dict[str, str]:
    """Return artifact -> digest of what a node takes from addresses. Raises RunError, after `seconds` at the latest.

    `env` is the node's environment, with which it logs in.
    """
    found = {}
    for id in node["takes"]:
        if lies_elsewhere(id, plan):
            try:
                found[id] = str(objects_at(plan["artifacts"][id]["paths"][0], env, seconds)["digest"])
            except DigestError as problem:
                raise RunError(f"the artifact '{id}' can't be used: {problem}") from None
    return found


def receive(
    id: str, plan: dict[str, Any], selection: dict[str, Any], store: StoreAccess | None = None
) -> str:
    """Put an artifact where its readers expect it, and return its digest. Raises RunError.

    `store` reaches what the store or a registry keeps. ABSENT: its writer had nothing to write, and nothing is there.
    """
    artifact = plan["artifacts"][id]
    writer = artifact.get("writer")
    if writer is not None:
        if artifact.get("first") and _is_absent(id, artifact, plan["nodes"][writer], selection):
            clear(Path(artifact["paths"][0]))
            return ABSENT
        _unpack(id, artifact, plan["nodes"][writer], selection, store)
    elif artifact.get("at_base"):
        _from_base(id, artifact, selection["base_commit"])
    return digest(id, artifact, selection.get("moment"))


def _is_absent(id: str, artifact: dict[str, Any], writer: dict[str, Any], selection: dict[str, Any]) -> bool:
    """Tell whether no leg of the writer had it to write. Raises RunError where only some had."""
    states = [state for state in read_states(artifact["writer"], writer, selection) if state is not None]
    found = {state["end"] == "passed" and state["outputs"].get(id) == ABSENT for state in states}
    if found == {True, False}:
        raise RunError(f"only some legs of '{artifact['writer']}' wrote '{id}'")
    return found == {True}


def _unpack(
    id: str,
    artifact: dict[str, Any],
    writer: dict[str, Any],
    selection: dict[str, Any],
    store: StoreAccess | None,
) -> None:
    """Copy what each leg of the writer published, after checking that these are the bytes that it wrote."""
    target = Path(artifact["paths"][0])
    clear(target)
    name = artifact["writer"]
    states = read_states(name, writer, selection)
    for leg, state in zip(legs_of(writer), states):  # noqa: B905 - strict came with 3.10
        packed = data_folder(name, leg) / id
        if state is None or state["end"] != "passed" or id not in state["outputs"] or not packed.is_dir():
            raise RunError(f"'{name}' published no '{id}'")
        where = target / leg if leg else target
        if store is not None and is_registered(id, store.plan):
            get_registered(id, state["outputs"][id], where, packed, artifact["form"], store)
            continue
        if store is not None:
            get_stored(
                f"'{id}', which '{name}' wrote", state["outputs"][id], where, packed, artifact["form"], store
            )
            continue
        source = packed if artifact["form"] == "folder" else packed / target.name
        try:  # before anything is copied: a digest refuses links, which could lead anywhere
            found = tree_digest(source) if artifact["form"] == "folder" else file_digest(source)
        except DigestError as problem:
            raise RunError(f"'{name}' published no proper '{id}': {problem}") from None
        if found != state["outputs"][id]:
            raise RunError(
                f"'{id}' has other bytes than '{name}' wrote: {found} instead of {state['outputs'][id]}"
            )
        where.parent.mkdir(parents=True, exist_ok=True)
        _copy(source, where)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def clear(path: Path) -> None:
    """Remove what lies at a path, if anything does."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()


def _from_base(id: str, artifact: dict[str, Any], base: str) -> None:
    """Write the version at the base that changes are counted from (S3) below `_mlcc/base/`."""
    if not base:
        raise RunError(f"there is no base version of '{id}' in this run")
    folder = ROOT / "base" / id
    clear(folder)
    # A pattern as git's own would mean another: its `*` crosses folders.
    paths = [
        f":(glob){path}" if artifact["form"] == "paths" else f":(literal){path}" for path in artifact["paths"]
    ]
    packed = subprocess.run(
        ["git", "archive", "--format=tar", base, "--", *paths], capture_output=True, check=False
    )
    if packed.returncode != 0:
        raise RunError(f"the base {base[:12]} has no '{artifact['paths'][0]}'")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        for member in tar.getmembers():
            _extract(tar, member, folder, id)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, id: str) -> None:
    """Write one file of an archive. Raises RunError on what isn't a file or a folder, or lies outside."""
    parts = Path(member.name).parts
    content = tar.extractfile(member) if member.isfile() else None
    if not (content or member.isdir()) or member.name.startswith("/") or ".." in parts:
        raise RunError(f"the base's '{id}' has a link or a path that leads outside")
    if content:
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, target.open("wb") as file:
            shutil.copyfileobj(content, file)


def check_guards(
    id: str, node: dict[str, Any], taken: dict[str, str], plan: dict[str, Any], selection: dict[str, Any]
) -> None:
    """Refuse an artifact whose gates judged other bytes (S2). Raises RunError."""
    for other, kind in node["before"]:
        if kind != "guard" or other not in selection["selected"]:
            continue
        gate = plan["nodes"][other]
        guarded = gate["guards"]
        for state in read_states(other, gate, selection):
            judged = state["inputs"].get(guarded) if state else None
            if guarded in taken and judged != taken[guarded]:
                raise RunError(f"'{other}' judged other bytes of '{guarded}' than '{id}' would read")


def clean_outputs(node: dict[str, Any], plan: dict[str, Any]) -> None:
    """Remove what an earlier attempt may have written, and make the folders that outputs go to."""
    for id in node.get("writes", []):
        artifact = plan["artifacts"][id]
        if artifact["form"] == "image":
            continue  # it never lies here
        target = Path(artifact["paths"][0])
        clear(target)
        (target if artifact["form"] == "folder" else target.parent).mkdir(parents=True, exist_ok=True)


def publish(
    node_id: str, leg: str, node: dict[str, Any], store: StoreAccess, taken: dict[str, str]
) -> dict[str, str]:
    """Put what a node wrote where it is passed on: here, in the store or in a registry. Returns artifact -> digest.

    `taken` are the digests of what it took: where something of that is ABSENT, so may be what it writes with `first: none`.
    Raises RunError.
    """
    plan = store.plan
    folder = data_folder(node_id, leg)
    clear(folder)
    digests: dict[str, str] = {}
    for id in node.get("writes", []):
        artifact = plan["artifacts"][id]
        source = Path(artifact["paths"][0])
        if artifact.get("first") and ABSENT in taken.values() and not _anything_at(source):
            digests[id] = ABSENT
            write_record(folder / id / _NOTE, {"first": "none"})
            continue
        digests[id] = digest(id, artifact)
        if artifact["form"] == "file" and source.stat().st_size == 0:
            raise RunError(f"'{id}' was written empty")
        if artifact.get("stored"):
            put_stored(f"'{id}'", digests[id], source, folder / id, store)
            continue
        if is_registered(id, plan):
            put_registered(id, digests[id], source, folder / id, store)
            continue
        target = folder / id if artifact["form"] == "folder" else folder / id / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(source, target)
    return digests


def _anything_at(path: Path) -> bool:
    """Tell whether a command wrote anything to a path: the folder for it is made beforehand."""
    return any(path.iterdir()) if path.is_dir() else path.is_symlink() or path.exists()


# --- mlcc.runtime.web ---------------------------------------------------------------------------------------
# Asks the CI system's web interface a question. Standard library only: bundled into the emitted script.

NETWORK_SECONDS = 20
MAX_ANSWER = 4_000_000  # bytes


def get_json(url: str, token: str) -> Any:
    """Return what an API answers; None when it doesn't answer as it should."""
    import urllib.request  # dear, and most nodes ask no API

    if not may_have_token(url):
        return None
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url, headers={"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "mlcc"}
    )
    try:
        with urllib.request.urlopen(request, timeout=NETWORK_SECONDS) as answer:  # noqa: S310 - likewise
            return json.loads(answer.read(MAX_ANSWER))
    except (OSError, ValueError):
        return None


def may_have_token(url: str) -> bool:
    """Tell whether a token may go to an address: over an encrypted line, or to this machine."""
    return url.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))


def url_quoted(text: str) -> str:
    """Return a text as a part of a URL's query."""
    unreserved = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(chr(byte) if byte in unreserved else f"%{byte:02X}" for byte in text.encode())


# --- mlcc.runtime.image_registry ----------------------------------------------------------------------------
# Asks a registry of container images: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
#
# A manifest is known by the sha256 of its bytes, whatever the registry says of it. Tokens are asked for as the registry's
# challenge says (https://distribution.github.io/distribution/spec/auth/token/).
#
# Standard library only: bundled into the emitted script.

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MOST_MANIFEST = 4 << 20  # bytes, which the specification lets registries take
DOCKER_HUB = ("docker.io", "registry-1.docker.io")  # its name, and where it answers
_CHALLENGED = re.compile(r'([a-z]+)="([^"]*)"')
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.-]+")
MOST_TAG = 128  # characters
_DENIED = (401, 403)
REGISTRY_TRIES = 3


class RegistryAwayError(Exception):
    """It may go better after a while."""


class Manifest(NamedTuple):
    """What an image is, by the sha256 of which it is known."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """Return sha256:HEX."""
        return f"sha256:{sha256(self.content).hexdigest()}"


class RegistryAnswer(NamedTuple):
    """A status, the headers by small letters, and the content."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Registry:
    """One repository of a registry. `login` is a user and a password; None: whoever asks is let in."""

    def __init__(self, repository: str, login: tuple[str, str] | None) -> None:
        self.repository = repository
        self.host, _, self.name = repository.partition("/")
        self.local = is_loopback(self.host)
        self.login = login
        self._token = ""

    def manifest(self, reference: str) -> Manifest | None:
        """Return the manifest that a tag or a digest names; None: there is none.

        Raises RunError where the registry is away or refuses, and for bytes that aren't those of the digest.
        """
        answer = self._ask("GET", reference)
        if answer.status == 404:
            return None
        self._expect(answer, (200,), f"reading {reference}")
        found = Manifest(answer.content, _media_type(answer))
        claimed = answer.headers.get("docker-content-digest", found.digest)
        for digest in (claimed, reference if reference.startswith("sha256:") else claimed):
            if digest.startswith("sha256:") and digest != found.digest:
                raise RunError(f"{self._shown} has other bytes than {digest}: they are {found.digest}")
        return found

    def put(self, tag: str, manifest: Manifest) -> None:
        """Let a tag name a manifest that the repository has. Raises RunError."""
        answer = self._ask("PUT", tag, manifest)
        self._expect(answer, (200, 201), f"moving the tag {tag}")

    def remove(self, tag: str) -> bool:
        """Remove a tag alone; False: this registry can't. Raises RunError where it is away."""
        return self._ask("DELETE", tag).status in (200, 202, 404)

    @property
    def _shown(self) -> str:
        return f"the registry {self.host}, asked for {self.name},"

    def _expect(self, answer: RegistryAnswer, allowed: tuple[int, ...], doing: str) -> None:
        if answer.status in _DENIED:
            who = f"for the user {self.login[0]}" if self.login else "without a login"
            raise RunError(f"{self._shown} refuses {doing} {who} ({answer.status})")
        if answer.status not in allowed:
            raise RunError(f"{self._shown} answered {doing} with {answer.status}")

    def _ask(self, verb: str, reference: str, manifest: Manifest | None = None) -> RegistryAnswer:
        """Return an answer; who may go on after a challenge asks again. Raises RunError."""
        for attempt in range(REGISTRY_TRIES):
            try:
                return self._once(verb, reference, manifest)
            except RegistryAwayError as problem:
                if attempt == REGISTRY_TRIES - 1:
                    raise RunError(f"{problem}, and it was tried {REGISTRY_TRIES} times") from None
            time.sleep(2.0**attempt)
        raise AssertionError("the last try returns or raises")

    def _once(self, verb: str, reference: str, manifest: Manifest | None) -> RegistryAnswer:
        answer = self._send(verb, reference, manifest)
        if answer.status == 401:
            challenge = answer.headers.get("www-authenticate", "")
            self._token = self._authorization(challenge, "pull" if verb == "GET" else "pull,push")
            answer = self._send(verb, reference, manifest) if self._token else answer
        if answer.status == 429 or answer.status >= 500:
            raise RegistryAwayError(f"{self._shown} answered with {answer.status}")
        return answer

    def _send(self, verb: str, reference: str, manifest: Manifest | None) -> RegistryAnswer:
        host = dict([DOCKER_HUB]).get(self.host, self.host)
        scheme = "http" if self.local else "https"
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        if manifest is not None:
            headers["Content-Type"] = manifest.media_type
        content = None if manifest is None else manifest.content
        url = f"{scheme}://{host}/v2/{self.name}/manifests/{reference}"
        return self._request(verb, url, headers, self._token, content)

    def _authorization(self, challenge: str, actions: str) -> str:
        """Return what answers a challenge; empty: nothing can. Raises RunError and RegistryAwayError."""
        way, _, rest = challenge.partition(" ")
        basic = ""
        if self.login is not None:
            basic = "Basic " + base64.b64encode(":".join(self.login).encode()).decode("ascii")
        if way.lower() == "basic":
            return basic
        stated = dict(_CHALLENGED.findall(rest))
        realm = stated.get("realm", "")
        if way.lower() != "bearer" or not self._may_login_at(realm):
            raise RunError(f"{self._shown} asks for a login in a way that isn't safe or known")
        scope = f"repository:{self.name}:{actions}"
        query = f"service={url_quoted(stated.get('service', ''))}&scope={url_quoted(scope)}"
        answer = self._request("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", {}, basic)
        if answer.status in _DENIED:
            return ""
        if answer.status != 200:
            raise RegistryAwayError(f"{self._shown} gives no token ({answer.status})")
        return f"Bearer {_token_of(answer, self._shown)}"

    def _may_login_at(self, realm: str) -> bool:
        plain = realm.startswith("http://") and self.local and is_loopback(realm[7:].partition("/")[0])
        return realm.startswith("https://") or plain

    def _request(
        self,
        verb: str,
        url: str,
        headers: Mapping[str, str],
        authorization: str,
        content: bytes | None = None,
    ) -> RegistryAnswer:
        """Return any answer. Raises RegistryAwayError where there is none, and RunError for one that is too long."""
        import http.client
        import urllib.error
        import urllib.request

        request = urllib.request.Request(url, content, dict(headers), method=verb)  # noqa: S310 - https, or loopback
        request.add_header("User-Agent", "mlcc")
        if authorization:  # no other address, to which an answer may lead, gets it
            request.add_unredirected_header("Authorization", authorization)
        try:
            with urllib.request.urlopen(request, timeout=NETWORK_SECONDS) as answer:  # noqa: S310 - likewise
                found = RegistryAnswer(answer.status, _small(answer.headers), answer.read(MOST_MANIFEST + 1))
                if not self.local and not answer.geturl().startswith("https://"):
                    raise RunError(f"{self._shown} sends its readers where nothing is encrypted")
        except urllib.error.HTTPError as problem:
            with problem:
                return RegistryAnswer(problem.code, _small(problem.headers), b"")
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise RegistryAwayError(
                f"{self._shown} gave no proper answer ({type(problem).__name__})"
            ) from None
        if len(found.content) > MOST_MANIFEST:
            raise RunError(f"{self._shown} has a manifest of over {MOST_MANIFEST >> 20} MiB")
        return found


def is_loopback(host: str) -> bool:
    """Tell whether a host, with or without a port, is this machine: nothing else is reached without TLS."""
    return host.partition(":")[0] in ("localhost", "127.0.0.1")


def tag_of(name: str) -> str:
    """Return a tag for a name: what no tag may hold becomes a hyphen, and what is too long ends in a digest instead."""
    safe = _NOT_IN_TAGS.sub("-", name)
    return safe if len(safe) <= MOST_TAG else f"{safe[:95]}-{sha256(name.encode()).hexdigest()[:32]}"


def repository_of(path: str) -> str:
    """Return the repository of an image's path in the plan."""
    return path[len(IMAGE_SCHEME) :]


def _small(headers: Any) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}


def _media_type(answer: RegistryAnswer) -> str:
    """Return what a manifest is; one that says nothing, or something else, can't be an image."""
    try:
        stated = json.loads(answer.content)
        own = stated.get("mediaType") or answer.headers.get("content-type", "").partition(";")[0]
    except (ValueError, AttributeError, RecursionError):
        own = ""
    if own not in MANIFEST_TYPES:
        raise RunError("the registry's answer isn't the manifest of an image")
    return str(own)


def _token_of(answer: RegistryAnswer, shown: str) -> str:
    try:
        found = json.loads(answer.content)
        token = found.get("token") or found.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise RunError(f"{shown} gives no token that can be used")
    return token


# --- mlcc.runtime.login -------------------------------------------------------------------------------------
# Logs in to clouds with the CI system's OpenID Connect token: no static keys, and no client to install.
#
# The clouds' own libraries read the variables set here:
# AWS: AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE; Google: an external_account file (google.aip.dev/auth/4117);
# Azure: AZURE_FEDERATED_TOKEN_FILE. Standard library only: bundled into the emitted script.

REFRESH = 240.0  # seconds; GitHub's tokens live 300
RETRY = 15.0  # seconds until the next try where renewing failed


class Logins:
    """The logins of one node. `tick` renews their token files, since a token outlives no long training."""

    def __init__(
        self,
        logins: list[dict[str, Any]],
        values: dict[str, dict[str, str]],
        folder: Path,
        platform: Platform,
    ) -> None:
        self._platform = platform
        self._folder = folder
        self._audiences = {login["provider"]: str(login["audience"]) for login in logins}
        if "gcp" in self._audiences:
            self._audiences["gcp"] += values["gcp"]["provider"]
        self._values = values
        self._renewed = 0.0

    def env(self) -> dict[str, str]:
        """Get the tokens, write their files, and return the variables that point to them. Raises RunError."""
        if not self._audiences:
            return {}
        self._renew()
        env: dict[str, str] = {}
        for provider in self._audiences:
            env.update(self._provider_env(provider))
        return env

    def tick(self) -> None:
        """Renew the token files when they are about to expire."""
        if self._audiences and time.monotonic() - self._renewed > REFRESH:
            try:
                self._renew()
            except (
                RunError
            ) as problem:  # a token service that is away for a moment must not end a long training
                self._renewed += RETRY
                self._platform.warn(f"a token can't be renewed yet: {problem}")

    def _token_file(self, provider: str) -> Path:
        return self._folder / f"{provider}.token"

    def _renew(self) -> None:
        for provider, audience in self._audiences.items():
            write_private(self._token_file(provider), self._platform.id_token(audience))
        self._renewed = time.monotonic()

    def _provider_env(self, provider: str) -> dict[str, str]:
        values = self._values.get(provider, {})
        token = str(self._token_file(provider))
        if provider == "aws":
            region = values["region"]
            return {
                "AWS_ROLE_ARN": values["role"], "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_SESSION_NAME": "mlcc",
                "AWS_REGION": region, "AWS_DEFAULT_REGION": region,
            }  # fmt: skip
        if provider == "gcp":
            path = self._folder / "gcp.json"
            write_private(path, json.dumps(_external_account(self._audiences[provider], values, token)))
            return {
                "GOOGLE_APPLICATION_CREDENTIALS": str(path),
                "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": str(path),
            }
        if provider == "azure":
            return {
                "AZURE_CLIENT_ID": values["client_id"], "AZURE_TENANT_ID": values["tenant_id"],
                "AZURE_FEDERATED_TOKEN_FILE": token,
            }  # fmt: skip
        return {"OIDC_TOKEN_FILE": token}


def _external_account(audience: str, values: dict[str, str], token: str) -> dict[str, Any]:
    account = values["service_account"]
    return {
        "type": "external_account",
        "audience": audience.replace("https:", "", 1),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": token},
        "service_account_impersonation_url": (
            f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
        ),
    }


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, whole or not at all."""
    scratch = path.with_name(path.name + ".new")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)


# --- mlcc.runtime.values ------------------------------------------------------------------------------------
# The environment of a node's command: every typed value arrives as one variable.
#
# Standard library only: bundled into the emitted script.

SERVICE = "MLCC_SERVICE_"


def node_env(
    node: dict[str, Any],
    leg: str,
    plan: dict[str, Any],
    selection: dict[str, Any],
    private: Path,
    digests: dict[str, str],
) -> dict[str, str]:
    """Return the variables of a node's command beside the runner's own; `digests` are those of what it takes.

    Raises RunError on a value that is missing.
    """
    legs: dict[str, dict[str, Any]] = node.get("legs", {"": {}})
    env = {f"MATRIX_{_upper(axis)}": str(value) for axis, value in legs[leg].items()}
    where = node.get("working_directory", "")
    for id in (*node["takes"], *node.get("writes", [])):
        path = location(id, plan["artifacts"][id])
        inside = where and "://" not in path
        env[f"ARTIFACT_{_upper(id)}"] = os.path.relpath(path, where) if inside else path.rstrip("/")
    env.update(digest_env(digests, plan))
    env.update(moment_env(node, plan, selection))
    for id in node.get("services", {}):
        host, _, port = os.environ.get(SERVICE + _upper(id), "").rpartition(":")
        env[f"SERVICE_{_upper(id)}_HOST"], env[f"SERVICE_{_upper(id)}_PORT"] = host, port
    for name, value in node.get("env", {}).items():
        env[name] = resolve(name, value, legs[leg], plan, selection, private)
    return env


def digest_env(digests: dict[str, str], plan: dict[str, Any]) -> dict[str, str]:
    """Return the variables that name the digests of what a node takes, and images by them: HOST/NAME@DIGEST."""
    named = {f"DIGEST_{_upper(id)}": found for id, found in digests.items()}
    for id, found in digests.items():
        artifact = plan["artifacts"][id]
        if artifact["form"] == "image":
            named[f"ARTIFACT_{_upper(id)}"] = f"{repository_of(artifact['paths'][0])}@{found}"
    return named


def absent_env(digests: dict[str, str]) -> dict[str, str]:
    """Return the variables of what isn't there, since no release runs one yet: empty ones, and for gates their names."""
    absent = [id for id, found in digests.items() if found == ABSENT]
    if not absent:
        return {}
    empty = {f"{prefix}_{_upper(id)}": "" for id in absent for prefix in ("ARTIFACT", "DIGEST")}
    return {**empty, "MLCC_ABSENT": " ".join(absent)}


def _upper(id: str) -> str:
    return id.upper().replace("-", "_")


def resolve(
    name: str,
    value: dict[str, Any],
    leg: dict[str, Any],
    plan: dict[str, Any],
    selection: dict[str, Any],
    private: Path,
) -> str:
    """Return the text of one typed value. Raises RunError when it has none."""
    (kind, key), *rest = value.items()
    options = dict(rest)
    if kind == "text":
        return str(key)
    if kind == "secret":
        return _secret(name, str(key), bool(options.get("as_file")), private)
    if kind == "var":
        found = os.environ.get(f"{VARIABLE}{key}", "")
    elif kind == "input":
        found = selection["inputs"].get(key, "")
    elif kind == "matrix":
        found = str(leg[key])
    elif kind == "output":
        found = _output(str(key), plan, selection)
    else:
        found = str(Path.cwd()) if key == "workspace" else selection["facts"].get(key, "")
    found = found or options.get("default", "")  # a tag is empty on a branch, and that is no mistake
    if found == "" and kind == "var":
        raise RunError(f"the variable {key} isn't set in the CI system, and {name} has no default")
    return str(found)


def _secret(name: str, key: str, as_file: bool, private: Path) -> str:
    found = os.environ.get(SECRET + key, "")
    if found == "":
        raise RunError(f"the secret {key} isn't set in the CI system")
    if not as_file:
        return found
    path = private / name
    write_private(path, found)
    return str(path)


def _output(key: str, plan: dict[str, Any], selection: dict[str, Any]) -> str:
    id, _, name = key.partition(".")
    (state,) = read_states(id, plan["nodes"][id], selection)
    found = state["values"].get(name) if state and state["end"] == "passed" else None
    if found is None:
        raise RunError(f"'{id}' left no value {name}")
    return str(found)


def runner_env() -> dict[str, str]:
    """Return the runner's environment without what belongs to mlcc: a command sees only what its node names."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MLCC_")}


def read_values(path: Path, names: list[str]) -> dict[str, str]:
    """Return the NAME=value lines that a command left. Raises RunError on others, and on a missing name."""
    found: dict[str, str] = {}
    # Not `splitlines`, to which a value's own characters, such as U+2028, end lines too.
    lines = _outputs_text(path).split("\n")
    for line in lines[:-1] if lines[-1:] == [""] else lines:
        name, sign, value = line.partition("=")
        if not sign or name not in names or len(value) > 4096 or name in found or "\0" in value:
            raise RunError(
                f"$MLCC_OUTPUTS has a line that isn't one of {', '.join(names) or 'nothing'} as NAME=value"
            )
        found[name] = value
    missing = [name for name in names if name not in found]
    if missing:
        raise RunError(f"the command left no value for {', '.join(missing)} in $MLCC_OUTPUTS")
    return found


def _outputs_text(path: Path) -> str:
    """Return what a command wrote, nothing where it wrote no file. Raises RunError on what may be endless, such as a pipe."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_RECORD:
            raise RunError("$MLCC_OUTPUTS is no file, or too large for small values")
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as problem:
        raise RunError(f"$MLCC_OUTPUTS can't be read: {problem}") from None


# --- mlcc.release.programs ----------------------------------------------------------------------------------
# Runs the programs of an adapter: the user's commands, and the platforms' own clients.
#
# Standard library only: bundled into the emitted script.

MAX_PRINTED = 1 << 20  # bytes of a program's answer
STRICT_BASH = ("bash", "--noprofile", "--norc", "-euo", "pipefail", "-c")
ENDING = 2.0  # seconds between asking a program that is late to end, and killing it


def command_words(command: str) -> list[str]:
    """Return how a command of the spec is started."""
    return [*STRICT_BASH, command]


def run_program(
    words: list[str], name: str, place: Place, given: dict[str, str] | None = None, *, capture: bool = False
) -> str:
    """Run a program to its end, and return what it prints where that is captured. `name` stands in messages.

    It sees the runner's variables and what is `given`. Raises ReleaseError where it can't be run, ends with another
    status than 0, is late, or prints too much. One that is late, or whose run is cancelled, is ended with all that it
    started; what one that ended well left behind stays, such as a server.
    """
    env = {**runner_env(), **(given or {})}
    env.pop("NGINX", None)  # nginx takes it for a list of sockets
    until = time.monotonic() + place.within
    try:
        child = subprocess.Popen(
            words, env=env, cwd=place.folder, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
        )  # fmt: skip
    except OSError as problem:
        raise ReleaseError(f"`{name}` can't be run: {problem.strerror}") from None
    done = False
    try:
        printed = _printed(child, name, until) if capture else b""
        code = child.wait(max(until - time.monotonic(), 0.01))
        done = True
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"`{name}` didn't end within {place.within:g} s") from None
    finally:
        if not done:
            end_group(child, ENDING)
        if child.stdout is not None:
            child.stdout.close()
    if code:
        raise ReleaseError(f"`{name}` ended with {code}")
    return printed.decode("utf-8", "replace")


def ask_json(words: list[str], name: str, place: Place, given: dict[str, str] | None = None) -> Any:
    """Return the JSON that a program prints. Raises ReleaseError as `run_program`, and where it prints none."""
    text = run_program(words, name, place, given, capture=True)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ReleaseError(f"`{name}` printed no JSON: {one_line(text[:80])!r}") from None


def _printed(child: subprocess.Popen[bytes], name: str, until: float) -> bytes:
    """Return all that a program prints until it closes its output."""
    assert child.stdout is not None
    found = b""
    while True:
        ready, _, _ = select.select([child.stdout], [], [], max(until - time.monotonic(), 0))
        if not ready:
            raise subprocess.TimeoutExpired(name, 0)
        part = os.read(child.stdout.fileno(), 1 << 16)
        if not part:
            return found
        found += part
        if len(found) > MAX_PRINTED:
            raise ReleaseError(f"`{name}` printed more than {MAX_PRINTED} bytes")


# --- mlcc.release.noted -------------------------------------------------------------------------------------
# An adapter for what serves by objects of its own, beside which notes are kept: who is live, who is the candidate, who was live.
#
# Standard library only: bundled into the emitted script.

BEFORE = "before-mlcc"  # the id of what served when mlcc came
REMEMBERED = 10
WAIT_SECONDS = 2.0  # between two looks at a platform


class NotedAdapter(Adapter):
    """The flow that such platforms share. A release is an id and `what` serves it: a model's address, an image, a model's name.

    The notes are texts: live, live_what, candidate, candidate_what, previous, previous_what, lease, and, where there is
    room for it (`remembers`), released: what was live, the last one last.
    """

    remembers = False

    def noted(self) -> dict[str, str]:
        """Return the notes, {} where there are none yet."""
        raise NotImplementedError

    def note(self, changes: dict[str, str]) -> None:
        """Change some of the notes."""
        raise NotImplementedError

    def what_of(self, release: str) -> str:
        """Return what is to serve a release."""
        return str(self.params["what"]).replace("{release}", release)

    def served(self) -> str:
        """Return what serves now, for the first notes."""
        raise NotImplementedError

    def weight(self) -> float:
        """Return the candidate's share of the requests in percent, as the platform tells it."""
        raise NotImplementedError

    def put(self, release: str, what: str) -> None:
        """Have a candidate beside what is live, without a request; return when it is ready."""
        raise NotImplementedError

    def share(self, weight: float) -> None:
        """Give the candidate a share of the requests; return when the platform tells so."""
        raise NotImplementedError

    def finish(self) -> None:
        """Give the candidate all requests."""
        raise NotImplementedError

    def bring_back(self, release: str, what: str) -> None:
        """Give what was live all requests again, and remove what came after it."""
        raise NotImplementedError

    def all_notes(self) -> dict[str, str]:
        """Return the notes, or the first ones: what serves is live."""
        empty = dict.fromkeys(("candidate", "candidate_what", "previous", "previous_what"), "")
        empty.update({"released": ""} if self.remembers else {})
        found = {**empty, "lease": "0", **self.noted()}
        return found if found.get("live") else {**found, "live": BEFORE, "live_what": self.served()}

    def describe(self) -> Deployed:
        """Return the notes, and the weight that the platform tells."""
        now = self.all_notes()
        weight = self.weight() if now["candidate"] else 0.0
        return deployed_of({**now, "weight": weight, "lease": _number(now["lease"])})

    def deploy(self, release: str, lease: float) -> None:
        """Publish the release, and put it beside what is live."""
        now = self.all_notes()
        if now["live"] == release:
            return
        if now["candidate"] not in ("", release):
            raise ReleaseError(f"there is another candidate: '{now['candidate']}'")
        if self.params.get("publish"):
            run_program(
                command_words(self.params["publish"]), "publish", self.place, {"MLCC_RELEASE": release}
            )
        self._begin(now, release, lease)

    def restore(self, release: str, lease: float) -> None:
        """Put a release of earlier beside what is live, as it was published then."""
        now = self.all_notes()
        if not self.remembers:
            Adapter.restore(self, release, lease)
        if release not in now["released"].split():
            raise ReleaseError(f"'{release}' was never live: there are {now['released'] or 'none'}", 1)
        if now["candidate"] not in ("", release):
            raise ReleaseError(f"there is another candidate: '{now['candidate']}'")
        self._begin(now, release, lease)

    def _begin(self, now: dict[str, str], release: str, lease: float) -> None:
        what = self.what_of(release)
        self.note({**now, "candidate": release, "candidate_what": what, "lease": f"{lease:.0f}"})
        self.put(release, what)

    def set_weight(self, release: str, weight: float, lease: float) -> None:
        """Give the candidate its share."""
        if self.all_notes()["candidate"] != release:
            raise ReleaseError(f"'{release}' isn't the candidate")
        self.note({"lease": f"{lease:.0f}"})
        self.share(weight)

    def promote(self, release: str, lease: float) -> None:
        """Give the candidate all requests, and remember what was live."""
        del lease
        now = self.all_notes()
        if now["live"] == release:
            return
        if now["candidate"] != release:
            raise ReleaseError(f"'{release}' isn't the candidate")
        self.finish()
        self.note(
            {
                "live": release, "live_what": now["candidate_what"], "previous": now["live"],
                "previous_what": now["live_what"], "candidate": "", "candidate_what": "", "lease": "0",
                **self._remembered(now, release, live=True),
            }
        )  # fmt: skip

    def rollback(self, release: str) -> None:
        """Remove a candidate, or bring back what was live before a release."""
        now = self.all_notes()
        if now["live"] == release:
            if not now["previous"]:
                raise ReleaseError(f"nothing was live before '{release}': there is nothing to bring back", 1)
            self.bring_back(now["previous"], now["previous_what"])
            self.note(
                {
                    "live": now["previous"],
                    "live_what": now["previous_what"],
                    "previous": "",
                    "previous_what": "",
                    **self._remembered(now, release, live=False),
                }
            )
        elif now["candidate"] == release:
            self.bring_back(now["live"], now["live_what"])
            self.note({"candidate": "", "candidate_what": "", "lease": "0"})

    def _remembered(self, now: dict[str, str], release: str, *, live: bool) -> dict[str, str]:
        if not self.remembers:
            return {}
        others = [id for id in now["released"].split() if id != release]
        return {"released": " ".join([*others, *([release] if live else [])][-REMEMBERED:])}

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Look until something is done. Raises ReleaseError where it takes longer than a verb may."""
        limit = time.monotonic() + self.place.within
        while not done():
            if time.monotonic() > limit:
                raise ReleaseError(f"{what} within {self.place.within:g} s", 1)
            time.sleep(min(WAIT_SECONDS, self.place.within / 10))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ReleaseError(f"the lease '{text}' that was noted is no time") from None


# --- mlcc.release.cluster -----------------------------------------------------------------------------------
# Objects of a Kubernetes cluster, by kubectl. Standard library only: bundled into the emitted script.
#
# Notes are in a ConfigMap: KServe hands an object's own annotations on to its pods, so that each change would be a new revision.

class ClusterAdapter(NotedAdapter):
    """What an object of a cluster serves. `kind` as kubectl names it."""

    kind = ""
    remembers = True

    def found(self) -> dict[str, Any]:
        """Return the object."""
        found = ask_json(
            self._kubectl("get", self.kind, self.params["name"], "-o", "json"), "kubectl get", self.place
        )
        if not isinstance(found, dict):
            raise ReleaseError("`kubectl get` printed no object")
        return found

    def patch(self, changes: dict[str, Any], *more: str) -> None:
        """Change the object by a JSON merge patch."""
        words = (
            "patch",
            self.kind,
            self.params["name"],
            *more,
            "--type",
            "merge",
            "-p",
            json.dumps(changes),
            "-o",
            "name",
        )
        run_program(self._kubectl(*words), "kubectl patch", self.place)

    def noted(self) -> dict[str, str]:
        """Return what the ConfigMap says; {} where there is none."""
        words = self._kubectl("get", "configmap", self._notes, "--ignore-not-found", "-o", "json")
        text = run_program(words, "kubectl get", self.place, capture=True)
        try:
            return (
                {str(key): str(value) for key, value in json.loads(text)["data"].items()}
                if text.strip()
                else {}
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ReleaseError(f"the ConfigMap {self._notes} holds no notes of a release") from None

    def note(self, changes: dict[str, str]) -> None:
        """Write to the ConfigMap, which the first note makes."""
        if self.noted():
            text = json.dumps({"data": changes})
            words = ["patch", "configmap", self._notes, "--type", "merge", "-p", text, "-o", "name"]
        else:
            literals = [f"--from-literal={key}={value}" for key, value in sorted(changes.items())]
            words = ["create", "configmap", self._notes, *literals, "-o", "name"]
        run_program(self._kubectl(*words), f"kubectl {words[0]}", self.place)

    @property
    def _notes(self) -> str:
        return f"mlcc-{self.params['name']}"

    def _kubectl(self, *words: str) -> list[str]:
        return ["kubectl", "--namespace", self.params["namespace"], *words]


def inside(found: Any, *keys: str) -> Any:
    """Return what stands in nested objects; None where a key is missing."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


# --- mlcc.release.adapters.argo_rollouts.runtime ------------------------------------------------------------
# A Rollout of Argo Rollouts. Standard library only: bundled into the emitted script.
#
# A change of its `steps` makes the controller begin with them again: `setWeight`, and a pause without end. The weight is that
# of the traffic router; without one the controller only counts pods, and tells none.

PAUSE: dict[str, Any] = {"pause": {}}
ONE_POD: list[dict[str, Any]] = [{"setCanaryScale": {"replicas": 1}}, PAUSE]  # ready, and without a request


class ArgoRolloutsAdapter(ClusterAdapter):
    """The canary strategy of a Rollout."""

    kind = "rollouts.argoproj.io"

    def served(self) -> str:
        """Return the image that the object names."""
        return str(self._containers()[self._index()].get("image", ""))

    def weight(self) -> float:
        """Return what the status says of the traffic router."""
        share = inside(self.found(), "status", "canary", "weights", "canary", "weight")
        return float(share) if type(share) is int else 0.0

    def put(self, release: str, what: str) -> None:
        """Name another image, of which one pod runs without requests; wait until it is ready."""
        del release
        # Before the image: the steps that are there would begin with it.
        self.patch(_steps(ONE_POD))
        changes = [
            {"op": "replace", "path": f"/spec/template/spec/containers/{self._index()}/image", "value": what}
        ]
        words = (
            "patch",
            self.kind,
            self.params["name"],
            "--type",
            "json",
            "-p",
            json.dumps(changes),
            "-o",
            "name",
        )
        run_program(self._kubectl(*words), "kubectl patch", self.place)
        self.wait(
            lambda: _is_paused(self.found()) or _is_stable(self.found()), "Argo has no ready pod of the image"
        )

    def share(self, weight: float) -> None:
        """Set the only weight, and wait until the traffic router has it."""
        self.patch(_steps([{"setWeight": int(weight)}, PAUSE]))
        self.wait(
            lambda: _is_observed(self.found()) and self.weight() == weight,
            f"Argo's traffic router doesn't give the image {weight:g} %",
        )

    def finish(self) -> None:
        """Skip what is left of the steps, and wait until the image is the stable one."""
        self.patch({"status": {"promoteFull": True}}, "--subresource", "status")
        self.wait(lambda: _is_stable(self.found()), "Argo didn't make the image the stable one")

    def bring_back(self, release: str, what: str) -> None:
        """Name the old image again, and make that the stable one where it isn't."""
        self.put(release, what)
        if not _is_stable(self.found()):
            self.finish()

    def _containers(self) -> list[Any]:
        found = inside(self.found(), "spec", "template", "spec", "containers")
        return found if isinstance(found, list) else []

    def _index(self) -> int:
        names = [inside(container, "name") for container in self._containers()]
        if self.params["container"] not in names:
            raise ReleaseError(f"the Rollout has no container '{self.params['container']}'")
        return names.index(self.params["container"])


def _steps(steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {"spec": {"strategy": {"canary": {"steps": steps}}}}


def _is_observed(found: Any) -> bool:
    return bool(str(inside(found, "metadata", "generation")) == inside(found, "status", "observedGeneration"))


def _is_paused(found: Any) -> bool:
    """Tell whether a new image waits at the end of the steps."""
    return _is_observed(found) and inside(found, "status", "phase") == "Paused"


def _is_stable(found: Any) -> bool:
    """Tell whether the image that the object names has everything."""
    stable = inside(found, "status", "stableRS")
    return (
        _is_observed(found)
        and bool(stable)
        and stable == inside(found, "status", "currentPodHash")
        and inside(found, "status", "phase") == "Healthy"
    )


# --- mlcc.release.adapters.command.runtime ------------------------------------------------------------------
# What serves the model, by verbs of a program of the user's. Standard library only: bundled into the emitted script.
#
# `describe` prints one JSON object: {live, candidate, weight, lease}, releases by their ids, the candidate's share of the
# requests in percent, and until when (seconds since 1970) a candidate may stay; where it knows it, `url` is the
# candidate's own address. The others change something, and are idempotent: `deploy`, `set-weight`, `promote`, `rollback`,
# and `restore` where a person asks for it. They get MLCC_RELEASE, MLCC_WEIGHT and MLCC_LEASE.

class CommandAdapter(Adapter):
    """The user's program, which gets a verb as its last word, in a folder of the repository."""

    def describe(self) -> Deployed:
        """Return what the program tells. Raises ReleaseError where the answer isn't one."""
        return deployed_of(ask_json(self._words("describe"), "describe", self.place))

    def deploy(self, release: str, lease: float) -> None:
        """Let the program start the candidate."""
        self._act("deploy", release, 0, lease)

    def set_weight(self, release: str, weight: float, lease: float) -> None:
        """Let the program give the candidate its share."""
        self._act("set-weight", release, weight, lease)

    def promote(self, release: str, lease: float) -> None:
        """Let the program make the candidate live."""
        self._act("promote", release, 100, lease)

    def rollback(self, release: str) -> None:
        """Let the program remove a release."""
        self._act("rollback", release, 0, 0)

    def restore(self, release: str, lease: float) -> None:
        """Let the program start a release of earlier as the candidate; one that can't ends with another status than 0."""
        self._act("restore", release, 0, lease)

    def _act(self, verb: str, release: str, weight: float, lease: float) -> None:
        given = {"MLCC_RELEASE": release, "MLCC_WEIGHT": f"{weight:g}", "MLCC_LEASE": f"{lease:.0f}"}
        run_program(self._words(verb), verb, self.place, given)

    def _words(self, verb: str) -> list[str]:
        return command_words(f"{self.params} {verb}")


# --- mlcc.release.adapters.kserve.runtime -------------------------------------------------------------------
# An InferenceService of KServe. Standard library only: bundled into the emitted script.
#
# `canaryTrafficPercent` splits between the latest ready revision and the one that last had everything. Without it the latest
# ready one has everything, which is the candidate as long as a newer revision isn't ready: it is left out only when that is.
# In other modes than serverless the field is ignored, and the status tells no traffic.

class KserveAdapter(ClusterAdapter):
    """The split of an InferenceService's predictor."""

    kind = "inferenceservice"

    def served(self) -> str:
        """Return the address of the model that the object names."""
        return str(inside(self.found(), "spec", "predictor", "model", "storageUri") or "")

    def weight(self) -> float:
        """Return what the status says of the latest revision."""
        return _latest_share(self.found())

    def put(self, release: str, what: str) -> None:
        """Name another model, with no traffic for its revision; wait until that is ready."""
        del release
        before = self.found()
        old = None if inside(before, "spec", "predictor", "model", "storageUri") == what else _created(before)
        self.patch({"spec": {"predictor": {"canaryTrafficPercent": 0, "model": {"storageUri": what}}}})
        self.wait(lambda: _is_ready(self.found(), old), "KServe has no ready revision")

    def share(self, weight: float) -> None:
        """Set the split, and wait until the status tells it."""
        self.patch({"spec": {"predictor": {"canaryTrafficPercent": int(weight)}}})
        self.wait(lambda: self.weight() == weight, f"KServe doesn't give the revision {weight:g} %")

    def finish(self) -> None:
        """Leave the split out, and wait until the latest revision has everything."""
        self.patch({"spec": {"predictor": {"canaryTrafficPercent": None}}})
        self.wait(lambda: _is_rolled_out(self.found()), "KServe didn't roll the revision out")

    def bring_back(self, release: str, what: str) -> None:
        """Name the old model again: what has everything keeps it until the new revision of the old model is ready."""
        self.put(release, what)
        self.finish()


def _status(found: Any, key: str) -> Any:
    return inside(found, "status", "components", "predictor", key)


def _created(found: Any) -> str:
    return str(_status(found, "latestCreatedRevision") or "")


def _is_ready(found: Any, old: str | None) -> bool:
    created = _created(found)
    return created not in ("", old) and _status(found, "latestReadyRevision") == created


def _is_rolled_out(found: Any) -> bool:
    return _latest_share(found) == 100 and _status(found, "latestRolledoutRevision") == _created(found)


def _latest_share(found: Any) -> float:
    traffic = _status(found, "traffic")
    if not isinstance(traffic, list):
        raise ReleaseError("KServe's status tells no traffic: only its serverless mode splits requests")
    shares = [inside(target, "percent") for target in traffic if inside(target, "latestRevision") is True]
    if len(shares) > 1 or not all(type(share) is int for share in shares):
        raise ReleaseError("KServe's status tells no share of the latest revision")
    return float(shares[0]) if shares else 0.0


# --- mlcc.release.adapters.mlflow_alias.runtime -------------------------------------------------------------
# An alias in MLflow's registry. Standard library only: bundled into the emitted script.
#
# One answer tells all aliases of a model, and its tags; a version has its release as a tag.

MLFLOW_SECONDS = 30.0
MAX_ANSWERED = 4_000_000  # bytes
RELEASE_TAG, LIVE_TAG = "mlcc.release", "mlcc.was-live"


class MlflowAliasAdapter(Adapter):
    """A registered model's aliases: ALIAS, ALIAS-candidate, ALIAS-previous."""

    def describe(self) -> Deployed:
        """Return which releases have the aliases. A candidate gets no requests, so that its weight is 0."""
        versions, lease = self._model()
        found = {role: self._release_of(versions.get(role)) for role in ("", "-candidate")}
        candidate = found["-candidate"]
        return deployed_of(
            {"live": found[""], "candidate": candidate, "weight": 0, "lease": lease if candidate else 0}
        )

    def deploy(self, release: str, lease: float) -> None:
        """Register the release, unless that was done, and let it have the candidate's alias."""
        self._call("POST", "registered-models/set-tag", key=self._lease_tag, value=f"{lease:.0f}")
        self._alias("-candidate", self._version(release) or self._publish(release))

    def restore(self, release: str, lease: float) -> None:
        """Let the version of an earlier release have the candidate's alias."""
        version = self._version(release)
        if version is None or not self._was_live(version):
            raise ReleaseError(
                f"no version of {self.params['model']} that was live is of the release '{release}'", 1
            )
        self._call("POST", "registered-models/set-tag", key=self._lease_tag, value=f"{lease:.0f}")
        self._alias("-candidate", version)

    def set_weight(self, release: str, weight: float, lease: float) -> None:
        """Refuse: an alias names one version."""
        del lease
        if weight:
            raise ReleaseError(f"an alias of MLflow can't give '{release}' a share of the requests")

    def promote(self, release: str, lease: float) -> None:
        """Let the candidate have the alias, and what had it that of what was live."""
        del lease
        versions, _ = self._model()
        candidate = versions.get("-candidate")
        if self._release_of(versions.get("")) != release:
            if self._release_of(candidate) != release:
                raise ReleaseError(f"'{release}' isn't the candidate")
            if versions.get("") is not None:
                self._alias("-previous", versions[""])
            self._alias("", str(candidate))
        live = self._model()[0][""]
        self._call("POST", "model-versions/set-tag", version=live, key=LIVE_TAG, value="true")
        self._alias("-candidate", None)

    def rollback(self, release: str) -> None:
        """Take the candidate's alias away, or let what was live have the alias again."""
        versions, _ = self._model()
        if self._release_of(versions.get("-candidate")) == release:
            self._alias("-candidate", None)
        if self._release_of(versions.get("")) == release:
            if "-previous" not in versions:
                raise ReleaseError(f"nothing was live before '{release}': there is nothing to bring back", 1)
            self._call("DELETE", "model-versions/delete-tag", version=versions[""], key=LIVE_TAG)
            self._alias("", versions["-previous"])
            self._alias("-previous", None)

    # --- MLflow ---

    def _model(self) -> tuple[dict[str, str], float]:
        """Return the versions of the aliases, by what follows the alias' name, and the lease."""
        found = self._call("GET", "registered-models/get")["registered_model"]
        alias = self.params["alias"]
        versions = {
            entry["alias"][len(alias) :]: str(entry["version"])
            for entry in found.get("aliases", [])
            if entry["alias"] in (alias, alias + "-candidate", alias + "-previous")
        }
        leases = [tag["value"] for tag in found.get("tags", []) if tag["key"] == self._lease_tag]
        return versions, float(leases[0]) if leases and leases[0].isdecimal() else 0.0

    def _release_of(self, version: str | None) -> str:
        """Return the release that a version is; one that mlcc didn't make is called by its number."""
        if version is None:
            return ""
        found = self._call("GET", "model-versions/get", version=version)["model_version"]
        named = [tag["value"] for tag in found.get("tags", []) if tag["key"] == RELEASE_TAG]
        return str(named[0]) if named else f"version-{version}"

    def _was_live(self, version: str) -> bool:
        found = self._call("GET", "model-versions/get", version=version)["model_version"]
        return any(tag["key"] == LIVE_TAG for tag in found.get("tags", []))

    def _version(self, release: str) -> str | None:
        """Return the version that a release has been registered as."""
        text = f"name = '{self.params['model']}' and tags.`{RELEASE_TAG}` = '{release}'"
        found = self._call("GET", "model-versions/search", filter=text).get("model_versions", [])
        return str(found[0]["version"]) if found else None

    def _publish(self, release: str) -> str:
        words = command_words(self.params["publish"])
        printed = run_program(words, "publish", self.place, {"MLCC_RELEASE": release}, capture=True)
        version = printed.strip().rpartition("\n")[2].strip()
        if not re.match(r"[0-9]{1,9}\Z", version):
            raise ReleaseError("`publish` printed no number of a version as its last line")
        self._call("POST", "model-versions/set-tag", version=version, key=RELEASE_TAG, value=release)
        return version

    def _alias(self, role: str, version: str | None) -> None:
        """Let a version have an alias, or nothing."""
        alias = self.params["alias"] + role
        if version is None:
            self._call("DELETE", "registered-models/alias", alias=alias)
        else:
            self._call("POST", "registered-models/alias", alias=alias, version=version)

    @property
    def _lease_tag(self) -> str:
        return f"mlcc.{self.params['alias']}.lease"

    def _call(self, method: str, what: str, **fields: str) -> Any:
        """Return what MLflow answers about the model. No proxy is asked, and no redirect followed."""
        place = urlsplit(self.params["url"])
        path = f"{place.path}/api/2.0/mlflow/{what}"
        fields = {("filter" if what.endswith("search") else "name"): self.params["model"], **fields}
        headers = {"Accept": "application/json", **self._login()}
        body = None
        if method == "GET":
            path += "?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in fields.items())
        else:
            body, headers["Content-Type"] = json.dumps(fields), "application/json"
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = kind(place.hostname or "", place.port, timeout=MLFLOW_SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read(MAX_ANSWERED)
        except (OSError, http.client.HTTPException) as problem:
            raise ReleaseError(
                f"MLflow at {self.params['url']} gives no answer ({type(problem).__name__})"
            ) from None
        finally:
            connection.close()
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if answer.status != 200 or not isinstance(found, dict):
            told = found.get("message", "") if isinstance(found, dict) else ""
            raise ReleaseError(f"MLflow answers {method} {what} with {answer.status}: {str(told)[:200]}")
        return found

    def _login(self) -> dict[str, str]:
        if self.params["token"] is None:
            return {}
        token = os.environ.get(self.params["token"], "")
        if not token or not token.isascii() or not token.isprintable():
            raise ReleaseError(f"the variable {self.params['token']} holds no token for MLflow")
        return {"Authorization": f"Bearer {token}"}


# --- mlcc.release.adapters.nginx.local ----------------------------------------------------------------------
# Asks what listens on this host. Standard library only: bundled into the emitted script.

ANSWER_SECONDS = 5.0
MAX_LOCAL = 1 << 16  # bytes


def answer_of(port: int, path: str) -> tuple[int, str]:
    """Return status and text that a server of 127.0.0.1 answers; 0 where it doesn't. No proxy is asked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_LOCAL).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def accepts(port: int) -> bool:
    """Tell whether something accepts connections on a port of 127.0.0.1."""
    try:
        with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=1.0)):
            return True
    except OSError:
        return False


# --- mlcc.release.adapters.nginx.runtime --------------------------------------------------------------------
# Servers on one host behind nginx. Standard library only: bundled into the emitted script.
#
# What nginx has loaded is what is served: a location of its own tells it, and every verb begins and ends there. Beside that
# there is a file of what nginx can't know: which servers were started, for which candidate, and until when it may stay.
#
# Three traps of nginx: `split_clients` takes neither 0 % nor more than two decimals; a reload returns before the new workers
# answer; and the old ones end the requests under way, so that a server may end only after they did.

LOADED_LOOKS = 10  # new connections in a row that only new workers answered
LOOK_SECONDS = 0.1
SETTLE = 1.0  # seconds until old workers have taken what they had accepted
_SPLIT = """# What answers the requests of {name}, made by mlcc: include it in `http`, and say `proxy_pass http://$mlcc_{name};`.
split_clients "$request_id" $mlcc_{name} {{
{share}    * mlcc_{name}_live;
}}
upstream mlcc_{name}_live {{ server 127.0.0.1:{live}; }}
upstream mlcc_{name}_candidate {{ server 127.0.0.1:{candidate}; }}
server {{
    listen 127.0.0.1:{status};
    access_log off;
    location = / {{ default_type application/json; return 200 '{told}'; }}
}}
"""


class Loaded(NamedTuple):
    """What nginx serves: releases by id ("" for none), the candidate's share in percent, and the port of each server."""

    live: str = ""
    candidate: str = ""
    weight: float = 0.0
    previous: str = ""
    servers: Any = {}  # noqa: RUF012 - never changed


class NginxAdapter(Adapter):
    """A split that nginx makes by request, between two servers that the user's commands start and stop."""

    def describe(self) -> Deployed:
        """Return what nginx has loaded; a candidate that was only started is one, too, so that it can be removed."""
        now, noted = self._loaded(), self._noted()
        candidate = now.candidate or (noted["candidate"] if noted["candidate"] != now.live else "")
        port = {**noted["servers"], **now.servers}.get(candidate or now.live)
        return deployed_of(
            {
                "live": now.live,
                "candidate": candidate,
                "weight": now.weight,
                "lease": noted["lease"] if candidate else 0,
                "url": f"http://127.0.0.1:{port}" if port else None,
                "live_url": f"http://127.0.0.1:{now.servers[now.live]}" if now.live else None,
            }
        )

    def deploy(self, release: str, lease: float) -> None:
        """Start the candidate's server, wait until it is ready, and have nginx know it."""
        with self._alone():
            now = self._loaded()
            if release == now.live:
                return
            if now.candidate not in ("", release):
                raise ReleaseError(f"nginx has another candidate: '{now.candidate}'")
            self._tidy({*now[:2], now.previous, release})
            noted = self._noted()
            port = noted["servers"].get(release) or self._free_port({**now.servers, **noted["servers"]})
            self._note(servers={**noted["servers"], release: port}, candidate=release, lease=lease)
            self._up(release, port)
            self._load(now._replace(candidate=release, weight=0.0), {release: port})

    def restore(self, release: str, lease: float) -> None:
        """Start a release of earlier again, from its folder."""
        kept = [id for id in self._noted()["released"] if self._folder(id).is_dir()]
        if release not in kept:
            raise ReleaseError(f"nothing is kept of '{release}': there are {', '.join(kept) or 'none'}", 1)
        self.deploy(release, lease)

    def set_weight(self, release: str, weight: float, lease: float) -> None:
        """Let the candidate have a share of the requests."""
        with self._alone():
            now = self._loaded()
            if now.candidate != release:
                if weight:
                    raise ReleaseError(f"nginx has no candidate '{release}'")
                return  # it was started, and gets no request
            self._note(lease=lease)
            self._load(now._replace(weight=weight))

    def promote(self, release: str, lease: float) -> None:
        """Let the candidate have all requests; what was live keeps running, and what was live before that ends."""
        del lease
        with self._alone():
            now = self._loaded()
            if now.live != release:
                if now.candidate != release:
                    raise ReleaseError(f"nginx has no candidate '{release}'")
                self._check_ready(release, now.servers[release])
                self._load(Loaded(release, "", 0.0, now.live, now.servers))
            released = [id for id in self._noted()["released"] if id != release]
            self._note(candidate="", lease=0, released=[*released, release])
            self._tidy({release, self._loaded().previous})

    def rollback(self, release: str) -> None:
        """Remove a candidate, or bring back what was live before a release; then end its server."""
        with self._alone():
            now, noted = self._loaded(), self._noted()
            if release == now.live:
                if not now.previous:
                    raise ReleaseError(
                        f"nothing was live before '{release}': there is nothing to bring back", 1
                    )
                self._up(now.previous, now.servers[now.previous])
                self._load(now._replace(live=now.previous, previous=""))
                self._note(released=[id for id in noted["released"] if id != release])
            elif release not in (now.candidate, noted["candidate"]):
                return
            elif self._split.exists():  # it may name a candidate that nginx hasn't loaded
                self._load(now._replace(candidate="", weight=0.0))
            if release == noted["candidate"]:
                self._note(candidate="", lease=0)
            time.sleep(self.place.drain)
            self._tidy({*self._loaded()[:2], self._loaded().previous})

    # --- nginx ---

    def _loaded(self) -> Loaded:
        """Return what nginx tells. Raises ReleaseError where it has been told something, and doesn't answer."""
        port = self.params["status"]
        status, text = answer_of(port, "/")
        if status == 0 and not self._split.exists():
            return Loaded()
        try:
            found = Loaded(**json.loads(text))
            ports = {id: found.servers[id] for id in (found.live, found.candidate, found.previous) if id}
            return found._replace(servers=ports)
        except (ValueError, TypeError, KeyError):
            raise ReleaseError(
                f"nginx doesn't tell at 127.0.0.1:{port} what it has loaded: does it run, and does its `http` include "
                f"{self.params['folder']}/*.conf?"
            ) from None

    def _load(self, wanted: Loaded, more: dict[str, int] | None = None) -> None:
        """Have nginx load a split, and wait until only workers answer that have it; else leave all as it was."""
        ports = {**wanted.servers, **(more or {})}
        wanted = wanted._replace(
            servers={id: ports[id] for id in (wanted.live, wanted.candidate, wanted.previous) if id}
        )
        text = self._text(wanted)
        before = self._split.read_text("utf-8") if self._split.exists() else None
        if before == text and self._loaded() == wanted:
            return
        _replace(self._split, text)
        try:
            run_program(command_words(self.params["reload"]), "reload", self.place)
            self._wait_until_loaded(wanted)
        except ReleaseError:
            # Else the next start of nginx would load what this one refused.
            if before is None:
                self._split.unlink()
            else:
                _replace(self._split, before)
            raise
        time.sleep(SETTLE)

    def _wait_until_loaded(self, wanted: Loaded) -> None:
        limit = time.monotonic() + self.params["start_within"]
        seen = 0
        while seen < LOADED_LOOKS:
            with contextlib.suppress(ReleaseError):
                seen = seen + 1 if self._loaded() == wanted else 0
            if time.monotonic() > limit:
                raise ReleaseError(
                    f"nginx didn't load {self._split} within {self.params['start_within']} s: its error log says why; does its "
                    "`http` include the file?"
                )
            time.sleep(LOOK_SECONDS / 10 if seen else LOOK_SECONDS)

    def _text(self, wanted: Loaded) -> str:
        """Return what nginx includes."""
        name, share = self.params["name"], f"{wanted.weight:.2f}".rstrip("0").rstrip(".")
        nobody = "9 down"  # the port of `discard`: an upstream has a server
        return _SPLIT.format(
            name=name,
            share=f"    {share}% mlcc_{name}_candidate;\n" if wanted.weight else "",
            live=wanted.servers[wanted.live] if wanted.live else nobody,
            candidate=wanted.servers[wanted.candidate] if wanted.candidate else nobody,
            status=self.params["status"],
            told=json.dumps(wanted._asdict()),
        )

    # --- servers ---

    def _up(self, release: str, port: int) -> None:
        """Have a server answer: as it does already, or start it again."""
        if self._ready(port):
            return
        self._run("stop", release, port)
        self._folder(release).mkdir(parents=True, exist_ok=True)
        self._run("start", release, port)
        limit = time.monotonic() + self.params["start_within"]
        while not self._ready(port):
            if time.monotonic() > limit:
                self._check_ready(release, port)
            time.sleep(LOOK_SECONDS)

    def _ready(self, port: int) -> bool:
        return 200 <= answer_of(port, self.params["liveness"])[0] < 300

    def _check_ready(self, release: str, port: int) -> None:
        status, _ = answer_of(port, self.params["liveness"])
        if not 200 <= status < 300:
            told = f"with {status}" if status else "nothing"
            raise ReleaseError(
                f"the server of '{release}' answers {self.params['liveness']} on port {port} {told}", 1
            )

    def _tidy(self, kept: set[str]) -> None:
        """End the servers of all other releases, and remove their folders but for those of the last that were live."""
        released = self._noted()["released"]
        earlier = [id for id in released if id not in kept]
        out = earlier[: max(len(earlier) - self.params["keep"], 0)]
        for id, port in sorted(self._noted()["servers"].items()):
            if id in kept:
                continue
            self._run("stop", id, port)
            limit = time.monotonic() + self.params["start_within"]
            while accepts(port):
                if time.monotonic() > limit:
                    raise ReleaseError(
                        f"after `stop`, the server of '{id}' still accepts connections on port {port}"
                    )
                time.sleep(LOOK_SECONDS)
            if id not in earlier:
                shutil.rmtree(self._folder(id), ignore_errors=True)
            self._note(servers={other: p for other, p in self._noted()["servers"].items() if other != id})
        for id in out:
            shutil.rmtree(self._folder(id), ignore_errors=True)
        self._note(released=[id for id in released if id not in out])

    def _run(self, verb: str, release: str, port: int) -> None:
        folder = str(self._folder(release))
        given = {"MLCC_RELEASE": release, "MLCC_PORT": str(port), "MLCC_FOLDER": folder}
        run_program(command_words(self.params[verb]), verb, self.place, given)

    def _free_port(self, servers: dict[str, int]) -> int:
        free = [p for p in self.params["ports"] if p not in servers.values() and not accepts(p)]
        if not free:
            told = ", ".join(f"'{id}' has {port}" for id, port in sorted(servers.items()))
            raise ReleaseError(
                f"none of the ports {self.params['ports']} is free{': ' + told if told else ''}"
            )
        return int(free[0])

    # --- files ---

    @property
    def _split(self) -> Path:
        return Path(self.params["folder"]) / "split.conf"

    def _folder(self, release: str) -> Path:
        return Path(self.params["folder"]) / "releases" / release

    def _noted(self) -> dict[str, Any]:
        """Return which servers were started (id: port), for which candidate, its lease, and what was live, in order."""
        path = Path(self.params["folder"]) / "state.json"
        try:
            found = json.loads(path.read_text("utf-8")) if path.exists() else {}
            noted = {"servers": {}, "candidate": "", "lease": 0, "released": [], **found}
            if all(type(noted[key]) in types for key, types in _NOTED.items()):
                return noted
        except (OSError, ValueError, TypeError):
            pass
        raise ReleaseError(f"{path} can't be read: it says which servers were started")

    def _note(self, **changes: Any) -> None:
        text = json.dumps({**self._noted(), **changes}, indent=1)
        _replace(Path(self.params["folder"]) / "state.json", text + "\n")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse to work on the folder while another process does."""
        folder = Path(self.params["folder"])
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield
        except BlockingIOError:
            raise ReleaseError(f"another release works on {folder}") from None
        except OSError as problem:
            raise ReleaseError(f"{folder} can't be written: {problem.strerror}") from None


_NOTED = {"servers": (dict,), "candidate": (str,), "lease": (int, float), "released": (list,)}


def _replace(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


# --- mlcc.release.adapters.sagemaker.runtime ----------------------------------------------------------------
# An endpoint of Amazon SageMaker. Standard library only: bundled into the emitted script.
#
# Notes are tags of the endpoint. An update that fails is undone by SageMaker, and the endpoint is in service again with its old
# configuration: only that tells whether it worked.

AWS_TAG = "mlcc:"
# What a configuration says beside its variants, and its successor says, too.
KEPT_KEYS = (
    "DataCaptureConfig",
    "KmsKeyId",
    "ExplainerConfig",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
)


class SagemakerAdapter(NotedAdapter):
    """The weights of an endpoint's variants. `what` serves a release is a variant's name."""

    def what_of(self, release: str) -> str:
        """Return the variant's name: the release's."""
        if not re.match(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}\Z", release):
            raise ReleaseError(
                f"'{release}' is no name that SageMaker takes: letters, digits and '-', at most 63"
            )
        return release

    def noted(self) -> dict[str, str]:
        """Return what the endpoint's tags say."""
        tags = self._ask("list-tags", "--resource-arn", self._endpoint()["EndpointArn"])["Tags"]
        return {tag["Key"][len(AWS_TAG) :]: tag["Value"] for tag in tags if tag["Key"].startswith(AWS_TAG)}

    def note(self, changes: dict[str, str]) -> None:
        """Write tags to the endpoint."""
        tags = [{"Key": AWS_TAG + key, "Value": value} for key, value in sorted(changes.items())]
        self._run("add-tags", "--resource-arn", self._endpoint()["EndpointArn"], "--tags", json.dumps(tags))

    def served(self) -> str:
        """Return the only variant's name."""
        names = list(self._weights())
        if len(names) != 1:
            raise ReleaseError(f"the endpoint has {len(names)} variants: mlcc begins with one, which is live")
        return names[0]

    def weight(self) -> float:
        """Return the candidate's part of all weights."""
        weights = self._weights()
        total = sum(weights.values())
        return round(100 * weights.get(self.all_notes()["candidate_what"], 0.0) / total, 3) if total else 0.0

    def put(self, release: str, what: str) -> None:
        """Have a configuration with the live variant and one more, of no weight."""
        live = self._variant(self.all_notes()["live_what"])
        candidate = {**live, "VariantName": what, "ModelName": release, "InitialVariantWeight": 0.0}
        self._configure(release, [{**live, "InitialVariantWeight": 1.0}, candidate])

    def share(self, weight: float) -> None:
        """Set the weights of both variants."""
        now = self.all_notes()
        self._weigh({now["live_what"]: 100 - weight, now["candidate_what"]: weight})

    def finish(self) -> None:
        """Give the candidate's variant all the weight; the other stays."""
        self.share(100)

    def bring_back(self, release: str, what: str) -> None:
        """Give a variant all the weight, then have a configuration with it alone."""
        del release
        weights = self._weights()
        if what not in weights:
            raise ReleaseError(f"the endpoint has no variant '{what}' to bring back", 1)
        if len(weights) == 1:
            return
        self._weigh({name: 100.0 if name == what else 0.0 for name in weights})
        name = self._endpoint()["EndpointConfigName"][:55].rstrip("-") + "-undone"
        self._configure(name, [{**self._variant(what), "InitialVariantWeight": 1.0}])

    # --- the client ---

    def _endpoint(self) -> Any:
        return self._ask("describe-endpoint", "--endpoint-name", self.params["endpoint"])

    def _weights(self) -> dict[str, float]:
        """Return each variant's weight."""
        found = self._endpoint().get("ProductionVariants", [])
        return {variant["VariantName"]: float(variant["CurrentWeight"]) for variant in found}

    def _configuration(self, name: str) -> Any:
        return self._ask("describe-endpoint-config", "--endpoint-config-name", name)

    def _variant(self, name: str) -> dict[str, Any]:
        """Return how the endpoint is configured to run a variant."""
        variants = self._configuration(self._endpoint()["EndpointConfigName"])["ProductionVariants"]
        found = [variant for variant in variants if variant["VariantName"] == name]
        if not found:
            raise ReleaseError(f"the endpoint has no variant '{name}'")
        return dict(found[0])

    def _configure(self, name: str, variants: list[dict[str, Any]]) -> None:
        """Have the endpoint run some variants, by a configuration that is made where there is none of the name."""
        now = self._endpoint()["EndpointConfigName"]
        if now == name:
            return
        try:
            self._configuration(name)
        except ReleaseError:
            old = self._configuration(now)
            made = {"EndpointConfigName": name, "ProductionVariants": variants}
            made.update({key: old[key] for key in KEPT_KEYS if key in old})
            self._run("create-endpoint-config", "--cli-input-json", json.dumps(made))
        self._run(
            "update-endpoint", "--endpoint-name", self.params["endpoint"], "--endpoint-config-name", name
        )
        self._wait_in_service()
        if self._endpoint()["EndpointConfigName"] != name:
            raise ReleaseError(
                f"SageMaker undid the update to the configuration '{name}': its events say why", 1
            )

    def _weigh(self, weights: dict[str, float]) -> None:
        wanted = [{"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()]
        self._run(
            "update-endpoint-weights-and-capacities", "--endpoint-name", self.params["endpoint"],
            "--desired-weights-and-capacities", json.dumps(wanted),
        )  # fmt: skip
        self._wait_in_service()

    def _wait_in_service(self) -> None:
        self._run("wait", "endpoint-in-service", "--endpoint-name", self.params["endpoint"])

    def _ask(self, *words: str) -> Any:
        found = ask_json(
            ["aws", "sagemaker", *words, "--output", "json"], f"aws sagemaker {words[0]}", self.place
        )
        if not isinstance(found, dict):
            raise ReleaseError(f"`aws sagemaker {words[0]}` printed no object")
        return found

    def _run(self, *words: str) -> None:
        run_program(["aws", "sagemaker", *words], f"aws sagemaker {words[0]}", self.place, {"AWS_PAGER": ""})


# --- mlcc.release.adapters.vertex.runtime -------------------------------------------------------------------
# An endpoint of Vertex AI. Standard library only: bundled into the emitted script.
#
# Notes are labels of the endpoint, whose values have lower-case letters, digits, '-' and '_'. A deployed model's id is ours to
# choose, in at most ten digits: the CRC of the release's.

GOOGLE_LABEL = "mlcc-"
NO_VALUE = "-"  # of a label


class VertexAdapter(NotedAdapter):
    """The traffic split of an endpoint. `what` serves a release is a deployed model's id."""

    def what_of(self, release: str) -> str:
        """Return the deployed model's id."""
        if not re.match(r"[a-z0-9_-]{1,63}\Z", release):
            raise ReleaseError(
                f"'{release}' is no label that Google takes: lower-case letters, digits, '-' and '_'"
            )
        return str(zlib.crc32(release.encode()))

    def noted(self) -> dict[str, str]:
        """Return what the endpoint's labels say."""
        labels = self._endpoint().get("labels", {})
        return {
            key[len(GOOGLE_LABEL) :].replace("-", "_"): "" if value == NO_VALUE else value
            for key, value in labels.items()
            if key.startswith(GOOGLE_LABEL)
        }

    def note(self, changes: dict[str, str]) -> None:
        """Write labels to the endpoint."""
        pairs = [
            f"{GOOGLE_LABEL}{key.replace('_', '-')}={value or NO_VALUE}"
            for key, value in sorted(changes.items())
        ]
        self._run("update", "--update-labels", ",".join(pairs))

    def served(self) -> str:
        """Return the only deployed model's id."""
        ids = self._deployed()
        if len(ids) != 1:
            raise ReleaseError(
                f"the endpoint has {len(ids)} deployed models: mlcc begins with one, which is live"
            )
        return ids[0]

    def weight(self) -> float:
        """Return what the traffic split says of the candidate."""
        share = self._endpoint().get("trafficSplit", {}).get(self.all_notes()["candidate_what"], 0)
        if type(share) is not int:
            raise ReleaseError("the endpoint's traffic split tells no whole percents")
        return float(share)

    def put(self, release: str, what: str) -> None:
        """Deploy the model beside the live one, and remove what was live before that."""
        self._remove_others({self.all_notes()["live_what"], what})
        if what not in self._deployed():
            self._run(
                "deploy-model", "--model", str(self.params["model"]).replace("{release}", release), "--display-name", release,
                "--deployed-model-id", what, "--machine-type", self.params["machine_type"],
                "--min-replica-count", str(self.params["replicas"]),
            )  # fmt: skip

    def share(self, weight: float) -> None:
        """Set the split of both models."""
        now = self.all_notes()
        self._split({now["live_what"]: 100 - int(weight), now["candidate_what"]: int(weight)})

    def finish(self) -> None:
        """Give the candidate everything; the other stays deployed."""
        self.share(100)

    def bring_back(self, release: str, what: str) -> None:
        """Give a deployed model everything, then remove the others."""
        del release
        if what not in self._deployed():
            raise ReleaseError(f"the endpoint has no deployed model {what} to bring back", 1)
        self._split({what: 100})
        self._remove_others({what})

    # --- the client ---

    def _endpoint(self) -> Any:
        words = self._words("describe", "--format", "json")
        found = ask_json(words, "gcloud ai endpoints describe", self.place)
        if not isinstance(found, dict):
            raise ReleaseError("`gcloud ai endpoints describe` printed no object")
        return found

    def _deployed(self) -> list[str]:
        return [str(model["id"]) for model in self._endpoint().get("deployedModels", [])]

    def _remove_others(self, kept: set[str]) -> None:
        for id in self._deployed():
            if id not in kept:
                self._run("undeploy-model", "--deployed-model-id", id)

    def _split(self, shares: dict[str, int]) -> None:
        self._run("update", "--traffic-split", ",".join(f"{id}={share}" for id, share in shares.items()))

    def _run(self, verb: str, *options: str) -> None:
        run_program(self._words(verb, *options), f"gcloud ai endpoints {verb}", self.place)

    def _words(self, verb: str, *options: str) -> list[str]:
        own = self.params
        where = (own["endpoint"], "--region", own["region"], "--project", own["project"])
        return ["gcloud", "ai", "endpoints", verb, *where, "--quiet", *options]


# --- mlcc.release.kinds -------------------------------------------------------------------------------------
# The adapters that the emitted script knows. Standard library only: bundled into it.

DRIVEN = {
    "command": CommandAdapter,
    "nginx": NginxAdapter,
    "kserve": KserveAdapter,
    "argo_rollouts": ArgoRolloutsAdapter,
    "sagemaker": SagemakerAdapter,
    "vertex": VertexAdapter,
    "mlflow_alias": MlflowAliasAdapter,
}


# --- mlcc.runtime.process -----------------------------------------------------------------------------------
# Runs a command under a deadline, with its whole process group, so that nothing outlives the node (S7).
#
# Standard library only: bundled into the emitted script.

GRACE = 10.0  # seconds between asking a process group to end and killing it
CANCEL_GRACE = 4.0  # the same when the run is cancelled: the CI system soon kills us too
TICK = 0.2  # seconds between looks at a child
STRICT = "set -euo pipefail\n"
TIMED_OUT = 124


class CancelledError(Exception):
    """The CI system ends the run."""


def watch_cancel() -> None:
    """Turn the first signal of a cancelled run into an exception, so that children and teardown are cared for.

    Further ones, which CI systems send a few seconds later, mustn't interrupt that.
    """

    def overhear(_number: int, _frame: FrameType | None) -> None:
        pass  # not SIG_IGN, which the teardown's command would inherit

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, overhear)
        raise CancelledError

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def run(
    command: list[str],
    env: dict[str, str],
    deadline: float,
    cwd: str = ".",
    tick: Callable[[], None] | None = None,
) -> int:
    """Return a command's exit status, or TIMED_OUT when `deadline` (of time.monotonic) has passed.

    `tick` is called from time to time while the command runs.
    """
    child = None
    grace = GRACE
    try:
        with _signals_held():
            child = subprocess.Popen(
                command, env=env, cwd=cwd, start_new_session=True, stdin=subprocess.DEVNULL
            )
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return TIMED_OUT
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(min(TICK, left) if tick is None else min(TICK * 5, left))
            if tick is not None:
                tick()
    except CancelledError:
        grace = CANCEL_GRACE
        raise
    finally:
        if child is not None:
            end_group(child, grace)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Let a cancel wait for a moment: one that came while a child starts would leave it running, known to nobody."""
    due: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, lambda number, _frame: due.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if due:
            signal.raise_signal(due[0])


def shell(
    lines: list[str], env: dict[str, str], deadline: float, cwd: str, tick: Callable[[], None] | None = None
) -> int:
    """Run commands in one strict bash process. They reach bash in a file, so no quoting is involved."""
    with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
        script = Path(folder) / "run.sh"
        script.write_text(STRICT + "\n".join(lines) + "\n", "utf-8")
        return run(["bash", "--noprofile", "--norc", str(script)], env, deadline, cwd, tick)


# --- mlcc.release.main --------------------------------------------------------------------------------------
# The entry of the emitted `.mlcc/release.py`: one step of a release.

USAGE = (
    "usage: python3 -I .mlcc/release.py RELEASE deploy | verify | step NUMBER | promote | watch NUMBER | rollback | restore | "
    "reconcile | first"
)
LOOKING = {"step": step, "watch": watch}
UNDOING = ("rollback", "restore", "reconcile")
CHANGING = ("promote", *UNDOING)  # what is live
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,250}\Z")
STEPS = {
    "deploy": deploy,
    "verify": verify,
    "promote": promote,
    "rollback": rollback,
    "restore": lambda release: restore(release, _named()),
    "reconcile": reconcile,
    "first": first,
}


def main() -> int:
    """Do the step that is named, in the folder of the spec. Returns 0 passed, 1 failed, 2 error, 3 inconclusive."""
    watch_cancel()  # a program that a verb has started ends with the run
    words = sys.argv[1:]
    os.chdir(Path(__file__).resolve().parent.parent)
    try:
        if len(words) == 2 and words[1] in STEPS:
            release = _release(words[0])
            code = STEPS[words[1]](release) or 0
            if words[1] in CHANGING and not code:
                _tell(release, undone=words[1] in UNDOING)
            return code
        if len(words) == 3 and words[1] in LOOKING and words[2].isdecimal():
            return LOOKING[words[1]](_release(words[0]), int(words[2]))
    except ReleaseError as problem:
        say(f"mlcc: {problem}")
        return problem.code
    except CancelledError:
        say("mlcc: the run was cancelled")
        return 2
    say(USAGE)
    return 2


def _tell(release: Release, *, undone: bool) -> None:
    """Tell the runtime, where that has started this, what is live now, and what was taken away."""
    outputs, place = os.environ.get("MLCC_OUTPUTS") if undone else None, os.environ.get("MLCC_LIVE")
    if not (outputs or place):
        return
    live = release.adapter.describe().live
    if outputs:
        values = {"UNDONE": release.undone.release, "REACHED": release.undone.reached, "LIVE": live}
        with Path(outputs).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())
    if place:
        Path(place).write_text(live + "\n", encoding="utf-8")


def _named() -> str:
    """Return the release that a person has named; empty: what was live before."""
    name = os.environ.get("MLCC_RESTORE", "").strip()
    if name and not NAME.match(name):
        raise ReleaseError(f"{name[:80]!r} is no release's id: letters, digits, '.', '_' and '-'", 1)
    return name


def _release(id: str) -> Release:
    run = os.environ.get("MLCC_RUN", "")
    if not run:
        raise ReleaseError("MLCC_RUN is empty: it names the run whose release this is")
    try:
        params: dict[str, Any] = json.loads(Path(f".mlcc/releases/{id}.json").read_text("utf-8"))
        (name, own), *_ = params["adapter"].items()
        place = Place(params["folder"] or ".", float(params["within"]), float(params["drain"]))
        return Release(params, run, DRIVEN[name](own, place))
    except (OSError, ValueError, KeyError, TypeError):
        raise ReleaseError(f"the parameters of the release '{id}' can't be read") from None


if __name__ == "__main__":
    raise SystemExit(main())
