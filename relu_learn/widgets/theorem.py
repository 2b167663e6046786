"""Lesson 8, from the lemmas to the theorem: repetition, the hidden plane, the certificate."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from scipy.special import ndtri

from relu_learn import zoo
from relu_learn.figures.clustering import ErrorView
from relu_learn.figures.lemmas import CurvesView, RampView, RunsView, SpectrumView
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import CREASES, MAP
from relu_learn.figures.theme import Theme, number
from relu_learn.judging import lemmas
from relu_learn.judging.loss import gaussian_loss
from relu_learn.network import ReluNetwork
from relu_learn.telling.certificate import certificate
from relu_learn.widgets.explorer import Explorer, log_slider, menu, whole_slider
from relu_learn.widgets.lemmas import LINES, doubling, per_cent

RISKS = (0.1, 0.05, 0.01, 0.001, 1e-6)


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
