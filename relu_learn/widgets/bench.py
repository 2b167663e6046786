"""Lesson 2, first half: GetGradient and GetBias by hand, on an interval that is dragged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from relu_learn import zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.asking.oracle import Oracle
from relu_learn.core.gradients import get_gradient
from relu_learn.core.lines import Line
from relu_learn.core.neurons import get_bias
from relu_learn.figures.creased_paper import straight_line
from relu_learn.figures.hyperplanes import Bench, BenchGradients, BenchPlane, BenchSlice
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import values_span
from relu_learn.figures.theme import Theme, number
from relu_learn.judging.matching import match_neurons
from relu_learn.network import ReluNetwork
from relu_learn.widgets import look
from relu_learn.widgets.explorer import Explorer, fill, log_slider, menu, slider, toggle
from relu_learn.widgets.hands import BenchHands, colours_of, finite, numbers_of


def measure(network: ReluNetwork, line: Line, a: float, b: float, alpha: float) -> Bench:
    """GetGradient at both ends of [a, b] and GetBias on it, with answers only."""
    oracle = Oracle(network, network.dim)
    ends = line.at(np.array([a, b]))
    values = oracle(ends)
    gradients = np.array([get_gradient(oracle, x, alpha, rng=0) for x in ends])
    weights, bias, t = get_bias(oracle, line, a, b, alpha=alpha, rng=0)
    meets = check = off = np.nan
    if np.isfinite(t):
        times = np.array([t, (a + t) / 2, (t + b) / 2])
        side = np.array([0, 0, 1])  # whose piece they are on
        slopes = gradients @ line.direction
        pieces = values[side] + slopes[side] * (times - np.array([a, b])[side])
        answers = oracle(line.at(times))
        meets, check = float(pieces[0]), float(answers[0])
        off = float(np.abs(answers - pieces).max())
    queries = oracle.queries - 2 * (network.dim + 1)  # GetBias measured the gradients once more
    queries -= len(values)
    return Bench(line, a, b, alpha, gradients, values, weights, bias, t, meets, check, off, queries)


def pictures(networks: Mapping[str, ReluNetwork] | None) -> dict[str, ReluNetwork]:
    """The networks of a menu: the zoo's pictures unless others are given."""
    return dict(networks or {name: zoo.get(name) for name in zoo.names("picture")})


_LINE = straight_line(20.0, 0.5)


def _gradients(network: ReluNetwork) -> np.ndarray:
    """The gradients of all pieces of the line that can be shown, (n, 2)."""
    x = _LINE.at(np.linspace(-BenchSlice.reach, BenchSlice.reach, 801))
    active = x @ network.weights.T > network.biases
    return np.unique(active * network.output_weights @ network.weights + network.skip, axis=0)


class KinkBench(Explorer):
    """Drag the ends of an interval [a, b] of a line; see what GetGradient and GetBias make of it.

    Parameters
    ----------
    network : str
    a, b : float
    alpha : float
        Radius of the balls in which the gradients are measured.
    networks : mapping of str to ReluNetwork, optional
        The menu; the pictures of the zoo when omitted.

    Attributes
    ----------
    bench : Bench
        What was measured last.
    """

    kind = "kink"

    def __init__(
        self,
        network: str = "paper_plane",
        a: float = 2.4,
        b: float = 3.4,
        alpha: float = 1e-4,
        *,
        networks: Mapping[str, ReluNetwork] | None = None,
        theme: str | None = None,
    ) -> None:
        self._networks = pictures(networks)
        self.network_menu = menu("Secret", list(self._networks))
        self.a, self.b = slider("a", -4, 4, 0.05), slider("b", -4, 4, 0.05)
        self.alpha = log_slider("radius α", -12, 0, 0.25, ".1e")
        self.reveal = toggle("Reveal", "eye", "Show the secret itself")
        if a >= b:
            raise InvalidArgument(f"a must be less than b, got {a:g} and {b:g}")
        self._interval = a, b  # the last one that was not empty
        inputs = {"network": self.network_menu, "a": self.a, "b": self.b}
        start = {"network": network, "a": a, "b": b, "alpha": alpha, "theme": theme}
        fill({**inputs, "alpha": self.alpha}, {key: start[key] for key in ("network", "alpha")})
        self.hands = BenchHands(self._in_hand(look.theme_of(theme)), self._on_hand)
        super().__init__(
            {**inputs, "alpha": self.alpha, "reveal": self.reveal},
            [[self.network_menu, self.a, self.b], [self.alpha, self.reveal]],
            start,
            between=[self.hands],
        )
        self.hands.over(*self.panels)

    @property
    def secret(self) -> ReluNetwork:
        """The chosen secret."""
        return self._networks[self.network_menu.value]

    def _in_hand(self, theme: Theme) -> dict[str, Any]:
        """What the page needs to draw what a hand moves, and what was measured."""
        a, b = self._interval
        self.bench = bench = measure(self.secret, _LINE, a, b, self.alpha.value)
        slopes = bench.gradients @ _LINE.direction
        measured = {
            "g": bench.gradients.tolist(),
            "values": bench.values.tolist(),
            "slopes": slopes.tolist(),
            "jump": (bench.gradients[1] - bench.gradients[0]).tolist(),
            "jumps": bench.jumps,
        }
        if bench.jumps:
            measured |= {"t": bench.t, "meets": bench.meets, "check": bench.check}
            measured |= {"off": bench.off, "bias": self._bias}
        return {
            "net": numbers_of(self.secret),
            "line": [_LINE.origin.tolist(), _LINE.direction.tolist()],
            "a": a,
            "b": b,
            "alpha": self.alpha.value,
            "measured": measured,
            "longest": max(1.0, float(np.linalg.norm(_gradients(self.secret), axis=1).max())),
            "reach": BenchPlane.reach,
            "half": BenchSlice.reach,
            "colours": colours_of(theme),
        }

    def _on_hand(self, moved: dict[str, Any]) -> None:
        self.messages.guard(self._take)(moved)

    def _take(self, moved: dict[str, Any]) -> None:
        """A hand let go of a or b."""
        ends = finite([moved["a"], moved["b"]], (2,))
        a, b = np.clip(np.round(ends, 2), self.a.min, self.a.max).tolist()
        if a < b:
            self.put(a=a, b=b)
            self._interval = a, b
        self.messages.clear()
        self.show()

    def changed(self, name: str) -> None:
        """Another interval, unless it is empty; another network has other frames."""
        if name == "network":
            self.redress()
        if self.a.value < self.b.value:
            self._interval = self.a.value, self.b.value
            return
        a, b = (number(end) for end in self._interval)
        self.messages.say(f"a must be less than b: the interval from {a} to {b} is still shown.")

    def make_views(self, theme: Theme) -> list[Any]:
        """The plane, the slice, and the gradients."""
        secret = self.secret
        values = secret(_LINE.at(np.linspace(-BenchSlice.reach, BenchSlice.reach, 401)))
        span = float(values.min()), float(values.max())
        return [
            BenchPlane(theme, span=values_span(secret)),
            BenchSlice(theme, span=span),
            BenchGradients(theme, _gradients(secret)),
        ]

    def draw(self) -> list[Patch]:
        """Measure, and draw what came out."""
        self.hands.show(**self._in_hand(self.theme))
        truth = self.secret if self.reveal.value else None
        self.narration.tell(self._sentence(self.bench), f"{self.bench.queries} queries")
        plane, along, _ = self.views
        return [plane.draw(_LINE, truth), along.draw(_LINE, truth), Patch()]

    @property
    def _bias(self) -> float:
        """GetBias lets w grow along the line; here it is the jump itself, as in the text."""
        jump = self.bench.gradients[1] - self.bench.gradients[0]
        return self.bench.bias if self.bench.weights @ jump > 0 else -self.bench.bias

    def _sentence(self, bench: Bench) -> str:
        if not bench.jumps:
            return "The gradients at a and b are the same: no neuron switches in between."
        jump = bench.gradients[1] - bench.gradients[0]
        w = ", ".join(number(round(float(x), 4)) for x in jump)
        text = f"Jump w = g(b) − g(a) = ({w}); the pieces meet at t* = {number(bench.t)}, "
        text += f"so the bias is ⟨w, x(t*)⟩ = {number(self._bias)}. "
        if bench.agrees:
            text += "Check: F follows both pieces up to there ✓"
        elif not bench.inside:
            text += "Check: that is outside [a, b] ✗"
        else:
            text += "Check: F does not follow the pieces up to there ✗"
        return text + self._revealed(bench)

    def extra_values(self) -> dict[str, Any]:
        """The interval that is shown, whatever the sliders say."""
        a, b = (f"{end:.12g}" for end in self._interval)
        return {"a": a, "b": b}

    def restore(self, values: dict[str, Any]) -> None:
        """Put in the values, if they make an interval."""
        if values["a"] >= values["b"]:
            raise InvalidArgument("a in the share string: must be less than b")
        self._interval = values["a"], values["b"]
        super().restore(values)

    def _revealed(self, bench: Bench) -> str:
        if not self.reveal.value:
            return ""
        found = ReluNetwork(bench.weights[None], np.array([bench.bias]), np.ones(1))
        match = match_neurons(found, self.secret)
        if not len(match.pairs):
            return " Revealed: the secret has no such crease."
        off = float(match.angle_error[0])
        digits = "to rounding" if off < 1e-11 else f"by {number(off)} radians"
        return f" Revealed: a crease of the secret, its direction off {digits}."
