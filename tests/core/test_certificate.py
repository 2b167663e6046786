"""What a learner who sees only answers can claim, and the scale of its errors."""

import math

import numpy as np
import pytest

from relu_learn.core.certificate import (
    Certificate,
    certificate,
    fresh_points,
    mean_square,
    output_scale,
)
from relu_learn.core.errors import InvalidArgument

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


def test_mean_squares_of_any_size():
    values = np.array([[1.0, -2.0], [2.0, 0.0]])
    with np.errstate(all="raise", under="ignore"):
        for size in (0.0, 1e-300, 1e-150, 1.0, 1e153, 1e300):
            mean = mean_square(size * values)
            assert mean == pytest.approx(2.25 * size * size, rel=1e-15)
            assert math.isinf(mean) == (size == 1e300)
