"""Peeling with imprecise answers: line after line, each through the point where F' is worst.

A line shows the neurons that it meets, as far as the noise allows; subtracted, they leave the
others. On R^d the first line meets all of them, in a box every chord a few: that is a matter of how
many lines it takes.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator

import numpy as np

from relu_learn.asking.errors import NotPiecewiseLinear
from relu_learn.core.candidate import Candidate, Step
from relu_learn.core.lines import SIGMAS, Noise
from relu_learn.core.mending import polish
from relu_learn.core.pieces import Found
from relu_learn.core.run import Run
from relu_learn.imprecise.above_noise import merge_alike, readable, thin
from relu_learn.imprecise.sampling import EXPECTED, elsewhere
from relu_learn.telling.events import Event

# Share of the gradients' queries that may be spent on choosing a line, and how many lines at most.
# (÷ or × 10: 0 of 22 runs change.)
_SURVEY, _MAX_LINES = 0.15, 30
# A curve looks like very many kinks. (÷ or × 10: 0 of 22 change.)
_MAX_KINKS = 500
# Points that tell whether a neuron is missing, at first. (÷ 10 2 %, × 10 4 % more queries. It shows
# what is wrong on 5 % of inputs 96 times of 100.)
_GLANCE = 64
# Lines in a row that do not help, after which the others are left to least squares.
# (One: 1 % fewer queries in 22 runs; thirty: 47 % more.)
_ATTEMPTS = 3
# How much blocks of several neurons may amplify the errors of gradients, which are large here.
# (÷ 10: two of 22 change, at as many queries; × 10: none.)
_SLACK = 100.0
# At most points that F' explains, on this share of all at least, it is off by no more than so many
# times the usual error. (First: ÷ 10 1 % fewer queries. Second: ÷ or × 10 as many.)
_RIGHT, _USUAL = 0.4, 4.0
# With errors below this, in units of the scale, nothing is missing. (÷ or × 10: 0 of 22 change.)
ALMOST = 3e-4
# The search of a line multiplies the noise by SIGMAS = 16, because in float64 it is known to an
# order of magnitude only. Measured noise is known better, and half of it separates more kinks.
_SHARP = 0.5
# Levers may make the worst point this much worse: what is missing outweighs what becomes precise.
# (÷ or × 10: 0 of 22 change.)
_LEVERS = 1.5


class Peeling:
    """The neurons that lines and small steps show, as far as the noise allows.

    Attributes
    ----------
    doubt : float
        Expected error of F', whitened.
    precise : bool
        All neurons were fitted together.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.doubt, self.precise = run, 0.0, False

    def precision(self) -> Noise:
        """Of F - F' on a line: where F' is right it is off by less than it may be elsewhere."""
        doubt, evidence = self.doubt, self.run.evidence
        if self.run.known is not None and evidence.all is not None:
            off = evidence.off(self.run.known).max(axis=1)
            doubt = min(doubt, _USUAL * float(np.quantile(off, _RIGHT)))
        return Noise(np.maximum(_SHARP * self.run.answers.noise, doubt / SIGMAS))

    @property
    def expected(self) -> float:
        """Errors up to this are those that noise and the neurons' own errors explain."""
        answers = self.run.answers
        return EXPECTED * float((np.maximum(self.doubt, answers.noise) * answers.scale).max())

    def score(self, limit: float) -> tuple[int, float]:
        """At how many points F' is off by more than this, and the worst error."""
        errors = self.run.evidence.worst(self.run.known)[1]
        return int((errors > limit).sum()), float(errors.max())

    def explains(self, share: float = 0.0) -> bool:
        """Whether F' is off by more than expected at no more than this share of the points."""
        tested, known = self.run.evidence.all, self.run.known
        if known is None or tested is None:
            return False
        return self.score(self.expected)[0] <= share * len(tested[0])

    def peel(self) -> Iterator[Step]:
        """Line after line, until the errors at ever more points are the expected ones."""
        run, failed = self.run, 0
        if run.known is None:
            found = yield from self.survey()
            if len(found.slice.kinks) > _MAX_KINKS:
                return
            yield from self.take(found)
        while failed < _ATTEMPTS:
            if run.evidence.all is not None:
                yield Candidate(run.known)
            limit = self.expected
            count, worst = self.score(limit) if run.evidence.all else (0, 0.0)
            if not count:
                if not self.ask_more():
                    return
                continue
            before, doubt = run.known, self.doubt
            yield from self.repair(limit if failed else math.inf)
            now = self.score(limit)
            better = now[0] < count or now[1] < 0.9 * worst
            failed = 0 if better else failed + 1
            if better:
                yield run.updated("repair")
            elif not self.precise or failed < _ATTEMPTS:  # otherwise let least squares try
                run.known, self.doubt = before, doubt

    def ask_more(self) -> bool:
        """Add points to the evidence; False when there are enough."""
        run, seen = self.run, self.run.evidence.all
        n = 0 if seen is None else len(seen[0]) - run.evidence.own
        enough = elsewhere(0 if run.known is None else run.known.n_neurons)
        if n >= enough:
            return False
        x = run.space.held_out(_GLANCE if n < _GLANCE else enough - n, run.rng)
        run.evidence.add(x, run.target(known=False)(x))
        return True

    def fitted(self) -> None:
        """All neurons were fitted together: half of the points tell how far F' is off elsewhere."""
        off = self.run.evidence.off(self.run.known).max(axis=1)
        self.doubt, self.precise = float(np.median(off)), True

    def survey(self, through: np.ndarray | None = None) -> Generator[Event, None, Found]:
        """Search several lines, and keep the one that shows the most kinks, and shows them best.

        Two kinks that are too close for the noise look like one. Lines are cheap next to gradients.
        """
        run, best, asked, lines = self.run, (-1, 0.0), 0, 0
        marks = None if through is None else np.zeros(1)
        while True:
            before = run.oracle.queries
            found = yield from run.search(self.precision, marks)
            found.slice = s = thin(found.slice, run.line, Noise(run.answers.noise))
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
        yield from self.run.solve(found, slack=_SLACK)
        found.blocks = {j: readable(b, found.line) for j, b in found.blocks.items()}
        parts = [np.linalg.norm(b.outputs, axis=0) * b.tilt for b in found.blocks.values()]
        self.doubt = math.hypot(self.doubt, *np.concatenate([[0.0], *parts]))
        self.run.take(found.anchored())

    def repair(self, limit: float = math.inf) -> Iterator[Event]:
        """Add what one more line shows of F - F': through the worst point, or through any where F'
        is off by more than a limit, as the line through the worst one may be a bad one."""
        run = self.run
        points, errors = run.evidence.worst(run.known)
        wrong = np.flatnonzero(errors >= min(limit, float(errors.max())))
        through = points[run.rng.choice(wrong)]
        yield from run.draw(through)
        try:
            found = yield from self.survey(through)
        except NotPiecewiseLinear:
            return  # the residual may be noise; the fit will tell
        if len(found.slice.kinks):
            yield from self.take(found)
            assert run.known is not None
            tilt = max((float(b.tilt.max(initial=0)) for b in found.blocks.values()), default=0.0)
            run.known = merge_alike(run.known, tilt)

    def long_steps(self) -> Iterator[Step]:
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
            yield Candidate(run.known)
            error = yield from polish(run, levers=_LEVERS)
            self.doubt = self.doubt if error is None else error
            yield from run.test()
            if evidence.errors.max() > worst / 2:
                if worst <= ALMOST * evidence.scale:
                    return
                yield from self.repair()
                run.accept()
                yield from run.test()
