"""What every view is: an empty figure, and a patch for each state."""

from __future__ import annotations

from typing import Protocol

import plotly.graph_objects as go

from relu_learn.figures.patch import Patch, patched
from relu_learn.figures.run_view import State
from relu_learn.network import ReluNetwork


class View(Protocol):
    """A way to draw the states of a run. Views are values: same state, same picture."""

    label: str

    def figure(self) -> go.Figure:
        """The picture before anything has happened, with every trace that a run will need."""

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """All that depends on the state; the secret only when it is handed in to be revealed."""


def still(view: View, state: State, truth: ReluNetwork | None = None) -> go.Figure:
    """The picture of one state, as an ordinary figure."""
    return patched(view.figure(), view.patch(state, truth))
