"""From approved decisions to commands, and from reports back to positions and money."""
