"""The record of what a release runs, by hand: each change twice, and what can't be known."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.runtime.live import NOTHING_LIVE, confirmed, intended, restored, rolled_back, settled
from mlcc.runtime.records import RunError


def entry(run: str, artifact: str = "model") -> dict[str, Any]:
    handle = {"uri": "x", "digest": "sha256:" + run[0] * 64, "size": 1}
    return {"release": "live", "run": run, "commit": "c", "time": "t", "artifacts": {artifact: handle}}


def promoted(*runs: str) -> dict[str, Any]:
    """Return the record after these runs have promoted their releases, which are commands."""
    record = NOTHING_LIVE
    for run in runs:
        record = confirmed(intended(record, entry(run)), None)
    return record


def ids(record: dict[str, Any]) -> tuple[Any, ...]:
    pending = record["pending"]
    return record["live"], pending and pending["id"], [one["id"] for one in record["releases"]]


def test_each_release_comes_after_the_one_before() -> None:
    record = promoted("1", "2", "2")
    assert ids(record) == ("live-2-r2", None, ["live-1", "live-2", "live-2-r2"])
    assert [one["before"] for one in record["releases"]] == ["", "live-1", "live-2"]


def test_what_begins_changes_nothing_that_is_live() -> None:
    record = intended(promoted("1"), entry("2"))
    assert ids(record) == ("live-1", "live-2", ["live-1"])
    assert intended(record, entry("2")) == record


def test_a_rollback_twice_is_one() -> None:
    for record in (promoted("1", "2"), intended(promoted("1"), entry("2"))):
        once = rolled_back(record, "live-2", None)
        assert (once["live"], once["pending"]) == ("live-1", None)
        assert rolled_back(once, "live-2", None) == once


def test_a_rollback_of_a_run_that_was_run_again_undoes_the_last_of_it() -> None:
    once = rolled_back(promoted("1", "2", "2"), "live-2", None)
    assert once["live"] == "live-2"
    assert rolled_back(once, "live-2", None) == once


def test_a_rollback_of_an_older_one_changes_nothing() -> None:
    record = promoted("1", "2")
    assert rolled_back(record, "live-1", None) == record
    assert rolled_back(intended(record, entry("3")), "live-1", None) == intended(record, entry("3"))


def test_what_a_driver_tells_holds() -> None:
    record = intended(promoted("1", "2"), entry("3"))
    assert ids(settled(record, "live-1"))[:2] == ("live-1", None)
    assert ids(settled(record, "live-3")) == ("live-3", None, ["live-1", "live-2", "live-3"])
    assert ids(settled(record, "live-3-r2"))[::2] == ("live-3-r2", ["live-1", "live-2", "live-3-r2"])
    assert settled(record, "")["live"] == ""
    assert settled(record, "live-0")["live"] == ""  # from before the record began
    assert settled(record, "live-2-r7")["live"] is None  # of a run that is known, by nobody's record
    assert settled(settled(record, "live-1"), "live-1") == settled(record, "live-1")


def test_a_lost_promotion_may_have_gone_live() -> None:
    lost = intended(promoted("1"), entry("2"))
    record = confirmed(intended(lost, entry("3")), None)
    assert ids(record) == ("live-3", None, ["live-1", "live-2", "live-3"])
    assert restored(record, "", None)["live"] is None
    assert restored(record, "", "live-2")["live"] == "live-2"
    assert restored(record, "live-1", None)["live"] == "live-1"
    assert restored(record, "live-0", None)["live"] is None
    assert restored(record, "live-0", "live-0")["live"] == ""


def test_by_hand_twice_is_unknown_of_a_command() -> None:
    once = restored(promoted("1", "2", "3"), "", None)
    assert once["live"] == "live-2"
    assert restored(once, "", None)["live"] is None
    assert restored(NOTHING_LIVE, "", None)["live"] == ""


def test_a_promotion_by_itself_again_keeps_what_it_was() -> None:
    record = promoted("1", "2")
    again = confirmed(intended(record, entry("2")), "live-2")
    assert again == record


def test_what_nobody_began_is_not_confirmed() -> None:
    with pytest.raises(RunError, match="isn't in the store's record any more"):
        confirmed(promoted("1"), None)
