"""Lesson 8: the lemmas of the proof, each a picture of drawn lines beside its curve."""

from __future__ import annotations

import functools
import math
from typing import Any

import ipywidgets
import numpy as np
from scipy.special import ndtri

from relu_learn import zoo
from relu_learn.figures.clustering import ErrorView
from relu_learn.figures.lemmas import (
    CurvesView,
    RampView,
    RowsView,
    RunsView,
    SegmentsView,
    SpectrumView,
)
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import CREASES, MAP
from relu_learn.figures.theme import Theme, number
from relu_learn.judging import lemmas
from relu_learn.judging.loss import gaussian_loss
from relu_learn.network import ReluNetwork
from relu_learn.telling.certificate import certificate
from relu_learn.widgets.explorer import Explorer, log_slider, menu, slider, whole_slider

LINES = 10_000
RISKS = (0.1, 0.05, 0.01, 0.001, 1e-6)
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
        ends = np.stack([x0 - tau * v, x0 + tau * v], axis=1)[:SHOWN]
        self.narration.tell(
            f"{per_cent(share)} of the lines, cut off at τ = {number(tau)}, miss a crease; the "
            f"lemma says at most {per_cent(bound)}.",
            f"{LINES:,} random lines, {SHOWN} of them drawn · k = {k} · not one query",
        )
        sizes = np.geomspace(1, 1000, 25)
        one = lemmas.tail_probability(sizes)
        curve = [(farthest > t).mean() for t in sizes]
        picture, chart = self.views
        title = f"{int(lost[:SHOWN].sum())} of {SHOWN} lines miss a crease"
        return [
            picture.draw(normals, ends, lost[:SHOWN], title),
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


class Boosting(Explorer):
    """Lemma E: a run that fails now and then is repeated, and the best result kept.

    Parameters
    ----------
    tries : int
        Lines drawn by each run.
    r, tau : float
        A line fails with kinks closer than r or beyond tau.
    neurons : int
    """

    kind = "boosting"
    most = 6
    ticks = (1, 2, 3, 4, 5, 6)

    def __init__(
        self,
        tries: int = 1,
        r: float = 1 / 64,
        tau: float = 32.0,
        neurons: int = 5,
        *,
        theme: str | None = None,
    ) -> None:
        self.tries = whole_slider("tries", 1, self.most)
        self.r = doubling("distance r", -10, 0)
        self.tau = doubling("half length τ", 0, 10)
        self.neurons = whole_slider("neurons k", 2, 20)
        inputs = {"tries": self.tries, "r": self.r, "tau": self.tau, "neurons": self.neurons}
        start = {"tries": tries, "r": r, "tau": tau, "neurons": neurons, "theme": theme}
        super().__init__(inputs, [[*inputs.values()]], start)

    def make_views(self, theme: Theme) -> list[Any]:
        """The runs, and the share that fails."""
        chart = CurvesView(
            theme,
            "tries",
            (f"measured, {LINES:,} runs",),
            ("p to the power of tries",),
            span=(-5, 0),
            values="share of runs that fail",
            mode="markers",
            linear=True,
        )
        return [RunsView(theme), chart]

    def risk(self) -> float:
        """p, the share of lines that fail, on lines of its own."""
        secret = zoo.through_origin(20, self.neurons.value, rng=1)
        fresh = lemmas.draw_kinks(secret.weights, secret.biases, LINES, rng=1)
        return float(lemmas.failing(fresh, self.r.value, self.tau.value).mean())

    def draw(self) -> list[Patch]:
        """Runs of some tries: they fail when all lines do."""
        k, tries = self.neurons.value, self.tries.value
        kinks = _many_kinks(k)
        bad: np.ndarray = lemmas.failing(kinks, self.r.value, self.tau.value)
        bad = bad.reshape(LINES, self.most)
        p = self.risk()
        numbers = range(1, self.most + 1)
        measured = [float(bad[:, :n].all(axis=1).mean()) for n in numbers]
        failed: np.ndarray = np.all(bad[:, :tries], axis=1)
        word = "try" if tries == 1 else "tries"
        self.narration.tell(
            f"{per_cent(measured[tries - 1])} of the runs fail with {tries} {word}: p = "
            f"{per_cent(p)} to the power of {tries} is {per_cent(p**tries)}.",
            f"{LINES:,} runs, 500 of them drawn · k = {k} neurons in 20 inputs",
        )
        picture, chart = self.views
        now = (tries, measured[tries - 1] or np.nan)
        predicted = [p**n for n in numbers]
        return [
            picture.draw(failed, f"{int(np.sum(failed[:500]))} of 500 runs fail"),
            chart.draw(
                numbers, [measured], [predicted], now, "Every try divides the risk", self.ticks
            ),
        ]


@functools.lru_cache(8)
def _many_kinks(neurons: int) -> np.ndarray:
    secret = zoo.through_origin(20, neurons, rng=1)
    lines = LINES * Boosting.most
    return lemmas.draw_kinks(secret.weights, secret.biases, lines, rng=0)


class HiddenPlane(Explorer):
    """Why examples do not help: the lower bounds' family in its hidden plane, and its spectrum.

    Parameters
    ----------
    neurons : int
        4, 8, 12, 16 or 20.
    """

    kind = "plane"
    degrees = range(1, 13)

    def __init__(self, neurons: int = 12, *, theme: str | None = None) -> None:
        self.neurons = menu("neurons", [str(k) for k in (4, 8, 12, 16, 20)])
        start = {"neurons": neurons, "theme": theme}
        super().__init__({"neurons": self.neurons}, [[self.neurons]], start)

    def make_views(self, theme: Theme) -> list[Any]:
        """F in the plane that is hidden, and F by degrees."""
        return [ErrorView(theme, on_line=False), SpectrumView(theme)]

    def draw(self) -> list[Patch]:
        """The flower, and which polynomials see it."""
        k = int(self.neurons.value)
        family, control = zoo.lower_bound(20, k, rng=0), zoo.random_network(20, k, rng=3)
        basis = np.linalg.svd(family.weights)[2][:2]
        flat = ReluNetwork(family.weights @ basis.T, family.biases, family.output_weights)
        shares = []
        for net in (family, control):
            mean = float(lemmas.energy_by_degree(net, [0])[0])
            energy = lemmas.energy_by_degree(net, self.degrees)
            shares.append(100 * energy / (gaussian_loss(net) - mean))
        m = k // 2
        early = shares[1][:2].sum()
        self.narration.tell(
            f"Every polynomial of a degree below {m} has correlation 0 with the flower; degrees 1 "
            f"and 2 make up {early:.0f} % of a random secret.",
            f"{k} neurons in {m} creases, in a plane of R²⁰ that nobody tells",
        )
        picture, chart = self.views
        nothing = ReluNetwork(np.zeros((0, 2)), [], [])
        once = flat.simplify(1e-9)  # each crease with one number
        patch = picture.draw(once, nothing, nothing, (gaussian_loss(flat), "exact"))
        found = {"showlegend": False}
        own = Patch(
            {MAP: {"colorbar.title.text": "F"}, CREASES: found},
            {"title.text": "F in its hidden plane"},
        )
        return [patch | own, chart.draw(self.degrees, shares, "What low degrees see of F")]


class LossCertificate(Explorer):
    """The theorem at run time: what n flawless fresh points say about the loss.

    Parameters
    ----------
    points : float
    delta : float
        One of `RISKS`.
    slope : float
        Lipschitz bound of F - F'.
    """

    kind = "loss"
    ticks = (10.0, 100.0, 1e3, 1e4, 1e5, 1e6)

    def __init__(
        self,
        points: float = 1000.0,
        delta: float = 0.05,
        slope: float = 1.0,
        *,
        theme: str | None = None,
    ) -> None:
        self.points = log_slider("fresh points n", 1, 6, 0.1, ",.0f")
        self.delta = menu("risk δ", [f"{d:g}" for d in RISKS])
        self.slope = log_slider("Lipschitz L", -1, 2, 0.1)
        inputs = {"points": self.points, "delta": self.delta, "slope": self.slope}
        start = {"points": points, "delta": f"{delta:g}", "slope": slope, "theme": theme}
        super().__init__(inputs, [[*inputs.values()]], start)

    def make_views(self, theme: Theme) -> list[Any]:
        """The worst error that n points miss, and the bound."""
        chart = CurvesView(
            theme,
            "fresh points n",
            ("bound of the loss",),
            ("mass p = ln(1/δ) / n",),
            span=(-8, 2),
            values="loss, mass",
            most_ticks=6,
            mode="lines",
        )
        return [RampView(theme, "worst error"), chart]

    @property
    def risk(self) -> float:
        """delta."""
        return float(self.delta.value)

    def bound(self, n: float) -> float:
        """The certified loss with n points, none of them off."""
        claim = certificate(np.zeros(round(n)), self.risk)
        return claim.loss_bound(self.slope.value)

    def draw(self) -> list[Patch]:
        """The extremal error, and what it costs."""
        n = round(self.points.value)
        claim, loss = certificate(np.zeros(n), self.risk), self.bound(n)
        self.narration.tell(
            f"{n:,} points without an error: with confidence {1 - self.risk:g} the loss "
            f"is at most {number(loss)}.",
            f"mass p at most {per_cent(claim.mass)} · L = {number(self.slope.value)} · the same "
            "for every dimension",
        )
        sizes = np.geomspace(10, 1e6, 31)
        bounds = np.array([self.bound(size) for size in sizes])
        masses = np.minimum(1, math.log(1 / self.risk) / sizes)
        z = float(np.clip(-ndtri(claim.mass), -5, 5))  # a normal exceeds z with that probability
        picture, chart = self.views
        return [
            picture.draw(z, self.slope.value, 0.0, "The worst F − F′ that the points miss"),
            chart.draw(
                sizes, [bounds], [masses], (n, loss), "Ten times n, a tenth and less", self.ticks
            ),
        ]
