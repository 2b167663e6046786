"""Drawings of events and networks: pure functions that return plotly figures and patches."""

from relu_learn.figures.export import export_html
from relu_learn.figures.frames import animation
from relu_learn.figures.line import SliceView
from relu_learn.figures.loss import LossView
from relu_learn.figures.mosaic import Cell, Mosaic
from relu_learn.figures.neurons import NeuronsView
from relu_learn.figures.patch import Patch, patched
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.run_view import RunView, State
from relu_learn.figures.theme import THEMES, Theme, get_theme
from relu_learn.figures.view import View, still

__all__ = [
    "THEMES",
    "Cell",
    "LossView",
    "Mosaic",
    "NeuronsView",
    "Patch",
    "PlaneView",
    "RunView",
    "SliceView",
    "State",
    "Theme",
    "View",
    "animation",
    "export_html",
    "get_theme",
    "patched",
    "still",
]
