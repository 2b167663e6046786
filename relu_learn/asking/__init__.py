"""The door to a black box: it asks, counts, limits and remembers; it knows nothing of networks."""
