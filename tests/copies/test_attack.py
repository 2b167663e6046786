"""Attacks: small changes that change the class, with a copy and without."""

from __future__ import annotations

import numpy as np
import pytest

from relu_learn import ReluNetwork, zoo
from relu_learn.copies.attack import by_answers, by_gradients, margins

SIZE = 0.1


@pytest.fixture(scope="module")
def right():
    """Sixty held-out digits that the network gets right."""
    images, labels = zoo.held_out_digits()
    rows = np.flatnonzero(zoo.digits()(images).argmax(axis=1) == labels)[:60]
    return images[rows], labels[rows]


def test_margins():
    scores = np.array([[3.0, 1.0, 2.5], [0.0, 4.0, 1.0]])
    np.testing.assert_allclose(margins(scores, np.array([0, 2])), [0.5, -3.0])


@pytest.mark.parametrize("kind", ["gradients", "answers"])
def test_changes_are_small_and_fool_the_network(right, kind):
    images, labels = right
    secret, asked = zoo.digits(), []

    def box(x):
        asked.append(len(x))
        return secret(x)

    if kind == "gradients":
        attack = by_gradients(secret, images, labels, SIZE)
    else:
        attack = by_answers(box, images, labels, SIZE, rng=0)
    assert np.abs(attack.inputs - images).max() <= SIZE + 1e-12
    assert attack.inputs.min() >= 0 and attack.inputs.max() <= 1
    np.testing.assert_allclose(attack.margins, margins(secret(attack.inputs), labels), atol=1e-9)
    wrong = secret(attack.inputs).argmax(axis=1) != labels
    np.testing.assert_array_equal(wrong, attack.margins < 0)
    assert 30 <= wrong.sum() <= 40
    assert attack.queries.sum() == sum(asked)
    assert attack.queries.max() <= 1 + 2 * 64


def test_a_linear_network_is_attacked_to_the_end():
    """Its gradient is the same everywhere: every coordinate goes to the end that hurts."""
    slopes = [[1, -2, 0.5], [0, 0, 0]]
    linear, low = (
        ReluNetwork(np.zeros((0, 3)), [], np.zeros((2, 0)), slopes, [lead, 0]) for lead in (1, 0)
    )
    x, label = np.full((1, 3), 0.5), np.array([0])
    for attack in (by_gradients(linear, x, label, 0.2), by_answers(linear, x, label, 0.2, 0)):
        np.testing.assert_allclose(attack.inputs, [[0.3, 0.7, 0.3]])
        np.testing.assert_allclose(attack.margins, 0.05)
    # Fooled from the start: nothing is tried.
    assert by_answers(low, x, label, 0.2, 0).queries.tolist() == [1]
