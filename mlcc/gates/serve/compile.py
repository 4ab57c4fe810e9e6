"""From the parameters of a `serve` gate to those of its script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc
from mlcc.gates._serving.compile import asked, url_paths
from mlcc.gates.strictness import CEILING, DERIVED, Way
from mlcc.spec.scalars import seconds, size_in_bytes

LOOSER: Mapping[str, Way] = {"start_within": CEILING, "answer_within": CEILING, "warmup": DERIVED}
"""See mlcc.gates.strictness."""


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifacts that the programs read."""
    return tuple((("reads", i), id) for i, id in enumerate(params.reads))


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return the commands and their limits: times in ms and s, memory in bytes. Raises GateParamsError."""
    del artifacts, guards
    found: dict[str, object] = {
        "run": params.run,
        "setup": [],
        "protocol": params.protocol,
        "start_within": seconds(params.start_within),
        **asked(params),
    }
    if params.protocol == "http":
        found.update(url_paths(params))
    if params.memory is not None:
        found["max_memory"] = size_in_bytes(params.memory.max)
    if params.champion is not None:
        found["champion"] = _champion(params.champion)
    return found


def _champion(champion: Any) -> dict[str, object]:
    limits = {key: getattr(champion, key) for key in ("max_latency_ratio", "max_memory_ratio")}
    limits = {key: limit for key, limit in limits.items() if limit is not None}
    if not limits:
        raise GateParamsError(
            ("champion",),
            "nothing says how much worse than the champion the model may be",
            "add `max_latency_ratio: 1.2`, `max_memory_ratio: 1.2`, or both",
        )
    for key, limit in limits.items():
        if not math.isfinite(limit):
            raise GateParamsError(("champion", key), f"{key} is not a finite number")
    return {"run": champion.run, **limits}
