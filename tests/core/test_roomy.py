"""Roomy points: where there is room, and how far a step may go."""

import itertools

import numpy as np
import pytest
from nets import relative_error, unit

from relu_learn import learn_from_queries, zoo
from relu_learn.core import roomy
from relu_learn.core.basis import Basis
from relu_learn.core.roomy import WIDE, Arrangement

pytestmark = pytest.mark.numerical


def arrangement(rng, k=12, n=4, d=10):
    weights = unit(rng.standard_normal((k, d)))
    basis = np.linalg.qr(rng.standard_normal((d, n)))[0].T
    origin = 0.3 * rng.standard_normal(d)
    biases = 0.5 * rng.standard_normal(k)
    cells = Arrangement(origin, Basis.of(basis), weights @ basis.T, weights @ origin - biases)
    return cells, weights, biases


def test_distances_are_those_of_the_whole_space(rng):
    cells, weights, biases = arrangement(rng)
    c = rng.standard_normal((6, 4))
    x = cells.points(c)
    np.testing.assert_allclose(cells.distances(c), x @ weights.T - biases, atol=1e-13)


@pytest.mark.parametrize("n", [4, WIDE + 1])
def test_roomy_points_stay_in_their_cells(n):
    gains = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cells, _, _ = arrangement(rng, 3 * n, n, n + 6)
        start = rng.standard_normal((8, n))
        before = cells.distances(start)
        points, room = cells.roomy(start)
        after = cells.distances(points)
        np.testing.assert_array_equal(np.sign(before), np.sign(after))
        np.testing.assert_allclose(room, np.abs(after).min(axis=1), rtol=1e-9)
        gains += list(room / np.abs(before).min(axis=1))
    assert np.median(gains) > 2


def score(cells, c):
    size = np.linalg.norm(cells.points(c), axis=1) / np.sqrt(len(cells.origin))
    return np.abs(cells.distances(c)).min(axis=1) / (1 + size)


def test_roomy_points_are_never_worse(rng):
    """Room is weighed against the size of the point: the noise of an answer grows with it."""
    cells, _, _ = arrangement(rng, k=40)
    start = 3 * rng.standard_normal((30, 4))
    points, _ = cells.roomy(start)
    assert (score(cells, points) >= score(cells, start) * (1 - 1e-12)).all()


def test_the_middle_of_a_slab(rng):
    """Between two parallel hyperplanes the best point is half way."""
    cells = Arrangement(
        np.zeros(2), Basis.of(np.eye(2)), np.array([[1.0, 0], [1, 0]]), np.array([1.0, -1])
    )
    points, room = cells.roomy(np.array([[0.999, 0.3], [-0.5, 0.0]]))
    np.testing.assert_allclose(room, 1, atol=0.2)
    assert (np.abs(points[:, 0]) < 0.2).all()


def test_no_hyperplanes_leave_all_the_room(rng):
    cells = Arrangement(np.zeros(3), Basis.of(np.eye(3)), np.zeros((0, 3)), np.zeros(0))
    start = rng.standard_normal((2, 3))
    points, room = cells.roomy(start)
    np.testing.assert_array_equal(points, start)
    assert np.isinf(room).all()


def test_reach_stays_on_the_piece(rng):
    cells, _, _ = arrangement(rng)
    c = rng.standard_normal(4)
    signs = np.sign(cells.distances(c[None]))
    steps = cells.reach(c, 0.4, 1.0)
    assert (steps > 0).all() and (steps <= 10).all()
    for i, sign in itertools.product(range(4), (-1, 1)):
        moved = c + sign * steps[i] * np.eye(4)[i]
        np.testing.assert_array_equal(np.sign(cells.distances(moved[None])), signs)


@pytest.mark.parametrize("listed", [1, 4])
def test_a_short_list_of_hyperplanes_is_as_good_as_all(rng, monkeypatch, listed):
    cells, _, _ = arrangement(rng, k=200)
    start = rng.standard_normal((30, 4))
    monkeypatch.setattr("relu_learn.core.roomy._LISTED", 50)  # of each coordinate: all
    expected = cells.roomy(start)
    monkeypatch.setattr("relu_learn.core.roomy._LISTED", listed)
    for found, right in zip(cells.roomy(start), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9)


def test_many_narrow_pieces_are_scouted_in_all_directions(monkeypatch):
    """Then each takes a query more, and none of its steps has to be checked twice."""
    secret, found = zoo.random_network(5, 60, rng=2), []
    for many in (1000, 10):
        monkeypatch.setattr(roomy, "_MANY", many)
        result = learn_from_queries(secret, 5, rng=0)
        found.append((relative_error(secret, result.network), result.queries))
    (usual, queries), (error, fewer) = found
    assert error < 1e-11 and error < 2 * usual and abs(queries - fewer) < 30
