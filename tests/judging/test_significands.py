"""Numbers known up to a factor: the sieve, and the plane lattice that feeds it."""

import math

import numpy as np
import pytest

from relu_learn.judging.significands import Numbers, Short, _Lattice, fit, rounded

UP = np.ones(6)


def known(values, power=UP, units=1.0):
    return Numbers(np.asarray(values, float), np.full(len(values), units), power)


@pytest.mark.parametrize(("bits", "dtype"), [(24, np.float32), (11, np.float16)])
def test_rounding_is_that_of_the_processor(bits, dtype, rng):
    x = rng.uniform(0.1, 9.0, 1000) * rng.choice([-1.0, 1.0], 1000)
    assert np.array_equal(rounded(x, bits), x.astype(dtype).astype(float))
    assert rounded(np.zeros(1), bits) == 0


@pytest.mark.parametrize("ratio", [1.2345678, 1.0, 4 / 3, 2 - 2.0**-20, math.sqrt(3)])
@pytest.mark.parametrize("width", [1e-6, 1e-3, 0.1])
def test_the_lattice_holds_exactly_the_points_of_the_strip(ratio, width):
    bits = 16
    m = np.arange(2 ** (bits - 1), 2**bits, dtype=float)
    wanted = m[np.abs(ratio * m - np.rint(ratio * m)) <= width * (1 - 1e-6)]
    lattice = _Lattice.of(ratio, width, bits)
    found = np.sort(np.concatenate([np.empty(0), *lattice.blocks()]))
    assert np.isin(wanted, found).all() and len(np.unique(found)) == len(found)
    assert (np.abs(ratio * found - np.rint(ratio * found)) <= width * (1 + 1e-6)).all()
    assert len(found) <= lattice.size() <= len(found) + 4  # those of both ends


@pytest.mark.parametrize(("bits", "error"), [(24, 0.0), (24, 1e-12), (11, 1e-7), (8, 1e-5)])
def test_the_factor_is_found_whatever_the_errors_are(bits, error, rng):
    power = np.repeat([1.0, -1.0], [12, 3])
    true = rounded(rng.standard_normal(15), bits)
    values = true * 0.7853**-power + error * rng.standard_normal(15)
    found = fit(known(values, power), bits)
    assert found.count == 1 and found.chance < 1e-9 and not found.short.unsure.any()
    shift = found.short.values[0] / true[0]
    assert math.frexp(shift)[0] == 0.5
    assert np.array_equal(found.short.values, true * shift**power)
    assert found.error <= max(4 * error, 1e-15)


def test_numbers_of_fewer_bits_have_several_factors(rng):
    for true in (np.array([3.0, -5.0, 7.0, 1.0, 9.0, 11.0]), np.array([1.0, -1.0, 1, -1, 1, -1])):
        found = fit(known(true / 3), 24)
        assert found.count > 1 and found.short is None
    assert fit(known([3.0, -5.0, 7.0, 1.0, 9.0, 11.0]), 4).count <= 1  # and nothing to boast of


def test_what_is_zero_and_what_is_open(rng):
    errors = np.full(4, 1e-12)
    short = Short.of(np.array([0.3, 1e-5, 3e-13, -1e-9]), errors, 24)
    assert short.zero.tolist() == [False, False, True, False]
    assert short.unsure.tolist() == [False, True, False, True]
    assert short.values[2] == 0 and short.values[0] == np.float32(0.3)


def test_nothing_to_go_by():
    for values, power in (([], []), ([0.0, 0.0], [1, 1]), ([1.0], [-1]), ([0.3], [1])):
        assert fit(known(values, np.array(power, float)), 24).count == 0
