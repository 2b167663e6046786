"""Answers only inside a box."""
