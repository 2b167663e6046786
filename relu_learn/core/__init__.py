"""The algorithm itself: numpy and scipy only, and nothing above it."""
