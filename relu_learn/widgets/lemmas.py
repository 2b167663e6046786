"""Lesson 8, the lemmas of the proof: each a picture of drawn lines beside its curve."""

from __future__ import annotations

import functools
import math
from typing import Any

import ipywidgets
import numpy as np

from relu_learn import zoo
from relu_learn.figures.clustering import ErrorView
from relu_learn.figures.lemmas import CurvesView, RampView, RowsView, SegmentsView
from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import Theme, number
from relu_learn.judging import lemmas
from relu_learn.judging.loss import gaussian_loss
from relu_learn.network import ReluNetwork
from relu_learn.widgets.explorer import Explorer, log_slider, slider, whole_slider

LINES = 10_000
SHOWN = 40
MEASURED = f"measured, {LINES:,} lines"


def doubling(description: str, low: int, high: int) -> ipywidgets.FloatLogSlider:
    """A slider from 2^low to 2^high, four steps to a factor of two: round numbers stay round."""
    made = log_slider(description, low, high, 0.25)
    made.set_trait("base", 2.0)
    return made


def per_cent(share: float) -> str:
    """A share as text: 7.7 %, 0.05 %."""
    return f"{100 * share:.2g} %"


def at_angle(angle: float) -> np.ndarray:
    """Two unit normals in the plane, (2, 2); symmetric about the first axis."""
    half = angle / 2
    return np.array([[math.cos(half), -math.sin(half)], [math.cos(half), math.sin(half)]])


@functools.lru_cache(64)
def pair_kinks(degrees: float, bias: float = 0.0) -> np.ndarray:
    """Kinks (LINES, 2) of two neurons at an angle, the second at a distance from the origin."""
    return lemmas.draw_kinks(at_angle(math.radians(degrees)), [0.0, bias], LINES, rng=0)


class Tail(Explorer):
    """Lemma A: a long enough piece of a random line meets every crease.

    Parameters
    ----------
    neurons : int
    tau : float
        Half the length of the piece, in units of its direction.
    """

    kind = "tail"
    ticks = (1.0, 10.0, 100.0, 1000.0)

    def __init__(self, neurons: int = 5, tau: float = 4.0, *, theme: str | None = None) -> None:
        self.neurons = whole_slider("neurons k", 1, 20)
        self.tau = doubling("half length τ", 0, 10)
        inputs = {"neurons": self.neurons, "tau": self.tau}
        start = {"neurons": neurons, "tau": tau, "theme": theme}
        super().__init__(inputs, [[*inputs.values()]], start)

    def make_views(self, theme: Theme) -> list[Any]:
        """The lines, and the share that misses a crease."""
        bounds = ("k times the tail of one", "one neuron: (2/π) atan(1/τ)")
        share = "share of lines that miss a crease"
        chart = CurvesView(
            theme, "τ", (MEASURED,), bounds, span=(-3, 0), values=share, mode="markers"
        )
        return [SegmentsView(theme), chart]

    def bound(self) -> float:
        """What the lemma says: at most this share of lines misses a crease."""
        return min(1.0, self.neurons.value * float(lemmas.tail_probability(self.tau.value)))

    def draw(self) -> list[Patch]:
        """Lines, and how many of them are too short."""
        k, tau = self.neurons.value, self.tau.value
        normals = zoo.through_origin(2, k, rng=1).weights
        farthest = np.abs(lemmas.draw_kinks(normals, np.zeros(k), LINES, rng=0)).max(axis=1)
        # The same generator again: the lines whose kinks these are.
        x0, v = np.random.default_rng(0).standard_normal((2, LINES, 2))
        lost = farthest > tau
        share, bound = lost.mean(), self.bound()
        drawn = slice(None, None, LINES // SHOWN)
        ends = np.stack([x0 - tau * v, x0 + tau * v], axis=1)[drawn]
        self.narration.tell(
            f"{per_cent(share)} of the lines, cut off at τ = {number(tau)}, miss a crease; the "
            f"lemma says at most {per_cent(bound)}.",
            f"{LINES:,} random lines, {SHOWN} of them drawn · k = {k} · not one query",
        )
        sizes = np.geomspace(1, 1000, 25)
        one = lemmas.tail_probability(sizes)
        curve = [(farthest > t).mean() for t in sizes]
        picture, chart = self.views
        title = f"{int(lost[drawn].sum())} of these {SHOWN} lines miss a crease"
        return [
            picture.draw(normals, ends, lost[drawn], title),
            chart.draw(
                sizes, [curve], [k * one, one], (tau, share), "Ten times τ, a tenth", self.ticks
            ),
        ]


class Separation(Explorer):
    """Lemma B: kinks of neurons that are not close are far enough apart.

    Parameters
    ----------
    angle : float
        Between the two normals, in degrees.
    r : float
        The distance that is wanted.
    bias : float
        Distance of the second crease from the origin; the first passes through it.
    """

    kind = "separation"
    ticks = (0.001, 0.01, 0.1, 1.0)

    def __init__(
        self, angle: float = 90.0, r: float = 0.25, bias: float = 0.0, *, theme: str | None = None
    ) -> None:
        self.angle = slider("angle °", 1, 90, 1, ".0f")
        self.r = doubling("distance r", -10, 0)
        self.bias = slider("bias of neuron 2", 0, 2, 0.1, ".1f")
        inputs = {"angle": self.angle, "r": self.r, "bias": self.bias}
        start = {"angle": angle, "r": r, "bias": bias, "theme": theme}
        super().__init__(inputs, [[*inputs.values()]], start)

    def make_views(self, theme: Theme) -> list[Any]:
        """The lines as rows, and the share with a narrow gap."""
        bounds = ("bound r / (2 sin θ)", "exact, for biases 0")
        share = "share of lines with a gap below r"
        chart = CurvesView(
            theme, "r", (MEASURED,), bounds, span=(-5, 0), values=share, mode="markers"
        )
        return [RowsView(theme, rows=SHOWN), chart]

    def draw(self) -> list[Patch]:
        """Kinks on lines, and how often they are close."""
        theta, r = math.radians(self.angle.value), self.r.value
        kinks = pair_kinks(self.angle.value, self.bias.value)
        apart = np.sort(lemmas.gaps(kinks))
        sizes = np.geomspace(1e-3, 1, 25)
        share = float(np.searchsorted(apart, r) / LINES)
        bound = min(1.0, float(lemmas.gap_bound(r, theta)))
        self.narration.tell(
            f"On {per_cent(share)} of the lines the two kinks are closer than r = {number(r)}; "
            f"the lemma says at most {per_cent(bound)}.",
            f"{LINES:,} random lines, {SHOWN} of them drawn · angle {self.angle.value:g}°",
        )
        picture, chart = self.views
        exact = [lemmas.gap_bound(sizes, theta), lemmas.gap_probability(sizes, theta)]
        measured = np.searchsorted(apart, sizes) / LINES
        return [
            picture.draw(kinks, r, f"{SHOWN} lines, one in a row: kinks of both neurons"),
            chart.draw(
                sizes, [measured], exact, (r, share), "A tenth of r, a tenth of it", self.ticks
            ),
        ]


class Merging(Explorer):
    """Lemma C: neurons that are merged are close, with high probability, and then it costs little.

    Parameters
    ----------
    angle : float
        Between the two neurons, in degrees; both creases pass through the origin.
    r : float
        Kinks closer than this are taken for one.
    """

    kind = "merging"
    ticks = (1.0, 3.0, 10.0, 30.0, 90.0)

    def __init__(self, angle: float = 90.0, r: float = 0.25, *, theme: str | None = None) -> None:
        self.angle = log_slider("angle °", 0, math.log10(90), 0.01)
        self.r = doubling("distance r", -10, 0)
        inputs = {"angle": self.angle, "r": self.r}
        super().__init__(inputs, [[*inputs.values()]], {"angle": angle, "r": r, "theme": theme})

    def make_views(self, theme: Theme) -> list[Any]:
        """The error of one neuron in place of two; its loss, how often, and the product."""
        names = ("loss if merged", "share of lines that merge", "loss × share")
        chart = CurvesView(
            theme,
            "angle °",
            names,
            ("bound of the loss: sin²(θ/2)", "bound of the share: r / (2 sin θ)"),
            span=(-8, 0),
            values="loss, probability",
        )
        return [ErrorView(theme, on_line=False), chart]

    def draw(self) -> list[Patch]:
        """The wedge, and what it costs."""
        theta, r = math.radians(self.angle.value), self.r.value
        normals = at_angle(theta)
        two = ReluNetwork(normals, [0, 0], [1, 1])
        offset = math.sqrt(2 / math.pi) * (1 - math.cos(theta / 2))
        one = ReluNetwork(normals.sum(axis=0)[None], [0], [1], None, offset)
        loss = abs(gaussian_loss(two, one))
        mean = ReluNetwork(np.zeros((0, 2)), [], [], None, math.sqrt(2 / math.pi))
        share = _share_merged(self.angle.value, r)
        self.narration.tell(
            f"Taken for one, these two cost a loss of {number(loss)} (the best constant has "
            f"{number(gaussian_loss(two, mean))}); that happens on {per_cent(share)} of the lines.",
            f"angle {self.angle.value:.3g}° · r = {number(r)} · product {number(loss * share)}",
        )
        degrees = np.geomspace(1, 90, 20)
        angles = np.radians(degrees)
        costs = lemmas.merged_loss(angles)
        shares = np.array([_share_merged(float(angle), r) for angle in degrees])
        bounds = [
            lemmas.merged_bound(angles),
            [min(1.0, float(lemmas.gap_bound(r, a))) for a in angles],
        ]
        picture, chart = self.views
        return [
            picture.draw(two, one, one, (loss, "exact")),
            chart.draw(
                degrees,
                [costs, shares, costs * shares],
                bounds,
                (self.angle.value, loss),
                "Likely or costly, never both",
                self.ticks,
            ),
        ]


def _share_merged(degrees: float, r: float) -> float:
    return float((lemmas.gaps(pair_kinks(degrees)) < r).mean())


class Far(Explorer):
    """Lemma D: neurons that are tiny or far away may be left out.

    Parameters
    ----------
    distance : float
        Of the crease from the origin, in standard deviations.
    size : float
        Norm of the neuron's weights.
    """

    kind = "far"
    ticks = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)

    def __init__(
        self, distance: float = 2.0, size: float = 1.0, *, theme: str | None = None
    ) -> None:
        self.distance = slider("distance T", 0, 5, 0.1, ".1f")
        self.size = log_slider("size |w|", -3, 1, 0.1)
        inputs = {"distance": self.distance, "size": self.size}
        start = {"distance": distance, "size": size, "theme": theme}
        super().__init__(inputs, [[*inputs.values()]], start)

    def make_views(self, theme: Theme) -> list[Any]:
        """The neuron over the inputs, and its loss."""
        names = ("measured, 100,000 inputs",)
        bounds = ("bound |w|² exp(−T²/2) / 2", "exact")
        chart = CurvesView(
            theme, "T", names, bounds, span=(-8, 2), values="loss", mode="markers", linear=True
        )
        return [RampView(theme), chart]

    def draw(self) -> list[Patch]:
        """What is lost without the neuron."""
        t, size = self.distance.value, self.size.value
        u = np.random.default_rng(0).standard_normal(100_000)
        loss = size**2 * float(lemmas.far_loss(t))
        seen = per_cent(float((u > t).mean()))
        self.narration.tell(
            f"Without this neuron the loss is {number(loss)}; {seen} of the inputs see it at all.",
            f"|w| = {number(size)} · bound {number(size**2 * float(lemmas.far_bound(t)))}",
        )
        sizes = np.linspace(0, 5, 26)
        measured = [size**2 * float((np.maximum(u - s, 0) ** 2).mean()) for s in sizes]
        curves = [size**2 * lemmas.far_bound(sizes), size**2 * lemmas.far_loss(sizes)]
        picture, chart = self.views
        return [
            picture.draw(t, size, 0.0, "What it adds, and who sees it"),
            chart.draw(sizes, [measured], curves, (t, loss), "Loss without it", self.ticks),
        ]
