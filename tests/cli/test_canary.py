"""`mlcc canary`: past canaries judged again, and the control against itself."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from scipy import stats

from mlcc.canary import binomial, false_alarms, releases, replayed
from tests.cli.project import Project

PARAMS = {
    "rates": [{"id": "errors", "count": "bad", "max": 0.02, "worse_than_control": 1.5}],
    "histograms": [{"id": "scores", "name": "s", "on_drift": "hold"}],
    "alpha": 0.05, "min_bad": 3, "min_requests": 100, "bake": 600, "every": 30, "max_extend": 1, "max_age": 300, "fail_after": 2,
    "from_zero": False, "weight": 50, "setup": [], "observations": {"from": "command", "run": "true"},
}  # fmt: skip
START = 1_764_000_000


def recording(bad: int, looks: int = 11, step: int = 200) -> str:
    """Return snapshots: each arm gets 200 requests between two looks, `bad` of the candidate's are bad, 2 of the control's."""
    lines = []
    for i in range(looks):
        n = i * step
        buckets = {"s": {"1": n // 2, "+Inf": n}}
        lines.append(
            json.dumps(
                {
                    "time": START + 60 * i,
                    "candidate": {"n": n, "bad": i * bad, "buckets": buckets},
                    "control": {"n": n, "bad": i * 2, "buckets": buckets},
                }
            )
        )
    return "".join(line + "\n" for line in lines)


@pytest.fixture
def kept(project: Project) -> Project:
    """A project that has kept two canaries: a good one, and one with 10 % of bad requests."""
    for name, bad, verdict in (("good", 1, "pass"), ("bad", 20, "fail")):
        folder = f"runs/{name}/_mlcc/s--live"
        project.write(f"{folder}/snapshots.jsonl", recording(bad))
        project.write(f"{folder}/canary.json", json.dumps({"gate": "live", "params": PARAMS}))
        project.write(f"{folder}/verdict.json", json.dumps({"verdict": verdict}))
    return project


def replay(project: Project, *arguments: str) -> dict[str, Any]:
    done = project.run("canary", "replay", "runs", "--format", "json", *arguments)
    assert (done.code, done.err) == (0, "")
    return {row["release"].partition("/")[0]: row for row in json.loads(done.out)["releases"]}


def test_replay_by_the_same_thresholds(kept: Project) -> None:
    found = replay(kept)
    assert found["good"]["then"] == found["good"]["now"]
    assert (found["good"]["then"]["verdict"], found["good"]["then"]["look"]) == ("pass", 11)
    assert (found["good"]["looks"], found["good"]["requests"], found["good"]["recorded"]) == (
        11,
        2000,
        "pass",
    )
    # 20 of 200 against 2: the first look after the baseline tells.
    assert (
        found["bad"]["then"]["verdict"],
        found["bad"]["then"]["look"],
        found["bad"]["then"]["seconds"],
    ) == ("fail", 2, 60)


def test_replay_by_other_thresholds(kept: Project) -> None:
    found = replay(kept, "--set", "errors.max=0.15", "--set", "errors.worse_than_control=20")
    assert (found["bad"]["then"]["verdict"], found["bad"]["now"]["verdict"]) == ("fail", "pass")
    found = replay(kept, "--set", "min_requests=5000")
    assert found["good"]["now"]["verdict"] == "inconclusive"
    assert "at least 5000 are asked for" in found["good"]["now"]["summary"]


def test_replay_with_more_time(kept: Project) -> None:
    """Of 200 requests a minute the second look has 400, the sixth 1,200 and the eleventh 2,000; `bake` is over at 300 s."""
    params = {**PARAMS, "bake": 300, "every": 60, "max_extend": 3, "min_requests": 1100}
    kept.write("runs/good/_mlcc/s--live/canary.json", json.dumps({"gate": "live", "params": params}))
    found = replay(kept, "--set", "min_requests=1500")["good"]
    assert [(found[key]["verdict"], found[key]["seconds"]) for key in ("then", "now")] == [
        ("pass", 360), ("pass", 480),
    ]  # fmt: skip
    found = replay(kept, "--set", "max_extend=1")["good"]
    assert (found["now"]["verdict"], found["now"]["seconds"]) == ("inconclusive", 300)
    found = replay(kept, "--set", "max_extend=1.5", "--set", "min_requests=1500")["good"]
    assert (found["now"]["verdict"], found["now"]["seconds"]) == ("inconclusive", 420)


def test_a_candidate_that_died_is_dead_by_any_thresholds(kept: Project) -> None:
    dead = {"id": "liveness", "verdict": "fail", "message": "http://x gave no answer"}
    kept.write("runs/good/_mlcc/s--live/verdict.json", json.dumps({"verdict": "fail", "checks": [dead]}))
    found = replay(kept, "--set", "errors.max=0.5")["good"]
    for key in ("then", "now"):
        assert found[key] == {
            "verdict": "fail", "look": 11, "seconds": 600, "summary": "http://x gave no answer.",
        }  # fmt: skip
    found = replay(kept, "--set", "errors.max=0.0001")["good"]
    assert found["now"]["look"] < 11


def test_what_was_watched_without_a_control(kept: Project) -> None:
    metrics = {"rates": [{"id": "errors", "count": "bad", "max": 0.02}], "histograms": []}
    params = {**PARAMS, **metrics, "weight": 100}
    kept.write("runs/good/_mlcc/s--live/canary.json", json.dumps({"gate": "live", "params": params}))
    found = replay(kept, "--set", "errors.max=0.001")["good"]
    # 2 of 200 a look, which is 1 %.
    assert (found["then"]["verdict"], found["now"]["verdict"]) == ("pass", "fail")
    assert found["requests"] == 2000
    done = kept.run("canary", "aa", "runs", "--format", "json", "--repetitions", "20")
    assert [row["release"] for row in json.loads(done.out)["releases"]] == ["bad/_mlcc/s--live"]
    kept.write("runs/bad/_mlcc/s--live/canary.json", json.dumps({"gate": "live", "params": params}))
    assert "no control beside any of these" in kept.run("canary", "aa", "runs").err


def test_replay_as_a_table(kept: Project) -> None:
    done = kept.run(
        "canary", "replay", "runs", "--set", "errors.max=0.15", "--set", "errors.worse_than_control=20"
    )
    lines = done.out.splitlines()
    assert lines[0].split() == ["release", "looks", "requests", "recorded", "by", "its", "own", "by", "these"]
    assert " ".join(lines[1].split()) == "bad/_mlcc/s--live 11 2,000 fail fail after 60 s pass after 600 s"
    assert " ".join(lines[2].split()) == "good/_mlcc/s--live 11 2,000 pass pass after 600 s pass after 600 s"
    (why,) = lines[4:]
    assert why.startswith(
        "bad/_mlcc/s--live: All 6 checks passed: the candidate's rate of errors is 10 % (200 of 2000"
    )


def test_replay_by_a_spec(kept: Project) -> None:
    kept.write(
        "mlcc.yaml",
        "version: 1\nname: p\ntriggers: {push: {branches: [main]}}\n"
        "artifacts: {m: {kind: model, path: m.bin}}\n"
        "gates: {live: {guards: m, canary: {observations: {command: x}, weight: 50, metrics: "
        "{errors: {rate: {max: 0.2}}}}}}\n",
    )
    kept.write("m.bin", "m")
    found = replay(kept, "--spec", "mlcc.yaml")
    assert found["bad"]["now"]["verdict"] == "pass"
    kept.write("mlcc.yaml", (kept.root / "mlcc.yaml").read_text().replace("live:", "other:"))
    done = kept.run("canary", "replay", "runs", "--spec", "mlcc.yaml")
    assert done.code == 2
    assert "no canary gate 'live'" in done.err


def test_control_against_itself(kept: Project) -> None:
    done = kept.run("canary", "aa", "runs", "--format", "json", "--repetitions", "100")
    assert (done.code, done.err) == (0, "")
    for row in json.loads(done.out)["releases"]:
        assert row["lower"] <= row["rate"] <= row["upper"]
        # The bound is 5 %; of 100, chance adds 3 deviations of 2.2 % at most.
        assert row["rate"] <= 0.05 + 3 * 0.022
    again = kept.run("canary", "aa", "runs", "--format", "json", "--repetitions", "100")
    assert again.out == done.out
    assert kept.run("canary", "aa", "runs", "--repetitions", "20").out.splitlines()[0].split()[0] == "release"


def test_a_control_over_its_limit_is_an_alarm(kept: Project) -> None:
    done = kept.run(
        "canary", "aa", "runs", "--repetitions", "20", "--set", "errors.max=0.000001", "--format", "json"
    )
    assert done.code == 1
    assert all(row["checks"]["errors"] == 1 for row in json.loads(done.out)["releases"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("runs", "--set", "errors.min=1"), 2, "'errors.min' is no threshold of this canary"),
        (("runs", "--set", "alpha=much"), 2, "'alpha=much' gives no number"),
        (("runs", "--set", "alpha=2"), 2, "out of their range"),
        (("runs", "--set", "alpha=nan"), 2, "out of their range"),
        (("empty",), 2, "no snapshots of a canary"),
    ],
)
def test_bad_calls(kept: Project, arguments: tuple[str, ...], code: int, said: str) -> None:
    (kept.root / "empty").mkdir()
    done = kept.run("canary", "replay", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("canary.json", "{"), ("canary.json", "[]"), ("canary.json", '{"params": {"weight": 0}}'),
        ("snapshots.jsonl", ""), ("snapshots.jsonl", "NaN"), ("snapshots.jsonl", '{"time": 1}'),
    ],
)  # fmt: skip
def test_what_cant_be_read(kept: Project, file: str, content: str) -> None:
    kept.write(f"runs/good/_mlcc/s--live/{file}", content)
    done = kept.run("canary", "replay", "runs")
    assert (done.code, done.out) == (3, "")
    assert "error[cannot-read]" in done.err


def test_counters_that_went_back(kept: Project) -> None:
    lines = recording(1).splitlines(keepends=True)
    swapped = [*lines[:5], lines[7].replace(str(START + 420), str(START + 271)), *lines[5:]]
    kept.write("runs/good/_mlcc/s--live/snapshots.jsonl", "".join(swapped))
    release = next(one for one in releases(kept.root / "runs") if one.name.startswith("good"))
    found = replayed(release.params, release.snapshots)
    assert (found.verdict, found.look) == ("error", 7)
    done = kept.run("canary", "aa", "runs", "--repetitions", "20")
    assert done.code == 3
    assert "went back" in done.err


def test_the_same_seed_gives_the_same_alarms(kept: Project) -> None:
    release = releases(kept.root / "runs")[0]
    counts = false_alarms(release.params, release.snapshots, 20, seed=3)
    assert counts == false_alarms(release.params, release.snapshots, 20, seed=3)
    assert set(counts) <= {"any", "share", "errors", "errors against control", "scores"}


@pytest.mark.parametrize(("n", "p"), [(20, 0.3), (500, 0.05), (1000, 0.5), (3000, 0.97)])
def test_binomial(n: int, p: float) -> None:
    """Against scipy's distribution function by Kolmogorov's distance: over 1.95 / sqrt(4,000) in one of 1,000 tests."""
    draw = random.Random(5)
    found = sorted(binomial(draw, n, p) for _ in range(4000))
    exact = stats.binom(n, p)
    distance = max(abs((found.index(x) + found.count(x)) / 4000 - exact.cdf(x)) for x in set(found))
    assert distance < 1.95 / 4000**0.5
    assert (binomial(draw, n, 0.0), binomial(draw, n, 1.0), binomial(draw, 0, p)) == (0, n, 0)
