"""Outside the class: the right error, and a witness that a user can check with three calls."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from relu_learn import learn_from_queries

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from benchmarks import diagnosis  # noqa: E402

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
