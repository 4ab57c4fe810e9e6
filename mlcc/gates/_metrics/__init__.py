"""Metrics of models, each with its error: one definition for every gate that judges predictions."""
