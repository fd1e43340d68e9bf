"""Deterministic simulation: the order manager in front of a venue where everything goes wrong (docs/simulation_testing.md)."""
