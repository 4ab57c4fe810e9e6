"""Asks Prometheus for counters: instant queries over its HTTP API, all at one time."""

from __future__ import annotations

from math import isfinite

from mlcc.gates._records import GateError, visible
from mlcc.gates._strict import parse_json
from mlcc.gates._web import bearer
from mlcc.gates.canary.snapshots import ARMS, BUCKETS
from mlcc.gates.canary.web import connection_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_PATIENCE = 10.0  # seconds
_MOST_ANSWER = 8 << 20
_EDGE_LABEL = "le"


def observed(source: Mapping[str, Any], now: float, names: tuple[str, ...] = ARMS) -> dict[str, Any]:
    """Return a snapshot's object of what Prometheus counted until `now` (Unix seconds), of the arms `names`. Raises GateError.

    `source` has url, token (the variable that holds one, or None), arm (the label), candidate, control (its values), counts and
    histograms (name to PromQL).
    """
    arms: dict[str, dict[str, Any]] = {name: {BUCKETS: {}} for name in names}
    taken = now
    for name, query in source["counts"].items():
        found, at = _vector(source, query, now)
        taken = min(taken, at)
        for arm in names:
            arms[arm][name] = _one_of(found, source, arm, query)
    for name, query in source["histograms"].items():
        found, at = _vector(source, query, now)
        taken = min(taken, at)
        for arm in names:
            arms[arm][BUCKETS][name] = _buckets_of(found, source, arm, query)
    return {"time": taken, **arms}


def _one_of(
    found: list[tuple[dict[str, str], float]], source: Mapping[str, Any], arm: str, query: str
) -> float:
    label, value = source["arm"], source[arm]
    series = [number for labels, number in found if labels.get(label) == value]
    shown = f"the query {visible(query, 200)}"
    if not series:
        raise GateError(
            f"{shown} gives no series with {visible(label, 80)}={visible(value, 80)}: no data is not health, "
            "and a counter that is 0 must be there as 0"
        )
    if len(series) > 1:
        raise GateError(f"{shown} gives {len(series)} series for the {arm}: sum them by {visible(label, 80)}")
    return series[0]


def _buckets_of(
    found: list[tuple[dict[str, str], float]], source: Mapping[str, Any], arm: str, query: str
) -> dict[str, float]:
    own = [(labels, number) for labels, number in found if labels.get(source["arm"]) == source[arm]]
    buckets = {labels[_EDGE_LABEL]: number for labels, number in own if _EDGE_LABEL in labels}
    if not own or len(buckets) < len(own):
        raise GateError(
            f"the query {visible(query, 200)} gives no buckets for the {arm}, or several of an edge: sum them by "
            f"({visible(source['arm'], 80)}, {_EDGE_LABEL})"
        )
    return buckets


def _vector(
    source: Mapping[str, Any], query: str, now: float
) -> tuple[list[tuple[dict[str, str], float]], float]:
    """Return the labels and the value of each series that an instant query finds, and the oldest sample's time."""
    answer = parse_json(_answer_of(source, query, now), f"Prometheus' answer to {visible(query, 200)}")
    shown = f"the query {visible(query, 200)}"
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise GateError(f"{shown} is refused by Prometheus")
    if answer.get("warnings"):
        raise GateError(f"{shown} is answered with a warning: the answer may be a part of the whole")
    data = answer.get("data")
    if (
        not isinstance(data, dict)
        or data.get("resultType") != "vector"
        or not isinstance(data.get("result"), list)
    ):
        raise GateError(f"{shown} gives no instant vector")
    found = [_series(entry, shown) for entry in data["result"]]
    return [(labels, value) for labels, value, _ in found], min([now, *(at for _, _, at in found)])


def _series(entry: object, shown: str) -> tuple[dict[str, str], float, float]:
    labels = entry.get("metric") if isinstance(entry, dict) else None
    sample = entry.get("value") if isinstance(entry, dict) else None
    if not isinstance(labels, dict) or not isinstance(sample, list) or len(sample) != 2:
        raise GateError(f"{shown} gives a series that has no labels and one sample")
    at, text = sample
    try:
        value = float(text) if isinstance(text, str) else float("nan")
    except ValueError:
        value = float("nan")
    if type(at) not in (int, float) or not isfinite(at) or not isfinite(value):
        raise GateError(f"{shown} gives a sample that is no finite number")
    return labels, value, at


def _answer_of(source: Mapping[str, Any], query: str, now: float) -> str:
    """Return the body of Prometheus' answer. No proxy is asked, and no redirect followed: a token goes where the spec says."""
    # Most gates ask no Prometheus.
    import http.client
    from urllib.parse import urlencode

    connection, base = connection_to(source["url"], _PATIENCE)
    path = f"{base.rstrip('/')}/api/v1/query?{urlencode({'query': query, 'time': f'{now:.3f}'})}"
    shown = f"Prometheus at {visible(source['url'], 200)}"
    try:
        connection.request("GET", path, headers=bearer(source.get("token"), "Prometheus"))
        response = connection.getresponse()
        body = response.read(_MOST_ANSWER + 1)
    except (OSError, http.client.HTTPException) as error:
        raise GateError(f"{shown} gives no answer ({type(error).__name__})") from None
    finally:
        connection.close()
    if response.status != 200:
        raise GateError(f"{shown} answers the query {visible(query, 200)} with the status {response.status}")
    if len(body) > _MOST_ANSWER:
        raise GateError(f"{shown} answers with over {_MOST_ANSWER} bytes")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise GateError(f"{shown} answers what is not UTF-8") from None
