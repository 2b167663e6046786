"""Polish: everything measured again, for the last digits."""

from __future__ import annotations

import numpy as np
import pytest
from nets import parameters, relative_error
from runs import begun, drained

from relu_learn import ReluNetwork, learn_from_queries, zoo
from relu_learn.core.lines import Line, Noise
from relu_learn.core.run import each
from relu_learn.precise.polish import along, polish

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


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_rough_network_becomes_precise(outputs):
    secret = zoo.random_network(6, 5, outputs, rng=3, skip=True)
    run = begun(secret, 6)
    start = rough(run, secret, 1e-7)
    pieces = []
    before = run.oracle.queries
    steps = polish(run.target(), start, Noise(run.answers.noise), run.rng)
    better = drained(each(steps, lambda piece: pieces.append(piece)))
    assert off(run, secret, start) > 1e-7 and off(run, secret, better) < 1e-12
    assert better.n_neurons == 5 and min(piece.step for piece in pieces) > 1e-3
    assert run.oracle.queries - before <= 1.5 * len(pieces) * 7 + 2 * (5 + outputs)


@pytest.mark.parametrize("secret", [zoo.random_network(1, 3, rng=0), zoo.affine()], ids=repr)
def test_nothing_to_polish(secret):
    run = begun(secret, secret.dim)
    start, before = rough(run, secret, 0.0), run.oracle.queries
    noise = Noise(run.answers.noise)
    assert drained(polish(run.target(), start, noise, run.rng)) is start
    assert run.oracle.queries == before


def test_two_hyperplanes_in_one_leave_no_room():
    secret = zoo.random_network(4, 3, rng=1)
    twice = secret + secret
    run = begun(twice, 4)
    start = rough(run, twice, 0.0)
    assert drained(polish(run.target(), start, Noise(run.answers.noise), run.rng)) is start


def test_in_the_order_of_their_kinks(rng):
    net = zoo.random_network(4, 6, rng=2, skip=True)
    net = ReluNetwork(
        unit := net.weights / np.linalg.norm(net.weights, axis=1, keepdims=True),
        net.biases,
        net.output_weights[None],
        net.skip[None],
        net.offset[None],
    )
    line = Line.draw(4, rng)
    turned, kinks = along(net, line)
    assert (np.diff(kinks) > 0).all() and (turned.weights @ line.direction > 0).all()
    assert (unit @ line.direction < 0).any()  # so that there is something to turn
    x = rng.standard_normal((100, 4))
    np.testing.assert_allclose(turned(x), net(x), atol=1e-13)
    crossed = (turned.weights * line.at(kinks)).sum(axis=1)
    np.testing.assert_allclose(crossed, turned.biases, atol=1e-9)
