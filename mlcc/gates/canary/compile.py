"""From the parameters of a `canary` gate to those of its script."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc, artifact_named
from mlcc.gates.canary.feasible import Shortfall, feasible
from mlcc.gates.strictness import CEILING, DERIVED, FLOOR, PRESENT, SLACK, Way
from mlcc.gates.urls import check_token, check_url
from mlcc.spec.scalars import factor, milliseconds, seconds, stretched

LOOSER: Mapping[str, Way] = {
    "bake": FLOOR,
    "max_extend": SLACK,
    "liveness": PRESENT,
    "liveness/fail_after": CEILING,
    "every": CEILING,
    "min_bad": CEILING,
    "fail_after": CEILING,
    "rates/*/worse_than_control": CEILING,
    "histograms/*/on_drift": ("fail", "hold"),
    "rates/*/over": CEILING,
    "rates/*/count": DERIVED,
}
"""See mlcc.gates.strictness."""

ALONE = 100
"""The weight of what has no control beside it."""
_ENDINGS = (".json", ".jsonl", ".ndjson")
_REQUESTS = "n"
_NO_COUNTERS = ("n", "buckets")
_JUDGE = ("alpha", "min_bad", "min_requests")


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifact that holds the observations, where a job writes them."""
    id = params.observations.file_from
    return () if id is None else ((("observations", "file_from"), id),)


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return where observations come from and what they are judged by: times in s and ms. Raises GateParamsError."""
    del guards
    if not math.isfinite(params.weight):
        raise GateParamsError(("weight",), "the weight is not a finite number")
    times = {key: seconds(getattr(params, key)) for key in ("bake", "every", "max_age")}
    if times["every"] > times["bake"]:
        raise GateParamsError(("every",), "the gate would wait longer between two looks than it looks at all")
    compiled = {
        **analysis(params),
        **times,
        "max_extend": factor(params.max_extend),
        **_liveness(params),
        "observations": _source(params, artifacts),
        "setup": [],
        "weight": params.weight,
        "fail_after": params.fail_after,
        "from_zero": params.from_zero,
    }
    if params.weight == ALONE:
        _leave_control_out(compiled)
    _check_traffic(params, compiled)
    return compiled


def _leave_control_out(compiled: dict[str, Any]) -> None:
    """Keep what can be judged of what gets all requests: the limits of its rates. Raises GateParamsError without one."""
    compiled["histograms"] = []
    if "histograms" in compiled["observations"]:
        compiled["observations"]["histograms"] = {}
    compiled["rates"] = [
        {key: value for key, value in rate.items() if key != "worse_than_control"}
        for rate in compiled["rates"]
    ]
    if not compiled["rates"]:
        raise GateParamsError(
            ("metrics",),
            "nothing is left to judge where there is no control: no metric is a `rate`",
            "such as errors: {rate: {max: 0.01}}",
        )


def check_env(params: Any, env: Collection[str]) -> None:
    """Refuse a gate without its token. Raises GateParamsError."""
    if params.observations.prometheus is not None:
        check_token(
            params.observations.prometheus.token, env, ("observations", "prometheus", "token"), "canary"
        )


def check_node(params: Any, timeout: int, env: Collection[str]) -> None:
    """Refuse a gate that would be ended before it has baked, and one without its token. Raises GateParamsError."""
    source = params.observations
    check_env(params, env)
    if params.liveness is not None and params.liveness.url.startswith("/"):
        raise GateParamsError(
            ("liveness", "url"),
            f"no release tells this gate at which address it finds {params.liveness.url}",
            "write the whole address, such as http://127.0.0.1:8002/healthz",
        )
    most = stretched(params.bake, params.max_extend)
    if source.file is None and source.file_from is None and timeout <= most:
        raise GateParamsError(
            ("bake",),
            f"the gate looks for {most} s, and its timeout ends it after {timeout} s",
            f"give it a `timeout` beside `canary`: {math.ceil(most / 60) + 10}m",
        )


def analysis(params: Any) -> dict[str, Any]:
    """Return the metrics and the judge of `CanaryAnalysis`, as the script takes them. Raises GateParamsError."""
    rates: list[dict[str, Any]] = []
    histograms: list[dict[str, Any]] = []
    for id, metric in params.metrics.items():
        if metric.rate is None:
            histograms.append({"id": id, "name": metric.histogram, "on_drift": metric.on_drift or "hold"})
            continue
        if metric.on_drift is not None:
            raise GateParamsError(
                ("metrics", id, "on_drift"), "a rate doesn't drift", "`on_drift` is for histograms"
            )
        rates.append(_rate(id, metric.rate))
    counters = {rate["count"]: rate["id"] for rate in reversed(rates)}
    for rate in rates:
        if counters[rate["count"]] != rate["id"]:
            raise GateParamsError(
                ("metrics", rate["id"], "rate"),
                f"'{counters[rate['count']]}' and '{rate['id']}' are rates of the one counter '{rate['count']}'",
                "give each a counter of its own: `count: NAME`",
            )
    judge = {key: getattr(params.judge, key) for key in _JUDGE}
    if not math.isfinite(judge["alpha"]):
        raise GateParamsError(("judge", "alpha"), "alpha is not a finite number")
    return {"rates": rates, "histograms": histograms, **judge}


def _rate(id: str, rate: Any) -> dict[str, Any]:
    loc = ("metrics", id, "rate")
    count = rate.count or ("slow" if rate.over is not None else "bad")
    if count in _NO_COUNTERS:
        raise GateParamsError((*loc, "count"), f"'{count}' is no counter of bad requests")
    found: dict[str, Any] = {"id": id, "count": count, "max": rate.max}
    if not math.isfinite(rate.max):
        raise GateParamsError((*loc, "max"), "the limit is not a finite number")
    if rate.worse_than_control is not None:
        if not math.isfinite(rate.worse_than_control):
            raise GateParamsError((*loc, "worse_than_control"), "the ratio is not a finite number")
        found["worse_than_control"] = rate.worse_than_control
    if rate.over is not None:
        found["over"] = milliseconds(rate.over)
    return found


def _liveness(params: Any) -> dict[str, object]:
    """Return who is asked, and how often in vain."""
    asked = params.liveness
    if asked is None:
        return {}
    loc = ("liveness", "url")
    if params.observations.file is not None or params.observations.file_from is not None:
        raise GateParamsError(
            ("liveness",), "recorded observations are judged at once, when it is too late to ask the candidate",
            "leave `liveness` out, or observe by `command` or `prometheus`",
        )  # fmt: skip
    example = "http://127.0.0.1:8002/healthz, or in a release /healthz"
    if asked.url.startswith("/") and not asked.url.startswith("//"):
        check_url(f"http://candidate{asked.url}", loc, example)
    else:
        check_url(asked.url, loc, example)
    return {"liveness": {"url": asked.url, "fail_after": asked.fail_after}}


def _source(params: Any, artifacts: Mapping[str, ArtifactInfo]) -> dict[str, object]:
    source = params.observations
    if source.command is not None:
        return {"from": "command", "run": source.command}
    if source.prometheus is not None:
        return _prometheus(source.prometheus, params.metrics)
    path, key = source.file, "file"
    if source.file_from is not None:
        key = "file_from"
        path = artifact_named(artifacts, source.file_from, ("observations", key)).path
    if not path.endswith(_ENDINGS):
        raise GateParamsError(
            ("observations", key), f"the snapshots {path} end in {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}"
        )
    return {"from": "file", "path": path}


def _prometheus(source: Any, metrics: Any) -> dict[str, object]:
    loc = ("observations", "prometheus")
    check_url(source.url, (*loc, "url"), "http://prometheus.internal:9090")
    if source.token is not None and not source.url.lower().startswith("https:"):
        raise GateParamsError(
            (*loc, "url"), "a token over http can be read on its way", "use https, or no `token`"
        )
    if source.candidate == source.control:
        raise GateParamsError(
            (*loc, "control"), "the candidate and the control have the same value of the label"
        )
    histograms = {metric.histogram for metric in metrics.values() if metric.rate is None}
    counts = {_rate(id, metric.rate)["count"] for id, metric in metrics.items() if metric.rate is not None}
    for name in sorted({_REQUESTS, *counts} - set(source.queries)):
        raise GateParamsError(
            (*loc, "queries"),
            f"no query counts '{name}'",
            f"such as {name}: sum by ({source.arm}) (http_requests_total)",
        )
    for name in source.queries:
        if name not in histograms | counts | {_REQUESTS}:
            raise GateParamsError((*loc, "queries", name), f"no metric is of the counter '{name}'")
    return {
        "from": "prometheus",
        "url": source.url,
        **({} if source.token is None else {"token": source.token}),
        "arm": source.arm,
        "candidate": source.candidate,
        "control": source.control,
        "counts": {name: source.queries[name] for name in sorted({_REQUESTS, *counts})},
        "histograms": {
            name: source.queries.get(name, f"sum by ({source.arm}, le) ({name})")
            for name in sorted(histograms)
        },
    }


def _check_traffic(params: Any, compiled: Mapping[str, Any]) -> None:
    """Refuse a canary that can only be inconclusive."""
    if params.traffic is None:
        return
    if params.traffic.routing == "sticky":
        raise GateParamsError(
            ("traffic", "routing"),
            "the judge takes each request for routed by itself, and one user's requests are alike",
            "route each request at random, or let the counters count users instead of requests and say `per-request`",
        )
    rps = params.traffic.expected_rps
    if not math.isfinite(rps):
        raise GateParamsError(("traffic", "expected_rps"), "the traffic is not a finite number")
    limits = {rate["id"]: rate["max"] for rate in compiled["rates"]}
    most = stretched(params.bake, params.max_extend)
    for short in feasible(limits, [(params.weight, most)], rps, compiled["alpha"]):
        raise GateParamsError(
            ("metrics", short.metric, "rate", "max"),
            *shortfall_text(short, params.weight, rps, most, compiled["max_extend"]),
        )


def shortfall_text(short: Shortfall, weight: float, rps: float, most: int, extend: float) -> tuple[str, str]:
    """Return what falls short in a step that is looked at for `most` seconds, as a message and the ways to mend it.

    `extend` is how many times its `bake` that is.
    """
    message = (
        f"{weight:g} % of {rps:g} requests a second for {most:g} s is {short.expected} requests, and showing a rate "
        f"of at most {100 * short.limit:g} % needs {short.needed}, even without a bad one: the gate would always be inconclusive"
    )
    minutes = math.ceil(short.bake / extend / 60)
    other = "" if short.weight is None else f", or a `weight` of {short.weight:g}"
    return message, f"a `bake` of {minutes}m{other} would do"
