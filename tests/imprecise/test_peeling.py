"""Line after line, each through the worst point: on R^d and in a box."""

from __future__ import annotations

import numpy as np
import pytest
from nets import Fenced, network_for

from relu_learn import learn_from_queries, zoo

pytestmark = pytest.mark.numerical


def in_a_box(secret, dirt, low, high, seed=0):
    """The learned network, its errors on uniform points, and the worst one of the answers there."""
    box = Fenced(lambda x: dirt(secret(x)), low, high)
    result = learn_from_queries(box, secret.dim, bounds=(low, high), rng=seed)
    x = np.random.default_rng(77).uniform(low, high, (5000, secret.dim))
    y = secret(x)
    off = np.abs(result.network(x) - y)
    return result, off, np.abs(dirt(y) - y).max()


@pytest.mark.parametrize("dirt", [np.float32, lambda y: y.round(6)], ids=["float32", "6 decimals"])
@pytest.mark.parametrize(
    "low, high, shape", [(-2, 2, (2, 12, 1)), (0, 1, (10, 15, 1)), (-1, 3, (8, 10, 3))]
)
def test_chords_show_all_neurons_of_a_box(low, high, shape, dirt):
    """Each chord meets some of them; what is learned is about as good as the answers."""
    dim, neurons, outputs = shape
    for seed in range(2):
        secret = zoo.random_network(dim, neurons, outputs, rng=seed)
        _, off, own = in_a_box(secret, dirt, low, high, seed)
        # (A neuron may be on at fewer points than one in 1,000.)
        assert np.quantile(off, 0.999) < 1e-5 * secret(np.eye(dim)).std() + 10 * own, seed


def test_neurons_that_cut_off_corners_are_found():
    """Hardly any uniform point meets them: their samples come from a measure that is tilted."""
    secret = network_for(0.0, 1.0, 12, 8, np.random.default_rng(1))
    result, off, own = in_a_box(secret, np.float32, 0.0, 1.0)
    assert off.max() < 20 * own
    assert result.queries < 4000


@pytest.mark.slow
def test_digits_in_float32_inside_the_box():
    """Four minutes and no network, before chords were peeled; five neurons are affine on the box or
    nearly so. At most three times the queries of the unbounded run, which are 3,500."""
    secret = zoo.get("digits")
    result, off, _ = in_a_box(secret, np.float32, 0.0, 1.0)
    x = np.random.default_rng(77).uniform(0, 1, (5000, 64))
    assert off.max() < 1e-6 * secret(x).std()
    assert result.queries < 3 * 3500
