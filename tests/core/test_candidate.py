"""Where a method could end: wherever it goes on because F' is not precise enough."""

from __future__ import annotations

import pytest
from runs import begun

from relu_learn import zoo
from relu_learn.core.candidate import Candidate
from relu_learn.core.learning import adaptive

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize(("secret", "some"), [(zoo.random_network(3, 4, rng=0), 0), (zoo.hat(), 1)])
def test_a_network_that_is_repaired_might_have_done(secret, some):
    run = begun(secret, secret.dim)
    candidates = [step for step in adaptive(run) if isinstance(step, Candidate)]
    assert (len(candidates) > 0) == some
    for candidate in candidates:
        assert candidate.network is not None and candidate.errors is None
