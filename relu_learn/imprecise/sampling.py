"""What is asked for least squares fits: samples to fit and to judge by, where they tell most.

On random points, on both sides of every neuron's hyperplane, along hyperplanes that two neurons may
share, and around held-out points where F' is worst.
"""

from __future__ import annotations

import math

import numpy as np

from relu_learn.asking.errors import InvalidArgument
from relu_learn.asking.rows import Points
from relu_learn.core.precision import HELD_OUT
from relu_learn.core.target import Target
from relu_learn.imprecise.least_squares import Fit, Samples, hyperplanes
from relu_learn.network import ReluNetwork

# F' counts as complete when the held-out error is at most this much above what noise explains, if
# the wished precision is half of the noise; `HELD_OUT` samples tell: 3 sigma are 3 / sqrt(2 * 500).
# (÷ 10: 2 % more queries; × 10: one of 22 runs is wrong.)
_SLACK = 0.1
# Samples that are off by more than so many times the expected error do not belong to noise: of
# Gaussian ones 2e-9 are. (÷ 10: 13 % more queries; × 10: 2 % fewer.)
EXPECTED = 6.0
# The noise is measured again with so many answers, this much away: they tell it to 1 / sqrt(2 *
# 200) = 5 %. (÷ or × 10: the same queries within 1 %.)
_RECHECK, _NEAR = 200, 1e-3
# Samples for each parameter of a neuron that is two, along its hyperplane, to show how the two
# differ: it takes two at least, as signs are unknown, and many of these samples miss the wedge
# between the two. (Pairs of digits behind 2 decimals: with 3 or 4 half of four runs took more than
# 40 s, with 8 none more than 13 s.)
_ALONG = 8
# Held-out samples on every hyperplane: one may lie where the two cross, and they differ on two
# sides. (One: of 12 runs of near-parallel neurons one ends at 0.85 times the noise; two: none at
# more than 0.4.)
_ACROSS = 2
# Worst held-out points to look closer at. What they miss is a few neurons (so many are added), and
# half of what is around them shows it.
_WORST, FEW = 10, 4
# How far the samples' measure is tilted toward a neuron that they rarely meet.
_TILTS = 2.0 ** np.arange(9)


def elsewhere(neurons: int, many: int = HELD_OUT) -> int:
    """How many of so many held-out samples come first: the others will lie on hyperplanes."""
    return max(many // 2, many - _ACROSS * neurons)


def hidden_rows(network: ReluNetwork) -> np.ndarray:
    """The hidden neurons (k, d + 1) of a network."""
    return np.column_stack([network.weights, -network.biases])


class Sampling:
    """Samples to fit and to judge by, in units of the noise.

    Parameters are those of `learn_noisy`.
    """

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
        self.set_noise(noise)
        self.many = math.ceil(HELD_OUT * max(1.0, (0.5 / precision) ** 4))
        self.base = np.zeros(len(noise))
        self.points, nothing = np.zeros((0, target.space.dim)), np.zeros((0, len(noise)))
        self.samples = self.held_out = self.rows(self.points, nothing)
        self.asked = self.points, nothing

    def judge_by(self, tested: tuple[Points, np.ndarray] | None, neurons: int = 0) -> None:
        """Take points (n, d) that no fit has seen, with their answers (n, m), for held-out samples,
        and more if they are not enough for a fit that starts with so many neurons."""
        points, values = tested or (self.points[:0], self.held_out.y[:0])
        points = np.asarray(points)
        if (missing := elsewhere(neurons, self.many) - len(points)) > 0:
            x = self.space.held_out(missing, self.rng)
            points, values = np.concatenate([points, x]), np.concatenate([values, self.target(x)])
        self.points = points
        if not len(self.samples.x):  # what all answers share would only round them
            self.base = np.median(values, axis=0)
        self.held_out = self.rows(self.points, values)

    def judge_across(self, fit: Fit) -> None:
        """Take held-out samples on every hyperplane, and between two that are nearly one, as close
        to it as noise can tell. If two neurons were taken for one, or were told apart wrongly, F'
        is off there most, and hardly any other sample may lie between the two."""
        rows, outputs = hyperplanes(fit)
        size = np.linalg.norm(outputs, axis=1) / math.sqrt(len(self.noise))
        level = np.abs(self.held_out.x @ rows.T) * size
        there = (level < EXPECTED * self.floor).sum(axis=0)
        parts = [
            self.between(row, 0.0, _ACROSS - n)
            for row, n in zip(rows, there, strict=True)
            if n < _ACROSS
        ]
        if len(x := np.concatenate([self.points[:0], *parts])):
            old, new = self.held_out, self.rows(x, self.target(x))
            self.points = np.concatenate([self.points, x])
            self.held_out = Samples(np.concatenate([old.x, new.x]), np.concatenate([old.y, new.y]))

    def set_noise(self, noise: np.ndarray) -> None:
        # Very precise outputs must not drown the others.
        self.noise = noise
        self.unit = np.maximum(noise, max(0.03 * float(noise.max()), np.finfo(float).tiny))
        self.floor = math.sqrt(float(((noise / self.unit) ** 2).mean()))

    def rows(self, x: np.ndarray, values: np.ndarray) -> Samples:
        rows = np.column_stack([x, np.ones(len(x))])
        y = (values - self.base) / self.unit
        if self.grows:
            # Far out F is as many times larger, and its rounding; near the origin it is not smaller
            # (an offset). A multiple of a row has the same multiple of F.
            size = np.linalg.norm(x, axis=1, keepdims=True) / math.sqrt(x.shape[1])
            weight = 1 / np.maximum(1.0, size)
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
        worst = self.points[worst[off[worst] >= min(EXPECTED, off.max())]]
        n = min(len(self.samples.x) // 2, 2 * FEW * self.both_sides)
        around = np.resize(worst, (n, worst.shape[1]))
        self.add(self.space.near(around, self.rng))

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

    def parameters(self, neurons: int) -> int:
        d, m = self.space.dim, len(self.noise)
        return neurons * (d + (m if m > 1 else 1)) + m * (d + 1)

    def network(self, fit: Fit) -> ReluNetwork:
        k, unit = len(fit.hidden), self.unit[:, None]
        outputs, affine = fit.outputs.T * unit, fit.coefficients[k:].T * unit
        offset = self.base + affine[:, -1]
        return ReluNetwork(fit.hidden[:, :-1], -fit.hidden[:, -1], outputs, affine[:, :-1], offset)

    def error(self, hypothesis: Fit | ReluNetwork) -> float:
        """Root-mean-square error on the held-out samples, in units of the noise."""
        return math.sqrt(float((self.misses(hypothesis) ** 2).mean())) / self.floor

    def misses(self, hypothesis: Fit | ReluNetwork) -> np.ndarray:
        """F' minus the answers (n, m) on the held-out samples, in units of the noise."""
        if isinstance(hypothesis, Fit):
            return hypothesis.off(self.held_out)
        return self.off(hypothesis, self.held_out)

    def off(self, network: ReluNetwork, samples: Samples) -> np.ndarray:
        """F' minus the answers (n, m) of samples, in units of the noise."""
        outputs, skip = (np.atleast_2d(a) for a in (network.output_weights, network.skip))
        affine = np.column_stack([skip, network.offset - self.base])
        y = np.maximum(samples.x @ hidden_rows(network).T, 0) @ outputs.T
        return (y + samples.x @ affine.T) / self.unit - samples.y
