"""The paper's parameters: consistent with one another, polynomial, and pessimistic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relu_learn.asking.errors import InvalidArgument
from relu_learn.judging.theory import paper_parameters

pytestmark = pytest.mark.numerical


USUAL = {"epsilon": 0.01, "delta": 0.1, "dim": 5, "neurons": 4, "R": 1.0, "B": 1.0}


@given(
    st.floats(1e-12, 10),
    st.floats(1e-6, 0.9),
    st.integers(1, 1000),
    st.integers(0, 1000),
    st.floats(1e-3, 1e3),
    st.floats(0, 1e3),
)
def test_the_derivation_holds(epsilon, delta, dim, neurons, R, B):
    p = paper_parameters(epsilon, delta, dim, neurons, R, B)
    k = max(neurons, 1)
    # Four sources of error per neuron, added over all neurons, stay below the wanted loss.
    assert (4 * k * p.neglect) ** 2 <= epsilon * (1 + 1e-9)
    assert R * (p.Delta + p.gap) <= p.neglect * (1 + 1e-9)
    if p.far < B / p.neglect * (1 - 1e-9):  # hyperplanes farther out than T exist
        assert R * math.exp(-(p.far**2) / 4) / math.sqrt(2) <= p.neglect * (1 + 1e-9)
    # The events excluded have small probability.
    assert 4 * k * k * math.exp(-(p.spread**2) / 2) <= delta / 4 * (1 + 1e-9)
    assert p.tau * delta / (4 * k) >= (p.far + p.spread) * (1 - 1e-9)
    pairs = k * (k - 1) / 2
    separation = 2 * 4 * p.r / (math.sqrt(2 * math.pi) * 2 * p.Delta / (math.pi * p.spread))
    assert pairs * separation <= delta / 4
    cut = 2 * (4 * k * p.alpha / delta) * p.spread / math.sqrt(2 * math.pi)
    assert k * (2 * p.tau / p.r) * cut <= delta / 4
    # Nearly parallel neurons of different bias stay four intervals apart.
    slack = p.gap - p.Delta * p.spread * (1 + p.tau)
    assert slack / p.spread >= 4 * p.r
    assert p.intervals * p.r >= 2 * p.tau * (1 - 1e-9)
    assert p.query_bound == p.intervals * (dim + 1) + p.samples


@pytest.mark.parametrize(
    "name, factor, exponent",
    [
        ("neurons", 10, 9),
        ("dim", 10, 1),
        ("epsilon", 0.1, 1.5),
        ("delta", 0.1, 3.5),
        ("R", 10, 2.5),
    ],
)
def test_queries_grow_as_a_polynomial(name, factor, exponent):
    values = [USUAL[name] * factor**i for i in range(6)]
    bounds = [paper_parameters(**{**USUAL, name: v}).query_bound for v in values]
    growth = np.diff(np.log10([float(b) for b in bounds])) / abs(math.log10(factor))
    assert (growth > 0).all()
    assert growth.max() <= exponent


@given(st.floats(1e-9, 0.9), st.integers(2, 50))
def test_repeated_runs_fail_together(delta, repeats):
    p = paper_parameters(**{**USUAL, "delta": delta}, repeats=repeats)
    assert p.repeats == repeats and p.delta == delta
    assert 2 * p.each**repeats == pytest.approx(delta, rel=1e-9)
    one = paper_parameters(**{**USUAL, "delta": p.each})
    assert (p.tau, p.r, p.alpha) == pytest.approx((one.tau, one.r, one.alpha), rel=1e-9)
    choosing = p.query_bound - repeats * (p.intervals * (p.dim + 1) + p.samples)
    assert choosing == math.ceil(64 * (p.dim + 1 + math.log(4 * repeats / delta)))


def test_repetition_turns_a_power_of_delta_into_a_logarithm():
    def bound(delta, repeats):
        return float(paper_parameters(**{**USUAL, "delta": delta}, repeats=repeats).query_bound)

    deltas = [1e-3, 1e-6, 1e-9, 1e-12]
    once = [bound(delta, 1) for delta in deltas]
    often = [bound(delta, math.ceil(math.log2(1 / delta))) for delta in deltas]
    assert np.diff(np.log10(once)).min() > 8  # each step by 1e-3 costs 1e8 and more
    assert (np.array(often) / often[0] < 1.5 * np.arange(1, 5)).all()  # linear in log(1 / delta)
    assert paper_parameters(**USUAL).each == USUAL["delta"]
    assert " in 7 runs" in str(paper_parameters(**USUAL, repeats=7))


def test_it_is_pessimistic():
    p = paper_parameters(epsilon=0.01, delta=0.05, dim=784, neurons=128, R=1.0, B=1.0)
    assert p.query_bound > 10**20
    assert "e+25 queries" in str(p) and "loss <= 0.01 with probability 0.95" in str(p)


def test_no_neurons_and_no_bias():
    none = paper_parameters(**{**USUAL, "neurons": 0})
    assert (
        none.neurons == 0
        and none.query_bound == paper_parameters(**{**USUAL, "neurons": 1}).query_bound
    )
    assert paper_parameters(**{**USUAL, "B": 0.0}).far == 0.0


def test_nothing_overflows():
    p = paper_parameters(1e-300, 1e-300, 10**6, 10**300, 1e300, 1e300)
    values = (p.neglect, p.far, p.spread, p.tau, p.gap, p.Delta, p.r, p.alpha)
    assert all(0 < value < math.inf for value in values)
    assert isinstance(p.query_bound, int) and p.query_bound > 10**1000
    assert "queries" in str(p)
    assert "e+5562 queries" in str(paper_parameters(1e-300, 1e-300, 1, 10**900, 1.0, 1.0))
    assert paper_parameters(**{**USUAL, "dim": np.int64(5), "R": np.float32(1)}).dim == 5


@pytest.mark.parametrize(
    "name, values",
    [
        ("epsilon", [0, -1, math.nan, math.inf, "1", None, 1j]),
        ("delta", [0, 1, 2, -0.1, math.nan]),
        ("dim", [0, -1, 1.5, math.inf, math.nan]),
        ("neurons", [-1, 0.5, math.inf]),
        ("R", [0, -1, math.inf]),
        ("B", [-1, math.nan]),
        ("repeats", [0, -1, 1.5, None]),
    ],
)
def test_bad_arguments_are_named(name, values):
    for value in values:
        with pytest.raises(InvalidArgument, match=f"^{name} must be"):
            paper_parameters(**{**USUAL, name: value})
