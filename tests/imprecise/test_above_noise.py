"""What is above the noise of a line: short pieces go, and neurons whose direction drowned."""

import numpy as np
import pytest
from runs import begun, drained

from relu_learn import ReluNetwork
from relu_learn.core.lines import Line, Noise
from relu_learn.core.pieces import Block
from relu_learn.imprecise.above_noise import readable, thin

pytestmark = pytest.mark.numerical


LINE = Line(np.zeros(2), np.array([1.0, 0.0]))


def near_kinks(gap):
    """A line that crosses hyperplanes at t = -2, 0, gap and 2."""
    weights = [[1.0, 0.3], [1.0, -0.2], [1.0, 0.5], [1.0, 0.1]]
    run = begun(ReluNetwork(weights, [-2.0, 0.0, gap, 2.0], [1.0, 2.0, 1.0, -1.0]), 2)
    run.line = LINE
    return drained(run.search()).slice


def test_pieces_that_are_long_enough_stay():
    s = near_kinks(1.0)
    assert thin(s, LINE, Noise(np.array([1e-6]))) is s


def test_two_kinks_too_close_for_the_noise_become_one():
    s = near_kinks(1e-3)
    assert len(s.kinks) == 4 and thin(s, LINE, Noise(np.array([1e-12]))) is s
    fewer = thin(s, LINE, Noise(np.array([1e-4])))
    np.testing.assert_allclose(fewer.kinks, [-2, 0.2e-3, 2], atol=1e-9)  # by their jumps, 2 : 1
    np.testing.assert_allclose(fewer.jumps, s.jumps[[0, 1, 3]] + [[0], s.jumps[2], [0]])
    for name in ("slopes", "values", "centers", "widths"):
        np.testing.assert_array_equal(
            getattr(fewer, name), np.delete(getattr(s, name), 2, axis=0), err_msg=name
        )


def test_one_kink_is_always_left():
    s = near_kinks(1.0)
    assert len(thin(s, LINE, Noise(np.array([10.0]))).kinks) == 1


def test_neurons_that_drowned_are_left_out():
    weights = np.array([[0.8, 0.6], [0.8, 0.6], [1e-3, 1.0]])
    kinks, tilt = np.zeros(3), np.array([0.01, 0.9, 0.01])
    block = Block(0, 3, weights, np.zeros(3), np.array([[1.0, 2, 3]]), kinks, tilt)
    left = readable(block, LINE)
    # The second one's direction is off by a radian; the third one, all across, is noise.
    np.testing.assert_array_equal(left.outputs, [[1.0]])
    assert (left.first, left.last, len(left.kinks)) == (0, 3, 1)
