"""A pipeline of fourteen nodes that has every kind of edge, condition and status once."""

from __future__ import annotations

FLIGHTS = """\
version: 1
name: flights
triggers:
  push: {branches: [main]}
  pull_request: {branches: [main]}
  schedule: {night: "17 3 * * *"}
  manual: {go: {}}
artifacts:
  code: {kind: code, path: src/}
  raw: {kind: data, path: data/}
  deployconf: {kind: file, path: deploy/}
  features: {kind: data, path: build/features.csv}
  model: {kind: model, path: build/model/}
  bundle: {kind: file, path: build/bundle.tar}
  candidate: {kind: model, path: build/candidate.bin}
  stats: {kind: data, path: build/stats.json}
jobs:
  featurize: {run: make, reads: [code, raw], writes: [features], retry: 1}
  train:
    run: make
    reads: [code, features]
    writes: [model]
    retry: 1
    matrix: {axes: {seed: [a, b]}}
    env: {TRACKING_TOKEN: {secret: TRACKING_TOKEN}}
  package: {run: make, reads: [model, deployconf], writes: [bundle], needs: [lint]}
  lint: {run: make, reads: [code]}
  retrain: {run: make, reads: [code, raw], writes: [candidate], when: {gate: raw-drift, verdict: fail}}
  shadow: {run: make, reads: [candidate]}
  profile: {run: make, reads: [features], writes: [stats], blocking: false}
  publish-stats: {run: make, reads: [stats]}
  nightly: {run: make, reads: [code], when: {event: schedule}}
  teardown: {run: make, needs: [train, package], when: {status: always}}
  alert: {run: make, needs: [good-enough, lint], when: {status: failure}}
gates:
  features-contract: {guards: features, command: {run: check}}
  raw-drift: {guards: raw, path: [baselines/], blocking: false, command: {run: check}}
  good-enough: {guards: model, command: {run: check}}
"""

JOBS = (
    "featurize", "train", "package", "lint", "retrain", "shadow", "profile", "publish-stats", "nightly", "teardown",
    "alert",
)  # fmt: skip
GATES = ("features-contract", "raw-drift", "good-enough")
ALL = frozenset((*JOBS, *GATES))
