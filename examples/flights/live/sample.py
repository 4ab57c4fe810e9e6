"""Draws the flights that `load.py` asks about, from the test split: `PYTHONPATH=src python live/sample.py`, after featurize."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from flights.featurize import FEATURES
from flights.paths import location
from flights.train import read_split

ROWS = 400

if __name__ == "__main__":
    matrix, late = read_split(location("features"), "test")
    chosen = np.random.default_rng(20130101).choice(len(matrix), ROWS, replace=False)
    rows = [[None if np.isnan(x) else round(float(x), 4) for x in matrix[i]] for i in chosen]
    lines = ",\n".join(json.dumps(row) for row in rows)
    outcomes = json.dumps([int(late[i]) for i in chosen])
    text = f'{{"features": {json.dumps(list(FEATURES))},\n"late": {outcomes},\n"rows": [\n{lines}\n]}}\n'
    Path(__file__).with_name("rows.json").write_text(text, "utf-8")
