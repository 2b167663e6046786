"""Boards of the lesson on loss: the race, two ways to measure it, and what can be promised."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np

from relu_learn import baselines, zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.dimensions import GrowthView
from relu_learn.figures.patch import Patch
from relu_learn.figures.race import (
    LEARNERS,
    PASSIVE_LEARNERS,
    BillView,
    PowersView,
    RaceView,
    itemised,
)
from relu_learn.figures.run_view import Hypothesis, RunView
from relu_learn.figures.theme import number, power_ticks
from relu_learn.judging.loss import best_loss, sampled_loss
from relu_learn.judging.theory import PaperParameters, paper_parameters
from relu_learn.learn import learn_from_queries, learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.telling.certificate import certificate
from relu_learn.widgets.background import Background, beside
from relu_learn.widgets.board import Board, button, slider

MAX_QUERIES = 100_000
BUDGETS = (50, 200, 800, 3200, 10_000)
SECRETS = {
    "10 inputs, 10 neurons": lambda: zoo.random_network(10, 10, rng=3),
    "30 inputs, 20 neurons": lambda: zoo.random_network(30, 20, rng=3),
    "20 inputs, 12 neurons, random": lambda: zoo.random_network(20, 12, rng=0),
    "20 inputs, 12 neurons, lower bounds' family": lambda: zoo.lower_bound(20, 12),
    "crystal (2 inputs, 12 neurons)": lambda: zoo.get("crystal"),
}


class Race(Board):
    """Learners that ask against learners that are given random examples.

    The query learners run at once; the passive ones are trained in the background, one number of
    examples after the other, and can be stopped.

    Parameters
    ----------
    secret : str
        One of `SECRETS`.
    seed : int
    theme : str

    Attributes
    ----------
    curves : dict of str to list of (int, float)
        Loss against queries or examples, for each learner.
    nothing : float
        The variance of the secret: the loss of the best constant.
    """

    def __init__(
        self, secret: str = "10 inputs, 10 neurons", seed: int = 0, theme: str | None = None
    ) -> None:
        if secret not in SECRETS:
            raise InvalidArgument(f"secret must be one of {', '.join(SECRETS)}, got {secret!r}")
        self.seed = seed
        self.secret_menu = ipywidgets.Dropdown(
            options=list(SECRETS), value=secret, description="Secret"
        )
        self.start_button = button("Start training", "play", "Train the passive learners, or stop")
        self.training = Background(self, self.start_button)
        stops = [30, 50, 70, 100, 140, 200, 280, 400, 570, 800, 1100, 1600, 2300]
        stops += [3200, 5000, 7000, 10_000]
        self.n_slider = slider("Read at n", stops, 280)
        self.on(self.secret_menu, lambda _: self.prepare())
        self.on(self.start_button, lambda _: self._press())
        self.on(self.n_slider)
        self.prepare()
        super().__init__([RaceView], [[self.secret_menu, self.start_button, self.n_slider]], theme)

    # ------------------------------------------------------------- the learners

    def prepare(self) -> None:
        """Take the secret from the menu, run the query learners, forget the passive ones."""
        self.training.stop()
        self.secret: ReluNetwork = SECRETS[self.secret_menu.value]()
        dim = self.secret.dim
        x = np.random.default_rng(0).standard_normal((10_000, dim))
        self.nothing = float(self.secret(x).var())
        self.curves: dict[str, list[tuple[int, float]]] = {name: [] for name in LEARNERS}
        for method in ("adaptive", "grid"):
            steps = learn_steps(
                self.secret, dim, method=method, rng=self.seed, max_queries=MAX_QUERIES
            )
            run = RunView(steps, dim)
            history = run.finish().history
            self.curves[method] = [(h.queries, self._loss(h)) for h in history]

    def _loss(self, hypothesis: Hypothesis) -> float:
        network = 0 * hypothesis.network if hypothesis.is_empty else hypothesis.network
        return best_loss(self.secret, network, rng=0)[0]

    def train(self, method: str, n: int) -> float:
        """Loss of a passive learner with n random examples."""
        secret = self.secret
        fitted = baselines.fit(method, secret, secret.dim, secret.n_neurons, n, self.seed)
        return sampled_loss(secret, fitted, rng=1, dim=secret.dim)

    def _press(self) -> None:
        """Train the passive learners in the background, or let them be."""
        if self.training.running:
            self.training.stop()
            return
        for name in PASSIVE_LEARNERS:
            self.curves[name] = []
        self.training.start(self._train_all)

    async def _train_all(self) -> None:
        for n in BUDGETS:
            for method in PASSIVE_LEARNERS[::-1]:
                self.training.doing = f"training: {method}, {n:,} examples"
                self.refresh()
                loss = await beside(self.train, method, n)
                self.curves[method].append((n, loss))

    # -------------------------------------------------------------- the picture

    def reading(self, method: str, n: int) -> float | None:
        """Loss of a learner with at most n queries or examples; None if it was not run so far."""
        past = [loss for queries, loss in self.curves[method] if queries <= n]
        return past[-1] if past else None

    def patches(self) -> Sequence[Patch]:
        """The race so far."""
        n = self.n_slider.value
        parts = []
        for method in LEARNERS:
            loss = self.reading(method, n)
            parts.append(f"{method} {'not trained' if loss is None else number(loss)}")
        waiting = "The lines of the passive learners appear when they are trained."
        trained = f"The passive learners were given up to {BUDGETS[-1]:,} examples."
        trained += f" The best constant has a loss of {number(self.nothing)}."
        facts = trained if all(self.curves[method] for method in LEARNERS) else waiting
        self.tell(
            f"With at most {n:,} queries or examples: {', '.join(parts)}.",
            self.training.doing or facts,
        )
        return (self.chart(RaceView).patch(self.curves, n, self.nothing),)

    def dispose(self) -> None:
        """Stop training and close every widget."""
        self.training.stop()
        super().dispose()


class CertificateBoard(Board):
    """What n flawless fresh points prove.

    Parameters
    ----------
    points : int
        One of 10, 30, ..., 100000.
    delta : float
        One of 0.5, 0.1, 0.05, 0.01, 0.001.
    theme : str
    """

    def __init__(self, points: int = 100, delta: float = 0.05, theme: str | None = None) -> None:
        sizes = (10, 30, 100, 300, 1000, 3000, 10_000, 100_000)
        self.points_slider = slider("Fresh points n", sizes, points)
        self.delta_slider = slider("Risk δ", (0.5, 0.1, 0.05, 0.01, 0.001), delta)
        self.on(self.points_slider)
        self.on(self.delta_slider)

        def chart(theme: Any) -> GrowthView:
            return GrowthView(
                theme,
                "share of the inputs where F′ is wrong",
                ("n points all miss it",),
                ("risk δ",),
                height=0.7,
                span=(-4, 0),
                values="probability",
                mode="lines",
            )

        super().__init__([chart], [[self.points_slider, self.delta_slider]], theme)

    def patches(self) -> Sequence[Patch]:
        """The probability that a flaw stays unseen, against its size."""
        n, delta = self.points_slider.value, self.delta_slider.value
        claim = certificate(np.zeros(n), delta)
        self.tell(
            f"{n:,} fresh points without an error: with confidence {1 - delta:g}, F′ is wrong on "
            f"at most {100 * claim.mass:.2g} % of the inputs.",
            f"ln(1/δ) / n = {math.log(1 / delta):.2f} / {n:,}",
        )
        mass = np.geomspace(1e-5, 0.9, 200)
        unseen = (1 - mass) ** n
        chart = self.chart(GrowthView)
        ticks = [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0]
        curve = chart.patch(
            list(mass),
            [np.where(unseen >= 1e-4, unseen, np.nan).tolist()],
            [[delta] * len(mass)],
            title="A flaw of this size stays unseen with this probability",
            ticks=ticks,
        )
        curve.layout["xaxis.ticktext"] = ["0.001 %", "0.01 %", "0.1 %", "1 %", "10 %", "100 %"]
        curve.traces[2] = {"x": [claim.mass], "y": [(1 - claim.mass) ** n if n > 3 else delta]}
        return (curve,)


@functools.lru_cache(256)
def bill_of(dim: int, neurons: int) -> dict[str, int]:
    """Where the queries of one run go; see `itemised`."""
    secret = zoo.random_network(dim, neurons, rng=7)
    run = learn_from_queries(secret, dim, rng=0, max_queries=MAX_QUERIES)
    return itemised(list(run.trace), dim)


class Bills(Board):
    """Where the queries go, for several d.

    Parameters
    ----------
    neurons : int
        One of 1, 2, 4, ..., 32.
    theme : str
    """

    dims = (2, 8, 32, 128)

    def __init__(self, neurons: int = 8, theme: str | None = None) -> None:
        self.neurons_slider = slider("Neurons k", (1, 2, 4, 8, 16, 32), neurons)
        for d in self.dims:
            for k in self.neurons_slider.options:
                bill_of(d, k)  # now, so that the slider is quick
        self.unit_menu = ipywidgets.Dropdown(
            options=["queries", "per cent"], value="queries", description="Show"
        )
        self.on(self.neurons_slider)
        self.on(self.unit_menu)
        super().__init__([BillView], [[self.neurons_slider, self.unit_menu]], theme)

    def patches(self) -> Sequence[Patch]:
        """One bar for each d."""
        k = self.neurons_slider.value
        bills = [bill_of(d, k) for d in self.dims]
        last = bills[-1]
        parts = ", ".join(f"{name} {count:,}" for name, count in last.items() if count)
        self.tell(f"With {self.dims[-1]} inputs: {parts}.", f"k = {k} · from the events of 4 runs")
        share = self.unit_menu.value == "per cent"
        return (self.chart(BillView).patch(self.dims, bills, share),)


class Theory(Board):
    """The paper's worst-case parameters beside what a run really takes.

    Parameters
    ----------
    dim, neurons : int
    theme : str

    Attributes
    ----------
    parameters : PaperParameters
    """

    names = (
        "hidden numbers",
        "measured, final test included",
        "1,000 a second for 80 years",
        "proven bound",
    )
    patience = math.log10(1000 * 80 * 3.15e7)

    def __init__(self, dim: int = 8, neurons: int = 4, theme: str | None = None) -> None:
        powers = [(_ten(-p), 10.0**-p) for p in range(1, 9)]
        self.epsilon_slider = slider("Loss ε", powers, 1e-2)
        self.delta_slider = slider("Risk δ", powers[:6], 1e-1)
        self.dim_slider = slider("Inputs d", Bills.dims, dim)
        self.neurons_slider = slider("Neurons k", (1, 2, 4, 8, 16, 32), neurons)
        self.bound_slider = slider("Size R = B", (1, 10, 100, 1000), 1)
        first = [self.epsilon_slider, self.delta_slider, self.bound_slider]
        second = [self.dim_slider, self.neurons_slider]
        for control in (*first, *second):
            self.on(control)
        super().__init__([lambda th: PowersView(th, self.names)], [first, second], theme)

    def patches(self) -> Sequence[Patch]:
        """The bars, and the parameters in words."""
        d, k, size = (s.value for s in (self.dim_slider, self.neurons_slider, self.bound_slider))
        self.parameters: PaperParameters = paper_parameters(
            self.epsilon_slider.value, self.delta_slider.value, d, k, size, size
        )
        p = self.parameters
        bill = bill_of(d, k)
        measured = sum(bill.values())
        self.tell(
            f"Intervals of length r = {number(p.r)} on a line from −τ to τ with "
            f"τ = {number(p.tau)}, gradients with steps of α = {number(p.alpha)}.",
            f"for loss ≤ ε = {self.epsilon_slider.value:g} with probability ≥ 1 − δ = "
            f"{1 - self.delta_slider.value:g}, whatever the network",
        )
        bound = math.log10(p.query_bound)
        hidden = k * (d + 1)
        powers = [math.log10(hidden), math.log10(measured), self.patience, bound]
        texts = [f"{hidden:,}", f"{measured:,}", _power(self.patience), _power(bound)]
        return (self.chart(PowersView).patch(powers, texts),)


def _ten(power: int) -> str:
    """A power of ten, as text."""
    return "1" if power == 0 else power_ticks(power, power)[1][0]


def _power(exponent: float) -> str:
    return "about " + number(10.0 ** round(exponent)).replace("1.0\u00a0×\u00a0", "")
