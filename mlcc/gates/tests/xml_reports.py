"""JUnit and Cobertura reports, read without trust: no entity is expanded, nothing is fetched."""

from __future__ import annotations

from math import isfinite
from xml.parsers import expat

from mlcc.gates._records import GateError, visible
from mlcc.gates._strict import read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
