"""What every gate does: parameters, reports, waivers, exit codes. Tried with the plainest kind, `command`."""

from __future__ import annotations

import datetime
import hashlib
import importlib
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.gates import _support
from mlcc.gates._records import Check, GateError, Verdict
from mlcc.gates._report import json_text, markdown, write_reports

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)


@pytest.fixture
def gate(project: Any) -> Any:
    """A gate that passes unless its parameters are changed."""
    project.write("d.csv", "a\n1\n")
    project.document = project.gate("command", {"run": "exit 0"}, {"raw": "d.csv"})
    return project


def _rewrite(gate: Any, /, **changes: Any) -> None:
    gate.write(".mlcc/gates/g.json", json.dumps({**gate.document, **changes}))


def _judged(gate: Any, verdict: Any) -> Any:
    """Run with another judgement: a verdict, or an exception to raise."""

    def judge(_: object) -> Verdict:
        if isinstance(verdict, BaseException):
            raise verdict
        assert isinstance(verdict, Verdict)
        return verdict

    runtime = importlib.import_module("mlcc.gates.command.runtime")
    assert runtime.__file__ is not None
    code = _support.run("command", judge, runtime.__file__, ["g"])
    return gate._outcome(code, gate._capture.readouterr().out)


def test_schema_is_sound() -> None:
    jsonschema.Draft202012Validator.check_schema(_SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "ok"},
        {"extra": 1},
        {"gate_digest": None},
        {"inputs": {}},
        {"waived": {"reason": "r", "until": "2030-01-01", "issue": "i"}},
        {"checks": [{"id": "a", "verdict": "fail", "message": "m"}]},
        {"checks": [{"id": "a", "verdict": "pass", "message": "m", "extra": 1}]},
    ],
)
def test_schema_refuses(gate: Any, change: Any) -> None:
    record = gate.run("command").record
    VALIDATOR.validate(record)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({**record, **change})


def test_record(gate: Any) -> None:
    outcome = gate.run("command")
    assert outcome.code == 0
    runtime = importlib.import_module("mlcc.gates.command.runtime")
    assert runtime.__file__ is not None
    script = hashlib.sha256(Path(runtime.__file__).read_bytes()).hexdigest()
    parameters = hashlib.sha256(Path(".mlcc/gates/g.json").read_bytes()).hexdigest()
    lines = f"{script}  script\n{parameters}  parameters\n"
    assert outcome.record == {
        "schema": "https://mlcc.dev/verdict/1",
        "gate": "g",
        "kind": "command",
        "verdict": "pass",
        "summary": "The program ended with exit code 0 (pass).",
        "checks": [],
        "inputs": {"raw": {"path": "d.csv", "digest": "sha256:" + hashlib.sha256(b"a\n1\n").hexdigest()}},
        "gate_digest": "sha256:" + hashlib.sha256(lines.encode()).hexdigest(),
    }


def test_same_inputs_same_bytes(gate: Any) -> None:
    reports = Path("_mlcc/s--g")
    gate.run("command")
    first = {path.name: path.read_bytes() for path in reports.iterdir()}
    gate.run("command")
    assert {path.name: path.read_bytes() for path in reports.iterdir()} == first
    assert set(first) == {"verdict.json", "junit.xml", "summary.md"}
    for content in first.values():
        assert str(gate.root).encode() not in content


@pytest.mark.parametrize(
    ("verdict", "code", "warn_code"),
    [("pass", 0, 0), ("fail", 1, 1), ("error", 2, 2), ("inconclusive", 3, 0)],
)
def test_exit_codes(gate: Any, verdict: str, code: int, warn_code: int) -> None:
    found = Verdict(verdict, "S.", [Check("a", verdict, "m")])
    outcome = _judged(gate, found)
    assert (outcome.code, outcome.verdict) == (code, verdict)
    VALIDATOR.validate(outcome.record)
    _rewrite(gate, on_inconclusive="warn")
    outcome = _judged(gate, found)
    assert (outcome.code, outcome.verdict) == (warn_code, verdict)


_WAIVER = {"reason": "known bad week", "until": "9999-12-31", "issue": "#12"}


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("fail", 0), ("error", 2), ("inconclusive", 0)])
def test_waiver(gate: Any, verdict: str, code: int) -> None:
    _rewrite(gate, waive=_WAIVER)
    outcome = _judged(gate, Verdict(verdict, "S.", [Check("a", verdict, "m")]))
    assert (outcome.code, outcome.verdict) == (code, verdict)
    waived = verdict in ("fail", "inconclusive")
    assert outcome.record.get("waived") == (_WAIVER if waived else None)
    assert ("Waived until 9999-12-31: known bad week (#12)." in outcome.summary) == waived
    VALIDATOR.validate(outcome.record)


@pytest.mark.parametrize(("days", "code"), [(-1, 1), (0, 0), (1, 0)])
def test_waiver_ends_after_its_last_day_in_utc(gate: Any, days: int, code: int) -> None:
    until = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=days)
    _rewrite(gate, waive={**_WAIVER, "until": until.isoformat()})
    outcome = _judged(gate, Verdict("fail", "S."))
    assert outcome.code == code
    assert ("waived" in outcome.record) == (code == 0)
    if code:
        assert outcome.summary == f"S. Its waiver ended on {until.isoformat()}."


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "contract"},
        {"kind": None},
        {"gate": "other"},
        {"guards": None},
        {"guards": "other"},
        {"artifacts": None},
        {"artifacts": {}},
        {"artifacts": {"raw": {}}},
        {"artifacts": {"raw": {"path": ""}}},
        {"artifacts": {"raw": {"path": []}}},
        {"artifacts": {"raw": {"path": [1]}}},
        {"artifacts": {"raw": "d.csv"}},
        {"on_inconclusive": "ignore"},
        {"on_inconclusive": None},
        {"params": None},
        {"params": []},
        {"params": {}},
        {"params": {"run": "", "setup": []}},
        {"params": {"run": "true"}},
        {"params": {"run": "true", "setup": [1]}},
        {"waive": "yes"},
        {"waive": {}},
        {"waive": {**_WAIVER, "until": "soon"}},
        {"waive": {**_WAIVER, "until": "99999-12-31"}},
        {"waive": {**_WAIVER, "until": "9999-1-1"}},
        {"waive": {**_WAIVER, "reason": 1}},
    ],
)
def test_parameters_that_are_not_proper(gate: Any, change: Any) -> None:
    _rewrite(gate, **change)
    outcome = gate.run("command")
    assert (outcome.code, outcome.verdict) == (2, "error")
    VALIDATOR.validate(outcome.record)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"kind": "command", "kind": "command"}', b"{}", b"x" * (5 << 20)],
)
def test_a_parameter_file_that_is_broken(gate: Any, content: bytes) -> None:
    gate.write(".mlcc/gates/g.json", content)
    outcome = gate.run("command")
    assert (outcome.code, outcome.verdict) == (2, "error")
    assert outcome.record["gate_digest"] is None


@pytest.mark.parametrize(
    ("params", "lacking"),
    [({}, ".mlcc/gates/g.json has empty params"), ({"a": [{}]}, "the gate's parameters lack b")],
)
def test_parameters_that_were_cut_say_how_to_mend_them(gate: Any, params: Any, lacking: str) -> None:
    _rewrite(gate, params=params)

    def judge(gate: _support.Gate) -> Verdict:
        return Verdict("pass", str(gate.params["a"][0]["b"]))

    assert _support.run("command", judge, _support.__file__, ["g"]) == 2
    written = "the committed parameters are not whole, and `mlcc compile` writes them again."
    assert json.loads(Path("_mlcc/s--g/verdict.json").read_text())["summary"] == f"{lacking}: {written}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda: Path("d.csv").write_text("a\n2\n"), "changed while the gate ran"),
        (lambda: Path("d.csv").unlink(), "went while the gate ran"),
    ],
)
def test_an_artifact_that_changes_meanwhile_is_an_error(gate: Any, change: Any, told: str) -> None:
    def judge(_: object) -> Verdict:
        change()
        return Verdict("pass", "S.")

    assert _support.run("command", judge, _support.__file__, ["g"]) == 2
    record = json.loads(Path("_mlcc/s--g/verdict.json").read_text())
    assert record["verdict"] == "error"
    assert f"the artifact raw {told}: " in record["summary"]


def test_a_file_that_is_no_artifact_is_judged_too(gate: Any) -> None:
    gate.write("golden.json", "[1]")

    def judge(gate: _support.Gate) -> Verdict:
        assert gate.take("golden.json") == gate.take("golden.json")
        gate.take("d.csv")
        return Verdict("pass", "S.")

    assert _support.run("command", judge, _support.__file__, ["g"]) == 0
    record = json.loads(Path("_mlcc/s--g/verdict.json").read_text())
    VALIDATOR.validate(record)
    digest = "sha256:" + hashlib.sha256(b"[1]").hexdigest()
    assert record["inputs"]["golden.json"] == {"path": "golden.json", "digest": digest}
    assert set(record["inputs"]) == {"raw", "golden.json"}


@pytest.mark.parametrize("made", ["nothing", "a link", "a change"])
def test_a_file_that_is_no_artifact_is_there_and_stays(gate: Any, made: str) -> None:
    if made != "nothing":
        gate.write("given.json", "[1]")
        Path("golden.json").symlink_to("given.json") if made == "a link" else gate.write("golden.json", "[1]")

    def judge(gate: _support.Gate) -> Verdict:
        gate.take("golden.json")
        Path("golden.json").write_text("[2]")
        return Verdict("pass", "S.")

    assert _support.run("command", judge, _support.__file__, ["g"]) == 2
    said = {
        "nothing": "can't be read",
        "a link": "is not a regular file",
        "a change": "changed while the gate ran",
    }
    summary = json.loads(Path("_mlcc/s--g/verdict.json").read_text())["summary"]
    assert "golden.json" in summary
    assert said[made] in summary


@pytest.mark.parametrize("change", [None, b"b"])
def test_a_large_artifact_is_digested_again_only_where_its_marks_changed(
    gate: Any, monkeypatch: pytest.MonkeyPatch, change: bytes | None
) -> None:
    monkeypatch.setattr(_support, "_LARGE", 2)
    digested = []
    really = _support.artifact_digest
    monkeypatch.setattr(_support, "artifact_digest", lambda path: digested.append(path) or really(path))

    def judge(_: object) -> Verdict:
        if change is not None:
            time.sleep(0.02)  # the file system's clock ticks
            with Path("d.csv").open("r+b") as file:
                file.write(change)
        return Verdict("pass", "S.")

    assert _support.run("command", judge, _support.__file__, ["g"]) == (0 if change is None else 2)
    assert len(digested) == (1 if change is None else 2)


def test_no_parameter_file(gate: Any) -> None:
    Path(".mlcc/gates/g.json").unlink()
    outcome = gate.run("command")
    assert (outcome.code, outcome.summary) == (2, ".mlcc/gates/g.json is missing.")


@pytest.mark.parametrize("path", ["missing.csv", "folder/", "folder", "empty/", "../outside.csv"])
def test_an_artifact_that_is_not_there(gate: Any, path: str) -> None:
    Path("folder").mkdir()
    _rewrite(gate, artifacts={"raw": {"path": path, "kind": "data"}})
    outcome = gate.run("command")
    assert (outcome.code, outcome.verdict) == (2, "error")
    assert outcome.summary.startswith("the artifact raw can't be judged: ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["g", "g"],
        [""],
        ["../g"],
        ["G"],
        ["g.json"],
        ["-h"],
        ["--help"],
        ["a/b"],
        ["a" * 65],
        ["g\n"],
        ["é"],
    ],
)
def test_a_call_that_is_wrong(gate: Any, arguments: list[str]) -> None:
    code = _support.run("command", lambda _: Verdict("pass", "S."), __file__, arguments)
    assert code == 2
    assert not Path("_mlcc").exists()


def test_stale_reports_go_first(gate: Any) -> None:
    gate.run("command")
    for name in ("verdict.json", "junit.xml", "summary.md"):
        Path("_mlcc/s--g", name).write_text("stale")
    outcome = _judged(gate, GateError("it can't"))
    assert outcome.summary == "it can't."
    for name in ("verdict.json", "junit.xml", "summary.md"):
        assert "stale" not in Path("_mlcc/s--g", name).read_text()


def test_a_stale_report_that_cannot_go(gate: Any) -> None:
    Path("_mlcc/s--g/verdict.json").mkdir(parents=True)
    code = _support.run("command", lambda _: Verdict("pass", "S."), __file__, ["g"])
    assert code == 2


@pytest.mark.parametrize("link", ["_mlcc", "_mlcc/s--g"])
def test_reports_do_not_follow_links(gate: Any, link: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    Path(link).parent.mkdir(exist_ok=True)
    Path(link).symlink_to(outside)
    code = _support.run("command", lambda _: Verdict("pass", "S."), __file__, ["g"])
    assert code == 2
    assert list(outside.iterdir()) == []


def test_temporary_files_do_not_follow_links(gate: Any) -> None:
    Path("_mlcc/s--g").mkdir(parents=True)
    Path("victim").write_text("safe")
    Path("_mlcc/s--g/verdict.json.part").symlink_to("../../victim")
    assert gate.run("command").code == 0
    assert Path("victim").read_text() == "safe"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret row 42"),
        KeyError("x"),
        RecursionError(),
        MemoryError(),
        SystemExit(0),
        OSError(5, "secret"),
        AssertionError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    ],
)
def test_anything_unforeseen_is_an_error(gate: Any, error: BaseException) -> None:
    outcome = _judged(gate, error)
    assert (outcome.code, outcome.verdict) == (2, "error")
    assert f"{type(error).__name__} (test_support.py, judge, line " in outcome.summary
    assert "secret" not in outcome.log + outcome.summary
    assert "Traceback" not in outcome.log
    VALIDATOR.validate(outcome.record)


def test_interrupt(gate: Any) -> None:
    assert _judged(gate, KeyboardInterrupt()).summary == "The gate was interrupted."


def test_a_judge_without_checks_to_show_does_not_pass_by_accident(gate: Any) -> None:
    outcome = _judged(gate, None)
    assert (outcome.code, outcome.verdict) == (2, "error")


def test_a_report_that_cannot_be_written(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_support, "write_reports", refuse)
    code = _support.run("command", lambda _: Verdict("pass", "S."), __file__, ["g"])
    assert code == 2


def test_log_lines_never_begin_with_data(gate: Any) -> None:
    nasty = "::set-output name=x::y\n::error::z\r\n##[group]q\x1b]0;t\x07"
    checks = [Check(nasty, "fail", nasty)]
    outcome = _judged(gate, Verdict("fail", nasty, checks))
    for line in outcome.log.splitlines():
        assert line.startswith(("gate g (command): ", "  fail ", "reports: "))
        assert "##[" not in line
        assert line.isprintable()


def test_the_log_is_not_endless(gate: Any) -> None:
    checks = [Check(f"c{i}", "pass", "m") for i in range(150)] + [Check("bad", "fail", "m")]
    outcome = _judged(gate, Verdict("fail", "S.", checks))
    lines = outcome.log.splitlines()
    assert lines[1] == "  fail bad: m"
    assert lines[-2:] == ["  and 51 more", "reports: _mlcc/s--g/"]


def test_junit(gate: Any) -> None:
    checks = [
        Check("a", "pass", "m"),
        Check("b", "fail", '<&">\x00'),
        Check("c", "error", "m"),
        Check("d", "inconclusive", "m"),
    ]
    _judged(gate, Verdict("error", "S.", checks))
    suite = ET.parse("_mlcc/s--g/junit.xml").getroot()
    assert dict(suite.attrib) == {"name": "g", "tests": "4", "failures": "2", "errors": "1", "skipped": "0"}
    cases = {case.get("name"): [child.tag for child in case] for case in suite}
    assert cases == {"a": [], "b": ["failure"], "c": ["error"], "d": ["failure"]}
    assert suite[1][0].get("message") == '<&">\\u{0}'


def test_junit_of_a_waived_gate_is_not_red(gate: Any) -> None:
    _rewrite(gate, waive=_WAIVER)
    _judged(gate, Verdict("fail", "S.", [Check("a", "fail", "m")]))
    suite = ET.parse("_mlcc/s--g/junit.xml").getroot()
    assert [child.tag for child in suite[0]] == ["skipped"]
    assert suite.get("failures") == "0"


def test_junit_without_checks_shows_the_verdict(gate: Any) -> None:
    _judged(gate, GateError("it can't"))
    suite = ET.parse("_mlcc/s--g/junit.xml").getroot()
    assert [(case.get("name"), case[0].tag, case[0].get("message")) for case in suite] == [
        ("verdict", "error", "it can't.")
    ]


def test_summary(gate: Any) -> None:
    _judged(gate, Verdict("fail", "Too <many> | pipes.", [Check("a|b", "fail", "`x` @team [l](u)")]))
    assert Path("_mlcc/s--g/summary.md").read_text() == (
        "### ✗ g: fail\n\nToo &lt;many&gt; &#124; pipes.\n\n| | check | finding |\n|---|---|---|\n"
        "| ✗ | a&#124;b | &#96;x&#96; &#64;team \\[l\\](u) |\n"
    )


@settings(deadline=None)
@given(st.text(max_size=80))
def test_markdown_holds_no_markup(text: str) -> None:
    shown = markdown(text)
    assert "\n" not in shown
    assert not set("<>|`@") & set(shown)
    assert not shown.startswith(("-", "+", "=", "#"))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(_VALUES)
def test_reports_are_as_json_writes_them(value: object) -> None:
    assert json_text(value) == json.dumps(value, sort_keys=True, indent=2, allow_nan=False)


@pytest.mark.parametrize("value", [float("nan"), {"a": [float("inf")]}, {"é": float("-inf")}])
def test_reports_hold_no_number_that_json_lacks(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text(value)


def test_reports_come_whole(tmp_path: Path) -> None:
    record: dict[str, object] = {"gate": "g", "bad": float("nan")}
    with pytest.raises(ValueError, match="JSON"):
        write_reports(str(tmp_path), record, Verdict("pass", "S."), opens=True)
    assert list(tmp_path.iterdir()) == []


# --- as a process -----------------------------------------------------------------------------------------


def test_isolated_from_modules_beside_it(gate: Any) -> None:
    for folder in (".mlcc/gates", "."):
        for name in ("json", "hashlib", "sitecustomize", "usercustomize"):
            gate.write(f"{folder}/{name}.py", "raise SystemExit(0)")
    gate.write(".mlcc/gates/g.json", json.dumps({**gate.document, "params": {"run": "exit 1", "setup": []}}))
    assert gate.run_script("command", env={"PYTHONPATH": str(gate.root)}).code == 1


def test_closed_output_changes_nothing(gate: Any) -> None:
    gate.run_script("command")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-I", ".mlcc/gates/command.py", "g"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_any_locale(gate: Any, locale: str) -> None:
    _rewrite(gate, waive={**_WAIVER, "reason": "größere Prüfung 🙂"}, params={"run": "exit 1", "setup": []})
    outcome = gate.run_script("command", env={"LC_ALL": locale, "LANG": locale})
    assert outcome.code == 0
    assert "größere Prüfung 🙂" in outcome.summary


def test_starts_with_few_modules(project: Any) -> None:
    project.write("m.json", '{"acc": 0.9}')
    project.gate("evaluate", {"metrics_from": "m", "metrics": {"acc": {"min": 0.8}}}, {"m": "m.json"})
    assert project.run_script("evaluate.file").code == 0
    done = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", ".mlcc/gates/evaluate.file.py", "g"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "posix" in imported
    heavy = {
        "argparse",
        "csv",
        "dataclasses",
        "datetime",
        "duckdb",
        "functools",
        "hashlib",
        "inspect",
        "json",
        "pathlib",
        "re",
        "subprocess",
        "typing",
    }
    assert imported & heavy <= _imported_by_site()


def _imported_by_site() -> set[str]:
    """Return what the interpreter of this environment imports before any script (`.pth` files do)."""
    code = "import sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
