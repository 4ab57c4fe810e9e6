"""Releases through a real nginx: who answers, what is lost, and what is left when something breaks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcc.release.adapter import Place
from mlcc.release.adapters.nginx.runtime import NginxAdapter
from tests.release.behind_nginx import BehindNginx, Load

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None and not os.environ.get("MLCC_TEST_ALL"), reason="nginx isn't installed"
)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[BehindNginx]:
    front = BehindNginx(tmp_path)
    try:
        front.begin()
        yield front
    finally:
        front.end()


def told(front: BehindNginx) -> dict[str, Any]:
    """Return what nginx has loaded, by an own question."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{front.status}/", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return {key: found[key] for key in ("live", "candidate", "weight", "previous")}


FIRST = {"live": "live-1", "candidate": "", "weight": 0.0, "previous": ""}


def test_no_request_is_lost_over_a_whole_release_and_its_rollback(tmp_path: Path) -> None:
    front = BehindNginx(tmp_path, settle=1.0)
    try:
        front.begin()
        _release_and_roll_back(front)
    finally:
        front.end()


def _release_and_roll_back(front: BehindNginx) -> None:
    with Load(front) as load:
        assert load.more(200) == {"live-1": 200}
        front.up_to(1)
        assert load.more(200) == {"live-1": 200}
        for number, share in enumerate((0.05, 0.25, 0.5)):
            assert front.do("step", str(number)) == 0, front.said
            found = load.more(600)
            assert set(found) <= {"live-1", "live-7"}
            # Six standard deviations of a binomial count: one run in a billion.
            assert abs(found["live-7"] - 600 * share) < 6 * (600 * share * (1 - share)) ** 0.5
        assert front.do("promote") == 0, front.said
        assert load.more(200) == {"live-7": 200}
        assert front.servers() == ["live-1", "live-7"]
        assert front.do("rollback") == 0, front.said
        assert load.more(200) == {"live-1": 200}
    assert Counter(load.answers)["lost"] == 0
    assert len(load.answers) > 2000
    assert told(front) == FIRST
    assert front.servers() == ["live-1"]


@pytest.mark.parametrize("position", range(6))
def test_a_rollback_at_any_step_twice_leaves_the_same(front: BehindNginx, position: int) -> None:
    front.up_to(position)
    for _ in range(2):
        assert front.do("rollback") == 0, front.said
        assert told(front) == FIRST
        assert front.servers() == ["live-1"]
        assert json.loads((front.kept / "state.json").read_text()) == {
            "servers": {"live-1": front.ports[0]}, "candidate": "", "lease": 0, "released": ["live-1"],
        }  # fmt: skip
        assert front.get() == "live-1"


def test_every_verb_twice_is_as_good_as_once(front: BehindNginx) -> None:
    for words in (["deploy"], ["step", "0"], ["step", "1"], ["step", "2"], ["promote"]):
        for _ in range(2):
            assert front.do(*words) == 0, front.said
    assert told(front) == {"live": "live-7", "candidate": "", "weight": 0.0, "previous": "live-1"}


def test_the_judge_is_told_where_the_candidates_own_server_is(front: BehindNginx) -> None:
    front.up_to(3)
    assert front.lines("addresses.txt") == [f"'http://127.0.0.1:{front.ports[1]}'"] * 2
    place = NginxAdapter(front.params["adapter"]["nginx"], Place(str(front.root), 20, 0))
    assert place.describe().url == f"http://127.0.0.1:{front.ports[1]}"
    assert [front.do(*words) for words in (("step", "2"), ("promote",))] == [0, 0]
    assert place.describe().url == f"http://127.0.0.1:{front.ports[1]}"  # by now of what is live
    front.up_to(1, run="8")
    assert place.describe().url == f"http://127.0.0.1:{front.ports[2]}"


def test_the_release_before_the_last_ends_when_the_next_is_live(front: BehindNginx) -> None:
    front.up_to(5, run="7")
    front.up_to(5, run="8")
    assert told(front) == {"live": "live-8", "candidate": "", "weight": 0.0, "previous": "live-7"}
    assert front.servers() == ["live-7", "live-8"]
    assert sorted(path.name for path in front.kept.glob("releases/*")) == ["live-1", "live-7", "live-8"]
    front.up_to(5, run="9")
    assert front.servers() == ["live-8", "live-9"]
    # `keep` is 1: of the earlier releases the folder of the last stays.
    assert sorted(path.name for path in front.kept.glob("releases/*")) == ["live-7", "live-8", "live-9"]


def test_an_earlier_release_is_live_again_by_its_name(front: BehindNginx) -> None:
    for run in ("7", "8"):
        front.up_to(5, run=run)
    assert front.do("restore", run="99", MLCC_RESTORE="live-1") == 0, front.said
    assert front.get() == "live-1"
    assert told(front) == {"live": "live-1", "candidate": "", "weight": 0.0, "previous": "live-8"}
    assert front.servers() == ["live-1", "live-8"]
    assert front.do("restore", run="100") == 0, front.said
    assert front.get() == "live-8"


def test_a_release_of_which_nothing_is_kept_is_refused(front: BehindNginx) -> None:
    front.up_to(5)
    assert front.do("restore", run="99", MLCC_RESTORE="live-3") == 1
    assert front.said == "mlcc: nothing is kept of 'live-3': there are live-1, live-7\n"
    assert front.get() == "live-7"


@pytest.mark.parametrize("weight", [0.01, 2.25, 33.3, 99.99])
def test_weights_have_two_decimals(tmp_path: Path, weight: float) -> None:
    front = BehindNginx(tmp_path)
    (tmp_path / ".mlcc/releases/live.json").write_text(
        json.dumps({**json.loads((tmp_path / ".mlcc/releases/live.json").read_text()),
                    "steps": [{"weight": weight, "gate": "live-x"}]})
    )  # fmt: skip
    try:
        front.begin()
        front.up_to(2)
        assert told(front)["weight"] == weight
    finally:
        front.end()


def test_a_candidate_that_never_answers_fails_and_leaves_nothing(tmp_path: Path) -> None:
    front = BehindNginx(tmp_path, start_within="2s")
    try:
        front.begin()
        (tmp_path / "server.py").write_text("raise SystemExit(1)\n")
        assert front.do("deploy") == 1
        assert "the server of 'live-7' answers /healthz on port" in front.said
        assert front.said.endswith(" nothing\n")
        assert front.do("rollback") == 0, front.said
        assert told(front) == FIRST
        assert [path.name for path in front.kept.glob("releases/*")] == ["live-1"]
    finally:
        front.end()


def test_a_candidate_that_died_is_not_promoted(front: BehindNginx) -> None:
    front.up_to(4)
    os.kill(int((front.kept / "releases/live-7/pid").read_text()), 9)
    assert front.do("promote") == 1
    assert "the server of 'live-7' answers /healthz" in front.said
    assert told(front)["live"] == "live-1"
    assert front.do("rollback") == 0, front.said
    assert told(front) == FIRST


def test_what_was_live_before_is_started_again_for_a_rollback(front: BehindNginx) -> None:
    front.up_to(5)
    os.kill(int((front.kept / "releases/live-1/pid").read_text()), 9)
    assert front.do("rollback") == 0, front.said
    assert front.get() == "live-1"
    assert front.servers() == ["live-1"]


def test_a_rollback_whose_target_is_gone_leaves_what_is_live(tmp_path: Path) -> None:
    front = BehindNginx(tmp_path, start_within="2s")
    try:
        front.begin()
        front.up_to(5)
        os.kill(int((front.kept / "releases/live-1/pid").read_text()), 9)
        (tmp_path / "server.py").write_text("raise SystemExit(1)\n")
        assert front.do("rollback") == 1
        assert front.get() == "live-7"
        assert told(front)["live"] == "live-7"
    finally:
        front.end()


def test_the_first_release_has_nothing_to_go_back_to(front: BehindNginx) -> None:
    assert front.do("rollback", run="1") == 1
    assert "nothing was live before 'live-1'" in front.said
    assert front.get() == "live-1"


def test_a_split_that_nginx_refuses_is_taken_back(front: BehindNginx) -> None:
    before = (front.kept / "split.conf").read_text()
    (front.kept / "other.conf").write_text("nonsense;\n")
    assert front.do("deploy") == 2
    assert front.said.endswith("mlcc: `reload` ended with 1\n")
    assert (front.kept / "split.conf").read_text() == before
    (front.kept / "other.conf").unlink()
    assert front.do("deploy") == 0, front.said


def test_a_reload_that_does_nothing_is_noticed(tmp_path: Path) -> None:
    front = BehindNginx(tmp_path, start_within="2s")
    try:
        front.begin()
        path = tmp_path / ".mlcc/releases/live.json"
        params = json.loads(path.read_text())
        params["adapter"]["nginx"]["reload"] = "true"
        path.write_text(json.dumps(params))
        assert front.do("deploy") == 2
        assert "nginx didn't load" in front.said
        assert "live-7" not in (front.kept / "split.conf").read_text()
    finally:
        front.end()


def test_an_nginx_that_is_down_is_an_error_and_not_nothing(front: BehindNginx) -> None:
    front.nginx("-s", "stop")
    limit = time.monotonic() + 10
    while (front.root / "nginx.pid").exists():
        assert time.monotonic() < limit
        time.sleep(0.05)
    for words in (["deploy"], ["rollback"], ["reconcile"], ["first"]):
        assert front.do(*words) == 2
        assert "nginx doesn't tell at 127.0.0.1" in front.said


@pytest.mark.parametrize("text", ["", "[]", "{", '{"servers": 3}', '{"lease": "x"}', '{"candidate": null}'])
def test_a_broken_state_is_an_error(front: BehindNginx, text: str) -> None:
    (front.kept / "state.json").write_text(text)
    assert front.do("deploy") == 2
    assert "state.json can't be read: it says which servers were started" in front.said
    assert front.get() == "live-1"


def test_a_port_that_somebody_else_has_is_passed_over(front: BehindNginx) -> None:
    code = f"import socket,time; s=socket.create_server(('127.0.0.1',{front.ports[1]})); print(1,flush=True); time.sleep(99)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        front.up_to(1)
        assert json.loads((front.kept / "state.json").read_text())["servers"]["live-7"] == front.ports[2]
        assert front.do("promote") == 2  # no step was done
        assert front.do("rollback") == 0
        other.kill()


@pytest.mark.parametrize("after", [0.12, 0.35])
@pytest.mark.parametrize("position", [0, 1, 4])
def test_a_verb_that_was_killed_can_be_rolled_back(front: BehindNginx, position: int, after: float) -> None:
    front.up_to(position)
    words = (["deploy"], ["step", "0"], [], [], ["promote"])[position]
    script = [sys.executable, "-I", str(front.root / ".mlcc/release.py"), "live", *words]
    with subprocess.Popen(script, env={**os.environ, "MLCC_RUN": "7"}, stdout=subprocess.DEVNULL) as child:
        time.sleep(after)
        child.kill()
    time.sleep(0.5)  # what it started itself ends by itself
    assert front.do("rollback") == 0, front.said
    assert told(front) == FIRST
    assert front.servers() == ["live-1"]
    assert "live-7" not in (front.kept / "split.conf").read_text()
    assert front.get() == "live-1"


def test_one_verb_at_a_time(front: BehindNginx) -> None:
    import fcntl

    with (front.kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert front.do("deploy") == 2
        assert front.said == f"mlcc: another release works on {front.kept}\n"


def test_the_variable_that_nginx_reserves_does_no_harm(front: BehindNginx) -> None:
    assert front.do("deploy", NGINX="3;") == 0, front.said
