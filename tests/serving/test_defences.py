"""What each defence does to answers, and what it refuses."""

import numpy as np
import pytest

from relu_learn import InvalidArgument, zoo
from relu_learn.serving.defences import Defences, Defended, Refusal

NETWORK = zoo.random_network(4, 6, 3, rng=0)
X = np.random.default_rng(1).standard_normal((200, 4))


def answers(**defences):
    return Defended(NETWORK, 4, Defences(**defences), rng=0)(X)


def test_no_defence_is_the_model_itself():
    assert np.array_equal(answers(), NETWORK(X))
    assert str(Defences()) == "no defence"


def test_rounding_and_noise():
    assert np.array_equal(answers(decimals=2), np.round(NETWORK(X), 2))
    off = answers(noise=0.1) - NETWORK(X)
    assert 0.09 < off.std() < 0.11
    assert np.array_equal(answers(noise=0.1, decimals=1), np.round(answers(noise=0.1), 1))


def test_labels_only():
    assert np.array_equal(answers(labels_only=True), NETWORK(X).argmax(axis=1))
    one = Defended(zoo.random_network(4, 3, rng=0), 4, Defences(labels_only=True))(X)
    assert one.shape == (200,) and set(one) == {0, 1}


def test_eight_bits():
    coarse = answers(int8=True)
    for column, exact in zip(coarse.T, NETWORK(X).T, strict=True):
        values = np.unique(column)
        steps = np.diff(values)
        assert len(values) <= 256 and np.allclose(
            steps / steps.min(), np.round(steps / steps.min())
        )
        assert np.abs(column - exact).max() <= 0.51 * steps.min() + 1e-12


def test_a_budget_is_each_clients_own_and_a_refused_batch_costs_nothing():
    service = Defended(NETWORK, 4, Defences(budget=10))
    service.answer(X[:8], "a")
    with pytest.raises(Refusal, match="2 of them left, not 3") as refusal:
        service.answer(X[:3], "a")
    assert refusal.value.status == 429 and service.spent == {"a": 8}
    service.answer(X[:2], "a")
    service.answer(X[:10], "b")


def test_a_box():
    service = Defended(NETWORK, 4, Defences(bounds=(-1, 1)))
    assert np.array_equal(service(X[:5] / 10), NETWORK(X[:5] / 10))
    with pytest.raises(Refusal, match="outside the box") as refusal:
        service(X[:5] + 9)
    assert refusal.value.status == 400 and service.spent[""] == 5


@pytest.mark.parametrize(
    "wrong",
    [{"decimals": -1}, {"decimals": 16}, {"noise": -1.0}, {"budget": 0}, {"bounds": (1, 0)}],
)
def test_impossible_defences(wrong):
    with pytest.raises(InvalidArgument, match=next(iter(wrong))):
        Defences(**wrong)
