"""All of R^d: nothing is out of reach, and nothing is translated."""

import numpy as np
import pytest

from relu_learn.asking.errors import InvalidArgument
from relu_learn.asking.oracle import Oracle
from relu_learn.core.basis import Basis
from relu_learn.core.lines import FAR
from relu_learn.core.space import Space
from relu_learn.network import ReluNetwork


def test_points(rng):
    space = Space(3)
    x = space.sample(5000, rng)
    assert x.shape == (5000, 3)
    np.testing.assert_allclose([x.mean(), x.std()], [0, 1], atol=0.05)
    spread = space.spread(5000, rng)
    np.testing.assert_allclose([spread[::2].std(), spread[1::2].std()], [3, 1], rtol=0.05)
    for length in (2.0, 50.0):  # not to where no Gaussian point will ever be
        tilted = space.spread(5000, rng, np.array([0, length, 0]))
        np.testing.assert_allclose(tilted.mean(axis=0), [0, min(length, 6), 0], atol=0.15)
    far = space.candidates(5000, rng, reach=7.0)
    np.testing.assert_allclose([far[::2].std(), far[1::2].std()], [1, 7], rtol=0.05)
    near = space.near(x, rng) - x
    np.testing.assert_allclose(near.std(), 0.4, rtol=0.05)


def test_no_way_ends(rng):
    space = Space(4)
    x = space.sample(6, rng)
    assert np.isinf(space.room(x)).all()
    normals, levels = space.faces(x[0], Basis.of(np.eye(4)[:2]))
    assert normals.shape == (0, 2) and levels.shape == (0,)
    window = space.window(space.line(rng, through=x[0]))
    assert (window.low, window.high, window.cauchy) == (-FAR, FAR, True)


@pytest.mark.parametrize("n", [1, 31, 32, 33, 1000, 2000])
def test_batches_double(n):
    sizes = Space(2).batches(n, 32)
    assert sum(sizes) == n and sizes[0] == min(32, n)
    assert all(size <= sum(sizes[:i]) for i, size in enumerate(sizes) if i)
    assert len(sizes) <= 2 + np.log2(max(n / 32, 1))


def test_the_users_own_points(rng):
    space, x = Space(3), rng.standard_normal((4, 3))
    assert space.own.shape == (0, 3)
    space.give(x.tolist())
    np.testing.assert_array_equal(space.own, x)
    for wrong in (x[0], x[:, :2], x[:0], [[np.nan] * 3], "x"):
        with pytest.raises(InvalidArgument, match="points"):
            space.give(wrong)


def test_nothing_is_translated(rng):
    space, net = Space(2), ReluNetwork(np.eye(2), [0.0, 1.0], [1.0, 1.0])
    x, oracle = rng.standard_normal((3, 2)), Oracle(net, 2)
    assert space.asking(oracle) is oracle and space.told(net) is net and space.place(x) is x
    np.testing.assert_allclose(space.growth(np.array([[0, 0], [3.0, 4]])), [1, 1 + 5 / np.sqrt(2)])
