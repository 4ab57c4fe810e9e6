# mlcc:generated sha256=6a4c87fa582c384bd5ef23d87afdc9b1629b6d0e0f4e965ba251270b9f3e19a9
# fmt: off
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# isort: skip_file
"""What people read of a run: the page with its plots, annotations, the comment on its pull request, reports.

python3 -I .mlcc/report.py page | notes | comment | summary | reports

This file stands alone on purpose: it runs where mlcc is not installed, and needs no other file of
mlcc. It was joined from these modules of mlcc, which are tested as they are:
  mlcc.gates._records, mlcc.strict_json, mlcc.gates._strict, mlcc.gates.tests.xml_reports,
  mlcc.runtime.platform, mlcc.runtime.records, mlcc.report.reports, mlcc.report.findings,
  mlcc.runtime.log, mlcc.report.markup, mlcc.report.shown, mlcc.runtime.web, mlcc.report.comment,
  mlcc.report.forges, mlcc.report.notes, mlcc.report.svg, mlcc.report.plots, mlcc.report.style,
  mlcc.report.html, mlcc.report.margin, mlcc.report.page, mlcc.runtime.rest, mlcc.report.post,
  mlcc.backends.github.platform, mlcc.backends.gitlab.platform, mlcc.backends.jenkins.platform,
  mlcc.runtime.platforms, mlcc.report.main
Don't edit it: `mlcc compile` writes it again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import os
import re
import signal
import stat
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from html import escape
from math import floor, isfinite
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from xml.parsers import expat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
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


# --- mlcc.report.reports ------------------------------------------------------------------------------------
# Reads the reports that nodes leave for people, without trust, and says what they say in a sentence.
#
# The node's machine reads the files, in a process of its own; its record travels with the node's state. What is missing,
# too large or no such report is said to be that. Standard library only: bundled into the emitted script.

MOST_BYTES = 16 << 20
MOST_ITEMS = 20
MOST_TEXT = 20_000  # characters that are shown of a text
MOST_ITEM = 300  # characters
LEVELS = ("error", "warning", "note")


class Said(NamedTuple):
    """What a report says: a sentence, its failed tests or findings, and its text where that is shown."""

    words: str
    items: tuple[str, ...] = ()
    text: str = ""


class Told(NamedTuple):
    """What one report of one leg of a node says. `node` has the leg in brackets.

    `items` are at most `MOST_ITEMS`, `more` how many there are beyond. `readable` False: `words` say why.
    """

    node: str
    id: str
    format: str
    words: str
    items: list[str]
    more: int
    text: str
    readable: bool


def record_reports(plan: dict[str, Any], node: str, leg: str) -> None:
    """Write what the reports of a leg say beside its state. Raises RunError for another leg than the plan's."""
    found = plan["nodes"].get(node)
    if found is None or leg not in legs_of(found):
        raise RunError("MLCC_NODE and MLCC_LEG name no leg of the plan")
    told = {
        id: _report_record(report, report_folder(node, leg) / id)
        for id, report in found.get("reports", {}).items()
    }
    write_record(
        state_folder(node, leg) / "reports.json", {"schema": "https://mlcc.dev/reports/1", "reports": told}
    )


def read_reports(plan: dict[str, Any], only: tuple[str, str] | None = None) -> list[Told]:
    """Return what the reports of a run say, or of `only` one leg (node, leg). Raises no error for what a run left."""
    legs = [(id, leg) for id, node in plan["nodes"].items() if node.get("reports") for leg in legs_of(node)]
    return [
        told
        for id, leg in legs
        if only in (None, (id, leg))
        for told in _told_of_leg(plan["nodes"][id], id, leg)
    ]


def _report_record(report: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the record of one report, whose copy lies in `folder`."""
    path = folder / Path(report["path"]).name
    try:
        if path.is_symlink() or not path.is_file():
            raise GateError(f"it was not left at {visible(str(report['path']))}")
        said = READERS[report["format"]](str(path))
    except (GateError, OSError, ValueError, RecursionError) as problem:
        return {"words": visible(str(problem), 600), "readable": False}
    items = [visible(item, MOST_ITEM) for item in said.items[:MOST_ITEMS]]
    more = len(said.items) - len(items)
    return {"words": said.words, "readable": True, "items": items, "more": more, "text": said.text}


def _told_of_leg(node: dict[str, Any], id: str, leg: str) -> list[Told]:
    name = f"{id} ({leg})" if leg else id
    path = state_folder(id, leg) / "reports.json"
    try:
        record = read_record(path)
    except RunError:
        record = {}
    if record is None:
        return []  # it didn't run
    found = record.get("reports")
    return [_told_of(name, report, one, found) for one, report in node["reports"].items()]


def _told_of(node: str, report: dict[str, Any], id: str, found: object) -> Told:
    """Return a report's record as far as it is what this module writes."""
    one = found.get(id) if isinstance(found, dict) else None
    one = one if isinstance(one, dict) else {}
    words, items, more, text = (one.get(key) for key in ("words", "items", "more", "text"))
    return Told(
        node=node,
        id=id,
        format=str(report["format"]),
        words=visible(words, 600) if isinstance(words, str) else "what it says is not known",
        items=[visible(str(item), MOST_ITEM) for item in items[:MOST_ITEMS]]
        if isinstance(items, list)
        else [],
        more=more if type(more) is int and 0 < more < 10**9 else 0,
        text=text[:MOST_TEXT] if isinstance(text, str) else "",
        readable=one.get("readable") is True and isinstance(words, str),
    )


# --- formats --------------------------------------------------------------------------------------


def _junit_said(path: str) -> Said:
    counts = read_junit(path)
    total = counts.passed + counts.failed + counts.skipped
    if total == 0:
        return Said("no test ran")
    words = (
        f"{counted(total, 'test')}: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped"
    )
    return Said(words, tuple(counts.failures))


def _cobertura_said(path: str) -> Said:
    # rounded down: 100 % is said of nothing less
    return Said(f"{floor(read_coverage(path) * 1000) / 10} % of lines are covered")


def _sarif_said(path: str) -> Said:
    log = read_json(path, MOST_BYTES, finite=False)
    if (
        not isinstance(log, dict)
        or not str(log.get("version")).startswith("2.")
        or not _is_objects(log.get("runs"))
    ):
        raise GateError("it is not a SARIF log of version 2")
    found: list[tuple[str, str]] = []
    suppressed = 0
    for run in log["runs"]:
        results = run.get("results")
        if not _is_objects([] if results is None else results):
            raise GateError("it is not a SARIF log: its results are no list of objects")
        rules = _rule_levels(run)
        for result in results or ():
            if _is_suppressed(result):
                suppressed += 1
            else:
                found.append(_finding_said(result, rules))
    counts = [counted(sum(level == one for level, _ in found), one) for one in LEVELS]
    words = ", ".join(counts) if any(level in LEVELS for level, _ in found) else "no findings"
    ranked = sorted((f for f in found if f[0] in LEVELS), key=lambda one: LEVELS.index(one[0]))
    more = f", {suppressed} suppressed" if suppressed else ""
    return Said(words + more, tuple(f"{level}: {text}" for level, text in ranked))


def _is_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _rule_levels(run: dict[str, Any]) -> dict[str, str]:
    """Return rule -> the level of its findings that state none (SARIF 2.1.0, 3.27.10)."""
    driver = _inside(run, "tool", "driver")
    rules = driver.get("rules") if isinstance(driver, dict) else None
    levels = {}
    for rule in rules if isinstance(rules, list) else ():
        level = _inside(rule, "defaultConfiguration", "level")
        if isinstance(rule, dict) and isinstance(level, str):
            levels[str(rule.get("id"))] = level
    return levels


def _is_suppressed(result: dict[str, Any]) -> bool:
    """Whether somebody has accepted a finding (3.27.23, 3.35.3): no suppression of it is open or rejected."""
    found = result.get("suppressions")
    if not isinstance(found, list) or not found:
        return False
    return all(isinstance(one, dict) and one.get("status") in (None, "accepted") for one in found)


def _finding_said(result: dict[str, Any], rules: dict[str, str]) -> tuple[str, str]:
    """Return a finding's level and its text."""
    rule = str(result.get("ruleId") or _inside(result, "rule", "id") or "")
    level = result.get("level") or rules.get(rule, "warning")
    if result.get("kind") not in (None, "fail"):
        level = "none"
    if level not in (*LEVELS, "none"):
        raise GateError("it is not a SARIF log: a level is none of error, warning, note and none")
    locations = result.get("locations")
    place = _inside(locations[0] if isinstance(locations, list) and locations else None, "physicalLocation")
    uri, line = _inside(place, "artifactLocation", "uri"), _inside(place, "region", "startLine")
    where = f" ({uri}:{line})" if isinstance(uri, str) and type(line) is int else ""
    said = _inside(result, "message", "text")
    return str(level), f"{rule}: {said if isinstance(said, str) else ''}{where}"


def _inside(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text_said(path: str) -> Said:
    text = read_bytes(path, MOST_BYTES).decode("utf-8").replace("\r\n", "\n").strip("\n")
    if not text.strip():
        return Said("it is empty")
    shown = text if len(text) <= MOST_TEXT else text[:MOST_TEXT].rpartition("\n")[0] or text[:MOST_TEXT]
    cut = (
        "" if len(shown) == len(text) else f", of which {counted(shown.count(chr(10)) + 1, 'line')} are shown"
    )
    return Said(f"{counted(text.count(chr(10)) + 1, 'line')}{cut}", text=shown)


def _html_said(path: str) -> Said:
    size = len(read_bytes(path, 10 * MOST_BYTES))
    return Said(f"a page of {size:,} bytes, kept as {visible(path)}" if size else "it is empty")


READERS = {
    "junit": _junit_said,
    "cobertura": _cobertura_said,
    "sarif": _sarif_said,
    "text": _text_said,
    "markdown": _text_said,
    "html": _html_said,
}


# --- mlcc.report.findings -----------------------------------------------------------------------------------
# Reads what a run has left under `_mlcc/`: how it ended, and what each gate found.
#
# What is missing or broken is shown as that; whatever the files hold, reading them ends in texts and finite numbers of
# bounded size. Standard library only: bundled into the emitted script.

# From worst to best: what a reviewer has to look at comes first.
ORDER = ("error", "fail", "inconclusive", "pass")
MOST_CHECKS = 500
MOST_PLOTS = 24


class Finding(NamedTuple):
    """What one gate, one leg of it, or the judge of a release's step found.

    `verdict` is error, fail, inconclusive or pass; `checks` and `plots` are as in its files, `inputs` are digests.
    `lenient`: an inconclusive verdict is a warning.
    """

    name: str
    gate: str
    leg: str
    kind: str
    script: str
    guards: str
    blocking: bool
    lenient: bool
    verdict: str
    summary: str
    waived: dict[str, str]
    checks: list[dict[str, Any]]
    plots: list[Any]
    inputs: dict[str, str]
    digest: str

    @property
    def closes(self) -> bool:
        """Whether nothing may read the artifact because of it."""
        return not self.effect and self.verdict != "pass"

    @property
    def effect(self) -> str:
        """Why another verdict than pass closes nothing; empty: it closes, or is a pass."""
        if self.verdict == "pass":
            return ""
        if self.waived:
            return "waived"
        if not self.blocking:
            return "not blocking"
        return "only a warning" if self.verdict == "inconclusive" and self.lenient else ""


class Ended(NamedTuple):
    """How one node ended, as the final node settled it."""

    name: str
    kind: str
    end: str
    cause: str


class Run(NamedTuple):
    """A run. `green` None: nothing has settled it, as when gates were run by hand."""

    name: str
    green: bool | None
    causes: list[str]
    facts: dict[str, str]
    nodes: list[Ended]
    findings: list[Finding]
    unselected: list[tuple[str, str]]
    reports: list[Told]

    def fact(self, name: str) -> str:
        """Return what the CI system told of the run; empty: it is not known."""
        return self.facts.get(name, "")


def read_run(plan: dict[str, Any]) -> Run:
    """Return what the run in the current folder has found. Raises no error for what the run left."""
    result = _record("final", "", "result.json") or {}
    selection = _record("select", "", "selection.json") or {}
    ends = _object(result.get("nodes"))
    reasons = _object(selection.get("reasons"))
    nodes = plan["nodes"]
    findings = [
        found
        for id, node in nodes.items()
        if node["kind"] == "gate" or node.get("judged")
        for leg in legs_of(node)
        for found in [_finding(id, leg, node, {} if leg else _object(ends.get(id)))]
        if found is not None
    ]
    green = result.get("green")
    causes = result.get("causes")
    return Run(
        name=str(plan["name"]),
        green=green if isinstance(green, bool) else None,
        causes=[visible(str(cause), 600) for cause in causes] if isinstance(causes, list) else [],
        facts={key: visible(str(value), 300) for key, value in _object(selection.get("facts")).items()},
        nodes=[_ended(id, nodes[id], _object(ends[id])) for id in nodes if id in ends],
        findings=sorted(findings, key=lambda one: (not one.closes, ORDER.index(one.verdict))),
        unselected=[
            (id, visible(str(reasons.get(id, "")))) for id in nodes if result and selection and id not in ends
        ],
        reports=read_reports(plan),
    )


def _record(node: str, leg: str, name: str) -> dict[str, Any] | None:
    try:
        return read_record(state_folder(node, leg) / name)
    except RunError:
        return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _ended(id: str, node: dict[str, Any], end: dict[str, Any]) -> Ended:
    return Ended(
        id, str(node["kind"]), visible(str(end.get("end", ""))), visible(str(end.get("cause", "")), 600)
    )


def _finding(gate: str, leg: str, node: dict[str, Any], end: dict[str, Any]) -> Finding | None:
    """Return what a gate found; None where it neither ran nor was meant to. `end`: how the final node settled it."""
    folder = state_folder(gate, leg)
    kind = str(node.get("gate") or node.get("judged", ""))
    end = end or _record(gate, leg, "state.json") or {}
    record = _record(gate, leg, "verdict.json")
    verdict = str((record or {}).get("verdict"))
    cause = visible(str(end.get("cause", "")), 1500)
    if record is None or record.get("gate") != gate or verdict not in ORDER:
        if not _exists(folder / "verdict.json") and end.get("end") in (None, "skipped"):
            return None
        record, verdict = {}, "error"
    elif end.get("verdict") == "error":  # the node didn't believe the gate
        verdict = "error"
    said = visible(str(record.get("summary", "")), 1500)
    return Finding(
        name=f"{gate} ({leg})" if leg else gate,
        gate=gate,
        leg=leg,
        kind=kind,
        script=str(node.get("script", kind)),
        guards=str(node["guards"] if "guards" in node else node["deploys"][0]),
        blocking=bool(node.get("blocking", True)),
        lenient=node.get("on_inconclusive") == "warn",
        verdict=verdict,
        summary=cause
        if verdict == "error" and cause
        else said or "The gate left no verdict that can be read.",
        waived={key: visible(str(text)) for key, text in _object(record.get("waived")).items()},
        checks=[check for check in _items(record.get("checks"), MOST_CHECKS) if isinstance(check, dict)],
        plots=_items(_plots(folder), MOST_PLOTS) if record else [],
        inputs={id: str(_object(one).get("digest")) for id, one in _object(record.get("inputs")).items()},
        digest=visible(str(record.get("gate_digest") or "")),
    )


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _plots(folder: Path) -> object:
    try:
        return read_value(folder / "plots.json")
    except RunError:
        return ["broken"]


def _items(value: object, most: int) -> list[Any]:
    return value[:most] if isinstance(value, list) else []


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


# --- mlcc.report.markup -------------------------------------------------------------------------------------
# Text of a run as Markdown that does nothing: no markup, no mention, no command.
#
# Standard library only: bundled into the emitted scripts.

# By these GitHub and GitLab begin mentions, references and links; behind them stands a sign of no width.
_REFERENCES = "@#!$%~^&"
_MARKUP = "|<>[]`*_\\"


def plain(text: str, limit: int = 300) -> str:
    """Return text as GitHub and GitLab show it and do nothing else with it: one line, no markup, nobody is called."""
    shown = one_line(text)[:limit]
    safe = "".join(
        f"&#{ord(c)};&#8288;" if c in _REFERENCES else f"&#{ord(c)};" if c in _MARKUP else c for c in shown
    )
    return safe.replace("://", ":&#8288;//").replace("www.", "www.&#8288;").replace("GH-", "GH-&#8288;")


def page_link(url: str, number: int) -> list[str]:
    """Return a link to the page of a run, as a list of one; none: the address isn't one that can stand there."""
    if not url.startswith(("https://", "http://")) or set(url) & set(' <>()"\\[]`'):
        return []
    return [f"[run {number or ''}]({url})".replace(" ]", "]")]


# --- mlcc.report.shown --------------------------------------------------------------------------------------
# Shows reports of nodes as Markdown, for summaries and the comment: the same words on every CI system.
#
# A report's own text keeps its headings, lists, tables and emphasis, and nothing else: it becomes no HTML, link, image,
# mention, reference, quick action (https://docs.gitlab.com/user/project/quick_actions/) or workflow command.
# Standard library only: bundled into the emitted script.

BREAK = "&#8288;"  # a sign of no width: behind it nothing is a reference
_LEFT_OUT = "\n_There is more than fits here: see the page of the run._\n"
_ALWAYS = frozenset("<&[]@$")
_REFERRING = re.compile(r"[#!%~^](?=[\w\"'{*])")
_OPENING = re.compile(r"( *)(`{3,}|~{3,}|/|::|##\[)")


def fitted(text: str, parts: Iterable[str], most: int) -> str:
    """Return a text and what is to follow it, at most so many bytes: parts that don't fit are left out whole."""
    left_out = False
    for part in parts:
        if len((text + part + _LEFT_OUT).encode()) <= most:
            text += part
        else:
            left_out = True
    return text + _LEFT_OUT if left_out else text


def reports_shown(told: Sequence[Told]) -> Iterator[str]:
    """Yield the parts that show reports: a table, then what is folded below it."""
    if not told:
        return
    rows = "".join(_told_row(one) for one in told)
    yield f"\n| | node | report | says |\n|---|---|---|---|\n{rows}"
    for one in told:
        title = f"{plain(one.node)}: {plain(one.id)}"
        if one.items:
            more = f"\nand {one.more} more\n" if one.more else ""
            listed = "".join(f"- {plain(item)}\n" for item in one.items)
            yield f"\n<details><summary>{title}: {len(one.items) + one.more}</summary>\n\n{listed}{more}\n</details>\n"
        if one.text:
            text = markdown_shown(one.text) if one.format == "markdown" else text_shown(one.text)
            yield f"\n<details><summary>{title}</summary>\n\n{text}\n\n</details>\n"


def _told_row(one: Told) -> str:
    sign = "" if one.readable else "❗"
    return f"| {sign} | {plain(one.node)} | {plain(one.id)} | {plain(one.words)} |\n"


def markdown_shown(text: str) -> str:
    """Return untrusted Markdown with its harmless part in force."""
    return "\n".join(map(_markdown_line, _lines(text)))


def text_shown(text: str) -> str:
    """Return an untrusted text as it is, as an HTML element that Markdown isn't looked for in."""
    lines = (
        "".join(c if c.isalnum() or c in " ,=()+" else f"&#{ord(c)};" for c in line) for line in _lines(text)
    )
    return "<pre>" + "&#10;".join(lines) + "</pre>"


def _lines(text: str) -> list[str]:
    """Return lines without what nobody sees."""
    found = text.replace("\t", "    ").split("\n")
    return ["".join(c if c.isprintable() else " " for c in line).rstrip() for line in found]


def _markdown_line(line: str) -> str:
    opening = _OPENING.match(line)
    start = ""
    if opening:  # what would be obeyed, or take all that follows for code
        start = opening[1] + "".join(f"&#{ord(c)};" for c in opening[2])
        line = line[opening.end() :]
    line = _REFERRING.sub(lambda match: f"\0{ord(match[0])}\0", line)
    line = "".join(f"&#{ord(c)};{BREAK if c in '@$' else ''}" if c in _ALWAYS else c for c in line)
    line = re.sub("\0([0-9]+)\0", rf"&#\1;{BREAK}", line)
    for word, broken in (("://", f":{BREAK}//"), ("www.", f"www.{BREAK}"), ("GH-", f"GH-{BREAK}")):
        line = line.replace(word, broken)
    return start + line


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


# --- mlcc.report.comment ------------------------------------------------------------------------------------
# Writes a run as the Markdown of one comment. No text of the run's data becomes markup, a mention, a link or a command.
#
# Standard library only: bundled into the emitted script.

SIGNS = {"pass": "✅", "fail": "❌", "inconclusive": "❓", "error": "❗"}
ENDED_SIGNS = {"passed": "✅", "failed": "❌", "skipped": "⏭️", "lost": "❗"}
MOST_FAILING = 20
MOST_CAUSES = 20


def marker(name: str) -> str:
    """Return how the first line of a pipeline's comments begins; nobody sees it."""
    return f"<!-- mlcc:{url_quoted(name)} "


def marked_run(body: str, name: str) -> int | None:
    """Return the number of the run that a comment of the pipeline tells of; None: it isn't one."""
    first = body.split("\n", 1)[0].rstrip("\r")
    start, end = marker(name) + "run ", " -->"
    number = first[len(start) : -len(end)]
    if not first.startswith(start) or not first.endswith(end) or not (number.isascii() and number.isdigit()):
        return None
    return int(number[:18])


def run_number(run: Run) -> int:
    """Return the number of the run, which grows from run to run; 0: it isn't known."""
    number = run.fact("run_number")
    return int(number[:18]) if number.isascii() and number.isdigit() else 0


def comment(run: Run, name: str, most: int) -> str:
    """Return the comment, of at most so many bytes: parts that don't fit are left out whole, and it says so."""
    return fitted(f"{marker(name)}run {run_number(run)} -->\n", _parts(run), most)


def _parts(run: Run) -> Iterator[str]:
    yield f"## {'✅' if run.green else '❌'} {plain(run.name)}\n\n{_line(run)}\n"
    if run.causes:
        yield "\n" + "".join(f"- {plain(cause)}\n" for cause in run.causes[:MOST_CAUSES])
    if run.findings:
        yield "\n| | gate | decides about | verdict | finding |\n|---|---|---|---|---|\n"
        yield from map(_row, run.findings)
    failing = [_check_row(finding, check) for finding in run.findings for check in _failing(finding)]
    if failing:
        more = len(failing) - MOST_FAILING
        rows = "".join(failing[:MOST_FAILING])
        note = f"\nand {more} more\n" if more > 0 else ""
        yield _folded(
            f"{len(failing)} checks did not pass", f"| gate | check | finding |\n|---|---|---|\n{rows}{note}"
        )
    yield from reports_shown(run.reports)
    others = [node for node in run.nodes if node.kind != "gate"]
    if others:
        rows = "".join(map(_node_row, others))
        yield _folded(f"{len(others)} other nodes", f"| | node | ended | why |\n|---|---|---|---|\n{rows}")
    if run.unselected:
        rows = "".join(f"- {plain(id)}: {plain(why)}\n" for id, why in run.unselected)
        yield _folded(f"{len(run.unselected)} not selected", rows)
    yield "\nThe page with plots is `report.html` among the files of the run.\n"


def _line(run: Run) -> str:
    closed = sum(finding.closes for finding in run.findings)
    words = [f"{closed} of {len(run.findings)} gates closed" if run.findings else "no gate ran"]
    if run.fact("commit"):
        words.append(f"commit {plain(run.fact('commit')[:12])}")
    words += page_link(run.fact("run_url"), run_number(run))
    return " · ".join(words)


def _row(finding: Finding) -> str:
    verdict = f"{finding.verdict}, {finding.effect}" if finding.effect else finding.verdict
    cells = [finding.name, finding.guards, verdict, finding.summary]
    return f"| {SIGNS[finding.verdict]} | " + " | ".join(map(plain, cells)) + " |\n"


def _failing(finding: Finding) -> Iterator[dict[str, object]]:
    return (check for check in finding.checks if check.get("verdict") != "pass")


def _check_row(finding: Finding, check: dict[str, object]) -> str:
    cells = [finding.name, str(check.get("id", "")), str(check.get("message", ""))]
    return "| " + " | ".join(map(plain, cells)) + " |\n"


def _node_row(node: Ended) -> str:
    sign = ENDED_SIGNS.get(node.end, "❗")
    return f"| {sign} | {plain(node.name)} | {plain(node.end)} | {plain(node.cause)} |\n"


def _folded(summary: str, content: str) -> str:
    return f"\n<details><summary>{summary}</summary>\n\n{content}\n</details>\n"


# --- mlcc.report.forges -------------------------------------------------------------------------------------
# Where the comments of a pull or merge request lie, on GitHub and on GitLab.
#
# https://docs.github.com/rest/issues/comments and https://docs.gitlab.com/api/notes/#merge-requests
# Standard library only: bundled into the emitted script.

BOT = "github-actions[bot]"  # who a job's own token writes as
GITHUB_MOST, GITLAB_MOST = 65_536, 1_000_000  # of a comment; both count characters, and bytes are never fewer


class Forge(NamedTuple):
    """The comments of one request: `api` is what every address begins with.

    `comments` is the list, which new ones are posted to; `one` is followed by a comment's number; `verb` changes it.
    `author` is the key of who wrote one, `login` of the name there. `me`: the name that the token writes as; empty:
    `/user` tells.
    """

    api: str
    comments: str
    one: str
    verb: str
    author: str
    login: str
    me: str
    most: int


def forge_of(platform: Platform, run: Run) -> Forge:
    """Return where the run's pull request is. Raises RunError."""
    whose, api, project = platform.forge(run.fact("repository"))
    number = run.fact("pull_request")
    if whose == "github":
        return _safe(github(api, project, number, BOT))
    return _safe(gitlab(api, project, number) if whose == "gitlab" else by_address(api))


def github(api: str, repository: str, number: str, me: str = "") -> Forge:
    """Return the comments of a pull request, which is an issue, too."""
    owner, _, name = repository.partition("/")
    base = f"{api}/repos/{url_quoted(owner)}/{url_quoted(name)}/issues"
    return Forge(
        api,
        f"{base}/{_digits(number)}/comments",
        f"{base}/comments/",
        "PATCH",
        "user",
        "login",
        me,
        GITHUB_MOST,
    )


def gitlab(api: str, project: str, number: str) -> Forge:
    """Return the notes of a merge request; a project is its number, or its path."""
    notes = f"{api}/projects/{url_quoted(project)}/merge_requests/{_digits(number)}/notes"
    return Forge(api, notes, f"{notes}/", "PUT", "author", "username", "", GITLAB_MOST)


def by_address(url: str) -> Forge:
    """Return the comments of a request by the address of its page, which tells GitHub from GitLab. Raises RunError.

    GitHub's own interface has a host of its own, and that of GitHub Enterprise a path
    (https://docs.github.com/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api).
    """
    merge = re.fullmatch(r"(https?://[^/?#]+)/([^?#]+?)(?:/-)?/merge_requests/([0-9]+)", url)
    if merge:
        return gitlab(f"{merge[1]}/api/v4", merge[2], merge[3])
    pull = re.fullmatch(r"(https?://[^/?#]+)/([^/?#]+/[^/?#]+)/pull/([0-9]+)", url)
    if pull:
        host = "https://api.github.com" if pull[1] == "https://github.com" else f"{pull[1]}/api/v3"
        return github(host, pull[2], pull[3])
    raise RunError("this change request is neither GitHub's nor GitLab's, so it gets no comment")


def _digits(number: str) -> str:
    if not (number.isascii() and number.isdigit()):
        raise RunError("the CI system doesn't say which pull request this is")
    return number


def _safe(forge: Forge) -> Forge:
    if not may_have_token(forge.api):
        raise RunError("the forge's address isn't an https one, so it gets no token")
    return forge


# --- mlcc.report.notes --------------------------------------------------------------------------------------
# Points to what gates found beside the spec, where the CI system shows annotations.
#
# Standard library only: bundled into the emitted script.

MOST_NOTES = 10  # of each level GitHub shows so many for a step


def annotate(run: Run, platform: Platform, spec: str) -> None:
    """Show at most ten: errors of gates that are closed first, then warnings of the others."""
    notes = list(_notes(run))
    shown = notes if len(notes) <= MOST_NOTES else notes[: MOST_NOTES - 1]
    for level, title, message in shown:
        platform.annotate(level, title, message, spec)
    if len(notes) > len(shown):
        more = f"{len(notes) - len(shown)} more findings stand on the page of the run"
        platform.annotate(notes[len(shown)][0], "mlcc", more, spec)


def _notes(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield level, title and message for each check that didn't pass, and for each gate that has none of them."""
    for finding in run.findings:
        if finding.verdict == "pass":
            continue
        level = "error" if finding.closes else "warning"
        effect = f" ({finding.effect})" if finding.effect else ""
        checks = [check for check in finding.checks if check.get("verdict") != "pass"]
        for check in checks:
            title = f"{finding.name}: {visible(str(check.get('id')), 100)}{effect}"
            yield level, title, visible(str(check.get("message")))
        if not checks:
            yield level, f"{finding.name}{effect}", finding.summary


# --- mlcc.report.svg ----------------------------------------------------------------------------------------
# Draws on a plane of numbers: shapes of SVG, scales and axes, for mlcc's pages.
#
# Every shape has its colours as attributes for where a page's styles are dropped, and a class by which they follow the
# reader's choice of light or dark. No shape means something by its colour alone.
# Standard library only: bundled into the emitted script.

FONT_SIZE = 13
LETTER = 7.8  # width of a letter of that size, on average

# class -> attributes. The page's style sheet names the same classes.
PAINT = {
    "ink": 'fill="#1f2328"',
    "faint": 'fill="#57606a"',
    "rule": 'fill="none" stroke="#c3cad2"',
    "axis": 'fill="none" stroke="#57606a"',
    "limit": 'fill="none" stroke="#1f2328" stroke-width="1.6"',
    "good": 'fill="#dff3e4"',
    "paper": 'fill="#ffffff"',
    "s0": 'fill="#0a5cad" stroke="#0a5cad"',
    "s1": 'fill="#a3470a" stroke="#a3470a"',
    "s2": 'fill="#7a3fb0" stroke="#7a3fb0"',
    "s3": 'fill="#106b5a" stroke="#106b5a"',
    "pass": 'fill="#167030" stroke="#167030"',
    "fail": 'fill="#c11b26" stroke="#c11b26"',
    "inconclusive": 'fill="#8a5a00" stroke="#8a5a00"',
    "error": 'fill="#7a3fb0" stroke="#7a3fb0"',
}
SERIES = ("s0", "s1", "s2", "s3")
DASHES = ("", "7 4", "2 3", "9 3 2 3")  # of lines, by series: colour is not what tells them apart


def px(value: float) -> str:
    """Return a length, to a tenth. Raises ValueError where it isn't finite."""
    if not math.isfinite(value):
        raise ValueError("a plot has a length that isn't finite")
    return f"{value:.1f}".rstrip("0").rstrip(".")


def short(value: float) -> str:
    """Return a number as plots and tables show it."""
    return str(value) if type(value) is int and abs(value) < 10**9 else f"{value:.4g}"


def clipped(text: str, letters: int) -> str:
    """Return text of at most so many letters; a cut shows."""
    return text if len(text) <= letters else text[: max(1, letters - 1)] + "…"


class Scale:
    """A line of numbers from `low` to `high`, on a length of pixels from `start` to `end`."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        if not high > low:  # a single value lies in the middle
            pad = abs(low) * 0.1 or 1.0
            low, high = low - pad, high + pad
        self.low, self.high, self.start, self.end = low, high, start, end

    def at(self, value: float) -> float:
        """Return where a value lies. Halves keep the difference of the largest numbers finite."""
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Return round numbers within, at most `most` and one: steps of 1, 2 or 5 times a power of ten."""
        rough = (self.high / 2 - self.low / 2) / most * 2
        power = 10.0 ** math.floor(math.log10(rough))
        step = next((power * m for m in (1, 2, 5) if power * m >= rough * 0.999), power * 10)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [float(f"{i * step:.12g}") + 0.0 for i in range(first, last + 1)][: most + 2]


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return the least and the largest of some values, with room on both sides."""
    low, high = min(values), max(values)
    room = (high / 2 - low / 2) * 2 * share
    return low - room, high + room


def svg_line(
    x1: float, y1: float, x2: float, y2: float, paint: str, dash: str = "", width: float = 1.0
) -> str:
    """Return a straight line."""
    more = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{px(x1)}" y1="{px(y1)}" x2="{px(x2)}" y2="{px(y2)}"'
    return f'<line class="{paint}" {PAINT[paint]} {ends} stroke-width="{px(width)}"{more}/>'


def svg_rect(x: float, y: float, width: float, height: float, paint: str, *, hollow: bool = False) -> str:
    """Return a rectangle: filled, or with a line around it."""
    more = ' fill-opacity="0.12" stroke-width="1.4"' if hollow else ' stroke-width="0"'
    place = f'x="{px(x)}" y="{px(y)}" width="{px(max(width, 0))}" height="{px(max(height, 0))}"'
    return f'<rect class="{paint}" {PAINT[paint]} {place}{more}/>'


def svg_path(points: Sequence[tuple[float, float]], paint: str, dash: str = "", *, area: bool = False) -> str:
    """Return a line through points, or the area that they enclose."""
    way = "M" + "L".join(f"{px(x)} {px(y)}" for x, y in points)
    if area:
        return f'<path class="{paint}" {PAINT[paint]} d="{way}Z" fill-opacity="0.14" stroke-width="0"/>'
    more = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path class="{paint}" {PAINT[paint]} d="{way}" fill-opacity="0" stroke-width="2"{more}/>'


def svg_text(
    x: float, y: float, words: str, *, paint: str = "faint", anchor: str = "start", turn: int = 0
) -> str:
    """Return words with their baseline at y. `anchor`: start, middle or end; `turn`: degrees."""
    turned = f' transform="rotate({turn} {px(x)} {px(y)})"' if turn else ""
    place = f'x="{px(x)}" y="{px(y)}" text-anchor="{anchor}"'
    return f'<text class="{paint}" {PAINT[paint]} {place}{turned}>{escape(words)}</text>'


def svg_mark(x: float, y: float, verdict: str) -> str:
    """Return the mark of a verdict, each of a shape of its own: a disc, a ring, a cross, a triangle."""
    if verdict == "pass":
        return f'<circle class="pass" {PAINT["pass"]} cx="{px(x)}" cy="{px(y)}" r="5"/>'
    if verdict == "inconclusive":
        ring = f'cx="{px(x)}" cy="{px(y)}" r="4.5" fill-opacity="0" stroke-width="2.4"'
        return f'<circle class="inconclusive" {PAINT["inconclusive"]} {ring}/>'
    if verdict == "fail":
        a, b = px(x - 4.5), px(x + 4.5)
        c, d = px(y - 4.5), px(y + 4.5)
        return f'<path class="fail" {PAINT["fail"]} d="M{a} {c}L{b} {d}M{a} {d}L{b} {c}" stroke-width="3"/>'
    corners = [(x, y - 5.5), (x + 5.5, y + 4.5), (x - 5.5, y + 4.5)]
    return f'<path class="error" {PAINT["error"]} d="M{"L".join(f"{px(a)} {px(b)}" for a, b in corners)}Z"/>'


def svg_picture(
    id: str, width: float, height: float, title: str, description: str, parts: Sequence[str]
) -> str:
    """Return a whole picture with a name and a description for those who can't see it."""
    name = f'<title id="{id}-t">{escape(title)}</title><desc id="{id}-d">{escape(description)}</desc>'
    size = f'viewBox="0 0 {px(width)} {px(height)}" width="{px(width)}" height="{px(height)}"'
    return (
        f'<svg role="img" aria-labelledby="{id}-t" aria-describedby="{id}-d" {size} '
        f'font-family="sans-serif" font-size="{FONT_SIZE}">{name}{"".join(parts)}</svg>'
    )


# --- mlcc.report.plots --------------------------------------------------------------------------------------
# Draws what a gate's plots.json holds (mlcc.gates._plots says what that is), each with a table of the same numbers.
#
# What isn't whole raises ValueError, LookupError, TypeError or ArithmeticError: it is never drawn wrong.
# Standard library only: bundled into the emitted script.

WIDTH, HEIGHT = 400.0, 256.0
LEFT, RIGHT, TOP, BOTTOM = 50.0, 390.0, 12.0, 204.0
LEGEND_LINE = 18.0
MOST_SERIES = 8
MOST_BARS = 400
MOST_POINTS = 400
MOST_INTERVALS = 400  # in a table
DRAWN_ROWS = 40  # in a picture
NAMES = 70.0  # height of turned names below bars
TURN = 38  # degrees
TURNED_NAME = (
    1.2 * FONT_SIZE / math.sin(math.radians(TURN))
)  # from one to the next, for a line's height between them
ROW = 23.0


class Drawing(NamedTuple):
    """A picture, and its numbers as a table: names of columns, and rows of text."""

    title: str
    note: str
    picture: str
    columns: list[str]
    rows: list[list[str]]


def draw(plot: dict[str, Any], id: str) -> Drawing:
    """Return a plot drawn; `id` makes the names inside the picture unique on its page."""
    title, note = _words(plot["title"], 120), _words(plot.get("note", ""), 400)
    many, most = ("rows", MOST_INTERVALS) if plot["plot"] == "intervals" else ("series", MOST_SERIES)
    left_out = len(plot[many]) - most
    if left_out > 0:
        note = f"{note} {left_out} more are left out.".strip()
    picture, columns, rows = DRAWN[plot["plot"]]({**plot, many: plot[many][:most]}, id, title)
    return Drawing(title, note, picture, columns, rows)


def _words(value: object, limit: int = 80) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return visible(value, limit)


def _finite(value: object) -> float:
    if not is_finite(value):
        raise ValueError("not a finite number")
    return float(value)  # type: ignore[arg-type]  # it is one


def _list(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("not a list, or too long")
    return value


# --- frame ----------------------------------------------------------------------------------------


def _legend(names: list[str], swatch: Callable[[int, float, float], str]) -> tuple[list[str], float]:
    """Return the swatches with their names, in lines from the top, and the height that they take."""
    parts: list[str] = []
    x, y = LEFT, 14.0
    for number, name in enumerate(names):
        shown = clipped(name, 34)
        width = 34 + len(shown) * LETTER
        if x + width > RIGHT and x > LEFT:
            x, y = LEFT, y + LEGEND_LINE
        parts += [swatch(number, x, y), svg_text(x + 24, y, shown)]
        x += width
    return parts, y + 10 if names else TOP


def _y_axis(scale: Scale, left: float, right: float) -> Iterator[str]:
    for tick in scale.ticks(5):
        y = scale.at(tick)
        yield svg_line(left, y, right, y, "rule")
        yield svg_text(left - 6, y + 4, short(tick), anchor="end")


def _x_axis(scale: Scale, y: float, top: float | None = None) -> Iterator[str]:
    for tick in scale.ticks(5):
        x = scale.at(tick)
        yield svg_line(x, y if top is None else top, x, y + 4, "axis" if top is None else "rule")
        yield svg_text(x, y + 17, short(tick), anchor="middle")
    yield svg_line(scale.start, y, scale.end, y, "axis")


def _paint(number: int) -> str:
    return SERIES[number % len(SERIES)]


def _dash(number: int) -> str:
    """Return the dashes of a curve: with its colour, eight curves are told apart."""
    return DASHES[(number + number // len(SERIES)) % len(DASHES)]


def _hollow(number: int) -> bool:
    """Tell whether a series' bars are hollow: every second one, and with its colour, eight are told apart."""
    return (number + number // len(SERIES)) % 2 == 1


# --- histogram ------------------------------------------------------------------------------------


def _histogram(plot: dict[str, Any], id: str, title: str) -> tuple[str, list[str], list[list[str]]]:
    labels = [_words(label) for label in _list(plot["labels"], MOST_BARS)]
    series = [
        (_words(one["name"]), [_finite(value) for value in _list(one["values"], MOST_BARS)])
        for one in _list(plot["series"], MOST_SERIES)
    ]
    if not labels or not series or any(len(values) != len(labels) for _, values in series):
        raise ValueError("other bars than labels")

    def swatch(number: int, x: float, y: float) -> str:
        return svg_rect(x, y - 9, 16, 10, _paint(number), hollow=_hollow(number))

    parts, top = _legend([name for name, _ in series], swatch)
    turned = (max(len(label) for label in labels) + 2) * LETTER * len(labels) > RIGHT - LEFT
    bottom = HEIGHT - (NAMES if turned else 24)
    values = [value for _, found in series for value in found]
    y = Scale(min(0.0, *values), max(0.0, *values) or 1.0, bottom, top + 4)
    parts += [*_y_axis(y, LEFT, RIGHT), *_bars([found for _, found in series], y)]
    parts.append(svg_line(LEFT, y.at(0.0), RIGHT, y.at(0.0), "axis"))
    parts += _bar_names(labels, bottom, turned)
    names = [name for name, _ in series]
    told = f"Bars of {len(labels)} groups for {', '.join(names)}. The table below has the same numbers."
    rows = [[label, *(short(found[i]) for _, found in series)] for i, label in enumerate(labels)]
    return svg_picture(id, WIDTH, HEIGHT, title, told, parts), ["", *names], rows


def _bars(series: list[list[float]], y: Scale) -> Iterator[str]:
    """Yield the bars: those of a group side by side, hollow and filled in turn."""
    slot = (RIGHT - LEFT) / len(series[0])
    width = slot * (0.78 if len(series[0]) < 60 else 1) / len(series)
    for number, found in enumerate(series):
        for place, value in enumerate(found):
            x = LEFT + slot * (place + 0.5) + width * (number - len(series) / 2)
            upper, lower = sorted((y.at(0.0), y.at(value)))
            yield svg_rect(x, upper, width, lower - upper, _paint(number), hollow=_hollow(number))


def _bar_names(labels: list[str], bottom: float, turned: bool) -> Iterator[str]:
    """Yield the names below the bars, `turned` where they need room: then as many as there is room for."""
    slot = (RIGHT - LEFT) / len(labels)
    every = math.ceil(TURNED_NAME / slot) if turned else 1
    for place in range(0, len(labels), every):
        x = LEFT + slot * (place + 0.5)
        if turned:
            room = (x + 3) / (LETTER * math.cos(math.radians(TURN)))  # to the picture's edge
            name = clipped(labels[place], min(11, int(room)))
            yield svg_text(x + 3, bottom + 14, name, anchor="end", turn=-TURN)
        else:
            yield svg_text(x, bottom + 17, labels[place], anchor="middle")


# --- curves ---------------------------------------------------------------------------------------


def _curves(plot: dict[str, Any], id: str, title: str) -> tuple[str, list[str], list[list[str]]]:
    across, up = (_words(axis) for axis in _list(plot["axes"], 2))
    series = [(_words(one["name"]), _points(one["points"])) for one in _list(plot["series"], MOST_SERIES)]
    if not any(points for _, points in series):
        raise ValueError("no points")
    everything = [point for _, points in series for point in points]

    def swatch(number: int, x: float, y: float) -> str:
        return svg_line(x, y - 4, x + 18, y - 4, _paint(number), _dash(number), 2.4)

    parts, top = _legend([name for name, _ in series], swatch)
    xs = [point[0] for point in everything]
    ys = [value for point in everything for value in point[1:]]
    if plot.get("diagonal") is True:
        xs, ys = xs + ys, ys + xs
    x = Scale(min(xs), max(xs), LEFT, RIGHT)
    y = Scale(*padded(ys, 0.03), BOTTOM, top + 18)
    parts += [*_y_axis(y, LEFT, RIGHT), *_x_axis(x, BOTTOM)]
    parts.append(svg_text(LEFT - 6, top + 8, clipped(up, 60)))
    parts.append(svg_text(RIGHT, BOTTOM + 36, clipped(across, 60), anchor="end"))
    if plot.get("diagonal") is True:
        ends = max(x.low, y.low), min(x.high, y.high)
        parts.append(svg_line(x.at(ends[0]), y.at(ends[0]), x.at(ends[1]), y.at(ends[1]), "axis", "3 4"))
    for number, (_, points) in enumerate(series):
        band = [point for point in points if len(point) == 4]
        if len(band) > 1:
            there = [(x.at(point[0]), y.at(point[3])) for point in band]
            back = [(x.at(point[0]), y.at(point[2])) for point in reversed(band)]
            parts.append(svg_path(there + back, _paint(number), area=True))
    for number, (_, points) in enumerate(series):
        way = [(x.at(point[0]), y.at(point[1])) for point in points]
        parts.append(_way(way, number))
    return svg_picture(id, WIDTH, HEIGHT, title, _told(series, across, up), parts), *_points_table(
        series, across, up
    )


def _way(points: list[tuple[float, float]], number: int) -> str:
    if len(points) == 1:
        ((x, y),) = points
        return svg_rect(x - 3, y - 3, 6, 6, _paint(number))
    return svg_path(points, _paint(number), _dash(number)) if points else ""


def _points(value: object) -> list[list[float]]:
    points = [[_finite(x) for x in _list(point, 4)] for point in _list(value, MOST_POINTS)]
    if any(len(point) not in (2, 4) for point in points):
        raise ValueError("a point has another number of numbers")
    return points


def _told(series: list[tuple[str, list[list[float]]]], across: str, up: str) -> str:
    lines = []
    for name, points in series:
        if points:
            first, last = points[0], points[-1]
            ends = f"from ({short(first[0])}, {short(first[1])}) to ({short(last[0])}, {short(last[1])})"
            lines.append(f"{name} {ends}")
    return f"Curves of {up} over {across}: {'; '.join(lines)}. The table below has the same numbers."


def _points_table(
    series: list[tuple[str, list[list[float]]]], across: str, up: str
) -> tuple[list[str], list[list[str]]]:
    bands = any(len(point) == 4 for _, points in series for point in points)
    columns = ["curve", across, up, *(["lower", "upper"] if bands else [])]
    rows = [
        [name, *(short(x) for x in point), *([""] * (len(columns) - 1 - len(point)))]
        for name, points in series
        for point in points
    ]
    return columns, rows


# --- intervals ------------------------------------------------------------------------------------


def _intervals(plot: dict[str, Any], id: str, title: str) -> tuple[str, list[str], list[list[str]]]:
    axis = _words(plot["axis"])
    limits = {side: _finite(limit) for side, limit in plot["limits"].items() if side in ("min", "max")}
    rows = [
        (_words(row["label"]), [_finite(x) for x in _list(row["values"], 3)], _words(row["verdict"], 20))
        for row in _list(plot["rows"], MOST_INTERVALS)
    ]
    if not rows or any(len(values) != 3 for _, values, _ in rows):
        raise ValueError("no rows, or a row without bounds")
    shown = rows[:DRAWN_ROWS]
    values = [x for _, found, _ in shown for x in found] + list(limits.values())
    letters = min(18, max(len(label) for label, _, _ in shown))
    left = letters * LETTER + 14
    top = 26.0 if limits else 10.0
    bottom = top + ROW * len(shown)
    scale = Scale(*padded(values), left, RIGHT)
    parts = [*_x_axis(scale, bottom, top), *_limits(scale, limits, top, bottom)]
    for number, (label, found, verdict) in enumerate(shown):
        y = top + ROW * (number + 0.5)
        paint = verdict if verdict in ("pass", "fail", "inconclusive") else "error"
        estimate, low, high = (scale.at(x) for x in found)
        parts.append(svg_text(left - 10, y + 4, clipped(label, letters), paint="ink", anchor="end"))
        parts.append(svg_line(low, y, high, y, paint, width=2.4))
        parts.append(svg_mark(estimate, y, verdict))
    parts.append(svg_text(RIGHT, bottom + 34, clipped(axis, 60), anchor="end"))
    counts = {
        verdict: sum(v == verdict for _, _, v in rows) for verdict in dict.fromkeys(v for _, _, v in rows)
    }
    told = f"{len(rows)} estimates of {axis} with bounds: " + ", ".join(f"{n} {v}" for v, n in counts.items())
    more = f"; {len(shown)} are drawn" if len(rows) > len(shown) else ""
    table = [[label, *(short(x) for x in found), verdict] for label, found, verdict in rows]
    columns = ["", "estimate", "lower", "upper", "verdict"]
    told += f"{more}. The table below has the same numbers."
    return svg_picture(id, WIDTH, bottom + 44, title, told, parts), columns, table


def _limits(scale: Scale, limits: dict[str, float], top: float, bottom: float) -> Iterator[str]:
    for side, limit in limits.items():
        x = scale.at(limit)
        words = f"{'at least' if side == 'min' else 'at most'} {short(limit)}"
        half = len(words) * LETTER / 2
        yield svg_line(x, top - 6, x, bottom, "limit", "6 3")
        yield svg_text(min(max(x, half), RIGHT - half), top - 11, words, paint="ink", anchor="middle")


DRAWN = {"histogram": _histogram, "curves": _curves, "intervals": _intervals}


# --- mlcc.report.style --------------------------------------------------------------------------------------
# The style sheet of the page: light and dark by the reader's choice, narrow and wide, screen and paper.
#
# Standard library only: bundled into the emitted script.

# name -> colour in light, in dark. Words and marks have at least 4.5:1 against `paper`, `panel` and `good`.
COLOURS = {
    "paper": ("#ffffff", "#0d1117"),
    "panel": ("#f5f7f9", "#161b22"),
    "ink": ("#1f2328", "#e6edf3"),
    "faint": ("#57606a", "#9da7b1"),
    "rule": ("#c3cad2", "#3a424c"),
    "link": ("#0a5cad", "#6cb6ff"),
    "good": ("#dff3e4", "#12331d"),
    "pass": ("#167030", "#4cc566"),
    "fail": ("#c11b26", "#ff7b72"),
    "inconclusive": ("#8a5a00", "#e0ab3c"),
    "error": ("#7a3fb0", "#c297ff"),
    "s0": ("#0a5cad", "#6cb6ff"),
    "s1": ("#a3470a", "#f0955a"),
    "s2": ("#7a3fb0", "#c297ff"),
    "s3": ("#106b5a", "#4fc7ae"),
}

_RULES = """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:break-word;
font:16px/1.5 -apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
a{color:var(--link)}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 6px}
h2{font-size:1.3rem;line-height:1.3;margin:0}
h3{font-size:1rem;margin:22px 0 8px}
.band h2{font-size:1.1rem;margin-top:16px}
code{font-family:ui-monospace,Consolas,"DejaVu Sans Mono",monospace;font-size:.88em}
.faint,dt{color:var(--faint)}
.band{border:1px solid var(--rule);border-left:6px solid var(--faint);border-radius:8px;padding:18px 22px;
background:var(--panel)}
.band.pass,section.pass{border-left-color:var(--pass)}
.band.fail,section.fail{border-left-color:var(--fail)}
section.inconclusive{border-left-color:var(--inconclusive)}
section.error{border-left-color:var(--error)}
dl.facts{display:flex;flex-wrap:wrap;gap:4px 28px;margin:10px 0 0}
dl.facts div{display:flex;gap:8px}
dd{margin:0}
ul.causes{margin:10px 0 0;padding-left:22px}
.mark{font-weight:700;white-space:nowrap}
.mark.pass{color:var(--pass)}.mark.fail{color:var(--fail)}
.mark.inconclusive{color:var(--inconclusive)}.mark.error{color:var(--error)}.mark.skipped{color:var(--faint)}
section{border:1px solid var(--rule);border-left-width:6px;border-radius:8px;padding:18px 22px;margin:22px 0}
main>section.plain{border:0;padding:0}
.head{display:flex;flex-wrap:wrap;gap:6px 16px;align-items:baseline;justify-content:space-between}
.sentence{font-size:1.06rem;margin:8px 0 4px}
.waiver{border:1px dashed var(--inconclusive);border-radius:6px;padding:8px 12px;margin:10px 0}
table{border-collapse:collapse;width:100%;margin:8px 0}
th,td{text-align:left;vertical-align:top;padding:8px 12px 8px 0;border-bottom:1px solid var(--rule)}
th{color:var(--faint);font-weight:600;font-size:.88rem}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td{overflow-wrap:anywhere}
td:first-child{overflow-wrap:break-word;min-width:7.5em}
td .id{font-weight:600}
.decisions th:last-child,.decisions td:last-child{width:332px;padding-right:0}
.wide{overflow-x:auto;max-width:100%;overflow-wrap:normal}
.wide:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.wide table{width:auto;min-width:50%;font-size:.88rem}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:20px;margin-top:14px}
figure{margin:0;padding:14px 16px;border:1px solid var(--rule);border-radius:8px;min-width:0}
figcaption{font-weight:600;margin-bottom:6px}
figure p{margin:6px 0 0;font-size:.9rem}
svg{display:block;max-width:100%;height:auto}
figure svg{width:100%}
summary{cursor:pointer;color:var(--link);padding:4px 0;width:fit-content}
details{margin-top:8px}
footer{padding-top:8px;padding-bottom:40px;font-size:.88rem}
@media (max-width:700px){
header,main,footer{padding-left:14px;padding-right:14px}
section,.band{padding:14px 14px}
figure{padding:10px}
.rows,.rows tbody,.rows tr,.rows td,.decisions td:last-child{display:block;width:100%}
.rows thead{position:absolute;clip-path:inset(50%);height:1px;overflow:hidden}
.rows tr{border-bottom:1px solid var(--rule);padding:8px 0}
.rows td{border:0;padding:2px 0}
.rows td:empty{display:none}
}
@media print{
body{font-size:11pt}
header,main,footer{max-width:none;padding:0}
section,.band,figure,tr{break-inside:avoid}
section:has(figure){break-inside:auto}
details::details-content{content-visibility:visible;height:auto}
summary{color:inherit}
.wide{overflow:visible}
}
"""


def stylesheet() -> str:
    """Return the whole style sheet. On paper, colours are the light ones."""
    light = ";".join(f"--{name}:{colours[0]}" for name, colours in COLOURS.items())
    dark = ";".join(f"--{name}:{colours[1]}" for name, colours in COLOURS.items())
    shapes = [
        "svg .ink{fill:var(--ink)}",
        "svg .faint{fill:var(--faint)}",
        "svg .paper{fill:var(--paper)}",
        "svg .good{fill:var(--good)}",
        "svg .rule{stroke:var(--rule)}",
        "svg .axis{stroke:var(--faint)}",
        "svg .limit{stroke:var(--ink)}",
        *(
            f"svg .{name}{{fill:var(--{name});stroke:var(--{name})}}"
            for name in ("pass", "fail", "inconclusive", "error", "s0", "s1", "s2", "s3")
        ),
    ]
    schemes = f":root{{color-scheme:light dark;{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return schemes + _RULES + "\n".join(shapes) + "\n"


# --- mlcc.report.html ---------------------------------------------------------------------------------------
# HTML that all pages share: the document around them, tables, and plots with their data.
#
# Texts are escaped and bounded. A page's own policy lets it load nothing and run nothing (https://www.w3.org/TR/CSP3/).
# Standard library only: bundled into the emitted script.

MOST_SHOWN = 1000  # rows of any table
BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


def document(title: str, body: Iterable[str]) -> str:
    """Return a page that needs nothing else. `title` is a text, `body` HTML."""
    style = stylesheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n',
        f"<title>{escaped(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n",
    ]
    return "".join([*head, *body, "</body>\n</html>\n"])


def escaped(text: str, limit: int = 600) -> str:
    """Return a text as HTML, its odd characters made visible and what is over `limit` cut off."""
    return escape(visible(text, limit))


def html_table(columns: Sequence[str], rows: Iterable[Sequence[str]], name: str = "") -> str:
    """Return a table of cells that are HTML already, of the style class `name`.

    Its roles are said: a style that lays cells out one below the other would take them from it.
    """
    heads = "".join(f'<th role="columnheader" scope="col">{column}</th>' for column in columns)
    lines = [
        "<tr role='row'>" + "".join(f"<td role='cell'>{cell}</td>" for cell in row) + "</tr>\n"
        for row in rows
    ]
    body = f"<tbody role='rowgroup'>{''.join(lines[:MOST_SHOWN])}</tbody>"
    opening = f'<table role="table" class="{name}">' if name else '<table role="table">'
    return f"{opening}<thead role='rowgroup'><tr role='row'>{heads}</tr></thead>{body}</table>\n"


def text_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], label: str, *, numbers: bool = True
) -> str:
    """Return a table of texts that scrolls within itself where it is too wide.

    Its first column has names; `numbers`: the others have numbers.
    """
    marks = ["", *(" class=number" if numbers else "" for _ in columns[1:])]
    heads = "".join(
        f'<th scope="col"{mark}>{escaped(column, 80)}</th>'
        for mark, column in zip(marks, columns)  # noqa: B905
    )
    lines = [
        "".join(f"<td{mark}>{escaped(cell, 120)}</td>" for mark, cell in zip(marks, row))  # noqa: B905
        for row in rows[:MOST_SHOWN]
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" role="region" tabindex="0" aria-label="{escaped(label, 160)}">{table}</div>'


def figure(plot: Any, id: str) -> str:
    """Return a plot of mlcc.gates._plots as a picture, with its data as a table. One that isn't whole says so."""
    try:
        drawing = draw(plot, id)
    except BROKEN:
        return "<figure><figcaption>A plot</figcaption><p>It can't be drawn: its data isn't whole.</p></figure>\n"
    note = f'<p class="faint">{escaped(drawing.note)}</p>' if drawing.note else ""
    table = text_table(drawing.columns, drawing.rows, f"Data of {drawing.title}")
    return (
        f"<figure><figcaption>{escaped(drawing.title)}</figcaption>{drawing.picture}{note}"
        f"<details><summary>Data as a table</summary>{table}</details></figure>\n"
    )


# --- mlcc.report.margin -------------------------------------------------------------------------------------
# Draws one decision: an estimate with its bounds, against what it is held to.
#
# Standard library only: bundled into the emitted script.

STRIP_WIDTH, STRIP_HEIGHT = 320.0, 64.0
EDGE = 10.0  # room at both ends, so that words fit
MIDDLE = 33.0  # the line that the estimate lies on
WORDS = {"min": "at least", "max": "at most"}


class Decision(NamedTuple):
    """The numbers of a check: None where it has none. `threshold` is {"min": x}, {"max": x} or both."""

    verdict: str
    estimate: float | None
    interval: tuple[float, float] | None
    confidence: float | None
    n: int | None
    threshold: dict[str, float]
    margin: float | None


def decision(check: dict[str, Any]) -> Decision:
    """Return the numbers of a check of a verdict file; what isn't a finite number counts as not known."""
    bounds = check.get("interval")
    whole = isinstance(bounds, list) and len(bounds) == 2 and all(is_finite(x) for x in bounds)
    stated = check.get("threshold")
    limits = stated if isinstance(stated, dict) else {}
    n = _known_number(check.get("n"))
    return Decision(
        verdict=str(check.get("verdict")),
        estimate=_known_number(check.get("estimate")),
        interval=(bounds[0], bounds[1]) if whole and isinstance(bounds, list) else None,
        confidence=_known_number(check.get("confidence")),
        n=None if n is None else int(n),
        threshold={side: limits[side] for side in WORDS if is_finite(limits.get(side))},
        margin=_known_number(check.get("margin")),
    )


def _known_number(value: object) -> float | None:
    return value if is_finite(value) else None  # type: ignore[return-value]  # then it is a number


def in_words(found: Decision) -> str:
    """Return the decision as a sentence: what a reader who doesn't see the picture gets."""
    parts = []
    if found.estimate is not None:
        parts.append(f"estimate {short(found.estimate)}")
    if found.interval is not None:
        low, high = found.interval
        sure = "" if found.confidence is None else f", each with {short(found.confidence * 100)} % confidence"
        parts.append(f"bounds {short(low)} and {short(high)}{sure}")
    if found.n is not None:
        parts.append(f"{found.n:,} rows")
    for side, limit in found.threshold.items():
        parts.append(f"must be {WORDS[side]} {short(limit)}")
    if found.margin is not None:
        kept = "kept" if found.margin >= 0 else "missed"
        parts.append(f"{kept} by {short(abs(found.margin))}")
    return "; ".join(parts)


def drawn(id: str, title: str, found: Decision) -> str:
    """Return the picture; empty where there is no estimate or nothing to hold it to. Raises ValueError."""
    if found.estimate is None or not found.threshold:
        return ""
    limits = found.threshold
    values = [found.estimate, *(found.interval or ()), *limits.values()]
    scale = Scale(*padded(values, 0.12), EDGE, STRIP_WIDTH - EDGE)
    parts = [_allowed(scale, limits), svg_line(EDGE, MIDDLE, STRIP_WIDTH - EDGE, MIDDLE, "rule")]
    for side, limit in limits.items():
        parts += _limit(scale, side, limit)
    if found.interval is not None:
        low, high = (scale.at(end) for end in found.interval)
        paint = found.verdict if found.verdict in PAINT else "error"
        parts.append(svg_line(low, MIDDLE, high, MIDDLE, paint, width=3.0))
        parts += [svg_line(end, MIDDLE - 6, end, MIDDLE + 6, paint, width=2.0) for end in (low, high)]
    where = scale.at(found.estimate)
    parts.append(svg_mark(where, MIDDLE, found.verdict))
    parts.append(_label(where, STRIP_HEIGHT - 9, short(found.estimate), "ink"))
    return svg_picture(id, STRIP_WIDTH, STRIP_HEIGHT, title, in_words(found), parts)


def _allowed(scale: Scale, limits: dict[str, float]) -> str:
    low = scale.at(limits["min"]) if "min" in limits else EDGE
    high = scale.at(limits["max"]) if "max" in limits else STRIP_WIDTH - EDGE
    return svg_rect(low, MIDDLE - 11, high - low, 22, "good")


def _limit(scale: Scale, side: str, limit: float) -> list[str]:
    """Return the line of a limit, and an arrow with its words on the allowed side."""
    where = scale.at(limit)
    tip = where + (7 if side == "min" else -7)
    arrow = [(where, MIDDLE - 15), (tip, MIDDLE - 11.5), (where, MIDDLE - 8)]
    return [
        svg_line(where, MIDDLE - 15, where, MIDDLE + 13, "limit"),
        svg_path(arrow, "limit"),
        _label(where, 13, f"{WORDS[side]} {short(limit)}", "faint"),
    ]


def _label(x: float, y: float, words: str, paint: str) -> str:
    """Return words around x, moved inwards where they would leave the picture."""
    half = len(words) * LETTER / 2
    inside = min(max(x, half + 2), STRIP_WIDTH - half - 2)
    return svg_text(inside, y, words, paint=paint, anchor="middle")


# --- mlcc.report.page ---------------------------------------------------------------------------------------
# Writes a run as one HTML page that needs nothing else: no script, no font, no link to anything that it loads.
#
# Texts are escaped and bounded, and so is the page: what is beyond is named and left out. Its own policy lets it load
# nothing and run nothing (https://www.w3.org/TR/CSP3/). The same files give the same bytes.
# Standard library only: bundled into the emitted script.

MARKS = {"pass": "✓ pass", "fail": "✗ fail", "inconclusive": "? inconclusive", "error": "! error"}
ENDS = {"passed": "pass", "failed": "fail", "lost": "error", "skipped": "skipped"}
MOST_PAGE = 6_000_000  # characters; gates beyond have their sentence only


def page(run: Run) -> str:
    """Return the page."""
    parts = [_header(run), "<main>\n", _overview(run)]
    used = sum(map(len, parts))
    for number, finding in enumerate(run.findings):
        section = _gate(finding, f"g{number}", whole=True)
        if used + len(section) > MOST_PAGE:
            section = _gate(finding, f"g{number}", whole=False)
        used += len(section)
        parts.append(section)
    parts += [_reports(run), _nodes(run), "</main>\n", _footer(run)]
    return document(f"{_colour(run)[1]}: {run.name}", parts)


def _colour(run: Run) -> tuple[str, str]:
    """Return the class and the words of the overall result."""
    if run.green is None:
        return "", "Not settled"
    return ("pass", "Green") if run.green else ("fail", "Red")


# --- the run --------------------------------------------------------------------------------------


def _header(run: Run) -> str:
    paint, words = _colour(run)
    sign = {"pass": "✓ ", "fail": "✗ "}.get(paint, "")
    closed = sum(finding.closes for finding in run.findings)
    gates = "no gate ran" if not run.findings else f"{closed} of {counted(len(run.findings), 'gate')} closed"
    lines = [
        f'<header>\n<div class="band {paint}">\n',
        f'<h1><span class="mark {paint}">{sign}{words}</span>: {escaped(run.name)}</h1>\n',
        f"<div>{gates}</div>\n",
    ]
    if run.green is None:
        lines.append(
            '<p class="faint">The final node has not settled this run: these are the gates as they are.</p>'
        )
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _facts(run))
    lines.append(f'<dl class="facts">{facts}</dl>\n' if facts else "")
    if run.causes:
        causes = "".join(f"<li>{escaped(cause)}</li>" for cause in run.causes[:50])
        lines.append(f'<h2>Why it is red</h2>\n<ul class="causes">{causes}</ul>\n')
    return "".join([*lines, "</div>\n</header>\n"])


def _facts(run: Run) -> Iterable[tuple[str, str]]:
    for name, key in (
        ("Event", "event"),
        ("Branch", "branch"),
        ("Tag", "tag"),
        ("Pull request", "pull_request"),
    ):
        if run.fact(key):
            yield name, escaped(run.fact(key).replace("_", " ") if key == "event" else run.fact(key), 120)
    if run.fact("commit"):
        yield "Commit", f"<code>{escaped(run.fact('commit')[:12])}</code>"
    url, number = run.fact("run_url"), run.fact("run_number") or run.fact("run_id")
    if number:
        known = url.startswith(("https://", "http://"))
        yield (
            "Run",
            f'<a href="{escaped(url)}" rel="noreferrer">{escaped(number, 80)}</a>'
            if known
            else escaped(number, 80),
        )


def _overview(run: Run) -> str:
    if not run.findings:
        return ""
    rows = [
        [
            f'<a href="#g{number}">{escaped(finding.name, 120)}</a>',
            escaped(finding.guards, 120),
            _mark(finding.verdict) + (f"<br>{finding.effect}" if finding.effect else ""),
            escaped(finding.summary, 260),
        ]
        for number, finding in enumerate(run.findings[:MOST_SHOWN])
    ]
    found = html_table(["Gate", "Decides about", "Verdict", "Finding"], rows, "rows")
    return f'<section class="plain" aria-labelledby="gates"><h2 id="gates">Gates</h2>{found}</section>\n'


def _nodes(run: Run) -> str:
    parts = []
    others = [node for node in run.nodes if node.kind != "gate"]
    if others:
        parts.append(
            "<h2 id='nodes'>Other nodes</h2>"
            + html_table(["Node", "Ended", "Why"], map(_node, others), "rows")
        )
    if run.unselected:
        items = [[escaped(id, 120), escaped(why)] for id, why in run.unselected[:MOST_SHOWN]]
        count = counted(len(run.unselected), "node")
        parts.append(
            f"<details><summary>{count} not selected</summary>{html_table(['Node', 'Why'], items)}</details>"
        )
    return f'<section class="plain">{"".join(parts)}</section>\n' if parts else ""


def _reports(run: Run) -> str:
    """Return what the reports of nodes say; what is readable of them at length stands in the run's summary."""
    if not run.reports:
        return ""
    rows = []
    for one in run.reports[:MOST_SHOWN]:
        mark = "" if one.readable else '<span class="mark error">! </span>'
        more = [f"and {one.more} more"] if one.more else []
        said = "<br>".join(escaped(text) for text in (one.words, *one.items, *more))
        rows.append([escaped(one.node, 120), escaped(one.id, 120), f"{mark}{said}"])
    table = html_table(["Node", "Report", "Says"], rows, "rows")
    return (
        f'<section class="plain" aria-labelledby="reports"><h2 id="reports">Reports</h2>{table}</section>\n'
    )


def _node(node: Ended) -> list[str]:
    mark = ENDS.get(node.end, "error")
    sign = MARKS[mark][0] if mark in MARKS else "–"
    return [
        escaped(node.name, 120),
        f'<span class="mark {mark}">{sign} {escaped(node.end, 40)}</span>',
        escaped(node.cause),
    ]


def _footer(run: Run) -> str:
    return (
        '<footer class="faint">Made by mlcc from <code>_mlcc/s--*/</code>; '
        "<code>python -I .mlcc/report.py page</code> makes it again. "
        f"{counted(len(run.findings), 'gate')}, {counted(len(run.nodes), 'node')}.</footer>\n"
    )


# --- one gate -------------------------------------------------------------------------------------


def _mark(verdict: str) -> str:
    paint = verdict if verdict in MARKS else "error"
    return f'<span class="mark {paint}">{MARKS[paint]}</span>'


def _gate(finding: Finding, id: str, *, whole: bool) -> str:
    """Return a gate's section; not `whole`: without its checks and plots."""
    about = f"{escaped(finding.kind, 60)} gate, decides about <strong>{escaped(finding.guards, 120)}</strong>"
    more = "" if finding.blocking else "; not blocking"
    parts = [
        f'<section class="{finding.verdict}" aria-labelledby="{id}">\n<div class="head">',
        f'<h2 id="{id}">{escaped(finding.name, 160)}</h2>{_mark(finding.verdict)}</div>\n',
        f'<div class="faint">{about}{more}</div>\n<p class="sentence">{escaped(finding.summary, 1500)}</p>\n',
        _waiver(finding),
    ]
    if whole:
        parts += [_checks(finding, id), _drawings(finding, id), _numbers(finding), _origin(finding)]
    else:
        parts.append(
            "<p>Its checks and plots are left out: this page is long enough. They are in its own files.</p>"
        )
    return "".join([*parts, "</section>\n"])


def _waiver(finding: Finding) -> str:
    if not finding.waived:
        return ""
    until, reason, issue = (finding.waived.get(key, "") for key in ("until", "reason", "issue"))
    return f'<p class="waiver"><strong>Waived until {escaped(until)}.</strong> {escaped(reason)} ({escaped(issue)})</p>\n'


def _checks(finding: Finding, id: str) -> str:
    rows = []
    ranked = sorted(finding.checks, key=lambda check: check.get("verdict") == "pass")
    for number, check in enumerate(ranked):
        name = escaped(str(check.get("id")), 120)
        picture = ""
        try:
            words = visible(str(check.get("id")), 120)
            picture = drawn(f"{id}m{number}", f"Decision of {words}", decision(check))
        except BROKEN:  # the sentence beside it says what was found
            pass
        said = f'<span class="id">{name}</span><br>{escaped(str(check.get("message")))}'
        rows.append([_mark(str(check.get("verdict"))), said, picture])
    if not rows:
        return ""
    return "<h3>Checks</h3>" + html_table(
        ["Verdict", "Check", "Estimate, bounds and what is allowed"], rows, "rows decisions"
    )


def _drawings(finding: Finding, id: str) -> str:
    figures = [figure(plot, f"{id}p{number}") for number, plot in enumerate(finding.plots)]
    return f'<div class="plots">{"".join(figures)}</div>\n' if figures else ""


def _numbers(finding: Finding) -> str:
    """Return what the small pictures of the checks show, as numbers."""
    rows = []
    for check in finding.checks:
        found = decision(check)
        numbers = [found.estimate, *(found.interval or (None, None)), found.confidence, found.n]
        limits = [found.threshold.get("min"), found.threshold.get("max"), found.margin]
        if any(value is not None for value in (*numbers, *limits)):
            shown = ["" if value is None else short(value) for value in (*numbers, *limits)]
            rows.append([visible(str(check.get("id")), 120), *shown])
    if not rows:
        return ""
    columns = ["check", "estimate", "lower", "upper", "confidence", "n", "at least", "at most", "margin"]
    table = text_table(columns, rows, f"Numbers of {finding.name}")
    return f"<details><summary>Numbers as a table</summary>{table}</details>\n"


def _origin(finding: Finding) -> str:
    rows = [
        [escaped(id, 120), f"<code>{escaped(digest, 100)}</code>"]
        for id, digest in sorted(finding.inputs.items())
    ]
    rows += [["the gate itself", f"<code>{escaped(finding.digest, 100)}</code>"]] if finding.digest else []
    call = f"python -I .mlcc/gates/{escaped(finding.script, 60)}.py {escaped(finding.gate, 80)}"
    again = f"<p>Run it again: <code>{call}</code></p>"
    table = html_table(["Judged", "Digest"], rows) if rows else ""
    return f"<details><summary>What was judged</summary>{table}{again}</details>\n"


# --- mlcc.runtime.rest --------------------------------------------------------------------------------------
# Asks a forge's interface, again where it may go better: GitHub's and GitLab's alike.
#
# Standard library only: bundled into the emitted scripts.

ATTEMPTS = 5
LONGEST_WAIT = 60.0  # seconds; who asks for more is not waited for
MOST_PAGES = 50


class AgainError(Exception):
    """It may go better after some seconds."""

    def __init__(self, seconds: float | None, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


class Answer(NamedTuple):
    """What a forge answered: its headers, by small letters, and the JSON value."""

    headers: Mapping[str, str]
    content: Any


class Interface(NamedTuple):
    """A forge's interface: what every address begins with, a token, and what a refusal by status means."""

    api: str
    token: str
    reasons: Mapping[int, str]


def patiently(work: Callable[[], str]) -> str:
    """Return what a piece of work returns, which is done again from its start where it may go better. Raises RunError."""
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except AgainError as problem:
            wait = 2.0**attempt if problem.seconds is None else problem.seconds
            if attempt == ATTEMPTS - 1 or wait > LONGEST_WAIT:
                raise RunError(f"{problem}, and it was tried {attempt + 1} times") from None
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def listed(interface: Interface, url: str, what: str) -> Iterator[dict[str, Any]]:
    """Yield every object of a list, page by page: https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api"""
    for _ in range(MOST_PAGES):
        answer = ask(interface, "GET", url)
        if not isinstance(answer.content, list):
            raise RunError(f"the forge's answer isn't a list of {what}")
        yield from (one for one in answer.content if isinstance(one, dict))
        url = _next(answer.headers.get("link", ""))
        if not url:
            return
        if not url.startswith(f"{interface.api}/"):
            raise RunError("the forge's next page is at another address")
    raise RunError(f"there are more than {MOST_PAGES * 100} {what}")


def _next(link: str) -> str:
    """Return the next page of a Link header (RFC 8288); empty: this is the last."""
    for part in link.split(","):
        address, _, relation = part.strip().partition(">")
        if address.startswith("<") and 'rel="next"' in relation:
            return address[1:]
    return ""


def ask(interface: Interface, verb: str, url: str, body: Mapping[str, Any] | None = None) -> Answer:
    """Return what a forge answers. Raises AgainError for what may pass, and RunError for what won't."""
    import http.client
    import urllib.error
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        """Follows no redirection, which would take the token along."""

        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    headers = {
        "Authorization": f"Bearer {interface.token}",
        "Accept": "application/json",
        "User-Agent": "mlcc",
    }
    content = None if body is None else json.dumps(body).encode()
    if content is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, content, headers, method=verb)  # noqa: S310 - callers check the scheme
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=NETWORK_SECONDS) as answer:
            found = {key.lower(): value for key, value in answer.headers.items()}
            return Answer(found, json.loads(answer.read(MAX_ANSWER).decode("utf-8") or "null"))
    except urllib.error.HTTPError as problem:
        with problem:
            found = {key.lower(): value for key, value in problem.headers.items()}
            raise _refused(interface, problem.code, found) from None
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise AgainError(None, f"the forge gave no proper answer ({type(problem).__name__})") from None


def _refused(interface: Interface, status: int, headers: Mapping[str, str]) -> Exception:
    """Return what an answer means.

    GitHub answers 403 as well as 429 to who asks too often, with `retry-after` or no requests remaining
    (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
    """
    limited = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    if status == 429 or status >= 500 or (status == 403 and limited):
        return AgainError(_seconds(headers), f"the forge answered with {status}")
    return RunError(f"{interface.reasons.get(status, 'the forge refused')} ({status})")


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long a forge asks to wait; None: it doesn't say."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isascii() and after.isdigit():
        return float(after[:9])
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(1.0, float(reset[:12]) - time.time())
    return None


# --- mlcc.report.post ---------------------------------------------------------------------------------------
# Keeps one comment up to date: finds it among all of a request, changes it, or writes the first.
#
# A comment is this pipeline's when its first line says so and its author is who the token belongs to: others' that quote
# the line stay as they are. The whole is tried again, so that an answer that was lost makes no second comment.
# Standard library only: bundled into the emitted script.

REASONS = {
    401: "the token isn't accepted",
    403: "the token may not write comments",
    404: "the token sees no such pull request",
}


def publish_comment(forge: Forge, token: str, name: str, number: int, body: str) -> str:
    """Write or change the comment of the pipeline `name`, and say what was done. Raises RunError.

    `number` is the run's: a comment that tells of a later run is left as it is.
    """
    interface = Interface(forge.api, token, REASONS)
    return patiently(lambda: _publish(forge, interface, name, number, body))


def _publish(forge: Forge, interface: Interface, name: str, number: int, body: str) -> str:
    me = forge.me or str(ask(interface, "GET", f"{forge.api}/user").content.get(forge.login, ""))
    mine = [
        (int(one["id"]), str(one["body"]), run)
        for one in listed(interface, f"{forge.comments}?per_page=100", "comments")
        for run in [marked_run(str(one.get("body")), name)]
        if run is not None and me and (one.get(forge.author) or {}).get(forge.login) == me
    ]
    if any(run > number for _, _, run in mine):
        return "a later run has written the comment already"
    for id, _, _ in (one for one in mine if one[1] != body):
        ask(interface, forge.verb, f"{forge.one}{id}", {"body": body})
    if not mine:
        ask(interface, "POST", forge.comments, {"body": body})
    return "the comment is up to date" if mine else "the comment is written"


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


# --- mlcc.report.main ---------------------------------------------------------------------------------------
# The entry of the emitted `.mlcc/report.py`: `page`, `notes`, `comment`, `summary` or `reports`.
#
# Standard library only: bundled into the emitted script.

COMMENT_SECONDS = 150  # altogether: GitLab's `after_script` has 5 minutes, and other final jobs 10
SUMMARY_MOST = 500_000  # bytes; GitHub takes a summary of 1 MiB for each step, and there is more in it
TOKEN = "MLCC_TOKEN"  # noqa: S105 - the name of a variable


def main() -> int:
    """Do what is named, in the folder of the spec. Returns an exit status; 2 is an error."""
    command = REPORTS.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if command is None:
        say("usage: python3 -I .mlcc/report.py page | notes | comment | summary | reports")
        return 2
    os.chdir(Path(__file__).resolve().parent.parent)
    return command()


def write_page() -> int:
    """Write `_mlcc/s--final/report.html`."""
    path = state_folder("final") / "report.html"
    try:
        write_text(path, page(read_run(read_plan())))
    except (RunError, OSError) as problem:
        say(f"mlcc: the page can't be written: {problem}")
        return 2
    say(f"mlcc: the page for reviewers is {path}")
    return 0


def write_notes() -> int:
    """Annotate the spec with what the gates found."""
    try:
        plan = read_plan()
        annotate(read_run(plan), this_platform(), plan["spec_files"][0])
    except RunError as problem:
        say(f"mlcc: nothing can be annotated: {problem}")
        return 2
    return 0


def write_summary() -> int:
    """Write what the reports of all nodes say as Markdown for the run's summary, `_mlcc/s--final/reports.md`."""
    try:
        write_text(state_folder("final") / REPORTS_SHOWN, _shown(read_reports(read_plan())))
    except (RunError, OSError) as problem:
        say(f"mlcc: what the reports say can't be written: {problem}")
        return 2
    return 0


def write_reports() -> int:
    """Write what the reports of the leg that the environment names say: `reports.json` and Markdown beside its state."""
    node, leg = os.environ.get("MLCC_NODE", ""), os.environ.get("MLCC_LEG", "")
    try:
        plan = read_plan()
        record_reports(plan, node, leg)
        write_text(state_folder(node, leg) / REPORTS_SHOWN, _shown(read_reports(plan, (node, leg))))
    except (RunError, OSError) as problem:
        say(f"mlcc: the reports can't be read: {problem}")
        return 2
    return 0


def _shown(told: list[Told]) -> str:
    return fitted("", reports_shown(told), SUMMARY_MOST)


def write_comment() -> int:
    """Keep the comment on the run's pull request up to date. Whatever goes wrong is a warning: the run has ended."""
    try:
        platform = this_platform()
    except RunError as problem:
        say(f"mlcc: {problem}")
        return 2
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(COMMENT_SECONDS)
    try:
        done = _commented()
        say(f"mlcc: {done}")
    except RunError as problem:
        platform.warn(f"no comment on the pull request: {problem}")
        platform.put_summary(f"No comment on the pull request: {problem}.")
    except Exception as problem:  # the node has ended as it has, and nobody foresaw this
        platform.warn(f"no comment on the pull request: {type(problem).__name__}")
    finally:
        signal.alarm(0)
    return 0


def _late(*_: object) -> None:
    raise RunError(f"it took more than {COMMENT_SECONDS} s")


def _commented() -> str:
    plan = read_plan()
    run = read_run(plan)
    if not run.fact("pull_request"):
        return "this run is of no pull request, so there is nothing to comment on"
    if run.fact("fork"):
        raise RunError("it comes from another repository, whose runs get no token that may write here")
    token = os.environ.get(TOKEN, "")
    if not token:
        raise RunError("the token for it isn't set in the CI system")
    forge = forge_of(this_platform(), run)
    name = "/".join(part for part in (plan["home"], plan["name"]) if part)
    return publish_comment(forge, token, name, run_number(run), comment(run, name, forge.most))


REPORTS = {
    "page": write_page,
    "notes": write_notes,
    "comment": write_comment,
    "summary": write_summary,
    "reports": write_reports,
}


if __name__ == "__main__":
    raise SystemExit(main())
