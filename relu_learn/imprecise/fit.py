"""A learner for imprecise black boxes: it averages the error away.

When every answer is off by sigma, gradients over small steps drown. But F' can be *fitted*: for
given hidden neurons the rest of F' (output weights, skip, offset) is a linear regression, and
eliminating it (variable projection) leaves a least squares problem in the hidden neurons alone.
Levenberg-Marquardt solves it from almost any start if the model may be wider than the secret:

1. *Grow.* Fit, look at the residual F - F' on Gaussian samples, add neurons that resemble it,
   fit again, until the error on held-out samples is down to the noise. Where F' knows its own
   samples by heart but fails on held-out ones, look closer around these; where it fails across a
   neuron's hyperplane, look along that, and split it.
2. *Prune.* Drop neurons whose loss the others make good. Ask on the hyperplanes of those that are
   left, and grow again if that shows more.
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
from relu_learn.core.target import Target
from relu_learn.imprecise.least_squares import (
    Fit,
    GaussNewton,
    Samples,
    hyperplanes,
    joined,
    propose_neurons,
)
from relu_learn.imprecise.sampling import EXPECTED, FEW, Sampling, hidden_rows
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

# Up to this much above, the error of F' is below the noise: sqrt(1.25^2 (1 + 1/4) - 1) < 1.
_CLAIM = 1.25
# Once the error has fallen by this, most is found: superfluous neurons only slow the fit down.
# (÷ or × 10: the same queries within 1 %. Not worth the time before they are half as many as the
# others.)
_MOSTLY, _MANY = 0.01, 1.5
# Below this, the held-out error may be all noise, if the noise was underestimated: it is measured
# again, more precisely. (÷ 10 12 % more queries, × 10 1 %.)
_SUSPECT = 10.0
# Least squares spoil small differences of huge neurons: a start that is so much better is kept. (No
# other run than such: ÷ or × 10, 0 of 22 change.)
_SPOILT = 10.0
# Below this, one more neuron that does not help is enough to give up. (÷ or × 10: 0 of 22 change.)
_DOUBT = 2.0
# While neurons are missing, a loss that falls by less than this with a step has fallen enough.
# (÷ or × 10: the same queries within 1 %.)
_SLOW = 0.1
# When neurons were dropped, the loss must fall to their price: it does not if it falls by less than
# this share of what each of the steps left must take. (In 39 attempts of 120 runs those that did
# fell by 0.9 times it at least; most others by a tenth of it in the second step.)
_RESIGNED = 0.1
# Samples that neurons get where they have gone to are fitted, too, if they make so many times more.
_MORE = 1.05
# What lies between two neurons that were taken for one is in so many of the samples, those closest
# to a hyperplane: the two that were asked there at least, and one of `_SLAB` at most (wide ones are
# found as any other neuron is).
_CLOSEST, _SLAB = 2 * 4 ** np.arange(8), 20
# Samples are asked within this share of the width between two: most of them are between the two.
# (Of 16 runs with twins all are as right with 0.35, and one is wrong with 1.4.)
_WIDTH = 0.7
# Operations of all least squares steps together, after which the search for more neurons ends:
# within a minute, at 2e10 a second.
_WORK = 1e12
# Operations after which a fit under way shows itself: a second on a busy machine.
_SHOWN = 2e9
# Conjugate gradients of a step, at most.
_ITERATIONS = 100
# A fit from a rough start leaves out samples that are off by more than noise, but keeps most of
# them; and looks again which these are. (÷ 10: the same queries within 1 %.)
_MOST, _TRIMS = 0.6, 4


class Learner:
    """Fits to samples, and what noise alone does to them: many methods share them.

    Parameters
    ----------
    sampling : Sampling
    hurry : callable
        Called before every step of a fit.
    """

    def __init__(self, sampling: Sampling, hurry: Callable[[], object] = bool) -> None:
        self.sampling, self.hurry = sampling, hurry
        self.work, self.sure = _WORK, False
        self.hidden_work = 0.0  # since a fit was shown
        self.left_out = self.puzzling = np.zeros(0, int)  # samples, by their number

    def blurred(self, fit: Fit) -> dict[int, float]:
        """The `hyperplanes` at which F' is off by more than noise, and than chance makes it there
        rather than elsewhere: two neurons were taken for one. And how wide it is between the two.

        Held-out samples tell it as well.
        """
        held_out, found = self.sampling.held_out, {}
        x = np.concatenate([fit.samples.x, held_out.x])
        residual = np.concatenate([fit.residual, -fit.off(held_out)])
        loss, noise = (residual**2).sum(axis=1), residual.shape[1] * self.sampling.floor**2
        off = loss - min(noise, float(loss.mean()))
        closest = _CLOSEST[len(x) >= _SLAB * _CLOSEST]
        usual = closest / len(x) * off.sum()
        chance = np.sqrt(closest / len(x) * (off**2).sum())
        for i, (row, output) in enumerate(zip(*hyperplanes(fit), strict=True)):
            far = np.abs(x @ row)
            order = np.argsort(far)
            there = off[order].cumsum()[closest - 1]
            clear = there > np.maximum(usual + EXPECTED * chance, EXPECTED**2 * noise)
            if clear.any():
                near = order[: closest[clear.argmax()]]
                # Between w + v and w - v it is off by as much as |<v, x>| is larger than |<w, x>|.
                bend = np.abs(residual[near] @ output) / (output @ output + 1e-300)
                weight = np.maximum(off[near], 0)
                width = _WIDTH * float(np.average(bend + far[near], weights=weight))
                if width < np.median(far):  # otherwise a superfluous neuron, which bends nothing
                    found[i] = width
        return found

    def freedom(self, fit: Fit) -> float:
        """How many answers no parameter uses up."""
        n = fit.residual.size
        return max(n - self.sampling.parameters(len(fit.hidden)), n / 10)

    def noise_loss(self, fit: Fit) -> float:
        """The loss that noise alone leaves behind."""
        return self.freedom(fit) * self.sampling.floor**2

    def complete(self, fit: Fit | NoisyStep) -> bool:
        """Whether the error on the held-out samples is what noise alone makes it."""
        if isinstance(fit, NoisyStep):
            return fit.fit is not None and self.complete(fit.fit)
        return self.sampling.error(fit) <= self.sampling.slack * self.noise_error(fit)

    def noise_error(self, fit: Fit) -> float:
        """The error on the held-out samples that noise alone makes."""
        return math.sqrt(1 + self.sampling.parameters(len(fit.hidden)) / self.freedom(fit))

    def by_heart(self, fit: Fit) -> bool:
        """Whether F' fits its own samples much better than held-out ones, or as well as noise
        allows: nothing that is missing shows there."""
        known = math.sqrt(fit.loss / self.noise_loss(fit))
        return known <= self.sampling.slack or self.sampling.error(fit) > 2 * known

    def fit(self, hidden: np.ndarray, iterations: int = 0) -> Fitting:
        """The best fit to all samples so far from these hidden neurons (k, d + 1) on."""
        fit = Fit(self.sampling.samples, hidden)
        return (yield from self.improve(fit, iterations, self.noise_loss(fit)))

    def improve(
        self,
        fit: Fit,
        iterations: int,
        goal: float,
        damping: float = 1e-2,
        gain: float = 2e-3,
        must: float = 0.0,
    ) -> Fitting:
        """All hidden neurons at once by Levenberg-Marquardt, until it falls by less than `gain` a
        step, or below `goal`, while there is work left; or by less than a share, `must`, of what
        each of the steps left must take to get there."""
        still = 0
        for left in range(iterations - 1, -1, -1):
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
            fall = math.log(fit.loss / max(trial.loss, 1e-300))
            fit, damping = trial, max(damping / 5, 1e-9)
            if fit.loss <= goal or still > 3:
                break
            if must and left * fall < must * math.log(fit.loss / goal):
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
        sampling, blurred = self.sampling, self.blurred(fit)
        rows, _ = hyperplanes(fit)
        for i, width in blurred.items():
            sampling.look_along(rows[i], width)
        if closer and not blurred:
            sampling.look_closer(fit)
        if closer or blurred:
            # (What lies between two that are known is theirs, once it has samples.)
            more = sum(i < len(fit.hidden) for i in blurred) if blurred else FEW
            fit = Fit(sampling.samples, fit.hidden)
        sampling.top_up(np.concatenate([fit.hidden, np.zeros((more, sampling.space.dim + 1))]))
        hidden = propose_neurons(Fit(sampling.samples, fit.hidden), more, sampling.rng, blurred)
        fit, before = Fit(sampling.samples, hidden), 0
        # Neurons that move may lose samples on one side of them, and then tell of these by heart.
        while len(sampling.samples.x) > _MORE * before:
            before = len(sampling.samples.x)
            fit = Fit(sampling.samples, fit.hidden)
            fit = yield from self.improve(fit, 60, self.noise_loss(fit), gain=_SLOW)
            sampling.top_up(fit.hidden)
        return fit

    def prune(self, fit: Fit) -> Fitting:
        """Drop neurons, and join two that are nearly one, as long as the loss of the best fit rises
        less than a neuron must earn.

        The price of a neuron is that of the Bayesian information criterion, log(n) times the
        variance for each of its parameters.
        """
        error, few = self.sampling.error(fit), -1
        each = self.sampling.parameters(1) - self.sampling.parameters(0)

        def without(hidden: np.ndarray, batch: int) -> Generator[Fit, None, Fit | None]:
            price = batch * each * fit.loss / self.freedom(fit)
            fewer = Fit(fit.samples, hidden)
            fewer = yield from self.improve(fewer, 20, fit.loss + price, must=_RESIGNED)
            earned = fewer.loss > fit.loss + math.log(fit.residual.size) * price
            return None if earned or self.sampling.error(fewer) > 1.02 * error else fewer

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
        sampling = self.sampling
        hidden = np.zeros((0, sampling.space.dim + 1)) if network is None else hidden_rows(network)
        sampling.top_up(hidden)
        samples, noise = sampling.samples, sampling.noise / sampling.unit
        off = samples.y if network is None else sampling.off(network, samples)
        limit, before = doubt / sampling.unit, np.zeros(0)
        for _ in range(_TRIMS):
            ratio = (np.abs(off) / np.maximum(limit, noise)).max(axis=1)
            trusted = ratio <= max(EXPECTED, float(np.quantile(ratio, _MOST)))
            if np.array_equal(trusted, before):
                break
            fit = Fit(Samples(samples.x[trusted], samples.y[trusted]), hidden)
            fit = yield from self.improve(fit, 20, _CLAIM**2 * self.noise_loss(fit), 1e-6)
            off, hidden, before = fit.off(samples), fit.hidden, trusted
            limit = np.median(np.abs(off[trusted]), axis=0)
        self.left_out = np.flatnonzero(~trusted)
        if not (self.complete(fit) or self.sure) and sampling.error(fit) < _SUSPECT:
            sampling.recheck(fit)
            self.sure = True
            return (yield from self.start(network, doubt))
        step = self.step(fit)
        if network is not None and (error := sampling.error(network)) < step.held_out / _SPOILT:
            return NoisyStep(network, error, error <= _CLAIM)
        return step

    def puzzles(self) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, d) that the last fit left out for the first time, with their answers."""
        new = np.setdiff1d(self.left_out, self.puzzling)
        self.puzzling = np.union1d(self.puzzling, new)
        return self.sampling.asked[0][new], self.sampling.asked[1][new]

    def finish(self, step: NoisyStep, max_neurons: int) -> Iterator[NoisyStep | Fit]:
        """Grow until it is complete, prune, and average, from the last step on."""
        sampling = self.sampling
        fit = best = step.fit or Fit(sampling.samples, hidden_rows(step.network))
        if step.fit is None and (step.finished or sampling.error(fit) > _SPOILT * step.held_out):
            return
        first, stalled, few, ended = sampling.error(fit), 0, len(fit.hidden), False
        while True:
            if not (self.complete(fit) or self.sure) and sampling.error(fit) < _SUSPECT:
                sampling.recheck(fit)
                self.sure = True
                best = fit = yield from self.fit(fit.hidden, 20)
            error, k = sampling.error(fit), len(fit.hidden)
            more = min(max(FEW, k // 2), max_neurons - k)
            over = stalled > (1 if error < _DOUBT else 2) or more <= 0 or self.work <= 0
            if over or self.complete(fit):
                best = fit = yield from self.prune(best)
                error = sampling.error(fit)
                sampling.judge_across(fit)
                if sampling.error(fit) <= sampling.slack * error or (over and ended):
                    break
                stalled, ended = 0, over
                continue
            closer = k > 0 and (stalled > 0 or self.by_heart(fit))
            fit = yield from self.grow(fit, more, closer)
            mostly = not self.complete(fit) and sampling.error(fit) < _MOSTLY * first
            if mostly and len(fit.hidden) > _MANY * few:
                fit = yield from self.prune(fit)
                few = len(fit.hidden)
            yield self.step(fit)
            stalled = 0 if sampling.error(fit) < 0.97 * sampling.error(best) else stalled + 1
            best = fit if sampling.error(fit) < sampling.error(best) else best
        yield self.step(best)
        hidden = sampling.top_up(best.hidden)
        fit = Fit(sampling.samples, hidden)
        yield self.step((yield from self.improve(fit, 30, 0.0)))

    def step(self, fit: Fit) -> NoisyStep:
        finished = self.sampling.error(fit) <= _CLAIM * self.noise_error(fit)
        return NoisyStep(self.sampling.network(fit), self.sampling.error(fit), finished, fit)


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
    sampling = Sampling(target, noise, rng, grows, precision)
    sampling.judge_by(None)
    learner = Learner(sampling)
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
    sampling = Sampling(target, noise, rng, grows, precision=math.sqrt(0.5))
    sampling.judge_by(None)
    hidden = sampling.top_up(hidden_rows(network))
    fit = Fit(sampling.samples, hidden)
    step = GaussNewton(fit, 1e-6, forcing=0.01)
    step.solve(20)
    better = Fit(sampling.samples, fit.hidden + step.change)
    return sampling.network(better) if sampling.error(better) < sampling.error(fit) else network
