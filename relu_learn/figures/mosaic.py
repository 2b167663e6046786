"""Mosaic: several views as one figure, for whatever can show only one."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.run_view import State
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.view import View
from relu_learn.network import ReluNetwork


@dataclasses.dataclass(frozen=True)
class Cell:
    """A rectangle of the figure's plotting area, in fractions of it: x and y from low to high."""

    x: tuple[float, float]
    y: tuple[float, float]


# What the whole figure has only once: the mosaic itself decides.
_SHARED = {"template", "height", "showlegend", "legend", "meta"}
_MOVED = {"title", "plot_bgcolor"}
_AXIS = re.compile(r"([xy])axis(\d*)")


@dataclasses.dataclass(frozen=True)
class Mosaic:
    """Views side by side as one view: its figure and its patches are theirs, put in their places.

    A title becomes a line above its cell, a background a rectangle behind it; the legend is one
    for all. A view with annotations or shapes of its own does not fit in.

    Parameters
    ----------
    views : sequence of View
    cells : sequence of Cell
        One for each view.
    theme : Theme
    """

    views: Sequence[View]
    cells: Sequence[Cell]
    theme: Theme = THEMES["light"]

    @property
    def label(self) -> str:
        """The views' labels, one after the other."""
        return ". ".join(view.label for view in self.views)

    def figure(self) -> go.Figure:
        """The empty figure, with every trace that a run will need."""
        tiles = self._tiles
        layout: dict[str, Any] = {"template": self.theme.template, "showlegend": True}
        layout["annotations"] = [tile.title(self.theme) for tile in tiles]
        layout["shapes"] = [shape for tile in tiles for shape in tile.background()]
        for tile in tiles:
            layout |= tile.axes()
        return go.Figure([trace for tile in tiles for trace in tile.traces()], layout)

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """The views' patches as one."""
        whole = Patch()
        for view, tile in zip(self.views, self._tiles, strict=True):
            part = view.patch(state, truth)
            whole |= Patch(
                {tile.first_trace + i: changes for i, changes in part.traces.items()},
                {
                    tile.path(path): self._fitted(value) if path == "title.text" else value
                    for path, value in part.layout.items()
                    if not path.startswith("meta.")  # for a page with hands
                },
            )
        return whole

    def _fitted(self, title: str) -> str:
        return wrapped(title, letters(0.46, self.theme.font_size - 1))

    @functools.cached_property
    def _tiles(self) -> list[_Tile]:
        tiles: list[_Tile] = []
        taken = {"x": 0, "y": 0}
        first_trace = 0
        for number, (view, cell) in enumerate(zip(self.views, self.cells, strict=True)):
            figure = view.figure()
            tile = _Tile(figure, cell, number, first_trace, dict(taken))
            tiles.append(tile)
            first_trace += len(figure.data)
            for name in tile.names:
                taken[name[0]] += 1
        return tiles


@dataclasses.dataclass(frozen=True)
class _Tile:
    """One view's figure in its cell; `taken` counts the x and y axes of the tiles before it."""

    figure: go.Figure
    cell: Cell
    number: int
    first_trace: int
    taken: Mapping[str, int]

    @functools.cached_property
    def layout(self) -> dict[str, Any]:
        """The view's layout as a tree."""
        return dict(self.figure.layout.to_plotly_json())

    @functools.cached_property
    def names(self) -> dict[str, str]:
        """The view's axes, as traces call them ("x", "y2"), and what they are called here."""
        found = sorted(match.groups() for key in self.layout if (match := _AXIS.fullmatch(key)))
        count = dict(self.taken)
        names = {}
        for letter, number in found:
            count[letter] += 1
            names[letter + number] = letter + ("" if count[letter] == 1 else str(count[letter]))
        return names

    def path(self, path: str) -> str:
        """Where a path of the view's layout lies in the mosaic's."""
        head, dot, rest = path.partition(".")
        if head == "title":
            return f"annotations[{self.number}]{dot}{rest}"
        match = _AXIS.fullmatch(head)
        if match is None:
            raise ValueError(f"a mosaic has no place for a view's layout.{path}")
        return _axis(self.names[match[1] + match[2]]) + dot + rest

    def axes(self) -> dict[str, Any]:
        """The layout's axes, moved into the cell."""
        names, axes = self.names, {}
        for key in self.layout:
            if key in _SHARED | _MOVED:
                continue
            axis = dict(self.layout[key])
            for reference in ("overlaying", "scaleanchor"):
                if reference in axis:
                    axis[reference] = names[axis[reference]]
            letter = key[0]
            if "overlaying" not in axis:
                axis["domain"] = self.cell.x if letter == "x" else self.cell.y
            axis["anchor"] = names["y" if letter == "x" else "x"]
            axis["automargin"] = False  # or the other cells would move with the tick labels
            axis["tickangle"] = 0
            if "nticks" in axis:
                axis["nticks"] = min(axis["nticks"], 6)  # a cell is narrower than a panel
            axes[self.path(key)] = axis
        return axes

    def traces(self) -> list[dict[str, Any]]:
        """The view's traces, on their new axes."""
        moved = []
        for trace in self.figure.data:
            tree = dict(trace.to_plotly_json())
            tree |= {f"{a}axis": self.names[tree.get(f"{a}axis", a)] for a in "xy"}
            if self.layout.get("showlegend") is False:
                tree["showlegend"] = False
            if "colorbar" in tree:
                tree["colorbar"] = self._colorbar(tree["colorbar"])
            moved.append(tree)
        return moved

    def _colorbar(self, bar: Mapping[str, Any]) -> dict[str, Any]:
        (left, right), (low, high) = self.cell.x, self.cell.y
        return {
            **bar,
            "x": left + bar.get("x", 1.02) * (right - left),
            "y": low + bar.get("y", 0.5) * (high - low),
            "len": bar.get("len", 1.0) * (high - low),
        }

    def title(self, theme: Theme) -> dict[str, Any]:
        """The view's title, just above its axes."""
        x, y = self.names["x"], self.names["y"]
        return {
            "text": self.layout["title"]["text"],
            "xref": f"{x} domain",
            "yref": f"{y} domain",
            "x": 0,
            "y": 1,
            "xanchor": "left",
            "yanchor": "bottom",
            "align": "left",
            "showarrow": False,
            "font": {"size": theme.font_size - 1},
        }

    def background(self) -> list[dict[str, Any]]:
        """The view's own background, if it has one."""
        if "plot_bgcolor" not in self.layout:
            return []
        x, y = self.names["x"], self.names["y"]
        where = {"xref": f"{x} domain", "yref": f"{y} domain", "x0": 0, "x1": 1, "y0": 0, "y1": 1}
        look = {"fillcolor": self.layout["plot_bgcolor"], "line": {"width": 0}, "layer": "below"}
        return [{"type": "rect", **where, **look}]


LEAST_WIDTH = 1024  # pixels: the narrowest screen that still shows everything


def letters(share: float, size: float) -> int:
    """How many letters of that size fit into a share of the narrowest screen.

    A letter of a sans-serif font is, on average, a little less than half as wide as the font is
    high.
    """
    return int(share * 0.9 * LEAST_WIDTH / (0.46 * size))


def wrapped(text: str, letters: int) -> str:
    """Lines of at most that many letters, tags not counted: plotly does not break lines itself."""
    lines = [""]
    for word in re.findall(r"(?:<[^>]*>|[^ \n<])+", text):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and len(re.sub("<[^>]*>", "", longer)) > letters:
            lines.append(word)
        else:
            lines[-1] = longer
    return "<br>".join(lines)


def _axis(name: str) -> str:
    """ "x2" as the layout calls it: "xaxis2"."""
    return f"{name[0]}axis{name[1:]}"
