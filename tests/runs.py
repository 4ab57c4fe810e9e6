"""Records of runs as the final node writes them, for what is made from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlcc.runtime.statements import statements


def gate(verdict: str = "pass", **changes: Any) -> dict[str, Any]:
    """Return what a record says of a gate on the artifact `model`."""
    return {
        "kind": "evaluate", "guards": "model", "blocking": True, "end": "passed" if verdict == "pass" else "failed",
        "verdict": verdict, "summary": "It is so.", "inputs": {}, "checks": [], "seconds": 2.0,
        "gate_digest": "sha256:" + "a" * 64, **changes,
    }  # fmt: skip


def run(gates: dict[str, Any], *, finished: str = "2026-03-02T10:00:00Z", **changes: Any) -> dict[str, Any]:
    """Return the record of a run that made `model` from `code` and `raw`."""
    model = {
        "digests": {"": "sha256:" + "1" * 64},
        "made": True,
        "writer": "train",
        "kind": "model",
        "form": "file",
    }
    raw = {
        "digests": {"": "sha256:" + "2" * 64},
        "made": True,
        "writer": "fetch-raw",
        "kind": "data",
        "form": "file",
    }
    code = {"digests": {"": "sha256:" + "3" * 64}, "made": False, "kind": "code", "form": "paths"}
    return {
        "pipeline": "demo", "platform": "github", "green": all(g["end"] == "passed" for g in gates.values()),
        "run": {"run_id": "7", "commit": "c" * 40, "branch": "main", "event": "push"}, "inputs": {}, "causes": [],
        "finished": finished, "commit": {"id": "c" * 40, "dirty": False, "committed": "2026-03-02T08:00:00+00:00"},
        "artifacts": {"code": code, "model": model, "raw": {**raw, "rows": 1200, "md5": "ab" * 16}},
        "gates": gates, "nodes": {"train": {"end": "passed", "seconds": 60.0}}, **changes,
    }  # fmt: skip


def write(path: Path, record: dict[str, Any]) -> None:
    """Write a run's lineage.jsonl."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in statements(record)))
