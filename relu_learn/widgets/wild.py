"""Boards of the lesson on real black boxes: imprecise answers, and budgets."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import numpy as np

from relu_learn import zoo
from relu_learn.asking.errors import ReluLearnError
from relu_learn.figures.dimensions import GrowthView
from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import number, power_ticks
from relu_learn.judging.loss import sampled_loss
from relu_learn.learn import learn_from_queries
from relu_learn.network import ReluNetwork
from relu_learn.telling.result import LearnResult
from relu_learn.widgets.board import Board, slider

BlackBox = Callable[[np.ndarray], np.ndarray]
MAX_QUERIES = 8000  # an honest "I give up" must not take longer than a student's patience


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended, in the learner's own words.

    Attributes
    ----------
    error : str
        Name of the error that ended it; "" if none did.
    words : str
        The certificate, or the message of the error.
    result : LearnResult or None
        Partial if there was an error; None if that came before the first answer.
    witness : ndarray of shape (3, d) or None
        Three points on a line at which no network of the class has these answers.
    """

    error: str
    words: str
    result: LearnResult | None
    witness: np.ndarray | None = None

    @property
    def network(self) -> ReluNetwork | None:
        """What was learned, if that came to its end."""
        return None if self.error or self.result is None else self.result.network


def attempt(black_box: BlackBox, dim: int, max_queries: int = MAX_QUERIES) -> Outcome:
    """Run the learner; errors of ours are outcomes, and what it would warn of is in its words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # random answers: see below
            result = learn_from_queries(black_box, dim, rng=0, max_queries=max_queries)
    except ReluLearnError as error:
        name, witness = type(error).__name__, getattr(error, "witness", None)
        return Outcome(name, str(error), error.partial, witness)
    words = "The answers are random, and F\u2032 is their average. " if result.random else ""
    return Outcome("", words + str(result.certificate), result)


def rounded(secret: BlackBox, decimals: int) -> BlackBox:
    """Answers with that many decimals."""
    return lambda x: np.round(secret(x), decimals)


def single_precision(secret: BlackBox) -> BlackBox:
    """Answers in float32: about seven digits."""
    return lambda x: secret(x).astype("f4")


def noisy(secret: BlackBox, size: float, seed: int = 0) -> BlackBox:
    """Answers with fresh Gaussian noise of that standard deviation."""
    random = np.random.default_rng(seed)

    def answer(x: np.ndarray) -> np.ndarray:
        y = secret(x)
        return y + size * random.standard_normal(y.shape)

    return answer


class Imprecise(Board):
    """Rounded, float32 or noisy answers, and what the learner makes of them.

    Parameters
    ----------
    kind : str
        One of `kinds`.
    digits : int
        The imprecision is 10^-digits, from 1 to 14.
    theme : str
    """

    kinds = ("noise", "rounded", "float32")

    def __init__(self, kind: str = "noise", digits: int = 10, theme: str | None = None) -> None:
        self.secret = zoo.random_network(4, 4, rng=3)
        self.seen: dict[tuple[str, int], Outcome] = {}
        self.kind_menu = ipywidgets.Dropdown(
            options=list(self.kinds), value=kind, description="Answers"
        )
        sizes = [(power_ticks(-p, -p)[1][0], p) for p in range(14, 0, -1)]  # as along the axis
        self.digits_slider = slider("Imprecision", sizes, digits)
        self.on(self.kind_menu)
        self.on(self.digits_slider)

        def chart(theme: Any) -> GrowthView:
            return GrowthView(
                theme,
                "imprecision of an answer",
                ("finished", "stopped: so far"),
                ("as precise as the answers",),
                height=0.75,
                span=(-16, 1),
                values="error of F′",
                most_ticks=5,
                mode="markers",
            )

        super().__init__([chart], [[self.kind_menu, self.digits_slider]], theme)

    def outcome(self, kind: str, digits: int) -> Outcome:
        """The run for this imprecision; made once."""
        if (kind, digits) not in self.seen:
            boxes: dict[str, Callable[[], BlackBox]] = {
                "rounded": lambda: rounded(self.secret, digits),
                "noise": lambda: noisy(self.secret, 10.0**-digits),
                "float32": lambda: single_precision(self.secret),
            }
            self.seen[kind, digits] = attempt(boxes[kind](), self.secret.dim)
        return self.seen[kind, digits]

    def error(self, outcome: Outcome) -> float:
        """Root mean square of F - F' for the network returned, or the partial one."""
        if outcome.result is None:
            return math.nan
        return math.sqrt(sampled_loss(self.secret, outcome.result.network, 2000, rng=0))

    def patches(self) -> Sequence[Patch]:
        """All runs of this kind so far."""
        kind, digits = self.kind_menu.value, self.digits_slider.value
        self.digits_slider.disabled = kind == "float32"
        # It would go on showing a number that float32 does not have.
        self.digits_slider.layout.visibility = "hidden" if kind == "float32" else "visible"
        if self.digits_slider.disabled:
            digits = 7  # that is what float32 is
        outcome = self.outcome(kind, digits)
        found = 0 if outcome.result is None else outcome.result.network.n_neurons
        queries = 0 if outcome.result is None else outcome.result.queries
        head = f"{outcome.error}: " if outcome.error else "Finished. "
        self.tell(
            head + outcome.words,
            f"{kind}, {power_ticks(-digits, -digits)[1][0]} · {queries:,} queries · {found} of "
            f"{self.secret.n_neurons} neurons · error of F′ {number(self.error(outcome))}",
        )
        runs = sorted((p, o) for (k, p), o in self.seen.items() if k == kind)
        sizes = [10.0**-p for p, _ in runs]
        errors = [max(self.error(o), 1e-16) for _, o in runs]
        good = [e if not o.error else math.nan for e, (_, o) in zip(errors, runs, strict=True)]
        bad = [e if o.error else math.nan for e, (_, o) in zip(errors, runs, strict=True)]
        chart = self.chart(GrowthView)
        patch = chart.patch(
            sizes, [good, bad], [sizes], title="Error of the copy: every run that you made"
        )
        ends, marks = [1e-14, 1e-1], (13, 10, 7, 4, 1)
        line = chart.patch(ends, [[], []], [ends], ticks=[10.0**-p for p in marks])
        patch.traces[1]["showlegend"] = any(o.error for _, o in runs)
        patch.traces[2] = line.traces[2]
        patch.traces[3] = {"x": [10.0**-digits], "y": [max(self.error(outcome), 1e-16)]}
        patch.layout.update(
            {k: v for k, v in line.layout.items() if k != "title.text"}
            | {"xaxis.ticktext": [power_ticks(-p, -p)[1][0] for p in marks]}
            | {"xaxis.range": [-14.6, -0.4]}
        )
        return (patch,)


class Budget(Board):
    """A limit on the number of queries, and what is known when it is reached.

    Parameters
    ----------
    limit : int
        One of `limits`.
    theme : str
    """

    limits = (30, 60, 90, 120, 150, 180, 210, 240, 300, 1000, 3000)

    def __init__(self, limit: int = 120, theme: str | None = None) -> None:
        self.secret = zoo.random_network(10, 10, rng=3)
        self.seen: dict[int, Outcome] = {}
        self.shown: set[int] = set()  # what the slider has been at: only that is drawn
        self.limit_slider = slider("max_queries", self.limits, limit)
        self.on(self.limit_slider)

        def chart(theme: Any) -> GrowthView:
            return GrowthView(
                theme,
                "budget",
                ("loss of what was found",),
                (),
                height=0.65,
                span=(-30, 1),
                values="loss",
                most_ticks=4,
            )

        super().__init__([chart], [[self.limit_slider]], theme)

    def outcome(self, limit: int) -> Outcome:
        """The run with this budget; made once."""
        if limit not in self.seen:
            self.seen[limit] = attempt(self.secret, self.secret.dim, limit)
        return self.seen[limit]

    def loss(self, outcome: Outcome) -> float:
        """Loss of the partial or whole network; that of F' = 0 while there is none."""
        network: BlackBox = 0 * self.secret
        if outcome.result is not None:
            network = outcome.result.network
        return sampled_loss(self.secret, network, 5000, rng=0)

    def patches(self) -> Sequence[Patch]:
        """All budgets so far."""
        limit = self.limit_slider.value
        outcome = self.outcome(limit)
        found = 0 if outcome.result is None else outcome.result.network.n_neurons
        loss = self.loss(outcome)
        head = f"{outcome.error}: " if outcome.error else "Finished. "
        self.tell(
            head + outcome.words, f"partial result: {found} of 10 neurons, loss {number(loss)}"
        )
        self.shown.add(limit)
        tried = sorted(self.shown)
        chart = self.chart(GrowthView)
        losses = [max(self.loss(self.seen[n]), 1e-30) for n in tried]
        ticks = [30, 100, 300, 1000, 3000]
        patch = chart.patch(tried, [losses], now=limit, title="Every budget tried", ticks=ticks)
        patch.layout["xaxis.ticktext"] = [f"{n:,}" for n in ticks]
        return (patch,)
