"""A comparison needs more rows than the test set has.

## What it does

Looks for `compare` gates that say how many `rows` the test set has, and whose `margin` that many can't tell: an
accuracy-like difference takes (z + z)² times the discordance over the margin squared, with the z of `alpha` and of
`power`. The discordance, the share of examples that only one of the two models gets right, is 0.1 if not given.

## Why it is bad

A candidate that is just as good as the champion then ends inconclusive most of the time: the gate is closed by
the size of the test set, not by the model.

## Bad

    compare: {candidate: scored, champion: scored_champion, key: id, label: y, score: p, metric: accuracy,
              margin: 0.005, rows: 2000}

## Good

    compare: {candidate: scored, champion: scored_champion, key: id, label: y, score: p, metric: accuracy,
              margin: 0.02, rows: 2000}
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, sqrt

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.gates._metrics.levels import normal_quantile
from mlcc.lint.subject import Subject

ID = "unresolvable-margin"
SEVERITY = Severity.WARNING
HITS = ("accuracy", "precision_micro", "recall_micro", "f1_micro", "top_k_accuracy")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each comparison that its test set is too small for."""
    for id, _, params in subject.kind("compare"):
        if params.rows is None or params.test != "non_inferior" or params.metric not in HITS:
            continue
        spread = (normal_quantile(1 - params.alpha) + normal_quantile(params.power)) ** 2 * params.discordance
        needed = ceil(spread / params.margin**2)
        if params.rows < needed:
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' can't tell a margin of {params.margin:g} by {params.rows} rows: about {needed} are needed "
                f"({100 * params.discordance:g} % discordance, {100 * params.power:g} % power)",
                ("gates", id, "compare", "margin"),
                help=f"{params.rows} rows can tell a margin of about {sqrt(spread / params.rows):.2g}",
            )
