"""The canary gate over files and commands: snapshots, verdicts, and watching."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlcc.diagnostics import SpecError
from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates._records import GateError
from mlcc.gates.canary import runtime
from mlcc.gates.canary.compile import check_node, compile
from mlcc.gates.canary.params import Canary
from mlcc.gates.canary.snapshots import History, line_of, parse_lines, snapshot_of
from mlcc.gates.emit import script
from tests.plans import HEAD, plan_of

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
ERRORS = {"errors": {"rate": {"max": 0.02, "worse_than_control": 1.5}}}
START = 1_764_000_000


def arm(n: Any, bad: Any = 0, **more: Any) -> dict[str, Any]:
    return {"n": n, "bad": bad, **more}


def snapshot(time: Any, candidate: Any, control: Any, **more: Any) -> dict[str, Any]:
    return {"time": START + time, "candidate": candidate, "control": control, **more}


def lines(*snapshots: Any) -> str:
    return "".join(json.dumps(one) + "\n" for one in snapshots)


FIRST = snapshot(0, arm(0), arm(5000, 50))


@pytest.fixture
def judged(project: Any) -> Callable[..., Any]:
    """Return a function that judges recorded snapshots."""
    project.write("m.bin", "m")

    def run(*snapshots: Any, change: Any = None, text: str | None = None, **params: Any) -> Any:
        project.write("o.jsonl", lines(*snapshots) if text is None else text)
        stated = {
            "observations": {"file": "o.jsonl"},
            "weight": 50,
            "max_age": "36500d",
            "metrics": ERRORS,
            **params,
        }
        project.gate("canary", stated, {"model": "m.bin"}, artifact_kind="model", change=change)
        outcome = project.run("canary")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


def test_passes_where_the_rate_is_shown_to_be_below(judged: Any, project: Any) -> None:
    outcome = judged(FIRST, snapshot(600, arm(1000, 2), arm(6000, 60)))
    assert (outcome.verdict, outcome.code) == ("pass", 0)
    check = outcome.check("errors")
    assert outcome.summary == f"All 5 checks passed: {check['message']}."
    assert check["estimate"] == 0.002
    assert check["n"] == 1000
    assert check["interval"][0] < 0.002 < check["interval"][1] <= 0.02
    assert check["margin"] == pytest.approx(0.02 - check["interval"][1])
    assert "0.2 % (2 of 1000 requests)" in check["message"]
    against = outcome.check("errors against control")
    assert against["estimate"] == pytest.approx(0.2)  # 2 against 10 of as many


def test_plots_have_the_bounds_at_each_look(judged: Any, project: Any) -> None:
    judged(FIRST, snapshot(300, arm(500, 1), arm(5500, 55)), snapshot(600, arm(1000, 2), arm(6000, 60)))
    (plot,) = json.loads((project.root / "_mlcc/s--g/plots.json").read_text())
    candidate, control = (line["points"] for line in plot["series"])
    assert [point[:2] for point in candidate] == [[5, 0.2], [10, 0.2]]
    assert [point[:2] for point in control] == [[5, 1], [10, 1]]
    assert all(lower < value < upper for _, value, lower, upper in [*candidate, *control])


def test_fails_where_the_rate_is_shown_to_be_above(judged: Any) -> None:
    outcome = judged(FIRST, snapshot(60, arm(200, 40), arm(5200, 51)))
    assert outcome.code == 1
    assert outcome.checks["errors"] == outcome.checks["errors against control"] == "fail"


def test_a_rate_as_bad_as_the_controls_is_not_worse_than_it(judged: Any) -> None:
    outcome = judged(FIRST, snapshot(60, arm(1000, 100), arm(6000, 150)))
    assert (outcome.checks["errors"], outcome.checks["errors against control"]) == ("fail", "pass")


def test_too_few_requests_say_how_many_more(judged: Any) -> None:
    outcome = judged(FIRST, snapshot(60, arm(127), arm(5127, 51)))
    assert outcome.code == 3
    # 227 clean requests show 2 % (see test_canary_evalues).
    assert "100 more requests would show it" in outcome.check("errors")["message"]


def test_few_bad_requests_never_fail(judged: Any) -> None:
    bad = (FIRST, snapshot(60, arm(4, 4), arm(5004, 50)))
    assert judged(*bad).checks["errors"] == "fail"
    assert judged(*bad, judge={"min_bad": 5}).checks["errors"] == "inconclusive"


@pytest.mark.parametrize(("on_drift", "verdict"), [("hold", "inconclusive"), ("fail", "fail")])
def test_another_distribution(judged: Any, on_drift: str, verdict: str) -> None:
    metrics = {"scores": {"histogram": "s", "on_drift": on_drift}}

    def buckets(low: int, all: int) -> dict[str, Any]:
        return arm(all, buckets={"s": {"0.5": low, "+Inf": all}})

    zero = snapshot(0, buckets(0, 0), buckets(0, 0))
    moved = judged(zero, snapshot(60, buckets(150, 200), buckets(50, 200)), metrics=metrics)
    assert moved.checks["scores"] == moved.verdict == verdict
    assert "50 % of the requests lie in other buckets" in moved.check("scores")["message"]
    same = judged(zero, snapshot(60, buckets(55, 200), buckets(50, 200)), metrics=metrics)
    assert same.verdict == "pass"


def test_a_wrong_share_is_an_error(judged: Any) -> None:
    outcome = judged(FIRST, snapshot(600, arm(1000, 2), arm(9000, 60)))
    assert (outcome.code, outcome.checks["share"]) == (2, "error")
    assert "got 20 % of 5000 requests, and its weight is 50 %" in outcome.check("share")["message"]


def test_a_dead_candidate_fails_whatever_it_did_before(judged: Any) -> None:
    alive = snapshot(600, arm(1000, 2), arm(6000, 60))
    silent = [snapshot(600 + 60 * i, alive["candidate"], arm(6000 + 20 * i, 60)) for i in (1, 2)]
    outcome = judged(FIRST, alive, *silent)
    assert (outcome.code, outcome.checks) == (1, {"alive": "fail"})
    few = [snapshot(600 + 60 * i, alive["candidate"], arm(6000 + 2 * i, 60)) for i in (1, 2)]
    assert judged(FIRST, alive, *few).verdict == "pass"  # at 50 %, 4 requests may well all go to the control


def test_silence_of_both_arms_is_not_health(judged: Any) -> None:
    alive = snapshot(600, arm(1000, 2), arm(6000, 60))
    outcome = judged(FIRST, alive, *({**alive, "time": START + 600 + i} for i in (1, 2)))
    assert (outcome.code, outcome.checks["alive"]) == (3, "inconclusive")


def test_one_snapshot_shows_nothing_unless_counters_began_at_zero(judged: Any) -> None:
    only = snapshot(600, arm(1000, 2), arm(1000, 10))
    assert judged(only).code == 3
    assert judged(only, from_zero=True).code == 0


def test_steps_of_other_weights(judged: Any) -> None:
    """What is counted while the weight changes, 500 requests here, belongs to no step."""
    outcome = judged(
        snapshot(0, arm(0), arm(0), weight=10),
        snapshot(60, arm(100), arm(900, 9), weight=10),
        snapshot(90, arm(600), arm(900, 9), weight=50),
        snapshot(150, arm(1000, 1), arm(1300, 13), weight=50),
    )
    assert outcome.verdict == "pass"
    assert outcome.check("requests")["n"] == 500
    assert "weight is 10 % and 50 %" in outcome.check("share")["message"]


def test_what_was_judged_is_kept(judged: Any, project: Any) -> None:
    judged(FIRST, snapshot(600, arm(1000, 2), arm(6000, 60)))
    kept = [
        json.loads(line) for line in (project.root / "_mlcc/s--g/snapshots.jsonl").read_text().splitlines()
    ]
    assert [one["candidate"]["n"] for one in kept] == [0, 1000]
    assert kept[0]["weight"] == 50
    assert kept[0]["of"].startswith("sha256:")


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (snapshot(0, arm(9), arm(5009)), "isn't later"),
        (snapshot(60, arm(9), arm(4000)), "a counter of the control went back"),
        (snapshot(60, arm(9), arm(5009, 40)), "a counter of the control went back"),
        (snapshot(60, arm(9, slow=1), arm(5009, 51, slow=1)), "other counters"),
        (snapshot(60, arm(9, slow=1), arm(5009, 51)), "for the candidate than for the control"),
        (snapshot(60, arm(9, 10), arm(5009, 51)), "more bad than requests"),
        (snapshot(60, arm(9.5), arm(5009, 51)), "no whole number"),
        (snapshot(60, arm(True), arm(5009, 51)), "no whole number"),
        (snapshot(60, arm(10**18), arm(5009, 51)), "no whole number"),
        (snapshot(60, arm(None), arm(5009, 51)), "no whole number"),
        (snapshot(60, [1], arm(5009, 51)), "no object with the number n"),
        (snapshot(60, {"bad": 1}, arm(5009, 51)), "no object with the number n"),
        (snapshot(60, arm(9), arm(5009, 51), weight=100), "no proper weight"),
        (snapshot(60, arm(9), arm(5009, 51), note=1), "unknown key note"),
        ({**FIRST, "time": "later"}, "no proper time"),
        ([FIRST], "no object of a time"),
        ({"time": START + 9, "control": arm(9)}, "has no candidate"),
    ],
)
def test_snapshots_that_are_no_evidence(judged: Any, second: Any, reason: str) -> None:
    outcome = judged(FIRST, second)
    assert outcome.code == 2
    assert reason in outcome.summary


@pytest.mark.parametrize(
    ("buckets", "reason"),
    [
        ({"s": {"1": 4, "2": 9}}, "no bucket +Inf"),
        ({"s": {"1": 4, "1.0": 4, "+Inf": 9}}, "or one twice"),
        ({"s": {"1": 4, "+Inf": 3}}, "they are cumulative"),
        ({"s": {"low": 4, "+Inf": 9}}, "is no number"),
        ({"s": {"nan": 4, "+Inf": 9}}, "is no number"),
        ({"s": {"+Inf": 9}}, "2 to 1000 buckets"),
        ({"s": 3}, "2 to 1000 buckets"),
        ([], "no object"),
        ({}, "no histogram s"),
    ],
)
def test_buckets_that_are_no_evidence(judged: Any, buckets: Any, reason: str) -> None:
    outcome = judged(
        snapshot(0, arm(9, buckets=buckets), arm(9, buckets=buckets)), metrics={"d": {"histogram": "s"}}
    )
    assert outcome.code == 2
    assert reason in outcome.summary


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("[]", "no snapshot"),
        ("{", "not JSON"),
        (lines(FIRST)[:-5] + "\n" + lines(FIRST), "not JSON"),
        (lines(FIRST).replace("5000", "NaN"), "not strict JSON"),
        (lines(FIRST).replace('"n"', '"n": 1, "n"'), "occurs twice"),
    ],
)
def test_files_that_are_no_evidence(judged: Any, text: str, reason: str) -> None:
    outcome = judged(text=text)
    assert outcome.code == 2
    assert reason in outcome.summary


def test_evidence_of_another_candidate(judged: Any) -> None:
    own = "sha256:" + hashlib.sha256(b"m").hexdigest()
    last = snapshot(600, arm(1000, 2), arm(6000, 60))
    assert judged({**FIRST, "of": own}, {**last, "of": own}).verdict == "pass"
    outcome = judged({**FIRST, "of": own}, {**last, "of": "sha256:" + "0" * 64})
    assert outcome.code == 2
    assert "snapshot 2 is of another candidate" in outcome.summary


def test_a_json_array_is_as_good_as_lines(judged: Any) -> None:
    snapshots = [FIRST, snapshot(600, arm(1000, 2), arm(6000, 60))]
    assert judged(text=json.dumps(snapshots, indent=1)).verdict == "pass"
    assert len(parse_lines(json.dumps(FIRST, indent=1), "it")) == 1


def test_stale_and_future_snapshots(judged: Any) -> None:
    now = time.time() - START
    fresh = [snapshot(now - 60, arm(0), arm(5000, 50)), snapshot(now - 5, arm(1000, 2), arm(6000, 60))]
    assert judged(*fresh, max_age="1m").verdict == "pass"
    assert "is stale" in judged(*fresh[:1], max_age="30s").summary
    ahead = snapshot(now + 3600, arm(1000, 2), arm(6000, 60))
    assert "in the future" in judged(fresh[0], ahead, max_age="1m").summary


def test_snapshots_are_written_as_they_were_read() -> None:
    value = snapshot(
        7, arm(9, 1, buckets={"s": {"0.5": 4, "+Inf": 9}}), arm(20, 2, buckets={"s": {"0.5": 8, "+Inf": 19}})
    )
    found = snapshot_of(value, 0.07, "it")
    again = json.loads(line_of(found, "x"))
    assert again == {**value, "of": "x", "weight": 7}


def test_the_difference_of_cells_is_checked_too() -> None:
    history = History()
    one = snapshot(0, arm(9, buckets={"s": {"1": 5, "+Inf": 9}}), arm(9, buckets={"s": {"1": 5, "+Inf": 9}}))
    two = snapshot(
        1, arm(12, buckets={"s": {"1": 10, "+Inf": 12}}), arm(12, buckets={"s": {"1": 6, "+Inf": 12}})
    )
    history.add(snapshot_of(one, 0.5, "it"))
    with pytest.raises(GateError, match="candidate went back"):
        history.add(snapshot_of(two, 0.5, "it"))


# --- commands and watching -------------------------------------------------------------------------------

_PROGRAM = """
import json, pathlib, sys, time
turn = pathlib.Path("turn")
now = int(turn.read_text()) if turn.exists() else 0
turn.write_text(str(now + 1))
given = json.loads(pathlib.Path("given.json").read_text())
one = given[min(now, len(given) - 1)]
if one is None:
    sys.exit(7)
one["time"] = one.pop("at", time.time())
print(json.dumps(one))
"""


class Clock:
    """Time that goes by only while the gate waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def watched(project: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that runs a gate whose command prints snapshots, one a look, the last one again and again.

    It looks four times, at 0, 2, 4 and 6 s; with `arguments` the emitted script is run by hand.
    """
    project.write("m.bin", "m")
    project.write("observe.py", _PROGRAM)

    def run(
        *snapshots: Any, arguments: Any = (), again: bool = False, change: Any = None, **params: Any
    ) -> Any:
        project.write("given.json", json.dumps(snapshots))
        if not again:
            project.write("turn", "0")
        command = f"{sys.executable} observe.py"
        stated = {"observations": {"command": command}, "weight": 50, "metrics": ERRORS, **params}
        changed = {"bake": 6, "every": 2, "setup": ["echo noise"], "fail_after": 50, **(change or {})}
        project.gate("canary", stated, {"model": "m.bin"}, artifact_kind="model", change=changed)
        path = project.write(".mlcc/gates/canary.py", script(GATES["canary"]))
        if arguments:
            call = [sys.executable, "-I", str(path.relative_to(project.root)), "g", *arguments]
            code = subprocess.run(call, capture_output=True, check=False).returncode
        else:
            with monkeypatch.context() as patched:
                patched.setattr(runtime, "time", Clock())
                code = project.run("canary").code
        record = json.loads((project.root / "_mlcc/s--g/verdict.json").read_text())
        return code, record, int((project.root / "turn").read_text())

    return run


GOOD = (FIRST, snapshot(600, arm(1000, 2), arm(6000, 60)))


def test_a_command_is_watched_until_time_is_up(watched: Any, project: Any) -> None:
    code, record, looks = watched(*GOOD)
    assert (code, record["verdict"]) == (0, "pass"), record
    assert looks == 4
    assert len((project.root / "_mlcc/s--g/snapshots.jsonl").read_text().splitlines()) == 4


def test_watching_ends_with_the_first_failure(watched: Any) -> None:
    code, record, looks = watched(FIRST, snapshot(0, arm(200, 60), arm(5200, 50)), change={"bake": 300})
    assert (code, record["verdict"], looks) == (1, "fail", 2)


def test_a_look_that_fails_is_tried_again(watched: Any) -> None:
    _, record, looks = watched(FIRST, None, *GOOD[1:], change={"fail_after": 2})
    assert looks == 4
    assert {check["id"]: check["verdict"] for check in record["checks"]}["errors"] == "pass"
    code, record, looks = watched(FIRST, None, None, *GOOD[1:], change={"fail_after": 2})
    assert (code, looks) == (2, 3)
    assert "exit code 7 (2 looks in a row)" in record["summary"]


def test_a_snapshot_that_was_seen_before_is_none(watched: Any) -> None:
    seen = [{**FIRST, "at": time.time() - 5}] * 2
    _, record, looks = watched(*seen, *GOOD[1:], change={"fail_after": 2})
    assert looks == 4
    assert {check["id"]: check["verdict"] for check in record["checks"]}["errors"] == "pass"
    code, record, looks = watched(*seen, seen[0], change={"fail_after": 2})
    assert (code, looks) == (2, 3)
    assert "isn't later" in record["summary"]


def test_the_last_look_must_be_good(watched: Any) -> None:
    code, record, _ = watched(*GOOD, None)
    assert (code, record["verdict"]) == (2, "error")


def test_watch_by_hand_and_resume(watched: Any, project: Any) -> None:
    code, record, looks = watched(*GOOD, arguments=("--watch", "0"))
    assert (code, looks) == (3, 1)
    code, record, looks = watched(*GOOD, arguments=("--watch", "0", "--resume"), again=True)
    assert (code, record["verdict"], looks) == (0, "pass", 2)
    # Without --resume it begins anew, and one snapshot shows nothing.
    assert watched(*GOOD, arguments=("--watch", "0", "--every", "1"), again=True)[0] == 3


def test_another_candidate_has_no_evidence_of_the_last_one(watched: Any, project: Any) -> None:
    watched(*GOOD, arguments=("--watch", "0"))
    project.write("m.bin", "another")
    code, record, _ = watched(*GOOD, arguments=("--watch", "0", "--resume"), again=True)
    assert code == 2
    assert "of another candidate" in record["summary"]
    place = project.root / "_mlcc/s--g/snapshots.jsonl"
    place.write_text(json.dumps({key: value for key, value in FIRST.items() if key != "of"}) + "\n")
    assert watched(*GOOD, arguments=("--watch", "0", "--resume"), again=True)[0] == 2


@pytest.mark.parametrize(
    "arguments", [("--watch",), ("--watch", "x"), ("--every", "0"), ("--watch", "-1"), ("--loud",)]
)
def test_usage(project: Any, arguments: tuple[str, ...]) -> None:
    path = project.write(".mlcc/gates/canary.py", script(GATES["canary"]))
    done = subprocess.run([sys.executable, "-I", path, "g", *arguments], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"usage" in done.stderr


def test_a_file_is_not_watched(project: Any, judged: Any) -> None:
    judged(*GOOD)
    path = project.write(".mlcc/gates/canary.py", script(GATES["canary"]))
    done = subprocess.run([sys.executable, "-I", path, "g", "--watch", "9"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"judged once" in done.stdout


def test_a_cancelled_watch_is_an_error(project: Any, watched: Any) -> None:
    watched(*GOOD, arguments=("--watch", "0"))
    started = subprocess.Popen(
        [sys.executable, "-I", ".mlcc/gates/canary.py", "g", "--watch", "60", "--every", "30"],
        stdout=subprocess.DEVNULL,
    )
    kept = project.root / "_mlcc/s--g/snapshots.jsonl"
    (project.root / "turn").write_text("0")
    until = time.monotonic() + 30
    while int((project.root / "turn").read_text() or 0) < 1 or not kept.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(started.pid, signal.SIGTERM)
    assert started.wait(30) == 2


# --- parameters ------------------------------------------------------------------------------------------

FILE = {"observations": {"file": "o.jsonl"}, "weight": 5, "metrics": ERRORS}
PROMETHEUS = {"url": "http://prom:9090", "queries": {"n": "a", "bad": "b"}}


def compiled(**params: Any) -> dict[str, Any]:
    model = Canary.model_validate({**FILE, **params})
    return dict(compile(model, {"m": ArtifactInfo("m.bin"), "o": ArtifactInfo("out/o.json")}, "m"))


def from_prometheus(**keys: Any) -> dict[str, Any]:
    return {"observations": {"prometheus": {**PROMETHEUS, **keys}}}


@pytest.mark.parametrize(
    ("params", "loc", "message"),
    [
        ({"every": "11m"}, ("every",), "longer between two looks"),
        ({"observations": {"file": "o.txt"}}, ("observations", "file"), ".json"),
        ({"observations": {"file_from": "m"}}, ("observations", "file_from"), ".json"),
        ({"metrics": {"a": {"rate": {"max": 0.1}, "on_drift": "hold"}}}, ("metrics", "a", "on_drift"), "doesn't drift"),
        (
            {"metrics": {"a": {"rate": {"max": 0.1}}, "b": {"rate": {"max": 0.2}}}},
            ("metrics", "b", "rate"), "'a' and 'b' are rates of the one counter 'bad'",
        ),
        ({"metrics": {"a": {"rate": {"max": 0.1, "count": "n"}}}}, ("metrics", "a", "rate", "count"), "no counter"),
        ({"traffic": {"expected_rps": 5}}, ("metrics", "errors", "rate", "max"), "always be inconclusive"),
        ({"traffic": {"expected_rps": 1000, "routing": "sticky"}}, ("traffic", "routing"), "routed by itself"),
        (from_prometheus(url="prom:9090"), ("observations", "prometheus", "url"), "no URL"),
        (from_prometheus(url="http://prom:port"), ("observations", "prometheus", "url"), "no URL"),
        (from_prometheus(url="http://u:p@prom"), ("observations", "prometheus", "url"), "neither a user"),
        (from_prometheus(token="TOKEN"), ("observations", "prometheus", "url"), "over http"),
        (from_prometheus(control="candidate"), ("observations", "prometheus", "control"), "same value"),
        (from_prometheus(queries={"n": "a"}), ("observations", "prometheus", "queries"), "no query counts 'bad'"),
        (
            from_prometheus(queries={"n": "a", "bad": "b", "odd": "c"}),
            ("observations", "prometheus", "queries", "odd"), "no metric",
        ),
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense(params: Any, loc: Any, message: str) -> None:
    with pytest.raises(GateParamsError) as caught:
        compiled(**params)
    assert caught.value.loc == loc
    assert message in caught.value.message


def test_what_it_asks_of_its_node() -> None:
    model = Canary.model_validate({**FILE, "observations": {"command": "x"}, "bake": "30m"})
    with pytest.raises(
        GateParamsError, match="looks for 1800 s, and its timeout ends it after 1800 s"
    ) as caught:
        check_node(model, 1800, {})
    assert (caught.value.loc, caught.value.help) == (("bake",), "give it a `timeout` beside `canary`: 40m")
    check_node(model, 1801, {})
    check_node(Canary.model_validate({**FILE, "bake": "30m"}), 60, {})  # a file is judged at once
    keys = from_prometheus(url="https://prom", token="PROM_TOKEN")
    asked = Canary.model_validate({**FILE, **keys})
    with pytest.raises(GateParamsError, match="no variable PROM_TOKEN") as caught:
        check_node(asked, 3600, {"OTHER": 1})
    assert caught.value.loc == ("observations", "prometheus", "token")
    check_node(asked, 3600, {"PROM_TOKEN": 1})


@pytest.mark.parametrize(("timeout", "code"), [("10m", "bad-gate"), ("11m", None)])
def test_the_nodes_timeout_is_checked(timeout: str, code: str | None) -> None:
    text = (
        f"{HEAD}artifacts: {{m: {{kind: model, path: m.bin}}}}\ngates: {{live: {{guards: m, timeout: {timeout}, "
        "canary: {observations: {command: x}, weight: 5, metrics: {errors: {rate: {max: 0.1}}}}}}\n"
    )
    if code is None:
        assert plan_of(text).nodes["live"].timeout_seconds == 660
        return
    with pytest.raises(SpecError) as caught:
        plan_of(text)
    assert [found.code for found in caught.value.diagnostics] == [code]


def test_a_shortfall_says_two_ways_out() -> None:
    with pytest.raises(GateParamsError) as caught:
        compiled(traffic={"expected_rps": 10}, metrics={"errors": {"rate": {"max": 0.01}}})
    assert caught.value.message.startswith(
        "5 % of 10 requests a second for 600 s is 300 requests, and showing a rate of at most 1 % needs 455"
    )
    assert caught.value.help == "a `bake` of 16m, or a `weight` of 8 would do"
    assert compiled(traffic={"expected_rps": 10}, bake="16m")["bake"] == 960
    assert compiled(traffic={"expected_rps": 10}, weight=8)["weight"] == 8


def test_compiled_parameters() -> None:
    metrics = {
        "errors": {"rate": {"max": 0.01, "worse_than_control": 1.5}},
        "slow": {"rate": {"over": "250ms", "max": 0.05}},
        "scores": {"histogram": "score"},
    }
    found = compiled(metrics=metrics, judge={"alpha": 0.01}, bake="1h")
    assert found["rates"] == [
        {"id": "errors", "count": "bad", "max": 0.01, "worse_than_control": 1.5},
        {"id": "slow", "count": "slow", "max": 0.05, "over": 250},
    ]
    assert found["histograms"] == [{"id": "scores", "name": "score", "on_drift": "hold"}]
    assert (found["alpha"], found["min_bad"], found["min_requests"]) == (0.01, 3, 100)
    assert (found["bake"], found["every"], found["max_age"]) == (3600, 30, 300)
    assert compiled(observations={"file_from": "o"})["observations"] == {"from": "file", "path": "out/o.json"}


@pytest.mark.parametrize(
    "change",
    [
        *({key: value} for key in ("weight", "alpha", "bake", "every", "max_age") for value in (0, -1, "1", None, True)),
        *({key: value} for key in ("min_bad", "min_requests", "fail_after") for value in (0, 1.5, None)),
        {"rates": [], "histograms": []},
        {"rates": [{"id": "errors", "count": "bad", "max": 1}]},
        {"rates": [{"id": "errors", "count": "bad"}]},
        {"rates": [{"id": "errors", "count": "bad", "max": 0.1, "worse_than_control": 0.5}]},
        {"rates": [3]},
        {"histograms": [{"id": "s", "name": "s", "on_drift": "pass"}]},
        {"observations": {"from": "the air"}},
        {"from_zero": None},
    ],
    ids=str,
)  # fmt: skip
def test_committed_parameters_that_are_broken(judged: Any, change: Any) -> None:
    outcome = judged(*GOOD, change=change)
    assert outcome.code == 2
    assert "no proper" in outcome.summary
