"""All neurons of a network behind probabilities, from nothing."""

import numpy as np
import pytest

from relu_learn.imprecise import descent
from relu_learn.imprecise.descent import afresh, tidied
from relu_learn.imprecise.through_link import LinkedFit, Told

D, K, M = 4, 5, 2
RNG = np.random.default_rng(0)
ODDS = np.concatenate([np.zeros((1, M)), np.eye(M)])[None]
HIDDEN = np.column_stack([RNG.standard_normal((K, D)), 0.5 * RNG.standard_normal(K)])
COEFFICIENTS = np.concatenate([RNG.standard_normal((K, M)), np.zeros((D + 1, M))])


def told(n):
    """What a network answers, to six decimals."""
    x = np.column_stack([RNG.standard_normal((n, D)), np.ones(n)])
    z = np.concatenate([np.maximum(x @ HIDDEN.T, 0), x], axis=1) @ COEFFICIENTS
    p = np.exp(np.einsum("gqm,nm->ngq", ODDS, z))
    p /= p.sum(axis=2, keepdims=True)
    return Told(x, p.round(6), np.full(p.shape, 5e-7), ODDS)


def test_a_network_is_fitted_from_nothing(monkeypatch):
    """In the better coordinates of two."""
    monkeypatch.setattr(descent, "_STEPS", 4000)
    monkeypatch.setattr(descent, "_TRIAL", 400)
    rows, held = told(1000), told(400)
    axes = [np.diag([1e-3, 1.0, 1.0, 1.0]), np.eye(D)]
    fit = afresh(rows, held, axes, 16, np.random.default_rng(0))
    assert fit.on(held).explained.mean() > 0.9 and len(fit.hidden) < 16


def test_the_gradient_is_that_of_the_loss():
    rows = told(200)
    way = descent._Descent(rows, np.eye(D), K, np.random.default_rng(0))
    way.weight[:] = 0.1  # so that no row pulls too much
    parts = way._parts(way.change)
    way._gradient(np.arange(200), parts)

    def loss(theta):
        hidden, outputs, offset = way._parts(theta)
        c = np.concatenate([outputs, np.zeros((D, M)), offset[None]]).astype(float)
        off = LinkedFit(rows, hidden.astype(float), c, 0.0).distance
        return float(((0.1 * off) ** 2).sum() / 400)

    theta = way.theta.astype(float)
    for i in range(0, len(theta), 7):
        step = 1e-5 * (np.arange(len(theta)) == i)
        slope = (loss(theta + step) - loss(theta - step)) / 2e-5
        assert way.change[i] == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_what_is_one_is_one():
    """A neuron as two, one turned round; one that is always on, and one that does nothing."""
    rows = told(500)
    plain = LinkedFit(rows, HIDDEN, COEFFICIENTS, 0.0)
    always = np.array([[0.1, 0, 0, 0, 9.0]])
    hidden = np.concatenate([HIDDEN, -2 * HIDDEN[:1], always, HIDDEN[:1, ::-1]])
    outputs, affine = COEFFICIENTS[:K].copy(), COEFFICIENTS[K:].copy()
    share = np.array([0.3, -0.7])
    outputs[0] -= share  # relu(z) = relu(-z) + z
    affine += np.outer(HIDDEN[0], share) - np.outer(always[0], [1.0, 2.0])
    more = np.array([share / 2, [1.0, 2.0], [0.0, 0.0]])
    fit = LinkedFit(rows, hidden, np.concatenate([outputs, more, affine]), 0.0)
    less = tidied(fit)
    assert plain.explained.all() and fit.explained.all()
    assert less.explained.all() and len(less.hidden) == K
