"""Judges what both arms counted: rates, distributions, the share of the traffic, and signs of life.

A check fails when its E-value reaches m / alpha, of m such tests: then the chance that any of them ever fails without cause is
alpha at most, however often one looks. It passes when the candidate is shown to keep to the limit; between the two it is
inconclusive, and more requests will tell.
"""

from __future__ import annotations

from math import exp, log, log1p

from mlcc.gates._plots import curves
from mlcc.gates._records import Check, GateError, Verdict, counted, number, verdict_of, visible, worst
from mlcc.gates.canary.evalues import (
    candidate_share,
    centred,
    log_e_above,
    log_e_changed,
    log_e_worse,
    lower_rate,
    ratio_bounds,
    requests_needed,
    twice,
    upper_rate,
)
from mlcc.gates.canary.snapshots import REQUESTS, History, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# The odds of reaching the candidate may be off by this factor: a router rounds, and arms are scraped at two times.
SHARE_SLACK = 1.1
_SILENCE = 1e-6  # the chance of no request that is no chance any more
_DRAWN = 25  # looks in a plot
ALLOWED = "at most"
_TEN = log(10)
_GENERAL = ("alive", "requests", "share", "liveness")  # checks that are about no metric


def judge_history(params: dict[str, Any], history: History) -> list[Check]:
    """Return the checks on all that was counted. Raises GateError where a metric has no counter."""
    steps = history.steps
    check_counters(params, history)
    height = log(closing_tests(params) / params["alpha"])
    alive = _alive_check(params, history)
    if alive.verdict == "fail":
        return [alive]  # all else would be about a candidate that isn't there
    checks = [alive, _requests_check(params, steps)]
    if not _is_alone(steps):
        checks.append(_share_check(steps, height))
    for rate in params["rates"]:
        checks.append(_limit_check(rate, params, steps, height))
        if "worse_than_control" in rate:
            checks.append(_control_check(rate, params, steps, height))
    checks += [_changed_check(histogram, params, steps, height) for histogram in params["histograms"]]
    return checks


def closing_tests(params: dict[str, Any]) -> int:
    """Return among how many tests alpha is divided: each limit, comparison and histogram, and the share."""
    compared = sum("worse_than_control" in rate for rate in params["rates"])
    share = 0 if params["weight"] == 100 else 1
    return len(params["rates"]) + compared + len(params["histograms"]) + share


def more_would_tell(params: dict[str, Any], steps: Sequence[Step], checks: Sequence[Check]) -> bool:
    """Whether the checks are inconclusive for want of requests alone, so that it is worth to look on."""
    return worst(check.verdict for check in checks) == "inconclusive" and not alarms(params, steps)


def _is_alone(steps: Sequence[Step]) -> bool:
    """Whether what is judged gets all requests, so that there is nothing beside it to compare."""
    return steps[-1].weight == 1


def _who(steps: Sequence[Step]) -> str:
    return "the live release" if _is_alone(steps) else "the candidate"


def concluded(
    checks: Sequence[Check], plots: Sequence[dict[str, Any]] = (), first_look: bool = False
) -> Verdict:
    """Return the verdict over all checks; where they pass, its summary quotes the first that is about a metric.

    A first look passes unless something is shown to be bad: another gate goes on where it ends.
    """
    verdict = verdict_of(checks, plots)
    if first_look and verdict.verdict == "inconclusive":
        return Verdict("pass", f"Nothing is shown to be bad so far: {verdict.summary}", checks, plots)
    if verdict.verdict != "pass":
        return verdict
    telling = next((check for check in checks if check.id not in _GENERAL), checks[-1])
    summary = f"All {len(checks)} checks passed: {telling.message}."
    return Verdict("pass", summary, checks, plots)


def alarms(params: dict[str, Any], steps: Sequence[Step]) -> list[str]:
    """Return the ids of the checks whose evidence is enough to close the gate, of those that compare the arms or hold a limit."""
    height = log(closing_tests(params) / params["alpha"])
    found = ["share"] if not _is_alone(steps) and _is_misrouted(steps, height) else []
    for rate in params["rates"]:
        if _is_above(rate, params, steps, height):
            found.append(rate["id"])
        if "worse_than_control" in rate and _is_worse(rate, params, steps, height):
            found.append(f"{rate['id']} against control")
    return found + [one["id"] for one in params["histograms"] if _change(one["name"], steps) >= height]


def check_counters(params: dict[str, Any], history: History) -> None:
    """Raise GateError where a metric has no counter."""
    arm = history.snapshots[-1].arms[0]
    for rate in params["rates"]:
        if rate["count"] not in arm.counts:
            raise GateError(
                f"the snapshots have no counter {visible(rate['count'], 80)}, which {visible(rate['id'], 80)} needs"
            )
    for histogram in params["histograms"]:
        if histogram["name"] not in arm.cells:
            raise GateError(f"the snapshots have no histogram {visible(histogram['name'], 80)}")


def _counted_by(steps: Sequence[Step], key: str) -> tuple[int, int]:
    """Return what the candidate and the control counted over all steps: 0 where there is no control."""
    candidate = sum(step.arms[0].counts[key] for step in steps)
    return candidate, sum(arm.counts[key] for step in steps for arm in step.arms[1:])


def _alive_check(params: dict[str, Any], history: History) -> Check:
    """Judge the last `fail_after` looks: a candidate that is asked and doesn't answer is dead, and silence tells nothing."""
    looks = params["fail_after"]
    last = history.snapshots[-looks - 1 :]
    if len(last) <= looks or len({snapshot.weight for snapshot in last}) > 1:
        return Check(
            "alive", "pass", f"fewer than {looks + 1} looks so far, which is too early to call it dead"
        )
    candidate, *others = (new.n - old.n for new, old in zip(last[-1].arms, last[0].arms))  # noqa: B905 - strict= is newer than Python 3.8
    control = sum(others)
    told = f"over the last {looks} looks"
    if not candidate and not control:
        return Check("alive", "inconclusive", f"no request came {told}: no data is not health", n=0)
    if not candidate and exp(control * log1p(-last[-1].weight)) < _SILENCE:
        message = f"the candidate served no request {told}, and the control {control}: it is dead, or gets no traffic"
        return Check("alive", "fail", message, n=control)
    message = f"{_who(history.steps)} served {counted(candidate, 'request')} {told}"
    return Check("alive", "pass", f"{message}, and the control {control}" if others else message, n=candidate)


def _requests_check(params: dict[str, Any], steps: Sequence[Step]) -> Check:
    n, least = _counted_by(steps, REQUESTS)[0], params["min_requests"]
    message = f"{_who(steps)} served {counted(n, 'request')}; at least {least} are asked for"
    return Check(
        "requests",
        "pass" if n >= least else "inconclusive",
        message,
        estimate=n,
        n=n,
        threshold={"min": least},
        margin=n - least,
    )


def _is_misrouted(steps: Sequence[Step], height: float) -> bool:
    """Whether the candidate's share of the requests is shown to be another than its weight, by more than the slack."""
    evidence = [0.0, 0.0]
    for step in steps:
        x, y = (arm.n for arm in step.arms)
        high = candidate_share(step.weight, SHARE_SLACK)
        low = candidate_share(step.weight, 1 / SHARE_SLACK)
        evidence[0] += log_e_above(x, y, high)
        evidence[1] += log_e_above(y, x, 1 - low)
    return max(evidence) >= height + log(2)  # one for each side


def _share_check(steps: Sequence[Step], height: float) -> Check:
    """Judge whether the candidate gets its share of the requests: all comparisons rest on it."""
    x, y = _counted_by(steps, REQUESTS)
    weights = " and ".join(f"{number(100 * step.weight)} %" for step in steps)
    if not x + y:
        return Check(
            "share", "inconclusive", f"no request came: the candidate's share of {weights} isn't seen"
        )
    found = f"the candidate got {_percent(x / (x + y))} of {x + y} requests, and its weight is {weights}"
    if not _is_misrouted(steps, height):
        return Check("share", "pass", found, estimate=x / (x + y), n=x + y)
    message = f"{found}: nothing can be compared by a weight that isn't so"
    return Check("share", "error", message, estimate=x / (x + y), n=x + y)


def _is_above(rate: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float) -> bool:
    """Whether the candidate's rate is shown to be over its limit."""
    bad, n = _counted_by(steps, rate["count"])[0], _counted_by(steps, REQUESTS)[0]
    prior = centred(twice(rate["max"]))
    return bool(bad >= params["min_bad"] and log_e_above(bad, n - bad, rate["max"], prior) >= height)


def _limit_check(rate: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float) -> Check:
    """Judge a rate against its limit: shown to be above, shown to be below, or neither."""
    bad, n = _counted_by(steps, rate["count"])[0], _counted_by(steps, REQUESTS)[0]
    limit, error = rate["max"], params["alpha"] / 2
    if n == 0:
        return Check(
            rate["id"], "inconclusive", f"{_who(steps)} served no request, so its {_named(rate)} isn't known"
        )
    lower, upper = lower_rate(bad, n, error), upper_rate(bad, n, error)
    verdict = (
        "fail" if _is_above(rate, params, steps, height) else "pass" if upper <= limit else "inconclusive"
    )
    confidence = 1 - params["alpha"]
    # Of a failure, the upper bound would tell how bad it may be, not how far it is from what is allowed.
    margin = limit - (bad / n if verdict == "fail" else upper)
    message = (
        f"{_who(steps)}'s {_named(rate)} is {_percent(bad / n)} ({bad} of {n} requests), between {_percent(lower)} and "
        f"{_percent(upper)} with {number(100 * confidence)} % confidence at every look; at most {_percent(limit)} is allowed, "
        f"margin {100 * margin:.3g} points"
    )
    if verdict == "inconclusive":
        message += _wanted(bad, n, limit, error)
    return Check(
        rate["id"],
        verdict,
        message,
        estimate=bad / n,
        interval=(lower, upper),
        confidence=confidence,
        n=n,
        threshold={"max": limit},
        margin=margin,
    )


def _wanted(bad: int, n: int, limit: float, error: float) -> str:
    if bad > n * limit:
        return ": hold, or roll back, for more requests are unlikely to show it"
    more = max(requests_needed(limit, error, bad) - n, 1)
    return f": hold, or extend, for {more} more requests would show it if none of them is bad"


def _events(key: str, steps: Sequence[Step]) -> list[tuple[float, int, int]]:
    """Return for each step its weight, and the bad requests of the candidate and of the control."""
    return [(step.weight, step.arms[0].counts[key], step.arms[1].counts[key]) for step in steps]


def _is_worse(rate: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float) -> bool:
    """Whether the candidate's rate is shown to be over so many times the control's."""
    events = _events(rate["count"], steps)
    bad = sum(x for _, x, _ in events)
    return bool(bad >= params["min_bad"] and log_e_worse(events, rate["worse_than_control"]) >= height)


def _control_check(
    rate: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float
) -> Check:
    """Judge how many times the control's rate the candidate's is, by whose the bad events are."""
    id, ratio = f"{rate['id']} against control", rate["worse_than_control"]
    key = rate["count"]
    (x, y), (n, m) = _counted_by(steps, key), _counted_by(steps, REQUESTS)
    seen = f"{x} of {n} requests against {y} of {m}"
    if not n or not m:
        return Check(
            id,
            "inconclusive",
            f"no request came to one of the arms ({seen}), so their {_named(rate)} can't be compared",
        )
    if not x + y:
        message = f"neither arm has had a bad request ({seen}); the {_named(rate)} may be {number(ratio)} times the control's"
        return Check(id, "pass", message, n=0, threshold={"max": ratio})
    lower, upper = ratio_bounds(_events(key, steps), params["alpha"] / 2)
    confidence = 1 - params["alpha"]
    estimate = x * m / (y * n) if y else None
    times = f"is {estimate:.3g} times" if estimate is not None else "has no ratio to 0,"
    message = (
        f"the candidate's {_named(rate)} {times} the control's ({seen}), between {lower:.3g} and {upper:.3g} times with "
        f"{number(100 * confidence)} % confidence at every look; at most {number(ratio)} times is allowed, "
        f"margin {ratio - lower:.3g}"
    )
    return Check(
        id,
        "fail" if _is_worse(rate, params, steps, height) else "pass",
        message,
        estimate=estimate,
        interval=(lower, upper),
        confidence=confidence,
        n=x + y,
        threshold={"max": ratio},
        margin=ratio - lower,
    )


def _named(rate: dict[str, Any]) -> str:
    """Return what a rate is called in a message: the share of slow answers says over what."""
    name = f"rate of {visible(rate['id'], 80)}"
    return f"{name} (over {rate['over']} ms)" if "over" in rate else name


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _change(name: str, steps: Sequence[Step]) -> float:
    """Return ln E against both arms having the same distribution of a histogram."""
    return sum(log_e_changed(step.weight, *(arm.cells[name] for arm in step.arms)) for step in steps)


def _changed_check(
    histogram: dict[str, Any], params: dict[str, Any], steps: Sequence[Step], height: float
) -> Check:
    """Judge whether both arms have the same distribution. Another one is different, which need not be worse."""
    id, name = histogram["id"], histogram["name"]
    evidence = _change(name, steps)
    arms = [[step.arms[i].cells[name] for step in steps] for i in (0, 1)]
    candidate, control = ([sum(cell) for cell in zip(*counted)] for counted in arms)  # noqa: B905 - as above
    n, m = sum(candidate), sum(control)
    if not n or not m:
        return Check(
            id, "inconclusive", f"no value of {visible(id, 80)} was counted in one of the arms ({n} and {m})"
        )
    moved = sum(abs(x / n - y / m) for x, y in zip(candidate, control)) / 2  # noqa: B905 - as above
    changed = evidence >= height
    verdict = "pass"
    if changed:
        verdict = "fail" if histogram["on_drift"] == "fail" else "inconclusive"
    elif min(n, m) < params["min_requests"]:
        verdict = "inconclusive"
    told = "differs from the control's" if changed else "is not shown to differ from the control's"
    message = (
        f"the distribution of {visible(id, 80)} {told}: {_percent(moved)} of the requests lie in other buckets (n = {n}, "
        f"control {m}), and the evidence is 10^{evidence / _TEN:.2f}, where 10^{height / _TEN:.2f} is enough at any look, "
        f"margin {(height - evidence) / _TEN:.2f}"
    )
    return Check(
        id,
        verdict,
        message,
        estimate=evidence / _TEN,
        n=n,
        threshold={"max": height / _TEN},
        margin=(height - evidence) / _TEN,
    )


def rate_plots(params: dict[str, Any], history: History) -> list[dict[str, Any]]:
    """Return for each rate a plot of it over the looks, with its bounds at each of them, in percent by minutes."""
    if not history.steps:
        return []  # it was dead before the first look
    plots = []
    for rate in params["rates"]:
        course = _course(rate["count"], history)
        course = course[::-1][:: len(course) // _DRAWN + 1][::-1]  # the last look is among them
        names = ("live", "") if _is_alone(history.steps) else ("candidate", "control")
        lines: dict[str, list[tuple[float, ...]]] = {
            name: [(at, *_bounded(*arms[i], params["alpha"] / 2)) for at, *arms in course if arms[i][1]]
            for i, name in enumerate(names)
        }
        drawn = {name: line for name, line in lines.items() if len(line) > 1}
        if drawn:
            first, *_, last = sorted(point[0] for line in drawn.values() for point in line)
            drawn[ALLOWED] = [(first, 100 * rate["max"]), (last, 100 * rate["max"])]
            note = f"Bounds hold at every look at once; at most {_percent(rate['max'])} is allowed."
            plots.append(curves(f"Rate of {rate['id']}", ("minutes", "%"), drawn, note=note))
    return plots


def _bounded(bad: int, n: int, error: float) -> tuple[float, float, float]:
    """Return a rate with its bounds, in percent."""
    return 100 * bad / n, 100 * lower_rate(bad, n, error), 100 * upper_rate(bad, n, error)


def _course(key: str, history: History) -> list[tuple[float, tuple[int, int], tuple[int, int]]]:
    """Return (minutes, the candidate's bad and all requests, the control's) at each look, over all steps."""
    replayed, found = History(history.from_zero), []
    for snapshot in history.snapshots:
        replayed.add(snapshot)
        (x, y), (n, m) = _counted_by(replayed.steps, key), _counted_by(replayed.steps, REQUESTS)
        found.append(((snapshot.time - history.snapshots[0].time) / 60, (x, n), (y, m)))
    return found
