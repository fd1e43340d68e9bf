"""Pictures of bars with indicators and patterns, as SVG files that need nothing else."""
