"""Fresh points: in one order, however they are taken and put back."""

from __future__ import annotations

import numpy as np
import pytest

from relu_learn import Oracle, zoo
from relu_learn.asking.fresh import Fresh

pytestmark = pytest.mark.numerical


def test_what_is_put_back_is_taken_again_and_asked_once():
    secret = zoo.random_network(3, 4, rng=0)
    oracle, usual = Oracle(secret, 3), np.random.default_rng(5).standard_normal((60, 3))
    rng = np.random.default_rng(5)
    fresh = Fresh(lambda n: rng.standard_normal((n, 3)))
    asked = fresh.take(20, oracle)
    assert np.array_equal(asked[0], usual[:20]) and len(fresh) == 0
    fresh.put_back(*asked)
    assert len(fresh) == 20
    few = fresh.take(8, oracle)
    assert np.array_equal(few[0], usual[:8]) and len(fresh) == 12 and oracle.queries == 20
    fresh.put_back(*few)  # before what is left of them
    x, y = fresh.take(50, oracle)
    assert np.array_equal(x, usual[:50]) and np.array_equal(y, secret(x))
    assert oracle.queries == 50 and len(fresh) == 0
    assert np.array_equal(fresh.take(10, oracle)[0], usual[50:])
