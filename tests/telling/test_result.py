"""What is handed out says in one line how good it is."""

import dataclasses
import math

import pytest

from relu_learn import learn_from_queries, zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.judging.loss import gaussian_loss
from relu_learn.network import ReluNetwork, lipschitz_bound
from relu_learn.telling.certificate import certificate
from relu_learn.telling.result import LearnResult
from relu_learn.telling.trace import Trace


def test_repr():
    net = ReluNetwork([[1.0, 2.0]], [0.5], [1.0])
    claim = certificate([1e-9], 0.05)
    result = LearnResult(net, 12345, 2e-20, claim, 1e-9, 1.25, 1e-16, Trace())
    assert repr(result) == (
        f"LearnResult({net!r}, queries=12,344 to find + 1 to be sure, loss=2.0e-20, "
        "worst_error=1.0e-09, scale=1.2, noise=1e-16, open=1e+02 % of inputs)"
    )
    assert (result.queries_to_find, result.queries_to_be_sure) == (12_344, 1)
    own = LearnResult(net, 12345, 0.0, claim, 0.0, 1.0, 0.0, Trace(), points=44, points_error=2e-9)
    assert "100 % of inputs, 2.0e-09 on 44 own points)" in repr(own).replace("1e+02", "100")
    assert (own.queries_to_find, own.queries_to_be_sure) == (12_300, 45)
    boxed = certificate([1e-9], 0.05, "uniform-on-the-box")
    assert "% of uniform points)" in repr(dataclasses.replace(result, certificate=boxed))
    noisy = LearnResult(net, 9, 0.1, claim, 0.1, 1.0, 0.3, Trace(), random=True)
    assert "random noise=3e-01" in repr(noisy)
    assert result.complete
    nothing = LearnResult(net, 1, math.inf, claim, math.inf, 1.0, 0.0, Trace(), complete=False)
    assert "loss=inf, worst_error=inf" in repr(nothing) and not nothing.complete


def test_loss_bound_of_a_run():
    """What a learner with the promise Lip F <= L can claim about the loss: true, and small."""
    secret = zoo.random_network(6, 5, outputs=2, rng=2)
    result = learn_from_queries(secret, 6, rng=0, validation=2000)
    slope = lipschitz_bound(secret)
    bound = result.loss_bound(slope)
    both = slope + lipschitz_bound(result.network)
    assert bound == result.certificate.loss_bound(both, outputs=2)
    assert abs(gaussian_loss(secret, result.network)) < 1e-12 < bound < 4e-4 * both**2
    # A hypothesis that is wrong somewhere, on the same certificate: the bound still counts it in.
    assert result.loss_bound(10 * slope) > 10 * bound
    for wrong in (-1.0, math.nan, "1"):
        with pytest.raises(InvalidArgument, match="secret_lipschitz must be"):
            result.loss_bound(wrong)


def test_no_loss_bound_on_a_box():
    secret = zoo.random_network(2, 3, rng=2)
    result = learn_from_queries(secret, 2, bounds=(-1, 1), rng=0)
    with pytest.raises(InvalidArgument, match="Gaussian isoperimetry.*uniform-on-the-box"):
        result.loss_bound(1.0)
