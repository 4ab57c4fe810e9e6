"""A bill of materials for machine learning from the record of a run: CycloneDX 1.7 (ECMA-424), as JSON.

Each model is a component with a model card: the data that it was made from, and the metrics that gates measured, with
their intervals. The same record gives the same bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc import __version__
from mlcc.card import COUNTS
from mlcc.gates._records import number

_TYPES = {"model": "machine-learning-model", "data": "data"}
_MEASURING = ("evaluate", "compare", "slices")


def bill_of_materials(record: Mapping[str, Any]) -> str:
    """Return the bill of materials of a run's models. Raises LookupError, TypeError and AttributeError for no record."""
    components = [
        part for id, entry in record.get("artifacts", {}).items() for part in _components(id, entry, record)
    ]
    used = [part["bom-ref"] for part in components if part["type"] != "machine-learning-model"]
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(record, sort_keys=True))),
        "version": 1,
        "metadata": {
            "timestamp": record["finished"],
            "tools": {"components": [{"type": "application", "name": "mlcc", "version": __version__}]},
            "component": {
                "type": "application",
                "bom-ref": "pipeline",
                "name": record["pipeline"],
                "version": record["commit"]["id"],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": part["bom-ref"], **({"dependsOn": used} if used else {})}
            for part in components
            if part["type"] == "machine-learning-model"
        ],
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _components(id: str, entry: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for leg, digest in entry["digests"].items():
        name = f"{id}/{leg}" if leg else id
        # A committed model, such as a champion, is what others are held against: it is no model that this run made.
        kind = _TYPES.get(entry["kind"], "file") if entry["kind"] != "model" or entry["made"] else "file"
        part: dict[str, Any] = {
            "type": kind,
            "bom-ref": f"artifact:{name}",
            "name": name,
            "version": digest,
            **_hashes(digest),
            # A folder's digest is of the sorted lines of sha256sum, not of one file.
            "properties": [{"name": "mlcc:form", "value": entry["form"]}],
        }
        if kind == "data":
            part["data"] = [{"type": "dataset", "name": name}]
        if kind == "machine-learning-model":
            part["modelCard"] = _model_card(id, record)
        yield part


def _hashes(digest: str) -> dict[str, Any]:
    """Return the hash of an artifact's bytes; a warehouse's table and a store's objects have none."""
    scheme, _, hex = digest.partition(":")
    return {"hashes": [{"alg": "SHA-256", "content": hex}]} if scheme == "sha256" else {}


def _model_card(id: str, record: Mapping[str, Any]) -> dict[str, Any]:
    datasets = [
        {"ref": f"artifact:{other}/{leg}" if leg else f"artifact:{other}"}
        for other, entry in record["artifacts"].items()
        for leg in entry["digests"]
        if entry["kind"] == "data"
    ]
    metrics = [
        _metric(name, check)
        for name, gate in record.get("gates", {}).items()
        for check in gate["checks"]
        if gate["guards"] == id
        and gate["kind"] in _MEASURING
        and (gate["kind"], check.get("id")) not in COUNTS
        if type(check.get("estimate")) in (int, float)
    ]
    found: dict[str, Any] = {"modelParameters": {"datasets": datasets}} if datasets else {}
    if metrics:
        found["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    return found


def _metric(gate: str, check: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": f"{gate}: {check['id']}", "value": number(check["estimate"])}
    if check.get("interval"):
        low, high = check["interval"]
        found["confidenceInterval"] = {"lowerBound": number(low), "upperBound": number(high)}
    return found
