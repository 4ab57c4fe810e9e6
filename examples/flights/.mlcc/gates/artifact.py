# mlcc:generated sha256=34f39475691cdf72d0e561ab7c2b3548ca14fe068d42d24a3b50a9e7dbfe6e3e
# fmt: off
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# isort: skip_file
"""The gate `artifact`. A model's bytes are what they must be: format, size, digest, inputs and outputs, and lineage.

Run it in the folder of mlcc.yaml: python -I .mlcc/gates/artifact.py GATE_ID
It reads .mlcc/gates/GATE_ID.json, writes verdict.json, junit.xml and summary.md to
_mlcc/s--GATE_ID/, and ends with 0 pass, 1 fail, 2 error or 3 inconclusive.

This file stands alone on purpose: it runs where mlcc is not installed, and needs no other file of
mlcc. It was joined from these modules of mlcc, which are tested as they are:
  mlcc.gates._models.content, mlcc.gates._records, mlcc.gates._report, mlcc.strict_json,
  mlcc.gates._strict, mlcc.runtime.file_digest, mlcc.runtime.addresses, mlcc.runtime.patterns,
  mlcc.runtime.digest, mlcc.runtime.moments, mlcc.gates._support, mlcc.gates._shell,
  mlcc.gates.artifact.content, mlcc.gates.artifact.lineage, mlcc.gates._models.protobuf,
  mlcc.gates.artifact.onnx, mlcc.gates._files, mlcc.gates._reasons, mlcc.gates._sql, mlcc.gates._table,
  mlcc.gates.artifact.schema, mlcc.gates._models.safetensors, mlcc.gates.artifact.tensors,
  mlcc.gates.artifact.trees, mlcc.gates.artifact.runtime
Don't edit it: `mlcc compile` writes it again.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import signal
import stat
import subprocess
import sys
from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import FrameType, TracebackType
    from typing import Any


# --- mlcc.gates._models.content -----------------------------------------------------------------------------
# What all readers of model files raise.

class ContentError(Exception):
    """A file isn't what it must be. The message goes on after the file's name: "model.onnx is cut off"."""


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


# --- mlcc.gates.artifact.content ----------------------------------------------------------------------------
# What the bytes of a model file are: refused formats told by content, and what a good file says of itself.

_SNIFFED = 1 << 20
_TAR = slice(257, 262)
# First bytes -> what the file is. All of these can run code when they are loaded, or hide files that can.
_DANGEROUS = (
    (b"PK\x03\x04", "a zip archive, as PyTorch, Keras and numpy write"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes"),
    (b"\x93NUMPY", "a numpy array file, which may hold a pickle"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"BZh", "bzip2-compressed"),
    (b"\xfd7zXZ", "xz-compressed"),
    (b"\x28\xb5\x2f\xfd", "zstandard-compressed"),
    (b"\x04\x22\x4d\x18", "LZ4-compressed, as joblib writes"),
    (b"\x78\x01", "zlib-compressed, as joblib writes"),
    (b"\x78\x9c", "zlib-compressed, as joblib writes"),
    (b"\x78\xda", "zlib-compressed, as joblib writes"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"#!", "a script"),
)


class Contents:
    """What a model file says of itself.

    `inputs` and `outputs` map names to (type, shape), the shape None or with None where a dimension is free;
    `features` are the columns it reads, in order, where the format names them; `operators` are (domain, name),
    `opsets` domain -> version; `metadata` is a JSON value. `said` is a part of a sentence for a reviewer.
    """

    def __init__(self, said: str, metadata: object = None, features: list[str] | None = None) -> None:
        self.said = said
        self.metadata = metadata
        self.features = features
        self.inputs: dict[str, tuple[str, list[int | None] | None]] = {}
        self.outputs: dict[str, tuple[str, list[int | None] | None]] = {}
        self.operators: set[tuple[str, str]] = set()
        self.opsets: dict[str, int] = {}


def refuse_dangerous(path: str) -> None:
    """Raise ContentError for a file whose content is of a format that can run code, whatever its name."""
    with open(path, "rb") as file:
        head = file.read(_SNIFFED)
    if not head:
        raise ContentError("is empty")
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 5:
        raise ContentError("is a pickle, which runs code when it is loaded")
    for sign, what in _DANGEROUS:
        if head.startswith(sign):
            raise ContentError(f"is {what}: that is no format that a gate can vouch for")
    if head[_TAR] == b"ustar":
        raise ContentError("is a tar archive: that is no format that a gate can vouch for")


def is_pickle(data: bytes) -> bool:
    """Whether bytes are a whole pickle of any protocol. The old protocols are plain text."""
    import pickletools

    try:
        for opcode, _, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                return True
    except Exception:  # noqa: BLE001, RUF100 - whatever it stumbles over: the bytes are no pickle
        return False
    return False


def value_at(document: object, key: str) -> Any:
    """Return what a JSON value has under a key, or, where no key is spelled so, at the way a.b.c; else None."""
    if isinstance(document, dict) and key in document:
        return document[key]
    place = document
    for step in key.split("."):
        if not isinstance(place, dict) or step not in place:
            return None
        place = place[step]
    return place


def shown_names(names: Any, limit: int = 5) -> str:
    """Return some names for a message, and how many more there are."""
    found = sorted(visible(name, 80) for name in names)
    rest = f" and {len(found) - limit} more" if len(found) > limit else ""
    return ", ".join(found[:limit]) + rest


# --- mlcc.gates.artifact.lineage ----------------------------------------------------------------------------
# Whether a model says of itself what it was made from, and whether a statement names its digest.
#
# Statements are sha256sum's lines, in-toto Statements (https://github.com/in-toto/attestation, spec/v1), or what
# signs them: DSSE envelopes and Sigstore bundles. Their signatures are for a tool to verify.

_MOST_STATEMENT = 8 << 20
_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_STATED = re.compile(r"(?:(sha256|table|objects):)?([0-9a-f]{64})")
_SUM = re.compile(r"\\?([0-9a-f]{64}) [ *](.+)")
_IN_TOTO = "application/vnd.in-toto+json"


def check_lineage(gate: Gate, metadata: object) -> Iterator[Check]:
    """Yield a check for each artifact whose digest the model's metadata must name."""
    for id, key in gate.params["lineage"].items():
        name, shown, place = f"lineage.{id}", visible(id, 80), visible(key, 80)
        stated = value_at(metadata, key)
        match = _STATED.fullmatch(stated) if isinstance(stated, str) else None
        now = gate.inputs[id]["digest"]
        if match is None:
            message = f"the model's metadata doesn't say at {place} which {shown} it was made from (a sha256 digest)"
            yield Check(name, "fail", message)
        elif f"{match[1] or 'sha256'}:{match[2]}" != now:
            known = f"{match[1] or 'sha256'}:{match[2][:12]}…"
            message = f"the model was made from another {shown} than this run's: {known}, not {now[:19]}…"
            yield Check(name, "fail", message)
        else:
            yield Check(name, "pass", f"the model was made from this run's {shown} ({now[:19]}…)")


def check_statement(gate: Gate, files: Mapping[str, str]) -> Check:
    """Check that a statement names the guarded artifact's digest, or those of all its files.

    `files` maps the path of each file below a guarded folder to its digest; it is empty for a single file.
    """
    id = gate.params["statement"]
    path = gate.path(id)
    named = list(_subjects(read_bytes(path, _MOST_STATEMENT), visible(path)))
    own = gate.inputs[gate.guards]["digest"][len("sha256:") :]
    count = counted(len(named), "subject")
    if own in [digest for _, digest in named]:
        return Check("statement", "pass", f"one of {count} of {visible(path)} is this artifact's digest")
    pairs = {(name, "sha256:" + digest) for name, digest in named}
    if files and all(pair in pairs for pair in files.items()):
        return Check(
            "statement", "pass", f"{visible(path)} names all {counted(len(files), 'file')} by digest"
        )
    return Check("statement", "fail", f"{visible(path)} has {count}, none of which is this artifact's digest")


def _subjects(data: bytes, shown: str) -> Iterator[tuple[str, str]]:
    """Yield (name, sha256 in hex) for each subject of a statement. Raises GateError for what is none."""
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise GateError(f"{shown} is not UTF-8") from None
    if not text:
        raise GateError(f"{shown} is empty")
    if not text.startswith("{"):
        for number, line in enumerate(text.split("\n"), 1):
            match = _SUM.fullmatch(line.rstrip("\r"))
            if match is None:
                raise GateError(f"{shown}, line {number}, is no line of sha256sum")
            yield match[2], match[1]
        return
    try:
        documents = [parse_json(text, shown)]
    except GateError:
        documents = [parse_json(line, shown) for line in text.split("\n") if line.strip()]
    for document in documents:
        yield from _of_statement(_statement(document, shown), shown)


def _statement(document: Any, shown: str) -> Any:
    """Return the statement of a Sigstore bundle or DSSE envelope, or the statement itself."""
    import base64
    import binascii

    document = value_at(document, "dsseEnvelope") or document
    payload = value_at(document, "payload")
    if payload is None:
        return document
    try:
        if not isinstance(payload, str) or value_at(document, "payloadType") != _IN_TOTO:
            raise GateError(f"{shown} is an envelope around something else than an in-toto statement")
        return parse_json(base64.b64decode(payload, validate=True).decode("utf-8"), shown)
    except (binascii.Error, ValueError):
        raise GateError(f"{shown} is an envelope whose payload can't be read") from None


def _of_statement(statement: Any, shown: str) -> Iterator[tuple[str, str]]:
    kind, subjects = value_at(statement, "_type"), value_at(statement, "subject")
    known = isinstance(kind, str) and kind.startswith("https://in-toto.io/Statement/")
    if not known or not isinstance(subjects, list) or not subjects:
        raise GateError(f"{shown} is no in-toto statement with subjects")
    for subject in subjects:
        name, digest = value_at(subject, "name") or "", value_at(subject, "digest.sha256")
        if isinstance(name, str) and isinstance(digest, str) and _HEX.fullmatch(digest):
            yield name, digest


# --- mlcc.gates._models.protobuf ----------------------------------------------------------------------------
# Walks protobuf messages in a file without decoding them: only what is asked for is read.
#
# The wire format is https://protobuf.dev/programming-guides/encoding. Sizes are checked against the message
# around them, so a file can't make a reader allocate more than it holds.

MOST_FIELDS = 4_000_000
_FIXED = {1: 8, 5: 4}
_MOST_TEXT = 1 << 20


class Message:
    """A message: the part [start, end) of `data` (bytes, or a mapped file). Parts share one count of fields."""

    def __init__(self, data: Any, start: int, end: int, count: list[int] | None = None) -> None:
        self.data = data
        self.start = start
        self.end = end
        self.count = [0] if count is None else count

    def fields(self) -> Iterator[tuple[int, int | Message]]:
        """Yield (field number, value): an integer, or the part of the file that holds anything else.

        Raises ContentError for what is no protobuf.
        """
        place = self.start
        while place < self.end:
            self.count[0] += 1
            if self.count[0] > MOST_FIELDS:
                raise ContentError(f"has over {MOST_FIELDS} protobuf fields")
            tag, place = self._varint(place)
            number, wire = tag >> 3, tag & 7
            if not 0 < number < 1 << 29:
                raise ContentError(f"is no protobuf: a field has no proper number at byte {place}")
            if wire == 0:
                value, place = self._varint(place)
                yield number, value
                continue
            if wire == 2:
                size, place = self._varint(place)
            elif wire in _FIXED:
                size = _FIXED[wire]
            else:
                raise ContentError(f"is no protobuf: a field has no known type at byte {place}")
            if size > self.end - place:
                raise ContentError(
                    f"is cut off, or no protobuf: a field at byte {place} is longer than the rest"
                )
            yield number, Message(self.data, place, place + size, self.count)
            place += size

    def integers(self) -> list[int]:
        """Return the integers of a packed field."""
        place, found = self.start, []
        while place < self.end:
            self.count[0] += 1
            value, place = self._varint(place)
            found.append(value)
        return found

    def text(self) -> str:
        """Return a text field."""
        if self.end - self.start > _MOST_TEXT:
            raise ContentError("has a name or text that is over a megabyte long")
        try:
            return bytes(self.data[self.start : self.end]).decode("utf-8")
        except UnicodeDecodeError:
            raise ContentError("has a name or text that isn't UTF-8") from None

    def view(self) -> memoryview:
        """Return the bytes of a field, without a copy."""
        return memoryview(self.data)[self.start : self.end]

    def __len__(self) -> int:
        return self.end - self.start

    def _varint(self, place: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if place >= self.end:
                raise ContentError("is cut off, or no protobuf: it ends inside a number")
            byte = self.data[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & (1 << 64) - 1, place
        raise ContentError(f"is no protobuf: a number has over ten bytes at byte {place}")


def part(value: int | Message) -> Message:
    """Return a value that must be a message, a text or bytes. Raises ContentError."""
    if isinstance(value, int):
        raise ContentError("is no ONNX model: a field has another type than the format says")
    return value


def integer(value: int | Message) -> int:
    """Return a value that must be an integer, with its sign. Raises ContentError."""
    if not isinstance(value, int):
        raise ContentError("is no ONNX model: a field has another type than the format says")
    return value - (1 << 64) if value >> 63 else value


def integers(value: int | Message) -> list[int]:
    """Return a repeated integer field, packed or one by one, with signs."""
    found = [value] if isinstance(value, int) else value.integers()
    return [integer(number) for number in found]


# --- mlcc.gates.artifact.onnx -------------------------------------------------------------------------------
# ONNX models, by a walk over the file: graph, operators, tensors, inputs and outputs. Nothing is loaded.
#
# Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); the rules are
# those of its IR specification (docs/IR.md) and, for data outside of the file, of docs/ExternalData.md.

_DEEPEST_GRAPH = 16
_DEEPEST_TYPE = 8
_MOST_ELEMENTS = 1 << 48
# TensorProto.DataType -> name and bits of an element in raw_data.
TYPES = {
    1: ("float32", 32), 2: ("uint8", 8), 3: ("int8", 8), 4: ("uint16", 16), 5: ("int16", 16), 6: ("int32", 32),
    7: ("int64", 64), 8: ("string", 0), 9: ("bool", 8), 10: ("float16", 16), 11: ("float64", 64),
    12: ("uint32", 32), 13: ("uint64", 64), 14: ("complex64", 64), 15: ("complex128", 128), 16: ("bfloat16", 16),
    17: ("float8e4m3fn", 8), 18: ("float8e4m3fnuz", 8), 19: ("float8e5m2", 8), 20: ("float8e5m2fnuz", 8),
    21: ("uint4", 4), 22: ("int4", 4), 23: ("float4e2m1", 4), 24: ("float8e8m0", 8), 25: ("uint2", 2),
    26: ("int2", 2), 27: ("float6e2m3", 6), 28: ("float6e3m2", 6),
}  # fmt: skip
_TYPED_DATA = (4, 5, 6, 7, 10, 11)
_OTHER_VALUES = {4: "sequence", 5: "map", 7: "opaque", 8: "sparse", 9: "optional"}


class _Found:
    """What the walk has met."""

    def __init__(self) -> None:
        self.operators: set[tuple[str, str]] = set()
        self.functions: set[tuple[str, str]] = set()
        self.nodes = 0


def read_onnx(path: str) -> Contents:
    """Return what an ONNX file says of itself. Raises ContentError where it is no sound model of one file."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _model(Message(data, 0, len(data)))


def _model(message: Message) -> Contents:
    found, contents = _Found(), Contents("")
    version, graphs, metadata = 0, [], {}
    for number, value in message.fields():
        if number == 1:
            version = integer(value)
        elif number == 8:
            domain, opset = _opset(part(value))
            contents.opsets[domain] = max(opset, contents.opsets.get(domain, 0))
        elif number == 14:
            key, text = _pair(part(value))
            if key in metadata:
                raise ContentError(f"has the metadata {visible(key, 80)} twice")
            metadata[key] = text
        elif number == 7:
            graphs.append(part(value))
        elif number == 20:
            _training(part(value), found)
        elif number == 25:
            _function(part(value), found)
    if version < 1 or not graphs or not contents.opsets:
        raise ContentError("is no ONNX model: it lacks a version, a graph or its operator sets")
    for graph in graphs:  # a parser would join them
        _graph(graph, found, 0, contents)
    if not found.nodes and not contents.outputs:
        raise ContentError("is an ONNX model without nodes and outputs")
    contents.operators = found.operators - found.functions
    contents.metadata = metadata
    sets = ", ".join(f"{domain or 'ai.onnx'} {v}" for domain, v in sorted(contents.opsets.items()))
    kinds = counted(len(found.operators), "operator")
    contents.said = f"ONNX (IR {version}; {visible(sets)}), {counted(found.nodes, 'node')} of {kinds}"
    return contents


def _opset(message: Message) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in message.fields():
        if number == 1:
            domain = _domain(part(value).text())
        elif number == 2:
            version = integer(value)
    return domain, version


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _pair(message: Message) -> tuple[str, str]:
    key, text = "", ""
    for number, value in message.fields():
        if number == 1:
            key = part(value).text()
        elif number == 2:
            text = part(value).text()
    return key, text


def _training(message: Message, found: _Found) -> None:
    for number, value in message.fields():
        if number in (1, 2):
            _graph(part(value), found, 1)


def _function(message: Message, found: _Found) -> None:
    name, domain = "", ""
    for number, value in message.fields():
        if number == 1:
            name = part(value).text()
        elif number == 10:
            domain = _domain(part(value).text())
        elif number == 7:
            _node(part(value), found, 1)
        elif number == 11:
            _attribute(part(value), found, 1)
    found.functions.add((domain, name))


def _graph(message: Message, found: _Found, depth: int, contents: Contents | None = None) -> None:
    """Walk a graph; `contents` takes the inputs and outputs of the outermost one."""
    if depth > _DEEPEST_GRAPH:
        raise ContentError(f"has graphs inside graphs, over {_DEEPEST_GRAPH} deep")
    constants = set()
    inputs: dict[str, tuple[str, list[int | None] | None]] = {}
    for number, value in message.fields():
        if number == 1:
            _node(part(value), found, depth)
        elif number == 5:
            constants.add(_tensor(part(value)))
        elif number == 15:
            _sparse(part(value))
        elif number == 11 and contents is not None:
            _named(inputs, part(value))
        elif number == 12 and contents is not None:
            _named(contents.outputs, part(value))
    if contents is not None:
        # Before IR 4 each constant was an input too, with a default.
        contents.inputs.update((name, what) for name, what in inputs.items() if name not in constants)


def _named(values: dict[str, tuple[str, list[int | None] | None]], message: Message) -> None:
    name, what = "", None
    for number, value in message.fields():
        if number == 1:
            name = part(value).text()
        elif number == 2:
            what = _value_type(part(value), 0)
    if not name or what is None or name in values:
        raise ContentError("has an input or output without a name or type, or one twice")
    values[name] = what


def _value_type(message: Message, depth: int) -> tuple[str, list[int | None] | None]:
    if depth > _DEEPEST_TYPE:
        raise ContentError(f"has types inside types, over {_DEEPEST_TYPE} deep")
    found: tuple[str, list[int | None] | None] | None = None
    for number, value in message.fields():
        if number == 1:
            found = _tensor_type(part(value))
        elif number in _OTHER_VALUES:
            found = _OTHER_VALUES[number], None
    if found is None:
        raise ContentError("has an input or output without a type")
    return found


def _tensor_type(message: Message) -> tuple[str, list[int | None] | None]:
    name, shape = "", None
    for number, value in message.fields():
        if number == 1:
            name = TYPES.get(integer(value), ("", 0))[0]
        elif number == 2:
            shape = [_dimension(part(item)) for field, item in part(value).fields() if field == 1]
    if not name:
        raise ContentError("has an input or output whose elements have no known type")
    return name, shape


def _dimension(message: Message) -> int | None:
    size = None
    for number, value in message.fields():
        if number == 1:
            size = integer(value)
    return size if size is not None and size >= 0 else None


def _node(message: Message, found: _Found, depth: int) -> None:
    name, domain = "", ""
    for number, value in message.fields():
        if number == 4:
            name = part(value).text()
        elif number == 7:
            domain = _domain(part(value).text())
        elif number == 5:
            _attribute(part(value), found, depth)
    if not name:
        raise ContentError("has a node without an operator")
    found.nodes += 1
    found.operators.add((domain, name))


def _attribute(message: Message, found: _Found, depth: int) -> None:
    for number, value in message.fields():
        if number in (5, 10):
            _tensor(part(value))
        elif number in (6, 11):
            _graph(part(value), found, depth + 1)
        elif number in (22, 23):
            _sparse(part(value))


def _sparse(message: Message) -> None:
    for number, value in message.fields():
        if number in (1, 2):
            _tensor(part(value))


def _tensor(message: Message) -> str:
    """Check that a tensor's data is in the file, and as long as its shape says; return its name."""
    name, kind, raw, held = "", 0, -1, 0
    shape: list[int] = []
    for number, value in message.fields():
        if number == 1:
            shape += integers(value)
        elif number == 2:
            kind = integer(value)
        elif number == 8:
            name = part(value).text()
        elif number == 13 or (number == 14 and integer(value) != 0):
            raise ContentError("has data outside of the file (external_data), which no digest of it binds")
        elif number == 9:
            raw = len(part(value))
        elif number in _TYPED_DATA:
            held += 1 if isinstance(value, int) else max(1, len(value))
    if kind not in TYPES:
        raise ContentError(f"has the tensor {visible(name, 80)} without a known type")
    _check_size(name, _elements(shape, name), TYPES[kind][1], raw, held)
    return name


def _elements(shape: list[int], name: str) -> int:
    count = 1
    for size in shape:
        count *= size
        if size < 0 or count > _MOST_ELEMENTS:
            raise ContentError(f"has the tensor {visible(name, 80)} with an impossible shape")
    return count


def _check_size(name: str, elements: int, bits: int, raw: int, held: int) -> None:
    """Hold a tensor's number of elements against its bytes: exactly in raw_data, else as a bound.

    In the typed fields an element takes at least half a byte.
    """
    fits = raw == (elements * bits + 7) // 8 if raw >= 0 and bits else elements <= 2 * held
    if not fits:
        raise ContentError(f"has the tensor {visible(name, 80)} whose data isn't as long as its shape says")


def undeclared(contents: Contents) -> Iterator[str]:
    """Yield the domains whose operators a model uses and whose operator set it doesn't import."""
    yield from sorted({domain for domain, _ in contents.operators} - set(contents.opsets))


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


# --- mlcc.gates.artifact.schema -----------------------------------------------------------------------------
# A model's inputs and outputs against what is declared, and its features against the table it is served from.

_INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
_NUMBERS = (*_INTEGERS, "BOOLEAN", "FLOAT", "DOUBLE", "DECIMAL")
# Text files have no types: a contract on the table says what its texts must be.
_UNTYPED = ("JSON",)


def check_values(which: str, declared: Sequence[dict[str, Any]], contents: Contents) -> Check:
    """Hold all of a model's inputs (or outputs) against the declared ones. `which` is inputs or outputs."""
    found: Mapping[str, tuple[str, list[int | None] | None]] = getattr(contents, which)
    wrong = []
    for value in declared:
        name = value["name"]
        if name not in found:
            wrong.append(f"{visible(name, 80)} is missing")
        elif not _fits(value, *found[name], given=which == "inputs"):
            shown = f"is {_shown_type(*found[name])}, and {_shown_type(value['type'], value.get('shape'))} is declared"
            wrong.append(f"{visible(name, 80)} {shown}")
    others = set(found) - {value["name"] for value in declared}
    if others:
        wrong.append(f"{shown_names(others)} {'is' if len(others) == 1 else 'are'} not declared")
    count = counted(len(declared), which[:-1])
    if wrong:
        return Check(which, "fail", f"the model's {which} aren't the declared ones: {'; '.join(wrong)}")
    return Check(
        which, "pass", f"the model has the {count} that {'is' if len(declared) == 1 else 'are'} declared"
    )


def _fits(declared: Mapping[str, Any], kind: str, shape: Sequence[int | None] | None, *, given: bool) -> bool:
    """Whether a model takes what is declared (`given`), or gives nothing else."""
    if kind != declared["type"]:
        return False
    wanted = declared.get("shape")
    if wanted is None:
        return True
    if shape is None or len(shape) != len(wanted):
        return False
    if given:  # a free dimension takes every size, a fixed one only its own
        return all(own is None or own == size for size, own in zip(wanted, shape))  # noqa: B905 - Python 3.8
    return all(size is None or own == size for size, own in zip(wanted, shape))  # noqa: B905 - Python 3.8


def _shown_type(kind: str, shape: Sequence[int | None] | None) -> str:
    if shape is None:
        return kind
    return f"{kind}[{', '.join('any' if size is None else str(size) for size in shape)}]"


def features_of(params: Mapping[str, Any], contents: Contents, metadata: object) -> list[str]:
    """Return the columns that a model reads, in order. Raises GateError where nothing names them."""
    key = params.get("features")
    names: Any = contents.features or list(contents.inputs)
    if key is not None:
        names = value_at(metadata, key)
        if isinstance(names, str):  # the metadata of ONNX and safetensors are texts
            names = [name.strip() for name in names.split(",")]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        where = "the model" if key is None else f"its metadata, at {visible(key, 80)},"
        raise GateError(f"{where} names no features: say under `features` where they are listed")
    return names


def check_columns(gate: Gate, features: Sequence[str], contents: Contents) -> list[Check]:
    """Hold the features against the columns of the table `schema_of`."""
    table = gate.params["schema_of"]
    columns = _columns(gate, table["artifact"], table["format"])
    shown = visible(gate.path(table["artifact"]))
    checks = [_check_width(features, contents)] if gate.params.get("features") and contents.inputs else []
    twice = {name for name in features if list(features).count(name) > 1}
    missing = [name for name in features if name not in columns]
    if twice or missing:
        what = f"reads {shown_names(twice)} twice" if twice else f"reads {shown_names(missing)}"
        why = "" if twice else f", which {shown} doesn't have"
        return [*checks, Check("columns", "fail", f"the model {what}{why}", n=len(features))]
    kinds = {name: contents.inputs.get(name, ("", None))[0] for name in features}
    wrong = [
        f"{visible(name, 80)} is {visible(columns[name], 40)}" + (f" and goes to {kind}" if kind else "")
        for name, kind in kinds.items()
        if not _takes(kind, columns[name])
    ]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        message = f"columns of {shown} have another type than the model takes: {', '.join(wrong[:5])}{more}"
        return [*checks, Check("columns", "fail", message, n=len(features))]
    message = f"{shown} has {counted(len(features), 'column')} that the model reads"
    return [*checks, Check("columns", "pass", message, n=len(features))]


def _check_width(features: Sequence[str], contents: Contents) -> Check:
    """Hold the number of listed features against the width of the model's one input matrix."""
    inputs = list(contents.inputs.items())
    width = inputs[0][1][1][-1] if len(inputs) == 1 and inputs[0][1][1] else None
    count = counted(len(features), "feature")
    if width is None:
        return Check(
            "features",
            "pass",
            f"{count} {'is' if len(features) == 1 else 'are'} listed; the input's width is free",
        )
    verdict = "pass" if width == len(features) else "fail"
    return Check(
        "features", verdict, f"{count} listed, and the input takes {width}", estimate=len(features), n=width
    )


def _columns(gate: Gate, artifact: str, format: str) -> dict[str, str]:
    table = open_table(gate, artifact, format)
    close(table, gate)
    return {name: "" if format != "parquet" else kind for name, kind in table.columns.items()}


def _takes(kind: str, column: str) -> bool:
    """Whether a column can be fed to an input. An input without a type of its own is a matrix of numbers."""
    stored = column.partition("(")[0]
    if not column or stored in _UNTYPED:
        return True
    if kind == "string":
        return stored == "VARCHAR"
    if kind.startswith(("int", "uint")):
        return stored in _INTEGERS or stored == "BOOLEAN"
    if kind == "bool":
        return stored == "BOOLEAN"
    return stored in _NUMBERS


# --- mlcc.gates._models.safetensors -------------------------------------------------------------------------
# safetensors files: a JSON header that says where each tensor lies, and nothing else.
#
# The format and its rules (no overlap, no hole, nothing behind the last tensor) are those of
# https://github.com/huggingface/safetensors#format.

_MOST_HEADER = 16 << 20
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64, "F4": 4,
    "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


class Tensor:
    """A tensor: its name, its type as the format spells it, its number of elements, and its bytes [start, end)."""

    def __init__(self, name: str, kind: str, elements: int, start: int, end: int) -> None:
        self.name = name
        self.kind = kind
        self.elements = elements
        self.start = start
        self.end = end


def safetensors_layout(data: Any) -> tuple[dict[str, str], list[Tensor]]:
    """Return the metadata of a safetensors file, and its tensors as they lie in it: at least one.

    `data` is the file: bytes, a mapped file or a view of one. Raises ContentError for what the format forbids.
    """
    header, body = _described(data)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ContentError("has safetensors metadata that aren't texts")
    tensors = [_tensor_of(name, entry, body) for name, entry in header.items()]
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end, tensor.name))
    _check_layout(tensors, body, len(data))
    return metadata, tensors


def _described(data: Any) -> tuple[dict[str, Any], int]:
    """Return the header, and where the tensors' bytes begin."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 10 or not 2 <= length <= len(data) - 8:
        raise ContentError("is no safetensors file, or cut off: its header is longer than the file")
    if length > _MOST_HEADER:
        raise ContentError(f"has a header of over {_MOST_HEADER} bytes")
    text = bytes(data[8 : 8 + length])
    if not text.startswith(b"{"):
        raise ContentError("is no safetensors file: its header is no JSON object")
    try:
        header = parse_json(text.decode("utf-8"), "its header")
    except (GateError, UnicodeDecodeError) as error:
        why = "it isn't UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise ContentError(f"has no proper safetensors header: {why}") from None
    assert isinstance(header, dict)
    return header, 8 + length


def _check_layout(tensors: list[Tensor], start: int, end: int) -> None:
    """Refuse tensors, in the order of their places, that overlap, leave holes, or don't fill [start, end)."""
    if not tensors:
        raise ContentError("holds no tensor")
    for tensor in tensors:
        if tensor.start != start:
            raise ContentError(
                f"has the tensor {visible(tensor.name, 80)} that overlaps another, or a hole before it"
            )
        start = tensor.end
    if start != end:
        raise ContentError("is cut off, or has bytes behind its last tensor")


def _tensor_of(name: str, entry: Any, body: int) -> Tensor:
    keys = {"dtype", "shape", "data_offsets"}
    shown = f"has the tensor {visible(name, 80)}"
    known = isinstance(entry, dict) and set(entry) == keys and isinstance(entry["dtype"], str)
    if not known or entry["dtype"] not in _BITS:
        raise ContentError(f"{shown} without a known type, shape or place")
    shape, offsets = entry["shape"], entry["data_offsets"]
    sound = isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2
    if not sound or not all(type(number) is int and number >= 0 for number in (*shape, *offsets)):
        raise ContentError(f"{shown} without a proper shape or place")
    elements, width = 1, _BITS[entry["dtype"]]
    for dimension in shape:
        elements *= dimension
        if elements * width > 1 << 63:
            raise ContentError(f"{shown} with an impossible shape")
    if elements * width % 8 or offsets[1] - offsets[0] != elements * width // 8:
        raise ContentError(f"{shown} whose data isn't as long as its shape says")
    return Tensor(name, entry["dtype"], elements, body + offsets[0], body + offsets[1])


# --- mlcc.gates.artifact.tensors ----------------------------------------------------------------------------
# What a safetensors file says of itself.

def read_safetensors(path: str) -> Contents:
    """Return what a safetensors file says of itself. Raises ContentError."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        metadata, tensors = safetensors_layout(data)
    return Contents(f"safetensors with {counted(len(tensors), 'tensor')}", metadata)


# --- mlcc.gates.artifact.trees ------------------------------------------------------------------------------
# Tree ensembles as text: XGBoost's JSON and LightGBM's own format, checked tree by tree.
#
# See https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html and LightGBM's gbdt_model_text.cpp.

MOST_TEXT = 256 << 20  # bytes of a text file; a text takes a few times as much in memory
MOST_JSON = 64 << 20  # the same for JSON, which takes ten times as much
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r")


def read_text(path: str) -> Contents:
    """Return the contents of plain text. Raises ContentError for controls, other encodings and pickles."""
    return Contents(f"text of {counted(_plain_text(path).count(chr(10)), 'line')}")


def _plain_text(path: str, limit: int = MOST_TEXT) -> str:
    data = read_bytes(path, limit)
    controls = _CONTROLS.intersection(data)
    if controls:
        raise ContentError(f"is no text: it has the byte {min(controls)}")
    if is_pickle(data):
        raise ContentError("is a pickle, which runs code when it is loaded")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContentError(f"is no UTF-8 text, at byte {error.start}") from None


def read_json_file(path: str) -> Contents:
    """Return the contents of a JSON file, strictly read; its value is the metadata. Raises ContentError."""
    text = _plain_text(path, MOST_JSON)
    try:
        value = parse_json(text, "it")
    except GateError as error:
        raise ContentError(f"is no proper JSON: {error}") from None
    return Contents("JSON", value)


def read_xgboost(path: str) -> Contents:
    """Return what XGBoost's JSON says of itself. Raises ContentError where its trees aren't sound."""
    contents = read_json_file(path)
    learner = value_at(contents.metadata, "learner")
    count = _number(value_at(learner, "learner_model_param.num_feature"))
    booster = value_at(learner, "gradient_booster")
    while isinstance(booster, dict) and "gbtree" in booster:  # dart holds its trees one level deeper
        booster = booster["gbtree"]
    trees = value_at(booster, "model.trees")
    if count is None or not isinstance(trees, list) or not trees:
        raise ContentError("is no XGBoost model of trees: it lacks a number of features or trees")
    for number, tree in enumerate(trees):
        _check_xgboost_tree(tree, number, count)
    names = value_at(learner, "feature_names") or []
    if not _is_names(names) or (names and len(names) != count):
        raise ContentError("names other features than it has")
    said = f"XGBoost JSON with {counted(len(trees), 'tree')} over {counted(count, 'feature')}"
    return Contents(said, value_at(learner, "attributes"), list(names) or None)


def _is_names(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _number(text: object) -> int | None:
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return int(text)


def _check_xgboost_tree(tree: Any, number: int, features: int) -> None:
    lists = ("left_children", "right_children", "split_indices", "split_conditions")
    columns: list[Any] = [tree.get(name) for name in lists] if isinstance(tree, dict) else []
    if not columns or not all(isinstance(column, list) and column for column in columns):
        raise ContentError(f"has tree {number} without its nodes")
    left, right, split, condition = columns
    size = len(left)
    sound = (
        all(len(column) == size for column in columns)
        and all(type(child) is int and -1 <= child < size for child in (*left, *right))
        and all(type(feature) is int and 0 <= feature < max(features, 1) for feature in split)
        and all(is_finite(value) for value in condition)
        and _is_tree(size, {node: (left[node], right[node]) for node in range(size) if left[node] != -1})
    )
    if not sound:
        raise ContentError(f"has tree {number} that isn't sound: its nodes, features or values don't fit")


def _is_tree(size: int, children: Mapping[int, tuple[int, int]]) -> bool:
    """Whether following the children from node 0 ends: a node met twice would be walked for ever."""
    pending, seen = [0], {0}
    while pending:
        for child in children.get(pending.pop(), ()):
            if child in seen or not 0 <= child < size:
                return False
            seen.add(child)
            pending.append(child)
    return True


def read_lightgbm(path: str) -> Contents:
    """Return what LightGBM's text says of itself. Raises ContentError where its trees aren't sound."""
    lines = _plain_text(path).split("\n")
    if lines[0].rstrip("\r") != "tree" or not any(line.startswith("end of trees") for line in lines):
        raise ContentError(
            "is no LightGBM model, or cut off: it lacks its first line or the end of its trees"
        )
    blocks = _blocks(lines)
    head = next(blocks)
    last, names = _number(head.get("max_feature_idx")), head.get("feature_names", "").split(" ")
    if last is None or len(names) != last + 1 or not all(names):
        raise ContentError("names other features than it has")
    count = 0
    for tree in blocks:
        if tree.get("Tree") != str(count):
            raise ContentError(f"lacks tree {count}, or has it in another place")
        _check_lightgbm_tree(tree, count, last)
        count += 1
    if count != len(head.get("tree_sizes", "").split()) or not count:
        raise ContentError(f"has {counted(count, 'tree')}, which isn't the number that it states")
    said = f"LightGBM text with {counted(count, 'tree')} over {counted(len(names), 'feature')}"
    return Contents(said, None, names)


def _blocks(lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the KEY=value lines before the first tree, then those of each tree."""
    block: dict[str, str] = {}
    for line in lines:
        key, sign, value = line.rstrip("\r").partition("=")
        if key == "end of trees":
            break
        if key == "Tree":
            yield block
            block = {}
        if sign:
            block[key] = value
    yield block


def _check_lightgbm_tree(tree: Mapping[str, str], number: int, last: int) -> None:
    leaves = _number(tree.get("num_leaves"))
    values = tree.get("leaf_value", "").split()
    if leaves is None or leaves < 1 or len(values) != leaves or not all(_is_real(value) for value in values):
        raise ContentError(f"has tree {number} without a proper number of leaves or values")
    inner = leaves - 1
    split = [_number(text) for text in tree.get("split_feature", "").split()]
    left, right = (
        [_signed(text) for text in tree.get(f"{side}_child", "").split()] for side in ("left", "right")
    )
    thresholds = tree.get("threshold", "").split()
    sound = (
        {len(split), len(left), len(right), len(thresholds)} == {inner}
        and all(feature is not None and feature <= last for feature in split)
        and all(child is not None and -leaves <= child < inner for child in (*left, *right))
        and all(_is_real(threshold) for threshold in thresholds)
        # Leaf i is written as ~i: counted behind the inner nodes, it is a node without children.
        and _is_tree(
            2 * leaves - 1, {i: (_place(left[i], inner), _place(right[i], inner)) for i in range(inner)}
        )
    )
    if not sound:
        raise ContentError(f"has tree {number} that isn't sound: its nodes, features or values don't fit")


def _place(child: int | None, inner: int) -> int:
    assert child is not None
    return child if child >= 0 else inner + ~child


def _signed(text: str) -> int | None:
    number = _number(text[1:] if text.startswith("-") else text)
    return -number if number is not None and text.startswith("-") else number


def _is_real(text: str) -> bool:
    try:
        return is_finite(float(text)) and "_" not in text
    except ValueError:
        return False


# --- mlcc.gates.artifact.runtime ----------------------------------------------------------------------------
# The gate `artifact`: the bytes of a model, their format, what they say of themselves, and where they come from.

READERS = {
    "onnx": read_onnx,
    "safetensors": read_safetensors,
    "xgboost": read_xgboost,
    "lightgbm": read_lightgbm,
    "json": read_json_file,
    "text": read_text,
}
_OWN_DOMAINS = ("", "ai.onnx.ml")
_MOST_FILES = 10_000


def judge(gate: Gate) -> Verdict:
    """Judge the artifact's bytes; what it says of itself only where they are sound."""
    files = _files_of(gate.path(gate.guards))
    checks = [*_check_bytes(gate, files)]
    contents: dict[str, Contents] = {}
    checks += _read_files(gate, files, contents)
    if all(check.verdict == "pass" for check in checks if check.id.startswith("file")):
        checks += _check_claims(gate, contents)
    if "statement" in gate.params:
        checks.append(check_statement(gate, _digests(files)))
    # The tool comes last: it is not run on bytes that have failed.
    if "run" in gate.params and all(check.verdict == "pass" for check in checks):
        checks.append(_verify(gate))
    return verdict_of(checks)


def _files_of(path: str) -> dict[str, str]:
    """Return the files of the artifact: path below the folder ("" for a single file) to where it lies."""
    if not path.endswith("/"):
        return {"": path}
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            place = os.path.join(folder, name)
            found[os.path.relpath(place, path).replace(os.sep, "/")] = place
            if len(found) > _MOST_FILES:
                raise GateError(f"{visible(path)} has over {_MOST_FILES} files")
    return found


def _digests(files: Mapping[str, str]) -> dict[str, str]:
    return {name: file_digest(place) for name, place in files.items() if name}


def _check_bytes(gate: Gate, files: Mapping[str, str]) -> Iterator[Check]:
    size = sum(os.path.getsize(place) for place in files.values())
    most = gate.params.get("max_bytes")
    if most is not None:
        verdict = "pass" if size <= most else "fail"
        message = f"the artifact has {size} bytes; at most {most} are allowed"
        yield Check("size", verdict, message, estimate=size, threshold={"max": most}, margin=most - size)
    wanted = gate.params.get("digest")
    if wanted is not None:
        found = gate.inputs[gate.guards]["digest"]
        verdict = "pass" if found == wanted else "fail"
        told = "as pinned" if found == wanted else f"and {wanted} is pinned"
        yield Check("digest", verdict, f"the artifact's digest is {found}, {told}")


def _read_files(gate: Gate, files: Mapping[str, str], contents: dict[str, Contents]) -> Iterator[Check]:
    """Yield a check for each file; `contents` takes what each says of itself, by the path of the parameters."""
    rules = gate.params["files"]
    unmatched = {rule["path"] for rule in rules}
    unknown = []
    for name in sorted(files):
        rule = next((rule for rule in rules if not name or path_matches(rule["path"], name)), None)
        if rule is None:
            unknown.append(name)
            continue
        unmatched.discard(rule["path"])
        yield _read_one(rule, name, files[name], contents)
    if unknown or unmatched:
        what = [f"{shown_names(unknown)} is not declared"] if unknown else []
        what += [f"{shown_names(unmatched)} is missing"] if unmatched else []
        yield Check("files", "fail", f"the folder doesn't hold the declared files: {'; '.join(what)}")
    elif "" not in files:
        yield Check("files", "pass", f"the folder holds the declared files and no others ({len(files)})")


def _read_one(rule: Mapping[str, str], name: str, place: str, contents: dict[str, Contents]) -> Check:
    id, shown = f"file.{name}" if name else "file", visible(name or place)
    try:
        refuse_dangerous(place)
        found = READERS[rule["format"]](place)
    except ContentError as error:
        return Check(id, "fail", f"{shown} {error}; its format must be {rule['format']}")
    contents[rule["path"]] = found
    return Check(id, "pass", f"{shown} is {found.said}")


def _check_claims(gate: Gate, contents: Mapping[str, Contents]) -> Iterator[Check]:
    """Yield the checks on what the model says of itself."""
    params = gate.params
    model = contents[params["model"]]
    metadata = contents[params.get("metadata", params["model"])].metadata
    if model.operators:
        yield _check_operators(params.get("operators", {}), model)
    if "opset" in params:
        yield _check_opset(params["opset"], model)
    for which in ("inputs", "outputs"):
        if which in params:
            yield check_values(which, params[which], model)
    if "schema_of" in params:
        try:
            yield from check_columns(gate, features_of(params, model, metadata), model)
        except GateError as error:
            yield Check("columns", "error", str(error))
    if "lineage" in params:
        yield from check_lineage(gate, metadata)


def _check_operators(rules: Mapping[str, Any], model: Contents) -> Check:
    """Refuse operators that the runtime would take from a library of its own, denied ones and undeclared ones."""
    names = {_operator(domain, name): domain for domain, name in model.operators}
    domains = {*_OWN_DOMAINS, *rules.get("domains", ())}
    foreign = [name for name, domain in names.items() if domain not in domains]
    allowed = rules.get("allow")
    refused = [name for name in names if allowed is not None and name not in allowed]
    denied = [name for name in names if name in rules.get("deny", ())]
    for what, found in (
        ("of domains that aren't ONNX' own", foreign),
        ("that aren't allowed", refused),
        ("that are denied", denied),
        ("of operator sets that it doesn't import", list(undeclared(model))),
    ):
        if found:
            return Check("operators", "fail", f"the model has operators {what}: {shown_names(found)}")
    return Check(
        "operators", "pass", f"the model's {counted(len(names), 'operator')} may occur", n=len(names)
    )


def _operator(domain: str, name: str) -> str:
    return f"{domain}:{name}" if domain else name


def _check_opset(limits: Mapping[str, int], model: Contents) -> Check:
    version = model.opsets.get("")
    if version is None:
        return Check("opset", "pass", "the model needs nothing of ONNX' own operator set")
    most = limits.get("max")
    good = version >= limits["min"] and (most is None or version <= most)
    wanted = f"at least {limits['min']}" + ("" if most is None else f" and at most {most}")
    message = f"the model needs version {version} of ONNX' operator set; {wanted} is required"
    return Check("opset", "pass" if good else "fail", message, estimate=version, threshold=dict(limits))


def _verify(gate: Gate) -> Check:
    setup, command = program(gate.params)
    code = run_program(gate, setup, command, {})
    message = f"the verifying tool ended with exit code {code}"
    return Check("verify", "pass" if code == 0 else "fail", message)


def main() -> int:
    """Run the gate that the command line names."""
    return run("artifact", judge, __file__, sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
