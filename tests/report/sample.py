"""A run with gates of every outcome and every plot, as its files lie below `_mlcc/`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcc.gates._plots import curves, histogram, intervals
from mlcc.gates._records import Check, Verdict, verdict_of
from mlcc.runtime.records import write_record, write_text

DIGEST = "sha256:" + "5e" * 32
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def node(kind: str = "job", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "takes": [], "before": [], **more}


def gate(kind: str, guards: str, **more: Any) -> dict[str, Any]:
    return node("gate", gate=kind, guards=guards, **more)


PLAN: dict[str, Any] = {
    "format": 1,
    "name": "churn",
    "home": "",
    "spec_files": ["mlcc.yaml"],
    "nodes": {
        "prepare": node(),
        "raw-drift": gate("drift", "raw"),
        "train": node(),
        "floor": gate("evaluate", "model"),
        "champion": gate("compare", "model", blocking=False),
        "by-slice": gate("slices", "model"),
        "unit": gate("tests", "code"),
        "publish": node(),
        "nightly": node(),
    },
}


def bell(x: float, middle: float) -> float:
    return math.exp(-((x - middle) ** 2) / 2)


def verdicts() -> dict[str, Verdict]:
    labels = [f"[{-3 + i * 0.5:g}, {-2.5 + i * 0.5:g})" for i in range(12)]
    middles = [-2.75 + i * 0.5 for i in range(12)]
    drift = histogram(
        "Distribution of tenure",
        labels,
        {"baseline": [bell(x, 0) for x in middles], "now": [bell(x, 0.6) for x in middles]},
        "Shares of rows; bins are the baseline's.",
    )
    roc = curves(
        "ROC of candidate and champion",
        ("false positive rate", "true positive rate"),
        {
            "candidate": [(i / 50, (i / 50) ** 0.4) for i in range(51)],
            "champion": [
                (i / 50, (i / 50) ** 0.5, max(0, (i / 50) ** 0.5 - 0.05), min(1, (i / 50) ** 0.5 + 0.05))
                for i in range(51)
            ],
        },
        diagonal=True,
        note="The band is the champion's 95 % interval.",
    )
    words = ("pass", "pass", "inconclusive", "fail", "pass", "error", "pass")
    rows = [
        (f"country={c}", 0.86 - i * 0.015, 0.83 - i * 0.02, 0.89 - i * 0.01, v)
        for i, (c, v) in enumerate(
            zip(("DE", "FR", "PL", "Bosnia and Herzegovina", "NL", "SE", "IT"), words, strict=True)
        )
    ]
    slices = intervals("Recall by slice", "recall", rows, limits={"min": 0.78}, note="Holm, 95 % together.")
    return {
        "raw-drift": verdict_of(
            [
                Check(
                    "psi.tenure",
                    "fail",
                    "PSI of tenure is 0.34 (bounds 0.31 and 0.37, n 20,000); at most 0.2: missed by 0.14",
                    estimate=0.34,
                    interval=(0.31, 0.37),
                    confidence=0.95,
                    n=20000,
                    threshold={"max": 0.2},
                    margin=-0.14,
                ),
                Check(
                    "psi.fee",
                    "pass",
                    "PSI of fee is 0.02; at most 0.2: kept by 0.18",
                    estimate=0.02,
                    interval=(0.01, 0.03),
                    confidence=0.95,
                    n=20000,
                    threshold={"max": 0.2},
                    margin=0.18,
                ),
                Check("columns", "pass", "All 14 columns are there"),
            ],
            [drift],
        ),
        "floor": verdict_of(
            [
                Check(
                    "auc",
                    "pass",
                    "AUC is 0.871, at least 0.862 with 95 % confidence (n 4,000); at least 0.85: kept by 0.012",
                    estimate=0.871,
                    interval=(0.862, 0.88),
                    confidence=0.95,
                    n=4000,
                    threshold={"min": 0.85},
                    margin=0.012,
                ),
                Check(
                    "share",
                    "pass",
                    "The share of positives is 0.31; from 0.25 to 0.4",
                    estimate=0.31,
                    interval=(0.298, 0.322),
                    confidence=0.95,
                    n=4000,
                    threshold={"min": 0.25, "max": 0.4},
                    margin=0.048,
                ),
            ],
            [
                roc,
                curves(
                    "Calibration",
                    ("predicted", "observed"),
                    {"model": [(0.1, 0.12), (0.5, 0.47), (0.9, 0.88)]},
                    diagonal=True,
                ),
            ],
        ),
        "champion": verdict_of(
            [
                Check(
                    "difference",
                    "inconclusive",
                    "The candidate is 0.004 better, at least -0.013 with 95 % confidence (n 800); "
                    "at least -0.01: 1,546 rows would decide",
                    estimate=0.004,
                    interval=(-0.013, 0.021),
                    confidence=0.95,
                    n=800,
                    threshold={"min": -0.01},
                    margin=-0.003,
                ),
            ]
        ),
        "by-slice": verdict_of(
            [
                Check(
                    "country=PL",
                    "fail",
                    "Recall of country=PL is 0.71; at least 0.78",
                    estimate=0.71,
                    interval=(0.66, 0.76),
                    confidence=0.95,
                    n=240,
                    threshold={"min": 0.78},
                    margin=-0.12,
                )
            ],
            [slices],
        ),
        "unit": verdict_of(
            [
                Check(
                    "passed",
                    "pass",
                    "214 tests passed; at least 50",
                    estimate=214,
                    threshold={"min": 50},
                    margin=164,
                )
            ]
        ),
    }


def write_gate(root: Path, id: str, kind: str, verdict: Verdict, **more: Any) -> None:
    folder = root / "_mlcc" / f"s--{id}"
    record = {
        "schema": "https://mlcc.dev/verdict/1", "gate": id, "kind": kind, "verdict": verdict.verdict,
        "summary": verdict.summary, "checks": [check.record() for check in verdict.checks],
        "inputs": {"raw": {"path": "data/raw.csv", "digest": DIGEST}}, "gate_digest": DIGEST, **more,
    }  # fmt: skip
    write_record(folder / "verdict.json", record)
    if verdict.plots:
        write_text(folder / "plots.json", json.dumps(verdict.plots))


def write_run(
    root: Path,
    plan: Mapping[str, Any] = PLAN,
    found: Mapping[str, Verdict] | None = None,
    *,
    green: bool = False,
    causes: Sequence[str] = ("'raw-drift' failed: PSI of tenure is 0.34", "'by-slice' failed: 1 of 7 slices"),
    facts: Mapping[str, str] | None = None,
) -> None:
    """Write the plan, and what its nodes left; `found` are the gates' verdicts."""
    write_record(root / ".mlcc" / "plan.json", dict(plan))
    found = verdicts() if found is None else found
    ends = {}
    for id, one in plan["nodes"].items():
        if id in found:
            verdict = found[id]
            waived = {"reason": "Known since the price change.", "until": "2027-01-31", "issue": "ML-17"}
            more = {"waived": waived} if id == "by-slice" and verdict.verdict == "fail" else {}
            write_gate(root, id, one.get("gate", "canary"), verdict, **more)
            end = "passed" if verdict.verdict == "pass" or more else "failed"
            ends[id] = {
                "end": end,
                "verdict": verdict.verdict,
                "cause": "" if end == "passed" else verdict.summary,
            }
        elif id == "publish":
            ends[id] = {"end": "skipped", "verdict": "", "cause": "'floor' closed the model"}
        elif id != "nightly":
            ends[id] = {"end": "passed", "verdict": "pass", "cause": ""}
    result = {
        "schema": "https://mlcc.dev/result/1",
        "commit": COMMIT,
        "green": green,
        "causes": list(causes),
        "nodes": ends,
    }
    write_record(root / "_mlcc" / "s--final" / "result.json", result)
    known = {
        "event": "pull_request", "branch": "main", "commit": COMMIT, "pull_request": "17", "repository": "acme/churn",
        "run_id": "99", "run_number": "42", "run_url": "https://ci.example/acme/churn/runs/99", **(facts or {}),
    }  # fmt: skip
    selection = {
        "schema": "https://mlcc.dev/selection/1", "commit": COMMIT, "facts": known,
        "selected": list(ends), "reasons": {id: "changed" if id in ends else "not started by this event" for id in plan["nodes"]},
    }  # fmt: skip
    write_record(root / "_mlcc" / "s--select" / "selection.json", selection)
