"""The drawings: pure functions of events and networks."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch, assign, patched, path_keys


class TestPatch:
    def test_paths(self) -> None:
        assert path_keys("shapes[0].line.color") == ["shapes", 0, "line", "color"]
        tree: dict = {"title": {"text": "old"}}
        assert assign(tree, "title.text", "new")
        assert not assign(tree, "title.text", "new")
        assert assign(tree, "shapes[1].x0", 3)
        assert tree == {"title": {"text": "new"}, "shapes": [None, {"x0": 3}]}
        assert assign(tree, "range[1]", 5)
        assert tree["range"] == [None, 5]

    def test_later_patch_wins(self) -> None:
        both = Patch({0: {"x": 1, "y": 2}}, {"a": 1}) | Patch({0: {"y": 3}, 1: {"x": 4}}, {"a": 2})
        assert both == Patch({0: {"x": 1, "y": 3}, 1: {"x": 4}}, {"a": 2})
        assert both and not Patch() and not Patch({0: {}})

    def test_still_picture_leaves_the_figure_alone(self) -> None:
        figure = go.Figure([go.Scatter(x=[1, 2], y=[3, 4])], {"title": {"text": "old"}})
        figure.add_shape(type="line", x0=0, x1=1, y0=0, y1=1)
        still = patched(
            figure,
            Patch(
                {0: {"x": np.array([5.0, 6.0]), "marker.color": "red"}},
                {"title.text": "new", "shapes[0].x0": -1},
            ),
        )
        assert (*still.data[0].x, still.data[0].marker.color) == (5, 6, "red")
        assert (still.layout.title.text, still.layout.shapes[0].x0) == ("new", -1)
        assert (*figure.data[0].x, figure.layout.title.text) == (1, 2, "old")
        assert figure.layout.shapes[0].x0 == 0
