"""A plan to draw, compiled from a short spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.load.source import load
from mlcc.plan import Plan
from mlcc.planning.planner import plan
from mlcc.resolving.resolve import resolve
from mlcc.spec.validate import validate

SMALL = """\
version: 1
name: credit
triggers: {push: {branches: [main]}}
artifacts:
  code: {kind: code, path: [src/]}
  raw: {kind: data, path: data/raw.csv, from: {command: ./fetch.sh}}
  model: {kind: model, path: build/model/}
  candidate: {kind: model, path: build/candidate/}
jobs:
  train: {run: ./train, reads: [code, raw], writes: [model], matrix: {axes: {seed: [a, b]}}}
  ship: {run: ./ship, reads: [code, model]}
  retrain: {run: ./train, reads: [raw], writes: [candidate], when: {gate: drift, verdict: fail}}
  tidy: {run: ./tidy, needs: [ship], when: {status: always}}
gates:
  unit: {guards: code, tests: {run: pytest}}
  drift: {guards: raw, blocking: false, command: {run: ./drift}}
  good: {guards: model, command: {run: ./judge}}
"""


@pytest.fixture
def small(tmp_path: Path) -> Plan:
    """Every kind of node and of edge but a release."""
    path = tmp_path / "mlcc.yaml"
    path.write_text(SMALL)
    source = load(path)
    return plan(resolve(validate(source), source))
