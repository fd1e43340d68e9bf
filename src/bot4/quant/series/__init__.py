"""Bar and trade columns as data: their time grid, quality, aggregation and synthesis. Pure arrays, no I/O."""
