"""Predicted queries against real runs."""

import numpy as np
import pytest

from relu_learn import InvalidArgument, learn_from_queries, zoo
from relu_learn.judging.planning import plan, queries_by_purpose

pytestmark = pytest.mark.numerical


SIZES = [
    (1, 20, 1),
    (2, 8, 1),
    (5, 20, 1),
    (10, 15, 1),
    (10, 30, 1),
    (5, 100, 1),
    (100, 50, 1),
    (784, 32, 1),
    (10, 30, 3),
    (64, 32, 10),
    (784, 128, 10),
]


@pytest.mark.parametrize(
    ("dim", "neurons", "outputs"),
    [pytest.param(*size, marks=pytest.mark.slow if size[0] == 784 else ()) for size in SIZES],
)
def test_within_ten_percent_of_real_runs(dim, neurons, outputs):
    predicted = plan(dim, outputs, neurons)
    seeds = range(3 if dim == 784 else 7)
    real = [
        learn_from_queries(zoo.random_network(dim, neurons, outputs, rng=s), dim, rng=s).queries
        for s in seeds
    ]
    assert abs(predicted.queries / np.median(real) - 1) < 0.1
    assert predicted.low <= np.median(real) <= predicted.high
    assert predicted.low < predicted.queries < predicted.high
    assert predicted.seconds > 0


@pytest.mark.parametrize(("dim", "neurons", "outputs"), [(100, 30, 1), (64, 32, 10)])
def test_polish_is_counted(dim, neurons, outputs):
    predicted = plan(dim, outputs, neurons, polish=True)
    real = [
        learn_from_queries(
            zoo.random_network(dim, neurons, outputs, rng=s), dim, rng=s, polish=True
        ).queries
        for s in range(3)
    ]
    assert abs(predicted.queries / np.median(real) - 1) < 0.1
    assert predicted.breakdown["polish"] > 0.25 * predicted.queries


def test_breakdown_adds_up():
    predicted = plan(200, 1, 10)
    assert sum(predicted.breakdown.values()) == predicted.queries
    assert predicted.breakdown["gradients"] == 11 * 199
    assert predicted.breakdown["polish"] == 0


def test_the_same_every_time():
    first, second = plan(20, 2, 5), plan(20, 2, 5)
    assert (first.queries, first.low, first.high) == (second.queries, second.low, second.high)


def test_more_outputs_ask_less():
    assert plan(100, 10, 50).queries < plan(100, 1, 50).queries / 4


def test_affine_black_box():
    predicted = plan(50, 1, 0)
    secret = zoo.random_network(50, 0, rng=1, skip=True)
    assert predicted.queries == pytest.approx(
        learn_from_queries(secret, 50, rng=0).queries, rel=0.1
    )


def test_counts_parameters():
    assert plan(10, 1, 15).parameters == 15 * 11 + 11
    net = zoo.random_network(64, 32, 10, rng=0, skip=True)
    assert plan(64, 10, 32).parameters == net.n_parameters


def test_says_what_it_predicts():
    predicted = plan(10, 1, 15)
    assert f"{predicted.queries:,} queries" in str(predicted)
    assert str(predicted).startswith("10-15-1")


@pytest.mark.parametrize(
    ("sizes", "name"),
    [((0, 1, 1), "dim"), ((1, 0, 1), "outputs"), ((1, 1, -1), "neurons"), ((1.5, 1, 1), "dim")],
)
def test_sizes_are_checked(sizes, name):
    with pytest.raises(InvalidArgument, match=name):
        plan(*sizes)


def test_purposes_of_a_trace_add_up():
    secret = zoo.random_network(30, 10, rng=3)
    result = learn_from_queries(secret, 30, rng=0)
    spent = queries_by_purpose(result.trace, 30)
    assert sum(spent.values()) == result.queries
    assert spent["gradients"] >= 10 * 29 and spent["line search"] > 50
    assert spent["validation"] > 0
