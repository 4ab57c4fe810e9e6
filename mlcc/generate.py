"""Writes what is derived from the sources: the fast loader's table, the JSON Schema, the reference pages.

Run `python -m mlcc.generate` after a change of a model, a rule or a ledger; the tests fail while a file is stale.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from mlcc.lint import document as rules
from mlcc.matrix import TARGETS_PAGE, targets_page
from mlcc.spec.document import GATES_PAGE, SPEC_PAGE, gates_page, spec_page
from mlcc.spec.schema import spec_schema
from mlcc.spec.tabulate import table

ROOT = Path(__file__).resolve().parents[1]


def outputs() -> dict[Path, Callable[[], str]]:
    """Return each derived file and what makes its text."""
    return {
        ROOT / "mlcc/spec/table.py": table,
        ROOT / "schemas/mlcc.schema.json": lambda: (
            json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n"
        ),
        ROOT / SPEC_PAGE: spec_page,
        ROOT / GATES_PAGE: gates_page,
        ROOT / rules.PAGE: rules.markdown,
        ROOT / TARGETS_PAGE: targets_page,
    }


def main() -> None:
    """Rewrite the derived files."""
    for path, text in outputs().items():
        path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
