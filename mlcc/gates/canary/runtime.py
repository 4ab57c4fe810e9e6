"""The gate `canary`: the candidate is shown to keep to its limits on live traffic, and not shown to be worse than the control."""

from __future__ import annotations

import sys
import time

from mlcc.gates._records import Check, GateError, Verdict, is_finite, visible, worst
from mlcc.gates._shell import EndAsError
from mlcc.gates._support import Gate, run
from mlcc.gates.canary.analysis import concluded, judge_history, more_would_tell, rate_plots
from mlcc.gates.canary.liveness import ASK_EVERY, Liveness
from mlcc.gates.canary.observe import forget, keep, kept, look, recorded, state
from mlcc.gates.canary.snapshots import History

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

SOURCES = ("file", "command", "prometheus")
_USAGE = "usage: canary.py GATE_ID [--watch SECONDS] [--every SECONDS] [--resume]"


class Watch:
    """How long to look (seconds; None: as the parameters say), how often, and whether earlier snapshots count too."""

    __slots__ = ("every", "resume", "seconds")

    def __init__(
        self, seconds: float | None = None, every: float | None = None, resume: bool = False
    ) -> None:
        self.seconds = seconds
        self.every = every
        self.resume = resume


def judge(gate: Gate, watch: Watch | None = None) -> Verdict:
    """Judge what was recorded, or look again and again until a check fails or the time is up."""
    watch = watch or Watch()
    params = check_params(gate.params)
    state(gate)
    history = History(params["from_zero"])
    if params["observations"]["from"] == "file":
        if watch.seconds is not None or watch.resume:
            raise GateError("recorded observations are judged once: there is nothing to watch or to resume")
        snapshots = recorded(gate)
        forget(gate)
        for snapshot in snapshots:
            history.add(snapshot)
            keep(gate, snapshot)
        return _verdict_over(params, history, judge_history(params, history))
    if watch.resume:
        for snapshot in kept(gate):
            history.add(snapshot)
    else:
        forget(gate)
        if "continues" in params:
            _continue(gate, history)
    with EndAsError():
        checks = _watched(gate, watch, history)
    return _verdict_over(params, history, checks)


def _continue(gate: Gate, history: History) -> None:
    """Take over what the gate before the wait has seen. Raises GateError where it left nothing."""
    before = gate.params["continues"]
    for snapshot in kept(gate, before):
        history.add(snapshot)
        keep(gate, snapshot)
    if not history.snapshots:
        raise GateError(f"{visible(before, 80)} left no snapshot, from which the bake would count")


def _time_left(params: dict[str, Any], every: float, history: History) -> float:
    """Return for how many seconds to look: the bake, or what the wait since the first snapshot has left of it.

    In any case long enough to see whether the candidate is alive. Raises GateError where more is missing than may be made good.
    """
    if "continues" not in params:
        return float(params["bake"])
    missing = history.snapshots[0].time + params["bake"] - time.time()
    if missing > params["made_good"]:
        raise GateError(
            f"{missing:.0f} s of the bake are missing, and at most {params['made_good']:g} s are made good here: "
            "the CI system didn't wait before this step"
        )
    return float(max(missing, (params["fail_after"] + 1) * every))


def _watched(gate: Gate, watch: Watch, history: History) -> list[Check]:
    """Look until a check fails or the time is up; the last look decides. A look that fails is tried again at the next one.

    Where only more requests could tell, there is more time, as far as the parameters say, until a look tells.
    """
    params = gate.params
    every = params["every"] if watch.every is None else watch.every
    until = time.monotonic() + (
        _time_left(params, every, history) if watch.seconds is None else watch.seconds
    )
    latest = until + params["bake"] * (params["max_extend"] - 1) if watch.seconds is None else until
    liveness = Liveness(params.get("liveness"))
    missed = 0
    while not liveness.is_dead():
        try:
            snapshot = look(gate)
            history.check_later(snapshot)
        except GateError as error:
            missed += 1
            # The last look can't be made good by a later one.
            if missed >= params["fail_after"] or time.monotonic() + every > latest:
                raise GateError(f"{error} ({missed} looks in a row)") from None
        else:
            missed = 0
            history.add(snapshot)
            keep(gate, snapshot)
            checks = judge_history(params, history)
            if worst(check.verdict for check in checks if check.verdict != "error") == "fail":
                return checks
            after = time.monotonic() + every
            if after > latest or (after > until and not more_would_tell(params, history.steps, checks)):
                return [*checks, *liveness.checks()]
        if not _wait(every, liveness):
            break
    return liveness.checks()


def _wait(seconds: float, liveness: Liveness) -> bool:
    """Wait, and return whether the candidate stayed alive: it is asked meanwhile, and at the end again with the next look."""
    until = time.monotonic() + seconds
    while True:
        left = until - time.monotonic()
        if left <= ASK_EVERY:
            time.sleep(max(left, 0))
            return True
        time.sleep(ASK_EVERY)
        if liveness.is_dead():
            return False


def _verdict_over(params: dict[str, Any], history: History, checks: list[Check]) -> Verdict:
    return concluded(checks, rate_plots(params, history), params.get("first_look", False))


def check_params(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters. Raises GateError where one that decides isn't proper."""
    source = params.get("observations")
    sound = isinstance(source, dict) and source.get("from") in SOURCES
    sound = sound and all(
        is_finite(params.get(key)) and params[key] > 0 for key in ("bake", "every", "max_age")
    )
    sound = sound and (_is_share(params.get("weight"), 100) or params["weight"] == 100)
    sound = sound and _is_share(params.get("alpha"), 1)
    sound = sound and is_finite(params.get("max_extend")) and 1 <= params["max_extend"] <= 10
    sound = sound and (params.get("liveness") is None or _is_asked(params["liveness"]))
    whole = ("min_bad", "min_requests", "fail_after")
    sound = sound and all(type(params.get(key)) is int and params[key] >= 1 for key in whole)
    sound = sound and all(type(params.get(key, False)) is bool for key in ("from_zero", "first_look"))
    sound = sound and "from_zero" in params and _is_second_look(params)
    metrics = [params.get("rates"), params.get("histograms")]
    sound = sound and all(isinstance(some, list) for some in metrics) and any(metrics)
    if (
        not sound
        or not all(map(_is_rate, params["rates"]))
        or not all(map(_is_histogram, params["histograms"]))
    ):
        raise GateError("the gate's parameters have no proper observations, times, limits or metrics")
    return params


def _is_second_look(params: dict[str, Any]) -> bool:
    """Whether what is said of an earlier look is proper; nothing is, too."""
    if "continues" not in params:
        return True
    named = isinstance(params["continues"], str) and bool(params["continues"])
    return named and is_finite(params.get("made_good")) and bool(params["made_good"] > 0)


def _is_share(value: object, most: float) -> bool:
    return is_finite(value) and 0 < value < most  # type: ignore[operator]  # a number, as was tested


def _is_asked(liveness: Any) -> bool:
    sound = isinstance(liveness, dict) and isinstance(liveness.get("url"), str)
    return sound and type(liveness.get("fail_after")) is int and liveness["fail_after"] >= 1


def _is_rate(rate: Any) -> bool:
    sound = isinstance(rate, dict) and all(isinstance(rate.get(key), str) for key in ("id", "count"))
    ratio: Any = rate.get("worse_than_control", 1) if sound else None
    return sound and _is_share(rate.get("max"), 1) and is_finite(ratio) and 1 <= ratio <= 1000


def _is_histogram(histogram: Any) -> bool:
    sound = isinstance(histogram, dict) and all(isinstance(histogram.get(key), str) for key in ("id", "name"))
    return sound and histogram.get("on_drift") in ("hold", "fail")


def _asked(arguments: Sequence[str]) -> tuple[list[str], Watch] | None:
    """Return the gate and how to watch, as the command line says; None where it isn't proper."""
    rest, watch = list(arguments), Watch()
    ids = []
    while rest:
        word = rest.pop(0)
        if word == "--resume":
            watch.resume = True
        elif word in ("--watch", "--every") and rest:
            try:
                seconds = float(rest.pop(0))
            except ValueError:
                return None
            if not is_finite(seconds) or seconds < 0 or (word == "--every" and seconds == 0):
                return None
            if word == "--watch":
                watch.seconds = seconds
            else:
                watch.every = seconds
        elif word.startswith("-"):
            return None
        else:
            ids.append(word)
    return ids, watch


def main() -> int:
    """Run the gate that the command line names."""
    asked = _asked(sys.argv[1:])
    if asked is None:
        sys.stderr.write(_USAGE + "\n")
        return 2
    ids, watch = asked
    return run("canary", lambda gate: judge(gate, watch), __file__, ids)
