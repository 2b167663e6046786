"""The orientation without an affine part: found, or refused in time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets import assert_same_function, make, turn

from relu_learn.asking.errors import InvalidArgument, OrientationNotFound
from relu_learn.judging import orientation
from relu_learn.judging.orientation import orient
from relu_learn.network import ReluNetwork

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize(
    "dim, neurons, outputs",
    [
        (10, 8, None),
        (64, 32, 10),
        (784, 128, None),
        (10, 15, None),
        (10, 30, None),
        (5, 20, None),
        (5, 20, 1),
        (4, 30, 10),  # more neurons than inputs, fewer than equations
        (3, 38, None),  # most unknowns meet in the middle, the rest follow
        (40, 70, None),  # integer programming
    ],
)
@pytest.mark.parametrize("noise", [0.0, 1e-10])
def test_orient_finds_the_secret_orientation(dim, neurons, outputs, noise, rng):
    for seed in range(2):
        secret = make(dim, neurons, outputs, rng=seed, skip=False)
        turned = turn(secret, rng.random(neurons) < 0.5)
        found = ReluNetwork(
            turned.weights * (1 + noise * rng.standard_normal(turned.weights.shape)),
            turned.biases,
            turned.output_weights,
            turned.skip * (1 + noise * rng.standard_normal(turned.skip.shape)),
            turned.offset,
        )
        result = orient(found)
        assert not result.has_skip
        np.testing.assert_allclose(result.weights, secret.weights, atol=10 * noise, rtol=0)
        assert np.array_equal(result.biases, secret.biases)
        np.testing.assert_allclose(result.offset, secret.offset, atol=1e-13 + 10 * noise)


@given(st.integers(1, 4), st.integers(1, 12), st.integers(0, 2**32), st.sampled_from([None, 2]))
def test_orient_keeps_the_function(dim, neurons, seed, outputs):
    secret = make(dim, neurons, outputs, rng=seed, skip=False)
    turned = turn(secret, np.random.default_rng(seed).random(neurons) < 0.5)
    assert_same_function(turned, orient(turned), factor=1e4)


def test_orient_keeps_an_offset():
    secret = ReluNetwork(np.eye(3), [0.1, 0.2, 0.3], [1.0, -2.0, 3.0], offset=0.7)
    result = orient(turn(secret, np.array([True, False, True])))
    assert np.array_equal(result.weights, secret.weights)
    assert float(result.offset) == pytest.approx(0.7, abs=1e-15)


def test_orient_parallel_neurons_prefers_no_offset():
    # All weights are equal, so every orientation with two turned neurons removes the linear part.
    secret = ReluNetwork(np.ones((6, 2)), [0.1, 0.5, 0.7, 1.3, 1.9, 2.2], np.ones(6))
    turned = turn(secret, np.arange(6) < 2)
    result = orient(turned)
    assert_same_function(turned, result)
    assert np.array_equal(result.weights, secret.weights)
    many = ReluNetwork(np.ones((40, 2)), np.arange(40.0), np.ones(40))  # 10^11 orientations fit
    turned = turn(many, np.arange(40) % 2 == 0)
    assert_same_function(turned, orient(turned))
    hat = ReluNetwork([[1.0], [1.0], [1.0]], [-1.0, 0.0, 1.0], [1.0, -2.0, 1.0])
    assert orient(turn(hat, np.array([True, True, True]))).skip == 0


@pytest.mark.parametrize("dim", [12, 6])
def test_orient_with_tiny_and_huge_neurons(dim, rng):
    scale = 10.0 ** rng.uniform(-6, 6, 12)
    secret = make(dim, 12, rng=3, skip=False)
    secret = ReluNetwork(
        secret.weights * scale[:, None],
        secret.biases * scale,
        secret.output_weights / scale * 10.0 ** rng.uniform(-3, 0, 12),
    )
    for _ in range(5):
        turned = turn(secret, rng.random(12) < 0.5)
        assert np.array_equal(orient(turned).biases, secret.biases)
    lopsided = secret * 1.0 + 1e-10 * make(dim, 3, rng=4, skip=False)
    turned = turn(lopsided, np.arange(15) % 2 == 0)
    assert np.array_equal(orient(turned).biases, lopsided.biases)


def test_orient_without_a_linear_part_returns_itself():
    net = make(3, 4, skip=False)
    assert orient(net) is net


@pytest.mark.parametrize("neurons", [0, 3, 6, 20])
def test_orient_says_when_there_is_no_orientation(neurons):
    with pytest.raises(OrientationNotFound, match="no orientation"):
        orient(make(4, neurons, rng=1))


def test_orient_gives_up_in_time_and_says_so():
    secret = make(2, 70, skip=False)
    with pytest.raises(OrientationNotFound, match="too many to decide in 0.2 s"):
        orient(turn(secret, np.arange(70) % 2 == 0), time_limit=0.2)


def test_orient_tries_a_bounded_number_of_candidates(monkeypatch):
    # Sums of equal neurons fit in a great many ways, unless the linear part points elsewhere.
    monkeypatch.setattr(orientation, "_MAX_PAIRS", 100)
    net = ReluNetwork(np.ones((30, 2)), np.arange(30.0), np.ones(30), [-7.0, -7.0])
    assert_same_function(net, orient(net))
    with pytest.raises(OrientationNotFound, match="one may exist"):
        aside = ReluNetwork(net.weights, net.biases, net.output_weights, [-7.0, -7.0 + 1e-9])
        orient(aside, rtol=1e-10)


def test_orient_without_active_neurons():
    with pytest.raises(OrientationNotFound):
        orient(ReluNetwork(np.eye(2), [0, 0], [0.0, 0.0], [1.0, 0.0]))
    with pytest.raises(InvalidArgument, match="time_limit"):
        orient(make(2, 2), time_limit=0)
    with pytest.raises(InvalidArgument, match="rtol"):
        orient(make(2, 2), rtol=0)


def test_a_black_box_cannot_be_turned_around():
    with pytest.raises(InvalidArgument, match="network must be a ReluNetwork, got function"):
        orient(lambda x: x[:, 0])
