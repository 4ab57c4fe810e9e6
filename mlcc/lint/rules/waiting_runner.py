"""A runner is held while work runs somewhere else.

## What it does

Looks for jobs with `remote` whose `timeout` is an hour or more, on CI systems that keep a runner for them (GitHub and GitLab).

## Why it is bad

The job only submits and asks after its work, and keeps a runner for hours, which is paid or missing elsewhere. The runner
need not be the one that trains: any small machine will do.

## Bad

    train: {remote: {submit: ci/submit.sh, poll: ci/poll.sh, cancel: ci/cancel.sh}, timeout: 6h}

## Good

    runners: {small: {github: [self-hosted, small], gitlab: [small]}}
    jobs:
      train: {remote: {submit: ci/submit.sh, poll: ci/poll.sh, cancel: ci/cancel.sh}, timeout: 6h, runner: small}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.backends import BACKENDS
from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import Remote
from mlcc.resolving.resolved import DEFAULT_RUNNER

ID = "waiting-runner"
SEVERITY = Severity.NOTE
LONG = 3600  # seconds


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each remote job that may hold the runner that every node has by default."""
    systems = [target for target in subject.plan.targets or ("github",) if BACKENDS[target].holds_runner]
    for id, node in subject.plan.nodes.items():
        own_runner = node.machine.runner != DEFAULT_RUNNER
        if systems and isinstance(node.work, Remote) and node.timeout_seconds >= LONG and not own_runner:
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' may hold a runner for {node.timeout_seconds // 3600} h on {' and '.join(systems)}, only to wait",
                (*subject.loc(id), "remote"),
                key=True,
                help="give it a small `runner` of its own",
            )
