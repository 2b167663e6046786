"""Which steps cross a hyperplane: groups of them are tested, and the guilty ones made shorter."""

import numpy as np
import pytest

from relu_learn import Oracle, ReluNetwork, zoo
from relu_learn.core.basis import orthonormal_basis
from relu_learn.core.crossings import Combinations, Doubt
from relu_learn.core.gradients import measure_rates
from relu_learn.core.target import Target

pytestmark = pytest.mark.numerical


def test_only_the_group_that_crosses_fails(rng):
    """Of F = relu(x1): on x1 > 0 it is affine, and one of six steps leads out of it."""
    black_box = ReluNetwork(np.eye(1, 6), [0.0], [1.0])
    basis, point = orthonormal_basis(np.eye(6)[0], rng), np.full(6, 1e-3)
    steps = np.r_[-0.1, np.full(5, 0.1)]  # the first row is x1
    changes = (black_box(point + steps[:, None] * basis.rows) - black_box(point))[:, None]
    for groups, guilty in (([[0, 1], [2, 3], [4, 5]], [0]), ([[1, 2], [3, 4]], [])):
        tests = Combinations.draw([np.array(g) for g in groups], 1.0, rng)
        answers = black_box(point + tests.moves(basis, steps)) - black_box(point)
        failing = tests.failing(answers[:, None], changes, Doubt(np.full(1, 1e-15), point, steps))
        assert [list(g) for g in failing] == [groups[i] for i in guilty]


def test_guilty_directions_are_found_and_measured_again():
    """One step in a hundred crosses a hyperplane: it is found, without repeating the others."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        d = 100
        secret = zoo.random_network(d, 1, rng=seed)
        w = secret.weights[0] / np.linalg.norm(secret.weights[0])
        foot = w * secret.biases[0] / np.linalg.norm(secret.weights[0])
        basis = orthonormal_basis(rng.standard_normal(d), rng)
        guilty = int(np.abs(basis.rows @ w).argmax())
        point = foot + 1e-2 * w
        steps = np.full(d, 5e-3)
        steps[guilty] = -0.2 * np.sign(basis.rows[guilty] @ w)
        oracle = Oracle(secret, d)
        target, noise = Target(oracle, np.ones(1)), np.full(1, 1e-15)
        value = secret(point).reshape(-1)
        _, rates, used = measure_rates(target, point, value, basis, steps, noise, rng)
        true = basis.rows @ secret.gradient(point)
        np.testing.assert_allclose(rates[:, 0], true, atol=1e-9)
        assert abs(used[guilty]) < 0.2
        assert oracle.queries < 2 * d


def test_steep_pieces():
    """Where F is steep, the rounding of the question shows; it is no step across a hyperplane."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        secret = ReluNetwork(rng.standard_normal((1, 5)), [0.0], [500.0])
        point = rng.standard_normal(5)
        steps = np.full(5, 0.2 * np.abs(secret.weights @ point) / np.linalg.norm(secret.weights))
        oracle, basis = Oracle(secret, 5), orthonormal_basis(rng.standard_normal(5), rng)
        value, noise = secret(point).reshape(-1), np.full(1, 1e-15)
        _, _, used = measure_rates(Target(oracle), point, value, basis, steps, noise, rng)
        assert oracle.queries == 5 + 1, seed
        np.testing.assert_array_equal(used, steps)
