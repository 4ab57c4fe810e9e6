"""From the parameters of a `feature_value` gate to those of its script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc, artifact_named
from mlcc.gates._metrics.catalog import BOUNDLESS, direction
from mlcc.gates._metrics.levels import check_level, normal_quantile
from mlcc.gates._metrics.query import check_metric, check_together, options_of, source_of, table_named
from mlcc.gates.strictness import DERIVED, Way

LOOSER: Mapping[str, Way] = dict.fromkeys(
    ("z", "role", "metric/metric", "predictions/format", "predictions/query", "predictions/values/**"),
    DERIVED,
)
"""See mlcc.gates.strictness."""


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifacts with the predictions and with the costs."""
    found: tuple[tuple[Loc, str], ...] = ((("predictions",), params.predictions),)
    return found if params.cost is None else (*found, (("cost", "from"), params.cost.from_))


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return what is read, and what each feature must add and may cost. Raises GateParamsError."""
    del guards
    table_named(artifacts, params.predictions, ("predictions",))
    check_metric(params, params.metric, ("metric",))
    check_together(params, {params.metric: ("metric",)})
    check_level(params.confidence, 0.5, ("confidence",), "the confidence of a bound")
    if not direction(params.metric) or params.metric in BOUNDLESS:
        raise GateParamsError(("metric",), f"a gain can't be measured by {params.metric}")
    if not math.isfinite(params.min_gain):
        raise GateParamsError(("min_gain",), "the least gain is not a finite number")
    role = "score" if params.score is not None else "prediction"
    own = getattr(params, role)
    if params.scores is not None or own is None:
        raise GateParamsError(
            (), "a feature's value is read from a `score` or a `prediction`", f"add `{role}: COLUMN`"
        )
    aliases = {feature: f"without_{i}" for i, feature in enumerate(params.without)}
    for feature, column in params.without.items():
        if column == own:
            raise GateParamsError(("without", feature), f"{column} is what the whole model predicts")
    extra = {aliases[feature]: (column, role) for feature, column in params.without.items()}
    found: dict[str, object] = {
        "predictions": source_of(
            params, params.predictions, artifacts, [params.metric], ("predictions",), extra
        ),
        "role": role,
        "without": aliases,
        "metric": {"id": params.metric, "metric": params.metric, **options_of(params, params.metric, ())},
        "min_gain": params.min_gain,
        "alpha": 1 - params.confidence,
        "z": normal_quantile(params.confidence),
        "min_n": params.min_n,
    }
    return found if params.cost is None else {**found, "cost": _cost(params.cost, artifacts)}


def _cost(cost: Any, artifacts: Mapping[str, ArtifactInfo]) -> dict[str, object]:
    if artifact_named(artifacts, cost.from_, ("cost", "from")).format != "json":
        raise GateParamsError(("cost", "from"), "the costs must be in a .json file")
    if not (math.isfinite(cost.max_ms) and cost.max_ms > 0):
        raise GateParamsError(
            ("cost", "max_ms"), "no feature takes no time", "say how many milliseconds it may take"
        )
    return {"artifact": cost.from_, "max_ms": cost.max_ms}
