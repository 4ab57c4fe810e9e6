"""How long a canary gate looks, whom it asks meanwhile, and what it judges of a release that has no control beside it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from mlcc.diagnostics import SpecError
from mlcc.gates import GateParamsError
from mlcc.gates._records import GateError
from mlcc.gates.canary import liveness, runtime
from mlcc.gates.canary.compile import check_node, compile
from mlcc.gates.canary.params import Canary
from mlcc.gates.canary.prometheus import observed
from mlcc.gates.canary.snapshots import History, line_of, snapshot_of
from tests.plans import HEAD, plan_of

START = 1_764_000_000
ERRORS = {"errors": {"rate": {"max": 0.02, "worse_than_control": 1.5}}}
LATENCY = {"scores": {"histogram": "s"}}
Looks = list[tuple[int, int, int, int]]


class Clock:
    """Time that goes by only while the gate waits; `then` is done before each wait."""

    def __init__(self, then: Callable[[float], None] = lambda _: None) -> None:
        self.now, self.waits, self.then = 0.0, list[float](), then

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.then(self.now)
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def looked(project: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that watches counters (candidate's n and bad, control's n and bad), one after the other, the last again.

    A look each 10 s for 20 s, if nothing else is said: three of them.
    """
    project.write("m.bin", "m")

    def run(looks: Any, clock: Clock | None = None, change: Any = None, **params: Any) -> Any:
        clock = clock or Clock()
        seen = iter(range(1000))

        def look(gate: Any) -> Any:
            turn = next(seen)
            found = looks[min(turn, len(looks) - 1)]
            if found is None:
                raise GateError("nothing is seen")
            value = {"time": START + turn, **found} if isinstance(found, dict) else counted(turn, *found)
            return snapshot_of(value, gate.params["weight"] / 100, "it")

        with monkeypatch.context() as patched:
            patched.setattr(runtime, "time", clock)
            patched.setattr(runtime, "look", look)
            stated = {
                "observations": {"command": "x"}, "weight": 50, "metrics": ERRORS, "bake": "20s", "every": "10s", **params,
            }  # fmt: skip
            project.gate("canary", stated, {"model": "m.bin"}, artifact_kind="model", change=change)
            outcome = project.run("canary")
        return SimpleNamespace(
            verdict=outcome.verdict, checks=outcome.checks, summary=outcome.summary, check=outcome.check,
            seconds=clock.now, looks=next(seen), waits=clock.waits,
        )  # fmt: skip

    return run


def counted(turn: int, n: int, bad: int, m: int, control_bad: int) -> dict[str, Any]:
    candidate, control = {"n": n, "bad": bad}, {"n": m, "bad": control_bad}
    return {"time": START + turn, "candidate": candidate, "control": control}


# --- more time -------------------------------------------------------------------------------------------

# At 2 %, 227 requests without a bad one are enough (test_canary_evalues); 60 more come with each look.
CLEAN: Looks = [(60 * i, 0, 60 * i, 0) for i in range(20)]


def test_it_looks_on_until_enough_requests_came(looked: Any) -> None:
    assert (looked(CLEAN).verdict, looked(CLEAN).seconds) == ("inconclusive", 20)
    found = looked(CLEAN, max_extend="10x")
    assert (found.verdict, found.seconds, found.looks) == ("pass", 40, 5)  # 240 of the candidate


def test_it_looks_no_longer_than_the_factor_says(looked: Any) -> None:
    found = looked(CLEAN, max_extend="1.5x")
    assert (found.verdict, found.seconds) == ("inconclusive", 30)


def test_more_time_ends_with_the_first_failure(looked: Any) -> None:
    bad: Looks = [(60 * i, 40 * (i > 2), 60 * i, 0) for i in range(20)]
    found = looked(bad, max_extend="10x")
    assert (found.verdict, found.seconds) == ("fail", 30)


@pytest.mark.parametrize(
    "looks", [[(300 * i, 0, 300 * i, 0) for i in range(9)], [(300 * i, 0, 9000 * i, 0) for i in range(9)]]
)
def test_there_is_no_more_time_for_what_has_passed_or_is_an_error(looked: Any, looks: Looks) -> None:
    """The second gets 3 % of the requests at a weight of 50 %: more of them mend nothing."""
    assert looked(looks, max_extend="3x").seconds == 20


def test_there_is_no_more_time_for_another_distribution(looked: Any) -> None:
    def arm(n: int, low: int) -> dict[str, Any]:
        return {"n": n, "buckets": {"s": {"1": low, "+Inf": n}}}

    looks = [{"candidate": arm(200 * i, 150 * i), "control": arm(200 * i, 50 * i)} for i in range(9)]
    found = looked(looks, metrics=LATENCY, max_extend="3x")
    assert (found.verdict, found.checks["scores"], found.seconds) == ("inconclusive", "inconclusive", 20)


def test_a_look_that_fails_at_the_end_of_bake_can_be_made_good(looked: Any) -> None:
    looks = [(200 * i, 0, 200 * i, 0) if i != 2 else None for i in range(9)]
    assert looked(looks, fail_after=5).verdict == "error"
    found = looked(looks, fail_after=5, max_extend="2x")
    assert (found.verdict, found.seconds) == ("pass", 30)


def test_by_hand_the_time_is_what_was_asked_for(
    looked: Any, project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    judge = runtime.judge
    monkeypatch.setattr(runtime, "judge", lambda gate: judge(gate, runtime.Watch(seconds=20)))
    assert looked(CLEAN, clock, max_extend="10x").seconds == 20


# --- whether the candidate is alive ----------------------------------------------------------------------

GOOD: Looks = [(300 * i, 0, 300 * i, 0) for i in range(20)]


class Server:
    """Answers with the next of `statuses`, the last again; `asked` are the paths."""

    def __init__(self, *statuses: int, wait: float = 0) -> None:
        self.statuses, self.asked, own = list(statuses), list[str](), self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                own.asked.append(self.path)
                status = own.statuses.pop(0) if len(own.statuses) > 1 else own.statuses[0]
                time.sleep(wait)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/good")
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> Server:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_a_candidate_is_asked_at_every_look_and_every_five_seconds_between(looked: Any) -> None:
    with Server(200, 204) as server:
        found = looked(GOOD, liveness={"url": f"{server.url}/healthz"})
    assert found.verdict == "pass"
    assert found.waits == [5, 5, 5, 5]
    assert server.asked == ["/healthz"] * 5
    assert found.check("liveness")["message"] == (
        f"{server.url}/healthz was asked 5 times, and never 2 in a row without an answer"
    )
    assert "rate of errors" in found.summary


@pytest.mark.parametrize(
    ("statuses", "seconds"),
    [([500], 5), ([302], 5), ([404], 5), ([200, 503, 503, 200], 10), ([200, 503, 200, 503, 503], 20)],
)
def test_a_candidate_that_is_dead_fails_at_once(looked: Any, statuses: list[int], seconds: int) -> None:
    with Server(*statuses) as server:
        found = looked(GOOD, liveness={"url": f"{server.url}/healthz"})
    assert (found.verdict, found.checks, found.seconds) == ("fail", {"liveness": "fail"}, seconds)
    status = 503 if 503 in statuses else statuses[0]
    assert found.summary == (
        f"{server.url}/healthz gave no answer 2 times in a row (the status {status}): the server is dead."
    )


def test_an_answer_that_failed_once_is_forgiven(looked: Any) -> None:
    with Server(503, 200, 503, 200) as server:
        found = looked(GOOD, liveness={"url": server.url})
    assert found.verdict == "pass"
    with Server(503, 200) as server:
        found = looked(GOOD, liveness={"url": server.url, "fail_after": 1})
    assert (found.verdict, found.seconds, found.looks) == ("fail", 0, 0)


def test_nobody_listens(looked: Any) -> None:
    with Server(200) as server:
        url = server.url
    found = looked(GOOD, liveness={"url": url})
    assert (found.verdict, found.seconds) == ("fail", 5)
    assert "(ConnectionRefusedError)" in found.summary


def test_an_answer_that_comes_too_late_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "_ANSWER_WITHIN", 0.05)
    with Server(200, wait=0.5) as server:
        alive = liveness.Liveness({"url": server.url, "fail_after": 1})
        assert alive.is_dead()
    assert "(none within 0.05 s)" in alive.checks()[0].message


def test_a_path_is_asked_at_the_candidates_own_address(looked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(200) as server:
        for base, path in ((server.url, "/healthz"), (server.url + "/shop/", "/shop/healthz")):
            monkeypatch.setenv("MLCC_CANDIDATE_URL", base)
            assert looked(GOOD, liveness={"url": "/healthz"}).verdict == "pass"
            assert server.asked[-1] == path


@pytest.mark.parametrize("base", [None, "", "file:///etc/passwd", "127.0.0.1:80"])
def test_a_path_without_an_address_is_an_error(
    looked: Any, monkeypatch: pytest.MonkeyPatch, base: str | None
) -> None:
    monkeypatch.delenv("MLCC_CANDIDATE_URL", raising=False)
    if base is not None:
        monkeypatch.setenv("MLCC_CANDIDATE_URL", base)
    found = looked(GOOD, liveness={"url": "/healthz"})
    assert (found.verdict, found.looks) == ("error", 0)
    assert "MLCC_CANDIDATE_URL holds none" in found.summary


# --- what gets all requests ------------------------------------------------------------------------------


@pytest.fixture
def alone(looked: Any) -> Callable[..., Any]:
    """Return a function that watches what is live: its n and bad, one after the other."""

    def run(*looks: Any, **params: Any) -> Any:
        values = [{"control": {"n": n, "bad": bad}} for n, bad in looks]
        return looked(values, change={**only(), **params.pop("change", {})}, **params)

    return run


def only(**params: Any) -> dict[str, Any]:
    """Return the parameters that a gate of what is live alone is compiled to."""
    keys: dict[str, Any] = {
        "observations": {"command": "x"}, "weight": 50, "bake": "20s", "every": "10s", "metrics": ERRORS, **params,
    }  # fmt: skip
    model = Canary.model_validate(keys)
    stated = SimpleNamespace(**{**dict(model), "weight": 100})
    return dict(compile(stated, {}, "model"))


def test_what_is_live_is_judged_by_its_limits_from_the_first_look_on(alone: Any) -> None:
    found = alone((9000, 900), (9250, 900), (9300, 900))
    assert (found.verdict, found.checks) == (
        "pass", {"alive": "pass", "requests": "pass", "errors": "pass"},
    )  # fmt: skip
    assert found.check("errors")["n"] == 300
    assert found.summary.startswith(
        "All 3 checks passed: the live release's rate of errors is 0 % (0 of 300 requests)"
    )


def test_what_is_live_fails_where_its_rate_is_shown_to_be_above(alone: Any) -> None:
    found = alone((9000, 0), (9200, 40))
    assert (found.verdict, found.checks["errors"], found.seconds) == ("fail", "fail", 10)


@pytest.mark.parametrize(
    ("looks", "check"),
    [(((9000, 0), (9110, 0)), "errors"), (((9000, 0), (9020, 0)), "requests"), (((9000, 0),), "alive")],
)
def test_too_few_requests_of_what_is_live_are_inconclusive(alone: Any, looks: Any, check: str) -> None:
    found = alone(*looks)
    assert (found.verdict, found.checks[check]) == ("inconclusive", "inconclusive")


def test_what_is_live_has_more_time_and_is_asked_too(alone: Any) -> None:
    with Server(200) as server:
        change = only(max_extend="10x", liveness={"url": server.url})
        found = alone(*((60 * i, 0) for i in range(20)), change=change)
        assert (found.verdict, found.seconds, found.checks["liveness"]) == ("pass", 40, "pass")
    found = alone((0, 0), (60, 0), change=change)
    assert (found.verdict, found.checks) == ("fail", {"liveness": "fail"})


def test_the_plot_of_what_is_live_has_one_line(alone: Any, project: Any) -> None:
    alone((9000, 900), (9250, 905), (9300, 905))
    (plot,) = json.loads((project.root / "_mlcc/s--g/plots.json").read_text())
    (line,) = plot["series"]
    assert line["name"] == "live"
    assert [point[1] for point in line["points"]] == pytest.approx([2, 100 * 5 / 300])


def test_what_is_left_out_without_a_control() -> None:
    metrics = {**ERRORS, **LATENCY}
    queries = {"n": "n", "bad": "b"}
    found: Any = only(
        metrics=metrics, observations={"prometheus": {"url": "http://prom", "queries": queries}}
    )
    assert found["rates"] == [{"id": "errors", "count": "bad", "max": 0.02}]
    assert (found["histograms"], found["observations"]["histograms"]) == ([], {})
    with pytest.raises(GateParamsError) as caught:
        only(metrics=LATENCY)
    assert caught.value.loc == ("metrics",)
    assert "no metric is a `rate`" in caught.value.message


def test_all_requests_count_for_what_is_live() -> None:
    """227 in 20 s are 11.35 a second; the candidate of a half would need twice as many."""
    assert only(traffic={"expected_rps": 11.4})["weight"] == 100
    with pytest.raises(GateParamsError, match=r"100 % of 11.3 requests a second for 20 s is 226 requests"):
        only(traffic={"expected_rps": 11.3})


def test_a_snapshot_without_a_candidate() -> None:
    value = {"time": START, "control": {"n": 9, "bad": 1, "buckets": {"s": {"0.5": 2, "+Inf": 9}}}}
    for more in ({}, {"candidate": {"n": 3}}, {"candidate": None, "weight": 0}):
        found = snapshot_of({**value, **more}, 1.0, "it")
        assert json.loads(line_of(found, "x")) == {**value, "of": "x", "weight": 100}
    with pytest.raises(GateError, match="it has no control"):
        snapshot_of({"time": START, "candidate": value["control"]}, 1.0, "it")
    with pytest.raises(GateError, match="no proper weight"):
        snapshot_of({**value, "candidate": value["control"], "weight": 100}, 0.5, "it")


def test_prometheus_is_asked_for_what_is_live_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(source: Any, query: str, now: float) -> str:
        series = [{"metric": {"arm": "control"}, "value": [now, "9"]}]
        return json.dumps({"status": "success", "data": {"resultType": "vector", "result": series}})

    monkeypatch.setattr("mlcc.gates.canary.prometheus._answer_of", answer)
    source = {
        "arm": "arm",
        "candidate": "candidate",
        "control": "control",
        "counts": {"n": "q"},
        "histograms": {},
    }
    assert observed(source, 7.0, ("control",)) == {"time": 7.0, "control": {"n": 9, "buckets": {}}}
    with pytest.raises(GateError, match="candidate"):
        observed(source, 7.0)


# --- counters that restart -------------------------------------------------------------------------------


@pytest.mark.parametrize(("weight", "who"), [(0.5, "candidate"), (1.0, "control")])
def test_a_counter_that_restarts_says_what_to_count_instead(weight: float, who: str) -> None:
    history = History()
    history.add(snapshot_of(counted(0, 9, 0, 9, 0), weight, "it"))
    with pytest.raises(GateError) as caught:
        history.add(snapshot_of(counted(1, 3, 0, 3, 0), weight, "it"))
    assert str(caught.value).startswith(
        f"a counter of the {who} went back: its server was restarted or replaced"
    )
    assert "count at the router, or in Prometheus" in str(caught.value)


# --- parameters ------------------------------------------------------------------------------------------


def compiled(**params: Any) -> dict[str, Any]:
    keys = {"observations": {"command": "x"}, "weight": 5, "metrics": ERRORS, **params}
    return dict(compile(Canary.model_validate(keys), {}, "m"))


def test_compiled_keys() -> None:
    assert compiled()["max_extend"] == 1
    assert "liveness" not in compiled()
    found = compiled(max_extend="2.5x", liveness={"url": "https://shop/healthz", "fail_after": 3})
    assert (found["max_extend"], found["liveness"]) == (2.5, {"url": "https://shop/healthz", "fail_after": 3})
    assert compiled(liveness={"url": "/healthz"})["liveness"] == {"url": "/healthz", "fail_after": 2}


@pytest.mark.parametrize("factor", ["0.5x", "11x", "2", "x", "10.5x", "1.234x", "2x\n", "-1x", "1e1x"])
def test_a_factor_that_is_none(factor: str) -> None:
    with pytest.raises(ValueError, match="a factor is a number from 1 to 10 and an x"):
        compiled(max_extend=factor)


@pytest.mark.parametrize(
    "url",
    [
        "shop/healthz",
        "//shop/healthz",
        "ftp://shop",
        "http://u@shop",
        "http://shop?a=b",
        "/a b",
        "/ä",
        "/a?b",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(GateParamsError) as caught:
        compiled(liveness={"url": url})
    assert caught.value.loc == ("liveness", "url")


def test_recorded_observations_have_nobody_to_ask() -> None:
    with pytest.raises(GateParamsError, match="too late to ask") as caught:
        compiled(observations={"file": "o.json"}, liveness={"url": "http://shop"})
    assert caught.value.loc == ("liveness",)


def test_more_time_counts_in_what_is_asked_of_the_node() -> None:
    model = Canary.model_validate(
        {
            "observations": {"command": "x"},
            "weight": 5,
            "metrics": ERRORS,
            "bake": "10m",
            "max_extend": "2.5x",
        }
    )
    with pytest.raises(
        GateParamsError, match="looks for 1500 s, and its timeout ends it after 1500 s"
    ) as caught:
        check_node(model, 1500, {})
    assert caught.value.help == "give it a `timeout` beside `canary`: 35m"
    check_node(model, 1501, {})


def test_more_time_counts_in_what_the_traffic_can_show() -> None:
    """455 requests show 1 %: at 5 % of 10 a second they take 910 s, of which 300 s are `bake` and twice that is more time."""
    metrics = {"errors": {"rate": {"max": 0.01}}}
    traffic = {"expected_rps": 10}
    assert compiled(metrics=metrics, traffic=traffic, bake="304s", max_extend="3x")["bake"] == 304
    with pytest.raises(GateParamsError, match="for 900 s is 450 requests") as caught:
        compiled(metrics=metrics, traffic=traffic, bake="300s", max_extend="3x")
    assert caught.value.help == "a `bake` of 6m, or a `weight` of 6 would do"


def test_a_gate_of_no_release_has_no_candidates_address() -> None:
    text = (
        f"{HEAD}artifacts: {{m: {{kind: model, path: m.bin}}}}\ngates: {{live: {{guards: m, timeout: 1h, canary: {{observations: "
        "{command: x}, weight: 5, metrics: {errors: {rate: {max: 0.1}}}, liveness: {url: URL}}}}\n"
    )
    assert plan_of(text.replace("URL", '"http://shop/healthz"')).nodes["live"].gate is not None
    with pytest.raises(SpecError) as caught:
        plan_of(text.replace("URL", "/healthz"))
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (
        "bad-gate",
        "no release tells this gate at which address it finds /healthz",
    )


@pytest.mark.parametrize(
    "change",
    [
        *({"max_extend": value} for value in (0.5, 11, "2", None, True)),
        *({"liveness": value} for value in ("/healthz", {}, {"url": 3, "fail_after": 2}, {"url": "/", "fail_after": 0})),
        {"weight": 101}, {"liveness": {"url": "/", "fail_after": 1.5}},
    ],
    ids=str,
)  # fmt: skip
def test_committed_parameters_that_are_broken(looked: Any, change: Any) -> None:
    found = looked(GOOD, change=change)
    assert (found.verdict, found.looks) == ("error", 0)
    assert "no proper" in found.summary


@pytest.fixture(autouse=True)
def no_proxy() -> Iterator[None]:
    """A proxy that the environment names is never asked."""
    before = dict(os.environ)
    os.environ.update(dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:1"))
    yield
    os.environ.clear()
    os.environ.update(before)
