"""A black box that changes its answers is found out."""

from __future__ import annotations

import numpy as np
import pytest

from relu_learn import BlackBoxError, learn_from_queries, zoo

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("share", [0.2, pytest.param(0.02, marks=pytest.mark.slow), 0.002])
def test_a_black_box_that_is_wrong_once_in_a_while_is_found_out(share):
    secret = zoo.random_network(3, 6, rng=0)
    for seed in range(5):
        generator = np.random.default_rng(seed)

        def flaky(x, generator=generator):
            return secret(x) + (generator.random(len(x)) < share)

        with pytest.raises(BlackBoxError, match="answer the same point alike"):
            learn_from_queries(flaky, 3, rng=seed, max_queries=50_000)
