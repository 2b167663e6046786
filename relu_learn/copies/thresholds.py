"""The class next door: networks of thresholds, learned from their jumps.

    F(x) = sum_i a_i [<w_i, x> > b_i] + c

The method is the same: along a random line F is known but for its jumps, each of one neuron. But a
ReLU's slope is told by two answers to all digits; a threshold is flat on both sides, and an answer
near it says only on which side it lies: one bit. Every number takes a bisection, about 50 queries
for 50 bits. The hyperplane of a jump comes from where it is met by d other lines beside the first.

Unlike a straight piece a flat one tells nothing about itself: jumps that cancel between two
answers are not seen, and a line may miss a neuron. So F' is tested on fresh points, and the whole
repeated with another line where it fails: boosting, as in the paper. (Networks of thresholds have
been learned from queries since [1]_, there with answers of one bit.)

References
----------
.. [1] E. B. Baum, "Neural net algorithms that learn in polynomial time from examples and queries",
   IEEE Transactions on Neural Networks 2 (1991).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.arguments import Seed, generator
from relu_learn.asking.errors import LearningFailed
from relu_learn.asking.oracle import Oracle

Array = NDArray[np.float64]
Answers = Callable[[Array], Array]

# First answers on a line: a jump lies beyond them with probability 1 / _CELLS. (Two jumps between
# two answers are both found, unless they cancel.)
_CELLS = 1000
_SAME = 1e-9  # sums of the same jumps, in another order, differ by less, relative to the largest
_TESTS = 1000  # fresh points: one of them meets what has a mass of 0.3 %, with 95 % confidence


@dataclasses.dataclass(frozen=True, eq=False)
class ThresholdNetwork:
    """F(x) = sum_i a_i [<w_i, x> > b_i] + c.

    Attributes
    ----------
    weights : ndarray of shape (k, d)
    biases, output_weights : ndarray of shape (k,)
    offset : float
    """

    weights: Array
    biases: Array
    output_weights: Array
    offset: float = 0.0

    def __call__(self, x: Array) -> Array:
        """Values (n,) at the rows of x (n, d)."""
        return np.asarray((x @ self.weights.T > self.biases) @ self.output_weights + self.offset)


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """A network, and what it took."""

    network: ThresholdNetwork
    queries: int
    lines: int


def learn_thresholds(
    black_box: Answers, dim: int, *, rng: Seed = None, lines: int = 5, max_queries: int = 10**7
) -> Found:
    """Learn a network of thresholds from its answers.

    Parameters
    ----------
    black_box : callable
        (n, d) to (n,).
    dim : int
    rng : int, Generator or None
    lines : int
        How many may be tried.
    max_queries : int

    Raises
    ------
    LearningFailed
        F' was wrong on a fresh point, whatever the line.
    QueryBudgetExceeded
    """
    random = generator(rng)
    oracle = Oracle(black_box, dim, max_queries=max_queries)
    for tried in range(1, lines + 1):
        x0, v = random.standard_normal((2, dim))
        network = _from_line(oracle, x0, v)
        fresh = random.standard_normal((_TESTS, dim))
        if network is not None and (np.abs(network(fresh) - oracle(fresh)) < 1e-6).all():
            return Found(network, oracle.queries, tried)
    raise LearningFailed(f"no network of thresholds found on {lines} lines")


def find_jumps(answer: Answers, t: Array) -> tuple[Array, Array, Array]:
    """Where a piecewise constant function jumps between the points t (n,), by bisection.

    Returns
    -------
    places, before, after : ndarray of shape (k,)
        To the last bit, in order; and the values on both sides.
    """
    low, high = t[:-1], t[1:]
    values = answer(t)
    before, after = values[:-1], values[1:]
    small = _SAME * np.abs(values).max(initial=1.0)
    while True:
        jumps = np.abs(after - before) > small
        low, high, before, after = (part[jumps] for part in (low, high, before, after))
        middle = (low + high) / 2
        wide = (low < middle) & (middle < high)
        if not wide.any():
            return high, before, after
        value = after.copy()
        value[wide] = answer(middle[wide])
        # Both halves; what has no middle stays, with an empty right half.
        middle = np.where(wide, middle, high)
        low, high = np.column_stack([low, middle]).ravel(), np.column_stack([middle, high]).ravel()
        before, after = (
            np.column_stack(pair).ravel() for pair in ((before, value), (value, after))
        )


def _from_line(oracle: Oracle, x0: Array, v: Array) -> ThresholdNetwork | None:
    """The neurons whose hyperplanes a line meets; None if one of them cannot be told apart."""
    # Of a hyperplane through the origin the place is a Cauchy variable: as likely in every cell.
    t = np.tan(np.pi * ((np.arange(_CELLS) + 0.5) / _CELLS - 0.5))
    places, before, after = find_jumps(lambda s: oracle(x0 + s[:, None] * v), t)
    points = x0 + places[:, None] * v
    gaps = np.diff(places, prepend=-np.inf, append=np.inf)
    reach = np.minimum(np.minimum(gaps[:-1], gaps[1:]) / 2, 1.0)
    normals = _normals(oracle, points, v, reach, (before, after))
    if normals is None:
        return None
    offset = float(oracle((x0 + t[0] * v)[None])[0])
    return ThresholdNetwork(normals, (normals * points).sum(axis=1), after - before, offset)


def _normals(
    oracle: Oracle, points: Array, v: Array, reach: Array, sides: tuple[Array, Array]
) -> Array | None:
    """w_i with <w_i, v> = 1 of hyperplanes through points (k, d): where lines beside meet them.

    Beside the line, at points + step e_j, the hyperplane is met at t = -step w_ij. The step is
    halved until the two ends of a stretch of length 2 reach have the values of the two sides.
    """
    k, dim = points.shape
    i, j = (index.ravel() for index in np.indices((k, dim)))
    step = np.repeat(reach, dim)
    before, after = (np.repeat(side, dim) for side in sides)
    small = _SAME * max(np.abs(before).max(initial=1.0), np.abs(after).max(initial=1.0))

    def answer(rows: NDArray[np.intp], t: Array) -> Array:
        beside = points[i[rows]] + t[:, None] * v
        beside[np.arange(len(rows)), j[rows]] += step[rows]
        return oracle(beside)

    high = reach[i]
    low, open_ = -high, np.arange(k * dim)
    for _ in range(40):
        left, right = answer(open_, low[open_]), answer(open_, high[open_])
        good = (np.abs(left - before[open_]) < small) & (np.abs(right - after[open_]) < small)
        open_ = open_[~good]
        if not len(open_):
            break
        step[open_] /= 2
    else:
        return None
    every = np.arange(k * dim)
    for _ in range(64):
        middle = (low + high) / 2
        wide = every[(low < middle) & (middle < high) & (high - low > 1e-16 * step)]
        if not len(wide):
            break
        right = np.abs(answer(wide, middle[wide]) - after[wide]) < small
        high[wide[right]], low[wide[~right]] = middle[wide[right]], middle[wide[~right]]
    return np.asarray((-(low + high) / 2 / step).reshape(k, dim))
