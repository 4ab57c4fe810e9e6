"""Committed files that a gate's parameters name: the gate runs again when they change."""

from __future__ import annotations

import pytest

from mlcc.emitted import scripts
from mlcc.plan import Gate
from mlcc.plan.document import to_runtime
from tests.plans import HEAD, plan_of

_ARTIFACTS = (
    "artifacts: {m: {kind: model, path: out/}}\njobs: {train: {run: x, writes: [m], path: [train.py]}}\n"
)


@pytest.mark.parametrize(
    ("gate", "sources"),
    [
        ("serve: {run: x, golden: tests/golden.json}", ("tests/golden.json",)),
        ("path: [app.py], serve: {run: x, golden: g.json}", ("app.py", "g.json")),
        ("reproduce: {run: x, outputs: [out/], lock: uv.lock}", ("uv.lock",)),
        ("reproduce: {run: x, outputs: [out/]}", ()),
        ("evidence: {topic: review, record: docs/r.md, max_age: 9d}", ("docs/r.md",)),
        ("pipeline_smoke: {run: x, outputs: {o: {path: s/o.json}}}", ()),
    ],
)
def test_files_are_sources(gate: str, sources: tuple[str, ...]) -> None:
    plan = plan_of(f"{HEAD}{_ARTIFACTS}gates: {{g: {{guards: m, {gate}}}}}\n")
    assert plan.nodes["g"].sources == sources


def test_a_gate_reads_artifacts() -> None:
    text = (
        f"{HEAD}artifacts: {{m: {{kind: model, path: out/}}, d: {{kind: data, path: d.csv}}}}\n"
        "jobs: {train: {run: x, reads: [d], writes: [m]}}\n"
        "gates: {g: {guards: m, reproduce: {run: x, outputs: [out/], reads: [d]}}}\n"
    )
    takes = {take.artifact: take.role.value for take in plan_of(text).nodes["g"].takes}
    assert takes == {"m": "guard", "d": "read"}


@pytest.mark.parametrize(
    ("model", "judged", "script"),
    [
        ("out/m.json", "metrics_from: n, metrics: {r2: {min: 0.6}}", "evaluate.file"),
        ("out/", "metrics_from: n, metrics: {r2: {min: 0.6}}", "evaluate"),
        ("out/m.json", "predictions: p, label: y, score: s, metrics: {roc_auc: {min: 0.6}}", "evaluate"),
    ],
)
def test_a_gate_on_single_files_has_a_small_script(model: str, judged: str, script: str) -> None:
    text = (
        f"{HEAD}artifacts: {{m: {{kind: model, path: {model}}}, n: {{kind: file, path: n.json}}, "
        "p: {kind: data, path: p.csv}}\n"
        "jobs: {train: {run: x, writes: [m, n, p], path: [train.py]}}\n"
        f"gates: {{g: {{guards: m, evaluate: {{{judged}}}}}}}\n"
    )
    plan = plan_of(text)
    work = plan.nodes["g"].work
    assert isinstance(work, Gate)
    assert work.script == script
    assert to_runtime(plan)["nodes"]["g"].get("script", "evaluate") == script
    emitted = {file.path for file in scripts(plan) if file.path.endswith(".py")}
    assert emitted == {".mlcc/run.py", ".mlcc/report.py", f".mlcc/gates/{script}.py"}
