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
from collections.abc import Callable, Generator, Iterator

import numpy as np

from relu_learn.asking.errors import InvalidArgument
from relu_learn.asking.rows import Points
from relu_learn.core.precision import HELD_OUT
from relu_learn.core.target import Target
from relu_learn.imprecise.least_squares import (
    SLAB,
    Fit,
    GaussNewton,
    Samples,
    joined,
    propose_neurons,
)
from relu_learn.network import ReluNetwork


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
    fit : Fit or None
        None if least squares spoil the network.
    """

    network: ReluNetwork
    held_out: float
    finished: bool
    fit: Fit | None = None


# A fit under way is shown, and then returned.
Fitting = Generator[Fit, None, Fit]

# F' counts as complete when the held-out error is at most this much above what noise explains, if
# the wished precision is half of the noise; `HELD_OUT` samples tell: 3 sigma are 3 / sqrt(2 * 500).
# (÷ 10: 2 % more queries; × 10: one of 22 runs is wrong.)
_SLACK = 0.1
# Up to this much above, the error of F' is below the noise: sqrt(1.25^2 (1 + 1/4) - 1) < 1.
_CLAIM = 1.25
# Once the error has fallen by this, most is found: superfluous neurons only slow the fit down.
# (÷ or × 10: the same queries within 1 %. Not worth the time before they are half as many as the
# others.)
_MOSTLY, _MANY = 0.01, 1.5
# Below this, the held-out error may be all noise, if the noise was underestimated: it is measured
# again (so many answers, this much away), more precisely. (First: ÷ 10 12 % more queries, × 10 1 %;
# the last: ÷ or × 10 the same within 1 %. So many answers tell the noise to 1 / sqrt(2 * 200) =
# 5 %.)
_SUSPECT, _RECHECK, _NEAR = 10.0, 200, 1e-3
# Least squares spoil small differences of huge neurons: a start that is so much better is kept. (No
# other run than such: ÷ or × 10, 0 of 22 change.)
_SPOILT = 10.0
# Below this, one more neuron that does not help is enough to give up. (÷ or × 10: 0 of 22 change.)
_DOUBT = 2.0
# While neurons are missing, a loss that falls by less than this with a step has fallen enough.
# (÷ or × 10: the same queries within 1 %.)
_SLOW = 0.1
# When neurons were dropped, one that falls by less than this does not rise by less than their price
# (which is a few times this for each) in the steps that are left.
_RESIGNED = 0.01
# Samples that neurons get where they have gone to are fitted, too, if they make so many times more.
_MORE = 1.05
# A neuron that is two has this share of the loss in the `SLAB`-th part of samples that are closest
# to its hyperplane: seven times its part. So many for each of its parameters show how the two
# differ: it takes two at least, as signs are unknown, and many of these samples miss the wedge
# between the two. (Pairs of digits behind 2 decimals: with 3 or 4 half of four runs took more than
# 40 s, with 8 none more than 13 s; of shares, 0.25 is met by neurons at 20 degrees, too, and 0.5
# took twice as long.)
_BLURRED, _ALONG = 0.35, 8
# Worst held-out points to look closer at. What they miss is a few neurons (so many are added), and
# half of what is around them shows it.
_WORST, _FEW = 10, 4
# Operations of all least squares steps together, after which the search for more neurons ends:
# within a minute, at 2e10 a second.
_WORK = 1e12
# Operations after which a fit under way shows itself: a second on a busy machine.
_SHOWN = 2e9
# Conjugate gradients of a step, at most.
_ITERATIONS = 100
# A fit from a rough start leaves out samples that are off by more than so many times the expected
# error (six sigma: 2e-9 of them), but keeps most of them; and looks again which these are. (First:
# ÷ 10 13 % more queries, × 10 2 % fewer; the others ÷ 10: the same within 1 %.)
_EXPECTED, _MOST, _TRIMS = 6.0, 0.6, 4
# How far the samples' measure is tilted toward a neuron that they rarely meet.
_TILTS = 2.0 ** np.arange(9)


class Learner:
    """Samples to fit and to judge by, and what noise alone does to a fit: many methods share them.

    Parameters are those of `learn_noisy`; `hurry` is called before every step of a fit.
    """

    def __init__(
        self,
        target: Target,
        noise: np.ndarray,
        rng: np.random.Generator,
        grows: bool,
        precision: float,
        hurry: Callable[[], object] = bool,
    ) -> None:
        noise = np.asarray(noise, dtype=float)
        if noise.ndim != 1 or not (np.isfinite(noise) & (noise > 0)).all():
            raise InvalidArgument(f"noise must be positive numbers of shape (m,), got {noise}")
        self.target, self.space, self.rng, self.grows = target, target.space, rng, grows
        self.ratio, self.slack = precision**-2, 1 + _SLACK * (precision / 0.5) ** 2
        self.work, self.sure, self.hurry = _WORK, False, hurry
        self.hidden_work = 0.0  # since a fit was shown
        self.set_noise(noise)
        self.many = math.ceil(HELD_OUT * max(1.0, (0.5 / precision) ** 4))
        self.base = np.zeros(len(noise))
        self.points, nothing = np.zeros((0, target.space.dim)), np.zeros((0, len(noise)))
        self.samples = self.held_out = self.rows(self.points, nothing)
        self.asked = self.points, nothing
        self.left_out = self.puzzling = np.zeros(0, bool)

    def judge_by(self, tested: tuple[Points, np.ndarray] | None) -> None:
        """Take points (n, d) that no fit has seen, with their answers (n, m), for held-out samples,
        and more if they are not enough."""
        points, values = tested or (self.points[:0], self.held_out.y[:0])
        points = np.asarray(points)
        if (missing := self.many - len(points)) > 0:
            x = self.space.held_out(missing, self.rng)
            points, values = np.concatenate([points, x]), np.concatenate([values, self.target(x)])
        self.points = points
        if not len(self.samples.x):  # what all answers share would only round them
            self.base = np.median(values, axis=0)
        self.held_out = self.rows(self.points, values)

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
        if not len(x):
            return
        new = x, self.target(x)
        old, rows = self.samples, self.rows(*new)
        self.samples = Samples(np.concatenate([old.x, rows.x]), np.concatenate([old.y, rows.y]))
        points, values = (np.concatenate(pair) for pair in zip(self.asked, new, strict=True))
        self.asked = points, values
        self.puzzling = np.concatenate([self.puzzling, np.zeros(len(x), bool)])

    def top_up(self, hidden: np.ndarray) -> np.ndarray:
        """Enough samples for the wished precision, for every output's regression, and on both sides
        of these hyperplanes (k, d + 1), which are returned."""
        k, m = len(hidden), len(self.noise)
        each = self.ratio * self.parameters(k) / m
        wanted = max(300, 10 * (self.space.dim + 1 + k), math.ceil(each))
        if wanted > len(self.samples.x):
            self.add(self.space.spread(wanted - len(self.samples.x), self.rng))
        more = self.samples.x[:0]
        for row in hidden:
            active = (np.concatenate([self.samples.x, more]) @ row > 0).sum()
            idle = len(self.samples.x) + len(more) - active
            if (missing := self.both_sides - min(active, idle)) > 0:
                x = self.beyond(row if active < idle else -row, missing)
                more = np.concatenate([more, np.column_stack([x, np.ones(len(x))])])
        if len(more):
            self.add(more[:, :-1])
        return hidden

    @property
    def both_sides(self) -> int:
        """Samples for each neuron where it is active, and where it is idle: an answer tells one
        number about it there, however many outputs there are."""
        each = self.ratio * (self.parameters(1) - self.parameters(0)) / len(self.noise)
        return max(2 * (self.space.dim + 1), math.ceil(each))

    def beyond(self, row: np.ndarray, n: int) -> np.ndarray:
        """Up to n points where a neuron (d + 1,) that hardly any sample meets is active."""
        for tilt in _TILTS:
            x = self.space.spread(4 * n, self.rng, tilt * row[:-1])
            active = x @ row[:-1] + row[-1] > 0
            if active.mean() > 0.25:
                break
        return x[active][:n]

    def between(self, row: np.ndarray, width: float, n: int) -> np.ndarray:
        """Up to n points where a neuron (d + 1,) is +-width at most: on the way from points where
        it is active to others where it is idle."""
        high, low = self.beyond(row, n), self.beyond(-row, n)
        n = min(len(high), len(low))
        up, down = (x[:n] @ row[:-1] + row[-1] for x in (high, low))
        level = np.clip(self.rng.uniform(-width, width, n), down, up)
        share = ((level - down) / (up - down))[:, None]
        return np.asarray(share * high[:n] + (1 - share) * low[:n])

    def look_closer(self, fit: Fit) -> None:
        """Samples around the held-out points where F' is worst: what is missing shows there."""
        off = np.sqrt((fit.off(self.held_out) ** 2).mean(axis=1)) / self.floor
        worst = np.argsort(-off)[:_WORST]
        worst = self.points[worst[off[worst] >= min(_EXPECTED, off.max())]]
        n = min(len(self.samples.x) // 2, 2 * _FEW * self.both_sides)
        around = np.resize(worst, (n, worst.shape[1]))
        self.add(self.space.near(around, self.rng))

    def blurred(self, fit: Fit) -> dict[int, float]:
        """Neurons at whose hyperplanes F' is off more than elsewhere, and how close to them: two
        neurons were taken for one."""
        found, x, noise = {}, fit.samples.x, self.noise_loss(fit) / len(fit.samples.x)
        off = (fit.residual**2).sum(axis=1) - noise
        for i, row in enumerate(fit.hidden):
            far = np.abs(x @ row)
            near = np.argsort(far)[: len(x) // SLAB]
            chance = noise * math.sqrt(2 * len(near) / len(self.noise))
            if off[near].sum() > max(_BLURRED * off.sum(), _EXPECTED * chance):
                found[i] = 2 * float(np.average(far[near], weights=np.maximum(off[near], 0)))
        return found

    def look_along(self, row: np.ndarray, width: float) -> None:
        """Samples close to a hyperplane (d + 1,): how two neurons differ that were taken for one
        shows nowhere else."""
        there = int((np.abs(self.samples.x @ row) < width).sum())
        if (missing := _ALONG * len(row) - there) > 0:
            self.add(self.between(row, width, missing))

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
        return math.sqrt(float((self.misses(hypothesis) ** 2).mean())) / self.floor

    def misses(self, hypothesis: Fit | ReluNetwork) -> np.ndarray:
        """F' minus the answers (n, m) on the held-out samples, in units of the noise."""
        if isinstance(hypothesis, Fit):
            return hypothesis.off(self.held_out)
        return self.off(hypothesis, self.held_out)

    def complete(self, fit: Fit | NoisyStep) -> bool:
        """Whether the error on the held-out samples is what noise alone makes it."""
        if isinstance(fit, NoisyStep):
            return fit.fit is not None and self.complete(fit.fit)
        return self.error(fit) <= self.slack * self.noise_error(fit)

    def noise_error(self, fit: Fit) -> float:
        """The error on the held-out samples that noise alone makes."""
        return math.sqrt(1 + self.parameters(len(fit.hidden)) / self.freedom(fit))

    def by_heart(self, fit: Fit) -> bool:
        """Whether F' fits its own samples much better than held-out ones."""
        return self.error(fit) > 2 * max(math.sqrt(fit.loss / self.noise_loss(fit)), 1.0)

    def fit(self, hidden: np.ndarray, iterations: int = 0) -> Fitting:
        """The best fit to all samples so far from these hidden neurons (k, d + 1) on."""
        fit = Fit(self.samples, hidden)
        return (yield from self.improve(fit, iterations, self.noise_loss(fit)))

    def improve(
        self,
        fit: Fit,
        iterations: int,
        goal: float,
        damping: float = 1e-2,
        gain: float = 2e-3,
    ) -> Fitting:
        """All hidden neurons at once by Levenberg-Marquardt, until it falls by less than `gain` a
        step, or below `goal`, while there is work left."""
        still = 0
        for _ in range(iterations):
            for _ in range(6):
                if self.work < 0:
                    return fit
                change = yield from self.change(fit, damping)
                trial = Fit(fit.samples, fit.hidden + change)
                if trial.loss < fit.loss:
                    break
                damping = 8 * max(damping, 1e-6)
            else:
                return fit
            still = still + 1 if trial.loss > (1 - gain) * fit.loss else 0
            fit, damping = trial, max(damping / 5, 1e-9)
            if fit.loss <= goal or still > 3:
                break
        return fit

    def change(self, fit: Fit, damping: float) -> Generator[Fit, None, np.ndarray]:
        """A step (k, d + 1) for the hidden neurons; the fit shows itself meanwhile."""
        step = GaussNewton(fit, damping)
        self.hidden_work += fit.features.size * fit.features.shape[1]
        while True:
            self.hurry()
            work = step.solve(_ITERATIONS, _SHOWN - self.hidden_work)
            self.work, self.hidden_work = self.work - work, self.hidden_work + work
            if self.hidden_work > _SHOWN:
                self.hidden_work = 0.0
                yield fit
            if step.solved(_ITERATIONS):
                return step.change

    def grow(self, fit: Fit, more: int, closer: bool) -> Fitting:
        """Add neurons that resemble what is missing, and fit again."""
        blurred = self.blurred(fit)
        for i, width in blurred.items():
            self.look_along(fit.hidden[i], width)
        if closer and not blurred:
            self.look_closer(fit)
        if closer or blurred:
            fit, more = Fit(self.samples, fit.hidden), _FEW
        self.top_up(np.concatenate([fit.hidden, np.zeros((more, self.space.dim + 1))]))
        hidden = propose_neurons(Fit(self.samples, fit.hidden), more, self.rng, blurred)
        fit, before = Fit(self.samples, hidden), 0
        # Neurons that move may lose samples on one side of them, and then tell of these by heart.
        while len(self.samples.x) > _MORE * before:
            before = len(self.samples.x)
            fit = Fit(self.samples, fit.hidden)
            fit = yield from self.improve(fit, 60, self.noise_loss(fit), gain=_SLOW)
            self.top_up(fit.hidden)
        return fit

    def prune(self, fit: Fit) -> Fitting:
        """Drop neurons, and join two that are nearly one, as long as the loss of the best fit rises
        less than a neuron must earn.

        The price of a neuron is that of the Bayesian information criterion, log(n) times the
        variance for each of its parameters.
        """
        error, each, few = self.error(fit), self.parameters(1) - self.parameters(0), -1

        def without(hidden: np.ndarray, batch: int) -> Generator[Fit, None, Fit | None]:
            price = batch * each * fit.loss / self.freedom(fit)
            fewer = Fit(fit.samples, hidden)
            fewer = yield from self.improve(fewer, 20, fit.loss + price, gain=_RESIGNED)
            earned = fewer.loss > fit.loss + math.log(fit.residual.size) * price
            return None if earned or self.error(fewer) > 1.02 * error else fewer

        while (k := len(fit.hidden)) - few > 1:  # `few` were too few
            batch = max(1, min(k // 3, (k - few) // 2))
            keep = np.sort(np.argsort(fit.rise())[batch:])
            fewer = yield from without(fit.hidden[keep], batch)
            few = few if fewer else k - batch
            fit = fewer or fit
        while (hidden := joined(fit)) is not None:
            if not (fewer := (yield from without(hidden, 1))):
                break
            fit = fewer
        return fit

    def pruned(self, step: NoisyStep) -> Generator[Fit, None, NoisyStep]:
        """What a step would be without superfluous neurons. What comes after it does not change."""
        assert step.fit is not None
        work = self.work
        fit = yield from self.prune(step.fit)
        self.work = work
        return self.step(fit)

    def start(
        self, network: ReluNetwork | None, doubt: float = math.inf
    ) -> Generator[Fit, None, NoisyStep]:
        """The best fit from the neurons of a network on, to the samples that it explains.

        Where it is off by more than its own errors, which are about `doubt`, something is missing:
        with these samples the fit would bend what is known.
        """
        hidden = np.zeros((0, self.space.dim + 1)) if network is None else _rows(network)
        self.top_up(hidden)
        off = self.samples.y if network is None else self.off(network, self.samples)
        limit, before = doubt / self.unit, np.zeros(0)
        for _ in range(_TRIMS):
            ratio = (np.abs(off) / np.maximum(limit, self.noise / self.unit)).max(axis=1)
            trusted = ratio <= max(_EXPECTED, float(np.quantile(ratio, _MOST)))
            if np.array_equal(trusted, before):
                break
            chosen = Samples(self.samples.x[trusted], self.samples.y[trusted])
            fit = Fit(chosen, hidden)
            fit = yield from self.improve(fit, 20, _CLAIM**2 * self.noise_loss(fit), 1e-6)
            off, hidden, before = fit.off(self.samples), fit.hidden, trusted
            limit = np.median(np.abs(off[trusted]), axis=0)
        self.left_out = ~trusted
        if not (self.complete(fit) or self.sure) and self.error(fit) < _SUSPECT:
            self.recheck(fit)
            return (yield from self.start(network, doubt))
        step = self.step(fit)
        if network is not None and (error := self.error(network)) < step.held_out / _SPOILT:
            return NoisyStep(network, error, error <= _CLAIM)
        return step

    def puzzles(self) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, d) that the last fit left out for the first time, with their answers."""
        new = self.left_out & ~self.puzzling
        self.puzzling |= new
        return self.asked[0][new], self.asked[1][new]

    def off(self, network: ReluNetwork, samples: Samples) -> np.ndarray:
        """F' minus the answers (n, m) of samples, in units of the noise."""
        outputs, skip = (np.atleast_2d(a) for a in (network.output_weights, network.skip))
        affine = np.column_stack([skip, network.offset - self.base])
        y = np.maximum(samples.x @ _rows(network).T, 0) @ outputs.T
        return (y + samples.x @ affine.T) / self.unit - samples.y

    def finish(self, step: NoisyStep, max_neurons: int) -> Iterator[NoisyStep | Fit]:
        """Grow until it is complete, prune, and average, from the last step on."""
        fit = best = step.fit or Fit(self.samples, _rows(step.network))
        if step.fit is None and (step.finished or self.error(fit) > _SPOILT * step.held_out):
            return
        first, stalled, few = self.error(fit), 0, len(fit.hidden)
        while True:
            error, k = self.error(fit), len(fit.hidden)
            if not (self.complete(fit) or self.sure) and error < _SUSPECT:
                self.recheck(fit)
                best = fit = yield from self.fit(fit.hidden, 20)
            more = min(max(_FEW, k // 2), max_neurons - k)
            hopeless = stalled > (1 if error < _DOUBT else 2) or more <= 0 or self.work <= 0
            if hopeless or self.complete(fit):
                break
            closer = k > 0 and (stalled > 0 or self.by_heart(fit))
            fit = yield from self.grow(fit, more, closer)
            mostly = not self.complete(fit) and self.error(fit) < _MOSTLY * first
            if mostly and len(fit.hidden) > _MANY * few:
                fit = yield from self.prune(fit)
                few = len(fit.hidden)
            yield self.step(fit)
            stalled = 0 if self.error(fit) < 0.97 * self.error(best) else stalled + 1
            best = fit if self.error(fit) < self.error(best) else best
        fit = yield from self.prune(best)
        yield self.step(fit)
        hidden = self.top_up(fit.hidden)
        fit = Fit(self.samples, hidden)
        yield self.step((yield from self.improve(fit, 30, 0.0)))

    def step(self, fit: Fit) -> NoisyStep:
        finished = self.error(fit) <= _CLAIM * self.noise_error(fit)
        return NoisyStep(self.network(fit), self.error(fit), finished, fit)

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
) -> Iterator[NoisyStep | Fit]:
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
    Fit
        Under way, about every second.

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
    learner = Learner(target, noise, rng, grows, precision)
    learner.judge_by(None)
    step = yield from learner.start(start)
    yield step
    yield from learner.finish(step, max_neurons)


def sharpen(
    target: Target,
    network: ReluNetwork,
    noise: np.ndarray,
    rng: np.random.Generator,
    grows: bool,
) -> ReluNetwork:
    """Correct all neurons of an almost right network at once: one Gauss-Newton step.

    Asks for two answers per parameter, and `HELD_OUT` more that tell whether the step helped.
    Parameters as for `learn_noisy`.

    Returns
    -------
    ReluNetwork
        The better of the two.
    """
    learner = Learner(target, noise, rng, grows, precision=math.sqrt(0.5))
    learner.judge_by(None)
    hidden = learner.top_up(_rows(network))
    fit = Fit(learner.samples, hidden)
    step = GaussNewton(fit, 1e-6, forcing=0.01)
    step.solve(20)
    better = Fit(learner.samples, fit.hidden + step.change)
    return learner.network(better) if learner.error(better) < learner.error(fit) else network
