"""Writes a short Markdown report on the scored test split."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from flights.paths import location

Columns = dict[str, np.ndarray[Any, Any]]


def read(scored: Path) -> Columns:
    """Columns of the scored table, in the order of its ids."""
    with duckdb.connect() as connection:
        return dict(
            connection.execute("SELECT * FROM read_parquet(?) ORDER BY id", [str(scored)]).fetchnumpy()
        )


def line(name: str, late: np.ndarray[Any, Any], p: np.ndarray[Any, Any]) -> str:
    """One row of the table; AUC is undefined where every flight was late, or none."""
    auc = f"{roc_auc_score(late, p):.3f}" if 0 < late.sum() < len(late) else "n/a"
    return f"| {name} | {len(late)} | {late.mean():.3f} | {p.mean():.3f} | {auc} |"


def render(columns: Columns) -> str:
    """The report's text."""
    late, p = columns["late"], columns["p"]
    lines = [
        "# Late flights: test split",
        "",
        f"ROC AUC {roc_auc_score(late, p):.4f}, log loss {log_loss(late, p):.4f} on {len(late)} flights.",
    ]
    for key in ("month", "carrier"):
        lines += ["", f"| {key} | flights | late | predicted | AUC |", "|---|---:|---:|---:|---:|"]
        for value in np.unique(columns[key]):
            chosen = columns[key] == value
            lines.append(line(str(value), late[chosen], p[chosen]))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the report to build/report.md, or where REPORT says."""
    target = Path(os.environ.get("REPORT") or "build/report.md")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(read(location("scored"))), encoding="utf-8")
    print(f"report in {target}")


if __name__ == "__main__":
    main()
