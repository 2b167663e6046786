"""Spots: gradients that are measured direction by direction."""

import numpy as np
import pytest

from relu_learn import ReluNetwork
from relu_learn.asking.oracle import Oracle
from relu_learn.core.basis import orthonormal_basis
from relu_learn.core.spots import Spot
from relu_learn.core.target import Target

pytestmark = pytest.mark.numerical
D = 12


def spot(rng, step=0.1, room=1.0):
    """A spot beside one hyperplane, and the gradient there."""
    normal = np.linalg.qr(rng.standard_normal((D, 1)))[0][:, 0]
    net = ReluNetwork(normal[None], [room], [[3.0]], rng.standard_normal((1, D)), [0.5])
    basis = orthonormal_basis(rng.standard_normal(D), rng)
    at = Target(Oracle(net, D)), np.zeros(D), None, basis, np.full(D, step)
    return Spot(*at, np.full(1, 1e-15), rng, np.empty((0, 1))), net.skip


def test_parts_are_the_whole(rng):
    place, gradient = spot(rng)
    for count in (3, 7):
        np.testing.assert_allclose(
            place.measure(count), place.basis.rows[:count] @ gradient.T, atol=1e-13
        )
    piece = place.piece(4)
    assert place.target.oracle.queries == D + 1 + 3  # the value, and a check of each part
    np.testing.assert_allclose(piece.gradient, gradient, atol=1e-13)
    assert (piece.index, piece.step) == (4, 0.1) and piece.error == place.error


def test_a_test_asks_what_is_not_known(rng):
    place, gradient = spot(rng)
    place.measure(5)
    before = place.target.oracle.queries
    rate, row = place.test()
    assert place.target.oracle.queries == before + 1
    np.testing.assert_allclose(place.basis.rows[:5] @ row, 0, atol=1e-14)
    np.testing.assert_allclose(rate, gradient @ row, atol=1e-13)


def test_what_was_not_checked_is_checked_once(rng):
    place, gradient = spot(rng)
    place.measure(D, checked=False)
    assert place.target.oracle.queries == D + 1
    assert not place.check() and place.target.oracle.queries == D + 2
    assert not place.check() and place.target.oracle.queries == D + 2


def test_steps_that_cross_a_hyperplane_become_shorter(rng):
    place, gradient = spot(rng, step=1.0, room=0.1)
    place.measure(D, checked=False)
    assert np.abs(place.basis.combine(place.rates) - gradient).max() > 0.1
    assert place.check() and place.steps.min() < 1.0
    np.testing.assert_allclose(place.piece(0).gradient, gradient, atol=1e-12)


def test_a_wrong_value_is_asked_again(rng):
    place, gradient = spot(rng)
    place.value, place.given = np.array([0.5 + 1e-9]), 0  # as a line may misjudge it
    place.measure(D, checked=False)
    assert place.check() and place.steps.min() == 0.1
    np.testing.assert_allclose(place.piece(0).gradient, gradient, atol=1e-13)
