"""Jumps are named, with three points that show one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from runs import begun, looked

from relu_learn import NotPiecewiseLinear, learn_from_queries, zoo
from relu_learn.core.lines import Line, Noise, Slice, Window
from relu_learn.core.pieces import Found
from relu_learn.core.samples import Samples
from relu_learn.core.watch import LongLine
from relu_learn.diagnosis.jumps import look_for_jumps, look_for_steps, require_meeting

pytestmark = pytest.mark.numerical


def test_step_functions_and_trees_are_named():
    def tree(x):
        return np.where(x[:, 0] > 0.3, np.where(x[:, 1] > 0, 1.0, 2.0), 3.0)

    with pytest.raises(NotPiecewiseLinear, match="jumps"):
        learn_from_queries(tree, 2, rng=0, max_queries=100_000)


def steps(x):
    return np.sign(x[:, 0]) + (x[:, 1] > 0.3) - 2.0 * (x.sum(axis=1) > 1)


def shown(black_box, witness):
    """How much a black box changes between the ends of a witness, which are close together."""
    assert np.ptp(witness, axis=0).max() < 1e-6
    return float(np.ptp(black_box(witness)))


def test_a_searched_line_whose_pieces_do_not_meet():
    """The search takes a jump for a kink; its sides do not meet there."""

    def saw(x):
        return x @ np.array([1.0, 2.0]) + 3.0 * np.floor(x[:, 0])

    run = begun(saw, 2)
    t = np.array([-0.5, 0.5, 1.5])
    line = Line(np.zeros(2), np.array([1.0, 0.0]))
    left = Slice(
        kinks=np.array([0.0, 1.0]),
        jumps=np.zeros((2, 1)),
        slopes=np.ones((3, 1)),
        values=saw(line.at(t))[:, None] / run.answers.scale,
        centers=t,
        widths=np.full(3, 0.5),
        steps=np.full((2, 1), 3.0),
        noise=Noise(run.answers.noise),
    )
    with pytest.raises(NotPiecewiseLinear, match="jumps between the witness's ends") as caught:
        require_meeting(run, Found(line, left, left.noise, left.noise))
    assert shown(saw, line.at(caught.value.witness)) == pytest.approx(3, abs=1e-5)
    # Nothing is said about a network's line, whose pieces meet; nor about a step that is not there.
    secret = zoo.random_network(2, 5, rng=0)
    good, found = looked(secret)
    require_meeting(good, found)
    found.slice.steps[:] = 1.0
    require_meeting(good, found)


def test_steps_of_rounded_answers_are_looked_for_between_points():
    run = begun(steps, 2)
    run.evidence.answers = dataclasses.replace(run.answers, kind="rounded", step=0.1)
    with pytest.raises(NotPiecewiseLinear, match="jumps") as caught:
        look_for_steps(run)
    assert shown(steps, caught.value.witness) >= 1


def test_rounding_is_no_jump():
    secret = zoo.random_network(2, 5, rng=0)
    run = begun(lambda x: np.round(secret(x), 1), 2)
    run.evidence.answers = dataclasses.replace(run.answers, kind="rounded", step=0.1)
    look_for_steps(run)


def test_nor_a_fine_staircase(rng):
    """Rounding that was not heard: F was constant where its noise was listened to."""

    def ask(t):
        return np.round(t, 4)[:, None] + 1

    t = np.linspace(-1, 1, 41) + 0.01
    samples = Samples(t, ask(t), Noise(np.array([1e-15])))
    samples.affine[:] = False
    look_for_jumps(LongLine(ask, samples, Window(-1, 1.1, cauchy=False), rng, very=True))


def test_nor_one_less_a_hypothesis(rng):
    """F - F' is not constant beside the steps of F; F is."""

    def whole(t):
        return np.round(t, 4)[:, None] + 1

    def ask(t):
        return whole(t) - 0.1 * t[:, None]

    t = np.linspace(-1, 1, 41) + 0.01
    samples = Samples(t, ask(t), Noise(np.array([1e-15])))
    samples.affine[:] = False
    long = LongLine(ask, samples, Window(-1, 1.1, cauchy=False), rng, very=True)
    assert look_for_jumps(long, whole) == pytest.approx(1e-4, rel=0.5)
    with pytest.raises(NotPiecewiseLinear):
        look_for_jumps(long)


def test_nor_one_beside_an_output_that_is_nothing(rng):
    """Where an output is 0 it has no step, of no size."""

    def ask(t):
        return np.round(t, 4)[:, None] * [1.0, 0.0]

    t = np.linspace(-1, 1, 41) + 0.01
    samples = Samples(t, ask(t), Noise(np.array([1e-15, 1e-15])))
    samples.affine[:] = False
    long = LongLine(ask, samples, Window(-1, 1.1, cauchy=False), rng, very=True)
    assert look_for_jumps(long) == pytest.approx(1e-4, rel=0.5)


@pytest.mark.parametrize("jumps", [False, True])
def test_a_long_search_is_looked_at_for_jumps(jumps, rng):
    """Of eight open intervals most have to hold a jump."""

    def ask(t):
        return (np.floor(10 * t) if jumps else np.abs(np.mod(t, 0.2) - 0.1))[:, None]

    t = np.linspace(-1, 1, 41) + 0.01
    samples = Samples(t, ask(t), Noise(np.array([1e-15])))
    samples.affine[:] = False
    long = LongLine(ask, samples, Window(-1, 1.1, cauchy=False), rng, very=True)
    if not jumps:
        look_for_jumps(long)
        return
    samples.affine[np.floor(10 * t[1:]) == np.floor(10 * t[:-1])] = True
    with pytest.raises(NotPiecewiseLinear) as caught:
        look_for_jumps(long)
    witness = caught.value.witness
    assert np.ptp(ask(witness)) == 1 and np.ptp(witness) < 1e-8


def test_a_few_intervals_are_not_enough(rng):
    def ask(t):
        assert len(t) == 5, "nothing more is asked"
        return np.sign(t)[:, None]

    t = np.linspace(-1, 1, 5)
    look_for_jumps(LongLine(ask, Samples(t, ask(t), Noise(np.ones(1))), Window(), rng))
