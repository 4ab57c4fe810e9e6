"""What the parameters of gates that ask golden queries have in common, for their scripts."""

from __future__ import annotations

import math
from typing import Any

from mlcc.gates import GateParamsError
from mlcc.spec.scalars import milliseconds, seconds

CONFIDENCE = 0.95


def asked(params: Any) -> dict[str, object]:
    """Return what is asked and how fast an answer must come: times in s, a limit in ms. Raises GateParamsError."""
    if not params.golden.endswith(".json"):
        raise GateParamsError(("golden",), f"the golden queries {params.golden} don't end in .json")
    if not math.isfinite(params.tolerance):
        raise GateParamsError(("tolerance",), "the tolerance is not a finite number")
    found: dict[str, object] = {
        "golden": params.golden,
        "tolerance": params.tolerance,
        "answer_within": seconds(params.answer_within),
        "requests": params.requests,
        "warmup": params.warmup,
        "confidence": CONFIDENCE,
    }
    if params.trace is not None:
        found["trace"] = params.trace
    if params.latency_p95 is not None:
        found["max_latency"] = milliseconds(params.latency_p95.max)
    return found


def url_paths(params: Any) -> dict[str, object]:
    """Return the paths that are asked over http. Raises GateParamsError."""
    found: dict[str, object] = {}
    for key in ("ready", "path"):
        path = getattr(params, key)
        # http would send what is no path of a URL elsewhere, or not at all.
        if (
            not path.startswith("/")
            or path.startswith("//")
            or not path.isascii()
            or " " in path
            or "\n" in path
        ):
            raise GateParamsError(
                (key,), f"the path {path} starts with one '/' and has ASCII signs and no space, as in a URL"
            )
        found[key] = path
    return found
