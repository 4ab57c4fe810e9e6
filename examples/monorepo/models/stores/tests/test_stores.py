"""The code that all stores share."""

from __future__ import annotations

import unittest

from stores.backtest import error_ratio
from stores.model import HELD_OUT, Smoothed


class Stores(unittest.TestCase):
    """What the model learns, on sales made up by hand."""

    def test_a_constant_level_is_learnt_at_once(self) -> None:
        model = Smoothed(0.5)
        for day in range(14):
            model.learn(day, 20.0)
        assert model.forecast(14) == 20.0

    def test_a_weekday_is_told_from_the_others(self) -> None:
        model = Smoothed(0.2)
        for day in range(700):
            model.learn(day, 30.0 if day % 7 == 5 else 10.0)
        assert model.forecast(705) > 2 * model.forecast(700)

    def test_the_ratio_is_of_absolute_errors(self) -> None:
        sold = [10.0] * 7 + [14.0] * HELD_OUT
        assert error_ratio(Smoothed(0.0, 12.0), sold) == (2.0 * HELD_OUT) / (4.0 * 7)


if __name__ == "__main__":
    unittest.main()
