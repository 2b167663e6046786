"""ipywidgets around the figures: panel, transport, player, tasks."""

from __future__ import annotations

from relu_learn.widgets.panel import Panel
from relu_learn.widgets.player import Player
from relu_learn.widgets.tasks import ChoiceTask, NumberTask, Prediction
from relu_learn.widgets.transport import Transport

__all__ = ["ChoiceTask", "NumberTask", "Panel", "Player", "Prediction", "Transport"]
