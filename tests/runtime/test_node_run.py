"""A node really runs: passes, fails, is retried, times out, is torn down."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mlcc.runtime import node as runtime_node
from mlcc.runtime import process
from tests.plans import HEAD
from tests.runtime.conftest import Make

ARTIFACTS = """artifacts:
  code: {kind: code, path: src/}
  data: {kind: data, path: build/data.txt}
  parts: {kind: data, path: build/parts/}
  model: {kind: model, path: build/model.txt}
"""
TIMED_OUT = 5


def spec(jobs: str) -> str:
    return HEAD + ARTIFACTS + "jobs:\n" + jobs


def gone(pid: str) -> bool:
    """Tell whether a process has ended (one that nobody has waited for yet counts as ended)."""
    try:
        return Path(f"/proc/{pid.strip()}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_one_node_writes_the_next_one_reads(make: Make) -> None:
    project = make(
        spec(
            "  a: {run: 'echo one > build/data.txt; mkdir build/parts/x; echo two > build/parts/x/y', reads: [code],"
            " writes: [data, parts]}\n"
            "  b: {run: 'cat build/data.txt build/parts/x/y > build/model.txt', reads: [data, parts], writes: [model]}\n"
        )
    )
    assert project.select()["selected"] == ["a", "b"]
    assert project.node("a") == 0
    assert project.ended("a") == ("passed", "pass", "")
    for path in ("build/data.txt", "build/parts/x/y"):
        (project.root / path).unlink()  # the next node is another machine
    assert project.node("b") == 0
    assert (project.root / "_mlcc/d--b/model/model.txt").read_text() == "one\ntwo\n"
    assert project.state("b")["inputs"] == project.state("a")["outputs"]
    assert set(project.state("b")["inputs"]) == {"data", "parts"}
    assert project.final() == 0
    assert project.record("s--final/result.json")["green"] is True


def test_a_failing_command_fails_its_node_and_skips_its_readers(make: Make) -> None:
    project = make(spec("  a: {run: exit 3, writes: [data]}\n  b: {run: 'true', reads: [data]}\n"))
    project.select()
    assert project.node("a") == 1
    assert project.ended("a") == ("failed", "fail", "its command ended with 3")
    assert project.node("b") == 0
    assert project.ended("b") == ("skipped", "", "'a' failed")
    assert project.final() == 1


def test_setup_and_run_share_one_strict_shell(make: Make) -> None:
    project = make(spec("  a: {setup: [X=1, 'cd src'], run: 'test \"$X$(basename \"$PWD\")\" = 1src'}\n"))
    project.select()
    assert project.node("a") == 0


@pytest.mark.parametrize("run", ["false; true", "false | true", "echo $UNSET_VARIABLE"])
def test_strict_mode(make: Make, run: str) -> None:
    project = make(spec(f"  a: {{run: '{run}'}}\n"))
    project.select()
    assert project.node("a") == 1


def test_the_working_directory_is_the_command_s(make: Make) -> None:
    project = make(
        spec(
            '  a: {run: \'test -f a.py; cp "$ARTIFACT_CODE/a.py" "$ARTIFACT_DATA"\', working_directory: src, reads: [code],'
            " writes: [data]}\n"
        ).replace("src/}", "src/}")
    )
    project.select()
    assert project.node("a") == 0, project.ended("a")
    assert (project.root / "_mlcc/d--a/data/data.txt").read_text() == "a = 1\n"


@pytest.mark.parametrize(
    ("run", "cause"),
    [
        ("'true'", "the artifact 'data' isn't there: no file build/data.txt"),
        ("': > build/data.txt'", "'data' was written empty"),
        ("mkdir build/data.txt", "the artifact 'data' isn't there: no file build/data.txt"),
        (
            "ln -s /etc/hostname build/data.txt",
            "the artifact 'data' can't be read: build/data.txt is not a regular file",
        ),
    ],
)
def test_s8_a_missing_output_is_a_failed_attempt(make: Make, run: str, cause: str) -> None:
    project = make(spec(f"  a: {{run: {run}, writes: [data], retry: 1}}\n"))
    project.select()
    assert project.node("a") == 1
    assert project.ended("a") == ("failed", "fail", cause)
    assert project.state("a")["attempts"] == 2
    assert project.state("a")["outputs"] == {}


def test_s8_a_folder_that_stays_empty_is_a_missing_output(make: Make) -> None:
    project = make(spec("  a: {run: mkdir -p build/parts/x, writes: [parts]}\n"))
    project.select()
    assert project.node("a") == 1
    assert "holds no file" in project.ended("a")[2]


def test_s8_each_attempt_has_a_clean_output_folder(make: Make) -> None:
    run = "echo x >> tries; test ! -e build/parts/left; touch build/parts/left; test $(wc -l < tries) = 3"
    project = make(spec(f"  a: {{run: '{run}; echo y > build/parts/right', writes: [parts], retry: 5}}\n"))
    project.select()
    assert project.node("a") == 0
    assert project.state("a")["attempts"] == 3
    assert sorted(path.name for path in (project.root / "_mlcc/d--a/parts").iterdir()) == ["left", "right"]


def test_s8_values_of_a_failed_attempt_are_forgotten(make: Make) -> None:
    project = make(
        spec(
            "  a: {run: 'echo N=1 >> $MLCC_OUTPUTS; test -e tries || { touch tries; exit 1; }', outputs: [N], retry: 1}\n"
        )
    )
    project.select()
    assert project.node("a") == 0
    assert project.state("a")["values"] == {"N": "1"}


def test_s8_retries_end(make: Make) -> None:
    project = make(spec("  a: {run: 'echo x >> tries; false', retry: 2}\n"))
    project.select()
    assert project.node("a") == 1
    assert (project.root / "tries").read_text() == "x\n" * 3


def test_s7_a_time_out_ends_the_whole_process_group_and_is_not_retried(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.3)
    run = (
        'echo x >> tries; (trap "" TERM; echo $BASHPID > child; sleep 60 & echo $! > grandchild; wait; sleep 60) & '
        "while true; do sleep 0.1; done"
    )
    project = make(spec(f"  a: {{run: '{run}', timeout: 1s, retry: 3, finally: touch mopped}}\n"))
    project.select()
    assert project.node("a") == TIMED_OUT
    assert project.ended("a") == ("failed", "error", "it didn't end within 1 s")
    assert (project.root / "tries").read_text() == "x\n"
    assert (project.root / "mopped").exists()
    deadline = time.monotonic() + 5
    for name in ("child", "grandchild"):
        pid = (project.root / name).read_text()
        while not gone(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert gone(pid), name


def test_s7_the_time_is_over_all_attempts_together(make: Make) -> None:
    project = make(spec("  a: {run: 'echo x >> tries; sleep 0.7; false', timeout: 1s, retry: 5}\n"))
    project.select()
    assert project.node("a") == TIMED_OUT
    assert (project.root / "tries").read_text() == "x\n" * 2


def test_s7_a_command_that_says_124_has_only_failed(make: Make) -> None:
    project = make(spec("  a: {run: exit 124}\n"))
    project.select()
    assert project.node("a") == 1
    assert project.ended("a") == ("failed", "fail", "its command ended with 124")


def test_what_a_command_leaves_running_ends_with_it(make: Make) -> None:
    project = make(spec("  a: {run: 'sleep 60 & echo $! > child'}\n"))
    project.select()
    assert project.node("a") == 0
    assert gone((project.root / "child").read_text())


def test_a_non_blocking_failure_is_shown_and_not_counted(make: Make) -> None:
    project = make(
        spec(
            "  a: {run: exit 1, writes: [data], blocking: false}\n  b: {run: 'true', reads: [data]}\n"
            "  c: {run: 'true', needs: [a]}\n"
        )
    )
    project.select()
    assert project.node("a") == 0
    assert project.platform.outputs["deny"] == ",b,"
    assert project.platform.warnings == ["a is not blocking, and failed: its command ended with 1"]
    assert [project.node(id) for id in "bc"] == [0, 0]
    assert [project.ended(id)[0] for id in "abc"] == ["failed", "skipped", "passed"]
    assert project.final() == 0


def test_raw_exit_codes(make: Make) -> None:
    project = make(
        spec("  a: {run: exit 1, blocking: false}\n  b: {run: exit 9}\n  c: {run: 'true', needs: [b]}\n")
    )
    project.platform.raw_exit, project.platform.skip_exit = True, 4
    project.select()
    assert [project.node(id) for id in "abc"] == [1, 1, 4]


@pytest.mark.parametrize(("run", "status"), [("'true'", 0), ("'false'", 1), ("sleep 60", TIMED_OUT)])
def test_finally_runs_whatever_happened_and_sees_the_same_environment(
    make: Make, run: str, status: int
) -> None:
    project = make(spec(f"  a: {{run: {run}, timeout: 1s, env: {{X: y}}, finally: 'echo $X > mopped'}}\n"))
    project.select()
    assert project.node("a") == status
    assert (project.root / "mopped").read_text() == "y\n"


def test_a_failing_finally_is_a_warning(make: Make) -> None:
    project = make(spec("  a: {run: 'true', finally: exit 7}\n"))
    project.select()
    assert project.node("a") == 0
    assert project.platform.warnings == ["a: its `finally` ended with 7"]


def test_a_skipped_node_has_no_finally(make: Make) -> None:
    project = make(spec("  a: {run: 'false'}\n  b: {run: 'true', needs: [a], finally: touch mopped}\n"))
    project.select()
    project.node("a")
    project.node("b")
    assert not (project.root / "mopped").exists()


def test_reports_are_kept_also_those_of_a_failure(make: Make) -> None:
    project = make(
        spec(
            "  a: {run: 'mkdir out; echo \"# good\" > out/r.md; false', reports: {page: {path: out/r.md, format: markdown},"
            " none: {path: out/none.txt, format: text}}}\n"
        )
    )
    project.select()
    assert project.node("a") == 1
    assert (project.root / "_mlcc/r--a/page/r.md").read_text() == "# good\n"
    (shown,) = project.platform.summaries
    assert "|  | a | page | 1 line |\n| ❗ | a | none | it was not left at out/none.txt |\n" in shown
    assert "<details><summary>a: page</summary>\n\n# good\n\n</details>\n" in shown
    assert project.platform.warnings == ["a: it left no report 'none' at out/none.txt"]


def test_a_report_that_is_a_link_is_none(make: Make) -> None:
    project = make(
        spec("  a: {run: ln -s /proc/self/environ r.txt, reports: {env: {path: r.txt, format: text}}}\n")
    )
    project.select()
    assert project.node("a") == 0
    assert project.platform.warnings == ["a: it left no report 'env' at r.txt"]
    assert not (project.root / "_mlcc/r--a").exists()


def test_s9_legs(make: Make) -> None:
    project = make(
        spec(
            "  a: {run: 'test $SEED != $BAD; echo $SEED > build/parts/seed', writes: [parts], matrix: {axes: {seed: [1, 2]}},"
            " env: {SEED: {matrix: seed}, BAD: {var: BAD, default: '0'}}}\n"
            "  b: {run: 'cat build/parts/1/seed build/parts/2/seed > build/data.txt', reads: [parts], writes: [data]}\n"
        )
    )
    project.select()
    assert [project.node("a", leg) for leg in ("1", "2")] == [0, 0]
    assert project.node("b") == 0
    assert (project.root / "build/data.txt").read_text() == "1\n2\n"
    os.environ["MLCC_VAR_BAD"] = "2"
    assert project.node("a", "2") == 1  # one failed leg fails the node
    assert project.node("b") == 0
    assert project.ended("b") == ("skipped", "", "'a' failed")
    assert project.final() == 1


def test_unknown_nodes_and_legs(make: Make) -> None:
    project = make(spec("  a: {run: 'true'}\n"))
    project.select()
    assert project.refused("../a") == "the plan has no node '../a'"
    os.environ["MLCC_NODE"] = "a"
    with pytest.raises(runtime_node.RunError, match="'a' has no leg 'x'"):
        project.node("a", "x")


def test_an_unselected_node_skips_itself(make: Make) -> None:
    project = make(spec("  a: {run: touch ran, reads: [code]}\n"))
    head = project.git("rev-parse", "HEAD")
    project.platform.green = head
    assert project.select()["selected"] == []
    assert project.platform.outputs["skip"] == ",a,"
    assert project.node("a") == 0
    assert project.ended("a") == ("skipped", "", "it isn't selected")
    assert not (project.root / "ran").exists()
    assert project.final() == 0


def test_a_cause_from_outside_is_one_harmless_line(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    project = make(spec("  a: {run: 'true'}\n"))
    project.select()

    def fail(*_: object) -> int:
        raise OSError("x\n::error::y\udcff" + "z" * 5000)

    project.platform.put_summary = fail  # type: ignore[method-assign]  # a CI system whose pages are full
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime_node, "_attempts", fail)
        assert project.node("a") == 2
    cause = project.ended("a")[2]
    assert cause.startswith("OSError: x ::error::y zzz")
    assert len(cause) <= 2000
    assert not any(line.startswith("::") for line in capsys.readouterr().out.splitlines())
