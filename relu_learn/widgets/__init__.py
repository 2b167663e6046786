"""ipywidgets around the figures: panel, transport, player, tasks."""
