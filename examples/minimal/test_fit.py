"""Run with `python -m unittest`."""

from __future__ import annotations

import math
import unittest
from pathlib import Path

import fit


class Fit(unittest.TestCase):
    """The published fit of these data (Ezekiel 1930; `lm(dist ~ speed, cars)` in R) is the reference."""

    def test_coefficients(self) -> None:
        slope, intercept = fit.fit(fit.read(Path(__file__).with_name("stops.csv")))
        assert round(slope, 4) == 3.9324
        assert round(intercept, 4) == -17.5791

    def test_a_line_is_explained_wholly(self) -> None:
        assert math.isclose(fit.r2([(x, 2 * x + 1) for x in (0.0, 1.0, 2.0, 5.0)]), 1)

    def test_r2_predicts_each_point_from_the_others(self) -> None:
        # The lines through two of the points predict 2, 1 and 4 for the third: errors of 2, 1 and 2.
        assert math.isclose(fit.r2([(0.0, 0.0), (1.0, 2.0), (2.0, 2.0)]), 1 - (4 + 1 + 4) / (8 / 3))


if __name__ == "__main__":
    unittest.main()
