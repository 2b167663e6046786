"""The target: F, or what is left of it."""

import numpy as np
import pytest

from relu_learn import Oracle, zoo
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
    answers = target.around(x[0], np.full(6, 0.5), basis, moves)
    points = np.concatenate([x[0] + 0.5 * basis, x[0] + moves])
    np.testing.assert_allclose(answers, target(points), rtol=1e-12, atol=1e-14)
