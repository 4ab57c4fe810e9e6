"""Run with `PYTHONPATH=src python -m unittest discover -s tests`."""

from __future__ import annotations

import math
import unittest
from pathlib import Path

from churn import generate, table, train

DATA = Path(__file__).parents[1] / "data" / "customers.csv"
ROW = {
    "id": "17",
    "tenure_months": "30",
    "plan": "plus",
    "monthly_charge": "27.50",
    "support_calls": "2",
    "autopay": "1",
    "churned": "0",
}


class Table(unittest.TestCase):
    """Reading and splitting."""

    def test_features(self) -> None:
        one = table.customer(ROW)
        assert one == table.Customer(17, (1.0, 2.5, 1.0, 0.0, 2.75, 2.0, 1.0), 0)
        assert one.held_out

    def test_an_unknown_plan_is_an_error(self) -> None:
        with self.assertRaisesRegex(ValueError, "unknown plan 'gold'"):  # noqa: PT027 (no pytest here)
            table.customer({**ROW, "plan": "gold"})

    def test_three_of_ten_are_held_out(self) -> None:
        assert sum(one.held_out for one in table.read(DATA)) == 1200

    def test_the_committed_table_is_the_generated_one(self) -> None:
        assert DATA.read_text(encoding="utf-8") == generate.table()


class Train(unittest.TestCase):
    """The fit, against answers worked out by hand."""

    def test_solve_needs_pivoting(self) -> None:
        # 2y = 4 and 3x + y = 5 have the solution x = 1, y = 2.
        assert train.solve([[0.0, 2.0], [3.0, 1.0]], [4.0, 5.0]) == [1.0, 2.0]

    def test_probability_is_finite_at_the_ends(self) -> None:
        assert 0 < train.probability([-1e9], [1.0]) < 1e-12
        assert train.probability([0.0], [1.0]) == 0.5

    def test_without_signal_the_fit_is_the_share(self) -> None:
        # One feature alone varies, equally among those who left (3 of 4) and those who stayed.
        group = [(1.0, calls, churned) for calls in (0.0, 1.0) for churned in (1, 1, 1, 0)]
        rows = [
            table.Customer(i, (one, 0, 0, 0, 0, calls, 0), left) for i, (one, calls, left) in enumerate(group)
        ]
        weights = train.fit(rows)
        assert math.isclose(weights[0], math.log(3), abs_tol=1e-5)
        assert math.isclose(weights[5], 0, abs_tol=1e-5)

    def test_the_invented_effects_are_found(self) -> None:
        weights = dict(zip(table.FEATURES, train.fit(table.read(DATA)), strict=True))
        # The generator's effects a year of tenure, a call and autopay, give or take four standard errors.
        assert abs(weights["tenure_years"] - -0.54) < 0.12
        assert abs(weights["support_calls"] - 0.45) < 0.1
        assert abs(weights["autopay"] - -0.9) < 0.35


if __name__ == "__main__":
    unittest.main()
