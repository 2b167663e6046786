"""Outside the class: the right error, and a witness that a user can check with three calls."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from runs import looked

from relu_learn import LearningFailed, QueryBudgetExceeded, learn_from_queries, zoo
from relu_learn.core.lines import Noise, Slice, Window
from relu_learn.core.watch import Creases, Doubted, SearchedLine, Unexplained
from relu_learn.diagnosis import watch

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
    "dim", [pytest.param(dim, marks=pytest.mark.slow if dim > 2 else ()) for dim in diagnosis.DIMS]
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


def test_every_occasion_is_looked_at(monkeypatch):
    """And nothing is found at a network that was learned."""
    seen = []
    looks = ["require_meeting", "require_repeatable", "look_for_steps", "look_for_curves"]
    looks += ["look_for_bent_hyperplanes", "check_witness"]
    for name in looks:
        original = getattr(watch, name)

        def look(*arguments, name=name, original=original):
            seen.append(name)
            return original(*arguments)

        monkeypatch.setattr(watch, name, look)
    secret = zoo.random_network(3, 5, rng=0)
    run, found = looked(secret)
    run.take(found.anchored())
    list(run.test())
    for occasion, expected in [
        (SearchedLine(found), ["require_meeting"]),
        (Doubted(), []),
        (Creases(), ["look_for_bent_hyperplanes"]),
        (Unexplained(), ["look_for_curves", "look_for_bent_hyperplanes"]),
        (Unexplained(curved=True), ["look_for_curves"]),
    ]:
        assert watch.diagnose(run, occasion) is None
        assert seen == expected
        seen.clear()
    run.evidence.answers = dataclasses.replace(run.answers, kind="random")
    watch.diagnose(run, Doubted())
    run.evidence.answers = dataclasses.replace(run.answers, kind="rounded", step=1e6)
    watch.diagnose(run, Doubted())
    assert seen == ["require_repeatable", "look_for_steps"]
    seen.clear()
    watch.confirm(run, QueryBudgetExceeded("that is no claim about the black box"))
    assert seen == []
    watch.confirm(run, LearningFailed("no"))
    assert seen == ["require_repeatable", "check_witness"]


def test_crowds_of_kinks():
    def kinks(t):
        zero = np.zeros((len(t), 1))
        return Slice(t, zero, zero, zero, t, t, zero, Noise(np.ones(1)))

    spread, window = np.tan(np.linspace(-1.5, 1.5, 60)), Window()
    assert not watch._crowded(kinks(spread), window)
    crowds = np.sort(np.concatenate([c + 1e-9 * np.arange(20) for c in (-1.0, 0.0, 2.0)]))
    assert watch._crowded(kinks(crowds), window)
