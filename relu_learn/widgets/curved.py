"""Boards on what is no straight line: probabilities and activations, and the learner's witness."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np

from relu_learn import zoo
from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import number
from relu_learn.figures.wild import AnswersView
from relu_learn.widgets.board import Board, button, slider
from relu_learn.widgets.wild import BlackBox, Outcome, attempt


class Along:
    """The line along which answers are drawn: a fixed one, or that of the learner's witness.

    Parameters
    ----------
    origin, direction : ndarray of shape (d,)
    """

    def __init__(self, origin: np.ndarray, direction: np.ndarray) -> None:
        self.origin, self.direction = origin, direction
        self.witness: np.ndarray | None = None  # (3, d), once the learner has one to show

    def see(self, outcome: Outcome | None = None) -> None:
        """Go to the witness of a run; without one, back to the line."""
        self.witness = None if outcome is None else outcome.witness

    def points(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is drawn over which t: as asked for, or around the witness, whose ends are at ±1."""
        if self.witness is None:
            return t, self.origin + t[:, None] * self.direction
        t = np.linspace(-1.5, 1.5, len(t))
        first, middle, last = self.witness
        return t, middle + t[:, None] * (last - first) / 2

    def told(self, box: BlackBox, column: int | None = None) -> np.ndarray | None:
        """The answers at the witness, (3,), if it is drawn."""
        if self.witness is None:
            return None
        return box(self.witness) if column is None else box(self.witness)[:, column]


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the softmax, without overflow."""
    top = logits.max(axis=1, keepdims=True)
    return np.asarray(
        logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True)), dtype=float
    )


class Softmax(Board):
    """A digit classifier that gives probabilities, logarithms of them, or their ratios.

    Parameters
    ----------
    output : int
        The digit whose answer is drawn, 1 to 9.
    theme : str
    """

    kinds = ("probability p", "log p", "log p − log p₀")

    def __init__(self, output: int = 3, theme: str | None = None) -> None:
        self.secret = zoo.digits()
        random = np.random.default_rng(5)
        self.along = Along(*random.standard_normal((2, 64)))
        self.kind_menu = ipywidgets.Dropdown(
            options=list(self.kinds), value=self.kinds[0], description="Answer"
        )
        self.output_slider = slider("Digit j", range(1, 10), output)
        self.learn_button = button("Learn it", "search", "Run the learner on all answers")
        self.outcomes: dict[str, Outcome] = {}
        self.on(self.kind_menu, lambda _: self.along.see())
        self.on(self.output_slider, lambda _: self.along.see())
        self.on(self.learn_button, lambda _: self.along.see(self.learn()))
        super().__init__(
            [AnswersView], [[self.kind_menu, self.output_slider, self.learn_button]], theme
        )

    def answers(self, kind: str) -> BlackBox:
        """The black box of a kind."""

        def answer(x: np.ndarray) -> np.ndarray:
            log_p = log_probabilities(self.secret(x))
            if kind == "log p":
                return log_p
            if kind == "probability p":
                return np.exp(log_p)
            return log_p[:, 1:] - log_p[:, :1]

        return answer

    def learn(self) -> Outcome:
        """Run the learner on the answers in the menu."""
        kind = self.kind_menu.value
        self.outcomes[kind] = attempt(self.answers(kind), 64, 20_000)
        return self.outcomes[kind]

    def patches(self) -> Sequence[Patch]:
        """The answer along a line."""
        kind, j = self.kind_menu.value, self.output_slider.value
        t, x = self.along.points(np.linspace(-1.5, 1.5, 301))
        y = self.answers(kind)(x)
        column = j - 1 if kind == self.kinds[2] else j
        copy: np.ndarray | None = None
        sentence = "Straight pieces with kinks, or a curve? Decide, then press Learn it."
        if kind in self.outcomes:
            outcome = self.outcomes[kind]
            sentence = f"{outcome.error}: {outcome.words}"
            if outcome.network is not None and outcome.result is not None:
                copy = outcome.network(x)[:, column]
                sentence = (
                    f"Learned: {outcome.network.n_neurons} neurons from "
                    f"{outcome.result.queries:,} queries. {outcome.words}"
                )
        self.tell(sentence, f"answer: {kind}, digit {j} · 64 inputs, 32 hidden neurons")
        p = f"p{'₀₁₂₃₄₅₆₇₈₉'[j]}"
        names = dict(
            zip(self.kinds, (f"probability {p}", f"log {p}", f"log {p} − log p₀"), strict=True)
        )
        chart = self.chart(AnswersView)
        witness = self.along.told(self.answers(kind), column)
        where = "a line" if witness is None else "the witness: three points not on a line"
        title = f"{names[kind]} along {where}"
        return (chart.patch(t, y[:, column], title, copy=copy, witness=witness),)


def activations() -> dict[str, BlackBox]:
    """One hidden layer with several activations, and a network with two layers."""
    net = zoo.random_network(6, 5, rng=2)
    second = np.random.default_rng(0).standard_normal((5, 5))

    def with_(f: Callable[[np.ndarray], np.ndarray]) -> BlackBox:
        return lambda x: f(x @ net.weights.T - net.biases) @ net.output_weights

    return {
        "relu": with_(lambda z: np.maximum(z, 0)),
        "leaky relu": with_(lambda z: np.where(z > 0, z, 0.1 * z)),
        "absolute value": with_(np.abs),
        "hard tanh": with_(lambda z: np.clip(z, -1, 1)),
        "tanh": with_(np.tanh),
        "softplus": with_(lambda z: np.logaddexp(0, z)),
        "step": with_(lambda z: (z > 0).astype(float)),
        "two hidden layers": with_(lambda z: np.maximum(np.maximum(z, 0) @ second, 0)),
    }


class Activations(Board):
    """Which activations are in the class, and what the learner says about those that are not.

    Parameters
    ----------
    name : str
        One of the names in `activations()`.
    zoom : int
        The line is drawn over a length of 10^-zoom.
    theme : str
    """

    def __init__(self, name: str = "tanh", zoom: int = 0, theme: str | None = None) -> None:
        self.boxes = activations()
        self.outcomes: dict[str, Outcome] = {}
        random = np.random.default_rng(1)
        self.along = Along(*random.standard_normal((2, 6)))
        self.name_menu = ipywidgets.Dropdown(
            options=list(self.boxes), value=name, description="Activation"
        )
        lengths = [("6", -1), ("1", 0), ("0.1", 1), ("0.01", 2), ("0.001", 3)]
        self.zoom_slider = slider("Length shown", lengths, zoom)
        self.learn_button = button("Learn it", "search", "Run the learner")
        self.on(self.name_menu, lambda _: self.along.see())
        self.on(self.zoom_slider, lambda _: self.along.see())
        self.on(self.learn_button, lambda _: self.along.see(self.learn()))
        super().__init__(
            [lambda th: AnswersView(th, chord=True)],
            [[self.name_menu, self.zoom_slider, self.learn_button]],
            theme,
        )

    def learn(self) -> Outcome:
        """Run the learner on the black box in the menu."""
        name = self.name_menu.value
        self.outcomes[name] = attempt(self.boxes[name], 6)
        return self.outcomes[name]

    def patches(self) -> Sequence[Patch]:
        """The answer over a part of a line, with the chord."""
        name, zoom = self.name_menu.value, self.zoom_slider.value
        length = 6.0 if zoom < 0 else 10.0**-zoom
        t, x = self.along.points(0.2 + length * np.linspace(-0.5, 0.5, 301))
        y = self.boxes[name](x)
        copy: np.ndarray | None = None
        sentence = "Zoom in. Does it become straight? Then press Learn it."
        if name in self.outcomes:
            outcome = self.outcomes[name]
            sentence = f"{outcome.error}: {outcome.words}"
            if outcome.network is not None:
                copy = outcome.network(x)
                sentence = f"Learned: {outcome.network.n_neurons} neurons. {outcome.words}"
        bend = float(np.abs(y - np.linspace(y[0], y[-1], len(y))).max())
        height = float(np.ptp(y)) or 1.0
        title = f"{name}: the answer on a piece of length {length:g}"
        witness = self.along.told(self.boxes[name])
        if witness is not None:  # its chord is the one that is drawn
            bend = float(abs(witness[1] - (witness[0] + witness[2]) / 2))
            title = f"{name}: the witness, whose middle is off the chord by {number(bend)}"
            if self.outcomes[name].error == "NotOneHiddenLayer":
                title = f"{name}: no crease here, where one that bends elsewhere would go on"
        share = 100 * bend / height
        far = f"{share:.1f} %" if share >= 0.1 else "less than 0.1 %"
        self.tell(sentence, f"farthest from the chord: {far} of the picture's height")
        chart = self.chart(AnswersView)
        return (chart.patch(t, y, title, copy=copy, witness=witness),)
