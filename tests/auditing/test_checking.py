"""A first look: what kind of black box it is, for how much, and that the estimate holds."""

import numpy as np
import pytest

from relu_learn import BlackBoxError, Oracle, learn_from_queries, zoo
from relu_learn.auditing.checking import check

random = np.random.default_rng(0)
W, V = random.standard_normal((20, 5)), random.standard_normal(20)
BIASES = random.standard_normal(20)
NETWORK = zoo.random_network(10, 15, rng=0)


def look(function, dim, **options):
    return check(Oracle(function, dim), **options)


ANSWERS = {
    "exact": (NETWORK, "exact to float64", 80),
    "float32": (lambda x: NETWORK(x).astype(np.float32), "computed in float32", 130),
    "decimals": (lambda x: np.round(NETWORK(x), 6), "rounded to multiples of 1e-06", 90),
    "noise": (lambda x: NETWORK(x) + 1e-2 * random.standard_normal(len(x)), "noisy", 100),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_kind_of_answers_and_what_they_cost(kind):
    function, said, most = ANSWERS[kind]
    seen = look(function, 10)
    assert said in seen.rows()["answers"] and seen.learnable
    assert (1 if kind == "noise" else 5) <= seen.neurons <= 45
    assert 50 <= seen.queries <= most
    low, high = seen.expected
    assert 0 < low <= high <= seen.budget
    if kind == "exact":
        cost = learn_from_queries(NETWORK, 10, rng=0).queries
        assert 0.7 * low <= cost <= 1.3 * high


@pytest.mark.parametrize("neurons", [4, 80])
def test_the_neurons_are_guessed_from_the_parts_with_kinks(neurons):
    guesses = [look(zoo.random_network(20, neurons, rng=s), 20, rng=s).neurons for s in range(3)]
    assert neurons / 2 <= np.median(guesses) <= 2 * neurons


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: np.tanh(x @ W.T - BIASES) @ V, "bends everywhere"),
        (lambda x: (x @ W.T).argmax(axis=1), "constant pieces, with jumps"),
        (lambda x: (x[:, 0] > 0.0) * 1.0 + (x[:, 1] > 0.3) * 0.3, "constant pieces, with jumps"),
    ],
)
def test_what_is_no_network_is_told_from_one(function, said):
    seen = look(function, 5)
    assert said in seen.shape and not seen.learnable
    assert "no estimate" in seen.rows()["to learn it"]


def test_few_neurons_and_none():
    assert look(lambda x: np.maximum(x @ W[0], 0), 5).neurons == 1
    assert "straight" in look(lambda x: x @ W[0], 5).shape
    assert look(lambda x: np.ones(len(x)), 5).shape == "constant"


def test_an_answer_that_depends_on_its_batch():
    seen = look(lambda x: (x - x.mean(axis=0)) @ W[0] + np.maximum(x @ W[1], 0), 5)
    assert "normalisation by batch" in seen.batch
    assert "does not depend" in look(lambda x: np.maximum(x[:, 0], 0.0), 5).batch


def test_probabilities_are_named_with_their_link():
    def softmax(x):
        z = np.maximum(x @ W.T, 0)[:, :3]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    seen = look(softmax, 5, bounds=(-1, 1))
    assert "--link softmax" in seen.values and "bends everywhere" in seen.shape
    assert "--link logit " in look(lambda x: softmax(x)[:, 0], 5, bounds=(-1, 1)).values


def test_no_query_leaves_the_box_and_the_first_are_the_users_own():
    asked = []

    def boxed(x):
        asked.append(x)
        return np.maximum(x @ W[0], 0)

    own = random.uniform(0, 1, (30, 5))
    seen = look(boxed, 5, bounds=(0, 1), points=own)
    every = np.concatenate(asked)
    assert every.min() >= 0 and every.max() <= 1 and np.array_equal(asked[0], own[:8])
    assert seen.bounded and seen.queries == len(every)


def test_a_refusal_far_away_is_a_finding_or_an_error():
    def near(x):
        if np.abs(x).max() > 1e3:
            raise ValueError("too far")
        return np.maximum(x @ W[0], 0)

    assert "too far" in look(near, 5).domain
    with pytest.raises(BlackBoxError, match="bounds keep all queries in a box"):
        look(near, 5, careful=False)


def test_what_asks_less_is_expected_to_cost_less_where_it_does():
    usual, lean = look(NETWORK, 10), look(NETWORK, 10, lean=True)
    assert lean.expected[1] < 0.8 * usual.expected[0]
    usual, lean = (
        look(lambda x: np.round(NETWORK(x), 6), 10, **saving)
        for saving in ({}, {"lean": True, "structure": "auto"})
    )
    assert (lean.expected, lean.structure) == (usual.expected, False)


def test_time_and_price():
    rows = look(NETWORK, 10).rows(price=0.01)
    assert "each" in rows["time"] and "at 0.01 each" in rows["price"]
