"""What every room of the house speaks: instruments, exact money, events, orders, positions, errors, ports."""
