"""The samples of a lean search: two are believed to show a piece, where that is safe."""

import numpy as np
import pytest
from kinked import Function
from runs import whole

from relu_learn import ReluNetwork, learn_from_queries, zoo
from relu_learn.core.lines import EPS, Noise, Window
from relu_learn.core.probing import probe_noise
from relu_learn.core.search import search_line
from relu_learn.structured.pairs import Pairs

pytestmark = pytest.mark.numerical


def pairs(t, f, m=1):
    t = np.asarray(t, dtype=float)
    return Pairs(t, np.reshape(f(t), (len(t), m)), Noise(np.full(m, 1e-15)))


def kinks(t, places, outputs):
    """Kinks at some places, each in a direction of the outputs."""
    return np.maximum(t[:, None] - np.array(places), 0) @ np.array(outputs, dtype=float)


def found(f, seed):
    """Searched with the noise that a run would assume."""
    rng = np.random.default_rng(seed)
    noise = Noise(np.maximum(probe_noise(f, rng, Window()), EPS))
    f.queries = 0
    return whole(search_line(f, Window(), noise, rng, kind=Pairs))[-1]


@pytest.mark.parametrize(("k", "m", "each"), [(100, 1, 6.5), (100, 3, 5.5), (15, 1, 8.0)])
def test_fewer_samples_find_every_kink(k, m, each):
    """(Usual are 8 to 10, and 7 of three outputs.)"""
    for seed in range(5):
        f = Function.random(k, m, np.random.default_rng(seed))
        s = found(f, seed)
        assert len(s.kinks) == k and f.queries < each * k
        np.testing.assert_allclose(s.kinks, f.kinks, rtol=1e-7, atol=1e-7)


def test_two_samples_close_together_are_a_piece():
    t = [-2, -1, -0.999, 1, 1.001, 3]
    s = pairs(t, lambda t: kinks(t, [-1.5, 0.2, 1.7], [1, -3, 2]))
    np.testing.assert_array_equal(s.affine, [False, True, False, True, False])
    assert not s.hinged(s.last[:1], s.first[1:]).any()  # what is between them is still open
    left = s.between(np.array([2]), np.array([0.0]))  # where their lines meet, one side first
    assert len(left) == 1 and 0.2 - 1e-8 < left[0] < 0.2


def test_with_several_outputs_lines_that_meet_are_pieces():
    t = np.array([-3.0, -1, 0, 2, 3, 4])
    outputs = [[1, 1], [1, -2], [2, 1]]
    s = pairs(t, lambda t: kinks(t, [-2, 1, 3.5], outputs), 2)
    np.testing.assert_array_equal(s.affine, [False, True, False, True, False])
    assert s.hinged(s.last[:1], s.first[1:]).all()


def test_lines_that_meet_in_one_direction_of_the_outputs_prove_nothing():
    """A hard tanh switches on and off in the same direction: a sample before, one in between, and
    two behind make two lines that meet in both outputs, and are no pieces."""
    t = np.array([-3.0, -1.0, 1.0, 2.0, 3.0, 4.0])
    s = pairs(t, lambda t: kinks(t, [0.0, 1.2, 3.5], [[1, 2], [-1, -2], [2, 1]]), 2)
    chord = s.meet(np.array([2]), np.array([3]))
    assert chord.ok.all() and 1 < chord.where[0] < 2
    assert not s.affine[1]


@pytest.mark.parametrize("m", [1, 3])
def test_twins_do_not_hide_beside_a_kink(m):
    """Pairs of kinks 1e-3 to 1e-7 apart, that nearly cancel."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        f = Function.random(6, m, rng)
        near = f.kinks + 10.0 ** -rng.uniform(3, 7, 6) * (1 + np.abs(f.kinks))
        twins = np.concatenate([f.kinks, near]), np.concatenate([f.jumps, -0.9 * f.jumps])
        s = found(Function(*twins, f.slope, f.value), seed)
        assert len(s.kinks) == 12


def test_a_lean_run_learns_neurons_that_share_their_outputs():
    """Every hidden neuron feeds one of three outputs, or is half of a hard tanh."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        net = zoo.random_network(8, 6, 3, rng=seed)
        one = np.eye(3)[:, rng.integers(0, 3, 6)] * rng.standard_normal(6)
        outputs = np.concatenate([one, -one], axis=1)
        weights, biases = np.tile(net.weights, (2, 1)), np.r_[net.biases - 0.3, net.biases + 0.3]
        secret = ReluNetwork(weights, biases, outputs)
        result = learn_from_queries(secret, 8, rng=seed, lean=True)
        x = rng.standard_normal((2000, 8))
        assert np.abs(secret(x) - result.network(x)).max() < 1e-8


def test_pieces_that_miss_each_other_are_still_pairs():
    """Heard again with more noise, as usual samples these pieces were none: twice the queries."""
    secret = zoo.random_network(784, 128, 10, rng=24)
    assert learn_from_queries(secret, 784, rng=24, lean=True).queries <= 12_000
