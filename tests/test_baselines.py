"""Passive learners: what they promise, and that they are honest opponents."""

import numpy as np
import pytest

from relu_learn import InvalidArgument, ReluNetwork, baselines, gaussian_loss, zoo
from relu_learn.baselines import (
    METHODS,
    fit,
    fit_boosting,
    fit_random_features,
    fit_student,
    loss_curve,
)


@pytest.fixture
def examples(rng):
    secret = zoo.random_network(3, 5, rng=1)
    x = rng.standard_normal((300, 3))
    return secret, x, secret(x)


def relative_loss(secret, guess, rng):
    x = rng.standard_normal((4000, secret.dim))
    y = secret(x)
    return float(((guess(x) - y) ** 2).mean() / y.var())


# --------------------------------------------------------------------- student


def test_gradient_is_the_derivative_of_the_loss(rng):
    x, y = rng.standard_normal((40, 3)), rng.standard_normal((40, 2))
    student = baselines._Student(baselines._Examples(x, y), 4, rng, 0.01, None)
    rows = np.arange(40)

    def loss(theta):
        student.theta[:] = theta
        return (student.error(rows) ** 2).sum(axis=1).mean()

    theta = student.theta.copy()
    student._step(rows)
    numeric = [(loss(theta + 1e-6 * e) - loss(theta - 1e-6 * e)) / 2e-6 for e in np.eye(len(theta))]
    np.testing.assert_allclose(student.gradient, numeric, atol=1e-6)


def test_student_finds_a_single_neuron(rng):
    secret = ReluNetwork([[1.0, -2.0]], [0.3], [1.5])
    x = rng.standard_normal((400, 2))
    fitted = fit_student(x, secret(x), 3, rng=0, epochs=200)  # one alone may get stuck
    assert fitted.network is not None
    assert gaussian_loss(secret, fitted.network) < 1e-4


def test_wide_student_beats_a_line(examples, rng):
    secret, x, y = examples
    fitted = fit_student(x, y, 20, rng=0, epochs=150)
    assert relative_loss(secret, fitted, rng) < 0.01
    assert "20 neurons" in fitted.setting


# --------------------------------------------------------------------- features, trees


def test_random_features_learn(examples, rng):
    secret, x, y = examples
    assert relative_loss(secret, fit_random_features(x, y, rng=0), rng) < 0.02


def test_random_features_are_exact_on_affine_functions(rng):
    x = rng.standard_normal((50, 4))
    secret = zoo.random_network(4, 0, rng=1, skip=True)
    fitted = fit_random_features(x, secret(x), rng=0)
    fresh = rng.standard_normal((50, 4))
    np.testing.assert_allclose(fitted(fresh), secret(fresh), atol=1e-5)


@pytest.mark.parametrize(("n", "p"), [(30, 12), (12, 30)])
def test_ridge_solves_its_normal_equations(rng, n, p):
    a, y = rng.standard_normal((n, p)), rng.standard_normal((n, 2))
    ridge = 1e-2 * (a**2).sum() / min(n, p)
    expected = np.linalg.solve(a.T @ a + ridge * np.eye(p), a.T @ y)
    np.testing.assert_allclose(baselines._ridge(a, y)(1e-2), expected, atol=1e-10)


def test_boosting_learns(examples, rng):
    secret, x, y = examples
    fitted = fit_boosting(x, y, rng=0, iterations=60)
    assert relative_loss(secret, fitted, rng) < 0.3


# --------------------------------------------------------------------- all of them


def quick(method, x, y, neurons):
    if method == "boosting":
        return fit_boosting(x, y, rng=0, learning_rates=(0.2,), iterations=20)
    if method == "random features":
        return fit_random_features(x, y, rng=0, widths=[40])
    return fit_student(x, y, neurons, rng=0, epochs=200, learning_rates=(0.01,))


@pytest.mark.parametrize("method", ["student", "random features", "boosting"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_shapes_are_those_of_the_secret(method, outputs, rng):
    secret = zoo.random_network(4, 6, outputs, rng=2)
    x = rng.standard_normal((80, 4))
    fitted = quick(method, x, secret(x), 6)
    assert fitted.method == method
    assert fitted(x).shape == secret(x).shape
    assert np.isfinite(fitted.validation_loss) and method in repr(fitted)


@pytest.mark.parametrize("method", ["student", "random features", "boosting"])
def test_scales_do_not_matter(method, rng):
    secret = zoo.random_network(3, 4, rng=2)
    x = rng.standard_normal((100, 3))
    y = secret(x)
    plain = quick(method, x, y, 4)
    scaled = quick(method, x * [1e6, 1.0, 1e-6] + 5.0, 1e9 * y - 3e9, 4)
    difference = (scaled(x * [1e6, 1.0, 1e-6] + 5.0) + 3e9) / 1e9 - plain(x)
    # Not to rounding: shifting x costs digits, and training amplifies what is left.
    assert np.abs(difference).max() < 0.05 * y.std()


@pytest.mark.parametrize("method", ["student", "random features", "boosting"])
def test_constant_answers(method, rng):
    x = rng.standard_normal((60, 2))
    fitted = quick(method, x, np.full(60, 7.0), 3)
    np.testing.assert_allclose(fitted(x), 7.0, atol=0.5)


@pytest.mark.slow
def test_same_seed_same_student():
    secret = zoo.random_network(2, 3, rng=0)
    first = fit("student", secret, 2, 3, 50, rng=5)
    second = fit("student", secret, 2, 3, 50, rng=5)
    assert first.network == second.network
    assert first.method == "student"


def test_loss_curve_falls_with_examples():
    curve = loss_curve(zoo.random_network(2, 3, rng=0), [20, 400], "random features", rng=0)
    assert curve.losses[1] < 0.1 * curve.losses[0] and curve.losses[0] < 1.5
    assert curve.method == "random features" and list(curve.budgets) == [20, 400]


def test_queries_win():
    secret = zoo.random_network(10, 15, rng=0)
    learner = loss_curve(secret, [3, 200, 1000], "queries", rng=0)
    assert learner.losses[0] > 0.1 > 1e-18 > learner.losses[2]
    passive = loss_curve(secret, [1000], "random features", rng=0)
    assert passive.losses[0] > 1e-6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: fit_student(x[:, 0], x[:, 0], 3), "x must have shape"),
        (lambda x: fit_student(x, x[:5, 0], 3), "y must have shape"),
        (lambda x: fit_student(x[:4], x[:4, 0], 3), "at least 10 rows"),
        (lambda x: fit_student(x * np.nan, x[:, 0], 3), "finite"),
        (lambda x: fit_student(x, x[:, 0], 0), "neurons"),
        (lambda x: fit_student(x, x[:, 0], 3, epochs=0), "epochs"),
        (lambda x: fit_student(x, x[:, 0], 3, learning_rates=[-1.0]), "learning_rate"),
        (lambda x: fit_student(x, x[:, 0], 3, batch=0), "batch"),
        (lambda x: fit_random_features(x, x[:, 0], widths=[0]), "widths"),
        (lambda x: fit("svm", lambda q: q[:, 0], 2, 1, 50), "method"),
    ],
)
def test_bad_arguments(call, message, rng):
    with pytest.raises(InvalidArgument, match=message):
        call(rng.standard_normal((30, 2)))


def test_every_method_has_a_name_for_itself(rng):
    secret = zoo.random_network(2, 2, rng=0)
    for name in METHODS:
        if name not in ("boosting", "student"):  # slow to tune; the student: see above
            assert fit(name, secret, 2, 2, 40, rng=0).method == name
