"""Structured first layers: gradients that are known from a few directions."""
