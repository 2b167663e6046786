"""Never silently wrong: what results claim about themselves, compared with the truth."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from relu_learn import Oracle, QueryBudgetExceeded, certificate, learn_from_queries, zoo
from relu_learn.core.evidence import FREE

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import claims  # noqa: E402

pytestmark = pytest.mark.numerical


@pytest.mark.slow
def test_fewer_claims_are_wrong_than_delta_allows():
    """200 runs; `tests/benchmarks/claims.py` makes thousands."""
    runs = [claims.check(claims.draw(seed)) for seed in range(200)]
    made = [c for c in runs if c is not None and c.n]
    assert len(made) > 170
    assert sum(c.ending != "complete" for c in made) > 15
    for delta in claims.DELTAS:
        of_them = [c for c in made if c.delta == delta]
        wrong = [c for c in of_them if c.violated]
        assert len(of_them) > 70
        assert len(wrong) <= delta * len(of_them), [c.case for c in wrong]
        bounded = [c for c in of_them if c.loss_bound < math.inf]
        assert len(bounded) > 40
        assert sum(c.loss_violated for c in bounded) <= delta * len(bounded)
    # Claims that are never wrong would be far too cautious, or the measurement blind.
    assert any(c.violated for c in made)


def test_a_second_test_has_to_be_stricter():
    secret = zoo.get("hat", dim=3, width=0.03, rng=0)
    looks = {}
    for seed in range(40):
        events = []
        result = learn_from_queries(
            secret, 3, rng=seed, validation=200, delta=0.2, on_event=events.append
        )
        tests = sum(type(e).__name__ == "Validated" for e in events)
        n = result.certificate.n
        factor = result.certificate.mass / (np.log(2**tests / 0.2) / n)
        assert min(abs(factor - 1), abs(factor - 1 - 1 / FREE)) < 1e-9  # or it was refitted, too
        looks.setdefault(tests, seed)
    assert len(looks) > 1  # some runs needed a repair
    assert certificate(np.zeros(100), 0.2).mass == pytest.approx(np.log(5) / 100)


@pytest.mark.slow
def test_a_partial_result_claims_only_what_was_tested():
    """Stopped at every stage of a run with repairs: what the partial claims holds for *it*."""
    secret = zoo.get("hat", dim=3, width=0.03, rng=1)
    seed = next(s for s in range(100) if _tests(secret, s) > 2)
    whole = learn_from_queries(secret, 3, rng=seed, validation=100).queries
    x = np.random.default_rng(0).standard_normal((10_000, 3))
    claimed = 0
    for budget in range(30, whole, 13):
        oracle = Oracle(secret, 3, max_queries=budget)
        with pytest.raises(QueryBudgetExceeded) as caught:
            learn_from_queries(oracle, 3, rng=seed, validation=100)
        partial = caught.value.partial
        assert partial.queries == oracle.queries == len(oracle.history()[0]) <= budget
        claim = partial.certificate
        assert (claim.n == 0) == (claim.mass == 1.0) == (partial.loss == np.inf)
        if claim.n:
            claimed += 1
            wrong = np.abs(secret(x) - partial.network(x)) > claim.eta
            assert wrong.mean() <= claim.mass
    assert claimed > 10


def _tests(secret, seed) -> int:
    events = []
    learn_from_queries(secret, 3, rng=seed, validation=100, on_event=events.append)
    return sum(type(e).__name__ == "Validated" for e in events)
