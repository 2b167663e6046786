"""Creases that end, or turn over, are named with a witness on both sides."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from runs import begun, drained

from relu_learn import NotOneHiddenLayer, learn_from_queries, zoo
from relu_learn.diagnosis.creases import look_for_bent_hyperplanes

pytestmark = pytest.mark.numerical


def test_deeper_networks_are_named_with_a_witness():
    rng = np.random.default_rng(0)
    inner, outer, mix = (rng.standard_normal(s) for s in ((3, 6), (6, 6), 6))

    def deep(x):
        return np.maximum(np.maximum(x @ inner, 0) @ outer + 0.3, 0) @ mix

    with pytest.raises(NotOneHiddenLayer) as caught:
        learn_from_queries(deep, 3, rng=0, max_queries=100_000)
    left, middle, right = deep(caught.value.witness)
    assert abs(left + right - 2 * middle) < 1e-9


def test_a_crease_that_ends_is_shown_on_both_sides():
    """max(x, y, 0): the crease between x and y is there where both are positive, else it is not."""

    def corner(x):
        return np.maximum(x.max(axis=1), 0)

    with pytest.raises(NotOneHiddenLayer) as caught:
        learn_from_queries(corner, 2, rng=0)
    error = caught.value
    for segment, straight in ((error.witness, True), (error.crease, False)):
        left, middle, right = corner(segment)
        assert (abs(left - 2 * middle + right) < 1e-12) == straight
    direction = error.crease[2] - error.crease[0]
    assert direction @ (error.crease[1] - error.witness[1]) == pytest.approx(0, abs=1e-7)


def learned(black_box, dim):
    """A run that has taken what its first line gave, and tested it."""
    run = begun(black_box, dim)
    run.take(drained(run.look()).anchored())
    list(run.test())
    return run


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_creases_of_a_network_do_not_end(outputs):
    for seed in range(5):
        run = learned(zoo.random_network(4, 6, outputs, rng=seed), 4)
        before = run.oracle.queries
        look_for_bent_hyperplanes(run)
        assert run.oracle.queries > before  # it did look


@pytest.mark.parametrize("tilt", [1e-3, 0.01, 0.05, 0.2])
def test_a_normal_that_is_off_is_no_crease_that_ends(tilt, rng):
    """A step that crossed another hyperplane unnoticed may tilt it by any amount."""
    for seed in range(6):
        secret = zoo.random_network(4, 6, rng=seed)
        run = learned(secret, 4)
        for j, block in run.first.blocks.items():
            w = block.weights + tilt * rng.standard_normal(block.weights.shape) / 2
            w /= np.linalg.norm(w, axis=1, keepdims=True)
            biases = (w * run.first.line.at(block.kinks)).sum(axis=1)
            run.first.blocks[j] = dataclasses.replace(block, weights=w, biases=biases)
        look_for_bent_hyperplanes(run)


def test_deeper_networks_behind_rounded_answers():
    rng = np.random.default_rng(1)
    inner, outer, mix = (rng.standard_normal(s) for s in ((6, 8), (8, 8), 8))

    def deep(x):
        return np.round(np.maximum(np.maximum(x @ inner, 0) @ outer + 0.3, 0) @ mix, 6)

    with pytest.raises(NotOneHiddenLayer):
        learn_from_queries(deep, 6, rng=0, max_queries=20_000)


def test_nothing_is_looked_at_where_there_is_no_crease():
    for secret in (zoo.affine(), zoo.random_network(1, 3, rng=0)):
        run = learned(secret, secret.dim)
        before = run.oracle.queries
        look_for_bent_hyperplanes(run)
        assert run.oracle.queries == before


def test_a_hyperplane_that_ends_is_found_at_once():
    """max(x, y, 0), of which the first line has shown three creases."""

    def corner(x):
        return np.maximum(x.max(axis=1), 0)

    with pytest.raises(NotOneHiddenLayer) as caught:
        look_for_bent_hyperplanes(learned(corner, 2))
    left, middle, right = corner(caught.value.witness)
    assert abs(left - 2 * middle + right) < 1e-12
    left, middle, right = corner(caught.value.crease)
    assert left - 2 * middle + right > 1e-6
