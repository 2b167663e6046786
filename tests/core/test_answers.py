"""What is known of the answers: scales that divide exactly, and what each kind means."""

import numpy as np
import pytest

from relu_learn.core.answers import Answers, powers_of_two


def test_scales_are_powers_of_two_near_the_sizes():
    size = np.array([1.0, 3.0, 5.0, 1e-9, 1e9])
    scale = powers_of_two(size)
    mantissa, _ = np.frexp(scale)
    assert (mantissa == 0.5).all()
    assert (np.abs(np.log2(scale / size)) <= 0.5).all()


def test_unknown_sizes_are_like_the_largest():
    np.testing.assert_array_equal(powers_of_two(np.array([0.0, 8.0, 2.0])), [8, 8, 2])
    np.testing.assert_array_equal(powers_of_two(np.zeros(2)), [1, 1])
    assert powers_of_two(np.array([1e-200, 1e200]))[0] > 1e130  # its square divides nothing by 0


def test_noise_is_in_units_of_the_scale():
    answers = Answers.of(np.array([8.0, 0.5]), np.array([8e-6, 5e-10]))
    np.testing.assert_allclose(answers.noise, [1e-6, 1e-9])
    assert answers.size == 8 and answers.heard == pytest.approx(8e-6)
    assert answers.rounding == pytest.approx(8e-6)
    assert Answers.of(np.zeros(1), np.zeros(1)).noise[0] > 0  # zeros say nothing about rounding
    assert Answers.of(np.zeros(1), np.zeros(1)).size == 1


def test_more_noise_changes_nothing_else():
    answers = Answers.of(np.array([4.0]), np.array([4e-15]))
    louder = answers.louder(np.array([1e-3]))
    assert louder.rounding == pytest.approx(4e-3) and louder.heard == answers.heard
    assert (louder.kind, louder.scale is answers.scale) == (answers.kind, True)


@pytest.mark.parametrize(
    ("kind", "exact", "random", "lattice", "grows"),
    [
        ("exact", True, False, 0.5, False),
        ("float32", False, False, 0.5, True),
        ("digits", False, False, 0.5, True),
        ("rounded", False, False, 0.5, False),
        ("random", False, True, 0.0, False),
    ],
)
def test_kinds(kind, exact, random, lattice, grows):
    answers = Answers(np.ones(1), np.ones(1), 1.0, kind, step=0.5)
    assert (answers.exact, answers.random, answers.grows) == (exact, random, grows)
    assert answers.lattice == lattice
