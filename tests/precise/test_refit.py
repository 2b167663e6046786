"""Refit: what was paid for anyway gives the last digits."""

from __future__ import annotations

import numpy as np
import pytest
from nets import relative_error
from runs import drained, looked

from relu_learn import ReluNetwork, learn_from_queries, zoo
from relu_learn.core.evidence import FREE
from relu_learn.core.lines import Line
from relu_learn.core.run import Run
from relu_learn.core.space import Space
from relu_learn.precise.refit import _moved, fitted, refit, settled
from relu_learn.telling import events as ev

pytestmark = pytest.mark.numerical


def blurred(net: ReluNetwork, size: float) -> ReluNetwork:
    """A network with outputs (m, k), of which everything is off by about `size`."""
    rng, m = np.random.default_rng(7), net.n_outputs
    shapes = (net.weights.shape, (net.n_neurons,), (m, net.n_neurons), (m, net.dim), (m,))
    parts = (net.weights, net.biases, net.output_weights, net.skip, net.offset)
    whole = (np.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True))
    return ReluNetwork(*(part + size * rng.standard_normal(part.shape) for part in whole))


def asked(net: ReluNetwork, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(1).standard_normal((n, net.dim))
    return x, net(x).reshape(n, -1)


def off(secret: ReluNetwork, net: ReluNetwork) -> float:
    x = np.random.default_rng(2).standard_normal((1000, secret.dim))
    return float(np.abs(net(x) - secret(x).reshape(1000, -1)).max())


@pytest.mark.parametrize("m", [1, 3])
def test_everything_is_fitted(m):
    secret = zoo.random_network(5, 6, m, rng=0, skip=True)
    rough, (x, y) = blurred(secret, 1e-9), asked(secret, 600)
    better = fitted(rough, x, y)
    assert better is not None
    assert off(secret, rough) > 1e-9 and off(secret, better) < 3e-14


def test_answers_close_to_a_hyperplane_are_left_out():
    """It is not known on which side they are: on the wrong one they would spoil the fit."""
    secret = zoo.random_network(5, 6, rng=0)
    x, y = asked(secret, 600)
    w, b = secret.weights[0], secret.biases[0]
    on = x[:100] - np.multiply.outer((x[:100] @ w - b) / (w @ w), w)
    wrong = y[:100] + 1.0
    better = fitted(blurred(secret, 1e-10), np.concatenate([x, on]), np.concatenate([y, wrong]))
    assert better is not None and off(secret, better) < 3e-14


def test_what_the_answers_do_not_tell_stays():
    """Points on one side of all hyperplanes tell of a neuron only what the affine part can do."""
    secret = zoo.random_network(5, 1, rng=0)
    rough, (x, y) = blurred(secret, 1e-9), asked(secret, 600)
    better = fitted(rough, *(part[x @ secret.weights[0] < secret.biases[0]] for part in (x, y)))
    assert better is not None
    np.testing.assert_allclose(better.weights * rough.output_weights[0], rough.weights, atol=2.0)
    assert off(secret, better) < 2 * off(secret, rough)


def test_a_fit_no_better_than_chance_is_none():
    secret = zoo.random_network(5, 6, rng=0)
    x, y = asked(secret, 100)
    noisy = y + 1e-9 * np.random.default_rng(3).standard_normal(y.shape)
    assert fitted(blurred(secret, 0.0), x, noisy) is None
    assert fitted(blurred(secret, 0.0), x, noisy, np.ones(6)) is None


def test_constants_are_fitted_where_they_are_in_doubt():
    secret = zoo.random_network(8, 6, 3, rng=0)
    rough = blurred(secret, 1e-13)
    shift = np.zeros(6)
    shift[2] = 1e-7
    wrong = ReluNetwork(
        rough.weights,
        rough.biases + shift,
        *map(np.asarray, (rough.output_weights, rough.skip, rough.offset)),
    )
    x, y = asked(secret, 64)
    better = fitted(wrong, x, y, 1 + 1e4 * (shift > 0))
    assert better is not None and off(secret, wrong) > 1e-8 and off(secret, better) < 1e-11


def taken(secret: ReluNetwork) -> Run:
    """A run that knows its secret, and was tested."""
    run, found = looked(secret)
    run.take(found.anchored())
    drained(run.test())
    return run


def test_a_kink_far_out_is_settled_by_the_answers_of_tests():
    """Its bias is in doubt, and only its."""
    run = taken(zoo.random_network(5, 6, rng=0))
    known, first, evidence = run.known, run.first, run.evidence
    assert known is not None and first is not None
    w = known.weights[2] / np.linalg.norm(known.weights[2])
    v = first.line.direction
    line = Line(first.line.origin, v - w * (w @ v - 1e-4))  # nearly parallel to its hyperplane
    shift = np.zeros(6)
    shift[2] = 1e-7
    parts = known.output_weights, known.skip, known.offset
    wrong = ReluNetwork(known.weights, known.biases + shift, *map(np.asarray, parts))
    score = evidence.score(wrong)[1]
    assert evidence.score(settled(wrong, line, evidence))[1] < 1e-3 * score
    assert settled(known, line, evidence) is known


def test_what_moved_far_is_seen_by_few_directions(monkeypatch):
    """Of many inputs, points are drawn as the neurons see them: as far apart on as many inputs."""
    run = taken(zoo.random_network(40, 3, rng=0))
    assert run.known is not None
    old = run.known
    new = ReluNetwork(old.weights, old.biases + 1e-3, old.output_weights, old.skip, old.offset)
    plain = [_moved(run, old, new, 2000) for _ in range(3)]
    monkeypatch.setattr("relu_learn.precise.refit.CHUNK", 1000)
    drawn: list[int] = []
    monkeypatch.setattr(
        Space,
        "sample",
        lambda self, n, rng: drawn.append(self.dim) or rng.standard_normal((n, self.dim)),
    )
    projected = [_moved(run, old, new, 2000) for _ in range(3)]
    assert max(drawn) == 8 and max(plain) == pytest.approx(max(projected), rel=0.05)


def test_the_claim_grows_by_what_is_moved():
    run = taken(zoo.random_network(5, 6, rng=0))
    before, known, queries = run.result(), run.known, run.oracle.queries
    (event,) = refit(run)
    assert isinstance(event, ev.NetworkUpdated) and run.oracle.queries == queries
    assert known is not None and run.known is not None and run.known is not known
    after = run.result()
    assert after.worst_error > before.worst_error
    x = np.random.default_rng(5).standard_normal((200_000, 5))
    moved = np.abs(run.known(x) - known(x)).max(axis=1) * run.answers.scale.max()
    more = after.worst_error - before.worst_error
    assert (moved > more).mean() <= after.certificate.mass - before.certificate.mass
    assert after.certificate.n == before.certificate.n
    assert after.certificate.mass == pytest.approx(before.certificate.mass * (1 + 1 / FREE))


def test_nothing_is_refitted_without_a_test():
    run, found = looked(zoo.random_network(5, 6, rng=0))
    assert list(refit(run)) == []
    run.take(found.anchored())
    assert list(refit(run)) == []


@pytest.mark.parametrize("settings", [{}, {"bounds": (-1.0, 2.0)}], ids=["Gaussian", "box"])
def test_a_run_gains_three_digits_for_nothing(settings):
    """The same run without refit is off by 4e-12 to 2e-11."""
    secret = zoo.random_network(10, 8, rng=0)
    result = learn_from_queries(secret, 10, rng=0, **settings)
    assert relative_error(secret, result.network) < 5e-14


def test_several_outputs_and_many_neurons_gain_three_digits_too():
    """Three outputs of 60 neurons were off by 5e-12, 100 neurons by 4e-11."""
    for size, worst in (((3, 60, 3), 1e-13), ((5, 100, 1), 1e-12)):
        secret = zoo.random_network(*size, rng=1)
        result = learn_from_queries(secret, size[0], rng=1)
        assert relative_error(secret, result.network) < worst


def finished(secret: ReluNetwork, more: ReluNetwork) -> Run:
    """A run that knew a secret and more, and refitted it."""
    run, found = looked(secret)
    run.take(found.anchored())
    assert run.known is not None
    run.known = run.known + more
    drained(run.test())
    drained(refit(run))
    return run


@pytest.mark.parametrize(("size", "gap"), [(1e-9, 0.0), (1e-7, 0.0), (1e-7, 1e-6), (1e-5, 1e-6)])
def test_neurons_that_are_rounding_are_dropped(size, gap):
    """One by itself, and two that cancel: without them the answers are explained as well."""
    secret = zoo.random_network(3, 5, rng=0)
    w, b = np.array([[0.6, 0.8, 0.0]]), np.array([0.1])
    rounding = ReluNetwork(w, b, [[size]], np.zeros((1, 3)), np.zeros(1))
    if gap:
        rounding = rounding + ReluNetwork(w, b + gap, [[-size]], np.zeros((1, 3)), np.zeros(1))
    run = finished(secret, rounding)
    assert run.known is not None and run.known.n_neurons == 5
    assert relative_error(run.best, secret) < 1e-12


@pytest.mark.parametrize("width", [1e-2, 1.0])
def test_a_small_bump_of_the_secret_stays(width):
    """It is far below what needs a repair, and most fresh points miss it; the line has seen it."""
    bump = 1e-7 * zoo.hat(width=width, rng=0)
    secret = zoo.random_network(bump.dim, 5, rng=0) + bump
    result = learn_from_queries(secret, secret.dim, rng=0)
    assert result.network.n_neurons == secret.n_neurons


@pytest.mark.slow
def test_staircases_have_as_many_steps_as_the_secret_s():
    for seed in range(60, 110):
        secret = zoo.staircase(rng=seed)
        result = learn_from_queries(secret, secret.dim, rng=seed)
        assert result.network.n_neurons == secret.n_neurons, seed
