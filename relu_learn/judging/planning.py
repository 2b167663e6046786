"""What a run will cost, before the first query.

The learner is rehearsed on random networks of the same number of neurons and outputs, with the same
kind of answers, in few dimensions. That is enough: on a Gaussian line the kinks of a random network
look the same in every dimension, and so does everything that the learner decides from them. Only
two things cost more: gradients, one query for every further dimension and measured piece; and least
squares fits to imprecise answers, so many samples for every further parameter. Where gradients are
guessed (`structure`), the random networks have such a first layer, and all their dimensions: what a
guess costs depends on its size, and on which pieces lie beside each other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from relu_learn.asking.arguments import integer, positive_int, positive_number
from relu_learn.asking.errors import InvalidArgument, LearningFailed
from relu_learn.core.precision import FIT, HELD_OUT, LINES, SLOW_FIT
from relu_learn.core.run import FEW, MOST, SMALL
from relu_learn.core.settings import Settings
from relu_learn.learn import learn_steps, space_of
from relu_learn.network import ReluNetwork
from relu_learn.telling.events import Event, GradientMeasured
from relu_learn.zoo import random_network

# The rehearsal's dimension. In fewer, steps cross hyperplanes more often.
_DIM = 48
# With a least squares fit, which sometimes takes another turn: how often depends on the dimension.
_FIT_DIM = 64
# With guesses of gradients: from here on they take no more directions (a quarter of 1,000).
_GUESS_DIM = 1000
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
    "fit": "samples",
}
KINDS = ("exact", "float32", "rounded", "noisy")
# Points that tell the standard deviation of a random network's outputs, to one percent.
_SPREAD = 4000


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


@dataclasses.dataclass(frozen=True)
class _Job:
    """What is planned: see `plan`."""

    dim: int
    outputs: int
    neurons: int
    polish: bool
    answers: str
    precision: float
    bounds: Any
    validation: int | None
    lean: bool
    structure: str | None
    nonzeros: int | None
    rank: int | None

    @property
    def parameters(self) -> int:
        """Of a least squares fit, for which the lengths of the hidden neurons are free."""
        return self.neurons * (self.dim + self.outputs) + self.outputs * (self.dim + 1)

    @property
    def usual(self) -> bool:
        """Whether runs that need no repair are the usual ones."""
        return self.answers == "exact" and self.bounds is None

    @property
    def rehearsals(self) -> int:
        """How many: those with a least squares fit take seconds, and those with guesses one."""
        if self.answers != "exact" and self.smaller().dim > _FIT_DIM:
            return 1
        most = 9 if self.answers == "exact" and self.structure is None else 5
        return most if self.neurons <= 100 else min(5, most) if self.neurons <= 400 else 1

    def smaller(self) -> _Job:
        """The same in few dimensions, but so many that the learner goes the same way."""
        dim, k = _DIM if self.answers == "exact" else _FIT_DIM, max(1, self.neurons)
        if self.answers != "exact" and self.precision <= LINES:
            # (Not all neurons may be found before it is decided.)
            ways = [math.ceil(1.1 * math.sqrt(e * self.outputs) / k) for e in (FIT, SLOW_FIT)]
            dim = max([dim, *(way for way in ways if way < self.dim)])
        if self.lean and self.dim > SMALL:  # what is asked less differs from there on
            dim = SMALL + 1
        if self.structure is not None:
            dim = max(dim, _GUESS_DIM)
        if dim >= self.dim:
            return self
        box = self.bounds and tuple(b[np.arange(dim) * self.dim // dim] for b in self.bounds)
        return dataclasses.replace(self, dim=dim, bounds=box)

    def secret(self, random: np.random.Generator) -> ReluNetwork:
        """A random network, with the structure that is planned for."""
        d, k = self.dim, self.neurons
        # (Without neurons it must be affine: a silent black box is listened to for long.)
        net = random_network(d, k, self.outputs, random, not k)
        if self.rank is not None:
            weights = random.standard_normal((k, self.rank))
            weights = weights @ random.standard_normal((self.rank, d)) / np.sqrt(self.rank * d)
        elif self.nonzeros is not None:
            weights = random.standard_normal((k, d)) / np.sqrt(self.nonzeros)
            weights[random.permuted(np.tile(np.arange(d), (k, 1)), axis=1) >= self.nonzeros] = 0
        else:
            return net
        return ReluNetwork(weights, net.biases, net.output_weights, net.skip, net.offset)

    def black_box(self, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        """A random network that answers like this."""
        random, noise = np.random.default_rng([90, seed]), np.random.default_rng([92, seed])
        secret = self.secret(random)
        if self.answers == "exact":
            return secret
        if self.answers == "float32":
            return lambda x: secret(x).astype(np.float32)
        if self.answers == "rounded":
            per = 1 / self.precision  # as `round` does: 3 * 1e-6 is not the float 3e-6
            return lambda x: np.asarray(np.round(secret(x) * per) / per)
        spread = secret(noise.standard_normal((_SPREAD, self.dim))).std(axis=0)

        def noisy(x: np.ndarray) -> np.ndarray:
            y = secret(x)
            return np.asarray(y + self.precision * spread * noise.standard_normal(y.shape))

        return noisy


def plan(
    dim: int,
    outputs: int = 1,
    neurons: int = 1,
    polish: bool = False,
    *,
    answers: str = "exact",
    step: float | None = None,
    noise: float | None = None,
    bounds: Any = None,
    validation: int | None = None,
    points: int = 0,
    lean: bool = False,
    structure: str | None = None,
    nonzeros: int | None = None,
    rank: int | None = None,
) -> Plan:
    """Predict the queries of `learn_from_queries` before the first one.

    Everything that changes the price has its name here: the black box, and the run's settings.

    Parameters
    ----------
    dim, outputs, neurons : int
        d and m of the black box, and a guess of k. (The learner itself needs no guess.)
    polish, bounds, validation, lean, structure
        As for `learn_steps`.
    points : int
        How many inputs of your own are tested, too. (Repairs, where these are needed, come on top.)
    answers : {"exact", "float32", "rounded", "noisy"}
        "exact" is float64. A plan for the others rehearses least squares fits, which takes longer.
    step : float, optional
        Of "rounded" answers of order 1: they are its multiples (three decimals: 1e-3).
    noise : float, optional
        Of "noisy" answers, normal and independent, in units of the outputs' standard deviation.
    nonzeros, rank : int, optional
        With structure="auto", one of them: how many entries of a neuron's weights are not zero (9
        of a filter of 3 x 3), or in a space of how many dimensions the weights lie. Without either
        a first layer without structure is planned, which is tried in vain.

    Returns
    -------
    Plan
        For random networks. Clumps of neurons and narrow bumps cost more, as lines must be
        repeated and short pieces measured with care; duplicates cost less.

    Raises
    ------
    InvalidArgument
        A size that is not a positive integer (neurons may be 0), or another impossible argument.
    LearningFailed
        Not one random network of this kind could be learned.

    Examples
    --------
    >>> predicted = plan(784, 1, 32)
    >>> 24_000 < predicted.low < predicted.queries < predicted.high < 28_000
    True
    """
    dim, outputs = positive_int("dim", dim), positive_int("outputs", outputs)
    precision = _precision(answers, step, noise)
    space_of(bounds, dim)  # checks them
    own = integer("points", points, 0)
    guessed = _guessed(structure, nonzeros, rank, dim)
    if bounds is not None:
        bounds = tuple(np.broadcast_to(side, dim) for side in bounds)
    if answers != "exact" or bounds is not None:  # there it changes nothing
        guessed = None, None, None
    job = _Job(
        dim, outputs, neurons, polish, answers, precision, bounds, validation, lean, *guessed
    )
    runs = []
    for seed in range(job.rehearsals):
        with contextlib.suppress(LearningFailed):
            runs.append(_rehearse(job, seed))
    if not runs:
        raise LearningFailed(f"no random {dim}-{neurons}-{outputs} network could be learned")
    runs.sort(key=lambda run: sum(run[0].values()))
    for spent, _ in runs:
        spent["validation"] += own
    middle, seconds = runs[len(runs) // 2]
    # A run that needed a repair says nothing about the range of those that did not.
    usual = [spent for spent, _ in runs if not spent["repairs"] and (polish or not spent["polish"])]
    if not (job.usual and usual):
        usual = [spent for spent, _ in runs]
    totals = [sum(spent.values()) for spent in usual]
    low, high = int(totals[0] * (1 - _MARGIN)), math.ceil(totals[-1] * (1 + _MARGIN))
    # How many pieces do for several outputs depends on the precision, and that on the dimension.
    high += dim if outputs > 1 else 0
    queries, breakdown = sum(middle.values()), MappingProxyType(middle)
    return Plan(dim, outputs, neurons, queries, low, high, seconds, breakdown)


def _precision(answers: str, step: float | None, noise: float | None) -> float:
    """Error of an answer of order 1; a step or the noise belongs to its kind of answers."""
    if answers not in KINDS:
        raise InvalidArgument(f"answers must be one of {', '.join(KINDS)}, got {answers!r}")
    for name, value, kind in (("step", step, "rounded"), ("noise", noise, "noisy")):
        if answers == kind:
            return positive_number(name, value)
        if value is not None:
            raise InvalidArgument(f"{name} belongs to answers={kind!r}, got answers={answers!r}")
    return float(np.finfo(np.float32 if answers == "float32" else float).eps)


def _guessed(
    structure: str | None, nonzeros: int | None, rank: int | None, dim: int
) -> tuple[str | None, int | None, int | None]:
    """A structure is planned if it is looked for, and one at a time."""
    Settings(structure=structure)  # checks it
    if nonzeros is not None and rank is not None:
        raise InvalidArgument("a plan is for nonzeros or for a rank, not for both")
    for name, value in (("nonzeros", nonzeros), ("rank", rank)):
        if value is not None and structure is None:
            raise InvalidArgument(f"{name} belongs to structure='auto', got structure=None")
        if value is not None and positive_int(name, value) > dim:
            raise InvalidArgument(f"{name} must be at most dim={dim}, got {value!r}")
    return structure, nonzeros, rank


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
        "validation", "repairs", "polish", and "samples" (of fits to imprecise answers).
    """
    names = ("line search", "gradients", "checks", "validation", "repairs", "polish", "samples")
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


def _rehearse(job: _Job, seed: int) -> tuple[dict[str, int], float]:
    """Queries by purpose and seconds of one run on a random network."""
    small = job.smaller()
    start, more = time.perf_counter(), job.dim - small.dim
    steps = learn_steps(
        small.black_box(seed),
        small.dim,
        rng=np.random.default_rng([91, seed]),
        polish=job.polish,
        bounds=small.bounds,
        validation=job.validation,
        lean=job.lean,
        structure=job.structure,
        patience=math.inf,
    )
    events = list(steps)
    seconds, spent = time.perf_counter() - start, queries_by_purpose(events, small.dim)
    # A piece whose gradient was guessed took fewer queries than there are directions.
    least = small.dim - 1 if job.structure is not None else 0
    pieces = Counter(
        _purpose(event)
        for before, event in itertools.pairwise(events)
        if isinstance(event, GradientMeasured) and event.queries - before.queries >= least
    )
    for purpose, n in pieces.items():
        spent[purpose] += n * more
    # All samples but those that judge the fit.
    samples = max(0, spent["samples"] - HELD_OUT)
    spent["samples"] += round(samples * (job.parameters / small.parameters - 1))
    if job.validation is None and spent["validation"] > FEW:  # a test that fails ends there
        learning = sum(spent.values()) - spent["validation"]
        share = space_of(job.bounds, job.dim).share
        spent["validation"] = max(spent["validation"], min(learning // share, MOST))
    return spent, seconds + pieces.total() * job.dim * more * _COORDINATE
