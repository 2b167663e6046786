"""Boards of the lesson on high dimensions."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence

import numpy as np

from relu_learn import zoo
from relu_learn.figures.dimensions import (
    ErrorsView,
    GrowthView,
    ImagesView,
    Spending,
    spending,
)
from relu_learn.figures.line import NOW, SliceView
from relu_learn.figures.patch import Patch
from relu_learn.figures.run_view import RunView, State
from relu_learn.figures.theme import number
from relu_learn.figures.traces import xy
from relu_learn.judging.matching import match_neurons
from relu_learn.learn import learn_from_queries, learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev
from relu_learn.widgets.board import Board, button, slider

MAX_QUERIES = 100_000
SIZES = (2, 5, 16, 64, 200, 784)
KINKS = np.array([-2.6, -1.4, -0.5, 0.6, 1.3, 2.7])
JUMPS = np.array([1.0, -1.8, 1.5, -2.2, 2.4, -1.2])


def same_slice(dim: int, seed: int = 0) -> ReluNetwork:
    """A random secret of six neurons that looks the same for every `dim` on the learner's line.

    Along x(t) = x0 + t v neuron i is a_i p_i (t - t_i)+ with p_i = <w_i, v>. That fixes one
    coordinate of w_i (the one along v) and its bias; all others are drawn at random.
    """
    nothing = ReluNetwork(np.zeros((0, dim)), [], [])
    line = next(iter(learn_steps(nothing, dim, rng=seed)))  # drawn before the first query
    assert isinstance(line, ev.LineDrawn)
    v = line.direction
    random = np.random.default_rng([seed, dim]).standard_normal((len(KINKS), dim))
    across = random / np.sqrt(dim)
    across -= np.outer(across @ v, v) / (v @ v)
    weights = across + v / (v @ v)  # p_i = 1
    return ReluNetwork(weights, weights @ line.origin + KINKS, JUMPS)


class SameSlice(Board):
    """The first line of the learner for d = 2 to 784: the same picture, the same queries.

    Parameters
    ----------
    dim : int
        One of `SIZES`.
    theme : str

    Attributes
    ----------
    bills : list of Spending
        What was spent, for each of `SIZES`.
    """

    def __init__(self, dim: int = 2, theme: str | None = None) -> None:
        self.states: list[State] = []
        self.bills: list[Spending] = []
        for d in SIZES:
            run = RunView(learn_steps(same_slice(d), d, rng=0, max_queries=MAX_QUERIES), d)
            run.finish()
            found = (ev.CriticalPointFound,)
            states = [run[i] for i in range(len(run))]
            self.states.append([s for s in states if isinstance(s.event, found)][-1])
            self.bills.append(spending(run.events))
        self.dim_slider = slider("Inputs d", SIZES, dim)
        self.on(self.dim_slider)
        names = ("on the line", "gradients")
        super().__init__(
            [
                lambda th: SliceView(th),
                lambda th: GrowthView(th, "inputs d", names, height=0.52, span=(0, 4)),
            ],
            [[self.dim_slider]],
            theme,
        )

    def patches(self) -> Sequence[Patch]:
        """The slice for this d, and the bill for all d."""
        dim = self.dim_slider.value
        i = SIZES.index(dim)
        state, bill = self.states[i], self.bills[i]
        points = "a point of the plane" if dim == 2 else f"a list of {dim} numbers"
        self.tell(
            f"Each query is {points}. The line needed {bill.line} queries; the gradients, "
            f"{len(KINKS) + 1} of them, needed {bill.gradients:,}.",
            f"d = {dim} · {len(KINKS)} neurons · {dim + 1} unknown numbers each",
        )
        return (
            self.chart(SliceView).patch(state) | Patch({NOW: xy()}, {}),
            self.chart(GrowthView, 1).patch(
                SIZES,
                [[b.line for b in self.bills], [b.gradients for b in self.bills]],
                now=dim,
                title="Queries, all measured",
            ),
        )


class Growth(Board):
    """Cost against d and against k: measured here and now, beside k (d + 1) and 2ᵏ.

    Parameters
    ----------
    dim, neurons : int
        Powers of two from 2 to 64.
    theme : str

    Attributes
    ----------
    costs : dict of (int, int) to int
        Queries of the learner, without its final test, for each (d, k).
    """

    sizes = (2, 4, 8, 16, 32, 64)

    def __init__(self, dim: int = 16, neurons: int = 8, theme: str | None = None) -> None:
        self.seed = -1
        self.costs: dict[tuple[int, int], int] = {}
        self.again()
        self.dim_slider = slider("Inputs d", self.sizes, dim)
        self.neurons_slider = slider("Neurons k", self.sizes, neurons)
        self.again_button = button(
            "Measure again", "refresh", "Other secrets of the same sizes, other queries"
        )
        self.on(self.dim_slider)
        self.on(self.neurons_slider)
        self.on(self.again_button, lambda _: self.again())
        span = (1, 5)
        super().__init__(
            [
                lambda th: GrowthView(
                    th, "neurons k", ("measured",), ("k (d + 1)", "2ᵏ"), 0.75, span
                ),
                lambda th: GrowthView(
                    th, "inputs d", ("measured",), ("k (d + 1)", "2ᵈ"), 0.75, span
                ),
            ],
            [[self.dim_slider, self.neurons_slider, self.again_button]],
            theme,
        )

    def again(self) -> None:
        """Run the learner on a new secret of every size."""
        self.seed += 1
        start = time.perf_counter()
        for d in self.sizes:
            for k in self.sizes:
                secret = zoo.random_network(d, k, rng=100 + self.seed)
                run = learn_from_queries(secret, d, rng=self.seed, max_queries=MAX_QUERIES)
                self.costs[d, k] = spending(list(run.trace)).learning
        self.seconds = time.perf_counter() - start

    def patches(self) -> Sequence[Patch]:
        """Both curves through the chosen (d, k)."""
        d, k = self.dim_slider.value, self.neurons_slider.value
        n = k * (d + 1)
        cost = self.costs[d, k]
        self.tell(
            f"A secret with {d} inputs and {k} neurons has {n:,} weights and biases; finding "
            f"them took {cost:,} queries, {cost / n:.1f} for each.",
            f"{len(self.costs)} secrets learned in {self.seconds:.1f} s · set {self.seed + 1}",
        )
        fine = np.geomspace(2, 64, 41)
        return (
            _with_references(
                self.chart(GrowthView),
                self.sizes,
                [self.costs[d, j] for j in self.sizes],
                fine,
                [(fine * (d + 1)).tolist(), (2**fine).tolist()],
                k,
                f"Against k, at d = {d}",
            ),
            _with_references(
                self.chart(GrowthView, 1),
                self.sizes,
                [self.costs[j, k] for j in self.sizes],
                fine,
                [(k * (fine + 1)).tolist(), (2**fine).tolist()],
                d,
                f"Against d, at k = {k}",
            ),
        )


def _with_references(
    chart: GrowthView,
    sizes: Sequence[int],
    measured: Sequence[int],
    fine: np.ndarray,
    references: Sequence[Sequence[float]],
    now: int,
    title: str,
) -> Patch:
    smooth = chart.patch(list(fine), [[]], references, ticks=sizes)
    points = chart.patch(sizes, [measured], now=now, title=title)
    return smooth | points


class DigitsWeights(Board):
    """The hidden weights of the handwritten-digits network, true beside found.

    Attributes
    ----------
    result : LearnResult
    match : NeuronMatch
    """

    def __init__(self, theme: str | None = None) -> None:
        secret = zoo.digits()
        self.result = learn_from_queries(secret, secret.dim, rng=0, max_queries=MAX_QUERIES)
        self.match = match_neurons(self.result.network, secret)
        self.order = _discovery(self.result.network, self.match.pairs, list(self.result.trace))
        count = secret.n_neurons
        self.shown_slider = slider("Found so far", range(count + 1), count)
        self.look_slider = slider("Look at neuron", range(1, count + 1), 1)
        self.on(self.shown_slider)
        self.on(self.look_slider)
        super().__init__(
            [lambda th: ImagesView(th), lambda th: ErrorsView(th)],
            [[self.shown_slider, self.look_slider]],
            theme,
            grow=(3, 2),
            least=330,
        )

    def patches(self) -> Sequence[Patch]:
        """The images, and the errors."""
        shown, look = self.shown_slider.value, self.look_slider.value - 1
        match = self.match
        known = list(self.order[:shown])
        row = next((p for p in known if match.pairs[p, 1] == look), None)
        sentence = f"Neuron {look + 1}: not found yet."
        if row is not None:
            sentence = (
                f"Neuron {look + 1}: the angle between true and found weights is "
                f"{number(match.angle_error[row])} radians, the bias is off by "
                f"{number(match.bias_error[row])}."
            )
        self.tell(
            sentence,
            f"{shown} of {match.true.n_neurons} neurons shown · {self.result.queries:,} queries "
            f"in all · {match.true.n_parameters:,} parameters",
        )
        title = "Hidden weights: in each pair, true above, found below"
        return (
            self.chart(ImagesView).patch(match, self.order, shown, look, title),
            self.chart(ErrorsView, 1).patch(match, self.order, shown, look),
        )


def _discovery(
    network: ReluNetwork, pairs: np.ndarray, events: Sequence[ev.Event]
) -> Sequence[int]:
    """Rows of `pairs` in the order in which the neurons were announced."""
    found = [e for e in events if isinstance(e, ev.NeuronFound)]
    normals = np.array([e.weights / np.linalg.norm(e.weights) for e in found])
    first = []
    for i, _ in pairs:
        w = network.weights[i]
        first.append(int(np.abs(normals @ w).argmax()))
    return [int(p) for p in np.argsort(first, kind="stable")]


@functools.lru_cache(64)
def cost_of_outputs(dim: int, neurons: int, outputs: int) -> tuple[int, int]:
    """Queries of the learner without its final test, and neurons found."""
    secret = zoo.random_network(dim, neurons, outputs, rng=1)
    run = learn_from_queries(secret, dim, rng=0, max_queries=MAX_QUERIES)
    return spending(list(run.trace)).learning, run.network.n_neurons


class ManyOutputs(Board):
    """How many queries it takes when the secret answers with m numbers instead of one.

    Parameters
    ----------
    dim, neurons : int
    outputs : int
        One of 1, 2, 4, ..., 32.
    theme : str
    """

    sizes = (1, 2, 4, 8, 16, 32)

    def __init__(
        self, dim: int = 64, neurons: int = 32, outputs: int = 1, theme: str | None = None
    ) -> None:
        self.dim, self.neurons = dim, neurons
        self.seen: set[int] = set()
        self.outputs_slider = slider("Outputs m", self.sizes, outputs)
        self.on(self.outputs_slider)
        super().__init__(
            [
                lambda th: GrowthView(
                    th,
                    "outputs m",
                    ("measured",),
                    ("(⌈k/m⌉ + 1) d",),
                    0.7,
                    (2, 4),
                )
            ],
            [[self.outputs_slider]],
            theme,
        )

    def patches(self) -> Sequence[Patch]:
        """All m that were tried, the present one marked."""
        m, d, k = self.outputs_slider.value, self.dim, self.neurons
        self.seen.add(m)
        tried = sorted(self.seen)
        cost, found = cost_of_outputs(d, k, m)
        hidden = k * (d + 1)
        many = "1 number" if m == 1 else f"{m} numbers"
        self.tell(
            f"With {many} per answer: {cost:,} queries for the {hidden:,} hidden weights, "
            f"{cost / hidden:.2f} each. {found} of {k} neurons found.",
            f"d = {d} · k = {k} · m = {m}",
        )
        measured = [cost_of_outputs(d, k, j)[0] for j in tried]
        forecast = [(-(-k // j) + 1) * d for j in self.sizes]
        chart = self.chart(GrowthView)
        return (
            chart.patch(self.sizes, [[]], [forecast])
            | chart.patch(
                tried, [measured], now=m, title="Queries against m, measured", ticks=self.sizes
            ),
        )
