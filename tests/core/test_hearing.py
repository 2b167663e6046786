"""How precise are the answers? Heard from a few points of the first line."""

import numpy as np
import pytest

from relu_learn import zoo
from relu_learn.asking.oracle import Oracle
from relu_learn.core.hearing import hear
from relu_learn.core.space import Space

pytestmark = pytest.mark.numerical


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
