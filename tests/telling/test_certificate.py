"""What a learner who sees only answers can claim, and the scale of its errors."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtri

from relu_learn.asking.errors import InvalidArgument
from relu_learn.telling.certificate import (
    Certificate,
    certificate,
    fresh_points,
    mean_square,
    output_scale,
)

pytestmark = pytest.mark.numerical


def test_output_scale():
    assert output_scale(np.zeros((5, 2))) == 1.0
    assert output_scale(np.zeros(0)) == 1.0
    assert output_scale(np.full(5, -3.0)) == 3.0
    assert output_scale(np.array([1e300, -1e300])) == pytest.approx(1e300)
    assert output_scale(np.array([[0.0, 0.0], [2.0, 10.0]])) == 5.0


def test_certificate():
    claim = certificate([1e-9, -3e-9, 2e-9] * 100, delta=0.05)
    assert claim == Certificate(300, 3e-9, 0.05, math.log(20) / 300)
    assert str(claim) == (
        "With confidence 0.95, the error exceeds 3e-09 on at most 1 % of inputs "
        "(standard Gaussian measure, 300 fresh points)."
    )
    assert certificate(np.zeros((7, 3)), 0.5).n == 7
    assert certificate([], 0.1).mass == certificate([1.0], 1e-9).mass == 1.0
    assert certificate([0.0], 0.1, measure="uniform").measure == "uniform"
    for delta in (0, 1, -1, math.nan):
        with pytest.raises(InvalidArgument, match="delta"):
            certificate([0.0], delta)
    for errors in (1.0, [math.nan]):
        with pytest.raises(InvalidArgument, match="errors"):
            certificate(errors, 0.1)


@pytest.mark.parametrize("looks", [0, 1, 5])
@pytest.mark.parametrize("mass, delta", [(0.01, 0.05), (0.005, 0.2), (0.5, 1e-9)])
def test_fresh_points_are_as_many_as_it_takes(mass, delta, looks):
    n = fresh_points(mass, delta, looks)
    assert certificate(np.zeros(n), delta, looks=looks).mass <= mass
    assert certificate(np.zeros(n - 1), delta, looks=looks).mass > mass
    with pytest.raises(InvalidArgument, match="mass"):
        fresh_points(0.0, delta)


def test_certificate_keeps_its_promise():
    # |error| is uniform on [0, 1], so the mass beyond eta is 1 - eta: the claim may fail in
    # delta of all cases, and (being exact for this distribution) fails about as often.
    rng, delta, runs = np.random.default_rng(0), 0.1, 4000
    claims = [certificate(rng.random(50), delta) for _ in range(runs)]
    wrong = sum(1 - claim.eta > claim.mass for claim in claims) / runs
    assert 0.5 * delta < wrong < delta + 4 * math.sqrt(delta / runs)


# ------------------------------------------------------------ a bound of the loss


def ramp_loss(eta, slope, start):
    """E (eta + slope (N - start)+)^2, by quadrature."""

    def density(t):
        return math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)

    beyond = quad(lambda t: ((eta + slope * (t - start)) ** 2 - eta**2) * density(t), start, 40)
    return eta**2 + beyond[0]


@pytest.mark.parametrize("eta", [0.0, 1e-3, 2.0])
@pytest.mark.parametrize("mass", [1e-6, 1e-3, 0.1, 0.5, 0.97])
def test_the_loss_bound_is_attained(eta, mass):
    """By eta + L (x_1 - z)+, which exceeds eta on exactly that mass."""
    claim = Certificate(100, eta, 0.05, mass)
    for slope in (1e-3, 1.0, 30.0):
        exact = ramp_loss(eta, slope, -ndtri(mass))
        assert claim.loss_bound(slope) == pytest.approx(exact, rel=1e-7)
        assert claim.loss_bound(slope, outputs=4) == pytest.approx(
            ramp_loss(2 * eta, slope, -ndtri(mass)), rel=1e-7
        )


def test_loss_bound_in_figures():
    assert certificate(np.zeros(2000), 0.05).loss_bound(1.0) == pytest.approx(2.3e-4, rel=0.01)
    assert certificate(np.zeros(10_000), 0.01).loss_bound(1.0) == pytest.approx(6.0e-5, rel=0.01)
    assert certificate(np.zeros(10), 0.05).loss_bound(0) == 0.0
    assert certificate([3.0], 1e-9).loss_bound(0.0, outputs=2) == pytest.approx(18.0)
    assert certificate([], 0.1).loss_bound(1e-9) == math.inf


def test_loss_bound_is_about_gaussian_inputs():
    with pytest.raises(InvalidArgument, match="measure must be 'standard Gaussian'.*uniform"):
        certificate([0.0], 0.1, measure="uniform-on-the-box").loss_bound(1.0)
    for wrong in (-1.0, math.nan, math.inf, "1", None, True):
        with pytest.raises(InvalidArgument, match="lipschitz must be a number >= 0"):
            certificate([0.0], 0.1).loss_bound(wrong)


def needle_loss(width):
    """Of L dist(x_1, outside of [-width, width]) with L = 1."""
    return quad(lambda t: (width - t) ** 2 * math.exp(-(t**2) / 2), 0, width)[0] * math.sqrt(
        2 / math.pi
    )


# What an adversary who knows n and delta hides: the bound's own extremal function with a mass from
# just below to well above what the claim allows, and needles (a Lipschitz bump of that mass).
@pytest.mark.parametrize("excess", [0.9, 1.01, 1.3, 2.0])
@pytest.mark.parametrize("delta", [0.05, 0.2])
@pytest.mark.parametrize("kind", ["ramp", "needle"])
def test_the_loss_bound_keeps_its_promise(kind, delta, excess):
    n, runs = 40, 2000
    mass = excess * math.log(1 / delta) / n
    rng = np.random.default_rng([n, int(100 * excess), int(100 * delta)])
    x = rng.standard_normal((runs, n))
    if kind == "ramp":
        start = -ndtri(mass)
        errors, loss = np.maximum(x - start, 0.0), ramp_loss(0.0, 1.0, start)
    else:
        width = -ndtri(0.5 - mass / 2)
        errors, loss = np.maximum(width - np.abs(x), 0.0), needle_loss(width)
    wrong = sum(loss > certificate(e, delta).loss_bound(1.0) for e in errors)
    assert wrong < delta * runs
    if kind == "ramp" and excess == 1.01:  # the attack is as good as an attack can be
        assert wrong > 0.5 * delta * runs


def test_mean_squares_of_any_size():
    values = np.array([[1.0, -2.0], [2.0, 0.0]])
    with np.errstate(all="raise", under="ignore"):
        for size in (0.0, 1e-300, 1e-150, 1.0, 1e153, 1e300):
            mean = mean_square(size * values)
            assert mean == pytest.approx(2.25 * size * size, rel=1e-15)
            assert math.isinf(mean) == (size == 1e300)
