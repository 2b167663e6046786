"""The last digits: what a single line measures badly, measured again elsewhere."""
