"""The game: a plane to ask on, and the answers along the last line."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.core.network import ReluNetwork
from relu_learn.figures import plane
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView, crease_segments
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import dots, lines, points, xy

_MOST_LABELS = 12
_CELLS = 31  # coarse: the map is drawn again while a slider moves


@dataclasses.dataclass(frozen=True)
class GamePlane:
    """The input plane: the player's hypothesis as a map, the answers as labelled dots.

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
        return PlaneView(self.theme, self.reach, span=(-1.0, 1.0), cells=_CELLS)

    def figure(self) -> go.Figure:
        """The plane before the first query."""
        th = self.theme
        figure = self._plane.figure()
        # A map without values would not notice clicks.
        z = np.zeros((_CELLS, _CELLS), dtype="f4")
        figure.data[plane.MAP].update(z=z, contours={"showlines": False})
        figure.data[plane.QUERIES].update(
            mode="markers+text",
            name="your query",
            textposition="top center",
            textfont={"size": th.font_size - 2, "color": th.ink},
        )
        figure.data[plane.CREASES].update(name="your crease")
        figure.data[plane.TRUE_CREASES].update(line={"width": th.line_width})
        hidden = (plane.LINE, plane.PROBES, plane.TESTS, plane.KINKS)
        for trace in hidden:
            figure.data[trace].update(visible=False, showlegend=False)
        figure.data[plane.LINE].update(visible=True, line={"width": 1.5})
        figure.update_layout(title={"text": "Click to ask"})
        return figure

    def patch(
        self,
        hypothesis: ReluNetwork,
        chosen: int,
        asked: np.ndarray,
        answers: np.ndarray,
        segment: np.ndarray | None,
        truth: ReluNetwork | None,
    ) -> Patch:
        """The state of a game.

        Parameters
        ----------
        hypothesis : ReluNetwork
        chosen : int
            The crease that the sliders move: it is drawn where the current line is elsewhere.
        asked, answers : ndarray of shape (n, 2) and (n,)
        segment : ndarray of shape (2, 2) or None
            Ends of the line that the slice shows.
        truth : ReluNetwork or None
            The secret, once it is revealed.
        """
        view = self._plane
        shown = hypothesis if truth is None else truth
        z = view.values(shown)
        seen = np.concatenate([answers, z.ravel()]) if len(answers) else z.ravel()
        low, high = float(seen.min()), float(seen.max())
        low, high = (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)
        texts = ["" for _ in answers[:-_MOST_LABELS]]
        texts += [f"{v:.2f}".replace("-", "−") for v in answers[-_MOST_LABELS:]]
        creases = crease_segments(hypothesis.weights, hypothesis.biases, self.reach)
        true: Any = (
            () if truth is None else crease_segments(truth.weights, truth.biases, self.reach)
        )
        levels = {f"contours.{key}": v for key, v in plane._levels(low, high).items()}
        levels |= {f"colorbar.{key}": v for key, v in view.ticks(low, high).items()}
        one = slice(chosen, chosen + 1)
        mine = crease_segments(hypothesis.weights[one], hypothesis.biases[one], self.reach)
        return Patch(
            {
                plane.MAP: {"z": z.astype("f4"), "zmin": low, "zmax": high, **levels},
                plane.TRUE_CREASES: {**xy(*true), "visible": truth is not None},
                plane.CREASES: xy(*creases),
                plane.LINE: xy() if segment is None else points(segment),
                plane.QUERIES: {**points(asked), "text": texts or [""]},
                plane.KINKS: {"visible": True, **_middle(mine)},
                plane.NOW: points(asked[-1:]),
            },
            {
                "title.text": "<b>The secret</b>, revealed"
                if truth is not None
                else "Your hypothesis F′ (click to ask)"
            },
        )


def _middle(ends: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    """A mark in the middle of one line; nothing if it misses the window."""
    x, y = ends
    return xy() if len(x) < 2 else {"x": [float(x[:2].mean())], "y": [float(y[:2].mean())]}


@dataclasses.dataclass(frozen=True)
class GameSlice:
    """Answers along the last line, and the hypothesis there."""

    theme: Theme = THEMES["light"]

    label = "Answers along the line through your last queries, and your hypothesis there"

    def figure(self) -> go.Figure:
        """The empty slice."""
        th = self.theme
        figure = go.Figure(
            [
                lines("your F′", th.crease, th.line_width, dash="dash"),
                dots("answer", th.marker("query", 1.4), "t = %{x:.3g}, F = %{y:.4g}"),
                lines("secret F", th.truth, th.line_width, dash="dot", visible=False),
            ]
        )
        figure.update_layout(
            template=th.template,
            height=round(0.75 * th.height),
            title={"text": "Along the line: ask twice to get one"},
            showlegend=True,
            legend={"orientation": "v", "x": 1.01, "y": 1},
            xaxis={"title": {"text": "t (0: one query, 1: the next)"}, "range": [-0.2, 1.2]},
            yaxis={"title": {"text": "F"}},
        )
        return figure

    def patch(
        self,
        t: np.ndarray,
        answers: np.ndarray,
        fine: np.ndarray,
        hypothesis: np.ndarray,
        truth: np.ndarray | None,
    ) -> Patch:
        """Answers (n,) at t (n,); hypothesis and truth at `fine` (q,)."""
        title = "Along the line: ask twice to get one"
        layout: dict[str, Any] = {"title.text": title}
        if len(t):
            drawn = np.concatenate([answers, hypothesis])
            low, high = float(drawn.min()), float(drawn.max())
            pad = 0.1 * (high - low) or 0.5
            layout = {
                "title.text": f"Along the line: {len(t)} answers",
                "xaxis.range": [float(fine[0]), float(fine[-1])],
                "yaxis.range": [low - pad, high + pad],
            }
        return Patch(
            {
                0: xy(fine, hypothesis) if len(t) else xy(),
                1: xy(t, answers),
                2: {**(xy() if truth is None or not len(t) else xy(fine, truth))}
                | {"visible": truth is not None},
            },
            layout,
        )
