"""The target: F, or what is left of it."""

import numpy as np
import pytest

from relu_learn import Oracle, ReluNetwork, zoo
from relu_learn.bounded.box import Box
from relu_learn.core.basis import Basis
from relu_learn.core.target import Target

pytestmark = pytest.mark.numerical


def test_of_a_residual(rng):
    """Of F - F', when a part of the network is known already."""
    secret = zoo.random_network(6, 5, 2, rng=1)
    known = zoo.random_network(6, 2, 2, rng=2)
    oracle = Oracle(secret, 6)
    target = Target(oracle, np.array([2.0, 0.5]), known)
    x = rng.standard_normal((3, 6))
    np.testing.assert_allclose(target(x), secret(x) / [2.0, 0.5] - known(x), rtol=1e-13)
    basis, moves = np.eye(6), rng.standard_normal((2, 6))
    answers = target.around(x[0], np.full(6, 0.5), Basis.of(basis), moves)
    points = np.concatenate([x[0] + 0.5 * basis, x[0] + moves])
    np.testing.assert_allclose(answers, target(points), rtol=1e-12, atol=1e-14)


def test_whitened_answers():
    secret = zoo.random_network(3, 4, 2, rng=1)
    target = Target(Oracle(secret, 3), np.array([4.0, 0.25]))
    x = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_array_equal(target(x) * [4.0, 0.25], secret(x))  # powers of two divide
    scalar = Target(Oracle(zoo.tent(), 2))
    assert scalar(np.zeros((3, 2))).shape == (3, 1)


def test_steps_cross_no_hyperplane_of_what_is_known(rng):
    known = zoo.random_network(5, 6, rng=2)
    known = ReluNetwork(known.weights, known.biases, known.output_weights[None])
    target = Target(Oracle(zoo.random_network(5, 6, rng=1), 5), known=known)
    basis, point = np.eye(5), rng.standard_normal(5)
    tilt = target.tilt(Basis.of(basis))
    steps = target.reach(point, tilt)
    assert np.isfinite(steps).any() and (steps > 0).all()
    for sign in (1, -1):
        moved = point + sign * np.minimum(steps, 1e3)[:, None] * basis
        here = known.activation_pattern(point)
        assert (known.activation_pattern(moved) == here).all()
    assert (target.reach(point, tilt, least=7.0) >= 7.0).all()


def test_obstacles_are_at_their_distances(rng):
    known = zoo.random_network(4, 3, rng=2)
    known = ReluNetwork(known.weights, known.biases, known.output_weights[None])
    target = Target(Oracle(zoo.random_network(4, 6, rng=1), 4), known=known)
    origin, basis = rng.standard_normal(4), np.linalg.qr(rng.standard_normal((4, 2)))[0].T
    normals, levels = target.obstacles(origin, Basis.of(basis))
    c = rng.standard_normal(2)
    size = np.linalg.norm(known.weights, axis=1)
    true = (known.weights @ (origin + c @ basis) - known.biases) / size
    np.testing.assert_allclose(normals @ c + levels, true, atol=1e-13)


def test_nothing_known_is_no_obstacle(rng):
    target = Target(Oracle(zoo.random_network(3, 6, rng=1), 3))
    everything = Basis.of(np.eye(3))
    normals, levels = target.obstacles(np.zeros(3), everything)
    assert len(normals) == len(levels) == 0
    assert np.isinf(target.reach(np.zeros(3), target.tilt(everything))).all()
    boxed = Target(target.oracle, space=Box((-1, 1), 3))
    assert boxed.obstacles(np.zeros(3), everything)[0].shape == (6, 3)
    np.testing.assert_allclose(boxed.reach(np.full(3, 0.5), target.tilt(everything)), 0.45)
