"""Order books: the level-2 ladder, the level-3 price-time book, queue models, market impact, quoting on both."""
