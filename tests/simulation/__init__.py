"""Deterministic simulation: the order manager before a venue where everything goes wrong (docs/simulation_testing.md)."""
