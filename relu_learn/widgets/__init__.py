"""ipywidgets around the figures: panel, transport, player, tasks."""

from __future__ import annotations

from relu_learn.widgets.answers_file import answers

# First: the page reads plotly.js while the rest is imported.
from relu_learn.widgets.library import PlotlyLibrary
from relu_learn.widgets.look import choose as set_theme
from relu_learn.widgets.panel import Panel
from relu_learn.widgets.player import Player
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, NumberTask, Prediction
from relu_learn.widgets.transport import Transport

__all__ = [
    "BuildTask",
    "ChoiceTask",
    "NumberTask",
    "Panel",
    "Player",
    "PlotlyLibrary",
    "Prediction",
    "Transport",
    "answers",
    "set_theme",
]
