"""Run with `PYTHONPATH=src python -m unittest discover -s tests`."""

from __future__ import annotations

import math
import unittest
from datetime import date, timedelta
from pathlib import Path

from demand import backtest, generate, train
from demand.forecast import Model, Sale, read

DATA = Path(__file__).parents[1] / "data" / "sales.csv"
MONDAY = date(2024, 1, 1)
FLAT = Model((1.0,) * 7, promotion=2.0, smoothing=0.5)


def sales(units: list[int], promotions: frozenset[int] = frozenset()) -> list[Sale]:
    """One store's days from a Monday on."""
    return [Sale(MONDAY + timedelta(days=i), "S01", i in promotions, sold) for i, sold in enumerate(units)]


class Forecast(unittest.TestCase):
    """The level and its factors."""

    def test_the_level_moves_by_the_smoothing(self) -> None:
        first, *others = FLAT.forecasts(sales([10, 20, 40]))
        assert math.isnan(first)
        assert others == [10.0, 15.0]

    def test_a_promotion_raises_the_forecast_but_not_the_level(self) -> None:
        assert FLAT.forecasts(sales([10, 20, 10], frozenset({1})))[1:] == [20.0, 10.0]

    def test_no_forecast_uses_its_own_day_or_a_later_one(self) -> None:
        early, late = FLAT.forecasts(sales([10, 20, 40, 5])), FLAT.forecasts(sales([10, 20, 999, 0]))
        assert early[1:3] == late[1:3]


class Train(unittest.TestCase):
    """Factors and smoothing."""

    def test_factors(self) -> None:
        # Saturdays sell double; the one promotion, on the eighth day, sells 24.
        week = [8, 8, 8, 8, 8, 16, 8]
        model = train.factors({"S01": sales([*week, 24, *week[1:]], frozenset({7}))})
        average = (11 * 8 + 2 * 16) / 13
        assert model.promotion == 24 / average
        assert math.isclose(model.weekdays[5], 16 / average)
        assert math.isclose(model.weekdays[0], 8 / average)

    def test_the_invented_factors_are_found(self) -> None:
        model = train.fit(read(DATA))
        assert abs(model.promotion / model.weekdays[0] - 1.35 / 0.85) < 0.1
        assert abs(model.weekdays[5] / model.weekdays[0] - 1.45 / 0.85) < 0.05

    def test_the_committed_table_is_the_generated_one(self) -> None:
        assert DATA.read_text(encoding="utf-8") == generate.table()


class Backtest(unittest.TestCase):
    """The comparison with last week."""

    def test_ratio_and_standard_error(self) -> None:
        # Days sum to (3, 4) and (1, 4): ratio 4/8; residuals +1 and -1: sqrt(2 / 1 / 2) / 4.
        by_day = {MONDAY: [(1.0, 2.0), (2.0, 2.0)], MONDAY + timedelta(days=1): [(1.0, 4.0)]}
        assert backtest.ratio(by_day) == (0.5, 0.25)

    def test_last_week_is_seven_days_back(self) -> None:
        by_day = backtest.errors(FLAT, {"S01": sales([10, 1, 1, 1, 1, 1, 1, 4])}, MONDAY + timedelta(days=7))
        assert [pair[1] for pair in by_day[MONDAY + timedelta(days=7)]] == [6]


if __name__ == "__main__":
    unittest.main()
