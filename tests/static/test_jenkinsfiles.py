"""The check finds what Jenkins refuses, and nothing in compiled Jenkinsfiles."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.static.checks import ROOT, CheckError
from tests.static.jenkinsfiles import jenkinsfile_findings

PATTERNS = ("examples/**/Jenkinsfile", "tests/golden/*/expected/**/Jenkinsfile")
STEPS = "steps { sh('x') }"
STAGES = "stages { stage('a') { steps { script { sh('x') } } } }"

# A body of `pipeline`, or a whole file when it has one; what is said of it. `@` stands for STEPS.
BAD = (
    (STAGES, "pipeline has no agent"),
    ("agent none", "pipeline has no stages"),
    ("agent none\nstages { }", "empty stages"),
    ("agent linux\n" + STAGES, "agent linux needs a block"),
    ("agent { machine 'x' }\n" + STAGES, "undefined section machine in agent"),
    ("agent any\nagent none\n" + STAGES, "section agent twice"),
    ("agent none\njobs { }\n" + STAGES, "undefined section jobs in pipeline"),
    ("agent none\nwhen { branch 'x' }\n" + STAGES, "undefined section when in pipeline"),
    ("agent none\noptions { }\n" + STAGES, "empty options"),
    ("agent none\noptions { cron('x') }\n" + STAGES, "cron isn't allowed in options"),
    ("agent none\noptions { timeout(time: 1); timeout(time: 2) }\n" + STAGES, "timeout twice in options"),
    ("agent none\ntriggers { cron('x'); cron('y') }\n" + STAGES, "cron twice in triggers"),
    ("agent none\ntriggers { timer('x') }\n" + STAGES, "timer isn't allowed in triggers"),
    ("agent none\nparameters { string('A') }\n" + STAGES, "lacks named arguments"),
    ("agent none\nparameters { number(name: 'A') }\n" + STAGES, "number isn't allowed in parameters"),
    ("agent none\npost { broken { sh('x') } }\n" + STAGES, "undefined section broken in post"),
    ("agent none\npost { }\n" + STAGES, "empty post"),
    ("agent none\nstages { stage('a') { } }", "and this has none"),
    ("agent none\nstages { stage('a') { steps { } } }", "has no steps"),
    ("agent none\nstages { stage('a') { @; parallel { stage('b') { @ } } } }", "and this has [steps, parallel]"),
    ("agent none\nstages { stage('a') { @ }; stage('a') { @ } }", "stage a twice"),
    ("agent none\nstages { sh('x') }", "only stages stand in stages"),
    ("agent none\nstages { stage(name) { @ } }", "which is a literal"),
    ("agent none\nstages { stage('a') { steps { parallel(b) ; sh('x') } } }", "parallel isn't allowed in steps"),
    ("agent none\nstages { stage('a') { steps { int i = 1 } } }", "not a step"),
    ("agent none\nstages { stage('a') { agent any; parallel { stage('b') { @ } } } }", "no agent and no tools"),
    ("agent none\nstages { stage('a') { parallel { stage('b') { parallel { stage('c') { @ } } } } } }",
     "no parallel or matrix inside"),
    ("agent none\nstages { stage('a') { parallel { stage('b') { matrix { axes { }; stages { stage('c') { @ } } } } } } }",
     "no parallel or matrix inside"),
    ("agent none\nstages { stage('a') { matrix { stages { stage('c') { @ } } } } }", "matrix has no axes"),
    ("agent none\nstages { stage('a') { when { }; @ } }", "when has no condition"),
    ("agent none\nstages { stage('a') { when { changed 'x' }; @ } }", "changed isn't a condition"),
    ("agent none\nstages { stage('a') { when { anyOf { } }; @ } }", "anyOf has no condition"),
    ("agent none\nstages { stage('a') { options { buildDiscarder(x) }; @ } }", "buildDiscarder isn't allowed in options"),
    ("agent none\nenvironment { sh('x') }\n" + STAGES, "more than NAME = value"),
    ("sh('x')", "0 pipeline blocks"),
    ("pipeline { agent none\n" + STAGES + " }\npipeline { agent none\n" + STAGES + " }", "2 pipeline blocks"),
    ("void f() { sh(\"a $x\") }\npipeline { agent none\n" + STAGES + " }", "an expression in it"),
    ("void f() { evaluate('x') }\npipeline { agent none\n" + STAGES + " }", "evaluate isn't among"),
    ("void f() { 'x'.execute() }\npipeline { agent none\n" + STAGES + " }", "execute isn't among"),
    ("void f() { new File('x') }\npipeline { agent none\n" + STAGES + " }", "new File"),
    ("import java.io.File\npipeline { agent none\n" + STAGES + " }", "an import"),
    ("@NonCPS void f() { sh('x') }\npipeline { agent none\n" + STAGES + " }", "an annotation"),
    ("void f() { x.\"$y\"() }\npipeline { agent none\n" + STAGES + " }", "a computed name"),
    ("pipeline { agent none", "1:"),
)  # fmt: skip


def test_what_jenkins_refuses_is_found(tmp_path: Path) -> None:
    files = []
    for number, (short, _) in enumerate(BAD):
        text = short.replace("@", STEPS) if "annotation" not in BAD[number][1] else short
        path = tmp_path / f"bad{number}.groovy"
        whole = "pipeline {" in text or "pipeline block" in BAD[number][1]
        path.write_text(text if whole else "pipeline {\n" + text + "\n}\n", "utf-8")
        files.append(path)
    found = jenkinsfile_findings(files)
    for path, (text, wanted) in zip(files, BAD, strict=True):
        own = [line for line in found if line.startswith(f"{path}:")]
        assert any(wanted in line for line in own), (text, own)


def test_what_jenkins_takes_is_not(tmp_path: Path) -> None:
    path = tmp_path / "good.groovy"
    path.write_text(
        "N = [:]\nvoid f() { for (x in [1]) { sh('x') } }\n"
        "pipeline {\n agent none\n options { timeout(time: 1, unit: 'HOURS') }\n"
        " parameters { string(name: 'A', defaultValue: '') }\n triggers { cron(env.X == 'y' ? 'z' : '') }\n"
        " post { always { sh('x') } }\n environment { A = 'b' }\n"
        " stages {\n  stage('a') { agent { label 'x' }\n when { branch 'x' }\n steps { sh('x') } }\n"
        "  stage('b') { parallel { stage('c') { steps { f() } } } }\n }\n}\n"
    )
    found = [line for line in jenkinsfile_findings([path]) if "isn't among the calls" not in line]
    assert found == []


def test_no_files_is_no_pass() -> None:
    with pytest.raises(CheckError):
        jenkinsfile_findings([])


def test_no_compiled_jenkinsfile_has_a_finding() -> None:
    paths = sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern))
    if not paths:
        where = f"no compiled Jenkinsfile matches {' or '.join(PATTERNS)}"
        if os.environ.get("MLCC_TEST_ALL") == "1":
            pytest.fail(where)
        pytest.skip(where)
    assert jenkinsfile_findings(paths) == []
