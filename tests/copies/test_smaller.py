"""Smaller networks: the exact loss is the one that sampling finds, and refitting is optimal."""

from __future__ import annotations

import numpy as np
import pytest

from relu_learn import InvalidArgument, ReluNetwork, gaussian_loss, sampled_loss, zoo
from relu_learn.copies.smaller import moments, of_rank, pruned, variance


@pytest.fixture(scope="module")
def network():
    return zoo.random_network(5, 7, outputs=2, rng=1)


def test_moments_are_those_of_samples(network):
    x = np.random.default_rng(0).standard_normal((50_000, 5))
    hidden = np.maximum(x @ network.weights.T - network.biases, 0)
    features = np.hstack([hidden, np.ones((len(x), 1)), x])
    products = features[:, :, None] * features[:, None, :]
    error = products.std(axis=0) / len(x) ** 0.5
    off = np.abs(products.mean(axis=0) - moments(network))
    assert (off <= 5 * error + 1e-8).all()  # two that are never active together meet no sample
    values = network(x)
    assert variance(network) == pytest.approx(values.var(axis=0).sum(), rel=0.03)


def test_moments_give_the_exact_loss(network):
    outer = np.hstack([network.output_weights, network.offset[:, None], network.skip])
    loss = np.sum((outer @ moments(network)) * outer)
    assert loss == pytest.approx(gaussian_loss(network), rel=1e-12)


@pytest.mark.parametrize("affine", [False, True])
def test_what_is_left_is_the_best_fit(network, affine):
    left, order, before = list(range(7)), [], 0.0
    for neuron, smaller in pruned(network, affine):
        left.remove(neuron)
        np.testing.assert_array_equal(smaller.weights, network.weights[left])
        loss = gaussian_loss(network, smaller)
        assert loss >= before - 1e-12
        before = loss
        order.append(neuron)
        # A small change of any number that was fitted makes it worse.
        a, c = smaller.output_weights, smaller.offset
        rng = np.random.default_rng(len(left))
        da, dc = 1e-3 * rng.standard_normal(a.shape), 1e-3 * rng.standard_normal(c.shape)
        du = 1e-3 * rng.standard_normal(smaller.skip.shape) * affine
        moved = [ReluNetwork(smaller.weights, smaller.biases, a + s * da, smaller.skip + s * du,
                             c + s * dc) for s in (1, -1)]  # fmt: skip
        assert min(gaussian_loss(network, one) for one in moved) > loss
        assert smaller.has_skip == affine
    assert sorted(order) == list(range(7))
    if not affine:  # the best constant
        assert before == pytest.approx(variance(network), rel=1e-9)


def test_the_first_choice_is_the_best_of_all(network):
    neuron, smaller = next(pruned(network))
    others = []
    for i in range(7):
        keep = [j for j in range(7) if j != i]
        one = ReluNetwork(network.weights, network.biases, network.output_weights)
        m = moments(one)
        rows = [*keep, 7]
        target = np.hstack([network.output_weights, network.offset[:, None]]) @ m[:8][:, rows]
        fit = np.linalg.solve(m[np.ix_(rows, rows)], target.T).T
        refit = ReluNetwork(
            network.weights[keep], network.biases[keep], fit[:, :6], None, fit[:, 6]
        )
        others.append(gaussian_loss(network, refit))
    assert neuron == int(np.argmin(others))
    assert gaussian_loss(network, smaller) == pytest.approx(min(others), rel=1e-9)


def test_a_scalar_network_stays_scalar():
    secret = zoo.random_network(3, 4, rng=2)
    sizes = [(smaller.is_scalar, smaller.n_neurons) for _, smaller in pruned(secret)]
    assert sizes == [(True, 3), (True, 2), (True, 1), (True, 0)]


def test_rank():
    network = zoo.digits()
    losses = []
    for rank in (0, 8, 16, 32):
        smaller = of_rank(network, rank)
        assert np.linalg.matrix_rank(smaller.weights) == rank
        losses.append(gaussian_loss(network, smaller))
    assert losses == sorted(losses, reverse=True)
    assert losses[2] == pytest.approx(sampled_loss(network, of_rank(network, 16), rng=0), rel=0.1)
    assert losses[3] < 1e-20 * losses[0]
    with pytest.raises(InvalidArgument, match="from 0 to 32, got 33"):
        of_rank(network, 33)
