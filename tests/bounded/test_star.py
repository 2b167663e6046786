"""Input bounds: not one query outside the box, and the network is recovered on it."""

from __future__ import annotations

import numpy as np
import pytest
from nets import Fenced, network_for
from runs import begun
from subset import mostly_slow

from relu_learn import (
    LearningFailed,
    LearnResult,
    Oracle,
    QueryBudgetExceeded,
    ReluNetwork,
    learn_from_queries,
    sampled_loss,
    worst_error,
    zoo,
)
from relu_learn.bounded.box import Box
from relu_learn.bounded.star import _chord

pytestmark = pytest.mark.numerical


def check(secret, low, high, seed: int, bound: float = 1e-9, **settings) -> LearnResult:
    """Learn within the box; every query inside, the function right on fresh points of the box."""
    fenced = Fenced(secret, low, high)
    oracle = Oracle(fenced, secret.dim)
    result = learn_from_queries(oracle, secret.dim, bounds=(low, high), rng=seed, **settings)
    asked, _ = oracle.history()
    assert ((low <= asked) & (asked <= high)).all()
    assert len(asked) == result.queries == fenced.asked
    worst, scale = worst_error(secret, result.network, bounds=(low, high), rng=seed)
    assert worst <= bound * scale, (seed, worst / scale)
    assert result.certificate.measure == "uniform-on-the-box"
    return result


# ------------------------------------------------------------------ recovery


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0)])
def test_random_networks(low, high, seed):
    secret = zoo.random_network(10, 15, rng=seed)
    result = check(secret, low, high, seed)
    assert result.network.n_neurons <= 15  # what does not cross the box is not there


@pytest.mark.parametrize("seed", range(3))
def test_the_digits_network_from_images(seed):
    result = check(zoo.digits(), 0.0, 1.0, seed)
    assert result.queries < 3500
    assert "uniform-on-the-box" in str(result.certificate)


@pytest.mark.parametrize(
    ("dim", "neurons", "outputs", "seed", "limit"),
    [(64, 32, 9, 4, 2200), (64, 32, 9, 6, 2200), (64, 32, 9, 5, 2500), (20, 20, 4, 7, 1300)],
)
def test_a_row_just_beyond_a_hyperplane(dim, neurons, outputs, seed, limit):
    """The chord through it crosses the hyperplane where there is no room to measure anything."""
    rng = np.random.default_rng(seed)
    plain = network_for(0.0, 1.0, dim, neurons, rng, outputs)
    row = rng.integers(0, 2, dim).astype(float)
    weights, biases = plain.weights.copy(), plain.biases.copy()
    size, ahead = np.linalg.norm(weights, axis=1), weights @ (row - 0.5)
    i = np.abs(ahead / size).argmax()
    weights[i] *= np.sign(ahead[i])
    biases[i] = weights[i] @ row - 1e-6 * size[i]
    secret = ReluNetwork(weights, biases, plain.output_weights, plain.skip, plain.offset)
    result = check(secret, 0.0, 1.0, seed, points=row[None])
    assert result.network.n_neurons == neurons and result.queries < limit
    assert result.points_error <= 1e-9 * result.scale


@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize("tilt", [1e-7, 2e-7])
def test_a_neuron_measured_badly_is_measured_again(tilt, outputs, rng):
    """F - F' has two kinks there, next to each other: not two more neurons."""
    secret = network_for(-1.0, 1.0, 20, 6, rng, outputs)
    run = begun(secret, 20, space=Box((-1.0, 1.0), 20))
    scale = run.answers.scale
    weights = secret.weights.copy()
    weights[2] += tilt * rng.standard_normal(20)
    run.known = ReluNetwork(
        weights,
        secret.biases,
        np.atleast_2d(secret.output_weights) / scale[:, None],
        np.atleast_2d(secret.skip) / scale[:, None],
        np.atleast_1d(secret.offset) / scale,
    )
    on = rng.uniform(-0.5, 0.5, 20)  # of its hyperplane
    on -= (secret.weights[2] @ on - secret.biases[2]) * (np.linalg.pinv(secret.weights[2:3])[:, 0])
    run.evidence.add(*(part[:40] for part in _answers(run, rng)))
    list(run.draw(line=run.space.line(rng, on)))
    list(_chord(run))
    x, y = _answers(run, rng)
    assert run.known.n_neurons == 6
    assert np.abs(run.known(x) - y).max() < 1e-10


def _answers(run, rng):
    """Points of the cube, and what is whitened of the answers there."""
    x = rng.uniform(-1, 1, (400, run.space.dim))
    return x, run.target(known=False)(x)


@pytest.mark.parametrize("name", zoo.names("picture"))
def test_pictures(name):
    check(zoo.get(name), -1.0, 1.0, seed=0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_box_far_from_the_origin(outputs, seed, rng):
    secret = network_for(100.0, 101.0, 5, 12, np.random.default_rng(seed), outputs)
    check(secret, 100.0, 101.0, seed, bound=1e-8)  # the answers are precise to 1e-13 only


@pytest.mark.parametrize("seed", range(4))
def test_widths_from_a_thousandth_to_a_thousand(seed):
    width = 10.0 ** np.linspace(-3, 3, 7)
    low, high = -0.3 * width, 0.7 * width
    secret = network_for(low, high, 7, 12, np.random.default_rng(seed))
    result = check(secret, low, high, seed)
    assert result.network.n_neurons == 12
    plain = zoo.random_network(7, 12, rng=seed)  # in the cube: nearly parallel hyperplanes
    check(plain, low, high, seed)


@pytest.mark.parametrize("seed", range(4))
def test_one_dimension(seed):
    secret = network_for(-2.0, 5.0, 1, 9, np.random.default_rng(seed))
    assert check(secret, -2.0, 5.0, seed).network.n_neurons == 9


@pytest.mark.parametrize("seed", range(3))
def test_a_tiny_box_where_the_network_is_affine(seed):
    secret = zoo.random_network(6, 10, rng=seed)
    low = np.full(6, 0.37)
    # Of the answers' 16 digits, 6 are the same everywhere in the box.
    result = check(secret, low, low + 1e-5, seed, bound=3e-9)
    assert result.network.n_neurons == 0
    assert result.network.has_skip


def test_constant_on_the_box_and_zero():
    assert check(zoo.constant(), 0.0, 1.0, seed=0).network.n_neurons == 0
    dead = ReluNetwork(np.eye(3), np.full(3, 9.0), np.ones(3))
    assert check(dead, 0.0, 1.0, seed=0).network.n_neurons == 0


@pytest.mark.parametrize("seed", mostly_slow(range(3)))
@pytest.mark.parametrize("relation", [{}, {"cancelling": True}, {"opposite": True}])
def test_near_parallel_pairs(relation, seed):
    for gap in (1e-2, 1e-5, 1e-8):
        secret = zoo.near_parallel(gap=gap, rng=seed, **relation)
        check(secret, -2.0, 2.0, seed, bound=1e-7)


@pytest.mark.parametrize("seed", mostly_slow(range(3)))
@pytest.mark.parametrize(
    "secret",
    [
        zoo.duplicates(),
        zoo.opposite_twins(),
        zoo.parallel_bundle(),
        zoo.hat(),
        zoo.staircase(),
        zoo.lattice(),
        zoo.through_origin(),
        zoo.dead_neurons(),
        zoo.scaled_outputs(),
        zoo.rank_one_outputs(),
        zoo.sparse_outputs(),
    ],
    ids=repr,
)
def test_hostile_networks(secret, seed):
    check(secret, -1.5, 2.0, seed, bound=1e-7)


def test_two_shallow_corners():
    """Neurons that cut off corners with a thousandth of the box: corners are tested, too."""
    corner = np.array([[1.0, 1, 1, 1], [-1, 1, -1, 1]])
    secret = ReluNetwork(corner, np.full(2, 3.3), np.array([1.0, -2.0]))
    assert check(secret, -1.0, 1.0, seed=0).network.n_neurons == 2


def test_polish_measures_again_inside_the_box():
    secret = network_for(0.0, 1.0, 12, 10, np.random.default_rng(0))
    rough = check(secret, 0.0, 1.0, seed=0)
    fine = check(secret, 0.0, 1.0, seed=0, polish=True)
    assert fine.queries > rough.queries
    errors = [worst_error(secret, r.network, bounds=(0, 1))[0] for r in (rough, fine)]
    assert max(errors) < 5e-14 * rough.scale


def test_queries_stay_a_small_multiple_of_the_parameters():
    secret = network_for(0.0, 1.0, 784, 16, np.random.default_rng(0))
    result = check(secret, 0.0, 1.0, seed=0)
    assert result.queries <= 1.6 * 17 * 785


# ------------------------------------------------------------------ imprecise answers


def test_noisy_and_rounded_answers_are_fitted_inside_the_box():
    secret = network_for(0.0, 1.0, 5, 6, np.random.default_rng(1))
    generator = np.random.default_rng(0)
    for black_box, noise in (
        (lambda x: secret(x) + 1e-3 * generator.standard_normal(len(x)), 1e-3),
        (lambda x: secret(x).round(3), 1e-3 / np.sqrt(12)),
    ):
        oracle = Oracle(Fenced(black_box, 0.0, 1.0), 5)
        result = learn_from_queries(oracle, 5, bounds=(0, 1), rng=0)
        loss = sampled_loss(secret, result.network, bounds=(0, 1), rng=0)
        assert np.sqrt(loss) <= 1.2 * noise


# ------------------------------------------------------------------ the books


def test_a_run_resumes_from_its_ledger(tmp_path):
    secret, path = zoo.random_network(4, 6, rng=0), tmp_path / "run.ledger"
    with (
        Oracle(Fenced(secret, 0.0, 1.0), 4, ledger=path, max_queries=200) as oracle,
        pytest.raises(QueryBudgetExceeded) as stopped,
    ):
        learn_from_queries(oracle, 4, bounds=(0, 1), rng=0)
    assert not stopped.value.partial.complete
    with Oracle(Fenced(secret, 0.0, 1.0), 4, ledger=path) as oracle:
        result = learn_from_queries(oracle, 4, bounds=(0, 1), rng=0)
        assert oracle.replayed > 100

    def silent(x):
        raise AssertionError("asked twice")

    with Oracle(silent, 4, ledger=path) as oracle:
        again = learn_from_queries(oracle, 4, bounds=(0, 1), rng=0)
        asked, _ = oracle.history()
    assert again.network == result.network
    assert ((asked >= 0) & (asked <= 1)).all()


def test_outside_the_class():
    def smooth(x):
        return np.tanh(x @ np.ones(x.shape[1]))

    def deep(x):
        first = np.maximum(x @ np.eye(3, 5) + np.linspace(-1, 0.5, 5), 0)
        hidden = np.maximum(first @ np.sin(np.arange(20.0)).reshape(5, 4) + 0.1, 0)
        return hidden @ np.array([1.0, -2.0, 1.5, 1.0])

    from relu_learn import NotOneHiddenLayer, NotPiecewiseLinear

    with pytest.raises(NotPiecewiseLinear) as error:
        learn_from_queries(Fenced(smooth, 0.0, 1.0), 3, bounds=(0, 1), rng=0)
    assert ((error.value.witness >= 0) & (error.value.witness <= 1)).all()
    with pytest.raises((NotOneHiddenLayer, LearningFailed)):
        learn_from_queries(Fenced(deep, -2.0, 2.0), 3, bounds=(-2, 2), rng=0)


@pytest.mark.parametrize("seed", [2, 12, 15, 21, 23, 36])
def test_chords_that_end_inside_a_bump(seed):
    """Each chord shows a part of the bumps, and only all of it makes the function better."""
    rng = np.random.default_rng([seed, 5])
    w = rng.standard_normal((2, 4))
    centers = 0.5 * w.sum(axis=1)[:, None]
    biases = (np.array([-0.02, 0, 0.02]) + centers).ravel()
    secret = ReluNetwork(np.repeat(w, 3, axis=0), biases, np.tile([50.0, -100.0, 50.0], 2))
    check(secret, 0.0, 1.0, seed)


def test_close_cancelling_pairs_survive_repairs():
    for seed in (2, 5, 14, 17, 34):
        secret = zoo.near_parallel(gap=1e-8, rng=seed, cancelling=True)
        result = check(secret, -2.0, 2.0, seed, bound=1e-7)
        # What they leave is hardly more than rounding: chord after chord is wasted on it.
        assert result.queries < 3000 and result.network.n_neurons < 30
