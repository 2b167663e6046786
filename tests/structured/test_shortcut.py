"""Shortcuts: fewer queries than parameters where there is structure, and no harm where not."""

import numpy as np
import pytest
from nets import filters

from relu_learn import ReluNetwork, learn_from_queries, worst_error, zoo
from relu_learn.structured import shortcut

pytestmark = pytest.mark.numerical
D, K = 256, 12


def sparse(rng, k, d):
    return np.where(rng.random((k, d)) < 0.02, rng.standard_normal((k, d)), 0) / np.sqrt(0.02 * d)


def low_rank(rng, k, d):
    return rng.standard_normal((k, 3)) @ rng.standard_normal((3, d)) / np.sqrt(3 * d)


def secret(layer, m=1, skip=False, seed=0):
    net = zoo.random_network(D, K, m, rng=seed, skip=skip)
    weights = net.weights if layer is None else layer(np.random.default_rng(seed), K, D)
    return ReluNetwork(weights, net.biases, net.output_weights, net.skip, net.offset)


def learned(net, **settings):
    """Gradients' queries over all that they would take, and the worst error."""
    result = learn_from_queries(net, net.dim, rng=2, **settings)
    worst, scale = worst_error(net, result.network, 2000, rng=1)
    return result, worst / scale


@pytest.mark.parametrize("layer", [filters, sparse, low_rank])
@pytest.mark.parametrize("m", [1, 4])
def test_structure_takes_fewer_queries_than_parameters(layer, m):
    net = secret(layer, m, skip=layer is filters)
    result, error = learned(net, structure="auto")
    plain = learn_from_queries(net, D, rng=2)
    assert error < 1e-8
    assert result.queries - result.queries_to_be_sure < 0.65 * (
        plain.queries - plain.queries_to_be_sure
    )
    if m == 1:
        assert result.queries < 0.6 * net.n_parameters


@pytest.mark.parametrize("skip", [False, True])
def test_no_structure_costs_two_per_cent_at_most(skip):
    net = secret(None, skip=skip)
    result, error = learned(net, structure="auto")
    plain, usual = learned(net)
    assert result.queries <= 1.02 * plain.queries
    assert error < 1e-9 and usual < 1e-9


@pytest.mark.parametrize("settings", [{}, {"bounds": (-1.0, 1.0)}])
def test_few_inputs_and_boxes_are_left_as_they_are(settings):
    net = zoo.random_network(20 if not settings else 120, 4, rng=1)
    runs = [learn_from_queries(net, rng=0, structure=s, **settings) for s in (None, "auto")]
    assert runs[0].queries == runs[1].queries
    np.testing.assert_array_equal(runs[0].network.weights, runs[1].network.weights)


def test_every_guess_is_tested(monkeypatch):
    """A guess that explains what it was made from, but is wrong, is found out by one question."""
    guesses = []

    def wrong(rows, products, noise):
        guess = right(rows, products, noise)
        if guess is not None:
            off = np.random.default_rng(0).standard_normal(guess.vectors.shape)
            off -= off @ rows.T @ rows  # the products do not see it
            guesses.append(guess)
            guess = shortcut.Guess(guess.vectors + 1e-7 * off, guess.error)
        return guess

    right = shortcut.sparse
    monkeypatch.setattr(shortcut, "sparse", wrong)
    net = secret(filters, skip=True)
    result, error = learned(net, structure="auto")
    assert len(guesses) > K / 2 and error < 1e-9
    assert result.queries > net.n_parameters  # all was measured
