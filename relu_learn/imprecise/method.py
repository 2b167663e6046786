"""The method for imprecise answers: lines first, where they are sharp enough, then all neurons at
once.

Float32, rounded and noisy answers. The least squares fits themselves are in `imprecise.fit`.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator

import numpy as np

from relu_learn.core.errors import BlackBoxError, LearningFailed, NotPiecewiseLinear
from relu_learn.core.events import Event
from relu_learn.core.lines import SIGMAS, Noise
from relu_learn.core.mending import polish
from relu_learn.core.network import ReluNetwork
from relu_learn.core.pieces import Found
from relu_learn.core.run import Run
from relu_learn.core.watch import Doubted, Unexplained
from relu_learn.imprecise.above_noise import merge_alike, readable, thin
from relu_learn.imprecise.fit import learn_noisy, sharpen
from relu_learn.imprecise.kind import RANDOM

# A noisy fit that needs more neurons than this is given up.
_MAX_NOISY = 120
# Imprecise answers with an error up to this show the kinks of a line: they are looked at first.
_LINES = 1e-5
# Share of the gradients' queries that may be spent on choosing a line, and how many lines at most.
_SURVEY, _MAX_LINES = 0.15, 30
# A least squares step for all neurons costs (k d)^2 / m operations: up to the first, many are done;
# up to the second, one (or many, if something is missing).
_FIT, _SLOW_FIT = 1e8, 1e9
# A curve looks like very many kinks.
_MAX_KINKS = 500
# Points that tell whether a neuron is missing in the start of a fit.
_GLANCE = 64
# How often a line, or a repair, is tried again; and how many parameters are few.
_ATTEMPTS, _SMALL = 3, 10_000
# Error of F' that noisy answers are averaged for, in units of the scale, where they allow it.
_WISH = 0.3
# What is fitted to noise alone is smaller than this, in units of the error that was wished for.
_LOUDER = 1.3
# Answers are rounded coarsely if the step is more than this, in units of the scale: to labels?
_COARSE = 0.1
# With errors below this, in units of the scale, nothing is missing.
_ALMOST = 3e-4
# The search of a line multiplies the noise by SIGMAS = 16, because in float64 it is known to an
# order of magnitude only. Measured noise is known better, and half of it separates more kinks.
_SHARP = 0.5
# Levers may make the worst point this much worse: what is missing outweighs what becomes precise.
_LEVERS = 1.5


def fit(run: Run) -> Iterator[Event]:
    """Imprecise answers: a start from lines where these are sharp enough, then all neurons at once,
    by least squares on samples."""
    run.watch(Doubted())
    d, m, evidence = run.oracle.dim, len(run.answers.scale), run.evidence
    endless = run.space.window(run.line).cauchy  # a chord meets only some of the hyperplanes
    if run.answers.noise.max() <= _LINES and d > 1 and endless:
        rough = _Rough(run)
        yield from rough.by_lines()
        if not rough.explains():  # a least squares fit to something else takes long
            run.watch(Unexplained())
        effort = 0.0 if run.known is None else (run.known.n_neurons * d) ** 2 / m
        if effort > _FIT:
            yield from rough.long_steps()
            if evidence.errors.max() <= _ALMOST * evidence.scale and effort <= _SLOW_FIT:
                assert run.known is not None
                target, answers = run.target(known=False), run.answers
                run.known = sharpen(target, run.known, answers.noise, run.rng, answers.grows)
                yield run.updated("fit")
                yield from run.test()
                return
            if effort > _SLOW_FIT:
                _check_usefulness(run)
                return
    yield from _fit(run)


def _fit(run: Run) -> Iterator[Event]:
    """All neurons by least squares, starting from those that are known."""
    start, answers, d = run.known, run.answers, run.oracle.dim
    k = 0 if start is None else start.n_neurons
    # Noise that is larger than F is averaged until F shows.
    precision = float(np.clip(_WISH / answers.noise.max(), 0.2, 0.5))
    finished = False
    for step in learn_noisy(
        run.target(known=False),
        answers.noise,
        run.rng,
        start=start,
        precision=precision,
        max_neurons=max(_MAX_NOISY, 2 * k),
        grows=answers.grows,
    ):
        run.known = step.network
        yield run.updated("fit")
        finished = step.finished
        if finished and step.network.n_neurons * d > 20_000:
            break  # averaging a large network further takes long and gains little
    yield from run.test()
    if answers.random:
        assert run.known is not None
        values = run.known(run.space.sample(1000, run.rng))
        if (values**2).mean() < ((_LOUDER * precision * answers.noise) ** 2).mean():
            raise BlackBoxError(RANDOM, run.space.place(run.evidence.points[:1]))
    if answers.lattice and not _on_lattice(run):
        run.watch(Unexplained(curved=True))
    if answers.lattice > _COARSE * run.evidence.scale:
        rms = math.sqrt(float((run.evidence.errors**2).mean()))
        finished &= rms < 0.5 * run.evidence.scale
    if not finished or not (answers.random or answers.step):
        _check_usefulness(run)


class _Rough:
    """The neurons that lines and small steps show, as far as the noise allows.

    Attributes
    ----------
    doubt : float
        Expected error of F', whitened.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.doubt = run, 0.0

    def precision(self) -> Noise:
        return Noise(np.maximum(_SHARP * self.run.answers.noise, self.doubt / SIGMAS))

    def by_lines(self) -> Iterator[Event]:
        """What one line shows badly may be repaired; if not, another line may be better. That
        matters for large networks only: the fit of small ones finds missing neurons itself."""
        run, evidence = self.run, self.run.evidence
        best: tuple[tuple[float, float], ReluNetwork | None] = ((math.inf, math.inf), None)
        for attempt in range(_ATTEMPTS):
            self.forget()
            if attempt:
                yield from run.draw()
            found = yield from self.survey()
            if len(found.slice.kinks) > _MAX_KINKS:
                break
            yield from self.take(found)
            yield from run.test(_GLANCE)
            for _ in range(_ATTEMPTS):
                if self.explains():
                    break
                before, score, doubt = run.known, evidence.score(run.known), self.doubt
                yield from self.repair()
                if evidence.score(run.known) >= score:
                    run.known, self.doubt = before, doubt
                    break
                yield from run.test(_GLANCE)
            assert run.known is not None
            if self.explains():
                return
            best = min(best, (evidence.score(run.known), run.known), key=lambda pair: pair[0])
            if run.known.n_neurons * run.oracle.dim < _SMALL:
                break
        run.known = best[1]

    def forget(self) -> None:
        """Start from nothing."""
        self.run.known, self.doubt = None, 0.0

    def explains(self) -> bool:
        """Whether the errors of F' are those that its neurons' own errors explain."""
        evidence = self.run.evidence
        expected = 6 * float((self.doubt * self.run.answers.scale).max())
        return bool(evidence.errors.max() <= max(evidence.tolerance, expected))

    def survey(self, through: np.ndarray | None = None) -> Generator[Event, None, Found]:
        """Search several lines, and keep the one that shows the most kinks, and shows them best.

        Two kinks that are too close for the noise look like one. Lines are cheap next to gradients.
        """
        run, best, asked, lines = self.run, (-1, 0.0), 0, 0
        marks = None if through is None else np.zeros(1)
        while True:
            before = run.oracle.queries
            found = yield from run.search(self.precision, marks)
            found.slice = s = thin(found.slice, run.line, self.precision())
            asked, lines = asked + run.oracle.queries - before, lines + 1
            quality = (len(s.kinks), float((s.widths / (1 + s.centers**2)).min()))
            if quality > best:
                best, kept = quality, found
            affordable = _SURVEY * max(1, len(kept.slice.kinks)) * run.oracle.dim
            if lines == _MAX_LINES or asked * (lines + 1) / lines > affordable:
                break
            yield from run.draw(through)
        run.line = kept.line
        kept.noise, kept.sharp = self.precision(), Noise(run.answers.noise)
        return kept

    def take(self, found: Found) -> Iterator[Event]:
        """Solve for the neurons of a line, and take those that are above the noise."""
        yield from self.run.solve(found)
        found.blocks = {j: readable(b, found.line) for j, b in found.blocks.items()}
        parts = [np.linalg.norm(b.outputs, axis=0) * b.tilt for b in found.blocks.values()]
        self.doubt = math.hypot(self.doubt, *np.concatenate([[0.0], *parts]))
        self.run.take(found.anchored())

    def repair(self) -> Iterator[Event]:
        """Add what one more line shows of F - F'."""
        run, evidence = self.run, self.run.evidence
        worst = evidence.points[evidence.errors.argmax()]
        yield from run.draw(worst)
        try:
            found = yield from self.survey(worst)
        except NotPiecewiseLinear:
            return  # the residual may be noise; the fit will tell
        if len(found.slice.kinks):
            yield from self.take(found)
            assert run.known is not None
            run.known = merge_alike(run.known)

    def long_steps(self) -> Iterator[Event]:
        """Of a network that is too large for least squares: average with levers.

        Measured with long steps, what is known becomes precise, and what is missing shows.
        """
        run, evidence = self.run, self.run.evidence
        run.accept()
        yield from run.test()
        for _ in range(_ATTEMPTS):
            worst = float(evidence.errors.max())
            if worst <= evidence.tolerance:
                return
            error = yield from polish(run, levers=_LEVERS)
            self.doubt = self.doubt if error is None else error
            yield from run.test()
            if evidence.errors.max() > worst / 2:
                if worst <= _ALMOST * evidence.scale:
                    return
                yield from self.repair()
                run.accept()
                yield from run.test()


def _on_lattice(run: Run) -> bool:
    """Are the answers multiples of one step, as they seemed? Probabilities, say, are 0 or 1 on most
    of a line to all digits."""
    assert run.evidence.all is not None
    y = run.evidence.all[1] * run.answers.scale
    ratio = (y - y[0]) / run.answers.step
    return bool((np.abs(ratio - np.round(ratio)) < 0.1).all())


def _check_usefulness(run: Run) -> None:
    """Raise if F' is much worse than the noise explains."""
    answers, evidence = run.answers, run.evidence
    # One point in a thousand may lie in a ramp that is narrower than its place is known.
    worst = float(np.sort(evidence.errors)[-1 - len(evidence.errors) // 1000])
    limit = max(20 * answers.rounding, 1e-3 * evidence.scale)
    if answers.lattice > _COARSE * evidence.scale:
        limit = answers.lattice
    elif not answers.random:  # what was heard on lines may be no noise
        limit = min(limit, max(_COARSE * evidence.scale, 20 * answers.heard))
    if worst > limit:
        if not answers.step and not answers.random:
            run.watch(Unexplained())
        raise LearningFailed(
            f"after {run.oracle.queries:,} queries F and F' still differ by {worst:.2g}, "
            f"while the answers' own noise is {answers.rounding:.2g}: the black box is not a "
            "one-hidden-layer ReLU network, or too large for so imprecise answers"
        )
