"""Patches: what changes in a figure from one step to the next.

A figure is drawn once with all its traces; from then on a step is a `Patch`, a handful of dotted
attribute paths with their new values. The live panel sends a patch to the page, a still picture
applies it to the figure, an animation turns it into a frame: one language for all three.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import plotly.graph_objects as go


@dataclasses.dataclass(frozen=True)
class Patch:
    """New values for some attributes of a figure.

    Attributes
    ----------
    traces : dict of int to dict of str to object
        Per trace index: dotted path (such as "z" or "marker.color") to new value.
    layout : dict of str to object
        Dotted path (such as "title.text" or "shapes[0].x0") to new value.
    """

    traces: dict[int, dict[str, Any]] = dataclasses.field(default_factory=dict)
    layout: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __or__(self, other: Patch) -> Patch:
        """Both patches at once; where they disagree the right one wins."""
        traces = {i: dict(changes) for i, changes in self.traces.items()}
        for i, changes in other.traces.items():
            traces.setdefault(i, {}).update(changes)
        return Patch(traces, {**self.layout, **other.layout})

    def __bool__(self) -> bool:
        return bool(self.layout) or any(self.traces.values())


def path_keys(path: str) -> list[str | int]:
    """Split "shapes[0].line.color" into ["shapes", 0, "line", "color"]."""
    keys = re.sub(r"\[(\d+)\]", r".\1", path).split(".")
    return [int(key) if key.isdigit() else key for key in keys]


def assign(tree: Any, path: str, value: Any) -> bool:
    """Set a dotted path in a tree of dicts and lists; tell whether that changed anything.

    Missing parts are made on the way: dicts for names, lists for numbers.
    """
    *parents, last = path_keys(path)
    keys = [*parents, last]
    for key, following in zip(parents, keys[1:], strict=True):
        tree = _child(tree, key, list if isinstance(following, int) else dict)
    if isinstance(tree, list):
        tree.extend([None] * (int(last) + 1 - len(tree)))
        old = tree[int(last)]
        tree[int(last)] = value
    else:
        old = tree.get(last)
        tree[last] = value
    return not _same(old, value)


def _child(tree: Any, key: str | int, kind: type) -> Any:
    if isinstance(tree, list):
        tree.extend([None] * (int(key) + 1 - len(tree)))
        if tree[int(key)] is None:
            tree[int(key)] = kind()
    elif tree.get(key) is None:
        tree[key] = kind()
    return tree[key]


def _same(old: Any, new: Any) -> bool:
    # Arrays inside would make == an array: a patch that holds them raw always counts as a change.
    try:
        return bool(old == new)
    except ValueError:
        return False


def patched(figure: go.Figure, patch: Patch) -> go.Figure:
    """A copy of `figure` with the patch applied: the still picture of a step."""
    tree: dict[str, Any] = {
        "data": [trace.to_plotly_json() for trace in figure.data],
        "layout": _layout(figure),
    }
    for i, changes in patch.traces.items():
        for path, value in changes.items():
            assign(tree["data"][i], path, value)
    for path, value in patch.layout.items():
        assign(tree["layout"], path, value)
    return go.Figure(tree)


def _layout(figure: go.Figure) -> dict[str, Any]:
    layout = figure.layout.to_plotly_json()
    # Shapes and annotations come as tuples, and a path must be able to reach into them.
    for key in ("shapes", "annotations"):
        if key in layout:
            layout[key] = list(layout[key])
    return dict(layout)
