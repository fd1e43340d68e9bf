"""The outside world behind ports: storage, exchanges, and what else Bot4 talks to."""
