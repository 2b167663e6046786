"""Black boxes that answer imprecisely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from relu_learn.imprecise.kind import estimate_noise
from relu_learn.network import ReluNetwork

Ask = Callable[[np.ndarray], np.ndarray]


def single(net: ReluNetwork) -> Ask:
    """The network as it would run in float32."""
    w, b, a, u, c = (
        v.astype(np.float32)
        for v in (net.weights, net.biases, np.atleast_2d(net.output_weights), net.skip, net.offset)
    )

    def ask(x: np.ndarray) -> np.ndarray:
        x = x.astype(np.float32)
        return np.maximum(x @ w.T - b, np.float32(0)) @ a.T + (x @ np.atleast_2d(u).T + c)

    return ask


def noisy(net: ReluNetwork, sigma: float, seed: int = 0) -> Ask:
    rng = np.random.default_rng(1000 + seed)  # not the stream that points are drawn from
    return lambda x: (y := net(x).reshape(len(x), -1)) + sigma * rng.standard_normal(y.shape)


class Noise:
    """Gaussian noise that depends on the question and on how often it was asked, not on what else
    was asked: two runs that ask the same in another order hear the same."""

    def __init__(self) -> None:
        self.asked = Counter[bytes]()

    def __call__(self, x: np.ndarray, m: int) -> np.ndarray:
        """(n, m) for questions (n, d)."""
        drawn = []
        for key in map(bytes, x):
            self.asked[key] += 1
            seed = [1000, self.asked[key], *np.frombuffer(key, np.uint32)]
            drawn.append(np.random.default_rng(seed).standard_normal(m))
        return np.array(drawn).reshape(len(x), m)


def noisy_alike(net: ReluNetwork, sigma: float) -> Ask:
    noise = Noise()
    return lambda x: (y := net(x).reshape(len(x), -1)) + sigma * noise(x, y.shape[1])


def rounded(net: ReluNetwork, decimals: int) -> Ask:
    return lambda x: net(x).reshape(len(x), -1).round(decimals)


def estimate(ask: Ask, dim: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return estimate_noise(ask, rng.standard_normal(dim), rng.standard_normal(dim), rng)


def rms(secret, network, dim: int) -> float:
    x = np.random.default_rng(77).standard_normal((10_000, dim))
    return float(np.sqrt(np.mean((network(x) - secret(x)) ** 2)))
