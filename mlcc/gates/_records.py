"""What a gate finds: checks, the verdict over them, and text that is safe to show."""

from __future__ import annotations

from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

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
