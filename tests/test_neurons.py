"""GetBias, GetNeurons, and their pieces: which gradients to measure, and where there is room."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_learn import (
    InvalidArgument,
    Oracle,
    QueryBudgetExceeded,
    ReluNetwork,
    get_bias,
    get_neurons,
    learn_from_queries,
    match_neurons,
    zoo,
)
from relu_learn.core.choice import choose_pieces
from relu_learn.core.lines import Line
from relu_learn.core.pieces import output_directions
from relu_learn.core.roomy import Arrangement

pytestmark = pytest.mark.numerical


def kinks(secret, line):
    """Where a line crosses the critical hyperplanes, and the order of the neurons on it."""
    t = (secret.biases - secret.weights @ line.origin) / (secret.weights @ line.direction)
    return np.sort(t), np.argsort(t)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


# --------------------------------------------------------------------- GetBias


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("d", [1, 2, 10])
def test_the_neuron_between_two_points(d, m):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        secret = zoo.random_network(d, 4, m, rng=seed, skip=True)
        line = Line.draw(d, rng)
        t, order = kinks(secret, line)
        i = int(np.argmax(np.diff(t)[:-1])) + 1  # a kink with room to its left
        room = min(t[i] - t[i - 1], t[i + 1] - t[i], 1) if i < 3 else min(t[i] - t[i - 1], 1)
        a, b = t[i] - 0.3 * room, t[i] + 0.4 * room
        w, bias, where = get_bias(secret, line, a, b, alpha=1e-7, rng=rng)
        true, sign = secret.weights[order[i]], np.sign(secret.weights[order[i]] @ line.direction)
        np.testing.assert_allclose(where, t[i], atol=1e-6)
        np.testing.assert_allclose(unit(w), sign * unit(true), atol=1e-5)
        size = np.linalg.norm(w) / np.linalg.norm(true)
        assert abs(bias - sign * size * secret.biases[order[i]]) < 1e-5 * size
        # The jump is that of the gradient: the output weights are in the length of w.
        outputs = secret.output_weights.reshape(m, 4)[:, order[i]]
        assert abs(np.linalg.norm(outputs) - size) < 1e-5


def test_get_bias_costs_two_gradients():
    oracle = Oracle(zoo.random_network(5, 1, rng=0), 5)
    get_bias(oracle, Line(np.zeros(5), np.ones(5)), -1, 1, rng=0)
    assert oracle.queries == 2 + 2 * 6


def test_no_neuron_between_two_points():
    secret = ReluNetwork([[1.0, 0.0]], [5.0], [1.0], [1.0, 2.0])
    w, bias, t = get_bias(secret, Line(np.zeros(2), np.array([1.0, 0])), -1, 1, alpha=2.0**-10)
    np.testing.assert_allclose(w, 0, atol=1e-12)
    assert np.isnan(bias) == np.isnan(t)


def test_a_tight_clump_acts_as_one_neuron(rng):
    w = unit(rng.standard_normal(4))
    secret = ReluNetwork([w, w], [0.1, 0.1 + 1e-9], [1.0, 2.0])
    found, bias, _ = get_bias(secret, Line(np.zeros(4), w), -1, 1, alpha=1e-3, rng=0)
    np.testing.assert_allclose(found, 3 * w, atol=1e-9)
    assert abs(bias - 0.3) < 1e-8


@pytest.mark.parametrize("a, b", [(1, 1), (2, 1), (np.nan, 1), (0, np.nan)])
def test_the_interval_is_checked(a, b):
    with pytest.raises(InvalidArgument, match="a must be less than b"):
        get_bias(lambda x: x[:, 0], Line(np.zeros(2), np.ones(2)), a, b)


# --------------------------------------------------------------------- GetNeurons


@pytest.mark.parametrize("shape", [(1, 3, 1), (2, 8, 1), (10, 15, 1), (3, 40, 1), (20, 12, 5)])
def test_all_neurons_of_random_networks(shape):
    d, k, m = shape
    for seed in range(4):
        secret = zoo.random_network(*shape, rng=seed, skip=True)
        found = get_neurons(secret, d, rng=seed + 1)
        match = match_neurons(found, secret)
        assert found.n_neurons == k and len(match.unmatched_true) == 0
        assert match.angle_error.max() < 1e-6 and match.bias_error.max() < 1e-6
        assert match.output_error.max() < 1e-5
        assert found.is_scalar == (m == 1)
        assert not found.has_skip and not found.offset.any()


def test_neurons_are_ordered_and_oriented_along_the_line(rng):
    secret = zoo.random_network(4, 9, rng=3)
    line = Line.draw(4, rng)
    found = get_neurons(secret, 4, line=line, rng=0)
    assert (found.weights @ line.direction > 0).all()
    t, order = kinks(found, line)
    np.testing.assert_array_equal(order, np.arange(9))
    np.testing.assert_allclose(t, kinks(secret, line)[0], atol=1e-8)


def test_what_is_missing_is_affine(rng):
    """Wrong orientations, skip and offset leave an affine function: nothing else."""
    secret = zoo.random_network(5, 8, 2, rng=4, skip=True)
    found = get_neurons(secret, 5, rng=0)
    x = rng.standard_normal((200, 5))
    rest = secret(x) - found(x)
    columns = np.column_stack([x, np.ones(200)])
    fit = np.linalg.lstsq(columns, rest, rcond=None)[0]
    np.testing.assert_allclose(columns @ fit, rest, atol=1e-7)


@pytest.mark.parametrize("m", [1, 2])
def test_no_neurons(m):
    secret = ReluNetwork(np.zeros((0, 3)), [], np.zeros((m, 0)), np.ones((m, 3)), np.ones(m))
    if m == 1:
        secret = ReluNetwork(np.zeros((0, 3)), [], [], np.ones(3), 1.0)
    found = get_neurons(secret, 3, rng=0)
    assert found.n_neurons == 0 and found.n_outputs == m and found.is_scalar == (m == 1)


def test_outputs_save_gradients():
    """Ten outputs separate ten neurons at once: far fewer queries than parameters."""
    scalar, many = (Oracle(zoo.random_network(60, 20, m, rng=0), 60) for m in (1, 10))
    for oracle in (scalar, many):
        assert get_neurons(oracle, 60, rng=0).n_neurons == 20
    assert many.queries < 0.4 * scalar.queries


def test_the_same_seed_asks_the_same():
    asked = []
    for seed in (1, 1, 2):
        oracle = Oracle(zoo.random_network(4, 5, rng=0), 4)
        get_neurons(oracle, 4, rng=seed)
        asked.append(oracle.history()[0])
    np.testing.assert_array_equal(asked[0], asked[1])
    assert not np.array_equal(asked[0][:5], asked[2][:5])


def test_a_budget_is_kept():
    oracle = Oracle(zoo.random_network(4, 5, rng=0), 4, max_queries=50)
    with pytest.raises(QueryBudgetExceeded):
        get_neurons(oracle, 4, rng=0)
    assert oracle.queries <= 50


def test_the_method_is_checked():
    with pytest.raises(InvalidArgument, match="method must be 'adaptive' or 'grid', got 'fast'"):
        get_neurons(zoo.get("tent"), 2, method="fast")


# --------------------------------------------------------------------- clumps


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
@pytest.mark.parametrize("gap", [1e-7, 1e-8, 1e-9])
def test_clumps_are_right_next_to_their_hyperplanes(gap, cancelling, m):
    """Gradients between close neurons are worth nothing; F' must not be tilted by them."""
    for n, seed in itertools.product((3, 10), range(2)):
        secret = clumps(n, gap, cancelling, m, seed)
        found = learn_from_queries(secret, 6, rng=seed, validation=64).network
        # Points next to the hyperplanes of both clumps: where F' is tilted, it is off there.
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((4000, 6))
        i = np.where(np.arange(4000) % 2, 0, n)
        wall, level = secret.weights[i], secret.biases[i]
        x -= ((x * wall).sum(axis=1) - level)[:, None] * wall
        x += (10.0 ** rng.uniform(-4, -1, 4000) * rng.choice([-1, 1], 4000))[:, None] * wall
        assert np.abs(found(x) - secret(x)).max() < 1e-7 * secret(x).std()


# --------------------------------------------------------------------- the paper's grid


def spaced(rng, d=3, distance=0.5):
    """A network and a line on which its kinks have distances from each other."""
    line = Line(np.zeros(d), np.eye(d)[0])
    t = np.arange(-2, 2.1, distance)
    weights = rng.standard_normal((len(t), d))
    weights[:, 0] = rng.choice([-1, 1], len(t)) * rng.uniform(1, 2, len(t))
    outputs = rng.choice([-1, 1], len(t)) * rng.uniform(0.5, 2, len(t))
    return ReluNetwork(weights, weights[:, 0] * t, outputs, rng.standard_normal(d)), line


def test_a_fine_grid_finds_what_the_search_finds():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        secret, line = spaced(rng)
        grid = get_neurons(secret, 3, method="grid", line=line, r=0.3, tau=3, rng=0)
        assert grid.n_neurons == secret.n_neurons
        match = match_neurons(grid, secret)
        assert match.angle_error.max() < 1e-6 and match.bias_error.max() < 1e-6
        search = get_neurons(secret, 3, line=line, rng=0)
        np.testing.assert_allclose(unit(grid.weights), unit(search.weights), atol=1e-7)


def test_a_coarse_grid_merges_neurons(rng):
    secret, line = spaced(rng)
    found = get_neurons(secret, 3, method="grid", line=line, r=1.2, tau=3, rng=0)
    assert 0 < found.n_neurons < secret.n_neurons


def test_a_short_grid_misses_neurons(rng):
    secret, line = spaced(rng)
    found = get_neurons(secret, 3, method="grid", line=line, r=0.3, tau=1.2, rng=0)
    assert found.n_neurons == 5  # -1, -0.5, 0, 0.5, 1


def test_the_grid_asks_as_many_gradients_as_intervals(rng):
    secret, line = spaced(rng)
    oracle = Oracle(secret, 3)
    get_neurons(oracle, 3, method="grid", line=line, r=0.25, tau=2.5, rng=0)
    # A gradient costs d + 1 queries and a check; some directions are repeated.
    assert 20 * 5 <= oracle.queries <= 20 * 10


# --------------------------------------------------------------------- which pieces


def test_directions_of_the_outputs():
    jumps = np.array([[3.0, 4.0], [0.0, -2.0], [0.0, 0.0]])
    np.testing.assert_allclose(output_directions(jumps), [[0.6, 0.8], [0, -1], [0, 0]])


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


# --------------------------------------------------------------------- roomy points


def arrangement(rng, k=12, n=4, d=10):
    weights = unit(rng.standard_normal((k, d)))
    basis = np.linalg.qr(rng.standard_normal((d, n)))[0].T
    origin = 0.3 * rng.standard_normal(d)
    biases = 0.5 * rng.standard_normal(k)
    cells = Arrangement(origin, basis, weights @ basis.T, weights @ origin - biases)
    return cells, weights, biases


def test_distances_are_those_of_the_whole_space(rng):
    cells, weights, biases = arrangement(rng)
    c = rng.standard_normal((6, 4))
    x = cells.origin + c @ cells.basis
    np.testing.assert_allclose(cells.distances(c), x @ weights.T - biases, atol=1e-13)


def test_roomy_points_stay_in_their_cells():
    gains = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cells, _, _ = arrangement(rng)
        start = rng.standard_normal((8, 4))
        before = cells.distances(start)
        points, room = cells.roomy(start)
        after = cells.distances(points)
        np.testing.assert_array_equal(np.sign(before), np.sign(after))
        np.testing.assert_allclose(room, np.abs(after).min(axis=1), rtol=1e-9)
        gains += list(room / np.abs(before).min(axis=1))
    assert np.median(gains) > 2


def score(cells, c):
    size = np.linalg.norm(cells.origin + c @ cells.basis, axis=1) / np.sqrt(len(cells.origin))
    return np.abs(cells.distances(c)).min(axis=1) / (1 + size)


def test_roomy_points_are_never_worse(rng):
    """Room is weighed against the size of the point: the noise of an answer grows with it."""
    cells, _, _ = arrangement(rng, k=40)
    start = 3 * rng.standard_normal((30, 4))
    points, _ = cells.roomy(start)
    assert (score(cells, points) >= score(cells, start) * (1 - 1e-12)).all()


def test_the_middle_of_a_slab(rng):
    """Between two parallel hyperplanes the best point is half way."""
    cells = Arrangement(np.zeros(2), np.eye(2), np.array([[1.0, 0], [1, 0]]), np.array([1.0, -1]))
    points, room = cells.roomy(np.array([[0.999, 0.3], [-0.5, 0.0]]))
    np.testing.assert_allclose(room, 1, atol=0.2)
    assert (np.abs(points[:, 0]) < 0.2).all()


def test_no_hyperplanes_leave_all_the_room(rng):
    cells = Arrangement(np.zeros(3), np.eye(3), np.zeros((0, 3)), np.zeros(0))
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


def test_get_neurons_of_nothing():
    assert get_neurons(lambda x: np.zeros(len(x)), 3, rng=0).n_neurons == 0
    half = get_neurons(lambda x: np.column_stack([np.zeros(len(x)), np.abs(x[:, 0])]), 3, rng=0)
    assert half.n_neurons == 1
    assert not half.output_weights[0].any()
