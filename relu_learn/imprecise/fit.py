"""A learner for imprecise black boxes: it averages the error away.

When every answer is off by sigma, gradients over small steps drown. But F' can be *fitted*: for
given hidden neurons the rest of F' (output weights, skip, offset) is a linear regression, and
eliminating it (variable projection) leaves a least squares problem in the hidden neurons alone.
Levenberg-Marquardt solves it from almost any start if the model may be wider than the secret:

1. *Grow.* Fit, look at the residual F - F' on Gaussian samples, add neurons that resemble it,
   fit again, until the error on held-out samples is down to the noise. Where F' knows its own
   samples by heart but fails on held-out ones, look closer around these.
2. *Prune.* Drop neurons whose loss the others make good.
3. *Average.* Ask for as many samples as the wished precision needs, and fit a last time.

With N samples of m outputs and p parameters the error of F' is sigma * sqrt(p / (N m)): below the
noise itself.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from relu_learn.core.errors import InvalidArgument
from relu_learn.core.network import ReluNetwork
from relu_learn.core.target import Target
from relu_learn.imprecise.least_squares import Fit, Samples, propose_neurons


@dataclasses.dataclass(frozen=True, eq=False)
class NoisyStep:
    """One step of `learn_noisy`.

    Attributes
    ----------
    network : ReluNetwork
        The hypothesis F', whitened, with m outputs.
    held_out : float
        Root-mean-square of F' minus the answers on samples not used for the fit, in units of the
        noise: F' is as good as the noise allows when it is close to one.
    finished : bool
        Whether the held-out samples show that the error of F' is below the noise.
    """

    network: ReluNetwork
    held_out: float
    finished: bool


# F' counts as complete when the held-out error is at most this much above what noise explains, if
# the wished precision is half of the noise; and so many samples tell.
_SLACK, _HELD_OUT = 0.1, 500
# Up to this much above, the error of F' is below the noise: sqrt(1.25^2 (1 + 1/4) - 1) < 1.
_CLAIM = 1.25
# Once the error has fallen by this, most is found: superfluous neurons only slow the fit down.
_MOSTLY = 0.01
# Below this, the held-out error may be all noise, if the noise was underestimated: it is measured
# again (so many answers, this much away), more precisely.
_SUSPECT, _RECHECK, _NEAR = 10.0, 200, 1e-3
# Least squares spoil small differences of huge neurons: a start that is so much better is kept.
_SPOILT = 10.0
# Below this, one more neuron that does not help is enough to give up.
_DOUBT = 2.0
# Operations of all least squares steps together, after which the search for more neurons ends:
# within a minute, at 2e10 a second.
_WORK = 1e12


class _Learner:
    """Samples to fit, held-out samples to judge by, and what noise alone would do to a fit."""

    def __init__(
        self,
        target: Target,
        noise: np.ndarray,
        rng: np.random.Generator,
        grows: bool,
        precision: float,
    ) -> None:
        noise = np.asarray(noise, dtype=float)
        if noise.ndim != 1 or not (np.isfinite(noise) & (noise > 0)).all():
            raise InvalidArgument(f"noise must be positive numbers of shape (m,), got {noise}")
        self.target, self.space, self.rng, self.grows = target, target.space, rng, grows
        self.ratio, self.slack = precision**-2, 1 + _SLACK * (precision / 0.5) ** 2
        self.work, self.sure = _WORK, False
        self.set_noise(noise)
        many = max(1.0, (0.5 / precision) ** 4)
        self.points = self.space.held_out(math.ceil(_HELD_OUT * many), rng)
        values = target(self.points)
        self.base = np.median(values, axis=0)  # what all answers share would only round them
        self.held_out = self.rows(self.points, values)
        self.samples = Samples(self.held_out.x[:0], self.held_out.y[:0])

    def set_noise(self, noise: np.ndarray) -> None:
        # Very precise outputs must not drown the others.
        self.noise = noise
        self.unit = np.maximum(noise, max(0.03 * float(noise.max()), np.finfo(float).tiny))
        self.floor = math.sqrt(float(((noise / self.unit) ** 2).mean()))

    def rows(self, x: np.ndarray, values: np.ndarray) -> Samples:
        rows = np.column_stack([x, np.ones(len(x))])
        y = (values - self.base) / self.unit
        if self.grows:  # a multiple of a row has the same multiple of F (with its offset)
            weight = 2 / (1 + np.linalg.norm(x, axis=1, keepdims=True) / math.sqrt(x.shape[1]))
            rows, y = weight * rows, weight * y
        return Samples(rows, y)

    def add(self, x: np.ndarray) -> None:
        old, new = self.samples, self.rows(x, self.target(x))
        self.samples = Samples(np.concatenate([old.x, new.x]), np.concatenate([old.y, new.y]))

    def top_up(self, neurons: int) -> None:
        """Enough samples for the wished precision, and for every output's regression."""
        each = self.ratio * self.parameters(neurons) / len(self.noise)
        wanted = max(300, 10 * (self.space.dim + 1 + neurons), math.ceil(each))
        if wanted > len(self.samples.x):
            self.add(self.space.spread(wanted - len(self.samples.x), self.rng))

    def look_closer(self, fit: Fit) -> None:
        """Samples around the held-out points where F' is worst: what is missing shows there."""
        worst = self.points[np.argsort((fit.off(self.held_out) ** 2).sum(axis=1))[-10:]]
        around = np.resize(worst, (len(self.samples.x) // 2, worst.shape[1]))
        self.add(self.space.near(around, self.rng))

    def recheck(self, fit: Fit) -> None:
        """Measure the noise again, close to held-out samples: F - F' hardly changes, and what a
        black box rounds inside is rounded differently."""
        inwards = 1 - _NEAR * self.rng.random((_RECHECK, 1))
        x = inwards * self.points[:_RECHECK]
        change = fit.off(self.rows(x, self.target(x))) - fit.off(self.held_out)[:_RECHECK]
        before = self.unit
        self.set_noise(np.maximum(self.noise, before * np.sqrt((change**2).mean(axis=0) / 2)))
        for samples in (self.samples, self.held_out):
            samples.y *= before / self.unit
        self.sure = True

    def parameters(self, neurons: int) -> int:
        d, m = self.space.dim, len(self.noise)
        return neurons * (d + (m if m > 1 else 1)) + m * (d + 1)

    def freedom(self, fit: Fit) -> float:
        """How many answers no parameter uses up."""
        n = fit.residual.size
        return max(n - self.parameters(len(fit.hidden)), n / 10)

    def noise_loss(self, fit: Fit) -> float:
        """The loss that noise alone leaves behind."""
        return self.freedom(fit) * self.floor**2

    def error(self, hypothesis: Fit | ReluNetwork) -> float:
        """Root-mean-square error on the held-out samples, in units of the noise."""
        if isinstance(hypothesis, Fit):
            off = hypothesis.off(self.held_out)
        else:
            off = self.rows(self.points, hypothesis(self.points)).y - self.held_out.y
        return math.sqrt(float((off**2).mean())) / self.floor

    def complete(self, fit: Fit) -> bool:
        """Whether the error on the held-out samples is what noise alone makes it."""
        return self.error(fit) <= self.slack * self.noise_error(fit)

    def noise_error(self, fit: Fit) -> float:
        """The error on the held-out samples that noise alone makes."""
        return math.sqrt(1 + self.parameters(len(fit.hidden)) / self.freedom(fit))

    def by_heart(self, fit: Fit) -> bool:
        """Whether F' fits its own samples much better than held-out ones."""
        return self.error(fit) > 2 * max(math.sqrt(fit.loss / self.noise_loss(fit)), 1.0)

    def fit(self, hidden: np.ndarray, iterations: int = 0, damping: float = 1e-2) -> Fit:
        """The best fit to all samples so far from these hidden neurons (k, d + 1) on."""
        fit = Fit(self.samples, hidden)
        return self.improve(fit, iterations, self.noise_loss(fit), damping)

    def improve(self, fit: Fit, iterations: int, goal: float, damping: float = 1e-2) -> Fit:
        """All hidden neurons at once by Levenberg-Marquardt, until the loss stands still or is
        below `goal`, while there is work left."""
        still = 0
        for _ in range(iterations):
            for _ in range(6):
                if self.work < 0:
                    return fit
                change, work = fit.step(damping, 100)
                self.work -= work
                trial = Fit(fit.samples, fit.hidden + change)
                if trial.loss < fit.loss:
                    break
                damping = 8 * max(damping, 1e-6)
            else:
                return fit
            still = still + 1 if trial.loss > 0.998 * fit.loss else 0
            fit, damping = trial, max(damping / 5, 1e-9)
            if fit.loss <= goal or still > 3:
                break
        return fit

    def grow(self, fit: Fit, more: int, closer: bool) -> Fit:
        """Add neurons that resemble what is missing, and fit again."""
        if closer:
            self.look_closer(fit)
            fit, more = self.fit(fit.hidden), 4
        self.top_up(len(fit.hidden) + more)
        new = propose_neurons(self.fit(fit.hidden), more, self.rng)
        return self.fit(np.concatenate([fit.hidden, new]), 60)

    def prune(self, fit: Fit) -> Fit:
        """Drop neurons as long as the loss of the others' best fit rises less than a neuron must
        earn.

        The price of a neuron is that of the Bayesian information criterion, log(n) times the
        variance for each of its parameters.
        """
        batch, error = max(1, len(fit.hidden) // 3), self.error(fit)
        each = self.parameters(1) - self.parameters(0)
        while batch and len(fit.hidden):
            batch = min(batch, len(fit.hidden))
            price = batch * each * fit.loss / self.freedom(fit)
            keep = np.sort(np.argsort(fit.rise())[batch:])
            fewer = self.improve(Fit(fit.samples, fit.hidden[keep]), 20, fit.loss + price)
            earned = fewer.loss > fit.loss + math.log(fit.residual.size) * price
            if earned or self.error(fewer) > 1.02 * error:
                batch //= 2
            else:
                fit = fewer
        return fit

    def step(self, fit: Fit) -> NoisyStep:
        finished = self.error(fit) <= _CLAIM * self.noise_error(fit)
        return NoisyStep(self.network(fit), self.error(fit), finished)

    def network(self, fit: Fit) -> ReluNetwork:
        k, unit = len(fit.hidden), self.unit[:, None]
        outputs, affine = fit.outputs.T * unit, fit.coefficients[k:].T * unit
        offset = self.base + affine[:, -1]
        return ReluNetwork(fit.hidden[:, :-1], -fit.hidden[:, -1], outputs, affine[:, :-1], offset)


def _rows(network: ReluNetwork) -> np.ndarray:
    """The hidden neurons (k, d + 1) of a network."""
    return np.column_stack([network.weights, -network.biases])


def learn_noisy(
    target: Target,
    noise: np.ndarray,
    rng: np.random.Generator,
    *,
    start: ReluNetwork | None = None,
    precision: float = 0.5,
    max_neurons: int = 400,
    grows: bool = False,
) -> Iterator[NoisyStep]:
    """Learn a one-hidden-layer network from imprecise answers on random points.

    Parameters
    ----------
    target : Target
        F itself, whitened. Its space gives the points.
    noise : ndarray of shape (m,)
        Root-mean-square error of one answer, whitened.
    rng : numpy.random.Generator
    start : ReluNetwork, optional
        A rough hypothesis, whose neurons are kept and improved.
    precision : float
        The wished root-mean-square error of F', in units of the noise: more samples are asked until
        sqrt(parameters / answers) is below it.
    max_neurons : int
        Give up growing there.
    grows : bool
        The noise grows with the size of x, as that of float32 does.

    Yields
    ------
    NoisyStep
        Every one holds a whole network. The last one's `finished` says whether it explains the
        held-out samples to the noise; otherwise it is the best of those tried.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> from relu_learn import Oracle, zoo
    >>> secret, rng = zoo.random_network(5, 4, rng=0), np.random.default_rng(0)
    >>> oracle = Oracle(lambda x: secret(x).round(2), 5)
    >>> *_, last = learn_noisy(Target(oracle), np.array([0.003]), rng)
    >>> last.finished
    True
    """
    if not 0 < precision < 1:
        raise InvalidArgument(f"precision must be in (0, 1), got {precision!r}")
    learner = _Learner(target, noise, rng, grows, precision)
    hidden = np.zeros((0, learner.space.dim + 1)) if start is None else _rows(start)
    learner.top_up(len(hidden))
    fit = learner.fit(hidden, 20, 1e-6)
    if start is not None and (error := learner.error(start)) < learner.error(fit) / _SPOILT:
        yield NoisyStep(start, error, error <= _CLAIM)
        return
    yield learner.step(fit)

    first, best, stalled = learner.error(fit), fit, 0
    while True:
        error, k = learner.error(fit), len(fit.hidden)
        if not (learner.complete(fit) or learner.sure) and error < _SUSPECT:
            learner.recheck(fit)
            best = fit = learner.fit(fit.hidden, 20)
        more = min(max(4, k // 2), max_neurons - k)
        hopeless = stalled > (1 if error < _DOUBT else 2) or more <= 0 or learner.work <= 0
        if hopeless or learner.complete(fit):
            break
        fit = learner.grow(fit, more, closer=k > 0 and (stalled > 0 or learner.by_heart(fit)))
        if not learner.complete(fit) and learner.error(fit) < _MOSTLY * first:
            fit = learner.prune(fit)
        yield learner.step(fit)
        stalled = 0 if learner.error(fit) < 0.97 * learner.error(best) else stalled + 1
        best = fit if learner.error(fit) < learner.error(best) else best
    fit = learner.prune(best)
    yield learner.step(fit)
    learner.top_up(len(fit.hidden))
    yield learner.step(learner.improve(learner.fit(fit.hidden), 30, 0.0))


def sharpen(
    target: Target,
    network: ReluNetwork,
    noise: np.ndarray,
    rng: np.random.Generator,
    grows: bool,
) -> ReluNetwork:
    """Correct all neurons of an almost right network at once: one Gauss-Newton step.

    Asks for two answers per parameter, and 500 more that tell whether the step helped. Parameters
    as for `learn_noisy`.

    Returns
    -------
    ReluNetwork
        The better of the two.
    """
    learner = _Learner(target, noise, rng, grows, precision=math.sqrt(0.5))
    learner.top_up(network.n_neurons)
    fit = learner.fit(_rows(network))
    better = learner.fit(fit.hidden + fit.step(1e-6, 20)[0])
    return learner.network(better) if learner.error(better) < learner.error(fit) else network
