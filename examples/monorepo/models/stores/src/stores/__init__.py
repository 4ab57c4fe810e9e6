"""Forecasts of daily sales, one store at a time: code that all stores share."""
