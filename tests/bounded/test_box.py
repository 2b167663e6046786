"""The box as a space: what is refused, and in whose coordinates things are told."""

from __future__ import annotations

import numpy as np
import pytest

from relu_learn import (
    InvalidArgument,
    LearningFailed,
    Oracle,
    ReluNetwork,
    Trace,
    learn_from_queries,
    learn_steps,
    worst_error,
    zoo,
)
from relu_learn.core import events as ev

pytestmark = pytest.mark.numerical


def network_for(low, high, dim: int, neurons: int, rng, outputs: int = 1) -> ReluNetwork:
    """A random network whose hyperplanes all cross the box."""
    half = np.broadcast_to(np.subtract(high, low), dim) / 2
    weights = rng.standard_normal((neurons, dim)) / half
    biases = (weights * rng.uniform(low, high, (neurons, dim))).sum(axis=1)
    shape = (outputs,) if outputs > 1 else ()
    return ReluNetwork(
        weights,
        biases,
        rng.standard_normal((*shape, neurons)),
        rng.standard_normal((*shape, dim)) / half,
        rng.standard_normal(shape),
    )


class Fenced:
    """A black box that validates its input, as real services do, and remembers it."""

    def __init__(self, secret, low, high) -> None:
        self.secret, self.low, self.high, self.asked = secret, low, high, 0

    def __call__(self, x):
        if not ((self.low <= x) & (x <= self.high)).all():
            raise ValueError("out of range")
        self.asked += len(x)
        return self.secret(x)


@pytest.mark.parametrize("seed", range(5))
def test_a_box_so_far_away_that_digits_are_lost(seed):
    """Right to what the answers hold, or an error; the result never claims more than it keeps."""
    low, high = 1e9, 1e9 + 1
    secret = network_for(low, high, 4, 8, np.random.default_rng(seed))
    try:
        result = learn_from_queries(Fenced(secret, low, high), 4, bounds=(low, high), rng=seed)
    except LearningFailed:
        return
    x = np.random.default_rng(seed).uniform(low, high, (10_000, 4))
    errors = np.abs(secret(x) - result.network(x))
    assert (errors > result.certificate.eta).mean() <= result.certificate.mass


def test_events_are_told_in_the_coordinates_of_the_box():
    low, high = np.array([10.0, -1.0, 0.0]), np.array([12.0, 1.0, 0.01])
    secret = network_for(low, high, 3, 8, np.random.default_rng(4))
    events = list(learn_steps(secret, 3, bounds=(low, high), rng=0))
    for event in events:
        for name in ("point", "points", "origin"):
            where = np.atleast_2d(getattr(event, name, low))
            assert ((low <= where) & (where <= high)).all()
        if isinstance(event, ev.LineDrawn):
            ends = event.origin + np.multiply.outer(event.t_range, event.direction)
            slack = 1e-12 * (high - low)
            assert ((low - slack <= ends) & (ends <= high + slack)).all()
        if isinstance(event, ev.CriticalPointFound):
            distances = (secret.weights @ event.point - secret.biases) / (high - low).max()
            assert np.abs(distances).min() < 1e-9
        if isinstance(event, ev.NeuronFound):  # its hyperplane is one of the secret's
            w = np.column_stack([secret.weights, -secret.biases])
            found = np.append(event.weights, -event.bias)
            cosine = np.abs(w @ found) / np.linalg.norm(w, axis=1) / np.linalg.norm(found)
            assert cosine.max() > 1 - 1e-12
    network = Trace(events).network_at(len(events) - 2)
    assert worst_error(secret, lambda x: network(x).ravel(), bounds=(low, high))[0] < 1e-9


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (3, "pair"),
        ((0, 1, 2), "pair"),
        (("a", 1), "pair"),
        ((1, 0), "low must be less than high"),
        ((0, 0), "low must be less than high"),
        ((1e6, 1e6 + 1e-6), "at least 1,048,576 floating-point numbers"),
        (([0, 1, 0, 0], [1, 1, 1, 1]), "coordinate 1"),
        (([0, 0], 1), "shape"),
        ((0, np.inf), "finite"),
        ((-np.inf, 1), "finite"),
        ((np.nan, 1), "finite"),
    ],
)
def test_bad_bounds(bounds, message):
    oracle = Oracle(zoo.random_network(4, 3, rng=0), 4)
    with pytest.raises(InvalidArgument, match=message):
        learn_from_queries(oracle, 4, bounds=bounds)
    assert oracle.queries == 0


def test_the_grid_method_leaves_the_box():
    with pytest.raises(InvalidArgument, match="grid"):
        learn_from_queries(zoo.tent(), 2, bounds=(0, 1), method="grid")
