"""Fits a store's model to all days but the last eight weeks. ALPHA is the weight of the newest day."""

from __future__ import annotations

import json
import os
from pathlib import Path

from stores.model import HELD_OUT, Smoothed, units


def main() -> None:
    """Write build/model.json."""
    model = Smoothed(float(os.environ["ALPHA"]))
    for day, sold in enumerate(units()[:-HELD_OUT]):
        model.learn(day, sold)
    path = Path("build/model.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"alpha": model.alpha, "level": model.level, "factors": model.factors}))


if __name__ == "__main__":
    main()
