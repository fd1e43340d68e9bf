"""The mathematics, which knows nothing of orders."""
