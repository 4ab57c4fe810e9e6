"""The gate `serve`: the packaged model starts, gives the golden answers, and keeps to its limits."""

from __future__ import annotations

import sys

from mlcc.gates._records import Check, GateError, Verdict, is_finite, verdict_of
from mlcc.gates._serving.asked import (
    Asked,
    are_sound,
    golden_check,
    measure_in_turn,
    trace_check,
    traced_query,
)
from mlcc.gates._serving.golden import Query, read_golden
from mlcc.gates._serving.http_model import AnswerError, HttpModel, Place
from mlcc.gates._serving.limits import judge_limits, latency_plots
from mlcc.gates._shell import program
from mlcc.gates._support import Gate, run
from mlcc.gates.serve.line_model import LineModel
from mlcc.gates.serve.memory import peak_memory
from mlcc.gates.serve.process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


_RATIOS = ("max_latency_ratio", "max_memory_ratio")
_MEMORY_LOOKS = 20  # times that memory is looked at while latency is measured


def judge(gate: Gate) -> Verdict:
    """Start the model, hold its answers against the golden ones, then measure what has limits."""
    setup, command = program(gate.params)
    params = _checked(gate.params)
    first = _first_of_all(gate)
    gate.take(params["golden"])
    queries = read_golden(params["golden"], params["protocol"], params.get("path", "/"), params["tolerance"])
    traced = traced_query(queries, params.get("trace"))
    measures = "champion" in params or "max_latency" in params or "max_memory" in params
    with _Served(gate, setup, command, "model", queries) as candidate:
        try:
            checks = [*first, *candidate.checks(traced, at_once=not measures)]
        except AnswerError as error:
            return verdict_of([Check("start", "fail", str(error))])
        if measures and all(check.verdict == "pass" for check in checks):
            return _measured(gate, setup, candidate, checks)
    return verdict_of(checks)


def _first_of_all(gate: Gate) -> list[Check]:
    """Take the champion out of the parameters where a release is to run it and none does yet, as `first: none` says."""
    if "champion" not in gate.params or not gate.absent:
        return []
    del gate.params["champion"]
    return [Check("champion", "pass", "First: no release runs a champion yet to compare with")]


def _measured(gate: Gate, setup: list[str], candidate: _Served, checks: list[Check]) -> Verdict:
    """Measure the candidate, in turn with the champion where there is one, and judge the limits."""
    params = gate.params
    if "champion" not in params:
        served = [candidate]
        failed = _measure(params, served)
    else:
        with _Served(gate, setup, params["champion"]["run"], "champion", candidate.queries) as champion:
            served = [candidate, champion]
            try:
                champion.start()
            except AnswerError as error:
                raise GateError(f"the champion can't be compared with: {error}") from None
            failed = _measure(params, served)
    if failed is not None:
        return verdict_of([*checks, failed])
    times = [model.times for model in served]
    return verdict_of(
        [*checks, *judge_limits(params, times, [model.peak for model in served])], latency_plots(times)
    )


def _measure(params: dict[str, Any], served: Sequence[_Served]) -> Check | None:
    """Ask the models in turn, and look at their memory meanwhile. Return a check where an answer is wrong."""
    needs_memory = "max_memory" in params or "max_memory_ratio" in params.get("champion", {})
    turns = max(1, params["requests"] // _MEMORY_LOOKS)

    def look(turn: int) -> None:
        if needs_memory and turn % turns == 0:
            for model in served:
                model.peak = max(model.peak, peak_memory(model.process.child.pid))

    return measure_in_turn(served, params, look)


class _Served(Asked):
    """A model that runs, with what is measured of it: `times` in seconds per answer, `peak` bytes of memory."""

    def __init__(
        self, gate: Gate, setup: list[str], command: str, name: str, queries: Sequence[Query]
    ) -> None:
        piped = gate.params["protocol"] == "jsonl"
        limit = gate.params["answer_within"]
        self._params = gate.params
        self.peak = 0
        self.process = Process(gate, setup, command, name, piped)
        self._lines = LineModel(self.process, queries[0], limit) if piped else None
        place = Place("127.0.0.1", self.process.port, self.process.ended)
        self._model = self._lines or HttpModel(place, gate.params.get("ready", "/"), limit)
        super().__init__(self._model.ask, queries)

    def __enter__(self) -> _Served:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._model.close()
        self.process.end(cancelled=failure is not None)

    def start(self) -> None:
        """Wait until the model is ready. Raises AnswerError."""
        self.process.await_command()
        self._model.start(self._params["start_within"])

    def checks(self, traced: Query, at_once: bool) -> list[Check]:
        """Return a check for each golden query, and the trace. Raises AnswerError where it doesn't start.

        `at_once` lets a model that answers on its output see the end of its input.
        """
        if at_once and self._lines is not None:
            limit = self._params["start_within"] + self._params["answer_within"] * len(self.queries)
            self.process.await_command()
            answers = self._lines.ask_all(self.queries, limit)
            pairs = zip(self.queries, answers)  # noqa: B905 - strict= is newer than Python 3.8
            checks = [golden_check(query, answer) for query, answer in pairs]
            return [*checks, trace_check(traced, answers[self.queries.index(traced)], timed=False)]
        self.start()
        return [Check("start", "pass", "the model became ready in time"), *self.golden_checks(traced)]


def _checked(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters. Raises GateError where one that decides isn't proper."""
    sound = params.get("protocol") in ("http", "jsonl") and are_sound(params)
    sound = sound and all(isinstance(params.get(key, "/"), str) for key in ("ready", "path"))
    sound = sound and (params["protocol"] == "jsonl" or "ready" in params)
    sound = sound and is_finite(params.get("start_within")) and params["start_within"] > 0
    sound = sound and is_finite(params.get("max_memory", 1)) and params.get("max_memory", 1) > 0
    if not sound or not _is_champion(params.get("champion")):
        raise GateError("the gate's parameters have no proper limits, queries or champion")
    return params


def _is_champion(champion: Any) -> bool:
    if champion is None:
        return True
    known = isinstance(champion, dict) and isinstance(champion.get("run"), str)
    limits = [champion[key] for key in _RATIOS if key in champion] if known else []
    return bool(limits) and all(is_finite(limit) and limit > 0 for limit in limits)


def main() -> int:
    """Run the gate that the command line names."""
    return run("serve", judge, __file__, sys.argv[1:])
