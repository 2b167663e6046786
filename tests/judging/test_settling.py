"""The few numbers that are open, once all others are right."""

import numpy as np
import pytest

from relu_learn import ReluNetwork
from relu_learn.judging.settling import network_of, numbers_of, settle
from tests.nets import make


@pytest.mark.parametrize("outputs", [1, 3])
def test_open_numbers_are_fitted_to_rounding(rng, outputs):
    secret = make(12, 6, outputs, rng=1, skip=False)
    true = numbers_of(secret)
    assert network_of(true, secret, secret.offset) == secret
    open_ = rng.random(true.shape) < 0.1
    open_[0, 12] = open_[1, 13] = True  # a bias and an output weight
    off = np.where(open_, 1e-10 * rng.standard_normal(true.shape), 0)
    near = network_of(true + off, secret, secret.offset + 1e-10)
    x = 10 * rng.standard_normal((600, 12))
    values, errors, offset, doubts = settle(near, open_, x, secret(x))
    assert (np.abs(values - true[open_]) < 6 * errors).all() and errors.max() < 1e-14
    assert (np.abs(offset - secret.offset) < 6 * doubts).all() and doubts.max() < 1e-14


def test_what_no_answer_tells_is_not_known(rng):
    net = ReluNetwork([[1.0, 0.0], [0.0, 1.0]], [0.0, 1e9], [1.0, 1.0])
    open_ = np.array([[True, False, False, False], [True, False, False, False]])
    x = rng.standard_normal((50, 2))
    values, errors, *_ = settle(net, open_, x, net(x))
    assert values[1] == 0.0 and np.isinf(errors[1]) and errors[0] < 1e-14
