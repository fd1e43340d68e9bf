"""Forecasts of variance: one-step recursions and their sums over a horizon."""
