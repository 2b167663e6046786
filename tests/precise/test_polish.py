"""Polish: everything measured again, for the last digits."""

from __future__ import annotations

import pytest

from relu_learn import learn_from_queries, worst_error, zoo

pytestmark = pytest.mark.numerical


def relative_error(secret, network) -> float:
    worst, scale = worst_error(secret, network)
    return worst / scale


def parameters(dim: int, neurons: int, outputs: int) -> int:
    mixing = outputs * neurons if outputs > 1 else 0
    return neurons * (dim + 1) + mixing + outputs * (dim + 1)


def test_polish_gains_digits():
    secret = zoo.random_network(784, 32, rng=0)
    plain = learn_from_queries(secret, 784, rng=0)
    polished = learn_from_queries(secret, 784, rng=0, polish=True)
    assert relative_error(secret, polished.network) < relative_error(secret, plain.network)
    assert relative_error(secret, polished.network) <= 2e-12
    assert polished.queries <= 2.2 * parameters(784, 32, 1)
