"""The compiled parameters of a gate -> those of the spec. What can't be told surely is None.

Whether they are right isn't trusted: the spec is compiled again, and the outcome compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlcc.importing.draft import duration

Params = dict[str, Any]
_ROLES = ("label", "score", "prediction", "weight", "group", "key", "time")
_OPTIONS = (
    "threshold",
    "positive",
    "averaging",
    "alpha",
    "confidence",
    "min_n",
    "max_slices",
    "power",
    "test",
    "margin",
)


def parameters(content: dict[str, Any], others: list[str]) -> Params | None:
    """Return the spec's parameters of a gate from its file; `others` are the artifacts that it takes beside its own."""
    read = _KINDS.get(content["kind"])
    return None if read is None else read(content["params"], content, others)


def _without(given: Params, *dropped: str) -> Params:
    return {key: value for key, value in given.items() if key not in dropped}


def _program(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    """`tests` and `command`: as they are, but for the setup, which is the node's."""
    del content, others
    return _without(given, "setup")


def _reproduce(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    del content
    found = _without(given, "setup", "kept", "metrics")
    if "metrics" in given:
        tolerances = {t["id"]: t["max"] for t in given["metrics"]["tolerances"]}
        found["metrics"] = {"path": given["metrics"]["path"], "tolerance": tolerances}
    return {**found, **({"reads": others} if others else {})}


def _serve(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    del content
    found = _without(given, "setup", "max_latency", "max_memory", "confidence")
    for key in ("start_within", "answer_within"):
        if key in found:
            found[key] = duration(int(found[key]))
    if "max_latency" in given:
        found["latency_p95"] = {"max": f"{int(given['max_latency'])}ms"}
    if "max_memory" in given:
        found["memory"] = {"max": _size(given["max_memory"])}
    return {**found, **({"reads": others} if others else {})}


def _answers(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    found = _serve(given, content, others)
    return {**found, "ready_within": duration(int(given["ready_within"]))}


def _pipeline_smoke(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    del content
    outputs = {output["id"]: _smoke_output(output) for output in given["outputs"]}
    return {"run": given["run"], "outputs": outputs, **({"reads": others} if others else {})}


def _smoke_output(given: Params) -> Params:
    found = _without(given, "id", "format")
    if "value" in found:
        found["value"] = ".".join(found["value"])
    return found if "format" in given else {**found, "finite": False}


def _feature_parity(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    del content, others
    columns = {column["name"]: _without(column, "name", "kind") for column in given["columns"]}
    sides = {side: given[side]["artifact"] for side in ("offline", "online")}
    kept = ("key", "max_mismatch", "max_unmatched_online", "max_unmatched_offline", "min_n", "confidence")
    return {**sides, **{key: given[key] for key in kept}, "columns": columns}


def _feature_value(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    del content, others
    source = given["predictions"]
    columns = _columns(source)
    found: Params = {
        "predictions": source["artifact"],
        **_roles(source),
        **_threshold(source),
        "without": {feature: columns[alias] for feature, alias in given["without"].items()},
        "metric": given["metric"]["id"],
        **_without(given["metric"], "id", "metric"),
        "min_gain": given["min_gain"],
        "confidence": round(1 - given["alpha"], _DIGITS),
        "min_n": given["min_n"],
    }
    if "cost" in given:
        found["cost"] = {"from": given["cost"]["artifact"], "max_ms": given["cost"]["max_ms"]}
    return found


def _size(number: int) -> str:
    for unit, size in (
        ("GB", 10**9),
        ("MB", 10**6),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KB", 10**3),
        ("KiB", 1 << 10),
    ):
        if number % size == 0:
            return f"{number // size}{unit}"
    raise ValueError("a size that no unit divides")


def _evidence(given: Params, content: dict[str, Any], others: list[str]) -> Params | None:
    if given["record"] in [a["path"] for id, a in content["artifacts"].items() if id in others]:
        return None
    found = {"topic": given["topic"], "record": given["record"], "max_age": f"{given['max_days']}d"}
    found["date"] = ".".join(given["date"])
    found["fields"] = [".".join(field) for field in given["fields"]]
    found |= {"about": given["about"], "sections": given["sections"], "signed_by": given["signed_by"]}
    return {key: value for key, value in found.items() if value != []}


def _columns(source: Params) -> dict[str, str]:
    """Return the columns of a table of predictions by what they are for."""
    return dict(zip(source["values"], source["columns"], strict=True))


def _roles(source: Params) -> Params:
    return {role: column for role, column in _columns(source).items() if role in _ROLES}


def _metric(given: Params) -> Params:
    found: Params = {key: given[key] for key in ("min", "max", "max_drop") if key in given}
    if given.get("metric", given["id"]) != given["id"]:
        found["metric"] = given["metric"]
    for key in ("value", "stderr", "n"):
        if key in given and not (key == "value" and given[key] == [given["id"]]):
            found[key] = ".".join(given[key])
    return found


def _evaluate(given: Params, content: dict[str, Any], others: list[str]) -> Params | None:
    del content, others
    if "champion" in given or "overfit" in given:
        return None
    metrics = {metric["id"]: _metric(metric) for metric in given["metrics"]}
    found: Params = {"confidence": given["confidence"], "metrics": metrics}
    if "min_n" in given:
        found["min_n"] = given["min_n"]
    if given["source"] == "file":
        return {"metrics_from": given["artifact"], **found}
    return {"predictions": given["artifact"], **_roles(given), **_threshold(given), **found}


def _threshold(source: Params) -> Params:
    return {"threshold": source["threshold"]} if source.get("threshold", 0.5) != 0.5 else {}


def _compare(given: Params, content: dict[str, Any], others: list[str]) -> Params | None:
    del content, others
    if {"holdout", "old_data"} & set(given) or set(given["metric"]) - {"id", "metric"}:
        return None
    found: Params = {"candidate": given["candidate"]["artifact"], **_roles(given["candidate"])}
    if "champion" in given:
        found["champion"] = given["champion"]["artifact"]
    else:
        found["baseline"] = given["baseline"]
    found |= _threshold(given["candidate"])
    found["metric"] = given["metric"]["id"]
    return {**found, **{key: given[key] for key in _OPTIONS if key in given}}


def _slices(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    del content, others
    by = [list(group) if len(group) > 1 else next(iter(group)) for group in given["by"]]
    found: Params = {
        "predictions": given["predictions"]["artifact"],
        **_roles(given["predictions"]),
        "by": by,
    }
    found |= _threshold(given["predictions"])
    for key, name in (("metrics", "metrics"), ("gaps", "gap")):
        if given[key]:
            found[name] = {metric["id"]: _metric(metric) for metric in given[key]}
    if "reference" in given:
        found["reference"] = given["reference"]["artifact"]
    return {**found, **{key: given[key] for key in ("min_n", "max_slices", "alpha")}}


def _drift(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    del others
    found: Params = {"reference": given["reference"]["artifact"]}
    if given["current"]["artifact"] != content["guards"]:
        found["current"] = given["current"]["artifact"]
    found["columns"] = {
        column["id"]: {
            **({"name": column["name"]} if column["name"] != column["id"] else {}),
            **_without(column, "id", "name", "cells"),
        }
        for column in given["columns"]
    }
    return {**found, "min_n": given["min_n"], "confidence": given["confidence"]}


def _leakage(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    del others
    found: Params = {}
    if given["split"] is not None:
        found["split"] = given["split"]
    else:
        found["train"] = given["train"]["artifact"]
        if given["test"]["artifact"] != content["guards"]:
            found["test"] = given["test"]["artifact"]
    features, queries = given["features"], given["queries"]
    known = {*features, given["label"], (given["split"] or {}).get("column")}
    rest = [column for column in given["columns"] if column not in known]
    single = [key for key in ("group", "time") if key in queries]
    split = len(rest) - len(single)
    if "key" in queries:
        found["key"] = rest[:split]
    found |= dict(zip(single, rest[split:], strict=True))
    if features:
        found["features"] = features
    if given["label"] is not None:
        found["label"] = given["label"]
    found["max_shared"] = given["max_shared"]
    found["max_single_feature_auc"] = given["max_auc"]
    found["max_single_feature_correlation"] = given["max_correlation"]
    return found


def _artifact(given: Params, content: dict[str, Any], others: list[str]) -> Params:
    del others
    known = ("model", "setup", "max_bytes", "files", "inputs", "outputs", "schema_of", "run")
    found = _without(given, *known)
    if str(content["artifacts"][content["guards"]]["path"]).endswith("/"):
        found["files"] = given["files"]
    else:
        found["format"] = given["files"][0]["format"]
    if "max_bytes" in given:
        found["max_size"] = _size(given["max_bytes"])
    for key in ("inputs", "outputs"):
        if key in given:
            found[key] = {value["name"]: _tensor(value) for value in given[key]}
    if "schema_of" in given:
        found["schema_of"] = given["schema_of"]["artifact"]
    if "run" in given:
        found["verify"] = {"run": given["run"]}
    return found


def _tensor(value: Params) -> Params:
    shape = (
        {"shape": ["any" if size is None else size for size in value["shape"]]} if "shape" in value else {}
    )
    return {"type": value["type"], **shape}


def _contract(given: Params, content: dict[str, Any], others: list[str]) -> Params | None:
    del content, others
    columns = {column["name"]: _column(column) for column in given["columns"]}
    for check in given["checks"]:
        kind = check["kind"]
        if kind in ("key", "key_nulls"):
            continue
        if check.get("column") not in columns or kind not in _CHECKS:
            return None
        if kind == "unique":
            columns[check["column"]]["unique"] = True
        elif kind != "type" and not (kind == "max_nulls" and check["limit"] == 0):
            columns[check["column"]][kind] = check["limit"]
    spec: Params = {"rows": given["rows"], "columns": columns}
    stated = {"unique": given["key"], "denied": given["denied"], "checks": _sql_checks(given)}
    spec |= {key: value for key, value in stated.items() if value}
    if given["extra_columns"] != "allow":
        spec["extra_columns"] = given["extra_columns"]
    if "freshness" in given:
        age = duration(given["freshness"]["seconds"])
        spec["freshness"] = {"column": given["freshness"]["column"], "max_age": age}
    return spec


def _column(given: Params) -> Params:
    found: Params = {"type": given["type"]}
    if given.get("stored", given["name"]) != given["name"]:
        found["name"] = given["stored"]
    return found if given["required"] else {**found, "required": False}


def _sql_checks(given: Params) -> Params:
    checks = given.get("sql", {})
    return {id: {"sql": sql if isinstance(sql, str) else "\n".join(sql)} for id, sql in checks.items()}


_CHECKS = {"type", "max_nulls", "min", "max", "values", "pattern", "unique", "max_length", "max_mixed"}
_DIGITS = 12  # of a confidence, whose rest up to 1 the script has
_KINDS: dict[str, Callable[[Params, dict[str, Any], list[str]], Params | None]] = {
    "tests": _program,
    "command": _program,
    "reproduce": _reproduce,
    "serve": _serve,
    "answers": _answers,
    "pipeline_smoke": _pipeline_smoke,
    "feature_parity": _feature_parity,
    "feature_value": _feature_value,
    "evidence": _evidence,
    "evaluate": _evaluate,
    "compare": _compare,
    "slices": _slices,
    "drift": _drift,
    "leakage": _leakage,
    "artifact": _artifact,
    "contract": _contract,
}
