"""The game: a plane to ask on, and the answers along the last line."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures import plane
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import dots, xy


@dataclasses.dataclass(frozen=True)
class GamePlane:
    """The frame of the input plane: the page draws map, answers, lines and creases on it.

    Parameters
    ----------
    theme : Theme
    reach : float
        The window is [-reach, reach]².
    """

    theme: Theme = THEMES["light"]
    reach: float = 3.0

    label = "Map of your hypothesis with your queries and creases; click to ask"

    @property
    def _plane(self) -> PlaneView:
        return PlaneView(self.theme, self.reach, span=(-1.0, 1.0), cells=2)

    def figure(self) -> go.Figure:
        """The plane before the first query."""
        figure = self._plane.figure()
        # A map without values would not notice clicks.
        figure.data[plane.MAP].update(
            z=np.zeros((2, 2), dtype="f4"),
            contours={"showlines": False},
            hovertemplate="(%{x:.3g}, %{y:.3g})<extra></extra>",
        )
        figure.update_layout(title={"text": "Click to ask"})
        return figure

    def patch(self, line: np.ndarray | None, top: float, revealed: bool) -> Patch:
        """The state of a game.

        Parameters
        ----------
        line : ndarray of shape (2, 2) or None
            Two queries on the line that the slice shows.
        top : float
            The largest value: colours run from -top to top, from the first query to the reveal.
        revealed : bool
        """
        levels = {f"contours.{key}": v for key, v in plane._levels(-top, top).items()}
        levels |= {f"colorbar.{key}": v for key, v in self._plane.ticks(-top, top).items()}
        title = "<b>The secret</b>, revealed" if revealed else "Your hypothesis F′ (click to ask)"
        lit = [] if line is None else [*map(float, (*line[0], *(line[1] - line[0])))]
        return Patch(
            {plane.MAP: {"zmin": -top, "zmax": top, **levels}},
            {"title.text": title, "meta.line": lit},
        )


@dataclasses.dataclass(frozen=True)
class GameSlice:
    """Answers along the chosen line; the page draws the hypothesis there."""

    theme: Theme = THEMES["light"]

    label = "Answers along the line through your last queries, and your hypothesis there"

    def figure(self) -> go.Figure:
        """The empty slice."""
        th = self.theme
        figure = go.Figure([dots("answer", th.marker("query", 1.4), "t = %{x:.3g}, F = %{y:.4g}")])
        figure.update_layout(
            template=th.template,
            height=round(0.75 * th.height),
            meta={"slice": True},
            title={"text": "Along the line: ask twice to get one"},
            showlegend=False,
            xaxis={"title": {"text": "t (0: one query, 1: the next)"}, "range": [-0.2, 1.2]},
            yaxis={"title": {"text": "F"}},
        )
        return figure

    def patch(self, t: np.ndarray, answers: np.ndarray, limits: tuple[float, float]) -> Patch:
        """Answers (n,) at t (n,), and the part of the line that is shown."""
        layout: dict[str, Any] = {"title.text": "Along the line: ask twice to get one"}
        if len(t):
            low, high = float(answers.min()), float(answers.max())
            # The hypothesis may swing beyond the answers while it is wrong.
            pad = 0.4 * (high - low) or 0.5
            layout = {
                "title.text": f"Along the line: {len(t)} answers",
                "xaxis.range": list(limits),
                "yaxis.range": [low - pad, high + pad],
            }
        return Patch({0: xy(t, answers)}, layout)
