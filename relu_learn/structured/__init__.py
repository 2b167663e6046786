"""Fewer queries: gradients that are known from a few directions, as first layers have a structure,
and pieces of a line from two samples."""
