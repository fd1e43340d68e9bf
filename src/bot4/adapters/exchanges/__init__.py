"""Public market data of exchanges, through ccxt: downloads, instrument facts and live bars (``docs/venues.md``)."""
