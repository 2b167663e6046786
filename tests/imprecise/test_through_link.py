"""Networks fitted to probabilities: derivatives, a step, and what saturates."""

import numpy as np
import pytest

from relu_learn import zoo
from relu_learn.imprecise import least_squares, through_link
from relu_learn.imprecise.through_link import LinkedFit, LinkedStep, Told, settle

RNG = np.random.default_rng(0)
D, K, M = 4, 5, 2
SOFTMAX = np.concatenate([np.zeros((1, M)), np.eye(M)])[None]
LOGITS = np.stack([np.eye(M), np.zeros((M, M))], axis=1)
ODDS = {"softmax": SOFTMAX, "logits": LOGITS}


def network(scale=3.0):
    secret = zoo.random_network(D, K, M, rng=1)
    hidden = np.column_stack([secret.weights, -secret.biases])
    length = np.linalg.norm(hidden, axis=1, keepdims=True)
    c = np.concatenate([secret.output_weights.T * length, np.zeros((D + 1, M))])
    return hidden / length, scale * c


def told(odds, places=6, n=400, scale=3.0):
    """What a network answers, to so many decimals."""
    hidden, c = network(scale)
    x = np.column_stack([2 * RNG.standard_normal((n, D)), np.ones(n)])
    z = np.concatenate([np.maximum(x @ hidden.T, 0), x], axis=1) @ c
    p = np.exp(np.einsum("gqm,nm->ngq", odds, z))
    p /= p.sum(axis=2, keepdims=True)
    return Told(x, p.round(places), np.full(p.shape, 10.0**-places / 2), odds)


@pytest.mark.parametrize("name", ODDS)
def test_the_derivatives_are_those_of_log_p(name):
    rows = told(ODDS[name], scale=8.0)
    assert (rows.parts == 0).any()  # there it is log(p + a little)
    z = RNG.standard_normal((len(rows.x), M))
    off, slopes = rows.off(z)
    for j, step in enumerate(1e-6 * np.eye(M)):
        change = (rows.off(z + step)[0] - rows.off(z - step)[0]) / 2e-6
        assert np.abs(change - slopes[..., j]).max() < 1e-7
    assert off.shape == rows.parts.shape


@pytest.mark.parametrize("few", [M, M - 1])
def test_a_step_solves_its_normal_equations(few, monkeypatch):
    """Whether the affine part is eliminated or iterated."""
    monkeypatch.setattr(least_squares, "_WORTH", 0.0)
    monkeypatch.setattr(through_link, "_FEW", few)
    rows = told(SOFTMAX, n=80)
    hidden, c = network()
    fit = LinkedFit(rows, hidden, c + 0.1 * RNG.standard_normal(c.shape), 1e-2)
    step = LinkedStep(fit, damping=1e-3, forcing=1e-9)  # it ends at a tenth
    v, new = (
        after - before
        for after, before in zip(step.taken(), (hidden, fit.coefficients), strict=True)
    )
    on, x = fit.active, rows.x
    moves = [np.outer(on[:, i] * x[:, j], fit.outputs[i]) for i in range(K) for j in range(D + 1)]
    moves += [np.outer(f, e) for f in fit.features.T for e in np.eye(M)]
    jacobian = np.stack([np.einsum("nri,ni->nr", fit.slopes, u).ravel() for u in moves], axis=1)
    gram = jacobian.T @ jacobian
    gram += 1e-3 * np.diag(np.diag(gram))
    wished = -np.linalg.solve(gram, jacobian.T @ fit.residual.ravel())
    assert len(step.change) == K + (few < M) * M
    assert np.allclose(np.concatenate([v.ravel(), new.ravel()]), wished, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ODDS)
def test_a_rough_network_is_settled_to_the_last_digits(name):
    rows = told(ODDS[name])
    hidden, c = network()
    rough = LinkedFit(rows, hidden + 0.05 * RNG.standard_normal(hidden.shape), 1.1 * c, 0.0)
    fit = settle(rough)
    assert not rough.explained.all() and fit.explained.all()
    assert settle(rough, hurry=lambda: True) is rough
    fresh = told(ODDS[name])
    assert fit.on(fresh).explained.mean() > 0.98


def test_neurons_come_and_go():
    rows = told(SOFTMAX)
    fit = LinkedFit(rows, *network(), 0.0)
    k, a = K - 1, fit.outputs[K - 1]
    less = fit.without(k)
    again = less.with_neuron(fit.hidden[k], a)
    assert less.misfit > fit.misfit and again.misfit == pytest.approx(fit.misfit)
    assert fit.worth().shape == (K,) and (fit.worth() > 0).all()


def test_bits_are_what_answers_can_tell():
    sure = Told(np.ones((5, 3)), np.tile([1.0, 0.0], (5, 1, 1)), np.full((5, 1, 2), 5e-7), SOFTMAX)
    assert (sure.bits == 0).all()
    assert told(SOFTMAX, n=100).bits.sum() > 500
