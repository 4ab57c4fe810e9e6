"""The gate `answers`: a server that runs elsewhere gives the golden answers, and keeps to its latency."""

from __future__ import annotations

import os
import sys

from mlcc.gates._records import Check, GateError, Verdict, is_finite, verdict_of
from mlcc.gates._serving.asked import Asked, are_sound, measure_in_turn, traced_query
from mlcc.gates._serving.golden import read_golden
from mlcc.gates._serving.http_model import AnswerError, HttpModel, Place
from mlcc.gates._serving.limits import judge_limits, latency_plots
from mlcc.gates._support import Gate, run
from mlcc.gates._web import bearer, is_confidential, url_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PORTS = {"http": 80, "https": 443}


def judge(gate: Gate) -> Verdict:
    """Wait for the server, hold its answers against the golden ones, then measure its latency where that has a limit."""
    params = _checked(gate.params)
    gate.take(params["golden"])
    queries = read_golden(params["golden"], "http", params["path"], params["tolerance"])
    traced = traced_query(queries, params.get("trace"))
    model = HttpModel(_place(params), params["ready"], params["answer_within"])
    try:
        model.start(params["ready_within"])
        asked = Asked(model.ask, queries)
        checks = [Check("ready", "pass", "the server became ready in time"), *asked.golden_checks(traced)]
        if "max_latency" in params and all(check.verdict == "pass" for check in checks):
            return _measured(params, asked, checks)
    except AnswerError as error:
        return verdict_of([Check("ready", "fail", str(error))])
    finally:
        model.close()
    return verdict_of(checks)


def _measured(params: dict[str, Any], asked: Asked, checks: list[Check]) -> Verdict:
    failed = measure_in_turn([asked], params)
    if failed is not None:
        return verdict_of([*checks, failed])
    return verdict_of([*checks, *judge_limits(params, [asked.times], [])], latency_plots([asked.times]))


def _place(params: dict[str, Any]) -> Place:
    """Return where the server is, with the token that it asks for. Raises GateError."""
    from urllib.parse import urlsplit

    url = _url(params)
    token = params.get("token")
    if token is not None and not is_confidential(url):
        raise GateError("a token over http can be read on its way, and the server's address is no https one")
    parts = urlsplit(url)
    return Place(
        parts.hostname or "",
        parts.port or _PORTS[parts.scheme],
        _never_ends,
        is_encrypted=parts.scheme == "https",
        base=parts.path.rstrip("/"),
        headers=bearer(token, "the server"),
    )


def _never_ends(patience: float) -> None:
    """A server elsewhere has no process that could be seen to end."""
    del patience


def _url(params: dict[str, Any]) -> str:
    """Return the server's address: the spec's, or that of a release's candidate. Raises GateError."""
    if "url" in params:
        url, shown = params["url"], "the server's address"
    else:
        variable = params["url_from"]
        url, shown = os.environ.get(variable, ""), f"the candidate's address in {variable}"
        if not url:
            raise GateError(f"the variable {variable} doesn't say where the candidate answers: it is not set")
    fault = url_fault(url)
    if fault is not None:
        raise GateError(f"{shown} {fault}")
    return str(url)


def _checked(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters. Raises GateError where one that decides isn't proper."""
    known = [key for key in ("url", "url_from") if key in params]
    sound = len(known) == 1 and isinstance(params[known[0]], str) and are_sound(params)
    sound = sound and all(isinstance(params.get(key), str) for key in ("ready", "path"))
    sound = sound and isinstance(params.get("token"), (str, type(None)))
    sound = sound and is_finite(params.get("ready_within")) and params["ready_within"] > 0
    if not sound:
        raise GateError("the gate's parameters have no proper address, limits or queries")
    return params


def main() -> int:
    """Run the gate that the command line names."""
    return run("answers", judge, __file__, sys.argv[1:])
