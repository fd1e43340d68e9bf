"""From bars to feature rows: the rings of every timeframe and the indicators over them."""
