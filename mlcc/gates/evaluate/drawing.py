"""The plots of an `evaluate` gate: curves and calibration of a score, predicted against true numbers."""

from __future__ import annotations

from mlcc.gates._metrics.rows import Rows
from mlcc.gates._metrics.scores import calibration_bins, curve_points
from mlcc.gates._plots import curves
from mlcc.gates._shares import wilson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BINS = 10
_LEAST_DRAWN = 2


def drawn(rows: Rows, z: float) -> list[dict[str, Any]]:
    """Return the plots that the columns allow; `z` is the normal quantile of the drawn bounds."""
    if "score" in rows.arrays and set(rows["label"].tolist()) == {0, 1}:
        roc, precision = curve_points(rows["label"], rows["score"])
        plots = [
            curves("ROC", ("false positive rate", "true positive rate"), {"model": roc}, diagonal=True),
            curves("Precision and recall", ("recall", "precision"), {"model": precision}),
        ]
        inside = rows["score"].min() >= 0 and rows["score"].max() <= 1
        return [*plots, _calibration(rows, z)] if inside else plots
    if (
        "prediction" in rows.arrays
        and rows["prediction"].dtype.kind == "f"
        and rows.n >= _LEAST_DRAWN * _BINS
    ):
        return [_by_bins(rows, z)]
    return []


def _calibration(rows: Rows, z: float) -> dict[str, Any]:
    import numpy as np

    bins = calibration_bins(rows["score"], _BINS)
    points = []
    for i in range(_BINS):
        inside = bins == i
        if inside.any():
            hits, n = float(rows["label"][inside].sum()), int(inside.sum())
            points.append((float(np.mean(rows["score"][inside])), hits / n, *wilson(hits, n, z)))
    note = "Share of class 1 by score, in ten bins of equal width, with Wilson intervals."
    return curves(
        "Calibration", ("mean score", "share of class 1"), {"model": points}, diagonal=True, note=note
    )


def _by_bins(rows: Rows, z: float) -> dict[str, Any]:
    """Return the mean of the truth by tenths of the prediction."""
    import numpy as np

    points = []
    for part in np.array_split(np.argsort(rows["prediction"], kind="stable"), _BINS):
        label = rows["label"][part]
        half = z * float(label.std(ddof=1)) / len(part) ** 0.5
        mean = float(label.mean())
        points.append((float(rows["prediction"][part].mean()), mean, mean - half, mean + half))
    note = "Mean truth by tenths of the prediction."
    return curves(
        "Predicted and true", ("mean prediction", "mean truth"), {"model": points}, diagonal=True, note=note
    )
