"""How assets move together: correlation that follows time, shrinkage, and the Student t copula."""
