"""Predicts which departures from New York City in 2013 arrive late, or never."""
