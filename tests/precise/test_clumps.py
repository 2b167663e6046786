"""Clumps: neurons too close together to be told apart must not tilt F'."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from nets import parameters, unit
from runs import looked
from subset import mostly_slow

from relu_learn import ReluNetwork, learn_from_queries, worst_error, zoo
from relu_learn.precise.clumps import merge_clumps

pytestmark = pytest.mark.numerical


def clumps(n, gap, cancelling, m, seed):
    """Two clumps of n nearly parallel neurons with mixed signs, and four ordinary neurons."""
    rng = np.random.default_rng([seed, n, m])
    w = np.repeat(unit(rng.standard_normal((2, 6))), n, axis=0)
    b = np.repeat(rng.uniform(-1, 1, 2), n)
    w, b = w + gap * rng.standard_normal(w.shape), b + gap * rng.standard_normal(b.shape)
    a = rng.standard_normal((m, 2 * n + 4))
    if cancelling:
        a[:, n - 1] = -a[:, : n - 1].sum(axis=1)
    w = np.concatenate([w, unit(rng.standard_normal((4, 6)))])
    b = np.concatenate([b, rng.standard_normal(4)])
    return ReluNetwork(w, b, a[0] if m == 1 else a)


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("cancelling", [False, True])
@pytest.mark.parametrize("gap", mostly_slow([1e-8, 1e-7, 1e-9]))
def test_clumps_are_right_next_to_their_hyperplanes(gap, cancelling, m):
    """Gradients between close neurons are worth nothing; F' must not be tilted by them."""
    for n, seed in itertools.product((3, 10), range(2)):
        secret = clumps(n, gap, cancelling, m, seed)
        found = learn_from_queries(secret, 6, rng=seed, validation=256).network
        # Points next to the hyperplanes of both clumps: where F' is tilted, it is off there.
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((4000, 6))
        i = np.where(np.arange(4000) % 2, 0, n)
        wall, level = secret.weights[i], secret.biases[i]
        x -= ((x * wall).sum(axis=1) - level)[:, None] * wall
        x += (10.0 ** rng.uniform(-4, -1, 4000) * rng.choice([-1, 1], 4000))[:, None] * wall
        assert np.abs(found(x) - secret(x)).max() < 1e-7 * secret(x).std()


@pytest.mark.slow
def test_short_pieces_everywhere_are_no_clump():
    """A line on which a third of the pieces is hard to measure still needs few of them."""
    secret = zoo.random_network(784, 128, 10, rng=7)
    assert learn_from_queries(secret, 784, rng=7).queries <= 1.3 * parameters(784, 128, 10) / 10


@pytest.mark.slow
@pytest.mark.parametrize("gap", [1e-8, 1e-9])
def test_clumps_of_both_signs(gap):
    """What is too short to be measured between close neurons must not tilt those around it."""
    for seed in range(8):
        rng = np.random.default_rng([seed, 10])
        middle = rng.standard_normal((2, 6))
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        w = np.repeat(middle, 10, axis=0) + gap * rng.standard_normal((20, 6))
        b = np.repeat(rng.uniform(-1, 1, 2), 10) + gap * rng.standard_normal(20)
        others = rng.standard_normal((4, 6))
        secret = ReluNetwork(
            np.concatenate([w, others]),
            np.concatenate([b, rng.standard_normal(4)]),
            rng.standard_normal(24),
        )
        result = learn_from_queries(secret, 6, rng=seed)
        worst, scale = worst_error(secret, result.network, rng=seed)
        assert worst <= 1e-7 * scale, seed


def close_pair(gap, cancelling=False):
    """Three neurons on a line, and the first of them twice, `gap` apart."""
    w = unit(np.random.default_rng(0).standard_normal((3, 4)))
    w, b = np.vstack([w, w[:1]]), np.array([0.1, -0.8, 0.9, 0.1 + gap])
    return ReluNetwork(w, b, [1.0, 0.7, -1.2, -1.0 if cancelling else 0.5])


def merged(secret, piece_error):
    """A line through a network, before and after clumps are merged, with imprecise short pieces."""
    run, found = looked(secret)
    for r, piece in list(found.pieces.items()):
        short = 0 < r < len(found.slice.kinks) and found.slice.widths[r] < 1e-4
        error = piece_error if short else piece.error
        found.pieces[r] = dataclasses.replace(piece, error=error)
    before = sum(len(block.kinks) for block in found.blocks.values())
    assert list(merge_clumps(run.target(), found, run.rng)) == []  # nothing is measured
    assert list(found.blocks) == list(range(len(found.blocks)))
    return run, found, before


def test_what_is_measured_well_is_left_alone():
    secret = zoo.random_network(5, 8, rng=2)
    run, found = looked(secret)
    blocks = list(found.blocks.values())
    list(merge_clumps(run.target(), found, run.rng))
    assert all(a is b for a, b in zip(found.blocks.values(), blocks, strict=True))


@pytest.mark.parametrize("cancelling", [False, True])
def test_close_neurons_become_few_that_do_the_same_on_both_sides(cancelling):
    secret = close_pair(1e-8, cancelling)
    run, found, before = merged(secret, 1e-2)
    assert before == 4
    x = np.random.default_rng(0).standard_normal((2000, 4))
    away = np.abs(x @ secret.weights.T - secret.biases).min(axis=1) > 1e-6
    off = np.abs(found.anchored()(x)[:, 0] * run.answers.scale - secret(x))[away]
    assert off.max() < 1e-7
    if not cancelling:  # the sum of both lasts: one neuron
        assert found.anchored().n_neurons == 3


def test_neurons_that_are_apart_are_no_clump():
    """However badly the piece between them was measured."""
    secret = close_pair(1e-2)
    run, found = looked(secret)
    short = int(found.slice.widths.argmin())
    found.pieces[short] = dataclasses.replace(found.pieces[short], error=1e-2)
    list(merge_clumps(run.target(), found, run.rng))
    assert found.anchored().n_neurons == 4
