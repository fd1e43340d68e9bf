"""Runs judged: backtests, their results, and the report that shows them."""
