"""Golden runs: what canonical strategies do with canonical data, kept, so that a change of behaviour shows."""
