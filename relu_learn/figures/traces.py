"""Traces that start empty and are filled by patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go


def xy(x: Any = None, y: Any = None) -> dict[str, Any]:
    """Coordinates for a patch; nothing at all becomes one gap.

    (An empty list would make plotly drop the trace's entry from the legend.)
    """
    return {"x": [None], "y": [None]} if x is None or not len(x) else {"x": x, "y": y}


def points(xs: np.ndarray) -> dict[str, Any]:
    """Coordinates for a patch from points of shape (n, 2)."""
    return xy(xs[:, 0], xs[:, 1])


def lines(name: str, color: str, width: float, hover: str = "", **more: Any) -> go.Scatter:
    """A polyline without points yet; `dash` and `shape` go to the line, `hover` is a template."""
    line = {"color": color, "width": width}
    line |= {key: more.pop(key) for key in ("dash", "shape") if key in more}
    return go.Scatter(**xy(), mode="lines", name=name, line=line, **_hover(hover), **more)


def dots(name: str, marker: dict[str, Any], hover: str = "", **more: Any) -> go.Scatter:
    """A cloud of markers without points yet; `hover` is plotly's template."""
    return go.Scatter(**xy(), mode="markers", name=name, marker=marker, **_hover(hover), **more)


def _hover(template: str) -> dict[str, str]:
    return {"hovertemplate": template + "<extra></extra>"} if template else {"hoverinfo": "skip"}
