"""The gate `serve`: the packaged model starts, gives the golden answers, and keeps to its limits."""

from __future__ import annotations

import sys

from mlcc.gates._records import Check, GateError, Verdict, is_finite, number, verdict_of, visible
from mlcc.gates._shell import program
from mlcc.gates._strict import parse_json
from mlcc.gates._support import Gate, run
from mlcc.gates.serve.golden import Query, difference, read_golden
from mlcc.gates.serve.http_model import Answer, AnswerError, HttpModel
from mlcc.gates.serve.limits import judge_limits, latency_plots
from mlcc.gates.serve.line_model import LineModel
from mlcc.gates.serve.memory import peak_memory
from mlcc.gates.serve.process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


_POSITIVE = ("start_within", "answer_within", "requests", "max_latency", "max_memory")
_RATIOS = ("max_latency_ratio", "max_memory_ratio")
_MEMORY_LOOKS = 20  # times that memory is looked at while latency is measured


def judge(gate: Gate) -> Verdict:
    """Start the model, hold its answers against the golden ones, then measure what has limits."""
    setup, command = program(gate.params)
    params = _checked(gate.params)
    gate.take(params["golden"])
    queries = read_golden(params["golden"], params["protocol"], params.get("path", "/"), params["tolerance"])
    traced = _traced(queries, params.get("trace"))
    measures = "champion" in params or "max_latency" in params or "max_memory" in params
    with _Served(gate, setup, command, "model", queries) as candidate:
        try:
            checks = candidate.golden_checks(traced, at_once=not measures)
        except AnswerError as error:
            return verdict_of([Check("start", "fail", str(error))])
        if measures and all(check.verdict == "pass" for check in checks):
            return _measured(gate, setup, candidate, checks)
    return verdict_of(checks)


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
    """Ask the models in turn: the warm-up, then what is measured. Return a check where an answer is wrong."""
    needs_memory = "max_memory" in params or "max_memory_ratio" in params.get("champion", {})
    look = max(1, params["requests"] // _MEMORY_LOOKS)
    for turn in range(-params["warmup"], params["requests"]):
        for model in served:
            query = model.queries[turn % len(model.queries)]
            wrong = model.measure(query)
            if wrong is not None and model is not served[0]:
                raise GateError(f"the champion can't be compared with: {visible(query.name, 80)}: {wrong}")
            if wrong is not None:
                asked = f"request {turn + params['warmup'] + 1} while latency was measured"
                return Check("load", "fail", f"{asked} ({visible(query.name, 80)}): {wrong}")
            if needs_memory and turn % look == 0:
                model.peak = max(model.peak, peak_memory(model.process.child.pid))
        if turn == -1:
            for model in served:
                model.times.clear()
    return None


class _Served:
    """A model that runs, with what is measured of it: `times` in seconds per answer, `peak` bytes of memory."""

    def __init__(
        self, gate: Gate, setup: list[str], command: str, name: str, queries: Sequence[Query]
    ) -> None:
        piped = gate.params["protocol"] == "jsonl"
        limit = gate.params["answer_within"]
        self._params = gate.params
        self.queries = queries
        self.times: list[float] = []
        self.peak = 0
        self.process = Process(gate, setup, command, name, piped)
        self._lines = LineModel(self.process, queries[0], limit) if piped else None
        self._model = self._lines or HttpModel(self.process, gate.params.get("ready", "/"), limit)

    def __enter__(self) -> _Served:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._model.close()
        self.process.end(cancelled=failure is not None)

    def start(self) -> None:
        """Wait until the model is ready. Raises AnswerError."""
        self.process.await_command()
        self._model.start(self._params["start_within"])

    def golden_checks(self, traced: Query, at_once: bool) -> list[Check]:
        """Return a check for each golden query, and the trace. Raises AnswerError where it doesn't start.

        `at_once` lets a model that answers on its output see the end of its input.
        """
        if at_once and self._lines is not None:
            limit = self._params["start_within"] + self._params["answer_within"] * len(self.queries)
            self.process.await_command()
            answers = self._lines.ask_all(self.queries, limit)
            pairs = zip(self.queries, answers)  # noqa: B905 - strict= is newer than Python 3.8
            checks = [_golden_check(query, answer) for query, answer in pairs]
            return [*checks, _trace_check(traced, answers[self.queries.index(traced)], timed=False)]
        self.start()
        checks = [Check("start", "pass", "the model became ready in time")]
        trace: list[Check] = []
        for query in self.queries:
            try:
                answer = self._model.ask(query)
            except AnswerError as error:
                return [*checks, Check(f"golden {query.name}", "fail", str(error))]
            checks.append(_golden_check(query, answer))
            if query is traced:
                trace.append(_trace_check(query, answer, timed=True))
        return [*checks, *trace]

    def measure(self, query: Query) -> str | None:
        """Ask a query and note the time. Say what is wrong with the answer, or return None."""
        try:
            answer = self._model.ask(query)
        except AnswerError as error:
            return str(error)
        self.times.append(answer.seconds)
        return _wrong(query, answer)


def _golden_check(query: Query, answer: Answer) -> Check:
    wrong = _wrong(query, answer)
    allowed = f", to {number(query.tolerance)}" if query.tolerance else ""
    message = f"the answer is the golden one{allowed}" if wrong is None else wrong
    return Check(f"golden {query.name}", "pass" if wrong is None else "fail", message)


def _wrong(query: Query, answer: Answer) -> str | None:
    """Say how an answer differs from the golden one, or None."""
    if answer.status != query.status:
        return f"the status is {answer.status} instead of {query.status}"
    try:
        found = parse_json(answer.body.decode("utf-8"), "the answer")
    except UnicodeDecodeError:
        return "the answer is not UTF-8"
    except GateError as error:
        return str(error)
    return difference(query.expected, found, query.tolerance)


def _traced(queries: Sequence[Query], name: str | None) -> Query:
    """Return the query to trace. Raises GateError where none has the name."""
    found = queries[0] if name is None else next((query for query in queries if query.name == name), None)
    if found is None:
        raise GateError(f"no golden query is called {visible(str(name), 80)}, which is to be traced")
    return found


def _trace_check(query: Query, answer: Answer, timed: bool) -> Check:
    """Record how one example went through the model, without its values."""
    sent = 0 if query.body is None else len(query.body)
    way = f"{query.method} {visible(query.path, 100)}, " if query.path != "/" else ""
    took = f" in {number(1000 * answer.seconds)} ms" if timed else ""
    message = f"{visible(query.name, 80)}: {way}{sent} bytes sent, {len(answer.body)} bytes answered{took}"
    return Check("trace", "pass", message)


def _checked(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters. Raises GateError where one that decides isn't proper."""
    sound = params.get("protocol") in ("http", "jsonl") and isinstance(params.get("golden"), str)
    sound = sound and all(isinstance(params.get(key, "/"), str) for key in ("ready", "path", "trace"))
    sound = sound and (params["protocol"] == "jsonl" or "ready" in params)
    sound = sound and all(is_finite(params.get(key, 1)) and params.get(key, 1) > 0 for key in _POSITIVE)
    sound = sound and all(key in params for key in _POSITIVE[:3])
    sound = sound and all(type(params.get(key)) is int for key in ("requests", "warmup"))
    sound = sound and is_finite(params.get("tolerance")) and params["tolerance"] >= 0
    sound = sound and is_finite(params.get("confidence")) and 0.5 <= params["confidence"] < 1
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
