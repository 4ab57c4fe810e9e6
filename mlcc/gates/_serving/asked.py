"""Holds what models answer against the golden answers: once for each query, then under load."""

from __future__ import annotations

from mlcc.gates._records import Check, GateError, is_finite, number, visible
from mlcc.gates._serving.golden import Query, difference
from mlcc.gates._serving.http_model import Answer, AnswerError
from mlcc.gates._strict import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

_POSITIVE = ("answer_within", "requests", "max_latency")


class Asked:
    """A model that the function `ask` asks queries; it raises AnswerError. `times` are the seconds per answer, when measured."""

    def __init__(self, ask: Callable[[Query], Answer], queries: Sequence[Query]) -> None:
        self.queries = queries
        self.times: list[float] = []
        self._ask = ask

    def golden_checks(self, traced: Query) -> list[Check]:
        """Return a check for each golden query until one isn't answered, and the trace."""
        checks: list[Check] = []
        trace: list[Check] = []
        for query in self.queries:
            try:
                answer = self._ask(query)
            except AnswerError as error:
                return [*checks, Check(f"golden {query.name}", "fail", str(error))]
            checks.append(golden_check(query, answer))
            if query is traced:
                trace.append(trace_check(query, answer, timed=True))
        return [*checks, *trace]

    def measure(self, query: Query) -> str | None:
        """Ask a query and note the time. Say what is wrong with the answer, or return None."""
        try:
            answer = self._ask(query)
        except AnswerError as error:
            return str(error)
        self.times.append(answer.seconds)
        return _wrong(query, answer)


def measure_in_turn(
    models: Sequence[Asked], params: Mapping[str, Any], look: Callable[[int], None] | None = None
) -> Check | None:
    """Ask models in turn: `warmup` queries, then the `requests` that count. Return a check where an answer is wrong.

    `look` is called after each turn with its number; those of the warm-up are below 0. The first model is the candidate;
    raises GateError where another, the champion, gives a wrong answer.
    """
    for turn in range(-params["warmup"], params["requests"]):
        for model in models:
            query = model.queries[turn % len(model.queries)]
            wrong = model.measure(query)
            if wrong is not None and model is not models[0]:
                raise GateError(f"the champion can't be compared with: {visible(query.name, 80)}: {wrong}")
            if wrong is not None:
                asked = f"request {turn + params['warmup'] + 1} while latency was measured"
                return Check("load", "fail", f"{asked} ({visible(query.name, 80)}): {wrong}")
        if look is not None:
            look(turn)
        if turn == -1:
            for model in models:
                model.times.clear()
    return None


def golden_check(query: Query, answer: Answer) -> Check:
    """Hold an answer against the golden one."""
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


def traced_query(queries: Sequence[Query], name: str | None) -> Query:
    """Return the query to trace: the first, or the one of the name. Raises GateError where none has it."""
    found = queries[0] if name is None else next((query for query in queries if query.name == name), None)
    if found is None:
        raise GateError(f"no golden query is called {visible(str(name), 80)}, which is to be traced")
    return found


def trace_check(query: Query, answer: Answer, timed: bool) -> Check:
    """Record how one example went through the model, without its values."""
    sent = 0 if query.body is None else len(query.body)
    way = f"{query.method} {visible(query.path, 100)}, " if query.path != "/" else ""
    took = f" in {number(1000 * answer.seconds)} ms" if timed else ""
    message = f"{visible(query.name, 80)}: {way}{sent} bytes sent, {len(answer.body)} bytes answered{took}"
    return Check("trace", "pass", message)


def are_sound(params: Mapping[str, Any]) -> bool:
    """Whether the parameters of what is asked are proper: those that `mlcc.gates._serving.compile.asked` writes."""
    sound = all(isinstance(params.get(key, ""), str) for key in ("golden", "trace")) and "golden" in params
    sound = sound and all(is_finite(params.get(key, 1)) and params.get(key, 1) > 0 for key in _POSITIVE)
    sound = sound and all(key in params for key in _POSITIVE[:2])
    sound = sound and all(type(params.get(key)) is int for key in ("requests", "warmup"))
    sound = sound and is_finite(params.get("tolerance")) and params["tolerance"] >= 0
    return sound and is_finite(params.get("confidence")) and 0.5 <= params["confidence"] < 1
