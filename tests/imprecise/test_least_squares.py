"""Least squares of a network: the regression, the Gauss-Newton step, and new neurons."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from relu_learn.imprecise.least_squares import (
    Fit,
    GaussNewton,
    Samples,
    joined,
    one_thread,
    propose_neurons,
)

pytestmark = pytest.mark.numerical


def problem(rng, neurons=4, dim=3, outputs=2, n=400):
    """Samples of a network with an affine part, and its hidden neurons (k, d + 1)."""
    x = np.column_stack([rng.standard_normal((n, dim)), np.ones(n)])
    hidden = rng.standard_normal((neurons, dim + 1))
    hidden /= np.linalg.norm(hidden, axis=1, keepdims=True)
    hidden *= np.where(np.median(x @ hidden.T, axis=0) > 0, -1, 1)[:, None]  # as `Fit` turns them
    mix = rng.standard_normal((neurons + dim + 1, outputs))
    return Samples(x, np.column_stack([np.maximum(x @ hidden.T, 0), x]) @ mix), hidden, mix


def test_the_rest_is_linear(rng):
    samples, hidden, mix = problem(rng)
    fit = Fit(samples, hidden)
    assert fit.loss < 1e-20
    np.testing.assert_allclose(fit.coefficients, mix, atol=1e-8)
    np.testing.assert_allclose(fit.outputs, mix[:4], atol=1e-8)
    np.testing.assert_allclose(fit.off(samples), 0, atol=1e-8)


def test_loss_is_that_of_the_best_regression(rng):
    samples, hidden, _ = problem(rng)
    fit = Fit(samples, hidden[:2])
    features = np.column_stack([np.maximum(samples.x @ hidden[:2].T, 0), samples.x])
    best = np.linalg.lstsq(features, samples.y, rcond=None)[1].sum()
    assert fit.loss == pytest.approx(best, rel=1e-6)


def test_rise_is_what_leaving_a_neuron_out_costs(rng):
    samples, hidden, _ = problem(rng)
    fit = Fit(samples, hidden)
    for i, rise in enumerate(fit.rise()):
        without = Fit(samples, np.delete(hidden, i, axis=0))
        assert rise == pytest.approx(without.loss - fit.loss, rel=1e-4)


def test_a_step_leads_towards_the_network(rng):
    samples, hidden, _ = problem(rng)
    start = hidden + 1e-3 * rng.standard_normal(hidden.shape)
    fit = Fit(samples, start)
    step = GaussNewton(fit, 1e-9, forcing=0.01)
    assert step.solve(200) > 0 and step.solved(200)
    assert Fit(samples, start + step.change).loss < 1e-2 * fit.loss


def test_a_step_can_be_interrupted(rng):
    samples, hidden, _ = problem(rng)
    fit = Fit(samples, hidden + 0.1 * rng.standard_normal(hidden.shape))
    whole, parts = GaussNewton(fit, 1e-2), GaussNewton(fit, 1e-2)
    work, spent = whole.solve(100), []
    while not parts.solved(100):
        spent.append(parts.solve(100, 0.0))  # one iteration
    assert len(spent) == whole.iterations > 2 and sum(spent) == work
    np.testing.assert_array_equal(parts.change, whole.change)


def test_a_neuron_that_is_nearly_always_active_is_turned(rng):
    samples, hidden, _ = problem(rng)
    turned = Fit(samples, hidden * np.array([1, -1, 3, -2])[:, None])
    np.testing.assert_allclose(turned.hidden, hidden)
    assert turned.loss < 1e-20 and (turned.active.mean(axis=0) <= 0.5).all()


def test_damping_shortens_the_step(rng):
    samples, hidden, _ = problem(rng)
    fit = Fit(samples, hidden + 0.1 * rng.standard_normal(hidden.shape))
    steps = [GaussNewton(fit, damping) for damping in (1e-6, 1.0, 1e3)]
    for step in steps:
        step.solve(100)
    lengths = [np.linalg.norm(step.change) for step in steps]
    assert lengths[0] > lengths[1] > 10 * lengths[2] > 0


def test_new_neurons_resemble_what_is_missing(rng):
    samples, hidden, _ = problem(rng, neurons=1, n=2000)
    nothing = Fit(samples, hidden[:0])
    new = propose_neurons(nothing, 3, rng)
    assert new.shape[1] == 4 and 1 <= len(new) <= 3
    np.testing.assert_allclose(np.linalg.norm(new, axis=1), 1)
    through = samples.x[rng.integers(0, 2000, (50, 3)), :-1]
    normals = rng.standard_normal(through.shape)
    others = np.concatenate([normals, -(normals * through).sum(axis=2, keepdims=True)], axis=2)
    usual = np.median([Fit(samples, other).loss for other in others])
    assert Fit(samples, new).loss < min(usual, 0.6 * nothing.loss)
    assert (np.abs(new @ new.T - np.eye(len(new))) < 0.95).all()  # no two alike


def test_steps_are_taken_by_one_thread():
    """Threads of many small products wait for each other; those of the black box are its own."""

    def threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        assert one_thread(threads)() == {1}
        assert threads() == {2}


def test_two_neurons_that_were_taken_for_one_are_split(rng):
    """What the best single neuron leaves behind shows in which direction they differ."""
    aside = np.array([0.0, 0.06, 0.0, 0.0, 0.0])
    pair = np.array([[0.8, 0.0, 0.0, 0.6, 0.1]] * 2) + [aside, -aside]
    x = np.column_stack([rng.standard_normal((6000, 4)), np.ones(6000)])
    samples = Samples(x, np.maximum(x @ pair.T, 0) @ np.array([[1.0, 2.0], [1.2, 2.1]]))
    one = Fit(samples, pair.mean(axis=0, keepdims=True))
    hidden = propose_neurons(one, 1, rng, {0: 0.1})
    apart = hidden[0] - hidden[1]
    assert len(hidden) == 2 and np.linalg.norm(apart) < 0.5
    assert abs(apart[1]) > 0.95 * np.linalg.norm(apart)
    unsplit = propose_neurons(one, 1, rng)
    assert Fit(samples, hidden).loss < 0.2 * min(one.loss, Fit(samples, unsplit).loss)


def test_two_that_are_nearly_one_are_joined_between_them(rng):
    samples, hidden, mix = problem(rng)
    assert joined(Fit(samples, hidden)) is None and joined(Fit(samples, hidden[:0])) is None
    aside = 1e-3 * rng.standard_normal(4)
    halves = np.vstack([hidden, hidden[1] + aside])
    halves[1] -= aside
    found = joined(Fit(samples, halves))
    assert found.shape == hidden.shape
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    np.testing.assert_allclose(np.abs((found * hidden).sum(axis=1)), 1, atol=1e-5)
