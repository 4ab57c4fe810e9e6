"""The driver of releases: each step looks at what is served before and after, and may be done twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.release.driven import BEFORE, Driven

RELEASED = {"live": "live-7", "candidate": None, "weight": 0, "lease": 0, "previous": "old"}
STEPS = (["deploy"], ["step", "0"], ["step", "1"], ["step", "2"], ["promote"])


@pytest.fixture
def driven(tmp_path: Path) -> Driven:
    return Driven(tmp_path)


def test_a_release_goes_by_its_steps_and_is_live(driven: Driven) -> None:
    driven.up_to(1)
    assert (driven.state["candidate"], driven.state["weight"]) == ("live-7", 0)
    assert 7100 < driven.state["lease"] - time.time() < 7300
    for number, weight in enumerate((5, 25, 50)):
        assert driven.do("step", str(number)) == 0
        assert driven.state["weight"] == weight
        assert driven.state["live"] == "old"
    assert driven.lines("judged.txt") == ["live-5", "live-25", "live-50"]
    assert driven.do("promote") == 0
    assert driven.state == RELEASED


def test_each_step_may_be_done_twice(driven: Driven) -> None:
    for words in STEPS:
        for _ in range(2):
            assert driven.do(*words) == 0, driven.said
    assert driven.state == RELEASED


def test_a_run_that_is_run_again_makes_another_release_of_it(driven: Driven) -> None:
    driven.up_to(5)
    driven.up_to(5)
    assert driven.state == {**RELEASED, "live": "live-7-r2", "previous": "live-7"}
    driven.up_to(3)
    assert driven.state["candidate"] == "live-7-r3"
    assert driven.do("rollback", MLCC_STEP="step") == 0
    assert driven.state == {**RELEASED, "live": "live-7-r2", "previous": "live-7"}


@pytest.mark.parametrize("step", ["deploy", "verify", "step"])
def test_a_step_that_is_run_again_by_itself_leaves_what_is_live(driven: Driven, step: str) -> None:
    driven.up_to(5)
    assert driven.do("step", "0") == 2
    assert driven.do("rollback", MLCC_STEP=step) == 0
    assert driven.said == "mlcc: live-7 is live, which no step before its promotion undoes\n"
    assert driven.state == RELEASED
    assert driven.do("rollback", MLCC_STEP="promote") == 0
    assert driven.state == BEFORE


@pytest.mark.parametrize("position", range(6))
def test_a_rollback_at_any_step_leaves_what_was_live(driven: Driven, position: int) -> None:
    driven.up_to(position)
    for _ in range(2):
        assert driven.do("rollback") == 0, driven.said
        assert driven.state == BEFORE
    assert "nothing of live-7 is served: 'old' is live, there is no candidate" in driven.said


@pytest.mark.parametrize("verdict", [1, 2, 3])
def test_a_step_ends_as_its_gate_judges(driven: Driven, verdict: int) -> None:
    driven.up_to(1)
    (driven.root / "verdict.txt").write_text(str(verdict))
    assert driven.do("step", "0") == verdict
    assert driven.state["weight"] == 5  # what takes it away again is the rollback


@pytest.fixture
def in_two_looks(tmp_path: Path) -> Driven:
    """A release whose one share is judged twice, with a wait between, after the first look."""
    steps = [{"weight": 50, "gate": "live-50-watch"}, {"weight": 50, "gate": "live-50"}]
    driven = Driven(tmp_path, steps=steps)
    for words in (["deploy"], ["step", "0"]):
        assert driven.do(*words) == 0, driven.said
    return driven


def test_a_second_look_keeps_the_share_and_renews_the_lease(in_two_looks: Driven) -> None:
    in_two_looks.serve(lease=time.time() + 60)
    assert in_two_looks.do("step", "1") == 0, in_two_looks.said
    assert in_two_looks.lines("judged.txt") == ["live-50-watch", "live-50"]
    assert in_two_looks.state["weight"] == 50
    assert in_two_looks.state["lease"] - time.time() > 7000
    assert in_two_looks.do("promote") == 0
    assert in_two_looks.state == RELEASED


@pytest.mark.parametrize(
    "changed", [{"candidate": None, "weight": 0}, {"candidate": "live-8"}, {"weight": 0}]
)
def test_what_changed_in_the_wait_is_not_judged(in_two_looks: Driven, changed: dict[str, object]) -> None:
    in_two_looks.serve(**changed)
    assert in_two_looks.do("step", "1") == 2
    assert in_two_looks.lines("judged.txt") == ["live-50-watch"]


def test_a_weight_that_reads_back_wrong_fails_and_is_not_judged(driven: Driven) -> None:
    driven.up_to(1)
    driven.broken(set_weight=4)
    assert driven.do("step", "0") == 1
    assert driven.said == "mlcc: after `set-weight`, `describe` tells weight 4.0 instead of 5.0\n"
    assert driven.lines("judged.txt") == []


def test_the_judge_gets_the_candidates_own_address(driven: Driven) -> None:
    driven.up_to(1)
    driven.serve(url="http://127.0.0.1:8002/shop")
    assert driven.do("step", "0", MLCC_CANDIDATE_URL="http://of-another") == 0, driven.said
    driven.serve(url=None)
    assert driven.do("step", "1", MLCC_CANDIDATE_URL="http://of-another") == 0, driven.said
    assert driven.lines("addresses.txt") == ["'http://127.0.0.1:8002/shop'", "''"]


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        ("", "`describe` printed no JSON: ''"),
        ("garbage", "`describe` printed no JSON: 'garbage'"),
        ("::error::x", "`describe` printed no JSON: '::error::x'"),
        ("[1]", "`describe` printed no JSON object"),
        ('{"live": 3}', "`describe` tells no ids: `live` and `candidate` are texts or null"),
        ('{"live": "a", "weight": NaN}', "`describe` tells no numbers: `weight` is from 0 to 100, `lease` a time"),
        ('{"live": "a", "weight": 1e999}', "`describe` tells no numbers: `weight` is from 0 to 100, `lease` a time"),
        ('{"live": "a", "weight": true}', "`describe` tells no numbers: `weight` is from 0 to 100, `lease` a time"),
        ('{"live": "a", "weight": 101}', "`describe` tells no numbers: `weight` is from 0 to 100, `lease` a time"),
        ('{"live": "a", "weight": "5"}', "`describe` tells no numbers: `weight` is from 0 to 100, `lease` a time"),
        ('{"live": "a", "url": 3}', "`describe` tells no address: `url` is of http or https, or null"),
        ('{"live": "a", "url": "file:///etc/passwd"}', "`describe` tells no address: `url` is of http or https, or null"),
        ('{"live": "a", "url": "http://a b"}', "`describe` tells no address: `url` is of http or https, or null"),
        ('{"live": "a", "url": "http://u:p@a"}', "`describe` tells no address: `url` is of http or https, or null"),
        ('{"live": "a", "url": "http://a\\n"}', "`describe` tells no address: `url` is of http or https, or null"),
        ('{"live": "a", "lease": -1}', "`describe` tells no numbers: `weight` is from 0 to 100, `lease` a time"),
    ],
)  # fmt: skip
def test_a_description_that_is_none_stops_every_step(driven: Driven, printed: str, why: str) -> None:
    driven.broken(describe={"print": printed})
    for words in (*STEPS, ["rollback"], ["reconcile"], ["first"]):
        assert driven.do(*words) == 2
        assert driven.said == f"mlcc: {why}\n"
    assert driven.state == BEFORE
    assert set(driven.lines("verbs.txt")) == {"describe"}


def test_a_description_that_is_too_long_is_none(driven: Driven) -> None:
    driven.broken(describe={"print": "x" * 1000, "times": 2000})
    assert driven.do("deploy") == 2
    assert driven.said == "mlcc: `describe` printed more than 1048576 bytes\n"


@pytest.mark.parametrize("verb", ["describe", "deploy"])
def test_a_verb_that_hangs_is_ended(tmp_path: Path, verb: str) -> None:
    driven = Driven(tmp_path, within=1)
    driven.broken(**{verb: "hang"})
    assert driven.do("deploy") == 2
    assert driven.said == f"mlcc: `{verb}` didn't end within 1 s\n"


@pytest.mark.parametrize("verb", ["describe", "deploy"])
def test_a_cancelled_step_ends_what_it_started(driven: Driven, verb: str) -> None:
    (driven.root / "program.py").write_text(
        "import os\nopen('pid', 'w').write(str(os.getpid()))\n" + (driven.root / "program.py").read_text()
    )
    driven.broken(**{verb: "hang"})
    script = [sys.executable, "-I", str(driven.root / ".mlcc/release.py"), "live", "deploy"]
    with subprocess.Popen(
        script, env={**os.environ, "MLCC_RUN": "7"}, stdout=subprocess.PIPE, text=True
    ) as step:
        limit = time.monotonic() + 20
        while driven.lines("verbs.txt")[-1:] != [verb]:
            assert time.monotonic() < limit
            time.sleep(0.02)
        step.terminate()
        said, _ = step.communicate(timeout=20)
    assert said == "mlcc: the run was cancelled\n"
    assert step.returncode == 2
    with pytest.raises(ProcessLookupError):
        os.kill(int((driven.root / "pid").read_text()), 0)


@pytest.mark.parametrize(("position", "verb"), [(0, "deploy"), (1, "set-weight"), (4, "promote")])
def test_a_verb_that_fails_stops_its_step(driven: Driven, position: int, verb: str) -> None:
    driven.up_to(position)
    state = driven.state
    driven.broken(**{verb: "fail"})
    assert driven.do(*STEPS[position]) == 2
    assert driven.said == f"mlcc: `{verb}` ended with 7\n"
    assert driven.state == state
    driven.broken()
    assert driven.do("rollback") == 0
    assert driven.state == BEFORE


@pytest.mark.parametrize(
    ("position", "verb", "told"),
    [
        (0, "deploy", "candidate '' instead of 'live-7'"),
        (1, "set-weight", "weight 0.0 instead of 5.0"),
        (4, "promote", "live 'old' instead of 'live-7'"),
    ],
)
def test_a_verb_that_only_says_so_fails(driven: Driven, position: int, verb: str, told: str) -> None:
    driven.up_to(position)
    driven.broken(**{verb: "forget"})
    assert driven.do(*STEPS[position]) == 1
    assert driven.said == f"mlcc: after `{verb}`, `describe` tells {told}\n"


@pytest.mark.parametrize(
    ("position", "told"),
    [(2, "'old' is live, 'live-7' has 0 %"), (5, "'live-7' is live, there is no candidate")],
)
def test_a_rollback_that_leaves_the_release_is_an_error(driven: Driven, position: int, told: str) -> None:
    driven.up_to(position)
    driven.broken(rollback="forget")
    assert driven.do("rollback") == 2
    assert driven.said == f"mlcc: after `rollback`, {told}\n"


def test_a_second_release_waits_for_the_first(driven: Driven) -> None:
    driven.up_to(2)
    state = driven.state
    assert driven.do("deploy", run="8") == 2
    assert "'live-7' is being released, until 20" in driven.said
    assert "one release at a time" in driven.said
    assert driven.do("step", "0", run="8") == 2
    assert driven.do("promote", run="8") == 2
    assert driven.do("rollback", run="8") == 0
    assert "nothing of live-8 is served" in driven.said
    assert driven.state == state


@pytest.mark.parametrize("words", [["deploy"], ["reconcile"]])
def test_a_candidate_that_outlived_its_lease_is_rolled_back(driven: Driven, words: list[str]) -> None:
    driven.up_to(3)
    driven.serve(lease=time.time() - 1)
    assert driven.do(*words, run="8") == 0
    assert "live-7 outlived its lease" in driven.said
    assert driven.state["live"] == "old"
    assert driven.state["candidate"] == ("live-8" if words == ["deploy"] else None)


def test_a_candidate_within_its_lease_stays(driven: Driven) -> None:
    driven.up_to(2)
    state = driven.state
    assert driven.do("reconcile", run="8") == 0
    assert driven.state == state


@pytest.mark.parametrize("words", [["deploy"], ["reconcile"]])
def test_a_candidate_without_a_lease_is_an_error(driven: Driven, words: list[str]) -> None:
    driven.serve(candidate="stray", lease=0)
    state = driven.state
    assert driven.do(*words) == 2
    assert (
        driven.said
        == "mlcc: the candidate 'stray' has no lease: `describe` must tell what `deploy` got as MLCC_LEASE\n"
    )
    assert driven.state == state


@pytest.mark.parametrize("position", range(4))
def test_only_what_went_through_all_steps_is_promoted(driven: Driven, position: int) -> None:
    driven.up_to(position)
    assert driven.do("promote") == 2
    assert "only what got 50 % of the requests is promoted" in driven.said
    assert driven.state["live"] == "old"


@pytest.mark.parametrize(("position", "step"), [(0, "0"), (1, "1"), (1, "2"), (2, "2"), (4, "0"), (5, "0")])
def test_a_step_needs_the_one_before_it(driven: Driven, position: int, step: str) -> None:
    driven.up_to(position)
    state = driven.state
    assert driven.do("step", step) == 2
    assert driven.state == state


def test_a_rollback_whose_target_is_gone_is_an_error(driven: Driven) -> None:
    driven.up_to(5)
    driven.serve(previous=None)
    assert driven.do("rollback") == 2
    assert "`rollback` ended with 1" in driven.said
    assert driven.state["live"] == "live-7"


def test_requests_are_taken_away_before_the_candidate_is_removed(driven: Driven) -> None:
    driven.up_to(3)
    (driven.root / "verbs.txt").unlink()
    assert driven.do("rollback") == 0
    assert driven.lines("verbs.txt") == ["describe", "set-weight", "rollback", "describe"]


def test_without_steps_the_candidate_is_promoted_at_once(tmp_path: Path) -> None:
    driven = Driven(tmp_path, steps=[])
    assert driven.do("deploy") == 0
    assert driven.do("promote") == 0
    assert driven.state == RELEASED


def test_the_first_release_is_brought_up_by_hand(driven: Driven) -> None:
    driven.serve(live=None)
    assert driven.do("deploy") == 2
    assert "bring up the first release by hand" in driven.said
    for _ in range(2):
        assert driven.do("first", run="1") == 0, driven.said
        assert (driven.state["live"], driven.state["candidate"]) == ("live-1", None)
    assert driven.do("first", run="2") == 1
    assert "'live-1' is live: what comes after the first release goes by its steps" in driven.said


@pytest.mark.parametrize(
    ("words", "run", "why"),
    [
        (["deploy"], "", "MLCC_RUN is empty"),
        (["fly"], "7", "usage:"),
        (["step"], "7", "usage:"),
        (["step", "-1"], "7", "usage:"),
        ([], "7", "usage:"),
    ],
)
def test_what_makes_no_sense_is_refused(driven: Driven, words: list[str], run: str, why: str) -> None:
    assert driven.do(*words, run=run) == 2
    assert why in driven.said
    assert driven.lines("verbs.txt") == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"adapter": {}}', '{"adapter": {"nothing": 1}}'])
def test_parameters_that_are_none_are_refused(driven: Driven, text: str) -> None:
    (driven.root / ".mlcc/releases/live.json").write_text(text)
    assert driven.do("deploy") == 2
    assert driven.said == "mlcc: the parameters of the release 'live' can't be read\n"


def test_an_id_has_no_sign_that_means_something_elsewhere(driven: Driven) -> None:
    assert driven.do("deploy", run="jenkins-a b/main'; $(x)") == 0
    assert driven.state["candidate"] == "live-jenkins-a-b-main-x-"


def test_the_program_gets_nothing_of_the_runs_own_variables(driven: Driven) -> None:
    (driven.root / "program.py").write_text(
        "import os\nprint('saw', sorted(n for n in os.environ if n.startswith('MLCC_')))"
    )
    assert driven.do("rollback", MLCC_SECRET_X="s", MLCC_WEIGHT="3") == 2
    assert driven.said == "mlcc: `describe` printed no JSON: 'saw []'\n"


@pytest.mark.parametrize("position", [1, 2, 4])
def test_by_hand_a_candidate_is_taken_away(driven: Driven, position: int) -> None:
    driven.up_to(position)
    assert driven.do("restore", run="99") == 0, driven.said
    assert driven.state == BEFORE


def test_by_hand_what_was_live_before_comes_back_and_then_nothing_is_left_to(driven: Driven) -> None:
    driven.up_to(5)
    assert driven.do("restore", run="99", MLCC_RESTORE="") == 0, driven.said
    assert driven.state == BEFORE
    assert driven.do("restore", run="100") == 2
    assert driven.said == "nothing was live before\nmlcc: `rollback` ended with 1\n"
    assert driven.state == BEFORE


def test_by_hand_a_release_that_is_named_is_live_again(driven: Driven) -> None:
    driven.up_to(5)
    for _ in range(2):
        assert driven.do("restore", run="99", MLCC_RESTORE="live-3") == 0, driven.said
        assert driven.state == {**RELEASED, "live": "live-3", "previous": "live-7"}
    assert driven.said == "mlcc: live-3 is live already\n"


def test_by_hand_a_candidate_makes_way_for_what_is_named(driven: Driven) -> None:
    driven.up_to(3)
    assert driven.do("restore", run="99", MLCC_RESTORE="live-3") == 0, driven.said
    assert driven.state == {**RELEASED, "live": "live-3", "previous": "old"}
    assert driven.do("step", "2") == 2  # what was being released goes no further


@pytest.mark.parametrize(
    ("verb", "why"), [("restore", "`restore` ended with 7"), ("promote", "`promote` ended with 7")]
)
def test_what_can_not_be_brought_back_leaves_what_is_live(driven: Driven, verb: str, why: str) -> None:
    driven.up_to(5)
    driven.broken(**{verb: "fail"})
    assert driven.do("restore", run="99", MLCC_RESTORE="live-3") == 2
    assert driven.said.endswith(f"mlcc: {why}\n")
    assert driven.state == RELEASED


@pytest.mark.parametrize("name", ["../other", "a/b", "-rf", "a b", "a\nb", ".hidden", "x" * 300])
def test_a_name_that_is_none_is_refused(driven: Driven, name: str) -> None:
    driven.up_to(5)
    assert driven.do("restore", run="99", MLCC_RESTORE=name) == 1
    assert "is no release's id" in driven.said
    assert driven.state == RELEASED


@pytest.mark.parametrize("verdict", [0, 1, 2, 3])
def test_a_candidate_is_asked_before_it_gets_requests(driven: Driven, verdict: int) -> None:
    driven.up_to(1)
    driven.serve(url="http://127.0.0.1:8002")
    (driven.root / "verdict.txt").write_text(str(verdict))
    assert driven.do("verify") == verdict
    assert driven.lines("judged.txt") == ["live-verify"]
    assert driven.lines("addresses.txt") == ["'http://127.0.0.1:8002'"]


@pytest.mark.parametrize("position", [0, 2, 5])
def test_only_a_candidate_without_requests_is_verified(driven: Driven, position: int) -> None:
    driven.up_to(position)
    assert driven.do("verify") == 2
    assert "'live-7' isn't a candidate without requests" in driven.said
    assert "live-verify" not in driven.lines("judged.txt")


@pytest.mark.parametrize("verdict", [0, 1, 2, 3])
def test_what_is_live_is_watched(driven: Driven, verdict: int) -> None:
    driven.up_to(5)
    (driven.root / "verdict.txt").write_text(str(verdict))
    assert driven.do("watch", "0") == verdict
    assert "live-live" in driven.lines("judged.txt")
    assert driven.do("rollback") == 0
    assert driven.state == BEFORE


@pytest.mark.parametrize("position", range(5))
def test_only_what_is_live_is_watched(driven: Driven, position: int) -> None:
    driven.up_to(position)
    assert driven.do("watch", "0") == 4
    assert driven.said.startswith("mlcc: live-7 isn't live any more: 'old' is live")
    assert "live-live" not in driven.lines("judged.txt")


def test_what_is_live_is_watched_at_its_own_address_and_not_at_the_next_candidates(driven: Driven) -> None:
    driven.up_to(5)
    driven.serve(candidate="live-8", weight=5, lease=9e9, url="http://10.0.0.8", live_url="http://10.0.0.7")
    assert driven.do("watch", "0") == 0
    assert driven.lines("addresses.txt")[-1] == "'http://10.0.0.7'"
    driven.serve(live_url=None)
    assert driven.do("watch", "0") == 0
    assert driven.lines("addresses.txt")[-1] == "''"


@pytest.mark.parametrize("words", [["step", "3"], ["watch", "1"]])
def test_there_are_only_so_many_steps(driven: Driven, words: list[str]) -> None:
    driven.up_to(1)
    assert driven.do(*words) == 2
    assert driven.said.startswith("mlcc: there are ")


@pytest.mark.parametrize("name", ["other-3", "live", "live-8"])
def test_what_was_never_live_is_not_restored(driven: Driven, name: str) -> None:
    driven.up_to(5)
    driven.serve(candidate="live-8", weight=5, lease=9e9)
    state = driven.state
    assert driven.do("restore", run="99", MLCC_RESTORE=name) == 1
    assert f"'{name}' was never live" in driven.said
    assert driven.state == state


def test_a_candidate_whose_share_can_not_be_set_is_removed_all_the_same(driven: Driven) -> None:
    driven.up_to(3)
    driven.broken(set_weight="fail")
    assert driven.do("rollback") == 0
    assert driven.said.startswith("mlcc: `set-weight` ended with 7\n")
    assert driven.state == BEFORE


@pytest.mark.parametrize(
    ("position", "words", "told"),
    [
        (1, ["restore"], "UNDONE=live-7\nREACHED=\nLIVE=old\n"),
        (3, ["restore"], "UNDONE=live-7\nREACHED=share\nLIVE=old\n"),
        (5, ["restore"], "UNDONE=live-7\nREACHED=live\nLIVE=old\n"),
        (5, ["reconcile"], "UNDONE=\nREACHED=\nLIVE=live-7\n"),
        (3, ["rollback"], "UNDONE=live-7\nREACHED=share\nLIVE=old\n"),
    ],
)
def test_what_undoes_tells_the_runtime_what_it_took_away(
    driven: Driven, position: int, words: list[str], told: str
) -> None:
    driven.up_to(position)
    outputs = driven.root / "outputs"
    assert driven.do(*words, MLCC_OUTPUTS=str(outputs)) == 0, driven.said
    assert (outputs.read_text() if outputs.exists() else "") == told
