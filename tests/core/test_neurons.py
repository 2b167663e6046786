"""GetBias and GetNeurons: all neurons that one line crosses."""

import numpy as np
import pytest
from nets import unit

from relu_learn import (
    InvalidArgument,
    Oracle,
    QueryBudgetExceeded,
    ReluNetwork,
    get_bias,
    get_neurons,
    match_neurons,
    zoo,
)
from relu_learn.core.lines import Line

pytestmark = pytest.mark.numerical


def kinks(secret, line):
    """Where a line crosses the critical hyperplanes, and the order of the neurons on it."""
    t = (secret.biases - secret.weights @ line.origin) / (secret.weights @ line.direction)
    return np.sort(t), np.argsort(t)


# --------------------------------------------------------------------- GetBias


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("d", [1, 2, 10])
def test_the_neuron_between_two_points(d, m):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        secret = zoo.random_network(d, 4, m, rng=seed, skip=True)
        line = Line.draw(d, rng)
        t, order = kinks(secret, line)
        i = int(np.argmax(np.diff(t)[:-1])) + 1  # a kink with room to its left
        room = min(t[i] - t[i - 1], t[i + 1] - t[i], 1) if i < 3 else min(t[i] - t[i - 1], 1)
        a, b = t[i] - 0.3 * room, t[i] + 0.4 * room
        w, bias, where = get_bias(secret, line, a, b, alpha=1e-7, rng=rng)
        true, sign = secret.weights[order[i]], np.sign(secret.weights[order[i]] @ line.direction)
        np.testing.assert_allclose(where, t[i], atol=1e-6)
        np.testing.assert_allclose(unit(w), sign * unit(true), atol=1e-5)
        size = np.linalg.norm(w) / np.linalg.norm(true)
        assert abs(bias - sign * size * secret.biases[order[i]]) < 1e-5 * size
        # The jump is that of the gradient: the output weights are in the length of w.
        outputs = secret.output_weights.reshape(m, 4)[:, order[i]]
        assert abs(np.linalg.norm(outputs) - size) < 1e-5


def test_get_bias_costs_two_gradients():
    oracle = Oracle(zoo.random_network(5, 1, rng=0), 5)
    get_bias(oracle, Line(np.zeros(5), np.ones(5)), -1, 1, rng=0)
    assert oracle.queries == 2 + 2 * 6


def test_no_neuron_between_two_points():
    secret = ReluNetwork([[1.0, 0.0]], [5.0], [1.0], [1.0, 2.0])
    w, bias, t = get_bias(secret, Line(np.zeros(2), np.array([1.0, 0])), -1, 1, alpha=2.0**-10)
    np.testing.assert_allclose(w, 0, atol=1e-12)
    assert np.isnan(bias) == np.isnan(t)


def test_a_tight_clump_acts_as_one_neuron(rng):
    w = unit(rng.standard_normal(4))
    secret = ReluNetwork([w, w], [0.1, 0.1 + 1e-9], [1.0, 2.0])
    found, bias, _ = get_bias(secret, Line(np.zeros(4), w), -1, 1, alpha=1e-3, rng=0)
    np.testing.assert_allclose(found, 3 * w, atol=1e-9)
    assert abs(bias - 0.3) < 1e-8


@pytest.mark.parametrize("a, b", [(1, 1), (2, 1), (np.nan, 1), (0, np.nan)])
def test_the_interval_is_checked(a, b):
    with pytest.raises(InvalidArgument, match="a must be less than b"):
        get_bias(lambda x: x[:, 0], Line(np.zeros(2), np.ones(2)), a, b)


# --------------------------------------------------------------------- GetNeurons


@pytest.mark.parametrize("shape", [(1, 3, 1), (2, 8, 1), (10, 15, 1), (3, 40, 1), (20, 12, 5)])
def test_all_neurons_of_random_networks(shape):
    d, k, m = shape
    for seed in range(4):
        secret = zoo.random_network(*shape, rng=seed, skip=True)
        found = get_neurons(secret, d, rng=seed + 1)
        match = match_neurons(found, secret)
        assert found.n_neurons == k and len(match.unmatched_true) == 0
        assert match.angle_error.max() < 1e-6 and match.bias_error.max() < 1e-6
        assert match.output_error.max() < 1e-5
        assert found.is_scalar == (m == 1)
        assert not found.has_skip and not found.offset.any()


def test_neurons_are_ordered_and_oriented_along_the_line(rng):
    secret = zoo.random_network(4, 9, rng=3)
    line = Line.draw(4, rng)
    found = get_neurons(secret, 4, line=line, rng=0)
    assert (found.weights @ line.direction > 0).all()
    t, order = kinks(found, line)
    np.testing.assert_array_equal(order, np.arange(9))
    np.testing.assert_allclose(t, kinks(secret, line)[0], atol=1e-8)


def test_what_is_missing_is_affine(rng):
    """Wrong orientations, skip and offset leave an affine function: nothing else."""
    secret = zoo.random_network(5, 8, 2, rng=4, skip=True)
    found = get_neurons(secret, 5, rng=0)
    x = rng.standard_normal((200, 5))
    rest = secret(x) - found(x)
    columns = np.column_stack([x, np.ones(200)])
    fit = np.linalg.lstsq(columns, rest, rcond=None)[0]
    np.testing.assert_allclose(columns @ fit, rest, atol=1e-7)


@pytest.mark.parametrize("m", [1, 2])
def test_no_neurons(m):
    secret = ReluNetwork(np.zeros((0, 3)), [], np.zeros((m, 0)), np.ones((m, 3)), np.ones(m))
    if m == 1:
        secret = ReluNetwork(np.zeros((0, 3)), [], [], np.ones(3), 1.0)
    found = get_neurons(secret, 3, rng=0)
    assert found.n_neurons == 0 and found.n_outputs == m and found.is_scalar == (m == 1)


def test_outputs_save_gradients():
    """Ten outputs separate ten neurons at once: far fewer queries than parameters."""
    scalar, many = (Oracle(zoo.random_network(60, 20, m, rng=0), 60) for m in (1, 10))
    for oracle in (scalar, many):
        assert get_neurons(oracle, 60, rng=0).n_neurons == 20
    assert many.queries < 0.4 * scalar.queries


def test_the_same_seed_asks_the_same():
    asked = []
    for seed in (1, 1, 2):
        oracle = Oracle(zoo.random_network(4, 5, rng=0), 4)
        get_neurons(oracle, 4, rng=seed)
        asked.append(oracle.history()[0])
    np.testing.assert_array_equal(asked[0], asked[1])
    assert not np.array_equal(asked[0][:5], asked[2][:5])


def test_a_budget_is_kept():
    oracle = Oracle(zoo.random_network(4, 5, rng=0), 4, max_queries=50)
    with pytest.raises(QueryBudgetExceeded):
        get_neurons(oracle, 4, rng=0)
    assert oracle.queries <= 50


def test_the_method_is_checked():
    with pytest.raises(InvalidArgument, match="method must be 'adaptive' or 'grid', got 'fast'"):
        get_neurons(zoo.get("tent"), 2, method="fast")


def test_get_neurons_of_nothing():
    assert get_neurons(lambda x: np.zeros(len(x)), 3, rng=0).n_neurons == 0
    half = get_neurons(lambda x: np.column_stack([np.zeros(len(x)), np.abs(x[:, 0])]), 3, rng=0)
    assert half.n_neurons == 1
    assert not half.output_weights[0].any()
