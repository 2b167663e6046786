"""An epsilon ends the work early, and does nothing else."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from dirt import noisy, rounded, single
from runs import price_of_epsilon

from relu_learn import Oracle, learn_from_queries, zoo
from relu_learn.imprecise.early import EarlyEnd
from relu_learn.telling.events import Validated

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("bounds", [None, (-2.0, 2.0)])
@pytest.mark.parametrize("dirt", [single, partial(rounded, decimals=3), partial(noisy, sigma=1e-3)])
def test_epsilon_costs_nothing(dirt, bounds):
    """And saves what there is to save: float32 networks are learned to 1e-7."""
    saved = []
    for seed, shape in enumerate([(2, 12, 1), (5, 9, 3), (8, 3, 1)]):
        secret, dim = zoo.random_network(*shape, rng=seed), shape[0]
        learn = partial(learn_from_queries, dim=dim, rng=seed, bounds=bounds)
        rng, n = np.random.default_rng(3), (4000, dim)
        x = rng.standard_normal(n) if bounds is None else rng.uniform(*bounds, n)
        y = secret(x).reshape(len(x), -1)
        whole = learn(dirt(secret))
        least = float(np.square(whole.network(x) - y).sum(axis=1).mean())
        for share in (1e-9, 1e-3, 0.1):
            epsilon = share * float(y.var(axis=0).sum())
            result = learn(dirt(secret), epsilon=epsilon)
            assert price_of_epsilon(result, whole) <= 0, (seed, share)
            loss = float(np.square(result.network(x) - y).sum(axis=1).mean())
            assert loss <= max(epsilon, 1.1 * least), (seed, share)
            saved.append(1 - result.queries / whole.queries)
    assert max(saved) > (0.4 if dirt is single else 0.1)


def test_a_test_that_fails_changes_nothing(monkeypatch):
    """All early ones fail here: the run asks what it asks without an epsilon, in the same order,
    and the points of these tests are the first ones of its last."""
    secret = zoo.random_network(5, 9, rng=2)
    oracles = [Oracle(lambda x: secret(x).astype(np.float32), 5) for _ in range(2)]
    whole = learn_from_queries(oracles[0], rng=2)
    monkeypatch.setattr(EarlyEnd, "passes", lambda self, evidence: False)
    result = learn_from_queries(oracles[1], rng=2, epsilon=1e-2 * whole.scale**2)
    assert result.network == whole.network
    tests = [event.points for event in result.trace if isinstance(event, Validated)]
    usual, last = whole.certificate, result.certificate
    assert len(tests) > 1 and len(tests[-1]) == last.n > usual.n
    for points in tests[:-1]:
        assert np.array_equal(points, tests[-1][: len(points)])
    asked = [oracle.history()[0] for oracle in oracles]
    early = {row.tobytes() for points in tests for row in points}
    path = [[row for row in x if row.tobytes() not in early] for x in asked]
    assert np.array_equal(*path) and len(path[0]) == whole.queries - usual.n
    assert result.queries == len(path[0]) + last.n
    # Each test was one more look.
    looks = (last.mass * last.n - usual.mass * usual.n) / np.log(2)
    assert looks == pytest.approx(len(tests) - 1)
