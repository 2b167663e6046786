"""The experiments of lesson 9: what the lesson says of them."""

from __future__ import annotations

import numpy as np

from relu_learn.copies import attack, digits, verify


def test_the_copy_is_the_secret_on_all_images():
    it = digits.theft()
    assert verify.distance_in_box(it.copy, it.secret, np.zeros(64), np.ones(64)) < 1e-7
    assert not it.copy.has_skip and it.queries < 1200
    assert (it.secret(it.images).argmax(axis=1) == it.labels).all()


def test_gradients_of_the_copy_fool_the_secret_as_often_as_asking():
    it = digits.theft()
    by_copy, by_asking = digits.attacked(0.1)
    fooled = int((attack.margins(it.secret(by_copy.inputs), it.labels) < 0).sum())
    others = int((by_asking.margins < 0).sum())
    assert 33 <= fooled <= 37 and 35 <= others <= 39
    assert 3000 < by_asking.queries.sum() < 4000
    assert not by_copy.queries.any()


def test_what_is_certain_is_between_intervals_and_the_attack():
    for size, expected in ((0.01, (53, 56, 56)), (0.02, (45, 55, 56)), (0.03, (32, 51, 51))):
        assert digits.certified(size) == expected
    for digit in (0, 9):
        least, exact, most = digits.margins_of(digit, 0.03)
        assert (least <= exact + 1e-6).all() and (exact <= most + 1e-6).all()
    assert digits.margins_of(9, 0.03)[1].min() > 0 > digits.margins_of(9, 0.03)[0].min()


def test_smaller_networks():
    plain, linear, ranks = digits.prunings(False), digits.prunings(True), digits.ranks()
    for found in (plain, linear, ranks):
        losses = [one.loss for one in found]
        assert losses[-1] < 1e-9 and np.all(np.diff(losses) <= 1e-9)
    assert plain[24].loss < 2 and plain[16].loss < 9
    assert linear[0].loss < 11 and linear[0].wrong < 5.5  # not one neuron is left
    assert abs(plain[0].loss - 100) < 1e-6
    assert ranks[16].loss < 1 and ranks[16].wrong == ranks[32].wrong
    assert plain[5].network.n_neurons == 5 == len(plain[5].kept)
