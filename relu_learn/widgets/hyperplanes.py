"""Lesson 2: GetGradient and GetBias by hand, and GetNeurons on a whole line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from relu_learn import zoo
from relu_learn.core.errors import InvalidArgument
from relu_learn.core.gradients import get_gradient
from relu_learn.core.lines import Line
from relu_learn.core.network import ReluNetwork
from relu_learn.core.neurons import get_bias
from relu_learn.core.oracle import Oracle
from relu_learn.figures.creased_paper import straight_line
from relu_learn.figures.hyperplanes import (
    Bench,
    BenchGradients,
    BenchPlane,
    BenchSlice,
    GradientView,
    IntervalsView,
    NormalsView,
    gradients_of,
)
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.run_view import RunView
from relu_learn.figures.theme import Theme, number
from relu_learn.judging.loss import best_loss
from relu_learn.judging.matching import match_neurons
from relu_learn.learn import learn_steps
from relu_learn.widgets import look, share
from relu_learn.widgets.explorer import (
    Explorer,
    fill,
    log_slider,
    menu,
    slider,
    toggle,
    whole_slider,
)
from relu_learn.widgets.hands import BenchHands, colours_of, finite, numbers_of
from relu_learn.widgets.lifecycle import close_tree
from relu_learn.widgets.transport import Transport

MAX_QUERIES = 50_000
METHODS = ("grid", "adaptive")


def measure(network: ReluNetwork, line: Line, a: float, b: float, alpha: float) -> Bench:
    """GetGradient at both ends of [a, b] and GetBias on it, with answers only."""
    oracle = Oracle(network, network.dim)
    ends = line.at(np.array([a, b]))
    values = oracle(ends)
    gradients = np.array([get_gradient(oracle, x, alpha, rng=0) for x in ends])
    weights, bias, t = get_bias(oracle, line, a, b, alpha=alpha, rng=0)
    meets = check = np.nan
    if np.isfinite(t):
        meets = float(values[0] + gradients[0] @ line.direction * (t - a))
        check = float(oracle(line.at(np.array([t])))[0])
    queries = oracle.queries - 2 * (network.dim + 1)  # GetBias measured the gradients once more
    return Bench(
        line, a, b, alpha, gradients, values, weights, bias, t, meets, check, queries - len(values)
    )


def _networks(networks: Mapping[str, ReluNetwork] | None) -> dict[str, ReluNetwork]:
    return dict(networks or {name: zoo.get(name) for name in zoo.names("picture")})


_LINE = straight_line(20.0, 0.5)


def _gradients(network: ReluNetwork) -> np.ndarray:
    """The gradients of all pieces of the line that can be shown, (n, 2)."""
    x = _LINE.at(np.linspace(-BenchSlice.reach, BenchSlice.reach, 801))
    active = x @ network.weights.T > network.biases
    return np.unique(active * network.output_weights @ network.weights + network.skip, axis=0)


def _span(network: ReluNetwork) -> tuple[float, float]:
    z = PlaneView().values(network)
    low, high = float(z.min()), float(z.max())
    return (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)


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
        a: float = -2.0,
        b: float = -1.0,
        alpha: float = 1e-4,
        *,
        networks: Mapping[str, ReluNetwork] | None = None,
        theme: str | None = None,
    ) -> None:
        self._networks = _networks(networks)
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
            measured["bias"] = self._bias
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
            BenchPlane(theme, span=_span(secret)),
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
        text += f"so b = ⟨w, x(t*)⟩ = {number(self._bias)}. "
        if bench.agrees:
            text += "Check: F passes there ✓"
        elif not bench.inside:
            text += "Check: that is outside [a, b] ✗"
        else:
            text += "Check: F does not pass there ✗"
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

    def dispose(self) -> None:
        """Close every widget, and what the page draws with."""
        close_tree(self.hands)
        super().dispose()

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


class HyperplaneLab(Explorer):
    """A run on a whole line, event by event, with the grid's r and τ in your hands.

    Parameters
    ----------
    network : str
    method : {"grid", "adaptive"}
    r, tau : float
        Length of the grid's intervals, and half the length of the line that it covers.
    seed : int
        Of the run, 0 to 20.
    networks : mapping of str to ReluNetwork, optional

    Attributes
    ----------
    run : RunView
    state : State
    transport : Transport
    """

    kind = "hyperplanes"
    _winding = False

    def __init__(
        self,
        network: str = "paper_plane",
        method: str = "grid",
        r: float = 0.4,
        tau: float = 4.0,
        seed: int = 0,
        *,
        networks: Mapping[str, ReluNetwork] | None = None,
        theme: str | None = None,
    ) -> None:
        self._networks = _networks(networks)
        self.network_menu = menu("Secret", list(self._networks))
        self.method_menu = menu("Method", METHODS)
        self.seed = whole_slider("Seed (which line)", 0, 20)
        self.r = slider("interval length r", 0.05, 1.5, 0.05)
        self.tau = slider("half length τ", 1, 8, 0.5, ".1f")
        inputs = {"network": self.network_menu, "method": self.method_menu, "seed": self.seed}
        start = {"network": network, "method": method, "r": r, "tau": tau, "seed": seed}
        sliders = {"r": self.r, "tau": self.tau}
        fill({**inputs, **sliders}, start)
        self.run = self._new_run()
        self.state = self.run[0]
        self.transport = Transport(self.run, self._at)
        super().__init__(
            {**inputs, **sliders},
            [[self.network_menu, self.method_menu, self.seed], [self.r, self.tau]],
            start | {"theme": theme},
            between=[self.transport],
        )

    @property
    def secret(self) -> ReluNetwork:
        """The chosen secret."""
        return self._networks[self.network_menu.value]

    def _new_run(self) -> RunView:
        secret, grid = self.secret, self.method_menu.value == "grid"
        more = {"r": self.r.value, "tau": self.tau.value, "validation": 200} if grid else {}
        events = learn_steps(
            secret,
            2,
            method=self.method_menu.value,
            rng=self.seed.value,
            max_queries=MAX_QUERIES,
            **more,
        )
        return RunView(events, 2)

    def changed(self, name: str) -> None:
        """Another run; who was at the end of the last one sees the end of this one."""
        position = self.transport.position
        self.run.reach(position + 1)
        self._begin(self._new_run(), at_end=0 < position == len(self.run) - 1)

    def _begin(self, run: RunView, at_end: bool = False, step: int = 0) -> None:
        self.run.close()
        self.run = run
        for widget in (self.r, self.tau):
            widget.disabled = self.method_menu.value != "grid"
        if at_end:
            self.run.finish()
            step = len(self.run) - 1
        with self._no_drawing():
            self.transport.wind(self.run, step)
        self.state = self.run[self.transport.position]
        self.views = self.make_views(self.theme)

    @contextmanager
    def _no_drawing(self) -> Iterator[None]:
        """The transport moves in here without anything being drawn."""
        self._winding = True
        try:
            yield
        finally:
            self._winding = False

    def _at(self, index: int, revealed: bool) -> None:
        del revealed  # read from the transport when drawing
        self.state = self.run[index]
        if not self._winding:
            self.show()

    # ---------------------------------------------------------------- the views

    def make_views(self, theme: Theme) -> list[Any]:
        """The plane, the slice, and the gradients."""
        r = self.r.value if self.method_menu.value == "grid" else 0.0
        tau = self.tau.value if r else 4.0
        plane = NormalsView(theme, span=_span(self.secret))
        return [plane, IntervalsView(theme, reach=tau, r=r, tau=tau), GradientView(theme, 0.48)]

    def draw(self) -> list[Patch]:
        """The state under the slider."""
        state = self.state
        truth = self.secret if self.transport.revealed else None
        plane, along, gradients = self.views
        self._tell()
        return [
            plane.patch(state, truth),
            along.patch(state, truth),
            gradients.draw(*gradients_of(self.run.events[: state.index])),
        ]

    def _tell(self) -> None:
        state = self.state
        total = f" of {len(self.run) - 1}" if self.run.exhausted else ""
        facts = [f"Event {state.index}{total}", f"{state.queries:,} queries"]
        if state.event is not None:
            facts.append(state.event.procedure)
        text = state.narration
        known = state.hypothesis
        if not known.is_empty and known.neurons:
            facts.append(f"neurons found: {len(known.neurons)}")
        if state.is_final:
            loss, kind = best_loss(self.secret, known.network, rng=0)
            matched = len(match_neurons(known.network, self.secret).pairs)
            text += f" Of the secret's {self.secret.n_neurons} neurons {matched} are among them; "
            text += f"loss {number(loss)} ({kind})."
        self.narration.tell(text, " · ".join(facts))
        if self.run.error is not None and state.index == len(self.run) - 1:
            self.messages.report(self.run.error)

    # ------------------------------------------------------------------- sharing

    def extra_rules(self) -> dict[str, share.Rule]:
        """Where the transport stands."""
        return {"step": share.whole_number(), "reveal": share.switch}

    def extra_values(self) -> dict[str, Any]:
        """Event, and whether the secret is revealed."""
        return {"step": self.transport.position, "reveal": int(self.transport.revealed)}

    def restore(self, values: dict[str, Any]) -> None:
        """Settings, event and curtain."""
        step, reveal = values.pop("step"), values.pop("reveal")
        self.put(**values)
        run = self._new_run()
        share.check_step(run, step)
        with self._no_drawing():
            self.transport.revealed = reveal
        self._begin(run, step=step)

    def dispose(self) -> None:
        """Stop the timer and close every widget."""
        self.run.close()
        self.transport.dispose()
        super().dispose()
