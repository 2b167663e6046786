"""A black box that changes its answers is found out."""

from __future__ import annotations

import numpy as np
import pytest
from runs import begun, drained

from relu_learn import BlackBoxError, LearningFailed, NotPiecewiseLinear, learn_from_queries, zoo
from relu_learn.diagnosis.repeat import check_witness, require_repeatable

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("share", [0.2, pytest.param(0.02, marks=pytest.mark.slow), 0.002])
def test_a_black_box_that_is_wrong_once_in_a_while_is_found_out(share):
    secret = zoo.random_network(3, 6, rng=0)
    for seed in range(5):
        generator = np.random.default_rng(seed)

        def flaky(x, generator=generator):
            return secret(x) + (generator.random(len(x)) < share)

        with pytest.raises(BlackBoxError, match="answer the same point alike"):
            # So many fresh points meet a wrong answer or two even of the smallest share.
            learn_from_queries(flaky, 3, rng=seed, max_queries=50_000, validation=2000)


class Moody:
    """A network that can be told to answer otherwise."""

    def __init__(self):
        self.secret, self.change = zoo.random_network(3, 4, rng=0), lambda x, y: y

    def __call__(self, x):
        return self.change(x, self.secret(x))


def known(box):
    """A run that has learned the network and tested it."""
    run = begun(box, 3)
    run.take(drained(run.look()).anchored())
    list(run.test())
    return run


def test_a_black_box_that_stays_the_same_is_believed():
    box = Moody()
    run = known(box)
    before = run.oracle.queries
    require_repeatable(run)
    assert before < run.oracle.queries <= before + 32  # that is what it costs


@pytest.mark.parametrize(
    "change",
    [lambda x, y: y + 1e-3, lambda x, y: 1.001 * y, lambda x, y: -y],
    ids=["drift", "gain", "sign"],
)
def test_a_black_box_that_changed_is_named_with_a_query(change):
    box = Moody()
    run = known(box)
    box.change = change
    with pytest.raises(BlackBoxError, match="must answer the same point alike") as caught:
        require_repeatable(run)
    asked, answers = run.outside.history()
    query = caught.value.query
    assert query.shape == (1, 3)
    first = np.flatnonzero((asked == query).all(axis=1))[0]
    assert abs(box(query)[0] - answers[first]) > 1e-6


def test_nothing_is_asked_beyond_the_budget():
    box = Moody()
    run = known(box)
    run.oracle.max_queries = run.oracle.queries + 3
    box.change = lambda x, y: y + 1
    require_repeatable(run)
    assert run.oracle.remaining == 3


def test_a_witness_is_asked_again():
    box = Moody()
    run = known(box)
    x = np.array([[0.1, 0, 0], [0.1, 0, 1e-3], [0.1, 0, 2e-3]])
    with pytest.raises(BlackBoxError, match="was not straight, and is when asked again") as caught:
        check_witness(run, NotPiecewiseLinear("bends", x))
    np.testing.assert_array_equal(caught.value.query, x)
    box.change = lambda x, y: y + 1e3 * x[:, 2] ** 2
    check_witness(run, NotPiecewiseLinear("bends", x))  # it does bend
    check_witness(run, LearningFailed("has no witness"))
