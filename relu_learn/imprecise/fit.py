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
from collections.abc import Generator

import numpy as np

from relu_learn.core.errors import InvalidArgument
from relu_learn.core.network import ReluNetwork
from relu_learn.core.target import Target
from relu_learn.imprecise.least_squares import Fit, Samples, levenberg_marquardt, propose_neurons


@dataclasses.dataclass(frozen=True, eq=False)
class NoisyStep:
    """One step of `learn_noisy`.

    Attributes
    ----------
    action : {"start", "grow", "prune", "average"}
    network : ReluNetwork
        The hypothesis F', whitened, with m outputs.
    samples : int
        Samples that it was fitted to.
    held_out : float
        Root-mean-square of F' minus the answers on samples not used for the fit, in units of the
        noise: F' is as good as the noise allows when it is close to one.
    finished : bool
        Whether the held-out samples show that the error of F' is below the noise.
    """

    action: str
    network: ReluNetwork
    samples: int
    held_out: float
    finished: bool


# F' counts as complete when the held-out error is at most this much above what noise explains, if
# the wished precision is half of the noise; and so many samples tell.
_SLACK, _HELD_OUT = 1.1, 500
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
_MAX_GROWTHS = 24


class _Learner:
    """Samples, held-out samples, and the current fit."""

    def __init__(
        self,
        target: Target,
        noise: np.ndarray,
        rng: np.random.Generator,
        grows: bool,
        precision: float = 0.5,
    ) -> None:
        self.ask, self.space, self.dim, self.rng = target, target.space, target.space.dim, rng
        self.slack = 1 + (_SLACK - 1) * (precision / 0.5) ** 2
        self.grows = grows
        self.work = _WORK
        noise = np.asarray(noise, dtype=float)
        if noise.ndim != 1 or not (np.isfinite(noise) & (noise > 0)).all():
            raise InvalidArgument(f"noise must be positive numbers of shape (m,), got {noise}")
        self.outputs = len(noise)
        self.set_noise(noise)
        x = self.space.sample(math.ceil(_HELD_OUT * (0.5 / precision) ** 4), rng)
        values = target(x)
        self.base = np.median(values, axis=0)  # what all answers share would only round them
        self.points, self.held_out, self.sure = x, self.rows(x, values), False
        self.samples = self.sample(np.empty((0, self.dim)))

    def set_noise(self, noise: np.ndarray) -> None:
        # Very precise outputs must not drown the others.
        self.noise = noise
        self.unit = np.maximum(noise, max(0.03 * float(noise.max()), np.finfo(float).tiny))
        self.floor = math.sqrt(float(((noise / self.unit) ** 2).mean()))

    def sample(self, x: np.ndarray) -> Samples:
        return self.rows(x, self.ask(x) if len(x) else np.zeros((0, self.outputs)))

    def rows(self, x: np.ndarray, values: np.ndarray) -> Samples:
        rows = np.column_stack([x, np.ones(len(x))])
        y = (values - self.base) / self.unit
        if self.grows:  # a multiple of a row has the same multiple of F (with its offset)
            weight = 2 / (1 + np.linalg.norm(x, axis=1, keepdims=True) / math.sqrt(self.dim))
            rows, y = weight * rows, weight * y
        return Samples(rows, y)

    def parameters(self, neurons: int) -> int:
        m = self.outputs
        return neurons * (self.dim + (m if m > 1 else 1)) + m * (self.dim + 1)

    def top_up(self, neurons: int, ratio: float) -> None:
        """Enough samples for `ratio` answers per parameter, and for every output's regression."""
        each = ratio * self.parameters(neurons) / self.outputs
        wanted = max(300, 10 * (self.dim + 1 + neurons), math.ceil(each))
        if wanted > len(self.samples.x):
            self.add(self.space.spread(wanted - len(self.samples.x), self.rng))

    def add(self, x: np.ndarray) -> None:
        old, new = self.samples, self.sample(x)
        self.samples = Samples(np.concatenate([old.x, new.x]), np.concatenate([old.y, new.y]))

    def look_closer(self, fit: Fit) -> None:
        """Samples around the held-out points where F' is worst: what is missing shows there."""
        misfit = fit.predict(self.held_out.x) - self.held_out.y
        worst = self.points[np.argsort((misfit**2).sum(axis=1))[-10:]]
        n = len(self.samples.x) // 2
        self.add(self.space.near(np.tile(worst, (n // 10 + 1, 1))[:n], self.rng))

    def by_heart(self, fit: Fit) -> bool:
        """Whether F' fits its own samples much better than held-out ones."""
        n, p = fit.residual.size, self.parameters(len(fit.hidden))
        own = math.sqrt(fit.loss / max(n - p, n / 10)) / self.floor
        return self.error(fit) > 2 * max(own, 1.0)

    def error(self, fit: Fit) -> float:
        """Root-mean-square error on the held-out samples, in units of the noise."""
        return self.rms(fit.predict(self.held_out.x))

    def error_of(self, network: ReluNetwork) -> float:
        """The same of a network that was not fitted here."""
        return self.rms(self.rows(self.points, network(self.points)).y)

    def rms(self, held_out: np.ndarray) -> float:
        return math.sqrt(float(((held_out - self.held_out.y) ** 2).mean())) / self.floor

    def complete(self, fit: Fit, slack: float | None = None) -> bool:
        """Whether the error on the held-out samples is what noise alone makes it."""
        p, n = self.parameters(len(fit.hidden)), fit.residual.size
        return self.error(fit) <= (slack or self.slack) * math.sqrt(1 + p / max(n - p, n / 10))

    def recheck(self, fit: Fit) -> None:
        """Measure the noise again, close to held-out samples: F - F' hardly changes, and what a
        black box rounds inside is rounded differently."""
        n = _RECHECK
        inwards = 1 - _NEAR * self.rng.random((n, 1))
        near = self.sample(inwards * self.points[:n])
        change = (near.y - fit.predict(near.x)) - (self.held_out.y - fit.predict(self.held_out.x))[
            :n
        ]
        before = self.unit
        self.set_noise(np.maximum(self.noise, before * np.sqrt((change**2).mean(axis=0) / 2)))
        for samples in (self.samples, self.held_out):
            samples.y *= before / self.unit
        self.sure = True

    def goal(self, neurons: int) -> float:
        """The loss that noise alone leaves behind."""
        n = self.samples.y.size
        return max(n - self.parameters(neurons), n / 10) * self.floor**2

    def improve(self, fit: Fit, iterations: int, goal: float = 0.0, damping: float = 1e-2) -> Fit:
        """Levenberg-Marquardt, while there is work left."""
        fit = levenberg_marquardt(fit, iterations, goal, damping, self.work)
        self.work -= fit.work
        return fit

    def step(self, action: str, fit: Fit) -> NoisyStep:
        finished = self.complete(fit, _CLAIM)
        return NoisyStep(action, self.network(fit), len(fit.residual), self.error(fit), finished)

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
) -> Generator[NoisyStep, None, ReluNetwork]:
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

    Returns
    -------
    ReluNetwork

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> from relu_learn import Oracle, zoo
    >>> secret, rng = zoo.random_network(5, 4, rng=0), np.random.default_rng(0)
    >>> oracle = Oracle(lambda x: secret(x).round(2), 5)
    >>> steps = learn_noisy(Target(oracle), np.array([0.003]), rng)
    >>> *_, last = steps
    >>> last.finished
    True
    """
    if not 0 < precision < 1:
        raise InvalidArgument(f"precision must be in (0, 1), got {precision!r}")
    learner = _Learner(target, noise, rng, grows, precision)
    hidden = np.zeros((0, learner.dim + 1)) if start is None else _rows(start)
    learner.top_up(len(hidden), 1.5)
    fit = Fit(learner.samples, hidden)
    if len(hidden):
        fit = learner.improve(fit, 20, learner.goal(len(hidden)), 1e-6)
    if start is not None and (error := learner.error_of(start)) < learner.error(fit) / _SPOILT:
        yield NoisyStep("start", start, 0, error, error <= _CLAIM)
        return start
    yield learner.step("start", fit)

    first = learner.error(fit)
    best, stalled = fit, 0
    for _ in range(_MAX_GROWTHS):
        k = len(fit.hidden)
        more = max(0, min(max(4, k // 2), max_neurons - k))
        doubtful = learner.error(fit) < _DOUBT
        if not (learner.complete(fit) or learner.sure) and learner.error(fit) < _SUSPECT:
            learner.recheck(fit)
            fit = learner.improve(Fit(learner.samples, fit.hidden), 20, learner.goal(k))
            best = fit
        if learner.complete(fit) or stalled > (1 if doubtful else 2):
            break
        if not more or learner.work <= 0:
            break
        if k and (learner.by_heart(fit) or stalled):
            learner.look_closer(fit)
            fit = Fit(learner.samples, fit.hidden)
            more = 4
        learner.top_up(k + more, precision**-2)
        fit = Fit(learner.samples, fit.hidden)
        fit = Fit(learner.samples, np.concatenate([fit.hidden, propose_neurons(fit, more, rng)]))
        fit = learner.improve(fit, 60, learner.goal(len(fit.hidden)))
        yield learner.step("grow", fit)
        if not learner.complete(fit) and learner.error(fit) < _MOSTLY * first:
            fit = yield from _prune(learner, fit)
        stalled = 0 if learner.error(fit) < 0.97 * learner.error(best) else stalled + 1
        best = fit if learner.error(fit) < learner.error(best) else best
    fit = yield from _prune(learner, best)

    learner.top_up(len(fit.hidden), precision**-2)
    fit = learner.improve(Fit(learner.samples, fit.hidden), 30)
    yield learner.step("average", fit)
    return learner.network(fit)


def sharpen(
    target: Target,
    network: ReluNetwork,
    noise: np.ndarray,
    rng: np.random.Generator,
    *,
    grows: bool = False,
) -> ReluNetwork:
    """Correct all neurons of an almost right network at once: one Gauss-Newton step.

    Asks for two answers per parameter, and 500 more that tell whether the step helped. Parameters
    as for `learn_noisy`.

    Returns
    -------
    ReluNetwork
        The better of the two.
    """
    learner = _Learner(target, noise, rng, grows)
    learner.top_up(network.n_neurons, 2.0)
    fit = Fit(learner.samples, _rows(network))
    better = Fit(fit.samples, fit.hidden + fit.step(1e-6, 20))
    return learner.network(better) if learner.error(better) < learner.error(fit) else network


def _prune(learner: _Learner, fit: Fit) -> Generator[NoisyStep, None, Fit]:
    """Drop neurons as long as the loss of the others' best fit rises less than a neuron must earn.

    The price of a neuron is that of the Bayesian information criterion, log(n) times the variance
    for each of its parameters.
    """
    batch, error = max(1, len(fit.hidden) // 3), learner.error(fit)
    while batch and len(fit.hidden):
        batch = min(batch, len(fit.hidden))
        k, n = len(fit.hidden), fit.residual.size
        each = learner.parameters(1) - learner.parameters(0)
        variance = fit.loss / max(n - learner.parameters(k), n / 10)
        keep = np.sort(np.argsort(fit.rise())[batch:])
        price = batch * each * variance
        fewer = Fit(fit.samples, fit.hidden[keep])
        fewer = learner.improve(fewer, 20, fit.loss + price)
        earned = fewer.loss > fit.loss + math.log(n) * price
        if not earned and learner.error(fewer) <= 1.02 * error:
            fit = fewer
            yield learner.step("prune", fit)
        else:
            batch //= 2
    return fit
