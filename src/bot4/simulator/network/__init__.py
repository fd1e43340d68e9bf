"""What lies between us and the exchange: latency, one queue in event-time order, and everything that goes wrong."""
