"""Random answers are averaged, and said to be random."""

from __future__ import annotations

import numpy as np
import pytest
from dirt import noisy, rms

from relu_learn import learn_from_queries, worst_error, zoo

pytestmark = pytest.mark.numerical


def test_noisy_answers_give_a_network_better_than_the_noise():
    secret = zoo.random_network(4, 5, rng=0)
    generator = np.random.default_rng(0)

    def noisy(x):
        return secret(x) + 1e-3 * generator.standard_normal(len(x))

    result = learn_from_queries(noisy, 4, rng=0)
    x = np.random.default_rng(1).standard_normal((10_000, 4))
    assert np.sqrt(np.mean((secret(x) - result.network(x)) ** 2)) < 1e-3
    assert result.noise > 1e-4


def test_noise_as_large_as_the_function_gives_an_honest_network():
    net = zoo.random_network(5, 4, rng=1)
    x = np.random.default_rng(9).standard_normal((4000, 5))
    sigma = float(net(x).std())
    result = learn_from_queries(noisy(net, sigma), 5, rng=0)
    error = np.abs(result.network(x) - net(x).reshape(-1, 1))
    assert np.sqrt((error**2).mean()) < sigma
    assert (error > result.certificate.eta).mean() <= result.certificate.mass


@pytest.mark.parametrize("level", [0.5, 1.0, 3.0])
def test_noise_as_large_as_the_function_is_averaged(level):
    """Not refused, and better than a single answer; the certificate knows that it is rough."""
    secret, rng = zoo.random_network(5, 6, rng=0), np.random.default_rng(1)
    _, scale = worst_error(secret, secret)
    noisy = lambda x: secret(x) + level * scale * rng.standard_normal(len(x))  # noqa: E731
    result = learn_from_queries(noisy, 5, rng=0)
    assert rms(secret, result.network, 5) < 0.6 * level * scale
    assert result.certificate.eta > level * scale


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "dirt",
    [
        lambda y, rng: np.round(y + 3e-3 * rng.standard_normal(y.shape), 2),
        lambda y, rng: np.floor(100 * y + rng.random(y.shape)) / 100,
        lambda y, rng: y * (1 + 1e-2 * rng.standard_normal(y.shape)),
    ],
    ids=["rounded noise", "stochastic rounding", "relative noise"],
)
def test_noise_of_other_shapes_is_noise(dirt, seed):
    secret, rng = zoo.random_network(10, 15, rng=seed), np.random.default_rng(seed)
    result = learn_from_queries(lambda x: dirt(secret(x), rng), 10, rng=seed)
    assert rms(secret, result.network, 10) < 0.03


def test_random_answers_are_said():
    """A dropout layer that was left on: what is learned is an average."""
    rng = np.random.default_rng(0)
    w, b, a = rng.standard_normal((24, 6)), rng.standard_normal(24), rng.standard_normal(24)

    def dropout(x):
        kept = rng.random((len(x), 24)) > 0.2
        return (np.maximum(x @ w.T - b, 0) * kept / 0.8) @ a

    with pytest.warns(UserWarning, match=r"random.*model\.eval"):
        result = learn_from_queries(dropout, 6, rng=0)
    assert result.random and "random" in repr(result)
    assert not learn_from_queries(zoo.random_network(3, 4, rng=0), 3, rng=0).random
