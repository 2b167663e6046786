"""Samples of a line: runs, where two pieces meet, and where one kink is enough."""

import numpy as np
import pytest

from relu_learn.core.lines import Noise, Window
from relu_learn.core.precision import EXACT
from relu_learn.core.samples import Samples

pytestmark = pytest.mark.numerical

NOISE = Noise(np.array([1e-15]))


def samples(t, f, noise=NOISE):
    t = np.asarray(t, dtype=float)
    return Samples(t, np.reshape(f(t), (len(t), -1)), noise)


def kink(t):
    """One kink, at t = 0.3: slopes 1 and -2."""
    return np.where(t < 0.3, t, 0.3 - 2 * (t - 0.3))


def test_samples_are_sorted_and_single():
    s = samples([2, 0, 1, 1], lambda t: t)
    np.testing.assert_array_equal(s.t, [0, 1, 2])
    np.testing.assert_array_equal(s.y[:, 0], [0, 1, 2])
    more = s.insert(np.array([0.5]), np.array([[0.5]]))
    np.testing.assert_array_equal(more.t, [0, 0.5, 1, 2])


def test_one_run_on_an_affine_piece():
    s = samples(np.arange(6), lambda t: 3 * t - 1)
    assert s.affine.all() and (s.first, s.last) == ([0], [5])


def test_a_kink_is_between_two_runs():
    s = samples(np.arange(-3, 5), kink)
    np.testing.assert_array_equal(s.first, [0, 4])
    np.testing.assert_array_equal(s.last, [3, 7])
    np.testing.assert_array_equal(s.affine, [True, True, True, False, True, True, True])
    assert (s.before[3], s.after[4]) == (0, 7)


def test_where_two_pieces_meet():
    s = samples(np.arange(-3, 5), kink)
    meeting = s.meet(np.array([3]), np.array([4]))
    assert meeting.ok.all()
    np.testing.assert_allclose(meeting.where, 0.3, atol=1e-14)
    assert abs(meeting.where[0] - 0.3) <= meeting.tolerance[0] < 1e-12
    np.testing.assert_allclose([meeting.left, meeting.right], [[[1]], [[-2]]])


def test_lines_that_meet_elsewhere_are_no_kink():
    def step(t):  # the lines on both sides are parallel
        return t + (t > 0.3)

    s = samples(np.arange(-3, 5), step)
    assert not s.meet(np.array([3]), np.array([4])).ok.any()
    assert not s.hinged(np.array([3]), np.array([4])).any()


def test_all_outputs_have_to_meet_at_one_place():
    def two(t):
        return np.column_stack([np.maximum(t - 0.3, 0), np.maximum(t - 0.6, 0)])

    noise = Noise(np.full(2, 1e-15))
    s = samples(np.arange(-3, 5), two, noise)
    assert not s.meet(np.array([3]), np.array([4])).ok.any()


def test_one_kink_is_enough_between_the_ends_of_two_runs():
    outside = np.r_[-40, -30, -20, -10, 20, 30, 40, 50]
    s = samples(np.r_[outside, 0.29, 0.31], kink)
    assert s.hinged(s.last[:1], s.first[1:]).all()

    def bump(t):
        return kink(t) + np.maximum(0.2 - abs(t - 0.3), 0)

    hidden = samples(np.r_[outside, 0.1, 0.25, 0.35, 0.5], bump)
    assert not hidden.hinged(hidden.last[:1], hidden.first[-1:]).any()
    # Lines much shorter than the gap between them would meet anywhere.
    short = samples(np.r_[-100.2, -100.1, -100, 100, 100.1, 100.2], kink)
    assert not short.hinged(short.last[:1], short.first[1:]).any()


def test_noise_hides_what_is_smaller():
    def slight(t):
        return t + 1e-9 * np.maximum(t - 0.3, 0)

    t = np.arange(-3, 5)
    assert len(samples(t, slight).first) == 2
    assert len(samples(t, slight, Noise(np.array([1e-8]))).first) == 1


def test_resolution():
    t = np.array([0.0, 1.0, 1e6])
    s = samples(t, lambda t: 2 * t)
    assert (s.resolution() >= 64 * 2.2e-16 * np.array([2, 1e6])).all()
    loud = samples(t, lambda t: 2 * t, Noise(np.array([0.5])))
    np.testing.assert_allclose(loud.resolution(), 0.25)  # crossed by less than the noise
    assert np.isfinite(samples(t, lambda t: 0 * t).resolution()).all()


@pytest.mark.parametrize("step", [1e-12, 1e-6])
def test_pieces_that_miss_each_other_show_the_noise(step):
    """Steps of rounding, which three neighbouring samples do not meet: unless F jumps."""
    t = np.linspace(-1, 1, 40)
    s = samples(t, lambda t: kink(t) + step * (np.arange(40) // 5 % 3))
    found = s.pieces(Window(-1.0, 1.0, cauchy=False))
    if step < EXACT:
        assert len(found.kinks) == 1 and abs(found.kinks[0] - 0.3) < 1e-11
        assert step / 10 < found.noise.level[0] < 10 * step
    else:
        assert len(found.kinks) > 5 and found.noise is NOISE


def test_one_close_pair_of_kinks_is_no_noise():
    def pair(t):
        return np.maximum(t - 0.3, 0) - np.maximum(t - 0.3 - 1e-12, 0)

    s = samples(np.linspace(-1, 1, 40), lambda t: pair(t) + np.maximum(t + 0.5, 0))
    found = s.pieces(Window(-1.0, 1.0, cauchy=False))
    assert len(found.kinks) == 2 and found.noise is NOISE
