"""A valid project of each kind that joins or splits tables, as in `bases.py`."""

from __future__ import annotations

from typing import Any

from mlcc.gates.fixtures import table_bytes
from tests.corruption.bases import SCORED, SECRET, Base

# Leakage: the test rows come after the training rows; what decides is the key and the time.
_TRAIN = {
    "id": list(range(100)),
    "day": [0.5 * i for i in range(100)],
    "x": [float(i * 37 % 100) for i in range(100)],
    "who": [SECRET] * 100,
    "y": [0, 1] * 50,
}
_TEST = {
    **_TRAIN,
    "id": list(range(100, 200)),
    "day": [100 + 0.5 * i for i in range(100)],
    "x": [float(i * 37 % 100) + 0.25 for i in range(100)],
}
_LEAKAGE = {"train": "base", "key": ["id"], "features": ["x"], "time": "day", "label": "y"}
_LEAKAGE_ENDS = {
    **dict.fromkeys(("value", "no value", "not finite", "constant", "other type", "no rows"), "fail"),
    "two headers": "error",  # a third class
}
# A later time is late enough, a key is text, and ten rows that share nothing are all that is asked for.
_LEAKAGE_TAKES = frozenset(
    ("a number is out of range", "a whole number is huge", "a whole number has a fraction", "ten rows")
)

SERVED = {
    "id": list(range(200)),
    "amount": [2.5 * i for i in range(200)],
    "who": [SECRET] * 200,
}
_PARITY = {
    "offline": "base",
    "online": "t",
    "key": ["id"],
    "columns": {"amount": {"tolerance": 1e-6}, "who": {}},
}
_PARITY_ENDS = {
    **dict.fromkeys(("not finite", "constant", "no column", "few rows"), "fail"),
    **dict.fromkeys(("a null number", "all numbers null", "two headers"), "fail"),
    **dict.fromkeys(("a number is out of range", "a number is below the range"), "fail"),
    **dict.fromkeys(("a whole number is huge", "a whole number has a fraction"), "fail"),
    # Both are infinite.
    **dict.fromkeys(("a number is 1e999", "a number is 5,000 digits"), "fail"),
}

# Slices of 100 rows each. Their names are shown: the secret is in another column.
_SLICED = {**SCORED, "region": ["a", "a", "b", "b"] * 50}
_SLICES = {
    "predictions": "t",
    "label": "y",
    "score": "p",
    "by": ["region"],
    "min_n": 50,
    "metrics": {"accuracy": {"min": 0.8}, "brier_score": {"max": 0.2}},
}
_WORTH = {**SCORED, "q": [0.6, 0.4] * 100}
_VALUE = {
    "predictions": "t",
    "label": "y",
    "score": "p",
    "without": {"hour": "q"},
    "metric": "log_loss",
    "min_gain": 0.05,
}
_COSTS = {**_VALUE, "cost": {"from": "n", "max_ms": 2}}
_FEW = {"few rows": "inconclusive", "no rows": "fail", "constant": "fail"}


def _pair(
    kind: str,
    form: str,
    params: dict[str, Any],
    table: Any,
    other: Any,
    columns: tuple[str, str],
    **rest: Any,
) -> Base:
    """Return a base of two tables, of which `t` is the one that is damaged."""
    path, base = f"data/t.{form}", f"base.{form}"
    files = {path: table_bytes(form, table), base: table_bytes(form, other)}
    return Base(
        f"{kind}-{form}", kind, params, {"t": path, "base": base}, files, path, form, table, *columns, **rest
    )


def _scored(kind: str, form: str, params: dict[str, Any], table: Any) -> Base:
    path = f"data/t.{form}"
    files = {path: table_bytes(form, table), "model/weights": b"w"}
    artifacts = {"m": "model/", "t": path}
    return Base(f"{kind}-{form}", kind, params, artifacts, files, path, form, table, "p", "y", _FEW)


BASES = (
    _pair("leakage", "csv", _LEAKAGE, _TEST, _TRAIN, ("day", "id"), ends=_LEAKAGE_ENDS, harmless=_LEAKAGE_TAKES),
    _pair(
        "leakage", "parquet", _LEAKAGE, _TEST, _TRAIN, ("day", "id"),
        ends={**_LEAKAGE_ENDS, "other type": "error"}, harmless=_LEAKAGE_TAKES,
    ),
    _pair("feature_parity", "csv", _PARITY, SERVED, SERVED, ("amount", "id"), ends=_PARITY_ENDS),
    _pair(
        "feature_parity", "parquet", _PARITY, SERVED, SERVED, ("amount", "id"), ends={**_PARITY_ENDS, "other type": "fail"},
    ),
    _scored("slices", "csv", _SLICES, _SLICED),
    _scored("feature_value", "parquet", _VALUE, _WORTH),
    Base(
        "feature_value-costs", "feature_value", _COSTS, {"m": "model/", "t": "t.csv", "n": "n.json"},
        {
            "t.csv": table_bytes("csv", _WORTH), "model/weights": b"w",
            "n.json": b'{"deep": 1, "hour": 1.5, "note": "' + SECRET.encode() + b'"}',
        },
        "n.json", "json", number="1.5",
    ),
)  # fmt: skip
