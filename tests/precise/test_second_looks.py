"""Second looks: what one line measures badly is measured again at a better place."""

import dataclasses

import numpy as np
import pytest
from runs import looked, whitened

from relu_learn import ReluNetwork, learn_from_queries, worst_error, zoo
from relu_learn.core.pieces import Found, Piece, output_directions
from relu_learn.core.run import Run
from relu_learn.precise.second_looks import remeasure, sharpen

pytestmark = pytest.mark.numerical


def gradients(run: Run, found: Found, secret: ReluNetwork) -> np.ndarray:
    """The true Jacobians (k + 1, m, d) of a line's pieces, whitened."""
    points = found.line.at(found.slice.centers)
    return np.array([whitened(run, secret, x) for x in points])


def with_directions() -> tuple[Run, Found, np.ndarray, np.random.Generator]:
    """A line through a network of three outputs, and the output directions of its neurons."""
    secret = zoo.random_network(6, 8, 3, rng=1)
    run, found = looked(secret)
    jumps = np.diff(gradients(run, found, secret), axis=0)
    true = output_directions(jumps @ found.line.direction)
    return run, found, true, np.random.default_rng(2)


def test_output_directions_are_sharpened():
    run, found, true, rng = with_directions()
    blurred = output_directions(true + 1e-7 * rng.standard_normal(true.shape))
    vague, before = np.arange(8) < 5, run.oracle.queries
    found.directions, found.vague, found.doubt = blurred, vague, np.full(8, 1e-7)
    assert list(sharpen(run.target(), found, rng)) == []  # no gradient was measured
    assert np.abs(found.directions - true)[vague].max() < 1e-12
    assert (found.directions == blurred)[~vague].all()
    assert run.oracle.queries - before == 3 * vague.sum()


def test_directions_that_contradict_are_left_alone():
    """Off by more than they can be, something else is wrong: the neuron is not there, say."""
    run, found, true, rng = with_directions()
    wrong = output_directions(true + 1e-3 * rng.standard_normal(true.shape))
    found.directions, found.vague, found.doubt = wrong, np.full(8, True), np.full(8, 1e-7)
    assert list(sharpen(run.target(), found, rng)) == []
    assert (found.directions == wrong).all()


def with_rough_piece(r: int) -> tuple[Run, Found, np.ndarray]:
    """A line through ten neurons on which the gradient of piece r is off; and the true one."""
    secret = zoo.random_network(5, 10, rng=0)
    run, found = looked(secret)
    true = gradients(run, found, secret)[r]
    rough = {"gradient": true + 1e-7, "step": 1e-8, "error": 2e-7}
    found.pieces[r] = dataclasses.replace(found.pieces[r], **rough)
    found.poor = [r]
    return run, found, true


@pytest.mark.parametrize("r", [0, 3, 10])
def test_a_gradient_from_another_cell(r):
    run, found, true = with_rough_piece(r)
    before = run.oracle.queries
    (better,) = remeasure(run.target(), found, np.random.default_rng(3))
    assert isinstance(better, Piece) and found.pieces[r] is better and better.index == r
    assert np.abs(better.gradient - true).max() < 1e-11
    assert better.error < 1e-11 and run.oracle.queries - before < 10
    # What was measured well is not measured again.
    found.pieces[r] = good = dataclasses.replace(better, gradient=true, step=1.0, error=1e-15)
    assert list(remeasure(run.target(), found, np.random.default_rng(3))) == []
    assert found.pieces[r] is good


@pytest.mark.parametrize(
    "secret, seed, queries",
    [
        (zoo.random_network(64, 32, 10, rng=158), 158, 671),  # two kinks 6e-6 apart
        (zoo.random_network(64, 32, 10, rng=236), 236, 671),  # a kink at t = -4059: refit
        (zoo.digits(), 33, 671),  # a line nearly parallel to a hyperplane
        (zoo.digits(), 150, 671),
        (zoo.random_network(5, 100, rng=35), 35, 4 * 606),  # two kinks 2e-6 apart
    ],
)
def test_runs_that_need_it(secret, seed, queries):
    """Without second looks these were off by 1e-10 to 2e-9."""
    result = learn_from_queries(secret, secret.dim, rng=seed)
    worst, scale = worst_error(secret, result.network)
    assert worst < 1e-10 * scale * (5 if secret.is_scalar else 1)
    assert result.queries_to_find <= queries
