"""What is handed out says in one line how good it is."""

import math

from relu_learn.core.certificate import certificate
from relu_learn.core.network import ReluNetwork
from relu_learn.core.result import LearnResult
from relu_learn.core.trace import Trace


def test_repr():
    net = ReluNetwork([[1.0, 2.0]], [0.5], [1.0])
    claim = certificate([1e-9], 0.05)
    result = LearnResult(net, 12345, 2e-20, claim, 1e-9, 1.25, 1e-16, Trace())
    assert repr(result) == (
        f"LearnResult({net!r}, queries=12,344 to find + 1 to be sure, loss=2.0e-20, "
        "worst_error=1.0e-09, scale=1.2, noise=1e-16, open=1e+02 % of inputs)"
    )
    assert (result.queries_to_find, result.queries_to_be_sure) == (12_344, 1)
    noisy = LearnResult(net, 9, 0.1, claim, 0.1, 1.0, 0.3, Trace(), random=True)
    assert "random noise=3e-01" in repr(noisy)
    assert result.complete
    nothing = LearnResult(net, 1, math.inf, claim, math.inf, 1.0, 0.0, Trace(), complete=False)
    assert "loss=inf, worst_error=inf" in repr(nothing) and not nothing.complete
