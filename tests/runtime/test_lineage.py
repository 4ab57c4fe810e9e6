"""The record that the final node writes of a run, and its in-toto statements, read by the reference library."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as ResultOfTests
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from mlcc.gates.compare.wear import _promoted, _records_in
from mlcc.runtime.predicates import PROVENANCE, RECORD, TEST_RESULT
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import Project

SPEC = (
    HEAD
    + """artifacts:
  code: {kind: code, path: src/a.py}
  raw: {kind: data, path: raw.csv, from: {dvc: raw.csv.dvc}}
  model: {kind: model, path: build/model.txt}
  scored: {kind: file, path: build/scored.json}
jobs:
  train:
    run: echo $SEED > $ARTIFACT_MODEL
    reads: [code, raw]
    writes: [model]
    env: {SEED: 7, NOISE_SEED: {input: noise}, TOKEN_SEED: {var: T, default: "9"}, RATE: 3}
  score: {run: "echo '{\\"acc\\": 0.9, \\"se\\": 0.01}' > $ARTIFACT_SCORED", evaluates: [model], writes: [scored]}
gates:
  checked: {guards: raw, contract: {columns: {x: {type: integer}}}}
  good:
    guards: model
    evaluate: {metrics_from: scored, metrics: {acc: {min: MIN, stderr: se}}}
    waive: {reason: known and tracked, until: UNTIL, issue: X-1}
  soft: {guards: model, blocking: false, command: {run: exit 1}}
"""
)
FORM = HEAD.replace("push:", "manual: {go: {inputs: {noise: {type: string, default: '5'}}}}, push:")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def ran(make: Make, least: str = "0.85", until: str = "2099-01-01", **files: str) -> Project:
    """Return a project whose run has ended; DVC and the packages of the contract are stood in for."""
    spec = SPEC.replace(HEAD, FORM).replace("MIN", least).replace("UNTIL", f'"{until}"')
    made = make(spec, {"raw.csv.dvc": "outs:\n- md5: " + "ab" * 16 + "\n  path: raw.csv\n", **files})
    plan = made.root / ".mlcc/plan.json"
    document = json.loads(plan.read_text())
    for node in document["nodes"].values():
        node.pop("packages", None)
        node["run"] = ["printf 'x\\n1\\n2\\n' > raw.csv"] if node["kind"] == "fetch" else node.get("run", [])
    plan.write_text(json.dumps(document))
    made.commit("stood in")
    made.select()
    for id in document["nodes"]:
        made.node(id)
    made.final()
    return made


def lines(project: Project) -> dict[str, Any]:
    """Return the statements by their predicate's type."""
    text = (project.root / "_mlcc/s--final/lineage.jsonl").read_text()
    found = [json.loads(line) for line in text.splitlines()]
    return {line["predicateType"]: line for line in found}


def test_the_record(make: Make) -> None:
    project = ran(make)
    record = lines(project)[RECORD]["predicate"]
    assert record["green"] is True
    assert record["commit"] == {
        "id": project.git("rev-parse", "HEAD"), "dirty": False,
        "committed": project.git("show", "-s", "--format=%cI", "HEAD"),
    }  # fmt: skip
    assert record["run"]["run_id"] == "7"
    assert record["spec"] == {"mlcc.yaml": "sha256:" + sha((project.root / "mlcc.yaml").read_text())}
    assert record["seeds"] == {"train": {"SEED": "7", "NOISE_SEED": "5", "TOKEN_SEED": "9"}}
    raw, model, code = (record["artifacts"][id] for id in ("raw", "model", "code"))
    assert raw["digests"] == {"": "sha256:" + sha("x\n1\n2\n")}
    assert (raw["md5"], raw["rows"], raw["writer"], raw["made"]) == ("ab" * 16, 2, "fetch-raw", True)
    assert (model["kind"], model["digests"]) == ("model", {"": "sha256:" + sha("7\n")})
    assert (code["made"], code["digests"]) == (False, {"": "sha256:" + sha("a = 1\n")})
    good = record["gates"]["good"]
    (check,) = good["checks"]
    assert (good["verdict"], good["guards"], check["estimate"]) == ("pass", "model", 0.9)
    assert check["interval"][0] == pytest.approx(0.9 - 1.6448536 * 0.01)
    assert good["inputs"]["scored"]["digest"] == project.state("score")["outputs"]["scored"]
    assert good["seconds"] >= 0
    assert record["nodes"]["train"]["end"] == "passed"


def test_what_a_gate_holds_the_model_against(make: Make) -> None:
    made = make(
        HEAD
        + "artifacts: {code: {kind: code, path: src/}}\ngates: {g: {guards: code, command: {run: 'true'}}}\n"
    )
    for id, named in (("champion", "old"), ("reference", {"artifact": "profile", "format": "json"})):
        parameters = json.loads((made.root / ".mlcc/gates/g.json").read_text())
        parameters["params"][id] = named
        parameters["artifacts"][named["artifact"] if isinstance(named, dict) else named] = {
            "path": f"src/{id}"
        }
        made.write({f"src/{id}": id, ".mlcc/gates/g.json": json.dumps(parameters)})
    made.commit("named")
    made.select()
    made.node("g")
    made.final(g="success")
    record = lines(made)[RECORD]["predicate"]
    assert record["champions"] == {"old": "sha256:" + sha("champion")}
    assert record["references"] == {"profile": "sha256:" + sha("reference")}


def test_the_reference_library_reads_the_statements(make: Make) -> None:
    project = ran(make)
    found = lines(project)
    assert set(found) == {RECORD, PROVENANCE, TEST_RESULT}
    for line in found.values():
        statement = ParseDict(line, statement_pb2.Statement())
        Statement.copy_from_pb(statement).validate()
        assert [(one.name, one.digest["sha256"]) for one in statement.subject] == [("model", sha("7\n"))]
    provenance = ParseDict(found[PROVENANCE]["predicate"], Provenance())
    used = {one.name: dict(one.digest) for one in provenance.build_definition.resolved_dependencies}
    assert used["commit"] == {"gitCommit": project.git("rev-parse", "HEAD")}
    assert used["code"] == {"sha256": sha("a = 1\n")}
    made = {one.name: dict(one.digest) for one in provenance.run_details.byproducts}
    assert made["raw"] == {"sha256": sha("x\n1\n2\n"), "md5": "ab" * 16}
    assert set(made) == {"raw", "scored"}
    result = ParseDict(found[TEST_RESULT]["predicate"], ResultOfTests())
    assert (list(result.passed_tests), list(result.warned_tests)) == (["checked", "good"], ["soft"])
    assert result.result == "WARNED"
    record = found[RECORD]["predicate"]
    assert [one.digest["sha256"] for one in result.configuration] == [
        record["gates"][id]["gate_digest"][7:] for id in ("checked", "good", "soft")
    ]


def test_a_failure_that_nothing_opens_is_no_passing_record(make: Make) -> None:
    found = lines(ran(make, least="0.95", until="2020-01-01"))
    result = found[TEST_RESULT]["predicate"]
    assert (result["result"], result["failedTests"]) == ("FAILED", ["good"])
    assert found[RECORD]["predicate"]["causes"] != []


def test_a_waived_failure_is_a_warning_with_its_waiver(make: Make) -> None:
    found = lines(ran(make, least="0.95"))
    assert found[TEST_RESULT]["predicate"]["result"] == "WARNED"
    assert found[TEST_RESULT]["predicate"]["warnedTests"] == ["good", "soft"]
    waived = found[RECORD]["predicate"]["gates"]["good"]["waived"]
    assert waived == {"reason": "known and tracked", "until": "2099-01-01", "issue": "X-1"}


def test_without_a_model_the_subject_is_what_was_made(make: Make) -> None:
    made = make(
        HEAD
        + "artifacts: {out: {kind: data, path: out/}}\njobs: {a: {run: 'echo 1 > out/x', writes: [out]}}\n"
    )
    made.select()
    made.node("a")
    made.final(a="success")
    found = lines(made)
    assert set(found) == {RECORD, PROVENANCE}  # no gate gave a verdict: nothing has passed
    digest = made.state("a")["outputs"]["out"][7:]
    subject = {"name": "out", "digest": {"sha256": digest}, "annotations": {"mlcc_form": "folder"}}
    assert found[PROVENANCE]["subject"] == [subject]


def test_without_anything_made_the_subject_is_the_commit(make: Make) -> None:
    made = make(HEAD + "jobs: {a: {run: 'true'}}\n")
    made.select()
    made.node("a")
    made.write({"src/a.py": "b = 1\n"})
    made.final(a="success")
    (subject,) = lines(made)[PROVENANCE]["subject"]
    assert subject["digest"] == {"gitCommit": made.git("rev-parse", "HEAD")}
    assert subject["annotations"]["mlcc_dirty"] is True
    Statement.copy_from_pb(ParseDict(lines(made)[PROVENANCE], statement_pb2.Statement())).validate()


def test_what_a_failed_node_wrote_is_no_subject(make: Make) -> None:
    made = make(
        HEAD + "artifacts: {m: {kind: model, path: m}}\njobs: {a: {run: 'echo 1 > m; exit 1', writes: [m]}}\n"
    )
    made.select()
    made.node("a")
    made.final(a="failure")
    assert "m" not in lines(made)[RECORD]["predicate"].get("artifacts", {})


def test_each_leg_of_a_matrix_is_a_subject(make: Make) -> None:
    made = make(
        HEAD + "artifacts: {m: {kind: model, path: m/}}\njobs:\n  a:\n    run: echo $MATRIX_K > m/x\n"
        "    matrix: {axes: {k: [1, 2]}}\n    writes: [m]\n"
    )
    made.select()
    for leg in made.plan.nodes["a"].legs:
        made.node("a", leg.id)
    made.final(a="success")
    names = [one["name"] for one in lines(made)[PROVENANCE]["subject"]]
    assert names == [f"m/{leg.id}" for leg in made.plan.nodes["a"].legs]


@pytest.mark.parametrize(("checks", "status"), [("[1]", 0), ("{}", 0), ('[{"id": "x", "n": 1e999}]', 1)])
def test_a_forged_verdict_never_breaks_the_final_node(make: Make, checks: str, status: int) -> None:
    made = make(
        HEAD
        + "artifacts: {code: {kind: code, path: src/}}\ngates: {g: {guards: code, command: {run: 'true'}}}\n"
    )
    made.select()
    made.node("g")
    verdict = '{"gate": "g", "verdict": "pass", "summary": "x", "inputs": [], "checks": %s}'
    (made.root / "_mlcc/s--g/verdict.json").write_text(verdict % checks)
    assert made.final(g="success") == status  # an infinite number makes it no JSON
    written = (made.root / "_mlcc/s--final/lineage.jsonl").exists()
    assert written != any("lineage can't be written" in warning for warning in made.platform.warnings)
    if written:
        assert lines(made)[RECORD]["predicate"]["gates"]["g"]["checks"] == []


def test_a_record_that_cannot_be_written_is_said(make: Make) -> None:
    made = make(HEAD + "jobs: {a: {run: 'true'}}\n")
    made.select()
    made.node("a")
    (made.root / "_mlcc/s--final/lineage.jsonl").mkdir(parents=True)
    assert made.final(a="success") == 0
    assert any("lineage can't be written" in warning for warning in made.platform.warnings)


def test_a_test_set_is_counted_by_the_record_of_a_real_run(make: Make) -> None:
    """The run's one gate on the model stands in for a comparison, whose packages the test hasn't."""
    project = ran(make)
    path = project.root / "_mlcc/s--final/lineage.jsonl"
    path.write_text(path.read_text().replace('"kind": "evaluate"', '"kind": "compare"'))
    ((record, shown),) = _records_in(str(path))
    raw, model = ("sha256:" + sha(text) for text in ("x\n1\n2\n", "7\n"))
    assert list(_promoted(record, raw, shown)) == [model]
    assert list(_promoted(record, "sha256:" + sha("another"), shown)) == []
