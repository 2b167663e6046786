"""Every tested point with its answer: what a hypothesis is judged by."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from relu_learn.asking.rows import Points, stacked, values
from relu_learn.core.answers import Answers
from relu_learn.core.lines import SIGMAS
from relu_learn.core.precision import LEVER, NOISY, PRECISE, USEFUL
from relu_learn.network import ReluNetwork, prune
from relu_learn.telling.certificate import (
    Certificate,
    certificate,
    mean_square,
    output_scale,
)

# Points that tell, without a query, how far a network was moved after its last test: so many times
# as many as those of the test. (That costs 1 / FREE of what a certificate claims.)
FREE = 20


def misfit(network: ReluNetwork | None, points: Points, answers: np.ndarray) -> np.ndarray:
    """How far (n, m) a network is off at points with whitened answers (n, m); None: F' = 0. Where
    it says no number (large terms, of both signs), infinitely."""
    off = np.abs(answers if network is None else answers - values(network, points))
    return np.where(np.isnan(off), np.inf, off)


class Evidence:
    """The points of all tests, and what they say about a network.

    Parameters
    ----------
    answers : Answers
        May be replaced: a search may find them noisier than they seemed.

    Attributes
    ----------
    scale : float
        The size of the outputs that errors are compared with (`answers.scale` only whitens them).
    points, errors : ndarray or Rows of shape (n, d), and ndarray of shape (n,)
        Of the last test: its points, and |F - F'| there (the largest of all outputs).
    tested, planned : ReluNetwork or None, and int
        What the last test was of, and its points if it does not stop where F and F' differ.
    looks, hasty : int
        Tests so far, and those that an epsilon was too hasty with (see `early`): each one more
        chance to be lucky, for which a certificate pays.
    wished : float
        A mean squared error that the next test is to find, and no more.
    own : int
        So many points, the first ones, are the user's.
    refitted : bool
        Whether the network was moved after the last one; `errors` then are larger by as much.
    """

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.scale = answers.size
        self.points: Points = np.empty((0, 1))
        self.errors = np.empty(0)
        self.planned = self.looks = self.hasty = self.own = 0
        self.wished = 0.0
        self.tested: ReluNetwork | None = None
        self.own_scale = 0.0
        self.refitted = False
        self._tested: list[tuple[Points, np.ndarray]] = []

    def add(self, points: Points, answers: np.ndarray) -> None:
        """Points (n, d) and their whitened answers (n, m)."""
        self._tested = [*self._tested, (points, answers)]

    def withdraw(self) -> tuple[Points, np.ndarray]:
        """Take back the last test: its points and answers."""
        *self._tested, last = self._tested
        self.looks -= 1
        return last

    def add_own(self, points: np.ndarray, answers: np.ndarray) -> None:
        """The user's own points, before all others. They may be farther out than those of the
        measure, where F is larger: errors there are compared with its size there."""
        if len(points):
            self.own, self.own_scale = len(points), output_scale(answers * self.answers.scale)
            self.add(points, answers)

    @property
    def all(self) -> tuple[Points, np.ndarray] | None:
        """The points (n, d) of all tests so far and their whitened answers (n, m)."""
        if not self._tested:
            return None
        points, answers = zip(*self._tested, strict=True)
        return stacked(points), np.concatenate(answers)

    def off(self, network: ReluNetwork | None) -> np.ndarray:
        """How far (n, m) a whitened network is off on all points, whitened; None: F' = 0."""
        assert self.all is not None
        return misfit(network, *self.all)

    def worst(self, network: ReluNetwork | None) -> tuple[Points, np.ndarray]:
        """All points (n, d), and the largest |F - F'| (n,) there, in units of `scale`."""
        assert self.all is not None
        errors = (self.off(network) * self.answers.scale).max(axis=1)
        errors[: self.own] /= max(1.0, self.own_scale / self.scale)
        return self.all[0], errors

    def score(self, network: ReluNetwork | None) -> tuple[float, float]:
        """How bad a network is: the share of points off by more than the tolerance, and the worst
        error."""
        if network is None or not self._tested:
            return math.inf, math.inf
        errors = self.worst(network)[1]
        return float((errors > self.tolerance).mean()), float(errors.max())

    def better(self, network: ReluNetwork | None, mark: tuple[float, float]) -> bool:
        """Whether a network fits all answers clearly better than what had this `score`: fewer
        points are off, or the worst one is by less (then others may be off that were not)."""
        share, worst = self.score(network)
        return share < mark[0] or worst < 0.9 * mark[1]

    def merged(self, network: ReluNetwork) -> ReluNetwork:
        """One neuron for each hyperplane: a repair meets those that it corrects again. Unless the
        difference shows: pairs of neurons may be as close as that."""
        fewer, whole = (prune(network.simplify(rtol=rtol)) for rtol in (1e-8, 1e-14))
        alike = fewer.n_neurons == whole.n_neurons
        worst = [] if alike else [self.score(net)[1] for net in (fewer, whole)]
        return fewer if alike or worst[1] >= worst[0] / 2 else whole

    @property
    def tolerance(self) -> float:
        """Errors up to this need no repair, in units of the answers."""
        rounding = LEVER * self.answers.rounding
        return max(PRECISE * self.scale, min(rounding, USEFUL * self.scale))

    def enough(self, errors: np.ndarray, times: float = 1.0) -> bool:
        """Whether errors (n,) need no repair: none exceeds so many times the tolerance."""
        return bool(errors.max() <= times * self.tolerance)

    @property
    def explained(self) -> bool:
        """Whether the answers' own noise may be what the last test found (its error is known to a
        factor of a few)."""
        return bool(self.errors.max() <= NOISY * self.answers.rounding)

    @property
    def passed(self) -> bool:
        """Whether the last test found nothing to repair, or no more than is wished."""
        return self.enough(self.errors) or mean_square(self.errors) <= self.wished

    def measure_scale(self, values: np.ndarray) -> None:
        """Take the size of fresh answers (n, m), whitened, for the scale, unless they are nothing
        but rounding."""
        scale, answers = output_scale(values * self.answers.scale), self.answers
        loud = not answers.exact or scale > SIGMAS * answers.rounding
        self.scale = scale if loud else float(answers.scale.max())

    def certificate(self, delta: float, measure: str) -> Certificate:
        """What the last test proves."""
        claim = certificate(self.errors, delta, measure, looks=self.looks + self.hasty)
        if not self.refitted:
            return claim
        # Where F' was off, and where it was moved by more than on all free points: both are rare.
        return dataclasses.replace(claim, mass=min(1.0, claim.mass * (1 + 1 / FREE)))
