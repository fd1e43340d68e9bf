"""What the market is taken to say: the regime, and the slots of the voices."""
