"""How precise are the answers? Heard from a few points of the first line."""

import numpy as np
import pytest
from kinked import Function

from relu_learn import zoo
from relu_learn.asking.oracle import Oracle
from relu_learn.core.hearing import hear, noise_near, probe_noise
from relu_learn.core.lines import Window
from relu_learn.core.pieces import Piece
from relu_learn.core.space import Space
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


def heard(black_box, dim=4, seed=0):
    rng = np.random.default_rng(seed)
    space = Space(dim)
    return hear(Oracle(black_box, dim), space, space.line(rng), rng)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e4])
def test_exact_answers_are_clear(scale):
    for seed in range(10):
        secret = zoo.random_network(4, 6, 2, rng=seed) * scale
        found = heard(secret, seed=seed)
        assert found.is_clear() and not found.single, seed
        assert found.answers.exact and found.answers.rounding < 1e-13 * found.size.max()
        assert found.oracle.queries == 18 + 2  # the probes, and one question asked twice


DIRT = {
    "float32": lambda y: y.astype(np.float32),
    "decimals": lambda y: np.round(y, 4),
    "noise": lambda y: y + 1e-6 * np.random.default_rng(y.size).standard_normal(y.shape),
    "coarse": lambda y: np.round(y * 512) / 512,
}


@pytest.mark.parametrize("kind", DIRT)
def test_other_answers_are_listened_to_more_closely(kind):
    for seed in range(10):
        secret = zoo.random_network(4, 6, rng=seed)
        found = heard(lambda x, f=secret: DIRT[kind](f(x)), seed=seed)
        assert not found.is_clear(), seed
        assert found.single == (kind in ("float32", "coarse"))


def test_a_constant_is_not_taken_for_decimals():
    assert not heard(lambda x: np.full(len(x), 0.25)).spread.any()
    assert heard(lambda x: np.full(len(x), np.pi)).size == pytest.approx(np.pi)


def test_an_output_that_is_zero_here_has_no_size_of_its_own():
    secret = zoo.random_network(4, 6, rng=0)
    found = heard(lambda x: np.column_stack([secret(x), np.zeros(len(x))]))
    assert found.size[0] > 0 and found.size[1] == 0
    assert found.answers.scale[1] == found.answers.scale[0]  # like the other one


def test_exact_answers_of_any_size_are_no_decimals():
    for scale in (1e3, 1e6, 1e9, 1e30):
        secret = zoo.random_network(4, 6, rng=1)
        found = heard(lambda x, secret=secret, scale=scale: scale * secret(x))
        assert found.is_clear()
    assert not heard(lambda x: np.round(1e6 * secret(x), 3)).is_clear()


def test_silence_is_not_a_size():
    """What rounding leaves of a bump far away is no size; a constant is one, and so is noise."""
    assert heard(lambda x: np.zeros(len(x))).silent
    assert heard(lambda x: 1e-15 * np.sign(x[:, 0])).silent
    assert not heard(lambda x: np.full(len(x), 3.0)).silent
    assert not heard(lambda x: np.random.default_rng(0).standard_normal(len(x))).silent


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
