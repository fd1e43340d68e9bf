"""From a signal to a proposal: fusion of the voices, stop and targets, Kelly size."""
