"""Second looks: what one line measures badly is measured again at a better place."""

import numpy as np
import pytest

from relu_learn import Oracle, ReluNetwork, learn_from_queries, worst_error, zoo
from relu_learn.core import learning, neurons
from relu_learn.core.lines import Line, Noise
from relu_learn.core.pieces import Block, Piece, output_directions
from relu_learn.core.target import Target
from relu_learn.precise.second_looks import remeasured, settle_biases, sharpened

pytestmark = pytest.mark.numerical

NOISE = Noise(np.array([1e-15]))


def blocks_of(net: ReluNetwork, line: Line, spread: float) -> list[Block]:
    """One block for each neuron of a network with unit weights that grow along the line."""
    kinks = (net.biases - net.weights @ line.origin) / (net.weights @ line.direction)
    size = np.linalg.norm(net.output_weights, axis=0)
    return [
        Block(
            i,
            i + 1,
            net.weights[[j]],
            net.biases[[j]],
            net.output_weights[:, [j]],
            kinks[[j]],
            np.array([spread / size[j]]),
        )
        for i, j in enumerate(np.argsort(kinks))
    ]


def along(line: Line, dim: int, neurons: int, outputs: int) -> ReluNetwork:
    rng = np.random.default_rng(1)
    w = rng.standard_normal((neurons, dim))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    w *= np.sign(w @ line.direction)[:, None]
    a = rng.standard_normal((outputs, neurons))
    return ReluNetwork(w, rng.standard_normal(neurons), a)


def with_directions() -> tuple[ReluNetwork, list[Block], np.ndarray, np.random.Generator]:
    """A network of three outputs, its neurons along a line, and their output directions."""
    line = Line.draw(6, np.random.default_rng(0))
    secret = along(line, 6, 8, 3)
    blocks = blocks_of(secret, line, 1e-12)
    true = output_directions(np.concatenate([b.outputs for b in blocks], axis=1).T)
    return secret, blocks, true, np.random.default_rng(2)


def test_output_directions_are_sharpened():
    secret, blocks, true, rng = with_directions()
    blurred = output_directions(true + 1e-7 * rng.standard_normal(true.shape))
    oracle, vague = Oracle(secret, 6), np.arange(8) < 5
    target = Target(oracle, np.ones(3))
    level = Noise(np.full(3, 1e-15))
    found = sharpened(target, blocks, blurred, vague, np.full(8, 1e-7), level, rng)
    assert np.abs(found - true)[vague].max() < 1e-12
    assert (found == blurred)[~vague].all()
    assert oracle.queries == 3 * vague.sum()


def test_directions_that_contradict_are_left_alone():
    """Off by more than they can be, something else is wrong: the neuron is not there, say."""
    secret, blocks, true, rng = with_directions()
    wrong = output_directions(true + 1e-3 * rng.standard_normal(true.shape))
    target = Target(Oracle(secret, 6), np.ones(3))
    doubt = np.full(8, 1e-7)
    found = sharpened(target, blocks, wrong, np.full(8, True), doubt, NOISE, rng)
    assert (found == wrong).all()


@pytest.mark.parametrize("piece", [0, 3, 10])
def test_a_gradient_from_another_cell(piece):
    line = Line.draw(5, np.random.default_rng(0))
    secret = along(line, 5, 10, 1)
    blocks = blocks_of(secret, line, 1e-13)
    on = np.concatenate([b.weights for b in blocks[:piece]] or [np.zeros((0, 5))])
    out = np.concatenate([b.outputs for b in blocks[:piece]] or [np.zeros((1, 0))], axis=1)
    true = out @ on
    rough = Piece(piece, line.origin, np.zeros(1), true + 1e-7, 1e-8, 2e-7)
    oracle = Oracle(secret, 5)
    rng = np.random.default_rng(3)
    better = remeasured(Target(oracle, np.ones(1)), blocks, rough, NOISE, rng)
    assert better is not None
    assert np.abs(better.gradient - true).max() < 1e-11
    assert better.error < 1e-11 and oracle.queries < 10
    # What was measured well is not measured again.
    good = Piece(piece, line.origin, np.zeros(1), true, 1.0, 1e-15)
    assert remeasured(Target(oracle, np.ones(1)), blocks, good, NOISE, rng) is None


def test_biases_of_far_kinks_are_settled():
    line = Line.draw(4, np.random.default_rng(0))
    secret = along(line, 4, 6, 1)
    kinks = [float(b.kinks[0]) for b in blocks_of(secret, line, 0.0)]
    far = int(np.argmax(np.abs(kinks)))
    blocks = blocks_of(secret, line, 1e-13)
    b = blocks[far]
    moved = Block(
        b.first, b.last, b.weights, b.biases + 1e-6, b.outputs, np.array([1e7]), b.tilt + 1e-12
    )
    blocks[far] = moved
    net = ReluNetwork(
        np.concatenate([b.weights for b in blocks]),
        np.concatenate([b.biases for b in blocks]),
        np.concatenate([b.outputs for b in blocks], axis=1),
    )
    oracle = Oracle(secret, 4)
    target = Target(oracle, np.ones(1))
    settled = settle_biases(target, net, blocks, line, np.random.default_rng(1))
    assert oracle.queries == 2
    assert abs(settled[far].biases[0] - b.biases[0]) < 1e-12
    assert all(
        (s.biases == t.biases).all() for s, t in zip(settled, blocks, strict=True) if t is not moved
    )


@pytest.mark.parametrize(
    "secret, seed, queries",
    [
        (zoo.random_network(64, 32, 10, rng=158), 158, 671),  # two kinks 6e-6 apart
        (zoo.random_network(64, 32, 10, rng=236), 236, 671),  # a kink at t = -4059
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
    assert result.queries <= queries


def test_rough_networks_are_measured_again_at_once(monkeypatch):
    """Ten risers of width 1e-3: their gradients lose six digits on the line."""
    secret = zoo.staircase(dim=5, steps=10, width=1e-3, rng=0)
    errors = []
    for rough in (learning._ROUGH, np.inf):
        monkeypatch.setattr(learning, "_ROUGH", rough)
        result = learn_from_queries(secret, 5, rng=0)
        worst, scale = worst_error(secret, result.network)
        errors.append(worst / scale)
    assert errors[0] < 5e-8 and errors[0] < errors[1] / 2


def test_choice_of_pieces_prefers_fewer(monkeypatch):
    """An imprecise block can be measured elsewhere: it is no reason for one more Jacobian."""
    counts = []
    original = neurons.choose_pieces

    def counted(*arguments):
        chosen = original(*arguments)
        counts.append(len(chosen[0]))
        return chosen

    monkeypatch.setattr(neurons, "choose_pieces", counted)
    for seed in range(10):
        learn_from_queries(zoo.random_network(64, 32, 10, rng=seed), 64, rng=seed)
    assert set(counts) == {5}
