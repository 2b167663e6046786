"""Polish: everything measured again, for the last digits."""

from __future__ import annotations

import numpy as np
import pytest
from nets import parameters, relative_error
from runs import begun, drained

from relu_learn import ReluNetwork, learn_from_queries, zoo
from relu_learn.bounded.box import Box
from relu_learn.core.lines import Noise
from relu_learn.core.pieces import Piece
from relu_learn.core.teller import each
from relu_learn.precise.polish import polish, solved

pytestmark = pytest.mark.numerical


def test_polish_gains_digits():
    secret = zoo.random_network(784, 32, rng=0)
    plain = learn_from_queries(secret, 784, rng=0)
    polished = learn_from_queries(secret, 784, rng=0, polish=True)
    assert relative_error(secret, polished.network) < relative_error(secret, plain.network)
    assert relative_error(secret, polished.network) <= 2e-12
    assert polished.queries <= 2.2 * parameters(784, 32, 1)


def rough(run, secret, size):
    """The network as a run would know it: off by about `size` in everything but the directions of
    output weights, which a line shows well."""
    scale, rng, m = run.answers.scale, np.random.default_rng(7), secret.n_outputs

    def blur(part):
        return part + size * rng.standard_normal(np.shape(part))

    outputs = secret.output_weights.reshape(m, secret.n_neurons) / scale[:, None]
    outputs = outputs * blur(np.ones(secret.n_neurons))
    skip = secret.skip.reshape(m, secret.dim) / scale[:, None]
    affine = blur(skip), blur(secret.offset / scale)
    return ReluNetwork(blur(secret.weights), blur(secret.biases), outputs, *affine)


def off(run, secret, net):
    x = np.random.default_rng(0).standard_normal((500, secret.dim))
    return np.abs(net(x) * run.answers.scale - secret(x).reshape(len(x), -1)).max()


@pytest.mark.parametrize("outputs", [1, 3, 6])
def test_a_rough_network_becomes_precise(outputs):
    secret = zoo.random_network(6, 8, outputs, rng=3, skip=True)
    run = begun(secret, 6)
    start = rough(run, secret, 1e-7)
    pieces = []
    before = run.oracle.queries
    steps = polish(run.target(), start, Noise(run.answers.noise), run.rng)
    better = drained(each(steps, lambda piece: pieces.append(piece)))
    assert off(run, secret, start) > 1e-7 and off(run, secret, better) < 1e-12
    assert better.n_neurons == 8 and min(piece.step for piece in pieces) > 1e-3
    assert len(pieces) == 9 if outputs == 1 else len(pieces) <= 9
    assert run.oracle.queries - before == len(pieces) * (6 + 2)  # a value, a gradient, a check


def test_few_cells_do_for_many_outputs():
    secret = zoo.random_network(40, 30, 10, rng=1)
    run = begun(secret, 40)
    start = rough(run, secret, 1e-8)
    before = run.oracle.queries
    better = drained(polish(run.target(), start, Noise(run.answers.noise), run.rng))
    assert off(run, secret, better) < off(run, secret, start) / 1e3
    assert run.oracle.queries - before <= 12 * 42  # not 31 * 42


def test_parallel_output_weights_take_more_cells():
    secret = zoo.rank_one_outputs()
    run = begun(secret, secret.dim)
    start, pieces = rough(run, secret, 1e-8), []
    steps = polish(run.target(), start, Noise(run.answers.noise), run.rng)
    better = drained(each(steps, lambda piece: pieces.append(piece)))
    assert len(pieces) == secret.n_neurons + 1
    assert off(run, secret, better) < off(run, secret, start) / 1e3


def test_rare_neurons_of_a_box_are_measured_again():
    """Each is on in one uniform point of 10,000 or less: its hyperplane is met near corners only,
    where no normal from a random point leads."""
    rng, d, m = np.random.default_rng(2), 30, 3
    weights = rng.standard_normal((8, d))
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    secret = ReluNetwork(weights, np.full(8, 2.4), rng.standard_normal((m, 8)))
    box = Box((-1, 1), d)
    assert (box.sample(10_000, rng) @ weights.T > 2.4).mean() < 1e-4
    run = begun(secret, d, space=box)
    start = rough(run, secret, 1e-8)
    better = drained(polish(run.target(), start, Noise(run.answers.noise), run.rng))
    corners = np.sign(weights)  # of the box: there each of them is on
    errors = [
        np.abs(net(corners) * run.answers.scale - secret(corners)).max() for net in (start, better)
    ]
    assert errors[0] > 1e-8 and errors[1] < errors[0] / 1e3


@pytest.mark.parametrize("secret", [zoo.random_network(1, 3, rng=0), zoo.affine()], ids=repr)
def test_nothing_to_polish(secret):
    run = begun(secret, secret.dim)
    start, before = rough(run, secret, 0.0), run.oracle.queries
    noise = Noise(run.answers.noise)
    assert drained(polish(run.target(), start, noise, run.rng)) is start
    assert run.oracle.queries == before


def test_two_hyperplanes_in_one_share_what_is_told_of_both():
    secret = zoo.random_network(4, 3, rng=1)
    twice = secret + secret
    run = begun(twice, 4)
    start = rough(run, twice, 0.0)
    better = drained(polish(run.target(), start, Noise(run.answers.noise), run.rng))
    assert off(run, twice, better) < 1e-12


def test_what_the_cells_do_not_tell_stays():
    """All of them on the active side of neuron 0: of it only what it is together with the skip."""
    net = ReluNetwork([[1.0, 0.0]], [0.0], [[2.0]], [[0.0, 1.0]], [0.5])
    moved = ReluNetwork([[1.0, 0.0]], [0.0], [[2.0]], [[0.5, 1.0]], [0.5])  # the secret
    points = np.array([[1.0, 0.0], [2.0, 3.0]])
    pieces = [Piece(0, x, moved(x), moved.gradient(x), 1.0, 1e-12) for x in points]
    found = solved(net, pieces)
    np.testing.assert_allclose(found(points), moved(points), atol=1e-12)
    np.testing.assert_allclose(found.gradient(points), moved.gradient(points), atol=1e-12)
    assert np.abs(found.weights - net.weights).max() <= 0.5  # shared, not blown up


def test_output_weights_of_a_neuron_that_is_never_switched_stay():
    """Least squares of an empty column are rounding: divided by its size, they were 1e283."""
    rng = np.random.default_rng(0)
    w, outputs = rng.standard_normal((4, 3)), rng.standard_normal((2, 4))
    net = ReluNetwork(w, [-50.0, -50.0, 0.0, 0.0], outputs, np.zeros((2, 3)), np.zeros(2))
    points = 2 * rng.standard_normal((9, 3))
    measured = net.gradient(points) * (1 + 1e-12 * rng.standard_normal((9, 2, 3)))
    weights = 10.0 ** rng.uniform(-14, -10, 9)
    pieces = [
        Piece(0, x, y, g, 1.0, e)
        for x, y, g, e in zip(points, net(points), measured, weights, strict=True)
    ]
    found = solved(net, pieces)
    assert np.abs(found.output_weights - outputs).max() < 1e-8
    np.testing.assert_allclose(found(points), net(points), rtol=0, atol=1e-9)
