"""Rounded, float32 and noisy answers."""
