"""Drawings of events and networks: pure functions that return plotly figures and patches."""
