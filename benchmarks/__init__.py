"""What Bot4 costs in time and memory, measured beside its peers; nothing here asserts a time."""
