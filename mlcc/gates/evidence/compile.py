"""From the parameters of an `evidence` gate to those of its script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc, artifact_named
from mlcc.gates.strictness import DEMANDED, DERIVED, Way
from mlcc.spec.scalars import seconds

LOOSER: Mapping[str, Way] = {"sections": DEMANDED, "fields": DEMANDED, "format": DERIVED}
"""See mlcc.gates.strictness."""

TOPICS: dict[str, tuple[str, ...]] = {
    "model_card": (),
    "review": ("M1",),
    "proxy_metric_study": ("M2",),
    "tuning_study": ("M3",),
    "staleness": ("M4", "O4"),
    "dependency_diff": ("O1",),
    "feature_lead_time": ("D6",),
    "privacy_review": ("D5",),
}
"""Topic -> the items of the ML Test Score that a record on it is evidence for (Breck et al. 2017)."""
FORMATS = {".md": "markdown", ".json": "json"}
_DAY = 86400


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifacts that the record is about, and the record itself where a job writes it."""
    found: list[tuple[Loc, str]] = [(("about", i), id) for i, id in enumerate(params.about or ())]
    if params.record_from is not None:
        found.append((("record_from",), params.record_from))
    return tuple(found)


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return where the record is and what it must show; the age in seconds. Raises GateParamsError."""
    path, loc = params.record, "record"
    if params.record_from is not None:
        loc = "record_from"
        path = artifact_named(artifacts, params.record_from, (loc,)).path
        if params.record_from in (params.about or (guards,)):
            raise GateParamsError(
                ("about",), f"a record can't name its own digest, and '{params.record_from}' is the record"
            )
    format = FORMATS.get("." + path.rpartition(".")[2]) if "." in path else None
    if format is None:
        raise GateParamsError((loc,), f"the record {path} is neither Markdown (.md) nor JSON (.json)")
    if seconds(params.max_age) % _DAY:
        raise GateParamsError(("max_age",), "the age of a record is counted in whole days", "such as 90d")
    if params.sections and format == "json":
        raise GateParamsError(("sections",), "JSON has no sections", "name its keys under `fields`")
    _check_names(params, format)
    return {
        "topic": params.topic,
        "record": path,
        "format": format,
        "date": _way(params.date, format),
        "max_days": seconds(params.max_age) // _DAY,
        "about": list((guards,) if params.about is None else params.about),
        "sections": list(params.sections),
        "fields": [_way(name, format) for name in params.fields],
        "signed_by": list(params.signed_by),
    }


def _check_names(params: Any, format: str) -> None:
    for key in ("sections", "fields", "signed_by", "about"):
        names = getattr(params, key) or ()
        for i, name in enumerate(names):
            if name in names[:i]:
                raise GateParamsError((key, i), f"{name} is listed twice")
    for place, name in ((("date",), params.date), *((("fields", i), x) for i, x in enumerate(params.fields))):
        if format == "json" and not all(name.split(".")):
            raise GateParamsError(place, f"{name} has an empty step between its dots")


def _way(name: str, format: str) -> list[str]:
    return name.split(".") if format == "json" else [name]
