"""What a release runs, as an artifact: noted where it goes live and where it is undone, and never guessed."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

import pytest

from mlcc.plan import Release
from mlcc.runtime import live as runtime_live
from mlcc.runtime.records import RunError
from mlcc.runtime.steps import undo_main
from tests.objects.store import free_port, hasty_script
from tests.release.driven import BEFORE, PROGRAM, SCRIPT
from tests.runtime.conftest import Make
from tests.runtime.project import Project

HEAD = """version: 1
name: p
triggers:
  push: {branches: [main]}
  schedule: {hourly: "7 * * * *"}
  manual: {undo: {inputs: {release: {type: string}}}}
store: {uri: stored/}
environments: {live: {branches: [main]}}
artifacts:
  model: {kind: model, path: build/model/}
  champion: {kind: model, path: build/champion/, from: {release: live}, first: none}
  old: {kind: data, path: build/old.txt, first: none}
  new: {kind: data, path: build/new.txt}
jobs:
  train: {run: 'echo "$N" > build/model/w', writes: [model], env: {N: {var: N}}}
  score:
    run: |
      cp "$ARTIFACT_MODEL/w" build/new.txt
      if [ -n "$ARTIFACT_CHAMPION" ]; then cp "$ARTIFACT_CHAMPION/w" build/old.txt; fi
    evaluates: [model, champion]
    writes: [old, new]
  other: {run: 'echo "${ARTIFACT_CHAMPION:-absent} ${DIGEST_CHAMPION:-none}" > seen', reads: [champion]}
gates:
  sane: {guards: champion, command: {run: test -e build/champion/w}}
  fine: {guards: old, command: {run: test -e build/old.txt}}
releases:
  live:
    deploys: [model]
"""
PLAIN = (
    HEAD
    + """    run: 'cat "$ARTIFACT_MODEL/w" >> live; exit $EXIT'
    env: {EXIT: {var: EXIT, default: "0"}, N: {var: N}}
    rollback: {run: 'sed -i "/^$N$/d" live', manual: undo}
"""
)
DRIVEN = (
    HEAD
    + """    adapter: {command: PYTHON program.py}
    rollback: {reconcile: hourly, manual: undo, lease: 9h, drain: 1s}
""".replace("PYTHON", sys.executable)
)
WATCHED = DRIVEN.replace(
    "    rollback:",
    "    canary: {steps: [5], observations: {command: x}, metrics: {errors: {rate: {max: 0.01}}}}\n"
    "    after_promote: {watch: 1m}\n    rollback:",
)
GATE = """
import json, pathlib, sys
id = sys.argv[1]
place = pathlib.Path("verdict.txt")
verdict = place.read_text() if place.exists() and id == "live-live" else "pass"
folder = pathlib.Path("_mlcc") / f"s--{id}"
folder.mkdir(parents=True, exist_ok=True)
(folder / "verdict.json").write_text(json.dumps({"gate": id, "verdict": verdict, "summary": "told so"}))
sys.exit(0 if verdict == "pass" else 1)
"""


class Pipeline:
    """Runs of a project, one after the other: what each trains is a number."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def begin(self, run: str, **facts: Any) -> None:
        """Begin a run on machines that have nothing of the one before."""
        for folder in ("_mlcc", "build"):
            shutil.rmtree(self.project.root / folder, ignore_errors=True)
        self.project.select(run_id=run, **facts)

    def trained(self, run: str) -> None:
        """Begin a run that trains the model that its number names."""
        os.environ["MLCC_VAR_N"] = run
        self.begin(run)
        assert self.project.node("train") == 0

    def scored(self) -> str:
        """Score both models, and return what the champion was; "": there was none."""
        assert self.project.node("sane") == 0, self.project.ended("sane")
        assert self.project.node("score") == 0, self.project.ended("score")
        assert self.project.node("fine") == 0, self.project.ended("fine")
        path = self.project.root / "build/old.txt"
        return path.read_text().strip() if path.exists() else ""

    def released(self, run: str) -> None:
        """Do a whole run."""
        self.trained(run)
        for id in self.steps:
            assert self.project.node(id) == 0, self.project.ended(id)

    @property
    def steps(self) -> list[str]:
        return [id for id, node in self.project.plan.nodes.items() if isinstance(node.work, Release)]

    def reads(self, run: str) -> str:
        """Return what the champion is for another run."""
        self.trained(run)
        return self.scored()

    def undone(self, run: str, trigger: str, named: str = "") -> None:
        """Start a node of its own trigger: the form, or the schedule."""
        os.environ["MLCC_VAR_N"] = self.served[len("live-") :]  # which the command takes away
        event = "manual" if trigger == "undo" else "schedule"
        self.begin(run, event=event, hint=trigger, inputs={"release": named} if named else {})
        node = "live-restore" if trigger == "undo" else "live-reconcile"
        assert self.project.node(node) == 0, self.project.ended(node)

    def undo(self, node: str) -> int:
        """Do what the CI system does after a node whose process was killed."""
        os.environ["MLCC_NODE"] = node
        return undo_main(self.project.platform)

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.project.root / "stored/releases/p/live.json").read_text())
        return found

    @property
    def served(self) -> str:
        """What is live indeed."""
        root = self.project.root
        if (root / "program.py").exists():
            return str(json.loads((root / "state.json").read_text())["live"])
        lines = (root / "live").read_text().split()
        return f"live-{lines[-1]}" if lines else ""


@pytest.fixture(params=["plain", "driven"])
def pipeline(request: pytest.FixtureRequest, make: Make) -> Pipeline:
    return plain(make) if request.param == "plain" else driven(make)


def plain(make: Make) -> Pipeline:
    return Pipeline(make(PLAIN, {".gitignore": "_mlcc/\nbuild/\nlive\nstored/\n"}))


def driven(make: Make, spec: str = DRIVEN) -> Pipeline:
    files = {".mlcc/release.py": SCRIPT, "program.py": PROGRAM, "state.json": json.dumps(BEFORE)}
    project = make(spec, files)
    (work,) = (
        node.work
        for node in project.plan.nodes.values()
        if isinstance(node.work, Release) and node.work.drive
    )
    project.write({".mlcc/releases/live.json": json.dumps(work.drive)})
    return Pipeline(project)


def fails(pipeline: Pipeline, node: str) -> str:
    """Run a node that fails, and return why."""
    assert pipeline.project.node(node) != 0
    return pipeline.project.ended(node)[2]


class LostError(BaseException):
    """A machine is lost: nothing that comes later is done."""


def lost(*_: object, **__: object) -> None:
    raise LostError


# --- first, and then ------------------------------------------------------------------------------


def test_at_first_there_is_none(pipeline: Pipeline) -> None:
    project = pipeline.project
    pipeline.trained("1")
    assert pipeline.scored() == ""
    assert project.ended("sane")[2] == "First: no release runs one yet, so that there is nothing to judge."
    assert project.state("score")["inputs"]["champion"] == "none"
    assert project.state("score")["outputs"]["old"] == "none"
    assert project.node("other") == 0
    assert (project.root / "seen").read_text() == "absent none\n"
    assert not (project.root / "stored/releases").exists()


def test_the_second_run_gets_the_bytes_of_the_first(pipeline: Pipeline) -> None:
    pipeline.released("1")
    model = pipeline.project.state("train")["outputs"]["model"]
    assert pipeline.reads("2") == "1"
    assert pipeline.project.state("score")["inputs"]["champion"] == model
    assert pipeline.project.node("other") == 0
    assert (pipeline.project.root / "seen").read_text() == f"build/champion {model}\n"
    pipeline.released("2")
    assert pipeline.reads("3") == "2"
    assert pipeline.served == pipeline.record["live"] == "live-2"
    assert [entry["id"] for entry in pipeline.record["releases"]] == ["live-1", "live-2"]


def test_a_run_that_is_run_again_makes_another_release(pipeline: Pipeline) -> None:
    pipeline.released("1")
    pipeline.released("1")
    assert pipeline.record["live"] == "live-1-r2"
    assert [entry["id"] for entry in pipeline.record["releases"]] == ["live-1", "live-1-r2"]
    assert pipeline.reads("2") == "1"


def test_a_writer_may_leave_out_nothing_once_there_is_one(pipeline: Pipeline) -> None:
    pipeline.released("1")
    pipeline.trained("2")
    plan = json.loads((pipeline.project.root / ".mlcc/plan.json").read_text())
    plan["nodes"]["score"]["run"] = ["cp build/model/w build/new.txt"]
    (pipeline.project.root / ".mlcc/plan.json").write_text(json.dumps(plan))
    assert pipeline.project.node("sane") == 0
    assert "the artifact 'old' isn't there" in fails(pipeline, "score")


def test_what_may_not_be_absent_is_written_at_first_too(pipeline: Pipeline) -> None:
    pipeline.trained("1")
    plan = json.loads((pipeline.project.root / ".mlcc/plan.json").read_text())
    plan["nodes"]["score"]["run"] = ["true"]
    (pipeline.project.root / ".mlcc/plan.json").write_text(json.dumps(plan))
    assert pipeline.project.node("sane") == 0
    assert "the artifact 'new' isn't there" in fails(pipeline, "score")


# --- undone ---------------------------------------------------------------------------------------


def test_a_form_brings_back_the_one_before(pipeline: Pipeline) -> None:
    pipeline.released("1")
    pipeline.released("2")
    pipeline.undone("3", "undo")
    assert pipeline.served == "live-1"
    assert pipeline.reads("4") == "1"


def test_the_first_one_undone_leaves_none(make: Make) -> None:
    pipeline = plain(make)
    pipeline.released("1")
    pipeline.undone("2", "undo")
    assert (pipeline.served, pipeline.record["live"]) == ("", "")
    assert pipeline.reads("3") == ""


def test_what_was_live_before_the_record_began_is_none(make: Make) -> None:
    pipeline = driven(make)
    pipeline.released("1")
    pipeline.undone("2", "undo")
    assert pipeline.served == "old"
    assert pipeline.reads("3") == ""


def test_a_form_names_an_older_one(pipeline: Pipeline) -> None:
    for run in ("1", "2", "3"):
        pipeline.released(run)
    pipeline.undone("4", "undo", "live-1")
    assert pipeline.reads("5") == "1"


def test_a_release_that_fails_changes_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = plain(make)
    pipeline.released("1")
    pipeline.trained("2")
    monkeypatch.setenv("MLCC_VAR_EXIT", "1")
    assert fails(pipeline, "live").endswith("it was rolled back")
    assert pipeline.record["pending"] is None
    assert pipeline.served == pipeline.record["live"] == "live-1"
    assert pipeline.reads("3") == "1"


def test_a_promotion_that_fails_changes_nothing(make: Make) -> None:
    pipeline = driven(make)
    pipeline.released("1")
    pipeline.trained("2")
    assert pipeline.project.node("live-deploy") == 0
    (pipeline.project.root / "break.json").write_text('{"promote": "fail"}')
    assert fails(pipeline, "live").endswith("it was rolled back")
    assert pipeline.record["pending"] is None
    assert pipeline.served == pipeline.record["live"] == "live-1"
    assert pipeline.reads("3") == "1"


def test_a_late_rollback_of_an_older_one_changes_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.released("1")
    project = pipeline.project
    project.forge("s--live/state.json", end="failed", verdict="error", cause="its process was killed")
    kept = project.root / "kept"
    shutil.copytree(project.root / "_mlcc", kept)
    pipeline.released("2")
    before = pipeline.record
    shutil.rmtree(project.root / "_mlcc")
    shutil.copytree(kept, project.root / "_mlcc")
    project.platform.known = project.facts(run_id="1")
    monkeypatch.setenv("MLCC_VAR_N", "1")
    assert pipeline.undo("live") == 0
    assert pipeline.record == before
    assert pipeline.served == "live-2"


def test_a_canary_changes_nothing_until_it_is_promoted(make: Make) -> None:
    pipeline = driven(make, WATCHED)
    pipeline.project.write({".mlcc/gates/canary.py": GATE})
    pipeline.released("1")
    pipeline.trained("2")
    for id in ("live-deploy", "live-5"):
        assert pipeline.project.node(id) == 0, pipeline.project.ended(id)
    assert pipeline.scored() == "1"


def test_what_goes_bad_once_it_is_live_is_the_champion_no_more(make: Make) -> None:
    pipeline = driven(make, WATCHED)
    pipeline.project.write({".mlcc/gates/canary.py": GATE})
    pipeline.released("1")
    pipeline.trained("2")
    for id in ("live-deploy", "live-5", "live"):
        assert pipeline.project.node(id) == 0, pipeline.project.ended(id)
    assert pipeline.record["live"] == "live-2"
    pipeline.project.write({"verdict.txt": "fail"})
    assert fails(pipeline, "live-live").endswith("it was rolled back")
    assert pipeline.served == pipeline.record["live"] == "live-1"
    assert pipeline.reads("3") == "1"


def test_a_late_watch_of_an_older_one_changes_nothing(make: Make) -> None:
    pipeline = driven(make, WATCHED)
    pipeline.project.write({".mlcc/gates/canary.py": GATE})
    pipeline.released("1")
    pipeline.trained("2")
    for id in ("live-deploy", "live-5", "live"):
        assert pipeline.project.node(id) == 0, pipeline.project.ended(id)
    later(pipeline, functools.partial(pipeline.released, "3"))
    pipeline.project.write({"verdict.txt": "fail"})
    pipeline.project.node("live-live")
    assert pipeline.project.ended("live-live")[::2] == ("skipped", "another release is live")
    assert pipeline.served == pipeline.record["live"] == "live-3"


def test_a_promotion_that_is_run_again_by_itself(make: Make) -> None:
    pipeline = driven(make)
    pipeline.released("1")
    before = pipeline.record
    assert pipeline.project.node("live") == 0
    assert pipeline.record == before


# --- killed in between ----------------------------------------------------------------------------


def killed(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Begin a release whose process is killed before its promotion is noted, or before it begins."""
    for id in pipeline.steps[:-1]:
        assert pipeline.project.node(id) == 0
    with monkeypatch.context() as patch:
        patch.setattr(f"mlcc.runtime.steps.{place}", lost)
        patch.setattr("mlcc.runtime.node.undo_step", lambda *_, **__: None)
        with pytest.raises(LostError):
            pipeline.project.node("live")


def test_nobody_guesses_what_is_live(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.released("1")
    pipeline.trained("2")
    killed(pipeline, monkeypatch, "note_live")
    assert pipeline.record["pending"]["id"] == "live-2"
    pipeline.trained("3")
    said = fails(pipeline, "sane")
    assert "its release 'live-2' of the run 2 is being promoted, or was lost while it was" in said
    assert "rollback.manual" in said


def test_its_own_job_settles_it(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.released("1")
    pipeline.trained("2")
    killed(pipeline, monkeypatch, "note_live")
    assert pipeline.undo("live") == 0
    assert pipeline.project.ended("live")[2] == "its process was killed; it was rolled back"
    assert pipeline.served == pipeline.record["live"] == "live-1"
    assert pipeline.reads("3") == "1"


def test_the_rollbacks_node_settles_it(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.released("1")
    pipeline.trained("2")
    killed(pipeline, monkeypatch, "note_live")
    assert pipeline.project.node("live-rollback") == 0, pipeline.project.ended("live-rollback")
    assert pipeline.served == "live-1"
    assert pipeline.reads("3") == "1"


@pytest.mark.parametrize("cancelled", [True, False])
def test_what_never_began_is_settled_too(
    make: Make, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    pipeline = plain(make)
    pipeline.released("1")
    pipeline.trained("2")
    killed(pipeline, monkeypatch, "_run_step")
    assert pipeline.record["pending"]["id"] == "live-2"
    pipeline.project.platform.job_results["live"] = "cancelled" if cancelled else "failure"
    assert pipeline.project.node("live-rollback") == 0
    assert pipeline.project.ended("live-rollback")[2] == ("nothing was released" if cancelled else "")
    assert pipeline.served == "live-1"
    assert pipeline.reads("3") == "1"


@pytest.mark.parametrize(("promoted", "champion"), [(True, "2"), (False, "1")])
def test_a_schedule_settles_what_a_driver_serves(
    make: Make, monkeypatch: pytest.MonkeyPatch, promoted: bool, champion: str
) -> None:
    pipeline = driven(make)
    pipeline.released("1")
    pipeline.trained("2")
    killed(pipeline, monkeypatch, "note_live" if promoted else "_run_step")
    if not promoted:  # its lease ended
        state = json.loads((pipeline.project.root / "state.json").read_text())
        (pipeline.project.root / "state.json").write_text(json.dumps({**state, "lease": 1}))
    pipeline.undone("3", "hourly")
    assert pipeline.served == pipeline.record["live"] == f"live-{champion}"
    assert pipeline.reads("4") == champion


def test_a_form_settles_it(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.released("1")
    pipeline.trained("2")
    killed(pipeline, monkeypatch, "note_live")
    pipeline.undone("3", "undo")
    assert pipeline.served == pipeline.record["live"] == "live-1"
    assert pipeline.reads("4") == "1"


def test_the_next_promotion_settles_it(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.released("1")
    pipeline.trained("2")
    killed(pipeline, monkeypatch, "note_live")
    pipeline.released("3")
    assert pipeline.reads("4") == "3"
    pipeline.undone("5", "undo")
    if pipeline.served == "live-2" and pipeline.record["live"] is not None:  # the driver told so
        assert pipeline.reads("6") == "2"
    else:  # of a command nobody knows whether what was lost went live
        pipeline.trained("6")
        assert "what 'live' runs isn't known" in fails(pipeline, "sane")


def test_a_command_that_undid_more_than_is_known(make: Make) -> None:
    pipeline = plain(make)
    for run in ("1", "2", "3"):
        pipeline.released(run)
    pipeline.undone("4", "undo")
    pipeline.undone("5", "undo")
    pipeline.trained("6")
    assert "what 'live' runs isn't known" in fails(pipeline, "sane")
    pipeline.released("7")
    assert pipeline.reads("8") == "7"


# --- the store ------------------------------------------------------------------------------------


def away(pipeline: Pipeline) -> None:
    """Let nobody answer for the store any more."""
    plan = json.loads((pipeline.project.root / ".mlcc/plan.json").read_text())
    plan["store"] = "s3://acme-ml/credit"
    pipeline.project.write({".mlcc/plan.json": json.dumps(plan), ".mlcc/objects.py": hasty_script()})
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "")


def test_a_store_that_is_away_is_no_first_run(pipeline: Pipeline, no_keys: None) -> None:
    pipeline.trained("1")
    away(pipeline)
    assert "the store s3://acme-ml/credit can't be used" in fails(pipeline, "sane")
    assert "the store s3://acme-ml/credit can't be used" in fails(pipeline, "score")


def test_what_cannot_be_noted_beforehand_does_not_go_live(make: Make, no_keys: None) -> None:
    pipeline = plain(make)
    pipeline.trained("1")
    away(pipeline)
    assert "the store s3://acme-ml/credit can't be used" in fails(pipeline, "live")
    assert not (pipeline.project.root / "live").exists()
    assert pipeline.project.state("live").get("began") is not True


def broken(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the store refuse what is written after so many times."""
    written: list[str] = []
    real = runtime_live.write_object

    def write(key: str, *rest: Any) -> None:
        written.append(key)
        if len(written) > after:
            raise RunError("the store can't be used: it is away")
        real(key, *rest)

    monkeypatch.setattr(runtime_live, "write_object", write)


def test_what_cannot_be_noted_afterwards_is_undone(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.released("1")
    pipeline.trained("2")
    with monkeypatch.context() as patch:
        broken(patch, after=1)
        for id in pipeline.steps[:-1]:
            assert pipeline.project.node(id) == 0
        said = fails(pipeline, "live")
    assert said == (
        "it can't be noted that it is live: the store can't be used: it is away; "
        "it was rolled back, which can't be noted: the store can't be used: it is away"
    )
    assert pipeline.served == "live-1"
    assert pipeline.record["pending"]["id"] == "live-2"
    assert pipeline.project.node("live-rollback") == 0
    assert pipeline.reads("3") == "1"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no record"),
        ("[]", "isn't whole"),
        ('{"live": "live-1", "pending": null}', "isn't whole"),
        ('{"live": 1, "pending": null, "releases": []}', "isn't whole"),
        ('{"live": "live-1", "pending": null, "releases": []}', "says that 'live-1' is live, and not what that consists of"),
        ('{"live": "", "pending": null, "releases": [{}]}', "has a release that isn't whole"),
        ('{"live": "", "pending": {}, "releases": []}', "has a release that isn't whole"),
    ],
)  # fmt: skip
def test_a_record_that_is_not_whole(make: Make, content: str, said: str) -> None:
    pipeline = plain(make)
    pipeline.trained("1")
    pipeline.project.write({"stored/releases/p/live.json": content})
    assert said in fails(pipeline, "sane")
    assert said in fails(pipeline, "live")
    assert not (pipeline.project.root / "live").exists()


def test_bytes_that_the_store_has_no_more(pipeline: Pipeline) -> None:
    pipeline.released("1")
    model = pipeline.project.state("train")["outputs"]["model"]
    shutil.rmtree(pipeline.project.root / "stored/sha256")
    pipeline.trained("2")
    said = fails(pipeline, "sane")
    assert said.startswith(f"'champion', which the release 'live' runs as {model}, can't be fetched: ")
    assert "the store has nothing" in said


def test_other_bytes_are_refused(pipeline: Pipeline) -> None:
    pipeline.released("1")
    for path in (pipeline.project.root / "stored/sha256").rglob("*"):
        if path.is_file() and path.read_bytes() == b"1\n":
            path.write_bytes(b"7\n")
    pipeline.trained("2")
    assert "the store has other bytes" in fails(pipeline, "sane")


# --- one run, one champion ------------------------------------------------------------------------


def later(pipeline: Pipeline, change: Callable[[], None]) -> None:
    """Let something happen in another run, and go on with this one."""
    project = pipeline.project
    for folder in ("_mlcc", "build"):
        shutil.copytree(project.root / folder, project.root / "kept" / folder)
    known = project.platform.known
    change()
    for folder in ("_mlcc", "build"):
        shutil.rmtree(project.root / folder)
        shutil.copytree(project.root / "kept" / folder, project.root / folder)
    project.platform.known = known


def test_who_comes_later_reads_what_its_gate_judged(pipeline: Pipeline) -> None:
    pipeline.released("1")
    pipeline.trained("2")
    assert pipeline.project.node("sane") == 0
    later(pipeline, functools.partial(pipeline.released, "3"))
    assert pipeline.project.node("other") == 0, pipeline.project.ended("other")
    assert (pipeline.project.root / "build/champion/w").read_text() == "1\n"
    assert pipeline.reads("4") == "3"


def test_none_at_first_stays_none(pipeline: Pipeline) -> None:
    pipeline.trained("2")
    assert pipeline.project.node("sane") == 0
    later(pipeline, functools.partial(pipeline.released, "3"))
    assert pipeline.project.node("other") == 0
    assert pipeline.project.state("other")["inputs"]["champion"] == "none"


def test_a_run_that_read_two_is_red(pipeline: Pipeline) -> None:
    """`score` evaluates the champion, and so doesn't wait for its gate."""
    pipeline.released("1")
    pipeline.trained("2")
    assert pipeline.project.node("sane") == 0
    later(pipeline, functools.partial(pipeline.released, "3"))
    assert pipeline.project.node("score") == 0
    pipeline.project.final()
    causes = pipeline.project.record("s--final/result.json")["causes"]
    assert causes[0] == (
        "'score' and 'sane' read different bytes as 'champion': a release went live, or was undone, in between. Run all again"
    )


def test_no_fork_reads_it(make: Make) -> None:
    project = make(PLAIN.replace("push: {branches: [main]}", "pull_request: {branches: [main]}"))
    found = project.select(event="pull_request", fork=True, base="", head="", pull_request="1")
    assert found["selected"] == ["train"]
    assert (
        found["reasons"]["other"] == "it moves what the store keeps, and the pull request comes from a fork"
    )
