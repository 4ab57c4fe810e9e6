"""Traffic on which a `canary` gate must not pass: bad, slow, moved, dead, missing, reset, stale, and none at all."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcc.gates.canary.analysis import closing_tests
from mlcc.gates.canary.evalues import centred, log_e_above, log_e_changed, log_e_worse, twice
from mlcc.gates.fixtures import Fixture, artifact_files

_LOOKS = 2
STAND_IN = {
    "bake": 4, "max_extend": 1, "every": 0.1, "fail_after": _LOOKS, "liveness": None, "url": "http://127.0.0.1:1",
}  # fmt: skip
"""What takes the place of the gate's own parameters: nothing is waited for, and nobody's Prometheus or server is asked."""

_MOST = 1 << 30
Arm = dict[str, Any]
Recording = list[dict[str, Any]]


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield recordings, or what a command prints, that no candidate may pass with; of Prometheus, one that doesn't answer."""
    params = document["params"]
    files = artifact_files(document)
    kind = params["observations"]["from"]
    if kind == "prometheus":
        yield Fixture("Prometheus gives no answer", "error", files)
        return
    for name, verdict, check, recording in _recordings(params):
        yield (_recorded if kind == "file" else _printed)(params, files, (name, verdict, check), recording)
    if kind == "command":
        for what, program in (("fails", "exit 1"), ("prints nothing", "true"), ("prints NaN", "echo NaN")):
            yield Fixture(f"the command {what}", "error", files, program=program)
        return
    path = params["observations"]["path"]
    for what, text in (("empty", ""), ("no JSON", "{"), ("an empty list", "[]"), ("NaN", "NaN")):
        yield Fixture(f"the snapshots are {what}", "error", {**files, path: text.encode()})
    absent = {place: data for place, data in files.items() if place != path}
    yield Fixture("the snapshots are missing", "error", absent)
    old = [{**snapshot, "time": snapshot["time"] - params["max_age"] - 60} for snapshot in _plain(params)]
    yield _recorded(params, files, ("the snapshots are stale", "error", None), old)


Told = tuple[str, str, "str | None"]


def _recorded(
    params: Mapping[str, Any], files: Mapping[str, bytes], told: Told, recording: Recording
) -> Fixture:
    name, verdict, check = told
    lines = "".join(json.dumps(snapshot) + "\n" for snapshot in recording)
    return Fixture(name, verdict, {**files, params["observations"]["path"]: lines.encode()}, check)


def _printed(
    params: Mapping[str, Any], files: Mapping[str, bytes], told: Told, recording: Recording
) -> Fixture:
    """Return a command that prints the snapshots one after the other, the last again and again, with the time that it is."""
    del params
    name, verdict, check = told
    texts = [json.dumps({**snapshot, "time": 0}).replace('"time": 0', '"time": %s') for snapshot in recording]
    cases = "\n".join(f"{i}) line='{text}' ;;" for i, text in enumerate(texts[:-1]))
    program = (
        "turn=$(cat turn 2>/dev/null || echo 0)\necho $((turn + 1)) > turn\n"
        f'case $turn in\n{cases}\n*) line=\'{texts[-1]}\' ;;\nesac\nprintf "$line" "$(date +%s.%N)"'
    )
    return Fixture(name, verdict, files, check, program)


def _recordings(params: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None, Recording]]:
    """Yield (what is wrong, how the check ends, the check, the snapshots)."""
    height = math.log(closing_tests(dict(params)) / params["alpha"])
    weight = params["weight"] / 100
    for rate in params["rates"]:
        yield from _bad_rates(params, rate, height)
    for histogram in params["histograms"]:
        name, ends = histogram["name"], "fail" if histogram["on_drift"] == "fail" else "inconclusive"
        n = _least(lambda n: log_e_changed(weight, [n, 0], [0, _others(n, weight)]) >= height)
        moved = _grown(params, n, candidate={"buckets": {name: {"1": n, "+Inf": n}}})
        yield f"{histogram['id']} moves to another bucket", ends, histogram["id"], moved
    silent = math.ceil(math.log(1e-7) / math.log1p(-weight))
    dead = [_snapshot(params, i, _arm(params, 0), _arm(params, i * silent)) for i in range(_LOOKS + 1)]
    yield "the candidate is dead", "fail", "alive", dead
    x, y = (_MOST, 1) if weight <= 0.5 else (1, _MOST)
    wrong = [_snapshot(params, 0), _snapshot(params, 1, _arm(params, x), _arm(params, y))]
    yield "the router sends nearly all to one arm", "error", "share", wrong
    yield "no request comes", "inconclusive", "requests", [_snapshot(params, 0), _snapshot(params, 1)]
    yield "too few requests come", "inconclusive", "requests", _grown(params, params["min_requests"] - 1)
    yield from _broken(params)


def _bad_rates(
    params: Mapping[str, Any], rate: Mapping[str, Any], height: float
) -> Iterator[tuple[str, str, str | None, Recording]]:
    id, key, limit, weight = rate["id"], rate["count"], rate["max"], params["weight"] / 100
    least = params["min_bad"]
    n = max(least, _least(lambda n: log_e_above(n, 0, limit, centred(twice(limit))) >= height))
    yield f"all requests are bad ({id})", "fail", id, _grown(params, n, candidate={key: n})
    n = math.ceil(100 / limit)
    at_limit = _grown(params, n, candidate={key: math.ceil(n * limit)})
    yield f"the rate is at its limit ({id})", "inconclusive", id, at_limit
    if "worse_than_control" in rate:
        ratio = rate["worse_than_control"]
        n = max(least, _least(lambda n: log_e_worse([(weight, n, 0)], ratio) >= height))
        all_bad = _grown(params, n, candidate={key: n})
        yield (
            f"the control has no bad request, the candidate has ({id})",
            "fail",
            f"{id} against control",
            all_bad,
        )


def _broken(params: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None, Recording]]:
    """Yield snapshots that aren't whole, and counters that went back."""
    first, last = _plain(params)
    for name, changed in (
        ("the candidate isn't there", {key: value for key, value in last.items() if key != "candidate"}),
        ("the control isn't there", {key: value for key, value in last.items() if key != "control"}),
        ("a counter is missing", {**last, "candidate": {"buckets": {}}}),
        ("a counter is NaN", {**last, "candidate": {**last["candidate"], "n": math.nan}}),
        ("a counter is text", {**last, "candidate": {**last["candidate"], "n": "9"}}),
        ("a counter is negative", {**last, "candidate": {**last["candidate"], "n": -1}}),
    ):
        yield name, "error", None, [first, changed]
    yield (
        "a counter was reset",
        "error",
        None,
        [{**last, "time": first["time"]}, {**first, "time": last["time"]}],
    )
    for rate in params["rates"]:
        over = {**last["candidate"], rate["count"]: last["candidate"]["n"] + 1}
        yield (
            f"more requests are bad than there are ({rate['id']})",
            "error",
            None,
            [first, {**last, "candidate": over}],
        )


def _least(shown: Callable[[int], bool]) -> int:
    """Return a number of requests, a power of 2, that shows something."""
    n = 1
    while not shown(n) and n < _MOST:
        n *= 2
    return n


def _others(n: int, weight: float) -> int:
    """Return how many requests the control gets while the candidate gets n."""
    return round(n * (1 - weight) / weight)


def _plain(params: Mapping[str, Any]) -> Recording:
    """Return two snapshots without anything bad."""
    return _grown(params, 1000)


def _grown(params: Mapping[str, Any], n: int, candidate: Mapping[str, Any] | None = None) -> Recording:
    """Return two snapshots, between which the candidate got n requests, which count what `candidate` says beside."""
    arm, others = _arm(params, n), _arm(params, _others(n, params["weight"] / 100))
    buckets = {**arm["buckets"], **(candidate or {}).get("buckets", {})}
    return [
        _snapshot(params, 0),
        _snapshot(params, 1, {**arm, **(candidate or {}), "buckets": buckets}, others),
    ]


def _arm(params: Mapping[str, Any], n: int) -> Arm:
    """Return the counters of an arm with n requests, none of them bad, all in the last bucket of two."""
    buckets = {histogram["name"]: {"1": 0, "+Inf": n} for histogram in params["histograms"]}
    return {"n": n, **{rate["count"]: 0 for rate in params["rates"]}, "buckets": buckets}


def _snapshot(
    params: Mapping[str, Any], turn: int, candidate: Arm | None = None, control: Arm | None = None
) -> dict[str, Any]:
    """Return a snapshot; of a turn, the last of which is now, the times are a second apart."""
    arms = {"candidate": candidate or _arm(params, 0), "control": control or _arm(params, 0)}
    return {"time": time.time() - 3 + turn / 100, **arms}
