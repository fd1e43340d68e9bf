"""Servers on loopback that speak what exchanges speak."""
