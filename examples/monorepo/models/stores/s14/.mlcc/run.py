# mlcc:generated sha256=6c8c0dadce3cb4ea85178447413943abe0c56a125de6a87fabe299cb5b66dec7
# fmt: off
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# isort: skip_file
"""The runtime of compiled pipelines: select what runs, run one node, undo a release that was killed, state the result.

python3 -I .mlcc/run.py select | node | undo | final

This file stands alone on purpose: it runs where mlcc is not installed, and needs no other file of
mlcc. It was joined from these modules of mlcc, which are tested as they are:
  mlcc.runtime.file_digest, mlcc.runtime.addresses, mlcc.runtime.platform, mlcc.strict_json,
  mlcc.runtime.records, mlcc.runtime.decide, mlcc.runtime.patterns, mlcc.runtime.digest,
  mlcc.runtime.moments, mlcc.runtime.store, mlcc.runtime.registered, mlcc.runtime.stored,
  mlcc.runtime.data, mlcc.runtime.release_ids, mlcc.runtime.live, mlcc.runtime.champion,
  mlcc.runtime.web, mlcc.runtime.image_registry, mlcc.runtime.login, mlcc.runtime.values,
  mlcc.runtime.collected, mlcc.runtime.predicates, mlcc.runtime.statements, mlcc.runtime.lineage,
  mlcc.runtime.log, mlcc.runtime.groups, mlcc.runtime.process, mlcc.runtime.release,
  mlcc.runtime.released, mlcc.runtime.final, mlcc.runtime.services, mlcc.runtime.attempt,
  mlcc.runtime.images, mlcc.runtime.building, mlcc.runtime.webhooks, mlcc.runtime.notices,
  mlcc.runtime.made_live, mlcc.runtime.tags, mlcc.runtime.steps, mlcc.runtime.promotion,
  mlcc.runtime.submissions, mlcc.runtime.remote, mlcc.runtime.node, mlcc.backends.github.platform,
  mlcc.backends.gitlab.platform, mlcc.backends.jenkins.platform, mlcc.runtime.platforms,
  mlcc.runtime.select, mlcc.runtime.main
Don't edit it: `mlcc compile` writes it again.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import json
import math
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any


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


# --- mlcc.runtime.live --------------------------------------------------------------------------------------
# What a release runs now: a record in the store, written where a release goes live and where it is undone (S11).
#
#     PREFIX/releases/PIPELINE/RELEASE.json    what is live, a promotion that isn't confirmed, what each release consisted of
#
# `live` is the id of a release, "" where nothing that was recorded is live, and null where that isn't known. Each change
# comes to the same when it is made twice, and is held to the ids: undoing a release of earlier changes nothing of a later one.
# One lock per environment sees to it that one change is made at a time.
#
# Standard library only: bundled into the emitted script.

NOTHING_LIVE: dict[str, Any] = {"live": "", "pending": None, "releases": []}


def record_key(release: str, plan: dict[str, Any]) -> str:
    """Return where the record of a release lies in the store."""
    return f"releases/{plan['name']}/{release}.json"


def read_live(release: str, plan: dict[str, Any], env: dict[str, str], seconds: float) -> dict[str, Any]:
    """Return the record of a release; without one, nothing is live. Raises RunError where the store can't be asked."""
    key = record_key(release, plan)
    content = read_object(key, plan, env, seconds)
    return dict(NOTHING_LIVE) if content is None else _whole_record(f"the store's {key}", content)


def change_live(
    release: str,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    plan: dict[str, Any],
    env: dict[str, str],
    seconds: float,
) -> None:
    """Write the record of a release as a change makes it, where it makes another one of it. Raises RunError."""
    found = read_live(release, plan, env, seconds)
    changed = change(found)
    if changed != found:
        text = json.dumps(changed, indent=1, sort_keys=True, allow_nan=False) + "\n"
        write_object(record_key(release, plan), text.encode("utf-8"), plan, env, seconds)


# --- the changes ----------------------------------------------------------------------------------


def intended(record: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a promotion that begins. `entry` is what is promoted: release, run, commit, time, artifacts."""
    base = release_id(entry["release"], entry["run"])
    live, pending = record["live"], record["pending"]
    lost = pending is not None and pending["base"] != base
    begun = {
        **entry,
        "base": base,
        "id": next_id(base, live) if live is not None and is_of_run(base, live) else base,
        "before": None if lost else live,  # whether a promotion that was lost went live, nobody knows
    }
    kept = [*_others(record, pending["id"]), pending] if lost else record["releases"]
    return {**record, "pending": begun, "releases": kept}


def confirmed(record: dict[str, Any], told: str | None) -> dict[str, Any]:
    """Return the record of a promotion that went well. `told` is the live release's id, where what serves it tells one."""
    pending = record["pending"]
    if pending is None:
        raise RunError("the promotion isn't in the store's record any more")
    id = pending["id"] if told is None else told
    if id == record["live"]:
        return {**record, "pending": None}
    return _with_live(record, {**pending, "id": id})


def rolled_back(record: dict[str, Any], base: str, told: str | None) -> dict[str, Any]:
    """Return the record after the rollback of a run's release, `base` its id. `told`: what is live then, where that is told."""
    if told is not None:
        return settled(record, told)
    if record["pending"] is not None and record["pending"]["base"] == base:
        return {**record, "live": record["pending"]["before"], "pending": None}
    own = [entry for entry in record["releases"] if entry["base"] == base]
    if own and record["live"] == own[-1]["id"]:
        return {**record, "live": own[-1]["before"]}
    return record


def restored(record: dict[str, Any], named: str, told: str | None) -> dict[str, Any]:
    """Return the record after a person has undone what was live, or brought back the release that was `named`."""
    if told is not None:
        return settled(record, told)
    if named:  # of what isn't recorded, a command may have brought back anything
        found = settled(record, named)
        return {**found, "live": found["live"] or None}
    if record["pending"] is not None:
        return rolled_back(record, record["pending"]["base"], None)
    last = record["releases"][-1] if record["releases"] else None
    if last is None or record["live"] == last["id"]:
        return {**record, "live": "" if last is None else last["before"]}
    return {
        **record,
        "live": None,
    }  # the last one was undone already: what a command brings back then, it alone knows


def settled(record: dict[str, Any], told: str) -> dict[str, Any]:
    """Return the record where what serves the release tells what is live. What was live before the record began is nothing."""
    pending = record["pending"]
    if any(entry["id"] == told for entry in record["releases"]):
        return {**record, "live": told, "pending": None}
    if pending is not None and is_of_run(pending["base"], told):
        return _with_live(record, {**pending, "id": told})
    known = any(is_of_run(entry["base"], told) for entry in record["releases"])
    return {**record, "live": None if known else "", "pending": None}


def _with_live(record: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    releases = [*_others(record, entry["id"]), entry]
    return {**record, "live": entry["id"], "pending": None, "releases": releases}


def _others(record: dict[str, Any], id: str) -> list[dict[str, Any]]:
    return [entry for entry in record["releases"] if entry["id"] != id]


# --- what the store has ---------------------------------------------------------------------------


def _whole_record(shown: str, content: bytes) -> dict[str, Any]:
    """Return a record if it is whole. Raises RunError."""
    try:
        found = strict_json(content.decode("utf-8"))
    except (JsonError, ValueError):
        raise RunError(f"{shown} is no record") from None
    whole = (
        isinstance(found, dict)
        and set(NOTHING_LIVE) <= set(found)
        and (found["live"] is None or isinstance(found["live"], str))
        and isinstance(found["releases"], list)
    )
    if not isinstance(found, dict) or not whole:
        raise RunError(f"{shown} isn't whole")
    pending = [] if found["pending"] is None else [found["pending"]]
    if not all(_is_entry(shown, entry) for entry in (*found["releases"], *pending)):
        raise RunError(f"{shown} has a release that isn't whole")
    if found["live"] and not any(entry["id"] == found["live"] for entry in found["releases"]):
        raise RunError(f"{shown} says that '{found['live']}' is live, and not what that consists of")
    return found


def _is_entry(shown: str, entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("artifacts"), dict):
        return False
    for id, handle in entry["artifacts"].items():
        whole_handle(f"{shown} of '{id}'", handle)
    return all(
        isinstance(entry.get(key), str) for key in ("id", "base", "release", "run", "commit", "time")
    ) and ("before" in entry and (entry["before"] is None or isinstance(entry["before"], str)))


# --- mlcc.runtime.champion ----------------------------------------------------------------------------------
# Brings what a release runs now to who reads it, and puts what it promotes where that will be found.
#
# Standard library only: bundled into the emitted script.

def is_released(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether an artifact is what a release runs now."""
    return "released" in plan["artifacts"][id]


def receive_released(
    id: str,
    node: dict[str, Any],
    plan: dict[str, Any],
    selection: dict[str, Any],
    store: StoreAccess,
    known: str | None = None,
) -> str:
    """Put what a release runs now where its readers expect it, and return its digest; ABSENT: it runs none yet.

    All of a run read the same: what this node has read already (`known`) counts, or what a node before it has. Raises RunError.
    """
    artifact = plan["artifacts"][id]
    release, source = artifact["released"]["release"], artifact["released"]["artifact"]
    where = Path(artifact["paths"][0])
    clear(where)
    before = {other for other, _ in node["before"]}
    seen = _read_by(id, before, plan, selection)
    if len(set(seen.values())) > 1:
        raise RunError(_differ(id, seen))
    record = read_live(release, plan, store.env, store.deadline - time.monotonic())
    known = next(iter(seen.values()), None) if known is None else known
    if known == ABSENT:
        return ABSENT
    handle = (
        _live_handle(release, source, record, plan) if known is None else _handle_of(known, source, record)
    )
    if handle is None:
        return ABSENT
    shown = f"'{id}', which the release '{release}' runs"
    where.parent.mkdir(parents=True, exist_ok=True)
    get_stored_by(shown, handle, where, artifact["form"], store)
    return digest(id, artifact)


def _live_handle(
    release: str, source: str, record: dict[str, Any], plan: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the handle of what is live; None: nothing is. Raises RunError where that isn't known."""
    pending = record["pending"]
    if pending is not None:
        raise RunError(
            f"what '{release}' runs isn't known: its release '{pending['id']}' of the run {pending['run']} is being promoted, "
            "or was lost while it was. Run this again once that has ended; where it was lost, let its job be run again, or "
            "undo it (`rollback.manual`, `rollback.reconcile`)"
        )
    if record["live"] is None:
        raise RunError(
            f"what '{release}' runs isn't known: the last release was undone more than once, or one was lost while it was "
            f"promoted. The next promotion makes it known; by hand, the store's {record_key(release, plan)} says it"
        )
    live = next((entry for entry in record["releases"] if entry["id"] == record["live"]), None)
    if live is None:
        return None
    handle = live["artifacts"].get(source)
    if handle is None:
        raise RunError(f"the release '{live['id']}', which is live, brought no '{source}': the next one does")
    return dict(handle)


def _handle_of(digest: str, source: str, record: dict[str, Any]) -> dict[str, Any]:
    """Return the handle of what a node before has read, whatever is live by now. Raises RunError."""
    handles = (entry["artifacts"].get(source) for entry in record["releases"])
    found = next((handle for handle in handles if handle is not None and handle["digest"] == digest), None)
    if found is None:
        raise RunError(f"the store's record has no release any more with '{source}' as {digest}")
    return dict(found)


def differing(plan: dict[str, Any], selection: dict[str, Any], ids: Iterable[str]) -> list[str]:
    """Say of which artifacts nodes among `ids` read something else than others did, since a release changed in between."""
    ids = set(ids)
    found = []
    for id, artifact in plan["artifacts"].items():
        seen = _read_by(id, ids, plan, selection) if "released" in artifact else {}
        if len(set(seen.values())) > 1:
            found.append(_differ(id, seen))
    return found


def _read_by(id: str, ids: set[str], plan: dict[str, Any], selection: dict[str, Any]) -> dict[str, str]:
    """Return leg of a node -> digest of what those of a run that have read an artifact got."""
    found: dict[str, str] = {}
    for other, node in plan["nodes"].items():
        if other in ids and other in selection["selected"] and id in node["takes"]:
            for state in read_states(other, node, selection):
                if state is not None and id in state["inputs"]:
                    name = f"{other} ({state['leg']})" if state["leg"] else other
                    found[name] = state["inputs"][id]
    return found


def _differ(id: str, seen: dict[str, str]) -> str:
    (one, first), *rest = seen.items()
    other = next(other for other, digest in rest if digest != first)
    return f"'{one}' and '{other}' read different bytes as '{id}': a release went live, or was undone, in between. Run all again"


def put_released(ids: Iterable[str], store: StoreAccess) -> dict[str, dict[str, Any]]:
    """Bring what is promoted into the store, where it isn't yet, and return artifact -> handle. Raises RunError."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="mlcc-") as private:
        for id in ids:
            artifact = store.plan["artifacts"][id]
            folder = Path(private) / id
            put_stored(f"'{id}'", digest(id, artifact), Path(location(id, artifact)), folder, store)
            found[id] = read_handle(f"'{id}'", folder)
    return found


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


# --- mlcc.runtime.collected ---------------------------------------------------------------------------------
# What people read of a run is made by `.mlcc/report.py`, a process of its own: whatever is in a report harms nothing here.
#
# Standard library only: bundled into the emitted script.

REPORT_SECONDS = 60
PASSED_ON = ("MLCC_PLATFORM", "MLCC_NODE", "MLCC_LEG")


def run_report(what: str, failure: str, platform: Platform) -> None:
    """Run `.mlcc/report.py`; where that goes wrong, warn of `failure`: the node ends as it does."""
    env = {**runner_env(), **{name: os.environ.get(name, "") for name in PASSED_ON}}
    try:
        command = [sys.executable, "-I", ".mlcc/report.py", what]
        status = subprocess.run(command, env=env, timeout=REPORT_SECONDS, check=False).returncode
        problem = f"it ended with {status}" if status else ""
    except (OSError, subprocess.SubprocessError) as error:
        problem = type(error).__name__
    if problem:
        platform.warn(f"{failure}: {problem}")


def collect_reports(id: str, leg: str, node: dict[str, Any], platform: Platform) -> None:
    """Keep the reports of a leg, and show what they say."""
    for name, report in node.get("reports", {}).items():
        source = Path(report["path"])
        if source.is_symlink() or not source.is_file():  # a link could lead to what isn't a report at all
            platform.warn(f"{id}: it left no report '{name}' at {report['path']}")
            continue
        target = report_folder(id, leg) / name / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    if node.get("reports"):
        run_report("reports", f"{id}: its reports can't be read", platform)
        show_reports(state_folder(id, leg), platform)


def show_reports(folder: Path, platform: Platform) -> None:
    """Put into the summary what `.mlcc/report.py` has made of reports."""
    path = folder / REPORTS_SHOWN
    text = path.read_text("utf-8", "replace") if path.is_file() else ""
    if text:
        platform.put_summary(text)


# --- mlcc.runtime.predicates --------------------------------------------------------------------------------
# The types of statements about a run (https://github.com/in-toto/attestation, spec/v1): what each one says.
#
# Standard library only: bundled into emitted scripts.

STATEMENT = "https://in-toto.io/Statement/v1"
RECORD = "https://mlcc.dev/lineage/1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"


# --- mlcc.runtime.statements --------------------------------------------------------------------------------
# A run's record as in-toto Statements v1 (https://github.com/in-toto/attestation, spec/v1), unsigned.
#
# Three: the record itself, SLSA provenance v1 (https://slsa.dev/provenance/v1) and, where a gate gave a verdict, a
# test result (https://in-toto.io/attestation/test-result/v0.1). The subject is what models the run made; without one,
# whatever it made; else the commit.
#
# Standard library only: bundled into the emitted script.

_PINNED = re.compile(r"@sha256:([0-9a-f]{64})$")
_GIT_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def statements(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements about a run, the record itself first."""
    subject = subjects(record)
    found = [(RECORD, record), (PROVENANCE, _provenance(record))]
    if any(gate["end"] in ("passed", "failed") for gate in record.get("gates", {}).values()):
        found.append((TEST_RESULT, _test_result(record)))
    return [
        {"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": predicate}
        for kind, predicate in found
    ]


def subjects(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a run made: its models and images, else everything, else its commit."""
    made = {id: entry for id, entry in record.get("artifacts", {}).items() if entry["made"]}
    models = {id: entry for id, entry in made.items() if entry["kind"] in ("model", "image")}
    found = [found for id, entry in (models or made).items() for found in _descriptors(id, entry)]
    return found or [_commit_descriptor(record)]


def _descriptors(id: str, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an artifact as in-toto's ResourceDescriptors, one for each leg of its writer."""
    md5 = {"md5": entry["md5"]} if re.fullmatch("[0-9a-f]{32}", entry.get("md5", "")) else {}
    # A folder's digest is of the sorted lines of sha256sum, not of one file.
    notes = {"mlcc_form": entry["form"]} if entry["form"] != "file" else {}
    if "registered" in entry:
        notes["mlcc_version"] = f"{entry['registered']['model']}/{entry['registered']['version']}"
    found = []
    for leg, digest in entry["digests"].items():
        own: dict[str, Any] = {"name": f"{id}/{leg}" if leg else id}
        if digest.startswith("sha256:"):
            own["digest"] = {"sha256": digest[len("sha256:") :], **md5}
            if entry["form"] == "image":
                own["uri"] = f"{entry['paths'][0]}@{digest}"
            annotations = notes
        else:  # of a warehouse's table or a store's objects: not of bytes
            own["uri"] = entry["paths"][0]
            annotations = {**notes, "mlcc_digest": digest}
        found.append({**own, "annotations": annotations} if annotations else own)
    return found


def _commit_descriptor(record: dict[str, Any]) -> dict[str, Any]:
    commit, repository = record["commit"], record["run"].get("repository", "")
    found: dict[str, Any] = {"name": repository or "commit", "digest": {"gitCommit": commit["id"]}}
    if not _GIT_HASH.fullmatch(commit["id"]):
        found["digest"] = {"commit": commit["id"]}
    notes = {f"mlcc_{key}": commit[key] for key in ("committed", "dirty") if key in commit}
    return {**found, "annotations": notes} if notes else found


def _provenance(record: dict[str, Any]) -> dict[str, Any]:
    files = {**record.get("spec", {}), **record.get("plan", {}), **record.get("locks", {})}
    used: list[dict[str, Any]] = [_commit_descriptor(record)]
    used += [{"name": name, "digest": {"sha256": digest[7:]}} for name, digest in sorted(files.items())]
    used += [_image(image) for image in sorted(set(record.get("images", {}).values()))]
    byproducts: list[dict[str, Any]] = []
    named = [found["name"] for found in subjects(record)]
    for id, entry in record.get("artifacts", {}).items():
        found = [one for one in _descriptors(id, entry) if one["name"] not in named]
        (byproducts if entry["made"] else used).extend(found)
    run = record["run"]
    return {
        "buildDefinition": {
            "buildType": "https://mlcc.dev/pipeline/1",
            "externalParameters": {
                "pipeline": record["pipeline"],
                "event": run.get("event", ""),
                "ref": run.get("tag") or run.get("branch", ""),
                "inputs": record.get("inputs", {}),
            },
            "internalParameters": {"seeds": record.get("seeds", {})},
            "resolvedDependencies": used,
        },
        "runDetails": {
            "builder": {"id": f"https://mlcc.dev/builders/{record.get('platform') or 'unknown'}"},
            "metadata": {
                "invocationId": run.get("run_url") or run["run_id"],
                "finishedOn": record["finished"],
            },
            "byproducts": byproducts,
        },
    }


def _image(image: str) -> dict[str, Any]:
    pinned = _PINNED.search(image)
    digest = {"digest": {"sha256": pinned[1]}} if pinned else {}
    return {"name": image, "uri": f"docker://{image}", **digest}


def _test_result(record: dict[str, Any]) -> dict[str, Any]:
    """Return the gates as a test result: PASSED only where the run is green and nothing was let through."""
    passed: list[str] = []
    warned: list[str] = []
    failed: list[str] = []
    configuration = []
    for id, gate in record["gates"].items():
        if gate["end"] not in ("passed", "failed"):
            continue
        clean = gate["end"] == "passed" and gate["verdict"] == "pass"
        open_ = gate["end"] == "passed" or not gate["blocking"]
        (passed if clean else warned if open_ else failed).append(id)
        if isinstance(gate.get("gate_digest"), str):
            digest = gate["gate_digest"][len("sha256:") :]
            configuration.append({"name": f".mlcc/gates/{id}.json", "digest": {"sha256": digest}})
        configuration += _files_of(gate, record)
    result = "FAILED" if failed or not record["green"] else "WARNED" if warned or not passed else "PASSED"
    found: dict[str, Any] = {"result": result, "configuration": configuration}
    if record["run"].get("run_url"):
        found["url"] = record["run"]["run_url"]
    return {**found, "passedTests": passed, "warnedTests": warned, "failedTests": failed}


def _files_of(gate: dict[str, Any], record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a gate judged by that is no artifact: golden answers, a record that people wrote."""
    artifacts = record.get("artifacts", {})
    return [
        {"name": path, "digest": {"sha256": str(one["digest"])[len("sha256:") :]}}
        for path, one in gate["inputs"].items()
        if path not in artifacts and isinstance(one, dict) and str(one.get("digest")).startswith("sha256:")
    ]


# --- mlcc.runtime.lineage -----------------------------------------------------------------------------------
# The record of a run: which code and data made which model, and what every gate found. Written by the final node.
#
# It goes to `_mlcc/s--final/lineage.jsonl`, as in-toto statements (see mlcc.runtime.statements), one a line.
#
# Standard library only: bundled into the emitted script.

MOST_CHECKS = 1000  # of one gate that the record holds
_LOCKS = (
    "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "conda-lock.yml", "requirements.txt", "mlcc.lock",
)  # fmt: skip
_SEED = re.compile(r"(?:.*_)?SEED|PYTHONHASHSEED")
_MD5 = re.compile(r"^\s*(?:- )?md5: ([0-9a-f]{32}(?:\.dir)?)\s*$", re.MULTILINE)


def keep_lineage(
    platform: Platform,
    plan: dict[str, Any],
    selection: dict[str, Any],
    endings: dict[str, Ending],
    red: list[str],
) -> None:
    """Write the run's statements beside its result. A run without them ended as it has, and can't be released."""
    try:
        found = statements(lineage_record(plan, selection, endings, red))
        lines = [json.dumps(one, sort_keys=True, allow_nan=False) + "\n" for one in found]
        write_text(state_folder("final") / "lineage.jsonl", "".join(lines))
    except (OSError, ValueError, RunError) as problem:
        platform.warn(f"the run's lineage can't be written: {problem}")


def lineage_record(
    plan: dict[str, Any], selection: dict[str, Any], endings: dict[str, Ending], red: list[str]
) -> dict[str, Any]:
    """Return what is known of a run: code, data, models, environment, gates. What isn't known is left out."""
    states = {id: _states(id, plan, selection) for id in endings}
    gates = {
        id: _gate_record(id, plan["nodes"][id], states[id], found)
        for id, found in endings.items()
        if plan["nodes"][id]["kind"] == "gate"
    }
    artifacts = _artifacts(plan, states, gates)
    found = {
        "pipeline": plan["name"],
        "platform": os.environ.get("MLCC_PLATFORM", ""),
        "run": {key: value for key, value in selection["facts"].items() if value},
        "inputs": selection["inputs"],
        "green": not red,
        "causes": red,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(selection["commit"]),
        "spec": _digests(f"{_to_root(plan)}{path}" for path in plan.get("spec_files", ())),
        "plan": _digests([".mlcc/plan.json"]),
        "locks": _digests(_LOCKS),
        "images": {id: plan["nodes"][id]["image"] for id in endings if plan["nodes"][id].get("image")},
        "seeds": _seeds(plan, selection, endings),
        "artifacts": artifacts,
        "champions": _against(gates, "champion"),
        "references": _against(gates, "reference"),  # of drift gates: a committed profile, or a table
        "gates": gates,
        "nodes": {id: {"end": found.end, **_seconds(states[id])} for id, found in endings.items()},
        "borne": waivers_of(plan, os.environ.get("MLCC_PLATFORM", "")),
    }
    return {key: value for key, value in found.items() if value not in ({}, None)}


def _states(id: str, plan: dict[str, Any], selection: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return leg -> state, for the legs that left one of this run."""
    node = plan["nodes"][id]
    try:
        found = read_states(id, node, selection)
    except RunError:
        return {}
    return {leg: state for leg, state in zip(legs_of(node), found) if state is not None}  # noqa: B905 - Python 3.8


def _seconds(states: dict[str, dict[str, Any]]) -> dict[str, float]:
    times = [state["seconds"] for state in states.values() if type(state.get("seconds")) in (int, float)]
    return {"seconds": sum(times)} if times else {}


# --- what was used and made -----------------------------------------------------------------------


def _artifacts(
    plan: dict[str, Any], states: dict[str, dict[str, dict[str, Any]]], gates: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return each artifact that a node of this run took or made, with its digests by leg of its writer."""
    found: dict[str, dict[str, Any]] = {}
    for by_leg in states.values():
        for state in by_leg.values():
            for id, digest in state["inputs"].items():
                if digest != ABSENT:
                    found.setdefault(id, {"digests": {"": digest}, "made": False})
    for node, by_leg in states.items():
        for id in plan["nodes"][node].get("writes", ()):
            made = {
                leg: s["outputs"][id]
                for leg, s in by_leg.items()
                if s["end"] == "passed" and s["outputs"].get(id, ABSENT) != ABSENT
            }
            if made:
                found[id] = {"digests": made, "made": True, "writer": node}
    for id, entry in found.items():
        artifact = plan["artifacts"][id]
        entry.update(kind=artifact["kind"], form=artifact["form"], paths=artifact["paths"])
        entry.update(_alias(plan["nodes"].get(artifact.get("writer"), {})))
        entry.update(_registered(id, artifact, states.get(artifact.get("writer"), {})))
        rows = [rows for gate in gates.values() if gate["guards"] == id for rows in _rows(gate)]
        if rows:
            entry["rows"] = rows[0]
    return dict(sorted(found.items()))


def _alias(writer: dict[str, Any]) -> dict[str, str]:
    """Return the md5 by which DVC knows what a fetch brings."""
    for path in writer.get("sources", ()) if writer.get("kind") == "fetch" else ():
        if path.endswith(".dvc"):
            try:
                match = _MD5.search(Path(path).read_text("utf-8"))
            except (OSError, ValueError):
                return {}
            return {"md5": match[1]} if match else {}
    return {}


def _registered(id: str, artifact: dict[str, Any], states: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return which version of a registered model an artifact is."""
    found = [state["values"].get(version_name(id)) for state in states.values()]
    if "registry" not in artifact or not found or found[0] is None:
        return {}
    return {"registered": {"model": artifact["registry"], "version": found[0]}}


def _rows(gate: dict[str, Any]) -> list[int]:
    """Return the number of rows that a gate counted in what it guards."""
    found = [check for check in gate["checks"] if check.get("id") in ("rows", "rows.min")]
    counted = [check.get("estimate", check.get("n")) for check in found]
    return [rows for rows in counted if type(rows) is int]


def _against(gates: dict[str, dict[str, Any]], role: str) -> dict[str, str]:
    """Return the digest of each artifact that gates hold others against in a role, as their parameters name it."""
    found = {}
    for id, gate in gates.items():
        try:
            parameters = read_record(Path(".mlcc") / "gates" / f"{id}.json") or {}
        except RunError:
            continue
        named = parameters.get("params", {}).get(role)
        named = named.get("artifact") if isinstance(named, dict) else named
        taken = gate["inputs"].get(named) if isinstance(named, str) else None
        if isinstance(taken, dict) and isinstance(taken.get("digest"), str) and taken["digest"] != ABSENT:
            found[str(named)] = taken["digest"]
    return found


def _seeds(plan: dict[str, Any], selection: dict[str, Any], ids: Any) -> dict[str, dict[str, str]]:
    """Return node -> the declared variables that are seeds (SEED, …_SEED), as far as the plan or a form states them."""
    found: dict[str, dict[str, str]] = {}
    for id in ids:
        for name, value in plan["nodes"][id].get("env", {}).items():
            stated = value.get("text", selection["inputs"].get(value.get("input"), value.get("default")))
            if _SEED.fullmatch(name) and stated is not None and "secret" not in value:
                found.setdefault(id, {})[name] = str(stated)
    return found


def _digests(paths: Any) -> dict[str, str]:
    """Return path -> digest of those files that are there."""
    found = {}
    for path in paths:
        try:
            found[os.path.normpath(path)] = file_digest(path)
        except (DigestError, OSError):
            continue
    return found


def _to_root(plan: dict[str, Any]) -> str:
    return "".join("../" for part in plan.get("home", "").split("/") if part)


def _commit(id: str) -> dict[str, Any]:
    """Return the commit, when it was made, and whether tracked files differ from it."""
    found: dict[str, Any] = {"id": id}
    committed = _git_says("show", "-s", "--format=%cI", id)
    changed = _git_says("status", "--porcelain", "--untracked-files=no")
    if committed:
        found["committed"] = committed
    if changed is not None:
        found["dirty"] = changed != ""
    return found


def _git_says(*words: str) -> str | None:
    call = ["git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*", *words]
    try:
        done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


# --- what gates found -----------------------------------------------------------------------------


def _gate_record(
    id: str, node: dict[str, Any], states: dict[str, dict[str, Any]], ending: Ending
) -> dict[str, Any]:
    """Return what a gate decided, by the state, and what it found, by its verdict. Of several legs the worst."""
    found: dict[str, Any] = {
        "kind": node["gate"],
        "guards": node["guards"],
        "blocking": node.get("blocking", True),
        "end": ending.end,
        "verdict": ending.verdict,
        "summary": ending.cause,
        "inputs": {},
        "checks": [],
    }
    for leg, state in states.items():
        verdict = _verdict(id, leg)
        if verdict and state["verdict"] == ending.verdict and verdict.get("verdict") == ending.verdict:
            checks = verdict.get("checks")
            found["checks"] = checks[:MOST_CHECKS] if isinstance(checks, list) else []
            found["inputs"] = _inputs_of(verdict)
            found.update(
                {key: verdict[key] for key in ("summary", "gate_digest", "waived") if key in verdict}
            )
            break
    found["checks"] = [check for check in found["checks"] if isinstance(check, dict)]
    return {**found, **_seconds(states)}


def _inputs_of(verdict: dict[str, Any]) -> dict[str, Any]:
    """Return what a gate judged by path and digest. The objects behind an address stay in its verdict: they may be many."""
    inputs = verdict.get("inputs")
    found = inputs.items() if isinstance(inputs, dict) else ()
    return {
        id: {key: value for key, value in taken.items() if key != "objects"}
        for id, taken in found
        if isinstance(taken, dict)
    }


def _verdict(id: str, leg: str) -> dict[str, Any] | None:
    try:
        return read_verdict(id, leg)
    except RunError:
        return None


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


# --- mlcc.runtime.release -----------------------------------------------------------------------------------
# What undoes a release: the release itself, at once, and its rollback's node where that couldn't be (S11).
#
# Standard library only: bundled into the emitted script.

HELD = "it is held: a person decides"
NOTHING_RELEASED = "nothing was released"
NOTHING_LEFT = "nothing of it was there to undo"


def undo(rollback: dict[str, Any], env: dict[str, str]) -> tuple[bool, str]:
    """Run the command of a rollback's node. Return whether the release is undone, and how to say so.

    It has a time of its own, so that a release which used up its time is undone, too.
    """
    say("mlcc: rolling back")
    lines = [*rollback.get("setup", []), *rollback["run"]]
    try:
        code = shell(
            lines, env, time.monotonic() + rollback["timeout"], rollback.get("working_directory") or "."
        )
    except OSError as problem:  # such as a folder that the release has removed
        return False, f"its rollback can't be run: {problem.strerror}"
    if code != 0:
        return False, f"its rollback ended with {code}"
    return True, NOTHING_LEFT if _found_nothing(rollback, env) else "it was rolled back"


def _found_nothing(rollback: dict[str, Any], env: dict[str, str]) -> bool:
    """Tell whether a rollback says that it took nothing away; one that says nothing of it may have."""
    try:
        return read_values(Path(env["MLCC_OUTPUTS"]), rollback.get("outputs", [])).get("UNDONE") == ""
    except RunError:
        return False


def keeps(node: dict[str, Any], state: dict[str, Any] | None) -> bool:
    """Tell whether what is live stays although a step didn't pass: where errors are held, a person decides.

    Only what was shown to be bad is undone there: a watch that was lost, late or cancelled showed nothing.
    """
    return "error" in node.get("holds", []) and (state is None or state.get("shown_bad") is not True)


def undone(
    node: dict[str, Any], plan: dict[str, Any], selection: dict[str, Any], platform: Platform
) -> str | None:
    """Say why a rollback's node has nothing to undo; None: it has, or that can't be told.

    A step that left no state was lost with its machine, unless it was cancelled: then neither it nor what follows began.
    """
    began: list[dict[str, Any]] = []
    live = False
    for id in steps_of_release(node):
        own = plan["nodes"][id]
        (state,) = read_states(id, own, selection)
        if state is not None and state.get("held") is True:
            return HELD
        if state is None and platform.was_cancelled(id):
            break
        if keeps(own, state):
            continue
        if state is None:
            return None
        if state.get("began") is True:
            began.append(state)
            live = live or (state["end"] == "passed" and own.get("release", {}).get("step") == "promote")
    if not began:
        return NOTHING_RELEASED
    if live and all(state["end"] == "passed" for state in began):
        return "the release passed"
    return "the release undid itself" if any(state.get("rolled_back") is True for state in began) else None


# --- mlcc.runtime.released ----------------------------------------------------------------------------------
# What became of a release: the event that one of its nodes has seen, and the line that the release log gets of it.
#
# `promoted`: the release is live. `rolled_back`: it was taken away again. `held`: it waits for a person. `failed`: it
# couldn't be taken away, nothing can do that, or its deployment failed already. One node sees it, and no other tells it.
#
# The log is for DORA's metrics (https://dora.dev/guides/dora-metrics/): a change that was deployed to users failed where it
# had to be rolled back or repaired at once. So a line says whether the release was live, and since when users were reached:
# a candidate taken away from its share of the live requests is a change that failed, and one without any is none.
#
# Standard library only: bundled into the emitted script.

MOST_LOGGED = 500  # characters of a cause


class Seen:
    """What one node of a release has seen of it. `state` is the node's own, and takes what is noted."""

    def __init__(
        self, id: str, state: dict[str, Any], plan: dict[str, Any], selection: dict[str, Any]
    ) -> None:
        self.id, self.state, self.plan, self.selection = id, state, plan, selection
        self.node: dict[str, Any] = plan["nodes"][id]
        self.part: dict[str, Any] = self.node["release"]
        self.before: dict[
            str, dict[str, Any] | None
        ] = {}  # step of the same release -> its state, if it left one
        for other in dict.fromkeys(before for before, _ in self.node["before"]):
            if plan["nodes"][other].get("release", {}).get("id") == self.part["id"]:
                (self.before[other],) = read_states(other, plan["nodes"][other], selection)

    @property
    def known(self) -> list[dict[str, Any]]:
        """The states of this node and of those right before it."""
        return [self.state, *(state for state in self.before.values() if state is not None)]

    def begin(self) -> None:
        """Note that the node's command begins, which may reach users."""
        self.state["began"] = True
        if self.since or self.part["step"] not in ("deploy", "verify"):
            self.state["since"] = self.since or utc_now()
        self.state["live"] = self.live

    def note(self, platform: Platform, *, last: bool) -> None:
        """Note the event ("": none), and the line of the log. `last`: nobody tries any more to undo it on this machine."""
        if self.part["step"] == "undo":
            event = self._of_undoing()
        else:
            event = (
                self._of_rollback(platform) if self.node["kind"] == "rollback" else self._of_step(last=last)
            )
        self.state["event"] = event
        action = self._action(event)
        if action:
            self.state["log"] = self._line(action)

    @property
    def since(self) -> str:
        """The time at which the release first reached users; empty: it has reached none, or that isn't known."""
        return min((str(state["since"]) for state in self.known if state.get("since")), default="")

    @property
    def live(self) -> bool:
        """Whether the release was promoted before."""
        return self._undone("REACHED") == "live" or any(
            state.get("live") is True or state.get("event") == "promoted" for state in self.known
        )

    @property
    def reached(self) -> bool:
        """Whether users were, or may have been, reached: a machine that was lost after the deployment tells nothing."""
        return bool(self.since or self._undone("REACHED")) or (
            self.node["kind"] == "rollback" and not self._deployment_failed()
        )

    def _of_step(self, *, last: bool) -> str:
        if self.state.get("held") is True:
            return "held"
        if self.state["end"] != "failed":
            return "promoted" if self.state["end"] == "passed" and self.part["step"] == "promote" else ""
        if self.state.get("began") is not True:  # where another step began, the rollback's node tells
            return "" if self.before or self.state.get("cancelled") is True else "failed"
        if self.part["step"] == "deploy" or "rollback" not in self.node:
            return "failed"
        if self.state.get("rolled_back") is True:
            return "failed" if self.state.get("nothing_left") is True else "rolled_back"
        return "failed" if last else ""

    def _of_undoing(self) -> str:
        """Return what a node has seen that a trigger of its own started: it tells what it took away, if anything."""
        if self.state["end"] != "passed":
            return "failed" if self.state["end"] == "failed" else ""
        if self.node.get("outputs") and not self._undone("UNDONE"):
            return ""
        if self._undone("UNDONE"):
            self.state["cause"] = (
                f"'{self._undone('UNDONE')}' was taken away: '{self._undone('LIVE')}' is live"
            )
        return "rolled_back"

    def _undone(self, name: str) -> str:
        """Return what a node says that undid a release by a trigger of its own; a command says nothing of what it did."""
        if self.part["step"] != "undo":
            return ""
        found = self.state["values"] if self.node.get("outputs") else {"REACHED": "live"}
        return str(found.get(name, ""))

    def _of_rollback(self, platform: Platform) -> str:
        """Return what the rollback's node has seen, where no step has told that already."""
        if (
            self.state["end"] == "skipped"
            or undone(self.node, self.plan, self.selection, platform) is not None
        ):
            return ""
        undid = any(state.get("rolled_back") is True for state in self.known)
        if self.state["end"] == "passed" and undid:
            return ""
        event = "rolled_back" if self.state["end"] == "passed" and not self._deployment_failed() else "failed"
        return "" if any(state.get("event") == event for state in self.known) else event

    def _deployment_failed(self) -> bool:
        deployed = [state for id, state in self.before.items() if self._step(id) == "deploy"]
        return any(state is None or state["end"] != "passed" for state in deployed)

    def _step(self, id: str) -> str:
        return str(self.plan["nodes"][id]["release"]["step"])

    def _action(self, event: str) -> str:
        """Return what the log calls an event; empty: nothing has changed for users."""
        if event == "failed":
            if self.state.get("nothing_left") is True:  # it was refused, or who took it away has told that
                return ""
            passed = self.node["kind"] == "rollback" and self.state["end"] == "passed"
            if passed or self.state.get("rolled_back") is True:
                return "rollback"
            return "incident" if self.reached else ""
        return {"promoted": "release", "rolled_back": "rollback"}.get(event, "")

    def _line(self, action: str) -> dict[str, Any]:
        inputs: dict[str, str] = next((state["inputs"] for state in self.known if state["inputs"]), {})
        deployed = {
            id for other in (self.id, *self.before) for id in self.plan["nodes"][other].get("deploys", [])
        }
        line = {
            "time": self.state["ended"],
            "action": action,
            "environment": self.part["environment"],
            "release": self.part["id"],
            "commit": self.selection["commit"],
            "digests": {id: digest for id, digest in inputs.items() if id in deployed},
            "pipeline": self.plan["name"],
            "run": self.selection["facts"]["run_id"],
        }
        if action == "release":
            return line
        found = {"live": self.live, "reached": self.reached, "cause": str(self.state["cause"])[:MOST_LOGGED]}
        return {**line, **found, **({"since": self.since} if self.since else {})}


def keep_releases(
    platform: Platform, plan: dict[str, Any], selection: dict[str, Any], endings: dict[str, Ending]
) -> None:
    """Write the lines of the run's nodes beside its result, in the order of their times, where there are any."""
    lines = []
    for id in endings:
        if "release" not in plan["nodes"][id]:
            continue
        try:
            states = read_states(id, plan["nodes"][id], selection)
        except RunError as problem:  # which the result tells, too
            platform.warn(f"the release log misses {id}: {problem}")
            continue
        lines += [state["log"] for state in states if state is not None and "log" in state]
    try:
        text = "".join(
            json.dumps(line, sort_keys=True, allow_nan=False) + "\n" for line in sorted(lines, key=_time)
        )
        if text:
            write_text(state_folder("final") / "releases.jsonl", text)
    except (OSError, ValueError) as problem:
        platform.warn(f"the release log can't be written: {type(problem).__name__}")


def _time(line: Any) -> str:
    return str(line.get("time", "")) if isinstance(line, dict) else ""


def utc_now() -> str:
    """Return the time as ISO 8601 has it, to the second, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


# --- mlcc.runtime.final -------------------------------------------------------------------------------------
# The final node: how the run ended (S6), derived anew from the states, fit to be the one required check.
#
# Standard library only: bundled into the emitted script.

ICONS = {"passed": "✅", "failed": "❌", "skipped": "⏭️", "lost": "❌", "unselected": "·", "warned": "⚠️"}


def final_main(platform: Platform) -> int:
    """Return 0 when the run is green, 1 when it is red, and show why."""
    plan = read_plan()
    results = platform.results()
    try:
        platform.deliver(plan)
        selection = read_selection(platform.facts())
    except RunError as problem:
        write_record(state_folder("final") / "result.json", _result({"commit": ""}, {}, [str(problem)]))
        platform.put_summary(f"## ❌ {plan['name']}\n\n{problem}: nothing ran.\n")
        say(f"mlcc: red: {problem}")
        report(plan, platform)
        return 1
    refused = [id for id, result in results.items() if result == REFUSED]
    endings = settle(plan["nodes"], plan, selection, refused)
    read = [id for id, found in endings.items() if found.end != "lost"]
    red = [
        *_broken_verdicts(plan, endings, selection),
        *differing(plan, selection, read),
        *red_causes(plan, endings, results),
    ]
    write_record(state_folder("final") / "result.json", _result(selection, endings, red))
    platform.put_summary(summary(plan, selection, endings, red))
    keep_lineage(platform, plan, selection, endings, red)
    keep_releases(platform, plan, selection, endings)
    report(plan, platform)
    for cause in red:
        say(f"mlcc: red: {cause}")
    if not red:
        say("mlcc: green")
    return 1 if red else 0


def report(plan: dict[str, Any], platform: Platform) -> None:
    """Let be made what people read: without it, the run has ended as it has."""
    for what in ("page", "notes"):
        run_report(what, f"the {what} for reviewers can't be made", platform)
    if any(node.get("reports") for node in plan["nodes"].values()):
        folder = state_folder("final")
        (folder / REPORTS_SHOWN).unlink(missing_ok=True)
        run_report("summary", "what the reports say can't be shown", platform)
        show_reports(folder, platform)


def red_causes(plan: dict[str, Any], endings: dict[str, Ending], results: dict[str, Any]) -> list[str]:
    """Return why the run is red; none: it is green."""
    causes = []
    if results.get("select") != "success":
        causes.append(f"the selecting node ended with {results.get('select', 'nothing')}")
    for id, found in endings.items():
        blocking = plan["nodes"][id].get("blocking", True)
        if found.end == "lost":
            causes.append(f"'{id}' was lost: {found.cause}")
        elif blocking and found.end == "failed":
            causes.append(f"'{id}' failed: {found.cause}")
        elif results.get(id) == REFUSED:
            causes.append(f"'{id}' didn't start: {found.cause}")
        elif results.get(id) == "cancelled" or (blocking and results.get(id) == "failure"):
            causes.append(f"'{id}' ended with {results[id]} in the CI system")
    causes += [
        f"the run was cancelled at '{id}'"
        for id, r in results.items()
        if r == "cancelled" and id not in endings
    ]
    return causes or _unexplained(plan, results)


def _broken_verdicts(
    plan: dict[str, Any], endings: dict[str, Ending], selection: dict[str, Any]
) -> list[str]:
    """Return the gates, blocking or not, whose verdict isn't one that a gate of this run can have left."""
    gates = [
        id for id, found in endings.items() if plan["nodes"][id]["kind"] == "gate" and found.end != "lost"
    ]
    problems = {id: verdict_problem(id, plan["nodes"][id], selection) for id in gates}
    return [
        f"the verdict of '{id}' can't be believed: {problem}" for id, problem in problems.items() if problem
    ]


def _unexplained(plan: dict[str, Any], results: dict[str, Any]) -> list[str]:
    """Return the jobs that failed and are no single node's (they run several), where no node shows why."""
    known = {"select", *plan["nodes"]}
    return [
        f"'{id}' ended with failure in the CI system, and no node shows why"
        for id, result in results.items()
        if result == "failure" and id not in known
    ]


def _result(selection: dict[str, Any], endings: dict[str, Ending], red: list[str]) -> dict[str, Any]:
    return {
        "schema": "https://mlcc.dev/result/1",
        "commit": selection["commit"],
        "green": not red,
        "causes": red,
        "nodes": {id: {"end": e.end, "verdict": e.verdict, "cause": e.cause} for id, e in endings.items()},
    }


def summary(
    plan: dict[str, Any], selection: dict[str, Any], endings: dict[str, Ending], red: list[str]
) -> str:
    """Return the run as a Markdown table: every node, its end, and the sentence that says why."""
    lines = [f"## {'❌' if red else '✅'} {plan['name']}", ""]
    if not endings:
        lines.append("Nothing that the pipeline depends on has changed.")
    else:
        lines += ["| | node | ended | why |", "|---|---|---|---|"]
    for id, found in endings.items():
        blocking = plan["nodes"][id].get("blocking", True)
        icon = ICONS["warned" if found.end == "failed" and not blocking else found.end]
        verdict = (
            f"{found.end} ({found.verdict})"
            if plan["nodes"][id]["kind"] == "gate" and found.verdict
            else found.end
        )
        lines.append(f"| {icon} | {id} | {verdict} | {cell(found.cause or _sentence(id, plan))} |")
    for feature, waiver in waivers_of(plan, os.environ.get("MLCC_PLATFORM", "")).items():
        lines += ["", f"Borne here until {waiver['until']}: {feature} ({cell(waiver['reason'])})"]
    rest = [id for id in plan["nodes"] if id not in endings]
    if rest:
        lines += ["", f"<details><summary>{len(rest)} not selected</summary>", ""]
        lines += [f"- {id}: {cell(selection['reasons'][id])}" for id in rest]
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def _sentence(id: str, plan: dict[str, Any]) -> str:
    """Return what a gate found, for a node whose state has no cause."""
    if plan["nodes"][id]["kind"] != "gate":
        return ""
    try:
        for leg in legs_of(plan["nodes"][id]):
            record = read_verdict(id, leg)
            if record is not None:
                return str(record.get("summary", ""))
    except RunError as problem:
        return str(problem)
    return ""


def cell(text: str) -> str:
    """Return text for a cell of a Markdown table: one line, no markup, no links."""
    plain = one_line(text)[:300]
    return "".join("&#" + str(ord(c)) + ";" if c in "|<>[]`*_&@!" else c for c in plain)


# --- mlcc.runtime.services ----------------------------------------------------------------------------------
# Waits for the containers beside a node. Standard library only: bundled into the emitted script.

def wait_for(id: str, host: str, port: str, limit: float) -> None:
    """Wait until a service accepts connections. Raises RunError at `limit` (of time.monotonic)."""
    if not host or not port:
        raise RunError(f"the CI system gave no address for the service '{id}'")
    while True:
        try:
            with contextlib.closing(socket.create_connection((host, int(port)), timeout=1.0)):
                return
        except (OSError, ValueError):
            if time.monotonic() > limit:
                raise RunError(f"the service '{id}' accepted no connection in time") from None
            time.sleep(0.2)


# --- mlcc.runtime.attempt -----------------------------------------------------------------------------------
# What one leg of a node needs while it runs, and the running of its command (S2, S7, S8).
#
# Standard library only: bundled into the emitted script.

PASS, FAIL, ERROR, INCONCLUSIVE, SKIP, TIMEOUT = range(6)
MAX_CAUSE = 2000  # characters
VERDICTS = {PASS: "pass", FAIL: "fail", INCONCLUSIVE: "inconclusive"}


class Attempt:
    """What one leg of a node needs while it runs."""

    def __init__(self, id: str, leg: str, platform: Platform, left: dict[str, Any] | None = None) -> None:
        self.id, self.leg, self.platform = id, leg, platform
        self.plan = read_plan()
        if id not in self.plan["nodes"]:
            raise RunError(f"the plan has no node '{id}'")
        self.node: dict[str, Any] = self.plan["nodes"][id]
        if leg not in legs_of(self.node):
            raise RunError(f"'{id}' has no leg '{leg}'")
        for folder in (state_folder(id, leg), data_folder(id, leg), report_folder(id, leg)):
            if left is None:
                shutil.rmtree(folder, ignore_errors=True)  # nothing stale may count
        platform.deliver(self.plan)
        self.selection = read_selection(platform.facts())
        self.note = ""  # what is added to the cause
        self.code = 0  # that its command ended with
        self.judged = False  # whether what it released was asked: that is done once
        spent = time.time() - float(left["remote"]["began"]) if left is not None and "remote" in left else 0.0
        self.started = time.monotonic() - max(0.0, spent)
        self.deadline = self.started + float(self.node["timeout"])
        self.state: dict[str, Any] = {
            "schema": "https://mlcc.dev/state/1", **origin(self.selection, id, leg), "end": "failed", "verdict": "error",
            "cause": "", "attempts": 0, "inputs": {}, "outputs": {}, "values": {}, **(left or {}),
        }  # fmt: skip

    def finish(self, end: str, verdict: str, cause: str) -> None:
        """Write down how the leg ended. A cause may quote what came from outside, and is one line afterwards."""
        seconds = round(time.monotonic() - self.started, 1)
        whole = one_line(cause[:MAX_CAUSE]) + self.note
        self.state.update(end=end, verdict=verdict, cause=whole, seconds=seconds, ended=utc_now())
        write_record(state_folder(self.id, self.leg) / "state.json", self.state)


def environment_of(
    leg: Attempt, private: Path, rollback: dict[str, Any] | None = None
) -> tuple[dict[str, str], Logins]:
    """Return the environment of the command, or of what undoes it, and its logins; wait until its services answer."""
    node, plan, selection = rollback or leg.node, leg.plan, leg.selection
    inputs = {} if rollback else leg.state["inputs"]
    own = node_env(node, leg.leg, plan, selection, private, inputs)
    legs = node.get("legs", {"": {}})
    logins = node.get("logins", [])
    values = {
        login["provider"]: {
            name: resolve(name, value, legs[leg.leg], plan, selection, private)
            for name, value in login["values"].items()
        }
        for login in logins
    }
    login = Logins(logins, values, private, leg.platform)
    versions = {} if rollback else versions_taken(node, plan, selection)
    env = {**runner_env(), **versions, **own, **login.env(), "MLCC_OUTPUTS": str(private / "outputs")}
    if node.get("release", {}).get("records"):
        env["MLCC_LIVE"] = str(private / "live")  # where who serves the release tells what is live
    for id, within in node.get("services", {}).items():
        name = id.upper().replace("-", "_")
        limit = min(time.monotonic() + within, leg.deadline)
        wait_for(id, own[f"SERVICE_{name}_HOST"], own[f"SERVICE_{name}_PORT"], limit)
    return env, login


def run_command(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run the node's command once, take what it wrote, and note how it ended. Returns PASS, FAIL or TIMEOUT."""
    where = leg.node.get("working_directory") or "."
    code = shell([*leg.node.get("setup", []), *leg.node["run"]], env, leg.deadline, where, logins.tick)
    leg.code = code
    if code == TIMED_OUT and time.monotonic() >= leg.deadline:
        leg.finish("failed", "error", f"it didn't end within {leg.node['timeout']} s")
        return TIMEOUT
    if code != 0:
        leg.finish("failed", "fail", f"its command ended with {code}")
        return FAIL
    return take_outputs(leg, env)


def take_outputs(leg: Attempt, env: dict[str, str]) -> int:
    """Take what a command that ended well wrote, and note whether it is whole. Returns PASS or FAIL."""
    try:
        _check_unchanged(leg, env)
        leg.state["values"] = read_values(Path(env["MLCC_OUTPUTS"]), leg.node.get("outputs", []))
        run = leg.selection["facts"]["run_id"]
        access = StoreAccess(leg.plan, env, leg.deadline, leg.selection["commit"], run)
        leg.state["outputs"] = publish(leg.id, leg.leg, leg.node, access, leg.state["inputs"])
        leg.state["values"].update(published_versions(leg.id, leg.leg, leg.node, leg.plan))
    except RunError as problem:
        leg.finish("failed", "fail", str(problem))
        return FAIL
    leg.finish("passed", "pass", "")
    return PASS


def _check_unchanged(leg: Attempt, env: dict[str, str]) -> None:
    """Refuse what a command made of objects that its gates may not have judged: nothing here keeps them as they were."""
    found = remote_digests(leg.node, leg.plan, env, leg.deadline - time.monotonic())
    changed = [id for id, digest in found.items() if digest != leg.state["inputs"][id]]
    if changed:
        raise RunError(f"'{changed[0]}' changed at its address while the command ran")


# --- mlcc.runtime.images ------------------------------------------------------------------------------------
# Images that lie in a registry: nodes pass on a handle, and an image is known by the digest of its manifest (S2).
#
# Standard library only: bundled into the emitted script.

def is_image(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether an artifact is an image, which a registry keeps."""
    return bool(plan["artifacts"][id]["form"] == "image")


def registry_of(id: str, leg: Attempt, private: Path) -> Registry:
    """Return the registry of an image, with the login that the spec states, or the CI system has for its own. Raises RunError."""
    artifact = leg.plan["artifacts"][id]
    repository = repository_of(artifact["paths"][0])
    stated = artifact.get("login")
    if stated is None:
        return Registry(repository, leg.platform.registry_login(repository.partition("/")[0]))
    user, password = (
        resolve(name, stated[name], {}, leg.plan, leg.selection, private) for name in ("user", "password")
    )
    return Registry(repository, (user, password))


def receive_images(leg: Attempt, private: Path) -> dict[str, str]:
    """Return artifact -> digest of the images that a node takes, which their registries have. Raises RunError."""
    found = {}
    for id in leg.node["takes"]:
        if is_image(id, leg.plan):
            found[id] = _received_image(id, leg)
            there = registry_of(id, leg, private).manifest(found[id])
            if there is None:
                repository = repository_of(leg.plan["artifacts"][id]["paths"][0])
                raise RunError(
                    f"{repository} has no {found[id]} any more, which '{leg.plan['artifacts'][id]['writer']}' left as '{id}'"
                )
    return found


def _received_image(id: str, leg: Attempt) -> str:
    """Return the digest that the writer's state and its handle agree on. Raises RunError."""
    artifact = leg.plan["artifacts"][id]
    name = artifact["writer"]
    (state,) = read_states(name, leg.plan["nodes"][name], leg.selection)
    if state is None or state["end"] != "passed" or id not in state["outputs"]:
        raise RunError(f"'{name}' published no '{id}'")
    handle = read_handle(f"'{id}', which '{name}' wrote", data_folder(name) / id)
    digest = str(state["outputs"][id])
    if handle["digest"] != digest or handle["uri"] != f"{artifact['paths'][0]}@{digest}":
        raise RunError(f"'{id}' has a handle of another image than '{name}' wrote")
    return digest


def keep_image(id: str, manifest: Manifest, leg: Attempt) -> int:
    """Pass on an image by a handle, and note that the node has ended well. Returns PASS."""
    digest = manifest.digest
    uri = f"{leg.plan['artifacts'][id]['paths'][0]}@{digest}"
    folder = data_folder(leg.id, leg.leg) / id
    write_record(folder / HANDLE, {"uri": uri, "digest": digest, "size": len(manifest.content)})
    leg.state["outputs"] = {id: digest}
    leg.finish("passed", "pass", "")
    return PASS


def look_up(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Find which image a tag or a digest names, once: it is the same for all who read it. Returns PASS or FAIL."""
    del logins
    (id,) = leg.node["writes"]
    reference = str(leg.node["lookup"])
    private = Path(env["MLCC_OUTPUTS"]).parent
    try:
        registry = registry_of(id, leg, private)
        found = registry.manifest(reference)
        if found is None:
            raise RunError(f"{registry.repository} has no image {reference}")
    except RunError as problem:
        leg.finish("failed", "error", str(problem))
        return FAIL
    return keep_image(id, found, leg)


# --- mlcc.runtime.building ----------------------------------------------------------------------------------
# Builds an image of what is committed and of artifacts whose gates have passed, and pushes it.
#
# The builder gets a folder of its own: the committed files of the context, and what the build includes. All files have the
# time of the commit, so that equal inputs can give equal layers. https://reproducible-builds.org/specs/source-date-epoch/
#
# Standard library only: bundled into the emitted script.

DIGEST_FILE, METADATA_FILE = "digest", "metadata.json"
_IMAGE_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
DOCKER_HUB_KEY = "https://index.docker.io/v1/"  # what docker calls its own registry in its configuration


def build_image(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Build and push the node's image, check that the registry has it, and pass on its digest. Returns PASS, FAIL or TIMEOUT."""
    (id,) = leg.node["writes"]
    try:
        # The login lies there, too, and nothing may find it afterwards.
        with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
            private = Path(folder)
            registry = registry_of(id, leg, private)
            commands = _commands(leg, registry, private)
            own = {**env, **_login_files(registry, private), "SOURCE_DATE_EPOCH": _epoch(leg)}
            code = shell([*leg.node.get("setup", []), *commands], own, leg.deadline, ".", logins.tick)
            if code == TIMED_OUT and time.monotonic() >= leg.deadline:
                leg.finish("failed", "error", f"it didn't end within {leg.node['timeout']} s")
                return TIMEOUT
            if code != 0:
                leg.finish("failed", "fail", f"its builder ended with {code}")
                return FAIL
            digest = _pushed_digest(private)
            found = registry.manifest(digest)
        if found is None:
            raise RunError(f"the builder pushed {digest}, and {registry.repository} has no such image")
    except RunError as problem:
        leg.finish("failed", "error", str(problem))
        return FAIL
    except OSError as problem:
        leg.finish("failed", "error", f"the build can't be prepared: {problem.strerror}")
        return FAIL
    return keep_image(id, found, leg)


def _commands(leg: Attempt, registry: Registry, private: Path) -> list[str]:
    """Return the lines of bash that build and push."""
    build = leg.node["build"]
    builder = build.get("builder") or leg.platform.builder
    context = private / "context"
    _gather(leg, build, context)
    options = [
        "--no-cache", "--platform", build["platform"], "--file", str(context / build["file"]),
        "--label", f"org.opencontainers.image.revision={leg.selection['commit']}",
    ]  # fmt: skip
    source = _source(leg)
    options += ["--label", f"org.opencontainers.image.source={source}"] if source else []
    for name, value in build.get("args", {}).items():
        text = resolve(name, value, {}, leg.plan, leg.selection, private)
        options += ["--build-arg", f"{name}={text}"]
    for name, value in build.get("secrets", {}).items():
        place = private / f"secret-{name}"
        write_private(place, resolve(name, value, {}, leg.plan, leg.selection, private))
        options += ["--secret", f"id={name},src={place}"]
    tag = tag_of(f"mlcc-{leg.selection['commit'][:12]}-{leg.selection['facts']['run_id']}")
    image = f"{registry.repository}:{tag}"
    if builder == "docker":
        words = [
            "docker", "buildx", "build", "--pull", "--provenance=false", *options, "--tag", image, "--push",
            "--metadata-file", str(private / METADATA_FILE), str(context),
        ]  # fmt: skip
        return [shlex.join(words)]
    plain = ["--tls-verify=false"] if registry.local else []
    made = [
        builder,
        "build",
        "--pull-always",
        *plain,
        "--timestamp",
        _epoch(leg),
        *options,
        "--tag",
        image,
        str(context),
    ]
    pushed = [builder, "push", *plain, "--digestfile", str(private / DIGEST_FILE), image, f"docker://{image}"]
    removed = [builder, "rmi", "--force", image]  # a machine that stays would be filled
    return [shlex.join(words) for words in (made, pushed, removed)]


def _source(leg: Attempt) -> str:
    """Return the page of the repository, where the run's is below it; empty: it isn't known."""
    page, name, _ = str(leg.selection["facts"].get("run_url", "")).partition(
        f"/{leg.selection['facts'].get('repository', '')}/"
    )
    return f"{page}{name.rstrip('/')}" if name.strip("/") and page.startswith("https://") else ""


def _epoch(leg: Attempt) -> str:
    """Return the time of the commit in seconds. Raises RunError."""
    call = ["git", "-c", "safe.directory=*", "show", "-s", "--format=%ct", leg.selection["commit"]]
    done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    found = done.stdout.decode("ascii", "replace").strip()
    if done.returncode != 0 or not found.isdecimal():
        raise RunError("git doesn't tell when the commit was made")
    return found


def _gather(leg: Attempt, build: dict[str, Any], context: Path) -> None:
    """Lay out what the builder gets. Raises RunError."""
    top = build.get("context") or "."
    try:
        committed = files_of(["**"], top)
    except DigestError as problem:
        raise RunError(f"the context of the image can't be read: {problem}") from None
    for name in committed:
        _lay(Path(top) / name, context / name)
    if not (context / build["file"]).is_file():
        raise RunError(f"the context of the image has no committed file {build['file']}")
    for id in build.get("includes", []):
        artifact = leg.plan["artifacts"][id]
        if artifact["form"] == "paths":
            for name in files_of(artifact["paths"]):
                _lay(Path(name), context / name)
            continue
        path = Path(location(id, artifact))
        if artifact.get("writer") is not None and (context / path).exists():
            raise RunError(f"'{id}' lies at {path}, where the context of the image has committed files, too")
        for place in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if not place.is_dir():
                _lay(place, context / place)
    _settle_times(context, int(_epoch(leg)))


def _lay(source: Path, target: Path) -> None:
    """Copy a file, or a link as a link, with no more of its mode than whether it can be run."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        if not target.is_symlink():
            target.symlink_to(os.readlink(source))  # noqa: PTH115 - Python 3.8
        return
    if source.is_dir():  # a submodule that wasn't checked out
        return
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def _settle_times(context: Path, epoch: int) -> None:
    """Give all that lies in a folder one time, and folders one mode, so that no layer tells when and where it was made."""
    for folder, _, files in os.walk(context, topdown=False):
        for name in files:
            os.utime(Path(folder) / name, (epoch, epoch), follow_symlinks=False)
        Path(folder).chmod(0o755)
        os.utime(folder, (epoch, epoch))


def _login_files(registry: Registry, private: Path) -> dict[str, str]:
    """Return the variables by which builders find the login, after writing it where only this user reads it.

    https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md, which docker's own file is like.
    """
    auths: dict[str, Any] = {}
    if registry.login is not None:
        key = DOCKER_HUB_KEY if registry.host == "docker.io" else registry.host
        auths[key] = {"auth": base64.b64encode(":".join(registry.login).encode()).decode("ascii")}
    folder = private / "login"
    folder.mkdir(mode=0o700)
    write_private(folder / "config.json", json.dumps({"auths": auths}))
    return {"REGISTRY_AUTH_FILE": str(folder / "config.json"), "DOCKER_CONFIG": str(folder)}


def _pushed_digest(private: Path) -> str:
    """Return the digest that the builder says that it pushed. Raises RunError."""
    metadata = private / METADATA_FILE
    try:
        if metadata.exists():
            found = str((read_record(metadata) or {}).get("containerimage.digest", ""))
        else:
            found = (private / DIGEST_FILE).read_text("utf-8").strip()
    except (OSError, ValueError):
        found = ""
    if not _IMAGE_DIGEST.fullmatch(found):
        raise RunError("the builder ended well and didn't say which digest it pushed")
    return found


# --- mlcc.runtime.webhooks ----------------------------------------------------------------------------------
# Posts small JSON messages to webhooks. An address is a secret: it is never printed.
#
# Standard library only: bundled into the emitted scripts.

TRIES = 3
TRY_SECONDS = 10.0
WAITS = (1.0, 4.0)  # seconds before the second and the third try
MOST_WAIT = 15.0  # seconds, whatever Retry-After says
TELLING_SECONDS = 60.0  # for all webhooks together, which are told at the same time
HURRIED_SECONDS = 3.0  # the same, once, where the run is cancelled: the CI system soon kills us
MOST_CAUSE = 600  # characters; Discord refuses messages of more than 2,000
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_WAIT = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_ADDRESS = re.compile(r"https?://[!-~]{1,2000}")
LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]%+=-]{1,500}")


def harmless(text: str) -> str:
    """Return a text from outside as one line that mentions nobody, ends no code, and stands for itself.

    Slack reads & < and > (https://docs.slack.dev/messaging/formatting-message-text#escaping); others read @NAME.
    """
    shown = one_line(text)
    shown = shown if len(shown) <= MOST_CAUSE else shown[: MOST_CAUSE - 1] + "…"
    for mark, other in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "'"), ("@", "＠")):
        shown = shown.replace(mark, other)
    return shown


def kept_value(place: dict[str, Any]) -> str:
    """Return what the CI system keeps as a secret or a variable (`{secret: NAME}`); empty: nothing."""
    prefixes = {"secret": SECRET, "var": VARIABLE}
    (found,) = [os.environ.get(prefixes[kind] + str(name), "") for kind, name in place.items()]
    return found.strip()


def web_address(text: str) -> str:
    """Return an address that a message may go to; empty: this is none."""
    return text if _ADDRESS.fullmatch(text) and may_have_token(text) else ""


def post_all(addresses: dict[str, str], body: bytes, *, hurried: bool) -> dict[str, str]:
    """Post a message to all addresses, and return why it didn't arrive at each; empty: it did."""
    found = dict.fromkeys(addresses, "it didn't answer in time")

    def post_to(id: str, address: str) -> None:
        found[id] = post_again(address, body, hurried=hurried)

    ends = time.monotonic() + (HURRIED_SECONDS if hurried else TELLING_SECONDS)
    threads = [threading.Thread(target=post_to, args=pair, daemon=True) for pair in addresses.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    return dict(found)


def post_again(address: str, body: bytes, *, hurried: bool) -> str:
    """Post a message until it arrives, and return why it didn't; empty: it did."""
    if not address:
        return "its webhook isn't set in the CI system, or isn't an https address"
    problem = ""
    for number in range(1 if hurried else TRIES):
        try:
            status, wait = _post(address, body, HURRIED_SECONDS if hurried else TRY_SECONDS)
            problem = f"it answered {status}" + (
                ", and redirects aren't followed" if 300 <= status < 400 else ""
            )
        except Exception as error:  # whose text may hold the address
            status, wait, problem = 503, "", f"it can't be reached ({type(error).__name__})"
        if 200 <= status < 300:
            return ""
        if status not in _TRY_AGAIN or hurried or number == TRIES - 1:
            break
        asked = float(wait) if _WAIT.fullmatch(wait) else 0.0
        time.sleep(min(max(WAITS[number], asked), MOST_WAIT))
    return problem


def _post(address: str, body: bytes, seconds: float) -> tuple[int, str]:
    """Return the status of an answer, and its Retry-After."""
    import urllib.error
    import urllib.request  # dear, and most nodes tell nobody

    class Still(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """Follow none: the message is for the address that was named."""

    headers = {"Content-Type": "application/json", "User-Agent": "mlcc"}
    request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310 - `_address` checks the scheme
    try:
        with urllib.request.build_opener(Still).open(request, timeout=seconds) as answer:
            return int(answer.status), ""
    except urllib.error.HTTPError as answer:
        with answer:
            return int(answer.code), str(answer.headers.get("Retry-After", ""))


# --- mlcc.runtime.notices -----------------------------------------------------------------------------------
# Tells people what became of a release: one small JSON message to each webhook that the node's plan names.
#
# The message has the one key that Slack, Mattermost, Rocket.Chat and Discord's `/slack` all take, `text`
# (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). An address is a secret: it is never printed.
#
# Standard library only: bundled into the emitted script.

SENTENCES = {
    "promoted": "✅ {pipeline}: the release '{release}' is live in '{environment}'",
    "rolled_back": "↩️ {pipeline}: the release '{release}' was rolled back in '{environment}'",
    "held": "⏸️ {pipeline}: the release '{release}' is held in '{environment}', and waits for a person",
    "failed": "❌ {pipeline}: the release '{release}' failed in '{environment}'",
}


def conclude(
    id: str,
    state: dict[str, Any],
    plan: dict[str, Any],
    selection: dict[str, Any],
    platform: Platform,
    *,
    last: bool,
) -> None:
    """Note in a node's state what became of its release, and tell who wants to know. The node has ended as it has.

    A rollback's node also tells what steps couldn't. The state's `told` takes whom nobody has to tell any more. `last`:
    nobody tries any more to undo the release on this machine. What goes wrong is a warning.
    """
    place = state_folder(id) / "state.json"
    try:
        seen = Seen(id, state, plan, selection)
        seen.note(platform, last=last)
        write_record(place, state)
        for found in seen.known if seen.node["kind"] == "rollback" else [state]:
            _tell(seen, found, platform, hurried=not last and state.get("cancelled") is True)
        write_record(place, state)
    except CancelledError:
        platform.warn(f"{id}: cancelled while it told what became of the release")
    except Exception as problem:  # whatever it is, it isn't the release's
        platform.warn(f"{id}: what became of the release can't be told: {type(problem).__name__}")


def untold(part: dict[str, Any], state: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who wants to know of the event in a state of a release's node, and wasn't told."""
    told = state.get("told", [])
    return [
        notice
        for notice in part.get("notify", ())
        if state.get("event") in notice["events"] and notice["id"] not in told
    ]


def _tell(seen: Seen, state: dict[str, Any], platform: Platform, *, hurried: bool) -> None:
    """Tell who waits for it; `hurried`, only those who got it count as told, since there may be time later."""
    waiting = {
        notice["id"]: web_address(kept_value(notice["webhook"])) for notice in untold(seen.part, state)
    }
    if not waiting:
        return
    body = json.dumps({"text": notice_text(seen, state)}).encode("ascii")
    for id, problem in post_all(waiting, body, hurried=hurried).items():
        if problem:
            platform.warn(f"{seen.id}: no message to '{id}' ({state['event']}): {problem}")
        if not (problem and hurried):
            state.setdefault("told", []).append(id)


def notice_text(seen: Seen, state: dict[str, Any]) -> str:
    """Return the message: what happened, why, and of which commit and run."""
    facts, url = seen.selection["facts"], seen.selection["facts"].get("run_url", "")
    named = {
        "pipeline": seen.plan["name"],
        "release": seen.part["id"],
        "environment": seen.part["environment"],
    }
    lines = [SENTENCES[state["event"]].format(**named)]
    if state["cause"]:
        lines.append(f"`{harmless(state['cause'])}`")
    run = url if LINK.fullmatch(url) else harmless(facts["run_id"])
    return "\n".join([*lines, f"commit {harmless(seen.selection['commit'])[:12]}, run {run}"])


# --- mlcc.runtime.made_live ---------------------------------------------------------------------------------
# Notes in the store what a release makes live, and what is live once one was undone: for those who read what it runs.
#
# A promotion is noted twice: before it begins, so that nobody takes the one before for live while that isn't sure, and when it
# went well. What undoes a release does so first, and notes it then. Where a driver serves the release, it tells what is live;
# of a release that is a command, the record knows what came before.
#
# Standard library only: bundled into the emitted script.

NOTING_SECONDS = 120.0  # of its own: what was done is noted although the node's time is over
_MOST_TOLD = 300  # bytes


def intend_live(leg: Attempt, env: dict[str, str]) -> None:
    """Bring into the store what is to go live, and note that it may be live from now on. Raises RunError."""
    part = leg.node["release"]
    Path(env["MLCC_LIVE"]).unlink(missing_ok=True)
    entry = {
        "release": part["id"],
        "run": leg.selection["facts"]["run_id"],
        "commit": leg.selection["commit"],
        "time": utc_now(),
        "artifacts": put_released(part["records"], StoreAccess(leg.plan, env, leg.deadline)),
    }
    left = leg.deadline - time.monotonic()
    change_live(part["id"], lambda record: intended(record, entry), leg.plan, env, left)


def note_live(leg: Attempt, env: dict[str, str]) -> None:
    """Note that what was to go live is live. Raises RunError."""
    told = _told(env)
    change_live(
        leg.node["release"]["id"], lambda record: confirmed(record, told), leg.plan, env, NOTING_SECONDS
    )


def note_undone(leg: Attempt, node: dict[str, Any], env: dict[str, str]) -> None:
    """Note what is live after the command of a node that undoes releases, if anything reads that. Raises RunError.

    `node` is that node, and `env` the environment of its command.
    """
    part = node["release"]
    if not part.get("records"):
        return
    told = _told(env)
    base = release_id(part["id"], leg.selection["facts"]["run_id"])
    named = env.get("MLCC_RESTORE", "").strip()
    by_hand = node["kind"] == "restore"
    change_live(
        part["id"],
        lambda record: restored(record, named, told) if by_hand else rolled_back(record, base, told),
        leg.plan,
        env,
        NOTING_SECONDS,
    )


def _told(env: dict[str, str]) -> str | None:
    """Return the id that the driver left of what is live; None: a command left none. Raises RunError."""
    try:
        found = Path(env["MLCC_LIVE"]).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise RunError(f"what is live can't be read: {problem.strerror}") from None
    if len(found) > _MOST_TOLD:
        raise RunError("what is live was told in too many letters to be an id")
    return found.decode("utf-8", "replace").strip()


# --- mlcc.runtime.tags --------------------------------------------------------------------------------------
# Moves the tag of an environment to the image that was released into it, and back where that is undone (S11).
#
# Three tags of a repository belong to a release, and nothing else should move them:
#
#     ENVIRONMENT             the image that is live
#     ENVIRONMENT-previous    the one before it: what an undone release leads back to
#     RELEASE-RUN             what that run deployed: it says that the run moved the tag, and a person may bring it back
#
# After each request the same step can be done again, so that a lost machine leaves no tag that leads nowhere.
#
# Standard library only: bundled into the emitted script.

PREVIOUS = "-previous"


def move_tags(leg: Attempt, private: Path) -> None:
    """Let the environment's tags lead to what this run has released. Raises RunError."""
    for id, tag in leg.node.get("tags", {}).items():
        registry, digest = registry_of(id, leg, private), leg.state["inputs"][id]
        manifest, now = registry.manifest(digest), registry.manifest(tag)
        if manifest is None:
            raise RunError(f"{registry.repository} has no {digest} any more")
        own = registry.manifest(_run_tag(leg))
        if now is not None and now.digest == digest and own is not None and own.digest == digest:
            continue  # an earlier attempt of this run has done it
        if now is not None:
            registry.put(tag + PREVIOUS, now)
        registry.put(_run_tag(leg), manifest)
        _move(registry, tag, manifest)


def take_tags_back(leg: Attempt, rollback: dict[str, Any], private: Path) -> None:
    """Let the tags that this run moved lead to what was live before it; `rollback` is the plan's node. Raises RunError."""
    for id, tag in rollback.get("tags", {}).items():
        registry = registry_of(id, leg, private)
        now, own = registry.manifest(tag), registry.manifest(_run_tag(leg))
        if now is None or own is None or now.digest != own.digest:
            continue
        before = registry.manifest(tag + PREVIOUS)
        if before is not None:
            _move(registry, tag, before)
        elif not registry.remove(tag) or registry.manifest(tag) is not None:
            raise RunError(
                f"nothing was live before {registry.repository}:{tag}, and the registry doesn't remove that tag"
            )


def restore_tags(leg: Attempt, live: str, private: Path) -> None:
    """Let the tags lead to the release RELEASE-RUN that is `live` again; empty: to what was live before. Raises RunError."""
    for id, tag in leg.node.get("tags", {}).items():
        registry = registry_of(id, leg, private)
        source = tag_of(first_id(live)) if live else tag + PREVIOUS
        wanted = registry.manifest(source)
        if wanted is None:
            raise RunError(f"{registry.repository} has no tag {source}")
        _move(registry, tag, wanted)


def _run_tag(leg: Attempt) -> str:
    return tag_of(release_id(leg.node["release"]["id"], leg.selection["facts"]["run_id"]))


def _move(registry: Registry, tag: str, wanted: Manifest) -> None:
    registry.put(tag, wanted)
    found = registry.manifest(tag)
    if found is None or found.digest != wanted.digest:
        raise RunError(f"{registry.repository}:{tag} doesn't lead to {wanted.digest}, to which it was moved")
    say(f"mlcc: {registry.repository}:{tag} is {wanted.digest}")


# --- mlcc.runtime.steps -------------------------------------------------------------------------------------
# The nodes of a release: a step that may be judged, what undoes it at once, and its rollback's node (S11).
#
# Standard library only: bundled into the emitted script.

WENT_LIVE = ("promote", "watch")  # the steps whose rollback changes what is live


def run_step(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run one step of a release; where it goes live by that and something reads what is live, note so before and after."""
    if not leg.node["release"].get("records") or leg.node["release"]["step"] != "promote":
        return _run_step(leg, env, logins)
    intend_live(leg, env)
    status = _run_step(leg, env, logins)
    if status != PASS:
        return status
    leg.finish("failed", "error", "its process was killed")
    try:
        note_live(leg, env)
    except RunError as problem:
        leg.finish("failed", "error", f"it can't be noted that it is live: {problem}")
        return ERROR
    leg.finish("passed", "pass", "")
    return PASS


def _run_step(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run a step, and hold it to its judge's verdict where it has one."""
    Seen(leg.id, leg.state, leg.plan, leg.selection).begin()
    leg.finish("failed", "error", "its process was killed")  # unless it says otherwise in the end
    verdict = state_folder(leg.id) / "verdict.json"
    verdict.unlink(missing_ok=True)
    status = run_command(leg, env, logins)
    if leg.code == SKIP and "error" in leg.node.get("holds", []):
        leg.finish("skipped", "", "another release is live")
        return SKIP
    if leg.node.get("verifies"):
        if status != PASS:
            return status  # there is nothing to verify
        status = _verify(leg, env, logins)
    if not leg.node.get("judged") or status == TIMEOUT:
        return status
    found = read_record(verdict)
    if found is None or found.get("gate") != leg.id:
        if status == PASS:
            leg.finish("failed", "error", "the judge left no verdict")
        return status or ERROR
    if status == PASS and found.get("verdict") != "pass":
        leg.finish(
            "failed", "error", f"the step ended well, which contradicts the verdict '{found.get('verdict')}'"
        )
        return ERROR
    if status != PASS:  # the judge says why
        judged = VERDICTS.get(leg.code, "error")
        agreed = judged if found.get("verdict") == judged else "error"
        leg.state["shown_bad"] = agreed == "fail"
        leg.state["held"] = agreed in leg.node.get("holds", [])
        leg.note = f"; {HELD}" if leg.state["held"] else ""
        leg.finish("failed", agreed, str(found.get("summary", "")))
    return status


def _verify(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Ask what the command has deployed, by the node's own gate: once, since a second look would turn chance into a pass."""
    leg.judged = True
    leg.finish("failed", "error", "its process was killed")
    script = f".mlcc/gates/{leg.node['judged']}.py"
    leg.code = run([sys.executable, "-I", script, leg.id], env, leg.deadline, ".", logins.tick)
    if leg.code == TIMED_OUT and time.monotonic() >= leg.deadline:
        leg.finish("failed", "error", f"it didn't end within {leg.node['timeout']} s")
        return TIMEOUT
    if leg.code == 0:
        leg.finish("passed", "pass", "")
        return PASS
    leg.finish("failed", "fail", f"its verification ended with {leg.code}")
    return FAIL


def run_rollback(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Undo a release that couldn't do so itself: it was lost with its machine, or its own rollback failed."""
    reason = undone(leg.node, leg.plan, leg.selection, leg.platform)
    if reason is None:
        return run_undoing(leg, env, logins)
    if reason == NOTHING_RELEASED:
        note_undone(leg, leg.node, env)
    leg.finish("passed", "pass", reason)
    return PASS


def run_undoing(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run what undoes a release, and note what is live then where something reads that."""
    status = run_command(leg, env, logins)
    if status == PASS and leg.node["release"].get("records"):
        leg.finish("failed", "error", "its process was killed")
        note_undone(leg, leg.node, env)
        leg.finish("passed", "pass", "")
    return status


def undo_step(leg: Attempt, private: Path, *, late: bool = False) -> None:
    """Undo a release that began and didn't pass, even when the run is being cancelled: as its rollback's node would.

    `late`: the step's own process was killed.
    """
    if leg.state.get("began") is not True or leg.state["end"] != "failed" or leg.state.get("held") is True:
        return None
    if keeps(leg.node, leg.state):
        leg.state["held"], leg.note = True, f"; {HELD}"
        return leg.finish("failed", str(leg.state["verdict"]), str(leg.state["cause"]))
    note = "nothing can undo it"
    if "rollback" in leg.node:
        rollback = leg.plan["nodes"][leg.node["rollback"]]
        private.mkdir()
        try:
            env = {**environment_of(leg, private, rollback)[0], "MLCC_STEP": leg.node["release"]["step"]}
            done, note = undo(rollback, env)
            if done and leg.node["release"]["step"] in WENT_LIVE:
                done, note = _noted_undone(leg, rollback, env, note)
            leg.state["rolled_back"] = done
            if done:
                take_tags_back(leg, rollback, private)
            # Who was killed while it undid the release may have taken it away.
            leg.state["nothing_left"] = note == NOTHING_LEFT and not late
        except RunError as problem:
            leg.state["rolled_back"], note = False, f"it can't be undone: {problem}"
    leg.note = f"; {note}"
    return leg.finish("failed", str(leg.state["verdict"]), str(leg.state["cause"]))


def _noted_undone(leg: Attempt, rollback: dict[str, Any], env: dict[str, str], note: str) -> tuple[bool, str]:
    """Note what is live after a rollback. Return whether that is undone, and how to say so: the rollback's node tries again."""
    try:
        note_undone(leg, rollback, env)
    except RunError as problem:
        return False, f"{note}, which can't be noted: {problem}"
    return True, note


def undo_main(platform: Platform) -> int:
    """Undo a release whose process was killed before it could do so itself; the CI system calls this after the node."""
    watch_cancel()
    id = os.environ.get("MLCC_NODE", "")
    plan, selection = read_plan(), read_selection(platform.facts())
    if id not in plan["nodes"]:
        raise RunError(f"the plan has no node '{id}'")
    (left,) = read_states(id, plan["nodes"][id], selection)
    if left is None or left["end"] == "skipped":
        return PASS
    settled = left["end"] != "failed" or left.get("rolled_back") is True or left.get("held") is True
    unsettled = not settled and left.get("began") is True
    if not unsettled and "event" in left and not untold(plan["nodes"][id]["release"], left):
        return PASS
    leg = Attempt(id, "", platform, left)
    if unsettled:
        _undo_late(leg)
    conclude(id, leg.state, plan, selection, platform, last=True)
    done = leg.state.get("rolled_back") is True or leg.state.get("held") is True
    return FAIL if unsettled and not done else PASS


def _undo_late(leg: Attempt) -> None:
    left = dict(leg.state)
    leg.finish("failed", left["verdict"], left["cause"])  # whatever comes now, this is known
    try:
        with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
            undo_step(leg, Path(folder) / "undo", late=True)
    except CancelledError:
        leg.finish("failed", "error", f"{left['cause']}; undoing it was cancelled")


# --- mlcc.runtime.promotion ---------------------------------------------------------------------------------
# The nodes of a release with the tags of its images: they move when it is live, and back when it is undone (S11).
#
# Standard library only: bundled into the emitted script.

def promote_step(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run one step of a release; the one that makes it live moves the tags of its images, too. Returns as `run_step`."""
    status = run_step(leg, env, logins)
    if status != PASS or not leg.node.get("tags"):
        return status
    leg.finish("failed", "error", "its process was killed")  # unless the tags have moved in the end
    try:
        move_tags(leg, _private(env))
    except RunError as problem:
        leg.finish("failed", "error", f"it is deployed, and its tag isn't moved: {problem}")
        return ERROR
    leg.finish("passed", "pass", "")
    return PASS


def roll_back(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Undo a release that couldn't do so itself, and the tags of its images with it. Returns as `run_rollback`."""
    due = undone(leg.node, leg.plan, leg.selection, leg.platform) is None
    status = run_rollback(leg, env, logins)
    if status != PASS or not due:
        return status
    try:
        take_tags_back(leg, leg.node, _private(env))
    except RunError as problem:
        leg.finish("failed", "error", f"it was rolled back, and its tag wasn't: {problem}")
        return ERROR
    return PASS


def restore_step(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Undo by hand what is live, and the tags of its images with it. Returns PASS, FAIL, ERROR or TIMEOUT."""
    status = run_undoing(leg, env, logins)
    if status != PASS:
        return status
    try:
        restore_tags(leg, str(leg.state["values"].get("LIVE", "")), _private(env))
    except RunError as problem:
        leg.finish("failed", "error", f"it was undone, and its tag wasn't: {problem}")
        return ERROR
    return PASS


def _private(env: dict[str, str]) -> Path:
    return Path(env["MLCC_OUTPUTS"]).parent


# --- mlcc.runtime.submissions -------------------------------------------------------------------------------
# What a node has submitted somewhere else, kept in the spec's store beyond the run: who runs it again goes on with that.
#
#     remote/SUBJECT.json   the handle, which submission it is, and how that ended ("": it hasn't, as far as is known)
#
# Standard library only: bundled into the emitted script.

SUBMISSION = "https://mlcc.dev/submission/1"
SUBMISSION_ENDS = ("", "done", "failed", "cancelled")
MOST_HANDLE = 1000  # characters
STORE_SECONDS = 60.0  # that reading or writing a record may take
_EACH_RUNS_OWN = ("secret", "context")  # values that differ from run to run, and don't make other work of it


def subject_of(leg: Attempt, env: dict[str, str]) -> str:
    """Return what says which work this is: 64 hexadecimal digits of the repository, the commit, the node and all it takes."""
    values = leg.node.get("env", {})
    subject = {
        "repository": leg.selection["facts"].get("repository", ""),
        "commit": leg.selection["commit"],
        "node": leg.id,
        "leg": leg.leg,
        "plan": leg.node,
        "inputs": leg.state["inputs"],
        "env": {name: env[name] for name, value in values.items() if next(iter(value)) not in _EACH_RUNS_OWN},
    }
    text = json.dumps(subject, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def recorded(leg: Attempt, env: dict[str, str], subject: str) -> dict[str, Any] | None:
    """Return what was submitted before for a subject; None: nothing. Raises RunError on what can't be read or isn't whole."""
    seconds = min(STORE_SECONDS, leg.deadline - time.monotonic())
    content = read_object(_place(subject), leg.plan, env, seconds)
    if content is None:
        return None
    found: Any
    try:
        found = strict_json(content.decode("utf-8"))
    except (JsonError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict) or not _is_whole(found, subject):
        raise RunError(
            f"the record {_place(subject)} in the store isn't whole: what '{leg.id}' submitted before can't be told"
        )
    return {key: found[key] for key in ("number", "handle", "ended")}


def _is_whole(found: dict[str, Any], subject: str) -> bool:
    number = found.get("number")
    return (
        found.get("schema") == SUBMISSION
        and found.get("subject") == subject
        and type(number) is int
        and number > 0
        and found.get("ended") in SUBMISSION_ENDS
        and handle_problem(found.get("handle")) == ""
    )


def record_submission(leg: Attempt, env: dict[str, str]) -> None:
    """Keep in mind what a node has submitted, and how that ended. What can't be kept is a warning: the work goes on."""
    seen = leg.state["remote"]
    record = {
        "schema": SUBMISSION,
        "node": leg.id,
        "leg": leg.leg,
        **{key: seen[key] for key in ("subject", "number", "handle", "ended")},
    }
    text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n"
    try:
        write_object(_place(seen["subject"]), text.encode(), leg.plan, env, STORE_SECONDS)
    except RunError as problem:
        leg.platform.warn(
            f"{leg.id}: what it submitted isn't recorded, so that it can't be resumed: {problem}"
        )


def _place(subject: str) -> str:
    return f"remote/{subject}.json"


def submitted_handle(path: Path) -> str:
    """Return the handle that a command left: one line. Raises RunError on anything else."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > 4 * MOST_HANDLE + 2:
            raise RunError(f"$MLCC_HANDLE_FILE is no file, or longer than {MOST_HANDLE} characters")
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise RunError("`submit` wrote nothing to $MLCC_HANDLE_FILE") from None
    except (OSError, ValueError) as problem:
        raise RunError(f"$MLCC_HANDLE_FILE can't be read: {type(problem).__name__}") from None
    handle = text[:-1] if text.endswith("\n") else text
    problem_with_it = handle_problem(handle)
    if problem_with_it:
        raise RunError(f"$MLCC_HANDLE_FILE {problem_with_it}")
    return handle


def handle_problem(handle: object) -> str:
    """Say what is wrong with a handle; empty: nothing."""
    if not isinstance(handle, str) or handle.strip() == "":
        return "holds no handle"
    if len(handle) > MOST_HANDLE:
        return f"is longer than {MOST_HANDLE} characters"
    return "" if handle.isprintable() else "isn't one line of printable text"


# --- mlcc.runtime.remote ------------------------------------------------------------------------------------
# Work that runs somewhere else: submitted, asked after, ended and collected (S7, S8).
#
# Where the CI system waits by itself between two polls, the node ends with RUNNING after each, and is started again.
# Standard library only: bundled into the emitted script.

RUNNING = 75  # of `poll`, and of the node: "temporary failure; the user is invited to retry" (sysexits.h)
POLL_SECONDS = 600.0  # that one poll may take, with `setup`
CANCEL_SECONDS = 120.0  # that `cancel` may take, with `setup`
ENDED = "its process was ended while its remote job ran"  # unless it says otherwise in the end


class RemoteJob:
    """What one leg of a node has running somewhere else. What is known of it stands in the leg's state."""

    def __init__(self, leg: Attempt, env: dict[str, str], logins: Logins) -> None:
        self.leg, self.env, self.logins = leg, env, logins
        self.stated: dict[str, Any] = leg.node["remote"]
        self.seen: dict[str, Any] = leg.state.get("remote", {})
        self.handle_file = (state_folder(leg.id, leg.leg) / "handle").resolve()

    def attempt(self) -> int:
        """Go on with what is submitted, or submit it, and see it end. Returns PASS, FAIL, TIMEOUT or RUNNING."""
        self._open()
        self.leg.finish("failed", "error", ENDED)  # whoever comes after a kill knows what there is to end
        if not self.seen["handle"]:
            status = self._submit()
            if status != PASS:
                return status
        while time.monotonic() < self.leg.deadline:
            code = self._call("poll", min(self.leg.deadline, time.monotonic() + POLL_SECONDS))
            if code is None:
                break
            if code == 0:
                return self._collect()
            if code != RUNNING:
                self._end("failed")
                self.leg.finish("failed", "fail", f"its remote job failed: `poll` ended with {code}")
                return FAIL
            self.leg.finish("failed", "error", ENDED)
            if self.leg.platform.waits:
                return RUNNING
            self._wait()
        return self._late()

    def cancel(self) -> bool:
        """End what is submitted, if it hasn't ended, and note whether that could be done. Return False where it couldn't."""
        if self.seen and not self.seen["handle"] and not self.seen["ended"]:
            self._find_handle()
        if not self.seen or not self.seen["handle"] or self.seen["ended"]:
            return True
        say("mlcc: cancelling the remote job")
        try:
            code = self._call("cancel", time.monotonic() + CANCEL_SECONDS)
        except OSError as problem:  # such as a folder that the job has removed
            self.leg.note = f"; its remote job may still run: `cancel` can't be run: {problem.strerror}"
            return False
        if code != 0:
            how = f"didn't end within {CANCEL_SECONDS:.0f} s" if code is None else f"ended with {code}"
            self.leg.note = f"; its remote job may still run: `cancel` {how}"
            return False
        self._end("cancelled")
        self.leg.note = "; its remote job was cancelled"
        return True

    def _open(self) -> None:
        """Find out what is submitted already: by this run, or by an earlier one."""
        self.leg.note = ""
        subject = subject_of(self.leg, self.env)
        if self.seen.get("subject", subject) != subject:
            self.cancel()
            raise RunError("what it reads changed while its remote job ran")
        if not self.seen:
            found = recorded(self.leg, self.env, subject) if self.stated["resume"] else None
            # Without a record, nothing tells the submissions of two runs apart but chance.
            name = subject[:32] if self.stated["resume"] else os.urandom(16).hex()
            began = time.time() - (time.monotonic() - self.leg.started)
            self.seen = {
                "subject": subject,
                "name": name,
                "began": began,
                "number": 1,
                "handle": "",
                "ended": "",
            }
            self.seen.update(found or {})
            if self.seen["handle"] and not self.seen["ended"]:
                say(f"mlcc: goes on with {self.seen['handle']}, which was submitted before")
        if self.seen["ended"]:
            self.seen.update(number=self.seen["number"] + 1, handle="", ended="")
        self.leg.state["remote"] = self.seen

    def _submit(self) -> int:
        self.handle_file.unlink(missing_ok=True)
        code = self._call("submit", self.leg.deadline)
        problem = self._find_handle()
        if code == 0 and not problem:
            say(f"mlcc: submitted {self.seen['handle']}")
            self.leg.finish("failed", "error", ENDED)
            self._record()
            return PASS
        if code is None:
            return self._late()
        if not self.cancel():
            self._end("failed")  # nobody goes on with what wasn't submitted well
        self.leg.finish("failed", "fail", f"`submit` ended with {code}" if code else problem)
        return FAIL

    def _find_handle(self) -> str:
        """Take the handle that `submit` left. Return what is wrong with it; empty: nothing."""
        try:
            self.seen["handle"] = submitted_handle(self.handle_file)
        except RunError as problem:
            return str(problem)
        return ""

    def _collect(self) -> int:
        """Fetch what the work made. What can't be fetched now may be so later: the work itself is done."""
        if "collect" in self.stated:
            code = self._call("collect", self.leg.deadline)
            if code is None:
                return self._late()
            if code != 0:
                self.leg.finish("failed", "fail", f"its remote job is done, and `collect` ended with {code}")
                return FAIL
        status = take_outputs(self.leg, self.env)
        end, verdict, cause = (str(self.leg.state[key]) for key in ("end", "verdict", "cause"))
        self._end("done" if status == PASS else "failed")
        self.leg.finish(end, verdict, cause)  # once more, with how the work ended
        return status

    def _late(self) -> int:
        """End what ran out of its time, or what can't be asked after any more."""
        over = time.monotonic() >= self.leg.deadline
        what = f"it didn't end within {self.leg.node['timeout']} s"
        self.cancel()
        self.leg.finish("failed", "error", what if over else f"`poll` didn't end within {POLL_SECONDS:.0f} s")
        return TIMEOUT

    def _wait(self) -> None:
        """Wait until the next poll, and renew what a long wait would outlive."""
        until = min(time.monotonic() + float(self.stated["every"]), self.leg.deadline)
        while time.monotonic() < until:
            time.sleep(min(1.0, max(0.0, until - time.monotonic())))
            self.logins.tick()

    def _call(self, name: str, limit: float) -> int | None:
        """Run one of the commands, and return what it ended with; None: it was still running at `limit`."""
        own = {"MLCC_REMOTE_KEY": f"mlcc-{self.seen['name']}-{self.seen['number']}"}
        if name == "submit":
            own["MLCC_HANDLE_FILE"] = str(self.handle_file)
        else:
            own["MLCC_HANDLE"] = self.seen["handle"]
        lines = [*self.leg.node.get("setup", []), *self.stated[name]]
        where = self.leg.node.get("working_directory") or "."
        code = shell(lines, {**self.env, **own}, limit, where, self.logins.tick)
        return None if code == TIMED_OUT and time.monotonic() >= limit else code

    def _end(self, how: str) -> None:
        self.seen["ended"] = how
        self._record()

    def _record(self) -> None:
        """Keep what is known beyond the run."""
        if self.stated["resume"]:
            record_submission(self.leg, self.env)


def run_remote(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Make one attempt at a remote job, and leave none running that nobody will go on with."""
    job = RemoteJob(leg, env, logins)
    try:
        return job.attempt()
    except CancelledError:
        job.cancel()
        raise
    except (RunError, OSError):
        if not job.stated["resume"]:
            job.cancel()
        raise


def left_behind(id: str, leg: str, platform: Platform) -> dict[str, Any] | None:
    """Return the state that this run's leg left when its process ended, if it has submitted something; None: it hasn't."""
    plan, selection = read_plan(), read_selection(platform.facts())
    if id not in plan["nodes"] or leg not in legs_of(plan["nodes"][id]):
        raise RunError(f"the plan has no node '{id}', or that has no leg '{leg}'")
    state = dict(zip(legs_of(plan["nodes"][id]), read_states(id, plan["nodes"][id], selection))).get(leg)  # noqa: B905
    if state is None or "remote" not in state:
        return None
    seen = state["remote"]
    texts = isinstance(seen, dict) and is_texts({**seen, "began": "", "number": ""})
    numbers = texts and type(seen.get("number")) is int and type(seen.get("began")) in (int, float)
    if not numbers or not {"subject", "name", "handle", "ended"} <= set(seen):
        raise RunError(f"the state of '{id}' isn't whole")
    return state


def cancel_main(platform: Platform) -> int:
    """End the remote job of a node whose process was ended before it could; the CI system calls this after the node."""
    watch_cancel()
    id, leg_id = os.environ.get("MLCC_NODE", ""), os.environ.get("MLCC_LEG", "")
    left = left_behind(id, leg_id, platform)
    if left is None or left["remote"].get("ended"):
        return PASS
    leg = Attempt(id, leg_id, platform, left)
    with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
        env, logins = environment_of(leg, Path(folder))
        done = RemoteJob(leg, env, logins).cancel()
    leg.finish("failed", "error", str(left["cause"]))
    return PASS if done else FAIL


# --- mlcc.runtime.node --------------------------------------------------------------------------------------
# One leg of one node: decide, receive, run, publish, and say how it ended (S2, S4, S5, S7, S8).
#
# Standard library only: bundled into the emitted script.

TEARDOWN_SECONDS = 300.0


def node_main(platform: Platform) -> int:
    """Run the leg that the environment names, and return its exit status.

    MLCC_TURN, of a CI system that waits by itself: `again` goes on with a remote job after a wait, `cancel` ends it.
    """
    turn = os.environ.get("MLCC_TURN", "")
    if turn == "cancel":
        return cancel_main(platform)
    watch_cancel()
    id, leg_id = os.environ.get("MLCC_NODE", ""), os.environ.get("MLCC_LEG", "")
    try:
        left = left_behind(id, leg_id, platform) if turn == "again" else None
        leg = Attempt(id, leg_id, platform, left)
    except CancelledError:
        raise RunError("the run was cancelled") from None
    status = ERROR
    try:
        status = _decide_and_run(leg)
    except RunError as problem:
        leg.finish("failed", "error", str(problem))
    except CancelledError:
        leg.state["cancelled"] = True
        leg.finish("failed", "error", "the run was cancelled")
    except Exception as problem:  # fail closed: what nobody foresaw is an error, and says so
        leg.finish("failed", "error", f"{type(problem).__name__}: {problem}")
    if status == RUNNING:
        say(f"mlcc: the remote job of {leg.id} still runs")
        return RUNNING
    if "release" in leg.node:
        conclude(leg.id, leg.state, leg.plan, leg.selection, platform, last=False)
    try:
        return _report(leg, status)
    except OSError as problem:
        say(f"mlcc: how {leg.id} ended can't be told: {problem.strerror}")
        return status or ERROR


def _decide_and_run(leg: Attempt) -> int:
    if leg.id not in leg.selection["selected"]:
        leg.finish("skipped", "", "it isn't selected")
        return SKIP
    endings = endings_before(leg.id, leg.plan, leg.selection)
    cause = skip_cause(leg.id, leg.plan, leg.selection, endings)
    if cause is not None:
        leg.finish("skipped", "", cause)
        return SKIP
    unapproved = leg.platform.approval_problem()
    if unapproved:
        raise RunError(unapproved)
    read = dict(leg.state["inputs"])  # where it goes on after a wait
    inputs = _received(leg)
    check_guards(leg.id, leg.node, inputs, leg.plan, leg.selection)
    leg.state["inputs"] = inputs
    with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
        private = Path(folder)
        env, logins = environment_of(leg, private)
        found = {
            **remote_digests(leg.node, leg.plan, env, leg.deadline - time.monotonic()),
            **_fetched(leg, StoreAccess(leg.plan, env, leg.deadline), read),
            **receive_images(leg, private),
        }
        check_guards(leg.id, leg.node, found, leg.plan, leg.selection)
        leg.state["inputs"].update(found)
        env.update(digest_env(found, leg.plan))
        env.update(absent_env(leg.state["inputs"]))
        status = ERROR
        try:
            status = _attempts(leg, env, logins)
        finally:
            try:
                undo_step(leg, private / "undo")
            finally:
                if status != RUNNING:
                    _teardown(leg, env)
        return status


def _received(leg: Attempt) -> dict[str, str]:
    """Put what the node takes where it expects it, and return the digests. What lies elsewhere comes later."""
    elsewhere = (lies_elsewhere, is_kept, is_image, is_released)
    here = [id for id in leg.node["takes"] if not any(way(id, leg.plan) for way in elsewhere)]
    return {id: receive(id, leg.plan, leg.selection) for id in here}


def _fetched(leg: Attempt, store: StoreAccess, read: dict[str, str]) -> dict[str, str]:
    """Fetch what the node takes of the store or of a registry, and return the digests.

    `read` are those that it has read before a wait.
    """
    kept = [id for id in leg.node["takes"] if is_kept(id, leg.plan)]
    found = {id: receive(id, leg.plan, leg.selection, store) for id in kept}
    released = [id for id in leg.node["takes"] if is_released(id, leg.plan)]
    return {
        **found,
        **{
            id: receive_released(id, leg.node, leg.plan, leg.selection, store, read.get(id))
            for id in released
        },
    }


def _attempts(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run until an attempt passes, none is left, or the time is over (S7, S8)."""
    status = ERROR
    begun = max(1, int(leg.state["attempts"]))
    for number in range(begun, int(leg.node.get("retry", 0)) + 2):
        leg.state.update(attempts=number, outputs={}, values={})
        if number > 1:
            say(f"mlcc: attempt {number}")
        Path(env["MLCC_OUTPUTS"]).unlink(missing_ok=True)
        clean_outputs(leg.node, leg.plan)
        attempt = next(
            (way for key, way in _WAYS.items() if key in leg.node), _KINDS.get(leg.node["kind"], run_command)
        )
        status = attempt(leg, env, logins)
        if status in (PASS, TIMEOUT, SKIP, RUNNING) or leg.judged:
            break
    return status


def _gate(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run a gate script and believe its verdict only where exit status and verdict file agree (S5)."""
    python = _gate_python(leg, env) if leg.node.get("packages") else sys.executable
    folder = state_folder(leg.id)
    shutil.rmtree(folder, ignore_errors=True)
    script = f".mlcc/gates/{leg.node.get('script', leg.node['gate'])}.py"
    code = run([python, "-I", script, leg.id], env, leg.deadline, ".", logins.tick)
    record = read_record(folder / "verdict.json")
    if leg.leg:
        shutil.rmtree(state_folder(leg.id, leg.leg), ignore_errors=True)
        if folder.exists():
            folder.rename(state_folder(leg.id, leg.leg))
    if code == TIMED_OUT and time.monotonic() >= leg.deadline:
        leg.finish("failed", "error", f"it didn't end within {leg.node['timeout']} s")
        return TIMEOUT
    return _judge(leg, code, record)


_WAYS = {"remote": run_remote, "build": build_image, "lookup": look_up}
_KINDS = {
    "gate": _gate,
    "release": promote_step,
    "rollback": roll_back,
    "restore": restore_step,
    "reconcile": run_undoing,
}


def _gate_python(leg: Attempt, env: dict[str, str]) -> str:
    """Return a Python that has the gate's pinned packages, in an environment of its own."""
    name = str(leg.node["packages"])
    folder = Path("_mlcc") / "venv" / name
    python = str(folder / "bin" / "python")
    wanted = f".mlcc/gates/{name}.txt"
    install = ["install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "--require-hashes",
               "--only-binary", ":all:", "-r", wanted]  # fmt: skip
    # An environment without a pip of its own is there 2 s sooner; a pip before 22.3 can't fill one.
    ways: tuple[tuple[list[str], list[str]], ...] = (
        (["--without-pip"], [sys.executable, "-m", "pip", "--python", python]),
        ([], [python, "-I", "-m", "pip"]),
    )
    for options, pip in ways:
        made = run([sys.executable, "-m", "venv", "--clear", *options, str(folder)], env, leg.deadline)
        if made == 0 and run([*pip, *install], env, leg.deadline) == 0:
            return python
    raise RunError(f"the packages pinned in {wanted} can't be installed")


def _judge(leg: Attempt, code: int, record: dict[str, Any] | None) -> int:
    if record is None or record.get("gate") != leg.id:
        leg.finish("failed", "error", "the gate left no verdict")
        return ERROR
    guarded = leg.node["guards"]
    inputs = record.get("inputs")
    judged = inputs.get(guarded) if isinstance(inputs, dict) else None
    judged = judged.get("digest") if isinstance(judged, dict) else None
    if judged != leg.state["inputs"].get(guarded) and record.get("verdict") != "error":
        leg.finish("failed", "error", f"the gate judged other bytes of '{guarded}' than it was given")
        return ERROR
    verdict, summary = str(record.get("verdict")), str(record.get("summary", ""))
    opened = (
        verdict == "pass"
        or (verdict == "inconclusive" and leg.node.get("on_inconclusive") == "warn")
        or (verdict in ("fail", "inconclusive") and "waived" in record)
    )
    if (code == PASS) != opened or (not opened and VERDICTS.get(code, "error") != verdict):
        leg.finish(
            "failed", "error", f"the gate ended with {code}, which contradicts its verdict '{verdict}'"
        )
        return ERROR
    leg.finish("passed" if opened else "failed", verdict, summary)
    return code if code in (PASS, FAIL, INCONCLUSIVE) else ERROR


def _teardown(leg: Attempt, env: dict[str, str]) -> None:
    """Run `finally` and collect reports, whatever happened before."""
    if leg.node.get("finally"):
        where = leg.node.get("working_directory") or "."
        code = shell(leg.node["finally"], env, time.monotonic() + TEARDOWN_SECONDS, where)
        if code != 0:
            leg.platform.warn(f"{leg.id}: its `finally` ended with {code}")
    collect_reports(leg.id, leg.leg, leg.node, leg.platform)


def _report(leg: Attempt, status: int) -> int:
    """Tell people and the CI system how the leg ended, and return the exit status that it reads."""
    end, cause = str(leg.state["end"]), str(leg.state["cause"])
    name = f"{leg.id} ({leg.leg})" if leg.leg else leg.id
    say(f"mlcc: {name} {end}{': ' + cause if cause else ''}")
    summary = state_folder(leg.id, leg.leg) / "summary.md"
    if summary.is_file():
        leg.platform.put_summary(summary.read_text("utf-8", "replace"))
    if not leg.node.get("blocking", True) and leg.id in leg.selection["selected"]:
        found = Ending(end, str(leg.state["verdict"]), cause)
        names = denied(leg.id, leg.plan, leg.selection, found) if not leg.leg else []
        leg.platform.put_output("deny", "," + "".join(id + "," for id in names))
        if end == "failed":
            if leg.node["kind"] == "gate":  # what gates found, the final node's notes show
                say(f"mlcc: {name} is not blocking")
            else:
                leg.platform.warn(f"{name} is not blocking, and failed: {cause}")
            return status if leg.platform.raw_exit else 0
    return leg.platform.skip_exit if status == SKIP else status


# --- mlcc.backends.github.platform --------------------------------------------------------------------------
# GitHub Actions, as the runtime sees it on a runner.
#
# Facts come from GITHUB_* variables and the event's payload file, never from expressions in the workflow.
# https://docs.github.com/actions/reference/workflows-and-actions/variables
# Standard library only: bundled into the emitted script.

EVENTS = {
    "pull_request": "pull_request",
    "schedule": "schedule",
    "workflow_dispatch": "manual",
    "repository_dispatch": "dispatch",
}
FORM_INPUT = "mlcc_form"
OWN_REGISTRY = "ghcr.io"
APPROVAL = (
    "--approval"  # behind a node's id, which has no two hyphens: the job in which people are asked before it
)


class GitHub:
    """See mlcc.runtime.platform.Platform."""

    raw_exit = False
    skip_exit = 0
    waits = False
    builder = "docker"

    def facts(self) -> Facts:
        """Return what started the run. Raises RunError on an event that mlcc compiles no trigger for."""
        env = os.environ
        name = env.get("GITHUB_EVENT_NAME", "")
        kind = EVENTS.get(name, "")
        if name == "push":
            kind = "tag" if env.get("GITHUB_REF_TYPE") == "tag" else "push"
        if not kind:
            raise RunError(f"the event {name} isn't one that this pipeline is compiled for")
        payload = _payload()
        pull = payload.get("pull_request") or {}
        inputs = (
            {str(k): _text(v) for k, v in (payload.get("inputs") or {}).items()} if kind == "manual" else {}
        )
        ref = env.get("GITHUB_REF_NAME", "")
        repository = env.get("GITHUB_REPOSITORY", "")
        run_id = env.get("GITHUB_RUN_ID", "")
        return Facts(
            event=kind,
            commit=env.get("GITHUB_SHA", ""),
            branch=env.get("GITHUB_BASE_REF", "") if kind == "pull_request" else "" if kind == "tag" else ref,
            tag=ref if kind == "tag" else "",
            hint=_hint(kind, payload, inputs),
            inputs=inputs,
            fork=kind == "pull_request" and _is_fork(pull),
            base=str((pull.get("base") or {}).get("sha", "")),
            head=str((pull.get("head") or {}).get("sha", "")),
            pull_request=str(payload.get("number", "")) if kind == "pull_request" else "",
            repository=repository,
            run_id=run_id,
            run_number=env.get("GITHUB_RUN_NUMBER", ""),
            run_url=f"{env.get('GITHUB_SERVER_URL', '')}/{repository}/actions/runs/{run_id}",
        )

    def last_green(self, branch: str) -> str | None:
        """Ask for the newest push run of this workflow that succeeded on the branch; None: unknown.

        https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow
        """
        env = os.environ
        workflow = env.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2]
        token = env.get("MLCC_TOKEN", "")
        if not workflow or not token:
            return None
        query = f"branch={url_quoted(branch)}&event=push&status=success&per_page=1"
        url = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/actions/workflows/{workflow}/runs?{query}"
        answer = get_json(url, token)
        runs = answer.get("workflow_runs") if isinstance(answer, dict) else None
        return str(runs[0]["head_sha"]) if isinstance(runs, list) and runs else None

    def publish_selection(self, plan: dict[str, Any], record: dict[str, Any]) -> None:
        """Hand the list of unselected nodes to the conditions of their jobs."""
        skipped = [id for id in plan["nodes"] if id not in record["selected"]]
        self.put_output("skip", "," + "".join(id + "," for id in skipped))

    def deliver(self, plan: dict[str, Any]) -> None:
        """Do nothing: artifacts bring the selection, and steps name the secrets that they need."""

    def put_output(self, name: str, value: str) -> None:
        """Write an output of the step."""
        _append("GITHUB_OUTPUT", f"{name}={value}\n")

    def put_summary(self, markdown: str) -> None:
        """Append to the job's summary."""
        _append("GITHUB_STEP_SUMMARY", markdown + "\n")

    def warn(self, message: str) -> None:
        """Print an annotation."""
        print(f"::warning::{_escaped(message)}", flush=True)

    def annotate(self, level: str, title: str, message: str, path: str) -> None:
        """Print an annotation of a file: https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
        values = {"file": path, "title": title}
        told = ",".join(
            f"{name}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
            for name, value in values.items()
        )
        print(f"::{level} {told}::{_escaped(message)}", flush=True)

    def forge(self, repository: str) -> tuple[str, str, str]:
        """Return GitHub itself. https://docs.github.com/actions/reference/workflows-and-actions/variables"""
        return "github", os.environ.get("GITHUB_API_URL", ""), repository

    def registry_login(self, host: str) -> tuple[str, str] | None:
        """Return the job's token, which may reach packages where the workflow says so.

        https://docs.github.com/packages/managing-github-packages-using-github-actions-workflows/publishing-and-installing-a-package-with-github-actions
        """
        token = os.environ.get("MLCC_TOKEN", "")
        return (os.environ.get("GITHUB_ACTOR", ""), token) if host == OWN_REGISTRY and token else None

    def id_token(self, audience: str) -> str:
        """Return a token. https://docs.github.com/actions/reference/security/oidc"""
        url = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
        token = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
        if not url or not token:
            raise RunError("this job may not ask for an OpenID Connect token")
        answer = get_json(f"{url}&audience={url_quoted(audience)}", token)
        value = str(answer.get("value", "")) if isinstance(answer, dict) else ""
        if not value:
            raise RunError("GitHub gave no OpenID Connect token")
        print(f"::add-mask::{value}", flush=True)
        return value

    def approval_problem(self) -> str:
        """Say why the job's approval isn't that of this attempt: a job can be run again without those before it."""
        approved, attempt = os.environ.get("MLCC_APPROVED"), os.environ.get("GITHUB_RUN_ATTEMPT", "")
        if approved is None or (approved and approved == attempt):
            return ""
        return f"people approved attempt {approved or 'none'} of the run, and this is {attempt or 'unknown'}: run all jobs again"

    def was_cancelled(self, node: str) -> bool:
        """Tell by the `needs` of the job; of a job in another file they say nothing, and a rollback must run then."""
        try:
            return self.results().get(node) == "cancelled"
        except RunError:
            return False

    def results(self) -> dict[str, Any]:
        """Return job id -> result, from the `needs` of the final job, or of a rollback's.

        A job that waits for approval fails when it is refused, or 30 days have gone by: that is its node's result.
        https://docs.github.com/actions/how-tos/deploy/configure-and-manage-deployments/review-deployments
        """
        try:
            needs = json.loads(os.environ.get("MLCC_NEEDS", ""))
            found = {str(id): str(job["result"]) for id, job in needs.items()}
        except (ValueError, AttributeError, KeyError, TypeError):
            raise RunError("MLCC_NEEDS isn't what GitHub tells of the jobs before") from None
        refused = [id for id, result in found.items() if id.endswith(APPROVAL) and result == "failure"]
        for id in refused:
            del found[id]
            found[id[: -len(APPROVAL)]] = REFUSED
        return found


def _payload() -> dict[str, Any]:
    try:
        payload = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_text("utf-8"))
    except (OSError, ValueError):
        raise RunError("the event's payload can't be read") from None
    if not isinstance(payload, dict):
        raise RunError("the event's payload isn't an object")
    return payload


def _escaped(text: str) -> str:
    """Return text as the runner takes it back (actions/toolkit, packages/core/src/command.ts)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _text(value: Any) -> str:
    return (
        {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else ""
        if value is None
        else str(value)
    )


def _hint(kind: str, payload: dict[str, Any], inputs: dict[str, str]) -> str:
    if kind == "schedule":
        return str(payload.get("schedule", ""))
    if kind == "dispatch":
        return str(payload.get("action", ""))
    return inputs.pop(FORM_INPUT, "") if kind == "manual" else ""


def _is_fork(pull: dict[str, Any]) -> bool:
    """Tell whether a pull request comes from another repository; unless it surely doesn't, it does."""
    head = ((pull.get("head") or {}).get("repo") or {}).get("full_name")
    base = ((pull.get("base") or {}).get("repo") or {}).get("full_name")
    return not (head and head == base)


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable, "")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


# --- mlcc.backends.gitlab.platform --------------------------------------------------------------------------
# GitLab CI, as the runtime sees it on a runner.
#
# The selecting node runs in the parent pipeline and writes the child pipeline: the committed `.mlcc/gitlab.yml` without
# the unselected nodes' blocks, and with its own record as a variable. A job of a later stage can't fetch the parent's
# artifacts: `needs` would let it start before the stages before it have ended (status_of_previous_jobs in GitLab's
# app/services/ci/pipeline_processing/atomic_processing_service.rb).
# https://docs.gitlab.com/ci/variables/predefined_variables/
# Standard library only: bundled into the emitted script.

CHILD_SOURCE = "gitlab.yml"  # below .mlcc
CHILD_FILE = "child.yml"  # below _mlcc
SELECTION_LINE = "  MLCC_SELECTION: none"
MAX_SELECTION = 100_000  # characters; Linux takes no variable of 131,072 (MAX_ARG_STRLEN)
SOURCES = {
    "push": "push",
    "merge_request_event": "pull_request",
    "schedule": "schedule",
    "web": "manual",
    "api": "manual",
    "trigger": "dispatch",
    "pipeline": "dispatch",
}
# What GitLab gives to every job and a node's command has no business with, unless the node names it as a secret.
JOB_CREDENTIALS = (
    "CI_JOB_TOKEN", "CI_JOB_JWT", "CI_JOB_JWT_V1", "CI_JOB_JWT_V2", "CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD",
    "CI_DEPENDENCY_PROXY_PASSWORD", "CI_REPOSITORY_URL",
)  # fmt: skip
# https://docs.gitlab.com/ci/yaml/#keywords and https://docs.gitlab.com/ci/jobs/#job-names
TAKEN_NAMES = (
    "after_script", "before_script", "cache", "default", "false", "image", "include", "nil", "pages", "services",
    "spec", "stages", "true", "types", "variables", "workflow",
)  # fmt: skip
NOTIFY_JOB = "final notify"  # no node's id has a space
PAGE = 20  # pipelines that are looked through for a green one


def job_name(id: str) -> str:
    """Return the name of a node's job. GitLab reads some names as something else; no node's id has a space."""
    return f"{id} node" if id in TAKEN_NAMES else id


def waiting_jobs(id: str) -> tuple[str, str]:
    """Return the names of the jobs before a node, where it has them: in which people are asked, and in which time passes."""
    return f"{id} approval", f"{id} wait"


def jobs_of(ids: Iterable[str]) -> set[str]:
    """Return the names of all jobs that nodes have, or may have."""
    return {name for id in ids for name in (job_name(id), *waiting_jobs(id))}


def trigger_word(id: str, name: str, home: str) -> str:
    """Return the value of MLCC_TRIGGER that starts a trigger. Below the root, projects may share a pipeline."""
    return f"{name}/{id}" if home else id


def input_variable(input: str, name: str, home: str) -> str:
    """Return the name of the variable that holds an input of a manual form."""
    return "MLCC_INPUT_" + f"{name + '_' if home else ''}{input}".upper().replace("-", "_")


def run_job(name: str, home: str) -> str:
    """Return the name of the parent's job that starts the child pipeline."""
    return f"{name}-run" if home else "run"


class GitLab:
    """See mlcc.runtime.platform.Platform."""

    raw_exit = True
    skip_exit = 0
    waits = False
    builder = "buildah"

    def facts(self) -> Facts:
        """Return what started the run; in the child pipeline only the commit and the run. Raises RunError."""
        env = os.environ
        source = env.get("CI_PIPELINE_SOURCE", "")
        commit = env.get("CI_COMMIT_SHA", "")
        if source == "parent_pipeline":
            if not env.get("MLCC_RUN"):
                raise RunError("the parent pipeline doesn't say which one it is")
            return Facts("", commit, run_id=env["MLCC_RUN"])
        if source not in SOURCES:
            raise RunError(f"a pipeline by {source} isn't one that this is compiled for")
        plan = read_plan()
        hint = _trigger_id(env.get("MLCC_TRIGGER", ""), plan)
        kind = SOURCES[source]
        tag = env.get("CI_COMMIT_TAG", "")
        if kind == "push" and tag:
            kind = "tag"
        if source == "api" and hint in plan["triggers"].get("dispatch", []):
            kind = "dispatch"
        pull = kind == "pull_request"
        return Facts(
            event=kind,
            commit=commit,
            branch=env.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME" if pull else "CI_COMMIT_BRANCH", ""),
            tag=tag,
            hint=hint,
            inputs=_form_inputs(plan) if kind == "manual" else {},
            fork=pull and _comes_from_a_fork(),
            base=_first_set("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "CI_MERGE_REQUEST_DIFF_BASE_SHA"),
            head=_first_set("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") if pull else "",
            pull_request=env.get("CI_MERGE_REQUEST_IID", "") if pull else "",
            repository=env.get("CI_PROJECT_PATH", ""),
            run_id=env.get("CI_PIPELINE_ID", ""),
            run_number=env.get("CI_PIPELINE_IID", ""),
            run_url=env.get("CI_PIPELINE_URL", ""),
        )

    def last_green(self, branch: str) -> str | None:
        """Ask for the newest push pipeline whose child was green; None: unknown.

        The job's own token can't list pipelines (https://docs.gitlab.com/ci/jobs/fine_grained_permissions/), so
        without MLCC_API_TOKEN everything runs.
        https://docs.gitlab.com/api/pipelines/ and https://docs.gitlab.com/api/jobs/#list-pipeline-trigger-jobs
        """
        env = os.environ
        token = env.get("MLCC_API_TOKEN", "")
        project = f"{env.get('CI_API_V4_URL', '')}/projects/{env.get('CI_PROJECT_ID', '')}/pipelines"
        if not token or not is_of_this_gitlab(project):
            return None
        plan = read_plan()
        name = run_job(plan["name"], plan["home"])
        query = f"ref={url_quoted(branch)}&source=push&scope=finished&order_by=id&sort=desc&per_page={PAGE}"
        try:
            for pipeline in get_json(f"{project}?{query}", token) or []:
                for bridge in get_json(f"{project}/{int(pipeline['id'])}/bridges", token) or []:
                    if bridge["name"] == name and bridge["status"] == "success":
                        return str(pipeline["sha"])
        except (LookupError, TypeError, ValueError):  # an answer of another shape says nothing
            pass
        return None

    def publish_selection(self, plan: dict[str, Any], record: dict[str, Any]) -> None:
        """Write the child pipeline. Raises RunError."""
        try:
            text = (Path(".mlcc") / CHILD_SOURCE).read_text("utf-8")
        except (OSError, ValueError) as problem:
            raise RunError(f"the compiled child pipeline can't be read: {problem}") from None
        child = child_pipeline(text, dropped_jobs(plan, record), packed_selection(record))
        (ROOT / CHILD_FILE).write_text(child, "utf-8")

    def deliver(self, plan: dict[str, Any]) -> None:
        """Unpack the selecting node's record, and put secrets and variables under mlcc's names. Raises RunError.

        GitLab gives every variable to every job. What the plan names is taken out of the environment that
        commands inherit, so that a command sees only what its own node names.
        """
        write_record(
            state_folder("select") / "selection.json",
            unpacked_selection(os.environ.get("MLCC_SELECTION", "")),
        )
        for prefix, kind in (("MLCC_SECRET_", "secrets"), ("MLCC_VAR_", "variables")):
            for name in plan.get(kind, []):
                if name in os.environ:
                    os.environ[prefix + name] = os.environ[name]
        kept = ("CI_", "GITLAB_")  # facts of the job; a node may name them as variables
        names = [*plan.get("secrets", []), *(n for n in plan.get("variables", []) if not n.startswith(kept))]
        for name in (*names, *JOB_CREDENTIALS):
            os.environ.pop(name, None)

    def put_output(self, name: str, value: str) -> None:
        """Do nothing: no condition of the child pipeline reads one."""

    def put_summary(self, markdown: str) -> None:
        """Keep the text beside the node's reports: GitLab's pages show no Markdown."""
        folder = report_folder(os.environ.get("MLCC_NODE", "") or "final", os.environ.get("MLCC_LEG", ""))
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "summary.md").open("a", encoding="utf-8") as file:
            file.write(markdown + "\n")

    def warn(self, message: str) -> None:
        """Print the message in yellow: GitLab has no annotations of logs."""
        shown = "".join(c if c.isprintable() else " " for c in message)
        print(f"\x1b[33mmlcc: warning: {shown}\x1b[0m", flush=True)

    def annotate(self, level: str, title: str, message: str, path: str) -> None:
        """Do nothing: the JUnit reports of the gates stand in the merge request."""

    def forge(self, repository: str) -> tuple[str, str, str]:
        """Return this GitLab. Raises RunError. https://docs.gitlab.com/ci/variables/predefined_variables/"""
        del repository
        api = os.environ.get("CI_API_V4_URL", "")
        if not is_of_this_gitlab(api + "/"):
            raise RunError("CI_API_V4_URL isn't at the host that the repository was cloned from")
        return "gitlab", api, os.environ.get("CI_PROJECT_ID", "")

    def registry_login(self, host: str) -> tuple[str, str] | None:
        """Return the job's login to the project's own registry.

        https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/
        """
        env = os.environ
        user, password = env.get("CI_REGISTRY_USER", ""), env.get("CI_REGISTRY_PASSWORD", "")
        return (user, password) if host == env.get("CI_REGISTRY") and user and password else None

    def id_token(self, audience: str) -> str:
        """Return the token that GitLab made for the audience when the job started. Raises RunError.

        It lives as long as the job may (https://docs.gitlab.com/ci/secrets/id_token_authentication/).
        """
        for name, value in os.environ.items():
            if audience and name.startswith("MLCC_ID_TOKEN_") and _audience(value) == audience:
                return value
        raise RunError("this job has no OpenID Connect token for that audience")

    def approval_problem(self) -> str:
        """Return that there is none: who runs a job of a protected branch again may push there, and GitLab tells no more."""
        return ""

    def was_cancelled(self, node: str) -> bool:
        """Return that it wasn't: a cancelled pipeline starts no rollback."""
        del node
        return False

    def results(self) -> dict[str, Any]:
        """Return that selecting succeeded, or there were no child pipeline. Of others only their states tell."""
        return {"select": "success"}


def dropped_jobs(plan: dict[str, Any], record: dict[str, Any]) -> set[str]:
    """Return the names of the jobs that a run does without: of unselected nodes, and what tells where nobody is told."""
    dropped = jobs_of(id for id in plan["nodes"] if id not in record["selected"])
    conditions = [one for notice in plan.get("notify", {}).values() for one in notice["when"]]
    facts = record["facts"]
    if facts["fork"] or not any(facts["event"] in one["event"] for one in conditions):
        dropped.add(NOTIFY_JOB)  # it has secrets
    return dropped


def child_pipeline(text: str, dropped: Collection[str], selection: str) -> str:
    """Return a compiled pipeline without some of its top-level entries, and with the selection as a variable.

    An entry begins at a line without indentation. Every `needs` is optional, so nothing else changes.
    Raises RunError when there is no place for the selection.
    """
    kept: list[str] = []
    keep = False
    for line in text.split("\n"):
        if line[:1] not in ("", " "):
            keep = line[0] != "#" and line.partition(":")[0].strip("'") not in dropped
        if keep:
            kept.append(line)
    if kept.count(SELECTION_LINE) != 1:
        raise RunError("the compiled child pipeline has no place for the selection: run `mlcc compile`")
    kept[kept.index(SELECTION_LINE)] = SELECTION_LINE.replace("none", f"'{selection}'")
    return "\n".join(kept).rstrip("\n") + "\n"


def packed_selection(record: dict[str, Any]) -> str:
    """Return the part of a selecting node's record that nodes read, as text for a variable. Raises RunError."""
    reasons = {id: why for id, why in record["reasons"].items() if id not in record["selected"]}
    shown = {key: value for key, value in record.items() if key not in ("event", "reasons")}
    content = json.dumps({**shown, "reasons": reasons}, sort_keys=True).encode()
    text = base64.b64encode(zlib.compress(content, 9)).decode("ascii")
    if len(text) > MAX_SELECTION:
        raise RunError(f"the selection has {len(text)} characters: a variable of a job takes {MAX_SELECTION}")
    return text


def unpacked_selection(text: str) -> dict[str, Any]:
    """Return the record in a variable. Raises RunError when there is none."""
    try:
        stream = zlib.decompressobj()
        content = stream.decompress(base64.b64decode(text, validate=True), MAX_RECORD)
        record = json.loads(content.decode("utf-8")) if stream.eof else None
    except (ValueError, zlib.error, binascii.Error, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise RunError("the selecting node left no selection")
    return record


def _trigger_id(word: str, plan: dict[str, Any]) -> str:
    prefix = trigger_word("", plan["name"], plan["home"])
    return word[len(prefix) :] if word.startswith(prefix) else ""


def _form_inputs(plan: dict[str, Any]) -> dict[str, str]:
    names = {name for form in plan["triggers"].get("manual", {}).values() for name in form}
    return {
        name: os.environ.get(input_variable(name, plan["name"], plan["home"]), "") for name in sorted(names)
    }


def _first_set(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _comes_from_a_fork() -> bool:
    """Tell whether a merge request comes from another project; unless it surely doesn't, it does."""
    names = ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID")
    projects = {os.environ.get(name, "") for name in names}
    return len(projects) != 1 or "" in projects


def _audience(token: str) -> str:
    """Return the audience that a token is for; empty: it isn't a token. Its signature is the receiver's to check."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["aud"])
    except (ValueError, LookupError, TypeError):
        return ""


def is_of_this_gitlab(url: str) -> bool:
    """Tell whether an address is at the host that the repository was cloned from.

    Who may start a pipeline with variables may say any CI_API_V4_URL, and would be sent the token there.
    """
    done = subprocess.run(["git", "remote", "get-url", "origin"], capture_output=True, text=True, check=False)
    origin = re.match(r"(?:[a-z]+://)?(?:[^@/]*@)?([^/:@]+)", done.stdout.strip())
    asked = re.match(r"https?://([^/:@]+)(?::[0-9]+)?/", url)
    return origin is not None and asked is not None and origin[1].lower() == asked[1].lower()


# --- mlcc.backends.jenkins.platform -------------------------------------------------------------------------
# Jenkins, as the runtime sees it on an agent.
#
# Facts come from the variables that Jenkins itself sets (branch-api: BRANCH_NAME, CHANGE_*, TAG_NAME; core: BUILD_*) and
# from MLCC_* variables that the Jenkinsfile sets to what `checkout` and `currentBuild` tell it.
# https://www.jenkins.io/doc/book/pipeline/multibranch/#additional-environment-variables
# Standard library only: bundled into the emitted script.

INPUT_VARIABLE = "MLCC_INPUT_"
TOKEN_VARIABLE = "MLCC_ID_TOKEN_"  # noqa: S105 - a prefix of variable names
FOR_JENKINS = "outputs"  # the folder that the Jenkinsfile reads small texts from
JENKINS_RESULTS = ("success", "failure", "skipped", "cancelled")


class Jenkins:
    """See mlcc.runtime.platform.Platform."""

    raw_exit = True
    skip_exit = 4  # as the table of nodes reads it
    waits = True  # outside of any agent
    builder = "docker"

    def facts(self) -> Facts:
        """Return what started the build."""
        env = os.environ
        kind, hint = jenkins_event(env)
        names = [name for name in env if name.startswith(INPUT_VARIABLE)]
        inputs = {name[len(INPUT_VARIABLE) :]: env[name] for name in names} if kind == "manual" else {}
        branch = env.get("CHANGE_TARGET" if kind == "pull_request" else "BRANCH_NAME", "")
        return Facts(
            event=kind,
            commit=env.get("MLCC_COMMIT", ""),
            branch="" if kind == "tag" else branch,
            tag=env.get("TAG_NAME", "") if kind == "tag" else "",
            hint=hint,
            inputs=inputs,
            fork=kind == "pull_request" and _from_fork(env),
            base=env.get("MLCC_BASE", ""),
            pull_request=env.get("CHANGE_ID", ""),
            repository=_repository(env.get("MLCC_GIT_URL", "")),
            run_id=env.get("BUILD_TAG", ""),
            run_number=env.get("BUILD_NUMBER", ""),
            run_url=env.get("BUILD_URL", ""),
            unasked=True,
        )

    def last_green(self, branch: str) -> str | None:  # noqa: ARG002 - a job of a multibranch project has one
        """Return the commit of the newest green build of this job by a push; None: unknown."""
        return os.environ.get("MLCC_GREEN") or None

    def publish_selection(self, plan: dict[str, Any], record: dict[str, Any]) -> None:
        """Leave the list of unselected nodes, and the kind of event where something was selected at all.

        The Jenkinsfile takes the commit of a green push for the next one's base.
        """
        skipped = [id for id in plan["nodes"] if id not in record["selected"]]
        self.put_output("event", record["event"]["kind"] if record["selected"] else "")
        self.put_output("skip", "," + "".join(id + "," for id in skipped))

    def deliver(self, plan: dict[str, Any]) -> None:
        """Do nothing: stashes bring the selection, and credentials are bound by the nodes that name them."""

    def put_output(self, name: str, value: str) -> None:
        """Leave a text for the Jenkinsfile."""
        path = ROOT / FOR_JENKINS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value, "utf-8")

    def put_summary(self, markdown: str) -> None:
        """Append to a file that the last stage keeps, and show it in the log."""
        path = ROOT / FOR_JENKINS / "summary.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(markdown + "\n")
        print(markdown, flush=True)

    def warn(self, message: str) -> None:
        """Print a warning."""
        say(f"mlcc: warning: {message}")

    def annotate(self, level: str, title: str, message: str, path: str) -> None:
        """Do nothing: the JUnit reports of the gates stand on the page of the build."""

    def forge(self, repository: str) -> tuple[str, str, str]:
        """Return the address of the change request's page: Jenkins builds those of several forges."""
        del repository
        return "", os.environ.get("CHANGE_URL", ""), ""

    def registry_login(self, host: str) -> tuple[str, str] | None:
        """Return that there is none: Jenkins has no registry."""
        del host
        return None

    def id_token(self, audience: str) -> str:
        """Return the token that was issued for an audience when the node started. Raises RunError.

        Jenkins checks nothing about the audience of a credential, so the token itself is looked at.
        https://plugins.jenkins.io/oidc-provider/
        """
        for name in sorted(os.environ):
            token = os.environ[name]
            claims = _claims(token) if name.startswith(TOKEN_VARIABLE) else {}
            found = claims.get("aud")
            if audience in (found if isinstance(found, list) else [found]):
                if float(claims.get("exp", 0)) <= time.time():
                    raise RunError(
                        f"the id token for {audience} has expired, and Jenkins gives no second one"
                    )
                return token
        raise RunError(f"none of the node's id token credentials has the audience {audience}")

    def approval_problem(self) -> str:
        """Return that there is none: a build is never run again in part."""
        return ""

    def was_cancelled(self, node: str) -> bool:
        """Return that it wasn't: an aborted build starts no rollback."""
        del node
        return False

    def results(self) -> dict[str, Any]:
        """Return node -> result, as the Jenkinsfile wrote them down: one `NODE=RESULT` a line."""
        try:
            lines = (ROOT / FOR_JENKINS / "results").read_text("utf-8").splitlines()
        except (OSError, ValueError):
            raise RunError("Jenkins' results of the nodes can't be read") from None
        pairs = [line.partition("=") for line in lines]
        if not pairs or any(result not in JENKINS_RESULTS for _, _, result in pairs):
            raise RunError("Jenkins' results of the nodes aren't whole")
        return {id: result for id, _, result in pairs}


def jenkins_event(env: Mapping[str, str]) -> tuple[str, str]:
    """Return the kind of event, and what tells its triggers apart.

    What is built counts first: a job of a change request or a tag builds nothing else, whoever starts it. A branch
    that somebody starts by hand counts as pushed where the spec has no form.
    """
    causes = env.get("MLCC_CAUSES", "").split()
    trigger = env.get("MLCC_TRIGGER", "")
    if env.get("CHANGE_ID"):
        return "pull_request", ""
    if env.get("TAG_NAME"):
        return "tag", ""
    if "timer" in causes:
        return "schedule", trigger or env.get("MLCC_SCHEDULE", "")
    if trigger:
        return "dispatch", trigger
    if "user" in causes and env.get("MLCC_FORMS"):
        return "manual", env.get("MLCC_FORM", "")
    return "push", ""


def _from_fork(env: Mapping[str, str]) -> bool:
    """Tell whether a change comes from another repository; unless it surely doesn't, it does.

    A branch source that knows a change's origin sets CHANGE_BRANCH, and CHANGE_FORK for a fork's
    (branch-api: BranchNameContributor).
    """
    return "CHANGE_FORK" in env or not env.get("CHANGE_BRANCH")


def _repository(url: str) -> str:
    """Return OWNER/NAME of a repository's address."""
    path = url.rpartition("://")[2].rpartition("@")[2].replace(":", "/").rstrip("/")
    name = "/".join(path.split("/")[-2:])
    return name[:-4] if name.endswith(".git") else name


def _claims(token: str) -> dict[str, Any]:
    """Return what a JSON Web Token says; nothing when it isn't one. Its signature is the receiver's business."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


# --- mlcc.runtime.platforms ---------------------------------------------------------------------------------
# The CI systems by name. Standard library only: bundled into the emitted scripts.

PLATFORMS: dict[str, Callable[[], Platform]] = {"github": GitHub, "gitlab": GitLab, "jenkins": Jenkins}


def this_platform() -> Platform:
    """Return the CI system that this runs on, by MLCC_PLATFORM. Raises RunError."""
    name = os.environ.get("MLCC_PLATFORM", "")
    if name not in PLATFORMS:
        raise RunError(f"MLCC_PLATFORM names none of {', '.join(PLATFORMS)}")
    return PLATFORMS[name]()


# --- mlcc.runtime.select ------------------------------------------------------------------------------------
# The selecting node: what the event selects (S3, S10), from the plan, the event and the changed paths.
#
# Standard library only: bundled into the emitted script. `mlcc.semantics` is the reference it is tested against.

DIFF_EVENTS = ("push", "pull_request")  # those with a base to count changes from


def select_main(platform: Platform) -> int:
    """Decide what runs, write it down, and tell the CI system what it need not start."""
    plan = read_plan()
    check_waivers(plan, os.environ.get("MLCC_PLATFORM", ""))
    facts = platform.facts()
    if not facts.commit:
        raise RunError("the CI system doesn't say which commit this is")
    trigger = trigger_of(plan, facts)
    inputs = check_inputs(plan, facts, trigger)
    base = _base(facts, platform)
    changed = None if base is None else changed_paths(base, facts.head or facts.commit)
    if changed is None:
        base = None  # a base that git can't compare with is none
    event = {
        "kind": facts.event, "branch": facts.branch, "tag": facts.tag, "trigger": trigger, "inputs": inputs,
        "fork": facts.fork, "changed": changed,
    }  # fmt: skip
    outside = outside_triggers(plan, facts)
    chosen = nothing(plan, outside) if outside else select(plan, event)
    record = {
        **chosen,
        "schema": "https://mlcc.dev/selection/1",
        "commit": facts.commit,
        "base_commit": base or "",
        "event": event,
        "inputs": {**_defaults(plan), **inputs},
        "facts": _run_facts(facts, base, trigger),
    }
    if any(artifact.get("snapshot") for artifact in plan["artifacts"].values()):
        record["moment"] = utc_now()
    write_record(state_folder("select") / "selection.json", record)
    platform.publish_selection(plan, record)
    say(f"mlcc: {len(chosen['selected'])} of {len(plan['nodes'])} nodes selected")
    for id in plan["nodes"]:
        mark = "run " if id in chosen["selected"] else "skip"
        say(f"{id}: {chosen['reasons'][id]}", before=f"  {mark} ")
    return 0


def check_waivers(plan: dict[str, Any], platform: str) -> None:
    """Raise RunError where the spec bore a loss of this CI system only until a day (UTC) that is over."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    for feature, waiver in waivers_of(plan, platform).items():
        if today > waiver["until"]:
            raise RunError(
                f"the waiver of '{feature}' for {platform} ended on {waiver['until']}: "
                f"leave '{feature}' out, or renew `targets.{platform}.waive` and compile"
            )


def _defaults(plan: dict[str, Any]) -> dict[str, str]:
    """Return what inputs are worth in a run that no form started."""
    forms = plan["triggers"].get("manual", {}).values()
    return {name: field["default"] for form in forms for name, field in form.items() if "default" in field}


def _run_facts(facts: Facts, base: str | None, trigger: str) -> dict[str, str]:
    return {
        "commit": facts.commit, "base_commit": base or "", "branch": facts.branch, "tag": facts.tag,
        "event": facts.event, "pull_request": facts.pull_request, "repository": facts.repository,
        "run_id": facts.run_id, "run_number": facts.run_number, "run_url": facts.run_url,
        "fork": "true" if facts.fork else "", "trigger": trigger,
    }  # fmt: skip


# --- the event ------------------------------------------------------------------------------------


def trigger_of(plan: dict[str, Any], facts: Facts) -> str:
    """Return the id of the schedule, form or dispatch that started the run. Raises RunError."""
    triggers = plan["triggers"]
    if facts.event == "schedule":
        found = [id for id, cron in triggers.get("schedule", {}).items() if facts.hint in (id, cron)]
    elif facts.event == "manual":
        forms = list(triggers.get("manual", {}))
        only = forms if len(forms) == 1 and not facts.hint else []
        found = (
            [facts.hint]
            if facts.hint in forms
            else [id for id in only if id not in triggers.get("reserved", [])]
        )
    elif facts.event == "dispatch":
        found = [id for id in triggers.get("dispatch", []) if id == facts.hint]
    else:
        return ""
    if not found:
        raise RunError(
            f"a run by {facts.event} '{printable(facts.hint)}' isn't among the triggers of the spec"
        )
    return str(found[0])


def outside_triggers(plan: dict[str, Any], facts: Facts) -> str:
    """Say why a run isn't one that the spec asks for, where the CI system starts others too; empty: it is."""
    if not facts.unasked or facts.event not in ("push", "pull_request", "tag"):
        return ""  # the others were looked up by `trigger_of`
    name = facts.tag if facts.event == "tag" else facts.branch
    if _any_matches(plan["triggers"].get(facts.event, []), name):
        return ""
    return f"the spec's triggers have no {facts.event} for {printable(name) or 'no name'}"


def nothing(plan: dict[str, Any], reason: str) -> dict[str, Any]:
    """Return the selection of no node."""
    return {"selected": [], "reasons": dict.fromkeys(plan["nodes"], reason), "by_verdict": {}}


def printable(text: str) -> str:
    """Return a text from outside in a form that can't start a line or a command of a log."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])


def check_inputs(plan: dict[str, Any], facts: Facts, trigger: str) -> dict[str, str]:
    """Return the inputs of a manual run, defaults filled in. Raises RunError on one that its form refuses."""
    if facts.event != "manual":
        return {}
    fields = plan["triggers"]["manual"][trigger]
    checked: dict[str, str] = {}
    for name, field in fields.items():
        value = facts.inputs.get(name, "")
        if value == "":
            value = field.get("default", "")
        if value == "" and not field.get("required"):
            continue
        problem = input_problem(value, field)
        if problem:
            raise RunError(f"the input {name} is refused: {problem}")
        checked[name] = value
    return checked


def input_problem(value: str, field: dict[str, Any]) -> str:
    """Say what is wrong with an input's value; empty: nothing."""
    kind = field["type"]
    if value == "":
        return "it is required"
    if len(value) > 1000 or not value.isprintable():
        return "it is too long, or has control characters"
    if kind == "choice" and value not in field["options"]:
        return "it is none of its options"
    if kind == "boolean" and value not in ("true", "false"):
        return "it is neither true nor false"
    return _number_problem(value, field) if kind in ("number", "integer") else ""


def _number_problem(value: str, field: dict[str, Any]) -> str:
    # The command gets the text, so it must read the same to every program: Python's own idea of a number is wider.
    kind = field["type"]
    if not (_INTEGER if kind == "integer" else _NUMBER).fullmatch(value):
        return f"it isn't {'an' if kind == 'integer' else 'a'} {kind} in plain digits"
    number = int(value) if kind == "integer" else float(value)
    if not math.isfinite(number):
        return "it isn't finite"
    if "min" in field and not number >= field["min"]:
        return f"it is below {field['min']}"
    if "max" in field and not number <= field["max"]:
        return f"it is above {field['max']}"
    return ""


_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,29})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


# --- what has changed -----------------------------------------------------------------------------


def _git(*words: str) -> str | None:
    """Return what a git command prints; None when it fails."""
    done = subprocess.run(["git", *words], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None


def _base(facts: Facts, platform: Platform) -> str | None:
    """Return the commit that the changes are counted from (S3); None: unknown, so everything has changed."""
    if facts.event == "pull_request":
        head = facts.head or facts.commit
        found = _git("merge-base", facts.base, head) if is_commit(facts.base) and is_commit(head) else None
        return found.strip() if found else None
    if facts.event != "push":
        return None
    green = platform.last_green(facts.branch)
    if not green or not is_commit(green) or _git("merge-base", "--is-ancestor", green, facts.commit) is None:
        return None
    return green


def is_commit(text: str) -> bool:
    """Tell whether a text from outside is a commit's name, and so nothing that git takes for an option."""
    return _COMMIT.fullmatch(text) is not None


def changed_paths(base: str, head: str) -> list[str] | None:
    """Return the paths that differ between two commits, relative to the repository root; None: unknown."""
    # Not `git diff`, which a configuration can limit to a folder, or make blind to submodules.
    found = _git("diff-tree", "-r", "--name-only", "--no-renames", "-z", base, head)
    return None if found is None else sorted(path for path in found.split("\0") if path)


# --- selection ------------------------------------------------------------------------------------


def select(plan: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Return the selected nodes, the reason for each node, and the nodes that wait for a verdict."""
    nodes = plan["nodes"]
    waiting = {id: wanted for id, node in nodes.items() for wanted in [_waits_for(node, event)] if wanted}
    refused: dict[str, str] = {}
    pulls: dict[str, dict[str, str]] = {}
    for id, node in nodes.items():  # in topological order
        pulls[id] = _pulls(id, node, id in waiting)
        cause = _refusal(plan, node, event)
        missing = next((other for other in pulls[id] if other in refused), None)
        if cause is None and missing is not None:
            cause = f"it can't run without '{missing}': {refused[missing]}"
        if cause is not None:
            refused[id] = cause
    reasons = dict(refused)
    selected: set[str] = set()
    for id, reason in _roots(plan, event).items():
        todo = [] if id in refused else [(id, reason)]
        while todo:
            current, why = todo.pop()
            if current not in selected:
                selected.add(current)
                reasons[current] = why
                todo.extend(pulls[current].items())
    for id, node in nodes.items():
        if node.get("status") and id not in refused:
            first = next((other for other, _ in node["before"] if other in selected), None)
            if first is not None:
                selected.add(id)
                reasons[id] = f"it follows '{first}', which is selected"
            else:
                reasons[id] = "none of what it follows is selected"
    rest = "nothing that it depends on has changed"
    if event["trigger"] in plan["triggers"].get("reserved", []):
        rest = f"the trigger '{event['trigger']}' starts only what names it"
    for id in nodes:
        reasons.setdefault(id, rest)
    return {"selected": [id for id in nodes if id in selected], "reasons": reasons, "by_verdict": waiting}


def _waits_for(node: dict[str, Any], event: dict[str, Any]) -> list[str]:
    """Return the verdicts that let a node run; none where it waits for no verdict."""
    holding = [c for c in node.get("when", []) if not _condition_problem(c, event)]
    if node.get("status") or not all("gate" in c for c in holding):
        return []
    return sorted({verdict for c in holding for verdict in c["verdicts"]})


def _pulls(id: str, node: dict[str, Any], waits: bool) -> dict[str, str]:
    if node.get("status"):
        return {}
    why = {"data": f"'{id}' takes what it writes", "guard": f"it guards what '{id}' reads"}
    if waits:
        why["verdict"] = f"'{id}' waits for its verdict"
    return {other: why[kind] for other, kind in node["before"] if kind in why}


def _refusal(plan: dict[str, Any], node: dict[str, Any], event: dict[str, Any]) -> str | None:
    if event["kind"] == "pull_request":
        if node["kind"] in ("release", "rollback", "reconcile", "restore"):
            return "releases never run for pull requests"
        if event["fork"] and node["kind"] == "preview":
            return "what a release would do isn't shown to forks"
        if event["fork"] and node.get("trusted"):
            builds = node["kind"] == "build"
            uses = (
                "moves what the store keeps"
                if node.get("stores")
                else "reaches a registry of models"
                if node.get("registers")
                else "pushes an image"
                if builds
                else "uses secrets"
            )
            return f"it {uses}, and the pull request comes from a fork"
    branches = node.get("branches", [])
    if branches and (event["kind"] == "pull_request" or not _any_matches(branches, event["branch"])):
        return f"its environment is for runs of {' or '.join(branches)}"
    problems = [_condition_problem(condition, event) for condition in node.get("when", [])]
    if problems and "" not in problems:
        return "its `when` doesn't allow it: " + "; ".join(problems)
    if event["kind"] not in DIFF_EVENTS or event["changed"] is None:
        for id in node["takes"]:
            if plan["artifacts"][id].get("at_base"):
                return f"there is no base version of '{id}' in this run"
    return None


def _condition_problem(condition: dict[str, Any], event: dict[str, Any]) -> str:
    if "events" in condition and event["kind"] not in condition["events"]:
        return f"the event is {event['kind']}"
    for key, what in (("branches", "branch"), ("tags", "tag")):
        name = event[what]
        if key in condition and not _any_matches(condition[key], name):
            return f"the {what} is {name or 'none'}"
    if "triggers" in condition and event["trigger"] not in condition["triggers"]:
        return f"the trigger is {event['trigger'] or 'none of them'}"
    for name, value in condition.get("inputs", {}).items():
        if event["inputs"].get(name) != value:
            return f"the input {name} isn't {value}"
    return ""


def _any_matches(patterns: list[str], name: str) -> bool:
    return bool(name) and any(name_matches(pattern, name) for pattern in patterns)


def _roots(plan: dict[str, Any], event: dict[str, Any]) -> dict[str, str]:
    nodes = {id: node for id, node in plan["nodes"].items() if not node.get("status")}
    trigger = event["trigger"]
    if trigger in plan["triggers"].get("reserved", []):
        named = [
            id
            for id, node in nodes.items()
            if any(trigger in c.get("triggers", []) for c in node.get("when", []))
        ]
        return dict.fromkeys(named, f"its `when` names the trigger '{trigger}'")
    if event["kind"] not in DIFF_EVENTS:
        return dict.fromkeys(nodes, f"a run by {event['kind']} selects every candidate")
    if event["changed"] is None:
        return dict.fromkeys(nodes, "the base is unknown, so everything counts as changed")
    changed = list(event["changed"])
    for path in changed:
        if any(path_matches(pattern, path) for pattern in plan["always"]):
            return {id: f"{printable(path)} changed, which every node depends on" for id in nodes}
    home = plan["home"] + "/" if plan["home"] else ""
    own = {
        id: next(
            (
                p
                for p in changed
                if any(path_matches(from_root_of(home, s), p) for s in node.get("sources", []))
            ),
            None,
        )
        for id, node in plan["nodes"].items()
    }
    return _touched(plan, nodes, own)


def _touched(plan: dict[str, Any], nodes: dict[str, Any], own: dict[str, str | None]) -> dict[str, str]:
    """Return the nodes with a change among their sources or an ancestor's, and those without any sources."""
    hits: dict[str, str | None] = {}
    sourced: dict[str, bool] = {}
    for id, node in plan["nodes"].items():  # in topological order, so that ancestors' answers are there
        before = [other for other, _ in node["before"]]
        hits[id] = next((hit for hit in [own[id], *(hits[other] for other in before)] if hit), None)
        sourced[id] = bool(node.get("sources")) or any(sourced[other] for other in before)
    found: dict[str, str] = {}
    for id in nodes:
        hit = hits[id]
        if hit:
            found[id] = f"{printable(hit)} changed"
        elif not sourced[id]:
            found[id] = "neither it nor anything before it has sources, so it always runs"
    return found


# --- mlcc.runtime.main --------------------------------------------------------------------------------------
# The entry of the emitted `.mlcc/run.py`: `select`, `node`, `undo`, `cancel` or `final`.

COMMANDS = {
    "select": select_main,
    "node": node_main,
    "undo": undo_main,
    "cancel": cancel_main,
    "final": final_main,
}


def main() -> int:
    """Run the command that is named, in the folder of the spec. Returns an exit status; 2 is an error."""
    command = COMMANDS.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if command is None:
        say("usage: python3 -I .mlcc/run.py select | node | undo | cancel | final")
        return 2
    os.chdir(Path(__file__).resolve().parent.parent)
    try:
        return command(this_platform())
    except RunError as problem:
        say(f"mlcc: {problem}")
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
