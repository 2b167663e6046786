"""Networks to be learned, the same ones in disguise, and how far apart two are."""

from __future__ import annotations

import numpy as np

from relu_learn import ReluNetwork, worst_error

EPS = np.finfo(float).eps


def make(dim, neurons, outputs=None, rng=0, skip=True, scale=1.0):
    """A random network; outputs=None makes a scalar one."""
    rng = np.random.default_rng(rng)
    head = () if outputs is None else (outputs,)
    return ReluNetwork(
        scale * rng.standard_normal((neurons, dim)) / np.sqrt(dim),
        scale * rng.standard_normal(neurons) / 2,
        rng.standard_normal((*head, neurons)),
        rng.standard_normal((*head, dim)) if skip else None,
        rng.standard_normal(head) if skip else 0.0,
    )


def filters(rng, k, d):
    """Weights (k, d) that are each 3 x 3, somewhere on a square image."""
    side = int(np.sqrt(d))
    images = np.zeros((k, side, side))
    for image, i, j in zip(images, *rng.integers(0, side - 2, (2, k)), strict=True):
        image[i : i + 3, j : j + 3] = rng.standard_normal((3, 3)) / 3
    return images.reshape(k, d)


def size_at(net, x):
    """Sum of the absolute values of all terms at x: what rounding errors are relative to."""
    a, u = np.abs(np.atleast_2d(net.output_weights)), np.abs(np.atleast_2d(net.skip))
    hidden = np.abs(x) @ np.abs(net.weights).T + np.abs(net.biases)
    return (hidden @ a.T + np.abs(x) @ u.T + np.abs(np.atleast_1d(net.offset))).max(axis=1)


def turn(net, subset):
    """The same function with the neurons of `subset` turned around."""
    sign = np.where(subset, -1.0, 1.0)
    a = net.output_weights[..., subset]
    return ReluNetwork(
        sign[:, None] * net.weights,
        sign * net.biases,
        net.output_weights,
        net.skip + a @ net.weights[subset],
        net.offset - a @ net.biases[subset],
    )


def assert_same_function(first, second, factor=64.0, rng=0):
    x = np.random.default_rng(rng).standard_normal((200, first.dim)) * 3
    error = np.abs((first(x) - second(x)).reshape(len(x), -1)).max(axis=1)
    bound = factor * EPS * np.maximum(size_at(first, x), size_at(second, x))
    assert (error <= bound).all(), (error / bound).max()


def disguise(net, rng, noise=0.0):
    """The same function: other order, scales and orientations."""
    turned, scale = rng.random(net.n_neurons) < 0.5, np.exp(2 * rng.standard_normal(net.n_neurons))
    sign, order = np.where(turned, -scale, scale), rng.permutation(net.n_neurons)
    a = net.output_weights[..., turned]
    weights = net.weights * (1 + noise * rng.standard_normal(net.weights.shape))
    return ReluNetwork(
        (sign[:, None] * weights)[order],
        (sign * net.biases)[order],
        (net.output_weights / scale)[..., order],
        net.skip + a @ net.weights[turned],
        net.offset - a @ net.biases[turned],
    )


def relative_error(secret, network) -> float:
    worst, scale = worst_error(secret, network)
    return worst / scale


def parameters(dim: int, neurons: int, outputs: int) -> int:
    mixing = outputs * neurons if outputs > 1 else 0
    return neurons * (dim + 1) + mixing + outputs * (dim + 1)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def network_for(low, high, dim: int, neurons: int, rng, outputs: int = 1) -> ReluNetwork:
    """A random network whose hyperplanes all cross the box."""
    half = np.broadcast_to(np.subtract(high, low), dim) / 2
    weights = rng.standard_normal((neurons, dim)) / half
    biases = (weights * rng.uniform(low, high, (neurons, dim))).sum(axis=1)
    shape = (outputs,) if outputs > 1 else ()
    return ReluNetwork(
        weights,
        biases,
        rng.standard_normal((*shape, neurons)),
        rng.standard_normal((*shape, dim)) / half,
        rng.standard_normal(shape),
    )


class Fenced:
    """A black box that validates its input, as real services do, and remembers it."""

    def __init__(self, secret, low, high) -> None:
        self.secret, self.low, self.high, self.asked = secret, low, high, 0

    def __call__(self, x):
        if not ((self.low <= x) & (x <= self.high)).all():
            raise ValueError("out of range")
        self.asked += len(x)
        return self.secret(x)


def hats(n, width, rng, dim=5, scale=1.0):
    """A function that is zero, up to rounding, but for n narrow bumps."""
    rng = np.random.default_rng(rng)
    w = rng.standard_normal((n, dim))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    t = rng.standard_normal(n)

    def f(x):
        z = x @ w.T - t
        bumps = np.maximum(z + width, 0) - 2 * np.maximum(z, 0) + np.maximum(z - width, 0)
        return scale * (bumps / width).sum(axis=1)

    return f
