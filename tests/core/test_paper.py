"""The paper's grid: what it finds, merges and misses."""

from __future__ import annotations

import numpy as np
import pytest
from nets import relative_error, unit

from relu_learn import (
    Oracle,
    ReluNetwork,
    get_neurons,
    learn_from_queries,
    match_neurons,
    zoo,
)
from relu_learn.core.lines import Line

pytestmark = pytest.mark.numerical


def spaced(rng, d=3, distance=0.5):
    """A network and a line on which its kinks have distances from each other."""
    line = Line(np.zeros(d), np.eye(d)[0])
    t = np.arange(-2, 2.1, distance)
    weights = rng.standard_normal((len(t), d))
    weights[:, 0] = rng.choice([-1, 1], len(t)) * rng.uniform(1, 2, len(t))
    outputs = rng.choice([-1, 1], len(t)) * rng.uniform(0.5, 2, len(t))
    return ReluNetwork(weights, weights[:, 0] * t, outputs, rng.standard_normal(d)), line


def test_a_fine_grid_finds_what_the_search_finds():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        secret, line = spaced(rng)
        grid = get_neurons(secret, 3, method="grid", line=line, r=0.3, tau=3, rng=0)
        assert grid.n_neurons == secret.n_neurons
        match = match_neurons(grid, secret)
        assert match.angle_error.max() < 1e-6 and match.bias_error.max() < 1e-6
        search = get_neurons(secret, 3, line=line, rng=0)
        np.testing.assert_allclose(unit(grid.weights), unit(search.weights), atol=1e-7)


def test_a_coarse_grid_merges_neurons(rng):
    secret, line = spaced(rng)
    found = get_neurons(secret, 3, method="grid", line=line, r=1.2, tau=3, rng=0)
    assert 0 < found.n_neurons < secret.n_neurons


def test_a_short_grid_misses_neurons(rng):
    secret, line = spaced(rng)
    found = get_neurons(secret, 3, method="grid", line=line, r=0.3, tau=1.2, rng=0)
    assert found.n_neurons == 5  # -1, -0.5, 0, 0.5, 1


def test_the_grid_asks_as_many_gradients_as_intervals(rng):
    secret, line = spaced(rng)
    oracle = Oracle(secret, 3)
    get_neurons(oracle, 3, method="grid", line=line, r=0.25, tau=2.5, rng=0)
    # A gradient costs d + 1 queries and a check; some directions are repeated.
    assert 20 * 5 <= oracle.queries <= 20 * 10


def test_the_papers_grid_returns_a_pure_relu_network():
    secret = zoo.random_network(2, 4, rng=1)
    # Long enough for all four critical points, fine enough to tell them apart.
    result = learn_from_queries(secret, 2, method="grid", rng=0, tau=40.0, r=0.05)
    assert relative_error(secret, result.network) <= 1e-6
    assert not result.network.has_skip
    assert result.network.offset == 0


def test_a_coarse_grid_merges_neurons_and_says_what_it_costs():
    secret = zoo.random_network(2, 6, rng=4)
    fine = learn_from_queries(secret, 2, method="grid", rng=0, r=0.02)
    coarse = learn_from_queries(secret, 2, method="grid", rng=0, r=2.0)
    assert coarse.network.n_neurons < fine.network.n_neurons
    assert coarse.worst_error > 1e-3 * coarse.scale
    assert coarse.certificate.eta == coarse.worst_error
