"""Bounds in a box: what they say is true of every point, and the exact one is attained."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from relu_learn import ReluNetwork, learn_from_queries, orient, zoo
from relu_learn.copies.verify import (
    box_around,
    distance_in_box,
    exact_margin,
    interval_margins,
    is_certain,
)


@pytest.fixture(scope="module")
def network():
    return zoo.random_network(2, 6, outputs=3, rng=0)


BOXES = [(np.array([-1.0, -0.5]), np.array([0.5, 1.0])), (np.zeros(2), np.full(2, 0.1))]


@pytest.mark.parametrize(("low", "high"), BOXES)
@pytest.mark.parametrize(("label", "other"), [(0, 1), (0, 2), (2, 1)])
def test_bounds_are_in_order_and_the_exact_one_is_attained(network, low, high, label, other):
    bound = interval_margins(network, low, high, label)[other]
    least, point = exact_margin(network, low, high, label, other)
    scores = network(point)
    assert scores[label] - scores[other] == pytest.approx(least, abs=1e-6)
    assert (low - 1e-9 <= point).all() and (point <= high + 1e-9).all()
    grid = np.array([*itertools.product(*np.linspace(low, high, 101).T)])
    values = network(grid)
    seen = (values[:, label] - values[:, other]).min()
    assert bound <= least + 1e-6
    assert least <= seen + 1e-6
    slope = np.abs(network.gradient(grid)).sum(axis=2).max() * 2
    assert seen <= least + slope * (high - low).max() / 200


def test_only_what_is_below_a_limit_matters(network):
    low, high = BOXES[0]
    least, _ = exact_margin(network, low, high, 0, 1)
    assert exact_margin(network, low, high, 0, 1, below=least - 0.01) == (math.inf, None)
    assert exact_margin(network, low, high, 0, 1, below=least + 0.01)[0] == pytest.approx(least)


def test_certain_is_what_no_point_contradicts(network):
    rng = np.random.default_rng(0)
    verdicts = []
    for centre in rng.uniform(0, 1, (20, 2)):
        low, high = box_around(centre, 0.1)
        assert low.min() >= 0 and high.max() <= 1
        label = int(network(centre).argmax())
        verdicts.append(is_certain(network, low, high, label))
        margins = [exact_margin(network, low, high, label, j)[0] for j in range(3) if j != label]
        assert verdicts[-1] == (min(margins) > 1e-5)
    assert 0 < sum(verdicts) < 20


def test_a_copy_is_as_far_from_the_original_as_it_is_said_at_most():
    secret = zoo.random_network(4, 6, outputs=2, rng=3)
    copy = learn_from_queries(secret, 4, rng=0).network
    assert copy.has_skip  # turned neurons
    low, high = np.full(4, -1.0), np.full(4, 1.0)
    x = np.random.default_rng(0).uniform(low, high, (10_000, 4))
    for network in (copy, orient(copy)):
        assert np.abs(network(x) - secret(x)).max() <= distance_in_box(network, secret, low, high)
        assert distance_in_box(network, secret, low, high) < 1e-8
    rough = ReluNetwork(secret.weights + 1e-3, secret.biases - 1e-3, secret.output_weights)
    bound = distance_in_box(rough, secret, low, high)
    assert np.abs(rough(x) - secret(x)).max() <= bound < 0.1
    fewer = ReluNetwork(secret.weights[1:], secret.biases[1:], secret.output_weights[:, 1:])
    assert distance_in_box(fewer, secret, low, high) == math.inf
