"""The whole learner is exact on every secret, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import parameters, relative_error
from subset import mostly_slow

from relu_learn import ReluNetwork, learn_from_queries, match_neurons, worst_error, zoo

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize(
    ("dim", "neurons", "outputs", "seeds", "bound"),
    [
        (2, 8, 1, 20, 1e-9),
        (10, 15, 1, 20, 1e-9),
        (5, 100, 1, 8, 1e-9),
        (10, 30, 1, 8, 1e-9),
        (64, 32, 10, 8, 1e-9),
        (784, 32, 1, 1, 1e-9),
    ],
)
def test_random_networks_are_recovered_for_every_seed(dim, neurons, outputs, seeds, bound):
    for seed in range(seeds):
        secret = zoo.random_network(dim, neurons, outputs, rng=seed)
        result = learn_from_queries(secret, dim, rng=seed)
        assert relative_error(secret, result.network) <= bound, seed
        assert result.network.n_neurons == neurons, seed
        assert result.network.is_scalar == secret.is_scalar


@pytest.mark.parametrize(
    ("dim", "neurons", "outputs", "ratio"),
    [(10, 15, 1, 3.5), (5, 100, 1, 4.0), (64, 32, 10, 2.25), (784, 32, 1, 1.1)],
)
def test_queries_stay_near_the_number_of_parameters(dim, neurons, outputs, ratio):
    for seed in range(1 if dim > 100 else 5):
        secret = zoo.random_network(dim, neurons, outputs, rng=seed)
        result = learn_from_queries(secret, dim, rng=seed)
        assert result.queries_to_find <= ratio * parameters(dim, neurons, outputs) / outputs


@pytest.mark.parametrize("name", sorted(set(zoo.names()) - {"digits"}))
def test_every_secret_of_the_zoo_is_recovered(name):
    secret = zoo.get(name)
    for seed in range(3):
        result = learn_from_queries(secret, secret.dim, rng=seed)
        assert relative_error(secret, result.network) <= 1e-7, seed


def test_the_digits_network_is_recovered_neuron_by_neuron():
    secret = zoo.digits()
    result = learn_from_queries(secret, 64, rng=0)
    assert relative_error(secret, result.network) <= 1e-9
    match = match_neurons(result.network, secret)
    assert len(match.pairs) == secret.n_neurons
    assert match.angle_error.max() < 1e-8


def test_skip_terms_and_one_column_outputs():
    secret = zoo.random_network(6, 5, rng=3, skip=True)
    assert relative_error(secret, learn_from_queries(secret, 6, rng=0).network) <= 1e-9

    def column(x):
        return secret(x)[:, None]

    result = learn_from_queries(column, 6, rng=0)
    assert result.network.output_weights.shape == (1, 5)
    assert not result.network.is_scalar


@st.composite
def secrets(draw):
    """Networks with every degeneracy at once: shared and opposite hyperplanes, zeros, scales."""
    dim, base = draw(st.integers(1, 4)), draw(st.integers(0, 4))
    outputs = draw(st.sampled_from([0, 1, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights, biases = rng.standard_normal((base, dim)), rng.standard_normal(base)
    for _ in range(draw(st.integers(0, 3)) if base else 0):
        i, kind = (
            rng.integers(len(weights)),
            draw(st.sampled_from(["copy", "twin", "shift", "zero"])),
        )
        w, b = weights[i], biases[i]
        w, b = {
            "copy": (2 * w, 2 * b),
            "twin": (-w, -b),
            "shift": (w, b + 0.5),
            "zero": (0 * w, b),
        }[kind]
        weights, biases = np.vstack([weights, w]), np.append(biases, b)
    scale = 10.0 ** draw(st.integers(-6, 6))
    k = len(weights)
    out = rng.standard_normal((outputs, k) if outputs else k) * scale
    skip = rng.standard_normal((outputs, dim) if outputs else dim) * scale
    return ReluNetwork(weights, biases, out, skip if draw(st.booleans()) else None)


@settings(max_examples=40, deadline=None)
@given(secrets(), st.integers(0, 1000))
def test_any_network_is_recovered(secret, seed):
    result = learn_from_queries(secret, secret.dim, rng=seed)
    assert relative_error(secret, result.network) <= 1e-7
    assert result.certificate.eta == result.worst_error


@pytest.mark.parametrize(
    "activation",
    [
        lambda z: np.where(z > 0, z, 0.1 * z),
        np.abs,
        lambda z: np.clip(z, -1, 1),
        lambda z: np.clip(z, 0, 6),
    ],
    ids=["leaky relu", "abs", "hard tanh", "relu6"],
)
def test_piecewise_linear_activations_are_in_the_class(activation):
    rng = np.random.default_rng(2)
    weights, biases, outputs = (rng.standard_normal(s) for s in ((4, 5), 5, 5))

    def black_box(x):
        return activation(x @ weights + biases) @ outputs

    result = learn_from_queries(black_box, 4, rng=0)
    worst, scale = worst_error(black_box, result.network, dim=4)
    assert worst <= 1e-8 * scale


@pytest.mark.parametrize("outputs", mostly_slow([3, 2, 4, 6]))
@pytest.mark.parametrize("gap", [1e-3, 1e-5, 1e-7, 1e-9])
def test_nearly_parallel_pairs_with_several_outputs(gap, outputs):
    """No piece between the two of a pair is ever needed: one gradient for each block of pairs."""
    dim, pairs = 6, 8
    for seed in range(4):
        rng = np.random.default_rng(seed)
        w, b = rng.standard_normal((pairs, dim)), rng.standard_normal(pairs)
        beside = w + gap * rng.standard_normal(w.shape)
        secret = ReluNetwork(
            np.vstack([w, beside]),
            np.concatenate([b, b + gap * rng.standard_normal(pairs)]),
            rng.standard_normal((outputs, 2 * pairs)),
        )
        result = learn_from_queries(secret, dim, rng=seed)
        assert result.network.n_neurons == 2 * pairs
        error, scale = worst_error(secret, result.network)
        assert error < 1e-9 * scale, seed
        assert result.queries_to_find < 500, seed
