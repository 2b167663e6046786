"""LearnFromQueries: the whole algorithm, one event at a time.

`learn_steps` is the primitive, a generator; `learn_from_queries` drains it. One round draws a
Gaussian line, finds its critical points, measures gradients, and solves for the neurons. The
hypothesis is then tested on fresh Gaussian points. Where it fails, the residual F - F' is learned
in the same way along a line through the worst point (peeling): it is a one-hidden-layer network
too.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Generator, Iterator
from typing import Any

import numpy as np

from relu_learn.core import events as ev
from relu_learn.core.errors import (
    BlackBoxError,
    InvalidArgument,
    LearningFailed,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    ReluLearnError,
)
from relu_learn.core.events import Event, Trace
from relu_learn.core.grid import Probe, probe_intervals
from relu_learn.core.lines import (
    PATIENCE,
    SIGMAS,
    Level,
    Line,
    Noise,
    Slice,
    Window,
    probe_noise,
    search_line,
)
from relu_learn.core.loss import Certificate, certificate, output_scale
from relu_learn.core.network import ReluNetwork
from relu_learn.core.neurons import assemble, neurons_of_slice, prune
from relu_learn.core.noisy import estimate_noise, learn_noisy, merge_alike, readable, thin
from relu_learn.core.oracle import BlackBox, Oracle
from relu_learn.core.pieces import Block, Piece
from relu_learn.core.polish import polish
from relu_learn.core.refine import settle_biases
from relu_learn.core.target import Target

_MAX_ROUNDS = 12
# Errors on fresh points below this (in units of the output's scale) need no repair.
_PRECISE = 5e-9
# A network that cannot be repaired any more is still returned, with its certificate, if its errors
# on fresh points are below this.
_USEFUL = 1e-5
# Answers less precise than this, in units of the scale, are looked at as noisy.
_EXACT = 1e-10
_RANDOM = (
    "black_box must answer the same point alike: two answers differ by more than the function "
    "itself varies"
)
# Expected errors above this are not left to the final test: everything is measured once more.
_ROUGH = 1e-9
# A piece shorter than this on its line hardly matters to F'.
_SLIVER = 1e-5
# Fresh points of the smallest test.
_FEW = 32
# Questions that are asked again when the answers make no sense.
_AGAIN = 16
# Even float32 sums that depend on the batch repeat to this, relative to their size.
_FICKLE = 1e-4
# A noisy fit that needs more neurons than this is given up.
_MAX_NOISY = 120
# Sums of float32 numbers are not less precise than this, in units of the scale.
_SINGLE = 1e-3
# Imprecise answers with an error up to this show the kinks of a line: they are looked at first.
_LINES = 1e-5
# The search of a line multiplies the noise by SIGMAS = 16, because in float64 it is known to an
# order of magnitude only. Measured noise is known better, and half of it separates more kinks.
_SHARP = 0.5
# Share of the gradients' queries that may be spent on choosing a line, and how many lines at most.
_SURVEY, _MAX_LINES = 0.05, 8
# A least squares step for all neurons costs (k d)^2 / m operations: up to this, it is done.
_FIT = 1e9
# A curve looks like very many kinks.
_MAX_KINKS = 500
# Points that tell whether a neuron is missing in the start of a fit.
_GLANCE = 64
# How often a line, or a repair, is tried again; and how many parameters are few.
_ATTEMPTS, _SMALL = 3, 10_000


@dataclasses.dataclass(frozen=True, eq=False)
class LearnResult:
    """What a run found, and what it can claim.

    Attributes
    ----------
    network : ReluNetwork
    queries : int
    loss : float
        Mean of |F - F'|^2 over the fresh points of the last validation (not used for learning).
    certificate : Certificate
        What these points prove.
    worst_error : float
        Largest |F - F'| on these points.
    scale : float
        The size of the outputs that errors are to be compared with (their standard deviation).
    noise : float
        Estimated error of one answer, in units of the scale.
    trace : Trace
        All events.
    complete : bool
        False in the `partial` result of an error.
    """

    network: ReluNetwork
    queries: int
    loss: float
    certificate: Certificate
    worst_error: float
    scale: float
    noise: float
    trace: Trace
    complete: bool = True

    def __repr__(self) -> str:
        return (
            f"LearnResult({self.network!r}, queries={self.queries:,}, loss={self.loss:.1e}, "
            f"worst_error={self.worst_error:.1e}, scale={self.scale:.2g})"
        )


@dataclasses.dataclass(frozen=True)
class _Settings:
    method: str
    epsilon: float | None
    delta: float
    validation: int | None
    polish: bool
    r: float
    tau: float
    alpha: float


class _Run:
    """The state of one run: the hypothesis, and the events so far."""

    measure = "standard Gaussian"
    window = Window()
    marks = np.zeros(1)  # where a repair's line certainly has to be asked
    draw: Callable[[int], np.ndarray] | None = None  # samples for noisy answers, unless Gaussian

    def __init__(self, oracle: Oracle, settings: _Settings, rng: np.random.Generator) -> None:
        self.oracle, self.settings, self.rng = oracle, settings, rng
        self.known: ReluNetwork | None = None  # whitened, m outputs
        self.blocks: list[Block] = []
        self.first: Piece | None = None
        self.slice: Slice  # of the current line, once it is searched
        self.scale = np.ones(1)
        self.noise = np.zeros(1)
        self.imprecise = self.single = self.random = False
        self.doubt = 0.0  # expected error of F', whitened
        self.output_scale = 1.0
        self.errors = np.empty(0)
        self.looks = 0
        self.accepted: ReluNetwork | None = None
        self.events: list[Event] = []
        self.tested: list[tuple[np.ndarray, np.ndarray]] = []
        self.repairs = 0
        self.roughness = 0.0  # expected error of F', whitened, where it was measured worst
        self.first_guess: ReluNetwork | None = None
        self.first_line: Line | None = None

    # ---------------------------------------------------------------- bookkeeping

    def emit(
        self, kind: type[Event], phase: str, procedure: str, narration: str, **data: Any
    ) -> Event:
        event = kind(
            phase=phase,
            procedure=procedure,
            queries=self.oracle.queries,
            narration=narration,
            **data,
        )
        self.events.append(event)
        return event

    def hypothesis(self) -> ReluNetwork:
        """The network so far, in the units and the output shape of the black box."""
        d, m = self.oracle.dim, len(self.scale)
        net = self._line_network()
        net = net if self.known is None else (self.known if net is None else self.known + net)
        if net is None:
            net = ReluNetwork(
                np.zeros((0, d)), np.zeros(0), np.zeros((m, 0)), np.zeros((m, d)), np.zeros(m)
            )
        outputs = net.output_weights * self.scale[:, None]
        skip, offset = net.skip * self.scale[:, None], net.offset * self.scale
        if self.oracle.is_scalar:
            return ReluNetwork(net.weights, net.biases, outputs[0], skip[0], offset[0])
        return ReluNetwork(net.weights, net.biases, outputs, skip, offset)

    def _line_network(self) -> ReluNetwork | None:
        """What the current line has given so far, whitened."""
        if self.first is None:
            return None
        return assemble(self.blocks, self.first)

    def target(self) -> Target:
        return Target(self.oracle, self.scale, self.known)

    def learn(self) -> Iterator[Event]:
        return _adaptive(self)

    def accept(self) -> None:
        """Take the hypothesis as the best so far; nothing can be claimed about it yet."""
        self.accepted, self.errors = self.hypothesis(), np.empty(0)

    def sample(self, n: int) -> np.ndarray:
        """Fresh points (n, d) of the measure that F' is to be good on."""
        return self.rng.standard_normal((n, self.oracle.dim))

    def place(self, points: np.ndarray) -> np.ndarray:
        """Points as the black box sees them."""
        return points

    def ask(self, x: np.ndarray) -> np.ndarray:
        """Answers (n, m) at points as the black box sees them."""
        return self.oracle(x).reshape(len(x), -1)

    def noise_at(self, x: np.ndarray) -> np.ndarray:
        """Their noise (n, m)."""
        return np.array([Noise(self.noise * self.scale).at_point(point) for point in x])

    def result(self, complete: bool = True) -> LearnResult:
        # Not `hypothesis()`: in the middle of a repair that holds half of what it takes.
        network = self.hypothesis() if self.accepted is None else self.accepted
        claim = certificate(self.errors, self.settings.delta, self.measure, looks=self.looks)
        loss = float((self.errors**2).mean()) if len(self.errors) else math.inf
        return LearnResult(
            network,
            self.oracle.queries,
            loss,
            claim,
            claim.eta if len(self.errors) else math.inf,
            self.output_scale,
            float((self.noise * self.scale).max() / self.output_scale),
            Trace(self.events),
            complete,
        )

    # ---------------------------------------------------------------- one line

    def draw_line(self, through: np.ndarray | None = None) -> Iterator[Event]:
        self.line = Line.draw(self.oracle.dim, self.rng, through)
        text = "Draw a random Gaussian line through the input space."
        if through is not None:
            text = "Draw a new line through the point where the hypothesis is worst."
        yield self.emit(
            ev.LineDrawn,
            "start" if through is None else "repair",
            "GetNeurons",
            text,
            origin=self.line.origin,
            direction=self.line.direction,
            t_range=(-self.settings.tau, self.settings.tau),
        )

    def measure_precision(self) -> Iterator[Event]:
        """How precise are the answers, and how large? Both from a few points of the line."""
        plain = Target(self.oracle, np.ones(1))
        seen: list[np.ndarray] = []

        def ask(t: np.ndarray) -> np.ndarray:
            seen.append(plain(self.line.at(t)))
            return seen[-1]

        noise = probe_noise(ask, self.rng, self.window)
        size, values = self.sizes(seen[0])
        # An output that is all rounding here is like the others elsewhere, or of size 1. (Rounding
        # may cancel where the noise was measured: then the other outputs tell its size.)
        least = SIGMAS * np.maximum(noise, np.finfo(float).eps * size.max())
        size = np.where(size > least, size, np.where(values > least, values, 0))
        self.scale = np.exp2(np.round(np.log2(np.where(size > 0, size, size.max() or 1.0))))
        # Seen at a tiny scale only: is it rounding to a grid, float32, or noise?
        twice = plain(self.line.at(np.zeros(2)))
        differ = np.abs(twice[0] - twice[1]).max() > 1e-12 * np.abs(twice).max()
        tiny = 4 * np.finfo(float).eps
        decimals = all((np.abs(np.round(y, 9) - y) <= tiny * np.abs(y)).all() for y in seen)
        # Neighbours that are rounded to the same number:
        decimals |= bool((np.ptp(np.split(seen[0], 3)[2], axis=0) == 0).any())
        single = all((y == y.astype(np.float32)).all() for y in seen)
        if differ or decimals or single or (noise > _EXACT * self.scale).any():
            estimate = estimate_noise(
                lambda x: self.oracle(x).reshape(len(x), -1),
                self.line.origin,
                self.line.direction,
                self.rng,
            )
            self.random = estimate.kind == "random"
            dirty = estimate.kind != "exact"
            if estimate.kind == "float32":  # or a curve; float32 has more digits than a few
                dirty = single or bool((estimate.sigma < _SINGLE * self.scale).all())
            self.imprecise = dirty and bool((estimate.sigma > _EXACT / 100 * self.scale).any())
            if self.imprecise:
                noise, self.single = estimate.sigma, estimate.kind == "float32"
                weak = noise > 0.3 * self.scale
                if weak.any() and not weak.all():  # an output that is nothing but noise
                    sharpest = float((noise / self.scale)[~weak].min())
                    self.scale[weak] = np.exp2(np.round(np.log2(noise[weak] / sharpest)))
            if differ and (noise > 0.3 * self.scale).any():
                raise BlackBoxError(_RANDOM, self.place(self.line.at(np.zeros(2))))
        # Zero answers say nothing about rounding: assume that the outputs are of size 1 somewhere.
        self.noise = np.maximum(noise / self.scale, np.finfo(float).eps / 2)
        self.output_scale = float(size.max()) or 1.0
        m = self.oracle.n_outputs or 1
        yield self.emit(
            ev.RunStarted,
            "start",
            "LearnFromQueries",
            f"The secret takes {self.oracle.dim} numbers and answers with {m}; "
            f"its answers are precise to about {self.noise.max():.0e} of their size.",
            dim=self.oracle.dim,
            n_outputs=m,
            method=self.settings.method,
            noise=float(self.noise.max()),
        )

    def sizes(self, probes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Spread and size (m,) of the answers; `probes` are those of `probe_noise`."""
        left, right, middle = np.split(probes, 3)
        # The change of F per unit of t over the whole line: about its spread on Gaussian inputs.
        size = np.abs(np.stack([left[3] - middle[3], right[3] - middle[3]])).max(axis=0) / 1e3
        return size, np.abs(middle).max(axis=0)

    def search(self, through: bool) -> Iterator[Event]:
        target, line = self.target(), self.line
        extra = self.marks if through else None
        steps = search_line(
            lambda t: target(line.at(t)), self.window, self.precision(), self.rng, extra=extra
        )
        phase = "repair" if through else "search"
        for level in self._found_on_line(steps):
            n, q = len(level.t), len(level.open_intervals)
            yield self.emit(
                ev.IntervalProbed,
                phase,
                "GetNeurons",
                f"Ask at {n} point{'s' * (n != 1)} of the line: {q} interval{'s' * (q != 1)} "
                f"still to be explained.",
                t=level.t,
                values=level.values * self.scale,
                open_intervals=level.open_intervals,
            )
        heard = self.slice.noise.level
        self.noise = np.where(heard > self.precision().level, heard, self.noise)
        for t, jump in zip(self.slice.kinks, self.slice.jumps, strict=True):
            yield self.emit(
                ev.CriticalPointFound,
                phase,
                "GetNeurons",
                f"The slope jumps at t = {t:.4g}: the line crosses a critical hyperplane there.",
                t=float(t),
                jump=jump * self.scale,
                point=line.at(np.array([t]))[0],
            )

    def _found_on_line(self, steps: Generator[Level, None, Slice]) -> Iterator[Level]:
        asked, patience = 0, PATIENCE
        try:
            while True:
                try:
                    level = next(steps)
                except StopIteration as stop:
                    self.slice = stop.value
                    break
                yield level
                asked += len(level.t)
                if asked > patience:
                    patience *= 4
                    self.require_repeatable()
        except NotPiecewiseLinear as error:
            error.witness = self.place(self.line.at(error.witness))
            raise
        kinks = self.slice.kinks
        step = np.abs(self.slice.steps).max(axis=1, initial=0.0) / (1 + np.abs(kinks))
        # A jump that is seen along most of a line is one; a single odd kink is left to validation.
        if self.imprecise and self.known is not None:
            return  # of an imprecise residual, that is no proof
        if (step > max(1e-6, 1e3 * float(self.noise.max()))).sum() > len(kinks) / 2:
            t = kinks[int(step.argmax())]
            h = 1e-9 * (1 + abs(t))
            jump = self._jump(t - h, t + h)
            if jump == 0:
                return
            raise NotPiecewiseLinear(
                f"the black box jumps by {jump:.2g} within {h:.0e} of t = {t:.6g} on the line: a "
                "step function, a tree or a nearest-neighbour rule?",
                # Not t in the middle: sign(0) is halfway.
                self.place(self.line.at(np.array([t - 2 * h, t - h / 2, t + h]))),
            )

    def _jump(self, a: float, b: float) -> float:
        """How far F jumps between two parameters of the line; 0 if it is only steep there.

        What is left of a ramp shrinks with the interval, what is left of a jump does not.
        """
        target = Target(self.oracle, self.scale)
        whole = np.inf
        while True:
            t = np.linspace(a, b, 10)
            y = target(self.line.at(t)) * self.scale
            whole = min(whole, float(np.abs(y[-1] - y[0]).max()))
            steps = np.abs(np.diff(y, axis=0)).max(axis=1)
            i = int(steps.argmax())
            a, b = t[i], t[i + 1]
            if steps[i] < whole / 2:
                return 0.0
            if b - a <= 8 * np.spacing(max(abs(a), abs(b), 1.0)):
                return float(steps[i])

    def forget(self) -> None:
        """Start from nothing."""
        self.known, self.doubt = None, 0.0

    def explained(self) -> bool:
        """Whether the errors of F' are those that its neurons' own errors explain."""
        expected = 6 * float((self.doubt * self.scale).max())
        return bool(self.errors.max() <= max(self.tolerance(), expected))

    def survey(self, through: np.ndarray | None = None) -> Iterator[Event]:
        """Search several lines, and keep the one that shows the most kinks, and shows them best.

        Two kinks that are too close for the noise look like one. Lines are cheap next to gradients.
        """
        best, asked, lines = (-1, 0.0), 0, 0
        while True:
            before = self.oracle.queries
            yield from self.search(through is not None)
            s = thin(self.slice, self.line, self.precision())
            asked, lines = asked + self.oracle.queries - before, lines + 1
            quality = (len(s.kinks), float((s.widths / (1 + s.centers**2)).min()))
            if quality > best:
                best, line, found = quality, self.line, s
            affordable = _SURVEY * max(1, len(found.kinks)) * self.oracle.dim
            if lines == _MAX_LINES or asked * (lines + 1) / lines > affordable:
                break
            yield from self.draw_line(through)
        self.line, self.slice = line, found

    def solve(self, phase: str) -> Iterator[Event]:
        """Gradients and neurons of the current line."""
        index = 0 if self.known is None else self.known.n_neurons
        parts = neurons_of_slice(
            self.target(),
            self.line,
            self.slice,
            self.precision(),
            self.rng,
            self.silent_pieces(),
            Noise(self.noise),
        )
        centers, errors = self.slice.centers, {}
        for part in parts:
            if isinstance(part, Piece):
                if part.index == 0:
                    self.first = part
                if self.slice.widths[part.index] > _SLIVER * (1 + abs(centers[part.index])):
                    errors[part.index] = part.error * math.sqrt(self.oracle.dim)
                if part.step == 0:  # silent: nothing was measured
                    continue
                yield self.emit(
                    ev.GradientMeasured,
                    phase,
                    "GetGradient",
                    f"Measure the gradient on piece {part.index + 1} of {len(centers)} with "
                    f"{self.oracle.dim} small steps.",
                    t=float(centers[part.index]),
                    point=part.point,
                    gradient=part.gradient * self.scale[:, None],
                    step=part.step,
                )
                if part.index == 0:
                    yield self.emit_affine("gradients")
                continue
            self.blocks.append(part)
            outputs = part.outputs * self.scale[:, None]
            for i in range(len(part.biases)):
                yield self.emit(
                    ev.NeuronFound,
                    "neurons" if phase == "gradients" else phase,
                    "GetBias",
                    f"The gradients on both sides of t = {part.kinks[i]:.4g} differ by the weights "
                    f"of neuron {index + 1}; the kink gives its bias.",
                    index=index,
                    weights=part.weights[i],
                    bias=float(part.biases[i]),
                    output_weights=outputs[:, i],
                    t=float(part.kinks[i]),
                )
                index += 1
        if self.known is None:
            self.settle()
            self.roughness = max(errors.values(), default=0.0)

    def settle(self) -> None:
        """Second looks at what the first line measures badly by its nature."""
        assert self.first is not None
        net = self._anchored(assemble(self.blocks, self.first), self.slice)
        self.blocks = settle_biases(self.target(), net, self.blocks, self.line, self.rng)

    def silent_pieces(self) -> Collection[int]:
        """The pieces of the line on which F' is right already."""
        return ()

    def check_usefulness(self) -> None:
        """Raise if F' is much worse than the noise explains."""
        noise, worst = float((self.noise * self.scale).max()), float(self.errors.max())
        if worst > max(20 * noise, 1e-3 * self.output_scale):
            raise LearningFailed(
                f"after {self.oracle.queries:,} queries F and F' still differ by {worst:.2g}, "
                f"while the answers' own noise is {noise:.2g}: the black box is not a "
                "one-hidden-layer ReLU network, or too large for so imprecise answers"
            )

    def look_for_bent_hyperplanes(self) -> None:
        """Is the black box a deeper network? Then its critical hyperplanes end somewhere.

        Each neuron's kink was seen on a line. A one-hidden-layer network has the same kink at every
        other point of that hyperplane: look at random places, away from all others.

        Raises
        ------
        NotOneHiddenLayer
            If one in five of the hyperplanes is not the same somewhere.
        """
        net, line, d = self.first_guess, self.first_line, self.oracle.dim
        if net is None or line is None or d == 1:
            return
        strength = np.linalg.norm(net.output_weights, axis=0)
        chosen = np.argsort(-strength)[:12]
        places = max(4, 48 // max(len(chosen), 1))
        points, values = (np.concatenate(list(part)) for part in zip(*self.tested, strict=True))
        errors = np.abs(values - (0.0 if self.known is None else self.known(points))).max(axis=1)
        wrong = points[errors >= np.quantile(errors, 0.9)]
        found, looked = [], 0
        for i in chosen:
            w, b = net.weights[i], net.biases[i]
            seen = line.at((b - w @ line.origin) / (w @ line.direction))
            crease, bend = self._across(net, i, seen[None])
            if not 0.9 < bend[0] < 1.1:
                continue  # not measured well, or not well enough
            # Random places, some far out, and some near points where the hypothesis is wrong.
            x = self.sample(8 * places)
            x[1::4] *= 10
            x[::2] = 0.3 * x[::2] + wrong[self.rng.integers(0, len(wrong), 4 * places)]
            x -= np.multiply.outer(x @ w - b, w)
            room = self._room(net, i, x)
            x = self.rng.permutation(x[(room > 0) & (room >= np.median(room))])[:places]
            if not len(x):
                continue
            elsewhere, bends = self._across(net, i, x)
            looked += 1
            other = np.where(bends < 0.5, np.abs(bends), np.inf)  # a straight place says most
            if np.isfinite(other).any():
                pair = self.place(elsewhere[other.argmin()]), self.place(crease[0])
                found.append((float(other.min()), *pair))
        if len(found) > looked / 5:
            raise NotOneHiddenLayer(
                "the black box is piecewise linear, but its creases end or turn over: a critical "
                "hyperplane seen on a line is not the same at the witness (two or more hidden "
                "layers, max-pooling?)",
                *min(found, key=lambda f: f[0])[1:],
            )

    def _room(self, net: ReluNetwork, i: int, x: np.ndarray) -> np.ndarray:
        """Distances (n,) of the points x (n, d) from all hyperplanes (of unit normals) but one, and
        from where nothing may be asked."""
        away = np.abs(x @ net.weights.T - net.biases)
        away[:, i] = np.inf
        return np.minimum(away.min(axis=1), self.oracle.room(x))

    def _across(self, net: ReluNetwork, i: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Short segments (n, 3, d) across hyperplane i at its points x (n, d), and how much F bends
        there (n,): 1 as the neuron says, NaN where the answers are too imprecise to tell."""
        h = np.minimum(0.3 * self._room(net, i, x), 0.1)
        points = x[:, None] + h[:, None, None] * np.multiply.outer([-1.0, 0.0, 1.0], net.weights[i])
        y = Target(self.oracle, self.scale)(points.reshape(-1, x.shape[1])).reshape(len(x), 3, -1)
        j = int(np.abs(net.output_weights[:, i]).argmax())
        expected = net.output_weights[j, i] * h
        bend = y[:, 0, j] - 2 * y[:, 1, j] + y[:, 2, j]
        noise = np.array([Noise(self.noise).at_point(point)[j] for point in x])
        clear = np.abs(expected) > 1e3 * noise
        return points, np.divide(bend, expected, out=np.full(len(x), np.nan), where=clear)

    def require_repeatable(self) -> None:
        """Ask some earlier questions again: does the black box still give the same answers?

        Raises
        ------
        BlackBoxError
            If it does not.
        """
        x, answers = self.oracle.recall(_AGAIN)
        before = answers.reshape(len(x), -1)
        known = self.known
        if self.tested and known is not None:  # and where the answers fitted worst
            points, values = self.tested[-1]
            wrong = np.abs(values - known(points)).max(axis=1).argsort()[-_AGAIN:]
            x = np.concatenate([x, self.place(points[wrong])])
            before = np.concatenate([before, values[wrong] * self.scale])
        left = self.oracle.remaining
        if left is not None and left < len(x):
            return
        after, noise = self.ask(x), self.noise_at(x)
        change = np.abs(after - before)
        allowed = np.maximum(SIGMAS * noise, _EXACT * self.output_scale)
        if not self.imprecise:  # then the noise may be what a changing black box looks like
            size = np.abs(after) + self.output_scale
            allowed = np.minimum(allowed, _FICKLE * size)
        off = (change / allowed).max(axis=1)
        i = int(off.argmax())
        # Noise disturbs every answer alike; here most are repeated, and some are not at all.
        fickle = bool(change.any()) and self.random and np.quantile(off, 0.25) < 1e-2 / SIGMAS
        if off[i] > 1 or fickle:
            raise BlackBoxError(
                "black_box must answer the same point alike: at the query it said "
                f"{before[i].squeeze()} and now says {after[i].squeeze()} (does it change with "
                "time, or with the other rows of a batch?)",
                x[i : i + 1],
            )

    def check_witness(self, error: ReluLearnError) -> None:
        """Does the black box still bend there? It may answer wrongly once in a while.

        Raises
        ------
        BlackBoxError
            If it does not.
        """
        left = self.oracle.remaining
        if not isinstance(error, NotPiecewiseLinear) or (left is not None and left < 3):
            return
        y = self.ask(error.witness)
        bend = np.abs(y[0] - 2 * y[1] + y[2])
        if (bend <= SIGMAS * self.noise_at(error.witness)[1]).all():
            raise BlackBoxError(
                "black_box must answer the same point alike: around the query it was not straight, "
                "and is when asked again (does it sometimes answer wrongly?)",
                error.witness,
            ) from error

    def emit_affine(self, phase: str) -> Event:
        net = self.hypothesis()
        return self.emit(
            ev.ResidualFitted,
            phase,
            "LearnFromQueries",
            "Left of all kinks every neuron is switched off: what is left is the affine part.",
            skip=net.skip.reshape(-1, self.oracle.dim),
            offset=net.offset.reshape(-1),
        )

    def commit(self) -> None:
        """Take what the current line gave as the hypothesis, or add it to the hypothesis."""
        if self.imprecise:
            self.blocks = [readable(block, self.line) for block in self.blocks]
            parts = [np.linalg.norm(b.outputs, axis=0) * b.tilt for b in self.blocks]
            self.doubt = math.hypot(self.doubt, *np.concatenate([[0.0], *parts]))
        found = self._line_network()
        assert found is not None
        self.blocks, self.first = [], None
        if self.settings.method == "adaptive":
            found = self._anchored(found, self.slice)
        if self.first_guess is None or not self.first_guess.n_neurons:
            self.first_guess, self.first_line = found, self.line
        if self.known is None:
            self.known = found
            if self.accepted is None:
                self.accept()
        else:  # a repair meets the hyperplanes of the neurons that it corrects again
            self.known = prune((self.known + found).simplify(rtol=1e-8))

    def _anchored(self, net: ReluNetwork, s: Slice) -> ReluNetwork:
        """Fix the offset where the line is near the origin.

        The leftmost piece, which gave the affine part, may be far out, where values are large and
        so is their rounding. The median ignores pieces between kinks that were not resolved.
        """
        near = np.abs(s.centers) <= max(2.0, float(np.abs(s.centers).min()))
        misfit = s.values[near] - net(self.line.at(s.centers[near]))
        offset = net.offset + np.median(misfit, axis=0)
        return ReluNetwork(net.weights, net.biases, net.output_weights, net.skip, offset)

    def score(self, network: ReluNetwork | None) -> tuple[float, float]:
        """How bad is a network on all validation points so far (their answers are paid for):
        share of points off by more than the tolerance, and worst error."""
        if network is None or not self.tested:
            return math.inf, math.inf
        points, answers = (np.concatenate(list(part)) for part in zip(*self.tested, strict=True))
        errors = (np.abs(answers - network(points)) * self.scale).max(axis=1)
        return float((errors > self.tolerance()).mean()), float(errors.max())

    def remeasure(self) -> Generator[Piece, None, ReluNetwork]:
        assert self.known is not None
        return polish(Target(self.oracle, self.scale), self.known, Noise(self.noise), self.rng)

    def polish(self) -> Iterator[Event]:
        """Measure everything again with long steps; keep the better network."""
        assert self.known is not None
        rough, score = self.known, self.score(self.known)
        steps = self.remeasure()
        while True:
            try:
                piece = next(steps)
            except StopIteration as stop:
                self.known = stop.value
                break
            yield self.emit(
                ev.GradientMeasured,
                "polish",
                "GetGradient",
                "Measure a gradient again, far from all hyperplanes and with long steps.",
                t=math.nan,
                point=piece.point,
                gradient=piece.gradient * self.scale[:, None],
                step=piece.step,
            )
        if self.score(self.known) >= score:
            self.known = rough
            return
        self.accept()
        yield self.emit(
            ev.NetworkUpdated,
            "polish",
            "LearnFromQueries",
            "Solve for all neurons again: the last digits.",
            network=self.hypothesis(),
        )

    # ---------------------------------------------------------------- validation

    def validation_size(self) -> int:
        """Fresh points of the last test: many where few kinks were found, and 0.5 % at least.

        A secret that looks simple is where a narrow bump would hide, and where points are cheap;
        and where one repair was needed there may be more.
        """
        if self.settings.validation is not None:
            return self.settings.validation
        k = self.known.n_neurons if self.known is not None else 0
        wide = 2000 if k <= 8 or self.repairs else int(2000 * (8 / k) ** 4)
        return max(_FEW, wide, min(self.oracle.queries // 200, 1000))

    def batches(self, n: int) -> list[int]:
        """Doubled sizes: what one point in a hundred shows costs some hundred points."""
        sizes: list[int] = []
        while n > sum(sizes):
            sizes.append(min(max(_FEW, sum(sizes)), n - sum(sizes)))
        return sizes

    def validate(self, most: int | None = None) -> Iterator[Event]:
        """Compare F and F' on more and more fresh Gaussian points; stop where they differ."""
        batches = self.batches(most or self.validation_size())
        points, values, errors = [], [], []
        target = Target(self.oracle, self.scale)
        self.looks += 1
        for size in batches:
            x = self.sample(size)
            points.append(x)
            values.append(target(x))
            errors.append(np.abs(values[-1] - (0.0 if self.known is None else self.known(x))))
            self.errors = (np.concatenate(errors) * self.scale).max(axis=1)
            self.output_scale = output_scale(np.concatenate(values) * self.scale)
            if self.errors.max() > self.tolerance():
                break
        self.points = np.concatenate(points)
        self.tested.append((self.points, np.concatenate(values)))
        worst = float(self.errors.max())
        good = worst <= self.tolerance()
        yield self.emit(
            ev.Validated,
            "validate",
            "LearnFromQueries",
            f"On {len(self.errors)} fresh points F and F' differ by at most {worst:.1e}: "
            + ("rounding." if good else "something is missing there."),
            points=self.points,
            errors=self.errors,
            worst=worst,
            scale=self.output_scale,
            loss=float((self.errors**2).mean()),
        )

    def precision(self) -> Noise:
        """The noise of an answer; in a repair, what needs no repair counts as noise."""
        if self.imprecise:
            return Noise(np.maximum(_SHARP * self.noise, self.doubt / SIGMAS))
        if self.known is None:
            return Noise(self.noise)
        return Noise(np.maximum(self.noise, self.tolerance() / self.scale / (2 * SIGMAS)))

    def tolerance(self) -> float:
        if self.settings.epsilon is not None:  # no point off by more: the mean square is below
            return max(_PRECISE * self.output_scale, math.sqrt(self.settings.epsilon))
        rounding = 1e4 * float((self.noise * self.scale).max())
        return max(_PRECISE * self.output_scale, min(rounding, _USEFUL * self.output_scale))


def learn_steps(
    black_box: BlackBox | Oracle,
    dim: int,
    *,
    method: str = "adaptive",
    rng: int | np.random.Generator | None = None,
    epsilon: float | None = None,
    delta: float = 0.05,
    max_queries: int | None = None,
    validation: int | None = None,
    polish: bool = False,
    bounds: Any = None,
    r: float = 0.05,
    tau: float = 4.0,
    alpha: float = 1e-3,
) -> Iterator[Event]:
    """Learn a one-hidden-layer ReLU network from its answers, step by step (LearnFromQueries).

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m). Its weights are never looked at, only its answers.
    dim : int
        Input dimension d.
    method : {"adaptive", "grid"}
        "adaptive" finds all critical points by refinement, and is exact to rounding. "grid" is the
        paper's: intervals of length r on [-tau, tau], one gradient in each.
    rng : int, numpy.random.Generator or None
        Same seed and black box: same queries, bit for bit.
    epsilon : float, optional
        A loss E[(F - F')^2] that is good enough (default: repair down to rounding).
    delta : float
        The certificate may be wrong with this probability.
    max_queries : int, optional
        Budget.
    validation : int, optional
        Fresh points of the final test (default: chosen from what was found).
    polish : bool
        Measure everything once more with long steps, for the last digits: about twice the queries.
    bounds : (low, high), optional
        Numbers or vectors (d,), finite: not one query leaves the box low <= x <= high. The network
        is learned on the box; loss and certificate are about uniform points of it. Not with "grid".
    r, tau, alpha : float
        The paper's parameters, for "grid": length of an interval and half length of the line (in
        units of t), radius of the gradient's steps (in units of x).

    Yields
    ------
    Event
        See `relu_learn.core.events`; the last one is `Finished`.

    Raises
    ------
    InvalidArgument
        Before the first query.
    QueryBudgetExceeded, BlackBoxError, NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed
        With what was found so far as `partial`.
    """
    settings = _checked(method, epsilon, delta, validation, polish, r, tau, alpha)
    if isinstance(black_box, Oracle):
        oracle = black_box
        if oracle.dim != dim:
            raise InvalidArgument(f"dim must be the oracle's {oracle.dim}, got {dim!r}")
        if max_queries is not None:
            raise InvalidArgument("max_queries must be given to the Oracle when one is passed")
    else:
        oracle = Oracle(black_box, dim, max_queries=max_queries)
    if bounds is None:
        return _steps(_Run(oracle, settings, np.random.default_rng(rng)))
    from relu_learn.core.bounded import Box, BoxRun  # which builds on this module

    if method == "grid":
        raise InvalidArgument("bounds cannot be combined with method='grid': its line leaves them")
    box = Box(bounds, oracle.dim)
    return _steps(BoxRun(oracle, box, settings, np.random.default_rng(rng)))


def _steps(run: _Run) -> Iterator[Event]:
    try:
        yield from run.draw_line()
        yield from run.measure_precision()
        try:
            if run.settings.method == "grid":
                yield from _grid(run)
            elif run.imprecise:
                yield from _noisy(run)
            else:
                yield from run.learn()
        except (NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed) as error:
            run.require_repeatable()  # a black box that changes looks like anything
            run.check_witness(error)
            raise
        result = run.result()
        yield run.emit(
            ev.Finished,
            "finish",
            "LearnFromQueries",
            f"Done: {result.network.n_neurons} neurons from {run.oracle.queries:,} queries.",
            network=result.network,
            certificate=result.certificate,
            loss=result.loss,
            worst=result.worst_error,
            scale=result.scale,
        )
    except ReluLearnError as error:
        if error.partial is None and run.oracle.queries:
            error.partial = run.result(complete=False)
        raise


def _adaptive(run: _Run) -> Iterator[Event]:
    yield from run.search(False)
    yield from run.solve("gradients")
    run.commit()
    polished, rejected = run.settings.polish or run.roughness > _ROUGH, 0
    if polished:
        yield from run.validate(_FEW)
        yield from run.polish()
    yield from run.validate()
    for _ in range(_MAX_ROUNDS):
        if run.errors.max() <= run.tolerance():
            return
        little = run.errors.max() <= _USEFUL * run.output_scale
        if not polished and (little or np.median(run.errors) > run.tolerance() / 10):
            # Only a little wrong: nothing is missing, but something was measured badly.
            polished = True
            yield from run.polish()
            yield from run.validate()
            continue
        before, (share, worst) = run.known, run.score(run.known)
        run.repairs += 1
        if rejected == 2:  # the hypothesis is beyond repair: start again on another line
            run.known, rejected = None, -2
        yield from run.draw_line(run.points[run.errors.argmax()])
        yield from run.search(True)
        yield from run.solve("repair")
        run.commit()
        new_share, new_worst = run.score(run.known)
        if new_share >= share and new_worst >= 0.9 * worst:
            run.known = before
            rejected += 1
            continue
        polished = False
        run.accept()
        yield run.emit(
            ev.NetworkUpdated,
            "repair",
            "LearnFromQueries",
            "Add what was missing to the hypothesis.",
            network=run.hypothesis(),
        )
        yield from run.validate()
    worst = float(run.errors.max())
    if worst > _USEFUL * run.output_scale:
        run.look_for_bent_hyperplanes()
        raise LearningFailed(
            f"after {run.oracle.queries:,} queries F and F' still differ by {worst:.2g} (outputs "
            f"are of size {run.output_scale:.2g}): the black box is not a one-hidden-layer ReLU "
            "network, or its answers are too imprecise"
        )


def _noisy(run: _Run) -> Iterator[Event]:
    """Imprecise answers: a start from lines where these are sharp enough, then all neurons at once,
    by least squares on Gaussian samples."""
    if run.random:
        run.require_repeatable()
    d, m = run.oracle.dim, len(run.scale)
    if run.noise.max() <= _LINES and d > 1 and run.draw is None:
        yield from _by_lines(run)
    start, run.known = run.known, None
    k = start.n_neurons if start is not None else 0
    if (k * d) ** 2 > _FIT * m:
        run.known = start
        yield from _long_steps(run)
        return
    finished = False
    for step in learn_noisy(
        run.target(),
        d,
        run.noise,
        run.rng,
        draw=run.draw,
        start=start,
        max_neurons=max(_MAX_NOISY, 2 * k),
        grows=run.single,
    ):
        run.known = step.network
        run.accept()
        yield run.emit(
            ev.NetworkUpdated,
            "neurons",
            "LearnFromQueries",
            f"Fit {step.network.n_neurons} neurons to {step.samples} noisy answers: on fresh ones "
            f"the error is {step.held_out:.2g} times the noise.",
            network=run.hypothesis(),
        )
        finished = step.finished
        if finished and step.network.n_neurons * d > 20_000:
            break  # averaging a large network further takes long and gains little
    yield from run.validate()
    noise = float((run.noise * run.scale).max())
    if run.random and noise > 0.7 * run.output_scale:  # most of what varies is noise
        raise BlackBoxError(_RANDOM, run.points[:1])
    if not finished:
        run.check_usefulness()


def _by_lines(run: _Run) -> Iterator[Event]:
    """The neurons that lines and small steps show, as far as the noise allows.

    What one line shows badly may be repaired; if not, another line may be better. That matters for
    large networks only: the least squares fit of small ones finds missing neurons itself.
    """
    best: tuple[tuple[float, float], ReluNetwork | None] = ((math.inf, math.inf), None)
    for attempt in range(_ATTEMPTS):
        run.forget()
        if attempt:
            yield from run.draw_line()
        yield from run.survey()
        if len(run.slice.kinks) > _MAX_KINKS:
            break
        yield from run.solve("gradients")
        run.commit()
        yield from run.validate(_GLANCE)
        for _ in range(_ATTEMPTS):
            if run.explained():
                break
            before, score, doubt = run.known, run.score(run.known), run.doubt
            yield from _repair_noisy(run)
            if run.score(run.known) >= score:
                run.known, run.doubt = before, doubt
                break
            yield from run.validate(_GLANCE)
        assert run.known is not None
        if run.explained():
            return
        best = min(best, (run.score(run.known), run.known), key=lambda pair: pair[0])
        if run.known.n_neurons * run.oracle.dim < _SMALL:
            break
    run.known = best[1]


def _repair_noisy(run: _Run) -> Iterator[Event]:
    """Add what one more line shows of F - F'."""
    worst = run.points[run.errors.argmax()]
    yield from run.draw_line(worst)
    try:
        yield from run.survey(worst)
    except NotPiecewiseLinear:
        return  # the residual may be noise; the fit will tell
    if len(run.slice.kinks):
        yield from run.solve("repair")
        run.commit()
        assert run.known is not None
        run.known = merge_alike(run.known)


def _long_steps(run: _Run) -> Iterator[Event]:
    """Imprecise answers of a network that is too large for least squares: average with levers."""
    run.accept()
    yield from run.validate()
    for _ in range(2):
        if run.errors.max() <= run.tolerance():
            return
        if run.errors.max() > 1e-2 * run.output_scale:
            break  # something is missing: measuring the rest better does not help
        yield from run.polish()
        yield from run.validate()
    run.check_usefulness()


def _grid(run: _Run) -> Iterator[Event]:
    s = run.settings
    target, scale, d = run.target(), run.scale, run.oracle.dim
    middle = s.tau - s.r / 2
    index = 0
    for part in probe_intervals(target, run.line, s.r, s.tau, s.alpha, Noise(run.noise), run.rng):
        if isinstance(part, Probe):
            if run.first is None:
                run.first = Piece(0, part.point, part.value, part.gradient, s.alpha, 0.0)
            yield run.emit(
                ev.IntervalProbed,
                "search",
                "GetNeurons",
                f"Look at the interval around t = {part.t:.3g}.",
                t=[part.t],
                values=(part.value * scale)[None],
                open_intervals=[[part.t + s.r / 2, middle + s.r / 2]],
            )
            yield run.emit(
                ev.GradientMeasured,
                "gradients",
                "GetGradient",
                f"Measure the gradient in the middle of the interval, with {d} small steps.",
                t=part.t,
                point=part.point,
                gradient=part.gradient * scale[:, None],
                step=s.alpha,
            )
            continue
        block = Block(
            index,
            index + 1,
            part.weights[None],
            np.array([part.bias]),
            part.outputs[:, None],
            np.array([part.t]),
            np.zeros(1),
        )
        run.blocks.append(block)
        yield run.emit(
            ev.CriticalPointFound,
            "search",
            "GetBias",
            f"The gradient jumps between t = {part.left:.3g} and t = {part.right:.3g}; "
            f"the two affine pieces meet at t = {part.t:.4g}.",
            t=part.t,
            jump=part.outputs * (part.weights @ run.line.direction) * scale,
            point=run.line.at(np.array([part.t]))[0],
        )
        yield run.emit(
            ev.NeuronFound,
            "neurons",
            "GetBias",
            f"The gradient jump is the weight vector of neuron {index + 1}; "
            "the meeting point gives its bias.",
            index=index,
            weights=part.weights,
            bias=part.bias,
            output_weights=part.outputs * scale,
            t=part.t,
        )
        index += 1
    run.commit()
    assert run.known is not None
    # The orientations are guesses: what they get wrong is affine, and linear regression finds it.
    n = 4 * (d + 1)
    x = run.rng.standard_normal((n, d))
    y = target(x) - (run.known(x) - x @ run.known.skip.T - run.known.offset)
    fit = np.linalg.lstsq(np.column_stack([x, np.ones(n)]), y, rcond=None)[0]
    k = run.known
    run.known = ReluNetwork(k.weights, k.biases, k.output_weights, fit[:-1].T, fit[-1])
    net = run.hypothesis()
    yield run.emit(
        ev.ResidualFitted,
        "neurons",
        "LearnFromQueries",
        f"Subtract the neurons and fit what is left by linear regression on {n} Gaussian samples.",
        skip=net.skip.reshape(-1, d),
        offset=net.offset.reshape(-1),
    )
    run.known = run.known.to_pure_relu()
    run.accept()
    yield run.emit(
        ev.NetworkUpdated,
        "neurons",
        "LearnFromQueries",
        "Write the affine part as two more ReLUs: the output is a pure ReLU network.",
        network=run.hypothesis(),
    )
    yield from run.validate()


def learn_from_queries(
    black_box: BlackBox | Oracle,
    dim: int,
    *,
    on_event: Callable[[Event], object] | None = None,
    progress: bool = False,
    **settings: Any,
) -> LearnResult:
    """Learn a one-hidden-layer ReLU network from its answers (paper: LearnFromQueries).

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m).
    dim : int
        Input dimension d.
    on_event : callable, optional
        Called with every event.
    progress : bool
        Show a tqdm bar that counts queries.
    **settings
        As for `learn_steps`: method, rng, epsilon, delta, max_queries, validation, polish, bounds,
        r, tau, alpha.

    Returns
    -------
    LearnResult

    Raises
    ------
    ReluLearnError
        See `learn_steps`.

    Examples
    --------
    >>> from relu_learn import learn_from_queries, zoo
    >>> secret = zoo.random_network(dim=5, neurons=8, rng=1)
    >>> result = learn_from_queries(secret, dim=5, rng=0)
    >>> result.network.n_neurons
    8
    """
    steps = learn_steps(black_box, dim, **settings)
    seen: list[Event] = []
    bar = None
    if progress:
        from tqdm.auto import tqdm

        bar = tqdm(unit=" queries")
    try:
        for event in steps:
            seen.append(event)
            if on_event is not None:
                on_event(event)
            if bar is not None:
                bar.update(event.queries - bar.n)
                bar.set_description(event.phase)
    finally:
        if bar is not None:
            bar.close()
    last = seen[-1]
    assert isinstance(last, ev.Finished)
    started = next(e for e in seen if isinstance(e, ev.RunStarted))
    return LearnResult(
        last.network,
        last.queries,
        last.loss,
        last.certificate,
        last.worst,
        last.scale,
        started.noise,
        Trace(seen),
    )


def _checked(
    method: str,
    epsilon: float | None,
    delta: float,
    validation: int | None,
    polish: bool,
    r: float,
    tau: float,
    alpha: float,
) -> _Settings:
    if method not in ("adaptive", "grid"):
        raise InvalidArgument(f"method must be 'adaptive' or 'grid', got {method!r}")
    if epsilon is not None and not (np.isfinite(epsilon) and epsilon > 0):
        raise InvalidArgument(f"epsilon must be positive, got {epsilon!r}")
    if not 0 < delta < 1:
        raise InvalidArgument(f"delta must be in (0, 1), got {delta!r}")
    if validation is not None and (validation < 1 or int(validation) != validation):
        raise InvalidArgument(f"validation must be a positive integer, got {validation!r}")
    for name, value in (("r", r), ("tau", tau), ("alpha", alpha)):
        if not (np.isfinite(value) and value > 0):
            raise InvalidArgument(f"{name} must be positive, got {value!r}")
    if r > 2 * tau:
        raise InvalidArgument(f"r must be at most 2 tau = {2 * tau}, got {r!r}")
    return _Settings(
        method,
        None if epsilon is None else float(epsilon),
        float(delta),
        validation,
        bool(polish),
        float(r),
        float(tau),
        float(alpha),
    )
