"""Metrics of predicted numbers, ranges and forecasts."""

from __future__ import annotations

from mlcc.gates._metrics.measure import Measure, function_of, mean_of
from mlcc.gates._records import GateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def number_metric(name: str, label: Any, said: Any, quantile: float = 0.5) -> Measure:
    """Return a metric of predicted numbers, `label` and `said` (n,). Raises GateError where it isn't defined.

    `quantile` is scikit-learn's alpha of the pinball loss.
    """
    import numpy as np

    error = label - said
    if name == "mean_absolute_error":
        return mean_of(np.abs(error))
    if name in ("mean_squared_error", "root_mean_squared_error"):
        return _root(error**2) if name.startswith("root") else mean_of(error**2)
    if name == "median_absolute_error":
        return _median(np.abs(error))
    if name == "mean_absolute_percentage_error":
        return mean_of(np.abs(error) / np.maximum(np.abs(label), np.finfo(float).eps))
    if name in ("mean_squared_log_error", "root_mean_squared_log_error"):
        _refuse(label, said, 0, below="negative")
        squares = (np.log1p(label) - np.log1p(said)) ** 2
        return _root(squares) if name.startswith("root") else mean_of(squares)
    if name == "mean_pinball_loss":
        return mean_of(np.maximum(quantile * error, (quantile - 1) * error))
    if name in ("mean_poisson_deviance", "mean_gamma_deviance"):
        return mean_of(_deviance(name, label, said))
    if name == "max_error":
        return Measure(np.abs(error).max(), np.full(len(error), np.nan), support=1)
    if name == "explained_variance":
        error = error - error.mean()  # squares of large numbers would leave no digits for their difference
    centred = label - label.mean()
    squares = centred**2
    terms = np.column_stack([error, error**2, centred, squares])
    found = function_of(terms, _explained if name == "explained_variance" else _determination)
    found.denominator = squares / squares.mean() - 1
    return found


def _explained(means: Any) -> Any:
    error, squares, label, spread = means.T
    return 1 - (squares - error**2) / (spread - label**2)


def _determination(means: Any) -> Any:
    _, squares, label, spread = means.T
    return 1 - squares / (spread - label**2)


def _root(squares: Any) -> Measure:
    import numpy as np

    if not squares.any():
        return mean_of(squares)
    return function_of(squares[:, None], lambda means: np.sqrt(means[:, 0]))


def _median(errors: Any) -> Measure:
    """The influence of a row on a quantile is its side of it over the density there.

    The density is the difference quotient of quantiles around it, at the bandwidth of Hall and Sheather (1988) for the
    median: n^(-1/3) z^(2/3) (1.5 phi(0)^2)^(1/3), z = 1.96.
    """
    import numpy as np

    n = len(errors)
    width = min(0.4, 0.971 * n ** (-1 / 3))
    low, value, high = np.quantile(errors, [0.5 - width, 0.5, 0.5 + width])
    influence = np.where(errors > value, 0.5, -0.5) * (high - low) / (2 * width)
    return Measure(value, influence - influence.mean())


def _deviance(name: str, label: Any, said: Any) -> Any:
    """Return each row's deviance; 0 log 0 is 0."""
    import numpy as np

    if name == "mean_gamma_deviance":
        _refuse(label, said, 0, below="not positive", strict=True)
        return 2 * (np.log(said / label) + label / said - 1)
    _refuse(label, said, 0, below="negative")
    if not (said > 0).all():
        raise GateError("a prediction is not positive")
    logs = np.log(np.where(label > 0, label, 1) / np.where(label > 0, said, 1))
    return 2 * (label * logs - label + said)


def _refuse(label: Any, said: Any, least: float, *, below: str, strict: bool = False) -> None:
    for values, what in ((label, "label"), (said, "prediction")):
        if (values <= least).any() if strict else (values < least).any():
            raise GateError(f"a {what} is {below}")


def range_metric(name: str, label: Any, lower: Any, upper: Any) -> Measure:
    """Return the share of labels inside of predicted ranges, or the ranges' mean width; all (n,)."""
    if (lower > upper).any():
        raise GateError("a predicted range ends before it begins")
    if name == "mean_interval_width":
        return mean_of(upper - lower)
    return mean_of(((lower <= label) & (label <= upper)).astype(float))


def scaled_error(label: Any, said: Any, series: Any, time: Any) -> Measure:
    """Return the mean absolute scaled error (Hyndman and Koehler 2006); all (n,), `series` codes from 0.

    Each series is scaled by the mean step of its own labels from one time to the next, which a naive forecast would
    miss by. Raises GateError for a series of one row, one that never changes, and a time that occurs twice.
    """
    import numpy as np

    order = np.lexsort((time, series))
    same = np.diff(series[order]) == 0
    if (same & (np.diff(time[order]) == 0)).any():
        raise GateError("a time occurs twice in a series")
    steps = np.bincount(
        series[order][1:][same], np.abs(np.diff(label[order]))[same], minlength=series.max() + 1
    )
    sizes = np.bincount(series) - 1
    if not (sizes.all() and steps.all()):
        raise GateError("a series has one row only, or never changes: it gives no scale")
    return mean_of(np.abs(label - said) / (steps / sizes)[series])
