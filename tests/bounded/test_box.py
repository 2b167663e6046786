"""The box as a space: what is refused, and in whose coordinates things are told."""

from __future__ import annotations

import numpy as np
import pytest
from nets import Fenced, network_for

from relu_learn import (
    InvalidArgument,
    LearningFailed,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    Oracle,
    Trace,
    learn_from_queries,
    learn_steps,
    worst_error,
    zoo,
)
from relu_learn.bounded.box import Box
from relu_learn.core.basis import Basis
from relu_learn.telling import events as ev

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("seed", range(5))
def test_a_box_so_far_away_that_digits_are_lost(seed):
    """Right to what the answers hold, or an error; the result never claims more than it keeps."""
    low, high = 1e9, 1e9 + 1
    secret = network_for(low, high, 4, 8, np.random.default_rng(seed))
    try:
        result = learn_from_queries(Fenced(secret, low, high), 4, bounds=(low, high), rng=seed)
    except LearningFailed:
        return
    x = np.random.default_rng(seed).uniform(low, high, (10_000, 4))
    errors = np.abs(secret(x) - result.network(x))
    assert (errors > result.certificate.eta).mean() <= result.certificate.mass


def test_events_are_told_in_the_coordinates_of_the_box():
    low, high = np.array([10.0, -1.0, 0.0]), np.array([12.0, 1.0, 0.01])
    secret = network_for(low, high, 3, 8, np.random.default_rng(4))
    events = list(learn_steps(secret, 3, bounds=(low, high), rng=0))
    for event in events:
        for name in ("point", "points", "origin"):
            where = np.atleast_2d(getattr(event, name, low))
            assert ((low <= where) & (where <= high)).all()
        if isinstance(event, ev.LineDrawn):
            ends = event.origin + np.multiply.outer(event.t_range, event.direction)
            slack = 1e-12 * (high - low)
            assert ((low - slack <= ends) & (ends <= high + slack)).all()
        if isinstance(event, ev.CriticalPointFound):
            distances = (secret.weights @ event.point - secret.biases) / (high - low).max()
            assert np.abs(distances).min() < 1e-9
        if isinstance(event, ev.NeuronFound):  # its hyperplane is one of the secret's
            w = np.column_stack([secret.weights, -secret.biases])
            found = np.append(event.weights, -event.bias)
            cosine = np.abs(w @ found) / np.linalg.norm(w, axis=1) / np.linalg.norm(found)
            assert cosine.max() > 1 - 1e-12
    network = Trace(events).network_at(len(events) - 2)
    assert worst_error(secret, lambda x: network(x).ravel(), bounds=(low, high))[0] < 1e-9


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (3, "pair"),
        ((0, 1, 2), "pair"),
        (("a", 1), "pair"),
        ((1, 0), "low must be less than high"),
        ((0, 0), "low must be less than high"),
        ((1e6, 1e6 + 1e-6), "at least 1,048,576 floating-point numbers"),
        (([0, 1, 0, 0], [1, 1, 1, 1]), "coordinate 1"),
        (([0, 0], 1), "shape"),
        ((0, np.inf), "finite"),
        ((-np.inf, 1), "finite"),
        ((np.nan, 1), "finite"),
    ],
)
def test_bad_bounds(bounds, message):
    oracle = Oracle(zoo.random_network(4, 3, rng=0), 4)
    with pytest.raises(InvalidArgument, match=message):
        learn_from_queries(oracle, 4, bounds=bounds)
    assert oracle.queries == 0


def test_the_grid_method_leaves_the_box():
    with pytest.raises(InvalidArgument, match="grid"):
        learn_from_queries(zoo.tent(), 2, bounds=(0, 1), method="grid")


LOW, HIGH = np.array([10.0, -1.0, 0.0]), np.array([12.0, 1.0, 0.01])


def test_a_tilted_measure(rng):
    """Density exp(<tilt, x>): its means are coth(s) - 1/s, and corners are tilted, too."""
    tilt = np.array([0.0, 2.0, -50.0])
    x = Box((LOW, HIGH), 3).spread(80_000, rng, tilt)
    assert np.abs(x).max() <= 1
    corners = np.arange(len(x)) % 8 == 0
    means = [0, 1 / np.tanh(2) - 1 / 2, 1 / 50 - 1 / np.tanh(50)]
    np.testing.assert_allclose(x[~corners].mean(axis=0), means, atol=0.01)
    np.testing.assert_allclose((x[corners] > 0).mean(axis=0), 1 / (1 + np.exp(-tilt)), atol=0.02)


def test_points_are_within_the_cube(rng):
    box = Box((LOW, HIGH), 3)
    x = box.sample(1000, rng)
    for points in (x, box.spread(1000, rng), box.near(x, rng), box.candidates(1000, rng)):
        assert points.shape == (1000, 3) and np.abs(points).max() <= 1
        placed = box.place(points)
        assert ((placed >= LOW) & (placed <= HIGH)).all()
    corners = (np.abs(box.spread(1000, rng)) == 1).all(axis=1)
    assert corners.sum() == 125 and not (np.abs(x) == 1).any()


def test_near_a_corner_is_on_both_sides_of_what_cuts_it_off(rng):
    """A neuron that one corner in 200 meets: its neighbours must show it, on both sides."""
    box = Box((-1, 1), 64)
    w, corners = rng.standard_normal(64), box.spread(20_000, rng)[::2]
    bias = np.quantile(corners @ w, 0.995)
    met = corners[corners @ w > bias]
    active = (box.near(np.repeat(met, 20, axis=0), rng) @ w > bias).mean()
    assert 0.2 < active < 0.8


@pytest.mark.parametrize("bounds", [(1e6, 1e6 + 1), (-1e-3, 0.1), (0.1, 0.3), (-1e300, 1e300)])
def test_rounding_never_leaves_the_box(bounds, rng):
    box = Box(bounds, 4)
    x = np.concatenate([np.ones((1, 4)), -np.ones((1, 4)), box.sample(500, rng)])
    x = np.concatenate([x, x * (1 + 1e-12)])  # rounded outwards on the way
    placed = box.place(x)
    assert ((placed >= bounds[0]) & (placed <= bounds[1])).all()
    np.testing.assert_allclose(placed[0], np.full(4, bounds[1]), rtol=1e-15)
    np.testing.assert_allclose(placed[1], np.full(4, bounds[0]), rtol=1e-15)


def test_chords_end_at_the_walls(rng):
    box = Box((LOW, HIGH), 3)
    for through in (None, np.array([0.9, -0.2, 0.5])):
        line = box.line(rng, through)
        window = box.window(line)
        ends = line.at(np.array([window.low, window.high]))
        np.testing.assert_allclose(np.abs(ends).max(axis=1), 1)
        assert window.low < 0 < window.high and not window.cauchy
        if through is not None:
            np.testing.assert_array_equal(line.at(np.zeros(1))[0], through)


def test_room_and_faces_agree(rng):
    box, x = Box((LOW, HIGH), 3), rng.uniform(-1, 1, 3)
    normals, levels = box.faces(x, Basis.of(np.eye(3)))
    assert normals.shape == (6, 3)
    np.testing.assert_allclose(levels.min(), box.room(x[None])[0])
    c = rng.uniform(-0.1, 0.1, 3)
    np.testing.assert_allclose((normals @ c + levels).min(), box.room((x + c)[None])[0])


def test_networks_are_told_in_the_users_coordinates(rng):
    box = Box((LOW, HIGH), 3)
    for outputs in (1, 2):
        net = zoo.random_network(3, 5, outputs, rng=1, skip=True)
        x = box.sample(100, rng)
        told = box.told(net)
        np.testing.assert_allclose(told(box.place(x)), net(x), atol=1e-10)
        assert told.is_scalar == net.is_scalar


def test_events_add_up_to_the_network_that_is_told(rng):
    box, net = Box((LOW, HIGH), 3), zoo.random_network(3, 2, 2, rng=1, skip=True)
    head = {"queries": 1}
    line = box.line(rng)
    events = [
        ev.RunStarted(**head, dim=3, n_outputs=2, method="adaptive", noise=0.0),
        ev.LineDrawn(**head, origin=line.origin, direction=line.direction, t_range=[-1, 1]),
        ev.ResidualFitted(**head, skip=net.skip, offset=net.offset),
    ]
    for i in range(2):
        parts = {"weights": net.weights[i], "bias": net.biases[i], "t": 0.0}
        parts["output_weights"] = net.output_weights[:, i]
        events.append(ev.NeuronFound(**head, index=i, **parts))
    told = Trace(map(box.told, events))
    x = box.sample(100, rng)
    np.testing.assert_allclose(told.network_at(-1)(box.place(x)), net(x), atol=1e-10)
    t = np.array([-0.3, 0.4])
    drawn = told[1].origin + np.multiply.outer(t, told[1].direction)
    np.testing.assert_allclose(drawn, box.place(line.at(t)), rtol=1e-14)
    whole = box.told(ev.NetworkUpdated(**head, network=net))
    np.testing.assert_allclose(whole.network(box.place(x)), net(x), atol=1e-10)


def test_gradients_are_those_of_the_users_inputs(rng):
    box, net = Box((LOW, HIGH), 3), zoo.random_network(3, 4, 2, rng=1)
    x = box.sample(1, rng)[0]
    event = ev.GradientMeasured(queries=1, t=0.0, point=x, gradient=net.gradient(x), step=0.1)
    told = box.told(event)
    np.testing.assert_allclose(told.gradient, box.told(net).gradient(told.point), rtol=1e-12)


def test_witnesses_are_points_of_the_box():
    box, three = Box((LOW, HIGH), 3), np.array([[-1.0] * 3, [0.0] * 3, [1.0] * 3])
    expected = [LOW, (LOW + HIGH) / 2, HIGH]
    curved = box.told(NotPiecewiseLinear("curved", three))
    np.testing.assert_allclose(curved.witness, expected)
    deep = box.told(NotOneHiddenLayer("deep", three, three[::-1]))
    np.testing.assert_allclose(deep.witness, expected)
    np.testing.assert_allclose(deep.crease, expected[::-1])
    other = LearningFailed("no")
    assert box.told(other) is other


def test_the_oracle_of_the_cube_asks_inside_the_box(rng):
    asked = []

    def black_box(x):
        asked.append(x.copy())
        return x.sum(axis=1)

    box = Box((LOW, HIGH), 3)
    outside = Oracle(black_box, 3)
    oracle = box.asking(outside)
    x = box.sample(10, rng)
    np.testing.assert_allclose(oracle(x), box.place(x).sum(axis=1))
    point, steps = np.array([0.99, 0.0, -0.99]), np.array([0.01, 0.5, -0.01])
    answers = oracle.around(point, steps, np.eye(3), np.array([[0.0, 0.1, 0.0]]))
    points = np.concatenate([point + steps[:, None] * np.eye(3), [point + [0, 0.1, 0]]])
    np.testing.assert_allclose(answers, box.place(points).sum(axis=1))
    x = np.concatenate(asked)
    assert ((x >= LOW) & (x <= HIGH)).all()
    assert oracle.queries == outside.queries == len(x) == 14 and oracle.dim == 3
    with pytest.raises(AssertionError, match="left the box"):
        oracle(np.full((1, 3), 1.1))


def test_what_was_asked_is_told_in_the_cube(rng):
    box = Box(([0.0, 5.0], [2.0, 6.0]), 2)
    inside = box.asking(Oracle(zoo.random_network(2, 3, rng=0), 2))
    z = box.sample(20, rng)
    y = inside(z)
    asked, answers = inside.history()
    np.testing.assert_allclose(asked, z, atol=1e-14)
    np.testing.assert_array_equal(answers, y)


def test_own_points_lie_in_the_box(rng):
    box = Box((LOW, HIGH), 3)
    x = rng.uniform(LOW, HIGH, (5, 3))
    box.give(np.concatenate([x, [LOW, HIGH]]))
    np.testing.assert_allclose(box.place(box.own), [*x, LOW, HIGH], rtol=1e-14)
    assert np.abs(box.own[5:]).max() == pytest.approx(1)
    with pytest.raises(InvalidArgument, match="row 1 does not"):
        box.give([x[0], HIGH + 1e-3 * (HIGH - LOW)])


def test_batches_are_few_and_then_all():
    box = Box((0, 1), 2)
    assert [box.batches(n, 32) for n in (10, 32, 1000)] == [[10], [32], [32, 968]]
