"""Outside the class: the right error, and a witness that a user can check with three calls."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from relu_learn import (
    BlackBoxError,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    Oracle,
    learn_from_queries,
    zoo,
)

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import diagnosis  # noqa: E402

pytestmark = pytest.mark.numerical

# Few seeds of each, as 39 kinds are tried in four dimensions; `benchmarks/diagnosis.py` tries more.
SEEDS = {2: 5, 5: 5, 20: 2, 64: 1}
SLOW = {
    "two layers": 3,
    "two layers, trained": 2,
    "max-pooling": 3,
    "drift by rows": 1,
    "sure softmax": 4,
}


@pytest.mark.parametrize("dim", diagnosis.DIMS)
@pytest.mark.parametrize("name", diagnosis.INSIDE)
def test_piecewise_linear_activations_are_learned(name, dim):
    for seed in range(SEEDS[dim]):
        assert diagnosis.learned(diagnosis.INSIDE[name], dim, seed) == "", seed


@pytest.mark.parametrize(
    "dim", [pytest.param(dim, marks=pytest.mark.slow if dim > 5 else ()) for dim in diagnosis.DIMS]
)
@pytest.mark.parametrize(
    ("name", "build", "error"),
    [
        pytest.param(
            name, build, error, id=name, marks=pytest.mark.slow if boxes is diagnosis.DEEPER else ()
        )
        for boxes, error in diagnosis.OUTSIDE
        for name, build in boxes.items()
    ],
)
def test_what_is_outside_is_named(name, build, error, dim):
    """`verdict` asks the black box at the witness: at three points, and three of its crease."""
    for seed in range(min(SEEDS[dim], SLOW.get(name, 5))):
        assert diagnosis.verdict(build, dim, seed, error) == "", seed


def test_the_message_says_what_it_means():
    boxes = diagnosis.CURVED | diagnosis.JUMPING | diagnosis.DEEPER
    sentences = {
        "tanh": "curved.*smooth activation",
        "decision tree": "jumps.*a tree",
        "two layers": "creases end.*two or more hidden layers",
        "median of three": "turn over",
    }
    for name, sentence in sentences.items():
        with pytest.raises(diagnosis.ReluLearnError, match=sentence):
            learn_from_queries(boxes[name](3, np.random.default_rng(0)), 3, rng=0)


def test_a_crease_that_ends_is_shown_on_both_sides():
    """max(x, y, 0): the crease between x and y is there where both are positive, else it is not."""

    def corner(x):
        return np.maximum(x.max(axis=1), 0)

    with pytest.raises(NotOneHiddenLayer) as caught:
        learn_from_queries(corner, 2, rng=0)
    error = caught.value
    for segment, straight in ((error.witness, True), (error.crease, False)):
        left, middle, right = corner(segment)
        assert (abs(left - 2 * middle + right) < 1e-12) == straight
    direction = error.crease[2] - error.crease[0]
    assert direction @ (error.crease[1] - error.witness[1]) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("share", [0.2, pytest.param(0.02, marks=pytest.mark.slow), 0.002])
def test_a_black_box_that_is_wrong_once_in_a_while_is_found_out(share):
    secret = zoo.random_network(3, 6, rng=0)
    for seed in range(5):
        generator = np.random.default_rng(seed)

        def flaky(x, generator=generator):
            return secret(x) + (generator.random(len(x)) < share)

        with pytest.raises(BlackBoxError, match="answer the same point alike"):
            learn_from_queries(flaky, 3, rng=seed, max_queries=50_000)


def test_recall_asks_nothing_and_spreads_over_the_history():
    secret = zoo.random_network(2, 3, rng=0)
    oracle = Oracle(secret, 2)
    assert [part.shape for part in oracle.recall(5)] == [(0, 2), (0,)]
    x = np.random.default_rng(0).standard_normal((7, 2))
    oracle(x[:4])
    oracle.around(x[4], np.array([0.1]), np.eye(2)[:1], x[5:] - x[4])
    asked, answers = oracle.recall(100)
    assert oracle.queries == 7
    np.testing.assert_array_equal(asked, oracle.history()[0])
    np.testing.assert_array_equal(answers, oracle.history()[1])
    np.testing.assert_array_equal(oracle.recall(2)[0], oracle.history()[0][[0, 6]])


class TestProbabilities:
    """A classifier that is sure says 0 and 1 to all digits, on most lines all along."""

    @pytest.mark.parametrize("seed", [9, 17, 20])
    def test_what_looks_constant_is_not_taken_for_imprecise(self, seed):
        black_box = classifier(20, 20, 10, seed)
        with pytest.raises(NotPiecewiseLinear) as caught:
            learn_from_queries(black_box, 20, rng=seed)
        left, middle, right = black_box(caught.value.witness)
        assert np.abs(left - 2 * middle + right).max() > 1e-9

    def test_what_looks_rounded_is_not_taken_for_rounded(self):
        black_box = classifier(3, 6, 2, 22)
        with pytest.raises(NotPiecewiseLinear, match="curved"):
            learn_from_queries(black_box, 3, rng=22)


def classifier(dim, neurons, classes, seed):
    rng = np.random.default_rng(seed)
    w, b = rng.standard_normal((neurons, dim)), rng.standard_normal(neurons)
    a = 10 / np.sqrt(neurons) * rng.standard_normal((classes, neurons))
    return lambda x: diagnosis.softmax(np.maximum(x @ w.T - b, 0) @ a.T)
