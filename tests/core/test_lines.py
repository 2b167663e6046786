"""Lines, and the coordinate in which kinks are uniform on them."""

import numpy as np
import pytest

from relu_learn.core.lines import Line, Noise, Window

pytestmark = pytest.mark.numerical


def test_a_gaussian_line(rng):
    line = Line.draw(5, rng)
    assert line.origin.shape == line.direction.shape == (5,)
    np.testing.assert_allclose(line.at([0, 2]), [line.origin, line.origin + 2 * line.direction])
    assert line.at([]).shape == (0, 5)


def test_a_line_through_a_point(rng):
    point = rng.standard_normal(4)
    line = Line.draw(4, rng, through=point)
    np.testing.assert_array_equal(line.at([0.0])[0], point)
    point[:] = 0
    assert line.origin.all()  # a copy


def test_the_middle_of_an_interval_far_out(rng):
    window = Window()
    a, b = np.array([-1e6, -1.0, 1e5]), np.array([-1e5, 1.0, 1e6])
    middle = window.middle(a, b, np.full(3, 0.5))
    np.testing.assert_allclose(middle, [-1.818e5, 0, 1.818e5], rtol=1e-3, atol=1e-12)
    np.testing.assert_allclose(window.middle(a, b, np.zeros(3)), a, rtol=1e-9)
    np.testing.assert_allclose(window.middle(a, b, np.ones(3)), b, rtol=1e-9)


@pytest.mark.parametrize("window", [Window(), Window(-1.5, 2.0, cauchy=False)])
def test_grids_stay_inside_and_shift(window, rng):
    grids = [window.grid(8, rng) for _ in range(20)]
    for t in grids:
        assert (np.diff(t) > 0).all() and t[0] >= window.low and t[-1] <= window.high
        assert t[0] < -1 and t[-1] > 1
    assert len({float(t[len(t) // 2]) for t in grids}) > 10


def test_what_pictures_show_of_a_line():
    assert Window().shown(4.0) == (-4.0, 4.0)
    assert Window(-1.5, 2.0, cauchy=False).shown(4.0) == (-1.5, 2.0)
    assert Window(-1.5, 2.0, cauchy=False).width == 3.5


def test_noise_grows_with_the_parameter():
    noise = Noise(np.array([1.0, 3.0]))
    np.testing.assert_allclose(noise.at(np.array([0.0, -4.0])), [[1, 3], [5, 15]])
    np.testing.assert_allclose(noise.at_point(np.array([2.0, 2, 2, 2])), [3, 9])
