"""Predicted queries against real runs."""

import functools

import numpy as np
import pytest
from nets import filters

from relu_learn import InvalidArgument, Oracle, ReluNetwork, learn_from_queries, zoo
from relu_learn.bounded.box import Box
from relu_learn.core.answers import Answers
from relu_learn.core.brake import _ANY, Brake
from relu_learn.core.evidence import Evidence
from relu_learn.core.looks import Looks
from relu_learn.core.run import Run
from relu_learn.core.settings import Settings
from relu_learn.core.space import Space
from relu_learn.judging.planning import plan, queries_by_purpose

pytestmark = pytest.mark.numerical

# Where a run is rehearsed, the same plan serves several tests.
rehearsed = functools.cache(plan)


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
LONG = {(5, 100, 1), (10, 30, 1), (64, 32, 10), (784, 32, 1), (784, 128, 10)}


@pytest.mark.parametrize(
    ("dim", "neurons", "outputs"),
    [pytest.param(*size, marks=pytest.mark.slow if size in LONG else ()) for size in SIZES],
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


ANSWERS = {
    "exact": {},
    "float32": {"answers": "float32"},
    "3 decimals": {"answers": "rounded", "step": 1e-3},
    "6 decimals": {"answers": "rounded", "step": 1e-6},
    "noise": {"answers": "noisy", "noise": 1e-2},
}
BOXES = [None, (-2.0, 2.0)]


def answering(secret, kind, seed):
    random = np.random.default_rng(seed)
    spread = secret(random.standard_normal((4000, secret.dim))).std(axis=0)

    def noisy(x):
        y = secret(x)
        return y + 1e-2 * spread * random.standard_normal(y.shape)

    return {
        "exact": secret,
        "float32": lambda x: secret(x).astype(np.float32),
        "3 decimals": lambda x: np.round(secret(x), 3),
        "6 decimals": lambda x: np.round(secret(x), 6),
        "noise": noisy,
    }[kind]


def real_median(size, kind, bounds, seeds=5):
    dim, neurons, outputs = size
    spent = []
    for s in range(seeds):
        secret = zoo.random_network(dim, neurons, outputs, rng=s)
        black_box = answering(secret, kind, s)
        spent.append(learn_from_queries(black_box, dim, rng=s, bounds=bounds).queries)
    return np.median(spent)


@pytest.mark.filterwarnings("ignore:the answers are random")
@pytest.mark.slow
@pytest.mark.parametrize("bounds", BOXES)
@pytest.mark.parametrize("kind", ANSWERS)
def test_kinds_of_answers_and_spaces_within_a_quarter(kind, bounds):
    predicted = rehearsed(10, 1, 15, bounds=bounds, **ANSWERS[kind])
    assert abs(predicted.queries / real_median((10, 15, 1), kind, bounds) - 1) < 0.25


@pytest.mark.slow
@pytest.mark.parametrize("bounds", BOXES[:1])
def test_float32_digits_within_a_quarter(bounds):
    predicted = plan(64, 10, 32, answers="float32", bounds=bounds)
    real = real_median((64, 32, 10), "float32", bounds, seeds=1)
    assert abs(predicted.queries / real - 1) < 0.25


@pytest.mark.slow
@pytest.mark.parametrize("size", [(30, 10, 1), (100, 32, 1)])
def test_boxes_within_a_quarter(size):
    dim, neurons, outputs = size
    predicted = plan(dim, outputs, neurons, bounds=BOXES[1])
    assert abs(predicted.queries / real_median(size, "exact", BOXES[1]) - 1) < 0.25


def test_one_coordinate_of_a_box_may_be_wide():
    """The rehearsal in fewer dimensions takes a share of the coordinates."""
    low, high = np.full(60, -2.0), np.linspace(1.0, 3.0, 60)
    predicted = plan(60, 1, 4, bounds=(low, high))
    assert predicted.queries > plan(60, 1, 4, validation=32).queries


def test_samples_of_imprecise_answers_are_told_apart():
    predicted = plan(100, 1, 2, answers="noisy", noise=1e-2)
    assert sum(predicted.breakdown.values()) == predicted.queries
    assert predicted.breakdown["samples"] > 0.7 * predicted.queries
    assert plan(100, 1, 2).breakdown["samples"] == 0


@pytest.mark.parametrize(("dim", "neurons", "outputs"), [(20, 10, 1), (200, 12, 1), (64, 32, 10)])
def test_lean_runs_are_planned(dim, neurons, outputs):
    predicted = plan(dim, outputs, neurons, lean=True)
    real = [
        learn_from_queries(
            zoo.random_network(dim, neurons, outputs, rng=s), dim, rng=s, lean=True
        ).queries
        for s in range(5)
    ]
    assert abs(predicted.queries / np.median(real) - 1) < 0.1
    assert predicted.queries < 0.95 * plan(dim, outputs, neurons).queries


def rank_10(random, k, d):
    return random.standard_normal((k, 10)) @ random.standard_normal((10, d)) / np.sqrt(10 * d)


STRUCTURES = [(256, 24, filters, {"nonzeros": 9}), (200, 30, rank_10, {"rank": 10})]


@pytest.mark.parametrize(("dim", "neurons", "layer", "sizes"), STRUCTURES)
def test_structured_layers_are_planned(dim, neurons, layer, sizes):
    predicted = plan(dim, 1, neurons, structure="auto", **sizes)
    real = []
    for s in range(5):
        net = zoo.random_network(dim, neurons, rng=s)
        weights = layer(np.random.default_rng([s, 0]), neurons, dim)
        secret = ReluNetwork(weights, net.biases, net.output_weights)
        real.append(learn_from_queries(secret, dim, rng=s, structure="auto").queries)
    assert abs(predicted.queries / np.median(real) - 1) < 0.1
    assert predicted.low <= np.median(real) <= predicted.high
    assert predicted.queries < 0.65 * plan(dim, 1, neurons).queries
    assert sum(predicted.breakdown.values()) == predicted.queries


def test_what_has_no_structure_pays_two_per_cent_at_most():
    """And where gradients are not guessed, nothing."""
    assert 1 < plan(200, 3, 20, structure="auto").queries / plan(200, 3, 20).queries < 1.02
    box = plan(120, 1, 2, bounds=(-1, 1), structure="auto", rank=1)
    assert box.queries == plan(120, 1, 2, bounds=(-1, 1)).queries


def test_beyond_a_thousand_inputs_whole_gradients_cost_more():
    """Guesses do not: of two neurons of rank one all gradients are multiples of the first."""
    settings = {"structure": "auto", "rank": 1, "validation": 32}
    small, large = (plan(d, 1, 2, **settings).breakdown for d in (1000, 2000))
    assert large["gradients"] - small["gradients"] == 1000


def test_the_final_test_is_priced():
    """Of few neurons, which are tested longer, and of more."""
    for k in (6, 15):
        result = learn_from_queries(zoo.random_network(10, k, rng=0), 10, rng=0)
        assert plan(10, 1, k).breakdown["validation"] == result.queries_to_be_sure
    assert plan(10, 1, 15, validation=50).breakdown["validation"] == 50


@pytest.mark.parametrize(
    ("keywords", "name"),
    [
        ({"answers": "float64"}, "answers"),
        ({"answers": "rounded"}, "step"),
        ({"answers": "rounded", "step": -1.0}, "step"),
        ({"answers": "noisy", "noise": None}, "noise"),
        ({"step": 1e-3}, "rounded"),
        ({"answers": "float32", "noise": 1e-3}, "noisy"),
        ({"bounds": (2, 1)}, "bounds"),
        ({"validation": 0}, "validation"),
        ({"points": -1}, "points"),
        ({"structure": "sparse"}, "structure"),
        ({"rank": 1}, "structure='auto'"),
        ({"structure": "auto", "nonzeros": 4}, "at most dim=3"),
        ({"structure": "auto", "nonzeros": 1, "rank": 1}, "both"),
    ],
)
def test_answers_and_spaces_are_checked(keywords, name):
    with pytest.raises(InvalidArgument, match=name):
        plan(3, 1, 2, **keywords)


def brake_limit(size, kind, bounds):
    """Queries at which a run is ended that has found all neurons."""
    dim, neurons, outputs = size
    secret = zoo.random_network(dim, neurons, outputs, rng=0)
    space = Space(dim) if bounds is None else Box(bounds, dim)
    run = Run(Oracle(secret, dim), space, Settings(), np.random.default_rng(0), Looks())
    ones = np.ones(outputs)
    run.evidence = Evidence(Answers(ones, 1e-7 * ones, 1.0, kind))
    run.accepted, brake = secret, Brake(run)
    brake.most = neurons
    return run.settings.patience * brake.usual(run) + _ANY


@pytest.mark.slow
@pytest.mark.parametrize("bounds", BOXES)
@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("size", [(10, 15, 1), (30, 10, 1)])
def test_the_brake_stops_no_run_that_the_plan_calls_usual(size, kind, bounds):
    dim, neurons, outputs = size
    predicted = rehearsed(dim, outputs, neurons, bounds=bounds, **ANSWERS[kind])
    assert 4 * predicted.queries <= brake_limit(size, kind, bounds)


@pytest.mark.slow
@pytest.mark.parametrize("bounds", BOXES)
@pytest.mark.parametrize("size", [(5, 60, 1), (64, 32, 10), (784, 32, 1)])
def test_nor_one_with_exact_answers(size, bounds):
    dim, neurons, outputs = size
    predicted = plan(dim, outputs, neurons, bounds=bounds)
    assert 4 * predicted.queries <= brake_limit(size, "exact", bounds)


def test_breakdown_adds_up():
    predicted = plan(200, 1, 10)
    assert plan(200, 1, 10, points=7).queries == predicted.queries + 7
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
