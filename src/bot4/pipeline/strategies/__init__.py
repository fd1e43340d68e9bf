"""The built-in strategies, and how a user's own is loaded (``docs/recipes/add_a_strategy.md``)."""
