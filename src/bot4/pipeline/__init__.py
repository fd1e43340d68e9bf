"""The journey of an event, in its order: market, features, signals, decision, risk, execution, feedback."""
