"""Samples for least squares fits, where they tell most."""

import numpy as np
import pytest

from relu_learn.asking.oracle import Oracle
from relu_learn.bounded.box import Box
from relu_learn.core.space import Space
from relu_learn.core.target import Target
from relu_learn.imprecise.least_squares import Fit, near_pairs
from relu_learn.imprecise.sampling import Sampling, hidden_rows
from relu_learn.network import ReluNetwork

pytestmark = pytest.mark.numerical
NET = ReluNetwork([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [0.95, 0.3], [1.0, -2.0])


@pytest.fixture(params=[Space(3), Box((-1.0, 1.0), 3)])
def sampling(request, rng):
    space = request.param
    target = Target(space.asking(Oracle(NET, 3)), space=space)
    sampling = Sampling(target, np.array([1e-6]), rng, False, 0.5)
    sampling.judge_by(None)
    return sampling


def test_every_neuron_gets_samples_on_both_sides(sampling):
    rows = hidden_rows(NET)
    sampling.top_up(rows)
    active = (sampling.samples.x @ rows.T > 0).sum(axis=0)
    assert (np.minimum(active, len(sampling.samples.x) - active) >= sampling.both_sides).all()


def test_samples_along_a_hyperplane_are_on_both_sides_of_it(sampling):
    row, width = hidden_rows(NET)[1], 1e-3
    sampling.look_along(row, width)
    level = sampling.samples.x @ row
    assert (np.abs(level) <= width).all() and 0.2 < (level > 0).mean() < 0.8
    assert len(level) >= 2 * len(row)
    sampling.look_along(row, width)  # they are enough
    assert len(sampling.samples.x) == len(level)


def test_held_out_samples_lie_on_every_hyperplane_and_between_near_ones(sampling):
    """Where two were taken for one, and between two that were told apart wrongly."""
    row = hidden_rows(NET)[1] / np.linalg.norm(hidden_rows(NET)[1])
    aside = 0.01 * np.array([1.0, 0.0, 0.0, 0.0])
    sampling.top_up(np.stack([row]))
    before, fit = len(sampling.points), Fit(sampling.samples, np.stack([row - aside, row + aside]))
    sampling.judge_across(fit)
    [(_, _, middle)] = near_pairs(fit)
    level = sampling.held_out.x[before:] @ np.stack([*fit.hidden, middle]).T
    assert ((np.abs(level) < 1e-5).sum(axis=0) >= 2).all()
    asked = len(sampling.points)
    sampling.judge_across(fit)  # they are enough
    assert len(sampling.points) == asked


def test_a_fit_is_judged_in_units_of_the_noise(sampling):
    hidden = sampling.top_up(hidden_rows(NET))
    fit = Fit(sampling.samples, hidden)
    assert sampling.error(fit) < 1e-3 > sampling.error(sampling.network(fit))
    constant = sampling.network(fit) + ReluNetwork(
        np.zeros((0, 3)), [], np.zeros((1, 0)), None, 2e-6
    )
    assert sampling.error(constant) == pytest.approx(2, rel=1e-3)
    sampling.set_noise(np.array([1e-2]))
    assert sampling.unit == 1e-2
