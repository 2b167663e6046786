"""How good a network is, what was to be expected, and what it cost."""
