"""What is done with a copy: small images in rows, and curves on plain axes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import dots, lines, xy

SIDE = 8  # pixels of an image


@dataclasses.dataclass(frozen=True)
class TilesView:
    """Images of 8 x 8 pixels in rows, each with a word above it if there are any.

    Parameters
    ----------
    theme : Theme
    label : str
    count, columns : int
        The default fills a square with 32 images, nearly.
    signed : bool
        Weights, each image scaled by its largest; otherwise pixels between 0 and 1.
    """

    theme: Theme = THEMES["light"]
    label: str = "Images"
    count: int = 32
    columns: int = 6
    signed: bool = True

    @property
    def _shape(self) -> tuple[int, int]:
        return -(-self.count // self.columns) * self._tall, self.columns * (SIDE + 1) - 1

    @property
    def _tall(self) -> int:
        """Rows of pixels from one image to the next: there is room for a word between pictures."""
        return SIDE + (1 if self.signed else 2)

    def _corner(self, i: int) -> tuple[int, int]:
        """Top row and left column of an image."""
        row, column = divmod(i, self.columns)
        return row * self._tall, column * (SIDE + 1)

    def figure(self) -> go.Figure:
        """No image yet."""
        th = self.theme
        tall, wide = self._shape
        scale: Any = [[0, "#0072B2"], [0.5, th.paper], [1, "#D55E00"]]
        if not self.signed:
            scale = [[0, "#ffffff"], [1, "#000000"]]
        corners = [self._corner(i) for i in range(self.count)]
        words = go.Scatter(
            x=[x + (SIDE - 1) / 2 for _, x in corners],
            y=[y - 1.1 for y, _ in corners],
            text=[""] * self.count,
            mode="text",
            hoverinfo="skip",
        )
        image = go.Heatmap(
            z=np.full(self._shape, np.nan, dtype="f4"),
            colorscale=scale,
            zmin=-1 if self.signed else 0,
            zmax=1,
            hoverinfo="skip",
            showscale=False,
        )
        figure = go.Figure([image, words])
        plain = {"visible": False, "fixedrange": True}
        figure.update_layout(
            template=th.template,
            height=th.height,
            plot_bgcolor=th.unknown,
            title={"text": ""},
            showlegend=False,
            xaxis={**plain, "range": [-1, wide], "constrain": "domain", "constraintoward": "left"},
            yaxis={**plain, "range": [tall - 0.5, -1 if self.signed else -2]}
            | {"scaleanchor": "x", "constrain": "domain", "constraintoward": "top"},
        )
        return figure

    def draw(self, images: Any, title: str, words: Sequence[str] = ()) -> Patch:
        """Images (n, 64); a row of NaN leaves its place empty."""
        z = np.full(self._shape, np.nan, dtype="f4")
        for i, image in enumerate(images):
            row, column = self._corner(i)
            size = (np.abs(image).max() or 1.0) if self.signed else 1.0
            z[row : row + SIDE, column : column + SIDE] = (image / size).reshape(SIDE, SIDE)
        some = [*words, *[""] * (self.count - len(words))]
        return Patch({0: {"z": z}, 1: {"text": some}}, {"title.text": title})


@dataclasses.dataclass(frozen=True)
class LinearView:
    """Curves on plain axes, each with a marker of its own, and a ring at the present setting.

    Parameters
    ----------
    theme : Theme
    names : sequence of str
        Of the curves, at most four.
    across, up : str
        Titles of the axes.
    span : tuple of float
        Ends of the horizontal axis.
    modes : sequence of str
        "lines+markers", "lines" or "markers", for each curve; those that are missing are as the
        last one.
    zero : bool
        Whether a line marks the value 0.
    """

    theme: Theme = THEMES["light"]
    names: tuple[str, ...] = ()
    across: str = ""
    up: str = ""
    span: tuple[float, float] = (0.0, 1.0)
    modes: tuple[str, ...] = ("lines+markers",)
    zero: bool = False

    @property
    def label(self) -> str:
        """For those who cannot see the chart."""
        return f"{self.up} against {self.across}: {', '.join(self.names)}"

    def figure(self) -> go.Figure:
        """The empty chart, its legend below."""
        th = self.theme
        looks = [
            (th.open, "triangle-down", "dash"),
            (th.crease, "diamond", "solid"),
            (th.line, "x", "dot"),
            (th.probe, "triangle-up", "dashdot"),
        ]
        data = []
        modes = [*self.modes, *self.modes[-1:] * len(self.names)]
        for name, mode, (color, symbol, dash) in zip(self.names, modes, looks, strict=False):
            marker = {"symbol": symbol, "size": 1.6 * th.marker_size, "color": color}
            curve = lines(name, color, th.line_width, f"{name}: %{{y:,.3g}}", dash=dash)
            data.append(curve.update(mode=mode, marker=marker))
        data.append(dots("now", th.marker("now"), showlegend=False))
        pad = 0.04 * (self.span[1] - self.span[0])
        figure = go.Figure(data)
        figure.update_layout(
            template=th.template,
            height=th.height,
            title={"text": ""},
            showlegend=True,
            legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"},
            xaxis={"title": {"text": self.across}}
            | {"range": [self.span[0] - pad, self.span[1] + pad], "nticks": 8},
            yaxis={"title": {"text": self.up}, "nticks": 7, "separatethousands": True}
            | {"zeroline": self.zero, "zerolinecolor": th.ink, "zerolinewidth": 2},
        )
        return figure

    def draw(
        self,
        curves: Sequence[tuple[Any, Any]],
        title: str,
        now: tuple[float, float] | None = None,
        **layout: Any,
    ) -> Patch:
        """Curves as pairs (x, y); the vertical axis shows all of them, unless `up_to` says else."""
        y = np.concatenate([np.asarray(values, dtype=float) for _, values in curves])
        low, high = layout.pop("up_to", (min(0.0, float(y.min())), max(0.0, float(y.max()))))
        pad = 0.06 * ((high - low) or 1.0)
        traces = {i: xy(*curve) for i, curve in enumerate(curves)}
        traces[len(self.names)] = xy() if now is None else xy([now[0]], [now[1]])
        return Patch(traces, {"title.text": title, "yaxis.range": [low - pad, high + pad]} | layout)
