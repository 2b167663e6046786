"""Pieces, and the neurons between two of them."""

import dataclasses

import numpy as np
import pytest
from runs import looked

from relu_learn import zoo
from relu_learn.core.lines import SIGMAS, Line
from relu_learn.core.pieces import Block, Measured, Piece, agree, output_directions, solve_block
from relu_learn.network import ReluNetwork

pytestmark = pytest.mark.numerical


def along(network: ReluNetwork, line: Line) -> tuple[ReluNetwork, np.ndarray]:
    """A network with unit weights, oriented along a line, in the order of its kinks; and these."""
    weights, biases, outputs = network.weights, network.biases, network.output_weights
    turned = weights @ line.direction < 0
    # relu(z) = relu(-z) + z
    skip = network.skip + outputs[:, turned] @ weights[turned]
    offset = network.offset - outputs[:, turned] @ biases[turned]
    sign = np.where(turned, -1.0, 1.0)
    weights, biases = weights * sign[:, None], biases * sign
    t = (biases - weights @ line.origin) / (weights @ line.direction)
    order = np.argsort(t)
    net = ReluNetwork(weights[order], biases[order], outputs[:, order], skip, offset)
    return net, t[order]


def test_directions_of_the_outputs():
    jumps = np.array([[3.0, 4.0], [0.0, -2.0], [0.0, 0.0]])
    np.testing.assert_allclose(output_directions(jumps), [[0.6, 0.8], [0, -1], [0, 0]])


def test_a_piece_is_affine():
    piece = Piece(2, np.array([1.0, 2.0]), np.array([3.0]), np.array([[0.5, -1.0]]))
    np.testing.assert_allclose(piece.constant, [4.5])  # x -> x1 / 2 - x2 + 4.5


def test_agreement_allows_what_is_in_doubt():
    measured, expected = np.array([1.0, 1.0]), np.array([1.0 + 4 * SIGMAS * 0.9, 1.0 + 100])
    np.testing.assert_array_equal(agree(measured, expected, 1.0), [True, False])


@pytest.mark.parametrize("known", [True, False], ids=["kinks known", "kinks solved for"])
@pytest.mark.parametrize("m", [1, 3])
def test_the_neurons_between_two_pieces(m, known, rng):
    """Up to m at once, in the order of their kinks, oriented along the line."""
    secret = zoo.random_network(4, m, m, rng=5, skip=True)
    parts = secret.output_weights, secret.skip, secret.offset
    outputs, skip, offset = (np.reshape(part, (m, *part.shape[m > 1 :])) for part in parts)
    secret = ReluNetwork(secret.weights, secret.biases, outputs, skip, offset)
    line = Line.draw(4, rng)
    true, kinks = along(secret, line)
    ends = line.at(np.array([kinks[0] - 1, kinks[-1] + 1]))
    left, right = (
        Piece(i * m, x, secret(x), secret.gradient(x), 1.0, 1e-10) for i, x in enumerate(ends)
    )
    directions = output_directions(true.output_weights.T)
    block = solve_block(left, right, directions, line, kinks if known else None)
    np.testing.assert_allclose(np.linalg.norm(block.weights, axis=1), 1)
    assert (block.weights @ line.direction > 0).all() and (block.first, block.last) == (0, m)
    size = np.linalg.norm(true.weights, axis=1)
    np.testing.assert_allclose(block.weights, true.weights / size[:, None], atol=1e-10)
    np.testing.assert_allclose(block.biases, true.biases / size, atol=1e-9)
    np.testing.assert_allclose(block.outputs, true.output_weights * size, atol=1e-10)
    np.testing.assert_allclose(block.kinks, kinks, rtol=1e-8)
    assert (block.tilt * np.linalg.norm(block.outputs, axis=0) < 1e-8).all() and block.tilt.all()
    some = block.only(np.arange(m) == m - 1)
    np.testing.assert_array_equal(some.weights, block.weights[-1:])
    assert some.outputs.shape == (m, 1)


def test_no_neuron_between_equal_pieces():
    x, line = np.ones(3), Line(np.zeros(3), np.ones(3))
    piece = Piece(0, x, np.ones(1), np.ones((1, 3)))
    assert len(solve_block(piece, piece, np.ones((1, 1)), line).weights) == 0


def test_what_a_line_has_given_so_far(rng):
    line = Line.draw(2, rng)
    measured = Measured(line)
    assert measured.network() is None
    first = Piece(0, np.ones(2), np.array([5.0]), np.array([[1.0, 2.0]]))
    measured.pieces[0] = first
    np.testing.assert_allclose(measured.network()(np.zeros((1, 2))), [[2.0]])
    w = np.array([[0.6, 0.8]])
    measured.blocks[0] = Block(
        0, 1, w, np.array([0.5]), np.array([[2.0]]), np.zeros(1), np.zeros(1)
    )
    net = measured.network()
    x = rng.standard_normal((20, 2))
    expected = 2 * np.maximum(x @ w[0] - 0.5, 0) + x @ [1.0, 2.0] + 2
    np.testing.assert_allclose(net(x)[:, 0], expected)


def test_the_offset_comes_from_near_the_origin():
    """The leftmost piece may be far out, where rounding is large: here its value is off."""
    secret = zoo.random_network(4, 6, rng=1, skip=True)
    run, found = looked(secret)
    found.pieces[0] = dataclasses.replace(found.pieces[0], value=found.pieces[0].value + 1e-3)
    x = np.random.default_rng(0).standard_normal((100, 4))
    off = [
        np.abs(net(x) * run.answers.scale - secret(x)[:, None]).max()
        for net in (found.network(), found.anchored())
    ]
    assert off[0] > 1e-4 and off[1] < 1e-9


def test_roughness_is_of_the_pieces_that_matter():
    _, found = looked(zoo.random_network(4, 6, rng=1))
    clean = found.roughness()
    found.pieces[3] = dataclasses.replace(found.pieces[3], error=1e-5)
    assert clean < 1e-9 and found.roughness() == pytest.approx(2e-5)
    found.slice.widths[3] = 1e-9  # too short to matter
    assert found.roughness() == clean
