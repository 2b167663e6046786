"""Lesson 3: slide two neurons together; turn neurons around."""

from __future__ import annotations

import dataclasses
from typing import Any

import ipywidgets
import numpy as np

from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.clustering import (
    Clump,
    ClumpsView,
    ErrorView,
    VectorsView,
    clumps,
    joined,
    true_jumps,
    true_kinks,
)
from relu_learn.figures.patch import Patch
from relu_learn.figures.run_view import RunView
from relu_learn.figures.theme import Theme, number
from relu_learn.judging.loss import best_loss
from relu_learn.judging.orientation import orient
from relu_learn.learn import learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev
from relu_learn.widgets import look
from relu_learn.widgets.explorer import Explorer, menu, slider, toggle
from relu_learn.widgets.hands import PairHands, colours_of, finite, numbers_of

TAU = 4.0
BASE, SHIFT = 35.0, 0.2  # direction in degrees and bias of neuron 1
WIDEST, FAR = 90.0, 2.0  # how far apart the two can be: in degrees, and in bias
FREE = "your own"
# angle, bias distance, weight of the second neuron, opposite, r
PRESETS: dict[str, tuple[float, float, float, bool, float]] = {
    "apart": (25.0, 0.6, 1.0, False, 0.3),
    "close": (6.0, 0.1, 1.0, False, 0.5),
    "near kinks only": (60.0, 0.2, 1.0, False, 0.5),
    "duplicates": (0.0, 0.0, 1.0, False, 0.3),
    "cancelling pair": (4.0, 0.05, -1.0, False, 0.5),
    "opposite twins": (0.0, 0.0, -1.0, True, 0.3),
}


def pair(
    degrees: float,
    gap: float,
    weight: float,
    opposite: bool,
    base: float = BASE,
    shift: float = SHIFT,
) -> ReluNetwork:
    """Two neurons at an angle and a bias distance (1 and 2), in the company of two others."""
    angles = np.deg2rad([base, base + degrees, 130.0, -40.0])
    weights = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    biases = np.array([shift, shift + gap, -0.9, -1.0])
    if opposite:
        weights[1], biases[1] = -weights[1], -biases[1]
    return ReluNetwork(weights, biases, [1.0, weight, -1.0, 0.8])


class PairLab(Explorer):
    """Slide neurons 1 and 2 together, and see what the learner makes of them.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.
    method : {"grid", "adaptive"}
    seed : int
        Of the run: which line is drawn.

    Attributes
    ----------
    secret : ReluNetwork
    run : RunView
    found : list of Clump
        Which true neurons each neuron of the first line stands for.
    loss : tuple of (float, str)
        Of the final hypothesis; "exact" or "sampled".
    """

    kind = "pair"

    def __init__(
        self,
        preset: str = "apart",
        method: str = "grid",
        *,
        seed: int = 7,
        theme: str | None = None,
    ) -> None:
        self._seed = seed
        self.preset_menu = menu("Pair", [FREE, *PRESETS])
        self.angle = slider("angle °", -WIDEST, WIDEST, 0.5, ".1f")
        self.gap = slider("bias distance", -FAR, FAR, 0.01)
        self.base = slider("turn both °", -180, 180, 0.5, ".1f")
        self.shift = slider("shift both", -FAR, FAR, 0.01)
        self.weight = slider("weight of neuron 2", -2, 2, 0.1, ".1f")
        self.opposite = toggle("Face opposite ways", "exchange", "Turn neuron 2 around")
        self.method_menu = menu("Method", ("grid", "adaptive"))
        self.r = slider("interval length r", 0.05, 1.5, 0.05)
        inputs = {
            "pair": self.preset_menu,
            "angle": self.angle,
            "gap": self.gap,
            "weight": self.weight,
            "opposite": self.opposite,
            "method": self.method_menu,
            "r": self.r,
            "base": self.base,
            "shift": self.shift,
        }
        rows = [
            [self.preset_menu, self.angle, self.gap],
            [self.weight, self.opposite, self.method_menu],
            [self.r, self.base, self.shift],
        ]
        start: dict[str, Any] = {"pair": preset, "method": method, "theme": theme, **_HOME}
        if preset in PRESETS:
            start |= dict(zip(_PAIR, PRESETS[preset], strict=True))
        first = {"net": numbers_of(pair(0.0, 0.0, 1.0, False)), "line": [[0, 0], [1, 0]]}
        self.hands = PairHands(
            {**first, "colours": colours_of(look.theme_of(theme))}, self._on_hand
        )
        super().__init__(inputs, rows, start, between=[self.hands])
        self.hands.over(*self.panels[:2])

    def _on_hand(self, moved: dict[str, Any]) -> None:
        self.messages.guard(self._take)(moved)

    def _take(self, moved: dict[str, Any]) -> None:
        """A hand let go of a crease."""
        values = finite([moved[name] for name in _MOVED], (len(_MOVED),))
        limits = [(self.inputs[name].min, self.inputs[name].max) for name in _MOVED]
        places = [min(max(v, low), high) for v, (low, high) in zip(values, limits, strict=True)]
        self.put(pair=FREE, **dict(zip(_MOVED, places, strict=True)))
        self.messages.clear()
        self.show()

    def _in_hand(self, line: ev.LineDrawn) -> dict[str, Any]:
        """What the page needs to draw what a hand moves."""
        return {
            "net": numbers_of(self.secret),
            "line": [line.origin.tolist(), line.direction.tolist()],
            "angle": self.angle.value,
            "gap": self.gap.value,
            "opposite": bool(self.opposite.value),
            "r": self.r.value if self.method_menu.value == "grid" else 0.0,
            "tau": TAU,
            "base": self.base.value,
            "shift": self.shift.value,
            "widest": WIDEST,
            "far": FAR,
            "reach": ErrorView.reach,
            "half": TAU,
            "colours": colours_of(self.theme),
        }

    def changed(self, name: str) -> None:
        """A preset moves the sliders; a slider moved by hand leaves the preset."""
        preset = PRESETS.get(self.preset_menu.value)
        if name == "pair" and preset is not None:
            self.put(**dict(zip(_PAIR, preset, strict=True)), **_HOME)
        elif name in (*_PAIR[:-1], *_HOME):
            self.put(pair=FREE)

    def restore(self, values: dict[str, Any]) -> None:
        """Put in the values, if the pair is what its name says."""
        preset = PRESETS.get(values["pair"])
        told = dict(zip(_PAIR[:-1], preset, strict=False)) | _HOME if preset else {}
        for name, known in told.items():
            if not np.isclose(values[name], known):
                raise InvalidArgument(
                    f"{name} in the share string: the pair {values['pair']!r} has {known:g}; "
                    f"any other is {FREE!r}"
                )
        super().restore(values)

    def make_views(self, theme: Theme) -> list[Any]:
        """The error map, the slice, and the weight vectors."""
        return [ErrorView(theme), ClumpsView(theme, reach=TAU), VectorsView(theme)]

    def _learn(self) -> None:
        own = (self.angle, self.gap, self.weight, self.opposite, self.base, self.shift)
        self.secret = pair(*(control.value for control in own))
        grid = self.method_menu.value == "grid"
        more = {"r": self.r.value, "tau": TAU} if grid else {}
        steps = learn_steps(
            self.secret, 2, method=self.method_menu.value, rng=self._seed, validation=200, **more
        )
        self.run = RunView(steps, 2)
        self.state = self.run.finish()
        if self.run.error is not None:
            self.messages.report(self.run.error)
        self.found = clumps(self.run.events, self.secret)
        self.loss = best_loss(self.secret, self.state.hypothesis.network, rng=0)

    def draw(self) -> list[Patch]:
        """Learn the present secret, and draw what came out."""
        self._learn()
        self.r.disabled = self.method_menu.value != "grid"
        error, _, vectors = self.views
        r = self.r.value if self.method_menu.value == "grid" else 0.0
        self.views[1] = along = ClumpsView(self.theme, reach=TAU, r=r, tau=TAU)
        line = next(e for e in self.run.events if isinstance(e, ev.LineDrawn))
        self.hands.show(**self._in_hand(line))
        seen = [clump for clump in self.found if np.isfinite(clump.t)]
        first = self._state_on_first_line()
        jumps = true_jumps(self.secret, line)
        names = [str(i + 1) for i in range(len(jumps))]
        kinks = np.array([line.origin + clump.t * line.direction for clump in seen])
        neurons = [e for e in self.run.events if isinstance(e, ev.NeuronFound)][: len(seen)]
        creases = ReluNetwork(
            np.reshape([n.weights for n in neurons], (-1, 2)),
            np.array([n.bias for n in neurons]),
            np.ones(len(neurons)),
        )
        self.narration.tell(self._sentence(), self._facts(line))
        found = np.reshape([clump.weights for clump in seen], (-1, 2))
        network = self.state.hypothesis.network
        return [
            error.draw(self.secret, network, creases, self.loss, line, kinks.reshape(-1, 2)),
            along.draw(first, self.secret, self.found),
            vectors.draw(np.zeros_like(jumps), jumps, names, found, "Gradient jumps a w"),
        ]

    def _state_on_first_line(self) -> Any:
        """The last state before a repair draws another line, with the final hypothesis."""
        states = [self.run[i] for i in range(len(self.run))]
        last = max(i for i, state in enumerate(states) if state.line_number <= 1)
        return dataclasses.replace(states[last], hypothesis=self.state.hypothesis)

    def _facts(self, line: ev.LineDrawn) -> str:
        one, two = true_kinks(self.secret, line)[:2]
        apart = abs(one - two)
        parts = [f"on this line creases 1 and 2 are {number(float(apart))} apart"]
        if self.method_menu.value == "grid":
            parts[0] += f" = {number(float(apart / self.r.value))} r"
        return " · ".join([*parts, f"{self.state.queries:,} queries"])

    def _sentence(self) -> str:
        parts = []
        for clump in self.found:
            who = joined([i + 1 for i in clump.members])
            if not np.isfinite(clump.t):
                if len(clump.members) > 1:
                    parts.append(f"Neurons {who} cancel: no kink at all.")
                continue
            if len(clump.members) > 1:
                parts.append(f"Neurons {who} came out as one, {_vector(clump)}, the sum of theirs.")
        missed = set(range(self.secret.n_neurons)).difference(*(c.members for c in self.found))
        if missed:
            who = joined([i + 1 for i in sorted(missed)])
            parts.append(f"The grid ends before the line meets crease {who}.")
        if not parts:
            parts = [f"Every kink is seen by itself: {self._count()} neurons."]
        value, kind = self.loss
        parts.append(f"Loss of the whole: {number(value)} ({kind}).")
        return " ".join(parts)

    def _count(self) -> int:
        return sum(np.isfinite(clump.t) for clump in self.found)

    def dispose(self) -> None:
        """Let go of the run and close every widget."""
        self.run.close()
        super().dispose()


_PAIR = ("angle", "gap", "weight", "opposite", "r")
_HOME = {"base": BASE, "shift": SHIFT}  # where a ready-made pair is
_MOVED = ("base", "shift", "angle", "gap")  # what a hand changes


def _vector(clump: Clump) -> str:
    return "a w = ({})".format(", ".join(number(round(float(x), 3)) for x in clump.weights))


class TurnLab(Explorer):
    """A network with some neurons turned around: the error is affine, and can be undone.

    Parameters
    ----------
    turned : sequence of int
        Neurons (from 1) that face the wrong way at the start.

    Attributes
    ----------
    secret, hypothesis : ReluNetwork
    residual : ReluNetwork
        F - F', simplified: no neuron is left in it, only an affine function.
    """

    kind = "turn"
    _sum, _no_sum = "The residual's slope u: turned a w, added up", "No neuron is turned: u = 0"

    def __init__(self, turned: tuple[int, ...] = (), *, theme: str | None = None) -> None:
        self.secret = ReluNetwork(
            [[1.0, 0.2], [-0.5, 0.9], [0.3, -1.1], [0.9, 0.8]],
            [0.4, -0.3, 0.6, -0.8],
            [1.0, -1.2, 0.7, -0.6],
        )
        self.flips = [
            toggle(f"Turn {i + 1}", "refresh", f"Let neuron {i + 1} face the other way")
            for i in range(self.secret.n_neurons)
        ]
        self.residual_switch = toggle(
            "Add the affine residual", "plus", "What LearnFromQueries does in the end"
        )
        self.orient_button = ipywidgets.Button(
            description="Orient", icon="magic", tooltip="Find the neurons that face the wrong way"
        )
        inputs = {f"turn{i + 1}": flip for i, flip in enumerate(self.flips)}
        start = {f"turn{i}": True for i in turned}
        super().__init__(
            {**inputs, "residual": self.residual_switch},
            [[*self.flips, self.residual_switch, self.orient_button]],
            {**start, "theme": theme},
        )
        self.orient_button.on_click(self.messages.guard(lambda _: self._orient()))

    def make_views(self, theme: Theme) -> list[Any]:
        """The error map, and the vectors whose sum it is."""
        return [
            ErrorView(theme, on_line=False),
            VectorsView(theme, "turned a w", "u, the sum", 0.9),
        ]

    def draw(self) -> list[Patch]:
        """The network with its turned neurons, and its error."""
        turned = np.array([flip.value for flip in self.flips])
        sign = np.where(turned, -1.0, 1.0)
        net = self.secret
        plain = ReluNetwork(sign[:, None] * net.weights, sign * net.biases, net.output_weights)
        self.residual = (net - plain).simplify()
        self.hypothesis = plain
        if self.residual_switch.value:
            skip, offset = self.residual.skip, self.residual.offset
            self.hypothesis = ReluNetwork(
                plain.weights, plain.biases, plain.output_weights, skip, offset
            )
        loss = best_loss(net, self.hypothesis, rng=0)
        steps = (net.output_weights[:, None] * net.weights)[turned]
        ends = np.cumsum(steps, axis=0)
        starts = ends - steps
        u = self.residual.skip[None] if turned.any() else np.empty((0, 2))
        names = [str(i + 1) for i in np.flatnonzero(turned)]
        self.narration.tell(self._sentence(turned, loss), f"loss {number(loss[0])} ({loss[1]})")
        error, vectors = self.views
        return [
            error.draw(net, self.hypothesis, plain, loss),
            vectors.draw(starts, ends, names, u, self._sum if turned.any() else self._no_sum),
        ]

    def _sentence(self, turned: np.ndarray, loss: tuple[float, str]) -> str:
        if not turned.any():
            return "All neurons face the right way: F′ = F. Turn one around."
        who = joined([i + 1 for i in np.flatnonzero(turned)])
        u = ", ".join(number(round(float(x), 3)) for x in self.residual.skip)
        affine = f"⟨u, x⟩ + c with u = ({u}), c = {number(round(float(self.residual.offset), 3))}"
        word = "Neuron" if turned.sum() == 1 else "Neurons"
        left = self.residual.n_neurons
        creases = "no crease is left in" if not left else f"{left} creases are left in"
        start = f"{word} {who} turned around: {creases} F − F′, "
        if self.residual_switch.value:
            return f"{start}which was {affine}. Added to F′, nothing is wrong any more."
        return f"{start}it is the affine function {affine}."

    def _orient(self) -> None:
        """Turn back what faces the wrong way, as found by `orient`."""
        self.messages.clear()
        if not self.residual_switch.value:
            self.messages.say("Add the affine residual first: it is what tells who is turned.")
            return
        right = orient(self.hypothesis)
        back = np.sum(right.weights * self.hypothesis.weights, axis=1) < 0
        self.put(
            residual=False,
            **{f"turn{i + 1}": bool(self.flips[i].value != b) for i, b in enumerate(back)},
        )
        self.show()
        who = [i + 1 for i in np.flatnonzero(back)]
        text = f"Orient turned {joined(who)} back" if who else "Orient found nothing to turn"
        self.narration.tell(
            f"{text}: F′ has {right.n_neurons} neurons and no affine part.", self.narration.facts
        )
