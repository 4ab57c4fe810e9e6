"""A secret keeps a fork's pull request from being checked.

## What it does

Where pull requests start the pipeline, looks for nodes with secrets or logins that other nodes, without any,
can't run without.

## Why it is bad

A pull request from a fork gets no secrets, so such a node doesn't run for it, and nothing behind it does:
contributors see a green pipeline that has checked little. In a private repository without forks there is
nothing to do.

## Bad

    jobs:
      features: {run: python features.py, writes: [features], env: {KEY: {secret: KEY}}}
      train: {run: python train.py, reads: [features], writes: [model]}

## Good

    artifacts:
      sample: {kind: data, path: data/sample.parquet}     # committed, and enough for pull requests
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.reach import lost_to_forks
from mlcc.lint.subject import Subject, listed
from mlcc.plan import Build

ID = "secret-stops-forks"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each node whose secrets keep others from a fork's pull request."""
    if not any(node.trusted for node in subject.plan.nodes.values()):
        return
    for root, nodes in lost_to_forks(subject.plan).items():
        node = subject.plan.nodes[root]
        what = f"get the {'secrets' if node.secrets else 'logins'} of '{root}'"
        if isinstance(node.work, Build) and not node.secrets and not node.logins and not node.stores:
            what = f"run '{root}', which pushes an image"
        yield subject.finding(
            ID,
            SEVERITY,
            f"pull requests from forks don't {what}, so {listed(nodes)} can't run for them",
            subject.loc(root),
            key=True,
        )
