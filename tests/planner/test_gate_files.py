"""Committed files that a gate's parameters name: the gate runs again when they change."""

from __future__ import annotations

import pytest

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
