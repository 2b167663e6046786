"""Curves are named, with three points that show it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from relu_learn import NotPiecewiseLinear, learn_from_queries
from relu_learn.core.lines import EPS, Noise, Window
from relu_learn.core.probing import probe_noise
from relu_learn.core.search import search_line
from relu_learn.diagnosis.straight import look_along_line

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from benchmarks import diagnosis  # noqa: E402

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("bend", [np.tanh, lambda t: np.logaddexp(0, t)], ids=["tanh", "softplus"])
def test_smooth_functions_are_named(bend, rng):
    def smooth(t):
        return bend(t)[:, None]

    def watch(occasion):
        if occasion.very:
            look_along_line(occasion, np.ones(1))

    noise = Noise(np.maximum(probe_noise(smooth, rng, Window()), EPS))
    with pytest.raises(NotPiecewiseLinear) as caught:
        list(search_line(smooth, Window(), noise, rng, watch=watch))
    a, b, c = caught.value.witness
    assert np.isclose(b, (a + c) / 2)
    assert abs(bend(a) - 2 * bend(b) + bend(c)) > 1e-14


SMOOTH = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-np.clip(z, -500, 500))),
    "gelu": lambda z: 0.5 * z * (1 + np.tanh(0.8 * (z + 0.045 * np.clip(z, -30, 30) ** 3))),
    "square": lambda z: z**2,
}


@pytest.mark.parametrize("name", SMOOTH)
def test_curved_functions_are_named_with_a_witness(name):
    rng = np.random.default_rng(1)
    weights, outputs = rng.standard_normal((3, 6)), rng.standard_normal(6)

    def black_box(x):
        return SMOOTH[name](x @ weights) @ outputs

    with pytest.raises(NotPiecewiseLinear, match="curved") as caught:
        learn_from_queries(black_box, 3, rng=0, max_queries=100_000)
    left, middle, right = black_box(caught.value.witness)
    assert abs(left + right - 2 * middle) > 1e-9
    assert caught.value.partial.queries < 10_000


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
