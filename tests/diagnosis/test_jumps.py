"""Jumps are named, with three points that show one."""

from __future__ import annotations

import numpy as np
import pytest

from relu_learn import NotPiecewiseLinear, learn_from_queries

pytestmark = pytest.mark.numerical


def test_step_functions_and_trees_are_named():
    def tree(x):
        return np.where(x[:, 0] > 0.3, np.where(x[:, 1] > 0, 1.0, 2.0), 3.0)

    with pytest.raises(NotPiecewiseLinear, match="jumps"):
        learn_from_queries(tree, 2, rng=0, max_queries=100_000)
