"""The paper's grid: what it finds, merges and misses."""

from __future__ import annotations

import numpy as np
import pytest
from nets import relative_error, unit
from subset import mostly_slow

from relu_learn import (
    Oracle,
    QueryBudgetExceeded,
    ReluNetwork,
    get_neurons,
    learn_from_queries,
    match_neurons,
    zoo,
)
from relu_learn.core.lines import Line
from relu_learn.core.paper import midpoints
from relu_learn.telling import events as ev

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


def pair(gap, seed=1, size=1.0):
    w = np.random.default_rng(seed).standard_normal(4)
    w /= np.linalg.norm(w)
    return ReluNetwork([w, w], [0.2, 0.2 + gap], [size, -size])


def told(result, kind):
    return [event for event in result.trace if isinstance(event, kind)]


@pytest.mark.parametrize("gap", mostly_slow([1e-3, 0.3, 1e-6]))
def test_rounding_that_was_heard_nowhere_is_no_neuron(gap):
    """Where F is exactly 0, or its roundings are alike, there is no noise; elsewhere there is."""
    for seed in range(8):
        secret = pair(gap, seed)
        result = learn_from_queries(secret, 4, method="grid", rng=seed, r=0.05, tau=20)
        assert len(told(result, ev.NeuronFound)) <= 4
        assert np.isfinite(result.loss) and result.loss < gap**2


@pytest.mark.parametrize("r", [0.3, 1.0, 3.0])
def test_critical_points_lie_in_their_intervals(r):
    """Also where a coarse grid takes several for one."""
    for seed in range(6):
        secret = zoo.random_network(3, 12, rng=seed)
        result = learn_from_queries(secret, 3, method="grid", rng=seed, r=r, tau=6)
        t = midpoints(r, 6)
        found = told(result, ev.NeuronFound)
        assert found
        intervals = np.searchsorted(t, [event.t for event in found])
        assert (np.diff(intervals) >= 0).all() and ((intervals > 0) & (intervals < len(t))).all()
        for event in found:
            line = result.trace[0]
            at = line.origin + event.t * line.direction
            assert event.weights @ at == pytest.approx(event.bias, abs=1e-9)


def test_steps_that_were_shortened_count_as_such():
    """A hyperplane within alpha of a midpoint: that gradient has fewer digits, and is no neuron."""
    secret = ReluNetwork([[1.0, 0.3, 0.2]], [0.0], [1.0])
    line = Line(np.array([-0.95 - 1e-7, 0.0, 0.0]), np.array([1.0, 0.0, 0.0]))
    found = get_neurons(secret, 3, method="grid", line=line, r=0.1, tau=2, alpha=1e-2, rng=0)
    match = match_neurons(found, secret)
    assert found.n_neurons == 1 and match.angle_error.max() < 1e-6


@pytest.mark.slow
def test_the_best_of_several_lines_is_kept():
    losses, queries = [], []
    for repeats in (1, 6):  # 0.4^6: one failure in 250
        results = [
            learn_from_queries(
                zoo.random_network(2, 3, rng=s),
                2,
                method="grid",
                rng=s,
                r=0.1,
                tau=6,
                repeats=repeats,
            )
            for s in range(10)
        ]
        losses.append(sum(r.worst_error > 1e-6 * r.scale for r in results))
        queries.append(sum(r.queries for r in results))
        for result in results:
            lines = told(result, ev.LineDrawn)
            assert len(lines) == repeats and {e.phase for e in lines} == {"start"}
            assert result.trace.network_at(-1) == result.network
            assert not result.network.has_skip
    assert losses[0] >= 3 and losses[1] == 0
    assert queries[1] < 6.1 * queries[0]


def test_a_budget_that_ends_between_two_lines():
    secret = zoo.random_network(2, 3, rng=0)
    settings = {"method": "grid", "rng": 0, "tau": 6, "repeats": 3}
    one = learn_from_queries(secret, 2, **{**settings, "repeats": 1})
    with pytest.raises(QueryBudgetExceeded) as caught:
        learn_from_queries(secret, 2, max_queries=one.queries, **settings)
    assert caught.value.partial.network == one.network


@pytest.mark.parametrize("tau", [4.0, 30.0])
def test_the_share_of_lines_that_miss_a_neuron(tau):
    """What `learn_steps` says of tau: hyperplanes through the origin, the Cauchy tail."""
    rng = np.random.default_rng(0)
    w = np.array([0.6, -0.8])
    lines = [Line.draw(2, rng) for _ in range(20_000)]
    t = np.array([-(w @ line.origin) / (w @ line.direction) for line in lines])
    expected = 2 / np.pi * np.arctan(1 / tau)
    assert np.mean(np.abs(t) > tau) == pytest.approx(expected, abs=4 * np.sqrt(expected / 20_000))
