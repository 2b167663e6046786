"""Lesson 3: close neurons, what they merge to, and the error that is left."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures import line as slice_view
from relu_learn.figures import plane as plane_view
from relu_learn.figures.hyperplanes import (
    IntervalsView,
    arrow_trace,
    arrows,
    letters_apart,
    true_to_scale,
)
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView, crease_segments
from relu_learn.figures.run_view import State
from relu_learn.figures.theme import BLUE, THEMES, VERMILLION, Theme, number
from relu_learn.figures.traces import labelled, points, xy
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev

_NOTHING = 1e-9  # an error below this is rounding, and is drawn as none


@dataclasses.dataclass(frozen=True)
class Clump:
    """One neuron that was found, and the true neurons whose kinks it stands for.

    Attributes
    ----------
    members : tuple of int
        Indices of true neurons.
    weights : ndarray of shape (2,)
        The gradient jump a w that was found; zero if nothing was.
    t : float
        Its kink; NaN if nothing was found.
    """

    members: tuple[int, ...]
    weights: np.ndarray
    t: float


def true_kinks(network: ReluNetwork, line: ev.LineDrawn) -> np.ndarray:
    """Where the line meets the critical hyperplane of each neuron, (k,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            (network.biases - network.weights @ line.origin) / (network.weights @ line.direction)
        )


def true_jumps(network: ReluNetwork, line: ev.LineDrawn) -> np.ndarray:
    """By how much each neuron changes the gradient where the line crosses it, (k, d)."""
    side = np.sign(network.weights @ line.direction)
    return np.asarray((network.output_weights * side)[:, None] * network.weights)


def clumps(events: Sequence[ev.Event], network: ReluNetwork) -> list[Clump]:
    """Which true neurons each neuron of a run on one line stands for.

    In a grid run a jump was seen between two midpoints, and stands for every kink between them; in
    an adaptive run for the kinks at its place.
    """
    line = next(e for e in events if isinstance(e, ev.LineDrawn))
    start = next(e for e in events if isinstance(e, ev.RunStarted))
    kinks = true_kinks(network, line)
    grid = start.method == "grid"
    found: list[Clump] = []
    probes: list[float] = []
    for event in events:
        if isinstance(event, ev.LineDrawn) and event is not line:
            break  # a repair: the first line has told its story
        if isinstance(event, ev.GradientMeasured):
            probes.append(event.t)
        elif isinstance(event, ev.NeuronFound):
            blur = 1e-6 * (1 + abs(event.t))
            low, high = probes[-2:] if grid else (event.t - blur, event.t + blur)
            members = np.flatnonzero((kinks >= low) & (kinks <= high))
            weights = event.output_weights[0] * event.weights
            found.append(Clump(tuple(map(int, members)), weights, event.t))
    seen = {i for clump in found for i in clump.members}
    reach = max(map(abs, probes), default=0.0) if grid else np.inf
    lost = [i for i in range(len(kinks)) if i not in seen and abs(kinks[i]) <= reach]
    edges = np.sort(probes) if grid else np.sort(kinks[lost]) + 1e-6
    groups: dict[int, list[int]] = {}
    for i in lost:  # no jump although there are kinks: they cancel
        groups.setdefault(int(np.searchsorted(edges, kinks[i])), []).append(i)
    zero = np.zeros(network.dim)
    return found + [Clump(tuple(group), zero, np.nan) for group in groups.values()]


@dataclasses.dataclass(frozen=True)
class ErrorView(PlaneView):
    """Map of F - F', blue where F' is too large and red where it is too small.

    `on_line`: the line of the run and the kinks on it are drawn as well.
    """

    on_line: bool = True
    cells: int = 101  # drawn on release only; contours bend more sharply

    label = "Map of the error F minus F prime, with true creases and those found"

    def figure(self) -> go.Figure:
        """The empty map."""
        figure = super().figure()
        th = self.theme
        unused = [plane_view.QUERIES, plane_view.PROBES, plane_view.TESTS, plane_view.NOW]
        if not self.on_line:
            unused += [plane_view.LINE, plane_view.KINKS]
        for hidden in unused:
            figure.data[hidden].showlegend = False
        scale = [[0, BLUE], [0.5, th.paper], [1, VERMILLION]]
        figure.data[plane_view.MAP].update(colorscale=scale, zmin=-1, zmax=1)
        figure.data[plane_view.MAP].colorbar.title.text = "F − F′"
        halo = ", ".join([f"0 0 3px {th.paper}"] * 3)  # the map is dark at the border
        label = {"size": th.font_size + 1, "color": th.ink, "shadow": halo}
        figure.add_trace(
            go.Scatter(
                **xy(), mode="text", text=[""], textfont=label, hoverinfo="skip", showlegend=False
            )
        )
        return figure

    def draw(
        self,
        secret: ReluNetwork,
        found: ReluNetwork,
        creases: ReluNetwork,
        loss: tuple[float, str],
        line: ev.LineDrawn | None = None,
        kinks: np.ndarray | None = None,
    ) -> Patch:
        """The error of `found`, its `creases`, and the numbered creases of the secret."""
        z = self.values(secret - found)
        top = float(np.abs(z).max())
        if top < _NOTHING:
            z, top = np.zeros_like(z), 1.0
        value, kind = loss
        right = value < 1e-18
        path = xy()
        if line is not None:
            normal = np.array([[-line.direction[1], line.direction[0]]])
            path = xy(*crease_segments(normal, normal @ line.origin, self.reach))
        at = np.empty((0, 2)) if kinks is None else kinks
        at = at[np.all(np.abs(at) <= self.reach, axis=1)]
        places, names = self._numbers(secret)
        text = "no error but rounding" if right else f"loss {number(value)} ({kind})"
        return Patch(
            {
                plane_view.MAP: {
                    "z": z.astype("f4"),
                    "zmin": -top,
                    "zmax": top,
                    "contours.start": -0.825 * top,  # nothing wrong is a band of its own
                    "contours.end": 0.9 * top,
                    "contours.size": 0.15 * top,
                    "colorbar.tickvals": [-top, 0, top],
                    "colorbar.ticktext": ["", "0", ""]
                    if right
                    else [number(-top), "0", number(top)],
                },
                plane_view.TRUE_CREASES: {
                    **xy(*crease_segments(secret.weights, secret.biases, self.reach)),
                    "visible": True,
                },
                plane_view.CREASES: xy(
                    *crease_segments(creases.weights, creases.biases, self.reach)
                ),
                plane_view.LINE: path,
                plane_view.KINKS: points(at),
                plane_view.NOW + 1: {**points(places), "text": names or [""]},
            },
            {"title.text": f"What F′ gets wrong: {text}", "meta.line": plane_view.lit(line)},
        )

    def _numbers(self, secret: ReluNetwork) -> tuple[np.ndarray, list[str]]:
        """A place near the border for the number of each crease."""
        inner, places, names = 0.84 * self.reach, [], []  # farther out are handles
        for i in range(secret.n_neurons):
            x, y = crease_segments(secret.weights[i : i + 1], secret.biases[i : i + 1], inner)
            if len(x):
                end = np.array([[x[0], y[0]], [x[1], y[1]]])
                # The upper end; those of a close pair alternate.
                upper = int(end[1, 1] > end[0, 1])
                places.append(end[upper if i != 1 else 1 - upper])
                names.append(f"<b>{i + 1}</b>")
        return np.reshape(places, (-1, 2)), names


@dataclasses.dataclass(frozen=True)
class ClumpsView(IntervalsView):
    """The slice: F, F', the grid, true kinks (numbered) and the clumps they fall into."""

    label = "Along the line: F and F prime, true kinks with numbers, and the clumps found"

    def figure(self) -> go.Figure:
        """The empty slice."""
        figure = super().figure()
        th = self.theme
        figure.data[slice_view.OPEN].name = "clump"
        figure.data[slice_view.PIECES].update(visible=False)
        figure.data[slice_view.TRUTH].name = "F"
        figure.data[slice_view.HYPOTHESIS].name = "F′"
        label = {"size": th.font_size + 1, "color": th.ink}
        figure.add_trace(
            go.Scatter(
                **xy(),
                mode="text",
                text=[""],
                yaxis="y2",
                textfont=label,
                hoverinfo="skip",
                showlegend=False,
            )
        )
        return figure

    def draw(self, state: State, secret: ReluNetwork, found: Sequence[Clump]) -> Patch:
        """The end of a run."""
        patch = self.patch(state, secret)
        assert state.line is not None
        low, high = patch.layout["xaxis.range"]
        kinks = true_kinks(secret, state.line)
        wide = (high - low) / 60
        bands: list[float] = []
        for clump in found:
            if len(clump.members) > 1 and np.isfinite(clump.t):
                inside = kinks[list(clump.members)]
                left, right = inside.min() - wide, inside.max() + wide
                bands += [left, left, right, right, np.nan]
        heights = np.tile([0.0, 1.0, 1.0, 0.0, np.nan], len(bands) // 5)
        order = np.argsort(kinks)
        shown = [i for i in order if low <= kinks[i] <= high]
        places = np.stack([kinks[shown], np.full(len(shown), 0.9)], axis=1)
        letter = (high - low) * self.theme.font_size / 400  # the frame is about 400 pixels wide
        own = {
            slice_view.OPEN: xy(np.array(bands), heights),
            slice_view.SAMPLES: xy(),
            slice_view.NOW: xy(),
            slice_view.NOW + 2: labelled(places, [str(i + 1) for i in shown], letter),
        }
        line = state.line
        t = np.concatenate([[low, high], kinks[shown]])[:, None]
        y = np.concatenate(
            [net(line.origin + t * line.direction) for net in (secret, state.hypothesis.network)]
        )
        pad = 0.1 * max(float(np.ptp(y)), 0.5)
        count = sum(np.isfinite(clump.t) for clump in found)
        title = f"Along the line: {secret.n_neurons} neurons, {count} kinks seen"
        layout = {"title.text": title, "yaxis.title.text": "F, F′"}
        return (
            patch
            | Patch(own, layout)
            | Patch({}, {"yaxis.range": [float(y.min()) - pad, float(y.max()) + 3 * pad]})
        )


TRUE, SUM, NAMES = range(3)


@dataclasses.dataclass(frozen=True)
class VectorsView:
    """Weight vectors as arrows: those of the secret, and what was found instead."""

    theme: Theme = THEMES["light"]
    true_name: str = "true jump a w"
    found_name: str = "found"
    share: float = 0.48

    label = "Weight vectors: true ones with numbers, and those found"

    def figure(self) -> go.Figure:
        """The empty vector picture."""
        th = self.theme
        true = arrow_trace(self.true_name, th.truth, th)
        true.line.width = 1.5
        found = arrow_trace(self.found_name, th.crease, th)
        found.line.update(width=1.6 * th.line_width, dash="dot")
        label = {"size": th.font_size, "color": th.ink}
        names = go.Scatter(
            **xy(), mode="text", text=[""], textfont=label, hoverinfo="skip", showlegend=False
        )
        figure = go.Figure([true, found, names])
        x, y = true_to_scale()
        figure.update_layout(
            template=th.template,
            height=round(self.share * th.height),
            showlegend=True,
            legend={"x": 1.01, "y": 1},
            title={"text": "Weight vectors"},
            xaxis={**x, "range": [-3, 3]},
            yaxis={**y, "range": [-1.5, 1.5]},
        )
        return figure

    def draw(
        self,
        starts: np.ndarray,
        ends: np.ndarray,
        names: Sequence[str],
        found: np.ndarray,
        title: str,
    ) -> Patch:
        """Numbered arrows from `starts` to `ends`, and arrows `found` from the origin; (n, 2)."""
        corners = np.concatenate([starts, ends, found, np.zeros((1, 2))])
        middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
        wide = 0.77 / self.share  # of a frame that is half as high as the plane, or nearly as high
        across, up = np.ptp(corners, axis=0)
        half = max(0.75 * up, 0.6 * across / wide, 0.6)
        steps = ends - starts
        size = np.linalg.norm(steps, axis=1, keepdims=True)
        where = ends + 0.13 * half * steps / np.where(size > 0, size, 1)
        least = letters_apart(half, self.share, self.theme)
        return Patch(
            {
                TRUE: arrows(starts, ends, self.theme),
                SUM: arrows(np.zeros_like(found), found, self.theme),
                NAMES: labelled(where, names, least),
            },
            {
                "title.text": title,
                "xaxis.range": [middle[0] - wide * half, middle[0] + wide * half],
                "yaxis.range": [middle[1] - half, middle[1] + half],
            },
        )


def joined(names: Sequence[Any]) -> str:
    """ "1", "1 and 2", "1, 2 and 3"."""
    words = [str(name) for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
