"""How imprecise are the answers? Exact, float32, rounded or noisy."""

from __future__ import annotations

import numpy as np
import pytest
from dirt import Ask, estimate, noisy, rms, rounded, single
from subset import mostly_slow

from relu_learn import BlackBoxError, Oracle, ReluNetwork, learn_from_queries, zoo
from relu_learn.core.lines import Line
from relu_learn.imprecise.kind import estimate_noise

pytestmark = pytest.mark.numerical


def test_random_answers_are_an_error_of_the_black_box():
    generator = np.random.default_rng(0)
    with pytest.raises(BlackBoxError, match="alike"):
        learn_from_queries(lambda x: generator.standard_normal(len(x)), 3, rng=0)


def error_on_the_line(ask: Ask, net: ReluNetwork, seed: int) -> np.ndarray:
    """Root-mean-square error (m,) of the answers on the line on which `estimate` measures it."""
    rng = np.random.default_rng(seed)
    origin, direction = rng.standard_normal((2, net.dim))
    x = origin + np.multiply.outer(rng.uniform(-0.95, 0.95, 1000), direction)
    return np.sqrt(np.square(ask(x) - net(x)).mean(axis=0))


@pytest.mark.parametrize("net", [zoo.random_network(10, 15, rng=1), zoo.digits()])
def test_exact_answers_have_rounding_noise(net):
    for seed in range(20):
        found = estimate(net, net.dim, seed)
        assert found.kind == "exact" and (found.sigma < 1e-12).all()


@pytest.mark.parametrize("decimals", [1, 2, 3, 4, 5, 6])
def test_rounding_to_decimals_is_recognised(decimals):
    for seed in range(10):
        net = zoo.random_network(10, 15, 3, rng=seed)
        found = estimate(rounded(net, decimals), 10, seed)
        assert (found.kind, found.step) == ("rounded", 1 / 10.0**decimals)
        np.testing.assert_allclose(found.sigma, 10.0**-decimals / np.sqrt(12))


def test_other_lattices_and_float32_decimals_are_recognised():
    net = zoo.random_network(10, 15, rng=3)
    assert estimate(lambda x: np.round(net(x) * 256) / 256, 10).step == pytest.approx(1 / 256)
    assert estimate(lambda x: net(x).round(3).astype(np.float32), 10).step == 1e-3


def test_float32_is_recognised_in_outputs_and_in_inputs():
    """Compared with the error on the line that was measured: elsewhere other neurons are active.

    The estimate is the upper quartile of 16 independent |N(0, s)| / 1.15, raised by 1.5. To be
    below s / 3, twelve of them have to be less than 0.26 s, which is a chance of 4e-6; to be above
    5 s, four have to be more than 3.8 s, a chance of 5e-13. Kinks are too rare to spoil four of the
    16 (15 on the whole line, of which a place covers 2e-4). It is raised to the rounding of the
    largest answer, if that is more: the error is no less than the rounding of the usual one, and on
    a line through the middle the largest is hardly ever more than 5 times that.
    """
    for seed in range(10):
        net = zoo.random_network(20, 15, 2, rng=seed)
        for ask in (single(net), lambda x, net=net: net(x.astype(np.float32))):
            found = estimate(ask, 20, seed)
            true = error_on_the_line(ask, net, seed)
            assert found.kind == "float32"
            assert (found.sigma > true / 3).all() and (found.sigma < 5 * true).all()


@pytest.mark.parametrize("sigma", [1e-8, 1e-3, 0.1])
def test_random_noise_is_measured(sigma):
    ratios = [
        float(estimate(noisy(zoo.random_network(10, 15, rng=s), sigma, s), 10, s).sigma[0]) / sigma
        for s in range(30)
    ]
    assert 0.95 < np.mean(ratios) < 1.05 and min(ratios) > 0.5 and max(ratios) < 1.6


@pytest.mark.parametrize("constant", [1.0, 0.1, -1e3, 7e5])
def test_a_constant_tells_nothing(constant):
    """What rounding makes of it are three neighbouring numbers, of which all are near 10 times
    something, and those of -1000 have three decimals, too."""
    unit = np.spacing(constant)
    found = estimate(lambda x: constant + unit * np.round(np.sin(1e3 * x.sum(axis=1))), 3)
    assert found.kind == "exact" and found.sigma.max() <= 4 * abs(unit)


def test_noise_of_constants_is_rounding():
    assert estimate(zoo.constant(), 3).kind == "exact"
    assert estimate(lambda x: np.zeros(len(x)), 3).kind == "exact"


def test_estimate_is_cheap():
    net = zoo.random_network(4, 3, rng=0)
    for ask, queries in ((net, 28), (noisy(net, 0.1), 52)):
        oracle = Oracle(ask, 4)
        estimate(oracle, 4)
        assert oracle.queries == queries


def test_lattices_of_any_size_are_recognised():
    net = zoo.random_network(10, 15, rng=3)
    assert estimate(lambda x: net(x).round(3) * 1e9, 10).step == 1e6


def depends_on_the_batch(secret):
    """Float32 sums whose order depends on the number of rows, on any machine."""

    def black_box(x):
        y = secret(x).astype(np.float32)
        return np.nextafter(y, np.float32(np.inf)) if len(x) % 3 else y

    return black_box


def test_float32_that_depends_on_the_batch_is_not_taken_for_random():
    secret = zoo.random_network(10, 15, rng=0)
    line = Line.draw(10, np.random.default_rng(0))
    ask = depends_on_the_batch(secret)
    estimate = estimate_noise(ask, line.origin, line.direction, np.random.default_rng(1))
    assert estimate.kind == "float32"
    result = learn_from_queries(ask, 10, rng=0)
    assert rms(secret, result.network, 10) < 1e-6


def bits(y, n):
    """Rounded to n significant bits."""
    mantissa, exponent = np.frexp(y)
    return np.ldexp(np.round(np.ldexp(mantissa, n)), exponent - n)


@pytest.mark.parametrize("bounds", [None, (-2, 2)])
@pytest.mark.parametrize(("factor", "shift"), [(1e30, 0.0), (1e-30, 0.0), (1e200, 0.0), (3.3, 5.1)])
@pytest.mark.parametrize("digits", mostly_slow([24, 11, 8]))
def test_floating_point_in_other_units_is_no_jump(digits, factor, shift, bounds):
    """float32, float16 and bfloat16, multiplied with the standard deviation of the training data:
    their steps are no lattice, as they are finer around 0."""
    for seed in range(3):
        net = zoo.random_network(3, 6, 1 + seed % 2, rng=seed)

        def ask(x, net=net):
            return factor * bits(net(x), digits) + shift

        result = learn_from_queries(ask, 3, rng=seed, bounds=bounds)
        x = np.random.default_rng(5).uniform(-2, 2, (5000, 3)) / (1 if bounds else 2)
        noise = ask(x) / factor - (net(x) + shift / factor)
        errors = result.network(x) / factor - (net(x) + shift / factor)
        assert np.sqrt((errors**2).mean() / (noise**2).mean()) < 3


def test_answers_are_heard_where_they_vary():
    """On half of the chords this is constant, and no rounding is to be heard there."""
    secret = ReluNetwork([[1e-3, -1e-3, 0.0]], [1e-3], [1.0], offset=-1.0)

    def black_box(x):
        return 3.3 * secret(x).astype(np.float32)

    x = np.random.default_rng(0).uniform(-2, 2, (1000, 3))
    for seed in range(6):
        found = learn_from_queries(black_box, 3, bounds=(-2, 2), rng=seed)
        assert np.abs(found.network(x) - 3.3 * secret(x)).max() < 1e-6
        assert found.noise * found.scale > 1e-8


def test_float32_in_other_units_is_not_rounded_to_decimals():
    """3.3 times a multiple of 64 is one of 0.1, too; that is not what tells two answers apart."""
    net = zoo.random_network(4, 6, rng=2)
    for seed in range(5):
        found = estimate(lambda x: 3.3 * (1e9 + 1e5 * net(x)).astype(np.float32), 4, seed)
        assert found.kind != "rounded" and 20 < found.sigma < 300
