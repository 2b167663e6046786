"""The state of one run of LearnFromQueries, and its steps along one line.

A line is drawn, searched for critical points, and solved for the neurons; the hypothesis is tested
on fresh points. `learning` puts the steps together.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from typing import Any

import numpy as np

from relu_learn.core import events as ev
from relu_learn.core.diagnosis import (
    EXACT,
    jump_between,
    look_for_bent_hyperplanes,
    look_for_curves,
    require_repeatable,
)
from relu_learn.core.errors import BlackBoxError, LearningFailed, NotPiecewiseLinear
from relu_learn.core.events import Event, Trace
from relu_learn.core.explain import jump_at
from relu_learn.core.lines import SIGMAS, Level, Line, Noise, Slice, Window, probe_noise
from relu_learn.core.loss import Certificate, certificate, output_scale
from relu_learn.core.network import ReluNetwork
from relu_learn.core.neurons import assemble, neurons_of_slice, prune
from relu_learn.core.oracle import Oracle
from relu_learn.core.pieces import Block, Piece
from relu_learn.core.polish import polish
from relu_learn.core.precision import estimate_noise
from relu_learn.core.readable import readable
from relu_learn.core.refine import settle_biases
from relu_learn.core.search import PATIENCE, search_line
from relu_learn.core.target import Target

# Errors on fresh points below this (in units of the output's scale) need no repair.
PRECISE = 5e-9
# A network that cannot be repaired any more is still returned, with its certificate, if its errors
# on fresh points are below this.
USEFUL = 1e-5
RANDOM = (
    "black_box must answer the same point alike: two answers differ by more than the function "
    "itself varies"
)
# A piece shorter than this on its line hardly matters to F'.
_SLIVER = 1e-5
# Fresh points of the smallest test.
FEW = 32
# Precise answers have errors below this, in units of the scale.
_BLUNT = 1e-8
# Points off the line that have to be rounded as well before answers are called rounded.
_ELSEWHERE = 24
# Sums of float32 numbers are not less precise than this, in units of the scale.
_SINGLE = 1e-3
# The search of a line multiplies the noise by SIGMAS = 16, because in float64 it is known to an
# order of magnitude only. Measured noise is known better, and half of it separates more kinks.
_SHARP = 0.5


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
class Settings:
    method: str
    epsilon: float | None
    delta: float
    validation: int | None
    polish: bool
    r: float
    tau: float
    alpha: float


class Run:
    """The state of one run: the hypothesis, and the events so far."""

    measure = "standard Gaussian"
    window = Window()
    marks = np.zeros(1)  # where a repair's line certainly has to be asked
    audible = SIGMAS / 1e3  # sizes (see `sizes`) above so many times the noise are not noise
    draw: Callable[[int], np.ndarray] | None = None  # samples for noisy answers, unless Gaussian

    def __init__(self, oracle: Oracle, settings: Settings, rng: np.random.Generator) -> None:
        self.oracle, self.settings, self.rng = oracle, settings, rng
        self.known: ReluNetwork | None = None  # whitened, m outputs
        self.blocks: list[Block] = []
        self.first: Piece | None = None
        self.slice: Slice  # of the current line, once it is searched
        self.scale = np.ones(1)
        self.noise = np.zeros(1)
        self.imprecise = self.single = self.random = False
        self.step = 0.0  # of answers that are rounded to its multiples
        self.measured = 0.0  # noise of an answer at first, in its own units
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
        return assemble(self.blocks, self.first, self.line)

    def target(self) -> Target:
        return Target(self.oracle, self.scale, self.known)

    def learn(self) -> Iterator[Event]:
        """Learn from precise answers: the road from the first line to the final test."""
        raise NotImplementedError

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

    def choose_line(self, through: np.ndarray | None) -> str:
        """Draw the line that is looked at next; the sentence that says so."""
        self.line = Line.draw(self.oracle.dim, self.rng, through)
        if through is None:
            return "Draw a random Gaussian line through the input space."
        return "Draw a new line through the point where the hypothesis is worst."

    def shown(self) -> tuple[float, float]:
        """The part of the line that pictures show."""
        return -self.settings.tau, self.settings.tau

    def draw_line(self, through: np.ndarray | None = None) -> Iterator[Event]:
        text = self.choose_line(through)
        yield self.emit(
            ev.LineDrawn,
            "start" if through is None else "repair",
            "GetNeurons",
            text,
            origin=self.line.origin,
            direction=self.line.direction,
            t_range=self.shown(),
        )

    def measure_precision(self) -> Iterator[Event]:
        """How precise are the answers, and how large? Both from a few points of the line."""
        plain = Target(self.oracle, np.ones(1))
        seen: list[np.ndarray] = []

        def ask(t: np.ndarray) -> np.ndarray:
            seen.append(plain(self.line.at(t)))
            return seen[-1]

        noise = probe_noise(ask, self.rng, self.window)
        spread, values = self.sizes(seen[0])
        # An output that is all rounding here is like the others elsewhere, or of size 1. (Rounding
        # may cancel where the noise was measured: then the other outputs tell its size.)
        least = SIGMAS * np.maximum(noise, np.finfo(float).eps * spread.max())
        size = np.where(spread > least, spread, np.where(values > least, values, 0))
        self.scale = _powers_of_two(size)
        # Seen at a tiny scale only: is it rounding to a grid, float32, or noise?
        twice = plain(self.line.at(np.zeros(2)))
        differ = np.abs(twice[0] - twice[1]).max() > 1e-12 * np.abs(twice).max()
        tiny = 4 * np.finfo(float).eps
        short = [np.abs(np.round(y, 9) - y) <= tiny * np.abs(y) for y in seen]
        decimals = bool((np.concatenate(short).all(axis=0) & (spread > 0)).any())
        # Neighbours that are rounded to the same number:
        decimals |= bool((np.ptp(np.split(seen[0], 3)[2], axis=0) == 0).any())
        single = all((y == y.astype(np.float32)).all() for y in seen)
        if differ or decimals or single or (noise > EXACT * self.scale).any():
            estimate = estimate_noise(
                lambda x: self.oracle(x).reshape(len(x), -1),
                self.line.origin,
                self.line.direction,
                self.rng,
                lambda: self.sample(_ELSEWHERE),
            )
            self.random = estimate.kind == "random"
            # Float64, too, is imprecise under a large offset.
            dirty = estimate.kind != "exact" or bool((estimate.sigma > _BLUNT * self.scale).any())
            if estimate.kind == "float32":  # or a curve; float32 has more digits than a few
                dirty = single or bool((estimate.sigma < _SINGLE * self.scale).all())
            self.imprecise = dirty and bool((estimate.sigma > EXACT / 100 * self.scale).any())
            if self.imprecise:
                noise, self.single = estimate.sigma, estimate.kind in ("float32", "digits")
                self.step = estimate.step
                if not self.single:  # it does not grow with t, so that more is heard above it
                    heard = np.where(spread > self.audible * noise, spread, 0)
                    size = np.where(heard > 0, heard, np.where(values > SIGMAS * noise, values, 0))
                    if self.random and not size.any():
                        raise BlackBoxError(RANDOM, self.place(self.line.at(np.zeros(2))))
                    self.scale = _powers_of_two(size)
                weak = noise > 0.3 * self.scale
                if weak.any() and not weak.all():  # an output that is nothing but noise
                    sharpest = max((noise / self.scale)[~weak].min(), np.finfo(float).eps / 2)
                    self.scale[weak] = np.exp2(np.round(np.log2(noise[weak] / sharpest)))
        # Zero answers say nothing about rounding: assume that the outputs are of size 1 somewhere.
        self.noise = np.maximum(noise / self.scale, np.finfo(float).eps / 2)
        self.measured = float((self.noise * self.scale).max())
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
        def search() -> Iterator[Level]:
            self.slice = yield from steps

        asked, patience = 0, PATIENCE
        try:
            for level in search():
                yield level
                asked += len(level.t)
                if asked > patience:
                    patience *= 4
                    require_repeatable(self)
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
            if jump_between(self, t - h, t + h) == 0:
                return
            text, witness = jump_at(t)
            raise NotPiecewiseLinear(text, self.place(self.line.at(witness)))

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
        net = self._anchored(assemble(self.blocks, self.first, self.line), self.slice)
        self.blocks = settle_biases(self.target(), net, self.blocks, self.line, self.rng)

    def silent_pieces(self) -> Collection[int]:
        """The pieces of the line on which F' is right already."""
        return ()

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
        else:
            self.known = self._combined(self.known + found)

    def _combined(self, network: ReluNetwork) -> ReluNetwork:
        """One neuron for each hyperplane: a repair meets those that it corrects again.

        Unless the difference shows: pairs of neurons may be as close as that.
        """
        merged, whole = (prune(network.simplify(rtol=rtol)) for rtol in (1e-8, 1e-14))
        if merged.n_neurons == whole.n_neurons:
            return merged
        return whole if self.score(whole)[1] < self.score(merged)[1] / 2 else merged

    def _anchored(self, net: ReluNetwork, s: Slice) -> ReluNetwork:
        """Fix the offset where the line is near the origin.

        The leftmost piece, which gave the affine part, may be far out, where values are large and
        so is their rounding. The median ignores pieces between kinks that were not resolved; those
        inside clumps of neurons, that need not be right, may be the majority.
        """
        wide = s.widths > _SLIVER * (1 + np.abs(s.centers))
        wide = wide if wide.any() else ~wide
        near = wide & (np.abs(s.centers) <= max(2.0, float(np.abs(s.centers[wide]).min())))
        misfit = s.values[near] - net(self.line.at(s.centers[near]))
        offset = net.offset + np.median(misfit, axis=0)
        return ReluNetwork(net.weights, net.biases, net.output_weights, net.skip, offset)

    def score(self, network: ReluNetwork | None) -> tuple[float, float]:
        """How bad is a network on all validation points so far (their answers are paid for):
        share of points off by more than the tolerance, and worst error."""
        if network is None or not self.tested:
            return math.inf, math.inf
        errors = (self.paid(network)[1] * self.scale).max(axis=1)
        return float((errors > self.tolerance()).mean()), float(errors.max())

    def remeasure(self) -> Generator[Piece, None, ReluNetwork]:
        assert self.known is not None
        return polish(Target(self.oracle, self.scale), self.known, Noise(self.noise), self.rng)

    def polish(self) -> Iterator[Event]:
        """Measure everything again with long steps; keep the better network."""
        assert self.known is not None
        rough, score, errors = self.known, self.score(self.known), [0.0]

        def measured() -> Iterator[Piece]:
            self.known = yield from self.remeasure()
            few = prune(self.known)
            if few.n_neurons < self.known.n_neurons:  # rounding that was taken for kinks; without
                self.known = few  # them there is more room to measure the others
                self.known = yield from self.remeasure()

        for piece in measured():
            errors.append(piece.error * math.sqrt(self.oracle.dim))
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
        share, worst = self.score(self.known)
        # What is still missing outweighs what has become precise.
        if (share, worst) >= score and not (self.imprecise and worst < 1.5 * score[1]):
            self.known = rough
            return
        self.doubt = math.hypot(*errors)
        self.accept()
        yield self.emit(
            ev.NetworkUpdated,
            "polish",
            "LearnFromQueries",
            "Solve for all neurons again: the last digits.",
            network=self.hypothesis(),
        )

    def repair(
        self, through: np.ndarray, sentence: str, afresh: bool = False
    ) -> Generator[Event, None, bool]:
        """Learn F - F' (or F, `afresh`) along one more line; keep the sum if it fits all answers
        so far better; returns whether it does."""
        before, mark = self.known, self.score(self.known)
        if afresh:
            self.known = None
        yield from self.extend(through)
        if not self.better(mark):
            self.known = before
            return False
        yield self.repaired(sentence)
        return True

    def extend(self, through: np.ndarray) -> Iterator[Event]:
        """Learn F - F' along one more line, and add it to F'."""
        yield from self.draw_line(through)
        yield from self.search(True)
        yield from self.solve("repair")
        self.commit()

    def better(self, mark: tuple[float, float]) -> bool:
        """Whether F' fits all answers so far better than what had this `score`."""
        share, worst = self.score(self.known)
        return share < mark[0] or worst < 0.9 * mark[1]

    def repaired(self, sentence: str) -> Event:
        self.accept()
        return self.emit(
            ev.NetworkUpdated, "repair", "LearnFromQueries", sentence, network=self.hypothesis()
        )

    def go_back(self, kept: Sequence[ReluNetwork | None]) -> Iterator[Event]:
        """Of F' and what was kept of it, take what fits all answers so far best."""
        best = min([self.known, *kept], key=lambda net: self.score(net)[1])
        if best is not self.known:
            self.known = best
            yield self.repaired("Go back to the hypothesis that fits all answers best.")
            yield from self.validate()

    def paid(self, network: ReluNetwork | None) -> tuple[np.ndarray, np.ndarray]:
        """The points (n, d) of all tests so far, and how far a network is off there (n, m),
        whitened."""
        points, answers = (np.concatenate(list(part)) for part in zip(*self.tested, strict=True))
        return points, np.abs(answers if network is None else answers - network(points))

    def worst(self) -> tuple[np.ndarray, np.ndarray]:
        """The points (n, d) of all tests so far, and the largest |F - F'| (n,) there."""
        points, errors = self.paid(self.known)
        return points, (errors * self.scale).max(axis=1)

    def require_useful(self, where: str = "") -> None:
        """Raise if what cannot be repaired is more than imprecise.

        Raises
        ------
        NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed
        """
        worst = float(max(self.errors.max(), self.worst()[1].max()))
        if worst > USEFUL * self.output_scale:
            look_for_curves(self)
            look_for_bent_hyperplanes(self)
            raise LearningFailed(
                f"after {self.oracle.queries:,} queries F and F' still differ by {worst:.2g} "
                f"(outputs are of size {self.output_scale:.2g}): the black box is not a "
                f"one-hidden-layer ReLU network{where}, or its answers are too imprecise"
            )

    # ---------------------------------------------------------------- validation

    def validation_size(self) -> int:
        """Fresh points of the last test: many where few kinks were found, and 0.5 % at least.

        A secret that looks simple is where a narrow bump would hide, and where points are cheap;
        and where one repair was needed there may be more. Kinks of rounding do not count.
        """
        if self.settings.validation is not None:
            return self.settings.validation
        k = prune(self.known, 1e-8).n_neurons if self.known is not None else 0
        wide = 2000 if k <= 8 or self.repairs else int(2000 * (8 / k) ** 4)
        return max(FEW, wide, min(self.oracle.queries // 200, 1000))

    def batches(self, n: int) -> list[int]:
        """Doubled sizes: what one point in a hundred shows costs some hundred points."""
        sizes: list[int] = []
        while n > sum(sizes):
            sizes.append(min(max(FEW, sum(sizes)), n - sum(sizes)))
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
            self.output_scale = self._scale_of(np.concatenate(values))
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

    def _scale_of(self, values: np.ndarray) -> float:
        """The size of outputs (n, m), whitened, that errors are compared with. Answers that are
        nothing but rounding do not tell it."""
        scale = output_scale(values * self.scale)
        rounding = SIGMAS * float((self.noise * self.scale).max())
        return scale if self.imprecise or scale > rounding else float(self.scale.max())

    def precision(self) -> Noise:
        """The noise of an answer; in a repair, what needs no repair counts as noise."""
        if self.imprecise:
            return Noise(np.maximum(_SHARP * self.noise, self.doubt / SIGMAS))
        if self.known is None:
            return Noise(self.noise)
        return Noise(np.maximum(self.noise, self.tolerance() / self.scale / (2 * SIGMAS)))

    def tolerance(self) -> float:
        if self.settings.epsilon is not None:  # no point off by more: the mean square is below
            return max(PRECISE * self.output_scale, math.sqrt(self.settings.epsilon))
        rounding = 1e4 * float((self.noise * self.scale).max())
        return max(PRECISE * self.output_scale, min(rounding, USEFUL * self.output_scale))


def _powers_of_two(size: np.ndarray) -> np.ndarray:
    """Scales (m,) of outputs of these sizes; those of unknown size (0) are like the largest."""
    largest = size.max() or 1.0
    size = np.where(size > 0, np.maximum(size, 1e-60 * largest), largest)  # squared twice, at most
    return np.exp2(np.round(np.log2(size)))
