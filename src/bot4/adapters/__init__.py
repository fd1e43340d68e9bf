"""The outside world behind ports: exchanges, storage, telemetry."""
