"""What the market is taken to say: the regime, the voices, and the technical votes."""
