# mlcc:generated sha256=a79317994b50ae4e00441cea357a60be6c89e794f4bf432e10d5f6475fc04d57
# fmt: off
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# isort: skip_file
"""The gate `canary`. A release candidate on live traffic keeps to its limits, and is no worse than the control beside it.

Run it in the folder of mlcc.yaml: python -I .mlcc/gates/canary.py GATE_ID
It reads .mlcc/gates/GATE_ID.json, writes verdict.json, junit.xml and summary.md to
_mlcc/s--GATE_ID/, and ends with 0 pass, 1 fail, 2 error or 3 inconclusive.

This file stands alone on purpose: it runs where mlcc is not installed, and needs no other file of
mlcc. It was joined from these modules of mlcc, which are tested as they are:
  mlcc.gates._records, mlcc.gates._report, mlcc.strict_json, mlcc.gates._strict,
  mlcc.runtime.file_digest, mlcc.runtime.addresses, mlcc.runtime.patterns, mlcc.runtime.digest,
  mlcc.runtime.moments, mlcc.gates._support, mlcc.gates._shell, mlcc.gates._plots,
  mlcc.gates.canary.evalues, mlcc.gates.canary.snapshots, mlcc.gates.canary.analysis, mlcc.gates._web,
  mlcc.gates.canary.web, mlcc.gates.canary.liveness, mlcc.gates.canary.prometheus,
  mlcc.gates.canary.observe, mlcc.gates.canary.runtime
Don't edit it: `mlcc compile` writes it again.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from math import exp, inf, isfinite, lgamma, log, log1p

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from http.client import HTTPConnection
    from types import FrameType, TracebackType
    from typing import Any


# --- mlcc.gates._records ------------------------------------------------------------------------------------
# What a gate finds: checks, the verdict over them, and text that is safe to show.

# From best to worst: the verdict over several checks is the worst of theirs.
VERDICTS = ("pass", "inconclusive", "fail", "error")


class GateError(Exception):
    """The gate can't judge: the verdict is `error`. The message is one sentence for a reviewer."""


class Check:
    """One thing that was looked at.

    `estimate` is the number it is about, `interval` its one-sided confidence bounds at `confidence`, `n` the
    rows behind it, `threshold` what it is held against ({"min": x} or {"max": x}), `margin` how far the
    number that decides lies on the good side of the threshold. Raises ValueError for an unknown verdict and
    for a number that isn't finite.
    """

    # Not a dataclass: importing dataclasses would take as long as the rest of a small gate.
    __slots__ = ("confidence", "estimate", "id", "interval", "margin", "message", "n", "threshold", "verdict")

    def __init__(
        self,
        id: str,
        verdict: str,
        message: str,
        *,
        estimate: float | None = None,
        interval: tuple[float, float] | None = None,
        confidence: float | None = None,
        n: int | None = None,
        threshold: dict[str, float] | None = None,
        margin: float | None = None,
    ) -> None:
        numbers = [estimate, confidence, n, margin, *(interval or ()), *(threshold or {}).values()]
        if verdict not in VERDICTS or not all(is_finite(x) for x in numbers if x is not None):
            raise ValueError(f"the check {visible(id)} has no proper verdict or a number that isn't finite")
        self.id = id
        self.verdict = verdict
        self.message = message
        self.estimate = estimate
        self.interval = interval
        self.confidence = confidence
        self.n = n
        self.threshold = threshold
        self.margin = margin

    def record(self) -> dict[str, object]:
        """Return the check as the verdict file holds it; what isn't known is left out."""
        known = {
            "estimate": rounded(self.estimate),
            "interval": None if self.interval is None else [rounded(end) for end in self.interval],
            "confidence": self.confidence,
            "n": self.n,
            "threshold": self.threshold,
            "margin": rounded(self.margin),
        }
        record: dict[str, object] = {"id": self.id, "verdict": self.verdict, "message": self.message}
        record.update((key, value) for key, value in known.items() if value is not None)
        return record


class Verdict:
    """The verdict over a gate's checks, with one sentence that a reviewer understands.

    `plots` are what mlcc.gates._plots makes, for the gate's page.
    """

    __slots__ = ("checks", "plots", "summary", "verdict")

    def __init__(
        self,
        verdict: str,
        summary: str,
        checks: Sequence[Check] = (),
        plots: Sequence[dict[str, Any]] = (),
    ) -> None:
        if verdict not in VERDICTS:
            raise ValueError(f"{visible(verdict)} is no verdict")
        self.verdict = verdict
        self.summary = summary
        self.checks = tuple(checks)
        self.plots = tuple(plots)


def worst(verdicts: Iterable[str]) -> str:
    """Return the worst of some verdicts; nothing looked at is an error, never a pass."""
    ranks = [VERDICTS.index(verdict) for verdict in verdicts]
    return VERDICTS[max(ranks)] if ranks else "error"


def verdict_of(checks: Sequence[Check], plots: Sequence[dict[str, Any]] = ()) -> Verdict:
    """Return the worst of the checks' verdicts, with a summary that quotes the first check that has it."""
    found = worst(check.verdict for check in checks)
    if not checks:
        return Verdict(found, "Nothing was checked.")
    if found == "pass":
        only = f"{checks[0].message}." if len(checks) == 1 else f"All {len(checks)} checks passed."
        return Verdict(found, only, checks, plots)
    culprits = [check for check in checks if check.verdict == found]
    what = {"fail": "failed", "error": "could not be judged", "inconclusive": "inconclusive"}[found]
    verb = "" if found != "inconclusive" else ("is " if len(culprits) == 1 else "are ")
    count = f"{len(culprits)} of {len(checks)} checks {verb}{what}: " if len(checks) > 1 else ""
    return Verdict(found, f"{count}{culprits[0].message}.", checks, plots)


def is_finite(value: object) -> bool:
    """Whether `value` is a number that can be compared: int or float, no bool, no NaN, no infinity.

    An integer beyond all floats is none either: nothing could be computed with it.
    """
    try:
        return type(value) in (int, float) and isfinite(value)  # type: ignore[arg-type]  # the type is tested first
    except OverflowError:
        return False


def rounded(value: float | None) -> float | None:
    """Return a number to 10 significant digits: sums over threads differ in the last ones."""
    return value if value is None or type(value) is int else float(f"{value:.10g}")


def number(value: float) -> str:
    """Return a number as a message shows it: up to 6 significant digits."""
    return str(value) if type(value) is int else f"{value:.6g}"


def counted(number: int, what: str) -> str:
    """Return a number of things, in words: "1 file", "2 files"."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def visible(text: str, limit: int = 400) -> str:
    """Return text on one line, without control, invisible or unassigned characters and runner commands."""
    shown = "".join(c if c.isprintable() else _escape(c) for c in text[: limit + 1])
    if len(text) > limit:
        shown = shown[:limit] + "…"
    return shown.replace("##[", "# #[").replace("##vso", "# #vso")


def _escape(char: str) -> str:
    names = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return names.get(char) or f"\\u{{{ord(char):x}}}"


# --- mlcc.gates._report -------------------------------------------------------------------------------------
# The reports of a gate: verdict.json, junit.xml, summary.md, and plots.json where there is something to draw.
#
# Each is written whole or not at all.
#
# They hold no time, host or absolute path, so that the same inputs give the same bytes.

REPORTS = ("verdict.json", "junit.xml", "summary.md", "plots.json")
SCHEMA = "https://mlcc.dev/verdict/1"
_MARKDOWN = str.maketrans(
    {
        **{"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "|": "&#124;", "`": "&#96;"},
        **{sign: "\\" + sign for sign in "\\*_[]#~$!"},
    }
)
_SIGNS = {"pass": "✓", "inconclusive": "?", "fail": "✗", "error": "!"}


def prepare_folder(folder: str) -> None:
    """Make the report folder and remove the reports of an earlier run. Raises GateError."""
    try:
        if any(os.path.islink(part) for part in (folder, os.path.dirname(folder) or ".")):
            raise GateError(f"{visible(folder)} is a symlink")
        os.makedirs(folder, exist_ok=True)
        for name in REPORTS:
            remove_file(os.path.join(folder, name))
    except OSError as error:
        raise GateError(f"{visible(folder)} can't be written: {error.strerror}") from None


def remove_file(path: str) -> None:
    """Remove a file that an earlier run may have left. Raises GateError for a folder or where it can't."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise GateError(f"{visible(path)} can't be removed: {error.strerror}") from None


def write_reports(folder: str, record: dict[str, object], verdict: Verdict, opens: bool) -> None:
    """Write the reports; `opens` tells whether its readers may run. Raises OSError and GateError."""
    text = json_text(record)
    if verdict.plots:
        import json

        plots = json.dumps(verdict.plots, sort_keys=True, allow_nan=False, ensure_ascii=True)
        write_whole(os.path.join(folder, "plots.json"), plots + "\n")
    # The verdict comes last: where it is, the others are.
    write_whole(os.path.join(folder, "summary.md"), _summary(record, verdict))
    write_whole(os.path.join(folder, "junit.xml"), _junit(record, verdict, opens))
    write_whole(os.path.join(folder, "verdict.json"), text + "\n")


def json_text(value: object, margin: str = "\n") -> str:
    """Return `json.dumps(value, sort_keys=True, indent=2, allow_nan=False)`, without the time to import json.

    What isn't as plain as most of a report is left to json. Raises ValueError and TypeError as it does.
    """
    inner = margin + "  "
    if isinstance(value, dict) and value and all(_is_plain(key) for key in value):
        parts = [f'"{key}": {json_text(value[key], inner)}' for key in sorted(value)]
        return "{" + inner + ("," + inner).join(parts) + margin + "}"
    if isinstance(value, (list, tuple)) and value:
        parts = [json_text(item, inner) for item in value]
        return "[" + inner + ("," + inner).join(parts) + margin + "]"
    if _is_plain(value):
        return f'"{value}"'
    if is_finite(value):
        return repr(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    import json

    return json.dumps(value, sort_keys=True, indent=2, allow_nan=False).replace("\n", margin)


def _is_plain(value: object) -> bool:
    """Whether JSON shows a text as it is."""
    return type(value) is str and value.isascii() and value.isprintable() and not {'"', "\\"} & set(value)


def write_whole(path: str, text: str) -> None:
    """Replace a file's content in one step. Raises OSError and GateError."""
    temporary = path + ".part"
    remove_file(temporary)  # opened with "x": a symlink put there would be followed otherwise
    with open(temporary, "x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def markdown(text: str, limit: int = 400) -> str:
    """Return text that Markdown shows as it is, on one line, in a table cell too."""
    shown = visible(text, limit).translate(_MARKDOWN)
    return "\\" + shown if shown[:1] in ("-", "+", "=") else shown


def _summary(record: dict[str, object], verdict: Verdict) -> str:
    title = f"### {_SIGNS[verdict.verdict]} {markdown(str(record['gate']))}: {verdict.verdict}"
    lines = [title, "", markdown(verdict.summary, 1000), ""]
    if verdict.checks:
        lines += ["| | check | finding |", "|---|---|---|"]
        lines += [
            f"| {_SIGNS[check.verdict]} | {markdown(check.id, 100)} | {markdown(check.message)} |"
            for check in verdict.checks
        ]
        lines.append("")
    return "\n".join(lines)


def _junit(record: dict[str, object], verdict: Verdict, opens: bool) -> str:
    cases = [(check.id, check.verdict, check.message) for check in verdict.checks]
    if verdict.verdict not in [case[1] for case in cases]:
        cases.append(("verdict", verdict.verdict, verdict.summary))
    kinds = ["pass" if v == "pass" else _junit_kind(v, opens) for _, v, _ in cases]
    name = _xml(str(record["gate"]))
    counts = " ".join(
        f'{plural}="{kinds.count(kind)}"'
        for plural, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    )
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuite name="{name}" tests="{len(cases)}" {counts}>')
    for (id, found, message), kind in zip(cases, kinds):  # noqa: B905 - strict= is newer than Python 3.8
        opening = f'  <testcase classname="{name}" name="{_xml(id)}"'
        if kind == "pass":
            lines.append(opening + "/>")
        else:
            lines.append(f'{opening}><{kind} type="{found}" message="{_xml(message)}"/></testcase>')
    return "\n".join([*lines, "</testsuite>", ""])


def _junit_kind(found: str, opens: bool) -> str:
    """A finding that doesn't close the gate (waived, or inconclusive with a warning) isn't red in JUnit."""
    if opens:
        return "skipped"
    return "error" if found == "error" else "failure"


def _xml(text: str) -> str:
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace('"', "&quot;")


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


# --- mlcc.gates._strict -------------------------------------------------------------------------------------
# Files as gates read them: bytes up to a limit, and strict JSON (see mlcc.strict_json).

MAX_BYTES = 8 << 20


def read_json(path: str, limit: int = MAX_BYTES, *, finite: bool = True) -> object:
    """Return the value of a JSON file. `finite`: NaN and infinity are refused too, rather than returned.

    Raises GateError for a missing or over-large file (`limit` is in bytes), bytes that aren't UTF-8, and what
    `strict_json` refuses.
    """
    return parse_json(_utf8_text(path, limit), visible(path), finite=finite)


def parse_json(text: str, shown: str, *, finite: bool = True) -> object:
    """Return the value of JSON text, as `read_json` does; `shown` names its source in messages."""
    try:
        return strict_json(text, finite=finite)
    except JsonError as error:
        raise GateError(f"{shown} {visible(str(error))}") from None


def read_bytes(path: str, limit: int) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes. Raises GateError."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise GateError(f"{visible(path)} is not a file")
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise GateError(f"{visible(path)} is missing") from None
    except OSError as error:
        raise GateError(f"{visible(path)} can't be read: {error.strerror}") from None
    if len(data) > limit:
        raise GateError(f"{visible(path)} has over {limit} bytes")
    return data


def _utf8_text(path: str, limit: int) -> str:
    data = read_bytes(path, limit)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GateError(f"{visible(path)} is not UTF-8 at byte {error.start}") from None


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


# --- mlcc.gates._support ------------------------------------------------------------------------------------
# What every gate does around its judgement: parameters in, verdict record and exit code out, fail closed.

EXIT = {"pass": 0, "fail": 1, "error": 2, "inconclusive": 3}
_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_MAX_PARAMETERS = 4 << 20
_LOGGED_CHECKS = 100
_LARGE = 64 << 20
_ABSENT = "none"  # in place of a digest
COPIES = "_mlcc/objects"
_WRITTEN = "the committed parameters are not whole, and `mlcc compile` writes them again"


class _Whole(dict):  # type: ignore[type-arg]  # Python 3.8 has no dict[str, Any] to derive from
    """An object of the parameters. A key that isn't there was cut out of it."""

    def __missing__(self, key: object) -> object:
        raise GateError(f"the gate's parameters lack {visible(str(key), 80)}: {_WRITTEN}")


class Gate:
    """A gate's committed parameters, as `.mlcc/gates/<id>.json` holds them, and where its reports go."""

    def __init__(self, id: str, folder: str, document: dict[str, Any]) -> None:
        self.id = id
        self.folder = folder
        self.kind: str = document["kind"]
        self.guards: str = document["guards"]
        self.artifacts: dict[str, dict[str, Any]] = document["artifacts"]
        self.on_inconclusive: str = document["on_inconclusive"]
        self.waive: dict[str, str] | None = document.get("waive")
        self.params: dict[str, Any] = _whole(document["params"])
        # What is judged: artifact -> its path and digest, known before `judge` is called; at an address its objects, too;
        # then what `take` adds.
        self.inputs: dict[str, dict[str, Any]] = {}
        # What isn't there, since no release runs one yet: the runtime says so, of artifacts that may be absent (`first: none`).
        self.absent = frozenset(os.environ.get("MLCC_ABSENT", "").split()) & set(self.artifacts)
        self._fetched: dict[str, str] = {}

    def path(self, artifact: str) -> str:
        """Return an artifact's one path, relative to the project root. Raises GateError."""
        path = self.paths(artifact)
        if not isinstance(path, str):
            raise GateError(f"the gate's parameters give no single path for {visible(artifact)}")
        return path

    def paths(self, artifact: str) -> str | list[str]:
        """Return an artifact's one path, or the list of its committed ones. Raises GateError.

        What lies at an address is fetched by the first call: the path is that of the copy.
        """
        if artifact in self.absent:
            raise GateError(f"there is no {visible(artifact)}: no release runs one yet")
        path: str | list[str] | None = self.artifacts.get(artifact, {}).get("path")
        if path is None:
            raise GateError(f"the gate's parameters give no path for {visible(artifact)}")
        if not isinstance(path, str) or not is_address(path):
            return path
        if artifact not in self._fetched:
            self._fetched[artifact] = self._fetch(artifact, path)
        return self._fetched[artifact]

    def table(self, artifact: str, named: str) -> str:
        """Return what SQL calls a table of a warehouse, as of the moment that it is judged at."""
        return named.replace("{moment}", self.inputs.get(artifact, {}).get("moment", ""))

    def _fetch(self, artifact: str, address: str) -> str:
        listed = self.inputs[artifact]
        folder = f"{COPIES}/{self.id}/{artifact}"
        try:
            found = fetch_objects(address, folder, sum(object["size"] for object in listed["objects"]))
        except DigestError as error:
            raise GateError(f"the artifact {visible(artifact)} can't be judged: {error}") from None
        if found["digest"] != listed["digest"]:
            raise GateError(f"the artifact {visible(artifact)} changed before it was fetched")
        listed["objects"] = found["objects"]
        return local_path(address, folder)

    def as_named(self, text: str) -> str:
        """Return a message with addresses instead of the paths of what was fetched from them."""
        for artifact in self._fetched:
            bucket = self.artifacts[artifact]["path"][len(SCHEME) :].partition("/")[0]
            text = text.replace(f"{COPIES}/{self.id}/{artifact}/", f"{SCHEME}{bucket}/")
        return text

    def remove_copies(self) -> None:
        """Remove what was fetched: data that isn't to be kept, nor to be taken for another run's."""
        folder = f"{COPIES}/{self.id}"
        if os.path.isdir(folder) and not os.path.islink(COPIES) and not os.path.islink(folder):
            import shutil

            shutil.rmtree(folder, ignore_errors=True)

    def take(self, path: str) -> str:
        """Count a committed file that is no artifact among what is judged, and return its digest. Raises GateError.

        The verdict names it by its path, and it may not change while the gate runs. Call it before the file is read.
        """
        for found in self.inputs.values():
            if found["path"] == path:
                return str(found["digest"])
        try:
            digest = file_digest(path)
        except DigestError as error:
            raise GateError(str(error)) from None
        self.inputs[path] = {"path": path, "digest": digest}
        return digest


def run(kind: str, judge: Callable[[Gate], Verdict], script: str, arguments: Sequence[str]) -> int:
    """Run a gate from the project root and return its exit code: 0 pass, 1 fail, 2 error, 3 inconclusive.

    `script` is the path of the running script, `arguments` the command line (one gate id). Whatever goes
    wrong ends in an `error` verdict, never in a traceback.
    """
    if len(arguments) != 1 or not _is_id(arguments[0]):
        _log([f"usage: python -I {visible(os.path.basename(script))} GATE_ID, in the folder of mlcc.yaml"])
        return EXIT["error"]
    id = arguments[0]
    folder = f"_mlcc/s--{id}"
    record: dict[str, object] = {
        "schema": SCHEMA,
        "gate": id,
        "kind": kind,
        "inputs": {},
        "gate_digest": None,
    }
    gate: Gate | None = None
    try:
        prepare_folder(folder)
    except GateError as error:
        _log([f"gate {id}: error. {error}."])
        return EXIT["error"]
    try:
        gate = _read(kind, id, folder, script, record)
        large = {id: _file_marks(artifact["path"]) for id, artifact in gate.artifacts.items()}
        record["inputs"] = gate.inputs = _inputs(gate)
        verdict = _first() if gate.guards in gate.absent else judge(gate)
        _check_untouched(gate, large)
    except GateError as error:
        said = str(error) if gate is None else gate.as_named(str(error))
        verdict = Verdict("error", f"{said.rstrip('.')}.")
    except BaseException as error:  # noqa: BLE001, RUF100 - a gate must end in a verdict, whatever happens
        verdict = Verdict("error", _unforeseen(error))
    if gate is not None:
        gate.remove_copies()
    return _finish(folder, record, verdict, gate)


def _first() -> Verdict:
    return Verdict("pass", "First: no release runs one yet, so that there is nothing to judge.")


def _finish(folder: str, record: dict[str, object], verdict: Verdict, gate: Gate | None) -> int:
    code = EXIT[verdict.verdict]
    if gate is not None and verdict.verdict in ("fail", "inconclusive"):
        if verdict.verdict == "inconclusive" and gate.on_inconclusive == "warn":
            code = 0
        if gate.waive is not None:
            verdict, code = _waive(gate.waive, verdict, record, code)
    record["verdict"] = verdict.verdict
    record["summary"] = verdict.summary
    record["checks"] = [check.record() for check in verdict.checks]
    try:
        write_reports(folder, record, verdict, opens=code == 0)
    except (OSError, ValueError, GateError) as error:
        _log([f"gate {record['gate']}: error. The reports can't be written: {type(error).__name__}."])
        return EXIT["error"]
    _log(_lines(folder, record, verdict, code))
    return code


def _waive(
    waiver: dict[str, str], verdict: Verdict, record: dict[str, object], code: int
) -> tuple[Verdict, int]:
    """Open the gate until the waiver's last day (UTC). What was found stays found; errors aren't waived."""
    import datetime

    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    if today <= waiver["until"]:
        record["waived"] = {key: waiver[key] for key in ("reason", "until", "issue")}
        note = f"Waived until {waiver['until']}: {waiver['reason']} ({waiver['issue']})."
        return Verdict(verdict.verdict, f"{verdict.summary} {note}", verdict.checks, verdict.plots), 0
    note = f"Its waiver ended on {waiver['until']}."
    return Verdict(verdict.verdict, f"{verdict.summary} {note}", verdict.checks, verdict.plots), code


def _read(kind: str, id: str, folder: str, script: str, record: dict[str, object]) -> Gate:
    path = f".mlcc/gates/{id}.json"
    parameters = read_bytes(path, _MAX_PARAMETERS)
    with open(script, "rb") as file:
        code = file.read()
    lines = f"{sha256(code).hexdigest()}  script\n{sha256(parameters).hexdigest()}  parameters\n"
    try:
        document = parse_json(parameters.decode("utf-8"), path)
    except UnicodeDecodeError:
        raise GateError(f"{path} is not UTF-8") from None
    _check_document(document, kind, id, path)
    assert isinstance(document, dict)
    if any(is_address(artifact["path"]) for artifact in document["artifacts"].values()):
        lines += f"{sha256(read_bytes(OBJECTS_SCRIPT, _MAX_PARAMETERS)).hexdigest()}  objects\n"
    record["gate_digest"] = "sha256:" + sha256(lines.encode("ascii")).hexdigest()
    return Gate(id, folder, document)


def _check_document(document: object, kind: str, id: str, path: str) -> None:
    """Refuse parameters that another compiler, kind or gate wrote, or that were cut or edited badly."""
    if not isinstance(document, dict):
        raise GateError(f"{path} is no JSON object")
    if document.get("kind") != kind or document.get("gate") != id:
        raise GateError(f"{path} is not for the {kind} gate {id}")
    shapes = {"guards": str, "artifacts": dict, "on_inconclusive": str, "params": dict}
    wrong = [key for key, shape in shapes.items() if not isinstance(document.get(key), shape)]
    if wrong or document["on_inconclusive"] not in ("fail", "warn"):
        raise GateError(f"{path} has no proper {wrong[0] if wrong else 'on_inconclusive'}")
    if not document["params"]:
        raise GateError(f"{path} has empty params: {_WRITTEN}")
    if document["guards"] not in document["artifacts"]:
        raise GateError(f"{path} doesn't say where the guarded artifact is")
    for artifact in document["artifacts"].values():
        if not isinstance(artifact, dict) or not _is_path(artifact.get("path")):
            raise GateError(f"{path} has an artifact without a path")
    if not _is_waiver(document.get("waive")):
        raise GateError(f"{path} has no proper waive")


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return _Whole((key, _whole(inner)) for key, inner in value.items())
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _is_path(path: object) -> bool:
    if isinstance(path, list):
        return bool(path) and all(isinstance(part, str) and part for part in path)
    return isinstance(path, str) and bool(path)


def _is_waiver(waiver: object) -> bool:
    if waiver is None:
        return True
    if not isinstance(waiver, dict):
        return False
    if not all(isinstance(waiver.get(key), str) for key in ("reason", "until", "issue")):
        return False
    # A waiver that isn't a date would compare as text: "soon" is later than every date.
    parts = waiver["until"].split("-")
    return [len(part) for part in parts] == [4, 2, 2] and all(_is_number(part) for part in parts)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _inputs(gate: Gate) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for id, artifact in sorted(gate.artifacts.items()):
        if id in gate.absent:
            found[id] = {"path": artifact["path"], "digest": _absence(id, artifact)}
            continue
        try:
            moment = whole_moment(os.environ.get(moment_name(id))) if artifact.get("snapshot") else ""
            as_of = {"moment": moment} if moment else {}
            found[id] = {"path": artifact["path"], **as_of, **_identity(id, artifact["path"], moment)}
        except DigestError as error:
            raise GateError(f"the artifact {visible(id)} can't be judged: {error}") from None
    return found


def _absence(id: str, artifact: dict[str, Any]) -> str:
    """Return what stands for the digest of what isn't there. Raises GateError where it is there, or has to be."""
    if artifact.get("first") != _ABSENT:
        raise GateError(f"the artifact {visible(id)} has to be there, and the runtime says that it isn't")
    if not isinstance(artifact["path"], str) or os.path.lexists(artifact["path"]):
        raise GateError(f"the artifact {visible(id)} is there, and the runtime says that it isn't")
    return _ABSENT


def _identity(id: str, path: str | list[str], moment: str = "") -> dict[str, Any]:
    """Return the digest of an artifact, a table's as of a moment, and at an address its objects. Raises DigestError."""
    if isinstance(path, str) and path.startswith(IMAGE_SCHEME):
        return {"digest": image_digest(id)}
    if isinstance(path, str) and is_address(path):
        listed = objects_at(path)
        return {key: listed[key] for key in ("digest", "objects")}
    return {"digest": artifact_digest(as_of(path, moment) if isinstance(path, str) else path)}


def _file_marks(path: object) -> tuple[int, ...] | None:
    """Return what changes with a large file's content: its inode, size and times; None for what is quick to digest.

    The clock of a file system ticks every 10 ms at least, and digesting a large file takes longer: a change while the gate
    runs can't have the time of an earlier one.
    """
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    found = os.stat(path)
    if found.st_size < _LARGE:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _check_untouched(gate: Gate, large: dict[str, tuple[int, ...] | None]) -> None:
    """Raise GateError where an artifact is no longer what it was: neither its digest nor its readers' is what was judged.

    `large` are the marks that large files had before they were digested: where they are the same, the file is.
    """
    for id, found in gate.inputs.items():
        if large.get(id) is not None and large[id] == _file_marks(found["path"]):
            continue
        if id in gate.absent and not os.path.lexists(found["path"]):
            continue
        try:
            same = _identity(id, found["path"], found.get("moment", ""))["digest"] == found["digest"]
        except DigestError as error:
            raise GateError(f"{_input_shown(gate, id)} went while the gate ran: {error}") from None
        if not same:
            raise GateError(
                f"{_input_shown(gate, id)} changed while the gate ran: its readers would get something that was not judged"
            )


def _input_shown(gate: Gate, id: str) -> str:
    return f"the artifact {visible(id)}" if id in gate.artifacts else f"the file {visible(id)}"


def _unforeseen(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "The gate was interrupted."
    place: TracebackType | None = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = ""
    if place is not None:
        code = place.tb_frame.f_code
        where = f" ({os.path.basename(code.co_filename)}, {code.co_name}, line {place.tb_lineno})"
    return f"The gate met something that it doesn't know: {type(error).__name__}{where}."


def _lines(folder: str, record: dict[str, object], verdict: Verdict, code: int) -> list[str]:
    opened = " (waived)" if "waived" in record else " (warning only)" if code == 0 else ""
    outcome = verdict.verdict + (opened if verdict.verdict != "pass" else "")
    lines = [f"gate {record['gate']} ({record['kind']}): {outcome}. {visible(verdict.summary, 1500)}"]
    shown = sorted(verdict.checks, key=lambda check: check.verdict == "pass")[:_LOGGED_CHECKS]
    lines += [f"  {check.verdict} {visible(check.id, 100)}: {visible(check.message)}" for check in shown]
    if len(verdict.checks) > len(shown):
        lines.append(f"  and {len(verdict.checks) - len(shown)} more")
    lines.append(f"reports: {folder}/")
    return lines


def _log(lines: Sequence[str]) -> None:
    """Print lines. The verdict is in the report and the exit code: a closed pipe must not change it."""
    text = "".join(line + "\n" for line in lines)
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except OSError:
        # Python flushes once more at the end, which would print a warning and change the exit code.
        sys.stdout = None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 64 and text[0] not in "-_" and _ID_CHARACTERS.issuperset(text)


# --- mlcc.gates._shell --------------------------------------------------------------------------------------
# Running the user's own program: `setup` and `run` in one bash process, in strict mode.

# What bash says of a command that isn't there or can't be run.
_NOT_RUN = {126: "could not be run", 127: "was not found"}


class Script:
    """`setup`, then a command, as a bash script in the gate's folder. Several of one gate differ in `name`.

    Raises GateError where the folder's name can't stand in a script. The script is removed at the end of a
    `with` block.
    """

    def __init__(self, gate: Gate, setup: Sequence[str], command: str, name: str = "command") -> None:
        self._path = os.path.join(gate.folder, name + ".sh")
        self._started = os.path.join(gate.folder, name + ".started")
        self._remove()
        # The mark is absolute: `setup` may change the folder.
        mark = f': > "{_quoted(os.path.abspath(self._started))}"'
        with open(self._path, "x", encoding="utf-8", newline="\n") as file:
            file.write("\n".join([*setup, mark, command, ""]))
        self.call = ["bash", "--noprofile", "--norc", "-euo", "pipefail", self._path]

    @property
    def is_past_setup(self) -> bool:
        """Whether `setup` has ended well, so that the command began."""
        return os.path.exists(self._started)

    def check_reached(self, code: int) -> None:
        """Raise GateError where `setup` ended with `code` before the command began: nothing was judged."""
        if not self.is_past_setup:
            raise GateError(f"the setup ended with exit code {code}, so the program did not run")

    def _remove(self) -> None:
        for path in (self._path, self._started):
            remove_file(path)

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()


def run_program(gate: Gate, setup: Sequence[str], command: str, extra: Mapping[str, str]) -> int:
    """Run `setup`, then `command`, and return the exit code; `extra` is added to the environment.

    The program also gets ARTIFACT_<ID>, the path of each of the gate's artifacts. Raises GateError where bash
    is missing, a signal ends it, or `setup` fails: then nothing was judged, which must not read as a `fail`.
    """
    with Script(gate, setup, command) as script:
        sys.stdout.flush()
        try:
            code = subprocess.run(
                script.call, stdin=subprocess.DEVNULL, env=environment(gate, extra), check=False
            ).returncode
        except FileNotFoundError:
            raise GateError("bash is not installed") from None
        script.check_reached(code)
    if code < 0:
        raise GateError(f"signal {-code} ended the program")
    return code


class EndAsError:
    """Turns the signal that ends a gate into a GateError while a `with` block runs, so that it is cleaned up."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGTERM, self._end)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _end(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        raise GateError("the gate was told to end while its program ran")


def exit_check(code: int, what: str) -> Check:
    """Return the check on the exit code of `what`, such as "the tests"; not having run is an error."""
    if code in _NOT_RUN:
        return Check("command", "error", f"a command {_NOT_RUN[code]} (exit code {code})")
    if code > 128:
        return Check("command", "error", f"signal {code - 128} ended {what} (exit code {code})")
    return Check("command", "pass" if code == 0 else "fail", f"{what} ended with exit code {code}")


def environment(gate: Gate, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a gate's program: ARTIFACT_<ID> (what is set already wins) and `extra`."""
    return {**_locations(gate), **os.environ, **extra}


def _locations(gate: Gate) -> dict[str, str]:
    return {
        "ARTIFACT_" + id.upper().replace("-", "_"): artifact["path"]
        for id, artifact in gate.artifacts.items()
        if isinstance(artifact["path"], str)
    }


def _quoted(path: str) -> str:
    """Return a path for use between double quotes in bash."""
    if "\n" in path:
        raise GateError(f"the folder {visible(path)} has a line break in its name")
    return "".join("\\" + c if c in '\\"$`' else c for c in path)


def program(params: Mapping[str, object]) -> tuple[list[str], str]:
    """Return `setup` and `run` from a gate's parameters. Raises GateError where they aren't proper."""
    setup, command = params.get("setup"), params.get("run")
    if not isinstance(setup, list) or not all(isinstance(line, str) for line in setup):
        raise GateError("the gate's parameters have no proper setup")
    if not isinstance(command, str) or not command.strip():
        raise GateError("the gate's parameters have no command")
    return setup, command


# --- mlcc.gates._plots --------------------------------------------------------------------------------------
# What a gate's page draws: plots as plain data, in a verdict beside its checks.
#
# A kind makes them with the functions below; `mlcc.report.plots` draws them. All numbers are finite: a plot of
# something that isn't is left out by its kind, never drawn wrong.

_MOST_POINTS = 400


def histogram(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], note: str = ""
) -> dict[str, Any]:
    """Return bars: for each label, one bar of each series (name -> shares or counts, as many as labels).

    Raises ValueError for other lengths and for numbers that aren't finite.
    """
    for values in series.values():
        if len(values) != len(labels):
            raise ValueError(f"the plot {visible(title)} has another number of bars than of labels")
    bars = [{"name": visible(name, 80), "values": _finite(values)} for name, values in series.items()]
    return _plot("histogram", title, note, labels=[visible(label, 80) for label in labels], series=bars)


def curves(
    title: str,
    axes: tuple[str, str],
    series: Mapping[str, Sequence[Sequence[float]]],
    *,
    diagonal: bool = False,
    note: str = "",
) -> dict[str, Any]:
    """Return lines: name -> points (x, y) or (x, y, lower, upper), by rising x; `axes` names x and y.

    More points than a page shows are thinned out evenly. Raises ValueError for numbers that aren't finite.
    """
    lines = [
        {"name": visible(name, 80), "points": [_finite(point) for point in thinned(points)]}
        for name, points in series.items()
    ]
    return _plot(
        "curves", title, note, axes=[visible(axis, 80) for axis in axes], series=lines, diagonal=diagonal
    )


def intervals(
    title: str,
    axis: str,
    rows: Sequence[tuple[str, float, float, float, str]],
    *,
    limits: Mapping[str, float] | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Return estimates with intervals: rows of (label, estimate, lower, upper, verdict) on one axis.

    `limits` ({"min": x}, {"max": x}) are drawn across. Raises ValueError for numbers that aren't finite.
    """
    found = [
        {"label": visible(label, 80), "values": _finite((value, lower, upper)), "verdict": verdict}
        for label, value, lower, upper, verdict in rows
    ]
    lines = {side: _finite([limit])[0] for side, limit in (limits or {}).items()}
    return _plot("intervals", title, note, axis=visible(axis, 80), rows=found, limits=lines)


def thinned(points: Sequence[Any]) -> list[Any]:
    """Return at most 400 of some points, evenly, the first and the last among them."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    last = len(points) - 1
    return [points[i * last // (_MOST_POINTS - 1)] for i in range(_MOST_POINTS)]


def _plot(kind: str, title: str, note: str, **data: Any) -> dict[str, Any]:
    return {"plot": kind, "title": visible(title, 120), "note": visible(note), **data}


def _finite(values: Sequence[float]) -> list[float | None]:
    if not all(is_finite(value) for value in values):
        raise ValueError("a plot has a number that isn't finite")
    return [rounded(value) for value in values]


# --- mlcc.gates.canary.evalues ------------------------------------------------------------------------------
# Evidence that stays valid however often one looks: E-values of counts, by the standard library alone.
#
# An E-value is never negative and at most 1 on average while the hypothesis holds. Over time it is a supermartingale, so the
# chance that it ever reaches 1/alpha is at most alpha (Ville 1939): one may look after every request, stop when one likes, and
# multiply the E-values of one step after the other. Each one here is a likelihood averaged over alternatives (Robbins 1970;
# Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences"), divided by the
# hypothesis' likelihood.

JEFFREYS = (0.5, 0.5)
STRENGTH = 10.0  # events that the prior of an alternative weighs as much as
# kappa: how far the alternatives spread the share that the candidate has of a bucket. By simulation, 50 finds what is large
# soonest, and 500 what is small with a half to a tenth of the requests that 50 needs; both together lose hardly anything.
CONCENTRATIONS = (50.0, 500.0)
_MOST_TERMS = 100_000
_SMALLEST = 1e-300
_CLOSE = 1e-14
_MOST_REQUESTS = 1 << 40
_HALVINGS = 60


def log_beta(a: float, b: float) -> float:
    """Return ln B(a, b)."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def log_beta_below(x: float, a: float, b: float) -> float:
    """Return the log of the probability that a Beta(a, b) variable is below x, 0 < x < 1.

    It is the regularized incomplete beta function I_x(a, b), by its continued fraction (NIST DLMF 8.17.22; Lentz's method,
    Press et al. 2007, 6.4). Raises ArithmeticError where that doesn't converge.
    """
    if x > (a + 1) / (a + b + 2):
        return log1p(-exp(log_beta_below(1 - x, b, a)))
    factor = a * log(x) + b * log1p(-x) - log_beta(a, b) - log(a)
    return factor + log(_beta_fraction(x, a, b))


def _beta_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _SMALLEST)
    total = d
    for i in range(1, _MOST_TERMS):
        before = total
        for term in (
            i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i)),
            -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1)),
        ):
            d = 1 / (1 + term * d or _SMALLEST)
            c = 1 + term / c or _SMALLEST
            total *= c * d
        if abs(total - before) < _CLOSE * abs(total):
            return total
    raise ArithmeticError("the incomplete beta function doesn't converge")


def log_e_below(hits: int, misses: int, limit: float, prior: tuple[float, float] = JEFFREYS) -> float:
    """Return ln E against "each event is a hit with probability `limit` at least", 0 < limit < 1.

    The alternatives are those below the limit, weighted by the Beta distribution `prior` cut off there. Each one's likelihood
    ratio falls with every hit, so that it is a supermartingale under the whole hypothesis, not at its edge alone.
    """
    a, b = prior
    mixed = log_beta(a + hits, b + misses) - log_beta(a, b)
    cut = log_beta_below(limit, a + hits, b + misses) - log_beta_below(limit, a, b)
    return mixed + cut - hits * log(limit) - misses * log1p(-limit)


def log_e_above(hits: int, misses: int, limit: float, prior: tuple[float, float] = JEFFREYS) -> float:
    """Return ln E against "each event is a hit with probability `limit` at most": `log_e_below` of the misses."""
    return log_e_below(misses, hits, 1 - limit, (prior[1], prior[0]))


def centred(share: float) -> tuple[float, float]:
    """Return the Beta prior that is centred at a share, as strong as 10 events."""
    return STRENGTH * share, STRENGTH * (1 - share)


def twice(share: float) -> float:
    """Return twice a share, or where that is too near to 1, half-way to 1: where an excess is looked for."""
    return min(2 * share, (1 + share) / 2)


def candidate_share(weight: float, ratio: float) -> float:
    """Return the chance that a bad event is the candidate's, where its rate is `ratio` times the control's.

    `weight` is the candidate's share of the requests, each of which is routed by itself: w r / (w r + 1 - w). That is all
    that an event tells, whatever the rate itself is and however it moves (Lindon and Malek 2022, "Anytime-valid inference for
    multinomial count data").
    """
    return weight * ratio / (weight * ratio + 1 - weight)


def log_e_worse(events: Sequence[tuple[float, int, int]], ratio: float) -> float:
    """Return ln E against "the candidate's rate is at most `ratio` times the control's".

    `events` has for each step (weight, the candidate's bad events, the control's). The alternatives are centred at twice the
    ratio.
    """
    return sum(
        log_e_above(x, y, candidate_share(weight, ratio), centred(candidate_share(weight, 2 * ratio)))
        for weight, x, y in events
    )


def log_e_better(events: Sequence[tuple[float, int, int]], ratio: float) -> float:
    """Return ln E against "the candidate's rate is at least `ratio` times the control's", as `log_e_worse`."""
    return sum(
        log_e_below(x, y, candidate_share(weight, ratio), centred(candidate_share(weight, ratio / 2)))
        for weight, x, y in events
    )


def log_e_changed(weight: float, candidate: Sequence[int], control: Sequence[int]) -> float:
    """Return ln E against "both arms have the same distribution", of their counts per bucket.

    Without a difference the candidate has the same share of every bucket, whichever that is: the hypothesis' likelihood is its
    largest one (universal inference: Wasserman, Ramdas and Balakrishnan 2020). The alternatives give each bucket a share of its
    own, Beta with mean `weight` and a concentration of 50 or of 500, each of which has half the weight (Dirichlet-multinomials
    of two arms).
    """
    pairs = [(x, y) for x, y in zip(candidate, control) if x + y]  # noqa: B905 - strict= is newer than Python 3.8
    mixed = [_log_mixed(kappa * weight, kappa * (1 - weight), pairs) for kappa in CONCENTRATIONS]
    top = max(mixed)
    mean = top + log(sum(exp(one - top) for one in mixed) / len(mixed))
    x, y = sum(candidate), sum(control)
    largest = sum(count * log(count / (x + y)) for count in (x, y) if count)
    return mean - largest


def _log_mixed(a: float, b: float, pairs: Sequence[tuple[int, int]]) -> float:
    """Return the log of the likelihood of counts (candidate, control), each with a share that is Beta(a, b)."""
    return sum(log_beta(a + x, b + y) for x, y in pairs) - len(pairs) * log_beta(a, b)


def upper_rate(hits: int, n: int, error: float) -> float:
    """Return the bound that the rate of `hits` in `n` is ever above, over all looks, with a chance of `error` at most.

    It is the largest limit whose hypothesis in `log_e_below` isn't refuted (a confidence sequence).
    """
    if hits >= n:
        return 1.0
    return _crossing(lambda limit: log_e_below(hits, n - hits, limit), hits / n, 1.0, -log(error))


def lower_rate(hits: int, n: int, error: float) -> float:
    """Return the bound that the rate of `hits` in `n` is ever below, over all looks, with a chance of `error` at most."""
    return 1 - upper_rate(n - hits, n, error)


def ratio_bounds(events: Sequence[tuple[float, int, int]], error: float) -> tuple[float, float]:
    """Return the bounds of the ratio of the candidate's rate to the control's, each wrong at any look with `error` at most.

    They lie between e^-14 and e^14, about one in a million and a million, where nothing is known.
    """
    height = -log(error)
    upper = _crossing(lambda x: log_e_better(events, exp(x)), -14.0, 14.0, height)
    lower = -_crossing(lambda x: log_e_worse(events, exp(-x)), -14.0, 14.0, height)
    return exp(lower), exp(upper)


def _crossing(evidence: Callable[[float], float], low: float, high: float, height: float) -> float:
    """Return where evidence that rises comes to `height`, from above, so that the bound is never too bold."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if evidence(middle) >= height else (middle, high)
    return high


def requests_needed(limit: float, error: float, bad: int = 0) -> int:
    """Return how many requests, of which `bad` are bad, show that a rate is below a limit at any look.

    With none bad and error 0.025 that is 455 for 1 %, of which a single look at the end would need 367.
    """
    low, high = bad, bad + 1
    while log_e_below(bad, high - bad, limit) < -log(error) and high < _MOST_REQUESTS:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if log_e_below(bad, middle - bad, limit) >= -log(error) else (middle, high)
    return high


# --- mlcc.gates.canary.snapshots ----------------------------------------------------------------------------
# Snapshots of the counters of both arms, and what was counted between them, step by step.

ARMS = ("candidate", "control")
REQUESTS = "n"
BUCKETS = "buckets"
_FRAME = ("time", "weight", "of")
_MOST_COUNT = 1 << 53
_MOST_BUCKETS = 1000


def arms_of(weight: float) -> tuple[str, ...]:
    """Return whose requests are judged, and whose they are held against; what gets all of them has none beside it."""
    return ARMS if weight < 1 else ARMS[1:]


class Arm:
    """What an arm's counters hold: `counts` by name (`n` are all requests), `cells` the requests in each bucket of a histogram.

    The cells are not cumulative; they are in the order of their upper edges.
    """

    __slots__ = ("cells", "counts")

    def __init__(self, counts: Mapping[str, int], cells: Mapping[str, Sequence[int]]) -> None:
        self.counts = dict(counts)
        self.cells = {name: list(counted) for name, counted in cells.items()}

    @property
    def n(self) -> int:
        """All requests."""
        return self.counts[REQUESTS]


class Snapshot:
    """The counters of both arms at a `time` (Unix seconds), while the candidate had a `weight` (its share, 0 to 1).

    At a weight of 1 the candidate is what is live, and its arm the only one: that of the control.
    `edges` are each histogram's upper edges.
    """

    __slots__ = ("arms", "edges", "time", "weight")

    def __init__(
        self, time: float, weight: float, arms: Sequence[Arm], edges: Mapping[str, list[float]]
    ) -> None:
        self.time = time
        self.weight = weight
        self.arms = tuple(arms)
        self.edges = dict(edges)


class Step:
    """What was counted while the weight was the same, over `looks` snapshots: of the candidate and of the control, if any."""

    __slots__ = ("arms", "looks", "weight")

    def __init__(self, weight: float, arms: Sequence[Arm]) -> None:
        self.weight = weight
        self.arms = tuple(arms)
        self.looks = 1


def snapshot_of(value: object, weight: float, shown: str) -> Snapshot:
    """Return the snapshot that a JSON object holds: {"time", "candidate", "control"}, and "weight" (percent) at times.

    An arm is {"n", other counters, "buckets": {histogram: {upper edge: cumulative count}}}. `weight` (a share) holds where the
    object has none; a weight of 1 holds always, and the candidate may be missing.
    Raises GateError where an arm is missing, or a number is none, negative, not whole or more than all requests.
    """
    if not isinstance(value, dict):
        raise GateError(f"{shown} is no object of a time, a candidate and a control")
    names = arms_of(weight)
    missing = [key for key in ("time", *names) if key not in value]
    if missing:
        raise GateError(f"{shown} has no {missing[0]}: what isn't seen is not healthy")
    unknown = sorted(set(value) - {*_FRAME, *ARMS})
    if unknown:
        raise GateError(f"{shown} has the unknown key {visible(unknown[0], 80)}")
    if not is_finite(value["time"]) or value["time"] <= 0:
        raise GateError(f"{shown} has no proper time (seconds since 1970)")
    percent = value.get("weight", 100 * weight) if weight < 1 else 100
    if not is_finite(percent) or not (0 < percent < 100 or weight == 1):
        raise GateError(f"{shown} has no proper weight (percent, over 0 and under 100)")
    arms, edges = [], []
    for name in names:
        arm, found = _arm(value[name], f"{shown}, {name}")
        arms.append(arm)
        edges.append(found)
    if edges[0] != edges[-1] or arms[0].counts.keys() != arms[-1].counts.keys():
        raise GateError(f"{shown} has other counters or buckets for the candidate than for the control")
    return Snapshot(value["time"], percent / 100, arms, edges[0])


def _arm(value: object, shown: str) -> tuple[Arm, dict[str, list[float]]]:
    if not isinstance(value, dict) or REQUESTS not in value:
        raise GateError(f"{shown} is no object with the number n of requests")
    counts = {
        key: whole(count, f"{shown}, {visible(key, 80)}") for key, count in value.items() if key != BUCKETS
    }
    over = sorted(key for key, count in counts.items() if count > counts[REQUESTS])
    if over:
        raise GateError(f"{shown} has more {visible(over[0], 80)} than requests")
    histograms = value.get(BUCKETS, {})
    if not isinstance(histograms, dict):
        raise GateError(f"{shown} has buckets that are no object")
    cells, edges = {}, {}
    for name, buckets in histograms.items():
        edges[name], cells[name] = _histogram(buckets, f"{shown}, the histogram {visible(name, 80)}")
    return Arm(counts, cells), edges


def whole(value: object, shown: str) -> int:
    """Return a count. Raises GateError for what is no whole number of at least 0."""
    sound = is_finite(value) and 0 <= value <= _MOST_COUNT and value == int(value)  # type: ignore[operator, call-overload]
    if not sound:
        raise GateError(f"{shown} is no whole number of at least 0")
    return int(value)  # type: ignore[call-overload, no-any-return]  # a number, as was tested


def _histogram(buckets: object, shown: str) -> tuple[list[float], list[int]]:
    """Return the upper edges, rising, and the count of each cell."""
    if not isinstance(buckets, dict) or not 2 <= len(buckets) <= _MOST_BUCKETS:
        raise GateError(f"{shown} is no object of 2 to {_MOST_BUCKETS} buckets")
    found = sorted((_edge(edge, shown), whole(count, shown)) for edge, count in buckets.items())
    edges, upto = [edge for edge, _ in found], [count for _, count in found]
    if edges[-1] != inf or len(set(edges)) < len(edges):
        raise GateError(f"{shown} has no bucket +Inf, or one twice")
    cells = [upto[0], *(upto[i] - upto[i - 1] for i in range(1, len(upto)))]
    if min(cells) < 0:
        raise GateError(f"{shown} has a bucket that counts less than a smaller one: they are cumulative")
    return edges, cells


def _edge(text: str, shown: str) -> float:
    try:
        edge = float(text)
    except ValueError:
        raise GateError(f"{shown} has a bucket whose upper edge is no number") from None
    if edge != edge or edge == -inf:
        raise GateError(f"{shown} has a bucket whose upper edge is no number")
    return edge


class History:
    """Snapshots in the order of their times, and what was counted between them, one `Step` for each weight in turn.

    What was counted while the weight changed belongs to no step. `from_zero`: the counters began at 0 with the first step.
    """

    def __init__(self, from_zero: bool = False) -> None:
        self.steps: list[Step] = []
        self.snapshots: list[Snapshot] = []
        self.from_zero = from_zero

    def check_later(self, snapshot: Snapshot) -> None:
        """Raise GateError for a snapshot that is no later than the last one: it tells nothing new."""
        if self.snapshots and snapshot.time <= self.snapshots[-1].time:
            raise GateError("a snapshot isn't later than the one before it")

    def add(self, snapshot: Snapshot) -> None:
        """Take a snapshot in. Raises GateError where it isn't later, has other counters, or a counter went back."""
        if not self.snapshots:
            arms = snapshot.arms if self.from_zero else [_difference(arm, arm) for arm in snapshot.arms]
            self.steps.append(Step(snapshot.weight, arms))
            self.snapshots.append(snapshot)
            return
        last = self.snapshots[-1]
        self.check_later(snapshot)
        if snapshot.edges != last.edges or snapshot.arms[0].counts.keys() != last.arms[0].counts.keys():
            raise GateError("a snapshot has other counters or buckets than the one before it")
        added = [
            _difference(new, old, name)
            for name, new, old in zip(arms_of(last.weight), snapshot.arms, last.arms)  # noqa: B905 - strict= is newer than Python 3.8
        ]
        self.snapshots.append(snapshot)
        if snapshot.weight != last.weight:
            self.steps.append(Step(snapshot.weight, [_difference(arm, arm) for arm in snapshot.arms]))
            return
        step = self.steps[-1]
        step.looks += 1
        step.arms = tuple(_sum(so_far, new) for so_far, new in zip(step.arms, added))  # noqa: B905 - see above


def _difference(new: Arm, old: Arm, name: str = "") -> Arm:
    counts = {key: count - old.counts[key] for key, count in new.counts.items()}
    cells = {
        key: [x - y for x, y in zip(counted, old.cells[key])]  # noqa: B905 - strict= is newer than Python 3.8
        for key, counted in new.cells.items()
    }
    lowest = min([*counts.values(), *(x for counted in cells.values() for x in counted)])
    if lowest < 0:
        raise GateError(
            f"a counter of the {name} went back: its server was restarted or replaced, and what it had counted is lost; count "
            "at the router, or in Prometheus sum max_over_time(COUNTER[RANGE]), which keeps what servers that are gone have "
            "counted, over a range longer than the gate looks"
        )
    return Arm(counts, cells)


def _sum(one: Arm, other: Arm) -> Arm:
    counts = {key: count + other.counts[key] for key, count in one.counts.items()}
    cells = {
        key: [x + y for x, y in zip(counted, other.cells[key])]  # noqa: B905 - strict= is newer than Python 3.8
        for key, counted in one.cells.items()
    }
    return Arm(counts, cells)


def parse_lines(text: str, shown: str) -> list[Any]:
    """Return the values of JSON lines, or the one value that the text is. Raises GateError."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise GateError(f"{shown} is empty")
    if len(lines) == 1 or not lines[0].rstrip().endswith("}") or lines[0].strip() == "{":
        value = parse_json(text, shown)
        return value if isinstance(value, list) else [value]
    return [parse_json(line, f"{shown}, line {i + 1}") for i, line in enumerate(lines)]


def line_of(snapshot: Snapshot, of: str) -> str:
    """Return a snapshot as a line that `snapshot_of` reads; `of` is the digest of what is the candidate."""
    arms = {}
    for name, arm in zip(arms_of(snapshot.weight), snapshot.arms):  # noqa: B905 - strict= is newer than Python 3.8
        buckets = {key: _cumulative(snapshot.edges[key], counted) for key, counted in arm.cells.items()}
        arms[name] = {**arm.counts, BUCKETS: buckets}
    # Of 5 / 100 * 100 the last digit may be another than that of 5: a weight is one of percent and two decimals.
    known = {"of": of, "time": snapshot.time, "weight": round(100 * snapshot.weight, 6), **arms}
    return json.dumps(known, sort_keys=True, allow_nan=False) + "\n"


def _cumulative(edges: Sequence[float], cells: Sequence[int]) -> dict[str, int]:
    found, total = {}, 0
    for edge, count in zip(edges, cells):  # noqa: B905 - strict= is newer than Python 3.8
        total += count
        found["+Inf" if edge == inf else repr(edge)] = total
    return found


# --- mlcc.gates.canary.analysis -----------------------------------------------------------------------------
# Judges what both arms counted: rates, distributions, the share of the traffic, and signs of life.
#
# A check fails when its E-value reaches m / alpha, of m such tests: then the chance that any of them ever fails without cause is
# alpha at most, however often one looks. It passes when the candidate is shown to keep to the limit; between the two it is
# inconclusive, and more requests will tell.

# The odds of reaching the candidate may be off by this factor: a router rounds, and arms are scraped at two times.
SHARE_SLACK = 1.1
_SILENCE = 1e-6  # the chance of no request that is no chance any more
_DRAWN = 25  # looks in a plot
ALLOWED = "at most"
_TEN = log(10)
_GENERAL = ("alive", "requests", "share", "liveness")  # checks that are about no metric


def judge_history(params: dict[str, Any], history: History) -> list[Check]:
    """Return the checks on all that was counted. Raises GateError where a metric has no counter."""
    steps = history.steps
    check_counters(params, history)
    height = log(closing_tests(params) / params["alpha"])
    alive = _alive_check(params, history)
    if alive.verdict == "fail":
        return [alive]  # all else would be about a candidate that isn't there
    checks = [alive, _requests_check(params, steps)]
    if not _is_alone(steps):
        checks.append(_share_check(steps, height))
    for rate in params["rates"]:
        checks.append(_limit_check(rate, params, steps, height))
        if "worse_than_control" in rate:
            checks.append(_control_check(rate, params, steps, height))
    checks += [_changed_check(histogram, params, steps, height) for histogram in params["histograms"]]
    return checks


def closing_tests(params: dict[str, Any]) -> int:
    """Return among how many tests alpha is divided: each limit, comparison and histogram, and the share."""
    compared = sum("worse_than_control" in rate for rate in params["rates"])
    share = 0 if params["weight"] == 100 else 1
    return len(params["rates"]) + compared + len(params["histograms"]) + share


def more_would_tell(params: dict[str, Any], steps: Sequence[Step], checks: Sequence[Check]) -> bool:
    """Whether the checks are inconclusive for want of requests alone, so that it is worth to look on."""
    return worst(check.verdict for check in checks) == "inconclusive" and not alarms(params, steps)


def _is_alone(steps: Sequence[Step]) -> bool:
    """Whether what is judged gets all requests, so that there is nothing beside it to compare."""
    return steps[-1].weight == 1


def _who(steps: Sequence[Step]) -> str:
    return "the live release" if _is_alone(steps) else "the candidate"


def concluded(
    checks: Sequence[Check], plots: Sequence[dict[str, Any]] = (), first_look: bool = False
) -> Verdict:
    """Return the verdict over all checks; where they pass, its summary quotes the first that is about a metric.

    A first look passes unless something is shown to be bad: another gate goes on where it ends.
    """
    verdict = verdict_of(checks, plots)
    if first_look and verdict.verdict == "inconclusive":
        return Verdict("pass", f"Nothing is shown to be bad so far: {verdict.summary}", checks, plots)
    if verdict.verdict != "pass":
        return verdict
    telling = next((check for check in checks if check.id not in _GENERAL), checks[-1])
    summary = f"All {len(checks)} checks passed: {telling.message}."
    return Verdict("pass", summary, checks, plots)


def alarms(params: dict[str, Any], steps: Sequence[Step]) -> list[str]:
    """Return the ids of the checks whose evidence is enough to close the gate, of those that compare the arms or hold a limit."""
    height = log(closing_tests(params) / params["alpha"])
    found = ["share"] if not _is_alone(steps) and _is_misrouted(steps, height) else []
    for rate in params["rates"]:
        if _is_above(rate, params, steps, height):
            found.append(rate["id"])
        if "worse_than_control" in rate and _is_worse(rate, params, steps, height):
            found.append(f"{rate['id']} against control")
    return found + [one["id"] for one in params["histograms"] if _change(one["name"], steps) >= height]


def check_counters(params: dict[str, Any], history: History) -> None:
    """Raise GateError where a metric has no counter."""
    arm = history.snapshots[-1].arms[0]
    for rate in params["rates"]:
        if rate["count"] not in arm.counts:
            raise GateError(
                f"the snapshots have no counter {visible(rate['count'], 80)}, which {visible(rate['id'], 80)} needs"
            )
    for histogram in params["histograms"]:
        if histogram["name"] not in arm.cells:
            raise GateError(f"the snapshots have no histogram {visible(histogram['name'], 80)}")


def _counted_by(steps: Sequence[Step], key: str) -> tuple[int, int]:
    """Return what the candidate and the control counted over all steps: 0 where there is no control."""
    candidate = sum(step.arms[0].counts[key] for step in steps)
    return candidate, sum(arm.counts[key] for step in steps for arm in step.arms[1:])


def _alive_check(params: dict[str, Any], history: History) -> Check:
    """Judge the last `fail_after` looks: a candidate that is asked and doesn't answer is dead, and silence tells nothing."""
    looks = params["fail_after"]
    last = history.snapshots[-looks - 1 :]
    if len(last) <= looks or len({snapshot.weight for snapshot in last}) > 1:
        return Check(
            "alive", "pass", f"fewer than {looks + 1} looks so far, which is too early to call it dead"
        )
    candidate, *others = (new.n - old.n for new, old in zip(last[-1].arms, last[0].arms))  # noqa: B905 - strict= is newer than Python 3.8
    control = sum(others)
    told = f"over the last {looks} looks"
    if not candidate and not control:
        return Check("alive", "inconclusive", f"no request came {told}: no data is not health", n=0)
    if not candidate and exp(control * log1p(-last[-1].weight)) < _SILENCE:
        message = f"the candidate served no request {told}, and the control {control}: it is dead, or gets no traffic"
        return Check("alive", "fail", message, n=control)
    message = f"{_who(history.steps)} served {counted(candidate, 'request')} {told}"
    return Check("alive", "pass", f"{message}, and the control {control}" if others else message, n=candidate)


def _requests_check(params: dict[str, Any], steps: Sequence[Step]) -> Check:
    n, least = _counted_by(steps, REQUESTS)[0], params["min_requests"]
    message = f"{_who(steps)} served {counted(n, 'request')}; at least {least} are asked for"
    return Check(
        "requests",
        "pass" if n >= least else "inconclusive",
        message,
        estimate=n,
        n=n,
        threshold={"min": least},
        margin=n - least,
    )


def _is_misrouted(steps: Sequence[Step], height: float) -> bool:
    """Whether the candidate's share of the requests is shown to be another than its weight, by more than the slack."""
    evidence = [0.0, 0.0]
    for step in steps:
        x, y = (arm.n for arm in step.arms)
        high = candidate_share(step.weight, SHARE_SLACK)
        low = candidate_share(step.weight, 1 / SHARE_SLACK)
        evidence[0] += log_e_above(x, y, high)
        evidence[1] += log_e_above(y, x, 1 - low)
    return max(evidence) >= height + log(2)  # one for each side


def _share_check(steps: Sequence[Step], height: float) -> Check:
    """Judge whether the candidate gets its share of the requests: all comparisons rest on it."""
    x, y = _counted_by(steps, REQUESTS)
    weights = " and ".join(f"{number(100 * step.weight)} %" for step in steps)
    if not x + y:
        return Check(
            "share", "inconclusive", f"no request came: the candidate's share of {weights} isn't seen"
        )
    found = f"the candidate got {_percent(x / (x + y))} of {x + y} requests, and its weight is {weights}"
    if not _is_misrouted(steps, height):
        return Check("share", "pass", found, estimate=x / (x + y), n=x + y)
    message = f"{found}: nothing can be compared by a weight that isn't so"
    return Check("share", "error", message, estimate=x / (x + y), n=x + y)


def _is_above(rate: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float) -> bool:
    """Whether the candidate's rate is shown to be over its limit."""
    bad, n = _counted_by(steps, rate["count"])[0], _counted_by(steps, REQUESTS)[0]
    prior = centred(twice(rate["max"]))
    return bool(bad >= params["min_bad"] and log_e_above(bad, n - bad, rate["max"], prior) >= height)


def _limit_check(rate: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float) -> Check:
    """Judge a rate against its limit: shown to be above, shown to be below, or neither."""
    bad, n = _counted_by(steps, rate["count"])[0], _counted_by(steps, REQUESTS)[0]
    limit, error = rate["max"], params["alpha"] / 2
    if n == 0:
        return Check(
            rate["id"], "inconclusive", f"{_who(steps)} served no request, so its {_named(rate)} isn't known"
        )
    lower, upper = lower_rate(bad, n, error), upper_rate(bad, n, error)
    verdict = (
        "fail" if _is_above(rate, params, steps, height) else "pass" if upper <= limit else "inconclusive"
    )
    confidence = 1 - params["alpha"]
    # Of a failure, the upper bound would tell how bad it may be, not how far it is from what is allowed.
    margin = limit - (bad / n if verdict == "fail" else upper)
    message = (
        f"{_who(steps)}'s {_named(rate)} is {_percent(bad / n)} ({bad} of {n} requests), between {_percent(lower)} and "
        f"{_percent(upper)} with {number(100 * confidence)} % confidence at every look; at most {_percent(limit)} is allowed, "
        f"margin {100 * margin:.3g} points"
    )
    if verdict == "inconclusive":
        message += _wanted(bad, n, limit, error)
    return Check(
        rate["id"],
        verdict,
        message,
        estimate=bad / n,
        interval=(lower, upper),
        confidence=confidence,
        n=n,
        threshold={"max": limit},
        margin=margin,
    )


def _wanted(bad: int, n: int, limit: float, error: float) -> str:
    if bad > n * limit:
        return ": hold, or roll back, for more requests are unlikely to show it"
    more = max(requests_needed(limit, error, bad) - n, 1)
    return f": hold, or extend, for {more} more requests would show it if none of them is bad"


def _events(key: str, steps: Sequence[Step]) -> list[tuple[float, int, int]]:
    """Return for each step its weight, and the bad requests of the candidate and of the control."""
    return [(step.weight, step.arms[0].counts[key], step.arms[1].counts[key]) for step in steps]


def _is_worse(rate: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float) -> bool:
    """Whether the candidate's rate is shown to be over so many times the control's."""
    events = _events(rate["count"], steps)
    bad = sum(x for _, x, _ in events)
    return bool(bad >= params["min_bad"] and log_e_worse(events, rate["worse_than_control"]) >= height)


def _control_check(
    rate: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float
) -> Check:
    """Judge how many times the control's rate the candidate's is, by whose the bad events are."""
    id, ratio = f"{rate['id']} against control", rate["worse_than_control"]
    key = rate["count"]
    (x, y), (n, m) = _counted_by(steps, key), _counted_by(steps, REQUESTS)
    seen = f"{x} of {n} requests against {y} of {m}"
    if not n or not m:
        return Check(
            id,
            "inconclusive",
            f"no request came to one of the arms ({seen}), so their {_named(rate)} can't be compared",
        )
    if not x + y:
        message = f"neither arm has had a bad request ({seen}); the {_named(rate)} may be {number(ratio)} times the control's"
        return Check(id, "pass", message, n=0, threshold={"max": ratio})
    lower, upper = ratio_bounds(_events(key, steps), params["alpha"] / 2)
    confidence = 1 - params["alpha"]
    estimate = x * m / (y * n) if y else None
    times = f"is {estimate:.3g} times" if estimate is not None else "has no ratio to 0,"
    message = (
        f"the candidate's {_named(rate)} {times} the control's ({seen}), between {lower:.3g} and {upper:.3g} times with "
        f"{number(100 * confidence)} % confidence at every look; at most {number(ratio)} times is allowed, "
        f"margin {ratio - lower:.3g}"
    )
    return Check(
        id,
        "fail" if _is_worse(rate, params, steps, height) else "pass",
        message,
        estimate=estimate,
        interval=(lower, upper),
        confidence=confidence,
        n=x + y,
        threshold={"max": ratio},
        margin=ratio - lower,
    )


def _named(rate: dict[str, Any]) -> str:
    """Return what a rate is called in a message: the share of slow answers says over what."""
    name = f"rate of {visible(rate['id'], 80)}"
    return f"{name} (over {rate['over']} ms)" if "over" in rate else name


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _change(name: str, steps: Sequence[Step]) -> float:
    """Return ln E against both arms having the same distribution of a histogram."""
    return sum(log_e_changed(step.weight, *(arm.cells[name] for arm in step.arms)) for step in steps)


def _changed_check(
    histogram: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float
) -> Check:
    """Judge whether both arms have the same distribution. Another one is different, which need not be worse."""
    id, name = histogram["id"], histogram["name"]
    evidence = _change(name, steps)
    arms = [[step.arms[i].cells[name] for step in steps] for i in (0, 1)]
    candidate, control = ([sum(cell) for cell in zip(*counted)] for counted in arms)  # noqa: B905 - as above
    n, m = sum(candidate), sum(control)
    if not n or not m:
        return Check(
            id, "inconclusive", f"no value of {visible(id, 80)} was counted in one of the arms ({n} and {m})"
        )
    moved = sum(abs(x / n - y / m) for x, y in zip(candidate, control)) / 2  # noqa: B905 - as above
    changed = evidence >= height
    verdict = "pass"
    if changed:
        verdict = "fail" if histogram["on_drift"] == "fail" else "inconclusive"
    elif min(n, m) < params["min_requests"]:
        verdict = "inconclusive"
    told = "differs from the control's" if changed else "is not shown to differ from the control's"
    message = (
        f"the distribution of {visible(id, 80)} {told}: {_percent(moved)} of the requests lie in other buckets (n = {n}, "
        f"control {m}), and the evidence is 10^{evidence / _TEN:.2f}, where 10^{height / _TEN:.2f} is enough at any look, "
        f"margin {(height - evidence) / _TEN:.2f}"
    )
    return Check(
        id,
        verdict,
        message,
        estimate=evidence / _TEN,
        n=n,
        threshold={"max": height / _TEN},
        margin=(height - evidence) / _TEN,
    )


def rate_plots(params: dict[str, Any], history: History) -> list[dict[str, Any]]:
    """Return for each rate a plot of it over the looks, with its bounds at each of them, in percent by minutes."""
    if not history.steps:
        return []  # it was dead before the first look
    plots = []
    for rate in params["rates"]:
        course = _course(rate["count"], history)
        course = course[::-1][:: len(course) // _DRAWN + 1][::-1]  # the last look is among them
        names = ("live", "") if _is_alone(history.steps) else ("candidate", "control")
        lines: dict[str, list[tuple[float, ...]]] = {
            name: [(at, *_bounded(*arms[i], params["alpha"] / 2)) for at, *arms in course if arms[i][1]]
            for i, name in enumerate(names)
        }
        drawn = {name: line for name, line in lines.items() if len(line) > 1}
        if drawn:
            first, *_, last = sorted(point[0] for line in drawn.values() for point in line)
            drawn[ALLOWED] = [(first, 100 * rate["max"]), (last, 100 * rate["max"])]
            note = f"Bounds hold at every look at once; at most {_percent(rate['max'])} is allowed."
            plots.append(curves(f"Rate of {rate['id']}", ("minutes", "%"), drawn, note=note))
    return plots


def _bounded(bad: int, n: int, error: float) -> tuple[float, float, float]:
    """Return a rate with its bounds, in percent."""
    return 100 * bad / n, 100 * lower_rate(bad, n, error), 100 * upper_rate(bad, n, error)


def _course(key: str, history: History) -> list[tuple[float, tuple[int, int], tuple[int, int]]]:
    """Return (minutes, the candidate's bad and all requests, the control's) at each look, over all steps."""
    replayed, found = History(history.from_zero), []
    for snapshot in history.snapshots:
        replayed.add(snapshot)
        (x, y), (n, m) = _counted_by(replayed.steps, key), _counted_by(replayed.steps, REQUESTS)
        found.append(((snapshot.time - history.snapshots[0].time) / 60, (x, n), (y, m)))
    return found


# --- mlcc.gates._web ----------------------------------------------------------------------------------------
# Addresses of HTTP services, and the tokens that they ask for.

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def url_fault(url: str) -> str | None:
    """Say why a text is no address of a service: http or https, a host, at most a port and a path. None where it is one.

    What is said goes on after the address's name: "is no URL". The address itself isn't quoted.
    """
    from urllib.parse import urlsplit  # most gates ask nobody

    try:
        place = urlsplit(url)
        (place.hostname or "").encode("idna")  # as a name's resolution does
        sound = place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
    except ValueError:
        return "is no URL"
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        return "is no URL of http or https"
    if "@" in place.netloc or "?" in url or "#" in url:
        return "must have neither a user, a query nor a fragment"
    return None


def is_confidential(url: str) -> bool:
    """Whether nobody can read on the way what is sent to an address: it is encrypted, or stays on this machine."""
    from urllib.parse import urlsplit

    place = urlsplit(url)
    return place.scheme == "https" or place.hostname in _LOOPBACK


def bearer(variable: str | None, whom: str) -> dict[str, str]:
    """Return the headers that show the token of an environment variable; None: no headers.

    Raises GateError where the variable holds none. `whom` is who asks for it.
    """
    if variable is None:
        return {}
    value = os.environ.get(variable, "")
    if not value or not value.isascii() or not value.isprintable():
        raise GateError(f"the variable {variable} holds no token for {whom}")
    return {"Authorization": f"Bearer {value}"}


# --- mlcc.gates.canary.web ----------------------------------------------------------------------------------
# Connections that go where the spec says: over no proxy, and without a redirect that is followed.

def connection_to(url: str, patience: float) -> tuple[HTTPConnection, str]:
    """Return a connection that isn't open yet, and the path behind it. `patience`: seconds that each wait may take.

    Raises ValueError where the URL has no proper port.
    """
    # Most gates ask nobody.
    import http.client
    from urllib.parse import urlsplit

    place = urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    return kind(place.hostname or "", place.port, timeout=patience), place.path


# --- mlcc.gates.canary.liveness -----------------------------------------------------------------------------
# Asks the candidate itself whether it is alive: one that is dead counts nothing, and its silence comes late.

ADDRESS = "MLCC_CANDIDATE_URL"
ASK_EVERY = 5.0  # seconds
_ANSWER_WITHIN = 5.0  # seconds


class Liveness:
    """Who is asked, and how often in a row no answer came. `asked`: what the parameters say; None: nobody is asked.

    Raises GateError for a path of a candidate whose address isn't known.
    """

    def __init__(self, asked: Mapping[str, Any] | None) -> None:
        self.url = None if asked is None else _address_of(asked["url"])
        self.fail_after: int = 0 if asked is None else asked["fail_after"]
        self.times = 0
        self.missed = 0
        self._told = ""

    def is_dead(self) -> bool:
        """Ask, and return whether it was for the last of `fail_after` times in a row without an answer."""
        if self.url is None:
            return False
        self.times += 1
        self._told = _answer_of_live(self.url)
        self.missed = self.missed + 1 if self._told else 0
        return self.missed >= self.fail_after

    def checks(self) -> list[Check]:
        """Return the check on the answers so far; none where nobody is asked."""
        if self.url is None:
            return []
        shown = visible(self.url, 200)
        if self.missed >= self.fail_after:
            message = f"{shown} gave no answer {counted(self.missed, 'time')} in a row ({self._told}): the server is dead"
            return [Check("liveness", "fail", message, n=self.times)]
        message = f"{shown} was asked {counted(self.times, 'time')}, and never {self.fail_after} in a row without an answer"
        return [Check("liveness", "pass", message, n=self.times)]


def _address_of(url: str) -> str:
    if not url.startswith("/"):
        return url
    base = os.environ.get(ADDRESS, "")
    if url_fault(base) is not None:
        raise GateError(
            f"{visible(url, 200)} is a path at the candidate's own address, and {ADDRESS} holds none"
        )
    return base.rstrip("/") + url


def _answer_of_live(url: str) -> str:
    """Ask once. Return why that is no answer; "" where it is one: a status of 2xx, in time."""
    # Most gates ask nobody.
    import threading

    found: list[str] = []
    # A thread, for neither a name that isn't resolved nor an answer that comes in drops ends by itself.
    asking = threading.Thread(target=lambda: found.append(_asked_once(url)), daemon=True)
    asking.start()
    asking.join(_ANSWER_WITHIN)
    return found[0] if found else _too_late()


def _too_late() -> str:
    return f"none within {_ANSWER_WITHIN:g} s"


def _asked_once(url: str) -> str:
    import http.client

    try:
        connection, path = connection_to(url, _ANSWER_WITHIN)
        try:
            connection.request("GET", path or "/", headers={"Connection": "close"})
            status = connection.getresponse().status
        finally:
            connection.close()
    except TimeoutError:
        return _too_late()
    except (OSError, ValueError, http.client.HTTPException) as problem:
        return type(problem).__name__
    return "" if 200 <= status < 300 else f"the status {status}"


# --- mlcc.gates.canary.prometheus ---------------------------------------------------------------------------
# Asks Prometheus for counters: instant queries over its HTTP API, all at one time.

_PATIENCE = 10.0  # seconds
_MOST_ANSWER = 8 << 20
_EDGE_LABEL = "le"


def observed(source: Mapping[str, Any], now: float, names: tuple[str, ...] = ARMS) -> dict[str, Any]:
    """Return a snapshot's object of what Prometheus counted until `now` (Unix seconds), of the arms `names`. Raises GateError.

    `source` has url, token (the variable that holds one, or None), arm (the label), candidate, control (its values), counts and
    histograms (name to PromQL).
    """
    arms: dict[str, dict[str, Any]] = {name: {BUCKETS: {}} for name in names}
    taken = now
    for name, query in source["counts"].items():
        found, at = _vector(source, query, now)
        taken = min(taken, at)
        for arm in names:
            arms[arm][name] = _one_of(found, source, arm, query)
    for name, query in source["histograms"].items():
        found, at = _vector(source, query, now)
        taken = min(taken, at)
        for arm in names:
            arms[arm][BUCKETS][name] = _buckets_of(found, source, arm, query)
    return {"time": taken, **arms}


def _one_of(
    found: list[tuple[dict[str, str], float]], source: Mapping[str, Any], arm: str, query: str
) -> float:
    label, value = source["arm"], source[arm]
    series = [number for labels, number in found if labels.get(label) == value]
    shown = f"the query {visible(query, 200)}"
    if not series:
        raise GateError(
            f"{shown} gives no series with {visible(label, 80)}={visible(value, 80)}: no data is not health, "
            "and a counter that is 0 must be there as 0"
        )
    if len(series) > 1:
        raise GateError(f"{shown} gives {len(series)} series for the {arm}: sum them by {visible(label, 80)}")
    return series[0]


def _buckets_of(
    found: list[tuple[dict[str, str], float]], source: Mapping[str, Any], arm: str, query: str
) -> dict[str, float]:
    own = [(labels, number) for labels, number in found if labels.get(source["arm"]) == source[arm]]
    buckets = {labels[_EDGE_LABEL]: number for labels, number in own if _EDGE_LABEL in labels}
    if not own or len(buckets) < len(own):
        raise GateError(
            f"the query {visible(query, 200)} gives no buckets for the {arm}, or several of an edge: sum them by "
            f"({visible(source['arm'], 80)}, {_EDGE_LABEL})"
        )
    return buckets


def _vector(
    source: Mapping[str, Any], query: str, now: float
) -> tuple[list[tuple[dict[str, str], float]], float]:
    """Return the labels and the value of each series that an instant query finds, and the oldest sample's time."""
    answer = parse_json(_answer_of(source, query, now), f"Prometheus' answer to {visible(query, 200)}")
    shown = f"the query {visible(query, 200)}"
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise GateError(f"{shown} is refused by Prometheus")
    if answer.get("warnings"):
        raise GateError(f"{shown} is answered with a warning: the answer may be a part of the whole")
    data = answer.get("data")
    if (
        not isinstance(data, dict)
        or data.get("resultType") != "vector"
        or not isinstance(data.get("result"), list)
    ):
        raise GateError(f"{shown} gives no instant vector")
    found = [_series(entry, shown) for entry in data["result"]]
    return [(labels, value) for labels, value, _ in found], min([now, *(at for _, _, at in found)])


def _series(entry: object, shown: str) -> tuple[dict[str, str], float, float]:
    labels = entry.get("metric") if isinstance(entry, dict) else None
    sample = entry.get("value") if isinstance(entry, dict) else None
    if not isinstance(labels, dict) or not isinstance(sample, list) or len(sample) != 2:
        raise GateError(f"{shown} gives a series that has no labels and one sample")
    at, text = sample
    try:
        value = float(text) if isinstance(text, str) else float("nan")
    except ValueError:
        value = float("nan")
    if type(at) not in (int, float) or not isfinite(at) or not isfinite(value):
        raise GateError(f"{shown} gives a sample that is no finite number")
    return labels, value, at


def _answer_of(source: Mapping[str, Any], query: str, now: float) -> str:
    """Return the body of Prometheus' answer. No proxy is asked, and no redirect followed: a token goes where the spec says."""
    # Most gates ask no Prometheus.
    import http.client
    from urllib.parse import urlencode

    connection, base = connection_to(source["url"], _PATIENCE)
    path = f"{base.rstrip('/')}/api/v1/query?{urlencode({'query': query, 'time': f'{now:.3f}'})}"
    shown = f"Prometheus at {visible(source['url'], 200)}"
    try:
        connection.request("GET", path, headers=bearer(source.get("token"), "Prometheus"))
        response = connection.getresponse()
        body = response.read(_MOST_ANSWER + 1)
    except (OSError, http.client.HTTPException) as error:
        raise GateError(f"{shown} gives no answer ({type(error).__name__})") from None
    finally:
        connection.close()
    if response.status != 200:
        raise GateError(f"{shown} answers the query {visible(query, 200)} with the status {response.status}")
    if len(body) > _MOST_ANSWER:
        raise GateError(f"{shown} answers with over {_MOST_ANSWER} bytes")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise GateError(f"{shown} answers what is not UTF-8") from None


# --- mlcc.gates.canary.observe ------------------------------------------------------------------------------
# Where a canary's snapshots come from, and where they are kept: one a line, so that they can be judged again.

KEPT = "snapshots.jsonl"
STATED = "canary.json"
_MOST_BYTES = 64 << 20
_AHEAD = 60.0  # seconds that another machine's clock may be ahead


def recorded(gate: Gate) -> list[Snapshot]:
    """Return the snapshots of the file that the gate's parameters name. Raises GateError, also where the last is too old."""
    path = gate.params["observations"]["path"]
    found = _parsed(read_bytes(path, _MOST_BYTES), visible(path), gate)
    _check_age(found[-1], gate.params["max_age"])
    return found


def look(gate: Gate) -> Snapshot:
    """Take a snapshot now, from the command or from Prometheus. Raises GateError."""
    source, weight = gate.params["observations"], gate.params["weight"] / 100
    if source["from"] == "prometheus":
        value: Any = observed(source, time.time(), arms_of(weight))
    else:
        answer = os.path.abspath(os.path.join(gate.folder, "observed.json"))
        remove_file(answer)
        # What `setup` prints is no observation.
        grouped = "{\n" + source["run"] + '\n} > "$MLCC_OBSERVED"'
        code = run_program(gate, gate.params["setup"], grouped, {"MLCC_OBSERVED": answer})
        if code != 0:
            raise GateError(f"the command that observes ended with exit code {code}")
        value = _one(read_bytes(answer, _MOST_BYTES))
        remove_file(answer)
    found = snapshot_of(value, weight, "the observation")
    _check_age(found, gate.params["max_age"])
    return found


def _one(data: bytes) -> Any:
    values = parse_lines(_decoded(data, "the observation"), "the observation")
    if len(values) != 1:
        raise GateError(f"the command that observes printed {len(values)} values instead of one")
    return values[0]


def kept(gate: Gate, other: str = "") -> list[Snapshot]:
    """Return what an earlier run of the gate, or another gate, kept of the same candidate; none where there is none."""
    folder = f"{gate.folder[: -len(gate.id)]}{other}" if other else gate.folder
    path = os.path.join(folder, KEPT)
    if not os.path.lexists(path):
        return []
    return _parsed(read_bytes(path, _MOST_BYTES), visible(path), gate, is_own=True)


def forget(gate: Gate) -> None:
    """Remove the snapshots that an earlier run has kept. Raises GateError."""
    remove_file(os.path.join(gate.folder, KEPT))


def state(gate: Gate) -> None:
    """Keep what the snapshots are judged by beside them. Raises GateError."""
    stated = json.dumps({"gate": gate.id, "params": gate.params}, sort_keys=True, indent=2)
    try:
        write_whole(os.path.join(gate.folder, STATED), stated + "\n")
    except OSError as error:
        raise GateError(f"the parameters can't be kept: {error.strerror}") from None


def keep(gate: Gate, snapshot: Snapshot) -> None:
    """Append a snapshot to those that are kept. Raises GateError."""
    try:
        with open(os.path.join(gate.folder, KEPT), "a", encoding="utf-8", newline="\n") as file:
            file.write(line_of(snapshot, candidate_of(gate)))
    except OSError as error:
        raise GateError(f"a snapshot can't be kept: {error.strerror}") from None


def candidate_of(gate: Gate) -> str:
    """Return the digest of what the candidate serves."""
    return str(gate.inputs[gate.guards]["digest"])


def _parsed(data: bytes, shown: str, gate: Gate, is_own: bool = False) -> list[Snapshot]:
    """Return the snapshots of a file. Those that say whose they are must be of this candidate, and the gate's own say so."""
    values = parse_lines(_decoded(data, shown), shown)
    found, own = [], candidate_of(gate)
    for i, value in enumerate(values):
        place = f"{shown}, snapshot {i + 1}"
        found.append(snapshot_of(value, gate.params["weight"] / 100, place))
        if value.get("of", None if is_own else own) != own:
            raise GateError(f"{place} is of another candidate: its evidence is not this one's")
    if not found:
        raise GateError(f"{shown} holds no snapshot: no data is not health")
    return found


def _decoded(data: bytes, shown: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise GateError(f"{shown} is not UTF-8") from None


def _check_age(snapshot: Snapshot, most: float) -> None:
    age = time.time() - snapshot.time
    if age > most:
        raise GateError(
            f"the last snapshot is {age:.0f} s old, and at most {most:g} s are allowed: what is stale tells nothing"
        )
    if age < -_AHEAD:
        raise GateError("the last snapshot's time is in the future")


# --- mlcc.gates.canary.runtime ------------------------------------------------------------------------------
# The gate `canary`: the candidate is shown to keep to its limits on live traffic, and not shown to be worse than the control.

SOURCES = ("file", "command", "prometheus")
_USAGE = "usage: canary.py GATE_ID [--watch SECONDS] [--every SECONDS] [--resume]"


class Watch:
    """How long to look (seconds; None: as the parameters say), how often, and whether earlier snapshots count too."""

    __slots__ = ("every", "resume", "seconds")

    def __init__(
        self, seconds: float | None = None, every: float | None = None, resume: bool = False
    ) -> None:
        self.seconds = seconds
        self.every = every
        self.resume = resume


def judge(gate: Gate, watch: Watch | None = None) -> Verdict:
    """Judge what was recorded, or look again and again until a check fails or the time is up."""
    watch = watch or Watch()
    params = check_params(gate.params)
    state(gate)
    history = History(params["from_zero"])
    if params["observations"]["from"] == "file":
        if watch.seconds is not None or watch.resume:
            raise GateError("recorded observations are judged once: there is nothing to watch or to resume")
        snapshots = recorded(gate)
        forget(gate)
        for snapshot in snapshots:
            history.add(snapshot)
            keep(gate, snapshot)
        return _verdict_over(params, history, judge_history(params, history))
    if watch.resume:
        for snapshot in kept(gate):
            history.add(snapshot)
    else:
        forget(gate)
        if "continues" in params:
            _continue(gate, history)
    with EndAsError():
        checks = _watched(gate, watch, history)
    return _verdict_over(params, history, checks)


def _continue(gate: Gate, history: History) -> None:
    """Take over what the gate before the wait has seen. Raises GateError where it left nothing."""
    before = gate.params["continues"]
    for snapshot in kept(gate, before):
        history.add(snapshot)
        keep(gate, snapshot)
    if not history.snapshots:
        raise GateError(f"{visible(before, 80)} left no snapshot, from which the bake would count")


def _time_left(params: dict[str, Any], every: float, history: History) -> float:
    """Return for how many seconds to look: the bake, or what the wait since the first snapshot has left of it.

    In any case long enough to see whether the candidate is alive. Raises GateError where more is missing than may be made good.
    """
    if "continues" not in params:
        return float(params["bake"])
    missing = history.snapshots[0].time + params["bake"] - time.time()
    if missing > params["made_good"]:
        raise GateError(
            f"{missing:.0f} s of the bake are missing, and at most {params['made_good']:g} s are made good here: "
            "the CI system didn't wait before this step"
        )
    return float(max(missing, (params["fail_after"] + 1) * every))


def _watched(gate: Gate, watch: Watch, history: History) -> list[Check]:
    """Look until a check fails or the time is up; the last look decides. A look that fails is tried again at the next one.

    Where only more requests could tell, there is more time, as far as the parameters say, until a look tells.
    """
    params = gate.params
    every = params["every"] if watch.every is None else watch.every
    until = time.monotonic() + (
        _time_left(params, every, history) if watch.seconds is None else watch.seconds
    )
    latest = until + params["bake"] * (params["max_extend"] - 1) if watch.seconds is None else until
    liveness = Liveness(params.get("liveness"))
    missed = 0
    while not liveness.is_dead():
        try:
            snapshot = look(gate)
            history.check_later(snapshot)
        except GateError as error:
            missed += 1
            # The last look can't be made good by a later one.
            if missed >= params["fail_after"] or time.monotonic() + every > latest:
                raise GateError(f"{error} ({missed} looks in a row)") from None
        else:
            missed = 0
            history.add(snapshot)
            keep(gate, snapshot)
            checks = judge_history(params, history)
            if worst(check.verdict for check in checks if check.verdict != "error") == "fail":
                return checks
            after = time.monotonic() + every
            if after > latest or (after > until and not more_would_tell(params, history.steps, checks)):
                return [*checks, *liveness.checks()]
        if not _wait(every, liveness):
            break
    return liveness.checks()


def _wait(seconds: float, liveness: Liveness) -> bool:
    """Wait, and return whether the candidate stayed alive: it is asked meanwhile, and at the end again with the next look."""
    until = time.monotonic() + seconds
    while True:
        left = until - time.monotonic()
        if left <= ASK_EVERY:
            time.sleep(max(left, 0))
            return True
        time.sleep(ASK_EVERY)
        if liveness.is_dead():
            return False


def _verdict_over(params: dict[str, Any], history: History, checks: list[Check]) -> Verdict:
    return concluded(checks, rate_plots(params, history), params.get("first_look", False))


def check_params(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters. Raises GateError where one that decides isn't proper."""
    source = params.get("observations")
    sound = isinstance(source, dict) and source.get("from") in SOURCES
    sound = sound and all(
        is_finite(params.get(key)) and params[key] > 0 for key in ("bake", "every", "max_age")
    )
    sound = sound and (_is_share(params.get("weight"), 100) or params["weight"] == 100)
    sound = sound and _is_share(params.get("alpha"), 1)
    sound = sound and is_finite(params.get("max_extend")) and 1 <= params["max_extend"] <= 10
    sound = sound and (params.get("liveness") is None or _is_asked(params["liveness"]))
    whole = ("min_bad", "min_requests", "fail_after")
    sound = sound and all(type(params.get(key)) is int and params[key] >= 1 for key in whole)
    sound = sound and all(type(params.get(key, False)) is bool for key in ("from_zero", "first_look"))
    sound = sound and "from_zero" in params and _is_second_look(params)
    metrics = [params.get("rates"), params.get("histograms")]
    sound = sound and all(isinstance(some, list) for some in metrics) and any(metrics)
    if (
        not sound
        or not all(map(_is_rate, params["rates"]))
        or not all(map(_is_histogram, params["histograms"]))
    ):
        raise GateError("the gate's parameters have no proper observations, times, limits or metrics")
    return params


def _is_second_look(params: dict[str, Any]) -> bool:
    """Whether what is said of an earlier look is proper; nothing is, too."""
    if "continues" not in params:
        return True
    named = isinstance(params["continues"], str) and bool(params["continues"])
    return named and is_finite(params.get("made_good")) and bool(params["made_good"] > 0)


def _is_share(value: object, most: float) -> bool:
    return is_finite(value) and 0 < value < most  # type: ignore[operator]  # a number, as was tested


def _is_asked(liveness: Any) -> bool:
    sound = isinstance(liveness, dict) and isinstance(liveness.get("url"), str)
    return sound and type(liveness.get("fail_after")) is int and liveness["fail_after"] >= 1


def _is_rate(rate: Any) -> bool:
    sound = isinstance(rate, dict) and all(isinstance(rate.get(key), str) for key in ("id", "count"))
    ratio: Any = rate.get("worse_than_control", 1) if sound else None
    return sound and _is_share(rate.get("max"), 1) and is_finite(ratio) and 1 <= ratio <= 1000


def _is_histogram(histogram: Any) -> bool:
    sound = isinstance(histogram, dict) and all(isinstance(histogram.get(key), str) for key in ("id", "name"))
    return sound and histogram.get("on_drift") in ("hold", "fail")


def _asked(arguments: Sequence[str]) -> tuple[list[str], Watch] | None:
    """Return the gate and how to watch, as the command line says; None where it isn't proper."""
    rest, watch = list(arguments), Watch()
    ids = []
    while rest:
        word = rest.pop(0)
        if word == "--resume":
            watch.resume = True
        elif word in ("--watch", "--every") and rest:
            try:
                seconds = float(rest.pop(0))
            except ValueError:
                return None
            if not is_finite(seconds) or seconds < 0 or (word == "--every" and seconds == 0):
                return None
            if word == "--watch":
                watch.seconds = seconds
            else:
                watch.every = seconds
        elif word.startswith("-"):
            return None
        else:
            ids.append(word)
    return ids, watch


def main() -> int:
    """Run the gate that the command line names."""
    asked = _asked(sys.argv[1:])
    if asked is None:
        sys.stderr.write(_USAGE + "\n")
        return 2
    ids, watch = asked
    return run("canary", lambda gate: judge(gate, watch), __file__, ids)


if __name__ == "__main__":
    raise SystemExit(main())
