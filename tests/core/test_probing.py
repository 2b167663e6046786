"""The noise of answers, heard in second differences."""

import numpy as np
import pytest
from kinked import Function

from relu_learn.asking.oracle import Oracle
from relu_learn.core.lines import Window
from relu_learn.core.pieces import Piece
from relu_learn.core.probing import noise_near, probe_noise
from relu_learn.core.target import Target

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("level", [1e-9, 1e-5, 1e-2])
def test_noise_is_estimated(level):
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        f = Function.random(5, 1, rng)

        def noisy(t, f=f, rng=rng):
            return f(t) + level * (1 + np.abs(t))[:, None] * rng.standard_normal((len(t), 1))

        ratios.append(probe_noise(noisy, rng, Window())[0] / level)
    assert 0.3 < np.median(ratios) < 4 and max(ratios) < 10


def test_rounding_is_the_least_noise(rng):
    f = Function([], np.zeros((0, 2)), 0.0, np.array([1.0, 1e6]))
    level = probe_noise(f, rng, Window())
    assert (level > 0).all() and (level < 1e-15 * np.array([1, 1e6])).all()


@pytest.mark.parametrize("level", [0.0, 1e-12, 1e-6])
def test_noise_near_a_piece_is_rounding_and_no_kink(level):
    """Steps that are short enough see no kink, however steep it is."""
    rng = np.random.default_rng(0)

    def black_box(x):
        return 1e3 * np.maximum(x[:, 0] - 1e-4, 0) + level * rng.standard_normal(len(x))

    target = Target(Oracle(black_box, 3))
    piece = Piece(0, np.zeros(3), target(np.zeros((1, 3)))[0], np.zeros((1, 3)), step=9e-5)
    known = np.array([1e-15])
    heard = noise_near(target, piece, known, rng)
    assert heard == known if level == 0 else level / 2 < heard[0] < 5 * level
