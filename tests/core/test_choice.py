"""Which pieces of a line are measured: few of them, and good ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_learn import learn_from_queries, zoo
from relu_learn.core import neurons
from relu_learn.core.choice import choose, choose_pieces
from relu_learn.core.pieces import output_directions

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("k", [0, 1, 7])
def test_one_output_needs_every_piece(k):
    pieces, amplify = choose_pieces(np.ones((k, 1)), np.ones(k + 1), 1e-9)
    np.testing.assert_array_equal(pieces, np.arange(k + 1))
    np.testing.assert_array_equal(amplify, np.ones(k + 1))


@given(st.integers(0, 30), st.integers(2, 6), st.integers(0, 10**6), st.floats(-3, 3))
@settings(max_examples=60)
def test_chosen_pieces_separate_their_neurons(k, m, seed, power):
    rng = np.random.default_rng(seed)
    directions = output_directions(rng.standard_normal((k, m)))
    errors = 10.0 ** rng.uniform(-3, 3, k + 1)
    pieces, amplify = choose_pieces(directions, errors, 10.0**power)
    assert pieces[0] == 0 and pieces[-1] == k and len(amplify) == len(pieces)
    gaps = np.diff(pieces)
    assert (gaps > 0).all() and (gaps <= m).all()
    assert (amplify >= 1 - 1e-12).all()
    for a, b in itertools.pairwise(pieces):
        smallest = np.linalg.svd(directions[a:b], compute_uv=False)[-1]
        assert smallest > 1e-4


def test_dependent_directions_are_never_in_one_block():
    """The same direction twice cannot be told apart by two pieces only."""
    directions = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1]])
    pieces, _ = choose_pieces(directions, np.ones(7), 1.0)
    assert {1, 3} <= set(pieces)
    assert len(pieces) == 5  # 0 | 1 | 3 | 5 or 4 | 6


def test_as_few_pieces_as_possible_when_all_are_good():
    directions = np.tile(np.eye(3), (4, 1))
    pieces, amplify = choose_pieces(directions, np.ones(13), 10.0)
    np.testing.assert_array_equal(pieces, [0, 3, 6, 9, 12])
    np.testing.assert_allclose(amplify, 1)


def test_bad_pieces_are_avoided():
    directions = np.tile(np.eye(3), (4, 1))
    errors = np.ones(13)
    errors[[3, 6]] = 1e6
    pieces, _ = choose_pieces(directions, errors, 2.0)
    assert not {3, 6} & set(pieces)


def test_choice_of_pieces_prefers_fewer(monkeypatch):
    """An imprecise block can be measured elsewhere: it is no reason for one more Jacobian."""
    counts = []
    original = neurons.choose

    def counted(*arguments):
        chosen = original(*arguments)
        counts.append(len(chosen[0]))
        return chosen

    monkeypatch.setattr(neurons, "choose", counted)
    for seed in range(10):
        learn_from_queries(zoo.random_network(64, 32, 10, rng=seed), 64, rng=seed)
    assert set(counts) == {5}


def test_a_few_more_pieces_are_spent_on_good_ones_only():
    """Nearly dependent directions amplify errors: one more piece, unless the error is small."""
    directions = output_directions(np.array([[1.0, 0], [1, 0.01], [0, 1], [1, 0.01]]))
    errors = np.ones(5)
    few, amplify = choose_pieces(directions, errors, 1e3)
    assert len(few) == 3 and amplify.max() > 50
    more, amplify = choose_pieces(directions, errors, 3.0)
    assert len(more) == 4 and amplify.max() < 3


@given(st.integers(1, 25), st.integers(1, 5), st.integers(0, 10**6))
@settings(max_examples=60)
def test_hopeless_pieces_are_avoided_where_blocks_can_do_so(k, m, seed):
    rng = np.random.default_rng(seed)
    directions = output_directions(rng.standard_normal((k, m)))
    errors = np.where(rng.random(k + 1) < 0.2, 1.0, 1e-12)
    errors[[0, -1]] = 1e-12
    chosen, amplify, hopeless = choose(directions, errors, 1e-11, 850.0)
    assert chosen[0] == 0 and chosen[-1] == k and len(amplify) == len(chosen)
    gaps = np.diff(chosen)
    assert (gaps > 0).all() and (gaps <= m).all() and (amplify >= 1 - 1e-12).all()
    assert hopeless.shape == (k + 1,) and not hopeless[errors < 1].any()
    run = max(len(part) for part in "".join("x" if bad else " " for bad in hopeless).split(" "))
    if run < m - 1:  # some block spans every row of them (if its directions are independent)
        assert not hopeless[chosen].any()


def test_one_hopeless_piece_of_a_block():
    directions = np.tile(np.eye(2), (3, 1))
    errors = np.full(7, 1e-13)
    errors[[2, 4]] = 1e-3
    chosen, _, hopeless = choose(directions, errors, 1e-11, 850.0)
    np.testing.assert_array_equal(np.flatnonzero(hopeless), [2, 4])
    np.testing.assert_array_equal(chosen, [0, 1, 3, 5, 6])  # one more than without these two


def test_pieces_beside_a_clump_are_measured():
    """Two hopeless pieces in a row are inside of a clump: what is on both sides must be known."""
    errors = np.full(7, 1e-13)
    errors[[3, 4]] = 1e-3
    pairs = np.tile(np.eye(2), (3, 1))  # the block from 3 to 5 or from 2 to 4 is inside
    chosen, amplify, hopeless = choose(pairs, errors, 1e-11, 850.0)
    np.testing.assert_array_equal(np.flatnonzero(hopeless), [3, 4])
    np.testing.assert_array_equal(chosen, [0, 2, 4, 5, 6])  # 5 would not be needed
    np.testing.assert_allclose(amplify, 1)
    errors[3] = 1e-13  # a single short piece is none
    np.testing.assert_array_equal(choose(pairs, errors, 1e-11, 850.0)[0], [0, 2, 3, 5, 6])
