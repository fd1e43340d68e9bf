"""The simulated exchange behind a Binance-shaped REST and WebSocket interface on loopback."""
