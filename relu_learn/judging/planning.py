"""What a run will cost, before the first query.

The learner is rehearsed on random networks of the same number of neurons and outputs, in few
dimensions. That is enough: on a Gaussian line the kinks of a random network look the same in every
dimension, and so does everything that the learner decides from them. Only the gradients cost more:
one query more for every further dimension and measured piece.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from relu_learn.core.errors import InvalidArgument, LearningFailed
from relu_learn.core.events import Event, GradientMeasured
from relu_learn.core.network import ReluNetwork
from relu_learn.learn import learn_steps

# The rehearsal's dimension. In fewer, steps cross hyperplanes more often.
_DIM = 48
# At least one point in 200 is for validation, up to 1000 (see learning.py).
_VALIDATED, _MOST_VALIDATED = 200, 1000
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
        Of the learner itself on this machine, roughly; the black box comes on top.
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
    >>> 25_000 < predicted.low < predicted.queries < predicted.high < 28_000
    True
    """
    for name, value, least in (("dim", dim, 1), ("outputs", outputs, 1), ("neurons", neurons, 0)):
        if isinstance(value, bool) or int(value) != value or value < least:
            raise InvalidArgument(f"{name} must be an integer >= {least}, got {value!r}")
    small = min(dim, _DIM)
    trials = 9 if neurons <= 100 else 5 if neurons <= 400 else 1
    rehearsals = []
    for seed in range(trials):
        try:
            rehearsals.append(_rehearse(small, outputs, neurons, polish, seed))
        except LearningFailed:
            continue
    if not rehearsals:
        raise LearningFailed(f"no random {dim}-{neurons}-{outputs} network could be learned")
    runs = [_enlarged(spent, pieces, small, dim) for spent, pieces, _ in rehearsals]
    totals = [sum(spent.values()) for spent in runs]
    # A run that needed a repair says nothing about the range of those that did not.
    easy = [not run["repairs"] and (polish or not run["polish"]) for run in runs]
    smooth = [total for total, usual in zip(totals, easy, strict=True) if usual]
    middle = int(np.argsort(totals)[len(totals) // 2])
    _, pieces, seconds = rehearsals[middle]
    # How many pieces do for several outputs depends on the precision, and that on the dimension.
    spare = dim if outputs > 1 else 0
    return Plan(
        dim,
        outputs,
        neurons,
        totals[middle],
        int(min(smooth or totals) * (1 - _MARGIN)),
        int(np.ceil(max(smooth or totals) * (1 + _MARGIN))) + spare,
        seconds + sum(pieces.values()) * _seconds_per_piece(dim, small),
        MappingProxyType(runs[middle]),
    )


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
) -> tuple[dict[str, int], Counter[str], float]:
    """One run on a random network: queries and gradients by purpose, and its seconds."""
    secret = _random_network(dim, outputs, neurons, np.random.default_rng([90, seed]))
    start = time.perf_counter()
    random = np.random.default_rng([91, seed])
    events = list(learn_steps(secret, dim, rng=random, polish=polish))
    seconds = time.perf_counter() - start
    pieces = Counter(_purpose(event) for event in events if isinstance(event, GradientMeasured))
    return queries_by_purpose(events, dim), pieces, seconds


def _random_network(dim: int, outputs: int, neurons: int, rng: np.random.Generator) -> ReluNetwork:
    head = (neurons,) if outputs == 1 else (outputs, neurons)
    weights = rng.standard_normal((neurons, dim)) / np.sqrt(dim)
    return ReluNetwork(weights, 0.5 * rng.standard_normal(neurons), rng.standard_normal(head))


def _enlarged(spent: dict[str, int], pieces: Counter[str], small: int, dim: int) -> dict[str, int]:
    """The same run in more dimensions."""
    spent = {purpose: n + pieces[purpose] * (dim - small) for purpose, n in spent.items()}
    learning = sum(spent.values()) - spent["validation"]
    share = min(learning // _VALIDATED, _MOST_VALIDATED)
    spent["validation"] = max(spent["validation"], share)
    return spent


def _seconds_per_piece(dim: int, small: int) -> float:
    """Learner's time to build the d x d queries of one gradient, and to use the answers."""
    if dim == small:
        return 0.0
    rows = np.ones((dim, dim))
    start = time.perf_counter()
    for _ in range(3):
        rows = rows * 1.0 + 1.0
    return time.perf_counter() - start
