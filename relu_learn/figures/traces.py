"""Traces that start empty and are filled by patches."""

from __future__ import annotations

from collections.abc import Sequence
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


def labelled(xs: np.ndarray, names: Sequence[str], least: float) -> dict[str, Any]:
    """Bold names at points of shape (n, 2) for a patch; near ones share a place: "1, 2".

    Parameters
    ----------
    xs : ndarray of shape (n, 2)
    names : sequence of str
    least : float
        Names closer than this to another one are written together, in the middle.
    """
    groups: list[list[int]] = []
    for i in range(len(names)):
        near = [g for g in groups if np.linalg.norm(xs[g] - xs[i], axis=1).min() < least]
        groups = [g for g in groups if g not in near] + [[j for g in near for j in g] + [i]]
    places = np.reshape([xs[group].mean(axis=0) for group in groups], (-1, 2))
    texts = [", ".join(sorted((names[i] for i in g), key=lambda n: (len(n), n))) for g in groups]
    return {**points(places), "text": [f"<b>{text}</b>" for text in texts] or [""]}


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
