# mlcc:generated sha256=b1de62474f3d5eb6094b267fe5c17aaeb0359ecaecadbc2d0ed299acddc42c5a
# fmt: off
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# isort: skip_file
"""The gate `contract`. A table has the columns, types, values, keys, size and age that its readers rely on.

Run it in the folder of mlcc.yaml: python -I .mlcc/gates/contract.py GATE_ID
It reads .mlcc/gates/GATE_ID.json, writes verdict.json, junit.xml and summary.md to
_mlcc/s--GATE_ID/, and ends with 0 pass, 1 fail, 2 error or 3 inconclusive.

This file stands alone on purpose: it runs where mlcc is not installed, and needs no other file of
mlcc. It was joined from these modules of mlcc, which are tested as they are:
  mlcc.gates._records, mlcc.gates._sql, mlcc.gates._report, mlcc.strict_json, mlcc.gates._strict,
  mlcc.runtime.file_digest, mlcc.runtime.addresses, mlcc.runtime.patterns, mlcc.runtime.digest,
  mlcc.runtime.moments, mlcc.gates._support, mlcc.gates._files, mlcc.gates._reasons, mlcc.gates._table,
  mlcc.gates._values, mlcc.gates._engines, mlcc.gates.contract.runtime
Don't edit it: `mlcc compile` writes it again.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import time
from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
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


# --- mlcc.gates._sql ----------------------------------------------------------------------------------------
# How SQL spells names and text. The one place that quotes.

def identifier(name: str) -> str:
    """Return a column's name as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Return text as SQL spells it; DuckDB has no backslash escapes between single quotes."""
    return "'" + text.replace("'", "''") + "'"


def real_literal(value: float) -> str:
    """Return a number as SQL of type DOUBLE: without an exponent it would be a decimal."""
    shown = repr(float(value))
    return shown if "e" in shown else shown + "e0"


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


# --- mlcc.gates._files --------------------------------------------------------------------------------------
# The files that make up a table, and the columns that the names of its folders stand for.

_ENDINGS = {
    "parquet": (".parquet",),
    "csv": (".csv",),
    "tsv": (".tsv",),
    "jsonl": (".jsonl", ".ndjson"),
    "json": (".json",),
}
_PARTITION = re.compile(r"([^/=]+)=([^/]*)/")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_END_CHARACTERS = 1 << 16
_BLANK = b" \t\r\n"


def table_files(path: str | Sequence[str], format: str) -> list[str]:
    """Return the files of an artifact, sorted: itself, those in its folder, or those that its patterns name.

    Marks such as _SUCCESS and .part.crc, which writers leave beside their files, are left out. Raises GateError for
    files of another format, for none, and for names that SQL would take for a pattern.
    """
    if isinstance(path, str) and not path.endswith("/"):
        found = [path]
    else:
        found = [name for name in _listed_files(path) if not _is_mark(name, format)]
    shown = visible(path if isinstance(path, str) else ", ".join(path))
    if not found:
        raise GateError(f"{shown} holds no file of the format {visible(format)}")
    for name in found:
        if found != [path] and not _ends_as(name, format):
            raise GateError(f"{shown} holds {visible(name)}, which doesn't end in {_ENDINGS[format][0]}")
        if any(c in name for c in "*?[{"):
            raise GateError(f"the file name {visible(name)} has a wildcard in it")
        if not os.path.isfile(name):
            raise GateError(f"{visible(name)} is missing")
    return found


def _listed_files(path: str | Sequence[str]) -> list[str]:
    if isinstance(path, str):
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    try:
        return sorted(files_of(path))
    except DigestError as error:
        raise GateError(str(error)) from None


def _is_mark(name: str, format: str) -> bool:
    base = name.rpartition("/")[2]
    # Readers of Parquet skip whatever begins so.
    return base[0] in "._" and (format == "parquet" or not _ends_as(name, format))


def _ends_as(name: str, format: str) -> bool:
    return name.lower().endswith(_ENDINGS.get(format, ()))


def partitions_of(path: str | Sequence[str], files: Sequence[str]) -> dict[str, list[str]]:
    """Return column -> its values, sorted, of files that lie in folders named COLUMN=VALUE, as Hive has it.

    Of a folder, those below it count; of patterns all. A value is as the folder spells it. Raises GateError where the
    files lie in folders of different columns.
    """
    if isinstance(path, str) and not path.endswith("/"):
        return {}
    start = len(path) if isinstance(path, str) else 0
    levels = [_PARTITION.findall(file[start:]) for file in files]
    names = [name for name, _ in levels[0]]
    for file, level in zip(files, levels):  # noqa: B905 - strict= is newer than Python 3.8
        if [name for name, _ in level] != names:
            raise GateError(f"{visible(file)} lies in folders of other columns than {visible(files[0])}")
    if len({name.casefold() for name in names}) < len(names):
        raise GateError(f"{visible(files[0])} lies in two folders of one column")
    return {name: sorted({level[i][1] for level in levels}) for i, name in enumerate(names)}


def check_array(file: str) -> None:
    """Raise GateError unless a file begins and ends as a JSON array does.

    DuckDB takes a blank file for an empty array, and one that is cut off behind a comma at times for a whole one.
    """
    with open(file, "rb") as content:
        head = content.read(_END_CHARACTERS)
        content.seek(max(content.seek(0, os.SEEK_END) - _END_CHARACTERS, 0))
        tail = content.read()
    head = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    if not head.lstrip(_BLANK).startswith(b"["):
        raise GateError(f"{visible(file)} is no JSON array of objects; name a file of JSON lines .jsonl")
    if not tail.rstrip(_BLANK).endswith(b"]"):
        raise GateError(f"{visible(file)} is cut off: its JSON array has no end")


# --- mlcc.gates._reasons ------------------------------------------------------------------------------------
# Says why DuckDB could not read a table, or run a check, in words that are safe to show.
#
# DuckDB's own text quotes rows and absolute paths, so only what is known of it is passed on: line numbers, counts, and
# names that the gate's own SQL has.

_SCANNED_BYTES = 64 << 20  # how far a broken file is looked into
_SCANNED_LINE = 16 << 20  # DuckDB's own limit of a JSON object
_CSV = (
    ("unterminated quote", "a quote is not closed, or stands inside a value"),
    ("Invalid unicode", "it is not UTF-8"),
    ("line size", "it is too long"),
)
_FILE = (
    ("too small to be a Parquet file", "it is empty or cut off: too small for a Parquet file"),
    ("No magic bytes found at end", "it is cut off, or no Parquet file: its end is missing"),
    ("maximum_object_size", "a line or object is longer than 16 MB"),
    ("ecompression failure|Failed to read file", "a part of it is damaged"),
    ("Out of Memory Error", "it needs more memory than the gate may take"),
)
_SQL = (
    ("file system operations are disabled|Permission Error", "it reads a file, which a check may not"),
    ("Table with name .* does not exist", "it names a table that isn't there; the one table is called data"),
    ("Function with name .* does not exist", "it calls a function that DuckDB doesn't have"),
    ("Could not convert|Conversion Error", "a value isn't of the type that the SQL casts it to"),
    ("No function matches|Cannot compare values", "it joins types that don't fit; cast one of them"),
    ("Out of Memory Error", "it needs more memory than the gate may take"),
)


def file_reason(error: Exception, files: Sequence[str]) -> str:
    """Say what is wrong with one of the files of a table."""
    text = str(error)
    path = next((file for file in files if file in text), files[0])
    shown = visible(path)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    if line:
        return f"{shown}: line {line[1]} is not proper CSV: {_csv_reason(text)}"
    if "CSV Parser state machine reached an invalid state" in text:
        return f"{shown} is not proper CSV: {_line_ends(path)}"
    if path.lower().endswith(".json") and ("Malformed JSON" in text or "JSON array" in text):
        return f"{shown} is not one proper JSON array"
    if "Malformed JSON" in text:
        number = _broken_json_line(path)
        return (
            f"{shown}: line {number} is not proper JSON" if number else f"{shown}: a line is not proper JSON"
        )
    said = _known(_FILE, text)
    return f"{shown}: {said}" if said else f"{shown}: DuckDB could not read it ({type(error).__name__})"


def sql_reason(error: Exception, sql: str) -> str | None:
    """Say what is wrong with SQL of the spec; None where it may be the data."""
    text = str(error)
    column = re.search(
        r'Referenced column "([^"\n]{1,80})" not found|does not have a column named "([^"\n]{1,80})"', text
    )
    if column:
        name = column[1] or column[2]
        there = f"the column {visible(name, 80)}" if name in sql else "a column"
        return f"it names {there}, which the table doesn't have"
    return _known(_SQL, text)


def _known(table: Sequence[tuple[str, str]], text: str) -> str | None:
    return next((said for pattern, said in table if re.search(pattern, text)), None)


def _csv_reason(text: str) -> str:
    columns = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if columns:
        few = "few" if int(columns[2]) < int(columns[1]) else "many"
        return f"it has too {few} columns: {columns[2]} instead of {columns[1]}"
    return _known(_CSV, text) or "it doesn't follow the rules for CSV"


def _line_ends(path: str) -> str:
    """Tell mixed line ends from what else confuses the parser."""
    first: dict[str, int] = {}
    with open(path, "rb") as file:
        for number, line in enumerate(file.read(_SCANNED_BYTES).split(b"\n")[:-1], 1):
            first.setdefault("CR LF" if line.endswith(b"\r") else "LF", number)
            if b"\r" in line[:-1]:
                first.setdefault("CR", number)
    if len(first) > 1:
        ends = ", ".join(f"{end} in line {number}" for end, number in first.items())
        return f"its lines end in different ways ({ends})"
    return "a quote is not closed, or stands inside a value"


def _broken_json_line(path: str) -> int | None:
    """Return the number of the first line that is no JSON, from 1: DuckDB's own count leaves lines out."""
    read = 0
    with open(path, "rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_SCANNED_LINE), b""), 1):
            read += len(line)
            if read > _SCANNED_BYTES:
                return None
            try:
                if line.strip():
                    json.loads(line.decode("utf-8"))
            except (ValueError, RecursionError):
                return number
    return None


# --- mlcc.gates._table --------------------------------------------------------------------------------------
# Tables for gates: DuckDB in memory, allowed to read the gate's artifact and nothing else.

# DuckDB takes what it is given before it writes to disk: first little, and more only for a query that fails by it.
MEMORY_LIMIT, MOST_MEMORY = "128MB", "2GB"
_MAJOR = "2"
_HEADER_CHARACTERS = 1 << 20
_MAX_KEYS = 10_000
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_JSON_READERS = {"jsonl": "read_ndjson_objects({})", "json": "read_json_objects({}, format = 'array')"}


class Table:
    """An artifact opened for SQL. `columns` maps its columns' names to DuckDB types, in their order.

    `source` is its SQL table expression: the columns as they are for Parquet, as text for CSV and TSV; for
    JSON one column `json`, and `columns` has the keys that occur, of type JSON. `files` are its files, and
    `partitions` the columns, of text, that the names of their folders stand for, with their values.
    """

    def __init__(
        self,
        connection: Any,
        files: Sequence[str],
        source: str,
        columns: dict[str, str],
        partitions: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.connection = connection
        self.files = files
        self.source = source
        self.columns = columns
        self.partitions = partitions or {}

    @property
    def types(self) -> Mapping[str, str]:
        """The columns' types in full, with lengths and digits."""
        return self.columns

    def text(self, value: str) -> str:
        """Return text as SQL spells it."""
        return text_literal(value)

    def define(self, name: str, select: str) -> None:
        """Give a query a name that later ones can use. Raises GateError."""
        self.rows(f"CREATE VIEW {name} AS {select}")

    def aggregates(self, parts: Sequence[str], relation: str) -> list[Any]:
        """Return the values of aggregates over all rows, by one scan. Raises GateError."""
        return list(self.one("SELECT\n  " + ",\n  ".join(parts) + f"\nFROM {relation}"))

    def cast(self, column: str, type: str) -> None:
        """Give a column another type of DuckDB's."""
        name = identifier(column)
        self.source = f"(SELECT * REPLACE (CAST({name} AS {type}) AS {name}) FROM {self.source})"
        self.columns[column] = type

    def one(self, sql: str, named: Mapping[str, str] | None = None) -> tuple[Any, ...]:
        """Return the one row of a query. `named` are queries that this one knows by name. Raises GateError."""
        views = ",\n".join(f"{name} AS ({select})" for name, select in (named or {}).items())
        rows = self.rows(f"WITH {views}\n{sql}" if views else sql)
        if len(rows) != 1:
            raise GateError("a query did not give one row")
        return rows[0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows of a query. Raises GateError."""
        return query(self.connection, self.files, sql)

    def arrays(self, sql: str) -> dict[str, Any]:
        """Return the columns of a query as numpy arrays, masked where there are nulls. Raises GateError."""
        found: dict[str, Any] = _fetched(self.connection, self.files, sql, "fetchnumpy", own=True)
        return found

    def check(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows of a query that comes from the spec. Raises GateError."""
        return query(self.connection, self.files, sql, own=False)


def open_table(gate: Gate, artifact: str, format: str) -> Table:
    """Open an artifact. Raises GateError where it isn't a sound table of its format or DuckDB is missing."""
    path = gate.paths(artifact)
    return open_files(gate, path, table_files(path, format), format)


def open_tables(gate: Gate, artifacts: Sequence[tuple[str, str]]) -> list[Table]:
    """Open several artifacts (id and format) in one database, so that queries can join them. Raises GateError."""
    paths = [gate.paths(artifact) for artifact, _ in artifacts]
    files = [table_files(path, format) for path, (_, format) in zip(paths, artifacts)]  # noqa: B905
    connection = _connect(gate, [file for some in files for file in some])
    return [
        _open_as(connection, path, some, format)
        for path, some, (_, format) in zip(paths, files, artifacts)  # noqa: B905
    ]


def open_files(gate: Gate, path: str | Sequence[str], files: Sequence[str], format: str) -> Table:
    """Open the files at a path as one table; all have the same columns. Raises GateError as `open_table`."""
    if format in _DELIMITERS:
        _names(files, format)  # what is wrong with a header is said without DuckDB, too
    return _open_as(_connect(gate, files), path, files, format)


def _open_as(connection: Any, path: str | Sequence[str], files: Sequence[str], format: str) -> Table:
    if format in _DELIMITERS:
        names = _names(files, format)
        source = _csv_source(files, names, _DELIMITERS[format])
        return Table(connection, files, source, dict.fromkeys(names, "VARCHAR"))
    if format in _JSON_READERS:
        return _open_json(connection, files, format)
    if format == "parquet":
        return _open_parquet(connection, files, partitions_of(path, files))
    raise GateError(f"the format {visible(format)} is not known")


def _names(files: Sequence[str], format: str) -> list[str]:
    names = _header(files[0], _DELIMITERS[format])
    for file in files[1:]:
        if _header(file, _DELIMITERS[format]) != names:
            raise GateError(f"{visible(file)} has another header than {visible(files[0])}")
    return names


def query(connection: Any, files: Sequence[str], sql: str, *, own: bool = True) -> list[tuple[Any, ...]]:
    """Return all rows of a query over `files`. Raises GateError, without values of the data in its message.

    `own`: the SQL is mlcc's, so that whatever goes wrong is the data's fault.
    """
    found: list[tuple[Any, ...]] = _fetched(connection, files, sql, "fetchall", own=own)
    return found


def _fetched(connection: Any, files: Sequence[str], sql: str, how: str, *, own: bool) -> Any:
    import duckdb

    try:
        try:
            return getattr(connection.execute(sql), how)()
        except duckdb.OutOfMemoryException:
            connection.execute(f"SET memory_limit = '{MOST_MEMORY}'")
            return getattr(connection.execute(sql), how)()
    except duckdb.Error as error:
        reason = None if own else sql_reason(error, sql)
        raise GateError(reason or file_reason(error, files)) from None


def footer_nulls(table: Table) -> dict[str, int]:
    """Return column -> nulls, for the columns whose nulls each footer of the Parquet files tells."""
    files = ", ".join(text_literal(file) for file in table.files)
    found = table.rows(
        "SELECT path_in_schema, SUM(stats_null_count), COUNT(stats_null_count), COUNT(DISTINCT (file_name, row_group_id)) "
        f"FROM parquet_metadata([{files}]) GROUP BY path_in_schema"
    )
    groups = max((groups for *_, groups in found), default=0)
    return {name: int(nulls) for name, nulls, told, _ in found if told == groups}


def close(table: Table, gate: Gate) -> None:
    """Close the connection, and remove the folder that DuckDB may have made for what didn't fit in memory."""
    table.connection.close()
    try:
        os.rmdir(os.path.join(gate.folder, "spill"))
    except OSError:
        return


def _connect(gate: Gate, files: Sequence[str]) -> Any:
    try:
        import duckdb
    except ImportError:
        raise GateError(_how_to_install(gate)) from None
    if duckdb.__version__.split(".")[0] != _MAJOR:
        raise GateError(f"DuckDB {visible(duckdb.__version__)} is installed: {_how_to_install(gate)}")
    config: Mapping[str, str] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": os.path.join(gate.folder, "spill"),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
    }
    try:
        connection = duckdb.connect(":memory:", config=dict(config))
        for setting in (
            "SET TimeZone = 'UTC'",
            "SET enable_progress_bar = false",
            "SET allowed_configs = ['memory_limit']",
            "SET preserve_insertion_order = false",
            f"SET allowed_paths = {_listed(files)}",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            connection.execute(setting)
    except duckdb.Error as error:
        raise GateError(f"DuckDB could not be locked down: {type(error).__name__}") from None
    return connection


def _how_to_install(gate: Gate) -> str:
    list_ = f".mlcc/gates/{gate.kind}.txt"
    return f"DuckDB is needed: pip install --require-hashes --only-binary :all: --no-deps -r {list_}"


def _header(path: str, delimiter: str) -> list[str]:
    """Return the column names of a CSV file, from its first record."""
    import csv  # here, so that a gate that reads only JSON doesn't wait for it

    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = iter(lambda: file.readline(_HEADER_CHARACTERS), "")
            names = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError:
        raise GateError(f"{visible(path)} is not UTF-8") from None
    except csv.Error as error:
        raise GateError(f"the header of {visible(path)} is not proper CSV: {error}") from None
    if not names or not all(names):
        raise GateError(f"{visible(path)} has no header, or a column without a name")
    _refuse_twins(names, path)
    return names


def _refuse_twins(names: Sequence[str], path: str) -> None:
    """SQL names don't tell case apart, so neither may the columns of a table that is judged by SQL."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(name.casefold(), name)
        if seen[name.casefold()] is not name or names.count(name) > 1:
            raise GateError(f"{visible(path)} has the columns {visible(twin, 80)} and {visible(name, 80)}")


def _listed(files: Sequence[str]) -> str:
    return "[" + ", ".join(text_literal(file) for file in files) + "]"


def _csv_source(files: Sequence[str], names: Sequence[str], delimiter: str) -> str:
    columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in names)
    options = (
        "auto_detect = false, header = true, quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        "null_padding = false, ignore_errors = false, compression = 'none'"
    )
    return (
        f"read_csv({_listed(files)}, delim = {text_literal(delimiter)}, {options}, columns = {{{columns}}})"
    )


def _open_json(connection: Any, files: Sequence[str], format: str) -> Table:
    unit = "lines" if format == "jsonl" else "items"
    for file in files if format == "json" else ():
        check_array(file)
    source = _JSON_READERS[format].format(f"{_listed(files)}, ignore_errors = false, compression = 'none'")
    ((other, twice),) = query(
        connection,
        files,
        "SELECT SUM(CASE WHEN json_type(json) <> 'OBJECT' THEN 1 ELSE 0 END), SUM(CASE WHEN "
        f"len(json_keys(json)) <> len(list_distinct(json_keys(json))) THEN 1 ELSE 0 END) FROM {source}",
    )
    if other or twice:
        what = "no JSON object" if other else "objects with a key that occurs twice"
        raise GateError(f"{other or twice} {unit} of {_shown(files)} are {what}")
    keys = query(
        connection,
        files,
        f"SELECT DISTINCT unnest(json_keys(json)) AS key FROM {source} LIMIT {_MAX_KEYS + 1}",
    )
    if len(keys) > _MAX_KEYS:
        raise GateError(f"{_shown(files)} has over {_MAX_KEYS} different keys")
    return Table(connection, files, source, {key: "JSON" for (key,) in sorted(keys)})


def _shown(files: Sequence[str]) -> str:
    return visible(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _open_parquet(connection: Any, files: Sequence[str], partitions: Mapping[str, Sequence[str]]) -> Table:
    list_ = _listed(files)
    schemas: dict[str, list[tuple[Any, ...]]] = {file: [] for file in files}
    for file, *fields in query(
        connection,
        files,
        "SELECT file_name, name, num_children, type, converted_type, CAST(logical_type AS VARCHAR) "
        f"FROM parquet_schema({list_})",
    ):
        schemas[file].append(tuple(fields))
    first = schemas[files[0]]
    for file, schema in schemas.items():
        # The root's name tells only who wrote the file.
        if schema[1:] != first[1:]:
            raise GateError(f"{visible(file)} has another schema than {visible(files[0])}")
    names = _top_names(first)
    _refuse_twins(names, files[0])
    # Statistics in Parquet leave NaN out, and DuckDB believes them unless it is told: it would see no NaN in a column.
    hive = "true, hive_types_autocast = false" if partitions else "false"
    source = f"read_parquet({list_}, hive_partitioning = {hive}, union_by_name = false, can_have_nan = true)"
    if partitions:
        _refuse_twins([*names, *partitions], files[0])
        # DuckDB takes the names of the folders above the artifact for columns, too.
        own = ", ".join(map(identifier, (*names, *partitions)))
        source = f"(SELECT {own} FROM {source})"
    columns = {row[0]: row[1] for row in query(connection, files, f"DESCRIBE SELECT * FROM {source}")}
    if list(columns) != [*names, *partitions]:
        raise GateError(f"the columns of {visible(files[0])} could not be told apart")
    return Table(connection, files, source, columns, partitions)


def _top_names(schema: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return the names of the top level of a Parquet schema, which lists its tree depth first, root first."""
    names: list[str] = []
    below: list[int] = []  # per open level, how many nodes are still to come
    for name, children, *_ in schema:
        if len(below) == 1:
            names.append(name)
        if below:
            below[-1] -= 1
        if children:
            below.append(children)
        while below and below[-1] == 0:
            below.pop()
    return names


# --- mlcc.gates._values -------------------------------------------------------------------------------------
# How a column's cells are read as numbers or as categories, written as SQL, per data format.
#
# A column becomes up to three columns of the relation `data`: `c1_given` is null where the cell is empty, `c1_number` and
# `c1_text` are null where it isn't of that sort. What a query doesn't use costs nothing.

NUMBERS = frozenset(("integer", "number"))
CATEGORIES = frozenset(("string", "boolean"))
JSON_FORMATS = frozenset(("json", "jsonl"))
TYPED_FORMATS = frozenset(("parquet", "table"))  # `table`: of another engine than DuckDB
# What text must look like to be of a type. DuckDB's own casts are laxer: '1.5' becomes the integer 2, '1_0'
# the number 10.
TEXT_FORMS = {
    "integer": r"[+-]?[0-9]{1,19}",
    "number": r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[nN]a[nN]|[iI]nf(inity)?)",
    "boolean": r"[tT]rue|[fF]alse|TRUE|FALSE|0|1",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "timestamp": (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
        r"(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
    ),
}
JSON_TYPES = {
    "string": "'VARCHAR'",
    "integer": "'UBIGINT', 'BIGINT'",
    "number": "'UBIGINT', 'BIGINT', 'DOUBLE'",
    "boolean": "'BOOLEAN'",
    "date": "'VARCHAR'",
    "timestamp": "'VARCHAR'",
}
_JSON_TEXTS = "'VARCHAR', 'BOOLEAN'"
_STORED = (
    ("integer", ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")),
    ("integer", ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")),
    ("number", ("DOUBLE", "FLOAT", "DECIMAL")),
    ("string", ("VARCHAR", "ENUM")),
    ("boolean", ("BOOLEAN",)),
    ("date", ("DATE",)),
    ("timestamp", ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")),
)


def sort_of(type: str) -> str:
    """Return how values of a type are compared: as a `number`, as a `category`, or not at all (`other`)."""
    return "number" if type in NUMBERS else "category" if type in CATEGORIES else "other"


def type_of(stored: str) -> str:
    """Return what a type of DuckDB's is called in specs and profiles; `other` for nested and binary ones."""
    plain = stored.partition("(")[0]
    return next((type for type, names in _STORED if plain in names), "other")


def cells(name: str, format: str) -> dict[str, str]:
    """Return the SQL of a column's `given`, `number` and `text`, over the table's `source`."""
    if format in JSON_FORMATS:
        text, kind = f"json_extract_string(json, {_pointer(name)})", _json_type(name)
        return {
            "given": text,
            "number": f"CASE WHEN {kind} IN ({JSON_TYPES['number']}) THEN TRY_CAST({text} AS DOUBLE) END",
            "text": f"CASE WHEN {kind} IN ({_JSON_TEXTS}) THEN {text} END",
        }
    given = identifier(name)
    if format == "table":  # whose text may be compared and sorted in some language's way
        return {
            "given": given,
            "number": f"CAST({given} AS DOUBLE)",
            "text": f"CAST({given} AS VARCHAR) COLLATE C",
        }
    if format == "parquet":
        # The type is looked at first; a decimal would make every comparison several times slower.
        return {
            "given": given,
            "number": f"CAST({given} AS DOUBLE)",
            "text": f"CAST({given} AS VARCHAR)",
        }
    form = text_literal(TEXT_FORMS["number"])
    number = f"CASE WHEN regexp_full_match({given}, {form}) THEN TRY_CAST({given} AS DOUBLE) END"
    return {"given": given, "number": number, "text": given}


def has_type(name: str, format: str, type: str) -> str:
    """Return SQL that tells whether a cell of a text format (CSV, TSV, JSON lines) is given, and of a type."""
    text = cells(name, format)["given"]
    fits = f"{text} IS NOT NULL"
    if type in TEXT_FORMS:
        fits = f"regexp_full_match({text}, {text_literal(TEXT_FORMS[type])})"
    return f"{fits} AND {_json_type(name)} IN ({JSON_TYPES[type]})" if format in JSON_FORMATS else fits


def _json_type(name: str) -> str:
    return f"json_type(json, {_pointer(name)})"


def _pointer(name: str) -> str:
    return text_literal("/" + name.replace("~", "~0").replace("/", "~1"))


def select_cells(columns: Sequence[Mapping[str, str]]) -> str:
    """Return the SELECT of the relation `data`: the cells of `columns`, in order, as c1_given, c1_number, …"""
    parts = [f"  {sql} AS c{i}_{key}" for i, column in enumerate(columns, 1) for key, sql in column.items()]
    return "SELECT\n" + ",\n".join(parts) + "\nFROM source"


def count_where(condition: str) -> str:
    """Return SQL that counts rows. In DuckDB, count_if takes half as long as SUM(CASE ...); of nulls alone it is null."""
    return f"CAST(COALESCE(count_if({condition}), 0) AS BIGINT)"


def filled(sql: str, **marks: object) -> str:
    """Return SQL with its marks filled in, in the order given: `{edge}` by what is called `edge`.

    What may itself look like a mark, a literal of text, comes last.
    """
    for mark, part in marks.items():
        sql = sql.replace(f"{{{mark}}}", str(part))
    return sql


# --- mlcc.gates._engines ------------------------------------------------------------------------------------
# Tables for gates that another engine than DuckDB holds or reads. The engine runs the SQL; only its counts come here.
#
# Every session is read-only where the engine has such a thing, reads times as UTC, and gets where to connect from the
# engine's own environment variables.

# What the engines call the types that a declared one may be stored as.
ENGINE_TYPES = {
    "string": ("string", "varchar", "char", "text", "bpchar"),
    "integer": ("tinyint", "smallint", "int", "bigint", "int2", "int4", "int8"),
    "number": (
        *("tinyint", "smallint", "int", "bigint", "int2", "int4", "int8"),
        *("float", "double", "decimal", "float4", "float8", "numeric"),
    ),
    "boolean": ("boolean", "bool"),
    "date": ("date",),
    "timestamp": ("timestamp", "timestamp_ntz", "timestamptz"),
}


# Postgres gives no more than 1,664 columns at once.
_MOST_COLUMNS = 1600


class Session:
    """What the tables that one engine reads together share: how a query runs, and the names that queries can use.

    `engine` is its name. `execute` runs one query and returns its rows; `end` closes it.
    """

    def __init__(
        self, engine: str, execute: Callable[[str], Sequence[Sequence[Any]]], end: Callable[[], None]
    ) -> None:
        self.engine = engine
        self.execute = execute
        self.end = end
        self.views: list[str] = []


class EngineTable:
    """A table that an engine can read. `columns` maps its columns' names to the engine's types, in their order.

    `source` is what SQL calls it. `types` are the columns' types in full, with lengths and digits.
    """

    def __init__(self, session: Session, source: str, types: dict[str, str]) -> None:
        self.source = source
        self.types = types
        self.columns = {name: _plain(type) for name, type in types.items()}
        self._session = session

    def text(self, value: str) -> str:
        """Return text as the engine's SQL spells it."""
        if self._session.engine == "postgres":
            return text_literal(value)
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def define(self, name: str, select: str) -> None:
        """Give a query a name that later ones can use."""
        self._session.views.append(f"{name} AS (\n{select}\n)")

    def rows(self, sql: str, named: Mapping[str, str] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows of a query. Raises GateError, with no value of the data in its message.

        `named` are queries that this one knows by name, beside those that were defined.
        """
        views = [
            *self._session.views,
            *(f"{name} AS (\n{select}\n)" for name, select in (named or {}).items()),
        ]
        known = "WITH " + ",\n".join(views) + "\n" if views else ""
        return [tuple(row) for row in run_query(self._session.execute, known + sql)]

    def one(self, sql: str, named: Mapping[str, str] | None = None) -> tuple[Any, ...]:
        """Return the one row of a query. Raises GateError."""
        rows = self.rows(sql, named)
        if len(rows) != 1:
            raise GateError("a query did not give one row")
        return rows[0]

    def aggregates(self, parts: Sequence[str], relation: str) -> list[Any]:
        """Return the values of aggregates over all rows: one scan for every 1,600 of them. Raises GateError."""
        found: list[Any] = []
        for first in range(0, len(parts), _MOST_COLUMNS):
            some = ",\n  ".join(parts[first : first + _MOST_COLUMNS])
            found += self.one(f"SELECT\n  {some}\nFROM {relation}")
        return found

    def end(self) -> None:
        """Close the session, which ends it for the tables beside this one, too."""
        self._session.end()


def type_in(table: Table | EngineTable, column: str) -> str:
    """Return what a column's type is called in specs and profiles; `other` for nested and binary ones."""
    stored = table.columns[column]
    if isinstance(table, Table):
        return type_of(stored)
    return next((type for type in ("integer", *ENGINE_TYPES) if stored in ENGINE_TYPES[type]), "other")


def _plain(type: str) -> str:
    """Return a type without lengths, digits and collation; an array is of none."""
    return type if type.endswith("]") else type.partition(" collate ")[0].partition("(")[0]


def open_sources(
    gate: Gate, sources: Sequence[Mapping[str, Any]], engine: str | None
) -> Sequence[Table | EngineTable]:
    """Open tables for queries over all of them: by `engine`, or by DuckDB where it is None. Raises GateError.

    A source has the `artifact`, its `format`, and for a table of a warehouse `table`, what SQL calls it.
    """
    if engine is None:
        return open_tables(gate, [(source["artifact"], source["format"]) for source in sources])
    return open_engine_tables(gate, [(source["artifact"], source.get("table")) for source in sources], engine)


def close_source(table: Table | EngineTable, gate: Gate) -> None:
    """Close a table, and those that were opened with it."""
    if isinstance(table, EngineTable):
        table.end()
    else:
        close(table, gate)


def open_engine_tables(
    gate: Gate,
    sources: Sequence[tuple[str, str | None]],
    engine: str,
    beside: Mapping[str, str] | None = None,
) -> list[EngineTable]:
    """Open artifacts in one session: the warehouse's table, or without one a Parquet file or folder. Raises GateError.

    `sources` are an artifact each, and what SQL calls its table. `beside` maps names that SQL can use to further
    artifacts of Parquet, which Spark alone reads.
    """
    sources = [(id, None if table is None else gate.table(id, table)) for id, table in sources]
    if engine == "spark":
        return _open_spark(gate, sources, beside or {})
    tables = [table for _, table in sources if table is not None]
    if engine == "postgres" and len(tables) == len(sources):
        return _open_postgres(gate, tables)
    raise GateError(f"this version of the gate runs no SQL on {visible(engine)}")


def run_query(execute: Callable[[str], Any], sql: str) -> Any:
    """Return what an engine answers. Raises GateError with the kind of what went wrong: the rest may quote data."""
    try:
        return execute(sql)
    except Exception as error:
        raise GateError(f"the engine could not run a query: {type(error).__name__}") from None


def missing_driver(gate: Gate, driver: str, engine: str) -> GateError:
    """Return the error for a driver that isn't installed."""
    file = f".mlcc/gates/{gate.kind}.{engine}.txt"
    return GateError(f"{driver} is needed: pip install --require-hashes --no-deps -r {file}")


def _open_postgres(gate: Gate, tables: Sequence[str]) -> list[EngineTable]:
    """Open tables of Postgres in one read-only transaction, so that all queries see the same rows."""
    try:
        import psycopg
    except ImportError:
        raise missing_driver(gate, "psycopg", "postgres") from None
    # Nothing of the table's own schema can stand in for a built-in function or operator, and different values are written
    # in different ways.
    options = (
        "-c TimeZone=UTC -c search_path=pg_catalog -c standard_conforming_strings=on -c extra_float_digits=3"
    )
    try:
        connection = psycopg.connect("", options=options, connect_timeout=30, client_encoding="utf8")
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    except psycopg.Error as error:
        raise GateError(f"Postgres could not be reached: {type(error).__name__}") from None

    def execute(sql: str) -> Any:
        return connection.execute(sql.encode("utf-8")).fetchall()

    session = Session("postgres", execute, connection.close)
    found = []
    for table in tables:
        try:
            described = connection.execute(f"SELECT * FROM {table} LIMIT 0".encode()).description or []
        except psycopg.Error as error:
            connection.close()
            raise GateError(f"the table {visible(table)} can't be read: {type(error).__name__}") from None
        found.append(EngineTable(session, table, {column.name: _full_type(column) for column in described}))
    return found


def _full_type(column: Any) -> str:
    """Return a type of Postgres' in full, such as numeric(18, 3); ? for one that isn't built in."""
    shown: str = column.type_display
    return "?" if shown.isdigit() else shown


def _open_spark(
    gate: Gate, sources: Sequence[tuple[str, str | None]], beside: Mapping[str, str]
) -> list[EngineTable]:
    """Open tables of Spark's catalog, or Parquet. Spark's own settings and variables say where it runs."""
    import logging

    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise missing_driver(gate, "pyspark", "spark") from None
    settings: dict[str, bool | float | int | str | None] = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parser.escapedStringLiterals": "false",
        "spark.sql.legacy.exponentLiteralAsDecimal.enabled": "false",
        "spark.sql.caseSensitive": "false",
        "spark.sql.variable.substitute": "false",  # of ${env:HOME} and the like, in names and texts, too
        "spark.log.level": "OFF",  # what goes wrong is logged with the value that it went wrong on
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    names = [table or f"mlcc_table{i}" for i, (_, table) in enumerate(sources, 1)]
    files = dict(beside)
    files.update((name, id) for name, (id, table) in zip(names, sources) if table is None)  # noqa: B905 - Python 3.8
    try:
        spark = SparkSession.builder.appName("mlcc").config(map=settings).getOrCreate()
        for name, id in files.items():
            spark.read.parquet(f"file:{os.path.abspath(gate.path(id))}").createOrReplaceTempView(name)
        schemas = [spark.table(name).schema.fields for name in names]
    except Exception as error:
        raise GateError(f"Spark could not read the table: {type(error).__name__}") from None

    def execute(sql: str) -> Any:
        logging.disable()  # pyspark's own logger, too
        try:
            return spark.sql(sql).collect()
        finally:
            logging.disable(logging.NOTSET)

    session = Session("spark", execute, spark.stop)
    return [
        EngineTable(session, name, {field.name: field.dataType.simpleString() for field in fields})
        for name, fields in zip(names, schemas)  # noqa: B905 - strict= is newer than Python 3.8
    ]


# --- mlcc.gates.contract.runtime ----------------------------------------------------------------------------
# The gate `contract`: runs the committed SQL over the guarded table and judges its counts.

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_TYPES = {
    "string": ("VARCHAR", "ENUM"),
    "integer": (*_INTEGERS, *("U" + name for name in _INTEGERS)),
    "number": ("DOUBLE", "FLOAT", "DECIMAL", *_INTEGERS, *("U" + name for name in _INTEGERS)),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
}
# What the name of a folder, which is text, may be declared as.
_PARTITION_TYPES = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE"}
# How far ahead of this machine's clock the newest row may be: clocks differ, and a date has no time zone.
_AHEAD_SECONDS = 86_400
# How far apart integers may lie for a bit string to be the cheaper way, and how long it may get (32 MB a thread).
_BITS_PER_ROW = 16
_MOST_BITS = 1 << 28
_SHARES = (
    "max_nulls",
    "max_mixed",
    "references",
    "duplicates",
    "conflicts",
)  # checks whose limit is a share of the rows
_PHRASES = {
    "type": "{count} of {rows} values of {column} are not of its type",
    "max_nulls": "{count} of {rows} rows have no {column}; at most {limit} may",
    "min": "{count} of {rows} values of {column} are under {limit}{nan}",
    "max": "{count} of {rows} values of {column} are over {limit}{nan}",
    "values": "{count} of {rows} values of {column} are not among the {limit} allowed ones",
    "pattern": "{count} of {rows} values of {column} don't match {limit}",
    "max_length": "{count} of {rows} values of {column} have over {limit} characters",
    "max_mixed": "{count} of {rows} values of {column} are of another sort (number, date, text) than most; at most {limit} may",
    "references": "{count} of {rows} values of {column} are not where it refers to; at most {limit} may",
    "unique": "{count} of {rows} rows repeat a value of {column}",
    "key_nulls": "{count} of {rows} rows lack a part of the key {key}",
    "duplicates": "{count} of {rows} rows repeat another one; at most {limit} may",
    "conflicts": "{count} of {rows} rows are told apart by their label alone; at most {limit} may be",
    "key": "{count} values of the key {key} occur more than once",
}


def judge(gate: Gate) -> Verdict:
    """Judge the table by the contract's columns first, then by what the committed SQL counts."""
    params = gate.params
    table, parents = _open(gate)
    try:
        checks, absent = _check_columns(params, table.columns)
        measures = _measure(params, table, absent)
        checks += _define_parents(gate, table, parents)
        checks += _check_rows(params["rows"], measures["rows"])
        if measures["rows"] > 0:
            checks += _check_counts(params, table, measures, absent)
            if "freshness" in params:  # a column that is missing has no newest row, which fails
                checks.append(_check_freshness(params["freshness"], measures, time.time()))
            checks += [_check_sql(table, id, lines) for id, lines in sorted(params["sql"].items())]
    finally:
        close_source(table, gate)
    return verdict_of(checks)


def _open(gate: Gate) -> tuple[Table | EngineTable, list[Table]]:
    """Return the table, and those that foreign keys refer to where DuckDB reads them."""
    params = gate.params
    wanted = params.get("parents", [])
    if "engine" in params:
        beside = {f"mlcc_{parent['name']}": parent["artifact"] for parent in wanted if "table" not in parent}
        source = (params["artifact"], params.get("table"))
        (table,) = open_engine_tables(gate, [source], params["engine"], beside)
        return table, []
    own, *parents = (
        open_tables(gate, [(each["artifact"], each["format"]) for each in (params, *wanted)])
        if wanted
        else [open_table(gate, params["artifact"], params["format"])]
    )
    for column in params["columns"]:
        _type_partition(own, _stored(column), column["type"])
    return own, parents


def _define_parents(gate: Gate, table: Table | EngineTable, parents: list[Table]) -> list[Check]:
    """Give the columns that foreign keys refer to their names, and return a check for each that isn't as it must be.

    Such a column has no value then, so that nothing finds its match.
    """
    checks: list[Check] = []
    for i, wanted in enumerate(gate.params.get("parents", [])):
        value = f"SELECT {wanted['sql']} AS value FROM "
        if isinstance(table, EngineTable):
            own = "table" in wanted
            named = gate.table(wanted["artifact"], wanted["table"]) if own else f"mlcc_{wanted['name']}"
            table.define(wanted["name"], value + named)
            continue
        _type_partition(parents[i], wanted["stored"], wanted["type"])
        problem = _parent_problem(wanted, parents[i])
        if problem:
            checks.append(Check(f"{wanted['column']}.parent", "fail", problem))
        sql = "SELECT NULL AS value" if problem else value + parents[i].source
        table.rows(f"CREATE VIEW {wanted['name']} AS {sql}")
    return checks


def _parent_problem(wanted: dict[str, Any], parent: Table) -> str | None:
    actual = parent.columns.get(wanted["stored"])
    shown = f"{visible(wanted['column'], 80)} refers to the column {visible(wanted['stored'], 80)} of "
    shown += visible(wanted["artifact"], 80)
    if actual is None:
        return f"{shown}, which is missing"
    if wanted["format"] == "parquet" and actual.partition("(")[0] not in _TYPES[wanted["type"]]:
        return f"{shown}, which is of type {visible(actual, 80)}, and not {wanted['type']}"
    return None


def _type_partition(table: Table, column: str, type: str) -> None:
    """Give a column that folders' names stand for its declared type, where all the names are of it."""
    values = set(table.partitions.get(column, ())) - {NO_VALUE}
    if values and type in _PARTITION_TYPES and all(re.fullmatch(TEXT_FORMS[type], v) for v in values):
        table.cast(column, _PARTITION_TYPES[type])


def _check_columns(params: dict[str, Any], found: dict[str, str]) -> tuple[list[Check], set[str]]:
    """Return the checks of names and types, and the columns that can't be looked into."""
    checks: list[Check] = []
    absent: set[str] = set()
    for column in params["columns"]:
        name, declared = column["name"], column["type"]
        stored = _stored(column)
        shown = visible(stored, 80)
        if stored not in found:
            absent.add(name)
            verdict = "fail" if column["required"] else "pass"
            optional = "" if column["required"] else ", which it may be"
            checks.append(Check(f"{name}.present", verdict, f"the column {shown} is missing{optional}"))
        elif params["format"] in ("parquet", "table"):
            actual = found[stored].partition("(")[0]
            fits = actual in (ENGINE_TYPES if "engine" in params else _TYPES)[declared]
            if not fits:
                absent.add(name)
            message = (
                f"the column {shown} is of type {visible(found[stored], 80)}; the contract says {declared}"
            )
            checks.append(Check(f"{name}.type", "pass" if fits else "fail", message))
    checks += _check_other_columns(params, found)
    return checks, absent


def _check_other_columns(params: dict[str, Any], found: dict[str, str]) -> list[Check]:
    checks: list[Check] = []
    declared = set(map(_stored, params["columns"]))
    extra = [visible(name, 80) for name in found if name not in declared]
    if params["extra_columns"] == "deny":
        listed = ", ".join(extra[:10]) + (" and more" if len(extra) > 10 else "")
        message = f"{len(extra)} columns are not in the contract: {listed}" if extra else "no column is extra"
        checks.append(Check("extra_columns", "fail" if extra else "pass", message, n=len(extra)))
    denied = {name.casefold() for name in params["denied"]}
    if denied:
        there = [visible(name, 80) for name in found if name.casefold() in denied]
        message = f"denied columns are there: {', '.join(there)}" if there else "no denied column is there"
        checks.append(Check("denied", "fail" if there else "pass", message, n=len(there)))
    return checks


def _measure(params: dict[str, Any], table: Table | EngineTable, absent: set[str]) -> dict[str, Any]:
    """Return the committed measures by name. Columns that can't be looked into stand in empty.

    What the footers tell is asked for in queries of their own: among aggregates that need the rows, DuckDB would
    decode the columns for it, too. The rest is one scan.
    """
    measures = params["measures"]
    if isinstance(table, EngineTable):
        parts = [column["absent" if column["name"] in absent else "sql"] for column in params["columns"]]
        table.define("data", _select(parts, table.source))
        found = {}
    else:
        columns = _source_columns(params, table, absent)
        table.rows(f"CREATE VIEW source AS SELECT {columns} FROM {table.source}")
        table.rows("\n".join(params["view"]))
        found = _from_footers(measures, table)
    rest = [name for name in measures if found.get(name) is None]
    if rest:
        found.update(_named(rest, table.aggregates([measures[name]["sql"] for name in rest], "data")))
    if type(found.get("rows")) is not int:
        raise GateError("the number of rows is not known")
    return found


def _from_footers(measures: dict[str, dict[str, str]], table: Table) -> dict[str, Any]:
    """Return the measures that the footers of Parquet files tell; None where they leave it open."""
    nulls = footer_nulls(table) if any("nulls" in measure for measure in measures.values()) else {}
    found = {name: nulls.get(measure["nulls"]) for name, measure in measures.items() if "nulls" in measure}
    # Old writers ordered unsigned integers as signed ones.
    names = [
        name
        for name, measure in measures.items()
        if "footer" in measure and table.columns.get(measure.get("column", ""), "")[:1] != "U"
    ]
    if names:
        found.update(
            _named(names, table.one(_select([measures[name]["footer"] for name in names], "source")))
        )
    return found


def _select(parts: list[str], table: str) -> str:
    return "SELECT\n  " + ",\n  ".join(parts) + f"\nFROM {table}"


def _named(names: list[str], values: Sequence[Any]) -> dict[str, Any]:
    if len(names) != len(values):
        raise GateError("a query did not give one number for each of its measures")
    return dict(zip(names, values))  # noqa: B905 - strict= is newer than Python 3.8


def _source_columns(params: dict[str, Any], table: Table, absent: set[str]) -> str:
    if params["format"] in ("json", "jsonl"):
        return "json"
    keys = {_stored(column): column["name"] for column in params["columns"]}
    # SQL doesn't tell case apart: a column that only resembles a declared one must not take its place.
    taken = {key.casefold() for key in keys.values()}
    parts = [
        f"{identifier(name)} AS {identifier(keys.get(name, name))}"
        for name in table.columns
        if keys.get(name, name) not in absent and (name in keys or name.casefold() not in taken)
    ]
    types = {column["name"]: column["absent"] for column in params["columns"]}
    parts += [f"CAST(NULL AS {types[name]}) AS {identifier(name)}" for name in sorted(absent)]
    return ", ".join(parts)


def _stored(column: dict[str, Any]) -> str:
    """Return what a declared column is called in the table; SQL knows it by its key."""
    name: str = column.get("stored", column["name"])
    return name


def _check_rows(limits: dict[str, int], rows: int) -> list[Check]:
    found = [("min", limits["min"], rows - limits["min"], "at least {} are required")]
    if "max" in limits:
        found.append(("max", limits["max"], limits["max"] - rows, "at most {} are allowed"))
    return [
        Check(
            f"rows.{side}",
            "pass" if margin >= 0 else "fail",
            f"the table has {rows} rows; {wanted.format(limit)}",
            estimate=rows,
            threshold={side: limit},
            margin=margin,
        )
        for side, limit, margin, wanted in found
    ]


def _check_counts(
    params: dict[str, Any], table: Table | EngineTable, measures: dict[str, Any], absent: set[str]
) -> list[Check]:
    rows = measures["rows"]
    types = {column["name"]: column["type"] for column in params["columns"]}
    checks = []
    for check in params["checks"]:
        column = check.get("column")
        if column in absent:
            continue  # its first check said so, and failed unless the column may be missing
        count = _repeated(table, check, types.get(column)) if "query" in check else measures[check["measure"]]
        if type(count) is not int or count < 0:
            raise GateError(f"the check {visible(check['id'], 80)} gave no count")
        nan = " or NaN" if types.get(column) == "number" else ""
        checks.append(_check_count(check, count, rows, {"key": ", ".join(params["key"]), "nan": nan}))
    return checks


def _repeated(table: Table | EngineTable, check: dict[str, Any], type: str | None) -> Any:
    """Return the count of a check that has a query of its own, such as how many rows repeat a value of a column.

    Integers that lie close together are marked in a bit string: in a table of 10 million rows that takes
    0.4 s and 80 MB, where the committed query, which says the same, takes 3.2 s and 540 MB.
    """
    if check["kind"] == "unique" and type == "integer" and isinstance(table, Table):
        name = identifier(check["column"])
        low, high, count = table.one(f"SELECT MIN({name}), MAX({name}), COUNT({name}) FROM data")
        near = count > 0 and high - low < min(_BITS_PER_ROW * count, _MOST_BITS)
        if near and low >= -(2**63) and high < 2**63:
            marks = f"bitstring_agg(CAST({name} AS BIGINT), CAST({low} AS BIGINT), CAST({high} AS BIGINT))"
            (marked,) = table.one(f"SELECT bit_count({marks}) FROM data")
            return count - marked
    (repeated,) = table.one("\n".join(check["query"]))
    return repeated


def _check_count(check: dict[str, Any], count: int, rows: int, words: dict[str, str]) -> Check:
    kind: str = check["kind"]
    limit: Any = check.get("limit")
    allowed: float = limit if kind in _SHARES else 0
    found: float = count / rows if kind in _SHARES else count
    message = _PHRASES[kind].format(
        count=count,
        rows=rows,
        column=visible(str(check.get("column")), 80),
        limit=visible(_limit(kind, limit), 80),
        key=visible(words["key"], 80),
        nan=words["nan"],
    )
    return Check(
        check["id"],
        "pass" if found <= allowed else "fail",
        message,
        estimate=found,
        n=rows,
        threshold={"max": allowed},
        margin=allowed - found,
    )


def _limit(kind: str, limit: Any) -> str:
    if kind in _SHARES:
        return f"{number(100 * limit)} %"
    return str(len(limit)) if kind == "values" else str(limit)


def _check_freshness(freshness: dict[str, Any], measures: dict[str, Any], now: float) -> Check:
    """Judge the age of the newest row at the time `now`, in seconds since 1970."""
    newest = measures["freshness"]
    column = visible(freshness["column"], 80)
    if newest is None:
        return Check("freshness", "fail", f"no row has a {column}")
    age = int(now - float(newest))
    if age < -_AHEAD_SECONDS:
        return Check("freshness", "fail", f"the newest {column} lies {-age // 3600} hours in the future")
    verdict = "pass" if age <= freshness["seconds"] else "fail"
    message = (
        f"the newest {column} is {max(age, 0) // 3600} hours old; at most {freshness['max_age']} is allowed"
    )
    # The age changes from run to run, so no number of it goes into the record.
    return Check("freshness", verdict, message)


def _check_sql(table: Table | EngineTable, id: str, lines: list[str]) -> Check:
    """Run a user's check: one SELECT that must return no row. That it is one was proven at compile time, and for DuckDB
    is again here, by its own parser.
    """
    sql = "\n".join(lines)
    name = f"checks.{id}"
    wrapped = f"SELECT COUNT(*) FROM (\n{sql}\n) AS found"
    try:
        if isinstance(table, EngineTable):
            ((count,),) = table.rows(wrapped)
        else:
            problem = _no_select(table, sql)
            if problem:
                return Check(name, "error", f"the check {visible(id)} is not {problem}")
            ((count,),) = table.check(wrapped)
    except GateError as error:
        return Check(name, "error", f"the check {visible(id)} did not run: {error}")
    verdict = "pass" if count == 0 else "fail"
    return Check(
        name, verdict, f"the check {visible(id)} finds {count} rows", estimate=count, threshold={"max": 0}
    )


def _no_select(table: Table, sql: str) -> str | None:
    """Say what a user's SQL isn't, by DuckDB's own parser; None where it is one SELECT."""
    import duckdb

    try:
        statements = table.connection.extract_statements(sql)
    except duckdb.Error:
        return "proper SQL"
    return None if [s.type for s in statements] == [duckdb.StatementType.SELECT] else "one SELECT statement"


def main() -> int:
    """Run the gate that the command line names."""
    return run("contract", judge, __file__, sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
