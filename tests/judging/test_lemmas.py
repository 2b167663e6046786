"""The lemmas' curves against drawn lines, integrals and the exact loss."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from relu_learn import ReluNetwork, gaussian_loss, zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.judging import lemmas

LINES = 40_000


def at_angle(angle):
    return np.array([[1.0, 0.0, 0.0], [math.cos(angle), math.sin(angle), 0.0]])


def close(measured, predicted, n=LINES):
    """Within four deviations of a share of n."""
    return abs(measured - predicted) < 4 * math.sqrt(predicted * (1 - predicted) / n) + 1e-9


def test_kinks_are_where_the_neuron_switches():
    normals, biases = np.array([[0.6, 0.8], [1.0, 0.0]]), np.array([0.3, -1.0])
    kinks = lemmas.draw_kinks(normals, biases, 5, rng=3)
    x0, v = np.random.default_rng(3).standard_normal((2, 5, 2))
    points = x0[:, None] + kinks[..., None] * v[:, None]
    np.testing.assert_allclose(np.einsum("nkd,kd->nk", points, normals), np.tile(biases, (5, 1)))
    with pytest.raises(InvalidArgument, match="lines must be"):
        lemmas.draw_kinks(normals, biases, 0)


@pytest.mark.parametrize("dim", [1, 2, 50])
def test_tail(dim):
    normal = np.eye(dim)[:1]
    kinks = lemmas.draw_kinks(normal, [0.0], LINES, rng=dim)
    for tau in (0.5, 4.0, 40.0):
        assert close(np.mean(np.abs(kinks) > tau), float(lemmas.tail_probability(tau)))
    assert lemmas.tail_probability(4.0) == pytest.approx(0.156, abs=1e-3)
    assert lemmas.tail_probability([0.0, 1.0]) == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize("angle", [0.01, 0.5, math.pi / 2, 3.0])
def test_separation(angle):
    kinks = lemmas.draw_kinks(at_angle(angle), [0.0, 0.0], LINES, rng=1)
    apart = lemmas.gaps(kinks)
    shifted = lemmas.gaps(lemmas.draw_kinks(at_angle(angle), [0.7, -1.0], LINES, rng=2))
    for r in np.array([0.02, 0.2, 1.0]):
        predicted, bound = lemmas.gap_probability(r, angle), lemmas.gap_bound(r, angle)
        assert close(np.mean(apart < r), float(predicted))
        assert predicted <= bound * (1 + 1e-9)
        assert np.mean(shifted < r) < predicted + 4 * math.sqrt(predicted / LINES)
    # Slope 1 in log-log: what is lost is proportional to r.
    tiny = lemmas.gap_probability([1e-6, 1e-5], angle)
    assert tiny[1] / tiny[0] == pytest.approx(10, rel=1e-4)


def test_a_line_fails_by_a_far_kink_or_a_narrow_gap():
    kinks = np.array([[0.0, 1.0], [0.0, 0.1], [0.0, 9.0], [-9.0, -8.95]])
    assert lemmas.failing(kinks, 0.2, 5.0).tolist() == [False, True, True, True]
    assert lemmas.gaps(kinks[:, :1]).tolist() == [np.inf] * 4


@pytest.mark.parametrize("angle", [1e-3, 0.1, 1.0, math.pi / 2, 3.0])
def test_clump(angle):
    n = at_angle(angle)
    two = ReluNetwork(n, [0.0, 0.0], [1.0, 1.0])
    offset = math.sqrt(2 / math.pi) * (1 - math.cos(angle / 2))
    one = ReluNetwork(n.sum(axis=0)[None], [0.0], [1.0], offset=offset)
    predicted = float(lemmas.merged_loss(angle))
    assert gaussian_loss(two, one) == pytest.approx(predicted, rel=1e-6, abs=1e-14)
    for c in (0.9, 1.1):  # no other offset is better
        other = ReluNetwork(n.sum(axis=0)[None], [0.0], [1.0], offset=c * offset)
        assert gaussian_loss(two, other) >= predicted - 1e-14
    assert predicted <= lemmas.merged_bound(angle)


def test_clumps_of_neurons_with_other_biases_keep_the_bound():
    for angle, h in [(0.0, 0.1), (0.05, 0.3), (0.2, -0.1)]:
        n = at_angle(angle)
        two = ReluNetwork(n, [0.4, 0.4 + h], [1.0, 1.0])
        one = ReluNetwork(n.sum(axis=0)[None], [0.8 + h], [1.0])
        assert gaussian_loss(two, one) <= lemmas.merged_bound(angle, h)


def test_small_angles_do_not_cancel():
    assert lemmas.merged_loss(1e-6) == pytest.approx(1e-18 / (6 * math.pi), rel=1e-5)
    assert lemmas.merged_loss([0.02 - 1e-9, 0.02 + 1e-9])[0] == pytest.approx(
        lemmas.merged_loss(0.02), rel=1e-6
    )


def test_far():
    t = np.array([0.0, 1.0, 3.0, 6.0])
    exact = [
        quad(lambda u, s=s: (u - s) ** 2 * math.exp(-(u**2) / 2), s, s + 15)[0]
        / math.sqrt(2 * math.pi)
        for s in t
    ]
    np.testing.assert_allclose(lemmas.far_loss(t), exact, rtol=1e-6)
    assert (lemmas.far_loss(t) <= lemmas.far_bound(t) * (1 + 1e-12)).all()
    assert lemmas.far_bound(0.0) == lemmas.far_loss(0.0) == 0.5


def test_energy_by_degree_is_the_variance():
    net = zoo.random_network(4, 6, rng=1, skip=True)
    energy = lemmas.energy_by_degree(net, range(120))
    assert energy.sum() == pytest.approx(gaussian_loss(net), rel=1e-3)
    x = np.random.default_rng(0).standard_normal((200_000, 4))
    values = net(x)
    assert energy[0] == pytest.approx(values.mean() ** 2, rel=0.05)
    slope = x.T @ values / len(x)
    assert energy[1] == pytest.approx(slope @ slope, rel=0.05)


@pytest.mark.parametrize("neurons", [8, 12, 16])
def test_the_lower_bounds_hide_below_degree_m(neurons):
    net, m = zoo.lower_bound(20, neurons, rng=1), neurons // 2
    energy = lemmas.energy_by_degree(net, range(m + 1))
    assert energy[:m].max() < 1e-14 < 1e-3 < energy[m]  # squares of sums that cancel
