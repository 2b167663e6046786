"""Neuron by neuron: which found one is which true one, and how far off."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets import disguise, make, turn

from relu_learn.asking.errors import InvalidArgument
from relu_learn.judging.matching import match_neurons, matches
from relu_learn.network import ReluNetwork

pytestmark = pytest.mark.numerical


def test_matches_up_to_order_scale_and_orientation(rng):
    for outputs in (None, 1, 4):
        net = make(6, 9, outputs)
        other = turn(net, rng.random(9) < 0.5)
        order, scale = rng.permutation(9), np.exp(rng.standard_normal(9))
        other = ReluNetwork(
            (other.weights * scale[:, None])[order],
            (other.biases * scale)[order],
            (other.output_weights / scale)[..., order],
            other.skip,
            other.offset,
        )
        assert matches(net, other, tol=1e-12) and matches(other, net, tol=1e-12)
        moved = ReluNetwork(
            net.weights, net.biases + 1e-3, net.output_weights, net.skip, net.offset
        )
        assert matches(net, moved, tol=1e-2) and not matches(net, moved, tol=1e-4)
        assert not matches(net, -net)
    assert not matches(make(6, 9), make(6, 9, 1))
    assert not matches(make(6, 9), make(6, 8))
    duplicated = make(6, 9) + make(6, 9)
    assert matches(duplicated, 2 * make(6, 9), tol=1e-12)


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 2**32), st.sampled_from([None, 3]))
def test_disguised_neurons_are_found(dim, neurons, seed, outputs):
    true = make(dim, neurons, outputs, rng=seed)
    match = match_neurons(disguise(true, np.random.default_rng(seed)), true)
    assert len(match.pairs) == neurons and sorted(match.pairs[:, 0]) == list(range(neurons))
    assert list(match.pairs[:, 1]) == list(range(neurons))
    assert match.worst < 1e-12
    i, j = match.pairs.T
    cosines = np.sum(match.found.weights[i] * match.true.weights[j], axis=1)
    assert np.array_equal(cosines < 0, match.flipped)


def test_errors_are_what_they_say():
    true = ReluNetwork([[2.0, 0.0], [0.0, 1.0]], [2.0, 0.5], [1.0, -1.0])
    angle = 1e-5
    found = ReluNetwork(
        [[0.0, -3.0], [math.cos(angle), math.sin(angle)]], [-1.5 - 3e-4, 1.0], [-1 / 3, 2.002]
    )
    match = match_neurons(found, true)
    assert match.pairs.tolist() == [[1, 0], [0, 1]]
    assert match.flipped.tolist() == [False, True]
    assert match.angle_error == pytest.approx([angle, 0.0], rel=1e-9)
    assert match.bias_error == pytest.approx([0.0, 1e-4 / 1.5], rel=1e-9, abs=1e-15)
    assert match.output_error == pytest.approx([1e-3, 0.0], rel=1e-9, abs=1e-15)
    # The flipped neuron brings -(1/3) (0, -3) = (0, 1) with it, and (1/3) (-1.5003) = -0.5001.
    assert match.affine_error == pytest.approx(
        math.hypot(1.0, -0.5001) / math.sqrt(4 + 1 + 4 + 0.25), rel=1e-9
    )
    assert match.worst == match.affine_error
    assert repr(match) == f"NeuronMatch({match})"
    assert str(match).startswith("2 of 2 true neurons matched (1 flipped, 0 spurious), worst angle")


def test_missing_and_spurious_neurons():
    true = make(4, 6, skip=False)
    missing = ReluNetwork(true.weights[:5], true.biases[:5], true.output_weights[:5])
    match = match_neurons(missing, true)
    assert match.unmatched_true.tolist() == [5] and not len(match.unmatched_found)
    assert match.worst == math.inf
    spurious = match_neurons(true, missing)
    assert spurious.unmatched_found.tolist() == [5] and "1 spurious" in str(spurious)
    nothing = match_neurons(ReluNetwork(np.zeros((0, 4)), [], []), true)
    assert len(nothing.unmatched_true) == 6 and nothing.pairs.shape == (0, 2)
    assert "0 of 6" in str(nothing)
    far = ReluNetwork(true.weights, true.biases + 5, true.output_weights)
    assert len(match_neurons(far, true).pairs) < 6


def test_a_far_neuron_does_not_push_others_out_of_their_pairs():
    true = ReluNetwork([[1.0], [1.0]], [0.0, 0.05], [1.0, 1.0])
    found = ReluNetwork([[1.0], [1.0]], [0.05, 50.0], [1.0, 1.0])
    assert match_neurons(found, true).pairs.tolist() == [[0, 1]]


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9])
def test_near_twins_are_told_apart(gap, rng):
    w = rng.standard_normal(5)
    true = ReluNetwork([w, w * (1 + gap * rng.standard_normal(5))], [0.1, 0.1], [1.0, -3.0])
    found = ReluNetwork(-true.weights[::-1], -true.biases[::-1], true.output_weights[::-1])
    match = match_neurons(found, true)
    assert match.pairs.tolist() == [[1, 0], [0, 1]]
    assert match.output_error.max() < 1e-14 and match.angle_error.max() < 1e-15


def test_duplicates_are_matched_as_one():
    w = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 1.0], [0.0, 0.0]])
    true = ReluNetwork(w, [1.0, 2.0, 0.0, -1.0], [1.0, 1.0, 1.0, 1.0])
    found = ReluNetwork([[1.0, 2.0], [0.0, 1.0]], [1.0, 0.0], [3.0, 1.0], offset=1.0)
    match = match_neurons(found, true)
    assert match.worst < 1e-15 and match.true.n_neurons == 2


def test_networks_of_different_shape_cannot_be_matched():
    for other in (make(3, 2), make(4, 2, 1)):
        with pytest.raises(InvalidArgument, match="same dim and outputs"):
            match_neurons(make(4, 2), other)


def test_black_boxes_have_no_neurons_to_match():
    net = ReluNetwork([[1.0, 2.0]], [0.0], [1.0])
    for compare in (match_neurons, matches):
        with pytest.raises(InvalidArgument, match="found must be a ReluNetwork, got function"):
            compare(lambda x: x[:, 0], net)
        with pytest.raises(InvalidArgument, match="true must be a ReluNetwork, got NoneType"):
            compare(net, None)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_networks_of_any_size(size, rng):
    hidden, biases = rng.standard_normal((4, 3)), rng.standard_normal(4)
    true = ReluNetwork(hidden, biases, rng.standard_normal((2, 4)))
    big = ReluNetwork(true.weights, true.biases, size * true.output_weights)
    off = ReluNetwork(true.weights, true.biases, 1.001 * size * true.output_weights)
    with np.errstate(all="raise", under="ignore"):
        match = match_neurons(off, big)
    np.testing.assert_allclose(match.output_error, 1e-3, rtol=1e-9)
    assert match.affine_error == 0
