"""Deterministic simulation: the order manager before a venue where everything goes wrong."""
