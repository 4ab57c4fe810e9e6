"""A metric's value with the influence of each row on it, from which every error follows.

The influence of a row is the derivative of the value by the row's weight (Hampel 1974; Efron's infinitesimal
jackknife, 1982). The variance of the value is the mean of the squared influences over n; the influences of
two models on the same rows are subtracted, those of one cluster are added up, and the same formula holds.
"""

from __future__ import annotations

from math import sqrt

from mlcc.gates._records import GateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_STEP = 1e-30


class Measure:
    """A metric on n rows.

    `influence` has one number a row, of mean zero. `shape` says on which scale its bound is right, by what
    the value is: a `share` of trials (`shares`: hits and trials), `f1` of such a share, a `mean` of shares,
    an `area` or an average `precision` (logit), the mean of a `column`, or another `number`. `support` is the number of
    rows that the error rests on.

    A value that counts rows is a function `of` the means of their `terms`: from an index of rows to their terms, (rows,
    k). `cells` numbers the rows so that rows with one number have the same terms: that is a handful of cells, however
    many rows there are. A ratio of means has its `denominator`: that of each row over their mean, less 1. `hits` are the
    rows themselves, where each is a hit (1) or not. `reach` returns, for each row, how far the value falls by its weight
    were the worst said of the row, and how far it rises were the best, both (n,); None where that isn't known.
    """

    __slots__ = (
        "cells",
        "denominator",
        "hits",
        "influence",
        "of",
        "reach",
        "shape",
        "shares",
        "support",
        "terms",
        "value",
    )

    def __init__(
        self,
        value: float,
        influence: Any,
        *,
        shape: str = "number",
        shares: Sequence[tuple[float, float]] = (),
        support: float | None = None,
        terms: Callable[[Any], Any] | None = None,
        of: Callable[[Any], Any] | None = None,
        cells: Any = None,
    ) -> None:
        self.value = float(value)
        self.influence = influence
        self.shape = shape
        self.shares = shares
        self.support = int(len(influence) if support is None else support)
        self.terms = terms
        self.of = of
        self.cells = cells
        self.hits: Any = None
        self.denominator: Any = None
        self.reach: Callable[[], tuple[Any, Any]] | None = None

    @property
    def n(self) -> int:
        """Return the number of rows."""
        return len(self.influence)


def mean_of(values: Any, support: float | None = None) -> Measure:
    """Return the mean of a number per row, (n,). Values that are all 0 or 1 make a share."""
    import numpy as np

    value = float(np.mean(values))
    found = Measure(value, values - value, support=support)
    if np.all((values == 0) | (values == 1)):
        found.shape, found.shares = "share", [(float(values.sum()), len(values))]
        found.hits = values.astype(np.int64)
    return found


def function_of(terms: Any, of: Callable[[Any], Any]) -> Measure:
    """Return a function of the means of terms, (n, k); `of` maps (m, k) to (m,) and takes complex numbers."""
    means = terms.mean(axis=0)
    value, slopes = value_and_slopes(of, means)
    return Measure(value, ((terms - means) * slopes).sum(axis=1))


def value_and_slopes(of: Callable[[Any], Any], means: Any) -> tuple[float, Any]:
    """Return `of` at some means, (k,), and its derivatives there, (k,), exact to the last digits.

    A complex step (Squire and Trapp 1998) has no cancellation: with an h of 1e-30 the derivative is the
    imaginary part over h.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        value = of(means[None, :])[0]
        slopes = of(means[None, :] + 1j * _STEP * np.eye(len(means))).imag / _STEP
    if not (np.isfinite(value) and np.isfinite(slopes).all()):
        raise GateError("it is not defined on these rows")
    return float(value), slopes


def unit_sums(values: Any, clusters: Any = None) -> Any:
    """Return the sum of `values`, (n,), over each cluster, (clusters,); the values themselves without clusters."""
    import numpy as np

    return values if clusters is None else np.bincount(clusters, values)


def trials_among(support: float, clusters: Any = None) -> float:
    """Return how many rows say something of their own, of `support`: rows of one cluster may all say the same."""
    return support if clusters is None else min(support, int(clusters.max()) + 1)


def standard_error(influence: Any, clusters: Any = None) -> float:
    """Return the standard error of a value from influences, (n,).

    `clusters` numbers the cluster of each row from 0: the influences of a cluster are added up first
    (Liang and Zeger 1986). Raises GateError for a single row or cluster, which has no error.
    """
    n = len(influence)
    sums = unit_sums(influence, clusters)
    units = len(sums)
    if units < 2:
        raise GateError(f"there is only one {'row' if clusters is None else 'cluster'}, which has no error")
    # Not the dot product of BLAS: its threads take longer to wake than the sum does, and are another order of adding.
    return sqrt(float((sums * sums).sum()) * units / (units - 1)) / n
