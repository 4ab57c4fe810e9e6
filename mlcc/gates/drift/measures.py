"""How far one sample's distribution is from another's, and how far chance alone brings it.

Every measure has an effect, which doesn't depend on the number of rows, and a limit that it exceeds with a
given probability (`tail`) where both samples come from one distribution. With h = 1/n + 1/m, the squared
measures are, to the second order, chi-square / constant * h (Pardo 2006, theorem 3.1, for all divergences).
"""

from __future__ import annotations

from math import isinf, log, pi, sqrt

from mlcc.gates._chi_square import chi_square_quantile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LEAST_EXPECTED = 10
# How many rows more than expected, in standard deviations, make a cell of its own out of a rare one.
_SURPRISE, _LEAST_SURPRISE = 4, 6
_MOST_ROWS = 10**12


class Sample:
    """Counts of the same cells in the reference and in the current table; `positions` where cells have an order.

    Raises ValueError where a side has none.
    """

    __slots__ = ("current", "m", "n", "positions", "reference")

    def __init__(
        self, reference: Sequence[int], current: Sequence[int], positions: Sequence[float] | None = None
    ) -> None:
        self.m = sum(reference)
        self.n = sum(current)
        if not self.m or not self.n:
            raise ValueError("there are no values to compare")
        self.reference = list(reference)
        self.current = list(current)
        self.positions = positions

    def shares(self) -> list[tuple[float, float]]:
        """Return each cell's share in the reference and in the current table."""
        return [(a / self.m, b / self.n) for a, b in zip(self.reference, self.current)]  # noqa: B905

    def pooled(self) -> list[float]:
        """Return each cell's share in both samples together."""
        return [(a + b) / (self.n + self.m) for a, b in zip(self.reference, self.current)]  # noqa: B905


def cells_of(measure: str, sample: Sample) -> Sample:
    """Return the sample with the cells that a measure is taken over.

    The measures by squares have rare cells put together, which their limit needs. The largest change of a share
    has every cell with rows apart, for one that neither side has can't change; those of numbers all of them.
    """
    if measure in _BY_SQUARES:
        return merged(sample)
    return sample if measure in ORDERED else populated(sample)


def populated(sample: Sample) -> Sample:
    """Return the sample without the cells that have rows on neither side."""
    kept = [pair for pair in zip(sample.reference, sample.current) if any(pair)]  # noqa: B905
    return Sample([a for a, _ in kept], [b for _, b in kept])


def merged(sample: Sample) -> Sample:
    """Return the sample with neighbouring cells put together until the smaller side expects 10 rows in each.

    With fewer, the measures' distribution is no longer near chi-square (Cochran 1952 asks for 5; 10 keeps the
    tail that a gate needs). A rare cell that has far more rows than chance explains stays one of its own.
    """
    reference: list[int] = []
    current: list[int] = []
    least, expected, full = min(sample.n, sample.m), 0.0, True
    for cell, share in enumerate(sample.pooled()):
        if full:
            reference.append(0)
            current.append(0)
            expected, full = 0.0, False
        reference[-1] += sample.reference[cell]
        current[-1] += sample.current[cell]
        expected += share * least
        most = max(sample.reference[cell] / sample.m, sample.current[cell] / sample.n) * least
        full = expected >= LEAST_EXPECTED or most >= share * least + _surprise(share * least)
    if not full and len(reference) > 1:
        reference[-2:] = [sum(reference[-2:])]
        current[-2:] = [sum(current[-2:])]
    return Sample(reference, current)


def hidden(sample: Sample) -> float:
    """Return by how much a rare cell's share may grow before `merged` keeps it apart, at most."""
    return _surprise(LEAST_EXPECTED) / min(sample.n, sample.m)


def _surprise(expected: float) -> float:
    """Return how many rows more than expected chance doesn't explain, with a wide margin."""
    return _SURPRISE * sqrt(expected) + _LEAST_SURPRISE


def psi(sample: Sample) -> float:
    """Return the population stability index: sum of (q - p) * ln(q / p).

    Each cell counts half a row more, so that an empty one has a logarithm. See Yurdakul and Naranjo (2020).
    """
    k = len(sample.reference)
    total = 0.0
    for a, b in zip(sample.reference, sample.current):  # noqa: B905
        p, q = (a + 0.5) / (sample.m + 0.5 * k), (b + 0.5) / (sample.n + 0.5 * k)
        total += (q - p) * log(q / p)
    return max(total, 0.0)


def psi_limit(sample: Sample, n: float, m: float, tail: float) -> float:
    """Return the limit of PSI: chi-square * h with k - 1 degrees of freedom (Yurdakul and Naranjo 2020)."""
    return _chi_square(sample, n, m, tail)


def jensen_shannon(sample: Sample) -> float:
    """Return the Jensen-Shannon distance to base 2, from 0 to 1 (Lin 1991; Endres and Schindelin 2003)."""
    total = 0.0
    for p, q in sample.shares():
        middle = (p + q) / 2
        total += (p * log(p / middle) if p else 0.0) + (q * log(q / middle) if q else 0.0)
    return sqrt(max(total, 0.0) / 2 / log(2))


def jensen_shannon_limit(sample: Sample, n: float, m: float, tail: float) -> float:
    """Return the limit of the distance: its square is chi-square * h / 8 / ln 2."""
    return sqrt(_chi_square(sample, n, m, tail) / 8 / log(2))


def chi_square(sample: Sample) -> float:
    """Return Cramér's V (1946) of the table of two samples by cells, weighted as if both had as many rows.

    It is sqrt(sum of (p - q)^2 / (p + q) / 2), from 0 to 1; unweighted it would fall as n / m departs from 1.
    """
    return sqrt(sum((p - q) ** 2 / (p + q) for p, q in sample.shares() if p + q) / 2)


def chi_square_limit(sample: Sample, n: float, m: float, tail: float) -> float:
    """Return the limit of V: its square is chi-square * h / 4 (Pearson 1900)."""
    return sqrt(_chi_square(sample, n, m, tail) / 4)


def l_infinity(sample: Sample) -> float:
    """Return the largest difference of a cell's shares."""
    return max(abs(p - q) for p, q in sample.shares())


def l_infinity_limit(sample: Sample, n: float, m: float, tail: float) -> float:
    """Return the limit: the largest over the cells of each share's own."""
    return max(_share_limits(sample, n, m, tail))


def share_over(sample: Sample, threshold: float, tail: float) -> tuple[float, float] | None:
    """Return the change and the limit of the share that is furthest over both its own limit and `threshold`.

    None where no share is. A rare category's limit is far lower than a frequent one's; the cells share the tail,
    so that one of them exceeds its own no more often than `tail` (Bonferroni).
    """
    limits = _share_limits(sample, sample.n, sample.m, tail)
    changes = [abs(p - q) for p, q in sample.shares()]
    change, limit = max(zip(changes, limits), key=lambda pair: pair[0] - max(threshold, pair[1]))  # noqa: B905
    return (change, limit) if change > max(threshold, limit) else None


def _share_limits(sample: Sample, n: float, m: float, tail: float) -> list[float]:
    """Return each share's limit: the normal quantile at tail / cells.

    With the skewness of the difference (Cornish and Fisher 1938), which counts where a cell is rare.
    """
    from statistics import NormalDist

    shares = sample.pooled()
    if len(shares) < 2:
        return [0.0]
    z = -NormalDist().inv_cdf(tail / 2 / len(shares))
    spread, skew = 1 / n + 1 / m, abs(1 / n - 1 / m)
    return [z * sqrt(s * (1 - s) * spread) + (z * z - 1) / 6 * abs(1 - 2 * s) * skew for s in shares]


def ks(sample: Sample) -> float:
    """Return the largest distance of the two distribution functions at the cells' ends (Kolmogorov, Smirnov)."""
    return max(map(abs, _gaps(sample)), default=0.0)


def ks_limit(sample: Sample, n: float, m: float, tail: float) -> float:
    """Return the limit sqrt(ln(2 / tail) / 2 * h) (Smirnov 1939); cells make it only more cautious."""
    del sample
    return sqrt(log(2 / tail) / 2 * (1 / n + 1 / m))


def wasserstein(sample: Sample) -> float:
    """Return the mean way from one distribution to the other, in the reference's standard deviations.

    Both lie at the cells' `positions`, that is at the reference's median in each bin. Raises ValueError where
    the reference has one value only.
    """
    return sum(abs(gap) * width for gap, width in zip(_gaps(sample), _widths(sample)))  # noqa: B905


def wasserstein_limit(sample: Sample, n: float, m: float, tail: float) -> float:
    """Return the limit (mean + z * deviation) * sqrt(h), with z the normal quantile at `tail`.

    The distance is near the integral of a Brownian bridge's absolute value (del Barrio, Giné and Matrán 1999),
    whose mean is known. A convex function of a Gaussian exceeds its median, and so its mean (Kwapień 1994), by
    z deviations at most (Borell 1975); the deviation is the largest over all signs, that of the plain integral.
    """
    from statistics import NormalDist

    z = -NormalDist().inv_cdf(tail)
    widths = _widths(sample)
    upto: list[float] = []
    for share in sample.pooled()[:-1]:
        upto.append((upto[-1] if upto else 0.0) + share)
    mean = sqrt(2 / pi) * sum(w * sqrt(max(f * (1 - f), 0.0)) for f, w in zip(upto, widths))  # noqa: B905
    # The variance of the integral: sum over pairs i <= j of w_i * w_j * F_i * (1 - F_j), twice where i < j.
    variance = below = 0.0
    for f, w in zip(upto, widths):  # noqa: B905
        variance += w * (1 - f) * (2 * below + w * f)
        below += w * f
    return (mean + z * sqrt(max(variance, 0.0))) * sqrt(1 / n + 1 / m)


# Measure -> its effect, and its limit without drift.
MEASURES: dict[str, tuple[Callable[[Sample], float], Callable[[Sample, float, float, float], float]]] = {
    "psi": (psi, psi_limit),
    "jensen_shannon": (jensen_shannon, jensen_shannon_limit),
    "l_infinity": (l_infinity, l_infinity_limit),
    "ks": (ks, ks_limit),
    "wasserstein": (wasserstein, wasserstein_limit),
    "chi_square": (chi_square, chi_square_limit),
}
# The measures of numbers alone; the others are of cells in any order.
ORDERED = ("ks", "wasserstein")
_BY_SQUARES = ("psi", "jensen_shannon", "chi_square")
# The measures of which no effect is over 1.
BOUNDED = ("jensen_shannon", "l_infinity", "ks", "chi_square")


def rows_needed(measure: str, sample: Sample, threshold: float, tail: float) -> int | None:
    """Return how many current rows bring a measure's limit, with all cells apart, down to `threshold`.

    None where the reference is too small.
    """
    limit = MEASURES[measure][1]
    cells = sample if measure in ORDERED else populated(sample)
    if limit(cells, _MOST_ROWS, cells.m, tail) > threshold:
        return None
    low, high = 1, _MOST_ROWS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if limit(cells, middle, cells.m, tail) <= threshold else (middle + 1, high)
    return low


def _chi_square(sample: Sample, n: float, m: float, tail: float) -> float:
    df = len(sample.reference) - 1
    return chi_square_quantile(tail, df) * (1 / n + 1 / m) if df else 0.0


def _gaps(sample: Sample) -> list[float]:
    """Return the difference of the distribution functions at the end of each cell but the last."""
    gaps: list[float] = []
    a = b = 0
    for in_reference, in_current in list(zip(sample.reference, sample.current))[:-1]:  # noqa: B905
        a, b = a + in_reference, b + in_current
        gaps.append(a / sample.m - b / sample.n)
    return gaps


def _widths(sample: Sample) -> list[float]:
    """Return the ways from each cell's position to the next, in the reference's standard deviations."""
    places = sample.positions or []
    scale = max(map(abs, places), default=0.0)
    if not scale or isinf(scale):
        raise ValueError("the reference has one value only")
    unit = [place / scale for place in places]  # so that squares don't overflow
    mean = sum(a * x for a, x in zip(sample.reference, unit)) / sample.m  # noqa: B905
    variance = sum(a * (x - mean) ** 2 for a, x in zip(sample.reference, unit)) / sample.m  # noqa: B905
    if variance <= 1e-24:
        raise ValueError("the reference has one value only")
    return [(high - low) / sqrt(variance) for low, high in zip(unit, unit[1:])]  # noqa: B905, RUF007
