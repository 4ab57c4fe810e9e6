"""What comes around a canary really runs, on every CI system: verified before, watched after, held, and undone by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.semantics import Event
from tests.execution.releases.test_canary import BACK_ENDS, SPEC, STEPS, Release, ends

WHOLE = SPEC.replace("triggers: {push: {branches: [main]}}", """triggers:
  push: {branches: [main]}
  manual: {undo: {inputs: {release: {type: string}}}}
  schedule: {hourly: "7 * * * *"}""").replace(
    "rollback: {", "after_promote: {watch: 4s}\n    rollback: {manual: undo, reconcile: hourly, "
)  # fmt: skip
ASKED = "    verify: {command: {run: 'PROGRAM'}}\n    canary:"
ALL = (*STEPS, "live-live")
UNSURE = "max: 0.0005"  # more than the requests of a step can show, and less than what goes wrong
SERVED = {
    "live": "live-7",
    "previous": "live-6",
    "candidate": None,
    "weight": 0,
    "lease": 0,
    "log": [],
    "counts": [0, 0, 0, 0],
}


def verified(program: str) -> str:
    return WHOLE.replace("    canary:", ASKED.replace("PROGRAM", program))


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_what_is_verified_and_stays_good_is_live(back_end: str, tmp_path: Path) -> None:
    release = Release(tmp_path, back_end, verified('test -e "$ARTIFACT_MODEL"'))
    run = release.run()
    assert run.green, run.log[-3000:]
    assert ends(run) == {
        **dict.fromkeys(("train", "sound", "live-verify", *ALL), "passed"),
        "live-rollback": "skipped",
    }
    assert release.served["live"].startswith("live-")


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_what_is_not_verified_gets_no_request(back_end: str, tmp_path: Path) -> None:
    release = Release(tmp_path, back_end, verified("exit 1"))
    run = release.run()
    assert not run.green
    assert ends(run)["live-verify"] == "failed", run.log[-3000:]
    assert release.served["log"] == ["deploy", "rollback"]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_what_goes_bad_once_it_is_live_is_rolled_back(back_end: str, tmp_path: Path) -> None:
    release = Release(tmp_path, back_end, WHOLE, AFTER="0.3")
    run = release.run()
    assert not run.green
    found = ends(run)
    assert (found["live"], found["live-live"]) == ("passed", "failed"), run.log[-3000:]
    assert run.states["live-live", ""]["cause"].endswith("it was rolled back")
    assert release.served["live"] == "old"
    assert release.served["log"][-2:] == ["promote", "rollback"]
    lines = [json.loads(line)["action"] for line in run.releases.splitlines()]
    assert lines == ["release", "rollback"]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_what_nobody_can_tell_is_held_for_a_person(back_end: str, tmp_path: Path) -> None:
    spec = WHOLE.replace("max: 0.05, worse_than_control: 1.5", UNSURE)
    release = Release(tmp_path, back_end, spec.replace("bake: 4s", "bake: 4s\n      on_inconclusive: hold"))
    run = release.run()
    assert not run.green
    assert ends(run)["live-10"] == "failed", run.log[-3000:]
    assert run.states["live-10", ""]["cause"].endswith("it is held: a person decides")
    assert release.served["log"] == ["deploy", "set-weight 10"]
    assert release.served["weight"] == 10


@pytest.mark.parametrize(
    ("named", "candidate", "served", "log"),
    [
        ("", None, "live-6", ["rollback"]),
        ("", "live-8", "live-7", ["set-weight 0", "rollback"]),
        ("live-3", None, "live-3", ["restore", "promote"]),
    ],
    ids=["what was live before", "a candidate", "a release by its name"],
)
@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_person_undoes_a_release(
    back_end: str, named: str, candidate: str | None, served: str, log: list[str], tmp_path: Path
) -> None:
    event = Event("manual", branch="main", trigger="undo", inputs={"release": named} if named else {})
    release = Release(tmp_path, back_end, WHOLE, event=event)
    release.path.write_text(
        json.dumps({**SERVED, "candidate": candidate, "weight": 10 if candidate else 0, "lease": 9e9})
    )
    run = release.run()
    assert run.green, run.log[-3000:]
    assert ends(run) == {"live-restore": "passed"}
    assert (release.served["live"], release.served["candidate"]) == (served, None)
    assert release.served["log"] == log
    (line,) = [json.loads(text) for text in run.releases.splitlines()]
    assert (line["action"], line["live"], line["reached"]) == ("rollback", candidate is None, True)
