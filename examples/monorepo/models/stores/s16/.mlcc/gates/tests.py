# mlcc:generated sha256=7d8959856b38a0296221400798ee0d6d8bfa5c7e91e43b8c2eb083c6a018e573
# fmt: off
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# isort: skip_file
"""The gate `tests`. A test command passed: enough tests ran, none failed, and they cover enough of the code.

Run it in the folder of mlcc.yaml: python -I .mlcc/gates/tests.py GATE_ID
It reads .mlcc/gates/GATE_ID.json, writes verdict.json, junit.xml and summary.md to
_mlcc/s--GATE_ID/, and ends with 0 pass, 1 fail, 2 error or 3 inconclusive.

This file stands alone on purpose: it runs where mlcc is not installed, and needs no other file of
mlcc. It was joined from these modules of mlcc, which are tested as they are:
  mlcc.gates._records, mlcc.gates._report, mlcc.strict_json, mlcc.gates._strict,
  mlcc.runtime.file_digest, mlcc.runtime.addresses, mlcc.runtime.patterns, mlcc.runtime.digest,
  mlcc.runtime.moments, mlcc.gates._support, mlcc.gates._shell, mlcc.gates.tests.xml_reports,
  mlcc.gates.tests.runtime
Don't edit it: `mlcc compile` writes it again.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from math import isfinite
from xml.parsers import expat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
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


# --- mlcc.gates.tests.xml_reports ---------------------------------------------------------------------------
# JUnit and Cobertura reports, read without trust: no entity is expanded, nothing is fetched.

MAX_REPORT_BYTES = 64 << 20
_MAX_REPORT_DEPTH = 200
_SKIPPED_STATUS = ("notrun", "disabled", "skipped")
_MAX_FAILURES = 1000  # whose names are kept
_MAX_NAME = 300  # characters


class Counts:
    """How many tests ended in which way. `failures` are names and messages of the first that failed, as they stand."""

    __slots__ = ("failed", "failures", "passed", "skipped")

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.failures: list[str] = []


class _JUnit:
    """Counts test cases. A suite that states more failures than its cases show is believed."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.root: str | None = None
        self._stated = 0
        self._case: str | None = None  # what the open test case came to
        self._name = self._message = ""
        self._path: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self.root = self.root or name
        if name in ("testsuite", "testsuites"):
            stated = sum(_count(attributes.get(key, "0")) for key in ("failures", "errors"))
            self._stated = max(self._stated, stated)
        elif name == "testcase":
            if self._case is not None:
                raise _MalformedError("a testcase lies inside another")
            self._case = "skipped" if attributes.get("status", "").lower() in _SKIPPED_STATUS else "passed"
            self._name = ".".join(attributes[key] for key in ("classname", "name") if attributes.get(key))
            self._message = ""
        elif self._case is not None and self._path[-1:] == ["testcase"]:
            if name in ("failure", "error"):
                self._case = "failed"
                self._message = self._message or attributes.get("message", "")
            elif name == "skipped" and self._case != "failed":
                self._case = "skipped"
        self._path.append(name)
        if len(self._path) > _MAX_REPORT_DEPTH:
            raise _MalformedError("it is nested too deeply")

    def end(self, tag: str) -> None:
        self._path.pop()
        if tag.rpartition(":")[2] == "testcase" and self._case is not None:
            if self._case == "failed" and len(self.counts.failures) < _MAX_FAILURES:
                self.counts.failures.append(f"{self._name[:_MAX_NAME]}: {self._message[:_MAX_NAME]}")
            setattr(self.counts, self._case, getattr(self.counts, self._case) + 1)
            self._case = None

    def result(self) -> Counts:
        if self.root not in ("testsuites", "testsuite"):
            raise _MalformedError("its root is neither testsuites nor testsuite")
        self.counts.failed = max(self.counts.failed, self._stated)
        return self.counts


class _MalformedError(Exception):
    """The report is XML, but not what it should be."""


def read_junit(path: str) -> Counts:
    """Return the counts of a JUnit report.

    Raises GateError for a missing, over-large (64 MiB) or malformed report, and for any DOCTYPE.
    """
    reader = _JUnit()
    _parse(path, reader.start, reader.end, doctype=False)
    try:
        return reader.result()
    except _MalformedError as error:
        raise GateError(f"{visible(path)} is not a JUnit report: {error}") from None


def read_coverage(path: str) -> float:
    """Return the share of lines covered that a Cobertura report states, as coverage.py writes it.

    Raises GateError for a missing, over-large or malformed report, one over no line at all, and one whose
    numbers contradict each other.
    """
    roots: list[tuple[str, dict[str, str]]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not roots:
            roots.append((tag, attributes))

    _parse(path, start, lambda _: None, doctype=True)
    try:
        return _share(*roots[0])
    except _MalformedError as error:
        raise GateError(f"{visible(path)} is not a Cobertura report: {error}") from None


def _share(tag: str, attributes: dict[str, str]) -> float:
    if tag != "coverage" or "line-rate" not in attributes:
        raise _MalformedError("its root is not a coverage element with a line-rate")
    try:
        rate = float(attributes["line-rate"])
    except ValueError:
        raise _MalformedError("line-rate is no number") from None
    if not isfinite(rate) or not 0 <= rate <= 1:
        raise _MalformedError("line-rate is not between 0 and 1")
    if "lines-valid" not in attributes or "lines-covered" not in attributes:
        return rate
    valid, covered = _count(attributes["lines-valid"]), _count(attributes["lines-covered"])
    if valid == 0:
        raise _MalformedError("it is over no line at all")
    # The rate is rounded (to 4 digits in coverage.py); the counts are exact.
    if covered > valid or abs(covered / valid - rate) > 0.006:
        raise _MalformedError("line-rate contradicts lines-covered and lines-valid")
    return covered / valid


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise _MalformedError("a count is no whole number")
    return int(text)


def _parse(
    path: str, start: Callable[[str, dict[str, str]], None], end: Callable[[str], None], *, doctype: bool
) -> None:
    data = read_bytes(path, MAX_REPORT_BYTES)
    parser = expat.ParserCreate()

    def refuse_doctype(*declaration: object) -> None:
        has_subset = declaration[3]
        # Cobertura's own writers name their DTD; expat doesn't fetch it. Declarations inside are refused.
        if has_subset or not doctype:
            raise _MalformedError("it declares a DOCTYPE")

    def refuse_entity(*_: object) -> None:
        raise _MalformedError("it declares an entity")

    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.EntityDeclHandler = refuse_entity
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, _MalformedError, ValueError, LookupError) as error:
        raise GateError(f"{visible(path)} can't be read as a report: {visible(str(error))}") from None


# --- mlcc.gates.tests.runtime -------------------------------------------------------------------------------
# The gate `tests`: the command's exit code, its JUnit report and its coverage must all agree.

def judge(gate: Gate) -> Verdict:
    """Run the tests and judge what they report. Old reports are removed first."""
    setup, command = program(gate.params)
    junit, coverage = gate.params.get("junit"), gate.params.get("coverage")
    least = _floors(gate.params)
    for path in (junit, coverage["path"] if coverage else None):
        if path is not None:
            remove_file(path)
    code = run_program(gate, setup, command, {})
    checks = [exit_check(code, "the tests")]
    if junit is not None:
        checks += _junit_checks(junit, code, least)
    if coverage:
        checks.append(_coverage_check(coverage))
    return verdict_of(checks)


def _floors(params: dict[str, Any]) -> int:
    """Return the least number of passed tests. Raises GateError where a floor isn't proper."""
    least, coverage = params.get("min_passed", 1), params.get("coverage")
    if type(least) is not int or least < 1:
        raise GateError("the gate's parameters have no proper min_passed")
    if coverage is not None:
        sound = isinstance(coverage, dict) and isinstance(coverage.get("path"), str)
        if not sound or not is_finite(coverage.get("min")) or not 0 <= coverage["min"] <= 1:
            raise GateError("the gate's parameters have no proper coverage")
    return least


def _junit_checks(path: str, code: int, least: int) -> list[Check]:
    try:
        counts = read_junit(path)
    except GateError as error:
        return [Check("junit", "error", f"the tests ended with exit code {code}, and {error}")]
    passed = f"{counts.passed} tests passed ({counts.skipped} skipped)"
    return [
        Check(
            "failures",
            "fail" if counts.failed else "pass",
            f"{counts.failed} of {counts.passed + counts.failed + counts.skipped} tests failed",
            n=counts.failed,
        ),
        Check(
            "min_passed",
            "pass" if counts.passed >= least else "fail",
            f"{passed}; at least {least} must",
            estimate=counts.passed,
            threshold={"min": least},
            margin=counts.passed - least,
        ),
    ]


def _coverage_check(coverage: dict[str, Any]) -> Check:
    try:
        share = read_coverage(coverage["path"])
    except GateError as error:
        return Check("coverage", "error", str(error))
    floor = coverage["min"]
    return Check(
        "coverage",
        "pass" if share >= floor else "fail",
        f"the tests run {number(100 * share)} % of the lines; at least {number(100 * floor)} % is required",
        estimate=share,
        threshold={"min": floor},
        margin=share - floor,
    )


def main() -> int:
    """Run the gate that the command line names."""
    return run("tests", judge, __file__, sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
