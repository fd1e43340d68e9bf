"""The venue conformance suite for execution: cases written once, and one driver a venue."""
