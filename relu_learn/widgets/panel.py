"""Panel: a live plotly figure that is light enough to have several of on a page.

plotly.js travels to the page once, see `library`. A panel is then a few kilobytes: it sends its
figure once and afterwards only what changes, numbers as binary buffers.
"""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np
import plotly
import plotly.graph_objects as go
import traitlets

from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.patch import Patch, assign
from relu_learn.widgets.library import PlotlyLibrary
from relu_learn.widgets.lifecycle import live_and_die_with_cell
from relu_learn.widgets.lifeline import LiveWidget, module, styles

_TYPED_ARRAYS = ("f8", "f4", "i4", "u4", "i2", "u2", "i1", "u1")


def encode(value: Any) -> Any:
    """Turn a figure's tree into JSON plus binary leaves {"$nd": dtype, "shape", "data": bytes}.

    NaN and infinities become None inside lists; inside binary arrays they stay (plotly reads both
    as gaps).
    """
    if isinstance(value, dict):
        if "bdata" in value and "dtype" in value:  # plotly's own typed arrays, in base64
            array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
            shape = value.get("shape")
            return _encode_array(array.reshape(_shape(shape)) if shape else array)
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, np.generic):
        return encode(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if hasattr(value, "to_plotly_json"):
        return encode(value.to_plotly_json())
    return value


def _shape(text: str | int) -> tuple[int, ...]:
    return tuple(int(n) for n in str(text).split(","))


def _encode_array(array: np.ndarray) -> Any:
    if array.dtype.kind in "iub" and array.dtype.itemsize in (1, 8):
        # JavaScript has no 64-bit typed array that plotly takes, and no booleans.
        array = array.astype(float)
    code = array.dtype.str[1:]
    if code not in _TYPED_ARRAYS or array.ndim not in (1, 2) or array.size == 0:
        return [encode(item) for item in array.tolist()]
    little = np.ascontiguousarray(array, dtype="<" + code)
    return {"$nd": code, "shape": list(array.shape), "data": little.tobytes()}


def _split(tree: Any, path: list[Any], buffers: list[bytes], places: list[Any]) -> Any:
    """Copy a patch without its bytes; remember where each buffer belongs."""
    if isinstance(tree, dict):
        if "$nd" in tree:
            places.append([path, len(buffers)])
            buffers.append(tree["data"])
            return {key: item for key, item in tree.items() if key != "data"}
        return {key: _split(item, [*path, key], buffers, places) for key, item in tree.items()}
    if isinstance(tree, list):
        return [_split(item, [*path, i], buffers, places) for i, item in enumerate(tree)]
    return tree


def compact(tree: dict[str, Any]) -> None:
    """Nothing beside the frame: names stand on their curves, the scale of a map lies below.

    A legend above or below the figure stays: it has more entries than curves have room for. That of
    bars, on which nothing can be written, moves there.
    """
    layout = tree["layout"]
    if sum(trace["type"] == "bar" for trace in tree["data"]) > 1:
        layout["legend"] = {"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"}
    if layout.get("legend", {}).get("orientation") != "h" and layout.get("showlegend", True):
        layout["showlegend"] = False
        layout["meta"] = {"names": True, **layout.get("meta", {})}
    for index, trace in enumerate(tree["data"]):
        if trace["type"] == "contour" and "colorbar" in trace:
            trace["showscale"] = False
            layout["meta"] = {"bar": index, **layout.get("meta", {})}


def titles(figure: dict[str, Any]) -> list[str]:
    """What is written over a figure, without its markup: lessons say there what is seen now."""
    layout = figure["layout"]
    written = [layout.get("title", {}).get("text", "")]
    written += [note.get("text", "") for note in layout.get("annotations", [])]
    plain = [html.unescape(re.sub(r"<[^>]*>", "", text or "")) for text in written]
    return [text.strip() for text in plain if text.strip()]


class Panel(LiveWidget):
    """One figure on the page, updated in place.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Drawn once, with every trace that will ever be needed (empty ones are free).
    label : str
        What kind of figure it is, for those who cannot see it. What it shows at the moment is read
        off its titles and added to it.
    config : dict, optional
        plotly.js configuration.
    compact : bool
        The figure stands in an explorer, where width is dear: see `compact`.

    Notes
    -----
    `patch` changes attributes, `replace` changes everything (a new theme). Both keep the kernel's
    copy current, so that a second view or a reloaded page shows the present state.
    """

    _esm = module(
        *("fit.js", "speak.js", "layer.js", "names.js", "light.js", "motion.js"),
        *("begin.js", "panel.js"),
    )
    _css = styles("panel.css")
    version = traitlets.Unicode(plotly.__version__).tag(sync=True)
    library = traitlets.Unicode().tag(sync=True)  # the widget that has plotly.js
    label = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    hand = traitlets.Unicode().tag(sync=True)  # the name of what can be dragged on it, see hands.py
    _figure = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        figure: go.Figure,
        *,
        label: str = "",
        config: dict[str, Any] | None = None,
        compact: bool = False,
    ) -> None:
        library = PlotlyLibrary.ensure()
        self._compact = compact
        self._config = {"displaylogo": False, "displayModeBar": False, **(config or {})}
        self._kind = ""
        self._callbacks: list[Callable[[dict[str, Any]], None]] = []
        self._patches = 0  # sent so far
        super().__init__(
            _figure=self._encoded(figure),
            library=library.model_id,
            layout=ipywidgets.Layout(width="100%", min_width="0"),
        )
        self.describe(label)
        self.on_msg(self._receive)
        live_and_die_with_cell(self)

    def _encoded(self, figure: go.Figure) -> dict[str, Any]:
        tree = figure.to_dict()
        if self._compact:
            compact(tree)
        return {
            "data": [encode(trace) for trace in tree.get("data", [])],
            "layout": encode(tree.get("layout", {})),
            "config": self._config,
        }

    @property
    def figure(self) -> dict[str, Any]:
        """The figure as it is now (encoded tree; for tests and the curious)."""
        return dict(self._figure)

    def describe(self, kind: str | None = None) -> None:
        """Say anew what is shown now, on a figure of another kind if it is given."""
        self._kind = self._kind if kind is None else kind
        self.label = ". ".join(filter(None, [self._kind.strip(". "), *titles(self._figure)]))

    def patch(self, patch: Patch) -> bool:
        """Apply a patch here and on the page; what is as it was already is not sent.

        Returns
        -------
        bool
            Whether anything was sent.
        """
        traces: dict[str, dict[str, Any]] = {}
        for index, changes in patch.traces.items():
            if not 0 <= index < len(self._figure["data"]):
                count = len(self._figure["data"])
                raise InvalidArgument(f"patch: no trace {index} in a figure of {count} traces")
            fresh = self._update(self._figure["data"][index], changes)
            if fresh:
                traces[str(index)] = fresh
        layout = self._update(self._figure["layout"], patch.layout)
        if not traces and not layout:
            return False
        buffers: list[bytes] = []
        places: list[Any] = []
        content = _split({"traces": traces, "layout": layout}, [], buffers, places)
        self.send({"kind": "patch", "places": places, **content}, buffers)
        self._patches += 1
        self.describe()
        return True

    def catch_up(self) -> None:
        """Say how many patches there were: a page that missed some asks for the figure."""
        self.send({"kind": "sent", "patches": self._patches})
        self.send_state(["label", "error"])

    @staticmethod
    def _update(tree: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        # In place, on purpose: assigning the trait would send the whole figure again.
        encoded = {path: encode(value) for path, value in changes.items()}
        return {path: value for path, value in encoded.items() if assign(tree, path, value)}

    def replace(self, figure: go.Figure, patch: Patch | None = None) -> None:
        """Draw another figure in this panel (after applying `patch` to it, if given)."""
        tree = self._encoded(figure)
        if patch is not None:
            for index, changes in patch.traces.items():
                self._update(tree["data"][index], changes)
            self._update(tree["layout"], patch.layout)
        self._figure = tree
        self.describe()

    def on_click(self, callback: Callable[[dict[str, Any]], None]) -> None:
        """Call back with {"x", "y", "trace", "point", "z"} when a place in the figure is clicked.

        x and y are where the pointer was, in axis units; trace and point name what lies there.
        """
        self._callbacks.append(callback)

    def _receive(self, _: Any, message: dict[str, Any], _buffers: Any) -> None:
        kind, content = message.get("kind"), message.get("content")
        if kind == "missed":
            self.send_state("_figure")
        if kind != "click" or not isinstance(content, dict):
            return
        for callback in self._callbacks:
            try:
                callback(content)
            except Exception as error:  # shown under the figure: nobody reads the kernel's log
                self.error = f"Something went wrong here: {type(error).__name__}: {error}"
                return
        self.error = ""

    def dispose(self) -> None:
        """Close the panel on both sides."""
        layout = self.layout
        self._callbacks.clear()
        self.close()
        if layout is not None:
            layout.close()
