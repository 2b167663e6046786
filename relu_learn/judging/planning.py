"""What a run will cost, before the first query.

The learner is rehearsed on random networks of the same number of neurons and outputs, in few
dimensions. That is enough: on a Gaussian line the kinks of a random network look the same in every
dimension, and so does everything that the learner decides from them. Only the gradients cost more:
one query more for every further dimension and measured piece.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from relu_learn.core.arguments import positive_int
from relu_learn.core.errors import LearningFailed
from relu_learn.core.events import Event, GradientMeasured
from relu_learn.core.run import MOST
from relu_learn.core.space import Space
from relu_learn.learn import learn_steps
from relu_learn.zoo import random_network

# The rehearsal's dimension. In fewer, steps cross hyperplanes more often.
_DIM = 48
# Seconds to make one coordinate of a query and to use the answer, on a usual machine.
_COORDINATE = 6e-9
# Single runs differ from their median by more than those of the rehearsal.
_MARGIN = 0.06
_PURPOSES = {
    "start": "line search",
    "search": "line search",
    "gradients": "gradients",
    "neurons": "gradients",
    "validate": "validation",
    "polish": "polish",
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """Predicted cost of learning a network of given size.

    Attributes
    ----------
    dim, outputs, neurons : int
    queries : int
        For a network with random parameters.
    low, high : int
        Most runs on such networks lie between them (repairs, which few need, come on top).
    seconds : float
        Of the learner itself, roughly; the black box comes on top.
    breakdown : mapping of str to int
        Queries by purpose (see `queries_by_purpose`); they add up to `queries`.
    """

    dim: int
    outputs: int
    neurons: int
    queries: int
    low: int
    high: int
    seconds: float
    breakdown: Mapping[str, int]

    @property
    def parameters(self) -> int:
        """k(d + 1) + d + 1; for several outputs k(d + 1) + mk + m(d + 1)."""
        k, d, m = self.neurons, self.dim, self.outputs
        return k * (d + 1) + m * (d + 1) + (m * k if m > 1 else 0)

    def __str__(self) -> str:
        return (
            f"{self.dim}-{self.neurons}-{self.outputs}: about {self.queries:,} queries "
            f"({self.low:,} to {self.high:,}) for {self.parameters:,} parameters"
        )


def plan(dim: int, outputs: int = 1, neurons: int = 1, polish: bool = False) -> Plan:
    """Predict the queries of `learn_from_queries` before the first one.

    Parameters
    ----------
    dim, outputs, neurons : int
        d and m of the black box, and a guess of k. (The learner itself needs no guess.)
    polish : bool
        With `polish=True`.

    Returns
    -------
    Plan
        For random networks. Clumps of neurons and narrow bumps cost more, as lines must be
        repeated and short pieces measured with care; duplicates cost less.

    Raises
    ------
    InvalidArgument
        A size that is not a positive integer (neurons may be 0).

    Examples
    --------
    >>> predicted = plan(784, 1, 32)
    >>> 24_000 < predicted.low < predicted.queries < predicted.high < 28_000
    True
    """
    dim, runs = positive_int("dim", dim), []
    for seed in range(9 if neurons <= 100 else 5 if neurons <= 400 else 1):
        with contextlib.suppress(LearningFailed):
            runs.append(_rehearse(dim, outputs, neurons, polish, seed))
    if not runs:
        raise LearningFailed(f"no random {dim}-{neurons}-{outputs} network could be learned")
    runs.sort(key=lambda run: sum(run[0].values()))
    middle, seconds = runs[len(runs) // 2]
    # A run that needed a repair says nothing about the range of those that did not.
    usual = [spent for spent, _ in runs if not spent["repairs"] and (polish or not spent["polish"])]
    totals = [sum(spent.values()) for spent in usual or [spent for spent, _ in runs]]
    low, high = int(totals[0] * (1 - _MARGIN)), math.ceil(totals[-1] * (1 + _MARGIN))
    # How many pieces do for several outputs depends on the precision, and that on the dimension.
    high += dim if outputs > 1 else 0
    queries, breakdown = sum(middle.values()), MappingProxyType(middle)
    return Plan(dim, outputs, neurons, queries, low, high, seconds, breakdown)


def queries_by_purpose(events: Iterable[Event], dim: int) -> dict[str, int]:
    """Where the queries of a run went.

    Parameters
    ----------
    events : iterable of Event
        For example a `Trace`.
    dim : int

    Returns
    -------
    dict
        Keys "line search" (with the probing of the noise), "gradients" (d - 1 for every measured
        piece, as the slope along the line is known), "checks" (what else the gradients cost),
        "validation", "repairs" and "polish".
    """
    names = ("line search", "gradients", "checks", "validation", "repairs", "polish")
    spent = dict.fromkeys(names, 0)
    before, pieces = 0, 0
    for event in events:
        spent[_purpose(event)] += event.queries - before
        before = event.queries
        pieces += isinstance(event, GradientMeasured) and event.phase == "gradients"
    needed = min(pieces * (dim - 1), spent["gradients"])
    spent["checks"] = spent["gradients"] - needed
    spent["gradients"] = needed
    return spent


def _purpose(event: Event) -> str:
    return _PURPOSES.get(event.phase, "repairs")


def _rehearse(
    dim: int, outputs: int, neurons: int, polish: bool, seed: int
) -> tuple[dict[str, int], float]:
    """Queries by purpose and seconds of one run on a random network."""
    small = min(dim, _DIM)
    # (Without neurons it must at least be affine: a silent black box is listened to for long.)
    silent, own = not neurons, np.random.default_rng([90, seed])
    secret = random_network(small, neurons, outputs, own, skip=silent)
    start, random = time.perf_counter(), np.random.default_rng([91, seed])
    events = list(learn_steps(secret, small, rng=random, polish=polish))
    seconds, spent = time.perf_counter() - start, queries_by_purpose(events, small)
    pieces = Counter(_purpose(event) for event in events if isinstance(event, GradientMeasured))
    for purpose, n in pieces.items():
        spent[purpose] += n * (dim - small)
    learning = sum(spent.values()) - spent["validation"]
    spent["validation"] = max(spent["validation"], min(learning // Space.share, MOST))
    return spent, seconds + pieces.total() * dim * (dim - small) * _COORDINATE
