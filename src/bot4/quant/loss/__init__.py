"""How much can be lost: value at risk and expected shortfall by several methods, their parts, and their backtests.

Losses are positive, and in the unit of the returns that were given.
"""
