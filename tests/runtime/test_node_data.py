"""Bytes: what was judged is what is read, and nothing that was tampered with, cut off or stale counts."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import Project

SPEC = (
    HEAD
    + """artifacts:
  data: {kind: data, path: build/data.txt}
  parts: {kind: data, path: build/parts/}
jobs:
  a:
    setup: [echo N=1 >> $MLCC_OUTPUTS]
    run: echo one > build/data.txt; echo two > build/parts/x
    writes: [data, parts]
    outputs: [N]
  b: {run: touch ran, reads: [data, parts]}
  c: {run: touch ran-c, needs: [a], env: {N: {output: a.N}}}
  soft: {run: 'true', blocking: false}
  after: {run: touch ran-after, needs: [soft]}
  mop: {run: touch mopped, needs: [a], when: {status: always}}
  lamp: {run: touch lit, needs: [b], when: {status: failure}}
gates:
  g: {guards: data, command: {run: grep -q one build/data.txt}}
"""
)


@pytest.fixture
def project(make: Make) -> Project:
    made = make(SPEC)
    made.select()
    assert made.node("a") == 0
    assert made.node("g") == 0
    return made


def error(project: Project, id: str) -> str:
    """Run a node that must end in an error without having run its command, and return the cause."""
    assert project.node(id) == 2
    end, verdict, cause = project.ended(id)
    assert (end, verdict) == ("failed", "error")
    assert not (project.root / "ran").exists()
    return cause


def test_untouched_it_runs(project: Project) -> None:
    assert project.node("b") == 0
    assert (project.root / "ran").exists()


# --- data folders ---------------------------------------------------------------------------------


def test_other_bytes_are_refused(project: Project) -> None:
    (project.root / "_mlcc/d--a/data/data.txt").write_text("two\n")
    assert error(project, "b").startswith("'data' has other bytes than 'a' wrote: sha256:")


def test_another_file_in_a_folder_is_refused(project: Project) -> None:
    (project.root / "_mlcc/d--a/parts/y").write_text("more")
    assert "'parts' has other bytes than 'a' wrote" in error(project, "b")


@pytest.mark.parametrize(
    "path", ["_mlcc/d--a/data/data.txt", "_mlcc/d--a/data", "_mlcc/d--a/parts", "_mlcc/d--a"]
)
def test_missing_data_is_refused(project: Project, path: str) -> None:
    target = project.root / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    assert "published no" in error(project, "b")


def test_a_link_in_a_data_folder_is_refused_before_anything_is_copied(
    project: Project, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("two\n")
    target = project.root / "_mlcc/d--a/parts/x"
    target.unlink()
    target.symlink_to(secret)
    shutil.rmtree(project.root / "build/parts")
    assert "x is not a regular file" in error(project, "b")
    assert not (project.root / "build/parts").exists()


def test_a_link_to_a_folder_is_refused(project: Project, tmp_path: Path) -> None:
    target = project.root / "_mlcc/d--a/parts"
    shutil.move(target, tmp_path / "away")
    target.symlink_to(tmp_path / "away")
    assert "is not a folder" in error(project, "b")


def test_a_pipe_in_a_data_folder_does_not_hang(project: Project) -> None:
    os.mkfifo(project.root / "_mlcc/d--a/parts/y")
    assert "is not a regular file" in error(project, "b")


# --- S2: guards -----------------------------------------------------------------------------------


def test_a_gate_that_judged_other_bytes_closes(project: Project) -> None:
    project.forge("s--g/state.json", inputs={"data": "sha256:" + "0" * 64})
    assert error(project, "b") == "'g' judged other bytes of 'data' than 'b' would read"


def test_a_gate_that_names_no_bytes_closes(project: Project) -> None:
    project.forge("s--g/state.json", inputs={})
    assert error(project, "b") == "'g' judged other bytes of 'data' than 'b' would read"


def test_a_writer_that_ran_again_after_its_gate_closes(project: Project) -> None:
    """The state and the data agree with each other, and not with what was judged."""
    project.write({"mlcc.yaml": SPEC})
    plan = json.loads((project.root / ".mlcc/plan.json").read_text())
    plan["nodes"]["a"]["run"] = [
        "echo three > build/data.txt; echo two > build/parts/x; echo N=1 >> $MLCC_OUTPUTS"
    ]
    plan["nodes"]["a"]["setup"] = []
    (project.root / ".mlcc/plan.json").write_text(json.dumps(plan))
    assert project.node("a") == 0
    assert error(project, "b") == "'g' judged other bytes of 'data' than 'b' would read"


def test_a_committed_artifact_that_changed_after_its_gate_closes(make: Make) -> None:
    project = make(
        HEAD + "artifacts:\n  raw: {kind: data, path: raw.csv}\njobs:\n  b: {run: touch ran, reads: [raw]}\n"
        "gates:\n  g: {guards: raw, command: {run: 'true'}}\n",
        files={"raw.csv": "1\n"},
    )
    project.select()
    assert project.node("g") == 0
    project.write({"raw.csv": "2\n"})
    assert error(project, "b") == "'g' judged other bytes of 'raw' than 'b' would read"


# --- S5: gates ------------------------------------------------------------------------------------

GATE = (
    HEAD
    + "artifacts:\n  raw: {kind: data, path: raw.csv}\njobs:\n  b: {run: touch ran, reads: [raw]}\ngates:\n  g: "
)


def gate_project(make: Make, gate: str) -> Project:
    project = make(GATE + gate + "\n", files={"raw.csv": "1\n"})
    project.select()
    return project


@pytest.mark.parametrize(
    ("program", "status", "ended"),
    [
        ("'true'", 0, ("passed", "pass")),
        ("exit 1", 1, ("failed", "fail")),
        ("exit 2", 2, ("failed", "error")),
        ("exit 3", 3, ("failed", "inconclusive")),
        ("exit 77", 2, ("failed", "error")),
        ("kill -9 $$", 2, ("failed", "error")),
        ("sleep 60", 5, ("failed", "error")),
        ("kill -9 $PPID", 2, ("failed", "error")),
        ("rm -rf _mlcc", 2, ("failed", "error")),
    ],
)
def test_s5_how_gates_end(make: Make, program: str, status: int, ended: tuple[str, str]) -> None:
    project = gate_project(make, f"{{guards: raw, timeout: 2s, command: {{run: {program}}}}}")
    assert project.node("g") == status
    assert project.ended("g")[:2] == ended
    if (project.root / "_mlcc/s--select").exists():
        project.node("b")
        assert (project.root / "ran").exists() is (ended[0] == "passed")
        assert project.final() == (0 if ended[0] == "passed" else 1)


def test_s5_inconclusive_opens_where_the_spec_says_so(make: Make) -> None:
    project = gate_project(make, "{guards: raw, on_inconclusive: warn, command: {run: exit 3}}")
    assert project.node("g") == 0
    assert project.ended("g")[:2] == ("passed", "inconclusive")


@pytest.mark.parametrize(("until", "status"), [("2999-12-31", 0), ("2020-01-01", 1)])
def test_s5_waivers(make: Make, until: str, status: int) -> None:
    waiver = f"{{reason: the data is being mended, until: '{until}', issue: https://example.org/1}}"
    project = gate_project(make, f"{{guards: raw, waive: {waiver}, command: {{run: exit 1}}}}")
    assert project.node("g") == status
    assert project.ended("g")[:2] == ("passed" if status == 0 else "failed", "fail")


FORGED = {
    "no object": [],
    "another gate": {"gate": "h", "verdict": "pass"},
    "no inputs": {"gate": "g", "verdict": "pass"},
    "inputs that are a list": {"gate": "g", "verdict": "pass", "inputs": []},
    "an input that is a text": {"gate": "g", "verdict": "pass", "inputs": {"raw": "sha256:0"}},
    "other bytes": {"gate": "g", "verdict": "pass", "inputs": {"raw": {"digest": "sha256:0"}}},
    "an unknown verdict": {"gate": "g", "verdict": "fine", "inputs": {"raw": {"digest": "RIGHT"}}},
    "no verdict": {"gate": "g", "inputs": {"raw": {"digest": "RIGHT"}}},
    "a fail that exits 0": {"gate": "g", "verdict": "fail", "inputs": {"raw": {"digest": "RIGHT"}}},
    "an inconclusive one that exits 0": {
        "gate": "g",
        "verdict": "inconclusive",
        "inputs": {"raw": {"digest": "RIGHT"}},
    },
    "a waived error": {"gate": "g", "verdict": "error", "waived": {}, "inputs": {"raw": {"digest": "RIGHT"}}},
}


@pytest.mark.parametrize("record", FORGED.values(), ids=FORGED.keys())
def test_s5_a_verdict_that_does_not_add_up_is_an_error(make: Make, record: Any) -> None:
    """The gate's script is replaced by one that writes a bad record and exits 0."""
    project = gate_project(make, "{guards: raw, command: {run: 'true'}}")
    project.node("g")
    digest = project.state("g")["inputs"]["raw"]
    text = json.dumps(record).replace("RIGHT", digest)
    script = f"import os\nos.makedirs('_mlcc/s--g', exist_ok=True)\nopen('_mlcc/s--g/verdict.json', 'w').write({text!r})\n"
    (project.root / ".mlcc/gates/command.py").write_text(script)
    assert project.node("g") == 2
    assert project.ended("g")[:2] == ("failed", "error")


def test_s5_no_verdict_and_an_exit_of_0_is_an_error(make: Make) -> None:
    project = gate_project(make, "{guards: raw, command: {run: 'true'}}")
    project.node("g")
    (project.root / ".mlcc/gates/command.py").write_text("")
    assert project.node("g") == 2  # the record of the first run is gone
    assert project.ended("g") == ("failed", "error", "the gate left no verdict")


def test_s9_the_verdict_of_a_matrix_gate_is_the_worst_of_its_legs(make: Make) -> None:
    project = make(
        HEAD
        + "artifacts:\n  raw: {kind: data, path: raw.csv}\njobs:\n  b: {run: touch ran, when: {gate: g, verdict: fail}}\n"
        "  c: {run: touch ran, when: {gate: g, verdict: error}}\n"
        "gates:\n  g: {guards: raw, blocking: false, matrix: {axes: {code: [0, 1, 2, 3]}}, env: {CODE: {matrix: code}},"
        " command: {run: exit $CODE}}\n",
        files={"raw.csv": "1\n"},
    )
    project.select()
    for leg in "0123":
        assert project.node("g", leg) == 0
    assert project.platform.outputs["deny"] == ","  # a leg alone denies nobody
    assert project.platform.warnings == []  # the final node's notes show what gates found
    project.node("b")
    assert project.ended("b") == ("skipped", "", "the verdict of 'g' is error, not fail")
    project.node("c")
    assert project.ended("c")[0] == "passed"


# --- states ---------------------------------------------------------------------------------------

STALE = {
    "another commit": {"commit": "0" * 40},
    "another run": {"run": "6"},
    "another node": {"node": "b"},
    "another leg": {"leg": "x"},
    "no commit": {"commit": None},
}
BROKEN = {
    "an unknown end": {"end": "great"},
    "an end that is a list": {"end": ["passed"]},
    "an unknown verdict": {"verdict": "fine"},
    "outputs that are a list": {"outputs": ["data"]},
    "an output that is an object": {"outputs": {"data": {}, "parts": {}}},
    "inputs that are a text": {"inputs": "data"},
    "values that are null": {"values": None},
    "a cause that is a number": {"cause": 1},
}


@pytest.mark.parametrize("changes", [*STALE.values(), *BROKEN.values()], ids=[*STALE, *BROKEN])
def test_a_state_that_is_not_this_run_s_or_not_whole_counts_as_none(
    project: Project, changes: dict[str, Any]
) -> None:
    project.forge("s--a/state.json", **changes)
    for id in ("b", "c"):
        assert project.node(id) == 0
        end, _, cause = project.ended(id)
        assert end == "skipped"
        assert "'a': the state of 'a'" in cause
    assert not (project.root / "ran").exists()
    assert not (project.root / "ran-c").exists()
    assert project.node("mop") == 0
    assert (project.root / "mopped").exists()  # a teardown runs all the same
    assert project.node("lamp") == 0
    assert (project.root / "lit").exists()  # and so does an alert
    assert project.final() == 1


TEXTS = {
    "nothing": "", "cut off": '{"node": "a", "end": "pas', "null": "null", "a list": "[]", "NaN": '{"end": NaN}',
    "a key twice": '{"end": "passed", "end": "passed"}', "no UTF-8": b"\xff\xfe", "deep": "[" * 100_000,
    "long number": '{"n": ' + "9" * 10_000 + "}",
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_state_that_is_not_json_counts_as_none(project: Project, text: str | bytes) -> None:
    path = project.root / "_mlcc/s--a/state.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert project.node("b") == 0
    assert project.ended("b")[0] == "skipped"
    assert project.final() == 1
    assert not (project.root / "ran").exists()


def test_a_state_that_is_no_file_counts_as_none(project: Project, tmp_path: Path) -> None:
    path = project.root / "_mlcc/s--a/state.json"
    shutil.move(path, tmp_path / "state.json")
    path.symlink_to(tmp_path / "state.json")
    project.node("b")
    assert project.ended("b")[0] == "skipped"
    path.unlink()
    os.mkfifo(path)
    project.node("b")
    assert project.ended("b")[0] == "skipped"
    path.unlink()
    path.mkdir()
    project.node("b")
    assert project.ended("b")[0] == "skipped"
    assert project.final() == 1


def test_a_huge_state_is_not_read(project: Project) -> None:
    path = project.root / "_mlcc/s--a/state.json"
    with path.open("ab") as file:
        file.truncate(17 * 1024 * 1024)
    project.node("b")
    assert "too large" in project.ended("b")[2]


def test_a_lost_predecessor_lets_nothing_through_that_is_not_blocking_either(project: Project) -> None:
    assert project.node("after") == 0  # `soft` left no state
    assert project.ended("after") == ("skipped", "", "'soft': it left no state")
    assert project.final() == 1  # neither a state nor a cause


def test_an_old_state_of_the_node_itself_is_gone_before_it_begins(project: Project) -> None:
    (project.root / "_mlcc/s--select/selection.json").unlink()
    assert project.refused("a") == "the selecting node left no selection"
    assert not (project.root / "_mlcc/s--a").exists()
    assert not (project.root / "_mlcc/d--a").exists()


# --- the selection --------------------------------------------------------------------------------

SELECTIONS: dict[str, dict[str, Any]] = {
    "no commit": {"commit": ""},
    "a list for a commit": {"commit": []},
    "selected is a text": {"selected": "abc"},
    "selected holds numbers": {"selected": [1]},
    "by_verdict is a list": {"by_verdict": []},
    "verdicts are a text": {"by_verdict": {"a": "fail"}},
    "no facts": {"facts": {}},
    "facts are a list": {"facts": []},
    "inputs hold numbers": {"inputs": {"a": 1}},
    "reasons are null": {"reasons": None},
    "base is null": {"base_commit": None},
}


@pytest.mark.parametrize("changes", SELECTIONS.values(), ids=SELECTIONS.keys())
def test_a_selection_that_is_not_whole_starts_nothing(project: Project, changes: dict[str, Any]) -> None:
    project.forge("s--select/selection.json", **changes)
    assert project.refused("b") == "_mlcc/s--select/selection.json isn't a whole selection"
    assert project.final() == 1


@pytest.mark.parametrize("changes", [{"commit": "0" * 40}, {"facts": {"run_id": "6"}}], ids=["commit", "run"])
def test_a_stale_selection_starts_nothing(project: Project, changes: dict[str, Any]) -> None:
    project.forge("s--select/selection.json", selected=[], **changes)
    assert project.refused("b") == "the selection is of another commit or run"
    assert project.final() == 1


def test_a_selection_without_a_writer_or_guard_starts_nothing(project: Project) -> None:
    for missing in ("a", "g"):
        selected = [id for id in project.record("s--select/selection.json")["selected"] if id != missing]
        project.forge("s--select/selection.json", selected=selected)
        project.node("b")
        assert project.ended("b") == ("skipped", "", f"'{missing}' isn't selected")
        project.select()
    assert not (project.root / "ran").exists()


# --- at: base -------------------------------------------------------------------------------------


def base_project(make: Make, artifact: str) -> Project:
    run = "'find _mlcc/base -type f | sort | xargs head -n 9 > seen'"
    project = make(
        HEAD.replace("push", "pull_request") + f"artifacts:\n  old: {{kind: data, at: base, {artifact}}}\n"
        f"jobs:\n  b: {{run: {run}, reads: [old], path: [x/]}}\n",
        files={"x/a.txt": "old a\n", "x/b.txt": "old b\n", "x/y/c.txt": "old c\n"},
    )
    base = project.git("rev-parse", "HEAD")
    project.git("checkout", "-q", "-b", "topic")
    project.write({"x/a.txt": "new a\n", "x/y/c.txt": "new c\n"})
    head = project.commit("second")
    project.select(event="pull_request", base=base, head=head)
    return project


@pytest.mark.parametrize(
    ("artifact", "seen", "absent"),
    [
        ("path: x/a.txt", ["old a"], ["old b", "old c"]),
        ("path: x/", ["old a", "old b", "old c"], []),
    ],
)
def test_at_base_is_the_version_of_the_merge_base(
    make: Make, artifact: str, seen: list[str], absent: list[str]
) -> None:
    project = base_project(make, artifact)
    assert project.node("b") == 0, project.ended("b")
    text = (project.root / "seen").read_text()
    assert all(word in text for word in seen)
    assert not any(word in text for word in [*absent, "new"])


def test_at_base_where_the_base_has_no_such_file(make: Make) -> None:
    project = base_project(make, "path: x/none.txt")
    assert project.node("b") == 2
    assert "the base" in project.ended("b")[2]
    assert "has no 'x/none.txt'" in project.ended("b")[2]


NO_BASE = "there is no base version of 'old' in this run"


def test_at_base_without_a_base(make: Make) -> None:
    project = base_project(make, "path: x/a.txt")
    found = project.select(event="pull_request")
    assert found["selected"] == []
    assert found["reasons"]["b"] == NO_BASE
    project.forge("s--select/selection.json", selected=["b"])
    assert project.node("b") == 2
    assert project.ended("b")[2] == NO_BASE


def test_at_base_of_a_push_is_the_last_green_commit(make: Make) -> None:
    project = make(
        HEAD + "artifacts:\n  old: {kind: data, at: base, path: x/a.txt}\n"
        "jobs:\n  b: {run: cat $ARTIFACT_OLD > seen, reads: [old], path: [x/]}\n",
        files={"x/a.txt": "green\n"},
    )
    green = project.git("rev-parse", "HEAD")
    for text in ("red", "new"):
        project.write({"x/a.txt": text})
        project.commit(text)
    assert project.select()["reasons"]["b"] == NO_BASE
    project.platform.green = green
    assert project.select()["selected"] == ["b"]
    assert project.node("b") == 0, project.ended("b")
    assert (project.root / "seen").read_text() == "green\n"


def test_at_base_links_are_refused(make: Make) -> None:
    project = base_project(make, "path: x/")
    project.git("checkout", "-q", "main")
    (project.root / "x/link").symlink_to("/etc/hostname")
    base = project.commit("a link")
    project.git("checkout", "-q", "topic")
    project.git("merge", "-q", "main")
    project.select(event="pull_request", base=base, head=project.git("rev-parse", "HEAD"))
    assert project.node("b") == 2
    assert "has a link" in project.ended("b")[2]
