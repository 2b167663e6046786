"""Adversarial examples: small changes of an input that change its class.

With a copy the change is computed from gradients, without a query. Without one it is found by
trying, and every try is a query. Both stay within `size` of every input coordinate, and in [0, 1].

References
----------
.. [1] A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu, "Towards Deep Learning Models
   Resistant to Adversarial Attacks", ICLR 2018, arXiv:1706.06083.
.. [2] C. Guo, J. R. Gardner, Y. You, A. G. Wilson, K. Q. Weinberger, "Simple Black-box Adversarial
   Attacks", ICML 2019, arXiv:1905.07121.
.. [3] N. Papernot, P. McDaniel, I. Goodfellow, S. Jha, Z. B. Celik, A. Swami, "Practical Black-Box
   Attacks against Machine Learning", ASIA CCS 2017, arXiv:1602.02697.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.arguments import Seed, generator
from relu_learn.network import ReluNetwork

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

STEPS = 40  # a step is a quarter of the allowed change: ten times from end to end


@dataclasses.dataclass(frozen=True, eq=False)
class Attack:
    """What became of some inputs, and what it cost.

    Attributes
    ----------
    inputs : ndarray of shape (n, d)
        Changed as far as the attack got.
    margins : ndarray of shape (n,)
        Their margins, as the attacker saw them; negative where the class is another one.
    queries : ndarray of int, shape (n,)
        Spent on each.
    """

    inputs: Array
    margins: Array
    queries: Labels


def margins(scores: Array, labels: Labels) -> Array:
    """By how much the score of its label leads the best other score of each row: (n, m) -> (n,)."""
    own = np.arange(len(scores)), labels
    others = np.array(scores, dtype=float)
    others[own] = -np.inf
    return np.asarray(scores[own] - others.max(axis=1))


def by_gradients(network: ReluNetwork, inputs: Array, labels: Labels, size: float) -> Attack:
    """Projected gradient descent [1]_ on the margin of a network that is known.

    Parameters
    ----------
    network : ReluNetwork
        Several outputs, one score for each class: a copy, say [3]_.
    inputs : ndarray of shape (n, d)
        In [0, 1].
    labels : ndarray of int, shape (n,)
    size : float
        Largest change of a coordinate.

    Returns
    -------
    Attack
        The best of all steps; `queries` are zero.
    """
    low, high = np.maximum(inputs - size, 0), np.minimum(inputs + size, 1)
    rows = np.arange(len(inputs))
    x, best = inputs, inputs
    least = margins(network(inputs), labels)
    for _ in range(STEPS):
        scores = network(x)
        scores[rows, labels] = -np.inf
        slopes = network.gradient(x)
        slope = slopes[rows, labels] - slopes[rows, scores.argmax(axis=1)]
        x = np.clip(x - size / 4 * np.sign(slope), low, high)
        now = margins(network(x), labels)
        best = np.where((now < least)[:, None], x, best)
        least = np.minimum(now, least)
    return Attack(best, least, np.zeros(len(inputs), dtype=int))


def by_answers(
    box: Callable[[Array], Array], inputs: Array, labels: Labels, size: float, rng: Seed = None
) -> Attack:
    """Try one coordinate after the other in random order, up and then down; keep what helps [2]_.

    Parameters
    ----------
    box : callable
        The black box: (n, d) to scores (n, m).
    inputs, labels, size
        As in `by_gradients`.
    rng : int, Generator or None
    """
    random = generator(rng)
    x = np.array(inputs)
    least = margins(box(x), labels)
    queries = np.ones(len(x), dtype=int)
    orders = random.permuted(np.tile(np.arange(x.shape[1]), (len(x), 1)), axis=1)
    for column in orders.T:
        waiting = least > 0  # fooled ones are left alone
        for sign in (1, -1):
            rows = np.flatnonzero(waiting)
            tried = x[rows]
            place = np.arange(len(rows)), column[rows]
            tried[place] = np.clip(inputs[rows, column[rows]] + sign * size, 0, 1)
            new = tried[place] != x[rows, column[rows]]  # a pixel at its end cannot go beyond
            rows, tried = rows[new], tried[new]
            if not len(rows):
                continue
            now = margins(box(tried), labels[rows])
            queries[rows] += 1
            better = now < least[rows]
            x[rows[better]], least[rows[better]] = tried[better], now[better]
            waiting[rows[better]] = False
    return Attack(x, least, queries)
