"""Chi-square quantiles against scipy's."""

from __future__ import annotations

import pytest
from scipy.stats import chi2

from mlcc.gates._chi_square import chi_square_quantile, chi_square_survival

TAILS = (0.999, 0.5, 0.05, 1e-3, 5e-5, 1e-6, 1e-9)
DEGREES = (1, 2, 3, 9, 21, 100, 199, 400)


@pytest.mark.parametrize("df", DEGREES)
def test_quantile(df: int) -> None:
    for tail in TAILS:
        assert chi_square_quantile(tail, df) == pytest.approx(chi2.isf(tail, df), rel=1e-11)


@pytest.mark.parametrize("df", DEGREES)
def test_survival(df: int) -> None:
    for x in (1e-9, 0.1, 1.0, df / 2, df, df + 1, 2.0 * df + 30):
        assert chi_square_survival(x, df) == pytest.approx(chi2.sf(x, df), rel=1e-11, abs=1e-15)
    assert chi_square_survival(0, df) == 1
