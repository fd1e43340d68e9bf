"""Monte Carlo: price paths by compiled kernels, a random stream to each path, and what can be lost on them."""
