"""Which link it is; and what it is if it is none."""

import numpy as np
import pytest
from scipy.special import expit

from relu_learn import NotPiecewiseLinear, zoo
from relu_learn.blackboxes import Model, find_link
from relu_learn.blackboxes.links import LINKS

SECRET = zoo.random_network(dim=4, neurons=30, outputs=3, rng=1) * 2.0
FEW = zoo.random_network(dim=4, neurons=3, outputs=3, rng=1)


def normalised(p):
    return p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("cast", [float, np.float32])
@pytest.mark.parametrize("link", ["identity", "softmax", "logits"])
def test_the_link_is_found(link, cast):
    model = Model(lambda x: LINKS[link].answers(SECRET(x)).astype(cast), 4, bounds=(-1, 2))
    assert find_link(model).link.name == link


def test_six_decimals_are_enough():
    model = Model(lambda x: LINKS["softmax"].answers(SECRET(x)).round(6), 4)
    assert find_link(model).link.name == "softmax"


@pytest.mark.parametrize("seed", [0, 3, 6])
def test_a_kink_near_the_end_of_a_segment_is_not_a_sigmoid(seed):
    few = zoo.random_network(4, 3, 2, rng=seed)
    model = Model(lambda x: LINKS["softmax"].answers(few(x)), 4, link="softmax")
    assert find_link(model, rng=seed).link.name == "softmax"


def test_what_cannot_be_told_is_not_named():
    """Ten classes of six decimals, most of them near 0: the link stays as it was."""
    sure = zoo.random_network(dim=4, neurons=30, outputs=9, rng=1) * 20.0
    model = Model(lambda x: LINKS["softmax"].answers(sure(x)).round(6), 4, link="softmax")
    assert find_link(model).link.name == "softmax"


def test_one_column():
    model = Model(lambda x: expit(SECRET(x)[:, 0]), 4)
    assert find_link(model).link.name == "logit"


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda x: normalised(expit(FEW(x))), "answers with one-vs-rest probabilities"),
        (lambda x: LINKS["softmax"].answers(np.tanh(3 * x)), "no link .* a curved activation"),
        (lambda x: np.tanh(3 * x), "no link .* a curved activation"),
        (lambda x: (x.sum(axis=1) > 0) * 1.0, "labels, a tree or a forest"),
        (lambda x: normalised(np.floor(3 * np.abs(x)) + 1), "labels, a tree or a forest"),
    ],
)
def test_what_is_none_is_named(function, words):
    with pytest.raises(NotPiecewiseLinear, match=words) as caught:
        find_link(Model(function, 4))
    left, middle, right = caught.value.witness
    assert np.allclose((left + right) / 2, middle)


def test_a_constant_tells_nothing():
    model = Model(lambda x: np.full((len(x), 2), 0.5), 4, link="softmax")
    assert find_link(model).link.name == "softmax"
