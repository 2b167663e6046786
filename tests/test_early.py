"""An epsilon ends the work early, and does nothing else."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from dirt import noisy_alike, rounded, single
from runs import looked

from relu_learn import Oracle, learn_from_queries, zoo
from relu_learn.core.evidence import FREE
from relu_learn.early import EarlyEnd
from relu_learn.telling.events import Validated

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("bounds", [None, (-2.0, 2.0)])
@pytest.mark.parametrize(
    "dirt", [single, partial(rounded, decimals=3), partial(noisy_alike, sigma=1e-3)]
)
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
            assert result.queries <= whole.queries, (seed, share)
            loss = float(np.square(result.network(x) - y).sum(axis=1).mean())
            assert loss <= max(epsilon, 1.1 * least), (seed, share)
            saved.append(1 - result.queries / whole.queries)
    assert max(saved) > (0.4 if dirt is single else 0.1)


@pytest.mark.parametrize(
    ("dirt", "shape", "bounds"),
    [(single, (5, 9, 1), None), (lambda f: f, (8, 12, 2), (-1.0, 2.0))],
    ids=["imprecise", "a box"],
)
def test_a_test_that_fails_changes_nothing(dirt, shape, bounds, monkeypatch):
    """All early ones fail here: the run asks what it asks without an epsilon, and no more; their
    points are the first ones of its own tests."""
    secret, dim = zoo.random_network(*shape, rng=2), shape[0]
    oracles = [Oracle(dirt(secret), dim) for _ in range(2)]
    whole = learn_from_queries(oracles[0], rng=2, bounds=bounds)
    monkeypatch.setattr(EarlyEnd, "passes", lambda self, evidence: False)
    epsilon = 1e-2 * whole.scale**2
    result = learn_from_queries(oracles[1], rng=2, bounds=bounds, epsilon=epsilon)
    asked = [sorted(row.tobytes() for row in oracle.history()[0]) for oracle in oracles]
    assert asked[0] == asked[1]
    x = np.random.default_rng(3).uniform(-1, 1, (100, dim))
    np.testing.assert_allclose(result.network(x), whole.network(x), rtol=0, atol=1e-10)
    own, tests = (
        [event.points for event in run.trace if isinstance(event, Validated)]
        for run in (whole, result)
    )
    early = len(tests) - len(own)
    assert early > 0
    np.testing.assert_array_equal(tests[-1], own[-1])
    first = np.concatenate(own)
    for points in tests[:early]:
        np.testing.assert_array_equal(points, first[: len(points)])
    # Each test was one more look, for which the claim pays (and 5 % of it for a refit).
    more = early * np.log(2) / result.certificate.n
    paid = result.certificate.mass - whole.certificate.mass
    assert paid == pytest.approx(more) or paid == pytest.approx((1 + 1 / FREE) * more)


def test_what_is_handed_out_is_tested_to_the_end():
    """Where F' is off, a test stops at once, as a repair follows; the last one goes on."""
    run, found = looked(zoo.random_network(3, 12, rng=0))
    early, looks = EarlyEnd(run), 1
    run.take(found.anchored())
    assert run.known is not None
    run.known = run.known * 1.001
    (first,) = run.test()
    (last,) = early.last_test()
    assert len(first.points) == 32 < len(last.points) == run.evidence.planned
    np.testing.assert_array_equal(first.points, last.points[:32])
    assert run.evidence.looks == looks and len(run.evidence.all[0]) == len(last.points)
    assert list(early.last_test()) == []
