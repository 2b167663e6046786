"""Networks of thresholds: jumps to the last bit, and a network that answers the same."""

from __future__ import annotations

import numpy as np
import pytest

from relu_learn import LearningFailed, QueryBudgetExceeded
from relu_learn.copies.thresholds import ThresholdNetwork, find_jumps, learn_thresholds


def secret(dim, neurons, seed):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((neurons, dim)) / dim**0.5
    biases, jumps = 0.5 * rng.standard_normal(neurons), rng.standard_normal(neurons)
    return ThresholdNetwork(weights, biases, jumps, 0.7)


def test_jumps_to_the_last_bit():
    places, sizes = np.array([-1 / 3, 0.1, 0.1000001, 7.0]), np.array([1.0, -2.0, 0.5, 3.0])
    asked = []

    def answer(t):
        asked.append(len(t))
        return (t[:, None] >= places) @ sizes

    found, before, after = find_jumps(answer, np.array([-10.0, -1.0, 2.0, 10.0]))
    np.testing.assert_array_equal(found, places)
    np.testing.assert_allclose(after - before, sizes)
    assert sum(asked) < 64 * len(places)


@pytest.mark.parametrize(("dim", "neurons"), [(1, 3), (2, 5), (20, 12)])
def test_the_same_function(dim, neurons):
    network = secret(dim, neurons, 0)
    found = learn_thresholds(network, dim, rng=0)
    assert len(found.network.biases) == neurons
    x = np.random.default_rng(1).standard_normal((20_000, dim))
    np.testing.assert_allclose(found.network(x), network(x), atol=1e-9)

    def unit(one):
        both = np.column_stack([one.weights, one.biases])
        both /= np.linalg.norm(one.weights, axis=1)[:, None]
        return both * np.sign(both[:, :1])  # either side may be called active

    true = unit(network)
    nearest = np.abs(unit(found.network)[:, None] - true).max(axis=2).min(axis=1)
    assert nearest.max() < 1e-9


def test_a_line_that_misses_is_followed_by_another():
    """A jump beyond the first and last answer of the line, or two that cancel between two."""
    hidden = ThresholdNetwork(
        np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([0.0, 0.01, 0.3]),
        np.array([1.0, -1.0, 2.0]),
    )  # fmt: skip
    lines = [learn_thresholds(hidden, 2, rng=seed, lines=20).lines for seed in range(10)]
    assert min(lines) == 1 < max(lines)


def test_what_is_no_network_of_thresholds():
    with pytest.raises(LearningFailed, match="2 lines"):
        learn_thresholds(lambda x: np.sign(x[:, 0] * x[:, 1]), 2, rng=0, lines=2)
    with pytest.raises(QueryBudgetExceeded):
        learn_thresholds(secret(4, 4, 1), 4, rng=0, max_queries=1500)
