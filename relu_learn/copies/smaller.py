"""Smaller networks from one that is known, with the exact Gaussian loss and without a test set.

For x ~ N(0, I) the loss is a quadratic form in the output weights, and its matrix, the moments of
the hidden neurons, is known in closed form. So leaving out a neuron *and* making up for it with
all others is one line of linear algebra: the Optimal Brain Surgeon [1]_, which elsewhere has to
estimate its Hessian from data, is exact here.

Reducing the rank of the hidden weights is a singular value decomposition: for Gaussian inputs
E |(W - W') x|^2 is the squared Frobenius norm of W - W', which it minimises (Eckart and Young,
1936).

References
----------
.. [1] B. Hassibi, D. G. Stork, "Second order derivatives for network pruning: Optimal Brain
   Surgeon", NIPS 1992.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from relu_learn.asking.errors import InvalidArgument
from relu_learn.judging.loss import gaussian_loss, second_moments
from relu_learn.network import ReluNetwork, normalised

Array = NDArray[np.float64]


def variance(network: ReluNetwork) -> float:
    """E |F - E F|^2 for x ~ N(0, I): the loss of the best constant, which losses are shares of."""
    normals, s, norms = normalised(network.weights, network.biases)
    means = norms * (np.exp(-s * s / 2) / math.sqrt(2 * math.pi) - s * ndtr(-s))
    constant = network.output_weights @ means + network.offset
    nothing = np.zeros((*network.offset.shape, 0))
    flat = ReluNetwork(np.zeros((0, network.dim)), [], nothing, None, constant)
    return gaussian_loss(network, flat)


def moments(network: ReluNetwork) -> Array:
    """E f f^T of the features f = (hidden neurons, 1, inputs) for x ~ N(0, I).

    Returns
    -------
    ndarray of shape (k + 1 + d, k + 1 + d)
    """
    n, s, norms = normalised(network.weights, network.biases)
    density, share = np.exp(-s * s / 2) / math.sqrt(2 * math.pi), ndtr(-s)
    # `second_moments` is for thresholds >= 0: others are turned, relu(z) = relu(-z) + z.
    turned = s < 0
    away, far = np.where(turned[:, None], -n, n), np.abs(s)
    gram, _ = second_moments(away @ away.T, far)
    means = density - far * ndtr(-far)
    mixed = (n @ away.T) * ndtr(-far) - np.outer(s, means)  # E z_i relu(z'_j)
    gram += turned[:, None] * mixed + (turned[:, None] * mixed).T
    gram += np.outer(turned, turned) * (n @ n.T + np.outer(s, s))
    k, d = n.shape
    every = np.eye(k + 1 + d)
    every[:k, :k] = gram * np.outer(norms, norms)
    every[:k, k] = every[k, :k] = norms * (density - s * share)
    every[:k, k + 1 :] = n * (norms * share)[:, None]
    every[k + 1 :, :k] = every[:k, k + 1 :].T
    return every


def pruned(network: ReluNetwork, affine: bool = False) -> Iterator[tuple[int, ReluNetwork]]:
    """Leave out neurons one by one, each time the one that costs least; refit the others exactly.

    Parameters
    ----------
    network : ReluNetwork
        Without dead or equal neurons (see `ReluNetwork.simplify`).
    affine : bool
        Whether a linear part may make up for them, too: d more numbers for each output.

    Yields
    ------
    neuron : int
        Which one of the network's was left out now.
    network : ReluNetwork
        What is left, down to no neuron at all.
    """
    k, d = network.n_neurons, network.dim
    head = network.offset.shape
    parts = [np.atleast_2d(network.output_weights), np.atleast_1d(network.offset)[:, None]]
    kept = np.arange(k + 1)
    if affine or network.has_skip:
        parts, kept = [*parts, np.atleast_2d(network.skip)], np.arange(k + 1 + d)
    outer = np.hstack(parts)
    inverse = np.linalg.inv(moments(network)[np.ix_(kept, kept)])
    for left in range(k - 1, -1, -1):
        # What the loss grows by if neuron i goes and all others make up for it.
        price = (outer**2).sum(axis=0) / np.diag(inverse)
        i = int(price[: left + 1].argmin())
        neuron = int(kept[i])
        pivot = inverse[i] / inverse[i, i]
        outer = np.delete(outer - np.outer(outer[:, i], pivot), i, axis=1)
        inverse = np.delete(np.delete(inverse - np.outer(inverse[:, i], pivot), i, 0), i, 1)
        kept = np.delete(kept, i)
        hidden = kept[:left]
        a, c, u = outer[:, :left], outer[:, left], outer[:, left + 1 :]
        skip = u.reshape(*head, d) if u.size else None
        w, b = network.weights[hidden], network.biases[hidden]
        yield neuron, ReluNetwork(w, b, a.reshape(*head, left), skip, c.reshape(head))


def of_rank(network: ReluNetwork, rank: int) -> ReluNetwork:
    """The hidden weights reduced to a rank, neurons that matter more kept closer.

    Parameters
    ----------
    network : ReluNetwork
    rank : int
        From 0 to min(k, d). F then depends on so many directions of the input only; k d weights
        become (k + d) rank.
    """
    if not 0 <= rank <= min(network.weights.shape):
        most = min(network.weights.shape)
        raise InvalidArgument(f"rank must be an integer from 0 to {most}, got {rank!r}")
    # relu(t z) = t relu(z): a neuron's size is moved to its output weight, and back.
    sizes = np.linalg.norm(np.atleast_2d(network.output_weights), axis=0)
    left, values, right = np.linalg.svd(network.weights * sizes[:, None], full_matrices=False)
    weights = (left[:, :rank] * values[:rank]) @ right[:rank] / sizes[:, None]
    return ReluNetwork(
        weights, network.biases, network.output_weights, network.skip, network.offset
    )
