"""GetGradient: exact on an affine piece, and steps that cross a hyperplane are noticed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_learn import InvalidArgument, Oracle, QueryBudgetExceeded, ReluNetwork, get_gradient, zoo
from relu_learn.core.basis import orthonormal_basis
from relu_learn.core.gradients import measure_rates, safe_step
from relu_learn.core.target import Target

pytestmark = pytest.mark.numerical


def room(secret, x):
    """Distance of x from the nearest critical hyperplane."""
    size = np.linalg.norm(secret.weights, axis=1)
    return (np.abs(secret.weights @ x - secret.biases) / size).min(initial=np.inf)


# --------------------------------------------------------------------- the paper's procedure


@given(st.integers(1, 12), st.integers(0, 8), st.integers(1, 3), st.integers(0, 10**6))
@settings(max_examples=40)
def test_exact_on_a_piece(d, k, m, seed):
    rng = np.random.default_rng(seed)
    secret = zoo.random_network(d, k, m, rng=seed, skip=True)
    x = rng.standard_normal(d)
    alpha = min(0.5 * room(secret, x), 1.0)
    gradient = get_gradient(secret, x, alpha, rng)
    assert gradient.shape == ((d,) if m == 1 else (m, d))
    size = 1 + np.abs(secret.weights).max(initial=0) + np.abs(secret(x)).max()
    np.testing.assert_allclose(gradient, secret.gradient(x), atol=1e-13 * d * size / alpha)


def test_it_costs_d_plus_one_queries(rng):
    oracle = Oracle(zoo.random_network(7, 3, rng=0), 7)
    x = rng.standard_normal(7)
    get_gradient(oracle, x)
    asked, _ = oracle.history()
    assert oracle.queries == 8
    np.testing.assert_array_equal(asked[-1], x)
    np.testing.assert_allclose(np.linalg.norm(asked[:-1] - x, axis=1), 1e-4, rtol=1e-9)


def test_a_hyperplane_in_the_ball_spoils_it():
    """The paper's condition matters: nothing else guards this procedure."""
    secret = ReluNetwork([[1.0, 0.0]], [0.0], [1.0])
    x = np.array([-0.1, 0.0])
    np.testing.assert_allclose(get_gradient(secret, x, 0.05, 0), [0, 0], atol=1e-12)
    assert np.abs(get_gradient(secret, x, 1.0, 0)).max() > 1e-3


def test_seeds_choose_the_directions(rng):
    secret, x = zoo.random_network(4, 3, rng=0), rng.standard_normal(4)
    asked = []
    for seed in (1, 1, 2):
        oracle = Oracle(secret, 4)
        get_gradient(oracle, x, rng=seed)
        asked.append(oracle.history()[0])
    np.testing.assert_array_equal(asked[0], asked[1])
    assert not np.allclose(asked[0], asked[2], rtol=0, atol=1e-9)


def test_a_budget_is_kept():
    oracle = Oracle(zoo.random_network(4, 3, rng=0), 4, max_queries=4)
    with pytest.raises(QueryBudgetExceeded):
        get_gradient(oracle, np.zeros(4))
    assert oracle.queries == 0


@pytest.mark.parametrize("x", [np.zeros((2, 2)), 1.0, [], [np.nan, 0], [np.inf, 0]])
def test_the_point_is_checked(x):
    with pytest.raises(InvalidArgument, match="x must be a finite vector"):
        get_gradient(lambda x: x[:, 0], x)


@pytest.mark.parametrize("alpha", [0, -1, np.nan, np.inf])
def test_the_radius_is_checked(alpha):
    with pytest.raises(InvalidArgument, match="alpha must be positive"):
        get_gradient(lambda x: x[:, 0], np.zeros(2), alpha)


# --------------------------------------------------------------------- its pieces


def test_safe_steps():
    assert safe_step(1.0, 0.0, 16) == 4 * safe_step(1.0, 0.0, 1)
    assert safe_step(2.0, 0.0, 9) == 2 * safe_step(1.0, 0.0, 9)
    assert safe_step(1.0, 100.0, 9) < safe_step(1.0, -1.0, 9) < safe_step(1.0, 0.0, 9)


def measured(secret, point, steps, rng, known=True):
    oracle = Oracle(secret, secret.dim)
    target = Target(oracle, np.ones(1))
    basis = orthonormal_basis(rng.standard_normal(secret.dim), rng)
    value = secret(point).reshape(-1) if known else None
    noise = np.full(secret.n_outputs, 1e-15)
    return basis.rows, oracle, measure_rates(target, point, value, basis, steps, noise, rng)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("m", [1, 3])
def test_rates_on_one_piece_cost_one_check(m, known, rng):
    secret = zoo.random_network(20, 5, m, rng=3)
    point = rng.standard_normal(20)
    steps = np.full(20, 0.2 * room(secret, point))
    basis, oracle, (value, rates, used) = measured(secret, point, steps, rng, known)
    assert oracle.queries == 20 + 1 + (not known)
    np.testing.assert_array_equal(used, steps)
    np.testing.assert_allclose(value, secret(point).reshape(-1), rtol=1e-14)
    true = basis @ secret.gradient(point).reshape(m, 20).T
    np.testing.assert_allclose(rates, true, atol=1e-13 / steps[0])


def test_the_step_is_never_larger_than_asked(rng):
    secret = zoo.random_network(30, 60, rng=4)
    point = rng.standard_normal(30)
    steps = np.full(30, 3 * room(secret, point))
    basis, oracle, (_, rates, used) = measured(secret, point, steps, rng)
    assert (np.abs(used) <= steps).all()
    true = basis @ secret.gradient(point)
    np.testing.assert_allclose(rates[:, 0], true, atol=1e-8)
