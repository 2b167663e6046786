"""Find all neurons of a network behind probabilities from nothing, by stochastic gradients.

Gauss-Newton goes to the nearest minimum, which leaves out a neuron here and takes two for one
there. Stochastic gradients in the coordinates that the network was trained in, with twice as many
neurons, find where they are: to an angle of a thousandth, if each row tells of several classes.
Then those that no row switches are folded into the affine part, and those that are parallel are
one; Gauss-Newton finds their digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from relu_learn.imprecise.least_squares import one_thread
from relu_learn.imprecise.through_link import LinkedFit, Told, settle

Array = NDArray[np.float64]
Single = NDArray[np.float32]

# Steps with so many rows each; those that tell which coordinates are the network's. (On digits,
# 4,000 rows: the loss on others after a tenth of the steps is 0.2 in those, 0.5 to 0.7 in others.)
_STEPS, _TRIAL, _ROWS = 40_000, 4_000, 200
# First rate of Adam, which falls to 0 as a cosine; how fast it forgets gradients and their squares.
_RATE, _FORGETS, _SQUARES = 0.01, 0.1, 0.01
# A row counts as if log p might be off by so much, and pulls by no more than so many times that.
_BLUR, _PULL = 0.3, 10.0
# The share of each weight in its gradient: what is superfluous dies out. (Digits, 4,500 rows: the
# loss on others is 0.059 without, 0.063 with 1e-4, 0.049 with 1e-3, 0.055 with 3e-3, 0.090 with
# 1e-2; that of the true network is 0.037.)
_DECAY = 3e-3
# A neuron that so few rows switch is folded; at this cosine, two are one; and what does less than
# this to the mean square, if log p might be off by a tenth, is nothing. (Explained of others at the
# end, with 0.95, 0.995, 0.9995: raw iris 0.32, 0.76, 0.76, another 0.33, 0.74, 0.80, raw breast
# cancer 0.04, 0.86, 0.08, scaled digits always 1. The first and the last number are chosen: ten
# times more or less of the first is better on one iris and worse on the other.)
_RARE, _PARALLEL, _NOTHING = 0.002, 0.995, 3e-3
# The blurs of the fit that follows: before each, what has become parallel is one.
_DOWN = (0.1, 0.01, 0.0)


def afresh(
    told: Told,
    held: Told,
    axes: Sequence[Array],
    neurons: int,
    rng: np.random.Generator,
    hurry: Callable[[], bool] = bool,
) -> LinkedFit:
    """A network of so many neurons at first: many more than there are.

    Parameters
    ----------
    told, held : Told
        Rows to fit, and others.
    axes : sequence of ndarray of shape (d, d)
        Coordinates x @ axes that the network may have been trained in: the best on `held` is taken.
    neurons : int
    rng : Generator
    hurry : callable
        Whether no time is left.
    """

    def descend(way: Array, steps: int) -> LinkedFit:
        return _Descent(told, way, neurons, rng).run(steps, hurry)

    ways = list(axes)
    if len(ways) > 1:
        ways = [min(ways, key=lambda way: _loss(descend(way, _TRIAL), held))]
    fit = descend(ways[0], _STEPS)
    for blur in _DOWN:
        fit = settle(tidied(fit), (blur,), hurry)
    return fit


def tidied(fit: LinkedFit) -> LinkedFit:
    """Without neurons that (nearly) no row switches, or that do nothing, and with those that are
    parallel as one."""
    k, (hidden, c) = len(fit.hidden), (fit.hidden, fit.coefficients)
    length = np.linalg.norm(hidden, axis=1, keepdims=True)
    hidden, outputs, affine = hidden / length, c[:k] * length, c[k:].copy()
    share = fit.active.mean(axis=0)
    always, rest = share > 1 - _RARE, (share > _RARE) & (share < 1 - _RARE)
    affine += hidden[always].T @ outputs[always]
    hidden, outputs = hidden[rest], outputs[rest]
    kept, sums = np.empty((0, hidden.shape[1])), np.empty((0, outputs.shape[1]))
    for i in np.argsort(-np.linalg.norm(outputs, axis=1)):  # the strongest says where it is
        angle = kept @ hidden[i]
        if len(kept) and np.abs(angle).max() > _PARALLEL:
            j = np.abs(angle).argmax()
            sums[j] += outputs[i]
            if angle[j] < 0:  # relu(-z) = relu(z) - z
                affine += np.outer(hidden[i], outputs[i])
        else:
            kept = np.concatenate([kept, hidden[i : i + 1]])
            sums = np.concatenate([sums, outputs[i : i + 1]])
    fit = LinkedFit(fit.told, kept, np.concatenate([sums, affine]), _DOWN[0])
    while len(fit.hidden):
        worth = fit.worth() / len(fit.told.x)
        if worth.min() > _NOTHING:
            break
        less = fit.without(int(worth.argmin()))
        fit = LinkedFit(less.told, less.hidden, less.coefficients, _DOWN[0])
    return LinkedFit(fit.told, fit.hidden, fit.coefficients, 0.0)


def _loss(fit: LinkedFit, held: Told) -> float:
    return LinkedFit(held, fit.hidden, fit.coefficients, _BLUR).loss


class _Descent:
    """Adam, in single precision, of networks without skip connection."""

    def __init__(self, told: Told, axes: Array, neurons: int, rng: np.random.Generator) -> None:
        d, m = len(axes), told.odds.shape[2]
        self.told, self.rng = told, rng
        self.axes = axes * np.sqrt(d / np.trace(axes.T @ axes))
        x = told.x[:, :-1] @ self.axes
        self.x = _single(np.column_stack([x, np.ones(len(x))]))
        n = len(x)
        lost = np.maximum(4 * told.doubt - told.parts, 0)
        with np.errstate(divide="ignore"):
            self.lost, self.log = _single(np.log(lost)), _single(np.log(told.parts + lost))
        self.weight = _single(1 / np.maximum(told.unit, _BLUR))
        self.odds = _single(told.odds)
        self.theta: Single = np.empty(neurons * (d + 1 + m) + m, np.float32)
        self.change = np.zeros_like(self.theta)
        self.hidden, self.outputs, self.offset = self._parts(self.theta)
        normals = rng.standard_normal((neurons, d))
        through = x[rng.integers(n, size=neurons)]
        self.hidden[:, :-1], self.hidden[:, -1] = normals, -(normals * through).sum(axis=1) / 2
        self.hidden /= np.linalg.norm(self.hidden, axis=1, keepdims=True)
        self.outputs[:] = rng.standard_normal((neurons, m)) / np.sqrt(neurons)
        self.offset[:] = 0

    def _parts(self, theta: Single) -> tuple[Single, Single, Single]:
        d1, m = self.x.shape[1], self.odds.shape[2]
        k = (len(theta) - m) // (d1 + m)
        first, second = theta[: k * d1], theta[k * d1 : -m]
        return first.reshape(k, d1), second.reshape(k, m), theta[-m:]

    @one_thread
    def run(self, steps: int, hurry: Callable[[], bool]) -> LinkedFit:
        mean, square = np.zeros_like(self.theta), np.zeros_like(self.theta)
        parts, n = self._parts(self.change), len(self.x)
        each = max(1, n // _ROWS)
        for t in range(steps):
            if t % each == 0:
                order = self.rng.permutation(n)
                if hurry():
                    break
            self._gradient(order[t % each :: each], parts)
            self.change += np.float32(_DECAY) * self.theta
            mean += np.float32(_FORGETS) * (self.change - mean)
            square += np.float32(_SQUARES) * (self.change**2 - square)
            rate = np.float32(_RATE / 2 * (1 + np.cos(np.pi * t / steps)))
            self.theta -= rate * mean / (np.sqrt(square) + np.float32(1e-8))
        hidden = self.hidden.astype(float)
        hidden[:, :-1] = hidden[:, :-1] @ self.axes.T
        d, m = len(self.axes), len(self.offset)
        c = np.concatenate([self.outputs, np.zeros((d, m)), self.offset[None]]).astype(float)
        return LinkedFit(self.told, hidden, c, 0.0)

    def _gradient(self, rows: NDArray[np.intp], into: tuple[Single, Single, Single]) -> None:
        """Of half the mean square of the residuals of some rows, each of which pulls so much."""
        x, weight, lost = self.x[rows], self.weight[rows], self.lost[rows]
        h = np.maximum(x @ self.hidden.T, 0)
        z = h @ self.outputs + self.offset
        log = np.tensordot(z, self.odds, (1, 2))
        log -= log.max(axis=2, keepdims=True)
        log -= np.log(np.exp(log).sum(axis=2, keepdims=True))
        told = np.logaddexp(log, lost)
        pull = (told - self.log[rows]) * weight**2 * np.exp(log - told)
        np.clip(pull, -_PULL, _PULL, out=pull)
        pull -= np.exp(log) * pull.sum(axis=2, keepdims=True)
        back = np.tensordot(pull, self.odds, 2) / np.float32(len(rows))
        hidden, outputs, offset = into
        np.matmul(h.T, back, out=outputs)
        back.sum(axis=0, out=offset)
        np.matmul(((back @ self.outputs.T) * (h > 0)).T, x, out=hidden)


def _single(a: Array) -> Single:
    return a.astype(np.float32)
