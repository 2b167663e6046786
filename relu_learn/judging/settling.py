"""Settling: numbers whose last bits are open, from the answers, once all others are right.

Least squares over all parameters at once leaves each of them the errors of all others. Where nearly
all are known to the last bit, the few that are left are a problem of their own, and what a black
box has answered tells them down to its own rounding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relu_learn.network import ReluNetwork

Array = NDArray[np.float64]
# Rows of a table of activations at a time.
_ROWS = 20_000


def numbers_of(network: ReluNetwork) -> Array:
    """Weights, bias and output weights of each neuron, (k, d + 1 + m)."""
    outputs = np.atleast_2d(network.output_weights).T
    return np.hstack([network.weights, network.biases[:, None], outputs])


def network_of(rows: Array, like: ReluNetwork, offset: Array) -> ReluNetwork:
    """The network with these numbers, and all else as in another one."""
    weights, biases, outputs = np.split(rows, [like.dim, like.dim + 1], axis=1)
    outputs = outputs.T.reshape(like.output_weights.shape)
    return ReluNetwork(weights, biases[:, 0], outputs, like.skip, offset)


def settle(
    network: ReluNetwork, open_: NDArray[np.bool_], x: Array, y: Array
) -> tuple[Array, Array, Array, Array]:
    """Fit the numbers that are open, and the offset, to answers.

    Parameters
    ----------
    network : ReluNetwork
        Right but for the numbers that are open, which are nearly right.
    open_ : ndarray of bool, shape (k, d + 1 + m)
    x, y : ndarray of shape (n, d) and (n,) or (n, m)
        Questions and answers.

    Returns
    -------
    values, errors : ndarray of shape (q,)
        Of the q open numbers, and their standard deviations.
    offset, offset_errors : ndarray of shape (m,)
    """
    m, q = network.n_outputs, int(open_.sum())
    # Sums over columns that are orthogonal to a few parts in ten: the normal equations lose no
    # digit that matters. (Of the residuals, which are rounding, one digit is enough.)
    gram, moment, square, used = np.zeros((q + m, q + m)), np.zeros(q + m), 0.0, 0
    for start in range(0, len(x), _ROWS):
        part = slice(start, start + _ROWS)
        columns, off = _equations(network, open_, x[part], y[part])
        gram, moment = gram + columns.T @ columns, moment + columns.T @ off
        square, used = square + float(off @ off), used + len(off)
    size = np.sqrt(gram.diagonal())
    size[size == 0] = 1
    inverse = np.linalg.pinv(gram / np.outer(size, size), hermitian=True)
    step = inverse @ (moment / size)
    left = max(square - float(step @ (moment / size)), 0.0) / max(used - q - m, 1)
    errors = np.sqrt(left * inverse.diagonal()) / size
    errors[gram.diagonal() == 0] = np.inf  # no answer tells of it
    values = numbers_of(network)[open_] + (step / size)[:q]
    return values, errors[:q], np.ravel(network.offset) + (step / size)[q:], errors[q:]


def _equations(
    network: ReluNetwork, open_: NDArray[np.bool_], x: Array, y: Array
) -> tuple[Array, Array]:
    """What the answers (n m,) change by with each unknown (n m, q + m), and what they are off."""
    n, d, m = len(x), network.dim, network.n_outputs
    outputs = np.atleast_2d(network.output_weights)
    unit = 1 + np.linalg.norm(x, axis=1) / np.sqrt(d)  # an answer's rounding grows like this
    depth = x @ network.weights.T - network.biases
    columns = np.zeros((n, m, int(open_.sum()) + m))
    for place, (i, j) in enumerate(zip(*np.nonzero(open_), strict=True)):
        if j > d:
            columns[:, j - d - 1, place] = np.maximum(depth[:, i], 0)
        else:
            slope = (depth[:, i] > 0) * (x[:, j] if j < d else -1.0)
            columns[:, :, place] = slope[:, None] * outputs[:, i]
    columns[:, np.arange(m), np.arange(m) - m] = 1
    off = (y.reshape(n, m) - network(x).reshape(n, m)) / unit[:, None]
    return (columns / unit[:, None, None]).reshape(n * m, -1), off.ravel()
