"""Signals from the records of runs: rates, times, releases, against values worked out by hand."""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from scipy.stats import binomtest

from mlcc.cli import cli
from mlcc.signals.show import as_text
from mlcc.signals.tables import Signals, share_interval, signals
from tests.runs import gate, run, write

WAIVED = {"reason": "known", "until": "2026-12-31", "issue": "X-1"}


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Twenty runs, one a day: `some` fails every fifth, `never` passes, `borne` fails and is waived every second."""
    for day in range(1, 21):
        gates = {
            "some": gate("fail" if day % 5 == 0 else "pass", seconds=float(day)),
            "never": gate(),
            "borne": gate("fail", end="passed", waived=WAIVED)
            if day % 2
            else gate("inconclusive", end="passed"),
            "soft": gate("fail", blocking=False),
            "late": gate("", end="skipped"),
        }
        green = day % 5 != 0
        record = run(gates, finished=f"2026-03-{day:02}T10:00:00Z", run={"run_id": str(day)}, green=green)
        write(tmp_path / f"runs/{day}/s--final/lineage.jsonl", record)
    return tmp_path


def rows(found: Signals) -> dict[str, Any]:
    return {row["gate"]: row for row in found.gates}


def test_rates_and_times_of_gates(history: Path) -> None:
    found = rows(signals(history))
    assert set(found) == {"some", "never", "borne", "soft"}  # `late` gave no verdict
    some = found["some"]
    assert (some["judged"], some["blocked"], some["blocked_rate"]) == (20, 4, 0.2)
    expected = binomtest(4, 20).proportion_ci(method="wilson")
    assert some["blocked_interval"] == pytest.approx([expected.low, expected.high])
    assert (some["median_seconds"], some["total_seconds"]) == (10.5, 210.0)
    assert some["p95_seconds"] == pytest.approx(19.05)  # numpy.percentile(range(1, 21), 95)
    assert (found["borne"]["waived_rate"], found["borne"]["inconclusive_rate"]) == (0.5, 0.5)
    assert (found["soft"]["blocked"], found["soft"]["fired"], found["soft"]["blocking"]) == (0, 20, False)
    assert {id: row["note"] for id, row in found.items()} == {
        "some": "", "never": "never fired in 20 runs", "borne": "fired in all 20 runs", "soft": "fired in all 20 runs",
    }  # fmt: skip


def test_runs(history: Path) -> None:
    found = signals(history)
    assert (found.runs["runs"], found.runs["green"]) == (20, 16)
    assert (found.runs["first"], found.runs["last"]) == ("2026-03-01T10:00:00Z", "2026-03-20T10:00:00Z")
    assert [(week["week"], week["runs"]) for week in found.weeks] == [
        ("2026-02-23", 1), ("2026-03-02", 7), ("2026-03-09", 7), ("2026-03-16", 5),
    ]  # fmt: skip


def test_the_same_run_kept_twice_counts_once(history: Path) -> None:
    text = (history / "runs/3/s--final/lineage.jsonl").read_text()
    (history / "copy").mkdir()
    (history / "copy/lineage.jsonl").write_text(text)
    assert signals(history).runs["runs"] == 20


def test_runs_without_a_record_count_by_their_states(tmp_path: Path) -> None:
    def left(run: str, node: str, found: dict[str, Any] | None, **state: Any) -> None:
        folder = tmp_path / run / f"s--{node}"
        folder.mkdir(parents=True)
        whole = {"node": node, "leg": "", "run": run, "commit": "d" * 40, "seconds": 4.0, **state}
        (folder / "state.json").write_text(json.dumps(whole))
        if found is not None:
            (folder / "verdict.json").write_text(json.dumps(found))

    left("8", "good", {"kind": "evaluate", "verdict": "fail"}, end="failed", verdict="fail")
    left("9", "good", {"kind": "evaluate", "verdict": "fail", "waived": WAIVED}, end="passed", verdict="fail")
    left("9", "train", None, end="passed", verdict="pass")
    write(tmp_path / "7/s--final/lineage.jsonl", run({"good": gate()}))
    left("7", "good", {"kind": "evaluate", "verdict": "fail"}, end="failed", verdict="fail", commit="c" * 40)
    found = signals(tmp_path)
    assert (found.runs["runs"], found.runs["without_record"]) == (1, 2)
    by_pipeline = {row["pipeline"]: row for row in found.gates}
    assert (by_pipeline["demo"]["judged"], by_pipeline["demo"]["blocked"]) == (1, 0)
    alone = by_pipeline[None]
    assert (alone["judged"], alone["blocked"], alone["waived"], alone["total_seconds"]) == (2, 1, 1, 8.0)


def log(*lines: dict[str, Any]) -> str:
    return "".join(json.dumps({"environment": "prod", **line}) + "\n" for line in lines)


def at(day: int, time: str = "12:00:00") -> str:
    return f"2026-03-{day:02}T{time}Z"


def test_releases(history: Path) -> None:
    path = history / "releases.jsonl"
    commit = "c" * 40  # of 2026-03-02T08:00Z
    path.write_text(
        log(
            {"time": at(2), "action": "release", "commit": commit},
            {"time": at(9), "action": "release", "commit": commit},
            {"time": at(9, "13:00:00"), "action": "incident"},
            {"time": at(9, "13:30:00"), "action": "rollback"},
            {"time": at(16), "action": "release"},
            {"time": at(16, "12:10:00"), "action": "rollback"},
            {"time": at(16), "action": "release", "environment": "other", "commit": commit},
            {"time": at(16), "action": "incident", "environment": "other"},
        )
    )
    other, prod = signals(history, path).releases
    assert (prod["releases"], prod["failed"], prod["rollbacks"]) == (3, 2, 2)
    # 4 h and 7 d 4 h after the commit; the third names none
    assert (prod["with_lead"], prod["median_lead_seconds"]) == (2, (4 + 7 * 24 + 4) / 2 * 3600)
    # 30 min from the incident, and 10 min from the release to its rollback
    assert prod["median_restore_seconds"] == 20 * 60
    assert prod["releases_per_week"] == pytest.approx(3 / (14 * 24 * 60 + 10) * 7 * 24 * 60)
    assert prod["failure_rate"] == 2 / 3
    assert (other["failed"], other["not_restored"], other["median_restore_seconds"]) == (1, 1, None)
    assert other["releases_per_week"] is None  # the log is too short to tell


def test_the_next_release_restores(history: Path) -> None:
    path = history / "releases.jsonl"
    path.write_text(
        log(
            {"time": at(2), "action": "release"},
            {"time": at(2, "12:30:00"), "action": "incident"},
            {"time": at(2, "14:30:00"), "action": "release"},
        )
    )
    (prod,) = signals(history, path).releases
    assert (prod["failed"], prod["median_restore_seconds"]) == (1, 7200)


def candidate(day: int, time: str, action: str, since: str = "", **more: Any) -> dict[str, Any]:
    found = {
        "time": at(day, time),
        "action": action,
        "release": "prod",
        "live": False,
        "reached": bool(since),
        **more,
    }
    return {**found, **({"since": at(day, since)} if since else {})}


def test_logs_of_runs(history: Path) -> None:
    """Worked out by hand: what counts is what reached users, from when it did until it was taken away."""
    commit = "c" * 40  # of 2026-03-02T08:00Z
    runs = [
        [{"time": at(2), "action": "release", "commit": commit}],  # 4 h
        [candidate(4, "10:20:00", "rollback", "10:00:00")],  # 20 min on a share of the requests
        [candidate(5, "10:20:00", "rollback")],  # without a request: no change of users'
        [
            {"time": at(9, "08:00:00"), "action": "release", "commit": commit},  # 7 d
            {"time": at(9, "09:00:00"), "action": "rollback", "live": True, "reached": True},  # 60 min
        ],
        [  # undone at the second try: one change, 50 min
            candidate(11, "10:00:00", "incident", "09:50:00", run="5"),
            candidate(11, "10:40:00", "rollback", "09:50:00", run="5"),
        ],
    ]
    for number, lines in enumerate(runs):
        (history / f"runs/{number + 1}/s--final/releases.jsonl").write_text(log(*lines))
    left = {"node": "live", "leg": "", "run": "77", "commit": commit, "end": "passed", "verdict": "pass"}
    line = {"time": at(16), "action": "release", "environment": "prod", "commit": commit}  # 14 d 4 h
    (history / "lost/s--live").mkdir(parents=True)
    (history / "lost/s--live/state.json").write_text(json.dumps({**left, "log": line}))
    (prod,) = signals(history).releases
    assert (prod["releases"], prod["tried"], prod["failed"], prod["rollbacks"]) == (3, 5, 3, 4)
    assert prod["failure_rate"] == 3 / 5
    assert prod["median_lead_seconds"] == 7 * 86400
    assert prod["median_restore_seconds"] == 50 * 60
    assert prod["releases_per_week"] == 3 / 2
    assert prod["not_restored"] == 0


def test_a_candidate_that_nobody_took_away_is_restored_by_the_next_release(history: Path) -> None:
    path = history / "releases.jsonl"
    stuck = candidate(2, "10:00:00", "incident", "09:30:00")
    path.write_text(log(stuck))
    (prod,) = signals(history).releases
    assert (prod["releases"], prod["tried"], prod["failed"], prod["not_restored"]) == (0, 1, 1, 1)
    path.write_text(log(stuck, {"time": at(2, "10:30:00"), "action": "release"}))
    (prod,) = signals(history).releases
    assert (prod["releases"], prod["tried"], prod["failed"], prod["not_restored"]) == (1, 2, 1, 0)
    assert prod["median_restore_seconds"] == 60 * 60


def test_lines_that_are_none_are_named(history: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"time": at(2), "action": "release", "since": "yesterday"}, {"time": "2026-03-02", "action": "release"},
    ]  # fmt: skip
    (history / "releases.jsonl").write_text(log(*lines))
    found = signals(history)
    assert found.releases == []
    assert len(found.problems) == 2


@pytest.mark.parametrize("hits", [0, 1, 7, 20])
def test_intervals_are_wilsons(hits: int) -> None:
    expected = binomtest(hits, 20).proportion_ci(method="wilson")
    assert share_interval(hits, 20) == pytest.approx([expected.low, expected.high], abs=1e-9)


def called(*words: str) -> Result:
    return CliRunner().invoke(cli, ["signals", *words])


def test_what_cannot_be_read_is_named(history: Path) -> None:
    (history / "a").mkdir()
    (history / "a/lineage.jsonl").write_text("{\n[1]\n")
    (history / "b").mkdir()
    (history / "b/verdict.json").write_bytes(b"\xff")
    releases = history / "r.jsonl"
    releases.write_text(
        log({"time": "yesterday", "action": "release"}, {"time": "2026-03-02T10:00:00", "action": "release"})
        + log({"time": at(2), "action": "destroy"}, {"time": "2026-13-02T10:00:00Z", "action": "release"})
    )
    done = called(str(history), "--releases", str(releases))
    assert done.exit_code == 0
    out = [line for line in done.stdout.splitlines() if line.startswith("left out: ")]
    assert len(out) == 7
    assert sum("a line without a proper time, action or environment" in line for line in out) == 4


def test_as_text(history: Path) -> None:
    done = called(str(history))
    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert lines[0].startswith(
        "20 runs, 80.0 % green, from 2026-03-01 to 2026-03-20; from commit to green in "
    )
    assert [line.split()[0] for line in lines[3:]] == ["borne", "never", "soft", "some"]
    assert lines[6].split("  ")[-1].strip() == "19.1 s"


def test_as_json(history: Path) -> None:
    done = called(str(history), "--format", "json")
    found = json.loads(done.stdout)
    assert set(found) == {"version", "runs", "gates", "weeks", "releases", "unreadable"}
    assert found["gates"][3]["blocked_rate"] == 0.2
    assert called(str(history), "--format", "json").stdout == done.stdout


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_as_html(history: Path) -> None:
    hostile = run(
        {"<script>": gate("fail", kind="<img src=x>")}, pipeline="</style><b>", run={"run_id": "99"}
    )
    write(history / "x/lineage.jsonl", hostile)
    done = called(str(history), "--format", "html")
    assert done.exit_code == 0, done.output
    reader = Reader()
    reader.feed(done.stdout)
    assert reader.tags.count("svg") == 3
    assert not {"script", "img", "b", "link", "iframe"} & set(reader.tags)
    assert not any(name in ("src", "onload", "onclick") for name, _ in reader.attributes)
    assert "&lt;script&gt;" in done.stdout
    assert called(str(history), "--format", "html").stdout == done.stdout


def test_without_records(tmp_path: Path) -> None:
    done = called(str(tmp_path))
    assert done.exit_code == 2
    assert "there is no record of a run below" in done.stderr


def test_without_duckdb(history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = called(str(history))
    assert done.exit_code == 2
    assert "signals need DuckDB" in done.stderr
    assert "pip install 'mlcc[gates]'" in done.stderr


def test_gates_by_hand_leave_no_record_of_a_run(tmp_path: Path) -> None:
    folder = tmp_path / "s--unit"
    folder.mkdir()
    (folder / "verdict.json").write_text('{"gate": "unit", "verdict": "pass"}')
    text = as_text(signals(tmp_path, None))
    assert text.startswith(
        "no run left a whole record (the final node writes it; a gate that runs by hand leaves none)\n"
    )
