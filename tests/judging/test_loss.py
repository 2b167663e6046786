"""The exact loss against independent quadrature and sampling."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets import disguise
from scipy import integrate

from relu_learn.asking.errors import InvalidArgument
from relu_learn.judging import loss
from relu_learn.judging.loss import best_loss, gaussian_loss, loss_floor, sampled_loss, worst_error
from relu_learn.network import ReluNetwork

pytestmark = pytest.mark.numerical


def make(dim, neurons, outputs=None, rng=0, skip=True):
    rng = np.random.default_rng(rng)
    head = () if outputs is None else (outputs,)
    return ReluNetwork(
        rng.standard_normal((neurons, dim)),
        rng.standard_normal(neurons),
        rng.standard_normal((*head, neurons)),
        rng.standard_normal((*head, dim)) if skip else None,
        rng.standard_normal(head) if skip else 0.0,
    )


def relu_pair(correlation, s, t):
    """A network x -> ((u - s)+, (v - t)+) with u, v standard normals of that correlation."""
    w = [[1.0, 0.0], [correlation, math.sqrt((1 - correlation) * (1 + correlation))]]
    return ReluNetwork(w, [s, t], np.eye(2))


# ------------------------------------------------------------------ exact loss


@given(st.integers(0, 6), st.integers(0, 2**32), st.sampled_from([None, 2]))
def test_one_input_against_quadrature(neurons, seed, outputs):
    net = make(1, neurons, outputs, rng=seed)
    kinks = net.biases / net.weights[:, 0]
    edges = np.sort([-14.0, 14.0, *kinks[np.abs(kinks) < 14]])

    def integrand(t):
        density = math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
        return float(np.sum(net([t]) ** 2)) * density

    expected = sum(
        integrate.quad(integrand, low, high, epsabs=1e-14, epsrel=1e-13)[0]
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    )
    assert gaussian_loss(net) == pytest.approx(expected, rel=1e-12, abs=1e-13)


def moment_by_quadrature(correlation, s, t):
    """E (u - s)+ (v - t)+: v given u is a Gaussian, whose part is elementary."""
    spread = math.sqrt((1 - correlation) * (1 + correlation))

    def inner(u):
        mean = correlation * u - t
        if spread == 0:
            return max(mean, 0.0)
        z = mean / spread
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return mean * math.erfc(-z / math.sqrt(2)) / 2 + spread * density

    edges = {s, s + 13.0}
    if correlation:
        kink = t / correlation
        for width in (-30, -6, -2, 0, 2, 6, 30):
            edges.add(min(max(kink + width * spread, s), s + 13.0))
    edges = sorted(edges)
    x, weight = np.polynomial.legendre.leggauss(60)
    total = 0.0
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        u = (low + high) / 2 + (high - low) / 2 * x
        density = np.exp(-u * u / 2) / math.sqrt(2 * math.pi)
        values = (u - s) * density * np.array([inner(p) for p in u])
        total += (high - low) / 2 * float(weight @ values)
    return total


@pytest.mark.parametrize("gap", [1.0, 0.5, 1e-3, 1e-8, 1e-13, 2.2e-16, 0.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_pairs_of_every_correlation_against_quadrature(gap, sign):
    correlation = sign * (1 - gap)
    for s, t in [(0, 0), (0, 0.3), (1e-12, 0), (0.3, 0.3), (0.3, 0.3 + 1e-8), (1, 3), (2, 8)]:
        gram, blur = loss.second_moments(
            np.array([[1.0, correlation], [correlation, 1.0]]), np.array([s, t], dtype=float)
        )
        expected = moment_by_quadrature(correlation, s, t)
        # The nodes of the quadrature are good to 1e-14.
        assert gram[[0, 1], [1, 0]] == pytest.approx(expected, rel=0, abs=2e-14)
        assert (blur < 1e-14).all()


@pytest.mark.parametrize("outputs", [None, 1, 3])
def test_against_sampling(outputs):
    first, second = make(5, 8, outputs), make(5, 6, outputs, rng=1)
    x = np.random.default_rng(2).standard_normal((100_000, 5))
    squares = ((first(x) - second(x)) ** 2).reshape(len(x), -1).sum(axis=1)
    exact = gaussian_loss(first, second)
    assert abs(exact - squares.mean()) < 5 * squares.std() / math.sqrt(len(x))
    assert exact == pytest.approx(gaussian_loss(first - second), rel=1e-14)
    assert exact == pytest.approx(gaussian_loss(second, first), rel=1e-13)


def test_known_values():
    relu = ReluNetwork([[1.0, 0.0]], [0.0], [1.0])
    assert gaussian_loss(relu) == pytest.approx(1 / 2, rel=1e-15)
    assert gaussian_loss(relu, -1 * relu) == pytest.approx(2, rel=1e-15)
    affine = ReluNetwork(np.zeros((0, 2)), [], [], [3.0, 4.0], 2.0)
    assert gaussian_loss(affine) == 29
    assert gaussian_loss(ReluNetwork(np.zeros((0, 2)), [], [])) == 0
    constant = ReluNetwork([[0.0]], [-3.0], [2.0])
    assert gaussian_loss(constant) == 36
    magnitude = ReluNetwork([[1.0], [-1.0]], [0.0, 0.0], [1.0, 1.0])
    assert gaussian_loss(magnitude) == pytest.approx(1, rel=1e-15)
    assert gaussian_loss(relu_pair(1.0, 0.7, 0.7) * 2) == pytest.approx(
        8 * gaussian_loss(ReluNetwork([[1.0]], [0.7], [1.0])), rel=1e-14
    )


@pytest.mark.parametrize("far", [8.0, 20.0, 37.0, 38.0, 1e3, 1e10, 1e100])
def test_hyperplanes_far_out(far):
    away = ReluNetwork([[1.0, 0.0], [0.6, 0.8]], [far, far], [1.0, 2.0])
    assert 0 <= gaussian_loss(away) < 1e-15
    # On the other side they are affine: x + far and 2 (0.6 x + 0.8 y + far).
    seen = ReluNetwork([[1.0, 0.0], [0.6, 0.8]], [-far, -far], [1.0, 2.0])
    expected = 2.2**2 + 1.6**2 + (3 * far) ** 2
    assert gaussian_loss(seen) == pytest.approx(expected, rel=1e-12)
    assert 0 <= loss_floor(seen) < 1e-13 * expected


@given(st.integers(1, 20), st.integers(0, 12), st.integers(0, 2**32), st.sampled_from([None, 3]))
def test_equal_functions_have_no_loss(dim, neurons, seed, outputs):
    net = make(dim, neurons, outputs, rng=seed)
    other = disguise(net, np.random.default_rng(seed))
    size = float(np.sum(np.abs(net.output_weights)) ** 2) * dim + gaussian_loss(net)
    assert gaussian_loss(net, other) < 1e-26 * size + loss_floor(net, other)
    assert gaussian_loss(net, net) == 0
    assert best_loss(net, net) == (0.0, "exact")


@given(st.floats(-8, -1), st.integers(0, 2**32))
def test_the_floor_bounds_the_error_of_small_losses(exponent, seed):
    net = make(4, 6, rng=seed)
    rng = np.random.default_rng(seed)
    other = disguise(net, rng, noise=10.0**exponent)
    value, floor = gaussian_loss(net, other), loss_floor(net, other)
    assert floor < 1e-11 * (1 + np.abs(net.output_weights).sum() ** 2) * 100
    x = rng.standard_normal((20_000, 4))
    squares = (net(x) - other(x)) ** 2
    assert abs(value - squares.mean()) < floor + 8 * squares.std() / math.sqrt(len(x))


def test_best_loss_changes_to_sampling_where_rounding_takes_over(rng):
    net = make(6, 9)
    for noise, kind in ((1e-2, "exact"), (1e-9, "sampled")):
        other = disguise(net, rng, noise)
        value, got = best_loss(net, other, rng=0)
        assert got == kind
        assert value == pytest.approx(sampled_loss(net, other, 50_000, rng=1), rel=0.2)


def test_tiny_beside_huge():
    net = ReluNetwork([[1e6, 0.0], [1e-6, 1e-6], [0.0, 1e10]], [8e6, 0.0, -1e10], [1.0, 1.0, 1.0])
    x = np.random.default_rng(0).standard_normal((200_000, 2))
    assert gaussian_loss(net) == pytest.approx(np.mean(net(x) ** 2), rel=0.02)
    tiny = ReluNetwork([[1e-9]], [0.0], [1.0])
    assert gaussian_loss(tiny) == pytest.approx(0.5e-18, rel=1e-12)


def test_a_thousand_neurons(rng):
    first, second = make(20, 700, rng=1), make(20, 700, rng=2)
    assert gaussian_loss(first, second) == pytest.approx(
        sampled_loss(first, second, 40_000, rng=3), rel=0.05
    )


# ----------------------------------------------------------------- by sampling


def test_sampled_loss_and_worst_error_of_plain_functions():
    def f(x):
        return x[:, 0]

    def g(x):
        return x[:, 0] + 2.0

    assert sampled_loss(f, g, n=100, rng=0, dim=3) == pytest.approx(4.0)
    worst, scale = worst_error(f, g, n=5000, dim=3)
    assert worst == pytest.approx(2.0) and scale == pytest.approx(1.0, rel=0.05)
    with pytest.raises(InvalidArgument, match="dim"):
        sampled_loss(f, g)
    with pytest.raises(InvalidArgument, match="n must be"):
        sampled_loss(f, g, n=0, dim=3)
    with pytest.raises(InvalidArgument, match="one shape"):
        sampled_loss(f, lambda x: g(x)[:, None], dim=3)


def test_sampling_is_seeded_and_batched():
    first, second = make(3, 4, 2), make(3, 4, 2, rng=1)
    values = [sampled_loss(first, second, n=500, rng=seed) for seed in (4, 4, 5)]
    assert values[0] == values[1] != values[2]
    wide = ReluNetwork(np.ones((1, 3000)), [0.0], [1.0])
    assert sampled_loss(wide, wide * 2, n=3001, rng=0) == pytest.approx(1500, rel=0.1)
    assert worst_error(first, first) == (0.0, worst_error(first, second)[1])


@pytest.mark.parametrize("size", [1e-250, 1e-100, 1e150, 1e250])
def test_only_the_loss_itself_may_leave_the_range_of_floats(size):
    net = ReluNetwork([[1.0, 2.0], [0.5, -1.0]], [0.3, -0.2], [1.5, -0.7])
    scaled = ReluNetwork(net.weights, net.biases, size * net.output_weights)
    with np.errstate(all="raise", under="ignore"):
        for measured in (
            gaussian_loss,
            lambda f: sampled_loss(f, lambda x: np.zeros(len(x)), rng=0),
        ):
            expected = measured(net) * size * size
            assert measured(scaled) == pytest.approx(expected, rel=1e-12)
        assert math.isinf(gaussian_loss(scaled)) == (size == 1e250)


@pytest.mark.parametrize("measure", [gaussian_loss, best_loss, loss_floor])
def test_the_exact_loss_of_a_function_is_not_known(measure):
    net = ReluNetwork([[1.0, 2.0]], [0.0], [1.0])
    for pair in ((net.__call__, net), (net, lambda x: x[:, 0]), (3, net)):
        with pytest.raises(InvalidArgument, match=r"[fg] must be a ReluNetwork.*sampled_loss"):
            measure(*pair)
