"""The widgets, on the kernel's side of the wire (tests/browser has the other side)."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import ipywidgets
import numpy as np
import plotly.graph_objects as go
import pytest
from ipywidgets.widgets.widget import _instances

from relu_learn.core.errors import InvalidArgument
from relu_learn.figures.patch import Patch
from relu_learn.widgets import lifecycle
from relu_learn.widgets.lifecycle import Messages, close_tree
from relu_learn.widgets.panel import Panel, PlotlyLibrary, encode


@pytest.fixture(autouse=True)
def no_widget_left_alive() -> Any:
    PlotlyLibrary.ensure()  # the one widget that stays
    before = set(_instances)
    yield
    left = set(_instances) - before
    assert not left, [type(_instances[key]).__name__ for key in left]


class Wire:
    """Records what a panel sends."""

    def __init__(self, panel: Panel) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        panel.send = lambda content, buffers=None: self.sent.append((content, buffers))


@pytest.fixture
def panel() -> Any:
    figure = go.Figure(
        [go.Heatmap(z=np.eye(3)), go.Scatter(x=[0, 1], y=[0, 1])],
        {"title": {"text": "old"}, "shapes": [{"type": "line", "x0": 0, "x1": 1}]},
    )
    made = Panel(figure, label="test")
    yield made
    made.dispose()


class TestEncode:
    @pytest.mark.parametrize(
        ("dtype", "code"),
        [("f8", "f8"), ("f4", "f4"), (">f8", "f8"), ("i4", "i4"), ("i8", "f8"), ("?", "f8")],
    )
    def test_arrays_become_little_endian_buffers(self, dtype: str, code: str) -> None:
        array = np.arange(6).reshape(2, 3).astype(dtype)
        coded = encode(array)
        assert (coded["$nd"], coded["shape"]) == (code, [2, 3])
        back = np.frombuffer(coded["data"], "<" + code).reshape(2, 3)
        np.testing.assert_array_equal(back, array.astype(float))

    def test_plotly_typed_arrays_are_unpacked(self) -> None:
        figure = go.Figure(go.Heatmap(z=np.arange(6.0).reshape(2, 3)))
        coded = encode(figure.to_dict()["data"][0]["z"])
        assert coded["shape"] == [2, 3]
        assert np.frombuffer(coded["data"], "<f8").tolist() == list(range(6))

    def test_plain_values(self) -> None:
        tree = {"a": (1, None, "x"), "b": [float("nan"), np.float64(2)], "c": np.array([])}
        assert encode(tree) == {"a": [1, None, "x"], "b": [None, 2.0], "c": []}
        assert encode(np.array(["a", "b"])) == ["a", "b"]
        assert encode(go.scatter.Marker(color="red")) == {"color": "red"}


class TestPanel:
    def test_patch_sends_buffers_and_keeps_the_kernel_copy(self, panel: Panel) -> None:
        wire = Wire(panel)
        changed = Patch({0: {"z": -np.eye(3, dtype="f4")}}, {"title.text": "new"})
        assert panel.patch(changed)
        (content, buffers), *rest = wire.sent
        assert not rest
        assert content["layout"] == {"title.text": "new"}
        assert content["places"] == [[["traces", "0", "z"], 0]]
        assert len(buffers[0]) == 9 * 4
        assert panel.figure["layout"]["title"]["text"] == "new"
        assert panel.figure["data"][0]["z"]["data"] == buffers[0]

    def test_what_did_not_change_is_not_sent(self, panel: Panel) -> None:
        wire = Wire(panel)
        patch = Patch({0: {"z": np.eye(3)}, 1: {"x": [0, 2]}}, {"title.text": "old"})
        assert panel.patch(patch)
        assert wire.sent[0][0]["traces"] == {"1": {"x": [0, 2]}}
        assert wire.sent[0][0]["layout"] == {}
        assert not panel.patch(patch)
        assert len(wire.sent) == 1

    def test_unknown_trace(self, panel: Panel) -> None:
        with pytest.raises(InvalidArgument, match="no trace 2 in a figure of 2 traces"):
            panel.patch(Patch({2: {"x": [1]}}))

    def test_replace_with_patch(self, panel: Panel) -> None:
        panel.replace(go.Figure([go.Scatter(x=[1], y=[2])]), Patch({0: {"x": [7]}}))
        assert panel.figure["data"][0]["x"] == [7]

    def test_callbacks(self, panel: Panel) -> None:
        clicks: list[Any] = []
        drags: list[Any] = []
        drops: list[Any] = []
        panel.on_click(clicks.append)
        panel.on_drag(drags.append)
        panel.on_drag(drops.append, live=False)
        panel._receive(panel, {"kind": "click", "content": {"x": 1, "y": 2}}, [])
        panel._receive(panel, {"kind": "dragging", "content": {"shapes[0].x0": 3}}, [])
        panel._receive(panel, {"kind": "dragged", "content": {"shapes[0].x0": 4}}, [])
        panel._receive(panel, {"kind": "nonsense"}, [])
        assert clicks == [{"x": 1, "y": 2}]
        assert drags == [{"shapes[0].x0": 3}, {"shapes[0].x0": 4}]
        assert drops == [{"shapes[0].x0": 4}]
        assert panel.figure["layout"]["shapes"][0]["x0"] == 4

    def test_callback_error_is_shown_and_goes_away(self, panel: Panel) -> None:
        panel.on_click(lambda click: 1 / click["x"])
        panel._receive(panel, {"kind": "click", "content": {"x": 0}}, [])
        assert "ZeroDivisionError" in panel.error
        panel._receive(panel, {"kind": "click", "content": {"x": 1}}, [])
        assert panel.error == ""

    def test_library_is_one_until_it_is_closed(self) -> None:
        library = PlotlyLibrary.ensure()
        assert PlotlyLibrary.ensure() is library
        assert len(library.compressed) < 2_000_000
        close_tree(library)
        another = PlotlyLibrary.ensure()
        assert another is not library
        close_tree(another)

    def test_disposed_panel_is_garbage(self) -> None:
        made = Panel(go.Figure())
        gone = weakref.ref(made)
        made.dispose()
        del made
        gc.collect()
        assert gone() is None


class TestLifecycle:
    def test_running_a_cell_again_disposes_its_widgets(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cell = ("cell-1", 1)
        monkeypatch.setattr(lifecycle, "_current_cell", lambda: cell)
        first, second = Panel(go.Figure()), Panel(go.Figure())
        assert first.comm is not None and second.comm is not None
        cell = ("cell-1", 2)
        third = Panel(go.Figure())
        assert first.comm is None and second.comm is None and third.comm is not None
        third.dispose()

    def test_close_tree(self) -> None:
        box = ipywidgets.VBox([ipywidgets.HBox([ipywidgets.Button()]), ipywidgets.IntSlider()])
        close_tree(box)  # the fixture looks for what is left

    def test_messages(self) -> None:
        messages = Messages()
        assert messages.layout.display == "none"

        @messages.guard
        def callback(number: float) -> None:
            if number < 0:
                raise InvalidArgument("number: must not be negative, got <-1>")
            messages.say(str(1 / number))

        callback(-1)
        assert "must not be negative, got &lt;-1&gt;" in messages.value
        assert "Traceback" not in messages.value
        callback(0)
        assert "ZeroDivisionError" in messages.value and "Traceback" in messages.value
        assert 'role="alert"' in messages.value and messages.layout.display is None
        messages.clear()
        assert (messages.value, messages.layout.display) == ("", "none")
        close_tree(messages)
